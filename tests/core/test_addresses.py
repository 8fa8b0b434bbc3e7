"""What a page may not make its reader's machine connect to, however it is written."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.addresses import parse, private


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.31.0.1", "private"),
        ("192.168.1.1", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("fc00::1", "private"),
        ("100.64.0.1", "reserved"),
        ("0.0.0.0", "unspecified"),  # noqa: S104 - nothing is bound
        ("0.1.2.3", "private"),
        ("::", "unspecified"),
        ("224.0.0.251", "multicast"),
        ("ff02::fb", "multicast"),
        ("255.255.255.255", "private"),
        ("240.0.0.1", "private"),
        ("198.18.0.1", "private"),
        # IPv4 inside IPv6: mapped, 6to4, NAT64, Teredo, compatible
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a00:1::1", "private"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::10.0.0.1", "private"),
        ("64:ff9b:1::10.0.0.1", "private"),
        ("::7f00:1", "reserved"),
    ],
)
def test_what_is_not_of_the_public_internet_is_told(text: str, why: str) -> None:
    address = parse(text)
    assert address is not None
    assert private(address) is not None
    if why not in {"private", "reserved"}:
        assert private(address) == why


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
)
def test_public_addresses_are_let_through(text: str) -> None:
    address = parse(text)
    assert address is not None
    assert private(address) is None


@pytest.mark.parametrize("text", ["localhost", "0x7f.1", "2130706433", "127.1", "fe80::1%eth0", ""])
def test_other_ways_of_writing_are_names(text: str) -> None:
    # They go to the resolver, and what it says is judged.
    assert parse(text) is None


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_like_itself(address: ipaddress.IPv4Address) -> None:
    inner = int(address)
    for outer in (
        (0xFFFF << 32) | inner,
        (0x2002 << 112) | (inner << 80) | 1,
        (0x0064FF9B << 96) | inner,
    ):
        if private(address) is not None:
            assert private(ipaddress.IPv6Address(outer)) is not None
