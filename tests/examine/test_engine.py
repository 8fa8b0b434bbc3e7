"""Promises 4, 5, 6 and 8 over whole examinations, with parsers that do harm on purpose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.core.errors import InputError
from holdfast.examine import results
from holdfast.examine.limits import Limits
from holdfast.examine.records import record_digest
from holdfast.examine.run import Died, Examined, Input, Unread, examine
from holdfast.examine.timeline import records
from tests.examine.conftest import QUICK, TOYS, Bench, box


def rows(bench: Bench, item: Input, kind: str) -> list[dict[str, object]]:
    return list(records(bench.derived, [item.item], kind=kind))


def digest(derived: Path, inputs: list[Input]) -> str:
    items = [source.item for source in inputs]
    return record_digest(dataset.path for dataset in results.datasets(derived, items))


def test_a_record_cites_its_source(bench: Bench) -> None:
    """Promise 5: item digest, path inside, byte range or row, parser and version."""
    inner = box([("deep/file.txt", b"LINES\n5 hello\n")])
    item = bench.item(box([("first.box", inner)]))
    bench.examine(item)
    (row,) = rows(bench, item, "toy.line")
    assert row == {
        "item": item.item, "path": "first.box/deep/file.txt", "parser": "toy_lines",
        "parser_version": 1, "kind": "toy.line", "seq": 0, "time": 5, "time_nanos": None,
        "time_meaning": "written",
        "time_quality": None, "time_original": None, "host": None, "user": None,
        "message": "hello", "offset": 6, "length": 8, "row": 2, "title": "line 2", "seen_time": 5,
        "tags": ["hello"], "odd": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("segfault", "the worker died of SIGSEGV"),
        ("exit", "the worker ended by itself (status 3)"),
        ("hang", "time limit of 2 seconds"),
    ],
)
def test_a_worker_that_dies_costs_one_record(bench: Bench, harm: str, reason: str) -> None:
    """Promise 8: one that dies costs one record."""
    bad = bench.item(box([
        ("a", b"LINES\n1 before\n"), ("bad", f"LINES\n2 kept\n!{harm}\n x@example.org".encode()),
        ("b", b"LINES\n3 after\n"),
    ]))  # fmt: skip
    good = bench.item(b"LINES\n4 other item\n")
    summary = bench.examine(bad, good)
    assert (summary.examined, summary.deaths, summary.failures) == (2, 1, 1)
    assert [row["message"] for row in rows(bench, bad, "toy.line")] == ["before", "after"]
    (failure,) = rows(bench, bad, "failure")
    assert (failure["path"], failure["parser"], failure["reason"]) == ("bad", "toy_lines", reason)
    assert [row["path"] for row in rows(bench, bad, "indicator")] == ["", "bad"]
    assert [row["message"] for row in rows(bench, good, "toy.line")] == ["other item"]
    (death,) = [event for event in bench.events if isinstance(event, Died)]
    assert (death.item, death.file, death.module) == (bad.item, 2, "parser:toy_lines")


def test_many_deaths_in_one_item_cost_one_record_each(bench: Bench) -> None:
    members = [(f"m{n}", b"LINES\n!segfault\n" if n % 2 else b"LINES\n1 x\n") for n in range(10)]
    item = bench.item(box(members))
    assert bench.examine(item).deaths == 5
    assert [row["path"] for row in rows(bench, item, "failure")] == [
        f"m{n}" for n in range(1, 10, 2)
    ]
    assert len(rows(bench, item, "toy.line")) == 5


def test_a_parser_that_kills_too_many_workers_is_kept_from_the_item(bench: Bench) -> None:
    item = bench.item(box([(f"m{n}", b"LINES\n!exit\n") for n in range(5)]))
    limits = Limits(seconds=2, deaths=3, memory=1 << 30)
    assert bench.examine(item, limits=limits).deaths == 3
    failures = rows(bench, item, "failure")
    assert [row["path"] for row in failures] == ["", "m0", "m1", "m2", "m3", "m4"]
    assert "given up after 3 workers died" in str(failures[-1]["reason"])


def _children() -> set[int]:
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def test_a_worker_killed_from_outside_is_replaced(bench: Bench) -> None:
    victims: list[int] = []
    others = _children()  # such as the database server of other tests

    def kill(event: object) -> None:
        if isinstance(event, Examined) and not victims:
            victims.extend(_children() - others)
            os.kill(victims[0], signal.SIGKILL)

    inputs = [bench.item(f"LINES\n{n} x\n".encode()) for n in range(30)]
    summary = examine(inputs, bench.derived, on_event=kill, limits=QUICK, plugins=("toy_lines",),
                      only=("toy_lines",))  # fmt: skip
    assert victims
    assert summary.examined == 30
    assert summary.records + summary.failures == 30
    assert summary.failures <= 1


def test_an_exception_fails_the_file_and_keeps_what_came_before(bench: Bench) -> None:
    item = bench.item(b"LINES\n1 kept\n!raise\n2 lost\n")
    bench.examine(item)
    assert [row["message"] for row in rows(bench, item, "toy.line")] == ["kept"]
    (failure,) = rows(bench, item, "failure")
    assert failure["message"] == r"ValueError: bad \x1b[2J thing"
    assert failure["reason"] == "ValueError"


def test_a_match_that_raises_and_a_finder_that_raises_are_failures(bench: Bench) -> None:
    first, second = bench.item(b"BADMATCH"), bench.item(b"NOFIND")
    bench.examine(first, second)
    assert [(r["parser"], r["reason"]) for r in rows(bench, first, "failure")] == [
        ("toy_lines", "KeyError")
    ]
    assert [(r["parser"], r["reason"]) for r in rows(bench, second, "failure")] == [
        ("toy_words", "RuntimeError")
    ]


def test_a_record_that_can_not_be_stored_is_a_failure_and_the_file_goes_on(bench: Bench) -> None:
    item = bench.item(b"LINES\n!huge\n!wrong\n1 \xff\xfe after\n")
    bench.examine(item)
    assert [row["message"] for row in rows(bench, item, "toy.line")] == [r"\udcff\udcfe after"]
    assert [row["message"] for row in rows(bench, item, "failure")] == [
        "toy.line: column time holds no number beyond 64 bits",
        "toy.line: column message holds no bytes",
    ]
    both = [*rows(bench, item, "toy.line"), *rows(bench, item, "failure")]
    assert sorted(str(row["seq"]) for row in both) == ["0", "1", "2"]


def seen(bench: Bench, item: Input) -> list[dict[str, object]]:
    now = results.current(bench.derived, item.item)
    assert now is not None
    return list(results.seen(bench.derived, now))


@pytest.mark.parametrize(
    ("limits", "reason", "files"),
    [
        (Limits(depth=2), "depth limit of 2", 4),
        (Limits(members=3), "member limit of 3", 4),
        (Limits(bytes=100), "limit of 100 unfolded bytes", 6),
    ],
)
def test_limits_on_unfolding_are_recorded_failures(
    bench: Bench, limits: Limits, reason: str, files: int
) -> None:
    inner = box([("c", b"LINES\n1 x\n"), ("d", b"LINES\n1 y\n")])
    item = bench.item(box([("a", box([("b", inner)])), ("e", b"LINES\n2 z\n" + bytes(100))]))
    bench.examine(item, limits=limits)
    assert reason in {row["reason"] for row in rows(bench, item, "failure")}
    assert len(seen(bench, item)) == files


def test_a_torn_container_keeps_its_members_and_says_that_it_is_torn(bench: Bench) -> None:
    raised = bench.item(box([("a", b"LINES\n1 x\n")], tail=b"!raise\n"))
    killed = bench.item(box([("a", b"LINES\n1 x\n"), ("b", b"LINES\n2 y\n")], tail=b"!segfault\n"))
    torn = bench.item(box([("a.torn", b"LINES\n1 x\n"), ("b", b"LINES\n2 y\n")]))
    bench.examine(raised, killed, torn)
    assert [row["message"] for row in rows(bench, raised, "toy.line")] == ["x"]
    assert [row["message"] for row in rows(bench, raised, "failure")] == [
        "toy_box: ValueError: torn box"
    ]
    assert [row["message"] for row in rows(bench, killed, "toy.line")] == ["x", "y"]
    assert [row["reason"] for row in rows(bench, killed, "failure")] == [
        "the worker died of SIGSEGV"
    ]
    assert [row["message"] for row in rows(bench, torn, "toy.line")] == ["y"]
    assert [row["path"] for row in rows(bench, torn, "failure")] == ["a.torn"]
    assert [row["size"] for row in seen(bench, torn)][1:] == [4, 10]


def test_names_that_a_container_repeats_stay_apart(bench: Bench) -> None:
    item = bench.item(box([("a", b"LINES\n1 x\n")] * 3 + [("a#2", b"LINES\n1 x\n"), ("", b"1")]))
    bench.examine(item)
    paths = [row["path"] for row in seen(bench, item)]
    assert len(set(paths)) == len(paths) == 6


def test_many_members_and_outcomes_are_listed_in_files(bench: Bench) -> None:
    item = bench.item(box([(f"m{n:03}", b"LINES\n1 x\n") for n in range(200)]))
    bench.examine(item)
    assert [row["path"] for row in seen(bench, item)] == ["", *(f"m{n:03}" for n in range(200))]
    now = results.current(bench.derived, item.item)
    assert now is not None
    assert "files.parquet" in now.enumeration.files
    result = now.modules["parser:toy_lines"]
    assert "outcomes.jsonl" in result.files
    assert [line["file"] for line in results.outcomes(bench.derived, now, result)] == [
        *range(1, 201)
    ]


def corpus(bench: Bench) -> list[Input]:
    plain = [bench.item(f"LINES\n{n} item {n} a@example.org\n".encode()) for n in range(40)]
    boxes = [bench.item(box([(f"m{m}", f"LINES\n{n} {m}\n".encode()) for m in range(n * 7)]))
             for n in range(1, 5)]  # fmt: skip
    bad = [
        bench.item(b"LINES\n1 x\n!segfault\n"),
        bench.item(b"LINES\n!raise\n"),
        bench.item(b"\0"),
    ]
    return [*plain, *boxes, *bad]


def test_one_worker_and_four_give_the_same_bytes(bench: Bench, tmp_path: Path) -> None:
    """Promise 4: rebuilt identically."""
    inputs = corpus(bench)
    bench.examine(*inputs, jobs=1)
    bench.examine(*reversed(inputs), jobs=4, derived=tmp_path / "other")
    assert digest(bench.derived, inputs) == digest(tmp_path / "other", inputs)
    trees = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (bench.derived, tmp_path / "other")
    ]
    assert trees[0] == trees[1]


def test_nothing_is_done_twice(bench: Bench) -> None:
    inputs = corpus(bench)
    bench.examine(*inputs, *inputs[:3])
    before = {path: path.stat().st_mtime_ns for path in bench.derived.rglob("*")}
    again = bench.examine(*inputs)
    assert (again.examined, again.skipped) == (0, len(inputs))
    assert {path: path.stat().st_mtime_ns for path in bench.derived.rglob("*")} == before


def test_another_parser_adds_its_result_and_leaves_the_rest(bench: Bench) -> None:
    item = bench.item(b"LINES\n1 a@example.org\n")
    bench.examine(item, only=("toy_lines",))
    now = results.current(bench.derived, item.item)
    assert now is not None
    kept = bench.derived / item.item / now.modules["parser:toy_lines"].key / "toy.line.parquet"
    inode = kept.stat().st_ino
    assert bench.examine(item, only=("toy_lines", "toy_words")).examined == 1
    assert kept.stat().st_ino == inode
    assert len(rows(bench, item, "toy.line")) == len(rows(bench, item, "indicator")) == 1


_ENGINE = """
import os, sys
from pathlib import Path
from holdfast.examine.run import Input, examine
def opener(path):
    return lambda: os.open(path, os.O_RDONLY)
folder, derived = Path(sys.argv[1]), Path(sys.argv[2])
inputs = [Input(p.name, "x", opener(p)) for p in sorted(folder.iterdir())]
examine(inputs, derived, jobs=2, plugins=("toy_box", "toy_lines", "toy_words"),
        only=("toy_lines", "toy_words"))
"""


def test_an_engine_killed_in_the_middle_goes_on_where_it_was(bench: Bench, tmp_path: Path) -> None:
    inputs = [bench.item(f"LINES\n{n} item {n}\n".encode()) for n in range(1500)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(TOYS)])}
    command = [sys.executable, "-c", _ENGINE, str(bench.evidence), str(bench.derived)]
    engine = subprocess.Popen(command, env=environment)
    until = time.monotonic() + 60
    while len(list(bench.derived.glob("*/done.json"))) < 50 and time.monotonic() < until:
        time.sleep(0.01)
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    published = set(bench.derived.glob("*/done.json"))
    before = {path: path.stat().st_mtime_ns for path in published}
    assert 50 <= len(published) < 1500, "the engine was too fast or too slow for this test"
    assert list(bench.derived.glob(".tmp-*"))
    assert list(results.verify(bench.derived, [path.parent.name for path in published])) == []
    bench.events.clear()
    limits = Limits()  # the same settings as the one that was killed
    summary = examine(
        inputs, bench.derived, jobs=2, limits=limits, plugins=("toy_box", "toy_lines", "toy_words"),
        only=("toy_lines", "toy_words"),
    )  # fmt: skip
    assert (summary.examined, summary.skipped) == (1500 - len(published), len(published))
    assert {path: path.stat().st_mtime_ns for path in published} == before
    assert list(bench.derived.glob(".tmp-*")) == []
    assert summary.records == summary.examined


def test_workers_end_with_their_engine(bench: Bench) -> None:
    bench.item(b"LINES\n!hang\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(TOYS)])}
    command = [sys.executable, "-c", _ENGINE, str(bench.evidence), str(bench.derived)]
    engine = subprocess.Popen(command, env=environment)
    children = Path(f"/proc/{engine.pid}/task/{engine.pid}/children")
    until = time.monotonic() + 30
    while len(children.read_text().split()) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(1)
    workers = [Path("/proc") / pid for pid in children.read_text().split()]
    assert workers
    engine.kill()
    engine.wait()
    until = time.monotonic() + 10
    while any(map(_runs, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(_runs, workers))


def _runs(process: Path) -> bool:
    try:
        return "State:\tZ" not in (process / "status").read_text()
    except OSError:
        return False


def test_bytes_that_are_not_the_item_s_are_refused(bench: Bench) -> None:
    real, other = bench.item(b"LINES\n1 x\n"), bench.item(b"LINES\n2 y\n")
    summary = bench.examine(Input(real.item, "swapped", other.open))
    assert (summary.examined, summary.unread) == (0, 1)
    assert results.current(bench.derived, real.item) is None
    (event,) = [event for event in bench.events if isinstance(event, Unread)]
    assert "SHA-256" in event.reason


def test_an_item_that_can_not_be_opened_does_not_stop_the_others(bench: Bench) -> None:
    def gone() -> int:
        raise FileNotFoundError(2, "No such file")

    good = bench.item(b"LINES\n1 x\n")
    summary = bench.examine(Input("0" * 64, "gone", gone), good)
    assert (summary.examined, summary.unread) == (1, 1)


def test_an_unknown_parser_is_refused(bench: Bench) -> None:
    with pytest.raises(InputError, match="no parser or finder named nonesuch"):
        bench.examine(bench.item(b"x"), only=("nonesuch",))


def test_a_publication_that_stops_in_the_middle_shows_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(path: Path, target: Path) -> Path:
        raise OSError(5, f"no power at {path} to {target}")

    item = bench.item(b"LINES\n1 a@example.org\n")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", stopped)
        with pytest.raises(OSError, match="no power"):
            bench.examine(item)
    assert not (bench.derived / item.item).exists()
    bench.examine(item, only=("toy_lines",))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stopped)
        with pytest.raises(OSError, match="no power"):
            bench.examine(item, only=("toy_words",))
    assert rows(bench, item, "indicator") == []
    assert list(results.verify(bench.derived, [item.item])) == []
    bench.examine(item)
    assert len(rows(bench, item, "indicator")) == len(rows(bench, item, "toy.line")) == 1


def test_what_was_changed_after_publication_is_seen(bench: Bench) -> None:
    item = bench.item(b"LINES\n1 x\n")
    bench.examine(item)
    assert list(results.verify(bench.derived, [item.item])) == []
    (dataset,) = results.datasets(bench.derived, [item.item])
    dataset.path.write_bytes(dataset.path.read_bytes()[:-1] + b"\0")
    (line,) = results.verify(bench.derived, [item.item])
    assert "not the bytes that were published" in line


def test_the_engine_imports_no_decoder() -> None:
    """DESIGN, promise 8: the house decodes nothing."""
    code = (
        "import sys, holdfast.examine.run, holdfast.examine.ledger, holdfast.examine.search, "
        "holdfast.examine.timeline; print(*[n for n in sys.modules if n.startswith(("
        "'holdfast.examine.parsers', 'holdfast.examine.finders', 'holdfast.examine.openers',"
        "'hyperscan', 'sqlite3'))])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
