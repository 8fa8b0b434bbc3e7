"""RFC 3161 time-stamp tokens: ask for one, and judge one against the roots of its authority.

The signature, the chain and its validity at the time of the stamp are checked by rfc3161-client
(OpenSSL inside); what it leaves out is checked here: that the certificate is for stamping alone
(RFC 3161 section 2.3) and that the token names it (ESSCertID, section 2.4.2).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import rfc3161_client as tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyasn1.type import univ, useful
from pyasn1_modules import rfc3161, rfc5280

from holdfast.core.errors import IntegrityError
from holdfast.vault import der

if TYPE_CHECKING:
    from holdfast.vault.authorities import Authority

DIGESTS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
"""The digests that a stamp may be over, with their object identifiers (RFC 5754 section 2)."""
NAMES = {oid: name for name, oid in DIGESTS.items()}
_ESS = "1.2.840.113549.1.9.16.2.12"
_ESS_V2 = "1.2.840.113549.1.9.16.2.47"
_GENERALIZED = re.compile(r"([0-9]{14})(?:\.([0-9]*[1-9]))?Z")
_REASON = re.compile(r'(?:Verify error: |reason: ")([^"]+)"')
_GRANTED = bytes.fromhex("3003020100")


@dataclass(frozen=True)
class Token:
    """What a good token says."""

    content: bytes
    """The token itself, a CMS ContentInfo, DER as it came."""
    time: int
    """genTime, microseconds since the epoch."""
    accuracy: int
    """Microseconds around `time`; 0 where the authority states none."""
    expires: int
    """When the first certificate of its chain ends: microseconds since the epoch."""
    digest: str
    """The name of the digest it is over."""
    chain: tuple[x509.Certificate, ...] = field(default=(), compare=False, repr=False)
    """Who signed it, then the issuers up to a root."""


def digest_of(data: bytes, name: str = "sha256") -> bytes:
    """Return a digest by its name in `DIGESTS`."""
    return hashlib.new(name, data).digest()


def algorithm(name: str) -> bytes:
    """Return a digest's AlgorithmIdentifier, DER, parameters absent (RFC 5754 section 2)."""
    value = rfc5280.AlgorithmIdentifier()
    value["algorithm"] = DIGESTS[name]
    return der.encode(value)


def algorithm_name(element: bytes) -> str:
    """Return the digest's name that an AlgorithmIdentifier stands for.

    Raises:
        ValueError: malformed, or a digest that is not in `DIGESTS`.
    """
    oid = str(der.decode(der.parts(element)[0], univ.ObjectIdentifier()))
    if oid not in NAMES:
        raise ValueError(f"a digest that is not accepted: {oid}")
    return NAMES[oid]


def request(digest: bytes, name: str, nonce: int, policy: str | None) -> bytes:
    """Return a TimeStampReq, DER: section 2.4.1, with the certificate asked for."""
    query = rfc3161.TimeStampReq()
    query["version"] = 1
    query["messageImprint"]["hashAlgorithm"]["algorithm"] = DIGESTS[name]
    # NULL parameters, as openssl writes and as every authority takes them.
    query["messageImprint"]["hashAlgorithm"]["parameters"] = univ.Any(b"\x05\x00")
    query["messageImprint"]["hashedMessage"] = digest
    if policy is not None:
        query["reqPolicy"] = policy
    query["nonce"] = nonce
    query["certReq"] = True
    return der.encode(query)


def answered(query: bytes, response: bytes, digest: bytes, authority: Authority) -> Token:
    """Return the token of a TimeStampResp after checking that it answers `query` over `digest`.

    Raises:
        IntegrityError: it does not, or is no good stamp of that authority.
    """
    try:
        asked = der.decode(query, rfc3161.TimeStampReq())
        name = NAMES[str(asked["messageImprint"]["hashAlgorithm"]["algorithm"])]
        imprint, nonce = bytes(asked["messageImprint"]["hashedMessage"]), int(asked["nonce"])
    except Exception as error:  # noqa: BLE001 - as below
        raise IntegrityError(f"its request is malformed ({type(error).__name__})") from None
    if imprint != digest:
        raise IntegrityError("its request is for another digest than that of its text")
    return _judged(response, name, digest, authority, nonce)


def sound(content: bytes, name: str, digest: bytes, authority: Authority) -> Token:
    """Return a token that came without its response, as evidence records keep them.

    Raises:
        IntegrityError: it is no good stamp of that authority over `digest`.
    """
    return _judged(der.joined([_GRANTED, content]), name, digest, authority, None)


def _judged(
    response: bytes, name: str, digest: bytes, authority: Authority, nonce: int | None
) -> Token:
    try:
        content, copy = _taken_apart(response)
        parsed = tsp.decode_timestamp_response(copy)
        said = parsed.tst_info
        over = said.message_imprint.hash_algorithm.dotted_string
        imprint, answers, under = said.message_imprint.message, said.nonce, said.policy
        time, accuracy = _time(content), _accuracy(said.accuracy)
    except Exception as error:  # noqa: BLE001 - bytes from outside: three libraries, their own errors
        raise IntegrityError(f"it is no time stamp: {_told(error)}") from None
    if over != DIGESTS[name] or imprint != digest:
        raise IntegrityError("it stamps something else: its imprint is another")
    if nonce is not None and answers != nonce:
        raise IntegrityError("it answers another request: its nonce is another")
    if authority.policy is not None and under.dotted_string != authority.policy:
        raise IntegrityError(f"it was made under the policy {under.dotted_string}, not the agreed")
    roots = [x509.load_pem_x509_certificate(one.encode()) for one in authority.roots]
    builder = tsp.VerifierBuilder(roots=roots)
    try:
        builder.build().verify(parsed, digest)
        chain = _chain(parsed, roots)
        _check_signer(chain[0], content)
    except Exception as error:  # noqa: BLE001 - as above
        raise IntegrityError(
            f"no time authority under the roots of {authority.name} signed it: {_told(error)}"
        ) from None
    expires = min(_micros(one.not_valid_after_utc) for one in chain)
    return Token(content, time, accuracy, expires, name, tuple(chain))


def _taken_apart(response: bytes) -> tuple[bytes, bytes]:
    """Return a granted response's token, and a copy of the response that rfc3161-client reads.

    It takes certificates only in the order that DER has for a SET, which openssl does not keep.
    They are not signed, so a sorted copy has the same signatures.

    Raises:
        ValueError: malformed, or nothing was granted.
    """
    status, *rest = der.parts(response)
    if int(der.decode(der.parts(status)[0], univ.Integer())) != 0 or len(rest) != 1:
        raise ValueError("the authority did not grant it")
    kind, wrapped = der.parts(rest[0])
    (signed,) = der.parts(wrapped, der.context(0))
    elements = [
        der.joined(sorted(der.parts(one, der.context(0))), der.context(0))
        if one[:1] == bytes([der.context(0)])
        else one
        for one in der.parts(signed)
    ]
    copy = der.joined([kind, der.joined([der.joined(elements)], der.context(0))])
    return rest[0], der.joined([status, copy])


def _chain(parsed: tsp.TimeStampResponse, roots: list[x509.Certificate]) -> list[x509.Certificate]:
    """Return the certificate that signed, then its issuers as far as one of `roots`.

    The library has checked the signatures; this finds by name who they are.
    """
    (signer,) = parsed.signed_data.signer_infos
    held = [x509.load_der_x509_certificate(one) for one in parsed.signed_data.certificates]
    known = [*held, *roots]
    serial = cast("Any", signer).serial_number
    issuer = cast("Any", signer).issuer
    chain = [one for one in held if (one.issuer, one.serial_number) == (issuer, serial)][:1]
    while chain[-1] not in roots and len(chain) <= len(known):
        above = [one for one in known if one.subject == chain[-1].issuer and one not in chain]
        if not above:
            break
        # Of several certificates of one issuer, that which lasts longest is what is left.
        chain.append(max(above, key=lambda one: one.not_valid_after_utc))
    return chain


def _check_signer(certificate: x509.Certificate, content: bytes) -> None:
    """Check what the time authority's certificate may be used for, and that the token names it.

    Raises:
        ValueError: it may not stamp, or the token names another.
    """
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise ValueError("its certificate is not for stamping") from None
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        # "one instance of the extended key usage field extension ... critical" (section 2.3).
        raise ValueError("its certificate is not for stamping alone")
    written = certificate.public_bytes(Encoding.DER)
    if not any(digest_of(written, name) == digest for name, digest in _named(content)):
        raise ValueError("the token does not name the certificate that signed it")


def _named(content: bytes) -> list[tuple[str, bytes]]:
    """Return the first certificate digests (name, value) of the token's ESS attributes."""
    (signed,) = der.parts(der.parts(content)[1], der.context(0))
    (signer,) = der.parts(der.parts(signed)[-1], der.SET)
    found = []
    for element in der.parts(signer):
        if element[:1] != bytes([der.context(0)]):
            continue
        for attribute in der.parts(element, der.context(0)):
            kind, values = der.parts(attribute)
            oid = str(der.decode(kind, univ.ObjectIdentifier()))
            if oid not in {_ESS, _ESS_V2}:
                continue
            first = der.parts(der.parts(der.parts(der.parts(values, der.SET)[0])[0])[0])
            name = "sha1" if oid == _ESS else "sha256"
            if first[0][:1] == bytes([der.SEQUENCE]):
                name = algorithm_name(first.pop(0))
            found.append((name, bytes(der.decode(first[0], univ.OctetString()))))
    return found


def _time(content: bytes) -> int:
    """Return genTime: rfc3161-client leaves out the fraction of the second.

    Raises:
        ValueError: it is not as section 2.4.2 has it: GeneralizedTime, UTC, no trailing zeros.
    """
    (signed,) = der.parts(der.parts(content)[1], der.context(0))
    (wrapped,) = der.parts(der.parts(der.parts(signed)[2])[1], der.context(0))
    said = bytes(der.decode(wrapped, univ.OctetString()))
    text = bytes(der.decode(der.parts(said)[4], useful.GeneralizedTime())).decode("ascii")
    found = _GENERALIZED.fullmatch(text)
    if found is None:
        raise ValueError("its time is malformed")
    second = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return _micros(second) + int((found[2] or "").ljust(6, "0")[:6])


def _told(error: Exception) -> str:
    """Return an error's reason; OpenSSL's stands at the end of a long list."""
    reasons = _REASON.findall(str(error))
    text = reasons[-1] if reasons else str(error)
    return " ".join(text.split())[:200] or type(error).__name__


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _accuracy(said: tsp.Accuracy | None) -> int:
    if said is None:
        return 0
    return (said.seconds or 0) * 1_000_000 + (said.millis or 0) * 1000 + (said.micros or 0)
