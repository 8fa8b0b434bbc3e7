"""Undo the codings of an HTTP body, with libraries' decoders and a bound on what comes out.

`Content-Encoding` lists codings in the order in which they were applied (RFC 9110 section 8.4).
A body that is not coded as it says is given as it is: servers say `gzip` of plain text.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

import brotli
import zstandard

from holdfast.webarchive.message import Dechunker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LIMIT = 1 << 30
"""Bytes that one body may unfold to."""
CODINGS = 4
"""Codings that are undone one after the other; more is nobody's need but a bomb's."""
_STEP = 1 << 16


class DecodingError(ValueError):
    """A body breaks off, is damaged, or unfolds to more than is read."""


class _Decoder(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield, in pieces of bounded size, what `data` stands for."""

    def close(self) -> None:
        """Say that there is no more.

        Raises:
            DecodingError: the coding has not come to its end.
        """


class _Inflate:
    """gzip (its members one after another), or zlib, or deflate without zlib's frame."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inner = zlib.decompressobj(31 if gzip else 15)
        self._begun = self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not (self._ended and not self._gzip):
            if self._inner.eof:
                if data[:2] != b"\x1f\x8b":
                    return  # what follows the last member is padding
                self._inner = zlib.decompressobj(31)
            try:
                piece = self._inner.decompress(data, _STEP)
            except zlib.error as error:
                if self._gzip or self._begun:
                    raise DecodingError("the compressed body is damaged") from error
                # RFC 9110 8.4.1.2: some send deflate without zlib's frame.
                self._inner, self._begun = zlib.decompressobj(-15), True
                continue
            self._begun = True
            if piece:
                yield piece
            data = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            self._ended = self._inner.eof

    def close(self) -> None:
        if not self._inner.eof:
            raise DecodingError("the compressed body breaks off")


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            piece = self._inner.process(data, output_buffer_limit=_STEP)
            while piece:
                yield piece
                if self._inner.is_finished():
                    return
                piece = self._inner.process(b"", output_buffer_limit=_STEP)
        except brotli.error as error:
            raise DecodingError("the brotli body is damaged") from error

    def close(self) -> None:
        if not self._inner.is_finished():
            raise DecodingError("the brotli body breaks off")


class _Zstandard:
    """One frame after another; the window is bounded as RFC 9659 does for the web."""

    def __init__(self) -> None:
        self._fresh()
        self._given = False

    def _fresh(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        # Fed little by little: what one feeding unfolds to is not bounded by the library.
        for at in range(0, len(data), 128):
            rest = data[at : at + 128]
            while rest:
                if self._inner.eof:
                    self._fresh()
                try:
                    piece = self._inner.decompress(rest)
                except zstandard.ZstdError as error:
                    raise DecodingError("the zstd body is damaged") from error
                self._given = True
                if piece:
                    yield piece
                rest = self._inner.unused_data if self._inner.eof else b""

    def close(self) -> None:
        if self._given and not self._inner.eof:
            raise DecodingError("the zstd body breaks off")


class _Chunks:
    def __init__(self) -> None:
        self._inner = Dechunker()

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = self._inner.feed(data)
        if piece:
            yield piece
        if self._inner.broken:
            raise DecodingError("the chunks of the body are damaged")

    def close(self) -> None:
        if not self._inner.done:
            raise DecodingError("the chunks of the body break off")


_MAKERS: dict[str, Callable[[], _Decoder]] = {
    "br": _Brotli,
    "deflate": lambda: _Inflate(gzip=False),
    "gzip": lambda: _Inflate(gzip=True),
    "x-gzip": lambda: _Inflate(gzip=True),
    "zstd": _Zstandard,
}


def dechunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a body without its chunks."""
    return _through(_Chunks(), pieces)


def decoded(pieces: Iterable[bytes], codings: str) -> Iterator[bytes]:
    """Yield a body with the codings undone that `Content-Encoding` names.

    Raises:
        DecodingError: damaged or cut after its start, or over `LIMIT`; what came before is right.
    """
    names = [
        name for one in codings.split(",") if (name := one.strip().lower()) not in {"", "identity"}
    ]
    out: Iterable[bytes] = pieces
    for name in reversed(names[-CODINGS:]):
        if name not in _MAKERS:
            break  # shown as it came
        out = _or_plain(_MAKERS[name](), out)
    total = 0
    for piece in out:
        total += len(piece)
        if total > LIMIT:
            raise DecodingError(f"the body unfolds to over {LIMIT} bytes")
        yield piece


def _through(decoder: _Decoder, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from decoder.feed(piece)
    decoder.close()


def _or_plain(decoder: _Decoder, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decode, or pass on what is not coded at all."""
    source = iter(pieces)
    held: list[bytes] = []
    for piece in source:
        held.append(piece)
        try:
            first = next(iter_ := decoder.feed(piece), b"")
        except DecodingError:
            yield from held
            yield from source
            return
        if first:
            yield first
            yield from iter_
            yield from _through(decoder, source)
            return
        if len(held) > CODINGS:
            held.pop(0)
    if held:
        decoder.close()
