"""Promise 7: "No authority, no act. A case names its legal basis, scope and expiry; an act outside
them is refused, and the refusal is an entry."

A new act without a row in the matrix below fails a test here.
"""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyrage
import pytest

import holdfast.acts
from holdfast.acts.act import Act
from holdfast.cases import access
from holdfast.collect.web import chromium
from holdfast.core import clock
from holdfast.core.errors import DeniedError
from holdfast.testing import small_capture
from holdfast.vault.stores.local import LocalIntake
from tests.collect.web.servers import Site, page, serving
from tests.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from holdfast.acts.act import Session

YES, NO = True, False
STATES = ("in force", "expired", "not yet valid", "closed", "no such case")
SHOWS = (YES, YES, YES, YES, NO)
"""Acts that show what was done, and the duty to disclose, which outlives the power to search."""
CHANGES = (YES, YES, YES, NO, NO)
TOUCHES_EVIDENCE = (YES, NO, NO, NO, NO)

MATRIX: dict[str, tuple[bool, ...]] = {
    "account.request": TOUCHES_EVIDENCE,
    "bundle": SHOWS,
    "campaigns": TOUCHES_EVIDENCE,
    "case.close": CHANGES,
    "case.document": TOUCHES_EVIDENCE,
    "case.role": SHOWS,
    "case.show": SHOWS,
    "case.team": SHOWS,
    "case.zone": (YES, YES, YES, NO, NO),
    "chart": TOUCHES_EVIDENCE,
    "chart.export": TOUCHES_EVIDENCE,
    "clock.list": SHOWS,
    "clock.remove": TOUCHES_EVIDENCE,
    "clock.set": TOUCHES_EVIDENCE,
    "collect.archive": TOUCHES_EVIDENCE,
    "collect.diff": TOUCHES_EVIDENCE,
    "collect.files": TOUCHES_EVIDENCE,
    "collect.sent": TOUCHES_EVIDENCE,
    "collect.upload": TOUCHES_EVIDENCE,
    "collect.url": TOUCHES_EVIDENCE,
    "collect.web": TOUCHES_EVIDENCE,
    "coordinates": TOUCHES_EVIDENCE,
    "custody": SHOWS,
    "custody.entry": SHOWS,
    "decision.add": SHOWS,
    "disagreements": TOUCHES_EVIDENCE,
    "entities": SHOWS,
    "entity.add": SHOWS,
    "entity.change": SHOWS,
    "entity.link": SHOWS,
    "entity.release": SHOWS,
    "entity.unlink": SHOWS,
    "erase.request": SHOWS,
    "examine": TOUCHES_EVIDENCE,
    "examine.compare": TOUCHES_EVIDENCE,
    **dict.fromkeys(
        (
            *("exhibit.accept", "exhibit.decline", "exhibit.destroy", "exhibit.hand"),
            *("exhibit.list", "exhibit.move", "exhibit.number", "exhibit.pattern"),
            *("exhibit.return", "exhibit.seal", "exhibit.show", "exhibit.unseal"),
        ),
        SHOWS,
    ),
    "exhibit.made": TOUCHES_EVIDENCE,
    "exhibit.seize": TOUCHES_EVIDENCE,
    "finding.add": SHOWS,
    "finding.review": SHOWS,
    "finding.revise": SHOWS,
    "finding.withdraw": SHOWS,
    "findings": SHOWS,
    "handover.give": CHANGES,
    "handover.settle": SHOWS,
    "exposure.allow": SHOWS,
    "exposure.begin": TOUCHES_EVIDENCE,
    "exposure.disallow": SHOWS,
    "exposure.end": SHOWS,
    "exposure.show": SHOWS,
    "hold.set": SHOWS,
    "indicator.show": TOUCHES_EVIDENCE,
    "import.take": TOUCHES_EVIDENCE,
    "imports": TOUCHES_EVIDENCE,
    "imports.show": TOUCHES_EVIDENCE,
    "indicators": TOUCHES_EVIDENCE,
    "indicators.find": TOUCHES_EVIDENCE,
    "item.check": SHOWS,
    "item.get": TOUCHES_EVIDENCE,
    "item.release": SHOWS,
    "item.withdraw": SHOWS,
    "item.show": SHOWS,
    "items": SHOWS,
    "items.find": SHOWS,
    "ledger": SHOWS,
    "links": TOUCHES_EVIDENCE,
    "marks": TOUCHES_EVIDENCE,
    "matches": TOUCHES_EVIDENCE,
    "hits": TOUCHES_EVIDENCE,
    "note.add": SHOWS,
    "privilege.list": SHOWS,
    "privilege.review": TOUCHES_EVIDENCE,
    "privilege.rule": SHOWS,
    "privilege.set": SHOWS,
    "profile.request": TOUCHES_EVIDENCE,
    "question.answer": SHOWS,
    "question.ask": CHANGES,
    "question.material": TOUCHES_EVIDENCE,
    "report": SHOWS,
    "report.choices": SHOWS,
    "report.preview": SHOWS,
    "record.comment": TOUCHES_EVIDENCE,
    "record.remarks": SHOWS,
    "record.tag": TOUCHES_EVIDENCE,
    "record.untag": TOUCHES_EVIDENCE,
    "restricted": SHOWS,
    "schedule.add": TOUCHES_EVIDENCE,
    "search": TOUCHES_EVIDENCE,
    "search.save": TOUCHES_EVIDENCE,
    "searches": SHOWS,
    "statement": SHOWS,
    "task.add": CHANGES,
    "task.change": SHOWS,
    "timeline": TOUCHES_EVIDENCE,
    "timeline.counts": TOUCHES_EVIDENCE,
    "view": TOUCHES_EVIDENCE,
    "view.inside": TOUCHES_EVIDENCE,
    "view.play": TOUCHES_EVIDENCE,
    "view.replay": TOUCHES_EVIDENCE,
    "timeline.window": TOUCHES_EVIDENCE,
    "view.save": TOUCHES_EVIDENCE,
    "views": SHOWS,
    "web.check": TOUCHES_EVIDENCE,
    "web.redact": TOUCHES_EVIDENCE,
    "work": SHOWS,
}
NO_CASE = {
    *("egress.set", "hashset.add", "hashset.remove", "profile.mark", "schedule.remove"),
    *("audit", "exhibit.pattern.vault", "exposure.limits", "oversight"),
    "log.authorities",
    "log.continue",
    "log.renew",
    "log.rotate",
    "log.stamp",
    "log.witnesses",
    *(
        "case.list",
        "case.open",
        "operator.add",
        "operator.role",
        "operator.rotate",
        "operator.revoke",
    ),
    *("account.bind", "account.unbind"),
    *("account.set", "account.passkey", "operator.key", "operator.drop", "token.add"),
    *("case.open", "operator.add", "operator.role", "operator.rotate", "operator.revoke"),
    *("erase.limits", "hold.lift", "request.approve", "request.refuse", "request.withdraw"),
    *("vault.backup", "vault.copy", "vault.move", "vault.replica", "vault.scrub"),
}
"""Acts that touch no case."""

RECIPIENT = str(pyrage.x25519.Identity.generate().to_public())
COMMANDS: dict[str, tuple[str, ...]] = {
    "account.request": (
        *("collect", "account", "--case", "CASE", "--account", "A"),
        *("--host", "a.example", "--order", "O"),
    ),
    "bundle": ("bundle", "--case", "CASE", "--to", "FOLDER/handed-over"),
    "campaigns": ("campaigns", "--case", "CASE"),
    "case.close": ("case", "close", "CASE"),
    "case.document": ("case", "document", "FOLDER/source/new", "--case", "CASE"),
    "case.role": ("case", "role", "alice", "--case", "CASE", "--add", "examiner"),
    "case.show": ("case", "show", "CASE"),
    "case.team": ("case", "team", "CASE"),
    "case.zone": ("case", "zone", "Africa/Nairobi", "--case", "CASE"),
    "chart": ("chart", "show", "--case", "CASE"),
    "chart.export": ("chart", "export", "--case", "CASE", "--to", "FOLDER/handed-over.csv"),
    "clock.list": ("clock", "list", "--case", "CASE"),
    "clock.remove": ("clock", "remove", "--case", "CASE", "--host", "pc", "--reason", "R"),
    "clock.set": (
        *("clock", "set", "--case", "CASE", "--host", "pc", "--ahead", "1", "--basis", "B"),
    ),
    "collect.archive": ("collect", "archive", "--case", "CASE", "FOLDER/source/new"),
    "collect.diff": ("collect", "diff", "--case", "CASE", "AL/1", "AL/2"),
    "collect.files": ("collect", "files", "--case", "CASE", "FOLDER/source"),
    "collect.upload": (
        *("collect", "upload", "--case", "CASE", "--from", "the bank", "FOLDER/source/new"),
    ),
    "collect.sent": ("collect", "sent", "--case", "CASE"),
    "collect.url": ("collect", "url", "--case", "CASE", "SITE/file"),
    "collect.web": ("collect", "web", "--case", "CASE", "--settle", "0", "http://127.0.0.1:1/"),
    "coordinates": ("coordinates", "--case", "CASE"),
    "custody": ("custody", "--case", "CASE"),
    "custody.entry": ("log", "entry", "FIRST", "--case", "CASE"),
    "decision.add": ("decision", "add", "--case", "CASE", "--decision", "D", "--reasons", "R"),
    "disagreements": ("disagreements", "--case", "CASE"),
    "entities": ("entity", "list", "--case", "CASE"),
    "entity.add": ("entity", "add", "N", "--case", "CASE", "--sort", "person"),
    "entity.change": ("entity", "change", "1", "--case", "CASE", "--role", "suspect"),
    "entity.link": (
        *("entity", "link", "1", "2", "--case", "CASE", "--relation", "R", "--grade", "B2"),
    ),
    "entity.unlink": ("entity", "unlink", "1", "--case", "CASE", "--reason", "R"),
    "entity.release": ("entity", "release", "1", "--case", "CASE", "--reason", "R"),
    "erase.request": ("erase", "request", "--case", "CASE", "--order", "O", "--entry", "FIRST"),
    "examine": ("examine", "--case", "CASE", "--jobs", "1"),
    "examine.compare": ("examine", "--case", "CASE", "--compare", "own_patterns"),
    "exhibit.accept": ("exhibit", "accept", "GIVEN", "--case", "CASE"),
    "exhibit.decline": ("exhibit", "decline", "GIVEN", "--case", "CASE", "--reason", "R"),
    "exhibit.destroy": (
        *("exhibit", "destroy", "THING", "--case", "CASE", "--order", "O", "--method", "M"),
    ),
    "exhibit.hand": (
        *("exhibit", "hand", "THING", "--case", "CASE", "--to", "N", "--reason", "R"),
        *("--receipt", "F"),
    ),
    "exhibit.list": ("exhibit", "list", "--case", "CASE"),
    "exhibit.made": ("exhibit", "made", "AL/1", "--case", "CASE", "--from", "THING"),
    "exhibit.move": ("exhibit", "move", "THING", "--case", "CASE", "--to", "P"),
    "exhibit.number": ("exhibit", "number", "AL/1", "--case", "CASE", "--as", "X/1"),
    "exhibit.pattern": ("exhibit", "pattern", "--case", "CASE", "--part", "{parent}.{part}"),
    "exhibit.return": (
        *("exhibit", "return", "THING", "--case", "CASE", "--person", "N", "--order", "O"),
    ),
    "exhibit.seal": ("exhibit", "seal", "THING", "--case", "CASE", "--seal", "S-2"),
    "exhibit.seize": (
        *("exhibit", "seize", "--case", "CASE", "--what", "a phone", "--where", "a table"),
    ),
    "exhibit.show": ("exhibit", "show", "THING", "--case", "CASE"),
    "exhibit.unseal": (
        *("exhibit", "unseal", "SEALED", "--case", "CASE", "--seal", "S-1", "--reason", "R"),
    ),
    "finding.add": (
        *("finding", "add", "T", "--case", "CASE", "--statement", "S", "--grade", "A1"),
        *("--cite", "AL/1"),
    ),
    "finding.review": ("finding", "review", "1", "--case", "CASE", "--outcome", "passed"),
    "finding.revise": ("finding", "revise", "2", "--case", "CASE", "--statement", "S"),
    "finding.withdraw": ("finding", "withdraw", "2", "--case", "CASE", "--reason", "R"),
    "findings": ("finding", "list", "--case", "CASE"),
    "handover.give": ("case", "handover", "give", "bob", "--case", "CASE"),
    "handover.settle": ("case", "handover", "accept", "1", "--case", "CASE"),
    "exposure.allow": ("exposure", "allow", "alice", "--case", "CASE", "--reason", "R"),
    "exposure.begin": ("exposure", "begin", "--case", "CASE"),
    "exposure.disallow": ("exposure", "disallow", "alice", "--case", "CASE", "--reason", "R"),
    "exposure.end": ("exposure", "end", "--case", "CASE"),
    "exposure.show": ("exposure", "show", "--case", "CASE"),
    "hold.set": ("hold", "set", "--case", "CASE", "--order", "O"),
    "indicator.show": ("indicator", "show", "domain", "bank.example", "--case", "CASE"),
    "import.take": ("import", "take", "--case", "CASE", "AL/1"),
    "imports": ("import", "list", "--case", "CASE"),
    "imports.show": ("import", "show", "--case", "CASE", "AL/1"),
    "indicators": ("indicators", "--case", "CASE"),
    "indicators.find": ("indicator", "list", "--case", "CASE"),
    "item.check": ("item", "check", "--case", "CASE", "AL/1"),
    "item.get": ("item", "get", "--case", "CASE", "AL/1", "--to", "FOLDER/handed-over"),
    "item.release": (
        *("restricted", "release", "AL/1", "--case", "CASE", "--for", "N", "--order", "O"),
        *("--sealed-to", RECIPIENT),
    ),
    "item.withdraw": ("restricted", "withdraw", "RELEASE", "--case", "CASE", "--reason", "R"),
    "item.show": ("item", "show", "--case", "CASE", "AL/1"),
    "items": ("items", "--case", "CASE"),
    "items.find": ("item", "list", "--case", "CASE"),
    "ledger": ("ledger", "--case", "CASE"),
    "links": ("links", "--case", "CASE"),
    "marks": ("marks", "--case", "CASE"),
    "matches": ("matches", "--case", "CASE"),
    "hits": ("hits", "--case", "CASE"),
    "note.add": ("note", "add", "--case", "CASE", "--text", "T"),
    "privilege.list": ("privilege", "list", "--case", "CASE"),
    "privilege.review": ("privilege", "review", "APART", "--case", "CASE"),
    "privilege.rule": ("privilege", "rule", "APART", "release", "--case", "CASE", "--reason", "R"),
    "privilege.set": ("privilege", "set", "--case", "CASE", "--term", "word", "--reason", "R"),
    "profile.request": (
        *("collect", "profile", "--case", "CASE", "--reason", "R", "http://127.0.0.1:1/jane"),
    ),
    "question.answer": ("question", "answer", "1", "--case", "CASE", "--answer", "A"),
    "question.ask": ("question", "ask", "--case", "CASE", "--text", "T"),
    "question.material": ("question", "material", "--case", "CASE"),
    "report": ("report", "make", "--case", "CASE", "FOLDER/handed-over.pdf"),
    "report.choices": ("report", "choices", "--case", "CASE"),
    "report.preview": ("report", "preview", "--case", "CASE", "FOLDER/handed-over"),
    "record.comment": ("remark", "comment", "--case", "CASE", "PLACE", "T"),
    "record.remarks": ("remark", "list", "--case", "CASE", "PLACE"),
    "record.tag": ("remark", "tag", "--case", "CASE", "PLACE", "t"),
    "record.untag": ("remark", "untag", "--case", "CASE", "TAGGED"),
    "restricted": ("restricted", "list", "--case", "CASE"),
    "schedule.add": (
        *("collect", "schedule", "add", "--case", "CASE", "--every", "1h"),
        "http://127.0.0.1:1/",
    ),
    "search": ("search", "--case", "CASE", "bank"),
    "search.save": ("search", "--case", "CASE", "--save", "money", "bank"),
    "searches": ("searches", "--case", "CASE"),
    "statement": ("statement", "--case", "CASE", "AL/1"),
    "task.add": ("task", "add", "T", "--case", "CASE"),
    "task.change": ("task", "change", "1", "--case", "CASE", "--state", "done"),
    "timeline": ("timeline", "--case", "CASE"),
    "timeline.counts": ("timeline", "--case", "CASE", "--counts", "day"),
    "view": ("view", "--case", "CASE", "AL/1"),
    "view.play": ("item", "play", "--case", "CASE", "AL/3", "--ticket"),
    "view.replay": ("item", "replay", "--case", "CASE", "AL/3", "--ticket"),
    "view.inside": ("item", "tree", "--case", "CASE", "AL/1"),
    "timeline.window": ("window", "--case", "CASE", "--counts"),
    "view.save": ("window", "--case", "CASE", "--save", "v", "kind:mail.*"),
    "views": ("views", "--case", "CASE"),
    "web.check": (
        *("web", "check-redacted", "--case", "CASE", "--original", "AL/3"),
        "FOLDER/redacted.wacz",
    ),
    "web.redact": ("web", "redact", "AL/3", "--case", "CASE", "--to", "FOLDER/handed-over.wacz"),
    "work": ("note", "list", "--case", "CASE"),
}


NEED_AN_EXHIBIT = {
    "bundle": "no exhibit", "item.release": "no exhibit", "item.withdraw": "no release",
    "exhibit.number": "no exhibit", "statement": "no exhibit",
    **dict.fromkeys(
        (
            *("exhibit.accept", "exhibit.decline", "exhibit.destroy", "exhibit.hand"),
            *("exhibit.move", "exhibit.return", "exhibit.seal", "exhibit.unseal"),
        ),
        "no physical exhibit",
    ),
    "exhibit.show": "no exhibit", "item.check": "no exhibit", "item.show": "no exhibit",
    **dict.fromkeys(("entity.change", "entity.link", "entity.release"), "has no entity"),
    **dict.fromkeys(("finding.review", "finding.revise", "finding.withdraw"), "has no finding"),
    **dict.fromkeys(("report", "report.preview"), "has no reviewed finding"),
    "finding.add": "no exhibit", "handover.give": "no role in case",
    "handover.settle": "has no handover", "question.answer": "has no question",
    "entity.unlink": "has no link", "task.change": "has no task",
    "indicator.show": "shows no domain",
    "privilege.rule": "set nothing apart", "exposure.disallow": "may not anyway",
}  # fmt: skip


NEED_A_SITE = {"collect.url", "collect.web", "profile.request", "schedule.add"}
PREPARED = {
    *NEED_A_SITE, "handover.settle", "item.release", "item.withdraw", "report", "report.preview",
    "web.check", "web.redact",
}  # fmt: skip
"""Acts for which the test does something in the vault before."""


def restrict(line: Line, folder: Path) -> int:
    """Put AL/1 on a list of abuse material, and name somebody who may be given it."""
    (folder / "list.txt").write_text(line.items()[0]["item"])
    line.must("hashset", "add", folder / "list.txt", "--name", "n", "--kind", "abuse", "--origin",
              "o", "--version", "1", "--date", "d")  # fmt: skip
    line.must("restricted", "list", "--case", line.case)
    given = ("--for", "N", "--order", "O", "--sealed-to", RECIPIENT, "--json")
    done = line.must("restricted", "release", "AL/1", "--case", line.case, *given)
    return int(done.row["entry"])


def seize(line: Line) -> dict[str, str]:
    """Enter three physical exhibits: one at hand, one under seal, one that waits to be accepted."""
    seized = ("exhibit", "seize", "--case", line.case, "--what", "W", "--where", "P")
    thing = line.must(*seized, "--json").row["exhibit"]
    under = line.must(*seized, "--seal", "S-1", "--json").row["exhibit"]
    given = line.must(*seized, "--json").row["exhibit"]
    hand = ("exhibit", "hand", "--case", line.case, "--reason", "R", given, "--to")
    line.must(*hand, "N", "--receipt", "F")
    return {"THING": thing, "SEALED": under, "GIVEN": given}


def tag_an_event(line: Line, folder: Path) -> tuple[str, str]:
    """Have an event with a tag in the case; return its place, and the entry of the tag."""
    (folder / "a.log").write_text("<34>1 2026-03-01T08:00:00Z pc app - - - an event\n")
    line.collect(folder / "a.log")
    line.must("examine", "--case", line.case, "--jobs", "1")
    place = str(line.must("window", "--case", line.case, "--json").rows[0]["place"])
    tagged = line.must("remark", "tag", "--case", line.case, place, "seen", "--json").row
    return place, str(tagged["entry"])


def laid_out(line: Line, act: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Lay out what an act on exhibits or on legal privilege is about; return how it is named."""
    named = seize(line) if act.startswith("exhibit.") else {}
    if act == "exhibit.decline":
        offer = ("exhibit", "hand", named["THING"], "--case", line.case, "--reason", "R")
        line.must(*offer, "--to", "bob")
        named["GIVEN"] = named["THING"]
    if act in {"exposure.begin", "exposure.disallow"}:
        line.must("exposure", "allow", "alice", "--case", line.case, "--reason", "R")
    if act in {"privilege.review", "privilege.rule"}:
        apart = ("privilege", "set", "AL/1", "--case", line.case, "--reason", "R", "--json")
        named["APART"] = str(line.must(*apart).row["quarantine"])
        # Whoever leads the case is not on its filter team; here the one operator has to be.
        monkeypatch.setitem(access.ALLOWED, act, access.ALLOWED["items"])
    if act.startswith("record."):
        named["PLACE"], named["TAGGED"] = tag_an_event(line, line.vault.parent)
    return named


LAID_OUT = ("exhibit.", "exposure.", "privilege.", "record.")
SHARED = {
    (act, state)
    for act, answers in MATRIX.items()
    for state, answer in zip(STATES, answers, strict=True)
    if not answer and act not in PREPARED and not act.startswith(LAID_OUT)
}
"""Refusals that need nothing beforehand. Each of them shows that it leaves the vault as it was."""


def acts() -> set[str]:
    """Return the names of all acts there are, found as the program finds them: by import."""
    names = set()
    for found in pkgutil.iter_modules(holdfast.acts.__path__):
        module = importlib.import_module(f"holdfast.acts.{found.name}")
        names |= {value.name for value in vars(module).values() if isinstance(value, Act)}
    return names


def test_every_act_has_its_row() -> None:
    assert acts() == set(MATRIX) | NO_CASE
    assert set(COMMANDS) == set(MATRIX)


@pytest.fixture(scope="module")
def examined(
    made_plain: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A vault whose case, in force until 2999, has evidence that was examined."""
    from holdfast.acts.act import Session  # noqa: PLC0415
    from holdfast.acts.clocks import SetClock, set_clock  # noqa: PLC0415
    from holdfast.acts.collecting import CollectFiles, collect_files  # noqa: PLC0415
    from holdfast.acts.examining import Examine, examine  # noqa: PLC0415
    from holdfast.examine.told import Told  # noqa: PLC0415
    from holdfast.vault.vault import Vault  # noqa: PLC0415

    root, case = made_plain
    place = tmp_path_factory.mktemp("examined")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(place / "state"))
        session = Session(Vault.open(shutil.copytree(root, place / "vault")), "alice")
        (place / "mail.txt").write_text("Your bank: visit https://bank.example/ now\n")
        (place / "page.txt").write_text("no capture")
        named = tuple(str(place / name) for name in ("mail.txt", "page.txt"))
        assert len(list(collect_files(session, CollectFiles(case, named)))) == 2
        examine(session, Examine(case, told=Told({"own_patterns": [["word", "bank"]]})))
        examine(session, Examine(case))
        set_clock(session, SetClock(case, "1", "B", host="pc"))
        casework(session, case)
        session.vault.engine.dispose()
    return place / "vault", case


def casework(session: Session, case: str) -> None:
    """Write what acts on pieces of work need, as bob's finding, which alice may review."""
    from holdfast.acts import entities, findings, people, questions, tasks, teams  # noqa: PLC0415

    people.add_operator(session, people.NewOperator("bob"))
    teams.change_team(session, teams.ChangeTeam(case, "bob", ("examiner",)))
    bob = type(session)(session.vault, "bob")
    for one in (bob, session):
        findings.add_finding(one, findings.AddFinding(case, "T", "S", "A1", ("AL/1",)))
        entities.add_entity(one, entities.AddEntity(case, "person", "N"))
    entities.link_entities(session, entities.LinkEntities(case, 1, 2, "uses", "B2"))
    tasks.add_task(session, tasks.AddTask(case, "T"))
    questions.ask(session, questions.Ask(case, "T"))


@pytest.fixture
def scene(
    examined: tuple[Path, str],
    refusing: Refusing,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> Line:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "new").write_text("not collected yet")
    row = request.node.callspec.params
    if (row["act"], row["state"]) in SHARED and row["state"] in refusing.vaults:
        return Line(*refusing.vaults[row["state"]], capsys)
    return Line(shutil.copytree(examined[0], tmp_path / "vault"), examined[1], capsys)


@dataclass
class Refusing:
    """By the state of its case: a vault in which nothing but refusals happens, and the case."""

    folder: Path
    vaults: dict[str, tuple[Path, str]] = field(default_factory=dict)

    def keep(self, state: str, line: Line) -> None:
        """Take over a vault that is in a state: the test's own folder ends with the test."""
        line.vault = shutil.copytree(line.vault, self.folder / state.replace(" ", "-"))
        self.vaults[state] = line.vault, line.case


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Refusing:
    return Refusing(tmp_path_factory.mktemp("refusing"))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving(Site({"/file": page("a file")})) as one:
        yield one


def enter_state(line: Line, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring the scene's case into a state, or name another case that is in it."""
    if state == "expired":
        line.must("case", "show", line.case)
        later = clock.from_text("3000-01-01")
        monkeypatch.setattr(clock, "now", lambda: later)
    elif state == "not yet valid":
        line.case = line.open_case("--from", "2998-01-01")
    elif state == "closed":
        line.must("case", "close", line.case)
    elif state == "no such case":
        line.case = "1999-0001"


def bring(scene: Line, act: str, folder: Path) -> None:
    """Collect what an act needs beside the scene's two files, as AL/3."""
    if act in {"view.replay", "web.check", "web.redact"}:
        small_capture.in_vault(str(scene.vault), str(folder / "capture.wacz"))
        scene.collect(folder / "capture.wacz")
    if act in {"web.check", "web.redact"}:
        copy = folder / "redacted.wacz"
        scene.must("web", "redact", "AL/3", "--case", scene.case, "--to", copy)
    if act == "view.play":
        (folder / "call.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt " + bytes(32))
        scene.collect(folder / "call.wav")


def reach_state(
    line: Line,
    act: str,
    state: str,
    refusing: Refusing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bring the scene's case into a state, if it is not a shared one that is in it already."""
    if (act, state) not in SHARED or state not in refusing.vaults:
        enter_state(line, state, monkeypatch)
        if (act, state) in SHARED:
            refusing.keep(state, line)
    elif state == "expired":
        monkeypatch.setattr(clock, "now", lambda: clock.from_text("3000-01-01"))


def everything_but_the_log(root: Path) -> dict[str, bytes | None]:
    """Return all that lies in a vault, without the log and what is folded from it."""
    own = ("vault/log", "vault/entries", "holdfast.db")
    return {
        name: path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
        if not (name := str(path.relative_to(root))).startswith(own)
    }


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("act", sorted(MATRIX))
def test_an_act_is_done_or_refused_as_the_matrix_says(
    scene: Line,
    *,
    refusing: Refusing,
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
    state: str,
) -> None:
    if act == "collect.web" and not any(map(shutil.which, chromium.PLACES)):
        pytest.skip("no Chromium here: apt-get install chromium")
    if act in NEED_A_SITE:
        scene.case = scene.open_case("--scope", "127.0.0.1")
    bring(scene, act, tmp_path)
    if act in {"report", "report.preview"}:
        scene.must("finding", "review", "1", "--case", scene.case, "--outcome", "passed")
    released = 0
    if act == "handover.settle":
        scene.must("case", "role", "bob", "--case", scene.case, "--add", "lead")
        bob = Line(scene.vault, scene.case, scene.capture, "bob")
        bob.must("case", "handover", "give", "alice", "--case", scene.case)
    if act in {"item.release", "item.withdraw"}:
        released = restrict(scene, tmp_path)
    of_things = laid_out(scene, act, monkeypatch)
    reach_state(scene, act, state, refusing, monkeypatch)
    entries, files = scene.entries(), everything_but_the_log(scene.vault)
    opened = [e["entry"] for e in entries if (e["act"], e["case"]) == ("case.open", scene.case)]
    named = {"CASE": scene.case, "FIRST": str(*opened or [1]), "FOLDER/": f"{tmp_path}/",
             "RELEASE": str(released), **of_things}  # fmt: skip
    named["SITE/"] = site.url
    command = [_filled(word, named) for word in COMMANDS[act]]
    done = scene(*command)
    if MATRIX[act][STATES.index(state)]:
        if state == "not yet valid" and act in NEED_AN_EXHIBIT:
            # Allowed, but such a case can't have anything yet.
            assert (done.code, NEED_AN_EXHIBIT[act] in done.err) == (3, True)
        else:
            assert done.code == 0, done.err
        assert scene.entries("denied") == []
        return
    assert done.code == 4, done.err
    assert done.out == ""
    (told,) = done.err.splitlines()
    assert scene.case in told
    *before, denied = scene.entries()
    assert before == entries
    assert (denied["act"], denied["refused"]) == ("denied", act)
    assert denied["case"] == (None if state == "no such case" else scene.case)
    assert denied["reason"] in told
    assert denied["actor"]["name"] == "alice"
    assert denied["signed"]
    assert everything_but_the_log(scene.vault) == files
    assert not list(tmp_path.glob("*handed-over*"))


def _filled(word: str, named: dict[str, str]) -> str:
    for name, value in named.items():
        word = word.replace(name, value)
    return word


@pytest.mark.parametrize("state", ["expired", "not yet valid", "closed", "no such case"])
def test_the_refusal_says_why_and_what_to_do(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    enter_state(line, state, monkeypatch)
    words = {
        "closed": ("was closed at", "open a new case"),
        "expired": ("expired at 2999-12-31T23:59:59.999999Z", "obtain a new authority"),
        "no such case": ("there is no case", "holdfast case open"),
        "not yet valid": ("not valid before 2998-01-01T00:00:00Z", "wait"),
    }[state]
    done = line("collect", "files", "--case", line.case, tmp_path)
    assert all(word in done.err for word in words)


def test_the_first_and_the_last_microsecond_are_within_the_authority(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    case = line.open_case("--from", "2998-01-01", until="2998-12-31")
    first, last = clock.from_text("2998-01-01"), clock.end_of("2998-12-31")
    for now, code in ((first - 1, 4), (first, 0), (last, 0), (last + 1, 4)):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        assert line.collect(tmp_path / "file", case=case).code == code


def during(line: Line, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen while a collection copies, before its group is entered."""
    flush = LocalIntake.flush

    def slow(intake: LocalIntake) -> None:
        monkeypatch.setattr(LocalIntake, "flush", flush)
        flush(intake)
        happens()

    monkeypatch.setattr(LocalIntake, "flush", slow)


@pytest.mark.parametrize("event", ["closed", "expired"])
def test_an_authority_that_ends_during_a_collection_ends_the_collection(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    (tmp_path / "file").write_text("x")
    line.must("items", "--case", line.case)

    def end() -> None:
        if event == "closed":
            from holdfast.acts import cases  # noqa: PLC0415
            from holdfast.acts.act import Session  # noqa: PLC0415
            from holdfast.vault.vault import Vault  # noqa: PLC0415

            other = Session(Vault.open(line.vault), "alice")
            cases.close_case(other, cases.CloseCase(line.case, "judgment"))
            other.vault.engine.dispose()
        else:
            later = clock.from_text("3000-01-01")
            monkeypatch.setattr(clock, "now", lambda: later)

    during(line, monkeypatch, end)
    done = line.collect(tmp_path / "file")
    assert done.code == 4, done.err
    assert line.items() == []
    assert [e["refused"] for e in line.entries("denied")] == ["collect.files"]
    assert list((line.vault / "vault" / "incoming").iterdir()) == []
    line.intact()


def test_a_refusal_that_can_not_be_entered_is_still_a_refusal(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = line.open_case("--from", "2998-01-01")
    (line.vault / "keys" / "log.key").unlink()
    done = line("collect", "files", "--case", case, tmp_path)
    assert done.code == DeniedError.exit_code
    assert "not valid before" in done.err
