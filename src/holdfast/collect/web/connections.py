"""Connections: who was at the other end, by which names and certificates, and how many bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from holdfast.collect.web.exchanges import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CIPHERS = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
    0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
    0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
}
"""What Chromium offers (IANA's TLS Cipher Suites registry)."""
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass
class Traffic:
    """Bytes of one direction."""

    wire: int = 0
    """What the socket carried, TLS and proxy included."""
    carried: int = 0
    """What was inside, for us to tell apart."""
    kept: int = 0
    """Of that: what messages, tunnels and frames took."""


@dataclass
class Connection:
    """One TCP connection of the browser's."""

    number: int
    source: int
    opened: int
    closed: int | None = None
    local: str | None = None
    remote: str | None = None
    job: int | None = None
    """The stream job that has the socket now."""
    resolver: int | None = None
    tls: dict[str, Any] | None = None
    secure: bool = False
    in_proxy: bool = False
    """The proxy's greeting is under way."""
    socks: dict[str, Any] | None = None
    certificates: list[str] = field(default_factory=list)
    verdict: dict[str, Any] | None = None
    verifier: int | None = None
    sent: Traffic = field(default_factory=Traffic)
    received: Traffic = field(default_factory=Traffic)
    exchanges: int = 0
    losses: list[int] = field(default_factory=list)
    guard: Mapping[str, Any] | None = None
    answers: list[str] = field(default_factory=list)
    """Addresses that the browser was ready to try; the proxy's, where there is one."""
    proxy_received: int = 0
    """Bytes of the proxy's own answers."""

    @property
    def peer(self) -> str | None:
        """Return the address that answered, if it is known: through a guard, only it knows."""
        if self.guard is not None:
            found = self.guard.get("peer")
            return found if isinstance(found, str) else None
        return None if self.socks is not None or self.remote is None else address(self.remote)

    @property
    def port(self) -> int | None:
        """Return the browser's port."""
        try:
            return int((self.local or "").rpartition(":")[2])
        except ValueError:
            return None


@dataclass
class Lookup:
    """A name, looked up by the browser itself."""

    host: str = ""
    packets: list[str] = field(default_factory=list)
    """DNS responses, base64."""


def address(endpoint: str) -> str:
    """Return the IP address of `1.2.3.4:80` or `[::1]:80`."""
    return endpoint.rpartition(":")[0].strip("[]")


def socks_target(data: bytes) -> dict[str, Any]:
    """Return where a SOCKS5 request (RFC 1928, section 4) wants to go, as far as it can be read."""
    try:
        if data[3] == 3:
            end = 5 + data[4]
            return {
                "host": data[5:end].decode("latin-1"),
                "port": int.from_bytes(data[end : end + 2], "big"),
            }
        size = 4 if data[3] == 1 else 16
        raw = data[4 : 4 + size]
        host = ".".join(map(str, raw)) if size == 4 else raw.hex()
        return {"host": host, "port": int.from_bytes(data[4 + size : 6 + size], "big")}
    except IndexError:
        return {}


class Certificates:
    """Keeps each certificate once, as a file named by its digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: dict[str, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._told)

    def keep(self, pems: Iterable[object]) -> list[str]:
        """Keep a chain; return the digests, leaf first. What is no PEM is passed over."""
        found: list[str] = []
        for pem in pems:
            der = _der(pem)
            if not der:
                continue
            digest = hashlib.sha256(der).hexdigest()
            found.append(digest)
            if digest not in self._told:
                self._told[digest] = {"sha256": digest, **_describe(der)}
                (self._folder / f"{digest}.der").write_bytes(der)
        return found

    def told(self, digest: str) -> dict[str, Any]:
        """Return what a kept certificate says of itself."""
        return self._told[digest]


def _der(pem: object) -> bytes:
    if not isinstance(pem, str) or _BEGIN not in pem:
        return b""
    body = pem.partition(_BEGIN)[2].partition(_END)[0]
    try:
        return binascii.a2b_base64(body)
    except ValueError:
        return b""


def _describe(der: bytes) -> dict[str, Any]:
    """Return the names and the validity that a certificate gives; empty where it can't be read."""
    try:
        found = x509.load_der_x509_certificate(der)
        told: dict[str, Any] = {
            "subject": found.subject.rfc4514_string(),
            "issuer": found.issuer.rfc4514_string(),
            "serial": f"{found.serial_number:x}",
            "not_before": found.not_valid_before_utc.isoformat().replace("+00:00", "Z"),
            "not_after": found.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
        }
        try:
            names = found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
            told["names"] = [str(name.value) for name in names.value]  # type: ignore[attr-defined]
        except x509.ExtensionNotFound:
            told["names"] = []
    except Exception as error:  # noqa: BLE001 - a hostile certificate raises what it likes
        return {"unreadable": type(error).__name__}
    return told


def read_guard(stream: BinaryIO | None) -> dict[int, list[dict[str, Any]]]:
    """Return the guard's connections by the browser's port, in order. A torn line is no line."""
    by_port: dict[int, list[dict[str, Any]]] = {}
    for line in stream or ():
        try:
            entry = orjson.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("browser_port"), int):
            by_port.setdefault(entry["browser_port"], []).append(entry)
    return by_port


def line(connection: Connection, lookup: Lookup | None, certificates: Certificates) -> bytes:
    """Return a connection as connections.jsonl has it."""
    guard = connection.guard
    dns: dict[str, Any] | None = None
    if guard is not None:
        dns = {
            "host": guard.get("host"),
            "answers": guard.get("answers") or [],
            "packets": guard.get("packets") or [],
            "resolved_by": guard.get("resolved_by"),
        }
    elif lookup is not None and connection.socks is None:
        dns = {
            "host": lookup.host,
            "answers": connection.answers,
            "packets": lookup.packets,
            "resolved_by": "browser",
        }
    value = {
        "connection": connection.number,
        "source": connection.source,
        "opened": text(connection.opened),
        "closed": text(connection.closed),
        "local": connection.local,
        "remote": connection.remote,
        "peer": connection.peer,
        "dns": dns,
        "proxy": connection.socks,
        "guard": None if guard is None else guard.get("connection"),
        "tls": connection.tls,
        "certificates": [certificates.told(digest) for digest in connection.certificates],
        "verdict": connection.verdict,
        "bytes": {
            way: {"wire": t.wire, "carried": t.carried, "kept": t.kept}
            for way, t in (("sent", connection.sent), ("received", connection.received))
        },
        "exchanges": connection.exchanges,
        "loss": connection.losses,
    }
    return orjson.dumps(value) + b"\n"


def packet(params: Mapping[str, Any]) -> str | None:
    """Return the DNS response that an event carries, if it is base64."""
    value = params.get("response_buffer")
    if not isinstance(value, str):
        return None
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        return None
    return value
