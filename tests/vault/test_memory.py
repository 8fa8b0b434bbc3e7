"""What the account remembers of a log: enough to notice that it was put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.core import durable
from holdfast.core.errors import IntegrityError
from holdfast.vault import entry
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.memory import Memory, check_seen

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.log import Log

VKEY = "log.example/1+00000000+key"


def grown(log: Log, count: int) -> Checkpoint:
    head = log.commit(log.head(), [entry.seal({"n": n}, bytes(32), 1) for n in range(count)])
    assert head is not None
    return head


def test_an_account_that_saw_nothing_remembers_nothing() -> None:
    assert Memory(VKEY).recall() is None


def test_what_was_seen_is_remembered_by_another_process(state_home: Path) -> None:
    head = Checkpoint("log.example/1", 7, bytes(range(32)))
    Memory(VKEY).note(head)
    assert Memory(VKEY).recall() == head
    assert Memory("another" + VKEY).recall() is None
    (kept,) = (state_home / "holdfast" / "seen").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_only_a_larger_log_replaces_what_is_remembered_unless_forced() -> None:
    memory = Memory(VKEY)
    large, small = (Checkpoint("log.example/1", size, bytes(32)) for size in (9, 4))
    other = Checkpoint("log.example/1", 9, bytes(range(32)))
    memory.note(large)
    memory.note(small)
    memory.note(other)
    assert memory.recall() == large
    memory.note(small, force=True)
    assert memory.recall() == small


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"size":1}', '{"origin":"o","root":"x"}', "\xff"]
)
def test_a_memory_that_was_damaged_is_none(damage: str, state_home: Path) -> None:
    memory = Memory(VKEY)
    memory.note(Checkpoint("o", 1, bytes(32)))
    (kept,) = (state_home / "holdfast" / "seen").iterdir()
    kept.write_bytes(damage.encode("latin-1"))
    assert memory.recall() is None
    memory.note(Checkpoint("o", 2, bytes(32)))
    assert memory.recall() == Checkpoint("o", 2, bytes(32))


def test_a_home_that_can_not_be_written_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_kw: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "replace", full)
    Memory(VKEY).note(Checkpoint("o", 1, bytes(32)))
    monkeypatch.undo()
    assert Memory(VKEY).recall() is None


def test_a_log_that_grew_continues_what_was_seen(log: Log) -> None:
    heads = [log.head(), grown(log, 3), grown(log, 300), grown(log, 1)]
    for seen in heads:
        check_seen(log, heads[-1], seen)
    check_seen(log, heads[-1], None)


def test_a_log_that_is_shorter_than_it_was_is_named(log: Log) -> None:
    old = grown(log, 3)
    seen = Checkpoint(log.origin, 5, bytes(32))
    with pytest.raises(
        IntegrityError, match="ends at entry 2 but was seen with 5 entries: 2 are go"
    ):
        check_seen(log, old, seen)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_log_whose_past_is_another_is_named(size: int, log: Log) -> None:
    """Rewritten by one who has the log's key: signed, whole in itself, and not the same."""
    grown(log, 3)
    head = grown(log, 2)
    seen = Checkpoint(log.origin, size, bytes(32))
    with pytest.raises(IntegrityError, match=f"first {size} entries are not those seen before"):
        check_seen(log, head, seen)
