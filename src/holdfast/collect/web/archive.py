"""Write an exchange's records: WARC, index line, and what exchanges.jsonl says of each message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from holdfast.collect.web.exchanges import ABORTED, text
from holdfast.webarchive import cdxj
from holdfast.webarchive.pieces import Piece
from holdfast.webarchive.warc import REVISIT_304, Bytes, Writer, Written, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from holdfast.collect.web.connections import Connection
    from holdfast.collect.web.exchanges import Exchange, Part

FILE = "data.warc.gz"
_SYNTHESISED = "http/1.1 view of HTTP/2"
_TIME = frozenset({-7, -118})
"""ERR_TIMED_OUT, ERR_CONNECTION_TIMED_OUT."""
_TYPE = re.compile(r"[!-.0-~]+/[!-:<-~]+")


class Archive:
    """The WARC and its index."""

    def __init__(
        self,
        stream: BinaryIO,
        progress: Callable[[int], None],
        places: BinaryIO | None = None,
    ) -> None:
        self._writer = Writer(stream)
        self._places = places
        self._progress = progress
        self._lines: list[str] = []
        self._payloads: dict[str, tuple[str, str, str]] = {}
        """URL: payload digest, record and date of the last 200 that was stored."""

    def begin(self, date: str, fields: Mapping[str, str]) -> None:
        """Write the first record, about all others."""
        block = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in fields.items())
        self._put(
            "warcinfo",
            date,
            [("Content-Type", "application/warc-fields"), ("WARC-Filename", FILE)],
            Bytes(block.encode()),
        )

    def write(self, exchange: Exchange, connection: Connection | None) -> None:
        """Write what there is of an exchange."""
        url = exchange.url.partition("#")[0]
        date = str(text(exchange.request.began if exchange.request else exchange.began))
        common = _common(exchange, connection)
        response_id, request_id = new_id(), new_id()
        if exchange.response is not None:
            fields = [("WARC-Target-URI", url), *common, ("WARC-Concurrent-To", f"<{request_id}>")]
            fields += _truncated(exchange.response, exchange, connection)
            self._response(exchange, url, date, fields, response_id)
        if exchange.request is not None:
            fields = [("WARC-Target-URI", url), *common]
            if exchange.response is not None:
                fields.append(("WARC-Concurrent-To", f"<{response_id}>"))
            fields += _message_fields(exchange.request, "request")
            fields += _truncated(exchange.request, exchange, connection)
            part = exchange.request
            part.written = _told(self._put("request", date, fields, part.spool, request_id), part)
            part.spool.drop()
        for number, part in enumerate(exchange.interim, 1):
            fields = [
                ("WARC-Target-URI", f"urn:holdfast:exchange:{exchange.number}:interim:{number}"),
                *common, ("WARC-Concurrent-To", f"<{request_id}>"),
                *_message_fields(part, "response"),
            ]  # fmt: skip
            written = self._put("resource", date, fields, part.spool)
            part.written = _told(written, part)
            part.spool.drop()

    def stream(self, target: str, date: str, block: Any, fields: list[tuple[str, str]]) -> Written:
        """Write bytes that are no HTTP message: a tunnel's direction, or what belongs nowhere."""
        whole = [
            ("WARC-Target-URI", target), *fields, ("Content-Type", "application/octet-stream"),
        ]  # fmt: skip
        written = self._put("resource", date, whole, block)
        block.drop()
        return written

    def index(self, path: Path) -> None:
        """Write the index, sorted by bytes."""
        self._lines.sort(key=str.encode)
        with path.open("w", encoding="ascii", newline="\n") as file:
            file.writelines(line + "\n" for line in self._lines)

    def _response(
        self, exchange: Exchange, url: str, date: str, fields: list[tuple[str, str]], record: str
    ) -> None:
        part = exchange.response
        if part is None:
            return
        kind = "response"
        if part.status is None:
            kind = "resource"  # no HTTP: a reader must not look for a head in it
            fields.append(("Content-Type", "application/octet-stream"))
        else:
            fields += _message_fields(part, "response")
        known = self._payloads.get(url) if part.status == 304 and exchange.method == "GET" else None
        if known is not None:
            kind, fields = "revisit", [
                *fields, ("WARC-Profile", REVISIT_304), ("WARC-Refers-To", f"<{known[1]}>"),
                ("WARC-Refers-To-Target-URI", url), ("WARC-Refers-To-Date", known[2]),
            ]  # fmt: skip
        elif part.payload and not (part.chunked or part.surplus) and url.startswith("http"):
            fields.append(("WARC-Payload-Digest", f"sha256:{part.payload}"))
        written = self._put(kind, date, fields, part.spool, record)
        part.written = _told(written, part)
        digest = known[0] if known else part.payload or ""
        self._index(exchange, part, url, date, written=written, digest=digest)
        if part.status == 200 and exchange.method == "GET" and part.payload:
            self._payloads[url] = (part.payload, record, date)
        part.spool.drop()

    def _index(
        self, exchange: Exchange, part: Part, url: str, date: str, *, written: Written, digest: str
    ) -> None:
        mime = "warc/revisit" if part.status == 304 and digest != part.payload else _mime(part)
        values: dict[str, Any] = {"url": url, "mime": mime}
        if part.status is not None:
            values["status"] = str(part.status)
        values |= {
            "digest": f"sha256:{digest or written.sha256}", "length": str(written.length),
            "offset": str(written.offset), "filename": FILE,
        }  # fmt: skip
        body, form = b"", False
        if exchange.request is not None and exchange.method != "GET":
            head, spool = exchange.request.head, exchange.request.spool
            length = exchange.request.head_length
            body = spool.start(length + cdxj.BODY)[length:]
            form = head is not None and b"application/x-www-form-urlencoded" in b"".join(
                value for name, value in head.fields if name.lower() == b"content-type"
            )
        key, extra = cdxj.with_method(url, exchange.method, body, form)
        if extra:
            values |= {"method": exchange.method, "requestBody": extra.partition("&")[2]}
        self._lines.append(cdxj.line(key, date, values))

    def _put(
        self, kind: str, date: str, fields: list[tuple[str, str]], block: Any, record: str = ""
    ) -> Written:
        written = self._writer.write(kind, date, fields, block, record=record)
        if self._places is not None:
            place = Piece(f"archive/{FILE}", written.offset, written.length, written.record)
            self._places.write(place.line())
        self._progress(self._writer.offset)
        return written


def _common(exchange: Exchange, connection: Connection | None) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    if connection is not None and connection.peer:
        fields.append(("WARC-IP-Address", connection.peer))
    if exchange.protocol:
        http = "h2" if exchange.stream is not None else "http/1.1"
        fields.append(("WARC-Protocol", http))
    if connection is not None and connection.tls:
        version = str(connection.tls.get("version", ""))
        fields.append(("WARC-Protocol", version.lower().replace(" ", "/")))
        if connection.tls.get("cipher"):
            fields.append(("WARC-Cipher-Suite", str(connection.tls["cipher"])))
    return fields


def _message_fields(part: Part, kind: str) -> list[tuple[str, str]]:
    fields = [("Content-Type", f"application/http;msgtype={kind}")]
    if part.synthesised:
        fields.append(("Holdfast-Synthesised", _SYNTHESISED))
    return fields


def _truncated(
    part: Part, exchange: Exchange, connection: Connection | None
) -> list[tuple[str, str]]:
    """Return why a block holds less than the message (ISO 28500 5.15), as far as is known by now.

    The ledger says the rest: a body that ends with its connection may turn out to be cut later.
    """
    ends = part.until_close and not part.fault and not exchange.net_error
    if ends or (part.whole and not _less(part, exchange)):
        return []
    if connection is not None and connection.guard is not None and connection.guard.get("cut"):
        reason = "length"
    elif exchange.net_error in _TIME:
        reason = "time"
    elif part.whole or part.fault or _let_go(exchange):
        reason = "unspecified"
    else:
        reason = "disconnect"
    return [("WARC-Truncated", reason)]


def _let_go(exchange: Exchange) -> bool:
    """Say whether the browser itself wanted no more of it."""
    return exchange.net_error == ABORTED or exchange.reset.endswith(", sent")


def _less(part: Part, exchange: Exchange) -> bool:
    """Say whether a message ended before its own Content-Length: HTTP/2 has another end."""
    if part.head is None or not part.synthesised or exchange.method == "HEAD":
        return False
    said = part.head.values(b"content-length")
    body = part.spool.size - part.head_length
    return part.status != 304 and any(one.isdigit() and int(one) > body for one in said)


def _told(written: Written, part: Part) -> dict[str, Any]:
    told: dict[str, Any] = {
        "record": written.record, "bytes": written.bytes, "sha256": written.sha256, "exact": True,
    }  # fmt: skip
    if part.synthesised:
        told["synthesised"] = True
    return told


def _mime(part: Part) -> str:
    for name, value in part.head.fields if part.head is not None else ():
        if name.lower() == b"content-type":
            mime = value.partition(b";")[0].strip().decode("latin-1").lower()
            return mime if _TYPE.fullmatch(mime) else "unk"
    return "unk"
