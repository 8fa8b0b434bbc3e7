"""Foreign archives: collected whatever they are, judged without rights, the verdict an entry.

Issue 4: "WARC and WACZ made by others (old, odd and broken ones) are collected as items with their
own check report." Bad input never loses data.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.collect import archive_check
from holdfast.core import canonical
from holdfast.sandbox import child as launcher
from holdfast.testing import web_archives as make

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

URL = "http://bank.example/login"
EXCHANGE = make.exchange(URL, make.get("/login", "bank.example"), make.ok(b"<p>Welcome"))
GOOD = make.zipped([make.warcinfo(), *EXCHANGE])
BROKEN = GOOD[:-9]


@pytest.mark.parametrize("kind", ["line", "sealed"])
def test_a_broken_archive_is_collected_and_its_verdict_entered(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    line: Line = request.getfixturevalue(kind)
    files = {"broken.warc.gz": BROKEN, "good.warc.gz": GOOD, "other.warc": b"no archive"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in files]
    rows = line.must("collect", "archive", "--case", line.case, "--json", *paths).rows
    assert [row["report"]["verdict"] for row in rows] == ["invalid", "valid", "invalid"]
    assert [one["item"] for one in line.items()] == [
        hashlib.sha256(content).hexdigest() for content in files.values()
    ]
    entries = line.entries("collect.check")
    for row, entry in zip(rows, entries, strict=True):
        assert entry["item"] == row["item"] == row["report"]["sha256"]
        assert entry["verdict"] == row["report"]["verdict"]
        # Whoever has the report can check that it is the one that the log names.
        digest = hashlib.sha256(canonical.dumps(row["report"])).hexdigest()
        assert entry["report"] == digest == row["report_sha256"]
    assert {"rule": "gzip.cut", "offset": rows[0]["report"]["findings"][-1]["offset"]} in entries[
        0
    ]["findings"]
    line.intact()


def test_nothing_out_of_an_archive_goes_into_the_log(line: Line, tmp_path: Path) -> None:
    bad = make.record("resource", b"x", {"WARC-Target-URI": "http://secret name.example/"})
    (tmp_path / "a.warc").write_bytes(bad)
    line.must("collect", "archive", "--case", line.case, tmp_path / "a.warc")
    (entry,) = line.entries("collect.check")
    assert "secret" not in str(entry)
    assert {"offset": 0, "rule": "target.form"} in entry["findings"]


def test_a_verdict_can_be_had_without_a_vault(line: Line, tmp_path: Path) -> None:
    (tmp_path / "good.warc.gz").write_bytes(GOOD)
    (tmp_path / "broken.warc.gz").write_bytes(BROKEN)
    before = line.entries()
    assert line("collect", "archive", "--check-only", tmp_path / "good.warc.gz").code == 0
    done = line("collect", "archive", "--check-only", tmp_path / "broken.warc.gz")
    assert done.code == 3
    assert "ISO 28500 Annex D.2" in done.out
    assert line.entries() == before
    assert line("collect", "archive", tmp_path / "good.warc.gz").code == 3, "no case"
    assert line("collect", "archive", "--check-only", tmp_path).code == 3, "a folder"


def test_a_signature_can_be_required(line: Line, tmp_path: Path) -> None:
    (tmp_path / "a.wacz").write_bytes(make.wacz([(URL, one) for one in EXCHANGE], [(URL, "B")]))
    check = ("collect", "archive", "--check-only", tmp_path / "a.wacz")
    assert line(*check).code == 0
    done = line(*check, "--require-signature")
    assert (done.code, "A signature was asked for" in done.out) == (3, True)


def test_a_check_that_dies_is_told_and_loses_no_item(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.warc.gz").write_bytes(GOOD)
    real = launcher._listen
    monkeypatch.setattr(
        launcher, "_listen", lambda child, told, _seconds, **kept: real(child, told, 0, **kept)
    )
    row = line.must("collect", "archive", "--case", line.case, "--json", tmp_path / "a.warc.gz").row
    assert row["report"]["verdict"] == "unjudged"
    assert row["report"]["reason"] == "time limit of 0 seconds"
    assert [one["item"] for one in line.items()] == [row["item"]]
    assert [one["verdict"] for one in line.entries("collect.check")] == ["unjudged"]
    line.intact()


def test_the_same_bytes_give_the_same_report(tmp_path: Path) -> None:
    (tmp_path / "a.warc.gz").write_bytes(GOOD)
    descriptor = os.open(tmp_path / "a.warc.gz", os.O_RDONLY)
    try:
        first = archive_check.check(descriptor, archive_check.Settings())
        again = archive_check.check(descriptor, archive_check.Settings())
    finally:
        os.close(descriptor)
    assert first == again
    assert archive_check.digest(first) == archive_check.digest(again)


def test_a_check_that_is_not_confined_as_it_should_be_says_so(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.warc.gz").write_bytes(GOOD)
    real = launcher._listen

    def without(child: Any, told: bytes, seconds: int, **kept: Any) -> tuple[str, bytes]:
        reason, said = real(child, told, seconds, **kept)
        answer = json.loads(said)
        assert answer["unprotected"] == [], "this machine offers all; else see docs/explanation"
        return reason, json.dumps({**answer, "unprotected": ["no seccomp"]}).encode()

    monkeypatch.setattr(launcher, "_listen", without)
    for more in (("--check-only",), ("--case", line.case)):
        done = line.must("collect", "archive", *more, tmp_path / "a.warc.gz")
        assert "not confined as it should be: no seccomp" in done.err
