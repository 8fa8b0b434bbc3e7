"""HTTP/2 frames, however the socket cut them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given
from hypothesis import strategies as st

from holdfast.webarchive.http2 import PREFACE, Direction, Frame, Http2Error

FIELDS = [(b":method", b"GET"), (b":path", b"/"), (b"x-b", b"2"), (b"x-a", b"1"), (b"x-b", b"3")]


def sent() -> bytes:
    """What a client might send: a header block in three frames, padded data, a reset."""
    encoder = Encoder()
    block = encoder.encode(FIELDS)
    headers = HeadersFrame(1, block[:3], flags=["END_STREAM"])
    first = ContinuationFrame(1, block[3:5])
    last = ContinuationFrame(1, block[5:], flags=["END_HEADERS"])
    again = HeadersFrame(3, encoder.encode(FIELDS), flags=["END_HEADERS", "PRIORITY"])
    padded = DataFrame(3, b"hello", flags=["PADDED"])
    padded.pad_length = 7
    frames = (
        SettingsFrame(0, {1: 65536}), headers, first, last, again,
        WindowUpdateFrame(0, 100), padded, DataFrame(3, b"bye", flags=["END_STREAM"]),
        RstStreamFrame(3, 8),
    )  # fmt: skip
    return PREFACE + b"".join(frame.serialize() for frame in frames)


def read(data: bytes, cuts: list[int]) -> list[Frame]:
    """Read in the pieces that `cuts` make."""
    direction = Direction(client=True)
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    found: list[Frame] = []
    for start, end in pairwise(edges):
        found += direction.feed(data[start:end])
    assert not direction.partial
    return found


@given(cuts=st.lists(st.integers(0, 1000), max_size=10))
def test_the_frames_are_the_bytes_and_the_fields_keep_their_order(cuts: list[int]) -> None:
    data = sent()
    frames = read(data, cuts)
    assert b"".join(frame.raw for frame in frames) == data
    told = [frame for frame in frames if frame.kind]
    assert [(f.kind, f.stream, f.ends, f.data, f.code) for f in told] == [
        ("headers", 1, True, b"", 0),
        ("headers", 3, False, b"", 0),
        ("data", 3, False, b"hello", 0),
        ("data", 3, True, b"bye", 0),
        ("reset", 3, False, b"", 8),
    ]
    assert told[0].fields == told[1].fields == tuple(FIELDS)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n" + bytes(20),
        PREFACE + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
        PREFACE + HeadersFrame(1, b"\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS"]).serialize(),
        PREFACE + ContinuationFrame(1, b"x").serialize(),
        PREFACE + HeadersFrame(1, b"x").serialize() + DataFrame(1, b"x").serialize(),
    ],
)
def test_what_is_not_http2_is_said_to_be(data: bytes) -> None:
    with pytest.raises(Http2Error):
        read(data, [])


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_else(data: bytes) -> None:
    direction = Direction(client=False)
    seen = b""
    try:
        for frame in direction.feed(data):
            seen += frame.raw
    except Http2Error:
        pass
    assert seen + direction.partial == data
