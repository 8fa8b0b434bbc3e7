"""HTTP/2 in one direction (RFC 9113): frames as they come, header blocks through HPACK.

The frames' bytes are the evidence and pass through untouched; what they mean is told as `Frame`s
whose header fields are in the order in which HPACK gives them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hpack import Decoder
from hpack.exceptions import HPACKError
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PushPromiseFrame,
    RstStreamFrame,
)
from hyperframe.frame import Frame as Parser

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADER = 9
_LARGEST = 1 << 20
"""Bytes of a frame; Chromium allows 16 KiB and never announces more."""
_BLOCK = 1 << 22
"""Bytes of a header block, all its frames together."""
_TABLE = 1 << 20
"""Bytes of a dynamic table: more than any setting seen, less than harm."""


class Http2Error(ValueError):
    """Not HTTP/2, or broken: nothing after it can be told apart."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One frame, and what it means."""

    raw: bytes
    """All its bytes, header included; the client's preface comes as a frame of stream 0."""
    stream: int = 0
    kind: str = ""
    """`headers`, `data`, `reset`, `goaway`, `push`, or empty for what carries no message."""
    fields: tuple[tuple[bytes, bytes], ...] = ()
    """Of a header block that is whole with this frame."""
    data: bytes = b""
    """DATA without its padding."""
    ends: bool = False
    """END_STREAM."""
    code: int = 0
    """Of a reset or a goaway."""


@dataclass
class Direction:
    """What one side sends."""

    client: bool
    _buffer: bytearray = field(default_factory=bytearray)
    _decoder: Decoder = field(default_factory=lambda: Decoder(_BLOCK))
    _block: bytearray | None = None
    _block_stream: int = 0
    _block_ends: bool = False
    _block_kind: str = ""

    def __post_init__(self) -> None:
        self._decoder.max_allowed_table_size = _TABLE
        self._preface = self.client

    @property
    def partial(self) -> bytes:
        """Bytes of a frame that is not whole."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take the next bytes and yield the frames that are whole with them.

        Raises:
            Http2Error: what can't be HTTP/2; the bytes stay in `partial`.
        """
        self._buffer += data
        if self._preface:
            if not PREFACE.startswith(bytes(self._buffer[: len(PREFACE)])):
                raise Http2Error("the connection preface is missing")
            if len(self._buffer) < len(PREFACE):
                return
            self._preface = False
            del self._buffer[: len(PREFACE)]
            yield Frame(raw=PREFACE)
        at = 0
        try:
            while len(self._buffer) - at >= _HEADER:
                length = int.from_bytes(self._buffer[at : at + 3], "big")
                if length > _LARGEST:
                    raise Http2Error(f"a frame of {length} bytes")
                if len(self._buffer) - at < _HEADER + length:
                    break
                raw = bytes(self._buffer[at : at + _HEADER + length])
                frame = self._read(raw)
                at += _HEADER + length
                yield frame
        finally:
            del self._buffer[:at]

    def _read(self, raw: bytes) -> Frame:
        if raw[3] == 0 and not raw[4] & 0x08 and self._block is None:  # DATA, no padding: the bulk
            stream = int.from_bytes(raw[5:9], "big") & 0x7FFFFFFF
            return Frame(
                raw=raw, stream=stream, kind="data", data=raw[_HEADER:], ends=bool(raw[4] & 1)
            )
        try:
            frame, _ = Parser.parse_frame_header(memoryview(raw)[:_HEADER])
            frame.parse_body(memoryview(raw)[_HEADER:])
            return self._meaning(raw, frame)
        except (HyperframeError, HPACKError, ValueError, IndexError) as error:
            raise Http2Error(f"{type(error).__name__}: {error}") from error

    def _meaning(self, raw: bytes, frame: Parser) -> Frame:
        stream, ends = frame.stream_id, "END_STREAM" in frame.flags
        if self._block is not None and not isinstance(frame, ContinuationFrame):
            raise Http2Error("a header block is interrupted by another frame")
        if isinstance(frame, DataFrame):
            return Frame(raw=raw, stream=stream, kind="data", data=bytes(frame.data), ends=ends)
        if isinstance(frame, RstStreamFrame):
            return Frame(raw=raw, stream=stream, kind="reset", code=frame.error_code)
        if isinstance(frame, GoAwayFrame):
            return Frame(raw=raw, kind="goaway", code=frame.error_code)
        if isinstance(frame, HeadersFrame):
            self._open("headers", stream, ends=ends)
        elif isinstance(frame, PushPromiseFrame):
            self._open("push", frame.promised_stream_id, ends=False)
        elif isinstance(frame, ContinuationFrame):
            if self._block is None or stream != self._block_stream:
                raise Http2Error("a CONTINUATION of nothing")
        else:
            return Frame(raw=raw)
        return self._block_frame(raw, bytes(frame.data), whole="END_HEADERS" in frame.flags)

    def _open(self, kind: str, stream: int, *, ends: bool) -> None:
        self._block = bytearray()
        self._block_kind, self._block_stream, self._block_ends = kind, stream, ends

    def _block_frame(self, raw: bytes, piece: bytes, *, whole: bool) -> Frame:
        block = self._block if self._block is not None else bytearray()
        block += piece
        if len(block) > _BLOCK:
            raise Http2Error(f"a header block of more than {_BLOCK} bytes")
        if not whole:
            return Frame(raw=raw, stream=self._block_stream)
        self._block = None
        decoded = self._decoder.decode(bytes(block), raw=True)
        fields = tuple((bytes(name), bytes(value)) for name, value in decoded)
        return Frame(
            raw=raw,
            stream=self._block_stream,
            kind=self._block_kind,
            fields=fields,
            ends=self._block_ends,
        )
