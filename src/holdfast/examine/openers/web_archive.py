"""Unfold WARC and ARC, gzipped or not, into the bodies they hold.

A body comes as a person has it: without chunks, and with gzip, deflate, brotli or zstd undone. Its
path is the number of its record and the last part of its URL, `000012/login.html`; the parser of
web archives cites the same numbers. A body that is damaged or unfolds to over 1 GiB is given as far
as it goes, and the examination records why it ends there. A WACZ is a ZIP, and unfolded as one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from holdfast.examine import _warc
from holdfast.examine._streams import stream
from holdfast.examine.interfaces import Member
from holdfast.webarchive.decoding import DecodingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 2
DECODERS: tuple[str, ...] = ("python", "brotli", "zstandard")

_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]")
_NAME_LIMIT = 120


def match(file: EvidenceFile) -> bool:
    """Accept WARC and ARC, gzipped or not."""
    return _warc.is_warc(file.head)


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield the bodies; records without one have none."""
    for stored in _warc.records(file):
        if stored.http:
            head, raw = stored.message()
            pieces = _warc.body(head, raw)
        elif stored.type in {"warcinfo", "metadata"}:
            continue  # fields, which lie in the archive as text
        else:
            pieces = stored.pieces
        try:
            first = next(pieces, b"")
        except DecodingError as error:
            pieces = _failing(error)
        else:
            if not first:
                continue
            pieces = _with(first, pieces)
        # Not buffered: of a body that breaks off, a buffer would lose what came before.
        content = stream(pieces)
        name = _name(stored)
        yield Member(path=f"{stored.number:06d}/{name}", name=name, content=content)


def _with(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _failing(error: DecodingError) -> Iterator[bytes]:
    """Say when the member is read, not before, that there is nothing: the others must come."""
    yield from ()
    raise error


def _name(stored: _warc.Stored) -> str:
    """Return a name from the URL's last part, which is a hint and nothing more."""
    path = stored.url.partition("#")[0].partition("?")[0].partition("://")[2]
    last = unquote(path.partition("/")[2].rpartition("/")[2], errors="backslashreplace")
    name = _UNSAFE.sub("_", last)[-_NAME_LIMIT:].strip()
    if name.strip("."):
        return name
    return "body" if stored.type != "request" else "sent"
