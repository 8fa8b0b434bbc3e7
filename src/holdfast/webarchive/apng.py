"""Animated PNG (PNG Third Edition, section 4.9) from PNG pictures whose pixels nobody touches.

The compressed data of each picture becomes the data of a frame, byte for byte. Every browser
plays the result.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SLOWEST = 0xFFFF


class PngError(ValueError):
    """It is no PNG picture, or one of another kind."""


@dataclass(frozen=True)
class Picture:
    """A PNG picture, taken apart."""

    kind: bytes
    """All chunks before the data: pictures of one kind can be frames of one film."""
    width: int
    height: int
    data: bytes
    """Of its IDAT chunks."""


def read(png: bytes) -> Picture:
    """Take a picture apart.

    Raises:
        PngError: it can't be.
    """
    if not png.startswith(_SIGNATURE):
        raise PngError("no PNG signature")
    before: list[bytes] = []
    data: list[bytes] = []
    at = len(_SIGNATURE)
    while at + 12 <= len(png):
        size, name = struct.unpack_from(">I4s", png, at)
        body = png[at + 8 : at + 8 + size]
        if at + 12 + size > len(png):
            break
        if struct.unpack_from(">I", png, at + 8 + size)[0] != zlib.crc32(name + body):
            raise PngError(f"a wrong checksum of {name!r}")
        at += 12 + size
        if name == b"IEND":
            if not data or before[0][:4] != b"IHDR" or len(before[0]) != 17:
                break
            width, height = struct.unpack_from(">II", before[0], 4)
            return Picture(b"".join(map(_whole, before)), width, height, b"".join(data))
        if name == b"IDAT":
            data.append(body)
        elif not data:
            before.append(name + body)
    raise PngError("a picture without its end")


class Film:
    """Writes a film of so many frames of one kind, played once."""

    def __init__(self, out: BinaryIO, first: Picture, frames: int) -> None:
        self._out = out
        self._size = struct.pack(">II", first.width, first.height)
        self._sequence = 0
        self._begun = False
        head = 4 + 4 + 13 + 4  # IHDR is always first and always as long
        out.write(_SIGNATURE + first.kind[:head])
        out.write(_whole(b"acTL" + struct.pack(">II", frames, 1)))
        out.write(first.kind[head:])

    def add(self, data: bytes, milliseconds: int) -> None:
        """Add a frame that is shown for so long."""
        number, unit = milliseconds, 1000
        while number > _SLOWEST and unit > 1:
            number, unit = number // 10, unit // 10
        told = struct.pack(">IIHHBB", 0, 0, min(number, _SLOWEST), unit, 0, 0)
        self._out.write(_whole(b"fcTL" + self._next() + self._size + told))
        if self._begun:
            self._out.write(_whole(b"fdAT" + self._next() + data))
        else:
            self._out.write(_whole(b"IDAT" + data))
        self._begun = True

    def end(self) -> None:
        """Write the end."""
        self._out.write(_whole(b"IEND"))

    def _next(self) -> bytes:
        self._sequence += 1
        return struct.pack(">I", self._sequence - 1)


def shown(times: Sequence[int]) -> list[int]:
    """Return for how many milliseconds each frame is shown, from their times in microseconds.

    Rounded so that errors do not add up; the last one is shown for a second.
    """
    since = [round((one - times[0]) / 1000) for one in times]
    return [*(max(0, after - before) for before, after in pairwise(since)), 1000]


def _whole(chunk: bytes) -> bytes:
    return struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
