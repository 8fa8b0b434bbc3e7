"""A main page stays within the scope, however it is led away, and what it loads goes past us."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.collect.web import chromium, judging
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from tests.line import Line

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)), reason="no Chromium here: apt-get install chromium"
)
PIXEL = (200, {"Content-Type": "image/gif"}, b"GIF89a")


class Pages(dict[str, Any]):
    """Pages, of which some are slow: a navigation to `/hop` lasts longer than a commit takes.

    Whoever waits for `/wait` keeps the network busy meanwhile, so that the visit lasts as long.
    """

    def get(self, path: str, default: Any = None) -> Any:
        time.sleep({"/hop": 0.25, "/wait": 0.4}.get(path, 0))
        return super().get(path, default)


def ways(out: str) -> dict[str, str]:
    """Return pages, each of which leads to `out` in another way."""
    late = "fetch('/wait').then(() =>"
    form = f'<form id=f method=post action="{out}"><input name=a value=b></form>'
    return {
        "/at-once": f"<script>location = '{out}'</script>",
        "/later": f"<script>{late} {{ location = '{out}' }})</script>",
        "/refresh": f'<meta http-equiv="refresh" content="0;url={out}">',
        "/from-a-frame": '<iframe src="/frame"></iframe>',
        "/frame": f"<script>top.location = '{out}'</script>",
        "/redirected": "<script>location = '/hop'</script>",
        "/redirected-later": f"<script>{late} {{ location = '/hop' }})</script>",
        "/submitted": f"{form}<script>document.getElementById('f').submit()</script>",
        "/second": "<script>location = '/later'</script>",
        "/popup": f"<script>open('{out}')</script>",
        "/popup-noopener": f"<script>open('{out}', '', 'noopener')</script>",
        "/popup-later": f"<script>{late} open('{out}'))</script>",
        "/popup-redirected": "<script>open('/hop')</script>",
        "/blank": f"<script>open('').location = '{out}'</script>",
        "/clicked": f'<a id=a target=_blank href="{out}">x</a><script>a.click()</script>',
    }


def test_no_way_out_of_the_scope_sends_a_request(line: Line) -> None:
    with serving(Site({"/pixel": PIXEL}, answer_posts=True)) as outside:
        out = f"{outside.url}landing"
        led = ways(out)
        pixel = f'<img src="{outside.url}pixel">'
        pages = {path: page(f"<!doctype html>{pixel}{html}") for path, html in led.items()}
        pages["/hop"] = (302, {"Location": out}, b"")
        with serving(Site(Pages(pages))) as site:
            # The other server's address may be reached, and its pages may not be captured.
            line.case = line.open_case(
                *("--scope", f"127.0.0.1:{site.port}", "--scope", f"{outside.url}elsewhere/")
            )
            asked = [f"{site.url}{path[1:]}" for path in led if path != "/frame"]
            given = ("--json", "--no-scroll", "--settle", "10", "--parallel", "2")
            done = line("collect", "web", "--case", line.case, *given, *asked)
    assert done.code == 0, done.err
    assert {row["url"]: row["out_of_scope"] for row in done.rows} == {url: [out] for url in asked}
    # What a page loads from elsewhere is part of what was served.
    assert set(outside.asked) == {"/pixel"}


def test_a_page_that_went_through_several_sites_is_still_the_main_page(line: Line) -> None:
    """Each is another site's, with a process of its own."""
    pages = {
        "/": page("<script>location = location.href.replace('one', 'two') + 'next'</script>"),
        "/next": page("<script>location = location.href.replace('two', 'three')</script>"),
    }
    names = [f"{name}.example" for name in ("one", "two", "three")]
    with serving(Site(pages)) as site:
        where = f"127.0.0.1:{site.port}"
        line.case = line.open_case(
            *(word for one in (where, *names[:2]) for word in ("--scope", one))
        )
        resolved = [word for name in names for word in ("--resolve", f"{name}=127.0.0.1")]
        given = ("--no-scroll", "--settle", "10", "--json", *resolved)
        url = f"http://one.example:{site.port}/"
        row = line.must("collect", "web", "--case", line.case, *given, url).row
    assert row["out_of_scope"] == [f"http://three.example:{site.port}/next"]
    assert [one for one in site.asked if one != "/favicon.ico"] == ["/", "/next"]


def test_what_a_page_loads_goes_past_us_and_what_leads_away_does_not(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request would wait here, if it were intercepted: so those that don't wait are not."""
    waited: list[str] = []
    paused = judging.Judging.paused

    def seen(self: Any, params: dict[str, Any], session: str | None) -> None:
        waited.append(params["request"]["url"].rpartition("/")[2])
        paused(self, params, session)

    monkeypatch.setattr(judging, "DOCUMENTS", [{"requestStage": "Request"}])
    monkeypatch.setattr(judging.Judging, "paused", seen)
    late = "fetch('/wait').then(() => fetch('/{0}')).then(() => {1})"
    pages = {
        "/": page(f"<script>{late.format('one', 'location = `/next`')}</script>"),
        "/next": page(f"<script>{late.format('two', 'null')}</script><iframe src=/frame></iframe>"),
        "/frame": page("in a frame"),
    }
    with serving(Site(Pages(pages))) as site:
        line.case = line.open_case("--scope", "127.0.0.1")
        given = ("--no-scroll", "--settle", "10", "--json")
        row = line.must("collect", "web", "--case", line.case, *given, site.url).row
    assert {"/one", "/two", "/next", "/frame"} <= set(site.asked)
    # Frames are not judged, so an interceptor that one began under is not kept for it.
    assert {"", "next"} <= set(waited)
    assert not {"one", "two"} & set(waited)
    assert row["exact"] == row["exchanges"]


def test_a_browser_that_does_not_tell_of_navigations_is_judged_all_the_same(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older ones don't; then no interceptor is ended, and pages load as slowly as they did."""
    monkeypatch.setattr(judging.Judging, "began", lambda _self, _params: None)
    ended: list[int] = []
    free = judging.Judging.free

    def noted(self: judging.Judging, loader: str) -> None:
        free(self, loader)
        ended.append(self.ended)

    monkeypatch.setattr(judging.Judging, "free", noted)
    with serving(Site({})) as outside:
        out = f"{outside.url}landing"
        with serving(Site(Pages({"/": page(ways(out)["/later"])}))) as site:
            line.case = line.open_case(
                *("--scope", f"127.0.0.1:{site.port}", "--scope", f"{outside.url}elsewhere/")
            )
            given = ("--no-scroll", "--settle", "10", "--json")
            row = line.must("collect", "web", "--case", line.case, *given, site.url).row
    assert row["out_of_scope"] == [out]
    assert outside.asked == []
    assert set(ended) == {0}
    with zipfile.ZipFile(line.vault / "vault" / "objects" / row["item"][:2] / row["item"]) as wacz:
        told = json.loads(wacz.read("capture/capture.json"))
    assert [one["by"] for one in told["events"] if one["event"] == "out-of-scope"] == ["navigation"]
