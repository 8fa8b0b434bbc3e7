"""Cookies of Safari and of programs on macOS and iOS: `Cookies.binarycookies`.

Source: Apple publishes no format; this is what Safari writes. `cook`, the number of pages and
their sizes (big endian), then pages: a number of cookies and where they are (little endian), each
with its size, flags, where its texts are, and two times in seconds since 2001. When a cookie was
last used is not in the file. Values stand in the clear, and are never taken over.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from holdfast.examine.parsers._browser import BrowserCookie, cookie, line, since_2001
from holdfast.examine.record import Failure, Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (BrowserCookie,)
LIMIT = 16 << 20
"""Bytes of one page that are read."""
PAGES = 65_536
_MAGIC = b"cook"
_PAGE = b"\x00\x00\x01\x00"
_COOKIE = struct.Struct("<IIIIIIIIIIdd")
_SECURE, _HTTP_ONLY = 1, 4
_LONGEST = 4096
"""Bytes of a name, host or path that are kept."""


def match(file: EvidenceFile) -> bool:
    """Accept a file that starts with the magic and at least one page's beginning."""
    count = int.from_bytes(file.head[4:8], "big")
    start = 8 + 4 * count
    page = file.head[start : start + 4]
    return file.head.startswith(_MAGIC) and 0 < count <= PAGES and page in {_PAGE, b""}


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield one record a cookie; what can't be read is a failure, a run of such pages is one."""
    with file.open() as stream:
        head = stream.read(8)
        count = min(int.from_bytes(head[4:8], "big"), PAGES)
        table = stream.read(4 * count)
        sizes = [size for (size,) in struct.iter_unpack(">I", table[: len(table) // 4 * 4])]
        at, row, bad = 8 + 4 * count, 0, 0
        for number, size in enumerate(sizes, 1):
            stream.seek(at)
            page = stream.read(min(size, LIMIT))
            if len(page) < size:
                break  # what follows lies further on still
            if page[:4] != _PAGE:
                bad = bad or number
            else:
                if bad:
                    yield _unread(bad, number - 1, at)
                    bad = 0
                for one in _cookies(page, at, row):
                    row += 1
                    yield one
            at += size
        else:
            number = len(sizes) + 1
        if bad or number <= count:
            yield _unread(bad or number, count, min(at, file.size))


def _unread(first: int, last: int, offset: int) -> Failure:
    which = f"page {first}" if first == last else f"pages {first} to {last}"
    return Failure(message=which, reason="not there, or not whole", offset=offset)


def _cookies(page: bytes, start: int, row: int) -> Iterator[Record]:
    (count,) = struct.unpack_from("<I", page, 4) if len(page) >= 8 else (0,)
    count = min(count, (len(page) - 8) // 4)
    places = sorted(set(struct.unpack_from(f"<{count}I", page, 8)))
    end = 0
    for number, place in enumerate(places, 1):
        row += 1
        size = int.from_bytes(page[place : place + 4], "little")
        # Cookies that lie within each other would be read over and over: each byte is read once.
        if size < _COOKIE.size or place + size > len(page) or place < end:
            yield Failure(
                message=f"cookie {number} of its page", reason="the cookie is not whole",
                offset=start + min(place, len(page)), row=row,
            )  # fmt: skip
            continue
        end = place + size
        yield _cookie(page[place:end], start + place, row)


def _cookie(raw: bytes, offset: int, row: int) -> BrowserCookie:
    _, _, flags, _, host, name, path, value, _, _, ends, made = _COOKIE.unpack_from(raw)
    end = since_2001(ends)
    return cookie(
        _bytes(raw, value),
        encrypted=False,
        domain=_text(raw, host),
        name=_text(raw, name),
        **timed(since_2001(made), "cookie made"),
        offset=offset,
        length=len(raw),
        row=row,
        cookie_path=_text(raw, path),
        until_time=end,
        secure=bool(flags & _SECURE),
        http_only=bool(flags & _HTTP_ONLY),
        persistent=end is not None,
    )


def _bytes(raw: bytes, at: int) -> bytes:
    return raw[at:].partition(b"\0")[0] if at >= _COOKIE.size else b""


def _text(raw: bytes, at: int) -> str | None:
    found = _bytes(raw, at)[:_LONGEST].decode("utf-8", "backslashreplace")
    return line(found) or None
