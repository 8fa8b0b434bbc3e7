"""`holdfast serve --workers`: several processes, of which none knows what the others don't."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from holdfast.core.errors import IntegrityError, ResourceError
from holdfast.serving.workers import Workers
from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "a long walk by the river"  # noqa: S105 - of a test's own account
WITHIN = 60.0


def until(true: Callable[[], object], what: str) -> None:
    """Wait, at most a minute, until something is so."""
    end = time.monotonic() + WITHIN
    while not true():
        assert time.monotonic() < end, f"not within {WITHIN:.0f} s: {what}"
        time.sleep(0.02)


@dataclass
class Server:
    """A server of two workers, each of which can be asked for itself."""

    process: subprocess.Popen[str]
    url: str
    link: str

    @property
    def workers(self) -> list[int]:
        """The processes that answer, the oldest first."""
        number = self.process.pid
        children = Path(f"/proc/{number}/task/{number}/children").read_text("ascii")
        return sorted(map(int, children.split()))

    @contextmanager
    def only(self, number: int) -> Iterator[None]:
        """Have all other workers stand still: whoever asks is answered by this one."""
        others = [one for one in self.workers if one != number]
        for one in others:
            os.kill(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in others:
                os.kill(one, signal.SIGCONT)

    def client(self) -> httpx.Client:
        """Return a client that opens a connection for each request."""
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(
            base_url=self.url, headers={"Origin": self.url}, timeout=60, limits=limits
        )


@pytest.fixture
def server(bank: Path, tmp_path: Path) -> Iterator[Server]:
    """Two workers on a vault of their own, where ewa has a password and lena a token."""
    vault = tmp_path / "vault"
    shutil.copytree(bank, vault)
    (tmp_path / "password").write_text(PASSWORD, "utf-8")
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "holdfast.cli.main", "--vault", str(vault)]
    command += ["--operator", "lena"]

    def do(*arguments: str) -> str:
        done = subprocess.run(
            [*command, *arguments], check=True, capture_output=True, text=True, env=environment
        )
        return done.stdout

    do("account", "add", "ewa", "--password-file", str(tmp_path / "password"))
    with ExitStack() as ends:
        process = ends.enter_context(
            subprocess.Popen(
                [*command, "serve", "--listen", "127.0.0.1:0", "--workers", "2"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
            )
        )  # fmt: skip
        ends.callback(process.kill)
        assert process.stdout is not None
        told = process.stdout.readline() + process.stdout.readline()
        found = re.search(r"(http://[0-9.:]+)/sign-in\S+", told)
        assert found is not None, told
        yield Server(process, found[1], found[0])


def token_of(page: str) -> str:
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found is not None, page[:2000]
    return found[1]


def test_what_one_worker_knows_all_know(server: Server) -> None:
    one, two = server.workers
    with server.client() as ewa, server.client() as lena, server.client() as other:
        # The link of the start works once, whichever is asked.
        with server.only(one):
            assert lena.get(server.link).status_code == 303
        with server.only(two):
            assert other.get(server.link).status_code == 403
            assert lena.get("/").status_code == 200

        # Signed in at one, at work at the other; a form sent twice is done once.
        with server.only(one):
            known = {"name": "ewa", "password": PASSWORD}
            assert ewa.post("/sign-in", data=known).status_code == 303
        notes = f"/cases/{CASE}/notes"
        with server.only(two):
            form = {"form": token_of(ewa.get(notes).text), "text": "Seen by the second worker"}
            assert ewa.post(notes, data=form).status_code == 303
        with server.only(one):
            ewa.post(notes, data=form)
            assert ewa.get(notes).text.count(form["text"]) == 1

        # Failures count together: five are free, whoever heard them.
        answers = []
        for number in range(6):
            with server.only((one, two)[number % 2]):
                answers.append(other.post("/sign-in", data={"name": "sam", "password": "x" * 12}))
        assert [one.status_code for one in answers] == [403] * 6
        assert "too many" in answers[5].text
        assert "too many" not in answers[4].text

        # A job that one does is seen, and its end waited for, at the other.
        with server.only(one):
            asked = f"/api/v1/cases/{CASE}/examine"
            begun = lena.post(asked, json={})
            assert begun.status_code == 202, begun.text
            place = begun.headers["location"]
        with server.only(two):
            assert lena.get(place).json()["state"] in {"waiting", "running", "done"}
            listening = lena.stream("GET", f"{place}/events")
            events = listening.__enter__()
        try:
            told = [line for line in events.iter_lines() if line.startswith("data:")]
        finally:
            listening.__exit__(None, None, None)
        assert json.loads(told[-1].removeprefix("data:"))["state"] == "done"

        # One is killed: nothing that was answered is lost, and another takes its place.
        os.kill(one, signal.SIGKILL)
        assert form["text"] in ewa.get(notes).text
        until(lambda: len(server.workers) == 2 and one not in server.workers, "a new worker")
        assert ewa.get(notes).status_code == 200

    workers = server.workers
    server.process.send_signal(signal.SIGTERM)
    _, told_us = server.process.communicate(timeout=WITHIN)
    assert server.process.returncode == 0
    assert "a worker was killed by signal 9; another takes its place" in told_us
    assert "Traceback" not in told_us
    assert not any(Path(f"/proc/{one}").exists() for one in workers)


ANSWERS = """
import sys
from holdfast.serving import workers
told = workers.heard()
{first}
workers.say_ready()
workers.until_told(lambda: None)
"""


def crew(first: str, warned: list[str], **facts: str) -> Workers:
    command = [sys.executable, "-c", ANSWERS.format(first=first)]
    return Workers(command, facts, 2, sockets=(), warn=warned.append)


def test_a_worker_that_cannot_start_ends_all_and_says_why() -> None:
    failing = (
        "from holdfast.core.errors import IntegrityError\n"
        "workers.say_failed(IntegrityError('the log is short', 'restore it'))\n"
        "sys.exit(5)"
    )
    with pytest.raises(IntegrityError, match="the log is short; restore it"):
        crew(failing, []).run(lambda: pytest.fail("it never answers"))
    with pytest.raises(ResourceError, match="ended with 9 before it answered"):
        crew("sys.exit(9)", []).run(lambda: pytest.fail("it never answers"))


def test_a_worker_that_dies_is_replaced_and_one_that_fails_then_ends_all(tmp_path: Path) -> None:
    warned: list[str] = []
    # The first two begin; whoever comes later can't.
    first = (
        "import os, pathlib\n"
        "place = pathlib.Path(told['place'])\n"
        "(place / str(os.getpid())).touch()\n"
        "if len(list(place.iterdir())) > 2: sys.exit(9)"
    )
    workers = crew(first, warned, place=str(tmp_path))

    def kill() -> None:
        for one in workers.processes:
            os.kill(one, signal.SIGKILL)

    with pytest.raises(ResourceError, match="before it answered"):
        workers.run(kill)
    assert "a worker was killed by signal 9; another takes its place" in warned
    assert workers.processes == []
