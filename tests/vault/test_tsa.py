"""The client: one exchange with an authority that may do anything."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from holdfast.core.errors import InputError, RemoteError
from holdfast.testing.authority import Authority, Mood
from holdfast.vault import token, tsa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUERY = token.request(token.digest_of(b"x"), "sha256", 7, None)


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with Authority.made(tmp_path_factory.mktemp("tsa")).serving() as one:
        yield one


def test_an_answer_comes_as_it_is(authority: Authority) -> None:
    answer = tsa.ask(authority.url, QUERY)
    assert answer == (authority.folder / "answer").read_bytes()
    authority.mood = Mood.GARBAGE
    assert tsa.ask(authority.url, QUERY) == b"this is no stamp"


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        (Mood.AWAY, "HTTP 503"),
        (Mood.SLOW, "no answer in 0.3 s"),
        (Mood.DRIPPING, "no answer in 0.3 s"),
        (Mood.HUGE, "more than 262144 bytes"),
        (Mood.ELSEWHERE, "HTTP 302"),
    ],
)
def test_what_is_no_answer_is_the_others_fault(authority: Authority, mood: Mood, why: str) -> None:
    authority.mood = mood
    # A busy machine must not turn another fault into this one.
    timeout = 0.3 if mood in {Mood.SLOW, Mood.DRIPPING} else 60.0
    with pytest.raises(RemoteError, match=why):
        tsa.ask(authority.url, QUERY, timeout=timeout)
    assert authority.asked == 1


def test_an_exchange_ends_though_bytes_keep_coming(authority: Authority) -> None:
    """A socket's own time-out would begin anew with each byte, and this one never stops."""
    authority.mood = Mood.DRIPPING
    begun = time.monotonic()
    with pytest.raises(RemoteError):
        tsa.ask(authority.url, QUERY, timeout=0.5)
    # Generous, for a busy machine; without the limit this test would never end.
    assert time.monotonic() - begun < 60


def test_another_kind_of_answer_is_none(authority: Authority) -> None:
    """RFC 3161 section 3.4: the answer is `application/timestamp-reply`."""
    authority.content_type = "text/html"
    with pytest.raises(RemoteError, match="text/html"):
        tsa.ask(authority.url, QUERY)


def test_nobody_there(authority: Authority) -> None:
    url = authority.url
    with Authority(authority.folder).serving() as other:
        gone = other.url
    assert gone != url
    with pytest.raises(RemoteError, match="refused"):
        tsa.ask(gone, QUERY)
    with pytest.raises(RemoteError, match="can't be asked"):
        tsa.ask("http://no-such-host.invalid/", QUERY)


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[Authority, Path]]:
    """An authority behind TLS, and the certificate to trust for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tsa")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    own = tmp_path / "tls.pem"
    own.write_bytes(made.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "tls.key").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, tmp_path / "tls.key")
    with Authority.made(tmp_path / "tsa").serving(context) as one:
        yield one, own


def test_over_tls(encrypted: tuple[Authority, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    authority, trusted = encrypted
    assert authority.url.startswith("https://")
    with pytest.raises(RemoteError, match="certificate verify failed"):
        tsa.ask(authority.url, QUERY)
    assert authority.asked == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    assert tsa.ask(authority.url, QUERY) == (authority.folder / "answer").read_bytes()
    for mood in (Mood.DRIPPING, Mood.SLOW):
        authority.mood = mood
        with pytest.raises(RemoteError, match=r"no answer in 0\.5 s"):
            tsa.ask(authority.url, QUERY, timeout=0.5)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://tsa.example/",
        "data:text/plain,x",
        "tsa.example",
        "http://",
        "http://user:secret@tsa.example/",
        "http://user@tsa.example/",
        "https://tsa.example/a b",
        "https://tsa.example:99999/",
        "https://tsa.example/\x00",
        "",
    ],
)
def test_only_http_and_https_without_secrets(url: str) -> None:
    with pytest.raises(InputError) as told:
        tsa.ask(url, QUERY)
    assert "secret" not in str(told.value)
