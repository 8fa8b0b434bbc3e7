"""An HTTP message as a record stores it: its first lines, its body, and the body without chunks.

This reads one message whose end is known (the block's), as tolerantly as it can; splitting a
connection's bytes into messages is another matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

HEAD_LIMIT = 1 << 20
_STATUS = re.compile(r"(HTTP/[0-9.]{1,8})[ \t]+([0-9]{3})(?:[ \t]|$)")
_REQUEST = re.compile(r"(\S{1,64})[ \t]+(\S{1,65536})[ \t]+(HTTP/[0-9.]{1,8})\s*")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")
_LINE = 1 << 12


@dataclass(frozen=True)
class Head:
    """The first lines of a message: names in lower case, values as Latin-1."""

    first: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    size: int = 0
    """Bytes up to the body."""

    def get(self, name: str) -> str | None:
        """Return the first value of a field, by its name in lower case."""
        return next((value for key, value in self.fields if key == name), None)

    @property
    def chunked(self) -> bool:
        """Say whether the last transfer coding is `chunked` (RFC 9112 section 6.1)."""
        codings = ",".join(value for key, value in self.fields if key == "transfer-encoding")
        return codings.rpartition(",")[2].strip().lower() == "chunked"

    def status(self) -> tuple[str, int] | None:
        """Return protocol and status of a response; None where the first line is none."""
        found = _STATUS.match(self.first)
        return (found[1], int(found[2])) if found else None

    def request(self) -> tuple[str, str, str] | None:
        """Return method, target and protocol of a request; None where the first line is none."""
        found = _REQUEST.fullmatch(self.first)
        return (found[1], found[2], found[3]) if found else None


class HeadReader:
    """Takes a message's bytes until its first lines are together."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Take `data`; return what of it, or of what was held, belongs to the body."""
        if self.head is not None:
            return data
        start = max(0, len(self._held) - 3)
        self._held += data
        end = _blank_line(self._held, start)
        if end < 0 and len(self._held) <= HEAD_LIMIT:
            return b""
        return self._split(end)

    def finish(self) -> None:
        """Say that there is no more: all of a message without a blank line is head."""
        if self.head is None:
            self._split(-1)

    def _split(self, end: int) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        end = len(held) if end < 0 else end
        self.head = read_head(held[:end])
        return held[end:]


def _blank_line(held: bytearray, start: int) -> int:
    """Return where the body begins; -1 while no blank line is there."""
    wide, narrow = held.find(b"\r\n\r\n", start), held.find(b"\n\n", start)
    if wide >= 0 and (narrow < 0 or wide < narrow):
        return wide + 4
    return narrow + 2 if narrow >= 0 else -1


def read_head(raw: bytes) -> Head:
    """Read a message's first lines; folded ones are joined, lines without a colon passed over."""
    lines = raw.decode("latin-1").replace("\r\n", "\n").split("\n")
    fields: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in {" ", "\t"} and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            fields.append((name.strip().lower(), value.strip()))
    return Head(lines[0], fields, len(raw))


class Dechunker:
    """Undoes `chunked` (RFC 9112 section 7.1); what is not chunked as it should be goes through.

    `broken` says so: from there on, nothing more comes out.
    """

    def __init__(self) -> None:
        self.broken = False
        self.done = False
        self._held = b""
        self._left = 0
        self._after = False

    def feed(self, data: bytes) -> bytes:
        """Take some of the body as sent; return what it stands for."""
        out: list[bytes] = []
        data = self._held + data if self._held else data
        at = 0
        while at < len(data) and not (self.broken or self.done):
            if self._left:
                piece = data[at : at + self._left]
                out.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._after = not self._left
                continue
            step = self._frame(data, at)
            if step == 0:
                break
            at += step
        self._held = b"" if self.broken or self.done else data[at:]
        return b"".join(out)

    def _frame(self, data: bytes, at: int) -> int:
        """Take a line end after a chunk, or a chunk's size; 0 where more is needed."""
        if self._after:
            if data[at : at + 2] == b"\r":
                return 0
            self._after = False
            step = 2 if data[at : at + 2] == b"\r\n" else int(data[at : at + 1] == b"\n")
            self.broken = not step
            return step or 1
        found = _SIZE.match(data, at, at + _LINE)
        if found is None:
            self.broken = b"\n" in data[at : at + _LINE] or len(data) - at >= _LINE
            return 0
        self._left = int(found[1], 16)
        self.done = not self._left  # a trailer may follow, which is no part of the body
        return found.end() - at
