"""Where HTTP/1.1 messages end, however the socket cut them."""

from __future__ import annotations

import gzip
import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.webarchive.http1 import HEAD, Message, State, parse_head

WHOLE = {
    "sized": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "GET", b"hello"),
    "empty": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", b""),
    # RFC 9112, section 6.3: "Any response to a HEAD request and any response with a 1xx, 204, or
    # 304 status code is always terminated by the first empty line"
    "head": (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", "HEAD", b""),
    "204": (b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", "GET", b""),
    "304": (b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 9\r\n\r\n", "GET", b""),
    "103": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "GET", b""),
    "100": (b"HTTP/1.1 100 Continue\r\n\r\n", "POST", b""),
    "101": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "GET", b""),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0 \r\n\r\n",
        "GET", b"hello",
    ),
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        b"2\r\nhe\r\n3\r\nllo\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
        "GET", b"hello",
    ),
    "bare LF": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "GET", b"ok"),
    "Latin-1 and obs-fold": (
        b"HTTP/1.1 200 OK\r\nX-L: \xe9\r\nX-F: a\r\n\tb\r\nContent-Length: 2\r\n\r\nok",
        "GET", b"ok",
    ),
    "gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
        % (len(gzip.compress(b"x", mtime=0)), gzip.compress(b"x", mtime=0)),
        "GET", gzip.compress(b"x", mtime=0),
    ),
}  # fmt: skip


def feed(message: Message, data: bytes, cuts: list[int]) -> int:
    """Feed `data` in the pieces that `cuts` make; return how much was taken."""
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    taken = 0
    for start, end in pairwise(edges):
        if start < end and not message.done:
            taken += message.feed(data[start:end])
    return taken


@pytest.mark.parametrize("name", WHOLE)
@given(cuts=st.lists(st.integers(0, 1000), max_size=8), after=st.binary(max_size=20))
def test_a_message_ends_at_the_same_byte_however_it_is_cut(
    name: str, cuts: list[int], after: bytes
) -> None:
    data, method, payload = WHOLE[name]
    message = Message(request=False, method=method)
    assert feed(message, data + after, cuts) == len(data) == message.length
    assert message.done
    assert not message.fault
    assert message.payload.hexdigest() == hashlib.sha256(payload).hexdigest()
    assert message.head_length == data.index(b"ok" if name == "bare LF" else b"\r\n\r\n") + (
        0 if name == "bare LF" else 4
    )


def test_the_fields_are_as_sent() -> None:
    data, _, _ = WHOLE["Latin-1 and obs-fold"]
    head = parse_head(data)
    assert head.fields[:2] == ((b"X-L", b"\xe9"), (b"X-F", b"a b"))


def test_trailers_are_told() -> None:
    data, method, _ = WHOLE["trailers"]
    message = Message(request=False, method=method)
    message.feed(data)
    assert message.trailers is not None
    assert message.trailers.fields == ((b"X-A", b"1"), (b"X-B", b"2"))


@given(cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_a_request_ends_with_its_body(cuts: list[int]) -> None:
    data = b"POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\na=1"
    message = Message(request=True)
    assert feed(message, data + b"GET /b HTTP/1.1\r\n", cuts) == len(data)
    assert message.method == "POST"


def test_a_body_without_a_length_goes_on_until_the_end() -> None:
    message = Message(request=False)
    data = b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100
    assert message.feed(data) == len(data)
    assert message.state is State.UNTIL_CLOSE
    assert not message.done


@given(cuts=st.lists(st.integers(0, 100), max_size=5))
def test_what_is_no_http_is_taken_whole(cuts: list[int]) -> None:
    data = b"<html>an answer from 1991</html>"
    message = Message(request=False)
    assert feed(message, data, cuts) == len(data)
    assert message.fault == "no HTTP status line"
    assert message.status is None


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"zz\r\nhello\r\n", "a chunk size that is no number"),
        (b"2\r\nhello\r\n0\r\n\r\n", "a chunk that is longer than its size"),
        (b"1" * 70000, "a chunk's size of more than 65536 bytes"),
    ],
)
def test_broken_chunks_are_a_fault_and_all_bytes_are_taken(body: bytes, fault: str) -> None:
    message = Message(request=False)
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    assert message.feed(data) == len(data)
    assert message.fault == fault
    assert not message.done


def test_a_head_without_end_is_a_fault_and_not_a_leak() -> None:
    message = Message(request=False)
    piece = b"X-A: " + b"a" * 65536 + b"\r\n"
    message.feed(b"HTTP/1.1 200 OK\r\n")
    for _ in range(2 * HEAD // len(piece)):
        message.feed(piece)
    assert message.fault == f"a head of more than {HEAD} bytes"
    assert len(message._kept) <= HEAD
