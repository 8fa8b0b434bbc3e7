"""`holdfast` without its start, for tests that type many commands.

A start costs a third of a second of processor time, nearly all of it for imports. Here one
process has imported every command and forks for each that is typed; the program `holdfast` that a
test finds on PATH hands it the arguments, the folder, the environment and the three streams, and
ends as the fork did. Everything else is real: another process, its own exit code, real pipes.

What this can't show is that a command starts by itself, so README and the tutorial are always run
with the installed program, and `./dev soak` runs every document so.
"""

from __future__ import annotations

import gc
import importlib
import marshal
import os
import pkgutil
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from fcntl import F_GETFL, F_SETFL, F_SETOWN, fcntl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

_F_SETSIG = 10
"""fcntl(2), Linux."""
_CLIENT = """\
#!{python} -IS
import array, marshal, os, socket, sys
request = marshal.dumps((sys.argv[1:], os.getcwdb(), dict(os.environb), None))
line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
line.connect({place!r})
streams = array.array("i", [0, 1, 2])
line.sendmsg([len(request).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
line.sendall(request)
told = line.recv(5, socket.MSG_WAITALL)
os._exit(told[4] if len(told) == 5 else 137)
"""


@contextmanager
def running(folder: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Give a folder for PATH with a `holdfast` in it, as long as the block lasts.

    `environment` is what the waiting process starts with; each command brings its own.
    """
    place = folder / "socket"
    programs = folder / "bin"
    programs.mkdir()
    program = programs / "holdfast"
    program.write_text(_CLIENT.format(python=sys.executable, place=str(place)), "utf-8")
    program.chmod(0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place))
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-P", __file__, str(listener.fileno())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            env=environment, pass_fds=(listener.fileno(),),
        )  # fmt: skip
    try:
        yield programs
    finally:
        server.terminate()
        server.wait()


class Forked:
    """A command that was started here, with what the tests use of `subprocess.Popen`."""

    def __init__(
        self,
        programs: Path,
        arguments: Sequence[object],
        errors: IO[bytes],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        account: tuple[int, int] | None = None,
    ) -> None:
        """Start it as a program on PATH in `programs` would; its standard output is a pipe.

        `account` is a user and a group that it becomes.
        """
        self.returncode: int | None = None
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._line.connect(str(programs.parent / "socket"))
        reader, writer = os.pipe()
        self.stdout = os.fdopen(reader, encoding="utf-8")
        given = [*map(str, arguments)]
        place, known = os.fsencode(folder or Path.cwd()), dict(os.environb)
        if environment is not None:
            known = {os.fsencode(key): os.fsencode(value) for key, value in environment.items()}
        request = marshal.dumps((given, place, known, account))
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
            streams = [nothing.fileno(), writer, errors.fileno()]
            socket.send_fds(self._line, [len(request).to_bytes(4, "big")], streams)
        os.close(writer)
        self._line.sendall(request)
        self.pid = int.from_bytes(self._line.recv(4, socket.MSG_WAITALL), "big")

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.returncode if not self._heard(0) else self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            if not self._heard(timeout):
                raise subprocess.TimeoutExpired("holdfast", timeout or 0)
            told = self._line.recv(1)
            self.returncode = told[0] if told else -signal.SIGKILL
            self._line.close()
        return self.returncode

    def _heard(self, timeout: float | None) -> bool:
        return self.returncode is None and bool(select.select([self._line], [], [], timeout)[0])

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


def _serve(listener: socket.socket) -> None:
    """Import everything, then fork for each command that comes."""
    main = importlib.import_module("holdfast.cli.main")
    for found in pkgutil.walk_packages(importlib.import_module("holdfast").__path__, "holdfast."):
        if ".testing" not in found.name and ".migrations" not in found.name:
            importlib.import_module(found.name)
    gc.collect()
    gc.freeze()
    running: set[int] = set()
    while True:
        line, _ = listener.accept()
        running -= {child for child in running if os.waitpid(child, os.WNOHANG)[0]}
        if (child := os.fork()) == 0:
            listener.close()
            os._exit(_answer(line, main.main))
        running.add(child)
        line.close()


def _answer(line: socket.socket, main: object) -> int:
    """Be the command: take over what the client has, run, tell it the exit code."""
    size, streams, _, _ = socket.recv_fds(line, 4, 3)
    request = line.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
    line.send(os.getpid().to_bytes(4, "big"))
    arguments, folder, environment, account = marshal.loads(request)  # noqa: S302 - of our own client
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # A client that is killed takes the command with it.
    fcntl(line, F_SETOWN, os.getpid())
    fcntl(line, _F_SETSIG, signal.SIGTERM)
    fcntl(line, F_SETFL, fcntl(line, F_GETFL) | os.O_ASYNC)
    if account is not None:
        # All is loaded: the account may not be able to read us.
        os.umask(0o007)
        os.setgroups([])
        os.setresgid(*[account[1]] * 3)
        os.setresuid(*[account[0]] * 3)
    os.chdir(folder)
    os.environb.clear()
    os.environb.update(environment)
    time.tzset()
    sys.argv = ["holdfast", *arguments]
    code = 1
    try:
        assert callable(main)
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        _close_databases()
        line.send(bytes([code]))
    return code


def _close_databases() -> None:
    """As the end of an interpreter does, which would cost a tenth of a second here."""
    for one in gc.get_objects():
        if isinstance(one, sqlite3.Connection):
            with suppress(sqlite3.ProgrammingError):  # of a thread that has ended
                one.close()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
