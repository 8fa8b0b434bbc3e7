"""Issue "workbench": "axe-core on every page: no violation of WCAG 2.2 AA, plus own tests".

Every page is reached by links from the first one; a page that no link leads to fails here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from selectolax.lexbor import LexborHTMLParser

from holdfast.serving.people import COOKIE
from holdfast.web.languages import LANGUAGES
from tests.web.walk import Found, patterns, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.serving import Served

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
WITHOUT_LINKS = {
    "/sign-in",
    "/cases/{case}/items/{item}/picture",
    "/cases/{case}/items/{item}/play",
    "/cases/{case}/items/{item}/replay",
    "/cases/{case}/report/page/{page}",
    "/cases/{case}/report/preview",
}
"""Pages that nobody who is signed in is led to, and what few items lead to: `test_items` and
`test_apart` go there;
`test_report` takes the preview.
"""
HIDDEN_FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const box = element.getBoundingClientRect();
  const shown = [...element.getClientRects()].some((one) => {
    const x = Math.min(Math.max(one.left + one.width / 2, 0), innerWidth - 1);
    const y = Math.min(Math.max(one.top + one.height / 2, 0), innerHeight - 1);
    const top = document.elementFromPoint(x, y);
    return top && (element.contains(top) || top.contains(element) || top.labels);
  });
  const name = element.outerHTML.slice(0, 120);
  return {name, shown: shown && box.width > 0 && box.height > 0,
          outline: getComputedStyle(element).outlineStyle};
}"""


@pytest.fixture(scope="module")
def answers(workbench: Served) -> list[Found]:
    """What the case's lead reaches, pages or not."""
    return walk(workbench, "lena")


@pytest.fixture(scope="module")
def lead(answers: list[Found]) -> list[Found]:
    """The pages among it."""
    return [one for one in answers if one.html]


@pytest.fixture(scope="module")
def reached(workbench: Served, lead: list[Found]) -> list[Found]:
    """One address of each route, by whoever reaches it."""
    one: dict[str, Found] = {}
    for found in lead:
        one.setdefault(found.route, found)
    return list(one.values())


def test_every_page_is_reached_by_links(workbench: Served, answers: list[Found]) -> None:
    reached = {one.route for one in answers}
    for name in ("sam", "aude"):
        if set(patterns()) - reached - WITHOUT_LINKS:
            reached |= {one.route for one in walk(workbench, name)}
    assert set(patterns()) - reached - WITHOUT_LINKS == set()


def test_pages_are_whole_without_scripts(lead: list[Found]) -> None:
    """A title of its own, one heading of the first rank, no inline script or style."""
    for one in lead:
        tree = LexborHTMLParser(one.html)
        where = one.address
        assert len(tree.css("h1")) == 1, where
        assert not tree.css("[style], style, script:not([src])"), where
        assert not [node for node in tree.css("*") if _handlers(node.attributes)], where
        assert not [
            node.attributes
            for node in tree.css("form[method=post]")
            if not node.css("[name=form]")
            and node.attributes["action"] not in {"/language", "/sign-out"}
        ], where


def _handlers(attributes: dict[str, str | None]) -> list[str]:
    return [name for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    workbench: Served, browser: Browser, reached: list[Found], scheme: Any
) -> None:
    """`best-practice` too: landmarks, headings in order."""
    problems = []
    for page, one in _opened(workbench, browser, reached, color_scheme=scheme, bypass_csp=True):
        page.add_script_tag(path=AXE)
        result = page.evaluate("(rules) => axe.run(document, rules)", RULES)
        problems += [
            f"{one.address}: {violation['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]
    assert problems == []


@pytest.mark.parametrize(
    ("width", "scale"), [(320, 1), (640, 2)], ids=["320 px", "1280 px at 200 %"]
)
def test_nothing_scrolls_sideways(
    workbench: Served, browser: Browser, reached: list[Found], width: int, scale: int
) -> None:
    """WCAG 2.2, 1.4.10 Reflow and 1.4.4 Resize Text."""
    wide = []
    size: Any = {"width": width, "height": 640}
    for page, one in _opened(workbench, browser, reached, viewport=size, device_scale_factor=scale):
        whole = page.evaluate("document.documentElement.scrollWidth")
        if whole > width:
            wide.append((one.address, whole))
    assert wide == []


def test_focus_is_seen_wherever_it_goes(
    workbench: Served, browser: Browser, reached: list[Found]
) -> None:
    """WCAG 2.2, 2.4.11 Focus Not Obscured and 2.4.7 Focus Visible: by Tab through each page."""
    lost = []
    for page, one in _opened(workbench, browser, reached):
        stops = 0
        for _ in range(25):
            page.keyboard.press("Tab")
            here = page.evaluate(HIDDEN_FOCUS)
            if here is None:
                break
            stops += 1
            if not here["shown"] or here["outline"] == "none":
                lost.append((one.address, here["name"]))
        assert stops > 3, one.address
    assert lost == []


def test_nothing_is_done_by_dragging_alone(lead: list[Found]) -> None:
    """WCAG 2.2, 2.5.7: what can be dragged says which button does the same."""
    for one in lead:
        for node in LexborHTMLParser(one.html).css("[draggable], [data-drag]"):
            assert node.attributes.get("data-without-dragging"), one.address


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_direction(
    workbench: Served, lead: list[Found], language: str
) -> None:
    direction = "rtl" if language in {"ar", "fa"} else "ltr"
    one = {found.route: found.address for found in lead}
    with workbench.client("lena") as client:
        client.cookies.set("lang", language)
        for address in one.values():
            html = client.get(address).text
            assert f'<html lang="{language}" dir="{direction}">' in html, address


def _opened(
    served: Served, browser: Browser, reached: list[Found], **options: Any
) -> Iterator[tuple[Page, Found]]:
    context = browser.new_context(base_url=served.url, locale="en-GB", **options)
    context.add_cookies([{"name": COOKIE, "value": served.secret("lena"), "url": served.url}])
    page = context.new_page()
    for one in reached:
        page.goto(one.address)
        yield page, one
    context.close()
