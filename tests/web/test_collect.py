"""Issue 6: "Collect: paste a URL or drop files, see progress live, get the sealed item", and every
act works without JavaScript.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.cli.main import run
from tests.collect.web.servers import Site, page, serving
from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.serving import Served

SOURCE = "by courier from the bank, 3 May"


@pytest.fixture
def site() -> Iterator[Site]:
    """A page on the loopback."""
    with serving(
        Site({"/": page("<title>The shop</title><p>Pay here"), "/f": page("a file")})
    ) as one:
        yield one


def _case(served: Served, scope: str) -> str:
    """Open a case whose authority covers `scope`; return its number."""
    given = ["--vault", str(served.vault), "--operator", "lena", "case", "open", "--title", "Web"]
    more = ("--basis", "B", "--authority", "A", "--until", "2999-12-31", "--scope", scope)
    assert run([*given, *more]) == 0
    return "2026-0002"


def test_collect_with_live_progress(
    fresh_workbench: Served, tab: Any, site: Site, tmp_path: Path
) -> None:
    handed = tmp_path / '<img src=x onerror="alert(1)">.txt'
    handed.write_text("handed over")
    here: Page = tab(fresh_workbench, "lena", f"/cases/{CASE}/collect")
    here.get_by_label("Files", exact=True).set_input_files([handed])
    here.get_by_label("Where they come from").fill(SOURCE)
    here.get_by_role("button", name="Take them in").click()
    here.wait_for_url("**/items/*")
    digest = hashlib.sha256(b"handed over").hexdigest()
    assert here.url.endswith(digest)

    case = _case(fresh_workbench, "127.0.0.1")
    here.goto(f"/cases/{case}/collect")
    here.get_by_label("Addresses").fill(f"{site.url}\n{site.url}nowhere-else")
    here.get_by_role("button", name="Capture").click()
    here.get_by_text("Done.").wait_for(timeout=90_000)
    links = here.locator("#done a")
    assert links.count() == 2
    links.first.click()
    here.get_by_role("link", name="Inside").click()
    here.get_by_role("link", name="archive/data.warc.gz").first.wait_for()
    # What is out of scope is refused before anything begins, and the page says why.
    here.goto(f"/cases/{case}/collect")
    here.get_by_label("Addresses").fill("https://elsewhere.example/")
    here.get_by_role("button", name="Capture").click()
    here.get_by_text(re.compile("outside the scope")).wait_for()


def test_collect_without_scripts(
    fresh_workbench: Served, tab: Any, site: Site, tmp_path: Path
) -> None:
    (tmp_path / "one.txt").write_text("one")
    (tmp_path / "two.txt").write_text("two")
    here: Page = tab(fresh_workbench, "ewa", f"/cases/{CASE}/collect", java_script_enabled=False)
    here.get_by_label("Files", exact=True).set_input_files(
        [tmp_path / "one.txt", tmp_path / "two.txt"]
    )
    here.get_by_label("Where they come from").fill(SOURCE)
    here.get_by_role("button", name="Take them in").click()
    assert here.url.endswith(f"/cases/{CASE}/items")
    assert "Collected and sealed." in here.content()
    case = _case(fresh_workbench, "127.0.0.1")
    with fresh_workbench.client("lena") as client:
        form = {"urls": f"{site.url}f", "download": "1", "form": "once-and-no-more"}
        first = client.post(f"/cases/{case}/collect/web", data=form)
        assert first.status_code == 303, first.text
        assert client.get(first.headers["location"]).status_code == 200
        again = client.post(f"/cases/{case}/collect/web", data=form)
        assert again.headers["location"] == first.headers["location"]
        assert site.asked.count("/f") == 1
        refused = client.post(f"/cases/{case}/collect/files", files={"files": ("x", b"x")})
        assert (refused.status_code, "where the files come from" in refused.text) == (400, True)
