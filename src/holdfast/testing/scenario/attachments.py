"""Small real files, byte for byte the same everywhere: a PDF, a PNG, a gzip member.

Nothing is compressed with zlib's own choices, which differ between zlib and its replacements: the
deflate streams (RFC 1951) are written by hand, and are valid rather than small.
"""

from __future__ import annotations

import re
import struct
import zlib

_ESCAPED = re.compile(rb"[()\\\\]")


def _reversed(code: int, width: int) -> int:
    """Return a Huffman code as deflate packs it: first bit lowest."""
    return int(f"{code:0{width}b}"[::-1], 2)


_EIGHT_BITS = bytes(_reversed(0x30 + byte, 8) if byte < 144 else 0 for byte in range(256))


def pdf(*lines: str) -> bytes:
    """Return a valid one-page PDF 1.4 showing `lines` (Latin-1) in Helvetica."""
    shown = b" T* ".join(
        b"(" + _ESCAPED.sub(rb"\\\g<0>", line.encode("latin-1")) + b") Tj" for line in lines
    )
    stream = b"BT /F1 12 Tf 16 TL 72 760 Td " + shown + b" ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def png(red: int, green: int, blue: int, side: int = 12) -> bytes:
    """Return a valid `side` x `side` RGB image of one colour with a lighter diagonal."""
    rows = bytearray()
    for y in range(side):
        rows.append(0)
        for x in range(side):
            lift = 60 if x == y else 0
            rows += bytes(min(255, part + lift) for part in (red, green, blue))
    data = b"\x78\x01" + stored(bytes(rows)) + struct.pack(">I", zlib.adler32(rows))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def gzip(data: bytes, modified: int) -> bytes:
    """Return `data` as a gzip member (RFC 1952); `modified` in microseconds UTC.

    Its text can't be read in passing, as that of stored blocks could: who doesn't unpack it, has
    nothing.
    """
    head = struct.pack("<BBBBIBB", 0x1F, 0x8B, 8, 0, modified // 1_000_000, 0, 3)
    return head + literals(data) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def literals(data: bytes) -> bytes:
    """Return a deflate stream of literals in the fixed Huffman code (RFC 1951, 3.2.6)."""
    bits, count = 0b011, 3
    for run in re.findall(rb"[\x00-\x8f]+|[\x90-\xff]", data):
        if run[0] < 144:
            bits |= int.from_bytes(run.translate(_EIGHT_BITS), "little") << count
            count += 8 * len(run)
        else:
            bits |= _reversed(0x190 + run[0] - 144, 9) << count
            count += 9
    # The end of the block is seven zero bits.
    return bits.to_bytes((count + 7 + 7) // 8, "little")


def stored(data: bytes) -> bytes:
    """Return a deflate stream of stored blocks only (RFC 1951, 3.2.4)."""
    blocks = [data[at : at + 0xFFFF] for at in range(0, len(data), 0xFFFF)] or [b""]
    return b"".join(
        struct.pack("<BHH", number == len(blocks), len(block), len(block) ^ 0xFFFF) + block
        for number, block in enumerate(blocks, 1)
    )
