"""The guard: a SOCKS5 server (RFC 1928) between the browser and the network, one a capture.

A plain relay: it opens no TLS and changes no byte. It resolves names itself and connects to the
very address it judged, so that no second answer of a name server (rebinding) gets past it. What
is not of the public internet is refused, unless the case names it. Each connection is a line of
`guard.jsonl`.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from holdfast.collect.web.dialing import dial
from holdfast.collect.web.proxies import Proxy, RefusedError
from holdfast.core import addresses, clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.collect.web.resolving import Answer, Resolver
    from holdfast.collect.web.tap import Tap
    from holdfast.core.addresses import Address

CONNECT_TIME = 15.0
"""Seconds for one address to take a connection."""
_CHUNK = 1 << 16
_OK, _FAILED, _NOT_ALLOWED, _NETWORK, _HOST, _REFUSED, _COMMAND = 0, 1, 2, 3, 4, 5, 7
"""Reply codes of RFC 1928 section 6."""


@dataclass
class Line:
    """One connection, as `guard.jsonl` has it."""

    connection: int
    browser_port: int
    opened: str
    host: str = ""
    port: int = 0
    answers: list[str] = field(default_factory=list)
    packets: list[str] = field(default_factory=list)
    resolved_by: str | None = None
    peer: str | None = None
    peer_port: int | None = None
    local: str | None = None
    closed: str | None = None
    sent: int = 0
    received: int = 0
    cut: bool = False
    """By us: what may be received in all was reached."""
    refused: str | None = None

    def text(self) -> bytes:
        """Return the line."""
        return json.dumps(vars(self), sort_keys=True).encode() + b"\n"


@dataclass
class Guard:
    """Serves one browser on a port of the loopback."""

    resolver: Resolver
    out: BinaryIO
    allows: Callable[[Address, int], bool] = lambda _address, _port: False
    """Whether the case names this address, private though it is."""
    proxy: Proxy | None = None
    """What the connections go through, for another vantage point."""
    limit: int | None = None
    """Bytes that may be received in all; then connections are cut, and `full` is set."""
    tap: Tap | None = None
    """A second witness of what passes."""
    lines: list[Line] = field(default_factory=list)
    received: int = 0
    full: bool = False
    port: int = 0
    _listener: socket.socket | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Guard:
        """Listen.

        Not by `asyncio.start_server`: closed while it accepts, it leaves a connection that nobody
        closes (its transport fails to attach), and the browser waits.
        """
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Cut what is open; each connection has its line after this."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
        await asyncio.sleep(0)  # what was accepted in this turn of the loop begins
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # and what was aborted is closed
        self.out.flush()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it has left again
            connection, (_host, port) = listener.accept()
            connection.setblocking(False)
            task = asyncio.create_task(self._serve(connection, port))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket, port: int) -> None:
        line = Line(len(self.lines) + 1, port, clock.to_text(clock.now()))
        self.lines.append(line)
        writer = None
        try:
            reader, writer = await asyncio.open_connection(sock=connection)
            await self._connection(reader, writer, line)
            writer.close()
            await writer.wait_closed()
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            pass  # either side has left, or all is over; the line says how far it came
        finally:
            line.closed = clock.to_text(clock.now())
            self.out.write(line.text())
            if writer is not None:
                writer.transport.abort()  # a browser that no longer reads would keep it

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line
    ) -> None:
        if not await _greeted(reader, writer):
            line.refused = "no SOCKS5 greeting"
            return
        command, line.host, line.port = await _asked(reader)
        if command != 1:
            line.refused = "only connections are made, nothing else that SOCKS5 has"
            writer.write(_reply(_COMMAND))
            return
        try:
            there, back = await self._reach(line)
        except RefusedError as error:
            line.refused = error.why
            writer.write(_reply(error.code))
            await writer.drain()
            return
        try:
            line.local = _ip_port(back.get_extra_info("sockname"))
            if self.tap is not None:
                self.tap.connected(line)
            writer.write(_reply(_OK))
            await asyncio.gather(
                self._pump(reader, back, line, up=True), self._pump(there, writer, line, up=False)
            )
        finally:
            back.close()
            if self.tap is not None:
                self.tap.closed(line)

    async def _reach(self, line: Line) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Resolve, judge and connect.

        Raises:
            RefusedError: why not.
        """
        if self.full:
            raise RefusedError(_NOT_ALLOWED, "the capture's size limit is reached")
        if line.host.lower().rstrip(".").endswith(".invalid"):
            raise RefusedError(_HOST, "a name that is nobody's (RFC 6761)")
        if self.proxy is not None and self.proxy.resolves:
            return await self._far(self.proxy, line)
        answer = await self.resolver.resolve(line.host)
        _note(line, answer)
        allowed, forbidden = [], []
        for one in answer.addresses:
            kind = addresses.private(one)
            if kind is None or self.allows(one, line.port):
                allowed.append(one)
            else:
                forbidden.append(f"{one} is {kind}")
        if forbidden:
            # All or nothing: a name with one private address is no name for a public server.
            raise RefusedError(_NOT_ALLOWED, f"{forbidden[0]}, and the case does not name it")
        if not allowed:
            raise RefusedError(_HOST, answer.why or "the name has no address")
        why = ""
        for one in allowed:
            try:
                async with asyncio.timeout(CONNECT_TIME):
                    if self.proxy is not None:
                        streams = await self.proxy.connect(str(one), line.port)
                    else:
                        streams = await dial(str(one), line.port, self.tap)
            except (OSError, TimeoutError) as error:
                why = f"{one}: {getattr(error, 'strerror', None) or type(error).__name__}"
                continue
            line.peer, line.peer_port = str(one), line.port
            return streams
        raise RefusedError(_REFUSED, f"no connection: {why}")

    async def _far(
        self, proxy: Proxy, line: Line
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect by name, which the proxy resolves where it stands; literals are judged here."""
        literal = addresses.parse(line.host)
        if literal is not None:
            line.resolved_by, line.answers = "literal", [str(literal)]
            kind = addresses.private(literal)
            if kind is not None and not self.allows(literal, line.port):
                raise RefusedError(
                    _NOT_ALLOWED, f"{literal} is {kind}, and the case does not name it"
                )
        else:
            line.resolved_by = "proxy"
        try:
            async with asyncio.timeout(CONNECT_TIME * 2):
                return await proxy.connect(line.host, line.port)
        except (OSError, EOFError, TimeoutError) as error:
            raise RefusedError(
                _REFUSED, f"no connection: {error or type(error).__name__}"
            ) from None

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, line: Line, *, up: bool
    ) -> None:
        try:
            while data := await source.read(_CHUNK):
                if self.tap is not None:
                    self.tap.passed(line, data, up=up)
                if up:
                    line.sent += len(data)
                else:
                    line.received += len(data)
                    self.received += len(data)
                    if self.limit is not None and self.received > self.limit:
                        self.full = True
                sink.write(data)
                await sink.drain()
                if self.full:
                    line.cut = True
                    raise ConnectionAbortedError
            with suppress(OSError):
                sink.write_eof()
        except BaseException:
            sink.transport.abort()
            raise


def _note(line: Line, answer: Answer) -> None:
    line.resolved_by = answer.by
    line.answers = [str(one) for one in answer.addresses]
    line.packets = [base64.b64encode(one).decode() for one in answer.packets]


async def _greeted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Take the greeting (RFC 1928 section 3); no authentication: the port is the loopback's."""
    version, count = await reader.readexactly(2)
    methods = await reader.readexactly(count)
    good = version == 5 and 0 in methods
    writer.write(b"\x05\x00" if good else b"\x05\xff")
    return good


async def _asked(reader: asyncio.StreamReader) -> tuple[int, str, int]:
    """Return command, host and port of a request (section 4)."""
    _version, command, _reserved, kind = await reader.readexactly(4)
    if kind == 1:
        host = str(ipaddress.IPv4Address(await reader.readexactly(4)))
    elif kind == 4:
        host = str(ipaddress.IPv6Address(await reader.readexactly(16)))
    else:
        (size,) = await reader.readexactly(1)
        host = (await reader.readexactly(size)).decode("ascii", "backslashreplace")
    (port,) = struct.unpack(">H", await reader.readexactly(2))
    return command, host, port


def _reply(code: int) -> bytes:
    return bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0])


def _ip_port(name: tuple[str, int] | None) -> str | None:
    if name is None:
        return None
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
