"""What a server knows of people that the log does not hold: tables of the database's state.

Secrets are not in them as they are: a password as argon2id, a TOTP secret sealed under the
keyring's `web.key`, a session's or token's key sealed under the secret that only its holder has.
"""

from __future__ import annotations

import base64
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from holdfast.vault.tables import state

_NONCE = 12

accounts = Table(
    "accounts",
    state,
    Column("name", String, primary_key=True),
    Column("password", String, comment="argon2id, PHC string; none: no way in by password"),
    Column("totp", Text, comment="the secret, sealed under web.key (base64); none: not asked"),
    Column("totp_last", BigInteger, nullable=False, comment="the last time step that was used"),
    Column("locked", Integer, nullable=False),
    comment="How people sign in, but for passkeys, which the log has.",
)

sessions = Table(
    "sessions",
    state,
    Column("digest", String(64), primary_key=True, comment="SHA-256 of the browser's secret"),
    Column("vkey", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False, comment="session or token"),
    Column("how", String, nullable=False),
    Column("key", Text, nullable=False, comment="the private key, sealed under the secret"),
    Column("until", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("used", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("source", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("acts", Text, nullable=False, comment="of a token: names joined by newlines, or all"),
    Column("cases", Text, nullable=False, comment="of a token: joined by newlines, or all"),
    Column("label", String, nullable=False),
    comment="Sessions and tokens that are in force; ending one is a row less.",
)

offered = Table(
    "offered",
    state,
    Column("vkey", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("time", BigInteger, nullable=False, comment="microseconds since the epoch"),
    comment="Passkeys that somebody made and nobody has confirmed yet.",
)

attempts = Table(
    "attempts",
    state,
    Column("name", String, primary_key=True, comment="the account; empty: all of a source"),
    Column("source", String, primary_key=True, comment="an address; empty: all"),
    Column("failures", BigInteger, nullable=False),
    Column("untold", BigInteger, nullable=False, comment="of these, in no entry yet"),
    Column("time", BigInteger, nullable=False, comment="of the last, microseconds"),
    Column("until", BigInteger, nullable=False, comment="nothing is tried before, microseconds"),
    comment="Sign-ins that failed; forgotten after a day.",
)

TABLES = (accounts, sessions, offered, attempts)


def digest(secret: str) -> str:
    """Return under which name a secret's row is kept."""
    return hashlib.sha256(b"holdfast-secret/1\n" + secret.encode("utf-8", "replace")).hexdigest()


def seal(key: bytes, data: bytes, about: str) -> str:
    """Return `data` under a 32-byte key (AES-256-GCM), readable only as being `about` that."""
    nonce = os.urandom(_NONCE)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, data, about.encode())).decode()


def unseal(key: bytes, text: str, about: str) -> bytes | None:
    """Return what was sealed; None where by another key, about something else, or altered."""
    try:
        data = base64.b64decode(text, validate=True)
        return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], about.encode())
    except (InvalidTag, ValueError):
        return None


def _under(secret: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"holdfast-session-key/1").derive(secret.encode())


def seal_key(secret: str, private: Ed25519PrivateKey) -> str:
    """Seal a session's key under the secret of who holds it."""
    return seal(_under(secret), private.private_bytes_raw(), "session")


def open_key(secret: str, text: str) -> Ed25519PrivateKey | None:
    """Return the key; None where the secret is another."""
    data = unseal(_under(secret), text, "session")
    return None if data is None else Ed25519PrivateKey.from_private_bytes(data)
