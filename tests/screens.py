"""Take a picture of every page of the workbench, as docs/ shows them.

    python -m tests.screens docs/screens

The evidence is the fake bank's, so that a picture shows nobody's data; each page is shown as the
case's lead meets it, or as the first of the others who does. Some are shown at work too, from right
to left, in the dark and on a telephone. What people wrote under the list stays there.
"""

from __future__ import annotations

import html
import io
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from playwright.sync_api import sync_playwright

from holdfast.cli.main import run
from holdfast.serving.people import COOKIE
from tests import serving
from tests.serving import CASE
from tests.web.walk import Found, walk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.serving import Served

PEOPLE = ("lena", "sam", "aude")
COLOURS = 96
TALLEST = 1800
OWN = "## Seen and mended"
"""Where what people wrote begins."""
HEAD = """# The workbench in pictures

Written by `./dev screens`, from the fake bank's case.

| page | picture |
|---|---|
"""
TOO = (
    ("/cases/{case}", "case-fa", {"locale": "fa"}),
    ("/cases/{case}", "case-dark", {"color_scheme": "dark"}),
    ("/cases/{case}/timeline", "timeline-ar", {"locale": "ar"}),
    ("/cases/{case}/timeline", "timeline-telephone", {"viewport": {"width": 360, "height": 740}}),
    ("/cases/{case}/findings", "findings-fr", {"locale": "fr"}),
    ("/open-case", "open-case-es", {"locale": "es"}),
)
AT_WORK = {
    "search-found": "search?q=faktura",
    "timeline-event": "timeline?q=kind:mail.message",
    "report-preview": "report/preview?finding=1&audience=court",
    "view-mail": "LE/16 view",
    "view-table": "LE/6 view?part=urls",
    "view-pages": "LE/14 view",
    "view-bytes": "LE/1 view?as=hex",
    "view-picture": "LE/18 view",
}
"""Pictures of pages that are asked for something: below the case's address, or of an exhibit."""


def main() -> None:
    """Take them; write the page that lists them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as name, serving.account(Path(name) / "home"):
        vault = serving.bank(Path(name))
        picture = Path(name) / "evidence" / "holiday.png"
        Image.radial_gradient("L").resize((640, 400)).save(picture)
        for who, *given in (
            ("ewa", "finding", "review", "2", "--outcome", "passed"),
            ("lena", "collect", "files", str(picture)),
            ("lena", "examine", "--similar"),
        ):
            code = run(["--vault", str(vault), "--operator", who, *given, "--case", CASE])
            assert code == 0, given
        with serving.served(vault) as served, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            lines = _all(served, browser, folder)
            browser.close()
    page = folder / "README.md"
    _, mark, own = page.read_text("utf-8").partition(OWN) if page.exists() else ("", "", "")
    page.write_text(HEAD + "".join(lines) + f"\n{mark or OWN}{own or chr(10)}", "utf-8")


def _all(served: Served, browser: Browser, folder: Path) -> list[str]:
    shown: dict[str, tuple[str, Found]] = {}
    for name in PEOPLE:
        for found in walk(served, name):
            if found.html:
                shown.setdefault(found.route, (name, found))
    shown["/sign-in"] = ("", Found("/sign-in", "/sign-in", ""))
    lines = []
    for route, (name, found) in sorted(shown.items()):
        file = f"{_name(route)}.png"
        _take(served, browser, folder / file, name, found.address)
        lines.append(f"| `{route}` | ![{route}]({file}) |\n")
    for route, stem, options in TOO:
        if route in shown:
            name, found = shown[route]
            _take(served, browser, folder / f"{stem}.png", name, found.address, **options)
            lines.append(f"| `{route}`, {stem} | ![{stem}]({stem}.png) |\n")
    for stem, asked in AT_WORK.items():
        _take(served, browser, folder / f"{stem}.png", "lena", _address(served, stem, asked))
        lines.append(f"| at work: {stem} | ![{stem}]({stem}.png) |\n")
    return lines


def _address(served: Served, stem: str, asked: str) -> str:
    """Return where something is shown: looked up, for an item's address is its digest."""
    with served.client("lena") as client:
        exhibit, _, page = asked.rpartition(" ")
        if exhibit:
            items = client.get(f"/cases/{CASE}/items").text
            (item,) = re.findall(rf'href="([^"]+)"><bdi>{exhibit}</bdi>', items)
            page = f"{item}/{page}"
        else:
            page = f"/cases/{CASE}/{page}"
        if stem == "timeline-event":
            event = re.findall(r'class="open tap" href="([^"]+)"', client.get(page).text)[0]
            page = html.unescape(event)
        return page


def _name(route: str) -> str:
    words = route.replace("/cases/{case}", "case").translate(str.maketrans("/{}:", "    ")).split()
    return "-".join(words) or "cases"


def _take(
    served: Served, browser: Browser, file: Path, name: str, address: str, **options: Any
) -> None:
    context = browser.new_context(base_url=served.url, **({"locale": "en-GB"} | options))
    if name:
        context.add_cookies([{"name": COOKIE, "value": served.secret(name), "url": served.url}])
    page = context.new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    whole = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    context.close()
    picture = whole.crop((0, 0, whole.width, min(whole.height, TALLEST)))
    picture.quantize(COLOURS).save(file, optimize=True)


if __name__ == "__main__":
    main()
