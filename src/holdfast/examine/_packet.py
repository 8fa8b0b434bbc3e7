"""From a frame to what IP carries: link layers, VLAN tags, IPv4, IPv6, and their fragments.

Sources: tcpdump.org's link types, IEEE 802.1Q, RFC 791, RFC 8200, RFC 9293, RFC 768. What lies
within other tunnels (GRE, IP in IP, ESP) stays a flow of that protocol.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.examine._pcap import Frame

TCP, UDP = 6, 17
PROTOCOLS = {
    1: "icmp", 2: "igmp", 4: "ipip", TCP: "tcp", UDP: "udp", 33: "dccp", 41: "ipv6", 47: "gre",
    50: "esp", 51: "ah", 58: "icmpv6", 89: "ospf", 103: "pim", 112: "vrrp", 132: "sctp",
}  # fmt: skip
_ETHERNET, _NULL, _LOOP, _SLL, _SLL2, _PPP = 1, 0, 108, 113, 276, 9
_RAW = {12, 14, 101}
_IPV4, _IPV6 = 0x0800, 0x86DD
_ONLY = {228: _IPV4, 229: _IPV6}
_TAGS = {0x8100, 0x88A8, 0x9100}
_PPPOE, _MPLS = 0x8864, 0x8847
_NAMES = {
    0x0806: "ARP", 0x8035: "RARP", 0x88CC: "LLDP", 0x888E: "EAPOL", 0x8863: "PPPoE discovery",
    0x88E5: "MACsec", 0x88F7: "PTP",
}  # fmt: skip
_FAMILIES = {2: _IPV4, 10: _IPV6, 24: _IPV6, 28: _IPV6, 30: _IPV6}
_PPP_KINDS = {0x0021: _IPV4, 0x0057: _IPV6}
_EXTENSIONS = {0, 43, 60, 135, 139, 140}
_FRAGMENT, _AUTHENTICATION = 44, 51
_LAYERS = 16
"""Tags before IP, and extension headers in it, at most."""
_DATAGRAMS = 1024
"""Datagrams of which fragments are kept at one time; each is at most 64 KiB."""
_U16 = struct.Struct(">H").unpack_from
_U32 = struct.Struct(">I").unpack_from


class UnsupportedError(Exception):
    """A frame of something that is not read; its text names the kind."""


class MalformedError(Exception):
    """A frame that ends too early or contradicts itself; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What one datagram carries."""

    source: bytes
    target: bytes
    protocol: int
    payload: bytes
    """From the transport's header on."""
    cut: bool
    """Bytes of it were not captured."""
    frames: int = 1
    """Frames that it came in: several where it was fragmented."""
    wire: int = 0
    """Bytes on the wire of frames before the last: of its other fragments."""


@dataclass
class _Datagram:
    pieces: dict[int, bytes] = field(default_factory=dict)
    size: int | None = None
    frames: int = 0
    wire: int = 0
    held: int = 0


@dataclass
class Fragments:
    """Puts fragments together, as many datagrams at a time as memory is meant to hold."""

    lost: int = 0
    """Frames of datagrams that never became whole."""
    overlaps: int = 0
    """Fragments that overlap others: the ones that came first count."""
    _open: OrderedDict[tuple[bytes, bytes, int, int], _Datagram] = field(
        default_factory=OrderedDict
    )

    def take(
        self, key: tuple[bytes, bytes, int, int], start: int, data: bytes, *, more: bool,
        frame: Frame,
    ) -> tuple[bytes, int, int] | None:  # fmt: skip
        """Take a fragment; return the whole datagram, its frames and the others' bytes."""
        one = self._open.get(key)
        if one is None:
            one = self._open[key] = _Datagram()
            if len(self._open) > _DATAGRAMS:
                _, old = self._open.popitem(last=False)
                self.lost += old.frames
        one.frames += 1
        end = start + len(data)
        if not more and one.size is None:
            one.size = end
        if end > 0xFFFF or any(
            start < at + len(piece) and at < end for at, piece in one.pieces.items()
        ):
            self.overlaps += 1
        elif data:
            one.pieces[start] = data
            one.held += len(data)
        if one.size is None or one.held < one.size or len(one.pieces) == 0:
            one.wire += frame.size
            return None
        del self._open[key]
        whole = b"".join(piece for _, piece in sorted(one.pieces.items()))
        return whole[: one.size], one.frames, one.wire

    def finish(self) -> None:
        """Count as lost what is still in parts."""
        self.lost += sum(one.frames for one in self._open.values())
        self._open.clear()


def packet(frame: Frame, fragments: Fragments) -> Packet | None:
    """Return what a frame carries; None where it is a fragment whose datagram is not whole yet.

    Raises:
        UnsupportedError: it is of a kind that is not read.
        MalformedError: it breaks off, or its lengths can't be.
    """
    data = frame.data
    try:
        kind, at = _network(frame.link, data)
        if kind == _IPV4:
            return _ipv4(data, at, frame, fragments)
        if kind == _IPV6:
            return _ipv6(data, at, frame, fragments)
    except (struct.error, IndexError):
        short = "was cut when it was captured" if len(data) < frame.size else "ends in a header"
        raise MalformedError(f"the packet {short}") from None
    raise UnsupportedError(_NAMES.get(kind, f"EtherType {kind:#06x}" if kind > 1500 else "802.3"))


def _network(link: int, data: bytes) -> tuple[int, int]:
    """Return the EtherType of what a frame carries, and where that begins."""
    if link == _ETHERNET:
        return _tags(_U16(data, 12)[0], data, 14)
    if link in _RAW:
        return _version(data, 0), 0
    if link in _ONLY:
        return _ONLY[link], 0
    if link in {_SLL, _SLL2}:
        place, end = (14, 16) if link == _SLL else (0, 20)
        return _tags(_U16(data, place)[0], data, end)
    if link in {_NULL, _LOOP}:
        family = _U32(data, 0)[0]
        if family > 0xFFFF:  # in the byte order of the machine that captured
            family = int.from_bytes(data[:4], "little")
        return _listed(_FAMILIES, family, "loopback family"), 4
    if link == _PPP:
        start = 2 if data[:2] == b"\xff\x03" else 0
        return _listed(_PPP_KINDS, _U16(data, start)[0], "PPP protocol"), start + 2
    raise UnsupportedError(f"link type {link}")


def _listed(known: dict[int, int], number: int, what: str) -> int:
    if number not in known:
        raise UnsupportedError(f"{what} {number:#06x}")
    return known[number]


def _tags(kind: int, data: bytes, at: int) -> tuple[int, int]:
    for _ in range(_LAYERS):
        if kind in _TAGS:
            kind, at = _U16(data, at + 2)[0], at + 4
        elif kind == _PPPOE:
            return _listed(_PPP_KINDS, _U16(data, at + 6)[0], "PPP protocol"), at + 8
        elif kind == _MPLS:
            while not data[at + 2] & 1:  # ends with the data at the latest
                at += 4
            return _version(data, at + 4), at + 4
        else:
            return kind, at
    raise MalformedError(f"more than {_LAYERS} tags before IP")


def _version(data: bytes, at: int) -> int:
    version = data[at] >> 4
    if version == 4:
        return _IPV4
    if version == 6:
        return _IPV6
    raise UnsupportedError(f"IP version {version}")


def _ipv4(data: bytes, at: int, frame: Frame, fragments: Fragments) -> Packet | None:
    first, total, number, flags, protocol = (
        data[at], _U16(data, at + 2)[0], _U16(data, at + 4)[0], _U16(data, at + 6)[0], data[at + 9],
    )  # fmt: skip
    header = (first & 15) * 4
    if first >> 4 != 4 or header < 20:
        raise MalformedError("no IPv4 header where one should be")
    source, target = data[at + 12 : at + 16], data[at + 16 : at + 20]
    if len(target) < 4:
        raise IndexError
    # A total length of 0 is what a card leaves that cuts packets itself.
    end = at + total if total else len(data)
    if end < at + header:
        raise MalformedError("an IPv4 length that is shorter than its header")
    payload, cut = data[at + header : end], end > len(data)
    if not flags & 0x3FFF:
        return Packet(source, target, protocol, payload, cut)
    if cut:
        raise MalformedError("a fragment was cut when it was captured")
    whole = fragments.take(
        (source, target, protocol, number), (flags & 0x1FFF) * 8, payload,
        more=bool(flags & 0x2000), frame=frame,
    )  # fmt: skip
    if whole is None:
        return None
    return Packet(source, target, protocol, whole[0], False, whole[1], whole[2])


def _ipv6(data: bytes, at: int, frame: Frame, fragments: Fragments) -> Packet | None:
    if data[at] >> 4 != 6:
        raise MalformedError("no IPv6 header where one should be")
    length, protocol = _U16(data, at + 4)[0], data[at + 6]
    source, target = data[at + 8 : at + 24], data[at + 24 : at + 40]
    if len(target) < 16:
        raise IndexError
    at += 40
    end = at + length if length else len(data)
    cut = end > len(data)
    for _ in range(_LAYERS):
        if protocol in _EXTENSIONS:
            protocol, at = data[at], at + 8 + data[at + 1] * 8
        elif protocol == _AUTHENTICATION:
            protocol, at = data[at], at + 8 + data[at + 1] * 4
        elif protocol == _FRAGMENT:
            inner, place, number = data[at], _U16(data, at + 2)[0], _U32(data, at + 4)[0]
            if cut:
                raise MalformedError("a fragment was cut when it was captured")
            whole = fragments.take(
                (source, target, inner, number), place & 0xFFF8, data[at + 8 : end],
                more=bool(place & 1), frame=frame,
            )  # fmt: skip
            if whole is None:
                return None
            return Packet(source, target, inner, whole[0], False, whole[1], whole[2])
        else:
            return Packet(source, target, protocol, data[at:end], cut)
    raise MalformedError(f"more than {_LAYERS} IPv6 extension headers")
