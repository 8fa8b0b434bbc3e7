"""Several processes that answer for one vault, and the one that looks after them.

The supervisor holds the sockets, so that none of them is closed while one of the processes starts
anew; it opens no vault, and answers nothing itself. A worker is a program of its own:

    supervisor -> worker   standard input: one line of JSON, then silence; its end is the order to
                           end, and comes by itself where the supervisor is killed
    worker -> supervisor   standard output: one line, `{"ready": true}` once it answers, or
                           `{"failed": {...}}`; then silence; its end is the worker's

A worker that dies is started anew. One that fails at the first start ends all, and so does one that
fails when no other is left: what is wrong then would go wrong again. docs/decisions/0145.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from holdfast.core import errors
from holdfast.core.errors import HoldfastError, ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ENDS_WITHIN = 20.0
"""Seconds that a worker may take to end, before it is killed."""
LONGEST = 30.0
"""Seconds after which a worker that does not start is tried again, at most."""
_STOP = (signal.SIGINT, signal.SIGTERM)


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    heard: bytearray = field(default_factory=bytearray)
    ready: bool = False

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        return self.process.stdout

    @property
    def line(self) -> dict[str, Any]:
        """What it said; nothing where it was killed before, or said something else."""
        try:
            said = json.loads(self.heard.partition(b"\n")[0])
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}

    def end(self) -> None:
        """Order it to end."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()


class Workers:
    """The workers of one server."""

    def __init__(
        self,
        command: Sequence[str],
        facts: Mapping[str, Any],
        number: int,
        *,
        sockets: Sequence[int],
        warn: Callable[[str], None],
    ) -> None:
        self._command, self._number, self._warn = list(command), number, warn
        self._told = json.dumps(facts).encode() + b"\n"
        self._sockets = tuple(sockets)
        self._alive: list[_Worker] = []
        self._failures = 0
        self._again: list[float] = []
        """When workers are to be started anew (monotonic)."""
        self._wakes = selectors.DefaultSelector()
        self._stops = 0

    def run(self, ready: Callable[[], None]) -> None:
        """Start them, call `ready` once all answer, and look after them until SIGTERM or Ctrl-C.

        Raises:
            HoldfastError: as one of them said when it could not start.
        """
        with self._signals():
            try:
                for _ in range(self._number):
                    self._start()
                while not self._stops and not all(one.ready for one in self._alive):
                    self._look(first=True)
                if not self._stops:
                    ready()
                while not self._stops:
                    self._look()
            finally:
                self._end()

    @property
    def processes(self) -> list[int]:
        """The process IDs of those at work."""
        return [one.process.pid for one in self._alive]

    def _start(self) -> None:
        process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=self._sockets
        )
        worker = _Worker(process)
        self._alive.append(worker)
        os.set_blocking(worker.output.fileno(), False)
        self._wakes.register(worker.output, selectors.EVENT_READ, worker)
        assert process.stdin is not None  # noqa: S101 - it was asked for
        with contextlib.suppress(BrokenPipeError):  # it has died already: its output ends, too
            process.stdin.write(self._told)
            process.stdin.flush()

    def _look(self, *, first: bool = False) -> None:
        """Wait until something happens, and see to it."""
        now = time.monotonic()
        wait = max(0.0, min(self._again) - now) if self._again else None
        for key, _ in self._wakes.select(wait):
            if isinstance(key.data, _Worker):
                self._hear(key.data, first=first)
            else:
                os.read(key.fd, 512)  # a signal woke us; its handler has counted it
        now = time.monotonic()
        for due in [one for one in self._again if one <= now]:
            self._again.remove(due)
            self._start()

    def _hear(self, worker: _Worker, *, first: bool) -> None:
        data = worker.output.read(65536)
        if data:
            worker.heard += data
            if worker.line.get("ready") and not worker.ready:
                worker.ready, self._failures = True, 0
            return
        self._gone(worker)
        if self._stops:
            return
        how = _how(worker.process.wait())
        if worker.ready:
            self._warn(f"a worker {how}; another takes its place")
            self._again.append(time.monotonic())
            return
        failed = _failure(worker.line) or ResourceError(
            f"a worker {how} before it answered", "see what it printed"
        )
        if first or not self._alive:
            raise failed
        self._failures += 1
        wait = min(LONGEST, 2.0 ** min(self._failures, 10))
        self._warn(f"a worker could not start: {failed}; it is tried again in {wait:.0f} s")
        self._again.append(time.monotonic() + wait)

    def _gone(self, worker: _Worker) -> None:
        self._wakes.unregister(worker.output)
        self._alive.remove(worker)
        worker.output.close()
        worker.end()

    def _end(self) -> None:
        """Order all to end, and kill who does not, or all at a second signal."""
        for one in self._alive:
            one.end()
        until = time.monotonic() + ENDS_WITHIN
        while self._alive:
            if self._stops > 1 or time.monotonic() >= until:
                for one in self._alive:
                    one.process.kill()
            for key, _ in self._wakes.select(max(0.05, until - time.monotonic())):
                if not isinstance(key.data, _Worker):
                    os.read(key.fd, 512)
                elif not key.data.output.read(65536):
                    self._gone(key.data)
                    key.data.process.wait()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Have signals wake the selector, and be counted."""
        read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        before = {one: signal.signal(one, self._stop) for one in _STOP}
        woken = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self._wakes.register(read, selectors.EVENT_READ)
        try:
            yield
        finally:
            signal.set_wakeup_fd(woken)
            for one, handler in before.items():
                signal.signal(one, handler)
            self._wakes.close()
            os.close(read)
            os.close(write)

    def _stop(self, _number: int, _frame: object) -> None:
        self._stops += 1


def heard() -> dict[str, Any]:
    """Return, in a worker, what its supervisor told it."""
    facts: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    return facts


def until_told(end: Callable[[], None]) -> None:
    """Wait, in a thread of a worker, until it is to end; then call `end`."""
    sys.stdin.buffer.read()
    end()


def say_ready() -> None:
    """Say, in a worker, that it answers now."""
    _say({"ready": True})


def say_failed(error: HoldfastError) -> None:
    """Say, in a worker, why it can't start."""
    facts = {"exit_code": error.exit_code, "remedy": error.remedy, "what": error.what}
    _say({"failed": facts})


def _say(what: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(json.dumps(what).encode() + b"\n")
        sys.stdout.buffer.flush()


def _failure(line: dict[str, Any]) -> HoldfastError | None:
    said = line.get("failed")
    if not isinstance(said, dict):
        return None
    kinds = {
        one.exit_code: one
        for one in (
            errors.InputError, errors.DeniedError, errors.IntegrityError, errors.RemoteError,
            errors.ResourceError, errors.ConflictError,
        )
    }  # fmt: skip
    kind = kinds.get(said.get("exit_code", 0), HoldfastError)
    return kind(str(said.get("what", "")), str(said.get("remedy", "")))


def _how(code: int) -> str:
    if code < 0:
        return f"was killed by signal {-code}"
    return f"ended with {code}"
