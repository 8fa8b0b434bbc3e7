"""Issue "workbench": "always beside the same links as a table, export of the data as well as the
picture"; Cytoscape under our policy.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from playwright.sync_api import expect
from selectolax.lexbor import LexborHTMLParser

from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.serving import Served

HERE = f"/cases/{CASE}/chart"
HOSTILE = '</script><img src=x onerror=alert(1)>"\u202e'


def name(served: Served, called: str, sort: str, identifier: str) -> None:
    with served.client("lena") as client:
        form = {"name": called, "sort": sort, "role": "other", "identifiers": identifier}
        assert client.post(f"/cases/{CASE}/new-entity", data=form).status_code == 303


def test_the_picture_moves_the_table_says_the_same_and_a_link_is_entered_and_taken_back(
    fresh_workbench: Served, tab: Callable[..., Page]
) -> None:
    name(fresh_workbench, HOSTILE, "account", "email:varsel@nordlys-bank.example")
    name(fresh_workbench, "Ingrid", "person", "email:ingrid.solbakken@fjordpost.example")
    with fresh_workbench.client("lena") as client:
        plain = client.get(HERE)
        assert len(plain.content) < 100_000
        tree = LexborHTMLParser(plain.text)
        assert len(tree.css("svg line")) == len(tree.css("tr[data-tie]")) == 2
        assert tree.css("svg line.derived") and tree.css("svg line.suspected")
        assert not tree.css("main img, svg script")
        assert "\u202e" not in plain.text
        taken = client.get(f"{HERE}/export", params={"as": "json"})
        assert "attachment" in taken.headers["content-disposition"]
        assert len(json.loads(taken.content)["links"]) == 2
        assert client.get(f"{HERE}/export", params={"as": "exe"}).status_code == 400

    page = tab(fresh_workbench, "lena")
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(HERE)
    page.locator(".canvas canvas").first.wait_for()
    assert page.locator(".canvas").get_attribute("role") == "img"
    page.get_by_role("button", name="Larger").click()
    page.get_by_role("button", name="To the left").click()
    page.get_by_role("button", name="The whole picture").click()
    page.get_by_role("button", name="Show it").first.click()
    assert problems == [], "under our policy Cytoscape puts no style into the page"
    page.get_by_role("link", name="Enter it").click()
    page.get_by_label("Relation").fill("asked for money")
    page.get_by_label("It is established").check()
    page.get_by_role("button", name="Enter the link").click()
    page.get_by_text("The link is entered.").wait_for()
    entered = page.locator("tr", has_text="asked for money")
    expect(entered.get_by_text("confirmed")).to_have_count(1)
    expect(entered.get_by_text("LE/16:#row=9")).to_have_count(1)
    entered.get_by_text("Take it back").first.click()
    entered.get_by_label("Why it was wrong").fill("another Ingrid")
    entered.get_by_role("button", name="Take it back").click()
    page.get_by_text("The link is taken back.").wait_for()
    expect(page.get_by_text("asked for money")).to_have_count(0)
