"""Issue "workbench": "roles per case ... Least privilege by default ... a written matrix".

The matrix below is the written one. A new act without a row in it fails a test here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.cases import access
from tests.acts.test_authority import COMMANDS, MATRIX, NO_CASE, acts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

LETTERS = dict(zip("LESPDAITF", access.ROLES, strict=True))
"""Lead, examiner, supervisor, prosecutor, defence, auditor, instructor (trainer), trainee, filter
team; who is on the latter has no letter where it is not allowed.
"""

WRITTEN = {
    "account.request": "LE....IT",
    "bundle": "L.SP....",
    "campaigns": "LESP..IT",
    "case.close": "L.S.....",
    "case.document": "LE....IT",
    "case.role": "L.S.....",
    "case.show": "LESPDAITF",
    "case.team": "LESP.AIT",
    "case.zone": "LES...IT",
    "chart": "LESP..IT",
    "chart.export": "LESP..IT",
    "clock.list": "LESP..IT",
    "clock.remove": "LE....IT",
    "clock.set": "LE....IT",
    "collect.archive": "LE....IT",
    "collect.diff": "LE....IT",
    "collect.files": "LE....IT",
    "collect.sent": "LE....IT",
    "collect.upload": "LE....IT",
    "collect.url": "LE....IT",
    "collect.web": "LE....IT",
    "coordinates": "LESP..IT",
    "custody": "LESP.AIT",
    "custody.entry": "LESP.AIT",
    "decision.add": "L.SP....",
    "disagreements": "LESP..IT",
    "entities": "LESPD.IT",
    "entity.add": "LES...IT",
    "entity.change": "LES...IT",
    "entity.link": "LES...IT",
    "entity.release": "L.S.....",
    "entity.unlink": "LES...IT",
    "erase.request": "L.SP....",
    "examine": "LE....IT",
    "examine.compare": "LESP..IT",
    "exhibit.accept": "LES...IT",
    "exhibit.decline": "LES...IT",
    "exhibit.destroy": "LES...IT",
    "exhibit.hand": "LES...IT",
    "exhibit.list": "LESP.AIT",
    "exhibit.made": "LE....IT",
    "exhibit.move": "LES...IT",
    "exhibit.number": "LES...IT",
    "exhibit.pattern": "L.S.....",
    "exhibit.return": "LES...IT",
    "exhibit.seal": "LES...IT",
    "exhibit.seize": "LE....IT",
    "exhibit.show": "LESP.AIT",
    "exhibit.unseal": "LES...IT",
    "finding.add": "LE....IT",
    "finding.review": "LESP..I.",
    "finding.revise": "LE....IT",
    "finding.withdraw": "LE....IT",
    "findings": "LESPD.IT",
    "handover.give": "L.S.....",
    "handover.settle": "LESP..IT",
    "exposure.allow": "L.S.....",
    "exposure.begin": "LESP..IT",
    "exposure.disallow": "L.S.....",
    "exposure.end": "LESP..IT",
    "exposure.show": "LESP.AIT",
    "hold.set": "L.SP....",
    "indicator.show": "LESP..IT",
    "import.take": "LE....IT",
    "imports": "LESP..IT",
    "imports.show": "LESP..IT",
    "indicators": "LESP..IT",
    "indicators.find": "LESP..IT",
    "item.check": "LESP.AIT",
    "item.get": "LE.P..IT",
    "item.release": "L.S.....",
    "item.withdraw": "L.S.....",
    "item.show": "LESP..IT",
    "items": "LESP..IT",
    "items.find": "LESP..IT",
    "ledger": "LESP.AIT",
    "links": "LESP..IT",
    "marks": "LESP..IT",
    "matches": "LESP..IT",
    "hits": "LESP..IT",
    "note.add": "LESP..IT",
    "privilege.list": "LESPDAITF",
    "privilege.review": "........F",
    "privilege.rule": "........F",
    "privilege.set": "LESPD.ITF",
    "profile.request": "LE....IT",
    "question.answer": "LES...IT",
    "question.ask": "LES...IT",
    "question.material": "LESP..IT",
    "report": "LES...IT",
    "report.choices": "LES...IT",
    "report.preview": "LES...IT",
    "record.comment": "LESP..IT",
    "record.remarks": "LESP..IT",
    "record.tag": "LESP..IT",
    "record.untag": "LESP..IT",
    "restricted": "LESP..IT",
    "schedule.add": "LE....IT",
    "search": "LESP..IT",
    "search.save": "LESP..IT",
    "searches": "LESP..IT",
    "statement": "LESP.AIT",
    "task.add": "LES...IT",
    "task.change": "LES...IT",
    "timeline": "LESP..IT",
    "timeline.counts": "LESP..IT",
    "view": "LESP..IT",
    "view.inside": "LESP..IT",
    "view.play": "LESP..IT",
    "view.replay": "LESP..IT",
    "timeline.window": "LESP..IT",
    "view.save": "LESP..IT",
    "views": "LESP..IT",
    "web.check": "LESP..IT",
    "web.redact": "LESP..IT",
    "work": "LESP..IT",
}


def test_what_is_allowed_is_what_is_written() -> None:
    assert set(WRITTEN) == set(MATRIX) == acts() - NO_CASE
    allowed = {
        act: "".join(letter if role in roles else "." for letter, role in LETTERS.items())
        for act, roles in access.ALLOWED.items()
    }
    assert allowed == {act: letters.ljust(len(LETTERS), ".") for act, letters in WRITTEN.items()}


@pytest.fixture
def team(line: Line) -> Line:
    """A case that alice leads; bob is an operator without a role in it."""
    line.must("operator", "add", "bob")
    return line


@pytest.mark.parametrize("act", sorted(WRITTEN))
def test_who_has_no_role_in_a_case_is_refused_and_that_is_an_entry(
    team: Line, tmp_path: Path, act: str
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "new").write_text("handed in")
    named = {
        "CASE": team.case,
        "FIRST": "2",
        "PLACE": "WzBd",
        "RELEASE": "2",
        "APART": "2",
        "TAGGED": "2",
        "FOLDER/": f"{tmp_path}/",
        "SITE/": "http://x.test/",
    }
    command = []
    for word in COMMANDS[act]:
        for name, value in named.items():
            word = word.replace(name, value)  # noqa: PLW2901 -- filled in step by step
        command.append(word)
    done = team("--operator", "bob", *command)
    assert done.code == 4, done.err
    assert f"bob is nobody in case {team.case}, and {act} needs one of: " in done.err
    assert done.out == ""
    last = team.entries()[-1]
    assert (last["act"], last["refused"], last["actor"]["name"]) == ("denied", act, "bob")
    assert not list(tmp_path.glob("handed-over*"))


@pytest.mark.parametrize("letter", sorted(LETTERS))
def test_a_role_allows_what_is_written_and_no_more(team: Line, letter: str) -> None:
    team.must("case", "role", "bob", "--case", team.case, "--add", LETTERS[letter])
    for act in ("case.show", "custody", "items", "case.close"):
        done = team("--operator", "bob", *(w.replace("CASE", team.case) for w in COMMANDS[act]))
        assert done.code == (0 if letter in WRITTEN[act] else 4), (act, done.err)


def test_a_role_ends_with_the_entry_that_takes_it(team: Line) -> None:
    give = ("case", "role", "bob", "--case", team.case)
    team.must(*give, "--add", "examiner", "--add", "auditor")
    team.must(*give, "--remove", "examiner")
    rows = team.must("case", "team", team.case, "--json").rows
    assert [(row["operator"], row["roles"]) for row in rows] == [
        ("alice", ["lead"]),
        ("bob", ["auditor"]),
    ]
    assert team("--operator", "bob", "items", "--case", team.case).code == 4
    team.must("rebuild")
    assert team.must("case", "team", team.case, "--json").rows == rows
    team.intact()


def test_who_leads_is_who_opens_and_who_is_named(team: Line) -> None:
    case = team.open_case("--lead", "bob")
    rows = team.must("case", "team", case, "--json").rows
    assert [(row["operator"], row["roles"]) for row in rows] == [
        ("alice", ["lead"]),
        ("bob", ["lead"]),
    ]
    other = team.open_case("--lead", "Chief Inspector Unknown")
    assert len(team.must("case", "team", other, "--json").rows) == 1


def test_a_case_keeps_a_lead(team: Line) -> None:
    remove = ("case", "role", "alice", "--case", team.case, "--remove", "lead")
    done = team(*remove)
    assert (done.code, "only lead" in done.err) == (4, True)
    team.must("case", "role", "bob", "--case", team.case, "--add", "lead")
    team.must(*remove)
    assert team("case", "close", team.case).code == 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nobody", "--add", "lead"), "'nobody' is no operator"),
        (("bob", "--remove", "lead"), "holds no other roles"),
        (("bob",), "holds no other roles"),
        (("bob", "--add", "lead", "--remove", "lead"), "given and taken at once"),
    ],
)
def test_a_change_that_is_none_is_an_input_error(
    team: Line, arguments: tuple[str, ...], says: str
) -> None:
    name, *rest = arguments
    done = team("case", "role", name, "--case", team.case, *rest)
    assert (done.code, says in done.err) == (3, True), done.err


def test_a_list_of_cases_shows_ones_own(team: Line) -> None:
    mine = team.open_case("--lead", "bob")
    listed = team.must("--operator", "bob", "case", "list", "--json").rows
    assert [row["case"] for row in listed] == [mine]
    assert len(team.must("case", "list", "--json").rows) == 2, "alice is the unit's supervisor"
    team.must("operator", "role", "bob", "--add", "auditor")
    assert len(team.must("--operator", "bob", "case", "list", "--json").rows) == 2
