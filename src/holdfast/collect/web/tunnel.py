"""A guard that serves from a thread of its own, and plain sockets through it."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import TYPE_CHECKING

from holdfast.core.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from holdfast.collect.web.guard import Guard, Line

TIMEOUT = 60.0
"""Seconds that a server may be silent."""


class Tunnel:
    """Connections through a guard, for code that does not wait in an event loop."""

    def __init__(self, make: Callable[[], Guard]) -> None:
        self._make = make
        self._ready = threading.Event()
        self._guard: Guard | None = None
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    def __enter__(self) -> Tunnel:
        """Begin to serve."""
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        """Cut everything; the guard's lines are complete after this."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        async with self._make() as guard:
            self._guard = guard
            self._ready.set()
            await self._stop.wait()

    def connect(self, host: str, port: int) -> tuple[socket.socket, Line]:
        """Connect to a host by its name; return the socket, and the guard's line on it.

        Raises:
            RemoteError: the guard refuses, or nobody answers; the message says why.
        """
        guard = self._guard
        if guard is None:
            raise RemoteError("the guard does not serve", "repeat the command")
        one = socket.create_connection(("127.0.0.1", guard.port), TIMEOUT)
        ours = one.getsockname()[1]
        try:
            name = host.encode("ascii")
            one.sendall(b"\x05\x01\x00")
            _exactly(one, 2)
            one.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack(">H", port))
            code = _exactly(one, 10)[1]
        except (OSError, EOFError) as error:
            one.close()
            raise RemoteError(f"{host} can't be reached: {error}") from None
        line = next(each for each in reversed(guard.lines) if each.browser_port == ours)
        if code != 0:
            one.close()
            raise RemoteError(f"{host} can't be reached: {line.refused}")
        return one, line


def _exactly(one: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = one.recv(size - len(got))
        if not more:
            raise EOFError("the guard hung up")
        got += more
    return got
