"""Make a film of recorded pictures, in a child process that has given up its rights."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from holdfast.core.errors import ResourceError
from holdfast.sandbox import child
from holdfast.sandbox.confine import allow_cpu, confine, isolate

FOLDER = "recording"
_MEMORY = 1 << 30
_SECONDS = 600
_OUTPUT = 16 << 30


def make(frames: Path, folder: Path) -> tuple[dict[str, Any], str]:
    """Make films of the `frames` that a recorder wrote, in the new folder `folder`.

    Returns what they came to (`parts`, `frames`, `unreadable`, `first`, `last`), or why not.

    Raises:
        OSError: the disk refused.
    """
    folder.mkdir(mode=0o700)
    with frames.open("rb") as file:
        told = {"frames": file.fileno(), "scratch": str(folder.resolve())}
        answer, why = child.run(
            "holdfast.collect.web.film", told, [file.fileno()], folder,
            seconds=_SECONDS, what="the film's making",
        )  # fmt: skip
    return answer, why or str(answer.get("trouble", ""))


def main() -> int:
    """Confine this process, make the films, say what they came to; return the exit status."""
    isolated = isolate()
    told = json.loads(sys.stdin.buffer.read())
    folder = Path(told["scratch"])
    try:
        code = [Path(one) for one in told["code"]]
        protection = confine(folder, code, memory=_MEMORY, output=_OUTPUT, isolated=isolated)
        allow_cpu(_SECONDS)
        cutting = import_module("holdfast.collect.web.cutting")
        with os.fdopen(told["frames"], "rb") as frames:
            answer = cutting.films(frames, folder)
    except (ResourceError, ArithmeticError, MemoryError, OSError, ValueError) as error:
        _say({"trouble": str(error) if isinstance(error, ResourceError) else type(error).__name__})
        return 1
    _say({**answer, "unprotected": list(protection.missing())})
    return 0


def _say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
