"""A `holdfast ... serve` as a process of its own, on a free loopback port."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.warm import Forked


def command(*arguments: object, user: str = "") -> list[str]:
    """Return the command line of a process that runs holdfast, as another account if asked."""
    module = ["-m", "tests.witness.as_user", user] if user else ["-m", "holdfast.cli.main"]
    return [sys.executable, *module, *map(str, arguments)]


class Program:
    """A server that was started and has said where it answers."""

    def __init__(self, *arguments: object, user: str = "", programs: Path | None = None) -> None:
        """Start it; as a fork that tests/warm.py makes where `programs` is its folder."""
        self._programs = programs
        self.arguments = (*arguments, "--listen", "127.0.0.1:0")
        self.user = user
        descriptor, name = tempfile.mkstemp(prefix="holdfast-program-")
        os.close(descriptor)
        self.log = Path(name)
        self._start()

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self.process: subprocess.Popen[str] | Forked
            if self._programs is not None:
                self.process = Forked(self._programs, self.arguments, log)
            else:
                self.process = subprocess.Popen(
                    command(*self.arguments, user=self.user),
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        if "http://" not in told:
            said = self.log.read_text()
            self.stop()
            raise AssertionError(f"{self.arguments}: {told}{said}")
        self.url = "http://" + told.partition("http://")[2].strip().rstrip("/")

    def again(self) -> None:
        """Kill it as a power cut would, and start it anew on the same port."""
        self.kill()
        *before, _ = self.arguments
        self.arguments = (*before, urlsplit(self.url).netloc)
        self._start()

    def kill(self) -> None:
        """SIGKILL, at whatever it is doing."""
        self.process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self) -> None:
        """SIGTERM; a server that does not heed it is killed, and that is an error."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
            finally:
                self.log.unlink(missing_ok=True)
        self._end()

    def _end(self) -> None:
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send one request, the path just as it is given; return status, body and headers."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()
