"""Follow a NetLog from its first event to its last, and write what it holds. Runs confined."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from holdfast.collect.web import asked, settling
from holdfast.collect.web.archive import Archive
from holdfast.collect.web.connections import (
    Certificates,
    Connection,
    Lookup,
    address,
    packet,
    read_guard,
    socks_target,
)
from holdfast.collect.web.connections import line as connection_line
from holdfast.collect.web.decode import LEDGER, WARC, Settings, Summary
from holdfast.collect.web.exchanges import Book, Exchange, text
from holdfast.collect.web.loss import Ledger
from holdfast.collect.web.netlog import Event, Log
from holdfast.collect.web.wires import Http1Wire, Http2Wire, Tunnel
from holdfast.webarchive.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Guard = dict[int, list[dict[str, Any]]]

_OPEN_FRAMES = "capture/http2/{}.frames"
_DNS_PORT = "53"
_CERTIFICATE_STATUS = frozenset({"IS_EV", "IS_QWAC", "REV_CHECKING_ENABLED"})
"""Flags that are no fault."""
_TLS_END = 256
"""Bytes that a peer may send after the browser has stopped reading, and mean only goodbye."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where the decoder writes, beside the WARC and the ledger."""

    out: Path
    exchanges: BinaryIO
    connections: BinaryIO


def run(
    netlog: int,
    guard: int | None,
    out: Path,
    settings: Settings,
    *,
    unprotected: tuple[str, ...],
    progress: Callable[[int], None],
) -> Summary:
    """Decode the open files into `out`.

    Raises:
        InputError: this is no NetLog.
        OSError: the disk is full, or a limit.
    """
    with (
        os.fdopen(netlog, "rb", buffering=1 << 20) as log_file,
        (out / WARC).open("wb") as warc,
        (out / LEDGER).open("wb") as ledger,
        (out / "capture/exchanges.jsonl").open("wb") as exchanges,
        (out / "capture/connections.jsonl").open("wb") as connections,
    ):
        guard_file = os.fdopen(guard, "rb") if guard is not None else None
        by_port = read_guard(guard_file)
        if guard_file is not None:
            guard_file.close()
        log = Log(log_file, Decoder.EVENTS)
        files = Files(out=out, exchanges=exchanges, connections=connections)
        books = Archive(warc, progress), Ledger(ledger, log.errors)
        decoder = Decoder(log, by_port, files, *books, settings=settings)
        return decoder.run(unprotected)


class Decoder:
    """The state between two events."""

    EVENTS = frozenset({
        "SOCKET_ALIVE", "TCP_CONNECT", "SOCKS5_CONNECT", "SSL_CONNECT", "SSL_CERTIFICATES_RECEIVED",
        "CERT_VERIFIER_REQUEST_BOUND_TO_JOB", "CERT_VERIFIER_JOB", "SOCKET_IN_USE",
        "SOCKET_BYTES_SENT", "SOCKET_BYTES_RECEIVED", "SSL_SOCKET_BYTES_SENT",
        "SSL_SOCKET_BYTES_RECEIVED", "HTTP_STREAM_JOB_BOUND_TO_REQUEST",
        "HTTP_STREAM_REQUEST_BOUND_TO_JOB", "HTTP2_SESSION_INITIALIZED",
        "HTTP2_SESSION_SEND_HEADERS", "CORS_REQUEST", "REQUEST_ALIVE", "URL_REQUEST_START_JOB",
        "URL_REQUEST_REDIRECTED", "FAILED", "CANCELLED", "HTTP_CACHE_READ_INFO",
        "HOST_RESOLVER_MANAGER_JOB", "HOST_RESOLVER_MANAGER_JOB_ATTACH", "DNS_TRANSACTION",
        "DNS_TRANSACTION_RESPONSE", "UDP_CONNECT", "UDP_BYTES_SENT",
        "SOCKET_POOL_CONNECT_JOB_CREATED",
    })  # fmt: skip

    def __init__(
        self, log: Log, guard: Guard, files: Files, archive: Archive, ledger: Ledger, *,
        settings: Settings,
    ) -> None:  # fmt: skip
        self._log = log
        self._guard = guard
        self._refused = {
            str(entry.get("host")): str(entry["refused"])
            for entries in guard.values() for entry in entries if entry.get("refused")
        }  # fmt: skip
        self._out = out = files.out
        self._archive = archive
        self._ledger = ledger
        self._exchange_lines = files.exchanges
        self._connection_lines = files.connections
        self._settings = settings
        self._book = Book()
        self._certificates = Certificates(out / "capture/certificates")
        self._connections: OrderedDict[int, Connection] = OrderedDict()
        self._by_number: dict[int, Connection] = {}
        self._wires: dict[int, Http1Wire | Http2Wire] = {}
        self._count = 0
        self._connect_jobs: dict[int, int] = {}
        """Socket to connect job."""
        self._attached: dict[int, int] = {}
        """Connect job to resolver job."""
        self._groups: dict[int, str] = {}
        self._lookups: dict[int, Lookup] = {}
        self._hosts: dict[str, Lookup] = {}
        self._transactions: dict[int, int] = {}
        self._verifying: dict[int, list[Connection]] = {}
        self._verdicts: dict[tuple[str, ...], dict[str, Any]] = {}
        self._sessions: dict[int, int] = {}
        self._streams: dict[tuple[int, int], int | None] = {}
        self._udp: dict[int, str] = {}
        self._udp_bytes: Counter[str] = Counter()
        self._stored: dict[str, int] = {}
        """URL to the last exchange that has a whole answer of it."""
        self._tally: Counter[str] = Counter()
        self._unasked: list[dict[str, Any]] = []
        self._over = False

    def run(self, unprotected: tuple[str, ...]) -> Summary:
        """Decode it all."""
        handlers = {name: getattr(self, f"_on_{name.lower()}") for name in self.EVENTS}
        client = self._log.constants.get("clientInfo")
        browser = client if isinstance(client, dict) else {}
        begun = False
        for event in self._log.events():
            if not begun:
                self._warcinfo(event.time, browser)
                begun = True
            handlers[event.name](event)
        if not begun:
            self._warcinfo(0, browser)
        self._end()
        tally = self._tally
        unexplained = tally["unexplained"]
        return Summary(
            exchanges=self._book.count,
            stored=tally["stored"],
            explained=tally["explained"],
            unexplained=unexplained,
            lossy=bool(
                unexplained or tally["unbalanced"] or self._log.damaged or not self._log.complete
                or self._book.count != tally["stored"] + tally["explained"] + unexplained
            ),
            log_complete=self._log.complete,
            log_bytes=self._log.bytes,
            damaged_lines=self._log.damaged,
            connections=self._count,
            certificates=len(self._certificates),
            losses=dict(self._ledger.counts),
            unasked=tuple(self._unasked),
            browser=browser,
            started=text(self._log.first),
            ended=text(self._log.last),
            unprotected=unprotected,
        )  # fmt: skip

    def _warcinfo(self, time: int, browser: dict[str, Any]) -> None:
        fields = {
            "software": "Holdfast",
            "format": "WARC File Format 1.1",
            "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            "browser": f"{browser.get('name', '')} {browser.get('version', '')}".strip(),
        }
        self._archive.begin(str(text(time)), fields | dict(self._settings.warcinfo))

    # --- what wires ask for -----------------------------------------------------------------

    def spool(self) -> Spool:
        """Return a new spool."""
        return Spool(self._out / "tmp")

    def claim(self, connection: Connection, time: int) -> Exchange:
        """Return the exchange that the next request on this connection belongs to."""
        return self._carry(connection, self._book.claim(connection.job, time))

    def claim_stream(self, connection: Connection, stream: int, time: int) -> Exchange:
        """Return the exchange of an HTTP/2 stream."""
        job = self._streams.pop((connection.number, stream), None)
        return self._carry(connection, self._book.claim(job, time))

    def _carry(self, connection: Connection, exchange: Exchange) -> Exchange:
        exchange.connection = connection.number
        connection.exchanges += 1
        exchange.turn = connection.exchanges
        return exchange

    def arrived(self, exchange: Exchange, time: int) -> None:
        """Write the records of an exchange for which nothing more can come over the wire."""
        connection = self._by_number.get(exchange.connection or 0)
        settling.name_orphan(exchange, secure=connection is not None and connection.secure)
        exchange.wire_done = True
        if exchange.ended is None and exchange.log_done:
            exchange.ended = time
        self._archive.write(exchange, connection)
        tunnel = exchange.websocket
        if isinstance(tunnel, Tunnel):
            date = str(text(exchange.began))
            for way, spool in tunnel.spools.items():
                target = f"urn:holdfast:exchange:{exchange.number}:tunnel:{way}"
                written = self._archive.stream(target, date, spool, [])
                exchange.tunnel[way] = {
                    "record": written.record, "bytes": written.bytes, "sha256": written.sha256,
                }  # fmt: skip
        self._settle(exchange)

    def websocket(self, exchange: Exchange) -> Tunnel:
        """Return a tunnel whose frames are listed."""
        listing = (self._out / f"capture/websocket/{exchange.number}.jsonl").open("wb")
        return Tunnel(self.spool(), self.spool(), listing)

    def frames(self, connection: Connection) -> Path:
        """Return the file for a connection's HTTP/2 frames."""
        return self._out / _OPEN_FRAMES.format(connection.number)

    # --- sockets ----------------------------------------------------------------------------

    def _connection(self, event: Event) -> Connection:
        found = self._connections.get(event.source)
        if found is None:
            self._count += 1
            found = Connection(self._count, event.source, event.time)
            self._connections[event.source] = self._by_number[found.number] = found
        return found

    def _on_socket_alive(self, event: Event) -> None:
        if event.kind != "SOCKET":
            return
        connection = self._connection(event)
        if event.phase == 1 and event.dependency is not None:
            self._connect_jobs[event.source] = event.dependency
        elif event.phase == 2:
            self._close(connection, event.time)

    def _on_tcp_connect(self, event: Event) -> None:
        connection = self._connection(event)
        local, remote = event.params.get("local_address"), event.params.get("remote_address")
        if isinstance(local, str) and isinstance(remote, str):
            connection.local, connection.remote = local, remote
            entries = self._guard.get(connection.port or 0)
            if entries:
                connection.guard = entries.pop(0)  # a port that is used twice: in their order
        listed = event.params.get("address_list")
        if event.phase == 1 and isinstance(listed, list):
            connection.answers = [address(one) for one in listed if isinstance(one, str)]

    def _on_socks5_connect(self, event: Event) -> None:
        connection = self._connection(event)
        connection.in_proxy = event.phase == 1
        if connection.socks is None:
            connection.socks = {"protocol": "socks5"}
        if event.net_error:
            connection.socks["net_error"] = event.net_error

    def _on_ssl_connect(self, event: Event) -> None:
        connection = self._connection(event)
        connection.secure = True
        if event.phase != 2:
            return
        connection.tls = settling.tls(event.params)
        if connection.verdict is None and connection.certificates:
            known = self._verdicts.get(tuple(connection.certificates))
            if known is not None:
                connection.verdict = known | {"remembered": True}
            elif not event.net_error:
                what = "the browser's verdict on its certificate"
                self._lose(connection, "certificate", what, "none was logged")

    def _on_ssl_certificates_received(self, event: Event) -> None:
        pems = event.params.get("certificates")
        if isinstance(pems, list):
            self._connection(event).certificates = self._certificates.keep(pems)

    def _on_cert_verifier_request_bound_to_job(self, event: Event) -> None:
        if event.kind == "SOCKET" and event.dependency is not None:
            self._verifying.setdefault(event.dependency, []).append(self._connection(event))

    def _on_cert_verifier_job(self, event: Event) -> None:
        if event.phase != 2:
            return
        status = event.params.get("cert_status")
        status = status if isinstance(status, int) else 0
        flags = self._log.constants.get("certStatusFlag")
        names = sorted(
            name for name, bit in (flags.items() if isinstance(flags, dict) else ())
            if isinstance(bit, int) and status & bit and name not in _CERTIFICATE_STATUS
        )  # fmt: skip
        error = event.net_error
        verdict = {
            "trusted": not error and not names,
            "status": status,
            "faults": names,
            "error": self._ledger.name(error) if error else None,
            "known_root": event.params.get("is_issued_by_known_root") is True,
        }
        for connection in self._verifying.pop(event.source, ()):
            connection.verdict = verdict
            self._verdicts[tuple(connection.certificates)] = verdict
            if not verdict["trusted"]:
                connection.losses.append(self._ledger.add(
                    "certificate", f"trust in the certificate of connection {connection.number}",
                    ", ".join(names) or self._ledger.name(error), net_error=error,
                ))  # fmt: skip

    def _on_socket_in_use(self, event: Event) -> None:
        connection = self._connection(event)
        if event.phase == 1:
            connection.job = event.dependency
            return
        connection.job = None
        wire = self._wires.get(connection.number)
        if wire is not None:
            wire.idle(event.time)

    def _on_socket_bytes_sent(self, event: Event) -> None:
        connection = self._connection(event)
        connection.sent.wire += settling.count(event)
        if connection.in_proxy:
            data = self._data(event)
            if len(data) > 4 and connection.socks is not None:
                connection.socks |= socks_target(data)
        elif not connection.secure:
            self._feed(connection, "sent", event)

    def _on_socket_bytes_received(self, event: Event) -> None:
        connection = self._connection(event)
        connection.received.wire += settling.count(event)
        if connection.in_proxy:
            data = self._data(event)
            connection.proxy_received += len(data)
            if len(data) > 2 and connection.socks is not None:
                connection.socks["reply"] = data[1]
        elif not connection.secure:
            self._feed(connection, "received", event)

    def _on_ssl_socket_bytes_sent(self, event: Event) -> None:
        self._feed(self._connection(event), "sent", event)

    def _on_ssl_socket_bytes_received(self, event: Event) -> None:
        self._feed(self._connection(event), "received", event)

    def _data(self, event: Event) -> bytes:
        """Return an event's bytes; what can't be read, or is fewer than it says, is a loss."""
        try:
            data = event.data
        except ValueError:
            data = b""
        if len(data) != settling.count(event):
            self._tally["unbalanced"] += 1
            self._ledger.add(
                "undecoded", f"bytes of socket {event.source}",
                f"the log says {settling.count(event)} bytes and holds {len(data)}",
            )  # fmt: skip
        return data

    def _feed(self, connection: Connection, way: str, event: Event) -> None:
        data = self._data(event)
        traffic = connection.sent if way == "sent" else connection.received
        traffic.carried += len(data)
        wire = self._wires.get(connection.number)
        if wire is None:
            h2 = connection.tls is not None and connection.tls.get("alpn") == "h2"
            wire = Http2Wire(self, connection) if h2 else Http1Wire(self, connection)
            self._wires[connection.number] = wire
        (wire.sent if way == "sent" else wire.received)(data, event.time)

    def _close(self, connection: Connection, time: int) -> None:
        """Let go of a connection; write what stands at the head of the queue."""
        connection.closed = time
        self._finish(connection, time)
        while self._connections:
            source, first = next(iter(self._connections.items()))
            if first.closed is None:
                return
            self._write_connection(source, first)

    def _finish(self, connection: Connection, time: int) -> None:
        wire = self._wires.pop(connection.number, None)
        if wire is None:
            return
        wire.closed(time)
        stray = wire.stray
        if isinstance(wire, Http2Wire) and wire.broken:
            self._lose(connection, "undecoded", "the rest of its HTTP/2 frames", wire.broken)
        if stray is not None:
            connection.received.kept += stray.size
            self._lose(
                connection, "undecoded", f"what {stray.size} bytes answer",
                "they came when no request was waiting; they are stored by themselves",
            )  # fmt: skip
            target = f"urn:holdfast:connection:{connection.number}:stray"
            self._archive.stream(target, str(text(time)), stray, [])
        for way, traffic in (("sent", connection.sent), ("received", connection.received)):
            if traffic.carried != traffic.kept:
                self._tally["unbalanced"] += 1
                why = f"{traffic.carried} bytes were {way} and {traffic.kept} are kept"
                self._lose(connection, "undecoded", f"the sum of what was {way}", why)

    def _lose(self, connection: Connection, kind: str, what: str, why: str) -> None:
        whole = f"connection {connection.number}: {what}"
        connection.losses.append(self._ledger.add(kind, whole, why))

    def _write_connection(self, source: int, connection: Connection) -> None:
        self._unread(connection)
        job = self._connect_jobs.pop(source, None)
        lookup = self._lookups.get(self._attached.get(job or 0, 0))
        lookup = lookup or self._hosts.get(self._groups.get(job or 0, ""))
        self._connection_lines.write(connection_line(connection, lookup, self._certificates))
        del self._connections[source]
        self._by_number.pop(connection.number, None)
        self._attached.pop(job or 0, None)
        self._groups.pop(job or 0, None)

    def _unread(self, connection: Connection) -> None:
        """Compare with the guard, which saw what the server sent, read by the browser or not."""
        guard = connection.guard
        received = guard.get("received") if guard is not None else None
        if not isinstance(received, int):
            return
        proxied = settling.proxy_overhead(connection)
        left = received - (connection.received.wire - proxied)
        if left > (_TLS_END if connection.secure else 0):
            what = f"{left} bytes that the server sent"
            self._lose(connection, "truncated", what, "the browser closed without reading them")

    # --- requests ---------------------------------------------------------------------------

    def _on_http_stream_job_bound_to_request(self, event: Event) -> None:
        if event.kind == "HTTP_STREAM_JOB" and event.dependency is not None:
            self._book.bind(event.source, event.dependency)

    def _on_http_stream_request_bound_to_job(self, event: Event) -> None:
        if event.dependency is not None:
            self._book.bind(event.dependency, event.source)

    def _on_http2_session_initialized(self, event: Event) -> None:
        connection = self._connections.get(event.dependency or 0)
        if connection is not None:
            self._sessions[event.source] = connection.number

    def _on_http2_session_send_headers(self, event: Event) -> None:
        number, stream = self._sessions.get(event.source), event.params.get("stream_id")
        if number is None or not isinstance(stream, int):
            return
        job = event.dependency
        if job is not None and self._book.current(job) is not None:
            self._book.bind(job, job)  # a WebSocket's stream names the request itself
        self._streams[number, stream] = job

    def _request(self, event: Event) -> Exchange:
        known = self._book.current(event.source)
        exchange = known or self._book.begin(event.source, "", "", event.time)
        url = event.params.get("url")
        if isinstance(url, str) and not exchange.sent:
            exchange.url = exchange.url or url
        return exchange

    def _on_cors_request(self, event: Event) -> None:
        if event.phase == 1:
            self._request(event)
            return
        exchange = self._book.current(event.source)
        if exchange is not None and not exchange.alive:
            self._over_with(exchange, event)  # refused before there was a request

    def _on_request_alive(self, event: Event) -> None:
        if event.phase == 1:
            exchange = self._request(event)
            exchange.alive = True
            annotation = event.params.get("traffic_annotation")
            exchange.annotation = annotation if isinstance(annotation, int) else None
            return
        found = self._book.current(event.source)
        if found is not None:
            self._over_with(found, event)

    def _over_with(self, exchange: Exchange, event: Event) -> None:
        exchange.net_error = event.net_error or exchange.net_error
        exchange.ended, exchange.log_done = event.time, True
        self._book.release(event.source)
        self._settle(exchange)

    def _on_url_request_start_job(self, event: Event) -> None:
        if event.phase == 2:
            exchange = self._book.current(event.source)
            if exchange is not None and event.net_error:
                exchange.net_error = event.net_error
            return
        params = event.params
        exchange = self._request(event)
        url, method = str(params.get("url", "")), str(params.get("method", ""))
        if exchange.started_job:
            before = exchange
            exchange = self._book.again(before, url, method, event.time)
            self._settle(before)
        exchange.started_job = True
        exchange.url, exchange.method = url or exchange.url, method
        exchange.kind = str(params.get("request_type", ""))
        exchange.initiator = str(params.get("initiator", ""))
        exchange.isolation = str(params.get("network_isolation_key", ""))

    def _on_url_request_redirected(self, event: Event) -> None:
        exchange = self._book.current(event.source)
        if exchange is not None:
            exchange.redirected_to = str(event.params.get("location", ""))

    def _on_failed(self, event: Event) -> None:
        exchange = self._book.current(event.source)
        if event.kind == "URL_REQUEST" and exchange is not None:
            exchange.net_error = event.net_error

    def _on_cancelled(self, event: Event) -> None:
        exchange = self._book.current(event.source)
        if event.kind == "URL_REQUEST" and exchange is not None:
            exchange.net_error = event.net_error or settling.ABORTED

    def _on_http_cache_read_info(self, event: Event) -> None:
        exchange = self._book.current(event.source)
        if exchange is not None:
            exchange.from_cache = True

    def _settle(self, exchange: Exchange, *, force: bool = False) -> None:
        """Account for an exchange to which nothing more can come, and write what is in order."""
        if exchange.settled or not (force or exchange.log_done):
            return
        if exchange.sent and not exchange.wire_done and not force:
            return
        exchange.settled = True
        state = settling.account(
            exchange, self._ledger, over=self._over, complete=self._log.complete,
            stored=self._stored.get(exchange.url), refused=self._refused.get(_host(exchange.url)),
        )  # fmt: skip
        self._tally[state] += 1
        if state == "stored":
            self._stored[exchange.url] = exchange.number
        known = _host(exchange.url) in self._settings.unasked_allowed
        if not asked.by_a_page(exchange.annotation) and not known:
            self._unasked.append({
                "exchange": exchange.number, "url": exchange.url, "annotation": exchange.annotation,
                "name": asked.name_of(exchange.annotation), "sent": exchange.sent,
            })  # fmt: skip
        for ready in self._book.settled():
            self._exchange_lines.write(settling.line(ready))

    # --- names and other traffic ------------------------------------------------------------

    def _on_host_resolver_manager_job(self, event: Event) -> None:
        if event.phase == 1:
            host = _host(str(event.params.get("host", "")))
            self._lookups[event.source] = self._hosts[host] = Lookup(host)

    def _on_host_resolver_manager_job_attach(self, event: Event) -> None:
        if event.dependency is not None:
            self._attached[event.source] = event.dependency

    def _on_socket_pool_connect_job_created(self, event: Event) -> None:
        group = str(event.params.get("group_id", "")).partition(" ")[0]
        self._groups[event.source] = _host(group[group.find("http") :])

    def _on_dns_transaction(self, event: Event) -> None:
        if event.kind == "HOST_RESOLVER_IMPL_JOB" and event.dependency is not None:
            self._transactions[event.dependency] = event.source
        elif event.phase == 2:
            self._transactions.pop(event.source, None)

    def _on_dns_transaction_response(self, event: Event) -> None:
        lookup = self._lookups.get(self._transactions.get(event.source, 0))
        found = packet(event.params)
        if lookup is not None and found is not None:
            lookup.packets.append(found)

    def _on_udp_connect(self, event: Event) -> None:
        if event.phase == 1:
            self._udp[event.source] = str(event.params.get("address", ""))

    def _on_udp_bytes_sent(self, event: Event) -> None:
        peer = event.params.get("address") or self._udp.get(event.source, "an unknown address")
        if str(peer).rpartition(":")[2] != _DNS_PORT:
            self._udp_bytes[str(peer)] += settling.count(event)

    # --- the end ----------------------------------------------------------------------------

    def _end(self) -> None:
        """Account for whatever the log left open."""
        self._over = True
        last = self._log.last or 0
        for connection in list(self._connections.values()):
            if connection.closed is None:
                self._finish(connection, last)
        for exchange in list(self._book.open.values()):
            self._settle(exchange, force=True)
        for ready in self._book.settled():
            self._exchange_lines.write(settling.line(ready))
        for source, connection in list(self._connections.items()):
            self._write_connection(source, connection)
        for peer, count in sorted(self._udp_bytes.items()):
            self._tally["unbalanced"] += 1
            self._ledger.add(
                "undecoded", f"{count} bytes sent to {peer} over UDP", "not HTTP over TCP"
            )
        if self._log.damaged:
            self._ledger.add(
                "undecoded", f"{self._log.damaged} lines of the browser's log", "they are no events"
            )
        if not self._log.complete:
            self._ledger.add(
                "crash", "the end of the browser's log", "the browser was killed, or it crashed"
            )
        self._archive.index(self._out / "indexes/index.cdxj")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
