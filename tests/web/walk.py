"""Walk the workbench as a person does: from the first page by its links, to every page there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser
from starlette.routing import compile_path

from holdfast.web.app import pages

if TYPE_CHECKING:
    import re

    from tests.serving import Served

PER_ROUTE = 3
"""Addresses that are looked at, of each route."""


@dataclass(frozen=True)
class Found:
    """An address that was reached by links."""

    route: str
    address: str
    html: str
    """Empty where it is no page: a picture, a file, a step to another address."""


def patterns() -> dict[str, re.Pattern[str]]:
    """Return every page's route for GET, and what its addresses look like."""
    return {
        route.path: compile_path(route.path)[0]
        for page in pages()
        for route in page.routes
        if route.method == "GET"
    }


def walk(served: Served, name: str, start: str = "/") -> list[Found]:
    """Return what `name` reaches from `start`: up to so many addresses of each route.

    Raises:
        AssertionError: a link leads nowhere.
    """
    known = patterns()
    found: list[Found] = []
    count = dict.fromkeys(known, 0)
    queue, seen = [start], {start}
    with served.client(name) as client:
        while queue:
            address = queue.pop(0)
            route = _route(known, address)
            assert route is not None, f"a link leads to {address}, which is no page"
            if count[route] >= PER_ROUTE:
                continue
            count[route] += 1
            answer = client.get(address)
            assert answer.status_code in {200, 303}, f"{address}: {answer.status_code}"
            if "text/html" not in answer.headers.get("content-type", ""):
                found.append(Found(route, address, ""))
                continue
            found.append(Found(route, address, answer.text))
            for link in links(answer.text, address):
                if link not in seen:
                    seen.add(link)
                    queue.append(link)
    return found


def links(html: str, address: str) -> list[str]:
    """Return the addresses on this site that a page's links lead to."""
    found = []
    for node in LexborHTMLParser(html).css("a[href]"):
        link = urldefrag(urljoin(f"http://here{address}", node.attributes["href"] or ""))[0]
        parts = urlsplit(link)
        if parts.netloc == "here" and not parts.path.startswith("/static/"):
            found.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return found


def _route(known: dict[str, re.Pattern[str]], address: str) -> str | None:
    path = urlsplit(address).path
    return next((route for route, pattern in known.items() if pattern.fullmatch(path)), None)
