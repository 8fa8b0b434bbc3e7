"""Stage in a process of its own, so that the next group is copied while the last is entered.

The helper inherits the intake's lock: as long as it may still write there, nobody takes the run
for a dead one. It ends with its parent, whatever ends that, and ignores a Ctrl-C, which its parent
answers for both.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING

from holdfast.core.errors import ResourceError
from holdfast.core.memory import patient_collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from holdfast.acts.staging import Group, Stager
    from holdfast.collect.collectors.files import Waiting
    from holdfast.vault.staging import Staging
    from holdfast.vault.store import Intake

PROGRAM = "from holdfast.acts.ahead import main; main()"
_PDEATHSIG = 1
"""prctl(2) PR_SET_PDEATHSIG."""
_TELL = 0.1
"""Seconds between two tellings of how far it is."""


@dataclass(frozen=True)
class _Order:
    """What the helper is asked to do."""

    stager: Stager
    staging: Staging
    waiting: list[Waiting]
    parent: int


@dataclass(frozen=True)
class _Told:
    """How far it is: bytes since the last telling, and what it has just copied."""

    bytes: int
    what: str


class Ahead:
    """A helper that stages the rest of a walk."""

    def __init__(self, stager: Stager, intake: Intake, waiting: list[Waiting]) -> None:
        self._pipe, theirs = Pipe()
        lock = intake.lock
        self._process = subprocess.Popen(
            # Not `-m`: the messages' classes must have the same name on both sides.
            [sys.executable, "-P", "-c", PROGRAM, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(os.path.isabs, sys.path))},
            pass_fds=(theirs.fileno(), lock),
        )
        theirs.close()
        with suppress(BrokenPipeError):  # it has died: `groups` says so
            self._pipe.send(_Order(stager, intake.staging, waiting, os.getpid()))

    def __enter__(self) -> Ahead:
        """Give the helper, which ends with the block."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        """End it; after this nothing is staged any more."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()

    def groups(self, tell: Callable[[int, str], None]) -> Iterator[Group]:
        """Yield each group as soon as it is staged.

        Raises:
            ResourceError: the vault's disk refused, or the helper was killed.
        """
        while (said := self._hear()) is not None:
            if isinstance(said, BaseException):
                raise said
            if isinstance(said, _Told):
                tell(said.bytes, said.what)
            else:
                yield said

    def _hear(self) -> Group | _Told | BaseException | None:
        try:
            said: Group | _Told | BaseException | None = self._pipe.recv()
        except (EOFError, OSError):  # the second: it ended in the middle of a message
            status = self._process.wait()
            raise ResourceError(
                f"the process that copies ahead has ended (status {status})",
                "nothing that was recorded is lost; repeat the command to go on",
            ) from None
        return said


def main() -> None:
    """Be the helper: stage what is ordered through the inherited pipe, saying each group."""
    patient_collector()
    pipe = Connection(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    try:
        order: _Order = pipe.recv()
    except EOFError:
        return  # it was interrupted before it had anything for us
    if os.getppid() != order.parent:
        return  # it had died before we asked to be told
    size, last = 0, time.monotonic()

    def tell(count: int, what: str) -> None:
        nonlocal size, last
        size += count
        if (now := time.monotonic()) - last > _TELL:
            pipe.send(_Told(size, what))
            size, last = 0, now

    try:
        for group in order.stager.groups(order.waiting, order.staging, tell):
            pipe.send(_Told(size, ""))
            size = 0
            pipe.send(group)
        pipe.send(None)
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - told there, by the parent
        with suppress(BrokenPipeError):
            pipe.send(error)
