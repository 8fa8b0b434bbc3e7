"""How far servers' clocks were from ours: their `Date` fields against when their answers began.

Read from what was decoded, not asked of the browser: to be told of each response by the DevTools
(`Network.enable`) slows a page down.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pathlib import Path

_FORM = "%a, %d %b %Y %H:%M:%S GMT"
"""RFC 9110 section 5.6.7, the form that is sent today."""
MOST = 1000


def read(exchanges: Path) -> list[dict[str, Any]]:
    """Return `url`, `date` as sent and `offset_ms` of theirs from ours, for the first answers."""
    found: list[dict[str, Any]] = []
    if not exchanges.exists():
        return found
    with exchanges.open("rb") as lines:
        for line in lines:
            one = _date(orjson.loads(line))
            if one is not None:
                found.append(one)
            if len(found) == MOST:
                break
    return found


def _date(exchange: dict[str, Any]) -> dict[str, Any] | None:
    said, response = exchange["date"], exchange["response"]
    if said is None or response is None:
        return None
    try:
        theirs = datetime.strptime(said, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = theirs - datetime.fromisoformat(response["began"])
    return {
        "date": said,
        "offset_ms": round(offset.total_seconds() * 1000),
        "url": exchange["url"][:4096],
    }
