"""A time authority that is real: `openssl ts` signs its answers, behind a server on the loopback.

    with Authority.made(folder).serving() as authority:
        authority.url, authority.root_file

    python -m holdfast.testing.authority FOLDER COMMAND...    # serves while the command runs

Its certificates are made here; it stamps with this machine's clock. `authority.mood` makes it
misbehave like authorities do, and like whoever sits between them and us might.
"""

from __future__ import annotations

import enum
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyasn1.codec.der import decoder, encoder
from pyasn1_modules import rfc3161

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

POLICY = "1.3.6.1.4.1.32473.1"
"""The policy it stamps under: an example's arc (RFC 5612)."""
STAMPS = ExtendedKeyUsageOID.TIME_STAMPING
_REJECTED = bytes.fromhex("30053003020102")
"""A TimeStampResp with status 2, "rejection", and no token (RFC 3161 section 2.4.2)."""


class Mood(enum.Enum):
    """How the authority answers."""

    GOOD = "good"
    AWAY = "away"
    """HTTP 503."""
    SLOW = "slow"
    """Nothing, until the client gives up."""
    DRIPPING = "dripping"
    """One byte of its headers after another, without end."""
    HUGE = "huge"
    """More than any stamp needs."""
    ELSEWHERE = "elsewhere"
    """A redirect to another place."""
    GARBAGE = "garbage"
    REJECTING = "rejecting"
    OTHER_NONCE = "other nonce"
    OTHER_IMPRINT = "other imprint"
    NO_CERTIFICATE = "no certificate"


@dataclass
class Authority:
    """A certificate authority, a time authority under it, and a server."""

    folder: Path
    mood: Mood = Mood.GOOD
    url: str = ""
    content_type: str = "application/timestamp-reply"
    asked: int = 0
    """Requests that came in."""
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def root_file(self) -> Path:
        """The root certificate, PEM."""
        return self.folder / "root.pem"

    @classmethod
    def made(
        cls, folder: Path, *, name: str = "tsa", days: float = 365, between: bool = False
    ) -> Authority:
        """Make the certificates: the time authority's is valid for `days` from now.

        With `between`, an authority stands between the root and it, valid for 30 days.
        """
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder)
        root = ec.generate_private_key(ec.SECP256R1())
        top = _name(f"{name} root")
        own = certificate(top, top, root, root, days=7300)
        made.root_file.write_bytes(own.public_bytes(Encoding.PEM))
        made._write("issuer.key", root)
        (folder / "issuer.pem").write_bytes(own.public_bytes(Encoding.PEM))
        if between:
            key = ec.generate_private_key(ec.SECP256R1())
            issuer = certificate(_name(f"{name} between"), top, key, root, days=30)
            made._write("issuer.key", key)
            (folder / "issuer.pem").write_bytes(issuer.public_bytes(Encoding.PEM))
        made.renew(name=name, days=days)
        return made

    def renew(self, *, name: str = "tsa", days: float = 365) -> None:
        """Give the time authority a new key and certificate, of the same issuer."""
        root = load_pem_private_key((self.folder / "issuer.key").read_bytes(), None)
        assert isinstance(root, ec.EllipticCurvePrivateKey)
        issuer = x509.load_pem_x509_certificate((self.folder / "issuer.pem").read_bytes())
        top = issuer.subject
        key = ec.generate_private_key(ec.SECP256R1())
        made = certificate(_name(f"{name} stamps"), top, key, root, days=days, usages=[STAMPS])
        self._write("tsa.key", key)
        (self.folder / "tsa.pem").write_bytes(made.public_bytes(Encoding.PEM))
        (self.folder / "openssl.cnf").write_text(_CONFIGURATION.format(policy=POLICY))
        (self.folder / "serial").write_text("01\n")

    def revoke(self, reason: str, at: datetime) -> None:
        """Revoke the time authority's certificate as of `at`: `openssl ca -gencrl` makes the CRL.

        `reason` is as RFC 5280 names it; empty to say none. The CRL is at the path `/crl`.
        """
        one = x509.load_pem_x509_certificate((self.folder / "tsa.pem").read_bytes())
        ends, when = (f"{time:%y%m%d%H%M%SZ}" for time in (one.not_valid_after_utc, at))
        said = f"{when},{reason}" if reason else when
        serial = f"{one.serial_number:X}"
        serial = serial if len(serial) % 2 == 0 else f"0{serial}"
        index = self.folder / "index.txt"
        before = index.read_text() if index.exists() else ""
        index.write_text(f"{before}R\t{ends}\t{said}\t{serial}\tunknown\t/CN={serial}\n")
        self.list_revoked()

    def list_revoked(self) -> None:
        """Make the CRL of what was revoked so far, perhaps nothing."""
        (self.folder / "index.txt").touch()
        (self.folder / "ca.cnf").write_text(_CA)
        command = ["openssl", "ca", "-gencrl", "-config", "ca.cnf", "-out", "crl.pem"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey) -> None:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / name).write_bytes(pem)

    def reply(self, query: bytes) -> bytes:
        """Return the answer to a TimeStampReq, both DER, as the mood has it."""
        match self.mood:
            case Mood.GARBAGE:
                return b"this is no stamp"
            case Mood.HUGE:
                return b"0" * 10_000_000
            case Mood.REJECTING:
                return _REJECTED
            case Mood.OTHER_NONCE | Mood.OTHER_IMPRINT | Mood.NO_CERTIFICATE:
                query = _altered(query, self.mood)
            case _:
                pass
        return self._openssl(query)

    def _openssl(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", "openssl.cnf", "-section", "tsa"]
        command += ["-queryfile", "query", "-inkey", "tsa.key", "-signer", "tsa.pem"]
        command += ["-out", "answer"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return (self.folder / "answer").read_bytes()

    @contextmanager
    def serving(self, tls: ssl.SSLContext | None = None) -> Iterator[Authority]:
        """Serve on a free port of the loopback until the block ends, encrypted with `tls`."""
        authority = self
        turn = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                authority.asked += 1
                query = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Type"] != "application/timestamp-query":
                    self.send_error(415)
                elif authority.mood is Mood.AWAY:
                    self.send_error(503)
                elif authority.mood is Mood.SLOW:
                    authority._done.wait()
                elif authority.mood is Mood.ELSEWHERE:
                    self.send_response(302)
                    self.send_header("Location", "/other")
                    self.end_headers()
                elif authority.mood is Mood.DRIPPING:
                    self._drip()
                else:
                    with turn:
                        answer = authority.reply(query)
                    self._answer(answer)

            def do_GET(self) -> None:
                found = authority.folder / "crl.pem"
                if self.path != "/crl" or not found.exists():
                    self.send_error(404)
                    return
                self._answer(found.read_bytes())

            def _answer(self, answer: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", authority.content_type)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _drip(self) -> None:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
                while not authority._done.wait(0.05):
                    self.wfile.write(b"x")
                    self.wfile.flush()

            def log_message(self, *_arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_arguments: object) -> None:
                """Say nothing: a client that gives up is what some moods are for."""

        self._done.clear()
        server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/"
        try:
            yield self
        finally:
            self._done.set()
            server.shutdown()
            server.server_close()
            thread.join()


def main(arguments: list[str]) -> int:
    """Serve a practice authority in a folder while a command runs; return the command's code.

    `FOLDER/authorities.toml` names it for `holdfast log authorities`.
    """
    folder, *command = arguments
    place = Path(folder)
    known = Authority(place) if (place / "tsa.pem").exists() else Authority.made(place)
    with known.serving() as authority:
        (place / "authorities.toml").write_text(
            f'[[authority]]\nname = "practice"\nurl = "{authority.url}"\nroots = ["root.pem"]\n'
        )
        return subprocess.run(command, check=False).returncode


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    days: float,
    usages: Sequence[x509.ObjectIdentifier] = (),
    serial: int = 0,
) -> x509.Certificate:
    """Return a certificate: a root without `usages`, else one for these alone."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=not usages, path_length=None), critical=True)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=True)
    builder = builder.add_extension(
        x509.KeyUsage(
            digital_signature=bool(usages),
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=not usages,
            crl_sign=not usages,
            encipher_only=False,
            decipher_only=False,
        ),
        critical=True,
    )
    return builder.sign(signer, hashes.SHA256())


def _altered(query: bytes, mood: Mood) -> bytes:
    """Return the request that a false answer answers."""
    request, _ = decoder.decode(query, asn1Spec=rfc3161.TimeStampReq())
    if mood is Mood.OTHER_NONCE:
        request["nonce"] = int(request["nonce"]) ^ 1
    elif mood is Mood.NO_CERTIFICATE:
        request["certReq"] = False
    else:
        imprint = bytes(request["messageImprint"]["hashedMessage"])
        request["messageImprint"]["hashedMessage"] = bytes([imprint[0] ^ 1]) + imprint[1:]
    return bytes(encoder.encode(request))


_CONFIGURATION = """\
[tsa]
serial = serial
default_policy = {policy}
digests = sha256, sha384, sha512
accuracy = secs:1
clock_precision_digits = 6
signer_digest = sha256
ess_cert_id_alg = sha256
ess_cert_id_chain = no
certs = issuer.pem
tsa_name = yes
"""


_CA = """\
[ca]
default_ca = own
[own]
database = index.txt
certificate = issuer.pem
private_key = issuer.key
default_md = sha256
default_crl_days = 30
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
