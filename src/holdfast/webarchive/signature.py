"""Whether a WACZ's signedData proves what it says: WACZ Signing and Verification 0.1.0.

Anonymous: an ECDSA key that came with the file signed the hash. By domain: the key of a TLS
certificate did, and an RFC 3161 stamp says when. The chain is judged at the time of the stamp,
against roots that are given: never against what the file itself brings.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import rfc3161_client as tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COMMON = {"hash", "created", "software", "version", "signature"}
_ANONYMOUS = {"hash", "created", "software", "signature", "publicKey"}
_DOMAIN = {
    "hash", "created", "software", "signature", "domain", "domainCert", "timeSignature",
    "timestampCert",
}  # fmt: skip
_APART = timedelta(minutes=10)
_NAMED = {"1.3.132.0.34": hashes.SHA384, "1.3.132.0.35": hashes.SHA512}


@dataclass(frozen=True)
class Trust:
    """The roots that signatures are held to, PEM or DER certificates."""

    web: tuple[x509.Certificate, ...] = ()
    stamps: tuple[x509.Certificate, ...] = ()


def load_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Read certificates from PEM; one that can't be read is left out."""
    mark = b"-----END CERTIFICATE-----"
    found = []
    for block in pem.split(mark)[:-1]:
        begin = block.find(b"-----BEGIN CERTIFICATE-----")
        try:
            with warnings.catch_warnings():
                # Old roots with odd serial numbers are in every system's list.
                warnings.simplefilter("ignore", CryptographyDeprecationWarning)
                found.append(x509.load_pem_x509_certificate(block[begin:] + mark + b"\n"))
        except ValueError:
            continue
    return tuple(found)


def judge(
    signed: Any, digest: str, created: Any, trust: Trust, find: Callable[[str, str], None]
) -> dict[str, Any]:
    """Tell `find` what is wrong with `signed`; return what it says of its signer.

    `digest` is the true hash of datapackage.json (`sha256:...`), `created` what that file says.
    """
    if not isinstance(signed, dict) or not all(
        isinstance(value, str) for key, value in signed.items() if key != "version"
    ):
        find("signature.form", "signedData is no object of strings")
        return {"kind": "malformed"}
    kind = "anonymous" if "publicKey" in signed else "domain"
    wanted = _ANONYMOUS if kind == "anonymous" else _DOMAIN
    if missing := sorted(wanted - signed.keys()):
        find("signature.form", f"{', '.join(missing)} missing")
        return {"kind": "malformed"}
    allowed = wanted | _COMMON | ({"crossSignedCert"} if kind == "domain" else set())
    if extra := sorted(signed.keys() - allowed):
        find("signature.extra", ", ".join(extra))
    if signed["hash"] != digest:
        find("signature.hash", f"{signed['hash']}, where {digest} was calculated")
    if created != signed["created"]:
        find("signature.manifest-created", f"{created} and {signed['created']}")
    if kind == "anonymous":
        return _anonymous(signed, find)
    return _domain(signed, trust, find)


def _anonymous(signed: dict[str, str], find: Callable[[str, str], None]) -> dict[str, Any]:
    try:
        raw = base64.b64decode(signed["publicKey"], validate=True)
        key = serialization.load_der_public_key(raw)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        find("signature.value", "publicKey is no key")
        return {"kind": "anonymous"}
    if not _fits(key, signed):
        find("signature.value", "it does not fit publicKey")
    find("signature.anonymous", f"SHA-256 of the key: {hashlib.sha256(raw).hexdigest()}")
    return {"kind": "anonymous", "key_sha256": hashlib.sha256(raw).hexdigest()}


def _fits(key: Any, signed: dict[str, str]) -> bool:
    """Say whether `signature` is the key's over the text of `hash`."""
    try:
        raw = base64.b64decode(signed["signature"], validate=True)
    except (ValueError, binascii.Error):
        return False
    text = signed["hash"].encode()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            return any(_ecdsa(key, form, text) for form in _forms(key, raw))
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(raw, text, padding.PKCS1v15(), hashes.SHA256())
            return True
    except InvalidSignature:
        return False
    return False


def _forms(key: ec.EllipticCurvePublicKey, raw: bytes) -> list[bytes]:
    """Return the signature as DER, where a browser wrote its two numbers bare (IEEE P1363)."""
    size = (key.curve.key_size + 7) // 8
    if len(raw) != 2 * size:
        return [raw]
    r, s = int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big")
    return [raw, encode_dss_signature(r, s)]


def _ecdsa(key: ec.EllipticCurvePublicKey, raw: bytes, text: bytes) -> bool:
    for algorithm in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        try:
            key.verify(raw, text, ec.ECDSA(algorithm))
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def _domain(
    signed: dict[str, str], trust: Trust, find: Callable[[str, str], None]
) -> dict[str, Any]:
    chain = load_roots(signed["domainCert"].encode())
    facts: dict[str, Any] = {"kind": "domain", "domain": signed["domain"]}
    if not chain:
        find("signature.form", "domainCert holds no certificate")
        return facts
    facts["certificate_sha256"] = chain[0].fingerprint(hashes.SHA256()).hex()
    facts["issuer"] = chain[0].issuer.rfc4514_string()
    if not _fits(chain[0].public_key(), signed):
        find("signature.value", "it does not fit the key of the first certificate in domainCert")
    if signed["domain"] not in _names(chain[0]):
        find("signature.domain", f"{signed['domain']!r} is not among {_names(chain[0])}")
    stamped = _stamp(signed, trust, find)
    facts["time"] = None if stamped is None else stamped.isoformat()
    _chain(signed, chain, stamped, trust, find)
    return facts


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return names.value.get_values_for_type(x509.DNSName)


def _chain(
    signed: dict[str, str],
    chain: Sequence[x509.Certificate],
    at: datetime | None,
    trust: Trust,
    find: Callable[[str, str], None],
) -> None:
    chains = [chain]
    if "crossSignedCert" in signed:
        crossed = load_roots(signed["crossSignedCert"].encode())
        if not crossed or crossed[0].public_key() != chain[0].public_key():
            find("signature.cross", "another key, or no certificate")
        else:
            chains.append(crossed)
    if not trust.web:
        find("signature.roots", "give a file of root certificates")
        return
    moment = at or _moment(signed["created"])
    if moment is None:
        return
    reasons = []
    for leaf, *rest in chains:
        try:
            builder = PolicyBuilder().store(Store([*trust.web])).time(moment)
            verifier = builder.build_server_verifier(x509.DNSName(signed["domain"]))
            verifier.verify(leaf, rest)
        except (VerificationError, ValueError) as error:
            reasons.append(str(error).splitlines()[0])
            continue
        return
    issuer = chain[-1].issuer.rfc4514_string()
    find("signature.chain", f"it ends at {issuer}: {reasons[0]}")


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _stamp(
    signed: dict[str, str], trust: Trust, find: Callable[[str, str], None]
) -> datetime | None:
    """Return the time that the stamp proves, as far as its authority is believed."""
    certificates = load_roots(signed["timestampCert"].encode())
    try:
        response = tsp.decode_timestamp_response(base64.b64decode(signed["timeSignature"]))
        time = response.tst_info.gen_time
    except (ValueError, binascii.Error) as error:
        find("signature.time", f"timeSignature can't be read: {error}")
        return None
    if not certificates:
        find("signature.time", "timestampCert holds no certificate")
        return None
    own = certificates[-1:] if len(certificates) > 1 else certificates
    believed = bool(trust.stamps) and _stamps(response, signed, certificates, trust.stamps)
    if not believed:
        if not _stamps(response, signed, certificates, own):
            find("signature.time", "it does not fit signature, or not timestampCert")
            return None
        if trust.stamps:
            find("signature.time", "its authority is none of those that are trusted")
        else:
            find("signature.tsa", own[0].subject.rfc4514_string())
    created = _moment(signed["created"])
    if created is None or abs(created - time) > _APART:
        find("signature.created", f"{signed['created']}, and the stamp says {time.isoformat()}")
    return time


def _stamps(
    response: tsp.TimeStampResponse,
    signed: dict[str, str],
    certificates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
) -> bool:
    builder = tsp.VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    builder = builder.tsa_certificate(certificates[0])
    try:
        return builder.build().verify_message(response, signed["signature"].encode())
    except (tsp.VerificationError, ValueError):
        return False
