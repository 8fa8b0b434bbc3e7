"""How the parts of a capture that are text are built: JSON, index lines, own addresses in them."""

from __future__ import annotations

import ipaddress
import json
import re
import zlib
from typing import Any

from holdfast.webarchive.redaction.source import RefusedError
from holdfast.webarchive.redaction.values import Span

_LOCAL = re.compile(rb'"local":\s*"([^"]+)"')
_LOCALS = re.compile(rb'"local":\s*\[([^\]]*)\]')
_STRING = re.compile(rb'"([^"]*)"')
_GZIP = 31


def facts_of(line: bytes) -> dict[str, Any]:
    """Return the JSON object of an index line.

    Raises:
        RefusedError: it has none.
    """
    try:
        found = json.loads(line[line.index(b" {") :])
    except (ValueError, RecursionError) as error:
        raise RefusedError("its index is damaged") from error
    if not isinstance(found, dict):
        raise RefusedError("its index is damaged")
    return found


def value_ranges(data: bytes, start: int = 0) -> list[tuple[int, int]]:
    """Return where JSON text has values, not the names of the members that formats define."""
    found = []
    for name in _NAME.finditer(data, start):
        found.append((start, name.start()))
        start = name.end()
    return [*found, (start, len(data))]


_NAME = re.compile(rb'"[a-z0-9_]{1,24}"\s*:')
PEER = re.compile(rb'"peer":\s*"([^"]+)"')


def local_addresses(data: bytes) -> list[Span]:
    """Return where this host's own addresses stand in a JSON part."""
    found = [Span(one.start(1), len(one[1]), "address") for one in _LOCAL.finditer(data)]
    for many in _LOCALS.finditer(data):
        found += [
            Span(many.start(1) + one.start(1), len(one[1]), "address")
            for one in _STRING.finditer(many[1])
        ]
    return found


def is_own(text: str) -> bool:
    """Say whether it is an address by which a host can be told from others."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def unpacked(data: bytes) -> bytes:
    """Return what gzip members hold, one after another.

    Raises:
        RefusedError: they are damaged.
    """
    out = bytearray()
    while data:
        inflater = zlib.decompressobj(_GZIP)
        try:
            out += inflater.decompress(data)
        except zlib.error as error:
            raise RefusedError("its index is damaged") from error
        if not inflater.eof:
            raise RefusedError("its index is damaged")
        data = inflater.unused_data
    return bytes(out)
