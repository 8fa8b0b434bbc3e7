"""Packets, and the streams in them: whatever the order, the repetition and the overlap.

RFC 9293 section 3.10.7.4: segments come in any order, and may repeat what was there.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.webarchive import pcapng
from holdfast.webarchive.packets import FIN, SYN, Segment, Stream, segment
from holdfast.webarchive.segments import MOST, Made

if TYPE_CHECKING:
    import random
    from pathlib import Path

ENDS = [
    (("192.0.2.1", 40000), ("198.51.100.2", 443)),
    (("2001:db8::1", 40000), ("2001:db8::2", 443)),
]


def ordered(packets: list[bytes], source: tuple[str, int]) -> tuple[Stream, bytes]:
    """Put one side's packets in order; return the stream, and what it gave."""
    stream, found = Stream(), b""
    for one in packets:
        told = segment(one)
        assert told is not None
        if told.source == source:
            found += stream.take(told)
    stream.close()
    return stream, found


@given(
    st.sampled_from(ENDS), st.lists(st.binary(min_size=1, max_size=3 * MOST // 2), max_size=4),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_bytes_come_out_as_they_went_in(
    ends: tuple[tuple[str, int], tuple[str, int]], said: list[bytes], chance: random.Random
) -> None:
    made = Made(*ends)
    first, *rest = made.opened()
    for data in said:
        rest += made.passed(data, up=True) + made.passed(data[::-1], up=False)
    rest += made.closed()
    rest += chance.sample(rest, min(3, len(rest)))  # some come twice
    back = [one for one in rest if (told := segment(one)) and told.flags & SYN]
    others = [one for one in rest if one not in back]
    chance.shuffle(others)
    for source, expected in (
        (ends[0], b"".join(said)), (ends[1], b"".join(one[::-1] for one in said)),
    ):  # fmt: skip
        stream, found = ordered([first, *back, *others], source)
        assert found == expected
        assert stream.ended
        assert not stream.gap


def test_a_missing_segment_is_a_gap_and_nothing_after_it_is_given() -> None:
    made = Made(*ENDS[0])
    packets = made.opened()
    packets += made.passed(b"one", up=True)
    made.passed(b"two", up=True)  # lost
    packets += made.passed(b"three", up=True) + made.closed()
    stream, found = ordered(packets, ENDS[0][0])
    assert (found, stream.gap, stream.ended) == (b"one", True, False)


def test_a_segment_that_overlaps_gives_only_what_is_new() -> None:
    """A sender that repeats more than was lost, across the end of the sequence numbers."""
    ours, theirs = ENDS[0]
    start = 0xFFFFFFFE

    def piece(at: int, data: bytes, flags: int = 0) -> Segment:
        return Segment(ours, theirs, (start + at) % (1 << 32), flags, data)

    stream = Stream()
    assert stream.take(piece(0, b"", SYN)) == b""
    assert stream.take(piece(1, b"abc")) == b"abc"
    assert stream.take(piece(6, b"fgh")) == b""
    assert stream.take(piece(2, b"bcdefg")) == b"defgh"
    assert stream.take(piece(9, b"", FIN)) == b""
    assert stream.ended


def test_a_connection_whose_beginning_was_missed_is_a_gap() -> None:
    made = Made(*ENDS[0])
    made.opened()
    stream, found = ordered(made.passed(b"data", up=True), ENDS[0][0])
    assert (found, stream.gap) == (b"", True)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_segment_or_none(data: bytes) -> None:
    for first in (b"\x45", b"\x60", b""):
        found = segment(first + data)
        assert found is None or found.data in data


@given(st.binary(max_size=400))
def test_any_bytes_are_packets_or_an_error(data: bytes) -> None:
    out = io.BytesIO()
    pcapng.Writer(out, "test", "")
    for tried in (data, out.getvalue() + data):
        try:
            list(pcapng.packets(io.BytesIO(tried)))
        except pcapng.PcapngError:
            continue


def test_another_program_reads_what_is_written(tmp_path: Path) -> None:
    """tshark finds no fault: checksums, sequence numbers, lengths, times, both IP versions."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("no tshark here: apt-get install tshark")
    plain, whole = tmp_path / "plain", tmp_path / "whole"
    with plain.open("wb") as out:
        writer = pcapng.Writer(out, "test", "made")
        for ends in ENDS:
            made = Made(*ends)
            for one in [
                *made.opened(), *made.passed(b"x" * 70_001, up=True), *made.closed()
            ]:  # fmt: skip
                writer.packet("relay", 1_700_000_000_123_456_789, one, len(one))
    with plain.open("rb") as source, whole.open("wb") as out:
        pcapng.with_keys(source, b"CLIENT_RANDOM 00 00\n", out)
    for file in (plain, whole):
        done = subprocess.run(
            [tshark, "-r", file, "-T", "fields", "-e", "frame.time_epoch", "-e", "tcp.len",
             "-e", "_ws.expert.message", "-e", "frame.interface_name",
             "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
             "-Y", "tcp.len > 0 || tcp.checksum.status == 0 || ip.checksum.status == 0"],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        rows = [one.split("\t") for one in done.stdout.splitlines()]
        assert [int(one[1]) for one in rows] == [MOST, MOST, 70_001 - 2 * MOST] * 2
        assert {(one[0], one[3]) for one in rows} == {("1700000000.123456789", "relay")}
        assert "hecksum" not in done.stdout
