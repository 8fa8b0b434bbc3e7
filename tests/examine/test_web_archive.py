"""A web archive in a case: its bodies are files that every parser and finder sees."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import brotli

from holdfast.examine.openers import web_archive as opener
from holdfast.examine.openers import zip as zip_opener
from holdfast.examine.parsers import _page
from holdfast.testing import web_archives as make
from holdfast.testing.parser_contract import evidence

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

URL = "https://bank.example/login"
PAGE = (
    b"<title>Bank</title><p>Write to ellen@fraud.example<form action=https://collect.example/g "
    b"method=post><input type=password name=p></form><script src=//cdn.stats.example/s.js></script>"
)


def bodies(content: bytes) -> dict[str, bytes]:
    with evidence(content) as file:
        assert opener.match(file)
        return {one.path: one.content.read() for one in opener.unfold(file)}


def test_a_body_is_unfolded_without_chunks_and_codings() -> None:
    coded = brotli.compress(PAGE)
    sent = make.ok(make.chunked(coded), "Content-Encoding: br", "Transfer-Encoding: chunked")
    post = b"POST /login HTTP/1.1\r\nHost: bank.example\r\nContent-Length: 3\r\n\r\na=b"
    records = [make.warcinfo(), *make.exchange(URL, post, sent, body=coded)]
    expected = {"000002/login": PAGE, "000003/login": b"a=b"}
    assert bodies(b"".join(records)) == expected
    assert bodies(make.zipped(records)) == expected
    assert bodies(gzip.compress(b"".join(records))) == expected


def test_names_from_urls_lead_nowhere() -> None:
    for url, name in (
        ("http://a.example/..%2f..%2fetc/passwd", "passwd"),
        ("http://a.example/..", "body"),
        ("http://a.example/x/..%2F..", ".._.."),
        ("http://a.example/%00a", "_a"),
        ("http://a.example", "body"),
    ):
        record = make.exchange(url, b"", make.ok(b"x"))[0]
        assert list(bodies(record)) == [f"000001/{name}"]


def test_a_wacz_unfolds_into_its_parts() -> None:
    content = make.wacz([(URL, make.exchange(URL, b"", make.ok(PAGE))[0])], [(URL, "Bank")])
    with evidence(content) as file:
        assert zip_opener.match(file)
        assert not opener.match(file)
        parts = {one.path: one.content.read() for one in zip_opener.unfold(file)}
    assert parts == make.unpacked(content)


def test_broken_markup_is_read_as_a_browser_reads_it() -> None:
    """A form in a table, a base that moves it, an attribute without quotes."""
    page = _page.read(
        "<base href=//evil.example/a/><table><form action=g.php><tr><td>"
        "<input type=PASSWORD name=p></table><a href='javascript:x'>j</a><a href=http://[::1>bad</a>",
        "https://bank.example/",
    )
    (form,) = page.forms
    assert form.action == "https://evil.example/a/g.php"
    assert form.fields == (("p", "password"),)
    assert [target for target, _ in page.links] == ["javascript:x", "http://[::1"]


def test_a_capture_stands_out_in_the_case(line: Line, tmp_path: Path) -> None:
    """From the command that collects it to the questions that are asked of it."""
    exchange = make.exchange(
        URL, make.get("/login", "bank.example"),
        make.ok(gzip.compress(PAGE, mtime=0), "Content-Encoding: gzip", "Content-Type: text/html"),
    )  # fmt: skip
    (tmp_path / "page.wacz").write_bytes(
        make.wacz([("", make.warcinfo()), *((URL, one) for one in exchange)], [(URL, "Bank")])
    )
    line.must("collect", "archive", "--case", line.case, tmp_path / "page.wacz")
    line.must("examine", "--case", line.case, "--jobs", 1)

    def found(kind: str) -> list[tuple[str, str]]:
        rows = line.must("indicators", "--case", line.case, "--kind", kind, "--json").rows
        return [(row["value"], row["inside"]) for row in rows]

    archive = "archive/data.warc.gz"
    assert found("form-target") == [("https://collect.example/g", archive)]
    assert found("script-host") == [("cdn.stats.example", archive)]
    # The body was compressed: only as a file of its own can a finder see into it.
    assert ("ellen@fraud.example", f"{archive}/000002/login") in found("email")
    events = line.must("timeline", "--case", line.case, "--json").rows
    assert {row["kind"] for row in events} == {"web.exchange", "web.form", "web.page"}
    assert {row["time"] for row in events} == {"2026-03-04T10:11:12Z"}
    hits = line.must("search", "--case", line.case, "--json", "phishing").rows
    assert [row["kind"] for row in hits] == ["web.form"]
    assert line.must("ledger", "--case", line.case, "--json").rows
