"""The start of a TLS connection, as both sides say it in the clear: hellos and certificates.

Sources: RFC 8446 and RFC 5246 (messages), RFC 6066 (server name), RFC 7301 (ALPN), RFC 8701
(GREASE). Fingerprints: JA3 and JA3S (Salesforce, BSD-3-Clause), JA4 of the client (FoxIO,
BSD-3-Clause; the other members of that family are not free, and not here).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

HANDSHAKE = 1 << 17
"""Bytes of handshake messages of one side that are kept."""
CERTIFICATES = 16
"""Certificates of one chain that are kept."""
_RECORD = 5
_LONGEST = (1 << 14) + 2048
_CHANGE, _ALERT, _SHAKE, _DATA = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _SERVER_DONE = 1, 2, 11, 14
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_NAME, _GROUPS, _FORMATS, _SIGNATURES, _ALPN, _VERSIONS = 0, 10, 11, 13, 16, 43
VERSIONS = {
    0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3",
}  # fmt: skip
_JA4 = {0x0300: "s3", 0x0301: "10", 0x0302: "11", 0x0303: "12", 0x0304: "13"}


class BrokenError(ValueError):
    """What should be TLS is none."""


class _Reader:
    """Takes numbers and vectors off the front of bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise BrokenError("a message that is shorter than it says")
        self._at += count
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))

    def left(self) -> bool:
        return self._at < len(self._data)


@dataclass(frozen=True)
class Hello:
    """What a hello offers, or has chosen."""

    version: int
    """The version that counts: of a client the highest offered, of a server the chosen one."""
    legacy: int
    ciphers: tuple[int, ...]
    extensions: tuple[tuple[int, bytes], ...]
    retry: bool = False

    def get(self, kind: int) -> bytes:
        """Return an extension's content; empty where it is not there."""
        return next((content for found, content in self.extensions if found == kind), b"")

    @property
    def name(self) -> str:
        """The server name that a client asks for."""
        try:
            names = _Reader(_Reader(self.get(_NAME)).vector(2))
            kind, name = names.number(1), names.vector(2)
            return "" if kind else name.decode("utf-8", "backslashreplace")
        except BrokenError:
            return ""

    @property
    def protocols(self) -> tuple[str, ...]:
        """The application protocols offered, or the one chosen."""
        try:
            names, found = _Reader(_Reader(self.get(_ALPN)).vector(2)), []
            while names.left():
                found.append(names.vector(1).decode("utf-8", "backslashreplace"))
        except BrokenError:
            return ()
        return tuple(found)

    def numbers(self, kind: int, *, size: int = 2, before: int = 2) -> tuple[int, ...]:
        """Return the list of numbers that an extension is, GREASE left out."""
        try:
            return _list(_Reader(self.get(kind)).vector(before), size)
        except BrokenError:
            return ()


def _list(data: bytes, size: int = 2) -> tuple[int, ...]:
    found = (int.from_bytes(data[at : at + size], "big") for at in range(0, len(data), size))
    return tuple(number for number in found if size == 1 or not grease(number))


def grease(number: int) -> bool:
    """Say whether a number is one of RFC 8701's, which mean nothing."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def client_hello(body: bytes) -> Hello:
    """Read a client's hello.

    Raises:
        BrokenError: it is none.
    """
    reader = _Reader(body)
    legacy = reader.number(2)
    reader.take(32)
    reader.vector(1)
    ciphers = _list(reader.vector(2))
    reader.vector(1)
    hello = Hello(legacy, legacy, ciphers, _extensions(reader))
    offered = hello.numbers(_VERSIONS, before=1)
    known = [one for one in offered if one in VERSIONS]
    return Hello(max(known, default=legacy), legacy, ciphers, hello.extensions)


def server_hello(body: bytes) -> Hello:
    """Read a server's hello.

    Raises:
        BrokenError: it is none.
    """
    reader = _Reader(body)
    legacy, random = reader.number(2), reader.take(32)
    reader.vector(1)
    cipher = reader.number(2)
    reader.take(1)
    found = _extensions(reader)
    hello = Hello(legacy, legacy, (cipher,), found, random == _RETRY)
    chosen = hello.get(_VERSIONS)
    version = int.from_bytes(chosen, "big") if len(chosen) == 2 else legacy
    return Hello(version, legacy, (cipher,), found, random == _RETRY)


def _extensions(reader: _Reader) -> tuple[tuple[int, bytes], ...]:
    if not reader.left():
        return ()  # before TLS 1.2 there may be none
    inner, found = _Reader(reader.vector(2)), []
    while inner.left():
        found.append((inner.number(2), inner.vector(2)))
    return tuple(found)


def ja3(hello: Hello) -> str:
    """Return JA3 of a client."""
    kinds = [kind for kind, _ in hello.extensions if not grease(kind)]
    lists = (
        hello.ciphers,
        kinds,
        hello.numbers(_GROUPS),
        hello.numbers(_FORMATS, size=1, before=1),
    )
    return _md5(",".join((str(hello.legacy), *("-".join(map(str, one)) for one in lists))))


def ja3s(hello: Hello) -> str:
    """Return JA3S of a server."""
    kinds = "-".join(str(kind) for kind, _ in hello.extensions)
    return _md5(f"{hello.legacy},{hello.ciphers[0]},{kinds}")


def ja4(hello: Hello) -> str:
    """Return JA4 of a client over TCP."""
    kinds = [kind for kind, _ in hello.extensions if not grease(kind)]
    named = "d" if _NAME in kinds else "i"
    first = hello.protocols[0] if hello.protocols else ""
    raw = first.encode("utf-8", "surrogatepass")
    ends = "00"
    if raw:
        plain = all(chr(one).isascii() and chr(one).isalnum() for one in (raw[0], raw[-1]))
        ends = f"{chr(raw[0])}{chr(raw[-1])}" if plain else f"{raw[0]:02x}"[0] + f"{raw[-1]:02x}"[1]
    head = (
        f"t{_JA4.get(hello.version, '00')}{named}{min(99, len(hello.ciphers)):02d}"
        f"{min(99, len(kinds)):02d}{ends}"
    )
    listed = ",".join(sorted(f"{kind:04x}" for kind in kinds if kind not in {_NAME, _ALPN}))
    signatures = ",".join(f"{one:04x}" for one in hello.numbers(_SIGNATURES))
    ciphers = ",".join(sorted(f"{one:04x}" for one in hello.ciphers))
    rest = f"{listed}_{signatures}" if signatures else listed
    return f"{head}_{_short(ciphers)}_{_short(rest if listed else '')}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12


@dataclass
class Side:
    """One side's handshake on its way."""

    done: bool = False
    """Nothing more of it can be read: what follows is encrypted, or more than is kept."""
    _records: bytearray = field(default_factory=bytearray)
    _messages: bytearray = field(default_factory=bytearray)
    _changed: bool = False

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take some of the stream; return the messages that are whole: kind and body.

        Raises:
            BrokenError: it is no TLS.
        """
        found: list[tuple[int, bytes]] = []
        self._records += data
        while len(self._records) >= _RECORD and not self.done:
            kind, length = self._records[0], int.from_bytes(self._records[3:5], "big")
            if self._records[1] != 3 or kind not in {_CHANGE, _ALERT, _SHAKE, _DATA}:
                raise BrokenError("a record that is none of TLS")
            if length > _LONGEST:
                raise BrokenError("a record that is too long")
            if kind == _DATA:
                self._end()
            elif len(self._records) < _RECORD + length:
                break
            elif kind == _SHAKE and not self._changed:
                self._messages += self._records[_RECORD : _RECORD + length]
                found += self._whole()
            self._changed = self._changed or kind == _CHANGE
            del self._records[: _RECORD + length]
        return found

    def again(self) -> None:
        """Expect another hello behind the change of ciphers: the server asked to try again."""
        self._changed = False

    def _whole(self) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        while len(self._messages) >= 4:
            length = int.from_bytes(self._messages[1:4], "big")
            if length > HANDSHAKE:
                self._end()
                break
            if len(self._messages) < 4 + length:
                break
            found.append((self._messages[0], bytes(self._messages[4 : 4 + length])))
            del self._messages[: 4 + length]
        return found

    def _end(self) -> None:
        self.done = True
        self._messages.clear()
        self._records.clear()


def certificates(body: bytes) -> list[bytes]:
    """Return the certificates of a message before TLS 1.3, DER, the server's own first.

    Raises:
        BrokenError: it holds something else.
    """
    inner = _Reader(_Reader(body).vector(3))
    found: list[bytes] = []
    while inner.left() and len(found) < CERTIFICATES:
        found.append(inner.vector(3))
    return found


@dataclass
class Session:
    """Both sides' hellos, as far as they were seen."""

    client: Hello | None = None
    server: Hello | None = None
    chain: list[bytes] = field(default_factory=list)
    retried: bool = False
    fault: str = ""
    _sides: tuple[Side, Side] = field(default_factory=lambda: (Side(), Side()))

    @property
    def done(self) -> bool:
        """Say whether nothing more is to be read."""
        return bool(self.fault) or all(side.done for side in self._sides)

    def feed(self, direction: int, data: bytes) -> None:
        """Take some of one side's stream: 0 the client's, 1 the server's."""
        if self.fault or self._sides[direction].done:
            return
        try:
            for kind, body in self._sides[direction].feed(data):
                self._message(direction, kind, body)
        except BrokenError as error:
            self.fault = str(error)

    def _message(self, direction: int, kind: int, body: bytes) -> None:
        if direction == 0 and kind == _CLIENT_HELLO:
            self.client = self.client or client_hello(body)
        elif direction == 1 and kind == _SERVER_HELLO:
            found = server_hello(body)
            if found.retry:
                self.retried = True
                for side in self._sides:
                    side.again()
            else:
                self.server = found
        elif direction == 1 and kind == _CERTIFICATE and not self.chain:
            self.chain = certificates(body)
