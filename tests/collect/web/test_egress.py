""" "public egress address only where configured; redactable" """

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.collect.web import chromium, egress
from holdfast.collect.web.guard import Guard
from holdfast.collect.web.resolving import Resolver
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

browser = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)), reason="no Chromium here: apt-get install chromium"
)
SAID = (200, {"Content-Type": "text/plain"}, b"203.0.113.9\n")


def captured(line: Line, url: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return capture.json of a capture, and all its parts."""
    given = ("--case", line.case, "--json", "--no-scroll", "--settle", "0")
    item = line.must("collect", "web", *given, url).row["item"]
    with zipfile.ZipFile(line.vault / "vault" / "objects" / item[:2] / item) as wacz:
        parts = {name: wacz.read(name) for name in wacz.namelist()}
    (about,) = [data for name, data in parts.items() if name.endswith("capture.json")]
    return json.loads(about), parts


@browser
def test_the_address_is_recorded_only_where_configured_and_in_a_part_of_its_own(
    line: Line,
) -> None:
    line.case = line.open_case("--scope", "127.0.0.1")
    with serving(Site({"/": page("<title>x</title>"), "/ip": SAID})) as site:
        about, parts = captured(line, site.url)
        assert about["egress"] is None
        assert not any("egress" in name for name in parts)
        assert "/ip" not in site.asked
        line.must("collect", "egress", "--ask", f"{site.url}ip")
        about, parts = captured(line, site.url)
    (setting,) = line.entries("vault.set")
    assert setting["setting"]["value"] == {"ask": f"{site.url}ip"}
    assert about["egress"]["claimed_by"] == f"{site.url}ip"
    part = json.loads(parts[about["egress"]["part"]])
    assert part["address"] == "203.0.113.9"
    assert part["claimed_by"] == f"{site.url}ip"
    assert len(part["salt"]) == 32
    # A copy without the part has it nowhere else; the browser did not ask.
    others = [data for name, data in parts.items() if name != about["egress"]["part"]]
    assert not any(b"203.0.113.9" in data for data in others)
    assert not any(b"/ip" in data for name, data in parts.items() if "exchanges" in name)
    line.intact()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {}, b"<html>not here</html>"), "is no IP address"),
        ((302, {"Location": "/ip"}, b""), "only who was named is asked"),
        ((503, {}, b"203.0.113.9"), "answered 503"),
    ],
)
def test_a_service_that_does_not_say_is_no_address(tmp_path: Path, answer: Any, words: str) -> None:
    with serving(Site({"/": answer, "/ip": SAID})) as site, (tmp_path / "g").open("wb") as out:

        def guard() -> Guard:
            return Guard(Resolver(), out, allows=lambda _address, _port: True)

        told = egress.learn(egress.Egress(ask=site.url), guard, tmp_path)
    assert words in told["error"]
    assert "address" not in told


def test_a_service_in_the_unit_s_own_network_is_not_reached(tmp_path: Path) -> None:
    with serving(Site({"/": SAID})) as site, (tmp_path / "g").open("wb") as out:
        asked = egress.Egress(ask=site.url)
        told = egress.learn(asked, lambda: Guard(Resolver(), out), tmp_path)
    assert "the case does not name it" in told["error"]
    assert site.asked == []


def test_the_setting_is_shown_changed_and_taken_away(line: Line) -> None:
    line.must("collect", "egress", "--address", "203.0.113.7")
    row = {"address": "203.0.113.7", "ask": None}
    assert line.must("collect", "egress", "--json").row == row
    line.must("collect", "egress", "--off")
    assert line.must("collect", "egress", "--json").row == {"address": None, "ask": None}
    for given in (("--address", "here"), ("--ask", "ftp://x"), ("--address", "::1", "--ask", "x")):
        assert line("collect", "egress", *given).code == 3
    assert len(line.entries("vault.set")) == 2
