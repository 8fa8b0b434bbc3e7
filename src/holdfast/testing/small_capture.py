"""Make a small capture without a browser: the parts, records and commitments of a real one.

For tests and exercises of what is done with captures. `SECRETS` are planted in it, each where such
a value stands in real life, and again in other places and other forms.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from holdfast.collect.web import wacz
from holdfast.core import clock
from holdfast.vault.vault import Vault
from holdfast.webarchive import cdxj, pieces
from holdfast.webarchive.warc import Bytes, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric import ec

HOST = "shop.example"
DATE = "2026-03-04T10:11:12Z"
SECRETS: dict[str, bytes] = {
    "cookie": b"c00kie/Value+77==",
    "set-cookie": b"f7e1-new-session-91",
    "bearer": b"eyJhbGciOi.bearer.token99",
    "basic": b"h0rse-battery-staple",
    "access-token": b"acc3ss-t0ken-in-url",
    "path-session": b"JS0123456789ABCDEF",
    "form-password": b"p4ss w0rd&more!",
    "declared-password": b"9471-pinlike",
    "json-token": b"refresh-me-55aa55aa",
    "egress": b"203.0.113.77",
}
"""What must be nowhere in a redacted copy."""
CONTROL = b"This sentence is no secret, and stays."


@dataclass(frozen=True)
class _Exchange:
    url: str
    request: bytes
    response: bytes
    payload: bytes


def exchanges() -> list[_Exchange]:
    """Return what the site was asked, and said."""
    s = SECRETS
    cookie = b"Cookie: lang=en; sid=" + s["cookie"] + b"\r\n"
    front = (
        b"<title>Shop</title><p>" + CONTROL + b"<p>Hello, you come from " + s["egress"]
        + b"<form method=post><input name=user><input type='password' name='code4'></form>"
        b"<a href='/next?access_token=" + s["access-token"] + b"&page=2'>next</a>"
    )  # fmt: skip
    # As links and scripts carry such values on: in base64 at each alignment, and percent-encoded.
    for before in (b"", b"1", b"22"):
        front += b"<i data-s='" + base64.b64encode(before + s["bearer"] + b"&more") + b"'></i>"
    front += b"<i data-s='" + quote(s["cookie"], safe="").encode() + b"'></i>"
    echo = b"<title>Echo</title>" + CONTROL + b" your cookie: " + s["cookie"] + CONTROL * 40
    packed = gzip.compress(echo, 1, mtime=0)
    chunk = s["set-cookie"]
    chunked = b"6\r\nhello \r\n%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (
        7,
        chunk[:7],
        len(chunk) - 7,
        chunk[7:],
    )
    form = (
        b"user=ann&password="
        + quote(s["form-password"]).encode()
        + b"&code4="
        + s["declared-password"]
    )
    told = b'{"ok": true, "refresh_token": "' + s["json-token"] + b'", "note": "' + CONTROL + b'"}'
    basic = base64.b64encode(b"ann:" + s["basic"])
    token = s["access-token"].decode()
    coded = {
        "body": packed,
        "head": b"Content-Encoding: gzip\r\nSet-Cookie: sid=" + chunk + b"; HttpOnly\r\n",
    }
    typed = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n"
    return [
        _exchange("/", b"", b"text/html", front),
        _exchange(f"/next?access_token={token}&page=2", cookie, b"text/html", echo, **coded),
        _exchange(
            f"/cart;jsessionid={s['path-session'].decode()}?x=1",
            b"Authorization: Bearer " + s["bearer"] + b"\r\n",
            b"text/plain",
            b"hello " + chunk,
            body=chunked,
            head=b"Transfer-Encoding: chunked\r\n",
        ),
        _exchange(
            "/login",
            b"authorization: Basic " + basic + b"\r\n" + typed % len(form),
            b"application/json",
            told,
            method=b"POST",
            form=form,
        ),
        _exchange("/about", b"", b"text/plain", CONTROL),
    ]


def _exchange(path: str, fields: bytes, kind: bytes, payload: bytes, **more: bytes) -> _Exchange:
    """Return an exchange; `more` has `body` as sent, `head`, `method`, `form` if they differ."""
    body, extra, form = more.get("body", payload), more.get("head", b""), more.get("form", b"")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n" + extra
    if b"chunked" not in extra:
        head += b"Content-Length: %d\r\n" % len(body)
    request = more.get("method", b"GET") + b" " + path.encode() + b" HTTP/1.1\r\n"
    request += b"Host: shop.example\r\n" + fields
    return _Exchange(f"https://{HOST}{path}", request + b"\r\n" + form, head + b"\r\n" + body, body)


def write(target: Path, key: ec.EllipticCurvePrivateKey, *, note: str = "") -> None:
    """Write a capture, signed with `key`, to the file `target`; `note` makes it another one."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("archive", "indexes", "capture", "views", "stamps", "secrets"):
            (folder / name).mkdir(parents=True)
        lines, told, places = _records(folder)
        views = _views(folder, lines, places)
        _parts(folder, told, views, note)
        wacz.write_index(folder, [one.encode() for one in lines])
        url = exchanges()[1].url
        wacz.write_pages(folder, [{"id": "1", "title": "Echo", "ts": DATE, "url": url}])
        (folder / pieces.RECORDS).write_bytes(b"".join(one.line() for one in places))
        records = pieces.write(folder, key)
        _json(folder / "stamps/after.json", {"records": records, "url": url})
        described = wacz.Described("Echo", url, clock.from_text(DATE))
        wacz.pack(folder, target, described, key)


def in_vault(vault: str, target: str) -> None:
    """Write a capture signed with a vault's own key, as `collect web` there signs."""
    write(Path(target), Vault.open(Path(vault)).keyring.capture_signer())


def _records(folder: Path) -> tuple[list[str], list[dict[str, Any]], list[pieces.Piece]]:
    lines, told, places = [], [], []
    part = "archive/data.warc.gz"
    with (folder / part).open("wb") as stream:
        writer = Writer(stream)
        kind = [("Content-Type", "application/warc-fields")]
        info = writer.write("warcinfo", DATE, kind, Bytes(b"software: holdfast.testing\r\n"))
        places.append(pieces.Piece(part, info.offset, info.length, info.record))
        for number, one in enumerate(exchanges(), 1):
            line: dict[str, Any] = {"exchange": number, "url": one.url, "method": "GET"}
            for what, block in (("response", one.response), ("request", one.request)):
                fields = [
                    ("WARC-Target-URI", one.url),
                    ("WARC-IP-Address", "192.0.2.80"),
                    ("Content-Type", f"application/http;msgtype={what}"),
                ]
                if what == "response" and b"chunked" not in block:
                    digest = hashlib.sha256(one.payload).hexdigest()
                    fields.append(("WARC-Payload-Digest", f"sha256:{digest}"))
                made = writer.write(what, DATE, fields, Bytes(block))
                places.append(pieces.Piece(part, made.offset, made.length, made.record))
                line[what] = {"record": made.record, "sha256": made.sha256, "bytes": made.bytes}
                if what == "response":
                    values = {
                        "url": one.url, "mime": "text/html", "status": "200",
                        "digest": f"sha256:{hashlib.sha256(one.payload).hexdigest()}",
                        "length": str(made.length), "offset": str(made.offset),
                        "filename": "data.warc.gz",
                    }  # fmt: skip
                    method = one.request.split(b" ", 1)[0].decode()
                    body = one.request.partition(b"\r\n\r\n")[2]
                    key, extra = cdxj.with_method(one.url, method, body, True)
                    if extra:
                        values |= {"method": method, "requestBody": extra.partition("&")[2]}
                    lines.append(cdxj.line(key, DATE, values))
            told.append(line)
    return lines, told, places


def _views(folder: Path, lines: list[str], places: list[pieces.Piece]) -> list[dict[str, Any]]:
    echo = b"your cookie: " + SECRETS["cookie"] + b" " + CONTROL
    mhtml = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(b"<p>" + echo) + b"\r\n--b--\r\n"
    )  # fmt: skip
    made = {
        "text.txt": ("text/plain", echo),
        "dom.html": ("text/html", b"<p>" + echo),
        "page.mhtml": ("multipart/related", mhtml),
        "screenshot-01.png": ("image/png", b"\x89PNG\r\n\x1a\n" + b"picture of it"),
    }
    told = []
    part = "archive/views.warc.gz"
    with (folder / part).open("wb") as stream:
        writer = Writer(stream)
        for name, (mime, data) in made.items():
            (folder / "views" / name).write_bytes(data)
            url = f"urn:view:{name}:{exchanges()[1].url}"
            fields = [("WARC-Target-URI", url), ("Content-Type", mime)]
            one = writer.write("resource", DATE, fields, Bytes(data))
            places.append(pieces.Piece(part, one.offset, one.length, one.record))
            values = {
                "url": url, "mime": mime, "status": "200", "digest": f"sha256:{one.sha256}",
                "length": one.length, "offset": one.offset, "filename": "views.warc.gz",
            }  # fmt: skip
            lines.append(cdxj.line(url, DATE, values))
            told.append({"name": name, "sha256": one.sha256, "url": exchanges()[1].url})
    return told


def _parts(
    folder: Path, told: list[dict[str, Any]], views: list[dict[str, Any]], note: str
) -> None:
    capture, local = folder / "capture", SECRETS["egress"].decode()
    url = exchanges()[1].url
    _lines(capture / "exchanges.jsonl", told)
    guard = {"connection": 1, "host": HOST, "local": f"{local}:40112", "peer": "192.0.2.80"}
    _lines(capture / "guard.jsonl", [guard])
    _lines(
        capture / "connections.jsonl",
        [{"connection": 1, "local": "127.0.0.1:5", "peer": "192.0.2.80"}],
    )
    _lines(capture / "loss.jsonl", [])
    _json(capture / "capture.json", {
        "format": "holdfast-capture/1", "asked": {"url": url}, "host": {"local": [local]},
        "note": note, "views": views,
    })  # fmt: skip
    _json(folder / "stamps/before.json", {"url": url})
    (capture / "browser.log").write_bytes(b"console: " + SECRETS["bearer"].hex().encode() + b"\n")
    (folder / "secrets/netlog.json.gz.age").write_bytes(b"age-encryption.org/v1 sealed")
    (folder / "http2").mkdir()
    (folder / "http2/1.frames").write_bytes(b">" + SECRETS["cookie"])


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), "utf-8")


def _json(path: Path, facts: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
