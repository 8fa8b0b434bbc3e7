"""The second witness: real packets of a real browser, opened with its keys, held to its log.

Issue 4: "Optional second witness: pcap with TLS keys, cross-checked, disagreement reported."
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.collect.web import chromium
from holdfast.collect.web.guard import Guard
from holdfast.collect.web.proxies import Proxy
from holdfast.collect.web.resolving import Resolver
from holdfast.collect.web.tap import PACKETS, RELAY
from holdfast.collect.web.tap_packets import PacketTap
from holdfast.webarchive import pcapng
from holdfast.webarchive.packets import segment
from holdfast.webarchive.redaction.derive import Wanted, derive
from holdfast.webarchive.redaction.source import Source
from tests.collect.web.servers import Site, closed_port, page, serving
from tests.collect.web.test_capture import browsers, captured
from tests.collect.web.witnessed import Witnessed, changed_bytes, witnessed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.line import Line

needs_browser = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)) or not shutil.which("certutil"),
    reason="no Chromium or no certutil here: apt-get install chromium libnss3-tools",
)
EXPLAINED = {"given-up", "monster-header", "events", "drip", "early-close"}
"""Situations in which a browser does not take all that comes; the loss ledger says so."""


def packets_allowed() -> bool:
    """Say whether this account may see packets."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0).close()
    except OSError:
        return False
    return True


needs_packets = pytest.mark.skipif(not packets_allowed(), reason="no CAP_NET_RAW here")


@pytest.fixture(scope="module")
def hostile() -> Iterator[Witnessed]:
    """The hostile site's start page, HTTP/1.1 and HTTP/2 over TLS, captured once."""
    if not packets_allowed():
        pytest.skip("no CAP_NET_RAW here")
    if not any(map(shutil.which, chromium.PLACES)) or not shutil.which("certutil"):
        pytest.skip("no Chromium or no certutil here")
    folder = chromium.scratch() / f"holdfast-witness-{os.getpid()}"
    folder.mkdir(mode=0o711)
    try:
        yield witnessed(folder)
    finally:
        shutil.rmtree(folder)


def situation(url: str) -> str:
    """Return which situation an address is of."""
    return url.partition("?")[0].split("/")[3]


def test_it_agrees_on_all_but_what_the_browser_did_not_take(hostile: Witnessed) -> None:
    said = hostile.made.second_witness
    assert said is not None
    assert (said.verdict, said.tap, said.gaps) == ("agrees", PACKETS, ())
    verdicts = {one["verdict"] for one in hostile.exchanges}
    assert verdicts <= {"identical", "explained"}
    explained = [one for one in hostile.exchanges if one["verdict"] == "explained"]
    assert {situation(one["url"]) for one in explained} <= EXPLAINED
    for one in explained:
        assert {each["kind"] for each in one["messages"]} <= {"shorter", "only-on-wire"}
    # Each exchange that used a connection is told of, once.
    stored = [json.loads(one) for one in hostile.part("capture/exchanges.jsonl").splitlines()]
    used = [one["exchange"] for one in stored if one["connection"] is not None]
    assert sorted(one["exchange"] for one in hostile.exchanges) == sorted(used)
    assert len(used) > 200
    protocols = {one["protocol"] for one in stored if one["exchange"] in used}
    assert protocols >= {"http/1.1", "h2", "websocket"}
    assert hostile.made.assurance == ("untimed",)


def test_the_packets_lie_open_without_keys_and_sealed_with_them(hostile: Witnessed) -> None:
    plain = hostile.part("wire/traffic.pcapng")
    whole = hostile.unsealed("secrets/traffic.pcapng.gz.age")
    keys = hostile.keys()
    assert b"CLIENT_TRAFFIC_SECRET_0 " in keys
    assert b"TRAFFIC_SECRET" not in plain
    # Nothing but the block of keys is in one and not in the other.
    header = int.from_bytes(plain[4:8], "little")
    assert whole[:header] == plain[:header]
    assert whole[-len(plain) + header :] == plain[header:]
    assert len(whole) - len(plain) == 20 + len(keys) + -len(keys) % 4
    told = json.loads(hostile.part("wire/witness.json"))
    assert told["sealed"]["size"] == len(whole)
    assert told["packets"] > 1000
    assert told["unprotected"] == []


def test_another_program_opens_them_and_reads_the_same(hostile: Witnessed, tmp_path: Path) -> None:
    """tshark shares nothing with us: it takes the keys out of the file, and the requests."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("no tshark here: apt-get install tshark")
    file = tmp_path / "traffic.pcapng"
    file.write_bytes(hostile.unsealed("secrets/traffic.pcapng.gz.age"))
    done = subprocess.run(
        [tshark, "-r", file, "-2", "-Y", "http.request || http2.headers.path", "-T", "fields",
         "-e", "http.request.uri", "-e", "http2.headers.path"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    read = re.split(r"[\t\n,]+", done.stdout)
    stored = [json.loads(one) for one in hostile.part("capture/exchanges.jsonl").splitlines()]
    asked = [
        "/" + one["url"].split("/", 3)[3].partition("#")[0]
        for one in stored
        if one["request"] and one["url"].startswith("https:") and one["method"] != "CONNECT"
    ]
    plain = [one for one in asked if "," not in one]
    assert len(plain) > 150
    assert [one for one in plain if one not in read] == []


def test_a_body_that_was_changed_in_the_log_is_found(hostile: Witnessed) -> None:
    """One bit of one body, HTTP/1.1."""

    def change(data: bytes) -> bytes:
        head, blank, body = data.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 200") and len(body) > 10 and not found:
            found.append(data)
            return head + blank + body[:5] + bytes([body[5] ^ 1]) + body[6:]
        return data

    found: list[bytes] = []
    said, lines = hostile.asked_again("body", lambda log: changed_bytes(log, change)[0])
    assert len(found) == 1
    (one,) = [line for line in lines if line["verdict"] == "differs" and "url" in line]
    offset = found[0].index(b"\r\n\r\n") + 9
    assert one["messages"] == [{"kind": "differs", "message": "response", "offset": offset}]
    assert (said.verdict, said.words) == ("disagrees", "disagrees in 1")


def test_an_exchange_that_was_dropped_from_the_log_is_found(hostile: Witnessed) -> None:
    """A request in the middle of a connection, and its answer, as if they had never been."""
    (path,) = [b"/gzip"]
    state = {"dropping": False, "dropped": 0}

    def change(data: bytes) -> bytes | None:
        if data.startswith(b"GET " + path + b" HTTP/1.1"):
            state["dropping"] = True
        elif state["dropping"] and data.startswith(b"HTTP/1.1 "):
            state["dropping"] = False
        else:
            return data
        state["dropped"] += 1
        return None

    said, lines = hostile.asked_again("dropped", lambda log: changed_bytes(log, change)[0])
    assert state["dropped"] >= 2
    missing = [one for one in lines if one["verdict"] == "only-on-wire"]
    assert [one["url"] for one in missing] == ["GET /gzip HTTP/1.1"] * (state["dropped"] // 2)
    assert said.verdict == "disagrees"


def test_a_frame_that_was_changed_in_the_log_is_found(hostile: Witnessed) -> None:
    """HTTP/2: a byte of DATA. The frames that are kept differ, and so does the message."""

    def change(data: bytes) -> bytes:
        # A frame of DATA (type 0) of some length, alone in what was read.
        alone = len(data) > 40 and int.from_bytes(data[:4], "big") == len(data) - 9 << 8
        if alone and not found:
            found.append(data)
            return data[:20] + bytes([data[20] ^ 1]) + data[21:]
        return data

    found: list[bytes] = []
    said, lines = hostile.asked_again("frame", lambda log: changed_bytes(log, change)[0])
    assert len(found) == 1
    wrong = [one for one in lines if one["verdict"] == "differs"]
    assert sorted("url" in one for one in wrong) == [False, True]
    assert said.disagreements == 2


def test_packets_that_are_lost_are_a_gap_and_no_agreement(hostile: Witnessed) -> None:
    kept = list(pcapng.packets(io.BytesIO(hostile.part("wire/traffic.pcapng"))))
    lost = next(n for n, one in enumerate(kept) if _data(one) > 1000)
    out = io.BytesIO()
    writer = pcapng.Writer(out, "test", "one packet less")
    for number, one in enumerate(kept):
        if number != lost:
            writer.packet("lo", one.time, one.data, one.length)
    said, lines = hostile.asked_again("lossy", lambda log: log, out.getvalue())
    assert said.disagreements == 0
    assert {one["why"] for one in lines if one["verdict"] == "unwitnessed"} == {
        "packets are missing"
    }


def _data(packet: pcapng.Packet) -> int:
    found = segment(packet.data)
    return 0 if found is None else len(found.data)


@needs_packets
def test_only_the_packets_of_what_is_expected_are_written(tmp_path: Path) -> None:
    """Others use this machine, too: what they say is not ours to keep."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tap = PacketTap(tmp_path / "traffic")
        said = {}
        for name in ("theirs", "ours"):
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                said[name] = one.getsockname()[1]
                if name == "ours":
                    tap.expect(said[name], "127.0.0.1", port)
                one.connect(("127.0.0.1", port))
                with server.accept()[0] as other:
                    one.sendall(name.encode() * 100)
                    while other.recv(1 << 16) and name == "never":
                        pass
        counted = tap.stop()
    with (tmp_path / "traffic").open("rb") as file:
        kept = [segment(one.data) for one in pcapng.packets(file)]
    assert counted == {"dropped": 0, "packets": len(kept), "unwatched": 0}
    ends = {end for one in kept if one is not None for end in (one.source, one.target)}
    assert ends == {("127.0.0.1", said["ours"]), ("127.0.0.1", port)}
    sent = b"".join(one.data for one in kept if one is not None)
    assert sent == b"ours" * 100


@needs_packets
def test_the_kernel_itself_lets_nothing_else_pass(tmp_path: Path) -> None:
    """The check of both ends switched off: what is left is the filter."""

    class Anybody(set[tuple[bytes, bytes]]):
        def __contains__(self, _ends: object) -> bool:
            return True

    with socket.create_server(("127.0.0.1", 0)) as server:
        tap = PacketTap(tmp_path / "traffic")
        ours = closed_port()
        tap.expect(ours, *server.getsockname())
        tap._ends = Anybody()
        for port in (ours, 0):
            with socket.socket() as one:
                one.bind(("127.0.0.1", port))
                one.connect(server.getsockname())
                server.accept()[0].close()
        tap.stop()
    with (tmp_path / "traffic").open("rb") as file:
        kept = [segment(one.data) for one in pcapng.packets(file)]
    assert len(kept) > 3
    for told in kept:
        assert told is not None
        assert ours in {told.source[1], told.target[1]}


def test_a_copy_for_others_has_no_packets(hostile: Witnessed, tmp_path: Path) -> None:
    with hostile.made.file.open("rb") as stream:
        made = derive(Source(stream), "0" * 64, tmp_path / "out", Wanted())
    assert "wire/traffic.pcapng" in made.withheld
    assert not list((tmp_path / "out").rglob("*.pcapng*"))
    assert (tmp_path / "out/wire/witness.json").exists()


@needs_browser
def test_through_a_proxy_the_relay_bears_witness_and_says_so(tmp_path: Path) -> None:
    """The proxy is a guard of ours, on a port of its own."""
    ready, over = threading.Event(), asyncio.Event()
    ports: list[int] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        with (tmp_path / "lines").open("wb") as out:
            allows = lambda address, _port: address.is_loopback  # noqa: E731
            async with Guard(Resolver(named={}), out, allows=allows) as guard:
                ports.append(guard.port)
                ready.set()
                await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait()
    folder = chromium.scratch() / f"holdfast-proxied-{os.getpid()}"
    folder.mkdir(mode=0o711)
    try:
        proxy = Proxy.parse(f"socks5://127.0.0.1:{ports[0]}")
        found = witnessed(folder, path="/gzip", proxy=proxy)
        said = found.made.second_witness
        assert said is not None
        assert (said.verdict, said.tap) == ("agrees", RELAY)
        assert said.why == "packets to a proxy begin with what is said to the proxy"
        assert b"IP and TCP around them not" in found.part("wire/traffic.pcapng")
        assert "/gzip" in {one["url"][-5:] for one in found.exchanges}
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
        shutil.rmtree(folder)


@needs_browser
def test_a_browser_that_dies_is_no_disagreement(line: Line) -> None:
    """Its log has no end, so there is more on the wire: that is a loss that is told already."""

    class Killing(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            if path == "/die":
                os.kill(min(map(int, browsers())), signal.SIGKILL)
            return super().get(path, default)

    pages = Killing({"/": page("<title>Dies</title>" + "<img src=/a.png>" * 9 + "<img src=/die>")})
    with serving(Site(pages)) as site:
        (row,) = captured(line, site.url, options=("--second-witness",))
    said = row["second_witness"]
    assert said["verdict"] in {"agrees", "partial"}
    assert said["exchanges"].get("identical", 0) >= 1
    assert "partial" in row["assurance"]


@needs_browser
def test_the_command_tells_what_the_witness_says(line: Line) -> None:
    pages = {"/": page("<title>Shop</title><img src=/a.png>"), "/a.png": page("no picture")}
    with serving(Site(pages)) as site:
        (row,) = captured(line, site.url, options=("--second-witness", "--settle", "0"))
        plain = line.must("collect", "web", "--case", line.case, "--second-witness",
                          "--settle", "0", site.url)  # fmt: skip
    assert "second witness: agrees" in plain.out
    assert row["second_witness"]["verdict"] == "agrees"
    assert row["second_witness"]["exchanges"] == {"identical": row["exchanges"]}
    assert row["assurance"] == ["untimed"]
    entries = [one["record"] for one in line.entries("collect.item")]
    assert [one["second_witness"]["words"] for one in entries] == ["agrees", "agrees"]
    line.intact()
