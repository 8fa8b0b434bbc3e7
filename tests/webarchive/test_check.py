"""A WARC's verdict: each rule by a file that breaks it alone, and no byte changed unseen.

ISO 28500:2017, 5.8: "The WARC-Block-Digest is an optional parameter indicating the algorithm name
and calculated value of a digest applied to the full block of the record."
"""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.testing import web_archives as make
from holdfast.webarchive.judge import judge
from holdfast.webarchive.reader import WarcReader

if TYPE_CHECKING:
    from holdfast.webarchive.report import Report

URL = "http://bank.example/login"
PAGE = b"<html><title>Bank</title><p>Welcome</p></html>"
RESPONSE, REQUEST = make.exchange(URL, make.get("/login", "bank.example"), make.ok(PAGE))
GOOD = [make.warcinfo(), RESPONSE, REQUEST]


def report(content: bytes) -> Report:
    return judge(io.BytesIO(content))


def broken(content: bytes) -> set[str]:
    """The rules that are broken, notes left out."""
    found = report(content)
    return {one.rule.name for one in found.findings if one.rule.severity.value != "note"}


def resource(number: int = 9, **fields: str | None) -> bytes:
    names = {name.replace("_", "-"): value for name, value in fields.items()}
    given = {"WARC-Target-URI": "http://bank.example/a", **names}
    return make.record("resource", b"body", given, number=number)


def test_what_is_right_is_valid() -> None:
    for content in (b"".join(GOOD), make.zipped(GOOD)):
        found = report(content)
        assert (found.verdict, dict(found.counts)) == ("valid", {})
        assert found.facts["records"] == 3
        assert found.facts["digests"] == {"block": 3, "payload": 1}


RULES: dict[str, bytes] = {
    "file.empty": b"",
    "version.missing": b"\r\n" + GOOD[0],
    "version.unknown": make.record("resource", b"x", {"WARC-Target-URI": URL}, version="WARC/2.0"),
    "header.unfinished": GOOD[0][:60],
    "header.line-end": GOOD[0].replace(b"\r\n", b"\n", 3),
    "field.syntax": resource(WARC_Date=f"{make.DATE}\r\nno colon here"),
    "field.name": resource(WARC_Date=f"{make.DATE}\r\na b: c"),
    "field.utf8": resource(X="@").replace(b"@", b"\xff"),
    "field.control": resource(X="@").replace(b"@", b"\x01"),
    "field.empty": resource(WARC_IP_Address=""),
    "field.repeated": resource(WARC_Date=f"{make.DATE}\r\nWARC-Date: {make.DATE}"),
    "record.short": resource()[:-6],
    "record.end": resource()[:-2],
    "file.stray": GOOD[0] + b"stray\r\n" + RESPONSE,
    "id.missing": resource(WARC_Record_ID=None),
    "length.missing": make.record(
        "resource", b"", {"WARC-Target-URI": URL, "Content-Length": None}
    ),
    "date.missing": resource(WARC_Date=None),
    "type.missing": resource(WARC_Type=None),
    "target.missing": resource(WARC_Target_URI=None),
    "profile.missing": make.record("revisit", b"", {"WARC-Target-URI": URL}),
    "revisit.digest": make.record(
        "revisit", b"",
        {"WARC-Target-URI": URL,
         "WARC-Profile": "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"},
    ),
    "segment.number-missing": make.record(
        "continuation", b"x",
        {"WARC-Target-URI": URL, "WARC-Segment-Origin-ID": make.record_id(1), "Content-Type": None},
    ),
    "segment.origin-missing": make.record(
        "continuation", b"x",
        {"WARC-Target-URI": URL, "WARC-Segment-Number": "2", "Content-Type": None},
    ),
    "content-type.missing": resource(Content_Type=None),
    "field.forbidden": resource(WARC_Filename="a.warc"),
    "profile.forbidden": resource(WARC_Profile="http://example.com/p"),
    "id.form": resource(WARC_Record_ID="<zaphod>"),
    "id.reused": resource() + make.record("resource", b"else", {"WARC-Target-URI": URL}, number=9),
    "length.form": make.record("resource", b"", {"WARC-Target-URI": URL, "Content-Length": "+0"}),
    "date.form": resource(WARC_Date="2026-02-30T00:00:00Z"),
    "content-type.form": resource(Content_Type="gif\\image"),
    "reference.form": resource(WARC_Concurrent_To=make.record_id(3).strip("<>")),
    "digest.form": resource(WARC_Block_Digest="sha256"),
    "digest.block": resource(WARC_Block_Digest=make.labelled(b"other")),
    "digest.payload": resource(WARC_Payload_Digest=make.labelled(b"other")),
    "ip.form": resource(WARC_IP_Address="192.0.2.256"),
    "target.form": resource(WARC_Target_URI="http://bank.example/with space"),
    "truncated.form": resource(WARC_Truncated="a b"),
    "profile.form": make.record("revisit", b"", {"WARC-Target-URI": URL, "WARC-Profile": "kitty"}),
    "payload-type.form": resource(WARC_Identified_Payload_Type="text"),
    "segment.form": resource(WARC_Segment_Number="one"),
    "warcinfo.type": make.record("warcinfo", b"a: b\r\n"),
    "response.type": RESPONSE.replace(b"application/http; msgtype=response", b"text/html"),
    "request.type": RESPONSE + REQUEST.replace(b"msgtype=request", b"msgtype=response"),
    "response.ip": RESPONSE.replace(b"WARC-IP-Address: 192.0.2.80\r\n", b""),
    "request.ip": RESPONSE + REQUEST.replace(b"WARC-IP-Address: 192.0.2.80\r\n", b""),
    "dns.type": resource(WARC_Target_URI="dns:bank.example"),
    "concurrent.date": RESPONSE + REQUEST.replace(b"10:11:12Z", b"10:11:13Z"),
    "segment.first": resource(WARC_Segment_Number="3"),
    "segment.number": make.record(
        "continuation", b"x",
        {"WARC-Target-URI": URL, "WARC-Segment-Origin-ID": make.record_id(1),
         "WARC-Segment-Number": "1", "Content-Type": None},
    ),
    "gzip.record": gzip.compress(b"".join(GOOD)),
    "gzip.cut": make.zipped(GOOD)[:-4],
    "gzip.stray": make.zipped(GOOD) + b"stray",
    "file.unknown": b"%PDF-1.7\n",
}  # fmt: skip
ALSO = {
    "file.empty": {"file.unknown"},
    "record.short": {"digest.block"},
    "response.type": {"digest.payload"},
    "file.unknown": {"file.empty", "version.missing"},
}
"""What the same fault breaks besides."""


@pytest.mark.parametrize("rule", sorted(RULES))
def test_each_rule_is_broken_alone(rule: str) -> None:
    found = broken(RULES[rule])
    assert rule in found
    # After a header without a length nobody knows where the record ends.
    assert found - {rule} - ALSO.get(rule, set()) - {"file.stray"} == set()


def test_segments_are_counted_over_the_file() -> None:
    first = make.record(
        "resource", b"abc", {"WARC-Target-URI": URL, "WARC-Segment-Number": "1"}, number=20
    )

    def go_on(number: str, **more: str) -> bytes:
        fields: dict[str, str | None] = {
            "WARC-Target-URI": URL, "WARC-Segment-Origin-ID": make.record_id(20),
            "WARC-Segment-Number": number, "Content-Type": None,
        }  # fmt: skip
        fields |= {name.replace("_", "-"): value for name, value in more.items()}
        return make.record("continuation", b"de", fields, number=20 + int(number))

    assert broken(first + go_on("2", WARC_Segment_Total_Length="5")) == set()
    assert broken(first + go_on("2", WARC_Segment_Total_Length="6")) == {"segment.total"}
    assert broken(first + go_on("3", WARC_Segment_Total_Length="5")) == {"segment.number"}
    assert "segment.open" in report(first + go_on("2")).counts


def test_a_payload_is_what_stands_without_chunks() -> None:
    """6.3.2: "The payload of a 'response' record with a target-URI of scheme 'http' or 'https' is
    defined as its 'entity-body'", which RFC 2616 7.2 has after any transfer coding is undone.
    """
    sent = make.ok(make.chunked(PAGE), "Content-Type: text/html", "Transfer-Encoding: chunked")
    request = make.get("/login", "bank.example")

    def verdict(payload: bytes) -> set[str]:
        return broken(b"".join(make.exchange(URL, request, sent, body=payload)))

    assert verdict(PAGE) == set()
    assert verdict(make.chunked(PAGE)) == {"digest.chunked"}
    assert verdict(PAGE + b"!") == {"digest.payload"}


def test_a_body_that_is_short_is_noted_unless_none_was_to_come() -> None:
    """RFC 9110 9.3.2 and 8.6: after HEAD, and in a 304, a length tells of what is not sent."""
    short = make.ok(b"", "Content-Length: 100")
    get = make.get("/", "bank.example")
    head = get.replace(b"GET", b"HEAD")

    def notes(request: bytes, response: bytes) -> set[str]:
        pair = make.exchange(URL, request, response)
        (first, second) = (set(report(b"".join(order)).counts) for order in (pair, pair[::-1]))
        assert first == second
        return first

    assert notes(get, short) == {"response.short"}
    assert notes(head, short) == set()
    assert notes(get, make.ok(b"", "Content-Length: 100", status="304 Not Modified")) == set()


@pytest.mark.parametrize(
    "value",
    [
        "sha1:9ABB18B2F9EB1DEEE22DBFD1D83BBD0DEA36C6FC".lower(),
        "SHA-1:9ABB18B2F9EB1DEEE22DBFD1D83BBD0DEA36C6FC",
    ],
)
def test_a_digest_of_another_block_is_seen_in_every_spelling(value: str) -> None:
    assert broken(resource(WARC_Block_Digest=value)) == {"digest.block"}


def test_a_digest_is_read_in_each_of_three_bases() -> None:
    import base64  # noqa: PLC0415
    import hashlib  # noqa: PLC0415

    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        raw = hashlib.new(algorithm, b"body").digest()
        encoded = (base64.b32encode(raw), base64.b64encode(raw), base64.urlsafe_b64encode(raw))
        for text in (raw.hex(), raw.hex().upper(), *(one.decode() for one in encoded)):
            assert broken(resource(WARC_Block_Digest=f"{algorithm}:{text}")) == set(), text


def test_drafts_are_read_and_said_to_be_drafts() -> None:
    for version in ("WARC/0.17", "WARC/0.18"):
        found = report(make.warcinfo().replace(b"WARC/1.1", version.encode()))
        assert (found.verdict, set(found.counts)) == ("valid", {"version.draft"})


def test_the_place_of_a_finding_is_where_its_record_begins() -> None:
    bad = resource(WARC_IP_Address="nowhere")
    for content, offset in (
        (b"".join([*GOOD, bad]), sum(map(len, GOOD))),
        (make.zipped([*GOOD, bad]), len(make.zipped(GOOD))),
    ):
        (one,) = report(content).findings
        assert (one.offset, one.record) == (offset, make.record_id(9))


WHOLE = b"".join(GOOD)
BLOCKS = [
    (at := WHOLE.index(block), at + len(block))
    for block in (make.ok(PAGE), make.get("/login", "bank.example"))
]


@given(st.sampled_from(BLOCKS), st.data(), st.integers(1, 255))
def test_any_byte_changed_in_a_block_is_seen(
    block: tuple[int, int], data: st.DataObject, change: int
) -> None:
    at = data.draw(st.integers(block[0], block[1] - 1))
    changed = bytearray(WHOLE)
    changed[at] ^= change
    assert "digest.block" in report(bytes(changed)).counts


@given(st.integers(0, len(make.zipped(GOOD)) - 1), st.integers(1, 255))
def test_any_byte_changed_in_a_compressed_archive_is_seen_or_changes_nothing(
    at: int, change: int
) -> None:
    """gzip's own header has bytes (time, operating system) that stand for nothing."""
    content = make.zipped(GOOD)
    changed = bytearray(content)
    changed[at] ^= change
    if report(bytes(changed)).verdict == "valid":
        assert gzip.decompress(bytes(changed)) == gzip.decompress(content)


PIECES = st.sampled_from(
    [b"WARC/1.0\r\n", b"WARC/1.1\r\n", b"Content-Length: 5\r\n", b"Content-Length: 99999\r\n",
     b"\r\n\r\n", b"WARC-Type: response\r\n", b"WARC-Target-URI: http://a.example/\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nabcde\r\n", b"0\r\n\r\n",
     b"filedesc://x 0.0.0.0 20260101000000 text/plain 3\n", b"\x1f\x8b\x08",
     make.zipped([GOOD[0]]), RESPONSE, b"PK\x03\x04"]
)  # fmt: skip


@given(st.lists(st.one_of(st.binary(max_size=60), PIECES), max_size=12).map(b"".join))
def test_no_bytes_crash_the_reader_or_go_uncounted(content: bytes) -> None:
    found = report(content)
    found.as_json()
    assert found.verdict in {"valid", "deviates", "invalid"}
    if found.kind == "wacz":
        return
    end = 0
    for record in WarcReader(io.BytesIO(content)):
        assert record.offset >= 0
        while record.read():
            pass
        end = record.end
    assert end <= len(content)
