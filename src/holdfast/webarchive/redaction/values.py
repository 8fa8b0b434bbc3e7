"""Secret values, and all the forms in which one may stand in a capture.

A value that was found once, in a Cookie field say, is looked for everywhere: as it is, in lower
case, percent-encoded and decoded, in hex, in base64 at each of its three alignments, and escaped
as JSON, HTML and quoted-printable do it.
"""

from __future__ import annotations

import base64
import html
import json
import sys
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

FILLER = b"x"
LEAST = 6
"""Bytes of the shortest value that is looked for everywhere; a shorter one is taken only where it
stands as a secret: `1` or `en` would take half of a page."""


class Span(NamedTuple):
    """What is taken of some bytes."""

    offset: int
    length: int
    kind: str
    instead: bytes = b""
    """What stands there in the copy; empty for `FILLER` throughout."""

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.offset + self.length


class Values:
    """The secrets of a capture."""

    def __init__(self) -> None:
        self._kinds: dict[bytes, str] = {}
        self._forms: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    def add(self, value: bytes, kind: str) -> None:
        """Remember a value; one that is too short is not looked for."""
        value = value.strip(b" \t\r\n\"'")
        if len(value) < LEAST or value in self._kinds or not value.strip(FILLER):
            return
        self._kinds[value] = kind
        for form in forms(value):
            self._forms.setdefault(form, kind)

    def add_exact(self, value: bytes, kind: str) -> None:
        """Remember a value that has one form only."""
        self._forms.setdefault(value, kind)

    def find(self, data: bytes) -> list[Span]:
        """Return where in `data` any form of any value stands."""
        found = []
        for form, kind in self._forms.items():
            at = data.find(form)
            while at >= 0:
                found.append(Span(at, len(form), kind))
                at = data.find(form, at + len(form))
        return found

    def within(self, data: bytes) -> bool:
        """Say whether `data` holds any of them."""
        return any(form in data for form in self._forms)


def forms(value: bytes) -> set[bytes]:
    """Return all forms of a value that are long enough to be told from chance."""
    plain = {value, unquote_to_bytes(value), unquote_to_bytes(value.replace(b"+", b" "))}
    found: set[bytes] = set()
    for one in plain:
        found |= _forms(one)
    return {one for one in found if len(one) >= LEAST}


def _forms(value: bytes) -> set[bytes]:
    text = value.decode("latin-1")
    found = {value, value.lower(), value.hex().encode(), value.hex().upper().encode()}
    for safe in ("", "/", "!'()*-._~", "!$&'()*+,/:;=?@-._~"):
        for made in (quote(value, safe=safe), quote_plus(value, safe=safe)):
            lowered = "".join(_lower_escapes(made))
            found |= {made.encode(), made.lower().encode(), lowered.encode()}
            found.add(quote(made, safe="").encode())
    for ascii_only in (True, False):
        for string in (text, value.decode("utf-8", "replace")):
            escaped = json.dumps(string, ensure_ascii=ascii_only)[1:-1]
            found |= {escaped.encode(), escaped.replace("/", "\\/").encode()}
            found.add(escaped.replace("<", "\\u003c").replace("&", "\\u0026").encode())
    found |= {html.escape(text).encode("latin-1"), html.escape(text, quote=False).encode("latin-1")}
    found.add(value.replace(b"=", b"=3D"))
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + value)
        # Only the characters that depend on nothing but the value.
        inner = coded[(shift * 8 + 5) // 6 : (shift + len(value)) * 8 // 6]
        found |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def _lower_escapes(text: str) -> Iterable[str]:
    """Yield a percent-encoded text with the hex digits of its escapes in lower case."""
    head, *rest = text.split("%")
    yield head
    for piece in rest:
        yield f"%{piece[:2].lower()}{piece[2:]}"


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that overlap made one."""
    merged: list[Span] = []
    for span in sorted((one for one in spans if one.length), key=lambda one: one[:2]):
        if merged and span.offset < merged[-1].end:
            last = merged[-1]
            if last.instead and span.end <= last.end:
                continue  # it is inside what is replaced as a whole
            end = max(last.end, span.end)
            merged[-1] = Span(last.offset, end - last.offset, last.kind)
        else:
            merged.append(span)
    return merged


def within(spans: Iterable[Span], ranges: Iterable[tuple[int, int]]) -> list[Span]:
    """Return what of the spans lies in the ranges (start, end), which don't overlap.

    A cookie's value may be any word, `response` or `Content-Type` as well: what the formats
    themselves say must stay.
    """
    allowed = sorted(ranges)
    found = []
    for span in spans:
        at = max(bisect_right(allowed, (span.offset, sys.maxsize)) - 1, 0)
        for start, end in allowed[at:]:
            if start >= span.end:
                break
            first, last = max(start, span.offset), min(end, span.end)
            if first < last:
                cut = span.instead[first - span.offset : last - span.offset]
                found.append(Span(first, last - first, span.kind, cut))
    return found


def apply(data: bytes, spans: Iterable[Span]) -> bytes:
    """Return `data` without what the spans take; of the same length."""
    out = bytearray(data)
    for span in spans:
        out[span.offset : span.end] = span.instead or FILLER * span.length
    return bytes(out)
