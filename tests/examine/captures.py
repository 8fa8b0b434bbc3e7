"""Captures made by code: packets of conversations that never took place, in either format."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import ip_address

CLIENT, SERVER = "192.0.2.10", "198.51.100.80"
START = 1_769_846_472_000_000_000
"""2026-01-31T08:01:12Z in nanoseconds."""
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def ethernet(payload: bytes, kind: int = 0x0800, tags: tuple[int, ...] = ()) -> bytes:
    head = bytes.fromhex("020000000002020000000001")
    for tag in tags:
        head += struct.pack(">HH", 0x8100, tag)
    return head + struct.pack(">H", kind) + payload


def ipv4(
    payload: bytes, protocol: int, source: str = CLIENT, target: str = SERVER, *,
    number: int = 1, fragment: int = 0, more: bool = False,
) -> bytes:  # fmt: skip
    flags = (0x2000 if more else 0) | fragment // 8
    return (
        struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), number, flags, 64, protocol, 0)
        + ip_address(source).packed + ip_address(target).packed + payload
    )  # fmt: skip


def ipv6(payload: bytes, protocol: int, source: str, target: str) -> bytes:
    return (
        struct.pack(">IHBB", 0x60000000, len(payload), protocol, 64)
        + ip_address(source).packed + ip_address(target).packed + payload
    )  # fmt: skip


def udp(payload: bytes, sport: int = 50_000, dport: int = 53) -> bytes:
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def tcp(
    payload: bytes,
    sport: int,
    dport: int,
    sequence: int,
    *,
    acknowledged: int = 0,
    flags: int = ACK,
) -> bytes:
    return (
        struct.pack(
            ">HHIIBBHHH", sport, dport, sequence % 2**32, acknowledged % 2**32, 0x50, flags, 65535,
            0, 0,
        )
        + payload
    )  # fmt: skip


@dataclass
class Connection:
    """A TCP connection that writes its own packets; what it says may be sent in any order."""

    dport: int = 80
    sport: int = 50_000
    client: str = CLIENT
    server: str = SERVER
    sequences: list[int] = field(default_factory=lambda: [2**32 - 20, 7000])
    """Of the client's and the server's next bytes; the client's wraps around soon."""

    def packet(self, way: int, payload: bytes, flags: int = ACK, *, at: int | None = None) -> bytes:
        source, target = (self.client, self.server)[:: 1 if way == 0 else -1]
        sport, dport = (self.sport, self.dport)[:: 1 if way == 0 else -1]
        sequence = self.sequences[way] if at is None else at
        if at is None:
            self.sequences[way] += len(payload) + bool(flags & (SYN | FIN))
        segment = tcp(
            payload, sport, dport, sequence, acknowledged=self.sequences[1 - way], flags=flags
        )
        return ethernet(ipv4(segment, 6, source, target))

    def opened(self) -> list[bytes]:
        return [self.packet(0, b"", SYN), self.packet(1, b"", SYN | ACK), self.packet(0, b"")]

    def said(self, way: int, payload: bytes, size: int = 500) -> list[bytes]:
        pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
        return [self.packet(way, piece, ACK | PSH) for piece in pieces]

    def closed(self) -> list[bytes]:
        return [
            self.packet(1, b"", FIN | ACK), self.packet(0, b"", FIN | ACK), self.packet(1, b""),
        ]  # fmt: skip


def pcap(
    frames: list[bytes], *, link: int = 1, order: str = "<", nanos: bool = False,
    snaplen: int = 262_144, step: int = 1_000_001,
) -> bytes:  # fmt: skip
    """Return a capture of frames that are `step` nanoseconds apart."""
    magic = 0xA1B23C4D if nanos else 0xA1B2C3D4
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snaplen, link)]
    for number, frame in enumerate(frames):
        seconds, part = divmod(START + number * step, 10**9)
        stored = frame[:snaplen]
        parts.append(
            struct.pack(f"{order}IIII", seconds, part if nanos else part // 1000, len(stored),
                        len(frame)) + stored
        )  # fmt: skip
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + size + body + size


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", options: bytes = b"") -> bytes:
    return block(
        0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order
    )  # fmt: skip


def interface(link: int = 1, resolution: int = 9, order: str = "<", name: bytes = b"eth0") -> bytes:
    options = option(2, name, order) + option(9, bytes([resolution]), order) + bytes(4)
    return block(1, struct.pack(f"{order}HHI", link, 0, 262_144) + options, order)


def enhanced(frame: bytes, ticks: int, number: int = 0, order: str = "<") -> bytes:
    head = struct.pack(
        f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)
    )
    return block(6, head + frame, order)


def name(text: str) -> bytes:
    """Return a domain name as DNS writes it."""
    parts = [bytes([len(part)]) + part.encode() for part in text.split(".") if part]
    return b"".join(parts) + b"\0"


def question(text: str, kind: int = 1, number: int = 0x1234) -> bytes:
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + name(text) + struct.pack(
        ">HH", kind, 1
    )  # fmt: skip


def answer(text: str, address: str, number: int = 0x1234) -> bytes:
    head = struct.pack(">HHHHHH", number, 0x8180, 1, 1, 0, 0)
    asked = name(text) + struct.pack(">HH", 1, 1)
    return (
        head + asked + b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + ip_address(address).packed
    )


def vector(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


def extension(kind: int, data: bytes) -> bytes:
    return struct.pack(">H", kind) + vector(data, 2)


def record(kind: int, data: bytes) -> bytes:
    return bytes([kind, 3, 3]) + vector(data, 2)


def client_hello(host: str, *, modern: bool = True) -> bytes:
    """Return a client's hello in its record; GREASE goes first, as browsers send it."""
    ciphers = b"\x0a\x0a" + bytes.fromhex("130113021303c02bc02f")
    extensions = (
        extension(0x1A1A, b"")
        + extension(0, vector(b"\0" + vector(host.encode(), 2), 2))
        + extension(10, vector(bytes.fromhex("2a2a001d0017"), 2))
        + extension(11, vector(b"\0", 1))
        + extension(13, vector(bytes.fromhex("04030804"), 2))
        + extension(16, vector(vector(b"h2", 1) + vector(b"http/1.1", 1), 2))
        + (extension(43, vector(bytes.fromhex("3a3a03040303"), 1)) if modern else b"")
    )
    body = b"\x03\x03" + bytes(32) + vector(b"", 1) + vector(ciphers, 2) + b"\x01\0"
    message = b"\x01" + vector(body + vector(extensions, 2), 3)
    return record(22, message)


def server_hello(certificates: tuple[bytes, ...] = ()) -> bytes:
    """Return a server's hello of TLS 1.2, with its certificates in the same record."""
    extensions = extension(16, vector(vector(b"h2", 1), 2))
    body = b"\x03\x03" + bytes(32) + vector(b"", 1) + b"\xc0\x2f\0" + vector(extensions, 2)
    messages = b"\x02" + vector(body, 3)
    if certificates:
        chain = b"".join(vector(one, 3) for one in certificates)
        messages += b"\x0b" + vector(vector(chain, 3), 3)
    return record(22, messages)
