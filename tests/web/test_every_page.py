"""Issue "workbench": "axe-core on every page: no violation of WCAG 2.2 AA, plus own tests".

Every page is reached by links from the first one; a page that no link leads to fails here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from selectolax.lexbor import LexborHTMLParser

from holdfast.serving.people import COOKIE
from holdfast.web.languages import LANGUAGES
from tests.serving import CASE
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
    "/sign-in/provider/{provider}",
    "/sign-in/provider/{provider}/back",
    "/cases/{case}/items/{item}/picture",
    "/cases/{case}/items/{item}/play",
    "/cases/{case}/items/{item}/replay",
    "/cases/{case}/report/page/{page}",
    "/cases/{case}/report/preview",
}
"""Pages that nobody who is signed in is led to, and what few items lead to: `test_items` and
`test_apart` go there;
`test_report` takes the preview, `test_provider` the provider.
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


LISTENING = """
const add = EventTarget.prototype.addEventListener;
window.dragged = [];
EventTarget.prototype.addEventListener = function (type, ...rest) {
  if (/^(pointerdown|mousedown|touchstart|dragstart)$/.test(type)) window.dragged.push(this);
  return add.call(this, type, ...rest);
};"""
DRAGGED_ALONE = """() => {
  const some = [...document.querySelectorAll("[draggable=true], [data-drag]"), ...window.dragged];
  return [...new Set(some)].filter((one) => {
    const named = one.closest?.("[data-without-dragging]");
    const other = named && document.querySelector(named.dataset.withoutDragging);
    return !other?.querySelector("a[href], button, input, select");
  }).map((one) => one.outerHTML?.slice(0, 120) ?? String(one));
}"""
BAD = """<!doctype html><title>bad</title><style>
  #cover { position: fixed; inset: 100px 0 0 0; background: white; z-index: 9 }
  #bare:focus { outline: none }
</style>
<button id="seen">seen</button><button id="bare">bare</button>
<div id="cover"></div><p style="margin-top: 140px"><button id="covered">covered</button></p>
<div id="by-hand" draggable="true">drag me</div>
<div id="fine" data-drag data-without-dragging="#others">or me</div>
<div id="others"><button tabindex="-1">move</button></div>
<canvas id="to-nothing" data-without-dragging="#none"></canvas>
<script>document.querySelector("canvas").addEventListener("pointerdown", () => {})</script>"""
"""A page that does wrong what the checks below look for, and once each right."""


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


def lost_focus(page: Page) -> tuple[int, list[str]]:
    """Go through a page by Tab; return the stops, and those whose focus nobody sees."""
    lost: list[str] = []
    for stops in range(25):
        page.keyboard.press("Tab")
        here = page.evaluate(HIDDEN_FOCUS)
        if here is None:
            return stops, lost
        if not here["shown"] or here["outline"] == "none":
            lost.append(here["name"])
    return 25, lost


def dragged_alone(page: Page) -> list[str]:
    """Return what listens to a pointer that is held down, without naming what does the same."""
    found: list[str] = page.evaluate(DRAGGED_ALONE)
    return found


def test_focus_is_seen_and_nothing_is_done_by_dragging_alone(
    workbench: Served, browser: Browser, reached: list[Found]
) -> None:
    """WCAG 2.2, 2.4.11 Focus Not Obscured and 2.4.7 Focus Visible: by Tab through each page;
    2.5.7 Dragging Movements: what listens to a drag says which controls do the same.
    """
    problems = []
    for page, one in _opened(workbench, browser, reached, first=LISTENING):
        stops, lost = lost_focus(page)
        assert stops > 3, one.address
        problems += [(one.address, name) for name in lost + dragged_alone(page)]
    assert problems == []


def test_the_own_checks_can_fail(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 640, "height": 300})
    page.add_init_script(LISTENING)
    page.route("**/*", lambda route: route.fulfill(body=BAD, content_type="text/html"))
    page.goto("http://bad.example/")
    _, lost = lost_focus(page)
    alone = dragged_alone(page)
    page.close()
    found = [[str(re.findall(r'id="([^"]+)"', one)[0]) for one in some] for some in (lost, alone)]
    assert found == [["bare", "covered"], ["by-hand", "to-nothing"]]


def test_nothing_is_asked_for_twice(fresh_workbench: Served) -> None:
    """WCAG 2.2, 3.3.7 Redundant Entry: what was entered is there again where it is needed again."""
    here = f"/cases/{CASE}"
    with fresh_workbench.client() as client:
        again = client.post("/sign-in", data={"name": "lena", "password": "wrong"})
        field = LexborHTMLParser(again.text).css_first("#f-name")
        assert field is not None
        assert field.attributes["value"] == "lena"
    with fresh_workbench.client("lena") as client:
        wrote = {"title": "A title", "statement": "Long <words>", "grade": "A1", "cites": "AL/99"}
        refused = client.post(f"{here}/new-finding", data=wrote)
        assert refused.status_code == 400
        entered = LexborHTMLParser(refused.text).css("section[aria-labelledby=entered] dd")
        assert [one.text() for one in entered] == [*wrote.values()]
        secret = client.post("/account/password", data={"password": "hush", "new": "hush too"})
        assert "hush" not in secret.text
        event = LexborHTMLParser(client.get(f"{here}/timeline").text).css_first(".events a.open")
        assert event is not None
        opened = LexborHTMLParser(client.get(str(event.attributes["href"])).text)
        for page in ("new-finding", "new-entity"):
            (link,) = opened.css(f"#event a[href*='/{page}']")
            form = LexborHTMLParser(client.get(str(link.attributes["href"])).text)
            cites = form.css_first("#f-cites")
            assert cites is not None
            assert cites.text() == opened.css_first("#event input[name=cite]").attributes["value"]  # type: ignore[union-attr]
        chosen = "finding=1&audience=defence&language=fr"
        report = LexborHTMLParser(client.get(f"{here}/report?{chosen}").text)
        (ticked,) = report.css("input[name=finding][checked]")
        assert ticked.attributes["value"] == "1"
        kept = [one.attributes["value"] for one in report.css("main option[selected]")]
        assert kept == ["defence", "fr"]


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
    served: Served, browser: Browser, reached: list[Found], *, first: str = "", **options: Any
) -> Iterator[tuple[Page, Found]]:
    context = browser.new_context(base_url=served.url, locale="en-GB", **options)
    context.add_cookies([{"name": COOKIE, "value": served.secret("lena"), "url": served.url}])
    page = context.new_page()
    if first:
        page.add_init_script(first)
    for one in reached:
        page.goto(one.address)
        yield page, one
    context.close()
