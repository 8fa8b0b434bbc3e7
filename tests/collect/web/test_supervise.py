"""However a browser ends, and however we do, none of its processes is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.collect.web import supervise

OURS = str(10_000_000 + os.getpid())
"""Seconds that no other process on this machine sleeps."""
FAMILY = f"setsid sh -c 'sleep {OURS}1 & setsid sleep {OURS}2 & wait' & echo up; exec sleep {OURS}3"
"""A child, and two that leave its session and outlive their parents."""


def running() -> list[str]:
    """Return the processes of `FAMILY` that run."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"sleep" and words[1].startswith(OURS.encode()):
            found.append(words[1].decode())
    return sorted(found)


def started(tmp_path: Path, script: str) -> subprocess.Popen[bytes]:
    spec = {
        "argv": ["/bin/sh", "-c", script],
        "cwd": "/",
        "env": {"PATH": os.defpath},
        "gid": None,
        "log": str(tmp_path / "log"),
        "uid": None,
    }
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", supervise.__file__, json.dumps(spec), str(read), str(write)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(read, write),
    )
    os.close(read)
    os.close(write)
    return process


@pytest.mark.parametrize("end", ["the line of life ends", "the browser ends"])
def test_orphans_that_left_their_session_are_killed(tmp_path: Path, end: str) -> None:
    script = FAMILY if end == "the line of life ends" else f"{FAMILY.partition(' exec')[0]} sleep 1"
    process = started(tmp_path, script)
    while not {f"{OURS}1", f"{OURS}2"} <= set(running()):
        assert process.poll() is None
    if end == "the browser ends":
        process.wait(30)
    said, _ = process.communicate(timeout=30)
    told = json.loads(said)
    assert told["left"] == 0
    assert told["killed"] >= 2
    assert running() == []


def test_a_program_that_is_not_there_is_a_status(tmp_path: Path) -> None:
    process = started(tmp_path, "exit 7")
    process.wait(30)
    said, _ = process.communicate(timeout=30)
    assert json.loads(said) == {"killed": 0, "left": 0, "status": 7}
