"""Captures: what the packets say comes out, however they lie, and beside what tshark counts."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.examine import _network, _packet, _tcp, _tls
from holdfast.examine._pcap import Capture
from holdfast.examine._tcp import Half, Room
from holdfast.examine.openers import pcap as opener
from holdfast.examine.parsers import pcap as parser
from holdfast.examine.parsers._pcap_records import (
    NetworkCapture,
    NetworkDns,
    NetworkFlow,
    NetworkHttp,
    NetworkTls,
)
from holdfast.examine.record import Failure, UnreadableError
from holdfast.testing.parser_contract import evidence, parse_all, to_line
from tests.examine import captures as made

if TYPE_CHECKING:
    import random

    from holdfast.examine.record import Record

CASES = Path(__file__).parents[1] / "cases" / "pcap"
PAGE = b"<html>" + b"0123456789" * 300


def web(page: bytes = PAGE, **more: Any) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Return a connection's opening, its conversation, and its end."""
    one = made.Connection(**more)
    begun = one.opened()
    said = one.said(0, b"GET /page HTTP/1.1\r\nHost: www.example\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page)
    said += one.said(1, head + page, 300)
    return begun, said, one.closed()


def of(kind: type[Record], records: list[Record]) -> list[Any]:
    return [one for one in records if type(one) is kind]


def bodies(content: bytes) -> dict[str, bytes]:
    with evidence(content) as file:
        found = {}
        for member in opener.unfold(file):
            parts = []
            try:
                while piece := member.content.read(1 << 16):
                    parts.append(piece)
            except UnreadableError as error:
                parts.append(f"[{error}]".encode())
            found[member.path] = b"".join(parts)
    return found


# --- files ---


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanos", [True, False])
def test_both_byte_orders_and_both_resolutions_say_the_same(order: str, nanos: bool) -> None:
    frames = [part for parts in web() for part in parts]
    records = parse_all(parser, made.pcap(frames, order=order, nanos=nanos))
    (exchange,) = of(NetworkHttp, records)
    (flow,) = of(NetworkFlow, records)
    assert (exchange.url, exchange.status) == ("http://www.example/page", 200)
    assert flow.time == made.START // 1000
    assert exchange.time_nanos == (3 if nanos else None)
    assert exchange.time == (made.START + 3 * 1_000_001) // 1000


def test_pcapng_says_what_pcap_says() -> None:
    frames = [part for parts in web() for part in parts]
    times = [made.START + number * 1_000_001 for number in range(len(frames))]
    sealed = made.section() + made.interface()
    sealed += b"".join(map(made.enhanced, frames, times))
    new = parse_all(parser, sealed)[:-1]
    assert new == parse_all(parser, made.pcap(frames, nanos=True))[:-1]


@pytest.mark.parametrize(
    ("resolution", "ticks", "micros", "nanos"),
    [
        (6, made.START // 1000, made.START // 1000, None),
        (9, made.START + 7, made.START // 1000, 7),
        (3, made.START // 10**6, made.START // 1000, None),
        (0x80 | 20, 5 << 20, 5_000_000, None),
        (0x80 | 30, (5 << 30) + 1, 5_000_000, 0),
    ],
)
def test_an_interface_says_what_a_tick_is(
    resolution: int, ticks: int, micros: int, nanos: int | None
) -> None:
    frame = made.ethernet(made.ipv4(made.udp(made.question("a.example")), 17))
    sealed = made.section() + made.interface(resolution=resolution)
    (one,) = of(NetworkDns, parse_all(parser, sealed + made.enhanced(frame, ticks)))
    if resolution == 0x80 | 20:
        nanos = 0
    assert (one.time, one.time_nanos) == (micros, nanos)


def test_a_snapshot_length_is_told_and_the_sums_add_up() -> None:
    frames = [part for parts in web() for part in parts]
    whole = of(NetworkCapture, parse_all(parser, made.pcap(frames)))[0]
    cut = of(NetworkCapture, parse_all(parser, made.pcap(frames, snaplen=60)))[0]
    tiny = of(NetworkCapture, parse_all(parser, made.pcap(frames, snaplen=20)))[0]
    assert (whole.cut_packets, cut.cut_packets) == (0, sum(len(one) > 60 for one in frames))
    assert tiny.failed_packets == len(frames)
    assert whole.bytes == cut.bytes == sum(map(len, frames))
    for one in (whole, cut, tiny):
        parts = one.parsed_packets + one.unsupported_packets + one.failed_packets
        assert one.packets == parts == len(frames)


def test_a_length_of_4_gb_ends_the_reading_and_says_so() -> None:
    sound = made.pcap([made.ethernet(bytes(28), 0x0806)])
    damaged = sound + struct.pack("<IIII", 0, 0, 2**32 - 1, 2**32 - 1) + bytes(100)
    (failure, whole) = parse_all(parser, damaged)
    assert isinstance(failure, Failure) and "4294967295 bytes" in failure.reason
    assert isinstance(whole, NetworkCapture) and whole.unsupported == ["ARP: 1"]


# --- link layers ---

DATAGRAM = made.ipv4(made.udp(made.question("a.example")), 17)
SIXTH = made.ipv6(made.udp(made.question("a.example")), 17, "2001:db8::1", "2001:db8::2")


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, made.ethernet(DATAGRAM)),
        (1, made.ethernet(DATAGRAM, tags=(1, 2, 3))),
        (1, made.ethernet(SIXTH, 0x86DD)),
        (1, made.ethernet(struct.pack(">BBHHH", 0x11, 0, 1, 0, 0x21) + DATAGRAM, 0x8864)),
        (1, made.ethernet(bytes([0, 1, 0, 64, 0, 2, 1, 64]) + SIXTH, 0x8847)),
        (0, struct.pack("<I", 2) + DATAGRAM),
        (0, struct.pack(">I", 30) + SIXTH),
        (108, struct.pack(">I", 2) + DATAGRAM),
        (101, SIXTH),
        (12, DATAGRAM),
        (228, DATAGRAM),
        (229, SIXTH),
        (113, bytes(14) + b"\x08\x00" + DATAGRAM),
        (276, b"\x86\xdd" + bytes(18) + SIXTH),
        (9, b"\xff\x03\x00\x21" + DATAGRAM),
    ],
)
def test_every_link_layer_leads_to_the_same_question(link: int, frame: bytes) -> None:
    (one,) = of(NetworkDns, parse_all(parser, made.pcap([frame], link=link)))
    assert (one.query_name, one.query_type) == ("a.example", "A")


def test_what_is_not_read_is_counted_by_its_kind() -> None:
    frames = [made.ethernet(bytes(28), 0x0806)] * 2 + [made.ethernet(bytes(60), 0x88CC)]
    (one,) = parse_all(parser, made.pcap(frames))
    assert isinstance(one, NetworkCapture) and one.unsupported == ["ARP: 2", "LLDP: 1"]
    (one,) = parse_all(parser, made.pcap(frames, link=127))
    assert isinstance(one, NetworkCapture) and one.unsupported == ["link type 127: 3"]


@given(st.permutations(range(5)), st.booleans())
@settings(deadline=None, max_examples=40, derandomize=True, database=None)
def test_fragments_come_together_in_any_order(order: list[int], sixth: bool) -> None:
    whole = made.udp(made.question("in.pieces.example") + bytes(300))
    size = 72
    frames = []
    for number in range(5):
        at, more = number * size, number < 4
        piece = whole[at : at + size] if more else whole[at:]
        if sixth:
            head = struct.pack(">BBHI", 17, 0, at | more, 77)
            inner = made.ipv6(head + piece, 44, "2001:db8::1", "2001:db8::2")
            frames.append(made.ethernet(inner, 0x86DD))
        else:
            inner = made.ipv4(piece, 17, number=5, fragment=at, more=more)
            frames.append(made.ethernet(inner))
    records = parse_all(parser, made.pcap([frames[place] for place in order]))
    (one,) = of(NetworkDns, records)
    assert one.query_name == "in.pieces.example"
    assert of(NetworkFlow, records)[0].packets_sent == 5


def test_of_fragments_that_overlap_the_first_counts_and_the_capture_says_so() -> None:
    whole = made.udp(made.question("first.example") + bytes(40))
    pieces = [(0, whole[:40], True), (32, b"\xff" * 8, True), (40, whole[40:], False)]
    frames = [
        made.ethernet(made.ipv4(piece, 17, number=5, fragment=at, more=more))
        for at, piece, more in pieces
    ]
    records = parse_all(parser, made.pcap(frames))
    assert of(NetworkDns, records)[0].query_name == "first.example"
    assert of(NetworkCapture, records)[0].notes == [
        "1 fragments overlap others; the first copy counts"
    ]


# --- TCP ---


@given(
    st.binary(min_size=1, max_size=400),
    st.lists(st.tuples(st.integers(0, 399), st.integers(1, 60)), max_size=30),
    st.integers(0, 2**32 - 1),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=200, derandomize=True, database=None)
def test_a_stream_comes_in_order_whatever_was_resent_and_overlaps(
    stream: bytes, extra: list[tuple[int, int]], initial: int, chance: random.Random
) -> None:
    """RFC 9293, 3.4: a sequence number is 32 bits, and wraps."""
    half = Half(Room())
    half.syn(initial)
    pieces = [(at, stream[at : at + 37]) for at in range(0, len(stream), 37)]
    pieces += [(at, stream[at : at + size]) for at, size in extra if at < len(stream)]
    chance.shuffle(pieces)
    frame: Any = None
    out = []
    for at, piece in pieces:
        for found, _ in half.feed((initial + 1 + at) % 2**32, piece, frame):
            out.append(found)
    assert b"".join(out) == stream  # type: ignore[arg-type]
    assert (half.missing, half.differing) == (0, 0)
    assert half.room.used == 0


@pytest.mark.parametrize("backwards", [True, False])
def test_a_sequence_number_wraps_in_the_middle_of_a_stream(backwards: bool) -> None:
    half, stream, frame = Half(Room()), bytes(range(200)) * 2, None
    half.syn(2**32 - 200)
    places = range(0, 400, 40)
    out = [
        found
        for at in (reversed(places) if backwards else places)
        for found, _ in half.feed((2**32 - 199 + at) % 2**32, stream[at : at + 40], frame)  # type: ignore[arg-type]
    ]
    assert b"".join(out) == stream  # type: ignore[arg-type]


def test_what_waits_for_a_gap_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tcp, "WAITING", 1000)
    half = Half(Room())
    half.syn(0)
    frame: Any = None
    out = []
    for at in range(100, 3000, 100):
        out += [found for found, _ in half.feed(1 + at, b"x" * 100, frame)]
        assert half.room.used <= 1000
    assert out[0] == 100 and half.missing == 100
    assert b"".join(one for one in out if isinstance(one, bytes)) == b"x" * 2900


def test_other_bytes_in_the_place_of_known_ones_are_counted() -> None:
    one = made.Connection()
    frames = one.opened() + one.said(0, b"GET / HTTP/1.1\r\n")
    frames.append(one.packet(0, b"GET /evil", at=one.sequences[0] - 16))
    (flow,) = of(NetworkFlow, parse_all(parser, made.pcap(frames)))
    assert (flow.resent_bytes, flow.differing_bytes) == (9, 4)


@given(st.permutations(range(12)))
@settings(deadline=None, max_examples=40, derandomize=True, database=None)
def test_a_page_is_whole_whatever_order_its_packets_came_in(order: list[int]) -> None:
    begun, said, closed = web()
    asked, answers = said[0], said[1:]
    assert len(answers) <= 12
    mixed = [answers[place] for place in order if place < len(answers)]
    content = made.pcap([*begun, asked, *mixed, *closed])
    assert bodies(content) == {"000000/1-received/page": PAGE}
    (exchange,) = of(NetworkHttp, parse_all(parser, content))
    assert exchange.sha256 == hashlib.sha256(PAGE).hexdigest()
    assert exchange.notes == []


def test_the_ports_are_used_again_by_another_connection() -> None:
    first = [part for parts in web(b"first") for part in parts]
    second = [part for parts in web(b"other", sequences=[5, 6]) for part in parts]
    records = parse_all(parser, made.pcap(first + second))
    assert [one.stream for one in of(NetworkFlow, records)] == [0, 1]
    assert list(bodies(made.pcap(first + second)).values()) == [b"first", b"other"]


def test_a_connection_seen_from_its_middle_has_its_client_all_the_same() -> None:
    _, said, _ = web(dport=8099, sport=8100)
    for frames in (said, said[1:]):
        records = parse_all(parser, made.pcap(frames))
        (flow,) = of(NetworkFlow, records)
        assert (flow.source_port, flow.state) == (8100, "seen in part")
        (exchange,) = of(NetworkHttp, records)
        assert exchange.received_bytes == len(PAGE)


def test_too_many_flows_end_the_quietest_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_network, "FLOWS", 10)
    monkeypatch.setattr(_network, "TALKS", 4)
    frames = []
    for port in range(30):
        begun, said, _ = web(b"x" * 1000, sport=40_000 + port)
        frames += [*begun, *said[:2]]
    records = parse_all(parser, made.pcap(frames))
    assert len(of(NetworkFlow, records)) == len(of(NetworkHttp, records)) == 30
    whole = of(NetworkCapture, records)[0]
    assert any("too many were open" in note for note in whole.notes)


def test_fragments_that_never_meet_are_bounded_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_packet, "_DATAGRAMS", 8)
    frames = [
        made.ethernet(made.ipv4(bytes(64), 17, number=number, more=True)) for number in range(50)
    ]
    whole = of(NetworkCapture, parse_all(parser, made.pcap(frames)))[0]
    assert (whole.failed_packets, whole.parsed_packets) == (50, 0)


# --- what is carried ---


def test_a_tunnel_through_a_proxy_is_followed_into_tls() -> None:
    one = made.Connection(3128)
    frames = one.opened() + one.said(0, b"CONNECT mail.example:443 HTTP/1.1\r\n\r\n")
    frames += one.said(1, b"HTTP/1.1 200 Connection established\r\n\r\n")
    frames += one.said(0, made.client_hello("mail.example")) + one.said(1, made.server_hello())
    records = parse_all(parser, made.pcap(frames + one.closed()))
    assert of(NetworkHttp, records)[0].method == "CONNECT"
    assert of(NetworkTls, records)[0].server_name == "mail.example"
    assert of(NetworkFlow, records)[0].carries == "http, tls"


def test_names_over_tcp_are_read_too() -> None:
    one = made.Connection(53)
    asked, answered = made.question("t.example"), made.answer("t.example", "192.0.2.99")
    frames = one.opened() + one.said(0, made.vector(asked, 2) * 2, 11)
    frames += one.said(1, made.vector(answered, 2))
    found = of(NetworkDns, parse_all(parser, made.pcap(frames)))
    assert [dns.response for dns in found] == [False, False, True]
    assert found[2].answers == ["t.example. 60 IN A 192.0.2.99"]


def test_a_secret_in_a_header_is_named_and_not_shown() -> None:
    one = made.Connection()
    asked = b"GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer very-secret\r\n\r\n"
    records = parse_all(parser, made.pcap(one.opened() + one.said(0, asked)))
    (exchange,) = of(NetworkHttp, records)
    assert exchange.authorization == "Bearer"
    assert exchange.notes == ["no response was seen"]
    assert all("very-secret" not in to_line(record) for record in records)


def test_a_body_that_breaks_off_says_why() -> None:
    begun, said, closed = web()
    (content,) = bodies(made.pcap([*begun, *said[:-1], *closed])).values()
    assert content.endswith(b"[the message breaks off]")
    assert PAGE.startswith(content.removesuffix(b"[the message breaks off]"))
    (content,) = bodies(made.pcap([*begun, *said[:5], *said[6:], *closed])).values()
    assert content.endswith(b"[300 bytes were not captured]")


def test_certificates_are_files_that_the_handshake_names() -> None:
    chain = (b"\x30\x03\x02\x01\x01", b"\x30\x03\x02\x01\x02")
    one = made.Connection(443)
    frames = one.opened() + one.said(0, made.client_hello("a.example"))
    frames += one.said(1, made.server_hello(chain), 33)
    content = made.pcap(frames)
    (handshake,) = of(NetworkTls, parse_all(parser, content))
    found = bodies(content)
    assert list(found) == [f"000000/tls-1/certificate-{number}.der" for number in (1, 2)]
    assert handshake.certificates == [hashlib.sha256(one).hexdigest() for one in found.values()]


def test_ja3_is_as_its_authors_give_it() -> None:
    """JA3's README: `769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0`."""
    hello = _tls.Hello(
        769, 769, (47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4),
        ((0, b""), (10, made.vector(bytes.fromhex("001700180019"), 2)), (11, b"\x01\x00")),
    )  # fmt: skip
    assert _tls.ja3(hello) == "ada70206e40642a3e4461f35503241d5"
    bare = _tls.Hello(769, 769, (4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99), ())
    assert _tls.ja3(bare) == "de350869b8c85de67a350c8d186f11e6"


def test_ja4_is_as_its_specification_gives_it() -> None:
    """JA4's technical details: a Chrome's hello is `t13d1516h2_8daaf6152771_e5627efa2ab1`."""
    ciphers = "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"
    signatures = "0403,0804,0401,0503,0805,0501,0806,0601"
    kinds = "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015"
    content = {
        0x0D: made.vector(bytes.fromhex(signatures.replace(",", "")), 2),
        0x10: made.vector(made.vector(b"h2", 1), 2),
        0x2B: made.vector(bytes.fromhex("0a0a03040303"), 1),
    }
    extensions = tuple(
        (int(kind, 16), content.get(int(kind, 16), b"")) for kind in kinds.split(",")
    )
    listed = tuple(int(one, 16) for one in ciphers.split(","))
    hello = _tls.Hello(0x0304, 0x0303, listed, ((0x2A2A, b""), *extensions))
    assert _tls.ja4(hello) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


# --- beside another program ---

TSHARK = shutil.which("tshark")
needs_tshark = pytest.mark.skipif(
    TSHARK is None, reason="tshark is not installed: its counts are not held against ours"
)


def tshark(path: Path, shown: str, *fields: str) -> list[list[str]]:
    assert TSHARK is not None
    wanted = [part for field in fields for part in ("-e", field)]
    run = subprocess.run(
        [TSHARK, "-n", "-r", str(path), "-Y", shown, "-T", "fields", *wanted],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return [line.split("\t") for line in run.stdout.splitlines()]


def compare(path: Path) -> Counter[str]:
    """Hold what the parser says of a capture to what tshark says; return what was compared."""
    records = parse_all(parser, path.read_bytes())
    whole = of(NetworkCapture, records)[0]
    told: Counter[str] = Counter()
    assert whole.packets == len(tshark(path, "frame", "frame.number"))
    told["packets"] = whole.packets
    streams = {int(one[0]) for one in tshark(path, "tcp.stream", "tcp.stream")}
    assert len([one for one in of(NetworkFlow, records) if one.protocol == "tcp"]) == len(streams)
    told["connections"] = len(streams)
    names = Counter(
        (one[0], one[1].lower() if one[1:] else "")
        for one in tshark(path, "(dns || mdns || llmnr) && !icmp", "frame.number", "dns.qry.name")
    )
    ours = Counter(
        (str(one.row), (one.query_name or "").lower()) for one in of(NetworkDns, records)
    )
    assert ours == names
    told["DNS"] = sum(names.values())
    asked = tshark(path, "http.request", "http.request.method", "http.request.uri")
    mine = [one for one in of(NetworkHttp, records) if one.method]
    assert Counter(one[0] for one in asked) == Counter(one.method for one in mine)
    told["HTTP"] = len(asked)
    hellos = tshark(
        path, "tls.handshake.type == 1 && tcp", "tls.handshake.extensions_server_name",
        "tls.handshake.ja3",
    )  # fmt: skip
    shakes = [one for one in of(NetworkTls, records) if one.ja3]
    assert Counter(one[0] for one in hellos) == Counter(one.server_name or "" for one in shakes)
    if any(one[1:] and one[1] for one in hellos):
        assert Counter(one[1] for one in hellos) == Counter(one.ja3 for one in shakes)
    told["TLS"] = len(hellos)
    return told


@needs_tshark
def test_tshark_counts_the_same_in_a_made_capture(tmp_path: Path) -> None:
    frames = [part for parts in web() for part in parts]
    one = made.Connection(443, 50_009)
    frames += one.opened() + one.said(0, made.client_hello("mail.example"), 60)
    frames += one.said(1, made.server_hello())
    frames += [made.ethernet(made.ipv4(made.udp(made.question("a.example")), 17))]
    frames += [made.ethernet(made.ipv4(made.udp(made.answer("a.example", "192.0.2.1"), 53, 9), 17))]
    path = tmp_path / "made.pcap"
    path.write_bytes(made.pcap(frames, nanos=True))
    told = compare(path)
    assert (told["HTTP"], told["TLS"], told["DNS"], told["connections"]) == (1, 1, 2, 2)


@needs_tshark
@pytest.mark.parametrize("case", sorted(CASES.glob("*/input.pcap")), ids=lambda p: p.parent.name)
def test_tshark_counts_the_packets_of_our_cases(case: Path) -> None:
    last = json.loads((case.parent / "expected.jsonl").read_text("utf-8").splitlines()[-1])
    assert last["packets"] == len(tshark(case, "frame", "frame.number"))


@needs_tshark
@pytest.mark.corpus
def test_tshark_counts_the_same_in_foreign_captures(corpus: Path) -> None:
    found = [
        path
        for path in sorted(corpus.rglob("*.*cap*"))
        if path.suffix in {".pcap", ".pcapng", ".cap"}
    ]
    assert found, "the corpus holds captures"
    for path in found:
        assert compare(path)["packets"] > 0, path


def test_memory_does_not_follow_the_size_of_a_body() -> None:
    begun, said, closed = web(b"y" * 400_000)
    with evidence(made.pcap([*begun, *said, *closed])) as file:
        walk = _network.Walk(Capture(file))
        most = 0
        for _ in walk.found():
            most = max(most, walk._room.used)
    assert most == 0
