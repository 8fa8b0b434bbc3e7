"""Make web archives for tests, exercises and the scenario: small, right, and the same every time.

`record` writes one WARC record as it is told, so that a test can break any part of it; `wacz` puts
records into a WACZ with true hashes and indexes, signed if a key is given.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING
from uuid import UUID

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.core.canonical import Json

DATE = "2026-03-04T10:11:12Z"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def record_id(number: int) -> str:
    """Return a record's name, made of a number."""
    return f"<urn:uuid:{UUID(int=number, version=4)}>"


def labelled(data: bytes, algorithm: str = "sha256") -> str:
    """Return a labelled digest in base 16."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def record(
    kind: str,
    block: bytes,
    fields: Mapping[str, str | None] | None = None,
    *,
    number: int = 1,
    version: str = "WARC/1.1",
    date: str = DATE,
    end: bytes = b"\r\n\r\n",
) -> bytes:
    """Return one record; a field given as None is left out."""
    given: dict[str, str | None] = {
        "WARC-Type": kind,
        "WARC-Record-ID": record_id(number),
        "WARC-Date": date,
        "Content-Type": "application/octet-stream",
        "WARC-Block-Digest": labelled(block),
        "Content-Length": str(len(block)),
        **(fields or {}),
    }
    lines = [version, *(f"{name}: {value}" for name, value in given.items() if value is not None)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + end


def warcinfo(number: int = 1, *, software: str = "holdfast.testing", date: str = DATE) -> bytes:
    """Return a warcinfo record."""
    block = f"software: {software}\r\nformat: WARC File Format 1.1\r\n".encode()
    return record(
        "warcinfo", block, {"Content-Type": "application/warc-fields"}, number=number, date=date
    )


def exchange(
    url: str,
    request: bytes,
    response: bytes,
    *,
    number: int = 2,
    address: str = "192.0.2.80",
    body: bytes | None = None,
    date: str = DATE,
) -> list[bytes]:
    """Return a response and its request, `number` and the next; `body` is the entity-body."""
    payload = response.partition(b"\r\n\r\n")[2] if body is None else body
    shared = {"WARC-Target-URI": url, "WARC-IP-Address": address}
    return [
        record(
            "response", response,
            {**shared, "Content-Type": "application/http; msgtype=response",
             "WARC-Payload-Digest": labelled(payload)},
            number=number, date=date,
        ),
        record(
            "request", request,
            {**shared, "Content-Type": "application/http; msgtype=request",
             "WARC-Concurrent-To": record_id(number)},
            number=number + 1, date=date,
        ),
    ]  # fmt: skip


def get(path: str, host: str) -> bytes:
    """Return a request for a page."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Test/1.0\r\n\r\n".encode()


def ok(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    """Return a response with a length, unless `fields` say how the body is sent."""
    lines = list(fields) or ["Content-Type: text/html; charset=utf-8"]
    if not any(line.lower().startswith("transfer-encoding") for line in lines):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


def chunked(body: bytes, size: int = 7) -> bytes:
    """Return a body in chunks."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


def zipped(records: Sequence[bytes]) -> bytes:
    """Return records as a .warc.gz: a gzip member each, the same bytes every time."""
    return b"".join(gzip.compress(one, mtime=0) for one in records)


def sign(manifest: bytes, created: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Json]:
    """Return an anonymous signedData over a datapackage.json."""
    digest = labelled(manifest)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signature = key.sign(digest.encode(), ec.ECDSA(hashes.SHA256()))
    return {
        "hash": digest,
        "created": created,
        "software": "holdfast.testing",
        "signature": base64.b64encode(signature).decode(),
        "publicKey": base64.b64encode(public).decode(),
    }


def wacz(
    records: Sequence[tuple[str, bytes]],
    pages: Sequence[tuple[str, str]],
    *,
    extra: Mapping[str, bytes] | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    software: str = "archive maker 1.0",
    date: str = DATE,
) -> bytes:
    """Return a WACZ of records (each with its URL; empty for one without) and pages "
    "(URL, title)."""
    archive, index = b"", []
    stamp = "".join(c for c in date if c.isdigit())
    for url, raw in records:
        member = gzip.compress(raw, mtime=0)
        if url and b"WARC-Type: response" in raw:
            entry = {
                "url": url, "offset": str(len(archive)), "length": str(len(member)),
                "filename": "data.warc.gz", "recordDigest": labelled(member),
            }  # fmt: skip
            index.append(f"{url.partition('://')[2]} {stamp} {json.dumps(entry)}\n")
        archive += member
    lines = [{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}]
    lines += [{"url": url, "title": title, "ts": date} for url, title in pages]
    parts = {
        "archive/data.warc.gz": archive,
        "indexes/index.cdxj": "".join(sorted(index)).encode(),
        "pages/pages.jsonl": "".join(json.dumps(line) + "\n" for line in lines).encode(),
        **(extra or {}),
    }
    manifest = json.dumps(
        {
            "profile": "data-package", "wacz_version": "1.1.1", "created": date,
            "software": software,
            "resources": [
                {"name": path.rpartition("/")[2], "path": path, "hash": labelled(data),
                 "bytes": len(data)}
                for path, data in parts.items()
            ],
        }
    ).encode()  # fmt: skip
    digest: dict[str, Json] = {"path": "datapackage.json", "hash": labelled(manifest)}
    if key is not None:
        digest["signedData"] = sign(manifest, date, key)
    parts["datapackage.json"] = manifest
    parts["datapackage-digest.json"] = json.dumps(digest).encode()
    return packed(parts)


def packed(parts: Mapping[str, bytes]) -> bytes:
    """Return a ZIP of stored parts, the same bytes every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in parts.items():
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), data)
    return out.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """Return the parts of a ZIP, so that a test can change one and pack them again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}
