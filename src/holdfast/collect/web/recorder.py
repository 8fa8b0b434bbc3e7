"""Record the screen while a page loads and is scrolled: pictures as the browser painted them.

They come by the DevTools' screencast, one by one, each acknowledged before the browser sends much
more, and go to disk as they are. A film is made of them afterwards, in the sandbox.
"""

from __future__ import annotations

import base64
import binascii
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from holdfast.collect.web.devtools import DevtoolsError

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.collect.web.devtools import Devtools

HEAD = struct.Struct(">QiiI")
"""Before each picture: microseconds since 1970, how far the page is scrolled (x, y), length."""


class Recorder:
    """Records one page, up to `limit` bytes."""

    def __init__(self, browser: Devtools, file: Path, limit: int) -> None:
        self._browser = browser
        self._file = file.open("xb")
        self._limit = limit
        self._session: str | None = None
        self.frames = 0
        self.bytes = 0
        self.dropped = 0
        """Pictures that came after the limit was reached."""
        self.failed = ""
        browser.listeners.append(self._hear)

    async def start(self, session: str) -> None:
        """Record the page of this session."""
        self._session = session
        try:
            await self._browser.send("Page.startScreencast", {"format": "png"}, session, timeout=10)
        except DevtoolsError as error:
            self.failed = str(error)

    async def stop(self) -> None:
        """Record no more."""
        with suppress(DevtoolsError):
            await self._browser.send("Page.stopScreencast", session=self._session, timeout=2)
        self._session = None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _hear(self, method: str, params: dict[str, Any], session: str | None) -> None:
        if method != "Page.screencastFrame" or session != self._session or session is None:
            return
        self._browser.post("Page.screencastFrameAck", {"sessionId": params["sessionId"]}, session)
        try:
            self._take(params)
        except (OSError, ValueError, KeyError, struct.error, binascii.Error) as error:
            self.dropped += 1
            self.failed = self.failed or f"a picture could not be kept: {type(error).__name__}"

    def _take(self, params: dict[str, Any]) -> None:
        told = params["metadata"]
        data = base64.b64decode(params["data"], validate=True)
        # Once one did not fit, no later one is taken: a film with a hole would mislead.
        if self.dropped or self.bytes + len(data) > self._limit:
            self.dropped += 1
            return
        place = (int(told.get("scrollOffsetX", 0)), int(told.get("scrollOffsetY", 0)))
        self._file.write(HEAD.pack(round(told["timestamp"] * 1e6), *place, len(data)) + data)
        self.frames += 1
        self.bytes += len(data)
