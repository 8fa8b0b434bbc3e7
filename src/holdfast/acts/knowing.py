"""What people know and have: passwords (argon2id, RFC 9106) and one-time codes (TOTP, RFC 6238)."""

from __future__ import annotations

import base64
import os
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import select, update

from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.vault import accounts
from holdfast.vault.database import guarded

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from holdfast.acts.act import Session

SHORTEST, LONGEST = 12, 200
"""Characters of a password: NIST SP 800-63B asks for length, and for no kinds of characters."""
STEP = 30
"""Seconds of a code."""
_AT_ONCE = threading.Semaphore(2)
"""A check takes 64 MiB and half a core for some 50 ms: more at once would stop everybody."""


@dataclass(frozen=True)
class Account:
    """How somebody signs in."""

    name: str
    password: str | None
    totp: str | None
    totp_last: int
    locked: int

    @property
    def ways(self) -> tuple[str, ...]:
        """Return them, sorted, as the log says them."""
        has = {"password": self.password, "totp": self.totp}
        return tuple(way for way in sorted(has) if has[way])


def account(engine: Engine, name: str) -> Account | None:
    """Return somebody's account; None where there is none."""
    query = select(accounts.accounts).where(accounts.accounts.c.name == name)
    with guarded(engine), engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else Account(*row)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id, 64 MiB, 3 passes, 4 lanes: RFC 9106, section 4, second


@cache
def _of_nobody() -> str:
    return _hasher().hash(os.urandom(16))


def check_password(password: str, name: str) -> str:
    """Return a password's hash if it may be one.

    Raises:
        InputError: too short or long, or the name itself.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            f"a password has {SHORTEST} to {LONGEST} characters",
            "take some words that you remember",
        )
    if name.casefold() in password.casefold() or len(set(password)) < 5:
        raise InputError("that password is easily guessed", "take some words that you remember")
    with _AT_ONCE:
        return _hasher().hash(password)


def password_fits(account: Account | None, password: str) -> bool:
    """Say whether it is the account's password; as slowly where there is no account."""
    kept = account.password if account is not None else None
    with _AT_ONCE:
        try:
            fits = _hasher().verify(kept or _of_nobody(), password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return fits and kept is not None


def new_totp(session: Session, name: str) -> tuple[bytes, str]:
    """Make a TOTP secret; return it, and sealed as it is kept."""
    secret = os.urandom(20)
    return secret, seal_totp(session, name, secret)


def seal_totp(session: Session, name: str, secret: bytes) -> str:
    """Return a TOTP secret as it is kept."""
    return accounts.seal(session.vault.keyring.web(), secret, f"totp {name}")


def uri(secret: bytes, name: str, issuer: str) -> str:
    """Return what an authenticator's program takes: `otpauth://totp/…`."""
    return _totp(secret).get_provisioning_uri(name, issuer)


def text(secret: bytes) -> str:
    """Return a secret as people type it: base32 in groups of four."""
    plain = base64.b32encode(secret).decode()
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, 6, SHA1(), STEP)  # noqa: S303 - RFC 6238's own, which all programs have


def code_of(secret: bytes, code: str, last: int) -> int | None:
    """Return the time step that a code is of: this one or its neighbours, after `last`; or None."""
    given = code.replace(" ", "").encode("utf-8", "replace")
    now = clock.now() // 1_000_000
    for step in (now // STEP, now // STEP - 1, now // STEP + 1):
        if step <= last:
            continue
        try:
            _totp(secret).verify(given, step * STEP)
        except (InvalidToken, ValueError):
            continue
        return step
    return None


def code_fits(session: Session, account: Account, code: str) -> bool:
    """Say whether a one-time code is right, and use it up: none counts twice (RFC 6238, 5.2)."""
    sealed = account.totp or ""
    secret = accounts.unseal(session.vault.keyring.web(), sealed, f"totp {account.name}")
    step = None if secret is None else code_of(secret, code, account.totp_last)
    if step is None:
        return False
    table, engine = accounts.accounts, session.vault.engine
    used = (
        update(table)
        .where(table.c.name == account.name, table.c.totp_last < step)
        .values(totp_last=step)
    )
    with guarded(engine), engine.begin() as connection:
        return connection.execute(used).rowcount == 1
