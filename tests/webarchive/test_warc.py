"""Records: raw, and accepted by the checkers in use."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.webarchive import cdxj
from holdfast.webarchive.spool import Spool
from holdfast.webarchive.warc import Bytes, Writer
from tests.webarchive.checkers import check

if TYPE_CHECKING:
    from pathlib import Path

DATE = "2026-11-24T09:00:00.123000Z"


def unpack(data: bytes) -> bytes:
    """Unpack one gzip member."""
    return zlib.decompress(data, 31)


@given(st.binary(max_size=2000))
def test_a_block_is_what_was_given(block: bytes) -> None:
    stream = io.BytesIO()
    written = Writer(stream).write("resource", DATE, [("WARC-Target-URI", "urn:x")], Bytes(block))
    record = unpack(stream.getvalue())
    head, _, rest = record.partition(b"\r\n\r\n")
    # ISO 28500, section 4: warc-record = header CRLF block CRLF CRLF
    assert rest == block + b"\r\n\r\n"
    assert b"\r\nContent-Length: %d" % len(block) in head
    assert f"sha256:{written.sha256}".encode() in head


@given(st.text(max_size=30))
def test_no_value_breaks_out_of_its_line(value: str) -> None:
    stream = io.BytesIO()
    Writer(stream).write("resource", DATE, [("WARC-Target-URI", value)], Bytes(b"x"))
    head = unpack(stream.getvalue()).partition(b"\r\n\r\n")[0]
    assert len(head.split(b"\n")) == 7
    assert head.count(b"\r\n") == 6


def test_each_record_is_a_member_where_the_index_says(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.gz"
    with path.open("wb") as stream:
        writer = Writer(stream)
        places = [
            writer.write("resource", DATE, [("WARC-Target-URI", f"urn:{n}")], Bytes(b"%d" % n))
            for n in range(3)
        ]
    data = path.read_bytes()
    for number, place in enumerate(places):
        record = unpack(data[place.offset : place.offset + place.length])
        assert record.endswith(b"\r\n\r\n%d\r\n\r\n" % number)
    assert places[-1].offset + places[-1].length == len(data)


def test_a_large_spool_goes_to_a_file_and_comes_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    pieces = [bytes([n]) * 50_000 for n in range(10)]
    for piece in pieces:
        spool.write(piece)
    assert list(tmp_path.iterdir())
    assert b"".join(spool.chunks()) == b"".join(pieces)
    assert spool.start(50_001) == b"\x00" * 50_000 + b"\x01"
    assert spool.sha256 == Bytes(b"".join(pieces)).sha256
    spool.drop()
    assert not list(tmp_path.iterdir())


def test_the_checkers_in_use_accept_it(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.gz"
    with path.open("wb") as stream:
        writer = Writer(stream)
        writer.write(
            "warcinfo", DATE, [("Content-Type", "application/warc-fields")], Bytes(b"a: b\r\n")
        )
        writer.write(
            "response", DATE,
            [
                ("WARC-Target-URI", "http://a.example/"),
                ("Content-Type", "application/http;msgtype=response"),
            ],
            Bytes(b"HTTP/1.1 200 OK\r\nX: \xe9\r\n\r\nhello"),
        )  # fmt: skip
    check(path)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://www.Example.com/A/b/?B=2&a=1#f", "com,example)/a/b?a=1&b=2"),
        ("https://example.com:443", "com,example)/"),
        ("https://example.com:8443/x", "com,example:8443)/x"),
        ("http://127.0.0.1:80/", "127.0.0.1)/"),
        ("http://[::1]:81/", "[::1]:81)/"),
        ("urn:holdfast:exchange:1", "urn:holdfast:exchange:1"),
        ("http://[bad/", "http://[bad/"),
    ],
)
def test_a_key_turns_the_host_around(url: str, key: str) -> None:
    assert cdxj.surt(url) == key


def test_a_preflight_does_not_shadow_the_page() -> None:
    url = "https://a.example/x?y=1"
    keys = {
        cdxj.surt(cdxj.with_method(url, m, b"", form=False)[0]) for m in ("GET", "OPTIONS", "PUT")
    }
    assert len(keys) == 3
    assert cdxj.with_method(url, "POST", b"a=1", form=True) == (
        url + "&__wb_method=POST&a=1",
        "__wb_method=POST&a=1",
    )


@given(st.text(max_size=40))
def test_a_line_is_one_line_of_ascii(url: str) -> None:
    line = cdxj.line(url, DATE, {"url": url})
    assert line.isascii()
    assert "\n" not in line
    assert line.split(" ", 2)[1] == "20261124090000"
