"""The shapes of what a capture of network traffic gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from holdfast.examine.record import Record

# `row` is everywhere the number of a packet, as programs for captures count them.


@dataclass(frozen=True, slots=True, kw_only=True)
class Between(Record):
    """What two ends said to one another; `source` is who began, or of a message who sent it."""

    stream: int
    """The flow's number in the capture, from 0; of TCP, UDP and all other protocols together."""
    source_ip: str | None = None
    source_port: int | None = None
    destination_ip: str | None = None
    destination_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFlow(Between):
    """What two ends sent one another over one protocol; of TCP one connection. `time`: begun."""

    KIND: ClassVar[str] = "network.flow"

    protocol: str | None = None
    """`tcp`, `udp`, `icmp` and so on."""
    last_time: int | None = None
    packets_sent: int
    """By who began."""
    packets_received: int
    bytes_sent: int
    """Of whole frames, as on the wire."""
    bytes_received: int
    payload_sent: int
    payload_received: int
    carries: str | None = None
    """`http`, `tls`, `dns`, as far as it was told."""
    state: str | None = None
    """Of TCP: `begun`, `answered`, `closed`, `reset`; `seen in part` where its SYN was not seen."""
    resent_bytes: int | None = None
    """Bytes of TCP that came again; the first copy counts."""
    differing_bytes: int | None = None
    """Bytes that came again and were others: two readers may have seen two streams."""
    missing_bytes: int | None = None
    """Bytes between others that were not captured."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDns(Between):
    """One DNS message: a question, or the answer with the question in it."""

    KIND: ClassVar[str] = "network.dns"

    dns_id: int | None = None
    response: bool
    query_name: str | None = None
    """The first question's name, without the last dot."""
    query_type: str | None = None
    code: str | None = None
    """Of a response: NOERROR, NXDOMAIN and so on."""
    answers: list[str] = field(default_factory=list)
    """Name, seconds to live, type, data."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkHttp(Between):
    """One request of HTTP/1 and its response. `time`: when it was asked, or else answered."""

    KIND: ClassVar[str] = "network.http"

    exchange: int
    """Its number in the flow, from 1."""
    method: str | None = None
    url: str | None = None
    """Host and target as asked for; http, since it was in the clear."""
    protocol: str | None = None
    status: int | None = None
    user_agent: str | None = None
    referrer: str | None = None
    server: str | None = None
    content_type: str | None = None
    """Of the response."""
    sent_type: str | None = None
    """Of the request."""
    location: str | None = None
    authorization: str | None = None
    """The scheme alone: what follows it is a secret."""
    response_time: int | None = None
    response_row: int | None = None
    sent_bytes: int | None = None
    """Of the request's body, as sent."""
    received_bytes: int | None = None
    """Of the response's body, as sent."""
    sha256: str | None = None
    """Of the response's body without its chunks, before its coding is undone."""
    part: str | None = None
    """The response's body as a file of this item, unfolded; None where it has none."""
    sent_part: str | None = None
    """The request's."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTls(Between):
    """The start of a TLS connection. `time`: of its first message."""

    KIND: ClassVar[str] = "network.tls"

    server_name: str | None = None
    """What the client asked for (SNI)."""
    offered: list[str] = field(default_factory=list)
    """Application protocols that the client offered (ALPN)."""
    chosen: str | None = None
    """The one that the server chose, where it said so in the clear."""
    version: str | None = None
    """The server's choice; without its hello the highest that the client offered."""
    cipher: str | None = None
    """The server's choice, in hex as IANA lists it."""
    ja3: str | None = None
    ja3s: str | None = None
    ja4: str | None = None
    certificates: list[str] = field(default_factory=list)
    """SHA-256 of each, the server's own first; before TLS 1.3 only. Files of this item."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCapture(Record):
    """A capture as a whole, after its flows: packets = parsed + unsupported + failed."""

    KIND: ClassVar[str] = "network.capture"

    format: str | None = None
    links: list[str] = field(default_factory=list)
    """Link types by number (tcpdump.org)."""
    interfaces: list[str] = field(default_factory=list)
    application: str | None = None
    os: str | None = None
    hardware: str | None = None
    packets: int
    parsed_packets: int
    unsupported_packets: int
    failed_packets: int
    cut_packets: int
    """Packets captured only in part (snapshot length); among the three above."""
    dropped_packets: int
    """Packets that the capturing machine says it lost."""
    unsupported: list[str] = field(default_factory=list)
    """What was not read, each with its number of packets."""
    bytes: int
    """Of all packets, as on the wire."""
    flows: int
    last_time: int | None = None
    secret_blocks: int
    """Blocks of TLS keys in the file, which are not used."""
    notes: list[str] = field(default_factory=list)
