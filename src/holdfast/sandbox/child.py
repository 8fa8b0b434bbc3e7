"""Start a module of ours as a child that will confine itself, tell it what to do, hear it out."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST = 64 << 20
"""Bytes that a child may say."""


def run(
    module: str,
    told: Mapping[str, Any],
    descriptors: Sequence[int],
    scratch: Path,
    *,
    seconds: int,
    what: str,
) -> tuple[dict[str, Any], str]:
    """Run `module` in the folder `scratch`; return what it said, a JSON object, or why it did not.

    It is told `told` on its standard input, with `code`, the folders of our own that it may read.
    `what` names it in words.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=_environment(scratch.absolute()), cwd=scratch, pass_fds=tuple(descriptors),
        start_new_session=True,
    )  # fmt: skip
    reason, said = _listen(child, json.dumps({**told, "code": _code()}).encode(), seconds)
    try:
        answer = json.loads(said) if said else None
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer, ""
    return {}, reason or _words(child.returncode, what)


def _listen(child: subprocess.Popen[bytes], told: bytes, seconds: int) -> tuple[str, bytes]:
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
                if len(said) > MOST:
                    reason = "it says more than it may"
    if reason:
        child.kill()
    child.wait()
    return reason, b"" if reason else bytes(said)


def _words(status: int, what: str) -> str:
    if status >= 0:
        return f"{what} ended by itself (status {status})"
    if -status == signal.SIGXCPU:
        return "processor time limit"
    return f"{what} died of {signal.Signals(-status).name}"


def _environment(scratch: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if os.path.isabs(path)),  # noqa: PTH117
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(scratch),
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
