""" "a person's profile needs a supervisor's approval" """

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from holdfast.cases.profile_pages import DEFAULT, Patterns, ProfilePage
from holdfast.collect.web import chromium
from holdfast.core.errors import InputError
from holdfast.vault import custody
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from tests.line import Done, Line

browser = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)), reason="no Chromium here: apt-get install chromium"
)
HOST = "social.example"
"""Browsers ask the real ones by HTTPS alone, whatever the address says (HSTS)."""


@pytest.mark.parametrize(
    ("url", "marked"),
    [
        ("https://facebook.com/jane", True),
        ("https://m.facebook.com/jane/photos", True),
        ("https://www.Facebook.com./Jane", True),
        ("http://facebook.com:8080/profile.php?id=1", True),
        ("https://facebook.com/%6aane", True),
        ("https://facebook.com/", False),
        ("https://notfacebook.com/jane", False),
        ("https://facebook.com.evil.example/jane", False),
        ("https://linkedin.com/in/jane", True),
        ("https://linkedin.com/in/jane/details", True),
        ("https://linkedin.com/jobs/1", False),
        ("https://linkedin.com/in/", False),
        ("https://linkedin.com/x/../in/jane", True),
        ("https://tiktok.com/@jane", True),
        ("https://tiktok.com/music", False),
        ("https://t.me/s/jane", True),
        ("https://shop.example/facebook.com/jane", False),
        ("ftp://facebook.com/jane", False),
    ],
)
def test_which_pages_are_a_person_s(url: str, marked: bool) -> None:
    assert Patterns.of(DEFAULT).marks(url) is marked


@pytest.mark.parametrize(
    ("approved", "url", "covered"),
    [
        ("https://facebook.com/jane", "https://m.facebook.com/Jane/", True),
        ("https://facebook.com/jane", "https://facebook.com/jane/photos", True),
        ("https://facebook.com/jane", "https://facebook.com/janet", False),
        ("https://facebook.com/jane", "https://facebook.com/jane/../joan", False),
        ("https://facebook.com/jane", "https://instagram.com/jane", False),
        ("https://facebook.com/p.php?id=1", "https://facebook.com/p.php?id=1", True),
        ("https://facebook.com/p.php?id=1", "https://facebook.com/p.php?id=2", False),
        ("https://facebook.com/p.php?id=1", "https://facebook.com/p.php?id=1&id=2", False),
        ("https://facebook.com/p.php?id=1", "https://facebook.com/p.php", False),
        ("https://facebook.com/p.php", "https://facebook.com/p.php?id=2", False),
    ],
)
def test_an_approval_is_for_one_page_and_what_lies_below(
    approved: str, url: str, covered: bool
) -> None:
    assert ProfilePage.parse(approved).covers(url) is covered


@pytest.mark.parametrize("text", ["", "*", "*/x", "social.example", "so cial.example/*", "a.b/**"])
def test_what_is_no_pattern_is_told(text: str) -> None:
    with pytest.raises(InputError):
        Patterns.of([text])


@pytest.fixture
def unit(line: Line, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setattr(custody, "account", lambda: f"account-of-{line.operator}")
    line.must("operator", "add", "bob", "--role", "supervisor")
    line.must("operator", "add", "carl")
    line.must("collect", "profile-pages", "--add", f"{HOST}/*")
    line.case = line.open_case("--scope", "127.0.0.1", "--scope", HOST)
    return line


def by(line: Line, who: str, *command: object) -> Done:
    before, line.operator = line.operator, who
    done = line(*command)
    line.operator = before
    return done


def capture(line: Line, url: str) -> Done:
    given = ("--case", line.case, "--json", "--no-scroll", "--settle", "0")
    return line("collect", "web", *given, "--resolve", f"{HOST}=127.0.0.1", url)


@browser
def test_a_profile_is_captured_once_a_supervisor_has_approved_that_page(unit: Line) -> None:
    pages = {
        "/jane": page("<title>Jane</title>"),
        "/out": (302, {"Location": "/joan"}, b""),
        "/joan": page("<title>Joan</title>"),
    }
    with serving(Site(pages)) as site:
        url = f"http://{HOST}:{site.port}"
        for command in (
            ("collect", "web", "--case", unit.case, f"{url}/jane"),
            ("collect", "url", "--case", unit.case, f"{url}/jane"),
            ("collect", "schedule", "add", "--case", unit.case, "--every", "1h", f"{url}/jane"),
        ):
            done = unit(*command)
            assert (done.code, "is a person's page" in done.err) == (4, True), done.err
            assert unit.entries("denied")[-1]["reason"] in done.err
        asked = unit.must(
            *("collect", "profile", "--case", unit.case, "--reason", "sells there", "--json"),
            f"{url}/jane",
        ).row["request"]
        assert capture(unit, f"{url}/jane").code == 4
        for who in ("alice", "carl"):
            assert by(unit, who, "request", "approve", asked).code == 4
        assert by(unit, "bob", "request", "approve", asked).code == 0
        # Another page stays closed, also where the approved one's host leads to it.
        assert capture(unit, f"{url}/joan").code == 4
        assert site.asked == []
        done = capture(unit, f"{url}/jane")
        assert (done.code, "/jane" in site.asked) == (0, True), done.err
        (allowed,) = unit.entries("profile.allowed")
        (entry,) = unit.entries("collect.item")
        assert entry["record"]["profile"] == {"approved_by": ["bob"], "entry": allowed["entry"]}
        stored = unit.vault / "vault" / "objects" / done.row["item"][:2] / done.row["item"]
        with zipfile.ZipFile(stored) as wacz:
            (name,) = [one for one in wacz.namelist() if one.endswith("capture.json")]
            assert json.loads(wacz.read(name))["asked"]["profile"]["entry"] == allowed["entry"]
        # No list of ours is complete: the unit takes a page off it, and a redirect is still judged.
        unit.must("collect", "profile-pages", "--add", f"{HOST}/joan")
        assert by(unit, "carl", "collect", "profile-pages", "--remove", f"{HOST}/*").code == 4
        assert by(unit, "bob", "collect", "profile-pages", "--remove", f"{HOST}/*").code == 0
        done = capture(unit, f"{url}/out")
        told = "a person's page that nobody has approved; not followed"
        assert (done.code, told in done.err) == (0, True), done.err
        assert (done.row["out_of_scope"], done.row["unapproved"]) == ([], [f"{url}/joan"])
        assert unit.entries("collect.item")[-1]["record"]["unapproved"] == [f"{url}/joan"]
        given = ("collect", "url", "--case", unit.case, "--resolve", f"{HOST}=127.0.0.1")
        done = unit(*given, f"{url}/out")
        assert "needs a supervisor's approval" in done.err
        record = unit.entries("collect.item")[-1]["record"]
        assert (record["out_of_scope"], record["unapproved"]) == (None, f"{url}/joan")
        assert "/joan" not in site.asked
        # Outside the scope is outside the scope, whoever's page it is.
        unit.case = unit.open_case("--scope", "127.0.0.1", "--scope", f"http://{HOST}:1/")
        outside = unit(*("collect", "web", "--case", unit.case, f"{url}/joan"))
        assert (outside.code, "outside the scope" in outside.err) == (4, True)
    unit.intact()


def test_an_approval_is_for_one_case(unit: Line) -> None:
    url = f"https://{HOST}/jane"
    given = ("--reason", "R", "--json", url)
    asked = unit.must("collect", "profile", "--case", unit.case, *given).row["request"]
    assert by(unit, "bob", "request", "approve", asked).code == 0
    unit.case = unit.open_case("--scope", HOST)
    assert capture(unit, url).code == 4
    done = unit("collect", "profile", "--case", unit.case, "--reason", " ", url)
    assert (done.code, "needs a reason" in done.err) == (3, True)
