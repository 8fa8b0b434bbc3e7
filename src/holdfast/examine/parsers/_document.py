"""What documents of every format come to: a record of the document, its text, its notes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from xml.parsers import expat

from holdfast.examine.record import DAY_ONLY, EXACT, ZONE_ASSUMED, Record, UnreadableError, timed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.examine.record import Timed

CHUNK = 1 << 16
"""Characters of one record of text at most."""
MANY = 2000
"""Links, features or properties of one document that are kept."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)?)?"
)
_DEPTH = 500
_STAMP = 64
"""Characters of a date that are kept as it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Record):
    """A document: what it says of itself, and what it holds besides text. `time`: last changed."""

    KIND: ClassVar[str] = "document"

    format: str | None = None
    title: str | None = None
    author: str | None = None
    last_author: str | None = None
    created_time: int | None = None
    application: str | None = None
    pages: int | None = None
    """Pages, sheets or slides."""
    links: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    """What can act or hide: macros, JavaScript, attachments, external parts, hidden sheets."""
    properties: list[str] = field(default_factory=list)
    """`name=value`, as the document has them, its own ones too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentText(Record):
    """Text of a document, up to 64 Ki characters; `part` says where (`page 3`, `sheet Budget`)."""

    KIND: ClassVar[str] = "document.text"

    part: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentNote(Record):
    """A comment or a tracked change, with who made it and when."""

    KIND: ClassVar[str] = "document.note"

    note_type: str | None = None
    """`comment`, `inserted` or `deleted`."""
    author: str | None = None
    text: str | None = None


def texts(part: str, pieces: Iterable[str]) -> Iterator[DocumentText]:
    """Yield the text of one part in records of bounded length, nothing left out."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        while size >= CHUNK:
            whole = "".join(held)
            cut = whole.rfind("\n", CHUNK // 2, CHUNK) + 1 or CHUNK
            yield from _text(part, whole[:cut])
            held = [whole[cut:]]
            size = len(whole) - cut
    yield from _text(part, "".join(held))


def _text(part: str, text: str) -> Iterator[DocumentText]:
    kept = clean(text)
    if kept.strip():
        yield DocumentText(message=line(kept), part=part, text=kept)


def clean(text: str) -> str:
    """Return `text` without lone surrogates, which nothing can store."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def line(text: str) -> str:
    """Return the start of `text` as one line."""
    return " ".join(clean(text[:600]).split())[:200]


def dated(meaning: str, text: str | None) -> Timed:
    """Return when something was done, as a W3C date says it."""
    time, found = from_iso(text), _ISO.match(text.strip()) if text else None
    quality = EXACT
    if found is not None and found[8] is None:
        quality = DAY_ONLY if found[4] is None else ZONE_ASSUMED
    return timed(time, meaning, quality, clean(text)[:_STAMP] if text else None)


def from_iso(text: str | None) -> int | None:
    """Return a W3C date in microseconds; without a zone it is taken as UTC."""
    found = _ISO.match(text.strip()) if text else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    zone = found[8] or "Z"
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        if zone != "Z":
            shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
            moment -= shift if zone[0] == "+" else -shift
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH) // timedelta(microseconds=1) + int((found[7] or "0").ljust(6, "0"))


@dataclass(frozen=True, slots=True)
class Event:
    """A tag that opens or closes, or text (`name` is empty). Namespaces are left away."""

    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    opens: bool = False


def xml(pieces: Iterable[bytes]) -> Iterator[Event]:
    """Read XML piece by piece: no entity is ever declared, fetched or expanded.

    Raises:
        UnreadableError: it declares an entity, is nested too deeply, or is not XML.
    """
    out: list[Event] = []
    depth = 0
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH:
            raise UnreadableError("XML is nested too deeply")
        plain = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        out.append(Event(name.rpartition(" ")[2], "", plain, opens=True))

    def ended(name: str) -> None:
        nonlocal depth
        depth -= 1
        out.append(Event(name.rpartition(" ")[2]))

    def refused(*_entity: object) -> None:
        raise UnreadableError("XML declares entities, which could grow without end")

    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.CharacterDataHandler = lambda text: out.append(Event("", text))
    parser.EntityDeclHandler = refused
    try:
        for piece in pieces:
            parser.Parse(piece, False)
            yield from out
            out.clear()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        yield from out
        raise UnreadableError("XML is damaged") from error
    yield from out
