"""Issue "workbench": "Timeline: histogram to brush + table; filters as editable chips, facets"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.serving import Served

HERE = f"/cases/{CASE}/timeline"


def test_chips_and_facets_follow_each_other_and_both_clocks_show(
    fresh_workbench: Served,
) -> None:
    with fresh_workbench.client("lena") as client:
        tree = LexborHTMLParser(client.get(HERE, params={"q": "kind:mail.*"}).text)
        (chip,) = tree.css(".chips li .raw")
        assert chip.text() == "kind:mail.*"
        kinds = {one.text().strip() for one in tree.css(".events td:nth-child(2)")}
        assert kinds
        assert all(one.startswith("mail.") for one in kinds)
        facets = tree.css(".facets li a[href]")
        assert any("kind%3Amail.message" in (one.attributes["href"] or "") for one in facets)
        total = int(tree.css("figcaption strong")[0].text().split()[0].replace(",", ""))
        bars = tree.css("#bars tbody td.number")
        assert total == sum(int(one.text().replace(",", "")) for one in bars)
        # A bar's link leads to exactly its events.
        link = tree.css("#bars tbody a")[0].attributes["href"]
        inside = LexborHTMLParser(client.get(str(link)).text)
        assert inside.css("figcaption strong")[0].text().split()[0] == bars[0].text()
    from holdfast.cli.main import run  # noqa: PLC0415

    vault = str(fresh_workbench.vault)
    given = ["case", "zone", "Africa/Nairobi", "--case", CASE]
    assert run(["--vault", vault, "--operator", "lena", *given]) == 0
    with fresh_workbench.client("lena") as client:
        (first, *_) = LexborHTMLParser(client.get(HERE).text).css(".events time")
        utc, local = (one.text() for one in first.css("bdi"))
        assert utc.endswith("UTC")
        assert local.endswith("EAT")


def test_an_event_is_tagged_commented_and_named_without_leaving_and_without_scripts(
    fresh_workbench: Served, tab: Callable[..., Page]
) -> None:
    page = tab(fresh_workbench, "lena", f"{HERE}?q=kind:mail.message", java_script_enabled=False)
    page.locator(".events a.open").first.click()
    page.locator("#event").get_by_label("Tag").fill("odd one")
    page.get_by_role("button", name="Put on").click()
    assert page.locator(".events .badge", has_text="#odd one").count() == 1
    page.locator(".events tr.here a.open, .events a.open").first.click()
    page.locator("#event").get_by_label("Comment").fill("<b>why</b> so early?")
    page.get_by_role("button", name="Comment").click()
    page.locator(".events a.open").first.click()
    assert page.locator("blockquote").inner_text().startswith("<b>why</b> so early?")
    page.get_by_text("Name somebody or something").click()
    page.locator("#event").get_by_label("Name", exact=True).fill("The writer")
    page.get_by_role("button", name="Name it").click()
    page.goto(f"{HERE}?q=tag:*")
    assert page.locator(".events tbody tr").count() == 1
    page.goto(f"/cases/{CASE}/people")
    assert page.get_by_text("The writer").count() >= 1
    page.goto(f"{HERE}?q=kind:mail.message")
    page.get_by_text("Keep this view").click()
    page.get_by_label("Name of the view").fill("all mails")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.goto(HERE)
    page.get_by_role("link", name="all mails").click()
    assert page.locator(".chips .raw").inner_text() == "kind:mail.message"


def test_keys_move_between_events_and_can_be_switched_off(
    workbench: Served, tab: Callable[..., Page]
) -> None:
    """WCAG 2.2, 2.1.4 Character Key Shortcuts."""
    page = tab(workbench, "lena", HERE)
    focused = "document.activeElement.className"
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator(".events a.open").nth(1).evaluate("e => e === document.activeElement")
    assert second
    page.keyboard.press("k")
    page.keyboard.press(" ")
    page.wait_for_selector("#event")
    page.keyboard.press("?")
    page.locator("#keys-on").uncheck()
    page.locator("h1").click()
    page.reload()
    page.keyboard.press("j")
    assert "open" not in page.evaluate(focused)
    box = page.locator(".histogram svg").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle)
    page.mouse.up()
    page.wait_for_url("**since*")
    assert page.locator(".chips .raw").count() == 2
