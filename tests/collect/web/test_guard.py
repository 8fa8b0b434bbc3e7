"""The guard connects to what it judged, to nothing private, and changes no byte."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import ipaddress
import json
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import dns.message
import dns.rrset
import pytest

from holdfast.collect.web.guard import Guard
from holdfast.collect.web.proxies import Proxy
from holdfast.collect.web.resolving import Resolver
from tests.collect.web.servers import Site, closed_port, name_server, page, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from holdfast.core.addresses import Address

LOOPBACK = (ipaddress.ip_address("127.0.0.1"),)
GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def through(port: int, host: str, to: int, send: bytes = GET) -> tuple[int, bytes]:
    """Ask the guard for a connection by name; return its reply code, and all that came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x05\x01\x00")
    assert await reader.readexactly(2) == b"\x05\x00"
    name = host.encode()
    writer.write(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack(">H", to))
    reply = await reader.readexactly(10)
    if reply[1] == 0:
        writer.write(send)
    got = await reader.read()
    writer.close()
    return reply[1], got


def run(
    work: Callable[[Guard], Awaitable[Any]], resolver: Resolver, **settings: Any
) -> tuple[Any, list[dict[str, Any]]]:
    """Run a guard; return what `work` returns, and its lines."""
    out = io.BytesIO()

    async def main() -> Any:
        async with Guard(resolver, out, **settings) as guard:
            return await work(guard)

    result = asyncio.run(main())
    return result, [json.loads(line) for line in out.getvalue().splitlines()]


def allow(address: Address, _port: int) -> bool:
    return address.is_loopback


def test_bytes_pass_as_they_are_and_the_line_says_where_they_went() -> None:
    with serving(Site({"/": page("hello")})) as site:
        (code, got), (line,) = run(
            lambda guard: through(guard.port, "shop.test", site.port),
            Resolver(named={"shop.test": LOOPBACK}),
            allows=allow,
        )
    assert code == 0
    assert got.endswith(b"\r\n\r\nhello")
    assert line["host"] == "shop.test"
    assert line["answers"] == ["127.0.0.1"]
    assert (line["resolved_by"], line["peer"], line["peer_port"]) == ("map", "127.0.0.1", site.port)
    assert (line["sent"], line["received"]) == (len(GET), len(got))
    assert line["refused"] is None
    assert line["opened"] <= line["closed"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::]", "shop.test"]
)
def test_what_is_private_is_refused_and_recorded(host: str, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost # this machine\n")
    with serving(Site({"/": page("secret")})) as site:
        (code, got), (line,) = run(
            lambda guard: through(guard.port, host, site.port),
            Resolver(named={"shop.test": LOOPBACK}, hosts=hosts),
        )
        assert site.asked == []
    assert (code, got) == (2, b"")
    assert "and the case does not name it" in line["refused"]
    assert line["peer"] is None


def answers(*addresses: str) -> Callable[[bytes], bytes]:
    """Answer A questions with the next of `addresses`, over UDP; nothing else."""
    left = list(addresses)

    def answer(query: bytes) -> bytes:
        asked = dns.message.from_wire(query.removesuffix(b"tcp"))
        said = dns.message.make_response(asked)
        question = asked.question[0]
        if question.rdtype == 1:
            address = left.pop(0) if len(left) > 1 else left[0]
            alias = dns.rrset.from_text(question.name, 5, "IN", "CNAME", "real.test.")
            said.answer = [alias, dns.rrset.from_text("real.test.", 5, "IN", "A", address)]
        return said.to_wire()

    return answer


def test_the_packet_that_was_believed_is_kept(tmp_path: Path) -> None:
    with serving(Site({"/": page("hello")})) as site, name_server(answers("127.0.0.1")) as server:
        (code, _), (line,) = run(
            lambda guard: through(guard.port, "shop.test", site.port),
            Resolver(hosts=tmp_path / "none", servers=(server,)),
            allows=allow,
        )
    assert code == 0
    assert line["resolved_by"] == "dns"
    packets = [dns.message.from_wire(base64.b64decode(one)) for one in line["packets"]]
    assert "shop.test. 5 IN CNAME real.test." in "\n".join(one.to_text() for one in packets)


def test_a_name_that_changes_its_address_is_connected_to_where_it_was_judged(
    tmp_path: Path,
) -> None:
    """DNS rebinding: the first answer is public, the next one is not."""
    with serving(Site({"/": page("secret")})) as site:
        with name_server(answers("127.0.0.9", "127.0.0.1")) as server:
            (code, _), (line,) = run(
                lambda guard: through(guard.port, "evil.test", site.port),
                Resolver(hosts=tmp_path / "none", servers=(server,)),
                allows=lambda address, _port: str(address) == "127.0.0.9",
            )
        assert site.asked == []
    # The one that was judged: where nobody listens. A second look would have found the site.
    assert line["answers"] == ["127.0.0.9"]
    assert code == 5


def test_one_private_address_among_public_ones_refuses_the_name(tmp_path: Path) -> None:
    both = (ipaddress.ip_address("93.184.215.14"), *LOOPBACK)
    (code, _), (line,) = run(
        lambda guard: through(guard.port, "evil.test", 80),
        Resolver(named={"evil.test": both}, hosts=tmp_path / "none"),
    )
    assert code == 2
    assert "127.0.0.1 is loopback" in line["refused"]


def test_a_truncated_answer_is_asked_for_again_over_tcp(tmp_path: Path) -> None:
    whole = answers("127.0.0.1")

    def answer(query: bytes) -> bytes:
        said = bytearray(whole(query))
        if not query.endswith(b"tcp"):
            said[2] |= 0x02  # TC
        return bytes(said)

    with serving(Site({"/": page("hello")})) as site, name_server(answer) as server:
        (code, _), _ = run(
            lambda guard: through(guard.port, "shop.test", site.port),
            Resolver(hosts=tmp_path / "none", servers=(server,)),
            allows=allow,
        )
    assert code == 0


def test_names_that_are_nobodys_are_not_asked_for(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def answer(query: bytes) -> bytes:
        asked.append(query)
        return query

    with name_server(answer) as server:
        (code, _), (line,) = run(
            lambda guard: through(guard.port, "background.invalid", 443),
            Resolver(hosts=tmp_path / "none", servers=(server,)),
        )
    assert code == 4
    assert "RFC 6761" in line["refused"]
    assert asked == []


def test_nothing_more_is_received_past_the_limit() -> None:
    with serving(Site({"/": page("x" * 2_000_000)})) as site:

        async def work(guard: Guard) -> tuple[bool, int, int]:
            with suppress(OSError):
                await through(guard.port, "shop.test", site.port)
            code, _ = await through(guard.port, "shop.test", site.port)
            return guard.full, guard.received, code

        (full, received, code), _ = run(
            work, Resolver(named={"shop.test": LOOPBACK}), allows=allow, limit=500_000
        )
    assert full
    assert 500_000 < received < 1_000_000
    assert code == 2


def test_a_port_where_nobody_listens_is_a_reason_not_an_error() -> None:
    port = closed_port()
    (code, _), (line,) = run(
        lambda guard: through(guard.port, "127.0.0.1", port), Resolver(), allows=allow
    )
    assert code == 5
    assert "Connect call failed" in line["refused"] or "refused" in line["refused"].lower()


@pytest.mark.parametrize("turns", range(6))
def test_the_guard_s_end_is_the_end_of_a_connection_that_has_just_come(turns: int) -> None:
    """Each turn of the event loop is one step in which a connection comes to be."""

    async def work(guard: Guard) -> list[socket.socket]:
        browsers = [socket.create_connection(("127.0.0.1", guard.port)) for _ in range(3)]
        for _turn in range(turns):
            await asyncio.sleep(0)
        return browsers

    browsers, lines = run(work, Resolver())
    assert all(line["closed"] for line in lines)
    for one in browsers:
        one.settimeout(10)
        with one, suppress(ConnectionResetError):
            assert not one.recv(1)
    gc.collect()  # a transport that nobody closed is an error of this test


@pytest.mark.parametrize("command", [2, 3])
def test_nothing_but_connections_is_made(command: int) -> None:
    async def work(guard: Guard) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", guard.port)
        writer.write(b"\x05\x01\x00" + bytes([5, command, 0, 1, 127, 0, 0, 1, 0, 80]))
        got = await reader.read()
        writer.close()
        return got

    got, (line,) = run(work, Resolver(), allows=allow)
    assert got[2:4] == b"\x05\x07"
    assert "only connections" in line["refused"]


def test_another_vantage_point_is_reached_through_a_socks_proxy() -> None:
    """The proxy here is a second guard: it resolves the name where it stands."""
    far = io.BytesIO()
    with serving(Site({"/": page("hello")})) as site:

        async def work(guard: Guard) -> tuple[int, bytes]:
            beyond = Resolver(named={"shop.test": LOOPBACK})
            async with Guard(beyond, far, allows=allow) as other:
                guard.proxy = Proxy.parse(f"socks5h://127.0.0.1:{other.port}")
                return await through(guard.port, "shop.test", site.port)

        (code, got), (line,) = run(work, Resolver())
    assert code == 0
    assert got.endswith(b"hello")
    assert (line["resolved_by"], line["peer"]) == ("proxy", None)
    assert json.loads(far.getvalue())["host"] == "shop.test"


def test_a_proxy_is_no_way_around_for_private_addresses() -> None:
    async def work(guard: Guard) -> tuple[int, bytes]:
        guard.proxy = Proxy.parse("socks5h://127.0.0.1:1")
        return await through(guard.port, "169.254.169.254", 80)

    (code, _), (line,) = run(work, Resolver())
    assert code == 2
    assert "link-local" in line["refused"]
