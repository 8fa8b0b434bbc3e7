"""Start a module of ours as a child that will confine itself, tell it what to do, hear it out."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST = 64 << 20
"""Bytes that a child may say."""


@dataclass(frozen=True)
class Heard:
    """What came of a child."""

    said: bytes
    """All of it, or its end."""
    killed: str
    """Why we ended it; empty where it ended by itself."""
    status: int
    """As `subprocess` has it: negative for a signal."""

    def words(self, what: str) -> str:
        """Say how it ended; `what` names it in words."""
        if self.killed:
            return self.killed
        if self.status >= 0:
            return f"{what} ended by itself (status {self.status})"
        if -self.status == signal.SIGXCPU:
            return "processor time limit"
        if -self.status == signal.SIGXFSZ:
            return "output limit"
        return f"{what} died of {signal.Signals(-self.status).name}"


def run(
    module: str,
    told: Mapping[str, Any],
    descriptors: Sequence[int],
    scratch: Path,
    *,
    seconds: int,
    what: str,
    most: int = MOST,
) -> tuple[dict[str, Any], str]:
    """Run `module` in the folder `scratch`; return what it said, a JSON object, or why it did not.

    It is told `told` on its standard input, with `code`, the folders of our own that it may read.
    `what` names it in words.
    """
    heard = hear(module, told, descriptors, scratch, seconds=seconds, most=most)
    try:
        answer = json.loads(heard.said) if heard.said and not heard.killed else None
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer, ""
    return {}, heard.words(what)


def hear(
    module: str,
    told: Mapping[str, Any],
    descriptors: Sequence[int],
    scratch: Path,
    *,
    seconds: int,
    most: int = MOST,
    last: int | None = None,
    temporary: Path | None = None,
) -> Heard:
    """Run `module` in the folder `scratch`, tell it `told`, and hear it out.

    Where `last` is given only so many bytes of the end of what it says are kept, and it may say
    any number. `temporary` is for its temporary files, else `scratch`.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=_environment(scratch.absolute(), (temporary or scratch).absolute()), cwd=scratch,
        pass_fds=tuple(descriptors), start_new_session=True,
    )  # fmt: skip
    reason, said = _listen(
        child, json.dumps({**told, "code": _code()}).encode(), seconds, most=most, last=last
    )
    return Heard(said, reason, child.wait())


def _listen(
    child: subprocess.Popen[bytes], told: bytes, seconds: int, *, most: int, last: int | None
) -> tuple[str, bytes]:
    """Return why the child was killed, and what it said until then."""
    assert child.stdin is not None  # noqa: S101
    assert child.stdout is not None  # noqa: S101
    until = time.monotonic() + seconds
    said, reason = bytearray(), ""
    try:
        with child.stdin as pipe:
            pipe.write(told)
    except BrokenPipeError:
        pass  # it has died; its status says why
    with child.stdout as pipe:
        while not reason:
            left = until - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                reason = f"time limit of {seconds} seconds"
            elif not (chunk := os.read(pipe.fileno(), 1 << 16)):
                break
            else:
                said += chunk
                if last is not None:
                    del said[:-last]
                elif len(said) > most:
                    reason = "it says more than it may"
    if reason:
        child.kill()
    return reason, bytes(said)


def _environment(scratch: Path, temporary: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if os.path.isabs(path)),  # noqa: PTH117
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary),
        "HOME": str(scratch),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "MALLOC_ARENA_MAX": "1",
    }


def _code() -> list[str]:
    spec = find_spec("holdfast")
    if spec is None or spec.origin is None:  # pragma: no cover
        raise ResourceError("the package holdfast can't be found by its own child")
    return [str(Path(spec.origin).resolve().parent)]
