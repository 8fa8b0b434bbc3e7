"""Issue 6: "WACZ replay from a separate origin with no network"; "video and audio exhibits played
in a sandboxed, blurred-first viewer".
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import wave
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from holdfast.cli.main import run
from holdfast.core import canonical
from tests import serving
from tests.collect.web.servers import Site, page
from tests.collect.web.servers import serving as sites
from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.serving import Served

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8"
    "cfc000000301010018dd8db00000000049454e44ae426082"
)
HTML = """<!doctype html><title>The shop</title>
<link rel=stylesheet href=/style.css><link rel=preconnect href=//elsewhere.test>
<meta http-equiv=refresh content="30;url=//elsewhere.test/away">
<h1>Pay here</h1><img id=own src=/own.png><img src=//elsewhere.test/beacon.png>
<p id=p onclick="alert(1)">text</p><a id=out href="http://elsewhere.test/">out</a>
<a id=in href="/next">next</a>
<form action="//elsewhere.test/post"><button id=post>Send</button></form>
<iframe src="//elsewhere.test/frame"></iframe>
<script>document.title = "live"; fetch("//elsewhere.test/fetched"); alert(2)</script>
"""


def sound() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0\0" * 80_000)
    return made.getvalue()


@pytest.fixture(scope="module")
def apart(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The workbench over a case with a capture of a page and a sound."""
    folder = tmp_path_factory.mktemp("apart")
    shutil.copytree(bank, folder / "vault")
    given = ["--vault", str(folder / "vault"), "--operator", "lena"]
    opened = ("--title", "W", "--basis", "B", "--authority", "A", "--until", "2999-12-31")
    assert run([*given, "case", "open", *opened, "--scope", "127.0.0.1"]) == 0
    site = Site(
        {
            "/": page(HTML),
            "/style.css": (200, {"Content-Type": "text/css"}, b"h1{color:rgb(1,2,3)}"),
            "/own.png": (200, {"Content-Type": "image/png"}, PNG),
        }
    )
    with sites(site):
        web = ("collect", "web", "--case", "2026-0002", "--settle", "0.5", site.url)
        assert run([*given, *web]) == 0
    (bank.parent / "evidence" / "call.wav").write_bytes(sound())
    wav = str(bank.parent / "evidence" / "call.wav")
    assert run([*given, "collect", "files", "--case", CASE, wav]) == 0
    with serving.served(folder / "vault") as one:
        yield one


def test_a_capture_is_replayed_where_it_reaches_nothing(apart: Served, tab: Any) -> None:
    here: Page = tab(apart, "lena", "/cases/2026-0002/items")
    asked: list[str] = []
    here.on("request", lambda one: asked.append(one.url))
    here.on("dialog", lambda one: asked.append(f"dialog:{one.message}"))
    here.context.on("page", lambda one: asked.append(f"window:{one.url}"))
    here.locator("tbody th a").first.click()
    here.get_by_role("link", name="View", exact=True).click()
    here.get_by_role("link", name=re.compile("Replay it")).click()
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(here.url))
    assert origin not in {apart.url}
    assert here.locator("iframe").get_attribute("class") == "blurred"
    frame = here.frame_locator("iframe")
    assert frame.locator("h1").inner_text() == "Pay here"
    live = here.frames[1]
    assert live.evaluate("document.title") == "The shop"
    assert live.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
    assert live.evaluate("document.getElementById('own').naturalWidth") == 1
    assert live.evaluate("self.origin") == "null"
    for where in ("#p", "#out", "#in", "#post"):
        frame.locator(where).click()
    assert frame.locator("h1").inner_text() == "Pay here"
    here.get_by_role("link", name="Show it clearly").click()
    assert here.locator("iframe").get_attribute("class") == "clear"
    outside = [one for one in asked if not one.startswith((f"{origin}/", f"{apart.url}/"))]
    assert outside == []


def test_the_policy_stops_what_the_rewriting_would_miss(apart: Served, tab: Any) -> None:
    """The page as it was captured, not rewritten, in place of the file that is served."""
    here: Page = tab(apart, "lena", "/cases/2026-0002/items")
    here.locator("tbody th a").first.click()
    here.get_by_role("link", name="View", exact=True).click()
    here.get_by_role("link", name=re.compile("Replay it")).click()
    (index,) = (apart.vault / "derived").glob("*/views/*/index.json")
    said = json.loads(index.read_bytes())
    raw = HTML.replace('content="30', 'content="0').encode()
    was = (index.parent / "000000").read_bytes(), index.read_bytes()
    try:
        (index.parent / "000000").write_bytes(raw)
        digest = hashlib.sha256(raw).hexdigest()
        said["files"][0] |= {"sha256": digest, "size": len(raw)}
        index.write_bytes(canonical.dumps(said))
        asked: list[str] = []
        here.on("requestfinished", lambda one: asked.append(one.url))
        # Chromium tells of a request that it refused before it left, and why.
        here.on("requestfailed", lambda one: asked.append(f"{one.failure} {one.url}"))
        here.on("dialog", lambda one: asked.append(f"dialog:{one.message}"))
        here.context.on("page", lambda one: asked.append(f"window:{one.url}"))
        here.reload()
        frame = here.frame_locator("iframe")
        for where in ("#p", "#post", "#out"):
            frame.locator(where).click()
        here.wait_for_load_state("networkidle")
        outside = {one for one in asked if "http://127.0.0.1:" not in one}
        assert outside <= {"csp http://elsewhere.test/beacon.png"}
        assert here.url.startswith("http://127.0.0.1:")
    finally:
        (index.parent / "000000").write_bytes(was[0])
        index.write_bytes(was[1])


def test_what_is_apart_knows_tickets_only(apart: Served) -> None:
    with apart.client("lena") as client:
        items = re.findall(r"/items/([0-9a-f]{64})", client.get("/cases/2026-0002/items").text)
        place = f"/cases/2026-0002/items/{items[0]}"
        given = client.get(f"{place}/replay").headers["location"]
        body, _, mac = given.rstrip("/").rpartition("/")[2].partition(".")
        origin = given.partition(body)[0]
        assert client.get(given).status_code == 200
        file = client.get(f"{given}files/000000")
        assert file.headers["content-security-policy"].startswith("sandbox; default-src 'none';")
        assert "allow" not in file.headers["content-security-policy"]
        alone = client.get(f"{given}files/000000", headers={"Sec-Fetch-Dest": "document"})
        assert (alone.status_code, alone.headers["location"]) == (303, "../")
        for wrong in (f"{body}.{mac[:-2]}AA", f"{body[:-4]}AAAA.{mac}", "x", "."):
            assert client.get(f"{origin}{wrong}/").status_code in {403, 404}, wrong
        for name in ("../index.json", "index.json", "999999", "..%2findex.json"):
            assert client.get(f"{given}files/{name}").status_code in {200, 404}
            assert "sha256" not in client.get(f"{given}files/{name}").text
        # The other port is no second door to the workbench.
        assert client.get(f"{origin}cases/{CASE}").status_code == 404
    with apart.client("dan") as client:
        assert client.get(f"/cases/{CASE}/items/{items[0]}/replay").status_code == 403


def test_sound_is_played_apart_in_parts(apart: Served) -> None:
    whole = sound()
    with apart.client("lena") as client:
        html = client.get(f"/cases/{CASE}/items?words=call.wav").text
        place = re.findall(r'href="(/cases/[^"]+/items/[0-9a-f]{64})"', html)[0]
        assert "10" in client.get(f"{place}/view").text
        given = client.get(f"{place}/play").headers["location"]
        player = client.get(given)
        assert '<audio controls muted preload="none"' in player.text
        chosen = client.get(f"{place}/play?sound=1&grey=1").headers["location"]
        assert chosen.endswith("/?grey=1&sound=1")
        louder = client.get(chosen)
        assert '<audio controls preload="none"' in louder.text
        assert 'href="?grey=1&amp;page=0"' in louder.text, "each choice is turned over by a link"
        assert 'href="?sound=1&amp;page=0"' in louder.text
        assert "clear=1&amp;grey=1&amp;sound=1" in louder.text, "and is kept where it is cleared"
        assert "autoplay" not in player.text
        part = client.get(f"{given}original", headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
        assert part.headers["content-type"] == "audio/wav"
        assert part.headers["content-security-policy"].startswith("sandbox;")
        assert client.get(f"{given}original").content == whole
        text = client.get(f"/cases/{CASE}/items?words=.mbox").text
        other = re.findall(r'href="(/cases/[^"]+/items/[0-9a-f]{64})"', text)
        assert client.get(f"{other[0]}/play").status_code == 400
