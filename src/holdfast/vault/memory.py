"""What this account has seen of a log before: its largest checkpoint, kept outside the vault.

A vault restored from an old backup, or rolled back by whoever holds its disk, is whole in
itself; only someone who remembers more can tell. Witnesses do that for outsiders; this does it
for the operator's own account.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.core import durable
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import IntegrityError
from holdfast.vault import tables
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.database import snapshot

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from holdfast.vault.log import Log


def _state_home() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")


class Memory:
    """The largest checkpoint of one log, by the log's verifier key."""

    def __init__(self, vkey: str) -> None:
        self._path = _state_home() / "holdfast" / "seen" / f"{sha256_hex(vkey.encode())[:32]}.json"

    def recall(self) -> Checkpoint | None:
        """Return the largest checkpoint seen; None when there is none to remember."""
        try:
            facts = json.loads(self._path.read_bytes())
            return Checkpoint(facts["origin"], facts["size"], bytes.fromhex(facts["root"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note(self, head: Checkpoint, *, force: bool = False) -> None:
        """Remember `head` if it is larger than what is known; a home that can't be written is fine.

        `force` replaces what is known: only for a loss that an entry of the log admits.
        """
        seen = self.recall()
        if not force and seen is not None and seen.size >= head.size:
            return
        facts = {"origin": head.origin, "root": head.root.hex(), "size": head.size}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            durable.replace(self._path, json.dumps(facts).encode(), 0o600, sync=False)
        except OSError:
            return

    def check(self, log: Log, head: Checkpoint) -> None:
        """Compare the log with what was seen of it.

        Raises:
            IntegrityError: the log is shorter than it was, or its past is another.
        """
        check_seen(log, head, self.recall())


def check_seen(log: Log, head: Checkpoint, seen: Checkpoint | None) -> None:
    """Raise unless `head` continues the tree that `seen` committed to.

    Raises:
        IntegrityError: the log is shorter than it was, or its past is another.
    """
    if seen is None or seen == head:
        return
    if seen.size > head.size:
        # Others may have gone on, and told of it, since `head` was read.
        head = log.head()
    if seen.size > head.size:
        raise IntegrityError(
            f"the log ends at entry {head.size - 1} but was seen with {seen.size} entries: "
            f"{seen.size - head.size} are gone (an old backup was put back, or the log was cut)",
            "restore a newer backup, or admit the loss: `holdfast restore --accept-loss REASON`",
        )
    if log.tree(head).root_of(0, seen.size) != seen.root:
        raise IntegrityError(
            f"the log's first {seen.size} entries are not those seen before: it was rewritten",
            "keep this vault as it is and compare with a backup, a replica or a witness",
        )


def stands_at(engine: Engine, head: Checkpoint) -> bool:
    """Say whether all of `head` is folded, and nothing beyond it was ever seen.

    It takes no lock: for the many who read where nobody wrote.
    """
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return False
    folded, seen = tables.head.c, tables.seen.c
    both = tables.head.join(tables.seen, seen.origin == head.origin)
    query = select(folded.size, folded.root, seen.size, seen.root).select_from(both)
    with snapshot(engine) as connection:
        row = connection.execute(query).one_or_none()
    return row is not None and tuple(row) == (head.size, head.root) * 2
