"""TLS 1.3 and 1.2 seen from outside, with the keys that a client logged.

RFC 8446 and 5246, for what a browser offers; primitives are `cryptography`'s. Each record is
authenticated by its own AEAD or MAC, so what comes out is what the two ends agreed on, whoever
wrote down the packets. Nothing is negotiated and no certificate is judged here.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Keys = dict[bytes, dict[str, bytes]]
"""By a ClientHello's random, secrets by NSS's labels."""
SENT, RECEIVED = "sent", "received"
TLS12, TLS13 = 0x0303, 0x0304
_CHANGE, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_EXTENSIONS = 8
"""The message EncryptedExtensions."""
_VERSIONS, _EARLY_DATA = 43, 42
"""Extensions: supported_versions, early_data."""
_EARLY = 64
"""Records of early data that are held."""
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a HelloRetryRequest (RFC 8446 section 4.1.3)."""
_RECORD = (1 << 14) + 2048
_HELLO = 1 << 17


class TlsError(ValueError):
    """Nothing more of a connection can be decrypted."""


class _LeftError(TlsError):
    """Its client left before it had keys for what follows, and could not read it either."""


@dataclass(frozen=True)
class _Suite:
    """A cipher suite: `gcm`, `chacha` or `cbc`, its key's bytes, its hash."""

    kind: str
    key: int
    hash: str = "sha256"


SUITES: Mapping[int, _Suite] = {
    0x1301: _Suite("gcm", 16),
    0x1302: _Suite("gcm", 32, "sha384"),
    0x1303: _Suite("chacha", 32),
    **dict.fromkeys((0xC02B, 0xC02F, 0x009C), _Suite("gcm", 16)),
    **dict.fromkeys((0xC02C, 0xC030, 0x009D), _Suite("gcm", 32, "sha384")),
    **dict.fromkeys((0xCCA8, 0xCCA9), _Suite("chacha", 32)),
    **dict.fromkeys((0xC009, 0xC013, 0x002F), _Suite("cbc", 16)),
    **dict.fromkeys((0xC00A, 0xC014, 0x0035), _Suite("cbc", 32)),
}


def read_keys(log: bytes) -> Keys:
    """Read a key log (draft-ietf-tls-keylogfile); lines that are none are passed over."""
    found: Keys = {}
    for line in log.splitlines():
        words = line.split()
        if len(words) != 3 or line.startswith(b"#"):
            continue
        try:
            random, secret = bytes.fromhex(words[1].decode()), bytes.fromhex(words[2].decode())
        except ValueError:
            continue
        found.setdefault(random, {})[words[0].decode("latin-1")] = secret
    return found


@dataclass
class _Way:
    """One direction."""

    records: bytearray = field(default_factory=bytearray)
    hello: bytearray = field(default_factory=bytearray)
    protected: bool = False
    secrets: list[bytes] = field(default_factory=list)
    """TLS 1.3: those that come next."""
    secret: bytes = b""
    opener: _Opener | None = None


class Session:
    """A connection; in the clear, it gives what it is fed."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._ways = {SENT: _Way(), RECEIVED: _Way()}
        self._random: bytes | None = None
        self._server_random = b""
        self._early: list[tuple[bytes, bytes]] = []
        """Records that the client sent before the server's answer."""
        self._keyless = False
        self.secure: bool | None = None
        """None before the first byte."""
        self.version = 0
        self.cipher = 0
        self.broken = ""
        """Why nothing more is given."""
        self.left = False
        """The client made no keys for application data: nothing was said."""

    def feed(self, way: str, data: bytes) -> list[tuple[str, bytes]]:
        """Take the next bytes of a direction; return what is application data with them, by way."""
        if self.secure is None and data:
            # A server that speaks first refuses, with an alert, or speaks no TLS.
            self.secure = data[:1] == b"\x16" or (way == RECEIVED and data[:1] == b"\x15")
        if not self.secure:
            return [(way, data)]
        if self.broken or self.left:
            return []
        one = self._ways[way]
        one.records += data
        found: list[tuple[str, bytes]] = []
        try:
            for kind, head, body in _records(one.records):
                found += self._record(way, kind, head, body)
        except _LeftError:
            self.left = True
        except TlsError as error:
            self.broken = str(error)
        return found

    def _record(self, way: str, kind: int, head: bytes, body: bytes) -> Iterator[tuple[str, bytes]]:
        one = self._ways[way]
        if self._keyless:
            if way == SENT and kind != _ALERT:
                raise TlsError("no keys of it were logged")
        elif self.version == TLS12 and kind == _CHANGE:
            if one.protected:
                raise TlsError("the session was negotiated anew")
            one.protected = True
        elif not self.version and kind == _DATA:
            self._early.append((head, body))
            if len(self._early) > _EARLY:
                raise TlsError("more early data than any server takes")
        elif one.protected:
            inner, data = self._open(one, kind, head, body)
            if inner == _DATA:
                yield way, data
            elif inner == _HANDSHAKE and way == RECEIVED and self._early:
                yield from self._early_data(data)
        elif kind == _HANDSHAKE:
            one.hello += body
            self._hellos(way, one)

    def _early_data(self, message: bytes) -> Iterator[tuple[str, bytes]]:
        """Give early data, where EncryptedExtensions take it (RFC 8446 section 4.2.10)."""
        records, self._early = self._early, []
        opened = [self._open(self._ways[SENT], _DATA, head, body) for head, body in records]
        try:
            taken = message[0] == _EXTENSIONS and _EARLY_DATA in _extensions(message, 4)
        except (struct.error, IndexError):
            taken = False
        if taken:
            yield from ((SENT, data) for inner, data in opened if inner == _DATA)

    # --- hellos -----------------------------------------------------------------------------

    def _hellos(self, way: str, one: _Way) -> None:
        while len(one.hello) >= 4:
            size = 4 + int.from_bytes(one.hello[1:4], "big")
            if size > _HELLO:
                raise TlsError("a handshake message that is too long")
            if len(one.hello) < size:
                return
            message = bytes(one.hello[:size])
            del one.hello[:size]
            try:
                if message[0] == _CLIENT_HELLO and way == SENT and self._random is None:
                    self._random = message[6:38]
                elif message[0] == _SERVER_HELLO and way == RECEIVED and not self.version:
                    self._answered(message)
            except (struct.error, IndexError):
                raise TlsError("a broken hello") from None

    def _answered(self, message: bytes) -> None:
        """Take the server's choice and make the keys."""
        random = message[6:38]
        if random == _RETRY:
            return
        at = 39 + message[38]
        (cipher,) = struct.unpack_from(">H", message, at)
        version = int.from_bytes(message[4:6], "big")
        chosen = _extensions(message, at + 3).get(_VERSIONS)
        if chosen is not None:
            version = int.from_bytes(chosen, "big")
        self.version, self.cipher, self._server_random = version, cipher, random
        if version not in {TLS12, TLS13} or cipher not in SUITES:
            raise TlsError(f"TLS version {version:#06x} with cipher {cipher:#06x}")
        secrets = self._keys.get(self._random or b"")
        if secrets is None:
            self._keyless = True  # it may have left before it saw this
            return
        try:
            if version == TLS13:
                for way, who in ((SENT, "CLIENT"), (RECEIVED, "SERVER")):
                    early = way == SENT and self._early
                    self._ways[way].secrets = [
                        *([secrets["CLIENT_EARLY_TRAFFIC_SECRET"]] if early else ()),
                        secrets[f"{who}_HANDSHAKE_TRAFFIC_SECRET"],
                        secrets.get(f"{who}_TRAFFIC_SECRET_0", b""),
                    ]
                    self._ways[way].protected = True
            else:
                self._expand(secrets["CLIENT_RANDOM"])
        except KeyError:
            raise TlsError("not all keys of it were logged") from None

    def _expand(self, master: bytes) -> None:
        """Make TLS 1.2's keys (RFC 5246 section 6.3)."""
        suite = SUITES[self.cipher]
        mac = 20 if suite.kind == "cbc" else 0
        salt = {"gcm": 4, "chacha": 12, "cbc": 0}[suite.kind]
        seed = b"key expansion" + self._server_random + (self._random or b"")
        block, last = b"", seed
        while len(block) < 2 * (mac + suite.key + salt):
            last = hmac.digest(master, last, suite.hash)
            block += hmac.digest(master, last + seed, suite.hash)
        at = 0
        for size, name in ((mac, "mac"), (suite.key, "key"), (salt, "salt")):
            for way in (SENT, RECEIVED):
                one = self._ways[way]
                if one.opener is None:
                    one.opener = _Opener(suite.kind)
                setattr(one.opener, name, block[at : at + size])
                at += size

    # --- records ----------------------------------------------------------------------------

    def _open(self, one: _Way, kind: int, head: bytes, body: bytes) -> tuple[int, bytes]:
        if self.version == TLS12:
            assert one.opener is not None  # noqa: S101
            return kind, one.opener.open12(kind, head, body)
        if kind in {_CHANGE, _ALERT}:  # the first is for old middleboxes; the other ends it
            return kind, b""
        if kind != _DATA:
            raise TlsError("a record in the clear after the keys were agreed on")
        if one.opener is None:
            self._next(one)
        while True:
            assert one.opener is not None  # noqa: S101
            try:
                data = one.opener.open13(head, body)
            except InvalidTag:
                self._next(one)
                continue
            plain = data.rstrip(b"\0")
            if not plain:
                raise TlsError("a record without a type")
            return plain[-1], plain[:-1]

    def _next(self, one: _Way) -> None:
        """Go on to the next secret: the application's, then each as the last one was renewed."""
        suite = SUITES[self.cipher]
        size = 48 if suite.hash == "sha384" else 32
        if one.secrets:
            one.secret = one.secrets.pop(0)
            if not one.secret:
                raise _LeftError
        elif one.opener is not None and one.opener.number:
            one.secret = _label(one.secret, b"traffic upd", size, suite.hash)
        else:
            raise TlsError("a record that no key opens")
        one.opener = _Opener(
            suite.kind,
            key=_label(one.secret, b"key", suite.key, suite.hash),
            salt=_label(one.secret, b"iv", 12, suite.hash),
        )


@dataclass
class _Opener:
    """Opens the records of one direction, under one key."""

    kind: str
    key: bytes = b""
    salt: bytes = b""
    mac: bytes = b""
    number: int = 0
    _cipher: AESGCM | ChaCha20Poly1305 | None = None

    def open13(self, head: bytes, body: bytes) -> bytes:
        """Open a record of TLS 1.3 (RFC 8446 section 5.2).

        Raises:
            InvalidTag: it is under another key.
        """
        data = self._aead().decrypt(self._nonce(), body, head)
        self.number += 1
        return data

    def open12(self, kind: int, head: bytes, body: bytes) -> bytes:
        """Open a record of TLS 1.2 (RFC 5288, 7905, 5246 section 6.2.3.2).

        Raises:
            TlsError: it can't be opened.
        """
        about = struct.pack(">QB2s", self.number, kind, head[1:3])
        try:
            if self.kind == "cbc":
                data = self._chained(about, body)
            elif self.kind == "gcm":
                about += struct.pack(">H", len(body) - 24)
                data = self._aead().decrypt(self.salt + body[:8], body[8:], about)
            else:
                about += struct.pack(">H", len(body) - 16)
                data = self._aead().decrypt(self._nonce(), body, about)
        except (InvalidTag, struct.error, ValueError, IndexError):
            raise TlsError("a record that no key opens") from None
        self.number += 1
        return data

    def _aead(self) -> AESGCM | ChaCha20Poly1305:
        if self._cipher is None:
            self._cipher = AESGCM(self.key) if self.kind == "gcm" else ChaCha20Poly1305(self.key)
        return self._cipher

    def _nonce(self) -> bytes:
        number = self.number ^ int.from_bytes(self.salt, "big")
        return number.to_bytes(12, "big")

    def _chained(self, about: bytes, body: bytes) -> bytes:
        opened = Cipher(algorithms.AES(self.key), modes.CBC(body[:16])).decryptor()
        data = opened.update(body[16:]) + opened.finalize()
        end = len(data) - 1 - data[-1] - 20
        if end < 0:
            raise TlsError("a record that no key opens")
        plain, tag = data[:end], data[end : end + 20]
        about += struct.pack(">H", end)
        if not hmac.compare_digest(hmac.digest(self.mac, about + plain, "sha1"), tag):
            raise TlsError("a record that no key opens")
        return plain


def _label(secret: bytes, label: bytes, size: int, hash_: str) -> bytes:
    """HKDF-Expand-Label (RFC 8446 section 7.1), of one block: `size` is at most the hash's."""
    name = b"tls13 " + label
    told = struct.pack(">HB", size, len(name)) + name + b"\0\x01"
    return hmac.digest(secret, told, hash_)[:size]


def _extensions(message: bytes, at: int) -> dict[int, bytes]:
    """Return the extensions of a message, whose list's length stands at `at`."""
    end = at + 2 + int.from_bytes(message[at : at + 2], "big")
    at, found = at + 2, {}
    while at + 4 <= min(end, len(message)):
        kind, size = struct.unpack_from(">HH", message, at)
        found[kind] = message[at + 4 : at + 4 + size]
        at += 4 + size
    return found


def _records(buffer: bytearray) -> Iterator[tuple[int, bytes, bytes]]:
    """Take the whole records out of `buffer`: type, header, body.

    Raises:
        TlsError: what is there is no record.
    """
    at = 0
    try:
        while len(buffer) - at >= 5:
            size = int.from_bytes(buffer[at + 3 : at + 5], "big")
            if buffer[at + 1] != 3 or size > _RECORD:
                raise TlsError("what is no TLS record")
            if len(buffer) - at < 5 + size:
                return
            head, body = bytes(buffer[at : at + 5]), bytes(buffer[at + 5 : at + 5 + size])
            at += 5 + size
            yield head[0], head, body
    finally:
        del buffer[:at]
