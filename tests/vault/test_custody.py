"""The sequencer: drafts become entries in one order, each decided at the position it gets."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from holdfast import __version__
from holdfast.acts import people
from holdfast.acts.act import Session
from holdfast.core import clock, durable
from holdfast.core.errors import ConflictError, DeniedError, ResourceError
from holdfast.vault import custody as sequencer
from holdfast.vault import tables
from holdfast.vault.custody import Custody
from holdfast.vault.entry import Draft
from holdfast.vault.log import Log
from holdfast.vault.signing import PasskeySigner
from holdfast.vault.vault import Vault
from holdfast.vault.verify import verify
from tests.passkeys import Authenticator, client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.entry import Sealed
    from holdfast.vault.passkey import Passkey
    from holdfast.vault.webauthn import Assertion


def quiet(_done: int, _total: int | None, _what: str) -> None:
    pass


def problems(vault: Vault) -> list[str]:
    fresh = Vault.open(vault.root)
    report = verify(fresh, 1, quiet)
    fresh.engine.dispose()
    return report.problems


def note(text: str = "") -> Draft:
    return Draft("note", None, {"text": text})


def test_an_entry_says_who_what_when_and_with_which_tool(vault: Vault) -> None:
    before = clock.now()
    (one,) = Custody(vault, "Alice").enter(note("found"))
    fields = one.fields
    assert (one.act, one.case, fields["text"]) == ("note", None, "found")
    signer = vault.keyring.operator("Alice")
    assert signer is not None
    assert fields["actor"] == {"key": signer.verifier.key_id.hex(), "name": "Alice"}
    assert fields["context"]["tool"] == f"holdfast {__version__}"
    assert set(fields["context"]) == {"host", "login", "tool"}
    assert before <= clock.from_text(fields["time"]) <= clock.now()
    (kept,) = vault.log.entries(one.index, one.index + 1)
    assert kept == one
    assert kept.fields == fields


def test_a_group_is_entered_together_and_signed_once(vault: Vault) -> None:
    made = Custody(vault, "Alice").enter(*(note(str(n)) for n in range(5)))
    assert [one.index for one in made] == list(range(made[0].index, made[0].index + 5))
    assert [one.fields["text"] for one in made] == list("01234")
    assert [one.sequence for one in made] == list(range(made[0].sequence, made[0].sequence + 5))
    assert ["signature" in one.fields for one in made] == [False] * 4 + [True]
    assert made[-1].fields["signature"]["covers"] == 4
    assert problems(vault) == []


def test_one_without_a_key_enters_acts_that_read_unsigned(vault: Vault) -> None:
    bob = Custody(vault, "bob")
    assert not bob.signs
    assert Custody(vault, "Alice").signs
    (one,) = bob.enter(note())
    assert "signature" not in one.commitments
    assert one.fields["actor"] == {"key": None, "name": "bob"}
    with vault.engine.connect() as connection:
        query = select(tables.entries.c.signed).where(tables.entries.c.index == one.index)
        assert connection.scalar(query) == 0
    report = verify(vault, 1, quiet)
    assert report.intact
    assert report.unsigned >= 1


def test_the_database_follows_at_once(vault: Vault) -> None:
    made = Custody(vault, "Alice").enter(note(), note())
    with vault.engine.connect() as connection:
        table = tables.entries
        rows = connection.execute(select(table.c.index, table.c.sequence).order_by(table.c.index))
        assert list(rows)[-2:] == [(one.index, one.sequence) for one in made]
    assert vault.seen() == vault.memory.recall() == vault.log.head()


def test_nothing_to_enter_is_nothing_entered(vault: Vault) -> None:
    head = vault.log.head()
    assert Custody(vault, "Alice").enter() == []
    assert vault.log.head() == head


def test_a_decision_that_refuses_enters_nothing(vault: Vault) -> None:
    vault.current()
    head = vault.log.head()

    def refuse(_connection: Connection) -> Sequence[Draft]:
        raise DeniedError("not within the authority")

    with pytest.raises(DeniedError, match="not within the authority"):
        Custody(vault, "Alice").decide(refuse)
    assert vault.log.head() == head


def test_a_case_whose_keys_are_elsewhere_gets_no_entry(vault: Vault) -> None:
    head = vault.log.head()
    with pytest.raises(DeniedError, match=r"the tag key cases/1999-0001.tag is not in the keyring"):
        Custody(vault, "Alice").enter(Draft("note", "1999-0001", {}))
    assert vault.log.head() == head


def test_one_that_lost_its_position_decides_anew(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a decision rests on must hold "at the very position of its entries"."""
    other = Vault.open(vault.root)
    commit = Log.commit
    counted: list[int] = []

    def beaten(self: Log, head: Checkpoint, sealed: list[Sealed]) -> Checkpoint | None:
        if self is vault.log and len(counted) <= 3:
            # Between the decision and its commit, another writer enters something.
            Custody(other, "bob").enter(note("first"))
        return commit(self, head, sealed)

    monkeypatch.setattr(Log, "turn", lambda _self: nullcontext())

    def count(connection: Connection) -> Sequence[Draft]:
        counted.append(len(list(connection.execute(select(tables.entries.c.index)))))
        return [note(f"{counted[-1]} entries before this one")]

    monkeypatch.setattr(Log, "commit", beaten)
    (one,) = Custody(vault, "Alice").decide(count)
    monkeypatch.undo()
    assert len(counted) == 4
    assert counted == list(range(counted[0], counted[0] + 4))
    assert one.fields["text"] == f"{one.index} entries before this one"
    other.engine.dispose()


def test_one_that_keeps_losing_says_so(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    monkeypatch.setattr(Log, "commit", lambda _self, head, _sealed: tried.append(head.size))
    with pytest.raises(ConflictError, match="other writers got in first 100 times; repeat the co"):
        Custody(vault, "Alice").enter(note())
    assert len(tried) == sequencer.TRIES
    monkeypatch.undo()
    assert problems(vault) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_refuses_is_told_in_a_line_and_nothing_is_entered(
    code: int, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.current()
    head = vault.log.head()
    create = durable.create

    def full(path: Path, data: bytes, mode: int = 0o444) -> bool:
        if path.parent.name == "commits":
            raise OSError(code, os.strerror(code), str(path))
        return create(path, data, mode)

    monkeypatch.setattr(durable, "create", full)
    with pytest.raises(ResourceError, match=r"could not write to .*/commits/\d+: .*; nothing that"):
        Custody(vault, "Alice").enter(note())
    monkeypatch.undo()
    assert vault.log.head() == head
    Custody(vault, "Alice").enter(note())
    assert problems(vault) == []


# The clock.


def test_a_clock_that_went_back_is_told_and_entered(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry must not hide that its host's clock contradicts the entry before it."""
    alice = Custody(vault, "Alice")
    (first,) = alice.enter(note())
    assert alice.warnings == []
    then = clock.from_text(first.fields["time"])
    monkeypatch.setattr(clock, "now", lambda: then - 3_600_500_000)
    (second,) = alice.enter(note())
    assert second.fields["context"]["clock_behind_us"] == 3_600_500_000
    assert clock.from_text(second.fields["time"]) == then - 3_600_500_000
    (warning,) = alice.warnings
    assert warning == (
        f"this host's clock is 3600.500 s behind the last entry's time {first.fields['time']}; the "
        "entry says so; set the clock"
    )
    # From there on it goes forward again, slowly; it is told once.
    monkeypatch.setattr(clock, "now", lambda: then - 3_600_000_000)
    (third,) = alice.enter(note())
    assert "clock_behind_us" not in third.fields["context"]
    monkeypatch.setattr(clock, "now", lambda: then - 9_000_000_000)
    alice.enter(note())
    assert len(alice.warnings) == 1
    monkeypatch.undo()
    assert problems(vault) == []


def test_the_same_microsecond_is_not_backwards(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now() + 1_000_000
    monkeypatch.setattr(clock, "now", lambda: now)
    alice = Custody(vault, "Alice")
    for _ in range(2):
        (one,) = alice.enter(note())
        assert "clock_behind_us" not in one.fields["context"]
    assert alice.warnings == []


# Several at once.

WORKER = """
import sys
from pathlib import Path
from holdfast.vault.custody import Custody
from holdfast.vault.entry import Draft
from holdfast.vault.vault import Vault
vault = Vault.open(Path(sys.argv[1]))
custody = Custody(vault, sys.argv[2])
for n in range(int(sys.argv[3])):
    vault.current()
    custody.enter(*(Draft("note", None, {"who": sys.argv[2], "n": 3 * n + at}) for at in range(3)))
"""


def test_four_operators_at_once_lose_and_double_nothing(vault: Vault) -> None:
    """Each one's numbers come in order, the vault's numbers have no gap, and nobody is told that
    the log was cut because another was quicker.
    """
    before = vault.log.head().size
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(vault.root), name, "15"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("Alice", "bob", "carol", "dave")
    ]
    told = [one.communicate(timeout=300)[1] for one in workers]
    assert [one.returncode for one in workers] == [0] * 4, told
    said = [
        (one.fields["who"], one.fields["n"])
        for one in vault.log.entries(before)
        if one.act == "note"
    ]
    assert Counter(said) == Counter(
        (name, n) for name in ("Alice", "bob", "carol", "dave") for n in range(45)
    )
    for name in ("Alice", "bob", "carol", "dave"):
        assert [n for who, n in said if who == name] == list(range(45))
    assert problems(vault) == []


# --- a signer who is asked: others go on meanwhile


def slow(vault: Vault, meanwhile: Callable[[], object]) -> tuple[Custody, list[bytes]]:
    """Dora, who has a passkey; while she is asked for the first time, `meanwhile` happens."""
    key = Authenticator("dora")
    added: dict[str, Json] = {"operator": people.public("dora", str(key.passkey)), "roles": []}
    Custody(vault, "Alice").enter(Draft("operator.add", None, added))
    asked: list[bytes] = []

    def ask(_key: Passkey, challenge: bytes, _shown: object) -> Assertion:
        asked.append(challenge)
        if len(asked) == 1:
            meanwhile()
        return key.sign(client(challenge))

    return Custody(vault, "dora", PasskeySigner(key.passkey, ask)), asked


def test_what_was_signed_is_entered_under_the_number_that_is_next_by_then(vault: Vault) -> None:
    case = "2026-0001"
    other = Vault.open(vault.root)
    dora, asked = slow(
        vault, lambda: Custody(other, "Alice").enter(Draft("note", case, {"text": "meanwhile"}))
    )
    (made,) = dora.enter(Draft("note", case, {"text": "signed"}))
    assert len(asked) == 1
    before = list(vault.log.parsed(made.index - 1, made.index + 1))
    assert [one.fields["text"] for one in before] == ["meanwhile", "signed"]
    assert before[1].sequence == before[0].sequence + 1
    assert problems(vault) == []
    other.engine.dispose()


def test_an_act_whose_signed_numbers_were_taken_is_signed_anew(vault: Vault) -> None:
    case = "2026-0001"
    other = Vault.open(vault.root)
    dora, asked = slow(
        vault, lambda: Custody(other, "Alice").enter(Draft("note", case, {"text": "meanwhile"}))
    )
    dora.enter(*(Draft("note", case, {"text": text}) for text in ("one", "two")))
    assert len(asked) == 2
    assert problems(vault) == []
    other.engine.dispose()


def test_a_key_that_was_ended_while_its_holder_signed_enters_nothing(vault: Vault) -> None:
    other = Vault.open(vault.root)

    def revoke() -> None:
        people.revoke(Session(other, "Alice"), people.EndKey("dora", "lost"))

    dora, _ = slow(vault, revoke)
    with pytest.raises(DeniedError, match="was ended by entry"):
        dora.enter(Draft("note", "2026-0001", {"text": "late"}))
    other.engine.dispose()
