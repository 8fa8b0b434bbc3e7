r"""Plain text that no other parser takes: notes, scripts, configuration, unknown logs.

The text is cut at line ends into chunks of up to 64 KiB, so that search has something to cite.
UTF-8, UTF-16 (also without its mark, where it is Latin), Windows-1252; where most letters are not
Latin, one of the Cyrillic, Greek, Arabic, Hebrew, Chinese, Japanese or Korean sets, as
charset-normalizer judges. What the encoding can't read is shown as `\xNN`, the chunk `damaged`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.parsers._sniff import is_known_text, text_encoding
from holdfast.examine.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

CHUNK = 1 << 16
"""Bytes of one chunk at most; a longer line is cut between two characters."""
_SHOWN = 200
_MAX_TAIL = 3  # bytes of a UTF-8 character after its first


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDocument(Record):
    """A chunk of text; `row` is the number of its first line, from 1."""

    KIND: ClassVar[str] = "text.document"

    encoding: str | None = None
    text: str | None = None
    damaged: bool = False


VERSION = 2
DECODERS: tuple[str, ...] = ("charset-normalizer", "python")
RECORDS: tuple[type[Record], ...] = (TextDocument,)


def match(file: EvidenceFile) -> bool:
    """Accept text that no other parser takes."""
    head = file.head
    return not is_known_text(head) and text_encoding(head) is not None


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield the text in chunks, in order, leaving nothing out."""
    encoding = text_encoding(file.head)
    if encoding is None:
        return
    line, offset, held = 1, 0, b""
    with file.open() as stream:
        while True:
            held += stream.read(CHUNK - len(held))
            if not held:
                return
            size = len(held) if offset + len(held) >= file.size else _cut(held, encoding)
            raw, held = held[:size], held[size:]
            text, damaged = _decoded(raw, encoding)
            yield TextDocument(
                message=_first_line(text),
                offset=offset,
                length=size,
                row=line,
                encoding=encoding,
                text=text,
                damaged=damaged,
            )
            line += text.count("\n")
            offset += size


def _cut(data: bytes, encoding: str) -> int:
    """Return how much of `data` to take: up to its last line end, or else its last character."""
    if encoding.startswith("utf-16"):
        newline = "\n".encode(encoding)
        at = data.rfind(newline)
        while at >= 0 and at % 2:
            at = data.rfind(newline, 0, at + 1)
        if at >= 0:
            return at + 2
        end = len(data) & ~1
        high = data[end - 1] if encoding == "utf-16-le" else data[end - 2]
        return end - 2 if high & 0xFC == 0xD8 and end > 2 else end  # don't part a surrogate pair
    at = data.rfind(b"\n")
    if at >= 0:
        return at + 1
    end = len(data)
    if encoding == "utf-8":
        for back in range(1, min(_MAX_TAIL, end - 1) + 1):
            if data[-back] & 0xC0 == 0xC0:  # a first byte: its character may go on
                return end - back
            if data[-back] < 0x80:
                break
    return end


def _decoded(raw: bytes, encoding: str) -> tuple[str, bool]:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode(encoding, "backslashreplace")
        return text.removeprefix("\ufeff"), True
    return text.removeprefix("\ufeff"), "\0" in text


def _first_line(text: str) -> str:
    for line in text[:CHUNK].splitlines():
        if stripped := line.strip():
            return stripped[:_SHOWN]
    return ""
