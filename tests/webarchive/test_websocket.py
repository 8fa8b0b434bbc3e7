"""WebSocket frames, however the socket cut them."""

from __future__ import annotations

import hashlib
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from holdfast.webarchive.websocket import Frame, Frames, unmask


def frame(payload: bytes, opcode: int, mask: bytes) -> bytes:
    """Make a frame as RFC 6455, section 5.2 draws it."""
    bit = 0x80 if mask else 0
    size = len(payload)
    if size < 126:
        length = bytes((bit | size,))
    elif size < 65536:
        length = bytes((bit | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((bit | 127,)) + size.to_bytes(8, "big")
    body = bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) if mask else payload
    return bytes((0x80 | opcode,)) + length + mask + body


sizes = st.sampled_from([0, 1, 5, 125, 126, 127, 300, 65535, 65536])
masks = st.one_of(st.just(b""), st.binary(min_size=4, max_size=4))


@given(
    made=st.lists(st.tuples(sizes, st.integers(0, 15), masks), max_size=3),
    cuts=st.lists(st.integers(0, 200_000), max_size=8),
    lost=st.integers(0, 3),
)
def test_frames_are_told_however_they_are_cut(
    made: list[tuple[int, int, bytes]], cuts: list[int], lost: int
) -> None:
    payloads = [(b"ab\x00" * size)[:size] for size, _, _ in made]
    raws = [frame(p, code, mask) for p, (_, code, mask) in zip(payloads, made, strict=True)]
    data = b"".join(raws)
    data = data[: len(data) - lost]
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    frames, found = Frames(), list[Frame]()
    for start, end in pairwise(edges):
        found += frames.feed(data[start:end])
    cut_off = frames.close()
    whole = [one for one in found if one.whole]
    assert len(whole) == len(found)
    offset = 0
    for one, raw, payload, (size, code, mask) in zip(found, raws, payloads, made, strict=False):
        assert (one.offset, one.length, one.opcode, one.masked) == (offset, size, code, bool(mask))
        assert one.sha256 == hashlib.sha256(payload).hexdigest()
        offset += len(raw)
    assert (offset < len(data)) == bool(cut_off)
    assert len(found) == len(made) or lost


@given(st.binary(max_size=50), st.binary(min_size=4, max_size=4), st.integers(0, 9))
def test_unmasking_is_xor(piece: bytes, mask: bytes, offset: int) -> None:
    expected = bytes(b ^ mask[(i + offset) % 4] for i, b in enumerate(piece))
    assert unmask(piece, mask, offset) == expected
