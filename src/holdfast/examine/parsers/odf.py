"""OpenDocument (ISO/IEC 26300): text, properties, comments, tracked changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.parsers._document import (
    MANY,
    Document,
    DocumentNote,
    DocumentText,
    clean,
    dated,
    from_iso,
    line,
    texts,
)
from holdfast.examine.parsers._package import Package, values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 2
DECODERS: tuple[str, ...] = ("python", "zstandard")
RECORDS: tuple[type[Record], ...] = (Document, DocumentText, DocumentNote)

_TYPE = b"application/vnd.oasis.opendocument."
_BREAKS = {"p", "h", "table-row", "list-item"}


def match(file: EvidenceFile) -> bool:
    """Accept a ZIP whose first entry is a stored `mimetype` of OpenDocument."""
    head = file.head
    return head.startswith(b"PK\3\4") and head[30:38] == b"mimetype" and _TYPE in head[38:200]


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield the document, its text, its comments and changes, then what could not be read."""
    package = Package(file)
    start = file.head.find(_TYPE) + len(_TYPE)
    kind = file.head[start : start + 40].partition(b"PK")[0].decode("ascii", "replace")
    links: dict[str, None] = {}
    notes: list[Record] = []
    said = list(texts("content", _content(package, links, notes)))
    yield _document(package, kind, list(links))
    yield from said
    yield from notes
    yield from package.failures()


def _document(package: Package, kind: str, links: list[str]) -> Document:
    meta = values(package.events("meta.xml"))
    known = dict(reversed(meta))
    features = ["macros"] if package.names("Basic/") or package.names("Scripts/") else []
    if any(
        e.opens and e.name == "encryption-data" for e in package.events("META-INF/manifest.xml")
    ):
        features.append("encrypted")
    features += ["embedded objects"] if package.names("Object ") else []
    return Document(
        message=line(known.get("title") or f"{kind} by {known.get('creator', '?')}"),
        **dated("modified", known.get("date")),
        format=f"odf {kind}"[:60],
        title=known.get("title"),
        author=known.get("initial-creator"),
        last_author=known.get("creator"),
        created_time=from_iso(known.get("creation-date")),
        application=known.get("generator"),
        links=links[:MANY],
        features=features,
        properties=[clean(f"{name}={value}") for name, value in meta][:MANY],
    )


def _content(  # noqa: PLR0912 - one branch an element
    package: Package, links: dict[str, None], notes: list[Record]
) -> Iterator[str]:
    """Yield the text as it reads; what a comment or a tracked deletion holds goes to `notes`."""
    held: _Held | None = None
    changed: list[_Held] = []
    inside = ""
    for event in package.events("content.xml"):
        if event.opens:
            inside = event.name
            target = event.attributes.get("href", "")
            if event.name == "a" and target and len(links) < MANY:
                links[clean(target)] = None
            if event.name in {"annotation", "deletion", "insertion"}:
                held = _Held(event.name)
                changed.append(held)
            elif event.name in {"tab", "s"} and held is None:
                yield "\t" if event.name == "tab" else " "
            elif event.name == "line-break" and held is None:
                yield "\n"
        elif event.name:
            inside = ""
            if held is not None and event.name == held.name:
                notes.append(held.note())
                changed.pop()
                held = changed[-1] if changed else None
            elif event.name in _BREAKS and held is None:
                yield "\n"
            elif event.name == "table-cell" and held is None:
                yield "\t"
        elif held is not None:
            if inside == "creator":
                held.author += event.text
            elif inside == "date":
                held.date += event.text
            else:
                held.text.append(event.text)
        else:
            yield event.text


class _Held:
    """A comment or tracked change while it is read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.author = self.date = ""
        self.text: list[str] = []

    def note(self) -> DocumentNote:
        what = {"annotation": "comment", "deletion": "deleted", "insertion": "inserted"}[self.name]
        text = clean("".join(self.text))
        return DocumentNote(
            message=line(f"{what} by {self.author or '?'}: {text}"),
            **dated(what, self.date or None),
            note_type=what,
            author=clean(self.author) or None,
            text=text[:65536],
        )
