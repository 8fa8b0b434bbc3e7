"""The continuity statement: every holder, read, copy and transformation, by its entry's number."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from holdfast.core import canonical

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

from tests.line import copied, home, line, made_plain, made_sealed, prepared, sealed

__all__ = ["home", "line", "made_plain", "made_sealed", "sealed"]

HOSTILE = '#panic("owned") *bold* $x$ @ref [a](b) \\ "quoted" \x07 日本 🏦 é ж.txt'


@pytest.fixture(scope="module")
def made_worked(
    made_plain: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A case with two exhibits, worked on; to be copied."""
    return prepared(made_plain, tmp_path_factory, _work)


@pytest.fixture
def worked(
    made_worked: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Line:
    """The same case in a vault of the test's own."""
    return copied(made_worked, tmp_path, capsys)


def _work(line: Line, tmp_path: Path) -> None:
    source = tmp_path / "seized"
    source.mkdir()
    (source / "mail.txt").write_text("visit https://bank.example/ now\n")
    (source / HOSTILE).write_text("x")
    for name in (HOSTILE, "mail.txt"):
        assert line.collect(source / name).code == 0
    line.must("examine", "--case", line.case, "--jobs", 1)
    line.must("search", "--case", line.case, "bank")
    line.must("timeline", "--case", line.case, "--item", "AL/1")
    line.must("timeline", "--case", line.case, "--item", "AL/2")
    line.must("backup", tmp_path / "backup")
    line.must("bundle", "--case", line.case, "--to", tmp_path / "all")
    line.must("bundle", "--case", line.case, "--to", tmp_path / "one", "--items", "AL/1")


def test_every_act_that_touched_the_exhibit_is_there_and_no_other(worked: Line) -> None:
    """ "every holder, read, copy, transformation, seal, with entry numbers" """
    stated = worked.must("statement", "--case", worked.case, "AL/2", "--json").row
    steps = stated["statement"]["steps"]
    log = {one["entry"]: one for one in worked.entries()}
    assert [(one["act"], one["kind"]) for one in steps] == [
        ("case.open", "authority"),
        ("collect.start", "acquisition"),
        ("collect.item", "acquisition"),
        ("collect.end", "acquisition"),
        ("examine.start", "transformation"),
        ("examine.end", "transformation"),
        ("search", "read"),
        ("timeline", "read"),
        ("vault.backup", "copy"),
        ("bundle", "copy"),
    ]
    for one in steps:
        entry = log[one["entry"]]
        assert (one["act"], one["time"]) == (entry["act"], entry["time"])
        assert (one["actor"], one["signed"]) == ("alice", True)
    assert log[steps[7]["entry"]]["request"]["items"] == ["AL/2"]
    assert "mail.txt" in steps[2]["detail"]


def test_the_statement_is_an_entry_that_holds_its_digest(worked: Line) -> None:
    stated = worked.must("statement", "--case", worked.case, "AL/1", "--json").row
    digest = hashlib.sha256(canonical.dumps(stated["statement"])).hexdigest()
    entered = worked.entries("statement")[-1]
    assert entered["entry"] == stated["entry"]
    assert entered["result"]["sha256"] == stated["sha256"] == digest
    again = worked.must("statement", "--case", worked.case, "AL/1", "--json").row
    assert [one["act"] for one in again["statement"]["steps"]][-1] == "statement"
    worked.intact()


def test_acts_without_a_key_read_actor_unsigned(worked: Line) -> None:
    worked.must("operator", "add", "bob")
    worked.must("case", "role", "bob", "--case", worked.case, "--add", "examiner")
    (worked.vault / "keys" / "operators" / "bob.key").unlink()
    worked.operator = "bob"
    worked.must("search", "--case", worked.case, "now")
    said = worked.must("statement", "--case", worked.case, "AL/1").out
    assert "bob (actor unsigned)  read            search" in said


def test_damaged_bytes_are_stated(worked: Line) -> None:
    item = next(one["item"] for one in worked.items() if one["exhibit"] == "AL/2")
    path = worked.vault / "vault" / "objects" / item[:2] / item
    path.chmod(0o644)
    path.write_bytes(b"other")
    found = worked.must("statement", "--case", worked.case, "AL/2", "--json").row
    assert found["statement"]["checked"].startswith("NOT INTACT: their SHA-256 is")
    path.unlink()
    found = worked.must("statement", "--case", worked.case, "AL/2", "--json").row
    assert "missing" in found["statement"]["checked"]


def test_a_sealed_exhibit_is_stated_without_its_key(sealed: Line, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    sealed.collect(tmp_path / "secret")
    (sealed.vault / "keys" / "cases" / f"{sealed.case}.age").unlink()
    found = sealed.must("statement", "--case", sealed.case, "AL/1", "--json").row
    assert found["statement"]["checked"].startswith("hashed for this statement: unchanged")


def test_the_pdf_says_the_same_and_is_pdf_a(worked: Line, tmp_path: Path) -> None:
    file = tmp_path / "AL-1.pdf"
    said = worked.must("statement", "--case", worked.case, "AL/1", "--to", file)
    assert str(file) in said.out
    data = file.read_bytes()
    assert data.startswith(b"%PDF-1.")
    # ISO 19005-2, 6.6.4: the version and conformance stand in the metadata, uncompressed.
    assert b"<pdfaid:part>2</pdfaid:part>" in data
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in data
    if shutil.which("pdftotext") is None:
        pytest.skip(
            "pdftotext is not here, so the text is not looked at: apt install poppler-utils"
        )
    told = subprocess.run(
        ["pdftotext", "-layout", file, "-"], capture_output=True, check=True, text=True
    ).stdout
    assert "Continuity statement of exhibit AL/1" in told
    # What comes from evidence is shown as it is, and is no markup; what no font has, as its code.
    flat = "".join(told.split())
    assert '#panic("owned")*bold*$x$@ref[a](b)' in flat
    assert "\\u{65e5}" in flat or "日" in flat
    assert "\\x07" in flat
    for step in json.loads(worked.must("statement", "--case", worked.case, "AL/1", "--json").out)[
        "statement"
    ]["steps"][:9]:
        assert step["act"] in told


def test_a_file_is_never_overwritten_and_json_is_the_same(worked: Line, tmp_path: Path) -> None:
    file = tmp_path / "AL-1.json"
    told = worked.must("statement", "--case", worked.case, "AL/1", "--to", file, "--json").row
    assert json.loads(file.read_text()) == told
    done = worked("statement", "--case", worked.case, "AL/1", "--to", file)
    assert (done.code, len(done.err.splitlines())) == (3, 1)
    assert worked("statement", "--case", worked.case, "AL/9").code == 3
    assert worked("statement", "--case", worked.case, "AL/1", "--to", tmp_path / "x.doc").code == 3
