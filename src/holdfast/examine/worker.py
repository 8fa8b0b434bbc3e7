"""The child process in which evidence is decoded: `python -m holdfast.examine.worker SOCKET PAGE`.

It inherits two descriptors (a socket to the engine, the position page), gives up all rights, loads
every module, says hello, and then takes one item at a time. It writes nowhere but in its own
scratch folder, and everything it says is judged by the engine.

Rights go first: Landlock, seccomp and capabilities are a thread's own, and some decoders start
threads when they are imported. So nothing but the standard library is loaded before.
"""

from __future__ import annotations

import os
import socket
import sys
from importlib import import_module
from pathlib import Path
from typing import cast

from holdfast.core.errors import HoldfastError
from holdfast.examine._wire import Receiver, messages, send
from holdfast.examine.limits import Limits
from holdfast.sandbox.confine import confine, isolate


def main(channel: socket.socket, page: int) -> int:
    """Confine this process and work until the engine hangs up; return the exit status."""
    isolated = isolate()
    statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    incoming = messages(Receiver(channel))
    first = next(incoming, None)
    if first is None:
        return 0
    settings, _ = first
    scratch = Path(str(settings["scratch"]))
    code = [Path(folder) for folder in cast("list[str]", settings["code"])]
    limits = Limits.from_json(settings["limits"])
    try:
        protection = confine(
            scratch, code, memory=limits.memory, output=limits.output, isolated=isolated
        )
        served = import_module("holdfast.examine._serve")
        plugins = tuple(cast("list[str]", settings["plugins"]))
        serve = served.Server(scratch, limits, page, plugins, mapping=settings["mapping"])
    except (HoldfastError, ImportError) as error:
        send(channel, {"trouble": f"{type(error).__name__}: {error}"})
        return 1
    os.dup2(nowhere, 2)  # what libraries print there may be evidence
    return int(serve.run(channel, incoming, protection, statm))


if __name__ == "__main__":
    sys.exit(main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])))
