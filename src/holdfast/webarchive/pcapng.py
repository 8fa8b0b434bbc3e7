"""Packet captures as pcapng (draft-ietf-opsawg-pcapng): written, given their keys, read again.

Little-endian, one section, network layer packets (LINKTYPE_RAW), nanoseconds. The keys of TLS are
a Decryption Secrets Block (section 4.7), which must stand before what it decrypts: so it is put
in when a capture is over, right after the section's header.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

RAW = 101
"""LINKTYPE_RAW: a packet begins with its IP header."""
_SECTION, _INTERFACE, _SECRETS, _PACKET = 0x0A0D0D0A, 1, 10, 6
_MAGIC = 0x1A2B3C4D
_TLS_KEYS = 0x544C534B
_END, _COMMENT, _NAME, _RESOLUTION, _APPLICATION = 0, 1, 2, 9, 4
_LARGEST = 1 << 20
"""Bytes of a packet's block; of other kinds a reader takes as many and passes over the rest."""
_CHUNK = 1 << 20


class PcapngError(ValueError):
    """It is none, or broken: nothing after it can be told apart."""


@dataclass(frozen=True)
class Packet:
    """One packet, from its IP header on."""

    time: int
    """Nanoseconds since 1970."""
    data: bytes
    length: int
    """As it was on the wire."""


class Writer:
    """Writes one section."""

    def __init__(self, out: BinaryIO, application: str, comment: str) -> None:
        self._out = out
        self._interfaces: dict[str, int] = {}
        options = _option(_COMMENT, comment.encode()) + _option(_APPLICATION, application.encode())
        body = struct.pack("<IHHq", _MAGIC, 1, 0, -1) + options + _option(_END, b"")
        out.write(_block(_SECTION, body))

    def packet(self, interface: str, time: int, data: bytes | memoryview, length: int) -> None:
        """Write a packet that passed `interface`."""
        number = self._interfaces.get(interface)
        if number is None:
            number = self._interfaces[interface] = len(self._interfaces)
            options = _option(_NAME, interface.encode()) + _option(_RESOLUTION, b"\x09")
            body = struct.pack("<HHI", RAW, 0, 0) + options + _option(_END, b"")
            self._out.write(_block(_INTERFACE, body))
        head = struct.pack("<IIIII", number, time >> 32, time & 0xFFFFFFFF, len(data), length)
        self._out.write(_block(_PACKET, head + data))


def with_keys(plain: BinaryIO, keys: bytes, out: BinaryIO) -> None:
    """Write a capture again, with a TLS key log (NSS's format) in it.

    Raises:
        PcapngError: it has no section header.
    """
    kind, size = struct.unpack("<II", _exactly(plain, 8))
    if kind != _SECTION or not 28 <= size <= _LARGEST:
        raise PcapngError("no section header")
    out.write(struct.pack("<II", kind, size) + _exactly(plain, size - 8))
    out.write(_block(_SECRETS, struct.pack("<II", _TLS_KEYS, len(keys)) + keys))
    while chunk := plain.read(_CHUNK):
        out.write(chunk)


def packets(source: BinaryIO) -> Iterator[Packet]:
    """Yield the packets of a capture that `Writer` wrote.

    Raises:
        PcapngError: it is none; a capture that was cut off ends there without one.
    """
    first = True
    while head := source.read(8):
        if len(head) < 8:
            return
        kind, size = struct.unpack("<II", head)
        if first and kind != _SECTION:
            raise PcapngError("no section header")
        first = False
        if size < 12 or size % 4 or size > _LARGEST:
            raise PcapngError(f"a block of {size} bytes")
        body = source.read(size - 8)
        if len(body) < size - 8:
            return
        if kind == _PACKET:
            if size < 32:
                raise PcapngError("a packet without its header")
            _, high, low, captured, length = struct.unpack_from("<IIIII", body)
            if captured > size - 32:
                raise PcapngError("a packet that is longer than its block")
            yield Packet(high << 32 | low, body[20 : 20 + captured], length)


def _exactly(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) != size:
        raise PcapngError("it ends within a block")
    return data


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
