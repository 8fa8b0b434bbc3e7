"""Load a signed-in browser's local storage, before the page that is to be captured is asked for.

A browser gives local storage only to a page of its origin. So an empty page of ours stands there
for a moment: the request for it is answered inside the browser, and nothing goes out. No script
runs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from holdfast.collect.web.devtools import DevtoolsError
from holdfast.core import clock

if TYPE_CHECKING:
    from holdfast.collect.web.devtools import Devtools
    from holdfast.collect.web.judging import Judging
    from holdfast.collect.web.seen import Page
    from holdfast.collect.web.state import Stored

_PATIENCE = 10.0
"""Seconds in which an empty page must be there."""
EMPTY = b'<!doctype html><link rel="icon" href="data:,">'
"""It names its icon, or the browser would ask the site for one."""


async def load(
    browser: Devtools, judging: Judging, page: Page, stored: tuple[Stored, ...]
) -> list[dict[str, Any]]:
    """Load what is stored; return a line for `behaviours.jsonl` each, with `failed` where not.

    Raises:
        DevtoolsError: the browser can't be made to forget the empty pages.
    """
    lines = [await _load(browser, judging, page, one) for one in stored]
    if stored:
        await _go(browser, page, "about:blank")
        await browser.send("Page.resetNavigationHistory", session=page.session)
    return lines


async def _go(browser: Devtools, page: Page, url: str) -> None:
    """Go to a page, and wait until it has loaded.

    Raises:
        DevtoolsError: it does not load.
    """
    page.loaded.clear()
    said = await browser.send("Page.navigate", {"url": url}, page.session)
    if "errorText" in said:
        raise DevtoolsError(str(said["errorText"]))
    try:
        await asyncio.wait_for(page.loaded.wait(), _PATIENCE)
    except TimeoutError:
        raise DevtoolsError("the browser does not show it") from None


async def _load(browser: Devtools, judging: Judging, page: Page, stored: Stored) -> dict[str, Any]:
    """Load the storage of one origin; values are in no line."""
    line: dict[str, Any] = {
        "behaviour": "local-storage",
        "names": stored.names,
        "origin": stored.origin,
        "started": clock.to_text(clock.now()),
    }
    where = {"isLocalStorage": True, "securityOrigin": stored.origin}
    try:
        with judging.answering(f"{stored.origin}/", EMPTY):
            await _go(browser, page, f"{stored.origin}/")
        for name, value in stored.values:
            item = {"key": name, "storageId": where, "value": value}
            await browser.send("DOMStorage.setDOMStorageItem", item, page.session)
        found = await browser.send(
            "DOMStorage.getDOMStorageItems", {"storageId": where}, page.session
        )
        if dict(found["entries"]) != dict(stored.values):
            raise DevtoolsError("the browser kept something else")
    except DevtoolsError as error:
        line["failed"] = str(error)
    line["ended"] = clock.to_text(clock.now())
    return line
