"""Issue "workbench": "map where there are coordinates (tiles local)"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from holdfast.cli.main import run
from tests.web.test_every_page import AXE, RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.serving import Served

SECOND = "2026-0002"
HERE = f"/cases/{SECOND}/map"
TEXT = (
    "<b>kiosk</b> 59.9139, 10.7522; 59.9271,10.7165; -33.8688, 151.2093 <script>alert(1)</script>\n"
)


def do(served: Served, *arguments: object) -> None:
    given = ["--vault", str(served.vault), "--operator", "lena", *map(str, arguments)]
    assert run(given) == 0, arguments


def test_the_map_is_drawn_here_and_leads_to_each_place_without_scripts(
    fresh_workbench: Served, tab: Callable[..., Page]
) -> None:
    required = ("--title", "T", "--basis", "B", "--authority", "A", "--until", "2999-01-01")
    do(fresh_workbench, "case", "open", *required)
    with fresh_workbench.client("lena") as client:
        empty = client.get(HERE)
        assert "No record of the case points to a place." in empty.text
        assert len(empty.content) < 100_000
    evidence = fresh_workbench.vault.parent / "places.txt"
    evidence.write_text(TEXT)
    do(fresh_workbench, "collect", "files", "--case", SECOND, evidence)
    do(fresh_workbench, "examine", "--case", SECOND, "--jobs", 1)

    page = tab(fresh_workbench, "lena", bypass_csp=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(HERE)
    assert all(one.startswith(fresh_workbench.url) for one in asked)
    page.add_script_tag(path=AXE)
    result = page.evaluate("(rules) => axe.run(document, rules)", RULES)
    assert [one["id"] for one in result["violations"]] == []
    numbers = page.locator(".map svg a text").all_text_contents()
    assert sorted(numbers) == ["1", "2"]
    assert page.locator("tbody tr").count() == 3
    assert page.locator("main b, main script").count() == 0

    plain = tab(fresh_workbench, "lena", HERE, java_script_enabled=False)
    plain.get_by_role("link", name="2 places: nearer").click()
    plain.wait_for_url("**zoom=*")
    near = plain.url
    plain.get_by_role("link", name="Nearer", exact=True).click()
    plain.wait_for_url(lambda url: url != near)
    expect(plain.locator("tbody tr")).to_have_count(2)
    plain.goto(f"{HERE}?at=59.9,16&zoom=7")
    expect(plain.get_by_text("No record points to this part.")).to_have_count(1)
    west = plain.url
    plain.get_by_role("link", name="West").click()
    plain.wait_for_url(lambda url: url != west)
    plain.get_by_role("link", name="The whole world").click()
    expect(plain.locator("tbody tr")).to_have_count(3)
    plain.get_by_role("link", name="byte 13").click()
    plain.wait_for_url("**/view*")
    expect(plain.locator("table").get_by_text("<b>kiosk</b> 59.")).to_have_count(1)
    with fresh_workbench.client("lena") as client:
        for wrong in ("x", "91,0", "nan,1", "1", "1e999,0"):
            assert client.get(HERE, params={"at": wrong}).status_code == 400
        assert client.get(HERE, params={"at": "0,0", "zoom": "99"}).status_code == 400
