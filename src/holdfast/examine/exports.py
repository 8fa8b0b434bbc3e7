"""The timeline for other programs: a spreadsheet, Timesketch, the mactime family.

Each takes the events as the timeline gives them (`asking.timeline`) and yields bytes. An export
holds evidence: text that a spreadsheet would run as a formula is defused, nothing else is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from holdfast.core import clock, spreadsheet
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CSV_COLUMNS = (
    "time", "time_meaning", "time_quality", "time_original", "kind", "host", "user", "message",
    "exhibit", "path", "inside", "offset", "length", "row", "parser", "parser_version", "seq",
    "item", "time_recorded", "clock_ahead",
)  # fmt: skip
_CONTROL = dict.fromkeys((*range(32), 127), " ")


def to_csv(events: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Yield RFC 4180 in UTF-8 with a header; what looks like a formula is text."""
    yield spreadsheet.row(CSV_COLUMNS)
    for event in events:
        yield spreadsheet.row(event.get(name) for name in CSV_COLUMNS)


def to_timesketch(events: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Yield JSON lines with the columns that Timesketch's importer requires, and ours.

    `message`, `datetime` (ISO 8601) and `timestamp_desc` must be there and not empty; `timestamp`
    is microseconds (`timesketch/lib/utils.py`, `read_and_validate_jsonl`). What the time says and
    how certain it is stands in `timestamp_desc`, which is what an analyst sees.
    """
    for event in events:
        time = event.get("time")
        micros = _micros(time)
        if micros is None:
            continue  # a timeline holds none; Timesketch's years end at 9999
        quality = event.get("time_quality")
        desc = event.get("time_meaning") or "recorded"
        doubt = f" ({quality})" if quality not in (None, "exact") else ""
        rest = {
            name: value
            for name, value in event.items()
            if value is not None and name not in {"time", "message", "kind"}
        }
        yield orjson.dumps(
            {
                **rest,
                "message": event["message"].strip() or event["kind"],
                "datetime": _iso(str(time)),
                "timestamp": micros,
                "timestamp_desc": f"{desc}{doubt}",
                "data_type": f"holdfast:{event['kind']}",
            },
            option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE,
        )


def _iso(text: str) -> str:
    return text.removesuffix("Z") + "+00:00"


def to_bodyfile(events: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Yield The Sleuth Kit's bodyfile, version 3, an event a line with its time as all of MACB.

    `MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime`: the name is the event's text, times
    are seconds (a fraction is cut, as the format has none). `|` and control characters in it
    become blanks: the format has no escape.
    """
    for event in events:
        micros = _micros(event.get("time"))
        if micros is None:
            continue
        place = f"{event.get('exhibit') or ''} {event.get('path') or ''}".strip()
        text = f"[{event['kind']}] {event['message']} ({place})"
        if event.get("clock_ahead") is not None:
            text += f" (recorded {event['time_recorded']}, clock {event['clock_ahead']} s ahead)"
        name = text.replace("|", " ").translate(_CONTROL)
        second = micros // 1_000_000
        times = f"{second}|{second}|{second}|{second}"
        yield f"0|{name}|0|0|0|0|{event.get('length') or 0}|{times}\n".encode()


def _micros(time: object) -> int | None:
    try:
        return clock.from_text(time) if isinstance(time, str) else None
    except InputError:
        return None


EXPORTS: dict[str, Callable[[Iterable[dict[str, Any]]], Iterator[bytes]]] = {
    "bodyfile": to_bodyfile, "csv": to_csv, "timesketch": to_timesketch,
}  # fmt: skip
