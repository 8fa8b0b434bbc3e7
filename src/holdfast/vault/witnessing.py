"""What the cosignatures beside a log are worth: who witnessed it, up to where, and is that enough.

The rule (docs/decisions/0011): a log is witnessed when a quorum of its policy cosigned one and the
same checkpoint of it, and every entry beyond that checkpoint is younger than `GRACE`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.core import clock
from holdfast.core.errors import HoldfastError, InputError
from holdfast.vault import note, settings, tables
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import Cosigner, judge
from holdfast.vault.cosigned import Cosigned
from holdfast.vault.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from holdfast.core.canonical import Json
    from holdfast.vault.cosignature import Judged
    from holdfast.vault.log import Log
    from holdfast.vault.vault import Vault

NAME = "witnesses"
"""The setting's name."""
GRACE = 24 * 3600 * 1_000_000
"""Microseconds for which an entry may wait for its witnesses. What claims to come from the future
is not young: its age is unknown."""
SKEW = 300 * 1_000_000


@dataclass(frozen=True)
class Seen:
    """One cosigned checkpoint."""

    size: int
    by: dict[str, int]
    """The policy's witnesses that cosigned it, and when (seconds since 1970)."""
    quorum: bool
    """Whether these are enough."""


@dataclass
class Witnessed:
    """How far a log is witnessed."""

    entries: int
    """In the log."""
    quorum: str
    """A name, or `none`."""
    signed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The policy's witnesses that cosigned: the largest size, and when (seconds since 1970)."""
    silent: tuple[str, ...] = ()
    """Those that never did."""
    size: int = 0
    """The largest size at which a quorum cosigned; 0 where none did."""
    checkpoints: list[Seen] = field(default_factory=list)
    """Every good cosigned checkpoint, by size."""
    stale: int = 0
    """Entries beyond it that have waited too long."""
    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    """What holds only if the log's tiles are right."""

    @property
    def waiting(self) -> int:
        """Entries that no quorum has witnessed yet."""
        return self.entries - self.size

    @property
    def met(self) -> bool:
        """Whether a policy that demands `witnessed` is satisfied."""
        return self.size > 0 and not self.stale and not self.problems and not self.doubts

    def as_json(self) -> dict[str, Json]:
        """Return what `verify --json` and `log status --json` print."""
        return {
            "entries_waiting": self.waiting,
            "entries_waiting_too_long": self.stale,
            "quorum": self.quorum,
            "quorum_met_at": self.size or None,
            "signed": {
                name: {"size": size, "time": clock.to_text(time * 1_000_000)}
                for name, (size, time) in sorted(self.signed.items())
            },
            "silent": list(self.silent),
            "witnessed": self.met,
        }

    def lines(self) -> list[str]:
        """Return what is told to a person."""
        if self.size:
            first = f"quorum {self.quorum} met at {self.size} of {self.entries} entries"
        elif self.quorum == "none":
            first = "the policy asks for no quorum"
        else:
            first = f"QUORUM NOT MET: {self.quorum} has cosigned no checkpoint of this log"
        told = [first]
        if self.waiting:
            late = f", {self.stale} of them for too long" if self.stale else ""
            told.append(f"{self.waiting} newest entries are not witnessed yet{late}")
        told += [
            f"{name} signed at {size} entries, {clock.to_text(time * 1_000_000)}"
            for name, (size, time) in sorted(self.signed.items())
        ]
        told += [f"{name} has not signed" for name in self.silent]
        return told


def check(vault: Vault, head: Checkpoint, folded: Engine) -> Witnessed | None:
    """Judge every cosigned checkpoint of a log; None where witnesses were never set.

    `folded` is a database folded from this log up to `head`.

    Raises:
        HoldfastError: the log's settings can't be read.
    """
    log = vault.log
    with folded.connect() as connection:
        table = tables.entries
        query = select(table.c.index).where(table.c.act == settings.ACT).order_by(table.c.index)
        indices = list(connection.scalars(query))
    texts = [
        one.fields["setting"]["value"]
        for index in indices
        for one in log.entries(index, index + 1)
        if one.fields["setting"]["name"] == NAME
    ]
    kept = Cosigned(log.path)
    if not texts:
        if not kept.sizes():
            return None
        found = Witnessed(head.size, "none")
        found.problems.append(f"{kept.path} holds cosignatures, and no witness was ever set")
        return found
    policies = [Policy.parse(str(text).encode()) for text in texts]
    found = judge_all(log, head, kept, policies)
    with folded.connect() as connection:
        beyond = select(table.c.time).where(table.c.index >= found.size)
        times = [clock.from_text(text) for text in connection.scalars(beyond)]
    now = clock.now()
    found.stale = sum(not -SKEW <= now - time <= GRACE for time in times)
    return found


def judge_all(log: Log, head: Checkpoint, kept: Cosigned, policies: list[Policy]) -> Witnessed:
    """Judge the cosigned checkpoints of the log at `head`; the last of `policies` counts.

    Witnesses of the earlier ones are known, so that their cosignatures are not taken for foreign.
    """
    policy = policies[-1]
    names = {one.key: one.name for one in policy.witnesses}
    known = frozenset(one.key for former in policies for one in former.witnesses)
    found = Witnessed(head.size, policy.quorum or "none")
    judges = _Judge(log, head, kept, known, found)
    for size in kept.sizes():
        here = {names[key]: time for key, time in judges.signers(size).items() if key in names}
        found.signed |= {name: (size, time) for name, time in here.items()}
        enough = policy.quorum != "none" and policy.met(here)
        if enough:
            found.size = size
        if here:
            found.checkpoints.append(Seen(size, here, enough))
    found.silent = tuple(sorted(set(names.values()) - found.signed.keys()))
    return found


@dataclass(frozen=True)
class _Judge:
    """Judges one cosigned checkpoint after the other."""

    log: Log
    head: Checkpoint
    kept: Cosigned
    known: frozenset[Cosigner]
    found: Witnessed

    def signers(self, size: int) -> dict[Cosigner, int]:
        """Return who cosigned the checkpoint of that size, and when, once all of it is right."""
        path = self.kept.file(size)
        try:
            text, signatures = note.split(path.read_bytes().decode())
            checkpoint = Checkpoint.parse(text)
        except (OSError, UnicodeDecodeError, HoldfastError) as error:
            self.found.problems.append(f"the cosigned checkpoint {path} can't be read: {error}")
            return {}
        problems = []
        era = self.log.eras.at(size)
        if (checkpoint.origin, checkpoint.size) != (era.origin, size):
            problems.append(f"{path} is the checkpoint of another log or size")
        judged = judge(text, signatures, (*era.keys, *self.known))
        problems += [f"{path}: {wrong}" for wrong in map(self._wrong, judged) if wrong]
        if not set(era.keys) <= {one.key for one in judged if one.time is not None}:
            problems.append(f"{path}: a signature of the log itself was stripped")
        good = {
            one.key: one.time or 0
            for one in reversed(judged)
            if isinstance(one.key, Cosigner) and one.key in self.known
        }
        if not good:
            problems.append(f"{path}: the cosignatures were stripped")
        if size > self.head.size:
            problems.append(
                f"witnesses saw this log with {size} entries ({path}) and it has "
                f"{self.head.size}: {size - self.head.size} are gone"
            )
        self.found.problems += problems
        return {} if problems or not self._is_past(checkpoint, path) else good

    def _wrong(self, one: Judged) -> str:
        name = one.signature.name
        if one.key is None:
            key = one.signature.key_id.hex()
            return f"it is signed by {name} (key {key}), which was never a witness of this log"
        if one.time is None or (one.time == 0 and one.key in self.known):
            return f"the signature of {name} is forged or damaged"
        return ""

    def _is_past(self, checkpoint: Checkpoint, path: Path) -> bool:
        """Say whether the log continues what was cosigned."""
        try:
            root = self.log.tree(self.head).root_of(0, checkpoint.size)
        except HoldfastError as error:
            self.found.doubts.append(str(error))
            return False
        if root != checkpoint.root:
            self.found.doubts.append(
                f"the log's first {checkpoint.size} entries are not those that witnesses cosigned "
                f"({path}): it was rewritten"
            )
        return root == checkpoint.root


def read_policy(text: Json) -> Policy | None:
    """Return the policy that a setting holds; None where there is none.

    Raises:
        InputError: it is no policy.
    """
    if text is None:
        return None
    if not isinstance(text, str):
        raise InputError("the setting `witnesses` is no text", "set it again")
    return Policy.parse(text.encode())
