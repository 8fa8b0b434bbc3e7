"""`indicator`: the values of a case, and one value wherever it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from holdfast.acts import pivoting
from holdfast.cli.common import CASE, JSON, Where, emit, say, where
from holdfast.core.errors import printable
from holdfast.examine.values import MARKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.acts.pivoting import Pivoted

FC = TypeVar("FC", bound="Callable[..., Any]")


def _limit(default: int) -> Callable[[FC], FC]:
    return click.option(
        "--limit", type=click.IntRange(1, 1000), default=default, show_default=True, metavar="N",
        help="At most N.",
    )  # fmt: skip


AFTER = click.option("--after", default="", metavar="PLACE", help="Go on after this place.")


@click.group()
def indicator() -> None:
    """Addresses, names and digests of a case by value, and one of them wherever it stands."""


@indicator.command("list")
@where
@CASE
@click.option("--kind", "kinds", multiple=True, metavar="K", help="url, domain, ipv4 …; repeat.")
@click.option("--valid", type=click.Choice(["yes", "no"]), help="By their own rules.")
@click.option("--mark", type=click.Choice(MARKS), help="By the lists of known values.")
@click.option("--text", default="", metavar="T", help="Only values that contain T.")
@AFTER
@_limit(100)
@JSON
def list_(
    place: Where,
    *,
    case: str,
    kinds: tuple[str, ...],
    valid: str | None,
    mark: str | None,
    text: str,
    after: str,
    limit: int,
    as_json: bool,
) -> None:
    """List the different values, the most frequent first, with counts to narrow them by.

    \b
    Example:
      holdfast indicator list --case 2026-0001 --kind domain --mark none
    """
    request = pivoting.FindIndicators(case, kinds, valid or "", mark or "", text, after, limit)
    with place.session() as session:
        found = pivoting.find(session, request)
    if as_json:
        emit(found.as_json())
        return
    for one in found.rows:
        marks = "".join(f"  {name}!" for name in one.bad) + "".join(f"  {n}" for n in one.good)
        doubt = "" if one.valid else "  (not valid)"
        say(f"{one.places:>8}  {one.type:<10}  {printable(one.value)}{doubt}{marks}")
    say(f"{found.total} values")
    if found.next:
        say(f"more:  --after {found.next}")


@indicator.command("show")
@where
@click.argument("kind")
@click.argument("value")
@CASE
@AFTER
@_limit(50)
@JSON
def show(
    place: Where, *, kind: str, value: str, case: str, after: str, limit: int, as_json: bool
) -> None:
    """Show every mention of a value, what stands beside it, and which other cases hold it.

    \b
    Example:
      holdfast indicator show domain evil.example --case 2026-0001
    """
    with place.session() as session:
        found = pivoting.show(session, pivoting.OneIndicator(case, kind, value, after, limit))
    if as_json:
        emit(found.as_json())
        return
    for line in _told(found):
        say(line)


def _told(found: Pivoted) -> list[str]:
    lines = [f"{found.value.type} {printable(found.value.value)}: {found.value.places} places"]
    if len(found.spellings) > 1:
        lines.append(f"  written as {', '.join(map(printable, found.spellings))}")
    for one in found.mentions:
        record = one["record"] or {}
        at = f"{one['exhibit']} {printable(one['inside'])} byte {one['offset']}"
        time = f"  {record['time']} {record['kind']}" if record.get("time") else ""
        lines.append(f"  {at}{time}  {printable(one['context'] or '')[:100]}")
    for kind, value, _, many in found.together:
        lines.append(f"  with {kind} {printable(value)} in {many} records")
    lines.extend(
        f"  case {other.case} ({other.lead})" if other.case else f"  {other.note} ({other.lead})"
        for other in found.elsewhere
    )
    if found.unasked:
        lines.append(f"  other cases were not asked: {found.unasked}")
    if found.next:
        lines.append(f"more:  --after {found.next}")
    return lines
