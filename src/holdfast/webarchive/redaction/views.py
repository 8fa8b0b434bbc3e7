"""What can't be redacted byte by byte: does it hold a secret at all, and so must stay here?"""

from __future__ import annotations

import re
import zlib
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.webarchive.redaction.finding import Finder
    from holdfast.webarchive.redaction.values import Values

_STREAM = re.compile(rb"\bstream\r?\n")
_MOST = 64 << 20
_MASKED, _PACKED, _LONG, _LONGER = 0x80, 0x40, 126, 127


def is_clear(data: bytes, kind: bytes, finder: Finder, *, shown: bool) -> bool:
    """Say whether a picture, a PDF or an MHTML holds no secret that can be found."""
    if kind.startswith((b"image/", b"application/pdf", b"video/")) and shown:
        return False
    texts = [data]
    if kind.startswith(b"application/pdf"):
        texts += _inflated(data)
    if kind.startswith((b"multipart/", b"message/")):
        texts += _parts(data)
    # Of an unpacked text, parameters and passwords of URLs count as well.
    return not any(finder.values.within(text) for text in texts) and not any(
        finder.text(text) for text in texts[1:]
    )


def _inflated(data: bytes) -> list[bytes]:
    found, view = [], memoryview(data)
    for mark in _STREAM.finditer(data):
        try:
            found.append(zlib.decompressobj().decompress(view[mark.end() :], _MOST))
        except zlib.error:
            continue  # it is no packed stream
    return found


def _parts(data: bytes) -> list[bytes]:
    found = []
    for part in message_from_bytes(data, policy=policy.compat32).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            found.append(payload)
        found.append(str(part.get("Content-Location", "")).encode("utf-8", "replace"))
    return found


def tunnel_is_clear(data: bytes, values: Values) -> bool:
    """Say whether a WebSocket's direction is understood to its last byte, and holds no secret."""
    at, message = 0, bytearray()
    while at < len(data):
        head = data[at : at + 14]
        if len(head) < 2 or head[0] & _PACKED:
            return False
        size, at = head[1] & 0x7F, at + 2
        if size >= _LONG:
            width = 8 if size == _LONGER else 2
            size, at = int.from_bytes(data[at : at + width]), at + width
        mask = b""
        if head[1] & _MASKED:
            mask, at = data[at : at + 4], at + 4
        payload = data[at : at + size]
        at += size
        if at > len(data) or (head[1] & _MASKED and len(mask) < 4):
            return False
        if mask:
            long = (mask * (size // 4 + 1))[:size]
            payload = (int.from_bytes(payload) ^ int.from_bytes(long)).to_bytes(size)
        message += payload
    return not values.within(bytes(message)) and not values.within(data)
