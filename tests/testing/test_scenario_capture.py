"""The captured page of the fake bank: judged, examined, held to its truth and to the host's log."""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from holdfast.testing.scenario import write
from holdfast.testing.scenario.__main__ import main
from holdfast.testing.scenario.captured import build, write_capture
from holdfast.testing.scenario.story import tell
from tests.line import home, line, made_plain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

__all__ = ["home", "line", "made_plain"]
BYTES_OF_SEED_7 = "6b9fa34118d4c56d"


def test_the_capture_is_valid_and_its_form_and_script_stand_out(line: Line, tmp_path: Path) -> None:
    fact = write_capture(tmp_path / "fake-bank.warc")
    given = ("--case", line.case, "--json")
    report = line.must("collect", "archive", *given, tmp_path / "fake-bank.warc").row["report"]
    assert report["verdict"] == "valid", report["findings"]
    line.must("examine", "--case", line.case, "--jobs", "1")
    rows = line.must("indicators", *given).rows
    found = {(row["kind"], row["value"]) for row in rows}
    assert ("form-target", fact.form_target) in found
    assert ("script-host", fact.script_host) in found
    events = line.must("timeline", *given, "--kind", "web.form").rows
    (form,) = [row for row in events if row["kind"] == "web.form"]
    assert fact.form_target in form["message"]
    assert "password" in form["message"]


def test_the_host_s_log_has_the_capture_s_requests_with_the_same_sizes(tmp_path: Path) -> None:
    write(tmp_path / "evidence", size="small")
    fact = write_capture(tmp_path / "fake-bank.warc")
    logs = sorted((tmp_path / "evidence").rglob("access.log*"))
    lines = [
        line
        for log in logs
        for line in (gzip.decompress(log.read_bytes()) if log.suffix == ".gz" else log.read_bytes())
        .decode("utf-8", "replace")
        .splitlines()
        if line.startswith(f"{fact.visitor} ")
    ]
    served = [(url, status, size) for url, status, size in fact.exchanges if "/k.js" not in url]
    assert len(lines) == len(served) == 3
    for line_, (url, status, size) in zip(lines, served, strict=True):
        path = url.split("/", 3)[3]
        assert f'"GET /{path} HTTP/1.1" {status} {size or "-"} ' in line_
    assert not any("POST" in line_ for line_ in lines)


@pytest.mark.parametrize("seed", range(20))
def test_every_seed_has_a_capture_and_seed_7_the_same_bytes_everywhere(seed: int) -> None:
    data, fact = build(tell(seed))
    assert [status for _, status, _ in fact.exchanges] == [302, 200, 200, 200]
    assert build(tell(seed)) == (data, fact)
    if seed == 7:
        assert hashlib.sha256(data).hexdigest()[:16] == BYTES_OF_SEED_7


def test_the_program_writes_it_beside_the_evidence(tmp_path: Path) -> None:
    given = [str(tmp_path / "e"), "--size", "small", "--capture", str(tmp_path / "bank.warc")]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "bank.warc").read_bytes() == build(tell(7))[0]
    given = [str(tmp_path / "f"), "--size", "small", "--capture", str(tmp_path / "f" / "bank.warc")]
    assert CliRunner().invoke(main, given).exit_code == 2
    again = [str(tmp_path / "g"), "--size", "small", "--capture", str(tmp_path / "bank.warc")]
    assert CliRunner().invoke(main, again).exit_code == 3
