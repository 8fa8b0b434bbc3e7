"""Issue "workbench", "Cases": tasks, people and devices, findings, notes, decisions, hand-over.

"findings that cite records, graded (source x information 4x4), peer-reviewed before they enter a
report"; "who a person in the data is (suspect, victim, witness, other) with what follows for
access".
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.acts import entities, findings
from holdfast.acts.act import Session
from holdfast.acts.collecting import CollectFiles, collect_files
from holdfast.acts.examining import Examine, examine
from holdfast.acts.people import NewOperator, add_operator
from holdfast.acts.teams import ChangeTeam, change_team
from holdfast.cases import findings as rules
from holdfast.cases import people
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault.vault import Vault
from tests.line import Line

if TYPE_CHECKING:
    from pathlib import Path

LOG = "Nov 24 10:00:01 web sshd[1]: Accepted password for anna from 192.0.2.7 port 4 ssh2\n" * 3


@pytest.fixture(scope="module")
def staffed(made_plain: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault with a case that alice leads, with an examined log; bob examines, dora defends."""
    root, case = made_plain
    place = tmp_path_factory.mktemp("staffed")
    (place / "auth.log").write_text(LOG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(place / "state"))
        session = Session(Vault.open(shutil.copytree(root, place / "vault")), "alice")
        list(collect_files(session, CollectFiles(case, (str(place / "auth.log"),))))
        examine(session, Examine(case))
        for name, role in (("bob", "examiner"), ("dora", "defence")):
            add_operator(session, NewOperator(name))
            change_team(session, ChangeTeam(case, name, (role,)))
        session.vault.engine.dispose()
    return place / "vault"


@pytest.fixture
def team(
    staffed: Path,
    made_plain: tuple[Path, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Line:
    """Commands in a copy of that vault."""
    return Line(shutil.copytree(staffed, tmp_path / "vault"), made_plain[1], capsys)


def as_(line: Line, name: str) -> Line:
    return replace(line, operator=name)


def add_finding(line: Line, *more: object, cite: str = "AL/1") -> int:
    said = ("--statement", "S", "--grade", "b2", "--cite", cite, "--json", *more)
    done = line.must("finding", "add", "Anna signed in", "--case", line.case, *said)
    return int(done.row["finding"])


def review(line: Line, number: int, outcome: str, *more: object) -> str:
    said = ("--case", line.case, "--outcome", outcome, "--json", *more)
    return str(line.must("finding", "review", number, *said).row["state"])


def test_a_finding_cites_records_that_are_there(team: Line) -> None:
    row = team.must("timeline", "--case", team.case, "--json").rows[0]
    add_finding(team, cite=f"AL/1:{row['inside']}#row={row['row']}")
    shown = team.must("finding", "show", 1, "--case", team.case, "--json").row
    (cite,) = shown["cites"]
    assert (cite["item"], cite["row"], cite["exhibit"]) == (row["item"], row["row"], "AL/1")
    assert {"kind": row["kind"], "parser": row["parser"], "version": row["parser_version"]} in (
        cite["records"]
    )
    assert shown["grade"] == "B2"
    for wrong, says in (
        ("AL/9", "no exhibit"),
        ("AL/1:nowhere", "no file"),
        ("AL/1:#row=99", "no record"),
    ):
        said = ("--statement", "S", "--grade", "A1", "--cite", wrong)
        done = team("finding", "add", "T", "--case", team.case, *said)
        assert (done.code, says in done.err) == (3, True), done.err
    done = team("finding", "add", "T", "--case", team.case, "--statement", "S", "--grade", "A1")
    assert (done.code, "cites" in done.err) == (3, True), "a finding without a record is none"
    done = team("finding", "add", "T", "--case", team.case, "--statement", "S", "--grade", "D5")
    assert done.code == 3


def test_a_finding_enters_a_report_when_another_person_has_passed_its_newest_version(
    team: Line,
) -> None:
    add_finding(team)
    of_case = ("--case", team.case)
    own = team("finding", "review", 1, *of_case, "--outcome", "passed")
    assert (own.code, "another person" in own.err) == (4, True), own.err
    assert [one["refused"] for one in team.entries("denied")] == ["finding.review"]
    bob = as_(team, "bob")
    assert bob("finding", "review", 1, *of_case, "--outcome", "returned").code == 3, "remarks"
    assert review(bob, 1, "returned", "--remarks", "which host?") == "returned"
    team.must("finding", "revise", 1, *of_case, "--statement", "Anna signed in to web")
    assert review(bob, 1, "passed") == "reviewed"
    session = Session(Vault.open(team.vault), "alice")
    try:
        (found,) = session.look_up(lambda c: findings.reportable(c, team.case, [1]))
        assert found.words["statement"] == "Anna signed in to web"
        # What was passed was another text than the one that stands now.
        team.must("finding", "revise", 1, *of_case, "--statement", "Somebody did")
        with pytest.raises(DeniedError, match="finding 1 is draft"):
            session.look_up(lambda c: findings.reportable(c, team.case, [1]))
    finally:
        session.vault.engine.dispose()
    # Who revised it is an author, too.
    bob.must("finding", "revise", 1, *of_case, "--statement", "Anna did")
    assert bob("finding", "review", 1, *of_case, "--outcome", "passed").code == 4
    shown = team.must("finding", "show", 1, *of_case, "--json").row
    assert [one["act"] for one in shown["steps"]] == [
        "finding.add", "finding.review", "finding.revise", "finding.review", "finding.revise",
        "finding.revise",
    ]  # fmt: skip
    assert shown["reviews"] == [], "none is of the newest version"
    team.must("rebuild")
    assert team.must("finding", "show", 1, *of_case, "--json").row == shown
    team.intact()


def test_a_second_examiner_records_whether_they_come_to_the_same(team: Line) -> None:
    add_finding(team)
    bob, of_case = as_(team, "bob"), ("--case", team.case, "--remarks", "read by hand")
    assert team("finding", "verify", 1, *of_case, "--outcome", "agrees").code == 4
    bob.must("finding", "verify", 1, *of_case, "--outcome", "agrees")
    shown = team.must("finding", "show", 1, "--case", team.case, "--json").row
    assert shown["state"] == "draft", "to examine again is no review of the text"
    assert [one["outcome"] for one in shown["verifications"]] == ["agrees"]
    assert review(bob, 1, "passed") == "reviewed"
    bob.must("finding", "verify", 1, *of_case, "--outcome", "disagrees")
    shown = team.must("finding", "show", 1, "--case", team.case, "--json").row
    assert shown["state"] == "returned"
    team.must("finding", "withdraw", 1, "--case", team.case, "--reason", "bob is right")
    assert bob("finding", "review", 1, "--case", team.case, "--outcome", "passed").code == 4


def test_what_speaks_for_the_suspect_stays_so_and_the_defence_sees_it(team: Line) -> None:
    add_finding(team)
    add_finding(team, "--for-suspect")
    team.must("finding", "revise", 2, "--case", team.case, "--statement", "Anna was abroad")
    rows = as_(team, "dora").must("finding", "list", "--case", team.case, "--json").rows
    assert [(one["finding"], one["for_suspect"]) for one in rows] == [(2, True)]
    session = Session(Vault.open(team.vault), "alice")
    review(as_(team, "bob"), 1, "passed")
    with pytest.raises(DeniedError, match="finding 2 speaks for the suspect and is left out"):
        session.look_up(lambda c: findings.reportable(c, team.case, [1]))
    session.vault.engine.dispose()


def test_details_of_victims_and_witnesses_are_withheld_from_the_defence(team: Line) -> None:
    of_case = ("--case", team.case)
    for name, role in (("Sam S.", "suspect"), ("Vera V.", "victim"), ("Will W.", "witness")):
        said = ("--sort", "person", "--role", role, "--id", f"email:{name[0]}@a.example")
        team.must("entity", "add", name, *of_case, *said)
    link = ("--relation", "wrote to", "--grade", "B2", "--cite", "AL/1")
    team.must("entity", "link", 1, 2, *of_case, *link, "--confirmed")
    team.must("entity", "link", 1, 3, *of_case, "--relation", "knows", "--grade", "X4")
    dora = as_(team, "dora")

    def seen(line: Line) -> dict[str, list[dict[str, str]]]:
        rows = line.must("entity", "list", *of_case, "--json").rows
        return {str(one["name"]): one["identifiers"] for one in rows}

    assert set(seen(team)) == set(seen(as_(team, "bob"))) == {"Sam S.", "Vera V.", "Will W."}
    assert set(seen(dora)) == {"Sam S.", "(withheld)"}
    assert seen(dora)["(withheld)"] == []
    assert dora.must("entity", "links", *of_case, "--json").rows == []
    assert as_(team, "bob")("entity", "release", 2, *of_case, "--reason", "R").code == 4
    team.must("entity", "release", 2, *of_case, "--reason", "order of 3 May")
    assert set(seen(dora)) == {"Sam S.", "Vera V.", "(withheld)"}
    (one,) = dora.must("entity", "links", *of_case, "--json").rows
    assert (one["relation"], one["confirmed"], one["grade"]) == ("wrote to", True, "B2")
    team.must("entity", "release", 2, *of_case, "--reason", "R", "--withdraw")
    team.must("entity", "change", 1, *of_case, "--role", "witness")
    assert set(seen(dora)) == {"(withheld)"}, "who is no suspect any more is withheld, too"
    done = team("entity", "link", 1, 2, *of_case, *link[:4], "--confirmed")
    assert (done.code, "cites what confirms" in done.err) == (3, True)


def test_a_privileged_contact_leads_to_the_warning(team: Line) -> None:
    said = ("--sort", "person", "--privilege", "lawyer", "--id", "email:law@yer.example")
    done = team.must("entity", "add", "L. Lawyer", "--case", team.case, *said)
    assert "may be privileged; set it apart: holdfast privilege set" in done.err
    session = Session(Vault.open(team.vault), "alice")
    found = session.look_up(lambda c: entities.privileged(c, team.case))
    session.vault.engine.dispose()
    assert found == [(1, "lawyer", "email", "law@yer.example")]


def test_a_word_erased_by_order_is_gone_from_every_row(team: Line) -> None:
    of_case = ("--case", team.case)
    team.must("entity", "add", "Vera V.", *of_case, "--sort", "person", "--role", "victim")
    (entry,) = [one["entry"] for one in team.entries("entity.add")]
    team.must("operator", "role", "bob", "--add", "supervisor")
    order = ("--order", "O", "--entry", entry, "--field", "name")
    asked = team("erase", "request", *of_case, *order, "--field", "role", "--json").row["request"]
    session = Session(Vault.open(team.vault), "bob")
    session.custody._context["login"] = "bob"
    from holdfast.acts import approving  # noqa: PLC0415

    approving.approve(session, approving.Answer(asked))
    session.vault.engine.dispose()
    (row,) = team.must("entity", "list", *of_case, "--json").rows
    assert (row["name"], row["role"]) == ("(erased)", "")
    dora = as_(team, "dora").must("entity", "list", *of_case, "--json").rows
    assert dora[0]["name"] == "(withheld)", "whose role is not known is nobody's business"
    assert b"Vera" not in (team.vault / "holdfast.db").read_bytes()
    team.must("rebuild")
    assert team.must("entity", "list", *of_case, "--json").rows == [row]
    refused = team("erase", "request", *of_case, *order[:4], "--field", "work")
    assert (refused.code, "can't be erased" in refused.err) == (3, True)
    team.intact()


def test_notes_decisions_and_tasks_are_kept_and_rebuilt(team: Line) -> None:
    of_case = ("--case", team.case)
    team.must("note", "add", *of_case, "--text", "Called the bank", "--cite", "AL/1")
    said = ("--decision", "No search", "--reasons", "It is hosted abroad", "--by", "Chief X")
    team.must("decision", "add", *of_case, *said, "--alternatives", "Search both")
    team.must("task", "add", "Ask", *of_case, "--to", "bob", "--due", "2030-01-31")
    assert team("task", "add", "Ask", *of_case, "--to", "nobody").code == 3
    done = ("--state", "done", "--outcome", "answered")
    as_(team, "bob").must("task", "change", 1, *of_case, *done)

    def read() -> list[list[dict[str, Any]]]:
        return [
            team.must(kind, "list", *of_case, "--json").rows
            for kind in ("note", "decision", "task")
        ]

    before = read()
    (note,), (decision,), (task,) = before
    assert (note["text"], note["by"], note["cites"][0]["exhibit"]) == (
        "Called the bank", "alice", "AL/1",
    )  # fmt: skip
    assert (decision["decided_by"], decision["alternatives"]) == ("Chief X", "Search both")
    assert (decision["decision"], decision["number"]) == ("No search", 1)
    assert (task["state"], task["outcome"], task["assigned"]) == ("done", "answered", "bob")
    assert team.must("task", "list", *of_case, "--state", "open").out == ""
    team.must("rebuild")
    assert read() == before
    team.intact()


def test_a_case_is_handed_over_by_two_entries(team: Line) -> None:
    of_case = ("--case", team.case)
    team.must("task", "add", "Ask", *of_case)
    add_finding(team)
    team.must("operator", "add", "eve")
    for name in ("eve", "dora"):
        done = team("case", "handover", "give", name, *of_case)
        assert (done.code, "no role in case" in done.err) == (3, True), "they could not take it"
    team.must("case", "handover", "give", "bob", *of_case, "--remarks", "mind the bank")
    (given,) = team.entries("handover.give")
    row = team.must("case", "handover", "list", *of_case, "--json").row
    assert [(one["kind"], one["number"]) for one in row["open"]] == [("task", 1), ("finding", 1)]
    assert team("case", "handover", "give", "bob", *of_case).code == 3, "one at a time"
    bob = as_(team, "bob")
    assert bob("case", "close", team.case).code == 4, "not his before he accepts"
    assert team("case", "handover", "accept", 1, *of_case).code == 4, "nobody accepts for him"
    bob.must("case", "handover", "accept", 1, *of_case)
    roles = {
        one["operator"]: one["roles"] for one in bob.must("case", "team", team.case, "--json").rows
    }
    assert roles == {"bob": ["lead", "examiner"], "dora": ["defence"]}
    assert bob("case", "handover", "decline", 1, *of_case, "--remarks", "no").code == 4
    settled, *_ = team.entries("handover.settle")
    assert settled["entry"] > given["entry"]
    assert team("case", "close", team.case).code == 4, "alice leads it no longer"
    bob.must("rebuild")
    bob.intact()


def test_an_authority_warns_before_it_ends(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = tmp_path / "order.pdf"
    order.write_bytes(b"%PDF-1.7 the order")
    scope = ("--scope", tmp_path / "elsewhere")
    case = line.open_case(*scope, "--document", order, until="2998-01-31")
    shown = line.must("case", "show", case)
    assert ("AL/1  the authority" in shown.out, shown.err) == (True, "")
    (entry,) = line.entries("case.document")
    assert entry["item"] == line.must("items", "--case", case, "--json").row["item"]
    assert line.collect(order, case=case).code == 4, "evidence is taken within the scope only"
    assert line.must("case", "expiring").out == ""
    now = clock.from_text("2998-01-21T12:00:00Z")
    monkeypatch.setattr(clock, "now", lambda: now)
    assert "ends at 2998-01-31T23:59Z, in 10 days" in line.must("case", "show", case).err
    assert line.must("case", "show", case, "--days", 5).err == ""
    (row,) = line.must("case", "expiring", "--json").rows
    assert (row["case"], row["days_left"]) == (case, 10)
    monkeypatch.setattr(clock, "now", lambda: now + 11 * 86_400_000_000)
    assert "ended at" in line.must("case", "expiring").out
    line.must("case", "close", case)
    assert line.must("case", "expiring").out == ""


@pytest.mark.parametrize("role", people.ROLES)
@pytest.mark.parametrize("state", [people.HELD, people.RELEASED])
def test_only_a_suspects_details_leave_without_a_release(role: str, state: str) -> None:
    assert people.withheld(role, state) == (role != "suspect" and state == people.HELD)


def test_grades_are_those_of_the_4x4_system() -> None:
    assert rules.check_grade(" x4 ") == "X4"
    for wrong in ("", "A", "A5", "D1", "1A", "A1 and B2"):
        with pytest.raises(InputError):
            rules.check_grade(wrong)
