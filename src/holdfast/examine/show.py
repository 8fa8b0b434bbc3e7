"""The child process that shows evidence: `python -m holdfast.examine.show`, one file and no more.

It is told what to show on its standard input, confines itself, and writes pictures into its
scratch folder and everything else, as JSON, to its standard output. It lives for one view, so
never for two cases.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path

from holdfast.core.errors import HoldfastError
from holdfast.sandbox.confine import allow_cpu, confine, isolate


def main() -> int:
    """Confine this process, show what it was handed; return the exit status."""
    isolated = isolate()
    told = json.loads(sys.stdin.buffer.read())
    scratch = Path(told["scratch"])
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        protection = confine(
            scratch, [Path(folder) for folder in told["code"]],
            memory=told["memory"], output=told["output"], isolated=isolated,
        )  # fmt: skip
        allow_cpu(told["seconds"])
        work = import_module("holdfast.examine._show").work
    except (HoldfastError, ImportError, OSError) as error:
        _say({"trouble": str(error)})
        return 1
    os.dup2(nowhere, 2)  # what libraries print there may be evidence
    _say({**work(told, scratch), "unprotected": list(protection.missing())})
    return 0


def _say(answer: dict[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
