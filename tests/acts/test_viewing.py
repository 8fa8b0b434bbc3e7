"""DESIGN, promise 2: "every read of evidence is an entry in the custody log, appended before its
effect is visible". And what vouches for one item.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from holdfast.acts import checking
from tests.acts.test_authority import restrict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

TEXT = b"the first line\nthe second\n"


def collected(line: Line, folder: Path, data: bytes = TEXT) -> str:
    (folder / "note.txt").write_bytes(data)
    return str(line.collect(folder / "note.txt").row["item"])


def test_each_look_is_an_entry_with_the_digest_of_what_was_shown(
    line: Line, tmp_path: Path
) -> None:
    item = collected(line, tmp_path)
    shown = line.must("view", "--case", line.case, "AL/1", "--json").row
    (entry,) = line.entries("view")
    assert entry["item"] == item
    assert entry["request"] == {"item": "AL/1"}
    assert entry["result"] == {"sha256": shown["sha256"], "viewer": "text"}
    assert entry["entry"] == shown["entry"]
    again = line.must("view", "--case", line.case, "AL/1", "--json").row
    assert (again["sha256"], again["entry"]) == (shown["sha256"], shown["entry"] + 1)
    failed = line("view", "--case", line.case, "AL/1", "--as", "pdf")
    assert (failed.code, "it can't be shown as pdf; try --as text" in failed.err) == (3, True)
    assert line.entries("view")[-1]["result"]["failed"] == "it can't be shown as pdf"
    line.must("item", "tree", "--case", line.case, "AL/1")
    assert line.entries("view.inside")[0]["result"]["members"] == 0
    line.intact()


def test_a_sealed_item_is_shown_and_leaves_nothing_readable_but_the_view(
    sealed: Line, tmp_path: Path
) -> None:
    item = collected(sealed, tmp_path)
    done = sealed.must("view", "--case", sealed.case, "AL/1")
    assert "the second" in done.out
    steps = sealed.must("item", "check", "--case", sealed.case, "AL/1", "--json").row["steps"]
    assert [one["name"] for one in steps] == [*checking.STEPS]
    assert [one["state"] for one in steps] == ["good", "good", "good", "good", "absent", "absent"]
    assert f"open to {len(TEXT)} bytes of SHA-256 {item}" in steps[0]["words"]
    sealed.must("item", "get", "--case", sealed.case, "AL/1", "--to", tmp_path / "copy")
    assert hashlib.sha256((tmp_path / "copy").read_bytes()).hexdigest() == item


def test_an_item_that_was_altered_is_found_out_and_not_given_out(
    line: Line, tmp_path: Path
) -> None:
    item = collected(line, tmp_path)
    (stored,) = (line.vault / "vault" / "objects").rglob(item)
    stored.chmod(0o600)
    stored.write_bytes(TEXT.replace(b"first", b"worst"))
    done = line("item", "check", "--case", line.case, "AL/1", "--json")
    assert (done.code, done.row["state"]) == (5, "bad")
    assert done.row["steps"][0]["state"] == "bad"
    assert line.entries("item.check")[0]["result"]["states"]["bytes"] == "bad"
    shown = line.must("item", "show", "--case", line.case, "AL/1", "--json").row
    assert shown["check"]["state"] == "bad"
    looked = line("view", "--case", line.case, "AL/1")
    assert (looked.code, "it was altered" in looked.err, looked.out) == (3, True, "")
    got = line("item", "get", "--case", line.case, "AL/1", "--to", tmp_path / "copy")
    assert (got.code, (tmp_path / "copy").exists()) == (5, False)


def test_abuse_material_is_shown_to_nobody_who_has_not_sat_down_to_it(
    line: Line, tmp_path: Path
) -> None:
    collected(line, tmp_path)
    line.must("examine", "--case", line.case, "--jobs", 1)
    restrict(line, tmp_path)
    for words in (
        ("view", "AL/1"),
        ("view", "AL/1", "--as", "hex"),
        ("item", "tree", "AL/1"),
        ("item", "get", "AL/1", "--to", tmp_path / "copy"),
        ("item", "replay", "AL/1", "--ticket"),
        ("item", "play", "AL/1", "--ticket"),
    ):
        done = line(*words, "--case", line.case)
        assert (done.code, done.out) == (4, ""), words
    assert not (tmp_path / "copy").exists()
    assert line.entries("view") == []
    listed = line.must("item", "list", "--case", line.case, "--state", "restricted", "--json").row
    assert listed["count"] == 1
