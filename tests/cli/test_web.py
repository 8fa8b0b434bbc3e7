"""`web redact` and `web check-redacted`, from the command line to the log."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from holdfast.core.digest import sha256_hex
from holdfast.testing import small_capture
from holdfast.testing.small_capture import SECRETS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line


@pytest.fixture
def captured(line: Line, tmp_path: Path) -> str:
    """The digest of a capture that the case holds as AL/1."""
    small_capture.in_vault(str(line.vault), str(tmp_path / "capture.wacz"))
    (row,) = line.collect(tmp_path / "capture.wacz").rows
    return str(row["item"])


def test_a_copy_leaves_the_house_with_an_entry(line: Line, tmp_path: Path, captured: str) -> None:
    copy = tmp_path / "copy.wacz"
    to = ("--case", line.case, "--to", copy, "--recipient", "Court of Lyon")
    row = line.must("web", "redact", "AL/1", *to, "--also", "hidden-pattern", "--json").row

    assert row["copy"] == sha256_hex(copy.read_bytes())
    assert row["taken"]["cookie"] > 0
    (entry,) = line.entries("web.redact")
    assert (entry["item"], entry["copy"]) == (captured, row["copy"])
    assert entry["request"]["recipient"] == "Court of Lyon"
    # What was looked for may be the secret itself, so that the log has no word of it.
    assert b"hidden-pattern" not in b"".join(
        path.read_bytes() for path in line.vault.rglob("*") if path.is_file()
    )
    assert list(tmp_path.glob(".holdfast*")) == []
    line.intact()
    # A statement of continuity shows it as a copy.
    told = line.must("statement", "--case", line.case, "AL/1", "--json").row
    steps = told["statement"]["steps"]
    assert ("web.redact", "copy") in {(one["act"], one["kind"]) for one in steps}


def test_a_receiver_checks_the_copy_without_a_vault(
    line: Line, tmp_path: Path, captured: str
) -> None:
    copy = tmp_path / "copy.wacz"
    line.must("web", "redact", captured, "--case", line.case, "--to", copy)
    entries = line.entries()
    row = line.must("web", "check-redacted", copy, "--json").row
    assert row["sound"]
    assert row["original"]["item"] == captured
    assert (row["proven"] > 0, row["compared"]) == (True, False)
    done = line.must("web", "check-redacted", copy, "--signer", row["signer"])
    assert done.out.splitlines()[-1] == "SOUND"
    assert not any(one.decode("latin-1") in done.out + done.err for one in SECRETS.values())
    done = line("web", "check-redacted", copy, "--signer", "0" * 64)
    assert (done.code, "NOT a redacted copy" in done.out) == (5, True)
    assert line.entries() == entries


def test_the_unit_holds_a_copy_to_its_original(line: Line, tmp_path: Path, captured: str) -> None:
    copy = tmp_path / "copy.wacz"
    line.must("web", "redact", "AL/1", "--case", line.case, "--to", copy)
    done = line.must("web", "check-redacted", copy, "--case", line.case, "--original", "AL/1")
    assert done.out.splitlines()[-1] == "SOUND, derived again from the original"
    (entry,) = line.entries("web.check")
    assert (entry["item"], entry["problems"]) == (captured, 0)
    # Another capture of the same vault is not its original.
    small_capture.in_vault(str(line.vault), str(tmp_path / "other.wacz"))
    line.collect(tmp_path / "other.wacz")
    done = line("web", "check-redacted", copy, "--case", line.case, "--original", "AL/2")
    assert (done.code, "it names the original" in done.err) == (5, True)


def test_a_damaged_copy_is_told_in_lines(line: Line, tmp_path: Path, captured: str) -> None:
    assert captured
    copy = tmp_path / "copy.wacz"
    line.must("web", "redact", "AL/1", "--case", line.case, "--to", copy)
    data = bytearray(copy.read_bytes())
    with zipfile.ZipFile(copy) as packed:
        at = packed.getinfo("archive/data.warc.gz").header_offset + 300
    data[at] ^= 0xFF
    copy.write_bytes(data)
    done = line("web", "check-redacted", copy)
    assert done.code == 5
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("AL/1", "--to", "copy.zip"), (3, "does not end in .wacz")),
        (("AL/1", "--to", "there.wacz"), (3, "exists already")),
        (("AL/1", "--to", "nowhere/copy.wacz"), (3, "can't be used")),
        (("AL/9", "--to", "copy.wacz"), (3, "no exhibit or item")),
        (("AL/1", "--to", "copy.wacz", "--also", "("), (2, "no expression")),
        (("AL/1", "--to", "copy.wacz", "--also", "x*"), (2, "matches nothing at all")),
        (("AL/1", "--to", "copy.wacz", "--field", "a:b"), (2, "no header field's name")),
        (("AL/2", "--to", "copy.wacz"), (3, "no WACZ")),
        (("AL/3", "--to", "copy.wacz"), (3, "redacted copy, not the original")),
    ],
)
def test_what_can_not_be_redacted_is_told_in_a_line(
    line: Line,
    tmp_path: Path,
    captured: str,
    arguments: tuple[str, ...],
    expected: tuple[int, str],
) -> None:
    assert captured
    (tmp_path / "text").write_text("no capture")
    line.collect(tmp_path / "text")
    line.must("web", "redact", "AL/1", "--case", line.case, "--to", tmp_path / "first.wacz")
    line.collect(tmp_path / "first.wacz")
    (tmp_path / "there.wacz").touch()
    item, option, target, *rest = arguments
    done = line("web", "redact", item, "--case", line.case, option, tmp_path / target, *rest)
    code, words = expected
    assert (done.code, words in done.err) == (code, True), done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "copy.wacz").exists()


def test_a_sealed_vault_gives_the_same(sealed: Line, tmp_path: Path) -> None:
    small_capture.in_vault(str(sealed.vault), str(tmp_path / "capture.wacz"))
    sealed.collect(tmp_path / "capture.wacz")
    copy = tmp_path / "copy.wacz"
    sealed.must("web", "redact", "AL/1", "--case", sealed.case, "--to", copy)
    with zipfile.ZipFile(copy) as packed:
        told = json.loads(packed.read("redaction/redactions.json"))
    assert told["original"]["item"] == sha256_hex((tmp_path / "capture.wacz").read_bytes())
