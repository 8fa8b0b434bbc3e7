"""What a word says: the indicators in it, decoded, each judged by its own standard's rules."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

from holdfast.examine.finders import _names
from holdfast.examine.finders._patterns import EVERY, exact

_HASHES = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_ODD_DOT = re.compile(r"\[\.\]|\(\.\)|\[dot\]|\(dot\)", re.IGNORECASE)
_ODD_AT = re.compile(r"\[@\]|\(@\)|\[at\]|\(at\)", re.IGNORECASE)
_SCHEME_END = re.compile(r"(?::|\[:\])(?://|\\/\\/)|\[://\]")
_DOT = r"(?:\.|\[\.\]|\(\.\)|\[dot\]|\(dot\))"
_AUTHORITY = re.compile(
    r"(?:[a-z0-9._~!$&*+,;=%:-]{0,256}+@)?(?:(?P<v6>\[[0-9a-f:.]{2,45}\])|(?P<host>[a-z0-9_-]++(?:"
    + _DOT
    + r"[a-z0-9_-]++)*+\.?))(?::(?P<port>[0-9]{0,6}+))?(?=[/?#\\]|$)",
    re.IGNORECASE,
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_QUAD = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_GROUP = re.compile(r"[0-9a-f]{4}", re.IGNORECASE)
_COLONS = 7
_LOCAL_LIMIT = 64
_PORTS = 65536


class Found(NamedTuple):
    """One indicator: where it starts in its word, and how long it is there (bytes)."""

    start: int
    length: int
    type: str
    value: str
    valid: bool


@lru_cache(maxsize=32768)
def judged(word: bytes, numbers: frozenset[int]) -> tuple[Found, ...]:
    """Return the indicators of a short word; evidence repeats itself, so the answers are kept."""
    return judge(word, numbers)


def judge(word: bytes, numbers: frozenset[int] = EVERY) -> tuple[Found, ...]:
    """Return the indicators of `word` by their place; `numbers`: what the first pass saw in it."""
    out: list[Found] = []
    for match in exact(numbers).finditer(word):
        kind, value = str(match.lastgroup), match[0].decode("ascii")
        if kind == "domain":
            before = word[match.start() - 1 : match.start()].decode("ascii")
            _domain(out, match.start(), value, before)
        else:
            _JUDGES[kind](out, match.start(), value)
    return tuple(out)


def refanged(text: str) -> str:
    """Return `text` with the marks undone that keep an indicator from being clicked."""
    return _ODD_DOT.sub(".", text) if "[" in text or "(" in text else text


def _url(out: list[Found], start: int, value: str) -> None:
    mark = _SCHEME_END.search(value)
    after = mark.end() if mark else len(value)
    found = _AUTHORITY.match(value, after)
    host: Found | None = None
    if found is not None:
        part = "v6" if found["v6"] else "host"
        place, name = found.start(part), found[part]
        if part == "v6":
            place, name = place + 1, name[1:-1]
        host = _host(start + place, name.rstrip("."))
        port = found["port"]
    fits = found is not None and (not port or int(port) < _PORTS)
    local = found is not None and (found["host"] or "").lower() == "localhost"
    valid = fits and (local or (host is not None and host.valid))
    out.append(Found(start, len(value), "url", value, valid))
    if host is not None:
        out.append(host)


def _host(start: int, name: str) -> Found | None:
    plain = refanged(name)
    if ":" in name:
        return Found(start, len(name), "ipv6", name, _is_ipv6(name))
    if plain.replace(".", "").isdigit() and plain.count(".") == 3:
        return Found(start, len(name), "ipv4", name, _is_ipv4(plain))
    if "." not in plain or plain.rpartition(".")[2].lower() not in _names.listed():
        return None
    return Found(start, len(name), "domain", name, _names.is_domain(plain))


def _email(out: list[Found], start: int, value: str) -> None:
    plain = _ODD_AT.sub("@", refanged(value))
    local, _, domain = plain.rpartition("@")
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    valid = len(local) <= _LOCAL_LIMIT and not dots and _names.is_domain(domain)
    out.append(Found(start, len(value), "email", value, valid))


def _ipv4(out: list[Found], start: int, value: str) -> None:
    out.append(Found(start, len(value), "ipv4", value, _is_ipv4(refanged(value))))


def _ipv6(out: list[Found], start: int, value: str) -> None:
    # Clock times, MAC addresses, C++ scopes and Python slices look alike. Only what parses is an
    # address; and all that are in use have a group of four, but for the loopback. One without a
    # digit (`dead::beef`) is sooner code.
    known = _GROUP.search(value) or value == "::1" or value.count(":") == _COLONS
    if known and any(c.isdigit() for c in value) and _is_ipv6(value):
        out.append(Found(start, len(value), "ipv6", value, True))


def _hash(out: list[Found], start: int, value: str) -> None:
    out.append(Found(start, len(value), _HASHES[len(value)], value, len(set(value.lower())) > 1))


def _domain(out: list[Found], start: int, value: str, before: str) -> None:
    plain = refanged(value)
    if plain.rpartition(".")[2].lower() not in _names.listed():
        return
    meant = plain != value or _names.reads_as_name(plain, before)
    out.append(Found(start, len(value), "domain", value, meant and _names.is_domain(plain)))


def _is_ipv4(text: str) -> bool:
    return _QUAD.fullmatch(text) is not None


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


_JUDGES = {
    "url": _url, "email": _email, "ipv4": _ipv4, "ipv6": _ipv6, "hash": _hash,
}  # fmt: skip
