"""Long work that a page tells of while it goes on: event by event, or by its last word.

With scripts a browser hears how far it is (static/live.js); without, it waits for the answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse

from holdfast.core.errors import printable
from holdfast.serving import live

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.responses import Response

    from holdfast.acts.act import Session
    from holdfast.core.canonical import Json
    from holdfast.core.errors import HoldfastError
    from holdfast.serving.live import Event
    from holdfast.web.visit import Visit

    Events = Iterator[Event | live.Over]


def answer(
    visit: Visit,
    do: Callable[[Session], Iterator[Event]],
    last: Callable[[Visit, Events], Response],
) -> Response:
    """Have `do` done in a session of its own: tell of it as it goes, or answer by `last`."""
    events = live.listen(visit.workbench.desk, visit.person, do)
    if "text/event-stream" in visit.request.headers.get("accept", ""):
        return StreamingResponse(_stream(events), media_type="text/event-stream")
    return last(visit, events)


def _stream(events: Events) -> Iterator[bytes]:
    """Tell each event: WHATWG HTML, 9.2 Server-sent events."""
    for event in events:
        told: dict[str, Json]
        if isinstance(event, live.Over):
            told = {"state": "over", **(_trouble(event.error) if event.error else {})}
        else:
            told = event
        yield b"data: " + json.dumps(told).encode() + b"\n\n" if told else b": still at it\n\n"


def _trouble(error: HoldfastError) -> dict[str, Json]:
    return {"remedy": printable(error.remedy), "what": printable(error.what)}
