"""TLS opened with logged keys: what OpenSSL's two ends said to each other comes out, and no more.

RFC 8446 section 7 and RFC 5246 section 6.3; the log is draft-ietf-tls-keylogfile.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from holdfast.testing.hostile import certificates
from holdfast.webarchive import tls
from holdfast.webarchive.tls import RECEIVED, SENT

if TYPE_CHECKING:
    from pathlib import Path

TWELVE = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": 0xC02B,
    "ECDHE-ECDSA-AES256-GCM-SHA384": 0xC02C,
    "ECDHE-ECDSA-CHACHA20-POLY1305": 0xCCA9,
    "ECDHE-ECDSA-AES128-SHA": 0xC009,
    "ECDHE-ECDSA-AES256-SHA": 0xC00A,
}
THIRTEEN = {
    "TLS_AES_128_GCM_SHA256": 0x1301,
    "TLS_AES_256_GCM_SHA384": 0x1302,
    "TLS_CHACHA20_POLY1305_SHA256": 0x1303,
}
SAID = [(SENT, b"GET / HTTP/1.1\r\n\r\n"), (RECEIVED, b"x" * 40_000), (SENT, b"again")]


class Ends:
    """A client and a server of OpenSSL's, and all bytes between them."""

    def __init__(self, folder: Path, suite: str | None) -> None:
        self.passed: list[tuple[str, bytes]] = []
        self.log = folder / "keys.log"
        server = certificates.make(folder)[certificates.GOOD[0]].context([])
        client = ssl.create_default_context(cafile=folder / "root.pem")
        client.keylog_filename = str(self.log)
        if suite is not None:
            client.maximum_version = ssl.TLSVersion.TLSv1_2
            client.options |= 1 << 19  # SSL_OP_NO_ENCRYPT_THEN_MAC: browsers don't offer that
            for one in (client, server):
                one.set_ciphers(suite + ":@SECLEVEL=0")
        self._bios = {way: ssl.MemoryBIO() for way in (SENT, RECEIVED)}
        self.client = client.wrap_bio(
            self._bios[RECEIVED], self._bios[SENT], server_hostname=certificates.GOOD[0]
        )
        self._to_server, self._from_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = server.wrap_bio(self._to_server, self._from_server, server_side=True)
        for _ in range(4):
            for end in (self.client, self.server):
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                self._move()

    def say(self, way: str, data: bytes) -> None:
        """Let one end say something, and the other hear it."""
        speaker, hearer = (self.client, self.server) if way == SENT else (self.server, self.client)
        speaker.write(data)
        self._move()
        heard = b""
        while len(heard) < len(data):
            heard += hearer.read(len(data))
        assert heard == data

    def _move(self) -> None:
        if sent := self._bios[SENT].read():
            self.passed.append((SENT, sent))
            self._to_server.write(sent)
        if back := self._from_server.read():
            self.passed.append((RECEIVED, back))
            self._bios[RECEIVED].write(back)


def opened(
    passed: list[tuple[str, bytes]], keys: tls.Keys, piece: int = 1 << 20
) -> tuple[tls.Session, dict[str, bytes]]:
    """Feed a session in pieces; return it, and what came out."""
    session, found = tls.Session(keys), {SENT: b"", RECEIVED: b""}
    for way, data in passed:
        for at in range(0, len(data), piece):
            for whose, plain in session.feed(way, data[at : at + piece]):
                found[whose] += plain
    return session, found


@pytest.mark.parametrize("suite", [None, *TWELVE])
@pytest.mark.parametrize("piece", [1 << 20, 7])
def test_what_both_ends_said_comes_out(tmp_path: Path, suite: str | None, piece: int) -> None:
    ends = Ends(tmp_path, suite)
    for way, data in SAID:
        ends.say(way, data)
    session, found = opened(ends.passed, tls.read_keys(ends.log.read_bytes()), piece)
    assert session.broken == ""
    assert session.version == (tls.TLS13 if suite is None else tls.TLS12)
    assert session.cipher == TWELVE.get(suite or "", 0x1302)
    for way in (SENT, RECEIVED):
        assert found[way] == b"".join(data for whose, data in SAID if whose == way)


def test_a_byte_that_was_changed_on_the_wire_is_not_opened(tmp_path: Path) -> None:
    ends = Ends(tmp_path, None)
    ends.say(SENT, b"one")
    ends.say(SENT, b"two")
    way, data = ends.passed[-1]
    ends.passed[-1] = way, data[:-1] + bytes([data[-1] ^ 1])
    session, found = opened(ends.passed, tls.read_keys(ends.log.read_bytes()))
    assert (found[SENT], session.broken) == (b"one", "a record that no key opens")


def test_without_its_keys_a_session_says_so(tmp_path: Path) -> None:
    ends = Ends(tmp_path, None)
    ends.say(SENT, b"one")
    session, found = opened(ends.passed, tls.read_keys(b"# none\nCLIENT_RANDOM zz 00\n"))
    assert (found[SENT], session.broken) == (b"", "no keys of it were logged")


def test_what_is_no_tls_passes_as_it_is() -> None:
    session, found = opened([(SENT, b"GET / HTTP/1.1\r\n\r\n"), (RECEIVED, b"\x16\x03\x01")], {})
    assert session.secure is False
    assert found == {SENT: b"GET / HTTP/1.1\r\n\r\n", RECEIVED: b"\x16\x03\x01"}


@pytest.mark.parametrize("suite", THIRTEEN)
def test_keys_that_are_renewed_are_followed(tmp_path: Path, suite: str) -> None:
    """`K` and `k` make s_client renew its keys, and ask the server to (section 4.6.3)."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl here: apt-get install openssl")
    identity = certificates.make(tmp_path)[certificates.GOOD[0]]
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", identity.file,
         "-key", identity.file, "-ciphersuites", suite, "-rev", "-naccept", "1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert server.stdout is not None
    while not server.stdout.readline().startswith(b"ACCEPT"):
        assert server.poll() is None
    passed: list[tuple[str, bytes]] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{listening.getsockname()[1]}",
             "-keylogfile", tmp_path / "keys", "-ciphersuites", suite, "-msg"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with listening.accept()[0] as near, socket.create_connection(("127.0.0.1", port)) as far:
            back = threading.Thread(target=_copy, args=(far, near, RECEIVED, passed))
            up = threading.Thread(target=_copy, args=(near, far, SENT, passed))
            for thread in (back, up):
                thread.start()
            assert client.stdin is not None
            assert client.stdout is not None
            for line, answer in (
                (b"first\n", b"tsrif"), (b"K\n", b"KeyUpdate"), (b"second\n", b"dnoces"),
                (b"k\n", b"KeyUpdate"), (b"third\n", b"driht"),
            ):  # fmt: skip
                client.stdin.write(line)
                client.stdin.flush()
                while answer not in (said := client.stdout.readline()):
                    assert said
            client.stdin.write(b"Q\n")
            client.stdin.close()
            for thread in (up, back):
                thread.join()
    client.stdout.close()
    client.wait()
    server.stdout.close()
    server.wait()
    session, found = opened(passed, tls.read_keys((tmp_path / "keys").read_bytes()))
    assert (session.broken, session.cipher) == ("", THIRTEEN[suite])
    assert found[SENT] == b"first\nsecond\nthird\n"
    assert found[RECEIVED] == b"tsrif\ndnoces\ndriht\n"


def _copy(
    source: socket.socket, sink: socket.socket, way: str, passed: list[tuple[str, bytes]]
) -> None:
    try:
        while data := source.recv(1 << 16):
            passed.append((way, data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
