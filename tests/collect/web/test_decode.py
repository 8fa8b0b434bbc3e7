"""From NetLog to exchanges, byte for byte: built logs, cut and ended in every way."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from holdfast.collect.web import decoder
from holdfast.collect.web.decode import Settings, Summary, decode
from holdfast.core.errors import InputError, ResourceError
from holdfast.webarchive.http2 import PREFACE
from tests.collect.web.netlog import OFFSET, SESSION, URL_REQUEST, NetLog, Socket, at
from tests.webarchive.checkers import check
from tests.webarchive.test_websocket import frame as websocket_frame

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = b"GET %s HTTP/1.1\r\nHost: a.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"".join((
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-L: \xe9\r\n\r\n",
    b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
))  # fmt: skip
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
SOCKS = b"\x05\x01\x00\x03\x09a.example\x01\xbb"


@dataclass
class Decoded:
    """A decoded log."""

    out: Path
    summary: Summary

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a file."""
        text = (self.out / "capture" / f"{name}.jsonl").read_bytes()
        return [json.loads(line) for line in text.splitlines()]

    @property
    def exchanges(self) -> list[dict[str, Any]]:
        """Return the exchanges."""
        return self.lines("exchanges")

    def records(self) -> dict[str, tuple[dict[str, str], bytes]]:
        """Return the WARC's records by id: fields and block."""
        found = {}
        with (self.out / "archive/data.warc.gz").open("rb") as stream:
            for record in ArchiveIterator(stream, no_record_parse=True):
                fields = dict(record.rec_headers.headers)
                block = record.raw_stream.read()
                found[fields["WARC-Record-ID"].strip("<>")] = (fields, block)
        return found

    def message(self, exchange: dict[str, Any], name: str) -> bytes:
        """Return a message's bytes, held against its digest."""
        told = exchange[name]
        block = self.records()[told["record"]][1]
        assert hashlib.sha256(block).hexdigest() == told["sha256"]
        assert len(block) == told["bytes"]
        return block


def run(
    log: NetLog | bytes, folder: Path, guard: bytes | None = None, allowed: tuple[str, ...] = ()
) -> Decoded:
    """Decode in this process."""
    out = folder / f"out-{len(list(folder.iterdir()))}"
    for name in (
        "archive",
        "indexes",
        "capture",
        "certificates",
        "http2",
        "websocket",
    ):
        (out / name).mkdir(parents=True)
    (out / "tmp").mkdir()
    data = log if isinstance(log, bytes) else log.dump()
    (out / "netlog").write_bytes(data)
    (out / "guard").write_bytes(guard or b"")
    summary = decoder.run(
        os.open(out / "netlog", os.O_RDONLY),
        os.open(out / "guard", os.O_RDONLY) if guard is not None else None,
        out, Settings(unasked_allowed=allowed), unprotected=(), progress=lambda _: None,
    )  # fmt: skip
    assert summary.exchanges == summary.stored + summary.explained + summary.unexplained
    assert not list((out / "tmp").iterdir())
    return Decoded(out, summary)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut `data`."""
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


def keep_alive(cuts: list[int], *, tls: bool, socks: bytes = b"") -> NetLog:
    """Make a log of three exchanges on one connection."""
    log = NetLog()
    socket = log.socket(tls=tls, socks=socks)
    for path, method, answer in (
        ("/", "GET", HINTS + CHUNKED),
        ("/head", "HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        ("/last", "GET", OK),
    ):
        request = log.request(f"https://a.example{path}", method).on(socket)
        for piece in pieces(REQUEST.replace(b"GET", method.encode()) % path.encode(), cuts):
            socket.send(piece)
        for piece in pieces(answer, cuts):
            socket.receive(piece)
        request.end()
        socket.give_back()
    socket.close()
    return log


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    cuts=st.lists(st.integers(0, 1000), max_size=12), tls=st.booleans(),
    socks=st.sampled_from([b"", SOCKS]),
)  # fmt: skip
def test_any_segmentation_gives_the_same_exchanges(
    tmp_path: Path, cuts: list[int], tls: bool, socks: bytes
) -> None:
    done = run(keep_alive(cuts, tls=tls, socks=socks), tmp_path)
    first, head, last = done.exchanges
    assert done.message(first, "request") == REQUEST % b"/"
    assert done.message(first, "response") == CHUNKED
    assert [done.records()[part["record"]][1] for part in first["interim"]] == [HINTS]
    assert first["response"]["trailers"] == [["X-T", "1"]]
    assert first["response"]["payload_sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert done.message(head, "response").endswith(b"Content-Length: 500\r\n\r\n")
    assert done.message(last, "response") == OK
    assert all(one["exact"] and not one["loss"] for one in done.exchanges)
    assert (done.summary.stored, done.summary.lossy) == (3, False)
    (connection,) = done.lines("connections")
    for way in ("sent", "received"):
        assert connection["bytes"][way]["carried"] == connection["bytes"][way]["kept"]
    assert (connection["proxy"] or {}).get("host") == ("a.example" if socks else None)
    assert connection["peer"] == (None if socks else "192.0.2.1")


def test_the_records_say_where_and_how_and_pass_the_checkers(tmp_path: Path) -> None:
    done = run(keep_alive([], tls=True), tmp_path)
    first = done.exchanges[0]
    fields, _ = done.records()[first["response"]["record"]]
    assert fields["WARC-Target-URI"] == "https://a.example/"
    assert fields["WARC-IP-Address"] == "192.0.2.1"
    assert fields["WARC-Cipher-Suite"] == "TLS_AES_256_GCM_SHA384"
    assert fields["WARC-Concurrent-To"] == f"<{first['request']['record']}>"
    assert "WARC-Payload-Digest" not in fields  # chunked: the checkers would compute another
    interim, _ = done.records()[first["interim"][0]["record"]]
    assert interim["WARC-Target-URI"] == "urn:holdfast:exchange:1:interim:1"
    last, _ = done.records()[done.exchanges[2]["response"]["record"]]
    assert last["WARC-Payload-Digest"] == "sha256:" + hashlib.sha256(b"hello").hexdigest()
    check(done.out / "archive/data.warc.gz")
    index = (done.out / "indexes/index.cdxj").read_text().splitlines()
    assert [line.split(" ")[0] for line in index] == [
        "com,a.example)/".replace("com,a.example", "example,a"),
        "example,a)/head?__wb_method=head",
        "example,a)/last",
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(at_=st.integers(0, 10_000))
def test_a_log_cut_at_any_byte_is_decoded_as_far_as_it_goes(tmp_path: Path, at_: int) -> None:
    log = keep_alive([20], tls=False).dump()
    start = log.index(b"\n") + 1
    cut = start + at_ % (len(log) - start)
    done = run(log[:cut], tmp_path)
    if cut < len(log) - len(b'],\n"polledData": {}\n}\n') - 1:
        assert done.summary.lossy
        assert done.summary.losses["crash"] >= 1
    for exchange in done.exchanges:
        assert exchange["exact"] or exchange["loss"]
        response = exchange["response"]
        if exchange["exchange"] == 1 and response is not None:
            got = done.message(exchange, "response")
            assert CHUNKED.startswith(got) or HINTS.startswith(got)


def test_one_that_is_cut_off_is_stored_and_explained(tmp_path: Path) -> None:
    log = NetLog()
    socket = log.socket()
    request = log.request("http://a.example/").on(socket)
    socket.send(REQUEST % b"/")
    socket.receive(OK[:-2])
    request.end(-3)
    socket.close()
    done = run(log, tmp_path)
    (exchange,) = done.exchanges
    assert done.message(exchange, "response") == OK[:-2]
    assert not exchange["exact"]
    (loss,) = done.lines("loss")
    assert (loss["kind"], loss["why"], loss["exchange"]) == ("cancelled", "ERR_ABORTED", 1)


@pytest.mark.parametrize(
    ("error", "cut", "reason"),
    [
        (-3, False, "unspecified"),
        (-101, False, "disconnect"),
        (0, False, "disconnect"),
        (-7, False, "time"),
        (-101, True, "length"),
    ],
)
def test_a_record_that_is_cut_off_says_why(
    tmp_path: Path, error: int, cut: bool, reason: str
) -> None:
    """ISO 28500 5.15: length, time, disconnect, unspecified."""
    log = NetLog()
    socket = log.socket(remote="127.0.0.1:9999", socks=SOCKS)
    request = log.request("http://a.example/").on(socket)
    socket.send(REQUEST % b"/")
    socket.receive(OK[:-2])
    request.end(error)
    socket.close()
    guard = {"browser_port": 40000, "connection": 1, "cut": cut, "peer": "192.0.2.1"}
    done = run(log, tmp_path, json.dumps(guard).encode())
    (exchange,) = done.exchanges
    cut_off, _ = done.records()[exchange["response"]["record"]]
    assert cut_off["WARC-Truncated"] == reason
    assert "WARC-Truncated" not in done.records()[exchange["request"]["record"]][0]


def test_the_records_of_an_exchange_have_one_date(tmp_path: Path) -> None:
    done = run(keep_alive([], tls=True), tmp_path)
    for exchange in done.exchanges:
        parts = [exchange["request"], exchange["response"], *exchange["interim"]]
        dates = {done.records()[part["record"]][0]["WARC-Date"] for part in parts}
        assert dates == {exchange["sent"]}
        assert all("WARC-Truncated" not in done.records()[p["record"]][0] for p in parts)


def test_a_body_until_the_end_is_whole_only_if_the_browser_took_it_so(tmp_path: Path) -> None:
    for error, exact in ((0, True), (-3, False)):
        log = NetLog()
        socket = log.socket()
        request = log.request("http://a.example/").on(socket)
        socket.send(REQUEST % b"/")
        socket.receive(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")
        request.end(error)
        socket.close()
        done = run(log, tmp_path)
        (exchange,) = done.exchanges
        assert exchange["exact"] is exact
        fields, _ = done.records()[exchange["response"]["record"]]
        assert ("WARC-Truncated" in fields) is not exact


def test_more_than_the_content_length_is_kept_and_told(tmp_path: Path) -> None:
    log = NetLog()
    socket = log.socket()
    request = log.request("http://a.example/").on(socket)
    socket.send(REQUEST % b"/")
    socket.receive(OK + b", world")
    request.end()
    socket.give_back()
    socket.close()
    done = run(log, tmp_path)
    (exchange,) = done.exchanges
    assert done.message(exchange, "response") == OK + b", world"
    assert exchange["response"]["surplus"] == 7


def test_what_comes_unbidden_is_kept_by_itself(tmp_path: Path) -> None:
    log = keep_alive([], tls=False)
    late = b"HTTP/1.1 408 Request Timeout\r\n\r\n"
    log.events.pop()  # its end
    Socket(log, (10, 1)).receive(late)
    Socket(log, (10, 1)).close()
    done = run(log, tmp_path)
    strays = [
        b for f, b in done.records().values() if f.get("WARC-Target-URI", "").endswith("stray")
    ]
    assert strays == [late]
    assert done.summary.stored == 3
    assert done.summary.losses == {"undecoded": 1}


def test_a_redirect_and_a_second_attempt_are_exchanges_of_their_own(tmp_path: Path) -> None:
    log = NetLog()
    dead, socket = log.socket(), log.socket(port=40001)
    request = log.request("http://a.example/").on(dead)
    dead.send(REQUEST % b"/")
    dead.close()
    request.on(socket)
    socket.send(REQUEST % b"/")
    moved = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    socket.receive(moved)
    log.add("URL_REQUEST_REDIRECTED", request.source, location="http://a.example/b")
    request.start("http://a.example/b")
    socket.give_back()
    request.on(socket)
    socket.send(REQUEST % b"/b")
    socket.receive(OK)
    request.end()
    socket.close()
    done = run(log, tmp_path)
    told = [(e["url"][16:], e["follows"], e["status"], bool(e["loss"])) for e in done.exchanges]
    assert told == [("/", None, None, True), ("/", 1, 302, False), ("/b", 2, 200, False)]


def test_nothing_on_the_wire_has_a_reason(tmp_path: Path) -> None:
    log = NetLog()
    socket = log.socket()
    request = log.request("http://a.example/").on(socket)
    socket.send(REQUEST % b"/")
    socket.receive(OK)
    request.end()
    socket.give_back()
    cached = log.request("http://a.example/")
    log.add("HTTP_CACHE_READ_INFO", cached.source, 1)
    cached.end()
    log.request("http://nowhere.example/").end(-105)
    log.request("http://10.0.0.1/").end(-120)
    refused = (URL_REQUEST, log.new())
    log.add("CORS_REQUEST", refused, 1, url="http://b.example/")
    log.add("CORS_REQUEST", refused, 2)
    log.request("http://late.example/")
    guard = json.dumps({"browser_port": 9, "host": "10.0.0.1", "refused": "private address"})
    done = run(log, tmp_path, guard.encode() + b'\n{"torn')
    assert [loss["kind"] for loss in done.lines("loss")] == [
        "not-on-the-wire", "failed", "blocked", "blocked", "cancelled",
    ]  # fmt: skip
    assert done.lines("loss")[0]["why"] == "answered from the browser's cache of exchange 1"
    assert done.lines("loss")[2]["why"] == "the guard refused it: private address"
    assert (done.summary.stored, done.summary.explained, done.summary.lossy) == (1, 5, False)


def test_a_304_refers_to_what_it_revalidates(tmp_path: Path) -> None:
    log = NetLog()
    socket = log.socket()
    for answer in (OK, b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"):
        request = log.request("http://a.example/").on(socket)
        socket.send(REQUEST % b"/")
        socket.receive(answer)
        request.end()
        socket.give_back()
    socket.close()
    done = run(log, tmp_path)
    first, second = done.exchanges
    fields, block = done.records()[second["response"]["record"]]
    assert block == b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
    assert fields["WARC-Type"] == "revisit"
    assert fields["WARC-Refers-To"] == f"<{first['response']['record']}>"
    check(done.out / "archive/data.warc.gz")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_a_websocket_is_kept_raw_and_listed(tmp_path: Path, cuts: list[int]) -> None:
    log = NetLog()
    socket = log.socket()
    request = log.request("ws://a.example/ws").on(socket)
    sent = websocket_frame(b"hello", 1, b"abcd") + websocket_frame(b"\x03\xe8", 8, b"abcd")
    received = websocket_frame(b"world", 1, b"")
    upgraded = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n"
    socket.send(REQUEST % b"/ws")
    for piece in pieces(upgraded + received, cuts):
        socket.receive(piece)
    for piece in pieces(sent, cuts):
        socket.send(piece)
    request.end(-173)
    socket.close()
    done = run(log, tmp_path)
    (exchange,) = done.exchanges
    assert done.message(exchange, "response") == upgraded
    assert (exchange["protocol"], exchange["exact"]) == ("websocket", True)
    records = done.records()
    assert records[exchange["tunnel"]["sent"]["record"]][1] == sent
    assert records[exchange["tunnel"]["received"]["record"]][1] == received
    listing = (done.out / "websocket/1.jsonl").read_bytes()
    listed = [json.loads(line) for line in listing.splitlines()]
    assert [(f["way"], f["opcode"], f["length"]) for f in listed] == [
        ("received", 1, 5), ("sent", 1, 5), ("sent", 8, 2),
    ]  # fmt: skip
    assert listed[1]["sha256"] == hashlib.sha256(b"hello").hexdigest()


def http2_log(cuts: list[int]) -> tuple[NetLog, bytes, bytes]:
    """Make a log of a session with four streams, told in both directions' bytes."""
    log = NetLog()
    socket = log.socket(tls=True, alpn="h2")
    session = (SESSION, log.new())
    log.add("HTTP2_SESSION_INITIALIZED", session, source_dependency=at(socket.source))
    client, server = Encoder(), Encoder()
    paths = (b"/", b"/trailers", b"/reset", b"/ws")
    sent, received = PREFACE + SettingsFrame(0, {}).serialize(), SettingsFrame(0, {}).serialize()
    requests = []
    for stream, path in zip((1, 3, 5, 7), paths, strict=True):
        request = log.request("https://a.example" + path.decode())
        request.job = (17, log.new())
        log.add(
            "HTTP_STREAM_JOB_BOUND_TO_REQUEST", request.job, source_dependency=at(request.source)
        )
        job = request.source if path == b"/ws" else request.job
        log.add("HTTP2_SESSION_SEND_HEADERS", session, stream_id=stream, source_dependency=at(job))
        requests.append(request)
        fields = [
            (b":method", b"GET"),
            (b":authority", b"a.example"),
            (b":path", path),
            (b"b", b"2"),
        ]
        if path == b"/ws":
            fields = [(b":method", b"CONNECT"), (b":protocol", b"websocket"), *fields[1:]]
        flags = ["END_HEADERS"] + ([] if path == b"/ws" else ["END_STREAM"])
        sent += HeadersFrame(stream, client.encode(fields), flags=flags).serialize()
    hints = server.encode([(b":status", b"103"), (b"link", b"</a>")])
    received += HeadersFrame(1, hints, flags=["END_HEADERS"]).serialize()
    for stream in (1, 3, 5, 7):
        block = server.encode([(b":status", b"200"), (b"x-s", b"%d" % stream), (b"x-s", b"again")])
        received += HeadersFrame(stream, block[:2]).serialize()
        received += ContinuationFrame(stream, block[2:], flags=["END_HEADERS"]).serialize()
    received += (
        DataFrame(3, b"he").serialize() + DataFrame(1, b"one", flags=["END_STREAM"]).serialize()
    )
    received += DataFrame(5, b"cut").serialize() + RstStreamFrame(5, 2).serialize()
    received += DataFrame(3, b"llo").serialize()
    trailers = server.encode([(b"x-t", b"1")])
    received += HeadersFrame(3, trailers, flags=["END_HEADERS", "END_STREAM"]).serialize()
    message = websocket_frame(b"world", 1, b"")
    received += DataFrame(7, message, flags=["END_STREAM"]).serialize()
    later = DataFrame(7, websocket_frame(b"hello", 1, b"abcd"), flags=["END_STREAM"]).serialize()
    for piece in pieces(sent, cuts):
        socket.send(piece)
    for piece in pieces(received, cuts):
        socket.receive(piece)
    socket.send(later)
    for request in requests:
        request.end(-3 if request is requests[2] else 0)
    socket.close()
    return log, sent + later, received


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_http2_is_kept_as_frames_and_told_as_exchanges(tmp_path: Path, cuts: list[int]) -> None:
    log, sent, received = http2_log(cuts)
    done = run(log, tmp_path)
    page, trailers, reset, socket = done.exchanges
    assert done.message(page, "request") == b"GET / HTTP/1.1\r\nhost: a.example\r\nb: 2\r\n\r\n"
    assert done.message(page, "response") == (b"HTTP/1.1 200 \r\nx-s: 1\r\nx-s: again\r\n\r\none")
    assert [part["status"] for part in page["interim"]] == [103]
    assert done.message(trailers, "response").endswith(b"\r\n\r\nhello")
    assert trailers["response"]["trailers"] == [["x-t", "1"]]
    assert done.message(reset, "response").endswith(b"\r\n\r\ncut")
    assert [one["exact"] for one in done.exchanges] == [True, True, False, True]
    assert [one["stream"] for one in done.exchanges] == [1, 3, 5, 7]
    assert socket["pseudo"][1] == [":protocol", "websocket"]
    assert socket["tunnel"]["frames"] == 2
    fields, _ = done.records()[page["response"]["record"]]
    assert fields["Holdfast-Synthesised"] == "http/1.1 view of HTTP/2"
    kept = (done.out / "http2/1.frames").read_bytes()
    streams = {b">": b"", b"<": b""}
    while kept:
        mark, size = kept[:1], int.from_bytes(kept[9:13], "big")
        assert int.from_bytes(kept[1:9], "big") > OFFSET * 1000
        streams[mark] += kept[13 : 13 + size]
        kept = kept[13 + size :]
    assert streams == {b">": sent, b"<": received}
    assert not done.summary.lossy


def test_broken_http2_is_kept_and_said_to_be_broken(tmp_path: Path) -> None:
    log = NetLog()
    socket = log.socket(tls=True, alpn="h2")
    socket.send(PREFACE)
    socket.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    socket.close()
    done = run(log, tmp_path)
    assert "undecoded" in done.summary.losses
    assert b"HTTP/1.1 400" in (done.out / "http2/1.frames").read_bytes()


def test_an_exchange_that_the_log_does_not_tell_of_is_stored_all_the_same(tmp_path: Path) -> None:
    log = NetLog()
    socket = log.socket()
    socket.send(REQUEST % b"/secret?a=\xe9")
    socket.receive(OK)
    socket.close()
    done = run(log, tmp_path)
    (exchange,) = done.exchanges
    assert exchange["url"] == "http://a.example/secret?a=%C3%A9"
    assert (exchange["source"], exchange["exact"]) == (None, True)


def test_a_log_and_a_wire_that_disagree_are_a_loss(tmp_path: Path) -> None:
    log = NetLog()
    socket = log.socket()
    request = log.request("http://a.example/asked").on(socket)
    socket.send(REQUEST % b"/other")
    socket.receive(OK)
    request.end()
    socket.close()
    (loss,) = run(log, tmp_path).lines("loss")
    assert loss["why"] == "the log says /asked, and /other was sent"


def test_fewer_bytes_than_the_log_says_make_the_capture_lossy(tmp_path: Path) -> None:
    log = keep_alive([], tls=False)
    for event in log.events:
        if event.get("params", {}).get("byte_count") == len(OK):
            event["params"]["bytes"] = base64.b64encode(OK[:-1]).decode()
    done = run(log, tmp_path)
    assert done.summary.lossy
    assert done.lines("loss")[0]["kind"] == "undecoded"


def test_damaged_lines_are_counted_and_label_the_capture(tmp_path: Path) -> None:
    data = keep_alive([], tls=False).dump()
    lines = data.split(b"\n")
    lines.insert(6, b'{"phase": garbage "type":3},')
    lines.insert(9, b"\xff\xfe")
    done = run(b"\n".join(lines), tmp_path)
    assert (done.summary.damaged_lines, done.summary.stored) == (2, 3)
    assert done.summary.lossy


def test_the_browsers_own_requests_are_named(tmp_path: Path) -> None:
    log = NetLog()
    log.request("https://update.example/", annotation=54845618).end(-105)
    log.request("https://odd.example/", annotation=12345).end(-105)
    log.request("https://a.example/").end(-105)
    unasked = run(log, tmp_path).summary.unasked
    assert [(one["exchange"], one["name"]) for one in unasked] == [(1, "update_client"), (2, None)]


def test_what_services_of_the_browser_ask_in_vain_is_counted_apart(tmp_path: Path) -> None:
    log = NetLog()
    log.request("http://background.invalid/ListAccounts", annotation=35565745).end(-15)
    log.request("http://background.invalid/ours").end(-15)  # a page that asks there is a page
    socket = log.socket()
    sent = log.request("http://background.invalid/sent", annotation=35565745).on(socket)
    socket.send(REQUEST % b"/sent")
    socket.receive(OK)
    sent.end()
    socket.close()
    done = run(log, tmp_path, allowed=("background.invalid",))
    assert (done.summary.exchanges, done.summary.background) == (2, 1)
    assert [one["exchange"] for one in done.summary.unasked] == [3]
    assert (done.summary.stored, done.summary.explained, done.summary.lossy) == (1, 1, False)
    assert [one["loss"] for one in done.exchanges] == [[1], [2], []]
    own, page = done.lines("loss")
    assert (own["kind"], own["exchange"], page["kind"]) == ("background", 1, "failed")


def test_the_guard_tells_the_peer_and_what_was_left_unread(tmp_path: Path) -> None:
    guard = {
        "connection": 1, "browser_port": 40000, "host": "a.example", "answers": ["198.51.100.7"],
        "packets": ["AAA="], "resolved_by": "dns", "peer": "198.51.100.7",
        "received": len(HINTS + CHUNKED + OK) + 40 + 10,
    }  # fmt: skip
    done = run(keep_alive([], tls=False, socks=SOCKS), tmp_path, json.dumps(guard).encode() + b"\n")
    (connection,) = done.lines("connections")
    assert connection["peer"] == "198.51.100.7"
    assert connection["dns"]["packets"] == ["AAA="]
    fields, _ = done.records()[done.exchanges[0]["response"]["record"]]
    assert fields["WARC-IP-Address"] == "198.51.100.7"
    (loss,) = done.lines("loss")
    assert loss["what"] == "connection 1: 10 bytes that the server sent"


# --- the child ------------------------------------------------------------------------------


def test_the_launcher_decodes_in_a_confined_child(tmp_path: Path) -> None:
    (tmp_path / "netlog.json").write_bytes(keep_alive([9, 70], tls=True).dump())
    summary = decode(tmp_path / "netlog.json", None, tmp_path / "out", settings=Settings())
    assert (summary.exchanges, summary.stored, summary.lossy) == (3, 3, False)
    assert summary.browser["version"] == "156.0.0.0"
    assert not [words for words in summary.unprotected if "files" in words or "filter" in words]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "archive", "capture", "certificates", "http2", "indexes", "websocket",
    ]  # fmt: skip
    check(tmp_path / "out/archive/data.warc.gz")


def test_no_netlog_is_the_givers_fault(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b'{"hello": 1}\n')
    with pytest.raises(InputError, match="no NetLog"):
        decode(tmp_path / "x", None, tmp_path / "out", settings=Settings())
    with pytest.raises(InputError, match="No such file"):
        decode(tmp_path / "absent", None, tmp_path / "out2", settings=Settings())
    with pytest.raises(InputError, match="not empty"):
        decode(tmp_path / "x", None, tmp_path / "out", settings=Settings())


def test_a_child_that_dies_leaves_whole_records_and_a_line(tmp_path: Path) -> None:
    log = keep_alive([], tls=False)
    socket = log.socket(port=40001)
    for _ in range(2):  # the second is cut off in the WARC
        request = log.request("http://a.example/large").on(socket)
        socket.send(REQUEST % b"/large")
        socket.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 700000\r\n\r\n")
        for _ in range(7):
            socket.receive(os.urandom(100_000))
        request.end()
        socket.give_back()
    (tmp_path / "netlog.json").write_bytes(log.dump())
    with pytest.raises(ResourceError, match="decoding the browser's log failed"):
        decode(tmp_path / "netlog.json", None, tmp_path / "out", settings=Settings(output=1 << 20))
    left = Decoded(tmp_path / "out", None)  # type: ignore[arg-type]
    assert any(block == CHUNKED for _, block in left.records().values())
    assert any(len(block) > 700_000 for _, block in left.records().values())
    check(tmp_path / "out/archive/data.warc.gz")
    (loss,) = left.lines("loss")
    assert (loss["kind"], loss["loss"]) == ("undecoded", 1)


def test_a_child_has_so_much_time(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "netlog.json")
    writer = os.open(tmp_path / "netlog.json", os.O_RDWR)  # never closed: the child waits for more
    try:
        with pytest.raises(ResourceError, match="time limit of 1 seconds"):
            decode(tmp_path / "netlog.json", None, tmp_path / "out", settings=Settings(seconds=1))
    finally:
        os.close(writer)
