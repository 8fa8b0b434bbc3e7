"""Bodies come out as they went in, whichever coding, however cut; and a bomb stays bounded."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from holdfast.testing.web_archives import chunked
from holdfast.webarchive import decoding
from holdfast.webarchive.decoding import DecodingError, dechunked, decoded

if TYPE_CHECKING:
    from collections.abc import Callable

CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(st.sampled_from(sorted(CODERS)), st.binary(max_size=3000), st.integers(1, 500))
def test_what_was_coded_comes_back(coding: str, body: bytes, size: int) -> None:
    coded = CODERS[coding](body)
    assert b"".join(decoded(iter(cut(coded, size)), coding)) == body
    assert b"".join(dechunked(iter(cut(chunked(body), size)))) == body


def test_codings_are_undone_from_the_last() -> None:
    body = b"twice" * 99
    twice = brotli.compress(gzip.compress(body))
    assert b"".join(decoded([twice], "gzip, br")) == body
    raw = zlib.compress(body)[2:-4]
    assert b"".join(decoded([raw], "deflate")) == body, "deflate as some servers send it"
    assert b"".join(decoded([body], "gzip")) == body, "a body that is not coded as it says"
    assert b"".join(decoded([body], "unheard-of")) == body


@pytest.mark.parametrize("coding", sorted(CODERS))
def test_a_body_that_breaks_off_gives_what_there_is_and_says_so(coding: str) -> None:
    body = bytes(range(256)) * 4000
    coded = CODERS[coding](body)
    found = bytearray()
    with pytest.raises(DecodingError):
        for piece in decoded(cut(coded[: len(coded) * 3 // 4], 100), coding):
            found += piece
    assert body.startswith(bytes(found))


@pytest.mark.parametrize("coding", sorted(CODERS))
def test_a_bomb_is_stopped_in_pieces_that_stay_small(
    monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    monkeypatch.setattr(decoding, "LIMIT", 4 << 20)
    coded = CODERS[coding](bytes(64 << 20))
    total = largest = 0
    with pytest.raises(DecodingError, match="over 4194304 bytes"):
        for piece in decoded([coded], coding):
            total += len(piece)
            largest = max(largest, len(piece))
    assert total <= 4 << 20
    assert largest <= 32 << 20, "one piece of a bomb may not be the bomb"
