"""What signs acts and how that is checked: an Ed25519 key, in a file or on a token, or a passkey.

An act's signature is a JSON object in the entry: `{"sig"}` of an Ed25519 key; of a passkey
`{"authenticator","client","sig"}`. `covers` and `key` are added to either.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from holdfast.core.digest import from_base64
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault.note import Verifier
from holdfast.vault.passkey import Passkey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from holdfast.vault.webauthn import Assertion

PersonKey: TypeAlias = Verifier | Passkey


class UnsignedError(DeniedError):
    """Nobody signed. It is not entered as other refusals are: that would ask the same person."""


class Shown(Protocol):
    """What a person is told of an entry that they sign: `entry.Draft` is one."""

    @property
    def act(self) -> str:
        """Its name."""

    @property
    def case(self) -> str | None:
        """The case it is in; None for the vault's own."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The act's own fields."""


class ActSigner(Protocol):
    """Somebody's key as acts are signed with it; `note.Signer` is one."""

    @property
    def verifier(self) -> PersonKey:
        """The public half."""

    @property
    def asks(self) -> bool:
        """Whether a person is asked each time, which may take minutes."""

    def attest(self, message: bytes, shown: Sequence[Shown], last: int) -> dict[str, str]:
        """Return the signature's parts over the canonical act.

        `shown` is what a person is told of it; `last` the key's last counter in the log.

        Raises:
            UnsignedError: the person, or the key, refuses.
        """


@dataclass(frozen=True)
class PasskeySigner:
    """A passkey, and how its holder is asked."""

    verifier: Passkey
    ask: Callable[[Passkey, bytes, Sequence[Shown]], Assertion]
    """Given the passkey, the challenge and what is to be signed; in time, or it raises."""
    asks: bool = True

    def attest(self, message: bytes, shown: Sequence[Shown], last: int) -> dict[str, str]:
        """Have the holder sign, and judge it as others will.

        Raises:
            UnsignedError: they did not, or what came is no such signature.
        """
        from holdfast.vault import webauthn  # noqa: PLC0415 - as below

        made = self.ask(self.verifier, webauthn.challenge(message), shown)
        why = webauthn.fault(self.verifier, made, message)
        if why is None and backwards(last, made.counter):
            why = (
                f"its counter is {made.counter} and was {last} already: there may be a copy of "
                "this passkey"
            )
        if why is not None:
            raise UnsignedError(f"the passkey's signature is refused: {why}", "nothing was entered")
        return made.fields()


class OwnKeyError(UnsignedError):
    """A session's key can't sign this; its person's own can, and is to be asked."""


class UnaskedError(UnsignedError):
    """The person has not been asked yet: here is what they are to be shown, and to sign."""

    def __init__(self, challenge: bytes, shown: Sequence[Shown]) -> None:
        super().__init__("this asks for a passkey's signature", "sign it in the browser")
        self.challenge = challenge
        self.shown = tuple(shown)


@dataclass(frozen=True)
class Prepared:
    """What makes an act the very same when it is made again, to be signed in between."""

    seed: bytes
    """32 secret bytes, from which the salts come."""
    time: int
    """When it was shown, in microseconds."""

    def salts(self) -> Callable[[int], bytes]:
        """Return what gives so many bytes of salts, one call after the other."""
        count = 0

        def give(size: int) -> bytes:
            nonlocal count
            count += 1
            message = b"holdfast-salts/1\n" + self.seed + count.to_bytes(4, "big")
            return hashlib.shake_256(message).digest(size)

        return give


@dataclass(frozen=True)
class BrowserSigner:
    """A passkey in a browser: asked by one request, answered by the next."""

    verifier: Passkey
    prepared: Prepared
    answer: Assertion | None
    asks: bool = True

    def attest(self, message: bytes, shown: Sequence[Shown], last: int) -> dict[str, str]:
        """Return the signature that came, judged as others will.

        Raises:
            UnaskedError: none has come yet.
            UnsignedError: what came is none of this very act.
        """
        from holdfast.vault import webauthn  # noqa: PLC0415 - as below

        answer = self.answer
        if answer is None:
            raise UnaskedError(webauthn.challenge(message), shown)
        signer = PasskeySigner(self.verifier, lambda _key, _challenge, _shown: answer)
        return signer.attest(message, shown, last)


def backwards(last: int, count: int) -> bool:
    """Say whether a counter did not go on: WebAuthn section 6.1.1. One that stays 0 is none."""
    return (last > 0 or count > 0) and count <= last


def parse(vkey: str) -> PersonKey:
    """Read a person's public key.

    Raises:
        InputError: it is none.
    """
    try:
        return Verifier.parse(vkey)
    except InputError:
        try:
            return Passkey.parse(vkey)
        except InputError:
            pass
        raise


def fault(key: PersonKey, message: bytes, signature: Mapping[str, Any]) -> str | None:
    """Return why `signature` is none of `key` on the canonical act; None where it is one.

    Raises:
        ValueError, LookupError: it is malformed.
    """
    if isinstance(key, Passkey):
        # Only where there is a passkey: what reads its answers takes time to load.
        from holdfast.vault import webauthn  # noqa: PLC0415

        return webauthn.fault(key, webauthn.Assertion.of(signature), message)
    if "client" in signature:
        return "a passkey's signature, and the log gives another key"
    good = key.verifies(message, from_base64(str(signature["sig"])))
    return None if good else f"the signature of {key.name} does not verify"


def counter(signature: Mapping[str, Any]) -> int:
    """Return a passkey's count of signatures as this one says it; 0 where it says none."""
    try:
        return int.from_bytes(from_base64(str(signature["authenticator"]))[33:37], "big")
    except (LookupError, ValueError):
        return 0
