"""Runs a browser and outlives it, so that none of its processes is left: a program of its own.

`python -I -S supervise.py SPEC READ WRITE`: SPEC is JSON (`argv`, `env`, `cwd`, `log`, `uid`,
`gid`), READ and WRITE are the descriptors that the browser gets as 3 and 4. Standard input is the
line of life: when it ends, however its other end died, everything is killed. Orphans fall to this
process (PR_SET_CHILD_SUBREAPER), so no grandchild escapes by outliving its parent. The last thing
printed is a JSON object: `status`, `killed`, `left`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from typing import cast

_SUBREAPER, _PDEATHSIG = 36, 1
"""prctl(2) PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG."""
_GRACE = 10.0
"""Seconds in which what was killed must be gone."""


def main(spec: dict[str, object], read: int, write: int) -> int:
    """Start the browser, wait for its end or the caller's, and leave nothing running."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        _become(spec, read, write)
    os.close(read)
    os.close(write)
    ended = os.pidfd_open(child)
    poller = select.poll()
    poller.register(ended, select.POLLIN)
    poller.register(0, select.POLLIN | select.POLLHUP)
    poller.poll()
    status = None
    with contextlib.suppress(ChildProcessError):
        pid, code = os.waitpid(child, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if pid else None
    killed, left = _end_all()
    print(json.dumps({"killed": killed, "left": left, "status": status}), flush=True)  # noqa: T201
    return 0


def _become(spec: dict[str, object], read: int, write: int) -> None:
    """Turn into the browser: another account where one is given, its own session, two pipes."""
    try:
        os.setsid()
        log = os.open(str(spec["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # Above 4 first: the pipes may lie on the very numbers that they are to have.
        high = [os.dup(one) for one in (read, write, read, write)][2:]
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2), (high[0], 3), (high[1], 4)):
            os.dup2(source, target, inheritable=True)
        os.closerange(5, 1 << 16)
        uid, gid = spec.get("uid"), spec.get("gid")
        if isinstance(uid, int) and isinstance(gid, int):
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        # After the change of account, which would undo it.
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.chdir(str(spec["cwd"]))
        os.umask(0o077)
        argv, env = cast("list[str]", spec["argv"]), cast("dict[str, str]", spec["env"])
        os.execve(argv[0], argv, env)  # noqa: S606 - an argument list, no shell
    except BaseException as error:  # noqa: BLE001 - nobody is left to raise it to
        os.write(2, f"supervise: {error}\n".encode())
    os._exit(127)


def _end_all() -> tuple[int, int]:
    """Kill every descendant until there is none; return how many were killed, and how many stay."""
    until, killed = time.monotonic() + _GRACE, set[int]()
    while True:
        found = _descendants(os.getpid())
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return len(killed), 0
        if time.monotonic() > until:
            return len(killed), len(found)
        time.sleep(0.005)


def _descendants(root: int) -> list[int]:
    """Return the processes below `root`, from /proc."""
    parents = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - without pathlib this starts in 20 ms
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
            fields = file.read().rpartition(b")")[2].split()
            if fields[0] != b"Z":
                parents[int(name)] = int(fields[1])
    found, waiting = [], [root]
    while waiting:
        above = waiting.pop()
        below = [pid for pid, parent in parents.items() if parent == above]
        found += below
        waiting += below
    return found


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
