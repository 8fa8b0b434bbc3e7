"""Compressed bytes as streams that cost no more memory or room than they are allowed.

Every decoder is asked for a bounded piece at a time. What a container may unfold to is bounded by
its own size (`Budget`), since a decoder can be made to give a thousand or a million bytes for one.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from typing import TYPE_CHECKING, Any, cast

import zstandard

from holdfast.examine.record import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile

PIECE = 1 << 18
"""Bytes asked of a decoder at a time."""
ALWAYS = 1 << 30
"""Bytes that any container may unfold to."""
RATIO = 100
"""Times its own size that a container may unfold to beyond that."""
WINDOW = 512 << 20
"""Bytes of a dictionary or window at most; one that wants more is not read."""

_ZSTD_STEP = 2048  # a block of 4 bytes can give 128 KiB
_DECODER_ERRORS = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError)


class Budget:
    """What is left of the bytes that one container may unfold to."""

    def __init__(self, file: EvidenceFile) -> None:
        self._left = max(ALWAYS, RATIO * file.size)

    def take(self, size: int) -> None:
        """Count `size` bytes.

        Raises:
            UnreadableError: that is more than was left.
        """
        self._left -= size
        if self._left < 0:
            raise UnreadableError(f"unfolds to more than {ALWAYS} bytes and {RATIO} times its size")


class Pieces(io.RawIOBase):
    """A stream over an iterator of bytes; what the iterator raises, `read` raises."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = memoryview(piece)
        size = min(len(view), len(self._held))
        view[:size] = self._held[:size]
        self._held = self._held[size:]
        return size


def stream(pieces: Iterable[bytes], budget: Budget | None = None) -> BinaryIO:
    """Return `pieces` as a stream to be read once, within `budget`."""
    return cast("BinaryIO", Pieces(pieces if budget is None else _counted(pieces, budget)))


def unreadable(reason: str) -> BinaryIO:
    """Return a stream that can't be read, and says why."""

    class Reason(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            del buffer
            raise UnreadableError(reason)

    return cast("BinaryIO", Reason())


def _counted(pieces: Iterable[bytes], budget: Budget) -> Iterator[bytes]:
    for piece in pieces:
        budget.take(len(piece))
        yield piece


def span(file: EvidenceFile, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of `file` from `start` to `end`, or to its end."""
    with file.open() as source:
        source.seek(start)
        while start < end and (piece := source.read(min(PIECE, end - start))):
            start += len(piece)
            yield piece


def inflated(raw: Iterable[bytes], *, window: int = -15, follow: bool = False) -> Iterator[bytes]:
    """Undo deflate (`window` as zlib has it: -15 bare, 31 with gzip's frame).

    Raises:
        UnreadableError: as `unpacked` does.
    """
    return unpacked(raw, lambda: _Inflater(window), follow=follow)


class _Inflater:
    """zlib's decoder with the manners of those of `bz2` and `lzma`."""

    def __init__(self, window: int) -> None:
        self._decoder = zlib.decompressobj(window)
        self._more = False

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._more

    def decompress(self, data: bytes, size: int) -> bytes:
        out = self._decoder.decompress(self._decoder.unconsumed_tail + data, size)
        self._more = bool(self._decoder.unconsumed_tail) or len(out) == size
        return out


class _Zstd:
    """zstandard's decoder with the same manners; it is fed little, since it gives all it can."""

    def __init__(self) -> None:
        self._decoder = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()
        self._held = b""

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data + self._held

    @property
    def needs_input(self) -> bool:
        return not self._held

    def decompress(self, data: bytes, size: int) -> bytes:
        del size
        held = self._held + data if self._held else data
        self._held = held[_ZSTD_STEP:]
        return self._decoder.decompress(held[:_ZSTD_STEP])


def unpacked(
    raw: Iterable[bytes], new: Callable[[], Any], *, follow: bool = False, marked: bool = True
) -> Iterator[bytes]:
    """Undo what `new()` decodes.

    With `follow`, further streams after the first belong to it, and zeros are padding. `marked`:
    the stream says where it ends.

    Raises:
        UnreadableError: it is damaged, ends before its end, or is followed by something else.
    """
    decoder, first, fed = _asked(new), True, False
    for data in raw:
        piece = data
        while True:
            if decoder.eof:
                if not follow:
                    return
                piece = decoder.unused_data + piece
                decoder, first, fed = _asked(new), False, False
            if not first and not fed:
                piece = piece.lstrip(b"\0")
            if not piece and decoder.needs_input:
                break
            try:
                out = decoder.decompress(piece, PIECE)
            except _DECODER_ERRORS as error:
                follows = not first and not fed
                raise UnreadableError(
                    "other data follows the compressed data"
                    if follows
                    else "compressed data is damaged"
                ) from error
            except MemoryError as error:
                raise UnreadableError("decoding wants more memory than a worker has") from error
            fed, piece = True, b""
            if out:
                yield out
    if marked and not decoder.eof and (first or fed):
        raise UnreadableError("compressed data ends before its end")


def bunzipped(raw: Iterable[bytes], *, follow: bool = False) -> Iterator[bytes]:
    """Undo bzip2."""
    return unpacked(raw, bz2.BZ2Decompressor, follow=follow)


def unxzipped(raw: Iterable[bytes], *, follow: bool = False) -> Iterator[bytes]:
    """Undo xz, or the older .lzma; the decoder's memory is bounded."""
    return unpacked(
        raw, lambda: lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=WINDOW * 2), follow=follow
    )


def unlzmaed(
    raw: Iterable[bytes], filters: list[dict[str, Any]], size: int | None
) -> Iterator[bytes]:
    """Undo LZMA without a container, given its filters and (where there is no end mark) size."""
    if any(int(one.get("dict_size", 0)) > WINDOW for one in filters):
        raise UnreadableError(f"wants a dictionary of more than {WINDOW} bytes")
    left = size
    pieces = unpacked(
        raw,
        lambda: lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters),
        marked=size is None,
    )
    for piece in pieces:
        if left is None:
            yield piece
            continue
        yield piece[:left]
        left -= min(left, len(piece))
        if left == 0:
            return
    if left:
        raise UnreadableError("compressed data ends before its end")


def unzstd(raw: Iterable[bytes]) -> Iterator[bytes]:
    """Undo Zstandard, all frames of it (RFC 8878)."""
    return unpacked(raw, _Zstd, follow=True)


def _asked(decode: Callable[[], Any]) -> Any:
    try:
        return decode()
    except _DECODER_ERRORS as error:
        raise UnreadableError("compressed data is damaged") from error
    except MemoryError as error:
        raise UnreadableError("decoding wants more memory than a worker has") from error
