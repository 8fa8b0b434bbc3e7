"""`custody`: the log, readable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.acts import showing
from holdfast.cli.common import JSON, Where, emit, say, warn, where

if TYPE_CHECKING:
    from holdfast.vault.entry import Entry

COMMON = {"act", "actor", "case", "context", "signature", "time"}
_EMPTY: tuple[object, ...] = (None, "", [], {}, False)


@click.command()
@where
@click.option("--case", "case", metavar="CASE", help="Only this case's entries.")
@click.argument("item", required=False, default="")
@JSON
def custody(place: Where, *, case: str | None, item: str, as_json: bool) -> None:
    """Read the custody log: every act, who did it and when, oldest first.

    ITEM is an exhibit (AL/1), a digest, or a digest's first digits; without it, all entries.

    \b
    Example:
      holdfast custody --case 2026-0001 AL/1
    """
    found = False
    with place.session() as session:
        for entry in showing.custody(session, showing.Trail(case, item)):
            found = True
            if as_json:
                emit(entry.as_json())
            else:
                say(_line(entry, entry.signed_by))
    if not found:
        warn(
            f"no entry is about {item!r}"
            + f" in case {case}" * bool(case)
            + "; see `holdfast items`"
        )


def _line(entry: Entry, by: str | None) -> str:
    fields = entry.fields
    actor = fields.get("actor", {}).get("name", "(erased)")
    if by != "own":
        actor += " (actor unsigned)" if by is None else f" (in a {by})"
    case = f"  case {fields['case']}" if fields.get("case") else ""
    details = {name: value for name, value in fields.items() if name not in COMMON}
    when = fields.get("time", "(erased)")
    return f"{entry.index:>6}  {when}  {actor}  {entry.act}{case}  {_brief(details)}".rstrip()


def _brief(details: dict[str, object]) -> str:
    """Return an act's own fields in one line: what people look for first, shortened."""
    shown = []
    for name in ("exhibit", "item", "path", "title", "refused", "reason", "totals", "request"):
        value = details.get(name)
        if value is None:
            continue
        text = _plain(value)
        if not text:
            continue
        shown.append(f"{name}={text[:12] if name == 'item' else text[:160]}")
    return "  ".join(shown)


def _plain(value: object) -> str:
    """Return a value as people read it: no quotes and brackets, nothing that is empty."""
    if isinstance(value, dict):
        if "label" in value or set(value) <= {"bytes", "text"}:
            return str(value.get("label") or value.get("text", ""))
        parts = [f"{name} {_plain(one)}" for name, one in value.items() if one not in _EMPTY]
        return ", ".join(parts)
    return ", ".join(_plain(one) for one in value) if isinstance(value, list) else str(value)
