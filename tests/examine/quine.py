"""A ZIP file whose only member is the ZIP file itself, made from nothing.

After Russ Cox, "Zip Files All The Way Down" (2010), whose idea it is: deflate has blocks that print
bytes and matches that repeat bytes, and a program of these two can print its own text. The order of
the steps below, and that each takes five bytes, is worked out here.
"""

from __future__ import annotations

import struct
import zlib

NAME = b"this-archive-is-its-member.zip"
_HEAD, _TAIL = 60, 253
"""Bytes before and after the deflate stream: a repetition of so many fits into five bytes."""


def _print(count: int, data: bytes = b"") -> bytes:
    """Return a stored block (RFC 1951, 3.2.4), which prints the `count` bytes behind it."""
    return struct.pack("<BHH", 0, count, count ^ 0xFFFF) + data


def _repeat(count: int, *, last: bool = False) -> bytes:
    """Return five bytes that print the last `count` bytes again (RFC 1951, 3.2.5 and 3.2.6)."""
    bits = [int(last), 1, 0]
    for length in {20: (10, 10), 65: (65,), 258: (258,)}[count]:
        code, extra, width = {10: (264, 0, 0), 65: (276, 65 - 59, 3), 258: (285, 0, 0)}[length]
        value, size = (code - 256, 7) if code < 280 else (code - 280 + 0b11000000, 8)
        bits += [value >> place & 1 for place in reversed(range(size))]
        bits += [extra >> place & 1 for place in range(width)]
        distance, start, width = {20: (8, 17, 3), 65: (12, 65, 5), 258: (16, 257, 7)}[count]
        bits += [distance >> place & 1 for place in reversed(range(5))]
        bits += [(count - start) >> place & 1 for place in range(width)]
    bits += [0] * 7
    while len(bits) < 40:
        # Empty blocks fill up; the last block of a stream is the last one of them.
        bits += [0, 1, 0] + [0] * 7
    if last:
        bits[0], bits[30] = 0, 1
    assert len(bits) == 40
    return bytes(sum(bit << place for place, bit in enumerate(bits[at : at + 8]))
                 for at in range(0, 40, 8))  # fmt: skip


def _archive(crc: int, size: int, packed: int) -> bytes:
    common = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0x21, crc, packed, size)
    head = b"PK\3\4" + common + struct.pack("<HH", len(NAME), 0) + NAME
    listed = (
        b"PK\1\2" + struct.pack("<H", 20) + common
        + struct.pack("<HHHHHII", len(NAME), 0, 0, 0, 0, 0, 0) + NAME
    )  # fmt: skip
    comment = _TAIL - len(listed) - 22
    tail = listed + b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, 1, 1, len(listed), len(head) + packed, comment
    ) + b"#" * comment  # fmt: skip
    assert (len(head), len(tail)) == (_HEAD, _TAIL)
    head_again, tail_again = _repeat(_HEAD + 5), _repeat(_TAIL + 5, last=True)
    four, again, one, none = _print(20), _repeat(20), _print(5), _print(0)
    end = _print(_TAIL + 5)
    stream = b"".join(
        (
            # The head, and this very step's first bytes.
            _print(_HEAD + 5, head + _print(_HEAD + 5)),
            head_again,  # the rest of the step above
            one + head_again,
            one + one,
            four + head_again + one + one + four,
            again,
            four + again + four + again + four,
            again,
            four + again + none + none + end,
            again,  # this step itself, and the three behind it
            none,
            none,
            end + tail_again + tail,
            tail_again,  # the step itself, and the tail
        )
    )
    return head + stream + tail


def quine() -> bytes:
    """Return the archive. Its CRC-32 is part of itself: it is solved for, CRC being linear."""
    empty = _archive(0, 0, 0)
    size, packed = len(empty), len(empty) - _HEAD - _TAIL

    def wrong(crc: int) -> int:
        return zlib.crc32(_archive(crc, size, packed)) ^ crc

    constant = wrong(0)
    rows = [(wrong(1 << place) ^ constant, 1 << place) for place in range(32)]
    crc, left = 0, constant
    for bit in reversed(range(32)):
        pivot = next((row for row in rows if row[0] >> bit & 1), None)
        if pivot is None:
            continue
        rows = [
            (row[0] ^ pivot[0], row[1] ^ pivot[1]) if row[0] >> bit & 1 else row
            for row in rows if row is not pivot
        ]  # fmt: skip
        if left >> bit & 1:
            left, crc = left ^ pivot[0], crc ^ pivot[1]
    assert left == 0, "no CRC-32 fits: change the name"
    return _archive(crc, size, packed)
