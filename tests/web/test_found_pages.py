"""Pages of what programs found: campaigns, matches of rules and lists, disagreements of readers."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from selectolax.lexbor import LexborHTMLParser

from holdfast.cli.main import run
from holdfast.core.digest import sha256_hex
from tests import serving
from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving import Served

PAGE = (
    "<html><head><title>Log in</title></head><body><form action='https://take.example/in' "
    "method=post><input name=pin></form><p>Dear {name}, please type your number, your password, "
    "your telephone number and the code that we have just sent to it at https://nordlys.example/x. "
    "Then wait for the call of our adviser and tell nobody about it.</p></body></html>"
)
MAIL = """From: {sender}
To: {name}@mail.example
Date: Tue, 0{day} Mar 2026 09:00:00 +0100
Subject: =?x-nonsense?B?4pyT?= <script>alert({day})</script>
Message-ID: <{day}@bank.example>

Dear {name}, the bank has stopped your account because somebody has used it from abroad. Open
https://nordlys.example/{day} within a day, type your number and your password and it is yours.
"""
RULE = 'rule asks_for_password { meta: v = "1" strings: $a = "your password" condition: $a }'
BAD, ABUSE = b"a tool that steals\n", b"what nobody is to be shown\n"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A case with two pages of one kit, a mailing, a known tool, and what is on a list of abuse."""
    root = tmp_path_factory.mktemp("found")
    evidence = root / "evidence"
    evidence.mkdir()
    for day, name in enumerate(("Ingrid", "Marit"), 3):
        (evidence / f"{name}.html").write_text(PAGE.format(name=name))
        mail = MAIL.format(name=name, day=day, sender="bank@nordlys.example")
        (evidence / f"{name}.eml").write_text(mail)
    (evidence / "tool.txt").write_bytes(BAD)
    (evidence / "abuse.txt").write_bytes(ABUSE)
    vault = serving.office(root / "vault", evidence)
    (root / "rules.yar").write_text(RULE)

    def do(*arguments: object) -> None:
        given = ["--vault", str(vault), "--operator", "lena", *map(str, arguments)]
        assert run(given) == 0, arguments

    for name, content, kind in (("tools", BAD, "known-bad"), ("images", ABUSE, "abuse")):
        (root / f"{name}.csv").write_text(f"name,SHA-256\nx,{sha256_hex(content)}\n")
        about = ("--origin", "the tests", "--version", "1", "--date", "2026-11-24")
        do("hashset", "add", root / f"{name}.csv", "--name", name, "--kind", kind, *about)
    more = ("--similar", "--cross-check", "--yara", root / "rules.yar")
    do("examine", "--case", CASE, "--jobs", "1", *more)
    with serving.served(vault) as one:
        yield one
    shutil.rmtree(vault)


def read(served: Served, page: str, name: str = "ewa", code: int = 200) -> LexborHTMLParser:
    """Return a page of the case; every link on it to an item leads to one that is there."""
    with served.client(name) as client:
        answer = client.get(f"/cases/{CASE}/{page}")
        assert answer.status_code == code, answer.text
        assert "<script>alert" not in answer.text
        tree = LexborHTMLParser(answer.text)
        for node in tree.css("main a[href*='/items/']"):
            shown = client.get(str(node.attributes["href"]))
            assert shown.status_code == 200, node.attributes["href"]
    return tree


def text(tree: LexborHTMLParser, what: str = "main") -> str:
    return " ".join(" ".join(node.text() for node in tree.css(what)).split())


def test_campaigns_say_how_many_when_and_what_they_share(found: Served) -> None:
    tree = read(found, "campaigns")
    cards = [" ".join(card.text().split()) for card in tree.css("main section.card")]
    (mails,) = [card for card in cards if "bank@nordlys.example" in card]
    (pages,) = [card for card in cards if "take.example" in card]
    assert "2 texts" in mails and "nordlys.example 2 of 2" in mails
    assert "2026-03-03 08:00:00" in mails and "2026-03-04 08:00:00" in mails
    assert "post to https://take.example/in 2 of 2" in pages
    assert not tree.css("main img"), "no picture is shown where it is listed"
    one = str(tree.css("main section.card h2 a")[0].attributes["href"]).partition("?")[2]
    assert len(read(found, f"campaigns?{one}").css("main section.card")) == 1
    assert "Nothing is alike" in text(read(found, "campaigns?kind=picture"))
    read(found, "campaigns?kind=people", code=400)


def test_matches_name_their_rule_and_list_and_show_nothing_of_abuse(found: Served) -> None:
    lists = read(found, "matches")
    rows = [" ".join(row.text().split()) for row in lists.css("tbody tr")]
    (tool,) = [row for row in rows if "tools" in row]
    (abuse,) = [row for row in rows if "images" in row]
    assert "known to be bad" in tool and "sha256" in tool
    assert "abuse material" in abuse and "not shown" in abuse
    links = [str(a.attributes["href"]) for a in lists.css("tbody th a")]
    assert len(links) == len(rows) - 1, "what is not shown is not linked to its viewer"
    assert len(read(found, "matches?only=abuse").css("tbody tr")) == 1
    rules = read(found, "matches?table=yara&only=asks_for_password")
    assert len(rules.css("tbody tr")) == 4
    assert all("SHA-256" in row.text() and "$a@" in row.text() for row in rules.css("tbody tr"))
    assert "No record fits" in text(read(found, "matches?table=sigma"))
    read(found, "matches?table=people", code=400)


def test_disagreements_show_both_sides_and_versions_their_sums(found: Served) -> None:
    rows = read(found, "disagreements").css("tbody tr")
    assert len(rows) == 2
    assert all("subject" in row.text() and "mail_stdlib" in row.text() for row in rows)
    assert "Nothing was read" in text(read(found, "disagreements?parser=evtx"))
    tree = read(found, "disagreements/versions?old=yara")
    assert text(tree, "caption").startswith("Sums Records that differ")
    assert "yara.match" in text(tree) and "added" in text(tree)
    read(found, "disagreements/versions?old=nothing", code=400)
    for page in ("campaigns", "matches", "disagreements"):
        read(found, page, "aude", code=403)
