"""Connect through a proxy of the operator's, so that a site sees another vantage point.

SOCKS5 (RFC 1928, with RFC 1929's name and password) and HTTP CONNECT (RFC 9110 section 9.3.6).
`socks5h` and `http` leave names to the proxy, which resolves them where it stands.
"""

from __future__ import annotations

import asyncio
import base64
import struct
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from holdfast.core.errors import InputError

_PORTS = {"http": 3128, "socks5": 1080, "socks5h": 1080}


class RefusedError(Exception):
    """A connection that is not made: the SOCKS5 reply code, and why."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@dataclass(frozen=True)
class Proxy:
    """A proxy that takes connections."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """Read `socks5://host:port`, `socks5h://…` or `http://…`, with or without `user:password@`.

        Raises:
            InputError: it is none.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme, 0)
            good = parts.scheme in _PORTS and parts.hostname and port
        except ValueError:
            good = False
        if not good:
            raise InputError(
                "that is no proxy's address", "give socks5://, socks5h:// or http://HOST:PORT"
            )
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.scheme, parts.hostname or "", port, user, password)

    @property
    def resolves(self) -> bool:
        """Whether names are the proxy's to resolve."""
        return self.scheme != "socks5"

    @property
    def text(self) -> str:
        """The address, without name and password."""
        return f"{self.scheme}://{self.host}:{self.port}"

    async def connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to `host` through it.

        Raises:
            OSError, EOFError: it is away, or refuses.
        """
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            if self.scheme == "http":
                await self._tunnel(reader, writer, host, port)
            else:
                await self._socks(reader, writer, host, port)
        except BaseException:
            writer.close()
            raise
        return reader, writer

    async def _tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
    ) -> None:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
        if self.user:
            basic = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {basic}")
        writer.write("\r\n".join([*lines, "", ""]).encode("ascii", "replace"))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise ConnectionRefusedError("the proxy's answer has no end") from None
        words = head.split(b" ", 2)
        if len(words) < 2 or not words[1].startswith(b"2"):
            status = words[1][:3].decode("ascii", "replace") if len(words) > 1 else "nothing"
            raise ConnectionRefusedError(f"the proxy answers {status}")

    async def _socks(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
    ) -> None:
        writer.write(b"\x05\x02\x00\x02" if self.user else b"\x05\x01\x00")
        _, method = await reader.readexactly(2)
        if method == 2:
            name, secret = self.user.encode()[:255], self.password.encode()[:255]
            writer.write(b"\x01" + bytes([len(name)]) + name + bytes([len(secret)]) + secret)
            if (await reader.readexactly(2))[1] != 0:
                raise ConnectionRefusedError("the proxy does not take the name and password")
        elif method != 0:
            raise ConnectionRefusedError("the proxy wants another way to sign in")
        encoded = host.encode("idna" if not host.isascii() else "ascii")
        writer.write(
            b"\x05\x01\x00\x03" + bytes([len(encoded)]) + encoded + struct.pack(">H", port)
        )
        _version, code, _reserved, kind = await reader.readexactly(4)
        size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        await reader.readexactly(size + 2)
        if code != 0:
            raise ConnectionRefusedError(f"the proxy refuses (SOCKS5 reply {code})")
