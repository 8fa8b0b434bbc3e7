"""What a second witness hears of a capture's connections; `witnessing` chooses who it is."""

from __future__ import annotations

from typing import Protocol

from holdfast import __version__

PACKETS, RELAY = "packets", "relay"
APPLICATION = f"Holdfast {__version__}"


class Relayed(Protocol):
    """A connection of the relay's."""

    connection: int
    port: int
    peer: str | None
    local: str | None
    """`ip:port`, or `[ip]:port`."""


class Tap(Protocol):
    """Writes down what passes."""

    kind: str
    """`packets` or `relay`."""

    def expect(self, port: int, peer: str, peer_port: int) -> None:
        """Hear that the relay is about to connect from a port of ours."""

    def connected(self, line: Relayed) -> None:
        """Hear that a connection stands."""

    def passed(self, line: Relayed, data: bytes, *, up: bool) -> None:
        """Hear what the relay has copied."""

    def closed(self, line: Relayed) -> None:
        """Hear that a connection is over."""

    def stop(self) -> dict[str, int]:
        """Write the rest; return how many `packets` there are, `dropped` and `unwatched`."""
