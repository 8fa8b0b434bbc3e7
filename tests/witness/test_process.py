"""The witness as a program: another account, several at once, killed at any moment."""

from __future__ import annotations

import http.client
import os
import pwd
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from holdfast.vault import note
from holdfast.vault.checkpoint import Checkpoint
from holdfast.witness.state import origin_hash
from tests.witness import scene
from tests.witness.program import command
from tests.witness.tree import ORIGIN, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.line import Line
    from tests.witness.program import Program

BECOME = """
import os, sys
from tests.witness import as_user
sys.argv = ["as_user", "nobody", "--version"]
as_user.main()
print(os.getresuid(), os.getgroups())
"""
VKEY = str(Tree().signer.verifier)


def raw(program: Program, request: str) -> int:
    """Send these bytes; return the status of the answer, after which nothing more may come."""
    host, port = urlsplit(program.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as plug:
        with suppress(ConnectionError):
            plug.sendall(request.encode())
        answer = b""
        with suppress(ConnectionError):
            while chunk := plug.recv(65536):
                answer += chunk
    head = answer.split(b"\r\n", 1)[0].split(b" ")
    assert answer.count(b"HTTP/1.1") <= 1
    return int(head[1]) if head[0] == b"HTTP/1.1" else 0


def seen(program: Program) -> Checkpoint | None:
    """Return what the witness says it cosigned last."""
    status, body, _ = program.ask("GET", f"/{origin_hash(ORIGIN)}/checkpoint")
    return Checkpoint.parse(note.split(body.decode())[0]) if status == 200 else None


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A folder of the account `nobody`, outside this account's own."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a process as another account")
    made = Path(tempfile.mkdtemp(prefix="holdfast-nobody-"))
    shutil.chown(made, "nobody")
    yield made
    shutil.rmtree(made)


def test_it_runs_as_another_account_whose_key_the_logs_account_can_t_read(
    nobodys: Path, start: Callable[..., Program], line: Line, tmp_path: Path
) -> None:
    court = scene.court(start, nobodys / "w", scene.vkey(line.vault), user="nobody")
    account = pwd.getpwnam("nobody")
    running = Path(f"/proc/{court.program.process.pid}/status").read_text()
    (ids,) = [one.split()[1:] for one in running.splitlines() if one.startswith("Uid:")]
    assert {int(one) for one in ids} == {account.pw_uid}
    line.must("log", "witnesses", scene.policy(tmp_path / "p", scene.vkey(line.vault), court))
    assert line.intact()["assurance"]["witnesses"]["witnessed"] is True
    # The log's account is one of the unit's, never root: `daemon` stands for it.
    keys = [one for one in (nobodys / "w").iterdir() if one.name.startswith("witness.")]
    assert len(keys) == 2
    for path in keys:
        assert path.stat().st_uid == account.pw_uid
        refused = subprocess.run(
            ["/bin/cat", str(path)], user="daemon", group="daemon", extra_groups=[],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert refused.returncode == 1
        assert "Permission denied" in refused.stderr


def test_it_speaks_http_as_it_should(start: Callable[..., Program], tmp_path: Path) -> None:
    program = scene.court(start, tmp_path / "w", VKEY).program
    tree = Tree().grow(3)
    # Keep-alive: "Clients SHOULD use, and witnesses SHOULD support, HTTP keep-alive".
    connection = http.client.HTTPConnection(urlsplit(program.url).netloc, timeout=30)
    for old, size, expected in ((0, 1, 200), (5, 3, 400), (0, 1, 409), (1, 3, 200)):
        connection.request("POST", "/add-checkpoint", tree.request(old, size))
        if expected == 200 and size == 1:
            held = connection.sock
        answer = connection.getresponse()
        body = answer.read()
        assert (answer.status, answer.version) == (expected, 11)
        if expected == 409:
            assert (answer.getheader("Content-Type"), body) == ("text/x.tlog.size", b"1\n")
        assert connection.sock is held
    connection.close()
    assert program.ask("GET", "/")[0] == 404
    assert program.ask("PUT", "/add-checkpoint", b"x")[0] == 501
    for header, expected in (
        ("Content-Length: 9999999", 413),
        (f"Content-Length: {'9' * 400}", 413),
        ("Content-Length: -1", 411),
        ("Transfer-Encoding: chunked", 411),
        ("X: y", 411),
        (f"X: {'y' * 70000}", 431),
    ):
        assert raw(program, f"POST /add-checkpoint HTTP/1.1\r\n{header}\r\n\r\n") == expected
    hidden = "GET / HTTP/1.1\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    assert raw(program, hidden) == 404
    assert raw(program, f"GET /{'x' * 70000} HTTP/1.1\r\n\r\n") == 414
    assert seen(program) == tree.checkpoint(3)


def test_a_log_is_served_from_a_copy_without_keys_bodies_or_database(
    start: Callable[..., Program], line: Line, tmp_path: Path
) -> None:
    public = tmp_path / "public"
    shutil.copytree(line.vault / "vault/log", public / "vault/log")
    shutil.copy(line.vault / "holdfast.toml", public)
    program = start("--vault", public, "log", "serve")
    status, body, headers = program.ask("GET", "/checkpoint")
    assert (status, body) == (200, (line.vault / "vault/log/checkpoint").read_bytes())
    assert headers["content-type"] == "text/plain; charset=utf-8"
    status, body, headers = program.ask("HEAD", "/checkpoint")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 100
    for path in ("/../../holdfast.toml", "//etc/passwd", "/%2e%2e/%2e%2e/holdfast.toml"):
        assert program.ask("GET", path)[0] == 404


def test_a_second_state_or_port_is_refused_in_a_line(
    start: Callable[..., Program], tmp_path: Path
) -> None:
    court = scene.court(start, tmp_path / "w", VKEY)
    taken = urlsplit(court.program.url).netloc
    for arguments, code, said in (
        (("serve", "--state", court.folder, "--listen", taken), 7, "can't listen"),
        (("serve", "--state", tmp_path / "x", "--listen", "127.0.0.1:0"), 3, "there is no witness"),
        (("init", "--state", court.folder, "--name", "x"), 3, "is in use"),
    ):  # fmt: skip
        run = subprocess.run(
            command("witness", *arguments), capture_output=True, text=True, check=False
        )
        assert (run.returncode, said in run.stderr) == (code, True), run.stderr


def test_two_processes_on_one_state_and_many_submitters_sign_one_history(
    start: Callable[..., Program], tmp_path: Path
) -> None:
    """ "checking the old size against the latest checkpoint and persisting the new checkpoint must
    be performed atomically".
    """
    court = scene.court(start, tmp_path / "w", VKEY)
    programs = [court.program, start("witness", "serve", "--state", court.folder)]
    honest = Tree().grow(40)
    trees = [honest, honest.fork(0)]
    signed: list[tuple[int, Checkpoint]] = []
    wrong: list[str] = []

    def submit(number: int) -> None:
        dice = random.Random(number)
        program, tree = programs[number % 2], trees[number // 2 % 2]
        for _ in range(25):
            latest = seen(program)
            old = 0 if latest is None else latest.size
            size = min(old + dice.randrange(3), 40)
            status, _, _ = program.ask("POST", "/add-checkpoint", tree.request(old, size))
            if status == 200:
                signed.append((old, tree.checkpoint(size)))
            elif status not in {409, 422}:
                wrong.append(f"{status}")

    threads = [threading.Thread(target=submit, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    assert len(signed) > 5
    one_history = [
        all(checkpoint == tree.checkpoint(checkpoint.size) for _, checkpoint in signed)
        for tree in trees
    ]
    assert any(one_history)
    # Each step was signed from where the last one ended: nobody was overtaken.
    steps = sorted({(old, point.size) for old, point in signed if point.size > old})
    assert [old for old, _ in steps] == [0, *[size for _, size in steps[:-1]]]


def hammer(start: Callable[..., Program], folder: Path, rounds: int) -> None:
    """Kill the witness at random moments while it is asked for forks and for the truth."""
    dice = random.Random(rounds)
    program = scene.court(start, folder, VKEY).program
    signed: list[Checkpoint] = []
    tree = Tree().grow(1)
    wrong: list[str] = []

    def submit(stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                latest = seen(program)
                known = 0 if latest is None else latest.size
                tree.grow(max(0, known + 1 - len(tree.leaves)))
                if known:
                    fork = tree.fork(known // 2).request(known, known + 1)
                    status, _, _ = program.ask("POST", "/add-checkpoint", fork)
                    wrong.extend(["a fork was signed"] if status == 200 else [])
                body = tree.request(known, known + 1)
                status, _, _ = program.ask("POST", "/add-checkpoint", body)
                if status == 200:
                    signed.append(tree.checkpoint(known + 1))
                else:
                    wrong.append(f"{status} for the truth")
        except (OSError, http.client.HTTPException):
            return

    for _ in range(rounds):
        stop = threading.Event()
        thread = threading.Thread(target=submit, args=(stop,))
        thread.start()
        time.sleep(dice.random() * 0.15)
        program.kill()
        stop.set()
        thread.join()
        program.again()
        latest = seen(program)
        # What was given away is on disk; what is on disk is the truth.
        assert (latest.size if latest else 0) >= max((one.size for one in signed), default=0)
        assert latest is None or latest == tree.checkpoint(latest.size)
        assert wrong == []
    # However early the kills came, in the end it still signs.
    latest = seen(program)
    known = 0 if latest is None else latest.size
    tree.grow(1)
    assert program.ask("POST", "/add-checkpoint", tree.request(known, known + 1))[0] == 200


def test_kill_9_at_any_moment_never_makes_it_sign_a_fork(
    start: Callable[..., Program], tmp_path: Path
) -> None:
    hammer(start, tmp_path / "w", 10)


@pytest.mark.soak
def test_kill_9_hundreds_of_times(start: Callable[..., Program], tmp_path: Path) -> None:
    hammer(start, tmp_path / "w", 300)


def test_sigterm_ends_it_quietly(start: Callable[..., Program], tmp_path: Path) -> None:
    program = scene.court(start, tmp_path / "w", VKEY).program
    program.stop()
    assert program.process.returncode == 0


def test_the_helper_really_changes_the_account(nobodys: Path) -> None:
    run = subprocess.run([sys.executable, "-c", BECOME], capture_output=True, text=True, check=True)
    account = pwd.getpwnam("nobody")
    assert f"({account.pw_uid}, {account.pw_uid}, {account.pw_uid}) []" in run.stdout
