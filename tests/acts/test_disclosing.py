"""Issue "workbench": findings that speak *for* the suspect are marked and carried everywhere.

A bundle has them in words, whatever else is withheld; and one that lacks the words is refused by
both checks.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from holdfast.exchange import disclosure
from tests.exchange.making import verify

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.entry import Entry
    from tests.line import Line

ALIBI = "The account was used abroad while the suspect stood in court"


@pytest.fixture
def held(line: Line, tmp_path: Path) -> Line:
    """Two exhibits; finding 1 is a draft, 2 speaks for the suspect; a suspect and a victim."""
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
        line.collect(tmp_path / name)
    of_case = ("--case", line.case, "--grade", "B2", "--cite", "AL/1")
    line.must("finding", "add", "Draft", *of_case, "--statement", "An unripe thought")
    line.must("finding", "add", "Alibi", *of_case, "--statement", ALIBI, "--for-suspect")
    for name, role in (("Sam Suspect", "suspect"), ("Vera Victim", "victim")):
        line.must("entity", "add", name, "--case", line.case, "--sort", "person", "--role", role)
    line.must("note", "add", "--case", line.case, "--text", "An inner doubt")
    return line


def said(line: Line, folder: Path) -> str:
    rows = line.must("check", folder, "--json").row["said"]
    return next((one["says"] for one in rows if one["about"] == "Findings"), "")


def holds(folder: Path, text: str) -> bool:
    return any(text.encode() in one.read_bytes() for one in folder.rglob("*") if one.is_file())


@pytest.mark.parametrize("chosen", [(), ("--withhold", "AL/1")])
def test_every_bundle_has_what_speaks_for_the_suspect(
    held: Line, tmp_path: Path, chosen: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    held.must("bundle", "--case", held.case, "--to", out, "--as", "defence", *chosen)
    done = verify(out)
    assert done.returncode == 0, done.stderr
    assert "1 of 2 are marked as speaking for the suspect" in done.stdout
    assert said(held, out).startswith("1 of 2 are marked as speaking for the suspect")
    (row,) = map(json.loads, (out / "data/findings.jsonl").read_text().splitlines())
    assert (row["finding"], row["statement"], row["state"]) == (2, ALIBI, "draft")
    # An exhibit that is withheld is named nowhere, not even by what cites it.
    assert (row["cites_withheld"], len(row["cites"])) == ((1, 0) if chosen else (0, 1))
    digest = next(one["item"] for one in held.items() if one["exhibit"] == "AL/1")
    assert holds(out, digest) == (not chosen)
    for inner in ("An unripe thought", "An inner doubt", "Vera Victim"):
        assert not holds(out, inner), inner
    assert holds(out, "Sam Suspect") == (not chosen)


def test_a_release_lets_a_victims_details_leave(held: Line, tmp_path: Path) -> None:
    held.must("entity", "release", 2, "--case", held.case, "--reason", "order of 3 May")
    held.must("bundle", "--case", held.case, "--to", tmp_path / "out")
    assert holds(tmp_path / "out", "Vera Victim")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (frozenset({"for_suspect", "work"}), "finding 2 speaks for the suspect, and its title is"),
        (frozenset({"for_suspect", "title", "work"}), "and its statement is withheld"),
        (frozenset({"work"}), "withholds whether this finding speaks for the suspect"),
        (frozenset({"for_suspect"}), "withholds whether this finding speaks for the suspect"),
    ],
)
@pytest.mark.attack(
    "A unit hands over a bundle without the finding that speaks for the suspect",
    "`verify.sh`, `holdfast check`",
)
def test_a_bundle_that_lacks_the_words_is_refused(
    held: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: frozenset[str], says: str
) -> None:
    def less(_self: disclosure.Working, entry: Entry) -> frozenset[str]:
        return disclosure.present(entry) & (disclosure.BASE | fields)

    monkeypatch.setattr(disclosure.Working, "__call__", less)
    held.must("bundle", "--case", held.case, "--to", tmp_path / "out", "--withhold", "AL/1")
    done = verify(tmp_path / "out")
    assert (done.returncode, says in done.stderr) == (1, True), done.stdout + done.stderr
    told = held("check", tmp_path / "out")
    assert (told.code, says in told.out + told.err) == (5, True), told


def test_its_words_can_not_be_erased(held: Line) -> None:
    entries = [one["entry"] for one in held.entries("finding.add")]
    order = ("--case", held.case, "--order", "O", "--field", "statement")
    done = held("erase", "request", *order, "--entry", entries[1])
    assert (done.code, "can't be erased" in done.err) == (3, True), done.err
    held.must("erase", "request", *order, "--entry", entries[0])


def test_no_revision_takes_the_mark_off(held: Line) -> None:
    held.must("finding", "revise", 2, "--case", held.case, "--statement", "It was nothing")
    assert [one["for_suspect"] for one in held.entries("finding.revise")] == [True]
