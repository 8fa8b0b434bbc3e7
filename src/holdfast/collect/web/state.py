"""A signed-in browser's state, as Playwright's `storageState` writes it.

{"cookies": [{"name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite"}],
 "origins": [{"origin", "localStorage": [{"name", "value"}], "indexedDB": [...]}]}

Cookies and local storage are used; databases are not, and the item says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json

_KINDS = {"name": str, "value": str, "domain": str, "path": str}
_SAME_SITE = {"Strict", "Lax", "None"}


@dataclass(frozen=True)
class Stored:
    """What a site keeps in the browser's local storage."""

    origin: str
    """`https://host` or `https://host:port`."""
    values: tuple[tuple[str, str], ...]
    """Names with their values, which are secret."""

    @property
    def names(self) -> list[str]:
        """Return the names."""
        return [name for name, _ in self.values]


@dataclass(frozen=True)
class State:
    """What a signed-in capture starts with."""

    source: Path
    sha256: str
    cookies: tuple[dict[str, Any], ...]
    """As `Storage.setCookies` takes them."""
    stored: tuple[Stored, ...]
    unused: int
    """Origins with databases, which are not loaded."""
    facts: dict[str, Json]
    """The account, who approved it: goes into capture.json."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the hosts that the cookies are for; a leading dot means those below, too."""
        return tuple(sorted({str(one["domain"]) for one in self.cookies}))

    def names(self) -> dict[str, Json]:
        """Return what capture.json says of it: names and places, no value."""
        return {
            **self.facts,
            "cookies": [{"domain": one["domain"], "name": one["name"]} for one in self.cookies],
            "local_storage": [{"names": [*one.names], "origin": one.origin} for one in self.stored],
            "sha256": self.sha256,
        }


def read(path: Path, facts: dict[str, Json]) -> State:
    """Read a state file.

    Raises:
        InputError: it can't be read, or is none.
    """
    try:
        data = path.read_bytes()
        said = orjson.loads(data)
        cookies = tuple(_cookie(one) for one in said["cookies"])
        origins = said.get("origins", [])
        stored = tuple(_stored(one) for one in origins if one.get("localStorage"))
        unused = sum(bool(one.get("indexedDB")) for one in origins)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}", "name another") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{path} is no storage state", "give what Playwright's storageState wrote"
        ) from None
    return State(path, sha256_hex(data), cookies, stored, unused, facts)


def _stored(said: dict[str, Any]) -> Stored:
    parts = urlsplit(said["origin"])
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError(origin)
    if said["origin"] not in {origin, f"{origin}/"}:
        raise ValueError(origin)
    values = tuple((one["name"], one["value"]) for one in said["localStorage"])
    if not all(isinstance(one, str) for pair in values for one in pair):
        raise TypeError(origin)
    return Stored(origin, values)


def _cookie(said: dict[str, Any]) -> dict[str, Any]:
    for name, kind in _KINDS.items():
        if not isinstance(said[name], kind):
            raise TypeError(name)
    cookie: dict[str, Any] = {name: said[name] for name in _KINDS}
    cookie["httpOnly"], cookie["secure"] = bool(said.get("httpOnly")), bool(said.get("secure"))
    if said.get("sameSite") in _SAME_SITE:
        cookie["sameSite"] = said["sameSite"]
    expires = said.get("expires", -1)
    if isinstance(expires, (int, float)) and expires > 0:
        cookie["expires"] = expires
    return cookie
