"""Turn a host's name into addresses, keeping the DNS packets as they came.

Hosts named by the operator come first, then this machine's hosts file, then its name servers,
asked directly (RFC 1035): the packet that was believed is evidence of where a page came from.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver

from holdfast.core import addresses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.addresses import Address

_WAIT = 3.0
"""Seconds that a name server has to answer; it is asked twice."""
_KINDS = (dns.rdatatype.A, dns.rdatatype.AAAA)


@dataclass
class Answer:
    """What a name came to."""

    by: str
    """`literal`, `map`, `hosts` or `dns`."""
    addresses: list[Address] = field(default_factory=list)
    packets: list[bytes] = field(default_factory=list)
    """DNS responses, as they came."""
    why: str = ""
    """Why there is no address."""


@dataclass(frozen=True)
class Resolver:
    """Resolves names for one capture."""

    named: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    """Addresses that the operator gave to names, lower-case."""
    hosts: Path = Path("/etc/hosts")
    servers: tuple[tuple[str, int], ...] | None = None
    """Name servers; None for those of this machine."""

    async def resolve(self, name: str) -> Answer:
        """Return what `name` comes to."""
        literal = addresses.parse(name)
        if literal is not None:
            return Answer("literal", [literal])
        host = name.lower().rstrip(".")
        if host in self.named:
            return Answer("map", list(self.named[host]))
        found = self._in_hosts(host)
        if found:
            return Answer("hosts", found)
        return await self._asked(host)

    def _in_hosts(self, host: str) -> list[Address]:
        try:
            lines = self.hosts.read_text("utf-8", "replace").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            address, *names = line.partition("#")[0].split() or [""]
            if host in (one.lower() for one in names):
                parsed = addresses.parse(address)
                if parsed is not None and parsed not in found:
                    found.append(parsed)
        return found

    async def _asked(self, host: str) -> Answer:
        servers = self.servers
        if servers is None:
            try:
                configured = dns.resolver.Resolver()
                servers = tuple((str(one), configured.port) for one in configured.nameservers)
            except (dns.exception.DNSException, OSError) as error:
                return Answer("dns", why=f"no name server is configured: {error}")
        both = await asyncio.gather(*(self._kind(host, kind, servers) for kind in _KINDS))
        answer = Answer("dns")
        for one in both:
            answer.packets += one.packets
            answer.addresses += one.addresses
        if not answer.addresses:
            whys = list(dict.fromkeys(one.why for one in both if one.why))
            answer.why = "; ".join(whys) or "the name has no address"
        return answer

    async def _kind(
        self, host: str, kind: dns.rdatatype.RdataType, servers: tuple[tuple[str, int], ...]
    ) -> Answer:
        answer = Answer("dns")
        try:
            query = dns.message.make_query(host, kind)
        except dns.exception.DNSException:
            answer.why = f"{host} can't be a name"
            return answer
        for server in servers * 2:
            try:
                packet = await _exchange(query.to_wire(), server)
                said = dns.message.from_wire(packet)
            except (OSError, TimeoutError, dns.exception.DNSException, EOFError) as error:
                answer.why = f"name server {server[0]}: {type(error).__name__}"
                continue
            if not query.is_response(said):
                answer.why = f"name server {server[0]} answered another question"
                continue
            answer.packets.append(packet)
            if said.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
                answer.why = f"name server {server[0]}: {dns.rcode.to_text(said.rcode())}"
                continue
            answer.why = "" if said.rcode() == dns.rcode.NOERROR else "there is no such name"
            answer.addresses = _found(said, kind)
            break
        return answer


def _found(said: dns.message.Message, kind: dns.rdatatype.RdataType) -> list[Address]:
    """Return the addresses at the end of the answer's chain of names."""
    if not isinstance(said, dns.message.QueryMessage):
        return []
    try:
        chain = said.resolve_chaining()
    except dns.exception.DNSException:
        return []
    if chain.answer is None or chain.answer.rdtype != kind:
        return []
    found = [addresses.parse(str(one)) for one in chain.answer]
    return [one for one in found if one is not None]


async def _exchange(query: bytes, server: tuple[str, int]) -> bytes:
    """Ask over UDP and, where the answer is truncated, over TCP.

    Raises:
        OSError, TimeoutError, EOFError: no answer.
    """
    async with asyncio.timeout(_WAIT):
        packet = await _datagram(query, server)
        flags = int.from_bytes(packet[2:4], "big")
        if not flags & dns.flags.TC:
            return packet
        reader, writer = await asyncio.open_connection(*server)
        try:
            writer.write(len(query).to_bytes(2, "big") + query)
            size = int.from_bytes(await reader.readexactly(2), "big")
            return await reader.readexactly(size)
        finally:
            writer.close()


async def _datagram(query: bytes, server: tuple[str, int]) -> bytes:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as port:
        port.setblocking(False)
        # Connected, so that the kernel drops what others send.
        await loop.sock_connect(port, server)
        await loop.sock_sendall(port, query)
        while True:
            packet = await loop.sock_recv(port, 65535)
            # Another answer than to this question, late or forged, is left unread.
            if packet[:2] == query[:2]:
                return packet


def parse_named(text: str) -> tuple[str, tuple[Address, ...]]:
    """Read `HOST=ADDRESS[,ADDRESS...]`.

    Raises:
        ValueError: it is none.
    """
    host, _, rest = text.partition("=")
    found = [addresses.parse(one.strip()) for one in rest.split(",")]
    if not host.strip() or None in found:
        raise ValueError(text)
    return host.strip().lower(), tuple(one for one in found if one is not None)
