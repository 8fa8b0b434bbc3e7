"""Files that were transferred: how the parser of captures and the opener name the same ones."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from holdfast.webarchive.http1 import State

if TYPE_CHECKING:
    from holdfast.examine._http import Half
    from holdfast.examine._talk import Exchanged, Handshake

OPEN = frozenset({State.HEAD, State.SIZED, State.CHUNK_SIZE, State.CHUNK, State.CHUNK_END,
                  State.TRAILER})  # fmt: skip
"""States of a message that is not complete; one that the connection's end closes is."""
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]")
_NAME_LIMIT = 120


def body_path(found: Exchanged, half: Half | None, *, sent: bool) -> str | None:
    """Return where in the item a body lies: flow, exchange, way, and a name from the URL."""
    if half is None or half.body_length <= 0:
        return None
    way = "sent" if sent else "received"
    return f"{found.flow.number:06d}/{found.exchange.number}-{way}/{name(found)}"


def name(found: Exchanged) -> str:
    """Return the last part of what was asked for, which is a hint and nothing more."""
    asked = found.exchange.request
    head = asked.message.head if asked is not None else None
    target = (head.start.split(b" ")[1:2] or [b""])[0] if head is not None else b""
    path = target.decode("utf-8", "backslashreplace").partition("?")[0].partition("#")[0]
    last = unquote(path.rpartition("/")[2], errors="backslashreplace")
    found_name = _UNSAFE.sub("_", last)[-_NAME_LIMIT:].strip()
    return found_name if found_name.strip(".") else "body"


def certificate_path(found: Handshake, number: int) -> str:
    """Return where in the item a certificate lies, the server's own being number 1."""
    return f"{found.flow.number:06d}/tls-{found.number}/certificate-{number}.der"


def digest(certificate: bytes) -> str:
    """Return a certificate's fingerprint."""
    return hashlib.sha256(certificate).hexdigest()
