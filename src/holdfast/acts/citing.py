"""Which record of the case a person means: looked up, so that nobody cites what is not there.

`AL/1` is the item; `AL/1:mail/inbox.mbox` a file in it; `AL/1:mail/inbox.mbox#row=12` or
`#offset=4096` a record of that file, by what its parser calls row or offset. A path begins with `:`
and may hold anything. docs/formats/casework.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from holdfast.acts.examining import by_item
from holdfast.core.errors import InputError
from holdfast.examine import citations, results

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.acts.act import Session
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json

MOST = 200
"""Records that one text may cite."""
_PLACE = re.compile(r"(?P<rest>.*)#(?P<by>row|offset)=(?P<at>[0-9]{1,18})", re.DOTALL)


def resolved(session: Session, case: str, cites: Iterable[str]) -> list[Json]:
    """Return what `cites` name, as entries have it.

    Raises:
        InputError: one names no exhibit of the case, no file in it, or no record of it.
    """
    wanted = list(dict.fromkeys(cites))
    if len(wanted) > MOST:
        raise InputError(f"a text can cite {MOST} records", "cite the exhibit as a whole")
    held = by_item(session, case) if wanted else {}
    return [_resolved(session, held, text) for text in wanted]


def _resolved(session: Session, held: dict[str, Exhibit], text: str) -> Json:
    exhibit, path, by, at = _parts(text)
    items = [
        item for item, one in held.items()
        if one.label == exhibit or (len(exhibit) >= 8 and item.startswith(exhibit))
    ]  # fmt: skip
    if len(items) != 1:
        raise InputError(f"the case has no exhibit or item {exhibit!r}", "see `holdfast items`")
    (item,) = items
    cited: dict[str, Json] = {"exhibit": held[item].label, "item": item}
    if not path and not by:
        return cited
    derived = session.vault.derived
    now = results.current(derived, item)
    if now is None:
        raise InputError(
            f"{held[item].label} was not examined yet, so nothing in it can be cited",
            "examine it, or cite the exhibit alone",
        )
    if path and not any(row.get("path") == path for row in results.seen(derived, now)):
        raise InputError(
            f"{held[item].label} has no file {path!r}", "see `holdfast ledger` for its files"
        )
    cited["path"] = path
    if not by:
        return cited
    found = citations.find(derived, item, path, by, int(at))
    if not found:
        raise InputError(
            f"no record of {text!r} is there", "see `holdfast timeline --json` for rows and offsets"
        )
    kinds: list[Json] = [
        {"kind": one.kind, "parser": one.parser, "version": one.version} for one in found
    ]
    return {**cited, by: int(at), "records": kinds}


def _parts(text: str) -> tuple[str, str, str, str]:
    """Return exhibit, path inside, `row` or `offset` or nothing, and its number."""
    place = _PLACE.fullmatch(text)
    rest = place["rest"] if place else text
    exhibit, _, path = rest.partition(":")
    return exhibit, path, place["by"] if place else "", place["at"] if place else ""


def of_row(row: dict[str, Any]) -> str:
    """Return how an answer's row (a timeline's, a search's) is cited."""
    place = next((f"#{by}={row[by]}" for by in ("row", "offset") if row.get(by) is not None), "")
    inside = f":{row['inside']}" if row.get("inside") or place else ""
    return f"{row['exhibit']}{inside}{place}"


def shown(cited: dict[str, Any]) -> str:
    """Return a citation as people write it."""
    place = next((f"#{by}={cited[by]}" for by in ("row", "offset") if by in cited), "")
    inside = f":{cited.get('path', '')}" if cited.get("path") or place else ""
    return f"{cited.get('exhibit', '')}{inside}{place}"


def told(cites: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return citations with `as`: how people write each."""
    return [{**one, "as": shown(one)} for one in cites]
