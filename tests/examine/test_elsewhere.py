"""What another machine fetches is the very object, from where it was told, or it says why not."""

from __future__ import annotations

import hashlib
import http.server
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyrage
import pytest

from holdfast.core.errors import InputError, IntegrityError, RemoteError
from holdfast.examine import elsewhere
from holdfast.examine.elsewhere import Elsewhere, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATA = b"evidence" * 1000


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def serving(answers: dict[str, tuple[int, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """Serve `answers` by path; give the address and the paths asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body = answers[self.path.partition("?")[0]]
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/good")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "TRIES", 1)


def test_the_bytes_come_without_a_name_and_the_link_is_given_whole(tmp_path: Path) -> None:
    with serving({"/a": (200, DATA)}) as (url, asked):
        descriptor = fetch(Elsewhere(f"{url}/a?X-Amz-Signature=1", digest(DATA)), tmp_path)
    assert os.pread(descriptor, 1 << 20, 0) == DATA
    os.close(descriptor)
    assert asked == ["/a?X-Amz-Signature=1"]
    assert list(tmp_path.iterdir()) == []


def test_a_sealed_object_opens_with_its_own_key(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    sealed = pyrage.encrypt(DATA, [identity.to_public()])
    with serving({"/a": (200, sealed)}) as (url, _):
        descriptor = fetch(Elsewhere(f"{url}/a", digest(sealed), str(identity)), tmp_path)
        assert os.pread(descriptor, 1 << 20, 0) == DATA
        os.close(descriptor)
        other = str(pyrage.x25519.Identity.generate())
        with pytest.raises(IntegrityError, match="does not open"):
            fetch(Elsewhere(f"{url}/a", digest(sealed), other), tmp_path)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (200, b"another", IntegrityError, "was altered"),
        (404, b"", IntegrityError, "is missing"),
        (403, b"", RemoteError, "does not give"),
        (302, b"", RemoteError, "does not give"),
        (500, b"", RemoteError, "does not give"),
    ],
)
def test_what_is_not_the_object_is_said(
    tmp_path: Path, status: int, body: bytes, kind: type[Exception], words: str
) -> None:
    """A redirect is not followed: where the bytes are is said by the house alone."""
    with serving({"/a": (status, body), "/good": (200, DATA)}) as (url, asked):
        with pytest.raises(kind, match=words):
            fetch(Elsewhere(f"{url}/a", digest(DATA)), tmp_path)
        assert asked == ["/a"]


def test_a_server_that_is_away_is_said(tmp_path: Path) -> None:
    with serving({}) as (url, _):
        pass
    with pytest.raises(RemoteError, match="ConnectionRefusedError"):
        fetch(Elsewhere(f"{url}/a", digest(DATA)), tmp_path)


def test_only_links_of_the_web_are_followed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="http or https"):
        fetch(Elsewhere("file:///etc/passwd", digest(DATA)), tmp_path)


def test_it_travels_as_json_and_shows_no_secret() -> None:
    place = Elsewhere("http://127.0.0.1/a", "0" * 64, "AGE-SECRET-KEY-1")
    assert "127.0.0.1" not in repr(place)
    assert "SECRET" not in repr(place)
    assert Elsewhere.from_json(place.to_json()) == place
    with pytest.raises(InputError):
        Elsewhere.from_json({"url": "x"})
