"""What a person saw: pictures of the whole page, PDF, MHTML, the DOM, the text that is visible.

Each view is a file as the browser made it, in bytes nobody touched. A page taller than one picture
can be is several pictures, each with the place it shows: they are not stitched, because a stitched
picture is ours and not the browser's.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.collect.web import behaviour
from holdfast.collect.web.devtools import DevtoolsError
from holdfast.core import clock
from holdfast.core.digest import sha256_hex

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.collect.web.devtools import Devtools

TILE = 8192
"""CSS pixels of height in one picture; Chromium's own limit is 16384 device pixels."""
TILES = 24
_WAIT = 20.0
"""Seconds for one view."""
_WAIT_AGAIN = 2.0
"""Once one took too long: the page hangs."""


@dataclass(frozen=True)
class View:
    """One file of what was seen."""

    kind: str
    """`screenshot`, `pdf`, `mhtml`, `dom`, `text`."""
    name: str
    """Below `views/`."""
    mime: str
    url: str
    """The page's address when it was made."""
    taken: str
    sha256: str
    size: int
    clip: dict[str, int] | None = None
    """Which part of the page a picture shows, CSS pixels."""

    def as_json(self) -> dict[str, Any]:
        """Return it as `capture.json` has it."""
        return vars(self)


class Viewer:
    """Takes the views of one page, into a folder."""

    def __init__(
        self, browser: Devtools, session: str, frame: str, folder: Path, prefix: str = ""
    ) -> None:
        self._browser = browser
        self._session = session
        self._frame = frame
        self._folder = folder
        self._prefix = prefix
        self.patience = _WAIT
        """Seconds for each view."""
        self.url = ""
        self.views: list[View] = []
        self.failed: list[tuple[str, str]] = []
        """(kind, why) of each view that could not be made."""

    async def all(self, *, brief: bool = False) -> None:
        """Make every view; with `brief`, what was seen and the DOM alone."""
        makers = [("screenshot", self._pictures), ("dom", self._dom), ("text", self._text)]
        if not brief:
            makers += [("mhtml", self._mhtml), ("pdf", self._pdf)]
        for kind, make in makers:
            try:
                await make()
            except (DevtoolsError, KeyError, ValueError, TypeError) as error:
                self.failed.append((kind, str(error) or type(error).__name__))
                self.patience = min(self.patience, _WAIT_AGAIN)

    async def _ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return await self._browser.send(method, params, self._session, timeout=self.patience)

    def _keep(
        self, kind: str, name: str, mime: str, data: bytes, clip: dict[str, int] | None = None
    ) -> None:
        name = f"{self._prefix}{name}"
        (self._folder / name).write_bytes(data)
        taken = clock.to_text(clock.now())
        self.views.append(
            View(kind, name, mime, self.url, taken, sha256_hex(data), len(data), clip)
        )

    async def _pictures(self) -> None:
        metrics = await self._ask("Page.getLayoutMetrics")
        size, seen = metrics["cssContentSize"], metrics["cssVisualViewport"]
        width = max(1, min(int(size["width"]), TILE))
        height = max(int(size["height"]), int(seen["clientHeight"]), 1)
        tops = range(0, height, TILE)
        for number, top in enumerate(tops[:TILES], 1):
            clip = {"height": min(TILE, height - top), "width": width, "x": 0, "y": top}
            said = await self._ask(
                "Page.captureScreenshot",
                {"captureBeyondViewport": True, "clip": {**clip, "scale": 1}, "format": "png"},
            )
            name = "screenshot.png" if len(tops) == 1 else f"screenshot-{number:02d}.png"
            self._keep("screenshot", name, "image/png", base64.b64decode(said["data"]), clip)
        if len(tops) > TILES:
            self.failed.append(
                ("screenshot", f"the page is {height} px tall; its first {TILES * TILE} are kept")
            )

    async def _pdf(self) -> None:
        said = await self._ask("Page.printToPDF", {"printBackground": True})
        self._keep("pdf", "page.pdf", "application/pdf", base64.b64decode(said["data"]))

    async def _mhtml(self) -> None:
        said = await self._ask("Page.captureSnapshot", {"format": "mhtml"})
        data = said["data"].encode("utf-8", "surrogatepass")
        self._keep("mhtml", "page.mhtml", "multipart/related", data)

    async def _dom(self) -> None:
        root = (await self._ask("DOM.getDocument", {"depth": 0}))["root"]
        said = await self._ask("DOM.getOuterHTML", {"nodeId": root["nodeId"]})
        data = said["outerHTML"].encode("utf-8", "surrogatepass")
        self._keep("dom", "dom.html", "text/html; charset=utf-8", data)

    async def _text(self) -> None:
        context = await behaviour.world(self._browser, self._session, self._frame)
        said = await self._ask(
            "Runtime.evaluate",
            {
                "contextId": context,
                "expression": "document.body ? document.body.innerText : ''",
                "returnByValue": True,
            },
        )
        data = str(said["result"]["value"]).encode("utf-8", "surrogatepass")
        self._keep("text", "text.txt", "text/plain; charset=utf-8", data)
