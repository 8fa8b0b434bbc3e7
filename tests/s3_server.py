"""A real S3 server for the tests: Ceph's RADOS gateway from Debian's packages, gone at the end.

One monitor, one disk in a file, one gateway, all on loopback; about 30 s to start and 750 MB of
memory. It wants root, as the packages' programs do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tests import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY, SECRET = "HOLDFASTTEST", "holdfast-test-only"
_NEEDS = ("ceph-mon", "ceph-osd", "ceph-mgr", "ceph", "radosgw", "radosgw-admin")
_STARTS_WITHIN = 120.0
_STOPS_WITHIN = 20.0

_CONF = """[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{mon2},v1:127.0.0.1:{mon1}]
public_addr = 127.0.0.1
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
run_dir = {dir}/run
pid_file = {dir}/run/$name.pid
admin_socket = {dir}/run/$name.asok
log_file = {dir}/log/$name.log
mon_cluster_log_file = {dir}/log/cluster.log
osd_objectstore = bluestore
bluestore_block_size = 8589934592
bluestore_block_create = true
bluestore_fsck_on_mkfs = false
osd_memory_target = 939524096
mon_data = {dir}/mon
keyring = {dir}/keyring
osd_data = {dir}/osd$id
mgr_data = {dir}/mgr
rgw_data = {dir}/rgw
mon_data_avail_crit = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 2000
"""


class NotInstalledError(Exception):
    """This machine has no S3 server that the tests can start."""


def check_installed() -> None:
    """See whether a server can be started.

    Raises:
        NotInstalledError: its packages are absent, or this is not root.
    """
    missing = [name for name in _NEEDS if shutil.which(name) is None]
    if missing:
        packages = "ceph-mon ceph-osd ceph-mgr ceph-common radosgw"
        raise NotInstalledError(f"no S3 server (Debian, as root: apt-get install {packages})")
    if os.geteuid() != 0:
        raise NotInstalledError("the S3 server of the tests starts as root only")


@dataclass
class Server:
    """A running server."""

    endpoint: str
    folder: Path
    pids: frozenset[int] = frozenset()
    """Of its processes, children of this one."""
    _made: int = field(default=0, init=False)

    def bucket(self, *, locks: bool = False) -> str:
        """Make an empty bucket, with Object Lock (and so versions) if asked; return its name."""
        from holdfast.vault.stores._s3_client import S3Address, connect  # noqa: PLC0415

        self._made += 1
        name = f"test-{os.getpid()}-{self._made}"
        client = connect(S3Address(name, endpoint=self.endpoint))
        client.create_bucket(Bucket=name, **({"ObjectLockEnabledForBucket": True} if locks else {}))
        return name

    def address(self, *, locks: int = 0) -> str:
        """Return a store's address in a bucket of its own; `locks` in days."""
        name = self.bucket(locks=bool(locks))
        lock = f"&lock={locks}" if locks else ""
        return f"s3://{name}/unit?endpoint={self.endpoint}{lock}"


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Start a server that only this machine can reach; stop it after, leaving nothing.

    Raises:
        NotInstalledError: its packages are absent, or this is not root.
    """
    check_installed()
    folder = Path(tempfile.mkdtemp(prefix="s3-"))
    started = []
    try:
        http, mon1, mon2 = _free_ports(3)
        for name in ("mon", "osd0", "mgr", "run", "log", "rgw"):
            (folder / name).mkdir()
        conf = _CONF.format(fsid=uuid.uuid4(), dir=folder, mon1=mon1, mon2=mon2)
        (folder / "ceph.conf").write_text(conf)
        with (folder / "log" / "start.log").open("wb") as log:
            started = _Cluster(folder, log, (mon1, mon2)).start(http)
        endpoint = f"http://127.0.0.1:{http}"
        _wait(endpoint, folder, started)
        yield Server(endpoint, folder, frozenset(one.pid for one in started))
    finally:
        for process in reversed(started):
            _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


class _Cluster:
    """The steps from nothing to a gateway."""

    def __init__(self, folder: Path, log: BinaryIO, ports: tuple[int, int]) -> None:
        self._folder = folder
        self._log = log
        self._mon1, self._mon2 = ports
        self._env = {
            "CEPH_CONF": str(folder / "ceph.conf"),
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        }

    def _do(self, *command: str, within: float = 60) -> None:
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=self._env,
            timeout=within,
        )

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        # In the foreground (-f), so that each is a child of ours, ended by its own process id.
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [*command, "-f"],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=self._env,
            preexec_fn=postgres.end_with_parent,  # noqa: PLW1509 -- one call into libc, no lock taken
        )
        return process

    def start(self, http: int) -> list[subprocess.Popen[bytes]]:
        keyring = str(self._folder / "keyring")
        monmap = str(self._folder / "monmap")
        fsid = next(
            line.split(" = ")[1]
            for line in (self._folder / "ceph.conf").read_text().splitlines()
            if line.startswith("fsid")
        )
        addresses = f"[v2:127.0.0.1:{self._mon2},v1:127.0.0.1:{self._mon1}]"
        self._do(
            *("monmaptool", "--create", "--clobber", "--addv", "a", addresses),
            *("--fsid", fsid, monmap),
        )
        who = ("mon.", "client.admin", "osd.0", "mgr.x", "client.rgw.a")
        all_of = ("--cap", "mon", "allow *", "--cap", "osd", "allow *")
        for name in who:
            create = ("--create-keyring",) if name == "mon." else ()
            more = () if name == "mon." else ("--cap", "mgr", "allow *", "--cap", "mds", "allow *")
            self._do("ceph-authtool", *create, keyring, "--gen-key", "-n", name, *all_of, *more)
        self._do("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)
        started = [self._start("ceph-mon", "-i", "a")]
        try:
            self._do("ceph", "--connect-timeout", "30", "osd", "create")
            self._do("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", str(uuid.uuid4()))
            started.append(self._start("ceph-osd", "-i", "0"))
            started.append(self._start("ceph-mgr", "-i", "x"))
            self._do(
                *("radosgw-admin", "user", "create", "--uid=test", "--display-name=test"),
                *(f"--access-key={KEY}", f"--secret-key={SECRET}"),
                within=_STARTS_WITHIN,
            )
            started.append(
                self._start(
                    *("radosgw", "-n", "client.rgw.a", f"--keyring={keyring}"),
                    f"--rgw_frontends=beast endpoint=127.0.0.1:{http}",
                )
            )
        except BaseException:
            for process in reversed(started):
                _stop(process)
            raise
        return started


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _wait(endpoint: str, folder: Path, started: list[subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            urllib.request.urlopen(endpoint, timeout=2).close()  # noqa: S310 - loopback
        except (OSError, urllib.error.URLError):
            if any(one.poll() is not None for one in started) or time.monotonic() > until:
                log = (folder / "log" / "start.log").read_text(errors="replace")
                raise RuntimeError(f"the S3 server did not start:\n{log[-3000:]}") from None
            time.sleep(0.2)
        else:
            return


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop exactly this process."""
    for request in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(request)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOPS_WITHIN)
            return
