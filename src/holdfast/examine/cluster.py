"""Nodes of a cluster of Ray's, started as Holdfast wants them: closed, silent, and nothing more.

Ray listens on every address of a machine, and who can speak with it can run anything. So a node is
started only where every address is private, with a token, and without dashboard and statistics.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from holdfast.core import addresses, durable
from holdfast.core.errors import DeniedError, InputError
from holdfast.examine.scratch import private_folder

PORT = 6379
_STORE = 256 << 20
"""Bytes of Ray's object store: what travels is cut into small pieces."""
_START = "from ray.scripts.scripts import main; main()"


@dataclass(frozen=True)
class Cluster:
    """Where a cluster is, and what opens it."""

    address: str
    """HOST:PORT of its head."""
    token: Path
    """A file that only its owner can read: who has its content has the cluster."""

    def check(self) -> None:
        """See whether it can be used.

        Raises:
            InputError: no address, no such file, open to others, or the extra is not installed.
        """
        host, _, port = self.address.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
            raise InputError(f"{self.address[:100]!r} is no address", "write it as HOST:PORT")
        if find_spec("ray") is None:
            raise InputError(
                "the engine ray needs the extra holdfast[ray]", "pip install 'holdfast[ray]'"
            )
        try:
            mode = stat.S_IMODE(self.token.stat().st_mode)
        except OSError as error:
            raise InputError(
                f"the cluster's token {self.token} can't be read: {error.strerror}",
                "name the file: HOLDFAST_CLUSTER_TOKEN or --token",
            ) from None
        if mode & 0o077:
            raise InputError(f"{self.token} is open to others", f"chmod 600 {self.token}")


def environment(token: Path) -> dict[str, str]:
    """Return what a process of the cluster has in its environment: a token, and no statistics."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token.absolute()),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        # Seconds after which the head counts as gone, and who waits for it ends.
        "RAY_gcs_rpc_server_reconnect_timeout_s": "20",
    }


@dataclass(frozen=True)
class Node:
    """One machine's part of a cluster."""

    address: str
    """This machine's address in the cluster."""
    cluster: Cluster
    cores: int
    """Workers that run here at once, one a core."""
    head: bool

    def arguments(self) -> list[str]:
        """Return the command that starts it and stays in the foreground."""
        host, _, port = self.cluster.address.rpartition(":")
        if self.head and host != self.address:
            raise InputError("a head's own address is the cluster's")
        which = ["--head", f"--port={port}"] if self.head else [f"--address={host}:{port}"]
        return [
            *(sys.executable, "-P", "-c", _START, "start", "--block", *which),
            f"--node-ip-address={self.address}",
            f"--num-cpus={self.cores}",
            f"--object-store-memory={_STORE}",
            f"--temp-dir={_folder()}",
            *("--include-log-monitor=false", "--disable-usage-stats", "--log-style=record"),
            *(["--include-dashboard=false"] if self.head else []),
        ]

    def become(self) -> None:
        """Turn this process into the node; it ends with a signal.

        Raises:
            DeniedError: this machine has an address that is not private.
            InputError: the extra is not installed, or the token is no secret.
        """
        self.cluster.check()
        check_private(self.address, own_addresses())
        arguments = self.arguments()
        os.execve(arguments[0], arguments, environment(self.cluster.token))  # noqa: S606


def make_token(path: Path) -> bool:
    """Write a new token of 256 bits, for its owner to read; False where there is one already."""
    return durable.create(path, secrets.token_hex(32).encode(), 0o600)


def check_private(address: str, own: list[str]) -> None:
    """See that this machine can be reached from private networks only.

    Raises:
        InputError: `address` is none of this machine's.
        DeniedError: an address is public.
    """
    if address not in own:
        raise InputError(f"{address} is no address of this machine", f"it has {', '.join(own)}")
    for one in own:
        parsed = addresses.parse(one)
        if parsed is None or not addresses.private(parsed):
            raise DeniedError(
                f"Ray listens on every address, and {one} is public",
                "start it in a network namespace that has the private address only: "
                "docs/how-to/examine-on-many-machines.md",
            )


def own_addresses() -> list[str]:
    """Return every address of this machine, in this network namespace."""
    found: dict[str, None] = {}
    last = ""
    for line in Path("/proc/net/fib_trie").read_text("ascii").splitlines():
        words = line.split()
        if words[0] == "|--":
            last = words[1]
        elif words[:3] == ["/32", "host", "LOCAL"]:
            found[last] = None
    six = Path("/proc/net/if_inet6")
    for line in six.read_text("ascii").splitlines() if six.exists() else []:
        digits = line.split()[0]
        groups = ":".join(digits[at : at + 4] for at in range(0, 32, 4))
        if (parsed := addresses.parse(groups)) is not None:
            found[str(parsed)] = None
    return list(found)


def _folder() -> Path:
    """Return where Ray keeps its sockets and logs: it opens that to all, so not the outer one.

    Short, since a socket's path may have 107 characters, and Ray's add 65.
    """
    return private_folder("holdfast-ray") / "r"
