"""The benchmark measures, tells what it can't measure, and judges by the figures alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import bars, examine_ray, machine, report, results
from bench.__main__ import MEASUREMENTS, ORDER
from bench.measure import Sample
from bench.results import Comparison, Outcome, Row, Section

ROOT = Path(__file__).parents[2]
KEPT = [ROOT / name for name in machine.RESULTS]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def contents() -> list[bytes | None]:
    return [path.read_bytes() if path.exists() else None for path in KEPT]


def section(name: str = "collect-20000", **more: Any) -> Section:
    taken = {
        "commit": "0" * 40,
        "date": "2026-01-01 00:00 UTC",
        "dirty": True,
        "floor": 20_000_000,
        "load": 0.1,
        "machine": {"kernel": "Linux 6"},
        "rounds": 1,
        "tools": ["openssl 3"],
    }
    rows = [Row("ours", "holdfast x", 1.0, 2.0, 50_000_000, "10 MB/s", [{"wall": 1.0}])]
    return Section(name, "made up", rows, taken=taken, **more)


def test_a_small_run_measures_beside_the_peer_and_keeps_nothing(tmp_path: Path) -> None:
    before = contents()
    done = bench("collect-20000", "--small", "--json", "--work", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert contents() == before
    assert list(tmp_path.iterdir()) == []
    (told,) = json.loads(done.stdout)
    one = Section.load(told)
    assert one.as_json() == told
    assert one.name == "collect-20000"
    names = [row.side for row in one.rows]
    assert names[0] == "holdfast, plain"
    assert names[-1] == "holdfast, sealed"
    for row in one.rows:
        assert len(row.runs) == 1
        assert row.wall > 0
        assert row.cpu > 0
        assert row.rss > 0
    assert set(one.bars) == {"collect-20000-peer", "collect-20000-rate"}
    # Without hashdeep the comparison is left out, and says so.
    assert bool(one.comparisons) == (one.bars["collect-20000-peer"].met is not None)
    assert bool(one.comparisons) == ("NOT MEASURED" not in " ".join(one.notes))
    text = report.section_text(one)
    assert "| holdfast collect files (plain vault) " in text
    assert str(tmp_path) not in json.dumps(told)
    assert str(ROOT) not in json.dumps(told)


def test_refuses_a_measurement_it_does_not_have() -> None:
    refused = bench("nonsense")
    assert refused.returncode == 2
    assert "collect-1gib" in refused.stderr


def test_counts_the_work_of_what_a_command_leaves_behind(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    script = (
        "import sys, pathlib\n"
        "from bench.process import adopt_orphans, run\n"
        "adopt_orphans()\n"
        "command = ['sh', '-c', '\"$0\" -c \"$1\" & ', sys.executable, sys.argv[1]]\n"
        "print(run(command, pathlib.Path(sys.argv[2]), {}).cpu)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, burn, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert float(done.stdout) >= 0.29


def samples(*walls: float) -> list[Sample]:
    return [Sample(wall, wall, 1) for wall in walls]


def test_a_ratio_pairs_the_runs_of_one_round() -> None:
    taken = {"ours": samples(1, 2, 4), "peer": samples(2, 2, 12)}
    compared = results.compare(taken, "ours", "peer")
    assert compared is not None
    assert compared.pairwise == 2.0  # of 2, 1, 3
    assert compared.medians == 1.0  # 2 by 2
    assert results.compare(taken, "ours", "absent") is None


def test_for_each_core_our_time_counts_once_a_core() -> None:
    compared = results.compare({"a": samples(1), "b": samples(3)}, "a", "b", cores=2)
    assert compared is not None
    assert compared.medians == 1.5


@pytest.mark.parametrize(
    ("pairwise", "medians", "beyond", "met"),
    [(1.0, 1.0, False, True), (1.0, 1.0, True, False), (1.2, 0.99, False, False)],
)
def test_a_bar_is_met_when_both_ratios_meet_it(
    *, pairwise: float, medians: float, beyond: bool, met: bool
) -> None:
    compared = Comparison("ours", "peer", pairwise, medians)
    assert bars.by_ratio(compared, 1, missing="", beyond=beyond).met is met


def test_a_bar_without_its_peer_is_not_measured() -> None:
    assert bars.by_ratio(None, 1, missing="get it") == Outcome(None, "get it")


def test_the_document_lists_every_bar_and_counts_them(tmp_path: Path) -> None:
    kept = {
        "collect-20000": section(
            bars={
                "collect-20000-peer": Outcome(None, "hashdeep is not installed"),
                "collect-20000-rate": Outcome(met=True, figure="2,500 files/s"),
            },
            comparisons=[Comparison("ours", "peer", 1.5, 1.25)],
        ),
        "append": section(
            "append", bars={"append-rate": Outcome(met=False, figure="1,999 entries/s")}
        ),
    }
    path = tmp_path / "results.json"
    results.save(path, kept)
    again = results.load(path)
    assert again == kept
    text = report.document(again, ORDER)
    for bar in bars.BARS.values():
        assert f"| {bar} " in text
    assert f"## The bars: 1 met, 1 not met, {len(bars.BARS) - 2} not measured" in text
    assert "commit 000000000000 with uncommitted changes, 1 round," in text
    assert text.index("## collect-20000") < text.index("## append")


def test_a_reading_below_the_benchmarks_own_size_is_shown_as_such() -> None:
    small = Row("p", "peer", 1.0, 1.0, 19_000_000, "", [])
    one = section()
    one.rows.append(small)
    assert "| < 20 " in report.section_text(one)


def test_results_name_sections_that_have_a_place() -> None:
    for name in results.load(KEPT[0].with_name("results.json")):
        assert name in ORDER
    assert {name.partition("-1000")[0] for name in ORDER} == set(MEASUREMENTS)
    assert all(module.DISK > 0 for module in MEASUREMENTS.values()), "bytes that it needs"


def test_the_reference_names_every_measurement() -> None:
    page = (ROOT / "docs/reference/benchmarks.md").read_text("utf-8")
    for name in MEASUREMENTS:
        assert f"| `{name}` |" in page


def test_the_kept_tables_are_those_the_results_give() -> None:
    document, kept = KEPT
    if not kept.exists():
        pytest.skip("nothing was measured yet")
    assert document.read_text("utf-8") == report.document(results.load(kept), ORDER)


def test_the_how_to_shows_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its table is written by the measurement; by hand it could say anything."""
    kept = results.load(ROOT / "bench" / "results.json").get(examine_ray.NAME)
    text = examine_ray.HOW_TO.read_text("utf-8")
    shown = text.partition(examine_ray.BEGIN)[2].partition(examine_ray.END)[0]
    if kept is None or not kept.rows:
        assert shown == "Not measured yet: `./dev bench examine-ray`.\n"
    else:
        assert shown == f"{examine_ray.how_to(kept)}\n"
    copy = tmp_path / "how-to.md"
    copy.write_text(text, "utf-8")
    monkeypatch.setattr(examine_ray, "HOW_TO", copy)
    for rate in ("10 items/s", "20 items/s"):
        made = section(examine_ray.NAME, facts=[f"one worker {rate}"])
        examine_ray.write_how_to(made)
        now = copy.read_text("utf-8")
        assert now == text.replace(shown, f"{examine_ray.how_to(made)}\n")
        assert f"one worker {rate}" in now
