"""Write small NetLogs as Chromium 156 writes them, so that tests need no browser."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

SOCKET, URL_REQUEST, JOB, CONNECT, SESSION, VERIFIER, UDP = 10, 1, 17, 5, 11, 26, 24
_SOURCES = {
    "SOCKET": SOCKET, "URL_REQUEST": URL_REQUEST, "HTTP_STREAM_JOB": JOB,
    "SSL_CONNECT_JOB": CONNECT,
    "HTTP2_SESSION": SESSION, "CERT_VERIFIER_JOB": VERIFIER, "UDP_SOCKET": UDP,
}  # fmt: skip
_ERRORS = {
    "ERR_ABORTED": -3, "ERR_NAME_NOT_RESOLVED": -105, "ERR_CERT_AUTHORITY_INVALID": -202,
    "ERR_BLOCKED_BY_CLIENT": -20, "ERR_TIMED_OUT": -7, "ERR_SOCKS_CONNECTION_FAILED": -120,
}  # fmt: skip
NAVIGATION = 63171670
OFFSET = 1_795_000_000_000


@dataclass
class NetLog:
    """A log that grows."""

    complete: bool = True
    events: list[dict[str, Any]] = field(default_factory=list)
    _types: dict[str, int] = field(default_factory=dict)
    _ids: int = 0
    _time: int = 1000

    def new(self) -> int:
        """Return the number of a new source."""
        self._ids += 1
        return self._ids

    def add(self, name: str, source: tuple[int, int], phase: int = 0, **params: object) -> None:
        """Append an event."""
        number = self._types.setdefault(name, len(self._types))
        self._time += 1
        event: dict[str, Any] = {"params": params} if params else {}
        event |= {
            "phase": phase,
            "source": {"id": source[1], "start_time": "1000", "type": source[0]},
            "time": str(self._time),
            "type": number,
        }
        self.events.append(event)

    def carry(self, name: str, source: tuple[int, int], data: bytes) -> None:
        """Append an event with bytes."""
        self.add(name, source, byte_count=len(data), bytes=base64.b64encode(data).decode())

    def request(self, url: str, method: str = "GET", annotation: int = NAVIGATION) -> Request:
        """Begin a request, as far as the browser's own part goes."""
        request = Request(self, (URL_REQUEST, self.new()))
        self.add("REQUEST_ALIVE", request.source, 1, traffic_annotation=annotation, url=url)
        request.start(url, method)
        return request

    def socket(self, **how: Any) -> Socket:
        """Open a connection."""
        socket = Socket(self, (SOCKET, self.new()), **how)
        socket.open()
        return socket

    def dump(self) -> bytes:
        """Return the file."""
        constants = {
            "clientInfo": {"name": "Chromium", "version": "156.0.0.0"},
            "certStatusFlag": {"AUTHORITY_INVALID": 4, "IS_EV": 65536},
            "logEventTypes": dict(self._types),
            "logSourceType": _SOURCES,
            "netError": _ERRORS,
            "timeTickOffset": OFFSET,
        }
        lines = [_json(event) for event in self.events]
        text = '{"constants":' + _json(constants) + ',\n"events": [\n' + ",\n".join(lines)
        return (text + ("],\n" if self.complete else ",\n")).encode() + (
            b'"polledData": {}\n}\n' if self.complete else b""
        )


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def at(socket: tuple[int, int] | None) -> dict[str, int]:
    """Return a `source_dependency`."""
    assert socket is not None
    return {"id": socket[1], "type": socket[0]}


@dataclass
class Request:
    """A URL_REQUEST."""

    log: NetLog
    source: tuple[int, int]
    job: tuple[int, int] | None = None

    def start(self, url: str, method: str = "GET") -> None:
        """Begin its first job, or after a redirect its next."""
        self.log.add(
            "URL_REQUEST_START_JOB", self.source, 1, url=url, method=method,
            initiator="not an origin", network_isolation_key="a a", request_type="main frame",
        )  # fmt: skip

    def on(self, socket: Socket) -> Request:
        """Give it a connection."""
        self.job = (JOB, self.log.new())
        self.log.add(
            "HTTP_STREAM_JOB_BOUND_TO_REQUEST", self.job, source_dependency=at(self.source)
        )
        socket.take(self.job)
        return self

    def end(self, net_error: int = 0) -> None:
        """End it."""
        params = {"net_error": net_error} if net_error else {}
        if net_error:
            self.log.add("FAILED", self.source, **params)
        self.log.add("REQUEST_ALIVE", self.source, 2, **params)


@dataclass
class Socket:
    """A connection."""

    log: NetLog
    source: tuple[int, int]
    tls: bool = False
    alpn: str = "unknown"
    port: int = 40000
    remote: str = "192.0.2.1:443"
    socks: bytes = b""
    certificates: tuple[str, ...] = ()

    def open(self) -> None:
        """Log how it is opened."""
        log, source = self.log, self.source
        log.add("SOCKET_ALIVE", source, 1, source_dependency={"id": log.new(), "type": CONNECT})
        log.add("TCP_CONNECT", source, 1, address_list=[self.remote])
        log.add(
            "TCP_CONNECT", source, 2, local_address=f"127.0.0.1:{self.port}",
            remote_address=self.remote,
        )  # fmt: skip
        if self.socks:
            log.add("SOCKS5_CONNECT", source, 1)
            log.carry("SOCKET_BYTES_SENT", source, b"\x05\x01\x00")
            log.carry("SOCKET_BYTES_RECEIVED", source, b"\x05\x00")
            log.carry("SOCKET_BYTES_SENT", source, self.socks)
            log.carry("SOCKET_BYTES_RECEIVED", source, b"\x05\x00\x00\x01" + bytes(6))
            log.add("SOCKS5_CONNECT", source, 2)
        if self.tls:
            log.add("SSL_CONNECT", source, 1)
            log.carry("SOCKET_BYTES_SENT", source, b"\x16\x03\x01 hello")
            if self.certificates:
                log.add("SSL_CERTIFICATES_RECEIVED", source, certificates=list(self.certificates))
            log.add(
                "SSL_CONNECT", source, 2, cipher_suite=4866, next_proto=self.alpn,
                version="TLS 1.3", is_resumed=False,
            )  # fmt: skip

    def take(self, job: tuple[int, int]) -> None:
        """Hand it to a job."""
        self.log.add("SOCKET_IN_USE", self.source, 1, source_dependency=at(job))

    def send(self, data: bytes) -> None:
        """Carry what the browser writes."""
        self._carry("SENT", data)

    def receive(self, data: bytes) -> None:
        """Carry what the browser reads."""
        self._carry("RECEIVED", data)

    def _carry(self, way: str, data: bytes) -> None:
        if self.tls:
            self.log.carry(f"SOCKET_BYTES_{way}", self.source, b"\x17" + bytes(len(data) + 21))
            self.log.carry(f"SSL_SOCKET_BYTES_{way}", self.source, data)
        else:
            self.log.carry(f"SOCKET_BYTES_{way}", self.source, data)

    def give_back(self) -> None:
        """Return it to the pool."""
        self.log.add("SOCKET_IN_USE", self.source, 2)

    def close(self) -> None:
        """Close it."""
        self.log.add("SOCKET_ALIVE", self.source, 2)
