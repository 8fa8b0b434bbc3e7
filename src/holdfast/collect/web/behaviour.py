"""What is done to a page, each step recorded: scroll it through, once, and let it settle.

Nothing is clicked, typed, submitted or posted here. Scripts run in an isolated world, so that the
page can't tell that they are there but by what scrolling does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.collect.web.devtools import DevtoolsError
from holdfast.core import clock
from holdfast.core.digest import sha256_hex

if TYPE_CHECKING:
    from holdfast.collect.web.devtools import Devtools

SCROLL = (Path(__file__).with_name("scroll.js")).read_text("utf-8")
WORLD = "holdfast"


@dataclass(frozen=True)
class Limits:
    """When scrolling ends, however long the page grows."""

    steps: int = 60
    seconds: float = 10.0
    pause: float = 0.1
    """Seconds after each step."""

    def as_json(self) -> dict[str, Any]:
        """Return them as the script takes them, in milliseconds."""
        return {
            "pause": round(self.pause * 1000),
            "steps": self.steps,
            "time": round(self.seconds * 1000),
        }


async def world(browser: Devtools, session: str, frame: str) -> int:
    """Make an isolated world in a frame; return its execution context.

    Raises:
        DevtoolsError: the page is gone.
    """
    made = await browser.send(
        "Page.createIsolatedWorld", {"frameId": frame, "worldName": WORLD}, session, timeout=10
    )
    return int(made["executionContextId"])


async def scroll(browser: Devtools, session: str, frame: str, limits: Limits) -> dict[str, Any]:
    """Scroll the page through; return the line for `behaviours.jsonl`, however it went."""
    line: dict[str, Any] = {
        "behaviour": "scroll",
        "limits": limits.as_json(),
        "script": "behaviours/scroll.js",
        "sha256": sha256_hex(SCROLL.encode()),
        "started": clock.to_text(clock.now()),
    }
    try:
        context = await world(browser, session, frame)
        said = await browser.send(
            "Runtime.evaluate",
            {
                "awaitPromise": True,
                "contextId": context,
                "expression": f"{SCROLL}({json.dumps(limits.as_json())})",
                "returnByValue": True,
            },
            session,
            timeout=limits.seconds + 5,
        )
        value = said["result"].get("value")
        if not isinstance(value, dict):
            line["failed"] = str(said.get("exceptionDetails", {}).get("text", "no result"))[:300]
        else:
            line["steps"], line["why"] = value.get("steps"), value.get("why")
    except DevtoolsError as error:
        line["failed"] = str(error)
    line["ended"] = clock.to_text(clock.now())
    return line
