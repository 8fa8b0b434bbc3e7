"""Ask a provider: where its pages are, which keys it signs with, what a code is worth.

Only places that the settings name are asked, over TLS, without following a redirect, for a few
seconds and a few hundred kilobytes, and for few people at once: a provider that is slow or hostile
holds up who signs in by it, and nobody else.
"""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from holdfast.core import clock
from holdfast.core.errors import InputError, RemoteError, ResourceError
from holdfast.serving.oidc import flow
from holdfast.serving.oidc.settings import origin
from holdfast.vault.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from joserfc.jwk import Key

    from holdfast.acts.binding import Told
    from holdfast.serving.oidc.flow import Asked, Metadata
    from holdfast.serving.oidc.settings import Settings
    from holdfast.vault.remote import Answer

PATIENCE = 10.0
"""Seconds for one answer."""
AT_ONCE = 4
"""People for whom a provider is asked at the same time..."""
TURN = 1.0
"""... and seconds that one more waits: who waits holds a thread that others want."""
FRESH = 3600.0
"""Seconds that its metadata and keys are kept."""
AGAIN = 30.0
"""Seconds before keys are fetched again since a token names one that is not among them."""
MOST_KEYS = 50
_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass
class Provider:
    """One provider, as this process knows it."""

    settings: Settings
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _places: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE), repr=False
    )
    _metadata: tuple[float, Metadata] | None = field(default=None, repr=False)
    _keys: tuple[float, KeySet] | None = field(default=None, repr=False)

    def where_to(self, asked: Asked, back: str) -> str:
        """Return where a browser is sent to sign in.

        Raises:
            RemoteError, ResourceError: the provider can't be asked.
        """
        with self._asking():
            return flow.address(self.settings, self._known(), asked, back)

    def came_back(self, asked: Asked, answer: Mapping[str, str], back: str) -> Told:
        """Return who somebody is, who comes back with an answer.

        Raises:
            NotBelievedError: that can't be believed.
            RemoteError, ResourceError: the provider can't be asked.
        """
        with self._asking():
            metadata = self._known()
            code = flow.code_of(self.settings, metadata, asked, answer)
            token = self._token(metadata, asked, code, back)
            keys = self._signing(metadata, flow.key_id(token))
            return flow.told(self.settings, keys, token, asked.nonce, clock.now() / 1_000_000)

    def sign_out(self, back: str) -> str:
        """Return where a browser signs out of the provider, too; empty where it knows no such.

        Nobody is asked for it: it is known where somebody signed in of late.
        """
        if self._metadata is None or not self._metadata[1].sign_out:
            return ""
        at = self._metadata[1].sign_out
        asks = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return f"{at}{'&' if '?' in at else '?'}{urlencode(asks)}"

    @contextmanager
    def _asking(self) -> Iterator[None]:
        if not self._places.acquire(timeout=TURN):
            raise ResourceError(
                f"too many sign in by {self.settings.name} at once", "try again in a moment"
            )
        try:
            yield
        finally:
            self._places.release()

    def _known(self) -> Metadata:
        with self._lock:
            if self._metadata is None or self._metadata[0] < time.monotonic() - FRESH:
                found = self._get(self.settings.issuer.rstrip("/") + _WELL_KNOWN)
                self._metadata = time.monotonic(), flow.Metadata.of(self.settings, found)
            return self._metadata[1]

    def _signing(self, metadata: Metadata, kid: str | None) -> KeySet:
        """Return its keys; anew where they are old, or `kid` is none of them (Core, 10.1.1)."""
        with self._lock:
            held, age = self._keys, 0.0 if self._keys is None else time.monotonic() - self._keys[0]
            known = held is not None and (kid is None or any(k.kid == kid for k in held[1].keys))
            if held is None or age > FRESH or (not known and age > AGAIN):
                held = time.monotonic(), KeySet(_for_signing(self._get(metadata.keys)))
                self._keys = held
            return held[1]

    def _token(self, metadata: Metadata, asked: Asked, code: str, back: str) -> str:
        form = {
            "client_id": self.settings.client_id,
            "code": code,
            "code_verifier": asked.verifier,
            "grant_type": "authorization_code",
            "redirect_uri": back,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        secret = self.settings.secret
        if secret and metadata.posts_secret:
            form["client_secret"] = secret
        elif secret:
            # RFC 6749, section 2.3.1: both are encoded as in a form first.
            both = f"{quote(self.settings.client_id, '')}:{quote(secret, '')}"
            headers["Authorization"] = f"Basic {b64encode(both.encode()).decode()}"
        with self._remote(metadata.token) as remote:
            answer = remote.post(_path(metadata.token), urlencode(form).encode(), headers)
        if answer.status in {400, 401, 403}:
            raise flow.NotBelievedError("the provider does not take the code")
        token = self._json(metadata.token, answer).get("id_token")
        if not isinstance(token, str):
            raise flow.NotBelievedError("the provider gave no ID token")
        return token

    def _get(self, url: str) -> dict[str, Any]:
        with self._remote(url) as remote:
            return self._json(url, remote.get(_path(url)))

    def _remote(self, url: str) -> Remote:
        place = origin(url)
        if place not in self.settings.places:
            raise self._odd(url)
        try:
            return Remote(place, PATIENCE)
        except InputError:
            raise self._odd(url) from None

    def _json(self, url: str, answer: Answer) -> dict[str, Any]:
        try:
            found = json.loads(answer.body) if answer.status == 200 else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._odd(url)
        return found

    def _odd(self, url: str) -> RemoteError:
        return RemoteError(
            f"the provider {self.settings.id} answers oddly at {url[:200]}", "try again later"
        )


def _path(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _for_signing(found: dict[str, Any]) -> list[Key]:
    """Return the keys that sign, of a JWK Set (RFC 7517); what is none that we know is let be."""
    keys: list[Key] = []
    listed = found.get("keys")
    for one in listed[:MOST_KEYS] if isinstance(listed, list) else []:
        fits = isinstance(one, dict) and one.get("kty") in {"RSA", "EC"}
        if fits and one.get("use", "sig") == "sig":
            with suppress(JoseError, ValueError, TypeError):
                keys.append(JWKRegistry.import_key(one))
    return keys


@dataclass(frozen=True)
class Providers:
    """The providers that a server lets people in by, in the order of its settings."""

    every: tuple[Provider, ...] = ()

    @classmethod
    def of(cls, settings: tuple[Settings, ...]) -> Providers:
        """Take them.

        Raises:
            InputError: two have one id or one issuer.
        """
        for what in ("id", "issuer"):
            found = [getattr(one, what) for one in settings]
            if len(set(found)) < len(found):
                raise InputError(f"two providers have one {what}", "give each its own")
        return cls(tuple(Provider(one) for one in settings))

    def find(self, id_: str) -> Provider | None:
        """Return the provider that is called so."""
        return next((one for one in self.every if one.settings.id == id_), None)

    def of_issuer(self, issuer: str) -> Provider | None:
        """Return the provider that names itself so."""
        return next((one for one in self.every if one.settings.issuer == issuer), None)
