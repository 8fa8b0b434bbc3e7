"""The act of checking one item: is it as it was collected, and what vouches for that?

Everything is done anew when it is asked: the stored bytes are hashed, the entry is read and held to
its commitments, its way to the signed root is walked, and so on. What could not be shown is said
as plainly as what could: a step is `good`, `bad`, or `absent` (nothing is there to show it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.acts import stamping
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.originals import open_original
from holdfast.cases import exhibits
from holdfast.core.digest import sha256_stream
from holdfast.core.errors import DeniedError, HoldfastError, IntegrityError
from holdfast.exchange.proofs import Reader
from holdfast.vault import entry as entries
from holdfast.vault import merkle, signing, tables, witnessing
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.entry import Entry

GOOD, BAD, ABSENT = "good", "bad", "absent"
STEPS = ("bytes", "entry", "signature", "inclusion", "witnesses", "time")
"""What is looked at, in this order."""
_SIGNED_WITHIN = 100_000
"""Entries of one act that one signature may stand behind."""


@dataclass(frozen=True)
class CheckItem:
    """Which exhibit."""

    case: str
    item: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"item": self.item}


@dataclass(frozen=True)
class Step:
    """One thing that was looked at."""

    name: str
    """One of `STEPS`."""
    state: str
    """`good`, `bad` or `absent`."""
    words: str
    """What was found: a sentence with its numbers, so that it can be done again."""

    def as_json(self) -> dict[str, Json]:
        """Return what `item check --json` prints of it."""
        return {"name": self.name, "state": self.state, "words": self.words}


@dataclass(frozen=True)
class Checked:
    """What vouches for an item."""

    exhibit: Exhibit
    steps: tuple[Step, ...]
    head: Checkpoint
    entry: int
    """The entry that says so."""

    @property
    def state(self) -> str:
        """`bad` if any step is, `good` if all are, else `partly`: good as far as there is proof."""
        states = {one.state for one in self.steps}
        return BAD if BAD in states else GOOD if states == {GOOD} else "partly"

    def as_json(self) -> dict[str, Json]:
        """Return what `item check --json` prints."""
        return {
            "entry": self.entry,
            "exhibit": self.exhibit.label,
            "head": {"root": self.head.root.hex(), "size": self.head.size},
            "item": self.exhibit.item,
            "state": self.state,
            "steps": [one.as_json() for one in self.steps],
        }


@act("item.check", Needs.CASE, reads=True)
def check_item(session: Session, request: CheckItem) -> Checked:
    """Check one item and what vouches for it; what was found is entered before it is returned.

    Raises:
        InputError: the case has no such exhibit.
        IntegrityError: the log's head itself is damaged.
    """
    head = session.vault.current()
    held = session.look_up(lambda c: list(exhibits.of_case(c, request.case)))
    exhibit = next(iter(exhibits.choose(held, [request.item])))
    steps = (
        _bytes(session, exhibit),
        *_log(session, exhibit, head),
        _witnesses(session, exhibit, head),
        _time(session, exhibit),
    )
    result: dict[str, Json] = {
        "head": head.size,
        "states": {one.name: one.state for one in steps},
    }
    fields: dict[str, Json] = {
        "item": exhibit.item, "request": request.facts(), "result": result,
    }  # fmt: skip
    (entered,) = session.custody.enter(Draft("item.check", exhibit.case, fields))
    return Checked(exhibit, steps, head, entered.index)


def _bytes(session: Session, exhibit: Exhibit) -> Step:
    """Hash what is stored; where it is sealed, also what it opens to."""
    try:
        with session.vault.store.open(exhibit.object) as stored:
            digest, size = sha256_stream(stored)
        if digest != exhibit.object:
            return Step(
                "bytes", BAD, f"the stored bytes have SHA-256 {digest}, not {exhibit.object}"
            )
        words = f"{size} stored bytes have SHA-256 {digest}, as entered"
        if exhibit.wrapped is None:
            return Step("bytes", GOOD, words)
        with open_original(session.vault, exhibit) as clear:
            digest, size = sha256_stream(clear)
    except DeniedError as error:
        return Step("bytes", GOOD, f"{words}; what they open to could not be read: {error.what}")
    except HoldfastError as error:
        return Step("bytes", BAD, error.what)
    if digest != exhibit.item:
        return Step("bytes", BAD, f"they open to SHA-256 {digest}, not {exhibit.item}")
    return Step("bytes", GOOD, f"{words}, and open to {size} bytes of SHA-256 {digest}")


def _log(session: Session, exhibit: Exhibit, head: Checkpoint) -> list[Step]:
    """Look at the entry that admitted the item: itself, its signature, its place in the tree."""
    index = exhibit.entry
    try:
        one = Reader(session.vault.log, head).entry(index)
        named = one.fields.get("item")
        if named != exhibit.item:
            raise IntegrityError(f"entry {index} admits {named}, not this item")
    except (HoldfastError, LookupError, TypeError, ValueError) as error:
        what = error.what if isinstance(error, HoldfastError) else f"entry {index} is malformed"
        return [Step("entry", BAD, what)]
    words = f"entry {index}, {one.act}, names this item and fits its commitments"
    return [Step("entry", GOOD, words), *of_entry(session, one, head)]


def of_entry(session: Session, one: Entry, head: Checkpoint) -> list[Step]:
    """Look at an entry's signature, and at its place in the tree."""
    log, index = session.vault.log, one.index
    try:
        signed = _signature(session, one, head)
        tree = log.tree(head)
        path = tree.inclusion_proof(index)
        root = merkle.root_from_inclusion(merkle.leaf_hash(one.leaf), index, head.size, path)
        if root != head.root:
            raise IntegrityError(f"entry {index} leads to root {root.hex()}, which nobody signed")
    except (HoldfastError, LookupError, TypeError, ValueError) as error:
        what = error.what if isinstance(error, HoldfastError) else f"entry {index} is malformed"
        return [Step("entry", BAD, what)]
    words = (
        f"{len(path)} hashes lead from entry {index} to root {root.hex()} of {head.size} entries, "
        f"which the log {head.origin} has signed"
    )
    return [signed, Step("inclusion", GOOD, words)]


def _signature(session: Session, one: Entry, head: Checkpoint) -> Step:
    """Find the signature that covers an entry: its own, or that of its act's last entry."""
    log = session.vault.log
    read = Reader(log, head).entry
    last = one
    if one.fields["actor"]["key"] is None:
        return Step("signature", ABSENT, "whoever did it had no key: actor unsigned")
    until = min(head.size, one.index + _SIGNED_WITHIN)
    while "signature" not in last.commitments and last.index + 1 < until:
        last = read(last.index + 1)
    claim = last.fields.get("signature")
    if claim is None or last.index - int(claim["covers"]) > one.index:
        return Step("signature", BAD, f"no signature covers entry {one.index}, which names a key")
    table = tables.operators
    query = select(table.c.vkey, table.c.name).where(table.c.key_id == str(claim["key"]))
    row = session.look_up(lambda c: c.execute(query).one_or_none())
    if row is None:
        return Step("signature", BAD, f"the key {claim['key']} is in no entry of the log")
    start = last.index - int(claim["covers"])
    covered = [read(at) for at in range(start, last.index)]
    hashes = [merkle.leaf_hash(each.leaf) for each in covered]
    message = entries.act_message(log.eras.of_entry(last.index).origin, hashes, last.commitments)
    wrong = signing.fault(signing.parse(row.vkey), message, claim)
    if wrong:
        return Step("signature", BAD, wrong)
    return Step(
        "signature", GOOD, f"signed by {row.name} with key {claim['key']} (entry {last.index})"
    )


def _witnesses(session: Session, exhibit: Exhibit, head: Checkpoint) -> Step:
    try:
        found = witnessing.check(session.vault, head, session.vault.engine)
    except HoldfastError as error:
        return Step("witnesses", BAD, error.what)
    if found is None:
        return Step("witnesses", ABSENT, "no witness is set: nobody outside has countersigned")
    if found.problems or found.doubts:
        return Step("witnesses", BAD, (found.problems + found.doubts)[0])
    names = ", ".join(sorted(n for n, (size, _) in found.signed.items() if size > exhibit.entry))
    if found.size > exhibit.entry:
        words = f"quorum {found.quorum} countersigned {found.size} entries, this one among: {names}"
        return Step("witnesses", GOOD, words)
    return Step("witnesses", ABSENT, "no quorum has countersigned a log with this entry yet")


def _time(session: Session, exhibit: Exhibit) -> Step:
    """Find the first good stamp over a log that has the entry."""
    try:
        rows = [one for one in stamping.standing(session) if one["state"] == "stamped"]
    except HoldfastError as error:
        return Step("time", BAD, error.what)
    over = sorted(
        (str(one["time"]), str(one["authority"]))
        for one in rows
        if "time" in one and int(str(one["size"])) > exhibit.entry
    )
    if not over:
        return Step("time", ABSENT, "no time authority has stamped a log with this entry yet")
    time, authority = over[0]
    return Step("time", GOOD, f"it existed at {time}, as {authority} stamped")
