"""Pictures that a viewer's child drew, from the house's side: judged from outside, never decoded.

A child that evidence has taken over could write anything. So a picture goes on only if it is a PNG
of nothing but pixels: the signature, IHDR of the size it was said to have, PLTE, tRNS, IDAT, IEND.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core.digest import is_sha256_hex
from holdfast.core.errors import IntegrityError
from holdfast.examine.view import BLURRED, CLEAR

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json

LARGEST = 32 << 20
"""Bytes of one picture."""
_SIDE = 4096
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


@dataclass(frozen=True)
class Drawn:
    """A picture that may be shown."""

    path: Path
    sha256: str
    width: int
    height: int

    def as_json(self) -> dict[str, Json]:
        """Return what is said of it."""
        return {"height": self.height, "sha256": self.sha256, "width": self.width}


def drawn(folder: Path, name: str, told: Any) -> Drawn:
    """Return a picture that a child said it drew, once it is one.

    Raises:
        IntegrityError: it is not.
    """
    match told:
        case {"height": int(height), "sha256": str(digest), "width": int(width)} if name in {
            BLURRED,
            CLEAR,
        } and is_sha256_hex(digest):
            found = Drawn(folder / f"{name}.png", digest, width, height)
            check(found)
            return found
    raise IntegrityError("a viewer told of a picture that can't be one")


def check(picture: Drawn) -> bytes:
    """Return a picture's bytes.

    Raises:
        IntegrityError: they are not what was said, or no plain PNG.
    """
    try:
        data = _read(picture.path)
    except OSError:
        raise IntegrityError("a picture that a viewer told of is not there") from None
    if hashlib.sha256(data).hexdigest() != picture.sha256:
        raise IntegrityError("a picture is not what the viewer said it is")
    if not _is_plain(data, picture.width, picture.height):
        raise IntegrityError("a viewer wrote a picture that is no plain PNG")
    return data


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST:
            raise IntegrityError("a viewer wrote a picture that is too large")
        return stream.read(LARGEST)


def _is_plain(data: bytes, width: int, height: int) -> bool:
    if not data.startswith(_SIGNATURE) or not 0 < width <= _SIDE or not 0 < height <= _SIDE:
        return False
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    if data[8:16] != b"\0\0\0\x0dIHDR" or data[16:24] != size:
        return False
    at = 8
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name not in _CHUNKS:
            return False
        at += 12 + length
        if name == b"IEND":
            return at == len(data)
    return False
