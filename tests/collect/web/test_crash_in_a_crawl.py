"""A page, or the whole browser, that dies within a crawl costs what it had not yet said."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.collect.web import supervise
from tests.collect.web.servers import Site, page, serving
from tests.collect.web.test_capture import (
    Item,
    browsers,
    captured,
    check_package,
    pytestmark,  # noqa: F401 - of this file, too
)

if TYPE_CHECKING:
    from tests.line import Line

LINKS = "<title>Front</title><a href=/one>1</a><a href=/crash>2</a><a href=/two>3</a>"


def _kill(what: str) -> int:
    """Kill the browser that runs, or the processes that show its pages; return how many."""
    browser = min(map(int, browsers()))  # its children are its zygotes and renderers
    running = [browser]
    if what == "page":
        shows = b"--type=renderer"
        below = supervise._descendants(browser)
        running = [one for one in below if shows in Path(f"/proc/{one}/cmdline").read_bytes()]
    for one in running:
        os.kill(one, signal.SIGKILL)
    return len(running)


@pytest.mark.parametrize("what", ["page", "browser"])
def test_the_pages_before_and_after_it_are_whole(line: Line, what: str) -> None:
    killed = []

    class Crashing(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            if path == "/die":
                killed.append(_kill(what))
            return super().get(path, default)

    pages = {
        "/": page(LINKS),
        "/one": page("<title>One</title>first"),
        "/crash": page("<title>Crash</title>was here<img src=/die>"),
        "/two": page("<title>Two</title>last"),
    }
    with serving(Site(Crashing(pages))) as site:
        rows = captured(line, site.url, options=("--depth", "1", "--settle", "0"))
        names = ["", "one", "crash", "two"]
        assert [row["url"] for row in rows] == [f"{site.url}{name}" for name in names]
    assert min(killed) > 0
    for row, name in zip(rows, names, strict=True):
        item = Item(line, row["item"])
        check_package(item)
        # What the page itself was is there, whether or not it died later.
        assert item.exchange(f"{site.url}{name}")["exact"]
        assert item.capture["browser"]["end"]["left"] == 0
        if name == "crash":
            assert "partial" in row["assurance"]
            assert row["losses"]["crash"] >= 1
        else:
            assert row["assurance"] == ["untimed"]
            assert row["exact"] == row["exchanges"]
            assert {"text.txt", "page.pdf"} <= {one["name"] for one in item.capture["views"]}
    line.intact()
