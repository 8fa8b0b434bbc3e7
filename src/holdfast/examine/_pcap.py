"""Files of captured packets, pcap and pcapng: frames as they were stored, one after another.

Sources: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Either byte order, microseconds or
nanoseconds, Kuznetzov's longer packet headers; of pcapng every section with its own interfaces,
their resolution and offset of time, and the older packet blocks. Lengths are believed as far as
`LONGEST` and the file go; where they can't be believed, the rest is not read, and that is said.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile

LONGEST = 1 << 18
"""Bytes of one captured packet at most: what libpcap's own snapshot length may be."""
LONGEST_BLOCK = 16 << 20
"""Bytes of one block of a pcapng file at most."""
MANY = 1000
"""Interfaces of one section that are kept."""
_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000, 16), b"\xa1\xb2\xc3\xd4": (">", 1000, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1, 16), b"\xa1\xb2\x3c\x4d": (">", 1, 16),
    b"\x34\xcd\xb2\xa1": ("<", 1000, 24), b"\xa1\xb2\xcd\x34": (">", 1000, 24),
}  # fmt: skip
"""Magic to byte order, nanoseconds of a tick, bytes of a packet's header."""
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, _STATISTICS, _PACKET, _SECRETS = (
    0x0A0D0D0A, 1, 2, 3, 5, 6, 10,
)  # fmt: skip
_NG = b"\x0a\x0d\x0d\x0a"
_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_SECOND = 10**9
_TEXTS = {2: "hardware", 3: "os", 4: "application"}
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Frame:
    """One packet as it was captured."""

    number: int
    """From 1, as every program for captures numbers them."""
    offset: int
    """Of `data` in the file."""
    time: int | None
    """Nanoseconds since 1970, UTC."""
    fine: bool
    """Whether the source is finer than microseconds."""
    link: int
    """The link type (tcpdump.org, LINKTYPE_)."""
    size: int
    """Bytes that it had on the wire."""
    data: bytes
    """As many of them as were captured."""


@dataclass(frozen=True, slots=True)
class Interface:
    """Where packets were captured (pcapng)."""

    link: int
    snaplen: int
    ticks: int
    """Of a second."""
    ahead: int
    """Seconds to be added to its times."""
    name: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """What of the file can't be read."""

    offset: int
    reason: str


@dataclass
class Capture:
    """One file on its way; what it says of itself is complete when its frames are read."""

    file: EvidenceFile
    format: str = ""
    links: list[int] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    """`hardware`, `os`, `application`: of the first section that says so."""
    dropped: int = 0
    """Packets that the capturing machine says it lost."""
    secrets: int = 0
    """Blocks of TLS keys, which are not used."""
    sections: int = 0
    troubles: list[Trouble] = field(default_factory=list)
    _interfaces: list[Interface] = field(default_factory=list)
    _order: str = "<"
    _number: int = 0

    def frames(self) -> Iterator[Frame]:
        """Yield each packet in the order of the file."""
        with self.file.open() as stream:
            known = _PCAP.get(self.file.head[:4])
            if known is not None:
                yield from self._classic(stream, *known)
            elif self.file.head[:4] == _NG:
                self.format = "pcapng"
                yield from self._blocks(stream)

    def _trouble(self, offset: int, reason: str) -> None:
        self.troubles.append(Trouble(offset, reason))

    # --- pcap ---

    def _classic(self, stream: BinaryIO, order: str, tick: int, header: int) -> Iterator[Frame]:
        self.format = "pcap, nanoseconds" if tick == 1 else "pcap"
        top = stream.read(24)
        if len(top) < 24:
            self._trouble(0, "the file ends in its own header")
            return
        link = struct.unpack(f"{order}I", top[20:24])[0] & 0xFFFF
        self.links.append(link)
        unpack = struct.Struct(f"{order}IIII").unpack_from
        at = 24
        while head := stream.read(header):
            if len(head) < header:
                self._trouble(at, "the file ends in the header of a packet")
                return
            seconds, part, stored, size = unpack(head)
            if stored > LONGEST:
                self._trouble(at, f"a packet of {stored} bytes: not read from here on")
                return
            data = stream.read(stored)
            if len(data) < stored:
                self._trouble(at, "the file ends in a packet")
                if not data:
                    return
            self._number += 1
            time = seconds * _SECOND + part * tick
            yield Frame(self._number, at + header, time, tick == 1, link, max(size, stored), data)
            at += header + stored

    # --- pcapng ---

    def _blocks(self, stream: BinaryIO) -> Iterator[Frame]:
        at = 0
        while head := stream.read(8):
            if len(head) < 8:
                self._trouble(at, "the file ends in the header of a block")
                return
            if head[:4] == _NG and not self._section(stream.read(4), at):
                return
            begun = 12 if head[:4] == _NG else 8
            kind, length = struct.unpack(f"{self._order}II", head)
            if length < begun + 4 or length > LONGEST_BLOCK:
                self._trouble(at, f"a block of {length} bytes: not read from here on")
                return
            length += -length % 4
            body = stream.read(length - begun)
            if len(body) < length - begun:
                self._trouble(at, "the file ends in a block")
            elif body[-4:] != struct.pack(f"{self._order}I", length):
                self._trouble(at, "a block's two lengths differ")
            frame = self._block(kind, body[: max(0, length - begun - 4)], at + begun)
            if frame is not None:
                yield frame
            at += length

    def _section(self, magic: bytes, at: int) -> bool:
        order = _ORDERS.get(magic)
        if order is None:
            self._trouble(at, "a section of unknown byte order: not read from here on")
            return False
        self._order, self._interfaces = order, []
        self.sections += 1
        return True

    def _block(self, kind: int, body: bytes, at: int) -> Frame | None:
        order = self._order
        try:
            if kind in {_PACKET, _OLD_PACKET}:
                first = "I" if kind == _PACKET else "Hxx"
                number, high, low, stored, size = struct.unpack_from(f"{order}{first}IIII", body)
                ticks = (high << 32) | low
                return self._frame(number, ticks, body[20:], stored, size=size, at=at + 20)
            if kind == _SIMPLE:
                (size,) = struct.unpack_from(f"{order}I", body)
                stored = min(size, len(body) - 4)
                if self._interfaces and self._interfaces[0].snaplen:
                    stored = min(stored, self._interfaces[0].snaplen)
                return self._frame(0, None, body[4:], stored, size=size, at=at + 4)
            self._told(kind, body)
        except struct.error:
            self._trouble(at, "a block that is too short for its kind")
        return None

    def _told(self, kind: int, body: bytes) -> None:
        """Take what a block says that holds no packet."""
        if kind == _INTERFACE:
            self._interface(body)
        elif kind == _SECTION:
            for code, value in self._options(body, 12):
                if code in _TEXTS:
                    self.said.setdefault(_TEXTS[code], _text(value))
        elif kind == _STATISTICS:
            for code, value in self._options(body, 12):
                if code == 5 and len(value) == 8:
                    self.dropped += struct.unpack(f"{self._order}Q", value)[0]
        elif kind == _SECRETS:
            self.secrets += 1

    def _frame(
        self, interface: int, ticks: int | None, data: bytes, stored: int, *, size: int, at: int
    ) -> Frame | None:
        if interface >= len(self._interfaces):
            self._trouble(at, f"a packet of an interface {interface} that was not described")
            return None
        one = self._interfaces[interface]
        if stored > len(data):
            self._trouble(at, "a packet that is longer than its block")
        data = data[:stored]
        time = None
        if ticks is not None:
            time = ticks * _SECOND // one.ticks + one.ahead * _SECOND
        self._number += 1
        fine = one.ticks > 1_000_000
        return Frame(self._number, at, time, fine, one.link, max(size, len(data)), data)

    def _interface(self, body: bytes) -> None:
        link, _, snaplen = struct.unpack_from(f"{self._order}HHI", body)
        ticks, ahead, name = 1_000_000, 0, ""
        for code, value in self._options(body, 8):
            if code == 2:
                name = _text(value)
            elif code == 9 and len(value) == 1:
                power = value[0] & 0x7F
                ticks = 1 << power if value[0] & 0x80 else 10 ** min(power, 40)
            elif code == 14 and len(value) == 8:
                (ahead,) = struct.unpack(f"{self._order}q", value)
        if len(self._interfaces) < MANY:
            self._interfaces.append(Interface(link, snaplen, ticks, ahead, name))
            if len(self.interfaces) < MANY and name and name not in self.interfaces:
                self.interfaces.append(name)
            if link not in self.links and len(self.links) < MANY:
                self.links.append(link)

    def _options(self, body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        while at + 4 <= len(body):
            code, length = struct.unpack_from(f"{self._order}HH", body, at)
            if code == 0:
                return
            yield code, body[at + 4 : at + 4 + length]
            at += 4 + length + -length % 4


def is_capture(head: bytes) -> bool:
    """Say whether a file that begins so is a capture: pcap or pcapng."""
    if head[:4] == _NG:
        return head[8:12] in _ORDERS
    known = _PCAP.get(head[:4])
    if known is None or len(head) < 24:
        return False
    major, minor = struct.unpack(f"{known[0]}HH", head[4:8])
    return bool(major == 2 and minor <= 4)


def _text(value: bytes) -> str:
    return " ".join(value.decode("utf-8", "backslashreplace").rstrip("\0").split())[:_SHOWN]
