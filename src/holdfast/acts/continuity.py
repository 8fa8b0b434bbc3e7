"""The act of stating an exhibit's continuity; its stored bytes are hashed on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from holdfast.acts.act import Needs, Session, act
from holdfast.cases import case as cases
from holdfast.cases import exhibits, things
from holdfast.cases.exhibits import Exhibit
from holdfast.core import canonical
from holdfast.core.digest import sha256_hex, sha256_stream
from holdfast.core.errors import IntegrityError
from holdfast.exchange.proofs import Reader
from holdfast.exchange.statement import Statement, state
from holdfast.vault import delegates, tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.vault import Vault


@dataclass(frozen=True)
class Continuity:
    """Of which exhibit."""

    case: str
    item: str
    """Its label, digest, or the digest's first 8 or more digits."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [self.item]}


@dataclass(frozen=True)
class Stated:
    """A statement that is entered in the log."""

    statement: Statement
    digest: str
    """SHA-256 of the statement's canonical JSON, which its entry holds."""
    entry: int

    def as_json(self) -> dict[str, Json]:
        """Return what `statement --json` prints."""
        return {
            "entry": self.entry,
            "sha256": self.digest,
            "statement": self.statement.as_json(),
        }


@act("statement", Needs.CASE, reads=True)
def statement(session: Session, request: Continuity) -> Stated:
    """State all that the log holds about one exhibit; its own entry comes before it is shown.

    Raises:
        InputError: the case has no such exhibit.
        IntegrityError: an entry or the log is damaged.
    """
    made, exhibit = of_exhibit(session, request.case, request.item)
    digest = sha256_hex(canonical.dumps(made.as_json()))
    fields: dict[str, Json] = {
        **({"item": exhibit.item} if exhibit.item else {"exhibit": _named(exhibit)}),
        "request": request.facts(),
        "result": {"sha256": digest, "steps": len(made.steps)},
    }
    (entered,) = session.custody.enter(Draft("statement", request.case, fields))
    return Stated(made, digest, entered.index)


def of_exhibit(session: Session, case_id: str, wanted: str) -> tuple[Statement, Exhibit]:
    """Return what the log holds about an exhibit, after hashing its bytes; nothing is entered.

    Raises:
        InputError: the case has no such exhibit.
        IntegrityError: an entry or the log is damaged.
    """
    vault = session.vault
    case = session.look_up(lambda connection: cases.find(connection, case_id))
    exhibit = _exhibit(session, case.id, wanted)
    sources = session.look_up(lambda c: things.sources(c, case.id, exhibit.number))
    checked = _checked(vault, exhibit) if exhibit.item else "a thing: nothing of it is stored here"
    head = vault.current()
    indexes = session.look_up(
        lambda connection: list(
            connection.scalars(
                select(tables.entries.c.index)
                .where(or_(tables.entries.c.case == case.id, tables.entries.c.case.is_(None)))
                .where(tables.entries.c.index < head.size)
                .order_by(tables.entries.c.index)
            )
        )
    )
    read = Reader(vault.log, head).entry
    lent = {key: one.kind for key, one in session.look_up(delegates.every).items()}
    read_all = map(read, indexes)
    made = state(exhibit, case.title, head, read_all, checked, sources=sources, lent=lent)
    return made, exhibit


def _exhibit(session: Session, case: str, wanted: str) -> Exhibit:
    """Return the item, or a physical exhibit as one that has no bytes."""
    for thing in session.look_up(lambda connection: things.every(connection, case)):
        if wanted == thing.label or wanted in thing.former:
            (seized,) = session.vault.log.entries(thing.entry, thing.entry + 1)
            what = str(seized.fields.get("what", "(erased)"))
            return Exhibit(
                case, thing.number, thing.label, item="", object="", path=what, size=0,
                collected=str(seized.fields.get("time", "(erased)")), changed=False, wrapped=None,
                entry=thing.entry, former=thing.former,
            )  # fmt: skip
    held = session.look_up(lambda c: list(exhibits.of_case(c, case)))
    return next(iter(exhibits.choose(held, [wanted])))


def _named(exhibit: Exhibit) -> dict[str, Json]:
    return {"label": exhibit.label, "number": exhibit.number}


def _checked(vault: Vault, exhibit: Exhibit) -> str:
    """Hash the stored bytes; say what was found. What is wrong is stated, not refused."""
    try:
        with vault.store.open(exhibit.object) as stream:
            digest, _ = sha256_stream(stream)
    except IntegrityError as error:
        return f"NOT INTACT: {error.what}"
    if digest != exhibit.object:
        return f"NOT INTACT: their SHA-256 is {digest}, not {exhibit.object}"
    return f"hashed for this statement: unchanged (object {exhibit.object})"
