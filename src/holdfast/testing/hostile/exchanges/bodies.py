"""Bodies: compressed, chunked, large, and many."""

from __future__ import annotations

import base64
import gzip
import hashlib
import zlib
from functools import cache
from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import RawAnswer, situation

if TYPE_CHECKING:
    from holdfast.testing.hostile.situation import Answer, Ask

TEXT = b"The quick brown fox jumps over the lazy dog. " * 40
GZIP = gzip.compress(TEXT, mtime=0)
BROTLI = base64.b64decode(
    "GwcHiCwOeNPQlV2XELsXK6nK0JLMjK1BXObyNsgZnp4Ke4MNOHBIIG8kv0GnFc4cHieqKTjCqXSfBgM="
)
ZSTD = base64.b64decode(
    "KLUv/WAIBrUBANQCVGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gAQDFFv6qDA=="
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=")
TWENTY_MB = 20 << 20
_PLAIN = (b"Content-Type", b"text/plain")


@cache
def noise(size: int) -> bytes:
    """Return bytes that don't compress, the same each time."""
    return hashlib.shake_256(b"hostile").digest(size)


@situation("gzip", "A body in gzip", script="return get('/gzip')")
def in_gzip(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, (b"Content-Encoding", b"gzip")], GZIP)


@situation("brotli", "A body in Brotli", script="return get('/brotli')")
def in_brotli(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, (b"Content-Encoding", b"br")], BROTLI)


@situation("zstd", "A body in Zstandard", script="return get('/zstd')")
def in_zstd(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, (b"Content-Encoding", b"zstd")], ZSTD)


@situation("deflate", "A body in deflate", script="return get('/deflate')")
def in_deflate(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, (b"Content-Encoding", b"deflate")], zlib.compress(TEXT))


@situation("gzip-lie", "A body that is not the gzip it says", script="return get('/gzip-lie')")
def no_gzip(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, (b"Content-Encoding", b"gzip")], TEXT)


@situation("gzip-twice", "A body in gzip in gzip", script="return get('/gzip-twice')")
def twice(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN, (b"Content-Encoding", b"gzip, gzip")], gzip.compress(GZIP, mtime=0))


@situation("trailers", "Chunks with an extension, and trailers", script="return get('/trailers')")
def trailers(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-More\r\n\r\n")
    answer.raw(b"6;name=value\r\nchunk \r\n")
    answer.raw(b"00005\r\ntwo.\n\r\n")
    answer.raw(b"0\r\nX-Sum: abc\r\nx-more: last\r\n\r\n")


@situation("chunked-gzip", "Chunks of gzip", script="return get('/chunked-gzip')")
def chunked_gzip(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n")
    for start in range(0, len(GZIP), 17):
        piece = GZIP[start : start + 17]
        answer.raw(f"{len(piece):X}\r\n".encode() + piece + b"\r\n")
    answer.raw(b"0\r\n\r\n")


@situation("to-the-end", "A body that ends with the connection", script="return get('/to-the-end')")
def to_the_end(_ask: Ask, answer: Answer) -> None:
    assert isinstance(answer, RawAnswer)
    answer.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end\n")
    answer.close()


@situation("empty-body", "A body of no bytes", script="return get('/empty-body')")
def empty(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [_PLAIN])


@situation("twenty-mb", "A body of 20 MB", script="return get('/twenty-mb')")
def twenty_mb(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [(b"Content-Type", b"application/octet-stream")], noise(TWENTY_MB))


@situation(
    "images",
    "Forty small images on kept connections",
    script="""
      await Promise.all(Array.from({length: 40}, (_, i) => new Promise((resolve) => {
        const image = new Image();
        image.onload = image.onerror = resolve;
        image.src = '/images/' + i + '.gif';
        document.getElementById('images').append(image);
      })));""",
)
def images(_ask: Ask, answer: Answer) -> None:
    answer.send(200, [(b"Content-Type", b"image/gif")], GIF)


@situation(
    "upload",
    "A form with a file, and a body of 1 MB, sent up",
    script="""
      const form = new FormData();
      form.append('name', 'Zoë');
      form.append('file', new Blob([new Uint8Array([0, 255, 13, 10])]), 'a "b".bin');
      await get('/upload/form', {method: 'POST', body: form});
      await get('/upload/form', {method: 'POST', body: new URLSearchParams({a: 'b c', d: 'é'})});
      return get('/upload/raw', {method: 'PUT', body: new Uint8Array(1 << 20).fill(65)});""",
)
def upload(ask: Ask, answer: Answer) -> None:
    answer.send(201, [_PLAIN], str(len(ask.body)).encode())
