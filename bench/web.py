"""What the web benches share: the hostile site as a server, and the sides that load its pages."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import house
from bench.measure import Side
from bench.peers import MITMDUMP, MITMPROXY, missing
from bench.process import expect, run

if TYPE_CHECKING:
    from bench.measure import Bench
    from holdfast.testing.hostile.site import Site

DRIVER = Path(__file__).parent / "drivers" / "web_plain.py"
_LOADED = re.compile(r'data-milliseconds="([0-9]+)"')


def browser(site: Site, page: str, way: str = "") -> Side:
    """Launch Chromium, load one of the site's pages, close."""
    shown = {
        "": "chromium",
        "netlog": "chromium, with its log",
        "mitmproxy": "chromium behind mitmdump",
    }[way]

    def steps(_folder: Path) -> list[list[str]]:
        address = site.url(f"/page/{page}")
        ways = [way] if way else []
        if way == "mitmproxy":
            ways.append(MITMDUMP)
        given = [address, site.resolver_rules, str(site.root_file), *ways]
        return [[sys.executable, str(DRIVER), *given]]

    def check(folder: Path) -> dict[str, float]:
        if way == "mitmproxy":
            flows = (folder / "flows").read_bytes()
            expect(f"/page/{page}".encode() in flows, "mitmdump has written no flows")
        return {"load": _loaded((folder / "output").read_text("utf-8"))}

    lacking = missing(MITMPROXY) if way == "mitmproxy" else ""
    return Side(shown, f"{shown}: launch, load, close", steps, check=check, missing=lacking)


def captures(bench: Bench, site: Site, pages: list[str], parallel: int) -> Side:
    """`holdfast collect web` of pages, without time to settle, into a new vault."""

    def prepare(folder: Path) -> None:
        scopes = [*site.hosts, *sorted(set(site.hosts.values()))]
        house.new_vault(bench, folder)
        (folder / "output").unlink(missing_ok=True)
        opened = [
            *(house.HOLDFAST, "case", "open", "--title", "Web", "--basis", "none: made-up pages"),
            *("--authority", "nobody", "--until", "2099-12-31", "--json"),
            *(word for scope in scopes for word in ("--scope", scope)),
        ]
        run(opened, folder, bench.environment)
        lines = (folder / "output").read_text("utf-8").splitlines()
        (folder / house.CASE).write_text(json.loads(lines[-1])["case"], "utf-8")

    def steps(folder: Path) -> list[list[str]]:
        return [
            [
                *(house.HOLDFAST, "collect", "web", "--json", "--settle", "0", "--no-scroll"),
                *("--case", (folder / house.CASE).read_text("utf-8")),
                *("--trust", str(site.root_file), "--parallel", str(parallel)),
                *(word for named in site.named for word in ("--resolve", named)),
                *(site.url(f"/page/{page}") for page in pages),
            ]
        ]

    def check(folder: Path) -> dict[str, float]:
        rows = [json.loads(line) for line in (folder / "output").read_text("utf-8").splitlines()]
        expect(len(rows) == len(pages), f"{len(rows)} of {len(pages)} pages were captured")
        loads = []
        for one in rows:
            item = str(one["item"])
            expect(one["assurance"] == ["untimed"], f"a capture is {one['assurance']}")
            with zipfile.ZipFile(folder / "vault" / "vault" / "objects" / item[:2] / item) as wacz:
                loads.append(_loaded(wacz.read("views/dom.html").decode()))
        return {"load": sum(loads) / len(loads)}

    at_once = f", {parallel} at once" if parallel > 1 else ""
    shown = f"holdfast collect web ({len(pages)} pages{at_once})"
    return Side("holdfast" + at_once, shown, steps, prepare=prepare, check=check)


def _loaded(dom: str) -> float:
    """Return the seconds after which a page said that all of it had happened.

    Raises:
        BenchFailedError: it did not say so.
    """
    found = _LOADED.search(dom)
    expect(found is not None, "the page did not come to its end")
    return float(found[1]) / 1000 if found else 0.0
