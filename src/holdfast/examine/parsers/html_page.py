"""HTML as a file: its text, title, links, forms, and what acts by itself.

Nothing is rendered, fetched or run. A form is named with where it sends and what it asks for: that
is how a phishing page is known.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from holdfast.examine import _mime
from holdfast.examine.parsers._document import MANY, Document, DocumentText, clean, line, texts
from holdfast.examine.parsers._html import text_of_html
from holdfast.examine.parsers._sniff import is_html, text_encoding
from holdfast.examine.record import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 1
DECODERS: tuple[str, ...] = ("charset-normalizer", "python")
RECORDS: tuple[type[Record], ...] = (Document, DocumentText)

LIMIT = 32 << 20
"""Bytes of one page that are read."""

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([A-Za-z0-9_:.-]{2,40})""", re.I)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,2000})", re.IGNORECASE)
_TAG = re.compile(
    r"<(a|area|form|input|script|iframe|object|embed|meta|base|img)\b([^>]{0,4000})>?",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"""([a-z][a-z-]{0,30})\s{0,8}=\s{0,8}(?:"([^"]{0,2000})|'([^']{0,2000})|([^\s"'>]{1,2000}))""",
    re.IGNORECASE,
)


def match(file: EvidenceFile) -> bool:
    """Accept text that starts as HTML does."""
    return is_html(file.head)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield the page, then its text."""
    with file.open() as stream:
        raw = stream.read(LIMIT)
    source = _decoded(raw, file.head)
    links, features, properties = _tags(source)
    title = _TITLE.search(source)
    said = line(html.unescape(title[1])) if title else None
    yield Document(
        message=said or "HTML page",
        format="html",
        title=said,
        links=links,
        features=features,
        properties=properties,
    )
    yield from texts("page", (text_of_html(source),))
    if file.size > LIMIT:
        yield Failure(
            message=f"page of {file.size} bytes",
            reason=f"over {LIMIT} bytes: read up to there",
        )


def _decoded(raw: bytes, head: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        return clean(raw[3:].decode("utf-8", "backslashreplace"))
    given = _CHARSET.search(head)
    if given is not None and raw[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        return clean(_mime.decode(raw, given[1].decode("ascii"))[0])
    encoding = text_encoding(head) or "cp1252"
    return clean(raw.decode(encoding, "backslashreplace").removeprefix("\ufeff"))


def _tags(source: str) -> tuple[list[str], list[str], list[str]]:
    links: dict[str, None] = {}
    features: dict[str, None] = {}
    properties: list[str] = []
    for found in _TAG.finditer(source):
        if len(links) + len(features) + len(properties) > MANY:
            break
        name = found[1].lower()
        given = {
            one[1].lower(): html.unescape(next(g for g in one.groups()[1:] if g is not None))
            for one in _ATTRIBUTE.finditer(found[2])
        }
        place = line(given.get("src") or given.get("data") or "")
        if name in {"a", "area"} and given.get("href"):
            links[clean(given["href"])] = None
        elif name == "form":
            where = line(given.get("action", "")) or "the page itself"
            features[f"form: {given.get('method', 'get').lower()[:10]} to {where}"] = None
        elif name == "input":
            kind = given.get("type", "text").lower()[:20]
            features[f"asks for: {line(given.get('name', '?'))} ({kind})"] = None
        elif name == "meta" and given.get("http-equiv", "").lower() == "refresh":
            features[f"refresh: {line(given.get('content', ''))}"] = None
        elif (
            name == "meta" and given.get("content") and (given.get("name") or given.get("property"))
        ):
            properties.append(f"{line(given.get('name') or given.get('property') or '')}="
                              f"{line(given['content'])}")  # fmt: skip
        elif name == "script":
            features[f"script: {place or 'in the page'}"] = None
        elif name in {"iframe", "object", "embed", "base"}:
            features[f"{name}: {place or line(given.get('href', ''))}"] = None
    return list(links), list(features), properties
