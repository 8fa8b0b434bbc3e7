"""Stop a command at a durable-write boundary: how the fault tests show that nothing is lost.

    python -m holdfast.testing.crash --count -- collect files --case 2026-0001 /media/seized
    python -m holdfast.testing.crash --at 17 -- collect files --case 2026-0001 /media/seized

Every call that changes what is on disk is wrapped from outside; the product has no hook for it.
The first form lists the boundaries that a command meets, the second kills it (SIGKILL) just
before the 17th. A power cut, which also loses what was not synced, is not simulated.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sqlite3
import sys
import traceback
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from holdfast.core import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from holdfast.core.canonical import Json

Deed = Literal["before", "after", "torn", "interrupt", "full"]
"""What happens at the boundary: killed before the call or after it; killed with half of a write
done; interrupted (SIGINT) before it; or, from there on, the disk is full."""

_KINDS = (
    ("/vault/objects/", "object"),
    ("/vault/incoming/", "staged file"),
    ("/log/commits", "commit"),
    ("/log/tile", "tile"),
    ("/log/checkpoint", "checkpoint"),
    ("/log/.checkpoint", "checkpoint"),
    ("/vault/entries", "body"),
    ("/keys", "key"),
    ("holdfast.toml", "settings"),
    ("/holdfast/seen", "memory of the head"),
    ("/derived", "derived"),
    ("/index", "index"),
    ("holdfast.db", "database"),
)
_GROWS = {
    "os.write",
    "os.link",
    "os.mkdir",
    "os.rename",
    "os.replace",
    "renameat2",
    "commit",
    "syncfs",
}
"""Calls that a full disk may refuse."""
_OWN = {"holdfast.core.durable", __name__}


@dataclass(frozen=True)
class Boundary:
    """One call that changes the disk."""

    call: str
    target: str
    """What kind of file it changes."""
    caller: str
    """The function of Holdfast that asked for it, below `core.durable`."""


@dataclass
class Watch:
    """Counts the boundaries of this process; at the `at`-th (from 1) does the `deed`."""

    at: int = 0
    deed: Deed = "before"
    met: list[Boundary] = field(default_factory=list)
    done: bool = False
    """Whether the deed was done; a process that lives on can say so."""

    def install(self) -> None:
        """Wrap the calls, for the rest of this process's life."""
        for name, place in (
            ("fsync", 0),
            ("ftruncate", 0),
            ("mkdir", 0),
            ("rmdir", 0),
            ("unlink", 0),
            ("chmod", 0),
            ("link", 1),
            ("rename", 1),
            ("replace", 1),
        ):
            self._wrap(os, name, f"os.{name}", place)
        self._wrap(os, "write", "os.write", 0, only="write_all")

        from sqlalchemy.engine.default import DefaultDialect  # noqa: PLC0415 - keeps --help quick

        from holdfast.core import durable  # noqa: PLC0415

        self._wrap(durable, "sync_filesystem", "syncfs", 0)
        self._wrap(durable, "move_new", "renameat2", 1)
        self._wrap(DefaultDialect, "do_commit", "commit", None)

    def _wrap(
        self, owner: Any, name: str, call: str, place: int | None, *, only: str | None = None
    ) -> None:
        original = getattr(owner, name)

        @wraps(original)
        def wrapped(*args: Any, **kw: Any) -> Any:
            frame = sys._getframe(1)  # noqa: SLF001 - the cheap way to the caller
            if only is not None and frame.f_code.co_name != only:
                return original(*args, **kw)
            target = "holdfast.db" if place is None else _path(args[place], kw)
            return self._meet(Boundary(call, kind(target), caller(frame)), original, args, kw)

        setattr(owner, name, wrapped)

    def _meet(
        self, boundary: Boundary, original: Callable[..., Any], args: tuple[Any, ...], kw: Any
    ) -> Any:
        self.met.append(boundary)
        now = len(self.met) == self.at
        if now and self.deed == "full" and boundary.call not in _GROWS:
            self.at += 1
            now = False
        if now:
            self.done = True
            self._before(boundary, original, args)
        if self.done and self.deed == "full" and boundary.call in _GROWS:
            _refuse(boundary, args)
        try:
            return original(*args, **kw)
        finally:
            # Also after a call that failed, as mkdir does where the folder is there already.
            if now and self.deed == "after":
                _die()

    def _before(
        self, boundary: Boundary, original: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        if self.deed == "torn" and boundary.call == "os.write":
            original(args[0], args[1][: len(args[1]) // 2])
        if self.deed in {"before", "torn"}:
            _die()
        if self.deed == "interrupt":
            signal.raise_signal(signal.SIGINT)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _refuse(boundary: Boundary, args: tuple[Any, ...]) -> None:
    if boundary.call == "commit":
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise full
    path = args[0] if isinstance(args[0], (str, bytes, os.PathLike)) else None
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def _path(argument: Any, kw: dict[str, Any]) -> str:
    if isinstance(argument, int):
        return str(Path(f"/proc/self/fd/{argument}").readlink())
    name = os.fsdecode(argument)
    folder = kw.get("dir_fd")
    return name if folder is None else f"{_path(folder, {})}/{name}"


def kind(path: str) -> str:
    """Return what kind of a vault's file lies at `path`."""
    return next((name for part, name in _KINDS if part in path), "folder or other")


def caller(frame: FrameType | None) -> str:
    """Return the innermost function of Holdfast in the stack that is not a durable write itself."""
    for one in _stack(frame):
        module = str(one.f_globals.get("__name__", ""))
        if module.startswith("holdfast.") and module not in _OWN:
            return f"{module.removeprefix('holdfast.')}.{one.f_code.co_qualname}"
    return "?"


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def command(arguments: list[str], watch: Watch) -> int:
    """Run one `holdfast` command of this process under `watch`; return its exit code."""
    from holdfast.cli.main import run  # noqa: PLC0415

    watch.install()
    return run(arguments)


@dataclass(frozen=True)
class Ended:
    """How a command in a process of its own ended."""

    status: int
    """Its exit code; the signal's number, negative, where one ended it."""
    output: str
    errors: str


def fork(do: Callable[[], int]) -> int:
    """Start `do` in a fork of this process, which must have one thread; return its process id.

    A fork of a warm process costs a hundredth of a fresh interpreter.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        code = do()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - a fork must never return into its parent's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait(child: int) -> int:
    """Return how `child` ended: its exit code, or its signal's number negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_fork(do: Callable[[], int]) -> Ended:
    """Run `do` in a fork of this process and gather what it prints."""
    out, err = os.memfd_create("out"), os.memfd_create("err")

    def redirected() -> int:
        os.dup2(out, 1)
        os.dup2(err, 2)
        return do()

    status = wait(fork(redirected))
    return Ended(status, _gathered(out), _gathered(err))


def _gathered(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read().decode("utf-8", "backslashreplace")


def main() -> None:
    """Run the command line described at the top."""
    parser = argparse.ArgumentParser(prog="python -m holdfast.testing.crash")
    parser.add_argument("--at", type=int, default=0, metavar="N", help="the boundary, from 1")
    parser.add_argument("--count", action="store_true", help="list the boundaries met")
    deeds = parser.add_mutually_exclusive_group()
    for deed in ("before", "after", "torn", "interrupt", "full"):
        deeds.add_argument(f"--{deed}", dest="deed", action="store_const", const=deed)
    parser.add_argument("arguments", nargs="+", metavar="ARGUMENT", help="of `holdfast`")
    chosen = parser.parse_args()
    watch = Watch(chosen.at, chosen.deed or "before")
    code = command(chosen.arguments, watch)
    if chosen.count:
        line: dict[str, Json]
        for number, one in enumerate(watch.met, 1):
            line = {"at": number, "call": one.call, "caller": one.caller, "target": one.target}
            sys.stderr.write(canonical.dumps(line).decode() + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
