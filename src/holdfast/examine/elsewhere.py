"""Where another machine gets an item's bytes: a link to this one object, good for reading, a while.

The machine is given no credentials and no vault's or case's key. Where objects are sealed it is
given the one item's own key. What it fetched has no name on its disk.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import tempfile
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from holdfast.core.digest import CHUNK
from holdfast.core.errors import InputError, IntegrityError, RemoteError
from holdfast.vault import copying

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json

TRIES = 3
_TIMEOUT = 60.0
_GOOD = 200


@dataclass(frozen=True)
class Elsewhere:
    """Where an item's bytes are, as another machine is told."""

    url: str = field(repr=False)
    """A link that gives the object, whole, to whoever has it; with an end."""
    object: str
    """SHA-256 of what it gives."""
    secret: str = field(default="", repr=False)
    """The item's own age identity, where the object is sealed; empty otherwise."""

    def to_json(self) -> Json:
        """Return it as it goes to the other machine."""
        return dict(asdict(self))

    @classmethod
    def from_json(cls, value: Json) -> Elsewhere:
        """Read what `to_json` wrote."""
        match value:
            case {"url": str(url), "object": str(name), "secret": str(secret)}:
                return cls(url, name, secret)
        raise InputError("a place elsewhere is told by its link, object and secret")


def fetch(place: Elsewhere, folder: Path) -> int:
    """Return a descriptor of the item's bytes, in a nameless file in `folder`.

    Raises:
        IntegrityError: the object is missing, is another, or does not open.
        RemoteError: whoever has it does not answer.
        OSError: there is no room.
    """
    for attempt in range(TRIES):
        stored = cast("BinaryIO", tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
        with stored:
            try:
                digest = _download(place.url, stored)
            except (
                TimeoutError,
                http.client.HTTPException,
                ConnectionError,
                ssl.SSLError,
            ) as error:
                if attempt + 1 == TRIES:
                    raise RemoteError(
                        f"the store does not give the object {place.object}: {type(error).__name__}"
                    ) from None
                time.sleep(2**attempt)
                continue
            if digest != place.object:
                raise IntegrityError(
                    f"the object {place.object} is not what its name says: it was altered after "
                    "it was stored"
                )
            stored.seek(0)
            return _clear(stored, place.secret, folder)
    raise AssertionError("unreachable")


def _clear(stored: BinaryIO, secret: str, folder: Path) -> int:
    if not secret:
        return os.dup(stored.fileno())
    with cast("BinaryIO", tempfile.TemporaryFile(dir=folder)) as clear:
        copying.unseal(stored, clear, secret)
        clear.seek(0)
        return os.dup(clear.fileno())


def _download(url: str, target: BinaryIO) -> str:
    """Write what `url` gives; return its SHA-256. No redirect is followed and no proxy asked."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    if parts.scheme not in {"http", "https"} or parts.hostname is None:
        raise InputError("a link to an object is one of http or https")
    connection: http.client.HTTPConnection
    if secure:
        trust = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=_TIMEOUT, context=trust
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_TIMEOUT)
    hasher = hashlib.sha256()
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = connection.getresponse()
        if answer.status in {404, 410}:
            raise IntegrityError("the object is missing from the store")
        if answer.status != _GOOD:
            raise http.client.HTTPException(f"status {answer.status}")
        while chunk := answer.read(CHUNK):
            hasher.update(chunk)
            target.write(chunk)
        target.flush()
    finally:
        connection.close()
    return hasher.hexdigest()
