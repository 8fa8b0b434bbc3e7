"""Sound and film: what the container says of itself. It is played elsewhere, by whoever looks.

Nothing is decoded here (docs/decisions/0129): a browser does it, in its own sandbox, from another
origin that may run nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.view import View

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.view import Wish

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RANK = 3

_STILL = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_BOXES = 10_000
_MAGIC = (
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (0, b"OggS", "audio/ogg"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
)


def match(file: EvidenceFile) -> bool:
    """Accept what starts as one of the containers of sound and film."""
    return bool(media_type(file.head))


def media_type(head: bytes) -> str:
    """Return the type under which it can be played; empty where it is none."""
    if head[4:8] == b"ftyp":
        return _of_brand(head[8:12])
    for at, magic, kind in _MAGIC:
        if head.startswith(magic, at):
            return _of_inside(kind, head)
    return ""


def _of_inside(kind: str, head: bytes) -> str:
    if kind == "video/x-matroska" and b"webm" in head[:64]:
        return "video/webm"
    if kind == "audio/ogg" and b"theora" in head[:128]:
        return "video/ogg"
    return kind


def _of_brand(brand: bytes) -> str:
    if brand in _STILL:
        return ""
    return "audio/mp4" if brand.startswith(b"M4A") else "video/mp4"


def render(file: EvidenceFile, _wish: Wish) -> View:
    """Tell the container's type and length, as far as its own headers say them."""
    kind = media_type(file.head)
    seconds = (
        _of_mp4(file) if kind.endswith("/mp4") else _of_wav(file) if kind == "audio/wav" else None
    )
    notes = ["Nothing of it is decoded here: it is played blurred first, from another origin."]
    if kind in {"video/x-matroska", "video/x-msvideo"}:
        notes.append("Browsers may not play this container.")
    content: dict[str, Json] = {"seconds": seconds, "size": file.size, "type": kind}
    return View(kind="media", content=content, notes=notes, pages=1)


def _seconds(file: EvidenceFile, kind: str) -> int | None:
    if kind.endswith("/mp4"):
        return _of_mp4(file)
    return _of_wav(file) if kind == "audio/wav" else None


def _of_wav(file: EvidenceFile) -> int | None:
    rate = int.from_bytes(file.head[28:32], "little")
    return max(0, file.size - 44) // rate if rate else None


def _of_mp4(file: EvidenceFile) -> int | None:
    """Return the movie header's duration in whole seconds: ISO 14496-12, 8.2.2."""
    with file.open() as stream:
        at, end = 0, file.size
        for _ in range(_BOXES):
            stream.seek(at)
            head = stream.read(16)
            if len(head) < 8 or at >= end:
                return None
            size, name = int.from_bytes(head[:4], "big"), head[4:8]
            wide = size == 1
            size = int.from_bytes(head[8:16], "big") if wide else size or file.size - at
            if name == b"moov":
                at += 16 if wide else 8
                continue
            if name == b"mvhd":
                stream.seek(at + 8)
                return _duration(stream.read(36))
            if size < 8:
                return None
            at += size
    return None


def _duration(body: bytes) -> int | None:
    if body[:1] == b"\1":
        scale, length = int.from_bytes(body[20:24], "big"), int.from_bytes(body[24:32], "big")
    else:
        scale, length = int.from_bytes(body[12:16], "big"), int.from_bytes(body[16:20], "big")
    return length // scale if scale and length < 1 << 50 else None
