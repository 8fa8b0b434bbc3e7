"""A parser for tests that tries to get out, and reports how each attempt ended."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Try(Record):
    KIND: ClassVar[str] = "toy.try"

    name: str
    worked: bool


RECORDS = (Try,)


def match(file: EvidenceFile) -> bool:
    return file.head.startswith(b"ESCAPE ")


def parse(file: EvidenceFile) -> Iterator[Record]:
    """The file's first line names a foreign file, a foreign folder, and a port that listens."""
    _, secret, folder, port = file.head.split()
    outside, elsewhere = Path(os.fsdecode(secret)), Path(os.fsdecode(folder))
    address = ("127.0.0.1", int(port))
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    tries: dict[str, Callable[[], object]] = {
        "read outside": outside.read_bytes,
        "list outside": lambda: list(elsewhere.iterdir()),
        "write outside": lambda: (elsewhere / "mine").write_bytes(b"x"),
        "truncate outside": lambda: os.truncate(outside, 0),
        "remove outside": outside.unlink,
        "chmod outside": lambda: outside.chmod(0o777),
        "link outside in": lambda: os.link(outside, Path(os.environ["TMPDIR"]) / "link"),
        "read /proc of the engine": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
        "reopen the evidence to write": lambda: os.open(
            f"/proc/self/fd/{file.descriptor}", os.O_RDWR
        ),
        "write the evidence": lambda: os.pwrite(file.descriptor, b"x", 0),
        "connect by TCP": lambda: socket.create_connection(address, 2),
        "listen on TCP": lambda: socket.create_server(("127.0.0.1", 0)),
        "send by UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(
            b"x", address
        ),
        "raw TCP by the system call": lambda: _checked(libc.syscall(41, 2, 1, 0)),
        "UNIX socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "fork": os.fork,
        "run a program": lambda: subprocess.run(["/bin/true"], check=True),
        "exec": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - it must fail
        "signal the engine": lambda: os.kill(parent, 0),
        "trace the engine": lambda: _checked(libc.ptrace(16, parent, 0, 0)),
        "mount": lambda: _checked(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
        "new namespace": lambda: _checked(libc.unshare(0x10000000)),
        "become root": lambda: _checked(libc.syscall(105, 0)),
    }
    for name, attempt in tries.items():
        yield _tried(name, attempt)
    allowed: dict[str, Callable[[], object]] = {
        "write in scratch": lambda: (Path(os.environ["TMPDIR"]) / "own").write_bytes(b"x"),
        "read the library": lambda: Path(os.__file__).read_bytes(),
        "start a thread": threading.Thread(target=int).start,
        "copy the evidence": file.copy,
    }
    for name, attempt in allowed.items():
        yield _tried(f"allowed: {name}", attempt)


def _tried(name: str, attempt: Callable[[], object]) -> Try:
    try:
        attempt()
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        return Try(message=f"{type(error).__name__}: {error}", name=name, worked=False)
    return Try(message="worked", name=name, worked=True)


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
