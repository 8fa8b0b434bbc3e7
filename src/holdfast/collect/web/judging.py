"""Hold main pages to what may be captured, at no cost to what a page loads.

Chromium's `Fetch` domain lets us judge a request before it goes out. But while an interceptor
lives, all that a document committed under it asks for takes the way through the browser process,
pictures and scripts too: `Fetch.enable` for documents alone only says which requests wait. What
decides is when a loader's factory was made:

    a navigation's, when the navigation begins
    a document's, when it is committed

So each time a main page is committed, a new interceptor is made on a session of its own, and the
older ones are ended. The document's factories, made under these, intercept nothing any more; each
navigation that begins from then on begins under the new one. There is no moment without one. An
older one stays where it may still be needed: a navigation that began under it alone can yet be
redirected. That costs time, and no request gets past.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.collect.web.devtools import DevtoolsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.collect.web.devtools import Devtools

DOCUMENTS = [{"requestStage": "Request", "resourceType": "Document"}]

_HTML = [{"name": "Content-Type", "value": "text/html; charset=utf-8"}]
_MOST = 4
"""Interceptors that stand at once at most, where navigations never end."""


@dataclass
class _Interceptor:
    """`Fetch`, enabled on a session of the browser itself."""

    session: str
    ready: int | None = None
    """Every navigation that began after this moment began under it; None until that is known."""


class Judging:
    """Asks `judge` for each document whether it may be loaded, before its request goes out.

    `judge(frame, url, redirected)` returns whether it may. Frames are judged like main pages here;
    which frame is one is for the judge to say.
    """

    def __init__(self, browser: Devtools, judge: Callable[[str, str, bool], bool]) -> None:
        self._browser = browser
        self._judge = judge
        self._interceptors: list[_Interceptor] = []
        """The newest last."""
        self._moment = 0
        self._begun: dict[str, tuple[int, str]] = {}
        """Of main pages whose navigation is not committed: when it began, and its loader."""
        self._told = False
        """Whether this browser says when a navigation begins; if not, no interceptor is ended."""
        self._ended = 0
        self._answers: dict[str, bytes] = {}
        self._wanted = False
        self._freed = ""
        self._spare: str | None = None
        """A session that is there already: one answer less to wait for."""
        self._renewing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Judge from now on.

        Raises:
            DevtoolsError: the browser can't.
        """
        await self._add()
        await self._prepare()

    @property
    def ended(self) -> int:
        """How many interceptors were ended, each to free a document of it."""
        return self._ended

    def paused(self, params: dict[str, Any], session: str | None) -> None:
        """Take `Fetch.requestPaused`."""
        request = {"requestId": params["requestId"]}
        redirected = bool(params.get("redirectedRequestId"))
        url = str(params["request"]["url"])
        if url in self._answers:
            body = base64.b64encode(self._answers[url]).decode()
            page = {**request, "body": body, "responseCode": 200, "responseHeaders": _HTML}
            self._browser.post("Fetch.fulfillRequest", page, session)
        elif self._judge(str(params.get("frameId")), url, redirected):
            self._browser.post("Fetch.continueRequest", request, session)
        else:
            refusal = {**request, "errorReason": "BlockedByClient"}
            self._browser.post("Fetch.failRequest", refusal, session)

    @contextmanager
    def answering(self, url: str, body: bytes) -> Iterator[None]:
        """Answer with a page of ours who asks for `url`, so that no request goes out."""
        self._answers[url] = body
        try:
            yield
        finally:
            del self._answers[url]

    def opened(self, frame: str) -> None:
        """Take a page that is new: it may be on its way somewhere already."""
        self._moment += 1
        self._begun[frame] = self._moment, ""

    def began(self, params: dict[str, Any]) -> None:
        """Take `Page.frameStartedNavigating` of a main page."""
        self._told = True
        if params["navigationType"] not in {"sameDocument", "historySameDocument"}:
            self._moment += 1
            self._begun[params["frameId"]] = self._moment, str(params["loaderId"])

    def committed(self, frame: dict[str, Any]) -> None:
        """Take `Page.frameNavigated` of a main page.

        The renderer tells of it, and may be later than the browser, which told of the next one.
        """
        self.decided(frame["id"], frame["loaderId"])

    def decided(self, frame: str, loader: str) -> None:
        """Take that a navigation leads nowhere else any more: its document is what comes."""
        begun = self._begun.get(frame)
        if begun is not None and begun[1] == loader:
            del self._begun[frame]

    def closed(self, frame: str) -> None:
        """Take that a page is gone."""
        self._begun.pop(frame, None)

    def free(self, loader: str) -> None:
        """Free the documents that are there of interception; what navigates is judged as before.

        `loader` is whose document it is for: it is freed once.
        """
        if loader == self._freed:
            return
        self._freed, self._wanted = loader, True
        if self._renewing is None:
            self._renewing = asyncio.ensure_future(self._renew_while_wanted())

    async def _renew_while_wanted(self) -> None:
        with suppress(DevtoolsError):  # a browser that refuses: the former ones go on judging
            while self._wanted and self._told and len(self._interceptors) < _MOST:
                self._wanted = False
                await self._renew()
                await self._prepare()
        self._renewing = None

    async def _renew(self) -> None:
        newest = await self._add()
        ready = newest.ready
        if ready is None or any(began <= ready for began, _ in self._begun.values()):
            return
        for one in [one for one in self._interceptors if one is not newest]:
            self._interceptors.remove(one)
            self._ended += 1
            self._browser.post("Target.detachFromTarget", {"sessionId": one.session})

    async def _add(self) -> _Interceptor:
        """Make a further interceptor.

        Events and answers come in the order in which they happened. So once `Fetch.enable` is
        answered, each navigation that began without it has been told of.
        """
        if self._spare is None:
            await self._prepare()
        made, self._spare = _Interceptor(str(self._spare)), None
        self._interceptors.append(made)
        await self._browser.send("Fetch.enable", {"patterns": DOCUMENTS}, made.session)
        self._moment += 1
        made.ready = self._moment
        return made

    async def _prepare(self) -> None:
        said = await self._browser.send("Target.attachToBrowserTarget")
        self._spare = str(said["sessionId"])
