"""What the decoder knows between two events, and what the wires ask of it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from holdfast.collect.web import settling
from holdfast.collect.web.connections import Certificates, Connection, Lookup, packet
from holdfast.collect.web.exchanges import Book, Exchange, text
from holdfast.collect.web.wires import Http1Wire, Tunnel
from holdfast.webarchive.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.collect.web.archive import Archive
    from holdfast.collect.web.decode import Settings
    from holdfast.collect.web.loss import Ledger
    from holdfast.collect.web.netlog import Event, Log
    from holdfast.collect.web.session import Http2Wire

    Guard = dict[int, list[dict[str, Any]]]

_OPEN_FRAMES = "http2/{}.frames"
_DNS_PORT = "53"


@dataclass(frozen=True, kw_only=True)
class Files:
    """Where the decoder writes, beside the WARC and the ledger."""

    out: Path
    exchanges: BinaryIO
    connections: BinaryIO


class Following:
    """The state between two events."""

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
        self._certificates = Certificates(out / "certificates")
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
        listing = (self._out / f"websocket/{exchange.number}.jsonl").open("wb")
        return Tunnel(self.spool(), self.spool(), listing)

    def frames(self, connection: Connection) -> Path:
        """Return the file for a connection's HTTP/2 frames."""
        return self._out / _OPEN_FRAMES.format(connection.number)

    def _settle(self, exchange: Exchange, *, force: bool = False) -> None:
        raise NotImplementedError

    # --- names and other traffic ------------------------------------------------------------

    def _on_host_resolver_manager_job(self, event: Event) -> None:
        if event.phase == 1:
            host = host_of(str(event.params.get("host", "")))
            self._lookups[event.source] = self._hosts[host] = Lookup(host)

    def _on_host_resolver_manager_job_attach(self, event: Event) -> None:
        if event.dependency is not None:
            self._attached[event.source] = event.dependency

    def _on_socket_pool_connect_job_created(self, event: Event) -> None:
        group = str(event.params.get("group_id", "")).partition(" ")[0]
        self._groups[event.source] = host_of(group[group.find("http") :])

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


def host_of(url: str) -> str:
    """Return a URL's host, or what stands in its place."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
