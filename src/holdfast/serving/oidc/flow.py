"""The authorization code flow as it is decided, without asking anybody.

OpenID Connect Core 1.0, Discovery 1.0; PKCE (RFC 7636); the issuer in the answer (RFC 9207).
What is not as these say lets nobody in, and says why in a sentence for the log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from joserfc import jws
from joserfc.errors import JoseError

from holdfast.acts.binding import LONGEST, Told
from holdfast.core.errors import DeniedError, RemoteError
from holdfast.serving.oidc.settings import origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwk import KeySet

    from holdfast.core.canonical import Json
    from holdfast.serving.oidc.settings import Settings

ALGORITHMS = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)]
"""Signatures with a private key only: `none`, and HS256 keyed with what is public, are none."""
SKEW = 60
"""Seconds that the provider's clock may differ."""
OLDEST = 600
"""Seconds since a token was made for us; it was asked for a moment ago."""
_LARGEST = 20_000


class NotBelievedError(DeniedError):
    """What came back from a provider is not what it has to be: nobody is let in."""

    def __init__(self, why: str) -> None:
        super().__init__(why, "begin again; if it stays so, tell who runs this server")


@dataclass(frozen=True)
class Asked:
    """One person's way to a provider and back, as their browser carries it, sealed."""

    provider: str
    onward: str
    """Where they wanted to go here."""
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """PKCE's, by S256 (RFC 7636, section 4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class Metadata:
    """Where a provider is asked what."""

    authorize: str
    token: str
    keys: str
    sign_out: str
    """Empty: it has no such page."""
    posts_secret: bool
    """Whether it takes the secret in the form only."""
    names_itself: bool
    """Whether each answer of its must say whose it is (RFC 9207)."""

    @classmethod
    def of(cls, settings: Settings, found: Mapping[str, Any]) -> Metadata:
        """Take what discovery gave.

        Raises:
            RemoteError: it is another issuer's, or names places that are not the provider's.
        """
        if found.get("issuer") != settings.issuer:
            raise RemoteError(
                f"the provider {settings.id} calls itself {str(found.get('issuer'))[:100]!r}, "
                f"and the settings call it {settings.issuer}",
                "correct the settings, to the last character",
            )
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
        at = [str(found.get(name) or "") for name in names]
        for name, url in zip(names, at, strict=True):
            if (url or name != names[-1]) and not _fits(settings, url):
                raise RemoteError(
                    f"the {name} of the provider {settings.id}, {url[:100]!r}, is at no place that "
                    "its settings name",
                    "if it is the provider's, add it to `also`",
                )
        if "S256" not in _texts(found, "code_challenge_methods_supported", "S256"):
            raise RemoteError(f"the provider {settings.id} knows no PKCE by S256", "have it set up")
        methods = _texts(found, "token_endpoint_auth_methods_supported", "client_secret_basic")
        posts = "client_secret_post" in methods and "client_secret_basic" not in methods
        named = found.get("authorization_response_iss_parameter_supported") is True
        authorize, token, keys, sign_out = at
        return cls(authorize, token, keys, sign_out, posts, named)


def _fits(settings: Settings, url: str) -> bool:
    return origin(url) in settings.places and "#" not in url and "@" not in urlsplit(url).netloc


def _texts(found: Mapping[str, Any], name: str, default: str) -> list[Any]:
    value = found.get(name, [default])
    return value if isinstance(value, list) else []


def address(settings: Settings, metadata: Metadata, asked: Asked, back: str) -> str:
    """Return where the browser is sent to sign in."""
    asks = {
        "client_id": settings.client_id,
        "code_challenge": asked.challenge,
        "code_challenge_method": "S256",
        "nonce": asked.nonce,
        "redirect_uri": back,
        "response_type": "code",
        "scope": "openid",
        "state": asked.state,
    }
    if settings.acr:
        asks["acr_values"] = " ".join(settings.acr)
    joint = "&" if "?" in metadata.authorize else "?"
    return f"{metadata.authorize}{joint}{urlencode(asks)}"


def code_of(settings: Settings, metadata: Metadata, asked: Asked, answer: Mapping[str, str]) -> str:
    """Return the code that a browser brings back.

    Raises:
        NotBelievedError: it is another's answer, or the provider let nobody in.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(), asked.state.encode()):
        raise NotBelievedError("the answer is not to what this browser asked (state)")
    issuer = answer.get("iss")
    if (issuer is not None or metadata.names_itself) and issuer != settings.issuer:
        raise NotBelievedError("the answer is another provider's (iss)")
    if "error" in answer:
        known = answer["error"].replace("_", "").isalnum() and answer["error"].isascii()
        what = answer["error"][:60] if known else "an error"
        raise NotBelievedError(f"the provider let nobody in: {what}")
    code = answer.get("code", "")
    if not (0 < len(code) <= 4096):
        raise NotBelievedError("the answer holds no code")
    return code


def key_id(token: str) -> str | None:
    """Return by which key a token says it is signed; None: it doesn't say.

    Raises:
        NotBelievedError: it is no token that a private key signs.
    """
    try:
        header = jws.extract_compact(token.encode("ascii")).headers() if _short(token) else {}
    except (JoseError, ValueError):
        header = {}
    if header.get("alg") not in ALGORITHMS:
        raise NotBelievedError(
            f"the ID token is not signed with a private key ({str(header.get('alg'))[:20]!r})"
        )
    kid = header.get("kid")
    return kid if isinstance(kid, str) else None


def _short(token: object) -> bool:
    return isinstance(token, str) and len(token) <= _LARGEST


def told(settings: Settings, keys: KeySet, token: str, nonce: str, now: float) -> Told:
    """Return what an ID token says, once all of it holds (Core 1.0, section 3.1.3.7).

    Raises:
        NotBelievedError: it doesn't.
    """
    key_id(token)
    try:
        signed = jws.deserialize_compact(token, keys, algorithms=ALGORITHMS)
    except (JoseError, ValueError):
        raise NotBelievedError("the ID token's signature is not the provider's") from None
    claims = _claims(signed.payload)
    audience = claims.get("aud")
    faults = {
        "it is another issuer's (iss)": claims.get("iss") != settings.issuer,
        # A list with others in it: they could have it too, and bring it here.
        "it is for another than this server (aud)": audience
        not in (settings.client_id, [settings.client_id]),
        "it was made for another (azp)": claims.get("azp", settings.client_id)
        != settings.client_id,
        "it is over (exp)": _number(claims, "exp") <= now - SKEW,
        "it is of no time that can be (iat)": not now - OLDEST
        <= _number(claims, "iat")
        <= now + SKEW,
        "it answers another's question (nonce)": not hmac.compare_digest(
            str(claims.get("nonce", "")).encode(), nonce.encode()
        ),
    }
    for why, broken in faults.items():
        if broken:
            raise NotBelievedError(f"the ID token is not believed: {why}")
    subject, acr = claims.get("sub"), claims.get("acr")
    if not (isinstance(subject, str) and subject.isascii() and subject.isprintable()):
        raise NotBelievedError("the ID token names nobody (sub)")
    if not 0 < len(subject) <= LONGEST:
        raise NotBelievedError("the ID token names nobody (sub)")
    if settings.acr and acr not in settings.acr:
        raise NotBelievedError("the provider did not ask for as much as it has to (acr)")
    amr = claims.get("amr")
    said = tuple(str(one)[:100] for one in amr[:20]) if isinstance(amr, list) else ()
    return Told(settings.issuer, subject, str(acr)[:200] if isinstance(acr, str) else "", said)


def _claims(payload: bytes) -> dict[str, Json]:
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise NotBelievedError("the ID token holds no claims")
    return claims


def _number(claims: Mapping[str, Json], name: str) -> float:
    value = claims.get(name)
    fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if fits and isinstance(value, (int, float)) else float("-inf")
