"""What vouches for an entry of the log: whose key, which checkpoint, which witnesses, which time.

A quorum that is missing, a witness that is silent and an authority that refused are told as plainly
as those that vouch for it. Nothing is entered: only the log is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts import checking, showing, stamping, witnessing
from holdfast.acts.act import Needs, Session, act
from holdfast.core import clock
from holdfast.core.errors import HoldfastError, InputError
from holdfast.exchange.proofs import Reader
from holdfast.vault import tables

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.entry import Entry
    from holdfast.vault.witnessing import Seen, Witnessed


@dataclass(frozen=True)
class Witness:
    """What one witness of the policy has said of an entry."""

    name: str
    size: int | None
    """The smallest checkpoint with the entry that it cosigned; None: none yet."""
    time: str | None

    def as_json(self) -> dict[str, Json]:
        """Return it as plain values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Stamp:
    """An authority's first stamp over a checkpoint that has an entry."""

    authority: str
    state: str
    """`stamped`, `not good`, `refused` or `waiting`."""
    size: int | None
    time: str | None
    why: str = ""

    def as_json(self) -> dict[str, Json]:
        """Return it as plain values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Cover:
    """Who outside of this vault vouches for that an entry is in the log, and since when."""

    quorum: str
    """The policy's quorum: a name, or `none`; empty where no witness was ever set."""
    checkpoint: int | None
    """The smallest checkpoint with the entry that a quorum cosigned; None: QUORUM MISSING."""
    witnesses: tuple[Witness, ...]
    stamps: tuple[Stamp, ...]
    problems: tuple[str, ...]

    @property
    def time(self) -> str | None:
        """The first trusted time at which the entry was there; None where nobody has stamped it."""
        return min((one.time for one in self.stamps if one.time is not None), default=None)

    def as_json(self) -> dict[str, Json]:
        """Return what `log entry --json` prints of it."""
        return {
            "checkpoint": self.checkpoint,
            "problems": [*self.problems],
            "quorum": self.quorum,
            "stamps": [one.as_json() for one in self.stamps],
            "witnesses": [one.as_json() for one in self.witnesses],
        }


@dataclass(frozen=True)
class Vouchers:
    """All witnesses and stamps of a log, read once; `of` says which of them are for an entry."""

    witnessed: Witnessed | None
    stamps: tuple[dict[str, Any], ...]
    problems: tuple[str, ...]

    def of(self, index: int) -> Cover:
        """Return who vouches for entry `index`."""
        seen = [] if self.witnessed is None else self.witnessed.checkpoints
        over = [one for one in seen if one.size > index]
        met = next((one.size for one in over if one.quorum), None)
        quorum = "" if self.witnessed is None else self.witnessed.quorum
        names = () if self.witnessed is None else self._names()
        witnesses = tuple(_witness(name, over) for name in names)
        return Cover(quorum, met, witnesses, tuple(self._stamps(index)), self.problems)

    def _names(self) -> list[str]:
        assert self.witnessed is not None  # noqa: S101 - asked for above
        return sorted({*self.witnessed.signed, *self.witnessed.silent})

    def _stamps(self, index: int) -> list[Stamp]:
        """Return of each authority the first good stamp; where it has none, what it has instead."""
        best: dict[str, Stamp] = {}
        for row in self.stamps:
            size = row.get("size")
            if size is not None and size <= index:
                continue
            name, state = str(row["authority"]), str(row["state"])
            one = Stamp(name, state, size, row.get("time"), str(row.get("why") or ""))
            before = best.get(name)
            if before is None or (state == "stamped") > (before.state == "stamped"):
                best[name] = one
        return [best[name] for name in sorted(best)]


def _witness(name: str, over: list[Seen]) -> Witness:
    for one in over:
        if name in one.by:
            return Witness(name, one.size, clock.to_text(one.by[name] * 1_000_000))
    return Witness(name, None, None)


def vouchers(session: Session) -> Vouchers:
    """Return all witnesses and stamps of the log; what can't be read is a problem, not a silence.

    Raises:
        IntegrityError: the log's head itself is damaged.
    """
    session.vault.current()
    problems: list[str] = []
    witnessed, stamps = None, list[dict[str, Any]]()
    try:
        _, witnessed = witnessing.status(session)
    except HoldfastError as error:
        problems.append(error.what)
    if witnessed is not None:
        problems += [*witnessed.problems, *witnessed.doubts]
    try:
        stamps = list(stamping.standing(session))
    except HoldfastError as error:
        problems.append(error.what)
    return Vouchers(witnessed, tuple(stamps), tuple(problems))


@dataclass(frozen=True)
class OneEntry:
    """Which entry of which case."""

    case: str
    entry: int

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"entry": self.entry}


@dataclass(frozen=True)
class Vouched:
    """An entry, and what vouches for it."""

    entry: Entry
    """Its `signed_by` says by what kind of key."""
    steps: tuple[checking.Step, ...]
    """Its signature and its place in the tree."""
    cover: Cover
    head: Checkpoint

    def as_json(self) -> dict[str, Json]:
        """Return what `log entry --json` prints."""
        return {
            "cover": self.cover.as_json(),
            "entry": self.entry.as_json(),
            "head": {"root": self.head.root.hex(), "size": self.head.size},
            "steps": [one.as_json() for one in self.steps],
        }


@act("custody.entry", Needs.CASE, reads=True)
def vouched(session: Session, request: OneEntry) -> Vouched:
    """Return one entry of a case, and what vouches for it.

    Raises:
        InputError: the case has no such entry.
        IntegrityError: it is not what the log committed to.
    """
    head = session.vault.current()
    table = tables.entries
    query = select(table.c.case).where(table.c.index == request.entry)
    if session.look_up(lambda connection: connection.scalar(query)) != request.case:
        raise InputError(
            f"case {request.case} has no entry {request.entry}",
            f"see `holdfast custody --case {request.case}`",
        )
    one = showing.signed(session, Reader(session.vault.log, head).entry(request.entry))
    steps = checking.of_entry(session, one, head)
    return Vouched(one, tuple(steps), vouchers(session).of(request.entry), head)
