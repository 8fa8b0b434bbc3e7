"""Acts on the log's own key: rotate it, end one that was stolen or lost, continue as another log.

Two people: one asks, another approves, and the entry `log.key` says it. A key that is still
trusted announces the next one: it signs the checkpoint that has that entry. One that is not, or is
not here, signs nothing more from the request on; what it is worth then is for witnesses to say, and
for anchors that come by another way. docs/how-to/change-the-logs-key.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from holdfast.acts import two_person
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.two_person import Asked, Kind
from holdfast.core.errors import DeniedError, HoldfastError, InputError, RemoteError
from holdfast.vault import projection, settings, tables, witnessing
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosigned import Cosigned
from holdfast.vault.entry import Draft
from holdfast.vault.eras import ACT, CONTINUED, LOST, ROTATED, STOLEN, Era
from holdfast.vault.note import open_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class ChangeKey:
    """Why the log's key is to end, and what comes after it."""

    why: str = ROTATED
    """`rotated`, `stolen` or `lost`."""
    reason: str = ""
    key: str = ""
    """The file with the next key; else one is made."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"reason": self.reason, "why": self.why}


@dataclass(frozen=True)
class ContinueAs:
    """Under which origin the log goes on, and what shows that it can't under its own."""

    origin: str
    reason: str = ""
    cosigned: bytes = b""
    """A checkpoint of this log, as a signed note, that it does not continue; else the witnesses of
    the policy are asked for theirs."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"origin": self.origin, "reason": self.reason}


@act("log.rotate", Needs.NOTHING)
def rotate(session: Session, request: ChangeKey) -> Asked:
    """Ask to change the log's key; another person approves.

    A rotated key signs until that is approved. A stolen or lost one signs nothing any more: what is
    entered from now on, the request first, is signed with the next.

    Raises:
        InputError: no reason, no good key, or a change waits already.
        DeniedError: nobody signs the request.
    """
    if request.why not in {ROTATED, STOLEN, LOST}:
        raise InputError(f"a key can't be {request.why!r}", f"say {ROTATED}, {STOLEN} or {LOST}")
    if request.why != ROTATED and not request.reason.strip():
        raise InputError("say what became of the key", "--reason TEXT")
    _check_asker(session)
    vault = session.vault
    head = vault.current()
    given = Path(request.key) if request.key else None
    good = None if request.why == ROTATED else _witnessed(session, head)
    if request.why == ROTATED:
        following = vault.keyring.next_log(vault.eras.present.origin, given)
    else:
        following = _switch(session, request.why, vault.eras.present.origin, given)
    return _ask(session, request.why, following, request.reason, good)


@act("log.continue", Needs.NOTHING)
def continue_as(session: Session, request: ContinueAs) -> Asked:
    """Go on as another log; its first own entry is the request, which another person approves.

    The tree stays, and with it all that it proves. For a log that its witnesses sign no more: an
    old backup was put back, or somebody else had the key.

    Raises:
        InputError: the origin can't be one, or nothing shows that the log can't go on as it is.
        DeniedError: nobody signs the request.
    """
    return ask_to_continue(session, request.reason, *prepare(session, request))


def prepare(session: Session, request: ContinueAs) -> tuple[Era, Json]:
    """Put the new origin in place; return its keys, and what shows that it is needed.

    Raises:
        InputError: the origin can't be one, or nothing shows it.
        DeniedError: nobody signs.
    """
    if not request.reason.strip():
        raise InputError("say why the log can't go on as it is", "--reason TEXT")
    _check_asker(session)
    head = session.vault.current()
    again = _unsaid(session) is not None
    if not again:
        check_origin(session, request.origin)
    good = beyond(session, head, request.cosigned)
    return _switch(session, CONTINUED, request.origin, None), good


def ask_to_continue(session: Session, reason: str, following: Era, good: Json) -> Asked:
    """Enter the request that another person approves."""
    return _ask(session, CONTINUED, following, reason, good)


def check_origin(session: Session, origin: str) -> None:
    """Raise unless a log can go on under that origin.

    Raises:
        InputError: it is no origin, or one that this log had.
    """
    if not origin or any(c.isspace() or c == "+" for c in origin) or not origin.isprintable():
        raise InputError(f"{origin!r} can't be a log's origin", "leave out spaces and plus signs")
    if origin in {era.origin for era in session.vault.eras.all}:
        raise InputError(f"{origin} was this log's origin already", "give it a new one")


def _check_asker(session: Session) -> None:
    """Raise where the request could not be entered: the key is changed before it is.

    Raises:
        DeniedError: nobody signs it.
        InputError: a change waits already.
    """
    if session.custody.key is None:
        raise DeniedError(
            f"{session.operator} has no signing key here, and a request must be signed",
            "name your key: --key FILE",
        )
    waits = session.look_up(
        lambda c: [one.entry for one in two_person.waiting(session, c) if one.kind == ACT]
    )
    if waits:
        raise InputError(
            f"request {waits[0]} to change the log's key waits already",
            f"have it approved, or withdraw it: `holdfast request withdraw {waits[0]}`",
        )


def _switch(session: Session, why: str, origin: str, given: Path | None) -> Era:
    """Put the next key in place now; or return the one that a request before this put there."""
    vault, unsaid = session.vault, _unsaid(session)
    if unsaid is not None:
        if unsaid.why != why:
            raise InputError(
                f"the log's key was changed already, as {unsaid.why}, and nobody has approved it",
                "ask for that again, and have it approved",
            )
        return vault.eras.present
    following = vault.keyring.next_log(origin, given)
    head = vault.log.head()
    vault.succeed(head.size, why, following)
    return following


def _unsaid(session: Session) -> Era | None:
    """Return the era that ended without an entry that says so, if there is one."""
    table, eras = tables.entries, session.vault.eras
    query = select(func.count()).select_from(table).where(table.c.act == ACT)
    said = session.look_up(lambda connection: connection.scalar(query)) or 0
    return eras.all[-2] if len(eras.all) - 1 > said else None


def _ask(session: Session, why: str, following: Era, reason: str, good: Json) -> Asked:
    eras = session.vault.eras
    ended = eras.present if why == ROTATED else eras.all[-2]

    def build(_connection: Connection) -> tuple[dict[str, Json], dict[str, Json]]:
        own: Json = None
        if ended.until is not None:
            past = session.vault.log.past(session.vault.log.head(), ended.until)
            own = {"root": past.root.hex(), "size": past.size}
        era: dict[str, Json] = {
            "ended": str(ended.verifier),
            "ended_mldsa": None if ended.second is None else str(ended.second),
            "last": ended.until,
            "log": str(following.verifier),
            "log_mldsa": None if following.second is None else str(following.second),
            "why": why,
        }
        return {"era": era, "good": good, "own": own, "reason": reason}, {}

    number = two_person.ask(session, ACT, None, build)
    return session.look_up(lambda connection: two_person.find(session, connection, number))


def _witnessed(session: Session, head: Checkpoint) -> Json:
    """Return the newest checkpoint that a quorum cosigned: the last that is known to be good."""
    found = witnessing.check(session.vault, head, session.vault.engine)
    if found is None or not found.size:
        return None
    note = Cosigned(session.vault.log.path).file(found.size).read_bytes().decode()
    past = session.vault.log.past(head, found.size)
    return {"note": note, "root": past.root.hex(), "size": past.size}


def beyond(session: Session, head: Checkpoint, given: bytes) -> Json:
    """Return a checkpoint that this log signed and does not continue, `given` or of a witness.

    Raises:
        InputError: none is to be had.
    """
    vault = session.vault
    unsaid = _unsaid(session)
    if unsaid is not None and unsaid.until is not None:
        # As the log stood when its key was changed.
        head = vault.log.past(head, unsaid.until)
    for text in [given.decode("utf-8", "replace")] if given else _seen_by_witnesses(session):
        try:
            known = Checkpoint.parse(open_note(text, vault.eras.at(head.size).verifier))
        except HoldfastError:
            continue
        same = known.size <= head.size and vault.log.past(head, known.size) == known
        if known.origin == head.origin and not same:
            return {"note": text, "root": known.root.hex(), "size": known.size}
    raise InputError(
        "no checkpoint shows that this log can't go on as it is",
        "name the file with the larger one that a witness or a bundle has: --cosigned FILE",
    )


def _seen_by_witnesses(session: Session) -> list[str]:
    """Fetch what the policy's witnesses last saw of this log, the largest first."""
    from holdfast.vault.remote import Remote  # noqa: PLC0415 - speaks to the network

    text = session.look_up(lambda connection: settings.read(connection, witnessing.NAME))
    policy = witnessing.read_policy(text)
    path = hashlib.sha256(session.vault.eras.present.origin.encode()).hexdigest()
    found = []
    for url in {one.url for one in policy.witnesses if one.url} if policy else ():
        try:
            with Remote(url, 30.0) as remote:
                answer = remote.get(f"/{path}/checkpoint")
        except RemoteError:
            continue
        if answer.status == 200:
            found.append(answer.body.decode("utf-8", "replace"))
    return sorted(found, key=_size, reverse=True)


def _size(note: str) -> int:
    try:
        return Checkpoint.parse(note.partition("\n\n")[0] + "\n").size
    except HoldfastError:
        return -1


def _perform(connection: Connection, asked: Asked, names: tuple[str, ...]) -> Sequence[Draft]:
    facts: dict[str, Any] = asked.asked
    era: dict[str, Json] = dict(facts["era"])
    last = settings.read(connection, ACT)
    if isinstance(last, dict) and last["log"] != era["ended"]:
        raise DeniedError(
            f"the key that request {asked.entry} is to end has ended already", "ask anew"
        )
    if era["why"] == ROTATED:
        # This very commit, the approval and what follows from it, is the last that it signs.
        era["last"] = projection.position(connection, "").size + 2
    by: list[Json] = [*names]
    change: dict[str, Json] = {
        "approved_by": by,
        "good": facts["good"],
        "own": facts["own"],
        "reason": facts["reason"],
        "request": asked.entry,
        "requested_by": asked.name,
    }
    return [Draft(ACT, None, {"change": change, "era": era})]


def _settle(session: Session, _asked: Asked) -> None:
    session.vault.current()


KIND = Kind(ACT, lambda _connection, _asked: 1, _perform, _settle)
