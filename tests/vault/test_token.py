"""RFC 3161 tokens: what a real `openssl ts` answers, and every way in which an answer is false."""

from __future__ import annotations

import secrets
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from holdfast.core import clock
from holdfast.core.errors import IntegrityError
from holdfast.testing.authority import POLICY, Authority, Mood, certificate
from holdfast.vault import authorities, der, token

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = b"log.example/1\n3\nAAAA\n"
DIGEST = token.digest_of(TEXT)


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(autouse=True)
def good_mood(tsa: Authority) -> None:
    tsa.mood = Mood.GOOD


def pinned(tsa: Authority, policy: str | None = POLICY) -> authorities.Authority:
    return authorities.Authority("a-tsa", "http://127.0.0.1/", (tsa.root_file.read_text(),), policy)


def query(digest: bytes = DIGEST, name: str = "sha256") -> bytes:
    return token.request(digest, name, secrets.randbits(64), POLICY)


def refused(question: bytes, answer: bytes, by: authorities.Authority, why: str) -> None:
    with pytest.raises(IntegrityError, match=why):
        token.answered(question, answer, DIGEST, by)


@pytest.mark.parametrize("name", sorted(token.DIGESTS))
def test_a_good_answer_gives_its_time(tsa: Authority, name: str) -> None:
    digest = token.digest_of(TEXT, name)
    question = query(digest, name)
    before = clock.now()
    made = token.answered(question, tsa.reply(question), digest, pinned(tsa))
    assert before - 1_000_000 <= made.time <= clock.now() + 1_000_000
    assert made.accuracy == 1_000_000
    assert made.digest == name
    assert token.sound(made.content, name, digest, pinned(tsa)) == made
    day = 86_400_000_000
    assert 364 * day < made.expires - before < 366 * day


def test_the_time_keeps_its_fraction(tsa: Authority) -> None:
    """RFC 3161 section 2.4.2: "GeneralizedTime ... fraction-of-second details"."""
    question = query()
    made = token.answered(question, tsa.reply(question), DIGEST, pinned(tsa))
    shown = subprocess.run(
        ["openssl", "ts", "-reply", "-in", tsa.folder / "answer", "-text"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    seconds = shown.split("Time stamp: ")[1].split(" 20")[0].split(":")[-1]
    assert f"{made.time / 1e6 % 60:09.6f}".rstrip("0").rstrip(".") == seconds.rstrip("0").rstrip(
        "."
    )


def test_a_request_is_one_that_openssl_reads(tsa: Authority, tmp_path: Path) -> None:
    (tmp_path / "q").write_bytes(token.request(DIGEST, "sha256", 0xABCDEF, POLICY))
    shown = subprocess.run(
        ["openssl", "ts", "-query", "-in", tmp_path / "q", "-text"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Hash Algorithm: sha256" in shown
    assert f"Policy OID: {POLICY}" in shown
    assert "Nonce: 0xABCDEF" in shown
    assert "Certificate required: yes" in shown


def test_certificates_in_any_order_are_taken_and_the_bytes_stay(tsa: Authority) -> None:
    """The library takes a SET only in DER's order, which an authority need not keep."""
    question = query()
    answer = tsa.reply(question)
    shuffled = edited(answer, lambda found: sorted(found, reverse=True))
    ordered = edited(answer, sorted)
    assert shuffled != ordered
    for each in (shuffled, ordered):
        assert token.answered(question, each, DIGEST, pinned(tsa)).content in each


def edited(answer: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """Return the answer with other certificates, which no signature covers."""
    status, content = der.parts(answer)
    kind, wrapped = der.parts(content)
    (signed,) = der.parts(wrapped, der.context(0))
    elements = [
        der.joined(change(der.parts(one, der.context(0))), der.context(0))
        if one[0] == 0xA0
        else one
        for one in der.parts(signed)
    ]
    content = der.joined([kind, der.joined([der.joined(elements)], der.context(0))])
    return der.joined([status, content])


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        (Mood.GARBAGE, "no time stamp"),
        (Mood.HUGE, "no time stamp"),
        (Mood.REJECTING, "did not grant"),
        (Mood.OTHER_NONCE, "nonce"),
        (Mood.OTHER_IMPRINT, "imprint"),
        (Mood.NO_CERTIFICATE, "signer certificate not found"),
    ],
)
def test_a_false_answer_is_refused(tsa: Authority, mood: Mood, why: str) -> None:
    tsa.mood = mood
    question = query()
    refused(question, tsa.reply(question), pinned(tsa), why)


def test_nonce_mismatch(tsa: Authority) -> None:
    """An answer to another request over the same text is none to this one."""
    refused(query(), tsa.reply(query()), pinned(tsa), "nonce")


def test_another_policy_is_refused(tsa: Authority) -> None:
    question = query()
    refused(question, tsa.reply(question), pinned(tsa, "1.2.3"), "policy")
    assert token.answered(question, tsa.reply(question), DIGEST, pinned(tsa, None))


def test_another_authority_of_the_same_name_is_refused(tsa: Authority, tmp_path: Path) -> None:
    other = Authority.made(tmp_path / "other")
    question = query()
    refused(question, other.reply(question), pinned(tsa), "no time authority under the roots")


def test_every_altered_byte_that_a_signature_covers_is_refused(tsa: Authority) -> None:
    question = query()
    answer = tsa.reply(question)
    made = token.answered(question, answer, DIGEST, pinned(tsa))
    _kind, wrapped = der.parts(made.content)
    (signed,) = der.parts(wrapped, der.context(0))
    (signer,) = der.parts(der.parts(signed)[-1], der.SET)
    _version, who, _digest, attributes, _algorithm, signature = der.parts(signer)
    accepted = []
    for element in (der.parts(signed)[2], who, attributes, signature):
        start = answer.index(element)
        for at in range(start, start + len(element)):
            altered = bytearray(answer)
            altered[at] ^= 1
            try:
                token.answered(question, bytes(altered), DIGEST, pinned(tsa))
            except IntegrityError:
                continue
            accepted.append(altered[at - 4 : at + 4])
    assert not accepted


def twin(tsa: Authority, usages: list[x509.ObjectIdentifier]) -> bytes:
    """Return another certificate of the authority's key, number and issuer."""
    own = x509.load_pem_x509_certificate((tsa.folder / "tsa.pem").read_bytes())
    key = load_pem_private_key((tsa.folder / "tsa.key").read_bytes(), None)
    root = load_pem_private_key((tsa.folder / "issuer.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(root, ec.EllipticCurvePrivateKey)
    made = certificate(
        own.subject,
        own.issuer,
        key,
        root,
        days=100,
        usages=usages,
        serial=own.serial_number,
    )
    return made.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("usages", "why"),
    [
        # "Verify error" of OpenSSL or our own word, whichever sees it first.
        ([ExtendedKeyUsageOID.CODE_SIGNING], "EKU|purpose|stamping"),
        (
            [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING],
            "unsuitable certificate purpose",
        ),
        ([ExtendedKeyUsageOID.TIME_STAMPING], "does not name the certificate"),
    ],
    ids=["for other use", "for more than stamping", "not the one that is named"],
)
def test_a_certificate_that_may_not_have_stamped_is_refused(
    tsa: Authority, usages: list[x509.ObjectIdentifier], why: str
) -> None:
    """RFC 3161 section 2.3: "The corresponding certificate MUST contain only one instance of the
    extended key usage field extension ... with KeyPurposeID having value id-kp-timeStamping."
    Section 2.4.2: "the certificate identifier (ESSCertID) of the TSA certificate MUST be included"
    """
    question = query()
    own = x509.load_pem_x509_certificate((tsa.folder / "tsa.pem").read_bytes())
    written = own.public_bytes(Encoding.DER)
    other = twin(tsa, usages)
    answer = edited(
        tsa.reply(question), lambda found: [other if one == written else one for one in found]
    )
    assert written not in answer
    refused(question, answer, pinned(tsa), why)


def test_a_chain_of_three_ends_with_its_first_certificate(tmp_path: Path) -> None:
    longer = Authority.made(tmp_path / "tsa", between=True)
    question = query()
    answer = longer.reply(question)
    made = token.answered(question, answer, DIGEST, pinned(longer))
    days = (made.expires - clock.now()) / 86_400_000_000
    assert 29 < days < 31, "the one between ends before the authority's own"
    refused(question, edited(answer, lambda found: found[:1]), pinned(longer), "issuer")


def test_a_malformed_request_is_refused(tsa: Authority) -> None:
    question = query()
    answer = tsa.reply(question)
    for bad in (b"", b"0", question[:-3], b"\x30\x00", question + b"x"):
        refused(bad, answer, pinned(tsa), "its request is malformed")
    with pytest.raises(IntegrityError, match="another digest"):
        token.answered(question, answer, token.digest_of(b"else"), pinned(tsa))
