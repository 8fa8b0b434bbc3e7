"""A real PostgreSQL for the tests: the distribution's own package, private, gone at the end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

SOCKET_PATH_LIMIT = 107
"""Bytes in a Unix socket's address on Linux (`sun_path`), less the final NUL."""

_SOCKET_NAME = ".s.PGSQL.5432"
_STARTS_WITHIN = 30.0
_STOPS_WITHIN = 20.0
_PR_SET_PDEATHSIG = 1


class NotInstalledError(Exception):
    """This machine has no PostgreSQL server."""


@dataclass
class Server:
    """A running server; `socket` is the folder its clients find it by."""

    socket: Path
    process: subprocess.Popen[bytes]
    _made: int = field(default=0, init=False)

    def url(self, database: str = "postgres") -> str:
        """Return SQLAlchemy's address of `database` on this server."""
        return f"postgresql+psycopg://holdfast@/{database}?host={self.socket}"

    def create_database(self) -> str:
        """Make an empty database and return its address."""
        self._made += 1
        name = f"test_{self._made}"
        self._execute("CREATE DATABASE {} TEMPLATE template0", name)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove the database at `url`, throwing out whoever is still connected."""
        name = url.partition("@/")[2].partition("?")[0]
        self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def _execute(self, statement: str, name: str) -> None:
        with self._connect() as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host=str(self.socket), user="holdfast", dbname="postgres", autocommit=True
        )

    def answers(self) -> bool:
        """Say whether the server takes connections."""
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Start a server that only this user can reach, on a socket and no port; stop it after.

    Nothing is synced to disk: a test's database has no tomorrow.

    Raises:
        NotInstalledError: no server on this machine.
    """
    commands = server_commands()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_short_temporary_folder()))
    try:
        account = _unprivileged_account()
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        log = folder / "log"
        with log.open("wb") as output:
            _initialise(commands, folder, account, output)
            process = subprocess.Popen(
                [commands / "postgres", "-D", folder / "data", "-k", folder, "-h", ""],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=end_with_parent,  # noqa: PLW1509 -- one call into libc, no lock taken
                **_as(account, folder),
            )
        server = Server(folder, process)
        try:
            _wait(server, log)
            yield server
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def server_commands() -> Path:
    """Return the newest server's folder of commands; Debian keeps it off PATH.

    Raises:
        NotInstalledError: no server on this machine.
    """
    folders = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *(Path(name) for name in os.environ.get("PATH", "").split(":") if name),
    ]
    found = [f for f in folders if (f / "initdb").is_file() and (f / "postgres").is_file()]
    if not found:
        raise NotInstalledError("no PostgreSQL server (Debian: apt-get install postgresql)")
    return max(found, key=lambda folder: [int(part) for part in folder.parts if part.isdigit()])


def _short_temporary_folder() -> Path:
    """Return the temporary folder, or /tmp where a socket's address would not fit in it."""
    folder = Path(tempfile.gettempdir())
    longest = folder / "pg-12345678" / _SOCKET_NAME
    return folder if len(os.fsencode(longest)) <= SOCKET_PATH_LIMIT else Path("/tmp")  # noqa: S108


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Return who the server runs as: PostgreSQL refuses root. None means: as we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NotInstalledError("no account but root to run PostgreSQL as")


def _as(account: pwd.struct_passwd | None, folder: Path) -> dict[str, Any]:
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(folder)}
    common: dict[str, Any] = {"env": environment, "cwd": folder}
    if account is None:
        return common
    return common | {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _initialise(
    commands: Path, folder: Path, account: pwd.struct_passwd | None, output: Any
) -> None:
    subprocess.run(
        [
            commands / "initdb",
            *("-D", folder / "data", "-U", "holdfast", "-A", "trust", "-E", "UTF8"),
            *("--no-sync", "--no-instructions"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        check=True,
        **_as(account, folder),
    )
    settings = folder / "data" / "postgresql.conf"
    with settings.open("a", encoding="utf-8") as file:
        file.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
        file.write("unix_socket_permissions = 0700\nshared_buffers = 32MB\nmax_connections = 60\n")


def end_with_parent() -> None:
    """Have the kernel stop the server should the tests be killed before they can."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _wait(server: Server, log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while not server.answers():
        if server.process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop exactly this server: 'fast' first (SIGINT), 'immediate' when it lingers (SIGQUIT)."""
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(request)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOPS_WITHIN)
            return
