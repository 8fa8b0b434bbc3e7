"""Links between cases: shown to who has rights in both, else only that there is one.

Whoever asks learns of another case no more than they could by asking in it. Where they could not,
they learn that some case holds this, and whom to ask: its lead. docs/decisions/0096.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.acts import known, restricting, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import NOT_EXAMINED
from holdfast.acts.examining import by_item
from holdfast.acts.restricting import WITHHELD
from holdfast.cases import access
from holdfast.cases import case as cases
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import DeniedError, InputError
from holdfast.examine import links as indexes
from holdfast.vault import restrictions
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.cases.case import Case
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.links import Link

ASK = "another case holds this: ask its lead"


@dataclass(frozen=True)
class Links:
    """Which links of a case."""

    case: str
    kinds: tuple[str, ...] = ()
    known: bool = True
    """Whether those on a known-good list are shown; they are marked then."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"kinds": list(self.kinds), **({} if self.known else {"known": False})}


def key(session: Session) -> bytes:
    """Return the key of the vault's links.

    Raises:
        DeniedError: this keyring does not hold the vault's tag key.
    """
    return indexes.key_of(session.vault.keyring.chain(None))


def has_rights(session: Session, case: Case) -> bool:
    """Say whether who asks could ask in `case` just as well: a role, an authority, keys."""
    try:
        session.case(case.id, Needs.AUTHORITY)
        session.look_up(lambda c: access.check(c, case.id, session.operator, "indicators"))
        session.vault.keyring.chain(case.id)
        if case.recipient is not None:
            session.vault.keyring.identity(case.id)
    except DeniedError:
        return False
    return True


@act("links", Needs.AUTHORITY, reads=True)
def links(session: Session, request: Links) -> Iterator[bytes]:
    """Yield each indicator that another case holds, too: a line for each such case.

    Several cases in which the one who asks has no rights are one line for each lead.

    Raises:
        InputError: the case was not examined yet.
        DeniedError: this keyring does not hold the vault's key.
    """
    index = session.vault.index(request.case)
    if not (index / "links").is_dir():
        raise InputError(f"case {request.case} has no links yet", NOT_EXAMINED)
    held = by_item(session, request.case)
    others = {one.id: one for one in session.look_up(cases.every) if one.id != request.case}
    open_to = {number for number, one in others.items() if has_rights(session, one)}
    found = list(
        indexes.linked(
            session.vault.derived,
            held,
            index.parent,
            request.case,
            others=others,
            key=key(session),
            unseen=veiling.veil(session, request.case).unseen,
        )
    )
    values: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for one in found:
        for number in one.cases:
            values[number].add((one.type, one.value))
    judged = {number: shown(session, number, some) for number, some in values.items()}
    abuse = restricting.abuse(session, request.case)
    rows = known.annotated(session, _rows(found, held, others, judged, open_to))
    lines: list[bytes] = []
    hidden = False
    for row in rows:
        if request.kinds and row["kind"] not in request.kinds:
            continue
        if row["known_good"] and not request.known:
            continue
        if abuse(row["item"], "", "indicator"):
            row["value"] = WITHHELD
        hidden = hidden or row["case"] is None
        lines.append(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) + b"\n")
    fields: dict[str, Json] = {
        "request": request.facts(),
        "result": {
            "elsewhere": hidden,
            "lines": len(lines),
            "sha256": sha256_hex(b"".join(lines)),
        },
    }
    session.custody.enter(Draft("links", request.case, fields))
    yield from lines


@dataclass(frozen=True)
class Shown:
    """What of some values asking in a case would show: (type, normal value)."""

    held: set[tuple[str, str]]
    """Those that stand outside what is set apart there; the others are as if not there."""
    named: set[tuple[str, str]]
    """Those that stand outside abuse material, too; of the others the case is not named."""


def shown(session: Session, case: str, values: set[tuple[str, str]]) -> Shown:
    """Return which of `values`, all of which `case` holds, may be known to be there.

    Raises:
        IntegrityError: derived data can't be read, so that it isn't known what is privileged.
    """
    items = by_item(session, case)
    derived = session.vault.derived
    veil = veiling.veil(session, case)
    held = indexes.openly(derived, items, values, veil.unseen) if veil.items else values
    restricted = session.look_up(restrictions.restricted) & items.keys()
    if not restricted:
        return Shown(held, held)
    rest = items.keys() - restricted
    return Shown(held, indexes.openly(derived, rest, held, veil.unseen))


def _rows(
    found: Iterable[Link], held: dict[str, Exhibit], others: dict[str, Case],
    judged: dict[str, Shown], open_to: set[str],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Yield a row for each other case that may be named, and one for each lead of those not."""
    for one in found:
        exhibit = held[one.item].label if one.item in held else None
        told = {
            "exhibit": exhibit, "item": one.item, "kind": one.type, "places": one.places,
            "value": one.value,
        }  # fmt: skip
        for case, lead, note in _told((one.type, one.value), one.cases, others, judged, open_to):
            yield {**told, "case": case, "lead": lead, "note": note}


def _told(
    value: tuple[str, str], holding: Iterable[str], others: dict[str, Case],
    judged: dict[str, Shown], open_to: set[str],
) -> Iterator[tuple[str | None, str, str | None]]:  # fmt: skip
    """Yield (case, lead, note): each case that may be named, and each lead of those not."""
    cases = [number for number in holding if value in judged[number].held]
    named = [number for number in cases if number in open_to and value in judged[number].named]
    for number in named:
        yield number, others[number].lead, None
    for lead in sorted({others[number].lead for number in cases if number not in named}):
        yield None, lead, ASK


@dataclass(frozen=True)
class Elsewhere:
    """Another case that holds a value, or only that one does."""

    case: str | None
    """None: it may not be named."""
    lead: str
    note: str | None

    def as_json(self) -> dict[str, Json]:
        """Return it as a line of JSON has it."""
        return {"case": self.case, "lead": self.lead, "note": self.note}


def elsewhere(session: Session, case: str, type_: str, value: str) -> list[Elsewhere]:
    """Return which other cases hold one value that `case` shows to who asks.

    Raises:
        DeniedError: this keyring does not hold the vault's key.
    """
    others = {one.id: one for one in session.look_up(cases.every) if one.id != case}
    index = session.vault.index(case).parent
    wanted = (type_, indexes.normal(type_, value) or "")
    holding = indexes.held(index, others, type_, value, key(session))
    judged = {number: shown(session, number, {wanted}) for number in holding}
    open_to = {number for number in holding if has_rights(session, others[number])}
    return [Elsewhere(*one) for one in _told(wanted, holding, others, judged, open_to)]
