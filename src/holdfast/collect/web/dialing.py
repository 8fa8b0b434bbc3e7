"""Connect from a port that is known before the first packet goes out."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.collect.web.tap import Tap


async def dial(
    address: str, port: int, tap: Tap | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection to an IP address, under the eyes of a witness where there is one.

    Raises:
        OSError: it does not stand.
    """
    if tap is None:
        return await asyncio.open_connection(address, port)
    six = ":" in address
    one = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
    try:
        one.setblocking(False)
        one.bind(("::" if six else "0.0.0.0", 0))  # noqa: S104 - the port only; nobody listens
        tap.expect(one.getsockname()[1], address, port)
        await asyncio.get_running_loop().sock_connect(one, (address, port))
        return await asyncio.open_connection(sock=one)
    except BaseException:
        one.close()
        raise
