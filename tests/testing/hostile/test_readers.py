"""Others' programs read what we capture: warcio, FastWARC, py-wacz and pywb."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.testing.hostile.exchanges.bodies import BROTLI, GZIP, TEXT, TWENTY_MB, ZSTD, noise
from holdfast.webarchive.judge import judge
from tests.webarchive.checkers import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testing.hostile.conftest import Chain

PEERS = Path(".peers/bin").absolute()


def _peer(name: str) -> Path:
    program = PEERS / name
    if not program.exists():
        pytest.skip(f"no {name} here: ./dev peers")
    return program


def _run(*command: str | Path, folder: Path | None = None) -> tuple[int, str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_warcio_and_fastwarc_accept_every_record(chain: Chain, tmp_path: Path) -> None:
    with zipfile.ZipFile(chain.wacz) as packed:
        warcs = [name for name in packed.namelist() if name.startswith("archive/")]
        packed.extractall(tmp_path, warcs)
    assert len(warcs) == 2
    for name in warcs:
        check(tmp_path / name)


def test_our_own_check_finds_nothing_to_say(chain: Chain) -> None:
    with chain.wacz.open("rb") as file:
        found = judge(file)
    assert found.verdict == "valid"
    # Whose key it is can't be in the file; the custody log has it.
    assert set(found.counts) == {"signature.anonymous"}
    warcs = found.facts["warcs"]
    assert isinstance(warcs, list)
    assert len(warcs) == 2
    for warc in warcs:
        assert isinstance(warc, dict)
        assert (warc["verdict"], warc["findings"]) == ("valid", [])


def test_py_wacz_accepts_the_whole_capture(chain: Chain) -> None:
    code, told = _run(_peer("wacz"), "validate", "-f", chain.wacz)
    assert code == 0, told
    assert "Validation succeeded" in told


def test_py_wacz_rejects_one_that_was_altered(chain: Chain, tmp_path: Path) -> None:
    """What it accepts above, it does not accept with a byte changed."""
    altered = tmp_path / "altered.wacz"
    with zipfile.ZipFile(chain.wacz) as packed, zipfile.ZipFile(altered, "w") as copy:
        for name in packed.namelist():
            data = packed.read(name)
            copy.writestr(name, data[:-3] + b" }\n" if name == "views/dom.html" else data)
    code, told = _run(_peer("wacz"), "validate", "-f", altered)
    assert code != 0
    assert "hash" in told


@pytest.fixture
def replay(chain: Chain, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The capture, replayed by pywb: the site's origin, and pywb's port."""
    manager, wayback = _peer("wb-manager"), _peer("wayback")
    code, told = _run(manager, "init", "web", folder=tmp_path)
    assert code == 0, told
    code, told = _run(manager, "add", "--unpack-wacz", "web", chain.wacz, folder=tmp_path)
    assert code == 0, told
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [wayback, "-b", "127.0.0.1", "-p", str(port)],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": ""},
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "pywb did not start"
                assert server.poll() is None, "pywb ended"
                time.sleep(0.1)
        yield chain.start.rstrip("/"), port
    finally:
        server.terminate()
        server.wait()


BODIES = {
    "gzip": {GZIP, TEXT},
    "brotli": {BROTLI, TEXT},
    "zstd": {ZSTD, TEXT},
    "chunked-gzip": {GZIP, TEXT},
    "early-hints": {b"<!doctype html><p>hinted</p>\n"},
    "continue": {b"continued\n"},
    "latin-1": {b"latin\n"},
    "obs-fold": {b"folded\n"},
    "to-the-end": {b"to the end\n"},
    "old": {b"from 1996\n"},
    "frames/outer": set(),
    "twenty-mb": {noise(TWENTY_MB)},
}
"""What the site sent, packed or not: pywb may unpack. An empty set: any body."""


def test_pywb_replays_what_the_site_sent(replay: tuple[str, int]) -> None:
    origin, port = replay
    for name, expected in BODIES.items():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        method = "POST" if name == "continue" else "GET"
        body = b"go on" if name == "continue" else None
        kind = {"Content-Type": "text/plain;charset=UTF-8"} if body else {}
        connection.request(method, f"/web/2026id_/{origin}/{name}", body=body, headers=kind)
        answer = connection.getresponse()
        came = answer.read()
        connection.close()
        assert answer.status == 200, name
        assert not expected or came in expected, name


def test_pywb_finds_the_page_and_not_the_hints_before_it(replay: tuple[str, int]) -> None:
    origin, port = replay
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"/web/2026id_/{origin}/")
    answer = connection.getresponse()
    assert answer.status == 200
    assert b"<h1>The hostile site</h1>" in answer.read()
    connection.close()
