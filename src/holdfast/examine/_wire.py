"""Messages between the engine and a worker: a 4-byte big-endian length, then canonical JSON.

A job carries descriptors, the evidence or datasets, as ancillary data of the message's first bytes.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, cast

from holdfast.core import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json

    Message = dict[str, Json]

MESSAGE = 16 << 20
"""Bytes of a message, at most; more is a fault of the sender's."""
SETTINGS = "settings.json"
"""In a worker's scratch folder: what modules are told beyond the item, by name."""
DESCRIPTORS = 64
"""Descriptors that a message carries, at most."""
_PREFIX = 4


class WireError(ValueError):
    """The other side did not keep to the protocol."""


def send(channel: socket.socket, message: Json, descriptors: tuple[int, ...] = ()) -> None:
    """Send `message`, with its descriptors.

    Raises:
        OSError: the other side is gone.
    """
    body = canonical.dumps(message)
    data = len(body).to_bytes(_PREFIX, "big") + body
    if descriptors:
        sent = socket.send_fds(channel, [data], list(descriptors))
        data = data[sent:]
    channel.sendall(data)


class Receiver:
    """Puts messages together from what arrives."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._buffer = bytearray()
        self.descriptors: list[int] = []
        """Descriptors that came with messages, oldest first."""

    def fill(self) -> bool:
        """Read once; say whether the other side is still there.

        Raises:
            OSError: it went in the middle.
        """
        data, descriptors, _, _ = socket.recv_fds(self._channel, 1 << 18, DESCRIPTORS)
        self.descriptors += descriptors
        self._buffer += data
        return bool(data)

    def take(self) -> Json | WireError | None:
        """Return the next whole message, None if there is none yet, or what was wrong."""
        if len(self._buffer) < _PREFIX:
            return None
        length = int.from_bytes(self._buffer[:_PREFIX], "big")
        if not 0 < length <= MESSAGE:
            return WireError(f"a message of {length} bytes")
        if len(self._buffer) < _PREFIX + length:
            return None
        body = bytes(self._buffer[_PREFIX : _PREFIX + length])
        del self._buffer[: _PREFIX + length]
        try:
            return canonical.loads(body)
        except (ValueError, RecursionError) as error:
            return WireError(str(error))


def messages(receiver: Receiver) -> Iterator[tuple[Message, list[int]]]:
    """Yield each message of the engine with its descriptors, until it hangs up.

    A job has one, the evidence, or as many as it names in `kinds`, datasets.
    """
    while True:
        message = receiver.take()
        if message is None:
            if not receiver.fill():
                return
        else:
            job = cast("Message", message)
            kinds = job.get("kinds")
            count = len(kinds) if isinstance(kinds, list) else int("seq" in job)
            mine, receiver.descriptors = receiver.descriptors[:count], receiver.descriptors[count:]
            yield job, mine
