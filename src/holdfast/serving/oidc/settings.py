"""Which provider of OpenID Connect a server lets people in by: a file of TOML.

id = "unit7"                              # in addresses here; lower-case letters, digits, hyphens
name = "Directory of Unit 7"              # on the button at the door
issuer = "https://login.unit7.example"    # as the provider names itself, to the last character
client_id = "holdfast"
client_secret_file = "oidc.secret"        # beside this file; nobody else may read it
ask = "the duty supervisor, ext. 4711"    # told to who has no account here
acr = ["urn:unit7:two-factors"]           # optional: one of these is asked for, and demanded
also = ["https://keys.unit7.example"]     # optional: further places of the provider's
loopback = true                           # optional, for tests: http, on this machine
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from holdfast.acts.binding import check_issuer
from holdfast.core.errors import InputError
from holdfast.vault.private import check_mode

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 4096
"""Characters of a secret."""
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_TEXTS = ("id", "name", "issuer", "client_id")
_LISTS = ("acr", "also")
_KNOWN = {*_TEXTS, *_LISTS, "client_secret_file", "ask", "loopback"}


@dataclass(frozen=True)
class Settings:
    """A provider, and what this server is to it."""

    id: str
    name: str
    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    """Empty: a public client, which PKCE alone protects."""
    ask: str = "a supervisor of the unit"
    acr: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    loopback: bool = False

    @property
    def places(self) -> frozenset[str]:
        """Return the origins that this server asks, and no other: its own, and those named."""
        return frozenset(origin(one) for one in (self.issuer, *self.also))


def origin(url: str) -> str:
    """Return scheme, host and port of an address; empty where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname and port else ""


def read(path: Path, data: bytes) -> Settings:
    """Return the provider that a file names; `data` is what it holds.

    Raises:
        InputError: it is no such file, or says what can't be.
        DeniedError: others can read the secret.
        FileNotFoundError, PermissionError: a file can't be opened.
    """
    try:
        facts = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is no TOML: {error}", "correct it") from None
    _check(path, facts)
    check_issuer(facts["issuer"])
    loopback = bool(facts.get("loopback", False))
    for url in (facts["issuer"], *facts.get("also", [])):
        check_issuer(url)
        if not url.startswith("https://") and not loopback:
            raise InputError(
                f"{path}: {url} is not asked over TLS", "a provider is reached by https://"
            )
    secret = ""
    if "client_secret_file" in facts:
        file = path.parent / facts["client_secret_file"]
        check_mode(file, shared=False)
        with file.open("rb") as opened:
            secret = opened.read(LARGEST + 1).decode("utf-8", "replace").strip()
        if not secret.isprintable() or not 0 < len(secret) <= LARGEST:
            raise InputError(f"{file} holds no secret", "put the client's secret into it")
    plain = {name: facts[name] for name in (*_TEXTS, "ask") if name in facts}
    acr, also = (tuple(facts.get(name, ())) for name in _LISTS)
    return Settings(**plain, secret=secret, acr=acr, also=also, loopback=loopback)


def _check(path: Path, facts: dict[str, Any]) -> None:
    for name in sorted(facts.keys() - _KNOWN):
        raise InputError(f"{path} has {name!r}, which is no setting", _known())
    for name in _TEXTS:
        if not isinstance(facts.get(name), str) or not facts[name].strip():
            raise InputError(f"{path} has no {name!r}", _known())
    for name in ("ask", "client_secret_file"):
        if not isinstance(facts.get(name, ""), str):
            raise InputError(f"{path}: {name!r} is a text", _known())
    for name in _LISTS:
        found = facts.get(name, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise InputError(f"{path}: {name!r} is a list of texts", _known())
    if not _ID.fullmatch(facts["id"]):
        raise InputError(
            f"{path}: {facts['id']!r} can't be an id", "use lower-case letters, digits and hyphens"
        )


def _known() -> str:
    return f"it may have: {', '.join(sorted(_KNOWN))}"
