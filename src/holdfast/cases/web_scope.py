"""What of the web a case's authority covers: decided here on plain values, without I/O.

A scope names the web by entries such as

    example.org                  this host, on any port
    *.example.org                every host below it, and not itself
    domain:example.org           the host and every host below it
    https://example.org/shop/    what begins so: scheme, host, port and path
    192.0.2.7  2001:db8::/32     an address or a network, with or without :port

Only an entry that writes out an address lets a private one (loopback, link-local ...) be reached:
names are given addresses by others.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote, urlsplit

from holdfast.core.errors import DeniedError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Place:
    """A URL that may be captured, taken apart."""

    scheme: str
    host: str
    """Lower-case, in ASCII; without brackets."""
    port: int
    path: str
    """Normal: without `.`, `..` and percent-encoding."""

    @classmethod
    def parse(cls, url: str) -> Place:
        """Take a URL apart.

        Raises:
            InputError: not http or https, or malformed.
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port
            host = _ascii(parts.hostname or "")
        except (ValueError, UnicodeError):
            parts, port, host = urlsplit(""), None, ""
        good = parts.scheme in _PORTS and host and (_HOST.fullmatch(host) or _network(host))
        if not good or any(ord(c) <= 32 or c == "\\" for c in url.strip()):
            raise InputError(
                f"{url[:200]!r} is no address of a web page", "give http://… or https://…"
            )
        if parts.username is not None or parts.password is not None:
            raise InputError("an address with a name or password in it would stand in the log")
        path = posixpath.normpath(unquote(parts.path) or "/").replace("//", "/")
        if parts.path.endswith("/") and not path.endswith("/"):
            path += "/"
        return cls(parts.scheme, host.rstrip("."), port or _PORTS[parts.scheme], path)


@dataclass(frozen=True)
class _Entry:
    """One entry of a scope; None stands for anything."""

    scheme: str | None = None
    host: str | None = None
    below: bool = False
    """Hosts below `host` are covered."""
    itself: bool = True
    network: Network | None = None
    port: int | None = None
    path: str = "/"

    def covers(self, place: Place) -> bool:
        if self.scheme not in {None, place.scheme} or self.port not in {None, place.port}:
            return False
        folder = self.path if self.path.endswith("/") else f"{self.path}/"
        if not (place.path == self.path or place.path.startswith(folder)):
            return False
        if self.network is not None:
            literal = _network(place.host)
            return literal is not None and _within(literal, self.network)
        if self.itself and place.host == self.host:
            return True
        return self.below and place.host.endswith(f".{self.host}")


@dataclass(frozen=True)
class WebScope:
    """The web entries of a case's scope."""

    case: str
    entries: tuple[_Entry, ...]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, case: str, scope: Iterable[str]) -> WebScope:
        """Read what a scope says of the web; entries on other things are left out."""
        found = [(one, _entry(one)) for one in scope]
        kept = [(text, entry) for text, entry in found if entry is not None]
        return cls(case, tuple(entry for _, entry in kept), tuple(text for text, _ in kept))

    def covers(self, url: str) -> bool:
        """Say whether a URL may be captured as a page."""
        try:
            place = Place.parse(url)
        except InputError:
            return False
        return any(entry.covers(place) for entry in self.entries)

    def check(self, url: str) -> None:
        """Raise unless `url` may be captured.

        Raises:
            InputError: it is no address of a web page.
            DeniedError: outside the scope, or the scope names nothing of the web.
        """
        Place.parse(url)
        if not self.entries:
            raise DeniedError(
                f"the scope of case {self.case} names nothing of the web, so {url} is outside it",
                "open a case whose scope names the site: --scope example.org",
            )
        if not self.covers(url):
            raise DeniedError(
                f"{url} is outside the scope of case {self.case} ({', '.join(self.texts)})",
                "capture what the authority covers, or have the authority widened",
            )

    def names_address(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
    ) -> bool:
        """Say whether an entry writes out this very address, or a network that holds it."""
        one = ipaddress.ip_network(address)
        return any(
            entry.network is not None and entry.port in {None, port} and _within(one, entry.network)
            for entry in self.entries
        )


def _entry(text: str) -> _Entry | None:
    """Return a scope's entry where it is one on the web."""
    if "://" in text:
        try:
            place = Place.parse(text)
        except InputError:
            return None
        network = _network(place.host)
        host = None if network else place.host
        return _Entry(place.scheme, host, network=network, port=place.port, path=place.path)
    itself, below, name = True, False, text
    if text.startswith("domain:"):
        below, name = True, text.removeprefix("domain:")
    elif text.startswith("*."):
        itself, below, name = False, True, text.removeprefix("*.")
    bare, port = _split_port(name)
    network = _network(bare)
    if network is not None:
        return None if below else _Entry(network=network, port=port)
    try:
        host = _ascii(bare)
    except UnicodeError:
        return None
    # One word without a dot is a name for something else (an account, a device).
    if not _HOST.fullmatch(host) or ("." not in host and host != "localhost" and port is None):
        return None
    return _Entry(host=host.rstrip("."), below=below, itself=itself, port=port)


def _split_port(text: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and 0 < int(port) < 65536 and ("[" in host or ":" not in host):
        return host, int(port)
    return text, None


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text.removeprefix("[").removesuffix("]"), strict=False)
    except ValueError:
        return None


def _within(one: Network, other: Network) -> bool:
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return one.subnet_of(other)
    if isinstance(one, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return one.subnet_of(other)
    return False


def _ascii(host: str) -> str:
    """Return a host's name as the network has it: IDNA for names in other scripts."""
    lower = host.lower()
    return lower if lower.isascii() else lower.encode("idna").decode("ascii")
