"""One visit: a page is asked for, loads, is scrolled through, settles, is looked at, is left.

Whatever happens (a time-out, a crash of the page, of the browser), the visit ends with what it has
and says what it has not. A main page that would lead out of the case's scope is stopped before its
request goes out; what a page within the scope loads from elsewhere is part of what was served.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from holdfast.collect.web import behaviour, storage
from holdfast.collect.web.devtools import DevtoolsError
from holdfast.collect.web.judging import Judging
from holdfast.collect.web.seen import Page, Plan, Seen
from holdfast.collect.web.views import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from holdfast.collect.web.devtools import Devtools
    from holdfast.collect.web.recorder import Recorder

_PATIENCE = 2.0
"""Seconds that a page has to answer once its time is over."""
_START = 15.0
"""Seconds in which a browser that was just started shows its page."""
POPUPS = 5
"""Pages opened by the page that are looked at; further ones are closed and recorded."""


class Visit:
    """A visit in a browser that was just started."""

    def __init__(
        self,
        browser: Devtools,
        plan: Plan,
        folder: Path,
        downloads: Path,
        recorder: Recorder | None = None,
    ) -> None:
        self._recorder = recorder
        self.seen = Seen()
        self._browser = browser
        self._plan = plan
        self._folder = folder
        self._downloads = downloads
        self._pages: dict[str, Page] = {}
        self._main: Page | None = None
        self._ready = asyncio.Event()
        self._busy: set[str] = set()
        """Downloads under way."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._judging = Judging(browser, self._judge)
        self._handlers: dict[str, Callable[[dict[str, Any], Page | None, str | None], None]] = {
            "Browser.downloadProgress": self._progress,
            "Browser.downloadWillBegin": self._download,
            "Fetch.requestPaused": self._paused,
            "Inspector.targetCrashed": self._crashed,
            "Page.frameNavigated": self._navigated,
            "Page.frameStartedNavigating": self._began,
            "Page.javascriptDialogOpening": self._dialog,
            "Page.lifecycleEvent": self._lifecycle,
            "Page.loadEventFired": self._loaded,
            "Target.attachedToTarget": self._attached,
            "Target.detachedFromTarget": self._detached,
        }
        browser.listeners.append(self._hear)

    async def run(self) -> None:
        """Make the visit; never raises for what page or browser do."""
        try:
            await self._visit()
        except DevtoolsError as error:
            if self._browser.gone.done():
                self.seen.lost("crash", "the rest of the visit", "the browser ended unasked")
            else:
                self.seen.lost("timeout", "the rest of the visit", str(error))
        for task in list(self._tasks):
            task.cancel()

    async def _visit(self) -> None:
        # All at once: while a browser starts, each answer takes its time.
        _, self.seen.version, *_ = await asyncio.gather(
            self._judging.start(),
            self._browser.send("Browser.getVersion"),
            self._browser.send("Target.setDiscoverTargets", {"discover": True}),
            self._browser.send(
                "Target.setAutoAttach",
                {
                    "autoAttach": True,
                    "filter": [{"type": "page"}],
                    "flatten": True,
                    "waitForDebuggerOnStart": True,
                },
            ),
            self._browser.send(
                "Browser.setDownloadBehavior",
                {
                    "behavior": "allowAndName",
                    "downloadPath": str(self._downloads),
                    "eventsEnabled": True,
                },
            ),
        )
        if self._plan.cookies:
            await self._browser.send("Storage.setCookies", {"cookies": list(self._plan.cookies)})
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), _START)
        main = self._main
        if main is None:
            raise DevtoolsError("the browser shows no page")
        for line in await storage.load(self._browser, self._judging, main, self._plan.stored):
            self.seen.behaviours.append(line)
            if "failed" in line:
                what = f"local storage of {line['origin']}"
                self.seen.lost("behaviour", what, line["failed"])
        if self._recorder is not None:
            await self._recorder.start(main.session)
        try:
            async with asyncio.timeout(self._plan.timeout):
                await self._load(main)
                if self._plan.scroll is not None and not main.crashed:
                    line = await behaviour.scroll(
                        self._browser, main.session, main.frame, self._plan.scroll
                    )
                    self.seen.behaviours.append(line)
                    if "failed" in line:
                        self.seen.lost("behaviour", "scrolling", line["failed"])
        except TimeoutError:
            self.seen.lost(
                "timeout", "what had not loaded", f"the limit of {self._plan.timeout:g} s was over"
            )
            await self._interrupt(main)
        await self._settle(main)
        if self._recorder is not None:
            await self._recorder.stop()
        await self._look(main)

    async def _load(self, main: Page) -> None:
        """Ask for the page and wait until it has loaded."""
        main.loaded.clear()
        main.quiet.clear()
        asked = self._browser.post("Page.navigate", {"url": self._plan.url}, main.session)
        said = await self._unless_gone(asked)
        error = said.get("errorText")
        if error is not None:
            self.seen.error = str(error)
            if said.get("isDownload") or error == "net::ERR_ABORTED":
                return
        elif "loaderId" in said:
            # Answered when the document is about to come, before any of its scripts runs.
            self._judging.decided(said["frameId"], said["loaderId"])
            self._judging.free(said["loaderId"])
        await self._unless_gone(main.loaded.wait())

    async def _unless_gone(self, waited: Any) -> Any:
        """Wait for something that the browser's end must not make us wait for in vain.

        Raises:
            DevtoolsError: it ended.
        """
        task = asyncio.ensure_future(waited)
        await asyncio.wait({task, self._browser.gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            raise DevtoolsError("the browser is gone")
        return task.result()

    async def _interrupt(self, main: Page) -> None:
        """Stop loading; a script that lets nobody else have a turn is ended, so that we can look.

        Raises:
            DevtoolsError: the page answers nothing even then.
        """
        self._browser.post("Page.stopLoading", session=main.session)
        ping = {"expression": "1"}
        try:
            await self._browser.send("Runtime.evaluate", ping, main.session, timeout=_PATIENCE)
        except DevtoolsError:
            if self._browser.gone.done():
                raise
            self._browser.post("Runtime.terminateExecution", session=main.session)
            self.seen.happened("script-ended", url=main.url)
            await self._browser.send("Runtime.evaluate", ping, main.session, timeout=_PATIENCE)

    async def _settle(self, main: Page) -> None:
        """Give what still loads its time: until the network is quiet and downloads are done."""
        if main.crashed:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._plan.settle):
                if self.seen.error is None:
                    await self._unless_gone(main.quiet.wait())
                while self._busy:
                    await self._unless_gone(asyncio.sleep(0.05))
            return
        for one in sorted(self._busy):
            self.seen.lost("truncated", f"the download {one}", "it was not done in time")

    async def _look(self, main: Page) -> None:
        """Take the views of every page that is open."""
        for number, page in enumerate(list(self._pages.values())):
            prefix = "" if page is main else f"popup-{number}-"
            if page.crashed:
                self.seen.lost("crash", f"the views of {page.url}", "the page crashed")
                continue
            if len(self._pages) > 1:
                # What is behind another page is not painted.
                with suppress(DevtoolsError):
                    await self._browser.send("Page.bringToFront", session=page.session, timeout=5)
            viewer = Viewer(self._browser, page.session, page.frame, self._folder, prefix)
            if any(one["event"] == "script-ended" for one in self.seen.events):
                # Such a page often paints no more; what can't be had is not waited for long.
                viewer.patience = _PATIENCE
            viewer.url = await self._address(page) or page.url
            if page is main:
                self.seen.url = viewer.url
            await viewer.all(brief=page is not main)
            self.seen.views += viewer.views
            for kind, why in viewer.failed:
                self.seen.lost("behaviour", f"the view {prefix}{kind}", why)
        if not main.crashed:
            await self._links(main)

    async def _address(self, page: Page) -> str:
        with suppress(DevtoolsError):
            said = await self._browser.send(
                "Page.getNavigationHistory", session=page.session, timeout=10
            )
            entry = said["entries"][said["currentIndex"]]
            if page is self._main:
                self.seen.title = str(entry.get("title", ""))[:500]
            return str(entry["url"])
        return ""

    async def _links(self, main: Page) -> None:
        """Read where the page's links lead, for a crawl; none is followed here."""
        script = "[...document.links].slice(0, 5000).map((link) => link.href)"
        with suppress(DevtoolsError, KeyError):
            context = await behaviour.world(self._browser, main.session, main.frame)
            said = await self._browser.send(
                "Runtime.evaluate",
                {"contextId": context, "expression": script, "returnByValue": True},
                main.session,
                timeout=10,
            )
            found = said["result"].get("value")
            if isinstance(found, list):
                self.seen.links = list(dict.fromkeys(str(one)[:4096] for one in found))

    # --- events -----------------------------------------------------------------------------

    def _hear(self, method: str, params: dict[str, Any], session: str | None) -> None:
        handler = self._handlers.get(method)
        if handler is not None:
            handler(params, self._pages.get(session or ""), session)

    def _attached(self, params: dict[str, Any], _page: Page | None, _session: str | None) -> None:
        info = params["targetInfo"]
        if info["type"] != "page":
            return  # a session of the browser's own, for judging
        page = Page(params["sessionId"], info["targetId"], info["url"], info.get("openerId"))
        first = self._main is None
        if first:
            self._main = page
        else:
            self.seen.happened("popup", url=info["url"], kept=len(self._pages) <= POPUPS)
            if len(self._pages) > POPUPS:
                self.seen.lost("blocked", f"the pop-up {info['url']}", f"more than {POPUPS}")
                self._browser.post("Target.closeTarget", {"targetId": page.target})
                return
        self._pages[page.session] = page
        self._judging.opened(page.target)
        task = asyncio.ensure_future(self._set_up(page, first=first))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _set_up(self, page: Page, *, first: bool) -> None:
        session = page.session
        with suppress(DevtoolsError):
            waiting = [
                self._browser.post("Page.enable", session=session),
                self._browser.post("Inspector.enable", session=session),
                self._browser.post("Page.setLifecycleEventsEnabled", {"enabled": True}, session),
                self._browser.post("Page.getFrameTree", session=session),
                self._browser.post("Runtime.runIfWaitingForDebugger", session=session),
            ]
            *_, tree, _run = await asyncio.gather(*waiting)
            page.frame = tree["frameTree"]["frame"]["id"]
        if first:
            self._ready.set()
        elif self._main is not None:
            # A page behind another is slowed down.
            self._browser.post("Page.bringToFront", session=self._main.session)

    def _paused(self, params: dict[str, Any], _page: Page | None, session: str | None) -> None:
        self._judging.paused(params, session)

    def _judge(self, frame: str, url: str, redirected: bool) -> bool:
        """Say whether a document may be loaded: the main page must stay within the scope."""
        page = next((one for one in self._pages.values() if one.owns(frame)), None)
        if page is None or not url.startswith(("http:", "https:")):
            return True
        refusal = self._plan.refuses(url)
        if refusal is None:
            return True
        came = "redirect" if redirected else "navigation"
        self.seen.happened(refusal.event, url=url, by=came)
        self.seen.lost("blocked", f"{url}, where a {came} led", refusal.why)
        if page is self._main:
            self.seen.error = refusal.error
        page.loaded.set()
        return False

    def _began(self, params: dict[str, Any], page: Page | None, _session: str | None) -> None:
        if page is not None and page.owns(params["frameId"]):
            self._judging.began(params)

    def _dialog(self, params: dict[str, Any], _page: Page | None, session: str | None) -> None:
        kind = str(params.get("type"))
        accept = kind == "beforeunload"
        self.seen.happened(
            "dialog",
            kind=kind,
            message=str(params.get("message", ""))[:2000],
            url=str(params.get("url", ""))[:2000],
            answer="accepted" if accept else "dismissed",
        )
        self._browser.post("Page.handleJavaScriptDialog", {"accept": accept}, session)

    def _lifecycle(self, params: dict[str, Any], page: Page | None, _session: str | None) -> None:
        if page is None or params.get("frameId") != page.frame:
            return
        if params["name"] == "init":
            page.quiet.clear()
        elif params["name"] == "networkIdle":
            page.quiet.set()

    def _loaded(self, _params: dict[str, Any], page: Page | None, _session: str | None) -> None:
        if page is not None:
            page.loaded.set()

    def _navigated(self, params: dict[str, Any], page: Page | None, _session: str | None) -> None:
        frame = params["frame"]
        if page is not None and frame.get("parentId") is None:
            page.frame, page.url = frame["id"], frame["url"]
            self._judging.committed(frame)
            if page is self._main:
                self._judging.free(frame["loaderId"])

    def _crashed(self, _params: dict[str, Any], page: Page | None, _session: str | None) -> None:
        if page is not None:
            page.crashed = True
            self.seen.happened("crash", url=page.url)
            self.seen.lost("crash", f"the rest of {page.url}", "the page crashed")
            page.loaded.set()
            page.quiet.set()

    def _detached(self, params: dict[str, Any], _page: Page | None, _session: str | None) -> None:
        page = self._pages.pop(str(params.get("sessionId")), None)
        if page is not None:
            self.seen.happened("closed", url=page.url)
            self._judging.closed(page.target)
            page.loaded.set()
            page.quiet.set()

    def _download(self, params: dict[str, Any], _page: Page | None, _session: str | None) -> None:
        self._busy.add(str(params["guid"]))
        self.seen.happened(
            "download",
            download=str(params["guid"]),
            url=str(params.get("url", ""))[:4096],
            name=str(params.get("suggestedFilename", ""))[:300],
        )
        if self._main is not None:
            self._main.loaded.set()

    def _progress(self, params: dict[str, Any], _page: Page | None, _session: str | None) -> None:
        if params.get("state") == "inProgress":
            return
        guid = str(params["guid"])
        self._busy.discard(guid)
        self.seen.happened(
            "download-end",
            download=guid,
            state=str(params.get("state")),
            received=int(params.get("receivedBytes", 0)),
        )
