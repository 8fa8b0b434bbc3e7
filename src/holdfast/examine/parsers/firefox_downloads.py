"""Downloads of Firefox before version 26: `downloads.sqlite`.

Schema: `toolkit/components/downloads/nsDownloadManager.cpp`. Times are microseconds since 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from holdfast.examine.parsers import _sqlite
from holdfast.examine.parsers._browser import (
    BrowserDownload,
    line,
    named,
    since_1970,
    text,
    whole,
)
from holdfast.examine.record import Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator


VERSION = 1
DECODERS: tuple[str, ...] = ("python", "sqlite3")
RECORDS: tuple[type[Record], ...] = (BrowserDownload,)
SCHEMA: dict[str, tuple[str, ...]] = {"moz_downloads": ("source", "target", "starttime", "state")}
_COLUMNS = (
    "source", "target", "starttime", "endtime", "state", "referrer", "currbytes", "maxbytes",
    "mimetype", "guid",
)  # fmt: skip
_STATES = (
    "in_progress", "complete", "interrupted", "cancelled", "paused", "queued", "blocked_parental",
    "scanning", "blocked_dangerous", "blocked_policy",
)  # fmt: skip


def _downloads(database: _sqlite.Database) -> Iterator[Record]:
    for row in database.records("moz_downloads", _COLUMNS):
        rowid, source, target, start, end, state, referrer, received, size, mime, guid = (
            row.values()
        )
        when = since_1970(start)
        path = unquote(text(target) or "", errors="backslashreplace") or None
        total = whole(size)
        yield BrowserDownload(
            message=line(f"{path or '(no path)'} from {text(source) or '(no URL)'}"),
            **timed(when, "download started"),
            row=whole(rowid),
            url=text(source),
            target_path=path,
            referrer=text(referrer) or None,
            end_time=since_1970(end),
            received_bytes=whole(received),
            total_bytes=None if total == -1 else total,
            state=named(_STATES, whole(state)),
            mime_type=text(mime) or None,
            guid=text(guid) or None,
        )


match, parse = _sqlite.parser(SCHEMA, {"moz_downloads": _downloads})
