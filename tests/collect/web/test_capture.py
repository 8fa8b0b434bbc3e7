"""One real browser, one real site: what comes into the vault, and what is left of the browser."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyrage
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from holdfast.acts import capturing
from holdfast.collect.web import chromium
from holdfast.core.digest import sha256_hex
from holdfast.testing.authority import Authority
from holdfast.webarchive import pieces
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from tests.line import Line

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)), reason="no Chromium here: apt-get install chromium"
)

FRONT = """<!doctype html><title>Shop</title><h1>Genuine watches</h1>
<script>alert("You have won"); open("/popup")</script>
<div style="height: 9000px"></div><img loading="lazy" src="/lazy.png"><p>The end</p>
<form method="post" action="/order"><input name="pin" value="1"><button>Buy</button></form>
<a href="/next">next</a><a href="http://elsewhere.test/">elsewhere</a>"""
PAGES = {
    "/": page(FRONT, Set_Cookie="secret=1"),
    "/popup": page("<title>Pop</title>You are lucky"),
    "/lazy.png": (200, {"Content-Type": "image/png"}, b"\x89PNG"),
    "/next": page("<title>Next</title>more"),
    "/out": (302, {"Location": "http://127.0.0.2:9/landing"}, b""),
    "/loop": page("<title>Loop</title><script>for (;;) {}</script>"),
    "/file": (200, {"Content-Disposition": 'attachment; filename="a.bin"'}, b"payload"),
}


class Item:
    """A capture's WACZ, out of the vault."""

    def __init__(self, line: Line, item: str) -> None:
        where = line.vault / "vault" / "objects" / item[:2] / item
        data = where.read_bytes()
        assert sha256_hex(data) == item
        self.zip = zipfile.ZipFile(io.BytesIO(data))
        self.capture = json.loads(self.zip.read("capture/capture.json"))
        self.losses = self.lines("capture/loss.jsonl")

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(one) for one in self.zip.read(name).splitlines()]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.capture["events"] if one["event"] == kind]

    def exchange(self, url: str) -> dict[str, Any]:
        (found,) = [one for one in self.lines("capture/exchanges.jsonl") if one["url"] == url]
        return found


def captured(line: Line, *urls: str, options: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Capture pages of the loopback, in a case that names it."""
    line.case = line.open_case("--scope", "127.0.0.1")
    done = line.must("collect", "web", "--case", line.case, "--json", *options, *urls)
    assert browsers() == []
    return done.rows


def browsers(program: int | None = None) -> list[str]:
    """Return what runs of the browsers that a process started, this one if none is given.

    Others may capture on this machine at the same time.
    """
    scratch = f"holdfast-web-{program or os.getpid()}-".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes()
        except OSError:
            continue
        first = command.partition(b"\0")[0]
        if first.endswith(b"chromium") and scratch in command:
            found.append(place.name)
    return found


def test_a_page_becomes_an_item_that_anybody_can_check(line: Line) -> None:
    with serving(Site(PAGES, answer_posts=True)) as site:
        (row,) = captured(line, site.url)
    url = site.url.rstrip("/")
    item = Item(line, row["item"])
    # What was asked for: the page, its pop-up, what only a scroll loads. No link was followed, and
    # nothing is ever submitted.
    assert {"/", "/popup", "/lazy.png"} <= set(site.asked)
    assert not {"/next", "/order"} & set(site.asked)
    assert {one["host"] for one in item.lines("capture/guard.jsonl")} <= {
        "127.0.0.1",
        chromium.BACKGROUND,
        "",
    }
    assert item.capture["decoded"]["unasked"] == []
    assert {one["url"] for one in item.capture["dates"]} >= {site.url}
    assert row["assurance"] == ["untimed"]
    # Every exchange is the page's: what the browser asks for itself is counted apart.
    assert row["exact"] == row["exchanges"] == len(site.asked)
    assert row["background"] == row["losses"].get("background", 0)
    for path in ("/", "/popup", "/lazy.png"):
        assert item.exchange(f"{url}{path}")["exact"]
    # What a person saw
    kinds = {one["name"]: one for one in item.capture["views"]}
    assert {"page.pdf", "page.mhtml", "dom.html", "text.txt", "popup-1-dom.html"} <= set(kinds)
    tiles = [item.zip.read(f"views/screenshot-{n:02d}.png") for n in (1, 2)]
    sizes = [struct.unpack(">II", one[16:24]) for one in tiles]
    assert [width for width, _ in sizes] == [1280, 1280]
    assert sum(height for _, height in sizes) > 9000
    assert b"Genuine watches" in item.zip.read("views/text.txt")
    assert item.zip.read("views/page.pdf").startswith(b"%PDF-")
    # What was done and what happened
    (scrolled,) = item.lines("capture/behaviours.jsonl")
    script = item.zip.read("behaviours/scroll.js")
    assert scrolled["sha256"] == sha256_hex(script)
    assert len(scrolled["steps"]) > 5
    (dialog,) = item.events("dialog")
    assert (dialog["message"], dialog["answer"]) == ("You have won", "dismissed")
    assert len(item.events("popup")) == 1
    assert item.capture["browser"]["argv"][0].endswith("chromium")
    if os.geteuid() == 0:
        assert item.capture["browser"]["account"] == "nobody"
    assert "--no-sandbox" not in item.capture["browser"]["argv"]
    check_package(item)
    check_log_is_sealed(item, line)
    # What the log says
    (entry,) = line.entries("collect.item")
    assert entry["record"]["url"] == site.url
    assert entry["record"]["assurance"] == ["untimed"]
    assert entry["record"]["datapackage"] == sha256_hex(item.zip.read("datapackage.json"))
    (start,) = line.entries("collect.start")
    assert start["request"]["browser"].startswith("Chromium")
    line.intact()


def check_package(item: Item) -> None:
    """Check every digest, and the signature as WACZ Signing and Verification has it."""
    package = json.loads(item.zip.read("datapackage.json"))
    named = {one["path"]: one for one in package["resources"]}
    others = {"datapackage.json", "datapackage-digest.json"}
    assert set(named) == set(item.zip.namelist()) - others
    for path, one in named.items():
        assert one["hash"] == f"sha256:{sha256_hex(item.zip.read(path))}"
    assert all(one.compress_type == zipfile.ZIP_STORED for one in item.zip.infolist())
    digest = json.loads(item.zip.read("datapackage-digest.json"))
    signed = digest["signedData"]
    assert digest["hash"] == signed["hash"]
    assert digest["hash"] == f"sha256:{sha256_hex(item.zip.read('datapackage.json'))}"
    key = load_der_public_key(base64.b64decode(signed["publicKey"]))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    raw = base64.b64decode(signed["signature"])
    half = len(raw) // 2
    r, s = int.from_bytes(raw[:half]), int.from_bytes(raw[half:])
    key.verify(encode_dss_signature(r, s), signed["hash"].encode(), ec.ECDSA(hashes.SHA256()))


def check_log_is_sealed(item: Item, line: Line) -> None:
    """The browser's log, which has every secret, opens with the vault's key and no other way."""
    sealed = item.zip.read("secrets/netlog.json.gz.age")
    key = (line.vault / "keys" / "capture.age").read_text()
    plain = gzip.decompress(pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(key)]))
    assert sha256_hex(plain) == item.capture["netlog"]["sha256"]
    assert b"secret=1" in plain
    assert "events" in json.loads(plain)


def test_what_leads_out_of_the_scope_is_recorded_and_not_followed(line: Line) -> None:
    with serving(Site(PAGES)) as site:
        line.case = line.open_case("--scope", f"127.0.0.1:{site.port}")
        done = line.must("collect", "web", "--case", line.case, "--json", f"{site.url}out")
    assert "outside the case's scope; not followed" in done.err
    assert done.row["out_of_scope"] == ["http://127.0.0.2:9/landing"]
    item = Item(line, done.row["item"])
    # Its request never reached the guard: there is no connection to it.
    assert {one["host"] for one in item.lines("capture/guard.jsonl")} <= {
        "127.0.0.1",
        chromium.BACKGROUND,
        "",
    }
    redirect = item.exchange(f"{site.url}out")
    assert redirect["status"] == 302
    assert redirect["exact"]
    assert any("outside the case's scope" in one["why"] for one in item.losses)


def test_a_page_that_hangs_gives_what_there_was(line: Line) -> None:
    with serving(Site(PAGES)) as site:
        (row,) = captured(line, f"{site.url}loop", options=("--timeout", "1", "--settle", "0"))
    assert "partial" in row["assurance"]
    assert row["losses"]["timeout"] == 1
    item = Item(line, row["item"])
    assert len(item.events("script-ended")) == 1
    assert "dom.html" in {one["name"] for one in item.capture["views"]}
    assert item.exchange(f"{site.url}loop")["exact"]


def test_a_browser_that_dies_gives_a_sealed_part_and_leaves_no_process(line: Line) -> None:
    site = Site({**PAGES, "/": page("<title>Dies</title><img src=/die>")})

    class Killing(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            if path == "/die":
                # The first is the browser itself: its children are its zygotes and renderers.
                os.kill(min(map(int, browsers())), signal.SIGKILL)
            return super().get(path, default)

    site.pages = Killing(site.pages)
    with serving(site):
        (row,) = captured(line, site.url)
    assert "partial" in row["assurance"]
    assert row["losses"]["crash"] >= 1
    item = Item(line, row["item"])
    assert item.capture["browser"]["end"]["left"] == 0
    check_package(item)
    line.intact()


def test_a_list_is_captured_side_by_side_and_a_crawl_stays_inside(line: Line) -> None:
    with serving(
        Site(
            {
                **PAGES,
                "/": page(
                    "<a href=/next>n</a><a href=/file>f</a><a href=http://127.0.0.2:9/>o</a>"
                ),
            }
        )
    ) as site:
        rows = captured(line, site.url, options=("--depth", "1", "--parallel", "2", "--no-scroll"))
    assert sorted(row["url"] for row in rows) == [site.url, f"{site.url}file", f"{site.url}next"]
    (download,) = [row for row in rows if row["url"].endswith("/file")]
    item = Item(line, download["item"])
    (begun,) = item.events("download")
    assert begun["name"] == "a.bin"
    assert item.exchange(f"{site.url}file")["exact"]


def test_a_host_is_given_time_between_two_captures(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not asked again sooner, however many captures may run at once."""
    begun: list[float] = []
    order_of = capturing._Run._order_of

    def noted(self: Any, task: Any) -> Any:
        begun.append(time.monotonic())
        return order_of(self, task)

    monkeypatch.setattr(capturing._Run, "_order_of", noted)
    with serving(Site(PAGES)) as site:
        pages = (f"{site.url}next", f"{site.url}popup")
        given = ("--delay", "3", "--parallel", "2", "--no-scroll", "--settle", "0")
        captured(line, *pages, options=given)
    # The three seconds count from a little before the first.
    assert begun[1] - begun[0] > 2


def test_a_browser_without_its_sandbox_is_asked_for_and_recorded(line: Line) -> None:
    with serving(Site(PAGES)) as site:
        given = ("--no-browser-sandbox", "--no-scroll", "--settle", "0")
        (row,) = captured(line, f"{site.url}next", options=given)
    assert "unsandboxed" in row["assurance"]
    about = Item(line, row["item"]).capture
    assert "--no-sandbox" in about["browser"]["argv"]
    assert about["browser"]["sandbox"] is False
    (start,) = line.entries("collect.start")
    assert start["request"]["options"]["sandbox"] is False


def test_stamps_before_and_after_are_checked_by_openssl(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Authority.made(tmp_path / "tsa").serving() as tsa, serving(Site(PAGES)) as site:
        setting = tmp_path / "authorities.toml"
        facts = f'name = "one"\nurl = "{tsa.url}"\nroots = ["{tsa.root_file}"]\n'
        setting.write_text(f"[[authority]]\n{facts}")
        line.must("log", "authorities", setting)
        (row,) = captured(line, f"{site.url}next", options=("--no-scroll", "--settle", "0"))
    assert row["assurance"] == []
    item = Item(line, row["item"])
    for name in item.zip.namelist():
        if name.startswith("stamps/"):
            (tmp_path / name.rpartition("/")[2]).write_bytes(item.zip.read(name))
    for moment in ("before", "after"):
        said = (tmp_path / f"{moment}.json", tmp_path / f"{moment}.one.tsr")
        command = ["openssl", "ts", "-verify", "-data", str(said[0]), "-in", str(said[1])]
        subprocess.run([*command, "-CAfile", str(tsa.root_file)], check=True, capture_output=True)
    after = json.loads((tmp_path / "after.json").read_bytes())
    commitments = item.zip.read(pieces.RECORDS)
    assert after["records"] == sha256_hex(commitments)
    # All of the item but what signs it, and what comes after the stamp, byte for byte.
    told = pieces.read(commitments)
    assert set(item.zip.namelist()) - {one.part for one in told} == {
        "stamps/after.json",
        "stamps/after.one.tsq",
        "stamps/after.one.tsr",
        "datapackage-digest.json",
        "datapackage.json",
        pieces.RECORDS,
        pieces.SALT,
        pieces.SIGNATURE,
    }
    seed = bytes.fromhex(json.loads(item.zip.read(pieces.SALT))["salt"])
    covered: Counter[str] = Counter()
    for number, one in enumerate(told):
        data = item.zip.read(one.part)[one.offset : one.offset + one.length]
        assert one.offset == covered[one.part]
        assert pieces.commit(pieces.salt_of(seed, f"piece:{number}"), [data]) == one.commitment
        covered[one.part] += one.length
    assert all(item.zip.getinfo(part).file_size == size for part, size in covered.items())
    assert sum(1 for one in told if one.record) > 2
    (entry,) = line.entries("collect.item")
    assert [one["authority"] for one in entry["record"]["times"]] == ["one", "one"]


def test_a_sealed_vault_seals_the_log_to_the_case(sealed: Line) -> None:
    with serving(Site(PAGES)) as site:
        (row,) = captured(sealed, f"{site.url}next", options=("--no-scroll", "--settle", "0"))
    assert row["size"] > 0
    assert not (sealed.vault / "keys" / "capture.age").exists()
    sealed.intact()


def test_ctrl_c_ends_the_browser_and_keeps_the_vault_whole(line: Line) -> None:
    line.case = line.open_case("--scope", "127.0.0.1")
    with serving(Site(PAGES)) as site:
        command = line.program("collect", "web", "--case", line.case, f"{site.url}loop")
        run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not site.asked:
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=60)
    assert run.returncode == 130, told
    assert "interrupted" in told
    assert browsers(run.pid) == []
    line.must("items", "--case", line.case)
    line.intact()
