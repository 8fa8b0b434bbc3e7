"""Issue 6: "Hostile evidence (file names with HTML, SVG with script, PDF with JavaScript,
polyglots, 100 MB of one line, bidi overrides, ... zip-slip on download) reaches no script and no
shell." And: "Blurred first", "verification badge with the proof behind it".
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from holdfast.cli.main import run
from holdfast.serving.people import COOKIE
from holdfast.vault.vault import Vault
from tests import serving
from tests.examine.test_viewing import MAIL, SCRIPT, pdf
from tests.serving import CASE
from tests.web.test_every_page import AXE, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from playwright.sync_api import Browser, Dialog, Page

    from tests.serving import Served

NAME = '<img src=x onerror="alert(1)">\u202egpj.png'
LIVE = f'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">{SCRIPT}</svg>'


@pytest.fixture(scope="module")
def hostile(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The workbench over the bank's case, into which hostile files were collected."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree(bank, folder / "vault")
    evidence = bank.parent / "evidence" / "hostile"
    evidence.mkdir(exist_ok=True)
    picture = Image.effect_noise((640, 480), 80)
    picture.save(evidence / NAME, "PNG")
    (evidence / "live.svg").write_text(LIVE)
    (evidence / "page.html").write_text(f"<!doctype html>{SCRIPT}")
    (evidence / "script.pdf").write_bytes(pdf("app.alert(1)"))
    (evidence / "poly.gif").write_bytes(b"GIF89a/*" + SCRIPT.encode() + b"*/=1;alert(1)")
    (evidence / "mail.eml").write_text(MAIL)
    (evidence / "long.txt").write_bytes(b"<b>" * (10 << 20))
    (evidence / "formula.csv").write_text(
        "name,sum\n\"=cmd|' /C calc'!A0\",<script>alert(1)</script>\n"
    )
    with zipfile.ZipFile(evidence / "slip.zip", "w") as packed:
        packed.writestr("../../../etc/cron.d/evil", SCRIPT)
        packed.writestr(f"{NAME}.html", SCRIPT)
    given = ["--vault", str(folder / "vault"), "--operator", "lena"]
    assert run([*given, "collect", "files", "--case", CASE, str(evidence)]) == 0
    with serving.served(folder / "vault") as one:
        yield one


def held(client: httpx.Client) -> dict[str, str]:
    """Return the last part of each hostile item's path, with the item's address."""
    html = client.get(f"/cases/{CASE}/items?words=/hostile/").text
    found = re.findall(r'href="(/cases/[^"]+/items/[0-9a-f]{64})".*?<bdi class="raw">([^<]+)</bdi>',
                       html, re.DOTALL)  # fmt: skip
    return {path.rpartition("/")[2]: address for address, path in found}


def test_nothing_of_hostile_evidence_comes_alive(hostile: Served, browser: Browser) -> None:
    context = browser.new_context(base_url=hostile.url, locale="en-GB")
    context.add_cookies([{"name": COOKIE, "value": hostile.secret("lena"), "url": hostile.url}])
    page = context.new_page()
    alive: list[str] = []
    context.on("page", lambda other: alive.append(f"a window: {other.url}"))
    page.on("dialog", lambda dialog: _dismissed(dialog, alive))
    page.on("console", lambda said: alive.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: alive.append(f"error: {error}"))
    page.on("download", lambda one: alive.append(f"a download: {one.url}"))
    page.on("request", lambda asked: _outside(hostile, asked.url, alive))
    with hostile.client("lena") as client:
        items = held(client)
    assert len(items) == 9
    page.goto(f"/cases/{CASE}/items?words=/hostile/")
    for address in items.values():
        page.goto(f"{address}/inside")
        inner = page.evaluate("[...document.querySelectorAll('tbody th a')].map((one) => one.href)")
        page.goto(f"{address}/view")
        others = page.evaluate(
            "[...document.querySelectorAll('.chips.plain a')].map((one) => one.href)"
        )
        for link in (*others, *inner):
            page.goto(link)
            assert page.locator("main script, main svg, main iframe, main object").count() == 0
            assert page.locator("main img").evaluate_all(
                "(all) => all.every((one) => one.complete && one.naturalWidth > 0)"
            )
    assert alive == []
    context.close()


def _dismissed(dialog: Dialog, alive: list[str]) -> None:
    alive.append(f"a dialog: {dialog.message}")
    dialog.dismiss()


def _outside(served: Served, url: str, alive: list[str]) -> None:
    if not url.startswith(f"{served.url}/"):
        alive.append(f"a request: {url}")


def test_axe_finds_nothing_in_any_view(hostile: Served, browser: Browser) -> None:
    context = browser.new_context(base_url=hostile.url, locale="en-GB", bypass_csp=True)
    context.add_cookies([{"name": COOKIE, "value": hostile.secret("lena"), "url": hostile.url}])
    page = context.new_page()
    with hostile.client("lena") as client:
        items = held(client)
    problems = []
    for address in items.values():
        page.goto(f"{address}/view")
        page.add_script_tag(path=AXE)
        result = page.evaluate("(rules) => axe.run(document, rules)", RULES)
        problems += [
            f"{address}: {violation['id']}: {node['html'][:200]}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]
    assert problems == []
    context.close()


def test_pictures_are_blurred_first_without_scripts(hostile: Served, tab: Any) -> None:
    with hostile.client("lena") as client:
        (address,) = [one for name, one in held(client).items() if name.endswith("gpj.png")]
        before = len(_looks(hostile, address))
        page: Page = tab(hostile, "lena", f"{address}/view", java_script_enabled=False)
        assert "picture=blurred" in str(page.locator("main img").get_attribute("src"))
        page.get_by_role("link", name="Show it clearly").click()
        assert "picture=clear" in str(page.locator("main img").get_attribute("src"))
        page.get_by_role("link", name="Blur it again").click()
        page.wait_for_load_state("networkidle")
        assert _looks(hostile, address)[before:] == [
            "", "blurred", "", "clear", "", "blurred",
        ]  # fmt: skip
        for which in ("blurred", "clear"):
            answer = client.get(f"{address}/picture?picture={which}")
            assert answer.headers["content-type"] == "image/png"
            assert answer.headers["content-security-policy"].startswith("sandbox;")
            assert answer.headers["x-content-type-options"] == "nosniff"


def _looks(served: Served, address: str) -> list[str]:
    """Return which picture each look at an item was at, as the log has it."""
    vault = Vault.open(served.vault)
    log, item = vault.log, address.rpartition("/")[2]
    entries = log.entries(0, log.head().size)
    mine = [one.fields for one in entries if one.act == "view" and one.fields["item"] == item]
    vault.engine.dispose()
    return [fields["request"].get("picture", "") for fields in mine]


def test_an_original_is_saved_and_never_opened(hostile: Served) -> None:
    with hostile.client("lena") as client:
        items = held(client)
        for name in ("page.html", "live.svg", "slip.zip"):
            answer = client.get(f"{items[name]}/original")
            headers = answer.headers
            assert hashlib.sha256(answer.content).hexdigest() == items[name].rpartition("/")[2]
            assert headers["content-type"] == "application/octet-stream"
            assert headers["content-security-policy"].startswith("sandbox;")
            assert headers["x-content-type-options"] == "nosniff"
        (odd,) = [one for name, one in items.items() if name.endswith("gpj.png")]
        told = client.get(f"{odd}/original").headers["content-disposition"]
        assert re.fullmatch(r'attachment; filename="LE-\d+_[A-Za-z0-9._-]+"', told), told
        inside = client.get(f"{items['slip.zip']}/inside").text
        assert "__/__/__/etc/cron.d/evil" in inside


def test_the_badge_says_what_was_found_and_by_whom(hostile: Served) -> None:
    with hostile.client("lena") as client, hostile.client("aude") as auditor:
        address = held(client)["live.svg"]
        assert "not checked yet" in client.get(address).text
        proof = auditor.get(f"{address}/proof").text
        assert "good as far as there is proof" in proof
        assert address.rpartition("/")[2] in proof
        badge = client.get(address).text
        assert "Checked by" in badge
        assert "<bdi>aude</bdi>" in badge


def test_who_may_not_look_is_not_shown(hostile: Served) -> None:
    with hostile.client("lena") as client:
        address = held(client)["live.svg"]
    for name, statuses in {"dan": (403, 403, 403), "aude": (403, 403, 200)}.items():
        with hostile.client(name) as client:
            got = tuple(
                client.get(f"{address}{part}").status_code for part in ("", "/view", "/proof")
            )
            assert got == statuses, name
    with hostile.client("sam") as client:  # may look, and takes nothing out
        assert client.get(f"{address}/view").status_code == 200
        assert client.get(f"{address}/original").status_code == 403


def test_items_are_found_by_words_and_facets(hostile: Served) -> None:
    with hostile.client("lena") as client:
        every = client.get(f"/cases/{CASE}/items").text
        assert "not examined (9)" in every
        some = client.get(f"/cases/{CASE}/items", params={"state": "not examined"}).text
        assert "9 items" in some
        assert "page.html" in some
        none = client.get(f"/cases/{CASE}/items", params={"words": "hostile", "type": "text/plain"})
        assert "No item fits." in none.text
        assert client.get(f"/cases/{CASE}/items?state=x").status_code == 400
