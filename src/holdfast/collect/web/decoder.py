"""Follow a NetLog from its first event to its last, and write what it holds. Runs confined."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from holdfast.collect.web import asked, settling
from holdfast.collect.web.archive import Archive
from holdfast.collect.web.connections import read_guard
from holdfast.collect.web.decode import LEDGER, WARC, Settings, Summary
from holdfast.collect.web.exchanges import ABORTED, Exchange, text
from holdfast.collect.web.following import Files, host_of
from holdfast.collect.web.loss import Ledger
from holdfast.collect.web.netlog import Event, Log
from holdfast.collect.web.sockets import Sockets
from holdfast.webarchive import pieces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
        (out / pieces.RECORDS).open("wb") as places,
    ):
        guard_file = os.fdopen(guard, "rb") if guard is not None else None
        by_port = read_guard(guard_file)
        if guard_file is not None:
            guard_file.close()
        log = Log(log_file, Decoder.EVENTS)
        files = Files(out=out, exchanges=exchanges, connections=connections)
        books = Archive(warc, progress, places), Ledger(ledger, log.errors)
        decoder = Decoder(log, by_port, files, *books, settings=settings)
        return decoder.run(unprotected)


class Decoder(Sockets):
    """What the events of requests do, and how it all begins and ends."""

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
            exchanges=self._book.count - tally["background"],
            background=tally["background"],
            stored=tally["stored"],
            explained=tally["explained"],
            unexplained=unexplained,
            lossy=bool(
                unexplained or tally["unbalanced"] or self._log.damaged or not self._log.complete
                or self._book.count != sum(
                    tally[state] for state in ("stored", "explained", "unexplained", "background")
                )
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
            exchange.net_error = event.net_error or ABORTED

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
        known = host_of(exchange.url) in self._settings.unasked_allowed
        by_a_page = asked.by_a_page(exchange.annotation)
        state = settling.account(
            exchange, self._ledger, over=self._over, complete=self._log.complete,
            stored=self._stored.get(exchange.url), refused=self._refused.get(host_of(exchange.url)),
            own=known and not by_a_page,
        )  # fmt: skip
        self._tally[state] += 1
        if state == "stored":
            self._stored[exchange.url] = exchange.number
        if not by_a_page and state != "background":
            self._unasked.append({
                "exchange": exchange.number, "url": exchange.url, "annotation": exchange.annotation,
                "name": asked.name_of(exchange.annotation), "sent": exchange.sent,
            })  # fmt: skip
        for ready in self._book.settled():
            self._exchange_lines.write(settling.line(ready))

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
