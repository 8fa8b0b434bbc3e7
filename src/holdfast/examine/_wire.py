"""Messages between the engine and a worker: a 4-byte big-endian length, then canonical JSON.

A job carries one descriptor, the evidence, as ancillary data of the message's first bytes.
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
_PREFIX = 4


class WireError(ValueError):
    """The other side did not keep to the protocol."""


def send(channel: socket.socket, message: Json, descriptor: int | None = None) -> None:
    """Send `message`, with `descriptor` if there is one.

    Raises:
        OSError: the other side is gone.
    """
    body = canonical.dumps(message)
    data = len(body).to_bytes(_PREFIX, "big") + body
    if descriptor is not None:
        sent = socket.send_fds(channel, [data], [descriptor])
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
        data, descriptors, _, _ = socket.recv_fds(self._channel, 1 << 18, 8)
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


def messages(receiver: Receiver) -> Iterator[tuple[Message, int | None]]:
    """Yield each message of the engine with its descriptor, until it hangs up."""
    while True:
        message = receiver.take()
        if message is None:
            if not receiver.fill():
                return
        else:
            job = cast("Message", message)
            carries = "seq" in job and receiver.descriptors
            yield job, receiver.descriptors.pop(0) if carries else None
