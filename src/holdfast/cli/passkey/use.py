"""Enrol a passkey and sign acts with one, by the page in the person's browser."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.cli.passkey.page import Page, part
from holdfast.core.errors import InputError, printable
from holdfast.vault import webauthn
from holdfast.vault.passkey import Passkey
from holdfast.vault.signing import PasskeySigner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.vault.signing import Shown

RP = "localhost"
"""The relying party of the command line's page."""
_SHOWN = 20
"""Entries of one act that the page shows in full."""
_LONG = 2000
"""Characters of a field that it shows."""


def enrol(name: str, page: Page) -> tuple[Passkey, bool]:
    """Make a passkey for `name`; say whether it can be copied to other devices.

    Raises:
        UnsignedError: the person refused, or did nothing.
        IntegrityError, InputError: what came is no passkey that can be used.
    """
    challenge = secrets.token_bytes(32)
    answer = page.ask(
        {
            "kind": "create",
            "title": f"Make a passkey for {printable(name)}",
            "text": "Your browser or security key will ask who you are: a PIN, finger or face.",
            "button": "Make it",
            "acts": [],
            "options": {
                "rp": {"id": RP, "name": "Holdfast"},
                "user": {"id": _text(secrets.token_bytes(32)), "name": name, "displayName": name},
                "challenge": _text(challenge),
                "pubKeyCredParams": [
                    {"type": "public-key", "alg": one} for one in webauthn.ALGORITHMS
                ],
                "authenticatorSelection": {
                    "residentKey": "discouraged",
                    "userVerification": "required",
                },
                "attestation": "none",
            },
        }
    )
    client, attestation = part(answer, "client"), part(answer, "attestation")
    return webauthn.enrolled(name.replace(" ", "_"), RP, challenge, client, attestation)


def signer(line: str, name: str, page: Page) -> PasskeySigner:
    """Return what signs acts of `name` with the passkey whose public line is given.

    Raises:
        InputError: it is no passkey, or another's, or one of another page.
    """
    passkey = Passkey.parse(line)
    if passkey.name != name.replace(" ", "_"):
        raise InputError(f"this passkey is {passkey.name}'s, not {name}'s", "name your own")
    if passkey.rp != RP:
        raise InputError(
            f"this passkey works on pages of {passkey.rp} only", "make one for this command line"
        )

    def ask(passkey: Passkey, challenge: bytes, drafts: Sequence[Shown]) -> webauthn.Assertion:
        credential = {"type": "public-key", "id": _text(passkey.credential)}
        answer = page.ask(
            {
                "kind": "get",
                "title": f"Sign as {printable(name)}",
                "text": "Read what is below. Signing it is like signing on paper.",
                "button": "Sign",
                "acts": _acts(drafts),
                "options": {
                    "rpId": RP,
                    "challenge": _text(challenge),
                    "allowCredentials": [credential],
                    "userVerification": "required",
                },
            }
        )
        return webauthn.Assertion(
            part(answer, "authenticator"), part(answer, "client"), part(answer, "signature")
        )

    return PasskeySigner(passkey, ask)


def line_of(key: str) -> str | None:
    """Return a passkey's public line from the file `key`; None where the file is something else."""
    try:
        with Path(key).open("rb") as stream:
            data = stream.read(8192)
    except (OSError, ValueError):
        return None
    text = data.decode("utf-8", "replace").strip()
    return text if "\n" not in text and "+/2hvbGRmYXN0LXBhc3NrZXkv" in text else None


def _acts(drafts: Sequence[Shown]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = [
        {"title": one.act, "fields": [("case", one.case or "none, the vault's own"), *_fields(one)]}
        for one in drafts[:_SHOWN]
    ]
    if len(drafts) > _SHOWN:
        shown.append({"title": f"and {len(drafts) - _SHOWN} entries more", "fields": []})
    return shown


def _fields(draft: Shown) -> list[tuple[str, str]]:
    found = []
    for name, value in draft.fields.items():
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        cut = text if len(text) <= _LONG else f"{text[:_LONG]} … ({len(text)} characters)"
        found.append((name, printable(cut)))
    return found


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
