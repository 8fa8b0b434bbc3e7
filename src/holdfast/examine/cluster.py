"""Nodes of a cluster of Ray's, started as Holdfast wants them: closed, silent, and nothing more.

Ray listens on every address of a machine, and who can speak with it can run anything. So a node is
started only where every address is private, with a token, and without dashboard and statistics.
"""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from holdfast.core import addresses, durable
from holdfast.core.errors import DeniedError, InputError
from holdfast.examine.engines.ray import Cluster, environment
from holdfast.examine.scratch import private_folder

PORT = 6379
_STORE = 256 << 20
"""Bytes of Ray's object store: what travels is cut into small pieces."""
_START = "from ray.scripts.scripts import main; main()"


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
            f"--temp-dir={private_folder('holdfast-ray')}",
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
