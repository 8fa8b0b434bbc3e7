"""Erasure by order: the value is nowhere, the proofs stay, and no one person can do it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.acts import approving, cases, collecting, erasing, people, vaults
from holdfast.acts.act import Session
from holdfast.acts.admission import Collected
from holdfast.cases import exhibits
from holdfast.core import clock
from holdfast.core.errors import DeniedError
from holdfast.vault import custody, database, erasure, projection, tables
from holdfast.vault.stores.local import LocalStore
from holdfast.vault.vault import Vault
from holdfast.vault.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.line import Done, Line


MARKER = "xMARKERq7Zk"
ACCOUNT = custody.account
ORDER = "District Court, 3 May, 4 Gs 12/26"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let this process count as another account; test_accounts.py does it with real ones."""

    def become(name: str) -> None:
        monkeypatch.setattr(custody, "account", lambda: name)

    become("account-of-alice")
    return become


class Unit:
    """Alice asks, bob and carol may approve; each from an account of their own."""

    def __init__(self, line: Line, account: Callable[[str], None], tmp_path: Path) -> None:
        self.line, self.account, self.place = line, account, tmp_path
        for name in ("bob", "carol"):
            line.must("operator", "add", name, "--role", "supervisor")

    def collect(self, path: str, content: str) -> dict[str, Any]:
        """Put a file on disk, collect it, remove it."""
        target = self.place / "source" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        row = self.line.collect(target).row
        target.unlink()
        return row

    def ask(self, *arguments: object, case: str = "") -> int:
        done = self.line.must(
            "erase", "request", "--case", case or self.line.case, "--order", ORDER, "--json",
            *arguments,
        )  # fmt: skip
        return int(done.row["request"])

    def by(self, name: str, *arguments: object) -> Done:
        self.account(f"account-of-{name}")
        done = self.line("--operator", name, *arguments)
        self.account("account-of-alice")
        return done

    def approve(self, request: int, name: str = "bob") -> dict[str, Any]:
        done = self.by(name, "erase", "approve", request, "--json")
        assert done.code == 0, done.err
        return done.row

    def erase(self, *arguments: object, case: str = "") -> None:
        assert self.approve(self.ask(*arguments, case=case))["done"]


@pytest.fixture
def unit(line: Line, account: Callable[[str], None], tmp_path: Path) -> Unit:
    return Unit(line, account, tmp_path)


@pytest.fixture
def sealed_unit(sealed: Line, account: Callable[[str], None], tmp_path: Path) -> Unit:
    return Unit(sealed, account, tmp_path)


def places(root: Path, marker: str = MARKER) -> list[str]:
    """Return every file below `root` whose bytes or name have the marker: a raw scan."""
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if marker in path.name or (path.is_file() and marker.encode() in path.read_bytes())
    )


def test_what_was_erased_is_found_by_no_raw_scan(unit: Unit) -> None:
    line = unit.line
    row = unit.collect(f"{MARKER}.txt", f"Your bank: visit https://{MARKER}.example/ now\n")
    unit.collect("other.txt", "Another letter about https://kept.example/\n")
    line.must("examine", "--case", line.case, "--jobs", 1)
    line.must("search", "--case", line.case, "bank")
    held = places(line.vault)
    for folder in ("derived/", "index/", "vault/objects/", "vault/entries/", "holdfast.db"):
        assert any(one.startswith(folder) for one in held), f"nothing to erase in {folder}"
    unit.erase(row["exhibit"])
    assert places(line.vault) == []
    report = line.intact()
    assert report["erased"] == [
        f"erased by order {ORDER!r}, entry {line.entries('erase')[0]['entry']}: 1 items of case "
        f"{line.case}"
    ]
    assert "erased by order" in line.must("verify", "--jobs", 1).out
    told = [(r["exhibit"], r["path"], r["erased"] is not None) for r in line.items()]
    assert told[0] == (row["exhibit"], "(erased)", True)
    assert not told[1][2]
    found = line.must("indicators", "--case", line.case, "--json").rows
    assert {one["value"] for one in found} >= {"kept.example"}
    assert not (line.vault / "vault" / "erasing").exists()


def test_the_log_proves_as_before_and_says_what_is_gone(unit: Unit) -> None:
    line = unit.line
    row = unit.collect("letter.txt", MARKER)
    before = {e["entry"]: e["hash"] for e in line.entries()}
    unit.erase(row["exhibit"])
    after = line.entries()
    assert {e["entry"]: e["hash"] for e in after if e["entry"] in before} == before
    (item,) = [e for e in after if e["act"] == "collect.item"]
    assert item["erased"] == ["path", "record", "stored"]
    assert item["item"] == row["item"]
    (done,) = [e for e in after if e["act"] == "erase"]
    facts = done["erasure"]
    assert (facts["order"], facts["requested_by"], facts["approved_by"]) == (
        ORDER, "alice", ["bob"],
    )  # fmt: skip
    assert facts["items"] == [{"item": row["item"], "object": row["item"]}]
    assert done["signed"]
    (start,) = [e for e in after if e["act"] == "collect.start"]
    assert start["erased"] == ["request"], "it named the very path"


def test_other_lines_of_a_body_segment_keep_every_byte(unit: Unit) -> None:
    row = unit.collect("one.txt", MARKER)
    unit.collect("two.txt", "two")
    before = bodies(unit.line)
    (entry,) = [e["entry"] for e in unit.line.entries("collect.item") if e["item"] == row["item"]]
    unit.erase("--entry", entry, "--field", "path")
    after = bodies(unit.line)
    assert [at for at, body in enumerate(before) if after[at] != body] == [entry]
    was, now = json.loads(before[entry]), json.loads(after[entry])
    del was["disclosures"]["path"]
    assert now == was


def bodies(line: Line) -> list[bytes]:
    (only,) = [p for p in (line.vault / "vault" / "entries").rglob("*") if p.is_file()]
    return only.read_bytes().splitlines()


def test_the_projection_is_the_same_with_and_without_the_erased_bodies(unit: Unit) -> None:
    """ "Folded from the log, can be dropped and rebuilt to the identical state (erasures
    included)": folded on as the entries came, and folded from bodies that have lost the fields."""
    line = unit.line
    row = unit.collect("one.txt", MARKER)
    unit.collect("two.txt", "two")
    line.must("case", "close", line.case, "--reason", MARKER)
    opened = line.entries("case.open")[0]["entry"]
    closed = line.entries("case.close")[0]["entry"]
    unit.erase(row["exhibit"])
    unit.erase("--entry", opened, "--field", "title", "--field", "lead")
    unit.erase("--entry", closed)
    folded = rows(line)
    line.must("rebuild")
    again = rows(line)
    for name in folded:
        assert [r for r in again[name] if r in folded[name]] == folded[name], name
    assert (again["exhibits"], again["cases"]) == (folded["exhibits"], folded["cases"])
    shown = line.must("case", "show", line.case, "--json").row
    assert (shown["title"], shown["lead"], shown["closed_why"]) == ("(erased)",) * 3
    assert places(line.vault) == []


def rows(line: Line) -> dict[str, list[Any]]:
    vault = Vault.open(line.vault)
    found = table_rows(vault)
    vault.engine.dispose()
    return found


def table_rows(vault: Vault) -> dict[str, list[Any]]:
    with vault.engine.connect() as connection:
        return {
            table.name: list(database.rows(connection, table))
            for table in tables.projection.sorted_tables
            if table.name not in {"head", "chains"}
        }


def test_a_field_that_no_order_covers_is_still_a_problem(unit: Unit) -> None:
    line = unit.line
    unit.collect("one.txt", "one")
    unit.collect("two.txt", "two")
    one, two = [e["entry"] for e in line.entries("collect.item")]
    unit.erase("--entry", one, "--field", "path")
    vault = Vault.open(line.vault)
    vault.log.erase({one: {"record"}, two: {"path"}})
    vault.engine.dispose()
    problems = line("verify", "--json", "--jobs", 1).row["problems"]
    for entry, name in ((one, "record"), (two, "path")):
        assert (
            f"entry {entry}: its field {name!r} is gone from its body and no entry erases it"
            in (problems)
        )


def test_what_was_erased_and_is_put_back_is_a_problem(unit: Unit, tmp_path: Path) -> None:
    line = unit.line
    row = unit.collect("one.txt", MARKER)
    entries, store = line.vault / "vault" / "entries", line.vault / "vault" / "objects"
    shutil.copytree(store, tmp_path / "store")
    request = unit.ask(row["exhibit"])
    before = bodies(line)
    assert unit.approve(request)["done"]
    (only,) = [p for p in entries.rglob("*") if p.is_file()]
    only.write_bytes(b"\n".join([*before, *bodies(line)[len(before) :], b""]))
    shutil.copytree(tmp_path / "store", store, dirs_exist_ok=True)
    report = line("verify", "--read-only", "--json", "--jobs", 1).row
    assert any("the field 'path'" in p and "is there again" in p for p in report["problems"])
    assert any(row["item"] in p and "is there again" in p for p in report["problems"])


def test_another_case_that_holds_the_item_keeps_it(sealed_unit: Unit) -> None:
    """ "In a sealed vault by destroying the item's wrap for that case"."""
    unit, line = sealed_unit, sealed_unit.line
    first = line.case
    row = unit.collect("one.txt", MARKER)
    line.case = second = line.open_case()
    unit.collect("two.txt", MARKER)
    held = exhibits_of(line, first) + exhibits_of(line, second)
    assert held[0].object == held[1].object, "one object, wrapped twice"
    unit.erase(row["item"], case=first)
    (kept,) = exhibits_of(line, second)
    assert exhibits_of(line, first) == []
    assert (line.vault / "vault" / "objects" / kept.object[:2] / kept.object).exists()
    line.case = second
    line.must("bundle", "--case", second, "--to", unit.place / "bundle")
    assert (unit.place / "bundle" / "data" / "originals" / row["item"]).read_text() == MARKER
    assert held[0].wrapped is not None
    assert places(line.vault, held[0].wrapped) == [], "the wrapped key of the first case is gone"
    line.intact()
    unit.erase(row["item"], case=second)
    assert not (line.vault / "vault" / "objects" / kept.object[:2] / kept.object).exists()
    line.intact()


def exhibits_of(line: Line, case: str) -> list[exhibits.Exhibit]:
    vault = Vault.open(line.vault)
    with vault.engine.connect() as connection:
        found = list(exhibits.of_case(connection, case))
    vault.engine.dispose()
    return found


def test_the_same_bytes_under_another_exhibit_stay(unit: Unit) -> None:
    line = unit.line
    one = unit.collect("one.txt", "the same")
    two = unit.collect("two.txt", "the same")
    unit.erase(one["exhibit"])
    assert (line.vault / "vault" / "objects" / one["item"][:2] / one["item"]).exists()
    assert [r["exhibit"] for r in line.items() if r["erased"] is None] == [two["exhibit"]]
    line.intact()


def test_it_can_be_collected_again_and_then_stays(unit: Unit) -> None:
    line = unit.line
    row = unit.collect("one.txt", "again")
    unit.erase(row["exhibit"])
    again = unit.collect("one.txt", "again")
    assert (again["item"], again["status"]) == (row["item"], "new")
    # As a restored backup does: everything once more.
    (line.vault / "vault" / erasure.DONE).unlink()
    line.must("case", "list")
    assert (line.vault / "vault" / "objects" / row["item"][:2] / row["item"]).exists()
    line.intact()


def test_a_bundle_of_what_is_left_is_intact(unit: Unit) -> None:
    import subprocess  # noqa: PLC0415

    line = unit.line
    row = unit.collect("one.txt", MARKER)
    unit.collect("two.txt", "two")
    unit.erase(row["exhibit"])
    line.must("bundle", "--case", line.case, "--to", unit.place / "bundle")
    done = subprocess.run(
        ["bash", "verify.sh"],
        cwd=unit.place / "bundle",
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert places(unit.place / "bundle") == []


@pytest.mark.postgres
def test_on_postgresql_rows_and_files_lose_it_too(
    postgres_database: str, tmp_path: Path, account: Callable[[str], None]
) -> None:
    (tmp_path / f"{MARKER}.txt").write_text(MARKER)
    alice = vaults.init(vaults.NewVault(tmp_path / "vault", "alice", database=postgres_database))
    vault = alice.vault
    case = cases.open_case(alice, cases.OpenCase("T", "B", "A", "2999-12-31")).id
    people.add_operator(alice, people.NewOperator("bob", ("supervisor",)))
    wish = collecting.CollectFiles(case, (str(tmp_path / f"{MARKER}.txt"),))
    (collected,) = collecting.collect_files(alice, wish)
    assert isinstance(collected, Collected)
    asked = erasing.request_erasure(alice, erasing.Erasure(case, ORDER, (collected.exhibit,)))
    account("account-of-bob")
    approving.approve(Session(vault, "bob"), approving.Answer(asked.entry))
    assert places(vault.root) == []
    folded = table_rows(vault)
    assert MARKER not in str(folded)
    vault.rebuild()
    assert table_rows(vault) == folded
    report = verify(vault, 1, lambda *_: None)
    vault.engine.dispose()
    assert (report.problems, report.incomplete) == ([], [])


def test_a_reader_that_stays_keeps_old_pages_and_that_is_told_and_mended(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY", 0)
    row = unit.collect(f"{MARKER}.txt", MARKER)
    request = unit.ask(row["exhibit"])
    with closing(sqlite3.connect(unit.line.vault / "holdfast.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT path FROM exhibits").fetchall()
        done = unit.by("bob", "erase", "approve", request)
        assert done.code == 8, done.err
        assert "any command: it finishes the erasure" in done.err
        assert [one.partition("-")[0] for one in places(unit.line.vault)] != []
        waits = unit.line.must("verify", "--read-only", "--json", "--jobs", 1).row
        assert waits["problems"] == []
    unit.line.must("case", "list")
    assert places(unit.line.vault) == []
    unit.line.intact()


# Backups.


def test_a_repeated_backup_loses_it_too_and_an_old_one_is_named(unit: Unit) -> None:
    line = unit.line
    row = unit.collect(f"{MARKER}.txt", MARKER)
    copy = unit.place / "copy"
    line.must("backup", copy)
    assert len(places(copy)) > 1
    unit.erase(row["exhibit"])
    (order,) = line.must("erase", "list", "--json").rows
    assert order["behind"] == [str(copy)]
    line.must("backup", copy)
    assert places(copy) == []
    (order,) = line.must("erase", "list", "--json").rows
    assert order["behind"] == []
    line.vault = unit.place / "restored"
    shutil.copytree(unit.place / "vault" / "keys", unit.place / "keys")
    line.must("restore", copy, "--keys", unit.place / "keys")
    line.intact()


def test_a_backup_that_has_the_order_and_not_its_effect_is_erased_when_it_is_restored(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = unit.line
    row = unit.collect(f"{MARKER}.txt", MARKER)
    request = unit.ask(row["exhibit"])
    finish = erasure.finish
    monkeypatch.setattr(erasure, "finish", lambda *_given: None)
    unit.approve(request)
    monkeypatch.setattr(erasure, "finish", finish)
    without = shutil.ignore_patterns("keys", "holdfast.db*", "incoming", "derived", "index")
    shutil.copytree(line.vault, unit.place / "copy", ignore=without)
    assert places(unit.place / "copy"), "the copy has what the order took"
    shutil.copytree(unit.place / "vault" / "keys", unit.place / "keys")
    line.vault = unit.place / "restored"
    line.must("restore", unit.place / "copy", "--keys", unit.place / "keys")
    assert places(line.vault) == []
    line.intact()


# Two people.


def denied(unit: Unit, done: Done, why: str) -> None:
    assert done.code == 4, done.err
    assert why in done.err
    assert unit.line.entries("denied")[-1]["refused"] == "request.approve"
    assert unit.line.entries("erase") == []


def test_one_person_key_or_account_can_not_complete_it(unit: Unit) -> None:
    line = unit.line
    row = unit.collect("one.txt", MARKER)
    request = unit.ask(row["exhibit"])
    denied(unit, line("erase", "approve", request), "needs another person than 'alice'")
    same_account = line("--operator", "bob", "erase", "approve", request)
    denied(unit, same_account, "needs another account of the operating system")
    key = line.vault / "keys" / "operators" / "alice.key"
    unit.account("account-of-bob")
    done = line("--operator", "bob", "--key", key, "erase", "approve", request)
    assert done.code in {3, 4}, "alice's key under bob's name"
    line.must("operator", "add", "dave", "--role", "examiner")
    denied(unit, unit.by("dave", "erase", "approve", request), "needs supervisor or prosecutor")
    denied(unit, unit.by("eve", "erase", "approve", request), "must be signed")
    assert [r["request"] for r in line.must("requests", "--json").rows] == [request]
    assert places(line.vault)
    assert unit.approve(request)["done"]
    denied_again = unit.by("carol", "erase", "approve", request)
    assert denied_again.code == 4
    assert "is done already" in denied_again.err
    assert line.must("requests", "--json").rows == []
    line.intact()


def test_a_login_name_in_the_environment_makes_no_other_account(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custody, "account", ACCOUNT)
    row = unit.collect("one.txt", "x")
    request = unit.ask(row["exhibit"])
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    done = unit.line("--operator", "bob", "erase", "approve", request)
    assert done.code == 4, done.err
    assert "another account" in done.err


def test_a_request_can_be_withdrawn_refused_and_expires(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = unit.line
    row = unit.collect("one.txt", "x")
    first, second, third = (unit.ask(row["exhibit"]) for _ in range(3))
    assert unit.by("bob", "request", "withdraw", first).code == 4
    line.must("request", "withdraw", first)
    assert line("request", "refuse", second, "--reason", "no").code in {0, 4}
    unit.by("bob", "request", "refuse", second, "--reason", "the order names another")
    for request, word in ((first, "withdrawn"), (second, "refused")):
        done = unit.by("bob", "erase", "approve", request)
        assert done.code == 4
        assert f"is {word} already" in done.err
    later = clock.now() + 15 * 86_400_000_000
    monkeypatch.setattr(clock, "now", lambda: later)
    done = unit.by("bob", "erase", "approve", third)
    assert done.code == 4
    assert "expired at" in done.err
    assert line.must("requests", "--json").rows == []
    assert line.entries("erase") == []


def test_an_erasure_entered_without_another_persons_approval_is_named(unit: Unit) -> None:
    """Whoever has the log's key can write any entry; verification asks for the approvals."""
    from holdfast.vault.entry import Draft  # noqa: PLC0415

    line = unit.line
    row = unit.collect("one.txt", MARKER)
    request = unit.ask(row["exhibit"])
    session = Session(Vault.open(line.vault), "alice")
    (asked,) = [e for e in line.entries() if e["entry"] == request]
    facts = {
        **{name: asked["asked"][name] for name in ("bytes", "exhibits", "fields", "order")},
        "approved_by": ["bob"],
        "requested_by": "alice",
        "request": request,
        "items": [{"item": row["item"], "object": row["item"]}],
    }
    session.custody.enter(Draft("erase", line.case, {"erasure": facts}))
    session.vault.engine.dispose()
    problems = line("verify", "--json", "--jobs", 1).row["problems"]
    assert any("erases without the approval of 1 other person" in one for one in problems)


# Hold, mass, what can't be.


def test_a_legal_hold_stops_an_erasure_and_the_refusal_is_an_entry(unit: Unit) -> None:
    line = unit.line
    row = unit.collect("one.txt", MARKER)
    other = unit.collect("two.txt", "two")
    waiting = unit.ask(row["exhibit"])
    hold = line.must(
        "hold", "set", "--case", line.case, "--order", "Court of Appeal", row["exhibit"], "--json"
    ).row["entry"]
    for done in (
        unit.by("bob", "erase", "approve", waiting),
        line("erase", "request", "--case", line.case, "--order", ORDER, row["exhibit"]),
    ):
        assert done.code == 4, done.err
        assert f"a legal hold (entry {hold}" in done.err
        assert "legal hold" in line.entries("denied")[-1]["reason"]
    unit.erase(other["exhibit"])
    lift = line.must("hold", "lift", hold, "--order", "Court of Appeal, 1 August", "--json").row
    assert line("request", "approve", lift["request"]).code == 4, "who asked"
    assert line.must("hold", "list", "--json").row["lifted"] is None
    assert unit.by("bob", "request", "approve", lift["request"]).code == 0
    assert line.must("hold", "list", "--json").row["lifted"] is not None
    assert unit.approve(waiting)["done"]
    assert places(line.vault) == []
    line.intact()


def test_a_hold_on_the_case_holds_every_entry_of_it(unit: Unit) -> None:
    line = unit.line
    opened = line.entries("case.open")[0]["entry"]
    line.must("hold", "set", "--case", line.case, "--order", "Court of Appeal")
    asked = ("erase", "request", "--case", line.case, "--order", ORDER, "--entry", opened)
    assert line(*asked).code == 4


def test_a_mass_deletion_needs_a_second_approval_and_is_marked(unit: Unit) -> None:
    line = unit.line
    limits = line.must("erase", "limits", "--entries", 3, "--bytes", 1000, "--json").row["request"]
    assert unit.by("bob", "request", "approve", limits).code == 0
    first = unit.collect("a/one", "one")
    rest = [unit.collect(f"a/{n}", f"{n}") for n in range(2)]
    unit.erase(first["exhibit"])  # its entry and the one that named its path
    request = unit.ask(*(row["exhibit"] for row in rest))
    assert unit.approve(request) == {"done": False, "missing": 1, "request": request}
    done = unit.by("bob", "erase", "approve", request)
    assert done.code == 4, "the same approver twice"
    assert unit.approve(request, "carol")["done"]
    assert [e["act"] for e in line.entries() if e["act"].startswith("erase")] == [
        "erase.limits.request", "erase.request", "erase", "erase.request", "erase.mass",
    ]  # fmt: skip
    assert line.entries("erase.mass")[0]["erasure"]["approved_by"] == ["bob", "carol"]
    line.intact()
    log = Vault.open(line.vault).log
    assert [e.index for e in log.entries() if e.mark] == [line.entries("erase.mass")[0]["entry"]]


def test_a_store_that_refuses_is_no_refusal_of_the_approval(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an S3 store with a lock does (test_erasing_stores.py); the next command tries again."""
    row = unit.collect("one.txt", "x")
    request = unit.ask(row["exhibit"])

    def locked(*_: object) -> None:
        raise DeniedError("the object is locked until 2999", "wait")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "destroy", locked)
        done = unit.by("bob", "erase", "approve", request)
    assert done.code == 6
    assert "is approved and entered" in done.err
    assert unit.line.entries("denied") == []
    assert len(unit.line.entries("erase")) == 1
    unit.line.intact()


def test_a_verification_beside_an_erasure_is_intact(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read the head before the erasure is entered, and reads bodies and objects after."""
    from holdfast.vault import verify as verification  # noqa: PLC0415

    rows = [unit.collect(f"{name}.txt", name) for name in ("one", "two")]
    request = unit.ask(rows[0]["exhibit"])
    read_head, erased = verification._Log.check, list[object]()

    def check(log: verification._Log, *given: Any) -> None:
        if not erased:
            erased.append(unit.approve(request))
        read_head(log, *given)

    with monkeypatch.context() as patch:
        patch.setattr(verification._Log, "check", check)
        report = unit.line("verify", "--json", "--jobs", 1).row
    assert erased
    assert report["problems"] == []
    assert report["intact"]
    unit.line.intact()


@pytest.mark.attack("Erases much without the second approval", "`verify`")
def test_a_mass_deletion_by_two_people_is_named(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that was altered may leave out the second approval, and the mark; not unseen."""
    line = unit.line
    limits = line.must("erase", "limits", "--entries", 3, "--bytes", 1000, "--json").row["request"]
    assert unit.by("bob", "request", "approve", limits).code == 0
    rows = [unit.collect(f"a/{n}", f"{n}") for n in range(4)]
    monkeypatch.setattr(erasing, "mass", lambda *_: False)
    unit.erase(*(row["exhibit"] for row in rows))
    (problem,) = line("verify", "--json", "--jobs", 1).row["problems"]
    assert "not entered as a mass deletion" in problem


@pytest.mark.attack("Erases much, with it", "monitor")
def test_a_monitor_is_alarmed_by_a_mass_deletion(unit: Unit, tmp_path: Path) -> None:
    """It sees leaves alone, by HTTP, and none of what is in them."""
    from holdfast.vault.config import Config  # noqa: PLC0415
    from tests.witness.program import Program  # noqa: PLC0415

    line = unit.line
    limits = line.must("erase", "limits", "--entries", 3, "--bytes", 1000, "--json").row["request"]
    assert unit.by("bob", "request", "approve", limits).code == 0
    rows = [unit.collect(f"a/{n}", f"{n}") for n in range(4)]
    policy = tmp_path / "policy"
    policy.write_text(f"log {Config.load(line.vault).vkey}\n")
    served = Program("log", "serve", "--vault", line.vault)
    try:
        watch = ("monitor", "--policy", policy, "--state", tmp_path / "seen", "--once", served.url)
        line.must(*watch)
        request = unit.ask(rows[0]["exhibit"])
        unit.approve(request)
        line.must(*watch)
        request = unit.ask(*(row["exhibit"] for row in rows[1:]))
        unit.approve(request)
        line.must(*watch)
        unit.approve(request, "carol")
        alarmed = line(*watch)
        assert alarmed.code == 5
        entry = line.entries("erase.mass")[0]["entry"]
        assert f"mass deletion in {Config.load(line.vault).vkey.split('+')[0]}: entry {entry}" in (
            alarmed.out
        )
        line.must(*watch), "told once"
    finally:
        served.stop()


@pytest.mark.parametrize("name", ["act", "actor", "time", "case", "signature", "item", "stored"])
def test_who_did_what_when_can_not_be_erased(unit: Unit, name: str) -> None:
    unit.collect("one.txt", "x")
    entry = unit.line.entries("collect.item")[0]["entry"]
    asked = ("erase", "request", "--case", unit.line.case, "--order", ORDER, "--entry", entry)
    done = unit.line(*asked, "--field", name)
    assert done.code == 3, done.err
    assert "can't be erased" in done.err


def test_the_database_is_folded_again_whatever_was_erased(unit: Unit) -> None:
    """Everything that can be erased of every entry is erased, and the same rows come back."""
    line = unit.line
    unit.collect("one.txt", "x")
    of_case = ("--case", line.case)
    line.must("case", "role", "bob", *of_case, "--add", "examiner")
    line.must("case", "zone", *of_case, "Europe/Oslo")
    line.must("exhibit", "pattern", *of_case, "--whole", "{case}/{number}")
    line.must("exhibit", "seize", *of_case, "--what", "a phone", "--where", "there")
    thing = line.must("exhibit", "list", *of_case, "--json").row["exhibit"]
    destroy = ("exhibit", "destroy", thing, *of_case, "--order", "O", "--method", "shredded")
    asked = int(line.must(*destroy, "--json").row["request"])
    entries = [one for one in line.entries() if one.get("case") == line.case]
    for one in entries:
        if one["act"] == "case.role":
            order = ("erase", "request", *of_case, "--order", ORDER, "--entry", one["entry"])
            refused = line(*order, "--field", "change")
            assert (refused.code, "can't be erased" in refused.err) == (3, True)
    numbers = [one["entry"] for one in entries if one["act"] != "collect.item"]
    unit.erase(*(part for number in numbers for part in ("--entry", number)))
    rows = {name: line.must(*name.split(), *of_case, "--json").rows for name in _LISTS}
    line.must("rebuild")
    assert rows == {name: line.must(*name.split(), *of_case, "--json").rows for name in _LISTS}
    line.intact()
    # What nobody can read any more, nobody can approve.
    assert [one["request"] for one in line.must("requests", "--json").rows] == []
    refused = unit.by("bob", "request", "approve", asked)
    assert (refused.code, "erased by order" in refused.err) == (4, True)


_LISTS = ("case team", "items", "exhibit list")


def test_what_is_folded_can_not_be_erased() -> None:
    """Every field that folding relies on is one that no order can choose."""
    elsewhere = {"account", "answer", "delegate", "ended", "era", "erasure", "hashset", "hold"}
    # Of the vault itself, or of lasting acts: no order can name their entries.
    elsewhere |= {"bound", "operator", "setting", "settings", "unbound"}
    relied = {
        name
        for path in Path(projection.__file__).parent.glob("*.py")
        if "_inserts" in (text := path.read_text())
        for name in re.findall(r'fields\["(\w+)"\]', text)
    }
    assert {"change", "restriction", "viewer"} <= relied
    assert relied - erasing.KEPT == elsewhere


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("holds", 'UPDATE holds SET "order" = ?'),
        ("requests", "UPDATE requests SET state = ?"),
        ("approvals", "UPDATE approvals SET name = ?"),
        ("orders", 'UPDATE orders SET "order" = ?'),
        ("erasures", "DELETE FROM erasures WHERE field = 'path' OR field = ?"),
        ("destroyed", "UPDATE destroyed SET object = ?"),
        ("settings", "UPDATE settings SET value = ?"),
    ],
)
def test_an_edited_row_of_these_tables_is_named(unit: Unit, table: str, statement: str) -> None:
    line = unit.line
    row = unit.collect("one.txt", "x")
    other = unit.collect("two.txt", "two")
    limits = line.must("erase", "limits", "--entries", 9, "--bytes", 9, "--json").row["request"]
    assert unit.by("bob", "request", "approve", limits).code == 0
    unit.erase(row["exhibit"])
    line.must("hold", "set", "--case", line.case, "--order", "O", other["exhibit"])
    with closing(sqlite3.connect(line.vault / "holdfast.db", isolation_level=None)) as rows:
        assert rows.execute(statement, ("x",)).rowcount > 0
    problems = line("verify", "--read-only", "--json", "--jobs", 1).row["problems"]
    assert any(f"table {table} is not what the log gives" in one for one in problems)
    line.must("rebuild")
    line.intact()
