r"""Rich Text Format (1.9.1): text in any of its code pages, properties, links, embedded objects.

One pass over control words, with the stack of groups bounded. `\bin` is skipped by its length;
objects and pictures are named, their bytes stay where every finder reads them.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from holdfast.examine.parsers._document import MANY, Document, DocumentText, clean, line, texts
from holdfast.examine.record import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (Document, DocumentText)

LIMIT = 64 << 20
"""Bytes of one document that are read."""
_DEPTH = 1000
_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?[0-9]{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z'])|([{}])"
    rb"|([^\\{}\r\n]+)|[\r\n]+|\\"
)
_SKIPPED = {
    "fonttbl", "colortbl", "stylesheet", "pict", "listtable", "listoverridetable", "rsidtbl",
    "themedata", "colorschememapping", "datastore", "latentstyles", "generator", "xmlnstbl",
    "objdata", "filetbl", "revtbl", "mmathPr", "objclass",
}  # fmt: skip
_FACTS = {"title", "author", "operator", "subject", "company", "keywords", "comment", "doccomm"}
_BREAKS = {"par": "\n", "line": "\n", "row": "\n", "sect": "\n", "page": "\n", "tab": "\t",
           "cell": "\t", "emdash": "\u2014", "endash": "\u2013", "lquote": "\u2018",
           "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d",
           "bullet": "\u2022"}  # fmt: skip
_LINK = re.compile(r'HYPERLINK\s+"?([^"\s]{1,2000})', re.IGNORECASE)
_FIELD = re.compile(r"\b(DDEAUTO|DDE|INCLUDETEXT|INCLUDEPICTURE|TEMPLATE)\b[^}]{0,300}", re.I)


def match(file: EvidenceFile) -> bool:
    r"""Accept what starts with `{\rt`, which is all that Word asks for."""
    return file.head.lstrip(b" \t\r\n")[:4] == b"{\\rt"


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield the document, then its text."""
    with file.open() as stream:
        raw = stream.read(LIMIT)
    reader = _Reader()
    reader.read(raw)
    facts = reader.facts
    yield Document(
        message=line(facts.get("title") or "RTF document"),
        format="rtf",
        title=facts.get("title"),
        author=facts.get("author"),
        last_author=facts.get("operator"),
        links=list(reader.links)[:MANY],
        features=list(reader.features)[:MANY],
        properties=[f"{name}={value}" for name, value in facts.items()],
    )
    yield from texts("document", ("".join(reader.text),))
    if file.size > LIMIT or reader.torn:
        yield Failure(
            message=f"document of {file.size} bytes",
            reason=f"over {LIMIT} bytes: read up to there" if file.size > LIMIT
            else "groups are nested too deeply: read up to there",
        )  # fmt: skip


class _Reader:
    """Where the text goes: `text`, a fact of the info group, a field's instruction, or nowhere."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.facts: dict[str, str] = {}
        self.links: dict[str, None] = {}
        self.features: dict[str, None] = {}
        self.torn = False
        self._codec = "cp1252"
        self._bytes = bytearray()
        self._goal = "text"
        self._after = 1
        self._swallow = 0
        self._stack: list[tuple[str, int]] = []
        self._field = ""

    def read(self, raw: bytes) -> None:
        at = 0
        while found := _TOKEN.match(raw, at):
            at = found.end()
            word, number, code, symbol, brace, text = found.groups()
            if code is not None:
                self._byte(int(code, 16))
            elif text is not None:
                self._plain(text)
            elif brace is not None:
                self._flush()
                if not self._brace(brace):
                    return
            elif symbol is not None:
                self._flush()
                self._symbol(symbol)
            elif word is not None:
                value = int(number) if number else None
                if word == b"bin":
                    at += max(0, value or 0)
                else:
                    self._flush()
                    self._word(word.decode("ascii"), value)
        self._flush()

    def _byte(self, value: int) -> None:
        if self._swallow:
            self._swallow -= 1
        elif self._goal != "none":
            self._bytes.append(value)

    def _plain(self, text: bytes) -> None:
        dropped = min(self._swallow, len(text))
        self._swallow -= dropped
        if self._goal != "none":
            self._bytes += text[dropped:]

    def _brace(self, brace: bytes) -> bool:
        if brace == b"{":
            if len(self._stack) >= _DEPTH:
                self.torn = True
                return False
            self._stack.append((self._goal, self._after))
            return True
        if self._goal == "field" and self._stack and self._stack[-1][0] != "field":
            self._end_field()
        if self._stack:
            self._goal, self._after = self._stack.pop()
        return True

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._goal = "none" if self._goal == "text" else self._goal
        elif symbol in {b"\\", b"{", b"}"}:
            self._put(symbol.decode())
        elif symbol in {b"~", b"_"}:
            self._put("\u00a0" if symbol == b"~" else "-")
        elif symbol in {b"\n", b"\r"}:
            self._put("\n")

    def _word(self, word: str, value: int | None) -> None:
        if word == "u" and value is not None:
            self._put(chr(value % 65536))
            self._swallow = self._after
        elif word == "uc":
            self._after = min(value or 0, 8)
        elif word == "ansicpg" and value is not None:
            self._codec = _codec(value)
        elif word in {"mac", "pc", "pca"}:
            self._codec = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
        elif word == "fldinst":
            self._goal, self._field = "field", ""
        elif word == "info":
            self._goal = "info"
        elif word in _FACTS and self._goal == "info":
            self._goal = f"fact {word}"
        elif word in _SKIPPED:
            self._goal = "none"
        elif word in {"object", "objemb", "objlink", "objautlink", "objupdate", "objocx"}:
            self.features[f"embedded object ({word})"] = None
        elif word in _BREAKS:
            self._put(_BREAKS[word])

    def _flush(self) -> None:
        if self._bytes:
            self._put(self._bytes.decode(self._codec, "backslashreplace"))
            self._bytes.clear()

    def _put(self, text: str) -> None:
        if self._goal == "text":
            # A character beyond the first 65,536 comes as two halves.
            half = self.text and "\ud800" <= self.text[-1][-1:] <= "\udbff"
            if half:
                joined = (self.text[-1] + text).encode("utf-16-le", "surrogatepass")
                self.text[-1] = joined.decode("utf-16-le", "replace")
            else:
                self.text.append(text)
        elif self._goal == "field":
            self._field = (self._field + text)[:4000]
        elif self._goal.startswith("fact "):
            name = self._goal[5:]
            self.facts[name] = clean((self.facts.get(name, "") + text)[:2000])

    def _end_field(self) -> None:
        if link := _LINK.search(self._field):
            self.links[clean(link[1])] = None
        elif told := _FIELD.search(self._field):
            self.features[f"field: {line(told[0])}"] = None
        self._field = ""


def _codec(page: int) -> str:
    try:
        return codecs.lookup(f"cp{page}").name
    except LookupError:
        return {10000: "mac_roman", 65001: "utf-8", 936: "gbk"}.get(page, "cp1252")
