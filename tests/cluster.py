"""A cluster on this one machine, for the tests: a network of its own, and a machine an address.

Everything of it lives in a network namespace in which there is nothing but the loopback, with an
address for each machine. So Ray, which listens on every address, is reached by nobody else, and
nobody outside by it; the S3 server of the tests is let in by a relay. It wants root, for that.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD, PORT = "10.77.0.1", 6379
_CLONE_NEWNET = 0x40000000
_STARTS_WITHIN = 120.0
_PREPARE = """
set -e
ip link set lo up
for n in 1 2 3 4 5; do ip address add 10.77.0.$n/32 dev lo; done
echo ready
exec cat
"""


class NotPossibleError(Exception):
    """No cluster can be started on this machine."""


def check_possible() -> None:
    """See whether it can.

    Raises:
        NotPossibleError: this is not root, or a program is absent.
    """
    if os.geteuid() != 0:
        raise NotPossibleError("a cluster of the tests starts as root only (network namespaces)")
    missing = [name for name in ("ip", "unshare", "nsenter") if shutil.which(name) is None]
    if missing:
        raise NotPossibleError(f"no {', '.join(missing)} (Debian: iproute2, util-linux)")
    if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode:
        raise NotPossibleError("network namespaces can't be made here")


@dataclass
class Machine:
    """One address, and what runs there."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> None:
        """Wait until it has joined, or say why it did not."""
        until = time.monotonic() + _STARTS_WITHIN
        while b"Ray runtime started" not in self.log.read_bytes():
            if self.process.poll() is not None or time.monotonic() > until:
                self.power_off()
                raise RuntimeError(f"{self.address} did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def family(self) -> list[int]:
        """Return every process of the machine, the node's own first."""
        return descendants(self.process.pid)

    def power_off(self) -> None:
        """End everything on it at once, as when its plug is pulled."""
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(20)


@dataclass
class Cluster:
    """A network, a head, and machines that joined it."""

    folder: Path
    holder: subprocess.Popen[bytes]
    head: Machine | None = None
    machines: list[Machine] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{HEAD}:{PORT}"

    @property
    def token(self) -> Path:
        return self.folder / "token"

    @property
    def pids(self) -> set[int]:
        """Of what this process started: they go on running."""
        every = [*self.machines, *([self.head] if self.head else [])]
        return {self.holder.pid, *(machine.process.pid for machine in every)}

    @property
    def network(self) -> str:
        return f"/proc/{self.holder.pid}/ns/net"

    def within(self, *command: str | Path) -> list[str]:
        """Return the command that runs `command` in this network."""
        return ["nsenter", f"--net={self.network}", *map(str, command)]

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Have this thread, and what it starts, in the network."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/proc/thread-self/ns/net").open() as home, Path(self.network).open() as there:
            if libc.setns(there.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                if libc.setns(home.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")

    def start_head(self) -> None:
        self.head = self._node(HEAD, "start", "--port", str(PORT))
        self.head.wait()

    def join(self, *numbers: int) -> None:
        """Have machines join, each with one core; numbers from 2."""
        new = [
            self._node(f"10.77.0.{one}", "join", self.address, "--cores", "1") for one in numbers
        ]
        self.machines += new
        for machine in new:
            machine.wait()

    def _node(self, address: str, what: str, *more: str) -> Machine:
        log = self.folder / f"{address}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.within(sys.executable, "-m", "holdfast.cli.main", "cluster", what, *more,
                            "--bind", address, "--token", self.token),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder,
                env=self.environment(address), preexec_fn=postgres.end_with_parent,  # noqa: PLW1509
            )  # fmt: skip
        return Machine(address, process, log)

    def environment(self, address: str) -> dict[str, str]:
        place = self.folder / address.rpartition(".")[2]
        place.mkdir(exist_ok=True)
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TMPDIR": str(place),
        }

    def listening(self) -> list[tuple[str, int]]:
        """Return (address, port) of whatever listens in the network."""
        said = subprocess.run(
            self.within("ss", "-Hltn"), check=True, capture_output=True, text=True
        ).stdout
        found = [line.split()[3].rpartition(":") for line in said.splitlines()]
        return [(address, int(port)) for address, _, port in found]

    @contextlib.contextmanager
    def relayed(self, endpoint: str) -> Iterator[str]:
        """Let the network reach `endpoint`, a server of this machine; give its address there."""
        port = int(endpoint.rpartition(":")[2])
        with self.inside():
            listener = socket.create_server((HEAD, port))
        relay = _Relay(listener, port)
        relay.start()
        try:
            yield f"http://{HEAD}:{port}"
        finally:
            relay.stop()


class _Relay(threading.Thread):
    """Passes bytes on: its listening socket is in the network, those it opens are not."""

    def __init__(self, listener: socket.socket, port: int) -> None:
        super().__init__(daemon=True)
        self._listener, self._port, self._going = listener, port, True

    def run(self) -> None:
        while self._going:
            if select.select([self._listener], [], [], 0.2)[0]:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=_pass_on, args=(near, far), daemon=True).start()
        self._listener.close()

    def stop(self) -> None:
        self._going = False
        self.join()


def _pass_on(near: socket.socket, far: socket.socket) -> None:
    with near, far, contextlib.suppress(OSError):
        while True:
            for one in select.select([near, far], [], [])[0]:
                data = one.recv(1 << 16)
                if not data:
                    return
                (far if one is near else near).sendall(data)


def descendants(pid: int) -> list[int]:
    """Return `pid` and every process below it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


@contextlib.contextmanager
def running(machines: int) -> Iterator[Cluster]:
    """Start a head and so many machines; end all of it after.

    Raises:
        NotPossibleError: this is not root, or a program is absent.
    """
    check_possible()
    # A socket's path may have 107 characters, and Ray's are long.
    folder = Path(tempfile.mkdtemp(prefix="r-", dir="/tmp"))
    holder = subprocess.Popen(
        ["unshare", "-n", "sh", "-c", _PREPARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        preexec_fn=postgres.end_with_parent,  # noqa: PLW1509
    )  # fmt: skip
    cluster = Cluster(folder, holder)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        cluster.start_head()
        cluster.join(*range(2, 2 + machines))
        yield cluster
    finally:
        for machine in (*cluster.machines, cluster.head):
            if machine is not None:
                machine.power_off()
        holder.communicate(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)
