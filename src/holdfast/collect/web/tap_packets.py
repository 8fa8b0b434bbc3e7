"""The second witness writes down the packets of a capture's connections, and nobody else's.

Where the kernel lets us (CAP_NET_RAW), real packets are taken from it by a socket whose filter
lets pass only the ports that our relay is about to connect from. Elsewhere the relay hands over
what it copies, still encrypted, and TCP is put around it: such a capture says so in itself.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import select
import socket
import struct
import threading
from typing import TYPE_CHECKING

from holdfast.collect.web.tap import APPLICATION, PACKETS
from holdfast.webarchive.pcapng import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.collect.web.tap import Relayed

_ATTACH, _BUFFER_FORCE, _TIMESTAMPS = 26, 33, 35
"""SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS (asm-generic/socket.h)."""
_SOL_PACKET, _STATISTICS = 263, 6
_ALL, _OUTGOING, _LOOPBACK = 3, 4, 772
"""ETH_P_ALL, PACKET_OUTGOING, ARPHRD_LOOPBACK."""
_BUFFER = 32 << 20
_PORTS = 1000
"""Ports that fit into one filter (BPF_MAXINSNS is 4096)."""
_PACKET = 1 << 18
_SHORTEST = 40
"""Bytes of IP and TCP headers."""


class PacketTap:
    """Real packets, from the kernel."""

    kind = PACKETS

    def __init__(self, out: Path) -> None:
        """Begin.

        Raises:
            OSError: the kernel does not let us.
        """
        # On all interfaces at once; what came before the filter stands belongs to no connection
        # that is expected, and is not written down.
        self._ports: set[int] = set()
        self._ends: set[tuple[bytes, bytes]] = set()
        """The server's address and both ports, as they stand in a packet, for both directions."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
        try:
            self._filter([])
            self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, _BUFFER_FORCE, _BUFFER)
            except OSError:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.setblocking(False)
            self._file = out.open("xb")
        except BaseException:
            self._socket.close()
            raise
        comment = "packets as the kernel had them, from their IP header on"
        self._writer = Writer(self._file, APPLICATION, comment)
        self._packets = self._unwatched = 0
        self._failed: OSError | None = OSError("it ended before its time")
        self._over, self._tell = os.pipe()
        self._thread = threading.Thread(target=self._run, name="tap", daemon=True)
        self._thread.start()

    def expect(self, port: int, peer: str, peer_port: int) -> None:
        """Let the packets of one more connection pass."""
        if len(self._ports) >= _PORTS and port not in self._ports:
            self._unwatched += 1
            return
        address = ipaddress.ip_address(peer).packed
        self._ends.add((address, struct.pack(">HH", port, peer_port)))
        self._ends.add((address, struct.pack(">HH", peer_port, port)))
        self._ports.add(port)
        self._filter(sorted(self._ports))

    def connected(self, line: Relayed) -> None:
        """Pass: the packets say it."""

    def passed(self, line: Relayed, data: bytes, *, up: bool) -> None:
        """Pass: the packets say it."""

    def closed(self, line: Relayed) -> None:
        """Pass: what still comes belongs to it."""

    def stop(self) -> dict[str, int]:
        """Write what the kernel still holds, and close.

        Raises:
            OSError: the disk refused.
        """
        os.close(self._tell)
        self._thread.join()
        os.close(self._over)
        counted = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8)
        self._socket.close()
        self._file.close()
        if self._failed is not None:
            raise self._failed
        dropped = struct.unpack("II", counted)[1]
        return {"dropped": dropped, "packets": self._packets, "unwatched": self._unwatched}

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        poller.register(self._over, select.POLLIN | select.POLLHUP)
        buffer = bytearray(_PACKET)
        try:
            while True:
                over = any(fd == self._over for fd, _ in poller.poll())
                while self._take(buffer):
                    pass
                if over:
                    self._failed = None
                    return
        except OSError as error:
            self._failed = error

    def _take(self, buffer: bytearray) -> bool:
        """Take one packet; say whether there was one."""
        try:
            size, ancillary, _, where = self._socket.recvmsg_into([buffer], 64, socket.MSG_TRUNC)
        except BlockingIOError:
            return False
        interface, _, direction, hardware, _ = where
        if hardware == _LOOPBACK and direction == _OUTGOING:
            return True  # it comes in again
        data = bytes(memoryview(buffer)[: min(size, _PACKET)])
        if not self._belongs(data):
            return True  # another connection, by the same port
        seconds, nanoseconds = _time(ancillary)
        self._writer.packet(interface, seconds * 1_000_000_000 + nanoseconds, data, size)
        self._packets += 1
        return True

    def _belongs(self, packet: bytes) -> bool:
        """Say whether both ends are those of a connection that is expected; nothing is decoded."""
        if len(packet) < _SHORTEST:
            return False
        if packet[0] >> 4 == 6:
            source, target, at = packet[8:24], packet[24:40], 40
        else:
            source, target, at = packet[12:16], packet[16:20], (packet[0] & 15) * 4
        ports = packet[at : at + 4]
        return (source, ports) in self._ends or (target, ports) in self._ends

    def _filter(self, ports: list[int]) -> None:
        code = _program(ports)
        memory = ctypes.create_string_buffer(code, len(code))
        program = struct.pack("HP", len(code) // 8, ctypes.addressof(memory))
        self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH, program)


def _time(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, int]:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _TIMESTAMPS:
            return struct.unpack("qq", data[:16])
    return 0, 0


def _program(ports: list[int]) -> bytes:
    """Return a filter (linux/filter.h) that lets TCP from and to these ports of ours pass."""

    def op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    load_byte, load_half, load_word = 0x30, 0x28, 0x20
    load_at, length_of_ip, index, jump, equal, any_bit = 0x48, 0xB1, 0x01, 0x05, 0x15, 0x45
    ignore, accept = op(0x06, 0), op(0x06, 0xFFFFFFFF)
    protocol = 0xFFFFF000  # SKF_AD_OFF + SKF_AD_PROTOCOL
    ipv4 = op(load_byte, 9) + op(equal, 6, 1, 0) + ignore
    ipv4 += op(load_half, 6) + op(any_bit, 0x1FFF, 0, 1) + ignore + op(length_of_ip, 0)
    ipv6 = op(load_byte, 6) + op(equal, 6, 1, 0) + ignore + op(index, 40)
    ipv4 += op(jump, len(ipv6) // 8)
    code = op(load_word, protocol)
    code += op(equal, 0x0800, 2, 0) + op(equal, 0x86DD, 2, 0) + ignore
    code += op(jump, 1) + op(jump, len(ipv4) // 8) + ipv4 + ipv6
    for offset in (0, 2):
        code += op(load_at, offset)
        for port in ports:
            code += op(equal, port, 0, 1) + accept
    return code + ignore
