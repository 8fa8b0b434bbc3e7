"""ReplayWeb.page, which readers of web archives use, shows what the site sent, and nothing live.

It is AGPL and stands in `.peers` (`./dev peers`): files that a browser loads, never imported.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from holdfast.collect.web.chromium import BACKGROUND, Chromium, Settings, scratch
from holdfast.collect.web.devtools import Devtools, DevtoolsError
from holdfast.collect.web.guard import Guard
from holdfast.collect.web.resolving import Resolver
from holdfast.testing.hostile.exchanges.bodies import TEXT, TWENTY_MB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testing.hostile.conftest import Chain

PROGRAM = Path(".peers/replaywebpage").absolute()
pytestmark = pytest.mark.skipif(
    not (PROGRAM / "ui.js").exists(), reason="no ReplayWeb.page here: ./dev peers, with npm"
)
BODIES = {"gzip": len(TEXT), "brotli": len(TEXT), "twenty-mb": TWENTY_MB, "trailers": None}
"""What the frame is to give of the capture, unpacked; None: whatever it makes of chunks."""
ASK = """(async () => {
  const sizes = [];
  for (const name of %s) {
    const answer = await fetch('/' + name);
    sizes.push([name, answer.status, (await answer.arrayBuffer()).byteLength]);
  }
  return [document.body.innerText, sizes];
})()"""
"""Run as a script of the page's: the program's service worker answers no other."""


class Handler(SimpleHTTPRequestHandler):
    """The program's files, and the capture in ranges, as it asks for it."""

    protocol_version = "HTTP/1.1"
    wacz: Path

    def do_GET(self) -> None:
        if self.path != "/capture.wacz":
            super().do_GET()
            return
        data = self.wacz.read_bytes()
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        begin = int(first) if first else len(data) - int(last)
        end = min(int(last) + 1, len(data)) if first and last else len(data)
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(data)}")
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(data[begin:end])

    def log_message(self, *_said: object) -> None:
        """Say nothing."""


@contextmanager
def program(wacz: Path) -> Iterator[int]:
    """Serve the program with a capture; give the port."""
    handler = type("Handler", (Handler,), {"wacz": wacz})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(PROGRAM)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def frames(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the frames of a page."""
    yield tree["frame"]
    for child in tree.get("childFrames", ()):
        yield from frames(child)


async def shown(home: Path, port: int, url: str) -> tuple[Any, set[str]]:
    """Have a page shown; return its text and its `BODIES`, and the hosts that were connected to."""
    browser = Chromium(home / "browser", Settings())
    browser.prepare()
    with browser, (home / "guard").open("wb") as lines:
        allowed = lambda _address, where: where == port  # noqa: E731 - the program's port alone
        async with Guard(Resolver(), lines, allows=allowed) as guard:
            client = await Devtools.open(*browser.start(guard.port))
            told = await _told(client, port, url)
            with suppress(DevtoolsError):
                await client.send("Browser.close")
            client.close()
            return told, {f"{one.host}:{one.port}" for one in guard.lines}


async def _told(client: Devtools, port: int, url: str) -> Any:
    """Return what the frame in which the capture is shown gives, once it is there."""
    found = (await client.send("Target.getTargets"))["targetInfos"]
    (page,) = [one["targetId"] for one in found if one["type"] == "page"]
    given = {"flatten": True, "targetId": page}
    session = (await client.send("Target.attachToTarget", given))["sessionId"]
    worlds: dict[str, int] = {}

    def hear(method: str, params: dict[str, Any], _session: str | None) -> None:
        if method == "Runtime.executionContextCreated":
            about = params["context"]["auxData"]
            if about.get("isDefault"):
                worlds[about["frameId"]] = params["context"]["id"]

    client.listeners.append(hear)
    await client.send("Page.enable", session=session)
    await client.send("Runtime.enable", session=session)
    where = f"http://127.0.0.1:{port}"
    view = f"view=pages&url={quote(url, safe='')}"
    asked = {"url": f"{where}/?source={where}/capture.wacz#{view}"}
    await client.send("Page.navigate", asked, session)
    async with asyncio.timeout(120):
        while True:
            await asyncio.sleep(0.2)
            tree = (await client.send("Page.getFrameTree", session=session))["frameTree"]
            for frame in frames(tree):
                if not frame["url"].endswith(f"mp_/{url}"):
                    continue
                with suppress(DevtoolsError, KeyError):  # it is replaced while it loads
                    script = {
                        "awaitPromise": True,
                        "contextId": worlds[frame["id"]],
                        "expression": ASK % list(BODIES),
                        "returnByValue": True,
                    }
                    said = await client.send("Runtime.evaluate", script, session)
                    if "The hostile site" in said["result"]["value"][0]:
                        return said["result"]["value"]


def test_it_shows_the_page_and_answers_from_the_capture_alone(
    chain: Chain,
) -> None:
    with (
        program(chain.wacz) as port,
        tempfile.TemporaryDirectory(prefix="holdfast-replay-", dir=scratch()) as home,
    ):
        Path(home).chmod(0o711)
        (text, sizes), hosts = asyncio.run(shown(Path(home), port, chain.start))
    assert "gzip-twice: A body in gzip in gzip" in text
    # Its service worker unpacks what the site sent, and gives the whole of it.
    for name, status, size in sizes:
        assert (status, size) == (200, BODIES[name] or size), name
    # The site is gone, and nobody was asked for what it had.
    assert hosts <= {f"127.0.0.1:{port}", f"{BACKGROUND}:443"}
