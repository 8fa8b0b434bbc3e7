"""A client of Chromium's DevTools protocol over its pipe: JSON messages, each ended by a NUL.

No port is opened that a page could find, and nothing is injected that was not asked for here.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST = 512 << 20
"""Bytes in a message; a PDF or MHTML of a heavy page has some ten million."""


class DevtoolsError(Exception):
    """The browser refused a command, did not answer in time, or is gone."""


class Devtools(asyncio.Protocol):
    """One browser's connection."""

    def __init__(self) -> None:
        self.gone = asyncio.get_running_loop().create_future()
        """Done when the browser has closed its end."""
        self.listeners: list[Callable[[str, dict[str, Any], str | None], None]] = []
        """Told of every event: its name, its parameters, its session."""
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._buffer = bytearray()
        self._write: asyncio.WriteTransport | None = None
        self._read: asyncio.ReadTransport | None = None

    @classmethod
    async def open(cls, read: int, write: int) -> Devtools:
        """Talk over two descriptors, which this closes at the end."""
        loop = asyncio.get_running_loop()
        client = cls()
        client._read, _ = await loop.connect_read_pipe(
            lambda: client, os.fdopen(read, "rb", buffering=0)
        )
        client._write, _ = await loop.connect_write_pipe(
            asyncio.BaseProtocol, os.fdopen(write, "wb", buffering=0)
        )
        return client

    async def send(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        session: str | None = None,
        *,
        timeout: float = 30.0,
    ) -> dict[str, Any]:
        """Give a command; return its result.

        Raises:
            DevtoolsError: refused, too slow, or the browser is gone.
        """
        future = self.post(method, params, session)
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise DevtoolsError(f"{method} took more than {timeout:g} s") from None

    def post(
        self, method: str, params: dict[str, Any] | None = None, session: str | None = None
    ) -> asyncio.Future[dict[str, Any]]:
        """Give a command without waiting; the result comes in the future."""
        self._number += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        # An answer nobody waits for may fail without a word.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self.gone.done() or self._write is None:
            future.set_exception(DevtoolsError("the browser is gone"))
            return future
        self._waiting[self._number] = future
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params or {}}
        if session is not None:
            message["sessionId"] = session
        self._write.write(orjson.dumps(message) + b"\0")
        return future

    def data_received(self, data: bytes) -> None:
        """Take what came, and tell of each whole message."""
        start = len(self._buffer)
        self._buffer += data
        while (end := self._buffer.find(0, start)) >= 0:
            message = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            start = 0
            self._take(message)
        if len(self._buffer) > _LARGEST:
            self.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Fail whatever waits."""
        if not self.gone.done():
            self.gone.set_result(None)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(DevtoolsError("the browser is gone"))
        self._waiting.clear()

    def close(self) -> None:
        """Hang up."""
        for transport in (self._read, self._write):
            if transport is not None:
                transport.close()

    def _take(self, data: bytes) -> None:
        try:
            message = orjson.loads(data)
        except orjson.JSONDecodeError:
            return
        if not isinstance(message, dict):
            return
        if "id" in message:
            future = self._waiting.pop(message["id"], None)
            if future is None or future.done():
                return
            if "error" in message:
                what = str(message["error"].get("message", "refused"))[:300]
                future.set_exception(DevtoolsError(what))
            else:
                future.set_result(message.get("result") or {})
        elif "method" in message:
            for listener in self.listeners:
                listener(message["method"], message.get("params") or {}, message.get("sessionId"))
