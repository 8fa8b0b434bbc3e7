"""Who may approve: roles that the log binds to people, and what a two-person act must have had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.core.errors import InputError
from holdfast.vault import delegates, signing, tables
from holdfast.vault.passkey import Passkey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

WORKBENCH = "workbench"
"""Of a server: it lets people in, by entries that say how they showed who they are."""
ROLES = ("investigator", "examiner", "supervisor", "prosecutor", "auditor", WORKBENCH)
APPROVING = ("supervisor", "prosecutor")
"""Roles that may approve what one person alone may not do."""
GIVEN_BY_APPROVERS = (*APPROVING, WORKBENCH)
"""Roles that only who may approve may give."""
FIRST = ("investigator", "supervisor")
"""What the first operator of a vault holds: somebody has to give the others their roles."""


def check(roles: Iterable[str]) -> tuple[str, ...]:
    """Return `roles` in order, each once.

    Raises:
        InputError: one is no role.
    """
    given = set(roles)
    for role in sorted(given - set(ROLES)):
        raise InputError(f"{role!r} is no role", f"choose from {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in given)


def held(connection: Connection, name: str, entry: int | None = None) -> tuple[str, ...]:
    """Return the roles that `name` holds now, or held when `entry` was written."""
    table = tables.roles
    query = select(table.c.role).where(table.c.name == name)
    if entry is None:
        query = query.where(table.c.until.is_(None))
    else:
        query = query.where(
            table.c.since < entry, table.c.until.is_(None) | (table.c.until >= entry)
        )
    return check(connection.scalars(query))


def known(connection: Connection, name: str) -> bool:
    """Say whether `name` is an operator whose key is in force, or has an account."""
    table, served = tables.operators, delegates.served
    query = select(table.c.name).where(table.c.name == name, table.c.ended.is_(None))
    account = select(served.c.name).where(served.c.name == name, served.c.locked == 0)
    return connection.scalar(query) is not None or connection.scalar(account) is not None


def approved(connection: Connection, entry: int, request: int, due: int) -> bool:
    """Say whether `request` had the approval of `due` other people before `entry`.

    Each with the role for it when they gave it, with a key and an account of their own.
    """
    requests, approvals = tables.requests, tables.approvals
    asked = connection.execute(select(requests).where(requests.c.entry == request)).one_or_none()
    query = select(approvals).where(approvals.c.request == request, approvals.c.entry < entry)
    given = connection.execute(query.order_by(approvals.c.entry)).all()
    people = [] if asked is None else [asked, *given]
    distinct = all(
        len({getattr(one, part) for one in people}) == len(people)
        for part in ("name", "key", "account")
    )
    keyed = all(one.key and _own(connection, one.key, one.account) for one in people)
    entitled = all(set(held(connection, one.name, one.entry)) & set(APPROVING) for one in given)
    return len(people) > due and distinct and keyed and entitled


def _own(connection: Connection, key_id: str, account: str) -> bool:
    """Say whether a key is a person's own: of who is served by another account, a passkey."""
    if delegates.of_key(connection, key_id) is not None:
        return False
    keys = tables.operators
    served = account.startswith((delegates.WEB, delegates.API))
    vkeys = connection.scalars(select(keys.c.vkey).where(keys.c.key_id == key_id))
    return not served or all(isinstance(signing.parse(one), Passkey) for one in vkeys)


def improper(connection: Connection) -> Iterator[str]:
    """Yield a line for each erasure not approved, and each session not begun, as it must be."""
    orders = tables.orders
    for order in connection.execute(select(orders).order_by(orders.c.entry)).all():
        due = 2 if order.act == "erase.mass" else 1
        if not approved(connection, order.entry, order.request, due):
            yield (
                f"entry {order.entry} erases without the approval of {due} other "
                f"{'people' if due > 1 else 'person'} with the role for it, a key and an account "
                "of their own"
            )
    for one in delegates.every(connection).values():
        if one.by != one.name and WORKBENCH not in held(connection, one.by, one.entry):
            yield (
                f"entry {one.entry}: {one.by} begins a {one.kind} of {one.name} without the role "
                f"{WORKBENCH}"
            )
