"""Follow sockets: how each came about, who was at its end, and what it carried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.collect.web import settling
from holdfast.collect.web.connections import Connection, address, socks_target
from holdfast.collect.web.connections import line as connection_line
from holdfast.collect.web.exchanges import text
from holdfast.collect.web.following import Following
from holdfast.collect.web.session import Http2Wire
from holdfast.collect.web.wires import Http1Wire

if TYPE_CHECKING:
    from holdfast.collect.web.netlog import Event

_CERTIFICATE_STATUS = frozenset({"IS_EV", "IS_QWAC", "REV_CHECKING_ENABLED"})
"""Flags that are no fault."""
_TLS_END = 256
"""Bytes that a peer may send after the browser has stopped reading, and mean only goodbye."""


class Sockets(Following):
    """What the events of sockets do."""

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
