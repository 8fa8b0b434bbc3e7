"""Word, Excel and PowerPoint since 2007 (ECMA-376): text, properties, comments, tracked changes.

Formulas stand behind their cells' values. A sheet or slide that is hidden says so in `part`, and
in the document's `features` beside macros, embedded files and parts that come from elsewhere.
"""

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
from holdfast.examine.parsers._sheets import STRINGS, part_of, shared, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 2
DECODERS: tuple[str, ...] = ("python", "zstandard")
RECORDS: tuple[type[Record], ...] = (Document, DocumentText, DocumentNote)

_FOLDERS = {"word": "docx", "xl": "xlsx", "ppt": "pptx"}
_TAIL = 1 << 16
_ACTIVE = {
    "vbaProject.bin": "macros", "/activeX/": "ActiveX controls", "/embeddings/": "embedded files",
    "/externalLinks/": "links to other workbooks", "macrosheets/": "Excel 4.0 macros",
    "customUI/": "user interface of its own",
}  # fmt: skip
_FIELDS = ("DDE", "INCLUDETEXT", "INCLUDEPICTURE")


def match(file: EvidenceFile) -> bool:
    """Accept a ZIP that names a content-types part and one of the three main folders."""
    return _folder(file) is not None


def _folder(file: EvidenceFile) -> str | None:
    if not file.head.startswith(b"PK\3\4"):
        return None
    seen = file.head
    if b"[Content_Types].xml" not in seen or not any(b"%b/" % n.encode() in seen for n in _FOLDERS):
        with file.open() as source:
            source.seek(max(0, file.size - _TAIL))
            seen += source.read(_TAIL)
    if b"[Content_Types].xml" not in seen:
        return None
    return next((name for name in _FOLDERS if f"{name}/".encode() in seen), None)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield the document, its text, its comments and changes, then what could not be read."""
    folder = _folder(file) or "word"
    package = Package(file)
    links, features = _relations(package)
    features += _active(package)
    body = {"word": _word, "xl": _excel, "ppt": _powerpoint}[folder]
    rest: list[Record] = []
    pages = 0
    for record in body(package, features):
        pages += isinstance(record, DocumentText)
        rest.append(record)
        if len(rest) > STRINGS:
            break
    yield _document(package, folder, links, features)
    yield from rest
    yield from package.failures()


def _document(package: Package, folder: str, links: list[str], features: list[str]) -> Document:
    core = values(package.events("docProps/core.xml"))
    app = values(package.events("docProps/app.xml"))
    own = values(package.events("docProps/custom.xml"))
    known = dict(reversed(core + app))
    pages = next((known[n] for n in ("Pages", "Slides") if known.get(n, "").isdecimal()), None)
    return Document(
        message=line(known.get("title") or f"{_FOLDERS[folder]} by {known.get('creator', '?')}"),
        **dated("modified", known.get("modified")),
        format=_FOLDERS[folder],
        title=known.get("title"),
        author=known.get("creator"),
        last_author=known.get("lastModifiedBy"),
        created_time=from_iso(known.get("created")),
        application=known.get("Application"),
        pages=int(pages[:9]) if pages else None,
        links=links[:MANY],
        features=list(dict.fromkeys(features))[:MANY],
        properties=[clean(f"{name}={value}") for name, value in core + app + own][:MANY],
    )


def _relations(package: Package) -> tuple[list[str], list[str]]:
    """Return hyperlinks, and what the document fetches from outside by itself."""
    links: dict[str, None] = {}
    features: list[str] = []
    for name in package.names(end=".rels"):
        for event in package.events(name):
            given = event.attributes
            if event.opens and given.get("TargetMode") == "External":
                kind = given.get("Type", "").rpartition("/")[2]
                target = clean(given.get("Target", ""))
                if kind == "hyperlink":
                    links[target] = None
                else:
                    features.append(f"external {kind}: {target}"[:2000])
    return list(links), features


def _active(package: Package) -> list[str]:
    names = package.names()
    return [words for part, words in _ACTIVE.items() if any(part in f"/{name}" for name in names)]


def _word(package: Package, features: list[str]) -> Iterator[Record]:
    parts = ["word/document.xml", *package.names("word/header", ".xml")]
    parts += [*package.names("word/footer", ".xml"), "word/footnotes.xml", "word/endnotes.xml"]
    for part in parts:
        notes: list[Record] = []
        name = part.removeprefix("word/").removesuffix(".xml")
        yield from texts(name, _paragraphs(package, part, notes, features))
        yield from notes
    yield from _comments(package, "word/comments.xml", "comment")


def _paragraphs(  # noqa: PLR0912 - one branch an element
    package: Package, part: str, notes: list[Record], features: list[str]
) -> Iterator[str]:
    """Yield the text as it reads with all changes accepted; what was deleted is a note."""
    change: tuple[str, dict[str, str]] | None = None
    changed: list[str] = []
    inside = ""
    for event in package.events(part):
        if event.opens:
            if event.name in {"ins", "del", "moveFrom", "moveTo"} and event.attributes.get(
                "author"
            ):
                change, changed = (event.name, event.attributes), []
            inside = event.name
            if event.name == "tab":
                yield "\t"
            elif event.name == "br":
                yield "\n"
        elif event.name:
            if event.name in {"p", "tr"}:
                yield "\n"
            if change is not None and event.name == change[0]:
                if changed:
                    notes.append(_change(change, "".join(changed)))
                change = None
            inside = ""
        elif inside in {"t", "delText"}:
            if change is not None:
                changed.append(event.text)
            if inside == "t":
                yield event.text
        elif inside == "instrText" and any(word in event.text.upper() for word in _FIELDS):
            features.append(clean(f"field: {' '.join(event.text.split())[:500]}"))


def _change(change: tuple[str, dict[str, str]], text: str) -> DocumentNote:
    name, given = change
    what = "deleted" if name in {"del", "moveFrom"} else "inserted"
    return _note(what, given.get("author"), given.get("date"), text)


def _note(what: str, author: str | None, date: str | None, text: str) -> DocumentNote:
    return DocumentNote(
        message=line(f"{what} by {author or '?'}: {text}"),
        **dated(what, date),
        note_type=what,
        author=clean(author) if author else None,
        text=clean(text)[:65536],
    )


def _comments(package: Package, part: str, element: str) -> Iterator[Record]:
    given: dict[str, str] = {}
    authors: list[str] = []
    text: list[str] = []
    inside = ""
    for event in package.events(part):
        if event.opens:
            inside = event.name
            if event.name in {element, "cm"}:
                given, text = event.attributes, []
        elif event.name in {element, "cm"}:
            author = given.get("author")
            if author is None:
                place = given.get("authorId", "")
                known = place.isdecimal() and int(place[:6]) < len(authors)
                author = authors[int(place[:6])] if known else None
            where = f"{given['ref']}: " if "ref" in given else ""
            yield _note("comment", author, given.get("date") or given.get("dt"),
                        where + "".join(text).strip())  # fmt: skip
        elif event.name:
            text += ["\n"] if event.name == "p" else []
            inside = ""
        elif inside == "author":
            authors.append(event.text)
        elif inside in {"t", "text"}:
            text.append(event.text)


def _excel(package: Package, features: list[str]) -> Iterator[Record]:
    places = targets(package)
    sheets: list[tuple[str, str]] = []
    for event in package.events("xl/workbook.xml"):
        if event.opens and event.name == "sheet":
            name, state = event.attributes.get("name", "?"), event.attributes.get("state", "")
            hidden = state if state in {"hidden", "veryHidden"} else ""
            if hidden:
                features.append(clean(f"{hidden} sheet: {name}"))
            place = part_of(places.get(event.attributes.get("id", ""), ""))
            sheets.append((place, f"sheet {name}{f' ({hidden})' if hidden else ''}"))
        elif event.opens and event.name == "definedName" and "Auto_" in str(event.attributes):
            features.append("a name that runs by itself (Auto_Open)")
    strings = list(shared(package))
    for place, name in sheets:
        yield from texts(clean(name), _cells(package, place, strings))
    for part in package.names("xl/comments", ".xml"):
        yield from _comments(package, part, "comment")


def _cells(package: Package, part: str, strings: list[str]) -> Iterator[str]:
    kind, inside = "", ""
    value: list[str] = []
    formula: list[str] = []
    for event in package.events(part):
        if event.opens:
            inside = event.name
            if event.name == "c":
                kind, value, formula = event.attributes.get("t", ""), [], []
        elif event.name == "c":
            text = "".join(value)
            if kind == "s" and text.isdecimal() and int(text[:9]) < len(strings):
                text = strings[int(text[:9])]
            yield text + (f" (={''.join(formula)})" if formula else "") + "\t"
        elif event.name == "row":
            yield "\n"
        elif event.name:
            inside = ""
        elif inside in {"v", "t"}:
            value.append(event.text)
        elif inside == "f":
            formula.append(event.text)


def _powerpoint(package: Package, features: list[str]) -> Iterator[Record]:
    for folder, word in (("slides/slide", "slide"), ("notesSlides/notesSlide", "notes")):
        for part in package.names(f"ppt/{folder}", ".xml"):
            number = part.removeprefix(f"ppt/{folder}").removesuffix(".xml")
            said: list[str] = []
            hidden = False
            inside = ""
            for event in package.events(part):
                if event.opens:
                    inside = event.name
                    hidden = hidden or (event.name == "sld" and event.attributes.get("show") == "0")
                elif event.name:
                    said += ["\n"] if event.name == "p" else []
                    inside = ""
                elif inside == "t":
                    said.append(event.text)
            if hidden:
                features.append(f"hidden slide: {number}")
            yield from texts(f"{word} {number}{' (hidden)' if hidden else ''}", said)
    for part in package.names("ppt/comments/", ".xml"):
        yield from _comments(package, part, "cm")
