"""The second witness where the kernel gives no packets: what the relay copied, byte for byte."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from holdfast.collect.web.tap import APPLICATION, RELAY
from holdfast.webarchive.pcapng import Writer
from holdfast.webarchive.segments import Made

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.collect.web.tap import Relayed


class RelayTap:
    """Bytes of both directions, still encrypted, with TCP put around them."""

    kind = RELAY

    def __init__(self, out: Path) -> None:
        self._file = out.open("xb")
        comment = "made from what a relay copied: the bytes are real, IP and TCP around them not"
        self._writer = Writer(self._file, APPLICATION, comment)
        self._packets = 0
        self._made: dict[int, Made] = {}
        self._failed: OSError | None = None

    def expect(self, port: int, peer: str, peer_port: int) -> None:
        """Pass: the line says it once it stands."""

    def connected(self, line: Relayed) -> None:
        """Write a handshake."""
        address, _, port = (line.local or "").rpartition(":")
        ours = address.strip("[]")
        nobody = "::" if ":" in ours else "0.0.0.0"  # noqa: S104 - only the proxy knows who
        made = Made((ours, int(port)), (line.peer or nobody, line.port))
        self._made[line.connection] = made
        self._write(made.opened())

    def passed(self, line: Relayed, data: bytes, *, up: bool) -> None:
        """Write what was copied."""
        self._write(self._made[line.connection].passed(data, up=up))

    def closed(self, line: Relayed) -> None:
        """Write the end."""
        made = self._made.pop(line.connection, None)
        if made is not None:
            self._write(made.closed())

    def stop(self) -> dict[str, int]:
        """Close.

        Raises:
            OSError: the disk refused, now or before.
        """
        self._file.close()
        if self._failed is not None:
            raise self._failed
        return {"dropped": 0, "packets": self._packets, "unwatched": 0}

    def _write(self, packets: list[bytes]) -> None:
        """Write packets; a full disk must not end the capture that is witnessed."""
        now = time.time_ns()
        try:
            for one in packets:
                self._writer.packet("relay", now, one, len(one))
                self._packets += 1
        except OSError as error:
            self._failed = error
