"""Where an HTTP/1.1 message ends (RFC 9112), told from its bytes as they come, changing none.

A `Message` is fed what a socket carried and says how much of it was its own. It judges as a
browser does, not as the RFC would like: lines may end in a bare LF, and what is no HTTP at all is
still bytes that a server sent. It keeps only the head; bodies pass through.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import Enum

HEAD = 1 << 20
"""Bytes of a head at most; Chromium gives up at 256 KiB."""
_LINE = 1 << 16
"""Bytes of a chunk-size or trailer line at most."""
_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(rb"HTTP/([0-9]+)\.([0-9]+)[ \t]+([0-9]{3})", re.IGNORECASE)
_SLOP = 4
"""Chromium forgives this many bytes before 'HTTP'."""
_DIGITS = re.compile(rb"[0-9]{1,18}")
_HEX = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")


class State(Enum):
    """What the next byte belongs to."""

    HEAD = "head"
    SIZED = "body of a known length"
    CHUNK_SIZE = "a chunk's size"
    CHUNK = "a chunk"
    CHUNK_END = "a chunk's end"
    TRAILER = "a trailer"
    UNTIL_CLOSE = "body until the connection closes"
    DONE = "done"


@dataclass(frozen=True)
class Head:
    """A start line and fields, as sent."""

    start: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    """Name as sent, value without the space around it; a folded value joined by single spaces."""

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of all fields of this name (lower case), in order."""
        return [value for key, value in self.fields if key.lower() == name]

    def tokens(self, name: bytes) -> list[bytes]:
        """Return a list field's elements, lower case."""
        joined = b",".join(self.values(name))
        return [token.strip().lower() for token in joined.split(b",") if token.strip()]


def parse_head(head: bytes) -> Head:
    """Read a head, its blank line included or not. Never fails: a line without ':' is left out."""
    lines = head.replace(b"\r\n", b"\n").split(b"\n")
    fields: list[tuple[bytes, bytes]] = []
    for line in lines[1:]:
        if line[:1] in {b" ", b"\t"} and fields:  # RFC 9112, section 5.2: obs-fold
            name, value = fields[-1]
            fields[-1] = (name, value + b" " + line.strip())
            continue
        name, colon, value = line.partition(b":")
        if colon:
            fields.append((name.strip(), value.strip()))
    return Head(lines[0], tuple(fields))


@dataclass
class Message:
    """One message on its way; `feed` it, then ask."""

    request: bool
    method: str = "GET"
    """Of the request that a response answers: HEAD and CONNECT have no body."""
    state: State = State.HEAD
    length: int = 0
    """Bytes so far."""
    head_length: int = 0
    """Of them the head, blank line included; 0 while it is not whole, or where there is none."""
    head: Head | None = None
    status: int | None = None
    version: str = ""
    """`1.1`; empty where it is no HTTP."""
    chunked: bool = False
    upgrade: bool = False
    """A 101, or a CONNECT that succeeded: what follows is another protocol."""
    trailers: Head | None = None
    expected: int | None = None
    """Content-Length, where it decides."""
    payload: hashlib._Hash = field(default_factory=hashlib.sha256)
    """SHA-256 of the body without its chunks' framing (what a WARC calls the payload)."""
    fault: str = ""
    """What broke the framing, in words."""
    _kept: bytearray = field(default_factory=bytearray)
    _left: int = 0
    _trailing: tuple[bytes, ...] = ()

    @property
    def done(self) -> bool:
        """Say whether it is whole."""
        return self.state is State.DONE

    @property
    def interim(self) -> bool:
        """Say whether it is a 1xx that another response follows."""
        return self.status is not None and 100 <= self.status < 200 and not self.upgrade

    def feed(self, data: bytes, start: int = 0) -> int:
        """Take what is this message's from `data[start:]`; return the position after it."""
        at = start
        while at < len(data) and self.state is not State.DONE:
            if self.state is State.HEAD:
                at = self._feed_head(data, at)
            elif self.state in {State.SIZED, State.CHUNK}:
                at = self._feed_counted(data, at)
            elif self.state is State.UNTIL_CLOSE:
                self.payload.update(data[at:])
                at = len(data)
            else:
                at = self._feed_line(data, at)
        self.length += at - start
        return at

    def _feed_head(self, data: bytes, at: int) -> int:
        before = len(self._kept)
        self._kept += data[at:]
        if not self.request and self._no_http():
            return self._give_up("no HTTP status line", at)
        found = _END.search(self._kept, max(0, before - 2))
        if found is None:
            if len(self._kept) > HEAD:
                return self._give_up(f"a head of more than {HEAD} bytes", at)
            return len(data)
        self.head_length = found.end()
        self.head = parse_head(bytes(self._kept[: found.end()]))
        self._kept.clear()
        if self.request:
            self._judge_request(self.head)
        else:
            self._judge_response(self.head)
        return at + found.end() - before

    def _no_http(self) -> bool:
        """Say whether it is certain by now that this is no HTTP/1 response."""
        return not any(
            b"HTTP".startswith(bytes(self._kept[skipped : skipped + 4]).upper())
            for skipped in range(_SLOP + 1)
        )

    def _give_up(self, fault: str, at: int) -> int:
        """Take all that comes, framing or not: HTTP/0.9 (RFC 1945, section 6), or broken."""
        self._kept.clear()
        self.fault = self.fault or fault
        self.state = State.UNTIL_CLOSE
        return at

    def _judge_request(self, head: Head) -> None:
        self.method = head.start.partition(b" ")[0].decode("latin-1")
        self.version = head.start.rpartition(b"/")[2].decode("latin-1")
        self._body(head, otherwise=State.DONE)

    def _judge_response(self, head: Head) -> None:
        match = _STATUS.search(head.start[: _SLOP + 64])
        if match is None:
            self._give_up("no status code in the status line", 0)
            return
        self.version = f"{int(match[1])}.{int(match[2])}"
        self.status = int(match[3])
        if self.status == 101 or (self.method == "CONNECT" and 200 <= self.status < 300):
            self.upgrade = True
            self.state = State.DONE
        elif self.status < 200 or self.status in {204, 205, 304} or self.method == "HEAD":
            self.state = State.DONE
        else:
            self._body(head, otherwise=State.UNTIL_CLOSE)

    def _body(self, head: Head, otherwise: State) -> None:
        """Decide how the body is framed (RFC 9112, section 6.3)."""
        if self.version != "1.0" and b"chunked" in head.tokens(b"transfer-encoding"):
            self.chunked = True
            self.state = State.CHUNK_SIZE
            return
        lengths = [
            int(value) for value in head.values(b"content-length") if _DIGITS.fullmatch(value)
        ]
        if not lengths:
            self.state = otherwise
            return
        self.expected = self._left = lengths[0]
        self.state = State.SIZED if self._left else State.DONE

    def _feed_counted(self, data: bytes, at: int) -> int:
        taken = min(self._left, len(data) - at)
        self._left -= taken
        self.payload.update(data[at : at + taken])
        if not self._left:
            self.state = State.DONE if self.state is State.SIZED else State.CHUNK_END
        return at + taken

    def _feed_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        self._kept += data[at : end + 1 if end >= 0 else len(data)]
        if end < 0:
            if len(self._kept) > _LINE:
                return self._give_up(f"{self.state.value} of more than {_LINE} bytes", len(data))
            return len(data)
        line = bytes(self._kept).rstrip(b"\r\n")
        if self.state is State.CHUNK_SIZE:
            self._kept.clear()
            match = _HEX.fullmatch(line)
            if match is None:
                return self._give_up("a chunk size that is no number", end + 1)
            self._left = int(match[1], 16)
            self.state = State.CHUNK if self._left else State.TRAILER
        elif self.state is State.CHUNK_END:
            self._kept.clear()
            if line:
                return self._give_up("a chunk that is longer than its size", end + 1)
            self.state = State.CHUNK_SIZE
        else:
            self._feed_trailer(line)
        return end + 1

    def _feed_trailer(self, line: bytes) -> None:
        self._trailing = (*self._trailing, line) if line else self._trailing
        self._kept.clear()
        if line:
            return
        if self._trailing:
            self.trailers = parse_head(b"\r\n".join((b"", *self._trailing)))
        self.state = State.DONE
