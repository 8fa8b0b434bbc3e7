"""Safari's property lists: `Downloads.plist`, and `History.plist` of Safari before version 8.

Source: Apple publishes no format; the keys are those that Safari writes. Times are dates (UTC), or
text that counts seconds since 2001.
"""

from __future__ import annotations

import plistlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from holdfast.examine.parsers._browser import (
    BrowserDownload,
    BrowserVisit,
    line,
    since_2001,
    whole,
)
from holdfast.examine.parsers._sniff import is_safari_plist
from holdfast.examine.record import Failure, Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (BrowserDownload, BrowserVisit)
LIMIT = 64 << 20
"""Bytes of the largest file that is read."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def match(file: EvidenceFile) -> bool:
    """Accept a property list, binary or XML, that names Safari's downloads or history."""
    return is_safari_plist(file.head)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield one record a download, and one a page (its last visit).

    Raises:
        ValueError: too large, or no property list.
        plistlib.InvalidFileException: no property list, or one with entities.
    """
    if file.size > LIMIT:
        raise ValueError(f"over {LIMIT} bytes")
    with file.open() as stream:
        try:
            document = plistlib.loads(stream.read())
        except (ValueError, plistlib.InvalidFileException):
            raise
        except Exception as error:
            # expat's errors, and what odd offsets and types raise in plistlib
            raise ValueError(f"no property list: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise ValueError("not a dictionary")
    for key, read in (("DownloadHistory", _download), ("WebHistoryDates", _visit)):
        found = document.get(key)
        for row, one in enumerate(found if isinstance(found, list) else [], 1):
            if isinstance(one, dict):
                yield read(row, one)
            else:
                yield Failure(message=f"{key} {row}", reason="entry is no dictionary", row=row)


def _download(row: int, one: dict[str, object]) -> Record:
    url, path = _text(one.get("DownloadEntryURL")), _text(one.get("DownloadEntryPath"))
    when = _date(one.get("DownloadEntryDateAddedKey"))
    received = whole(one.get("DownloadEntryProgressBytesSoFar"))
    total = whole(one.get("DownloadEntryProgressTotalToLoad"))
    end = _date(one.get("DownloadEntryDateFinishedKey"))
    return BrowserDownload(
        message=line(f"{path or '(no path)'} from {url or '(no URL)'}"),
        **timed(end if when is None else when, _meaning(when)),
        row=row,
        url=url,
        target_path=path,
        end_time=end,
        received_bytes=received,
        total_bytes=total,
        state="complete" if total is not None and received == total else None,
        guid=_text(one.get("DownloadEntryIdentifier")),
    )


def _meaning(started: int | None) -> str:
    return "download ended" if started is None else "download started"


def _visit(row: int, one: dict[str, object]) -> Record:
    url, title = _text(one.get("")), _text(one.get("title"))
    stamp = _text(one.get("lastVisitedDate"))
    try:
        when = since_2001(float(stamp)) if stamp else None
    except ValueError:
        when = None
    return BrowserVisit(
        message=line(f"{title or ''} {url or '(no URL)'}".strip()),
        **timed(when, "last visited", original=stamp),
        row=row,
        url=url,
        title=title,
        visit_count=whole(one.get("visitCount")),
        source="browsed",
    )


def _date(value: object) -> int | None:
    if not isinstance(value, datetime):
        return None
    return (value.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
