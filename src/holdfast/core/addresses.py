"""Which network addresses lie outside the public internet, however they are written down.

A page under investigation chooses the names and addresses that its reader's machine connects to
(server-side request forgery, DNS rebinding). What this module calls private is connected to only
where a case's scope names the address.
"""

from __future__ import annotations

import ipaddress
from typing import TypeAlias

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

_NAT64 = (
    ipaddress.IPv6Network("64:ff9b::/96"),  # RFC 6052
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # RFC 8215
)
_MORE = (
    ipaddress.ip_network("0.0.0.0/8"),
    ipaddress.ip_network("100.64.0.0/10"),  # shared by carriers, RFC 6598
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    ipaddress.ip_network("198.18.0.0/15"),
    ipaddress.ip_network("240.0.0.0/4"),
    ipaddress.ip_network("fec0::/10"),  # site-local, RFC 3879
    ipaddress.ip_network("::/96"),  # IPv4-compatible, RFC 4291 section 2.5.5.1
)


def parse(text: str) -> Address | None:
    """Return the address that `text` writes out; None where it is a name.

    Only the canonical ways of writing are known: no octal, no single number, no zone.
    """
    try:
        found = ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    return None if getattr(found, "scope_id", None) else found


def reached(address: Address) -> tuple[Address, ...]:
    """Return what the address stands for (mapped, tunnelled, translated IPv4), and itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    inner: list[Address] = []
    if address.ipv4_mapped is not None:
        inner.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner += address.teredo
    if any(address in network for network in _NAT64):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return (*inner, address)


def private(address: Address) -> str | None:
    """Return in a word why `address` is not of the public internet; None where it is."""
    for one in reached(address):
        for why, holds in (
            ("loopback", one.is_loopback),
            ("link-local", one.is_link_local),
            ("multicast", one.is_multicast),
            ("unspecified", one.is_unspecified),
            ("private", one.is_private),
            ("reserved", one.is_reserved or not one.is_global),
            # `in` is False between the versions.
            ("reserved", any(one in network for network in _MORE)),
        ):
            if holds:
                return why
    return None
