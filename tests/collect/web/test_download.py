"""`collect url`: the file as it was sent, whatever the connection does, and what was said."""

from __future__ import annotations

import gzip
import io
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from holdfast.core.digest import sha256_hex
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.line import Line

FILE = bytes(range(256)) * 400
HEAD = b'HTTP/1.1 200 OK\r\nX-odd:  two  spaces\r\neTaG: "v1"\r\n'


@contextmanager
def raw(*answers: Callable[[bytes], bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Serve each connection with the next answer, bytes as they are; then close it."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += connection.recv(65536)
                    asked.append(request)
                    connection.sendall(answer(request))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/file.bin", asked
        thread.join(10)


def whole(_request: bytes) -> bytes:
    return HEAD + f"Content-Length: {len(FILE)}\r\n\r\n".encode() + FILE


def cut(_request: bytes) -> bytes:
    return whole(b"")[: -len(FILE) // 2]


def rest(request: bytes) -> bytes:
    (wanted,) = [line for line in request.split(b"\r\n") if line.startswith(b"Range: bytes=")]
    start = int(wanted.removeprefix(b"Range: bytes=").removesuffix(b"-"))
    assert b'If-Range: "v1"' in request
    span = f"bytes {start}-{len(FILE) - 1}/{len(FILE)}"
    head = f"HTTP/1.1 206 Partial Content\r\nContent-Range: {span}\r\n"
    return (head + f"Content-Length: {len(FILE) - start}\r\n\r\n").encode() + FILE[start:]


def changed(_request: bytes) -> bytes:
    return HEAD.replace(b"v1", b"v2") + b"Content-Length: 3\r\n\r\nnew"


def download(line: Line, url: str, *options: str) -> Any:
    line.case = line.open_case("--scope", "127.0.0.1")
    return line("collect", "url", "--case", line.case, "--json", *options, url)


def stored(line: Line, item: str) -> bytes:
    return (line.vault / "vault" / "objects" / item[:2] / item).read_bytes()


def said(data: bytes, kind: str) -> list[bytes]:
    """Return the blocks of a WARC's records of one kind, as a stranger's tool reads them."""
    return [
        one.raw_stream.read()
        for one in ArchiveIterator(io.BytesIO(data), no_record_parse=True)
        if one.rec_type == kind
    ]


def test_the_file_and_what_was_said_are_two_items(line: Line) -> None:
    with raw(whole) as (url, asked):
        done = download(line, url)
    assert done.code == 0, done.err
    file, warc = done.rows
    assert (file["path"], warc["path"]) == (url, f"{url}#warc")
    assert file["item"] == sha256_hex(FILE)
    assert said(stored(line, warc["item"]), "response") == [whole(b"")]
    assert said(stored(line, warc["item"]), "request") == asked
    first, _ = line.entries("collect.item")
    assert first["record"]["kind"] == "download"
    assert first["record"]["complete"] is True
    line.intact()


def test_what_broke_off_goes_on_where_it_was(line: Line) -> None:
    with raw(cut, rest) as (url, _):
        done = download(line, url)
    assert done.code == 0, done.err
    file, warc = done.rows
    assert file["item"] == sha256_hex(FILE)
    first, second = said(stored(line, warc["item"]), "response")
    assert first == cut(b"")
    assert second.startswith(b"HTTP/1.1 206 ")
    assert b"WARC-Truncated: disconnect" in gzip.decompress(stored(line, warc["item"]))


def test_another_file_under_the_address_is_not_put_behind_the_first_half(line: Line) -> None:
    with raw(cut, changed) as (url, _):
        done = download(line, url)
    assert done.code == 3
    assert "asked for the rest, the server answered 200" in done.err
    file, _ = done.rows
    assert stored(line, file["item"]) == FILE[: len(FILE) // 2]
    first, _ = line.entries("collect.item")
    assert first["record"]["complete"] is False
    (skipped,) = line.entries("collect.skip")
    assert skipped["kind"] == "partial"


def test_a_file_past_the_limit_is_cut_and_said_to_be(line: Line) -> None:
    large = b"x" * 3_000_000

    def answer(_request: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + large

    with raw(answer) as (url, _):
        done = download(line, url, "--limit", "1")
    assert done.code == 3
    assert "larger than the limit of 1000000 bytes" in done.err
    assert 1_000_000 < done.rows[0]["size"] < 2_000_000


def test_chunks_are_put_together_in_the_file_and_kept_in_the_archive(line: Line) -> None:
    sent = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    )
    with raw(lambda _: sent) as (url, _):
        done = download(line, url)
    assert done.code == 0, done.err
    file, warc = done.rows
    assert stored(line, file["item"]) == b"abcde"
    assert said(stored(line, warc["item"]), "response") == [sent]


@pytest.mark.parametrize("where", ["http://127.0.0.2:9/x", "file:///etc/passwd"])
def test_a_redirect_out_of_the_scope_is_kept_and_not_followed(line: Line, where: str) -> None:
    with serving(Site({"/": page("", 302, Location=where)})) as site:
        done = download(line, site.url)
    assert done.code == 3
    assert f"it leads to {where}: outside the case's scope" in done.err
    (warc,) = done.rows
    assert f"Location: {where}".encode() in said(stored(line, warc["item"]), "response")[0]
    (entry,) = line.entries("collect.item")
    assert entry["record"]["out_of_scope"] == where


def test_outside_the_scope_nothing_is_asked_for(line: Line) -> None:
    with serving(Site({})) as site:
        line.case = line.open_case("--scope", "example.org")
        done = line("collect", "url", "--case", line.case, site.url)
        assert site.asked == []
    assert done.code == 4
    assert [one["refused"] for one in line.entries("denied")] == ["collect.url"]


def test_a_name_in_the_scope_does_not_reach_a_private_address(line: Line) -> None:
    with serving(Site({"/": page("secret")})) as site:
        line.case = line.open_case("--scope", "shop.example")
        url = f"http://shop.example:{site.port}/"
        given = ("--case", line.case, "--resolve", "shop.example=127.0.0.1")
        done = line("collect", "url", *given, url)
        assert site.asked == []
    assert done.code == 3
    assert "127.0.0.1 is loopback, and the case does not name it" in done.err
