""" "second vantage and a diff of the two captures (cloaking)": one real browser at each place."""

from __future__ import annotations

import ipaddress
import json
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from holdfast.collect.web import chromium
from holdfast.collect.web.guard import Guard
from holdfast.collect.web.resolving import Resolver
from holdfast.collect.web.tunnel import Tunnel
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)), reason="no Chromium here: apt-get install chromium"
)
HOST = "shop.example"


def test_a_site_that_cloaks_is_seen_from_two_places_at_once(line: Line, tmp_path: Path) -> None:
    bank = {"/": (302, {"Location": "/login"}, b"")}
    bank["/login"] = page("<title>Bank</title>Your account is blocked: enter your number")
    shop = {"/": page("<title>Nothing here</title>Under construction")}
    # What a name is at this machine, and what it is where the proxy stands: the first site serves
    # us, the second whoever comes through the proxy.
    with serving(Site(shop)) as one, serving(Site(bank)) as two, (tmp_path / "g").open("wb") as out:

        class Moved(Guard):
            async def _reach(self, line):  # type: ignore[no-untyped-def]
                line.port = two.port
                return await super()._reach(line)

        def proxy() -> Guard:
            named = {HOST: (ipaddress.ip_address("127.0.0.1"),)}
            return Moved(Resolver(named=named), out, allows=lambda _address, _port: True)

        with Tunnel(proxy) as tunnel:
            assert tunnel._guard is not None
            line.case = line.open_case("--scope", "127.0.0.1", "--scope", HOST)
            done = line.must(
                *("collect", "web", "--case", line.case, "--json", "--no-scroll", "--settle", "0"),
                *("--resolve", f"{HOST}=127.0.0.1"),
                *("--second-proxy", f"socks5h://127.0.0.1:{tunnel._guard.port}"),
                f"http://{HOST}:{one.port}/",
            )
    kept, pair = done.rows[:2], done.rows[2]
    assert pair["cloaking"] == {
        "verdict": "differs",
        "what": ["redirects", "title", "text"],
    }
    by_place = {row["vantage"]["this"]: row for row in kept}
    assert pair["items"] == [by_place["first"]["item"], by_place["second"]["item"]]
    titles = []
    for place in ("first", "second"):
        item = by_place[place]["item"]
        stored = line.vault / "vault" / "objects" / item[:2] / item
        with zipfile.ZipFile(stored) as wacz:
            (name,) = [one for one in wacz.namelist() if one.endswith("capture.json")]
            about = json.loads(wacz.read(name))
        titles.append(about["page"]["title"])
        assert about["asked"]["vantage"] == by_place[place]["vantage"]
    assert titles == ["Nothing here", "Bank"]
    assert len({row["vantage"]["pair"] for row in kept}) == 1
    records = [entry["record"]["vantage"] for entry in line.entries("collect.item")]
    assert {one["pair"] for one in records} == {kept[0]["vantage"]["pair"]}
    assert [one["item"] for one in line.entries("collect.diff")] == pair["items"]
    line.intact()
