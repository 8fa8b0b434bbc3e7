"""Issue "workbench": "link chart of people, accounts, addresses, hosts, wallets with source and
grade on every link, confirmed/unconfirmed drawn apart … export of the data as well as the picture"
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from holdfast.cases import chart_files
from holdfast.cases.chart import WIDE, Chart, Node, Tie, height, places

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

MAIL = """From: {sender}
To: {to}
Subject: hello
Date: Tue, 3 Mar 2026 10:00:0{number} +0000
Message-ID: <{number}@mail.example>

{text}
"""
SIGN_IN = "Accepted password for kari from 203.0.113.9 port 1"
LOG = f"<34>1 2026-03-01T08:00:00Z pc-7 sshd 1 - - {SIGN_IN}\n"
HOSTILE = '=HYPERLINK("x")<script>alert(1)</script>\u202e\x07'


@pytest.fixture
def case(line: Line, tmp_path: Path) -> Line:
    letters = (
        ("boss@gang.example", "vic@home.example", "pay"),
        ("vic@home.example", "boss@gang.example", "why"),
        ("x@other.example", "y@other.example", "see boss@gang.example and 203.0.113.9"),
        ("z@other.example", "y@other.example", "big-boss@gang.example, 203.0.113.90"),
    )
    for number, (sender, to, text) in enumerate(letters):
        body = MAIL.format(sender=sender, to=to, text=text, number=number)
        (tmp_path / f"{number}.eml").write_text(body)
        assert line.collect(tmp_path / f"{number}.eml").code == 0
    (tmp_path / "auth.log").write_text(LOG)
    assert line.collect(tmp_path / "auth.log").code == 0
    line.must("examine", "--case", line.case, "--jobs", 1)
    of = ("--case", line.case)
    for name, sort, known in (
        ("The boss", "account", "email:boss@gang.example"),
        ("Vic", "person", "email:vic@home.example"),
        ("The server", "address", "ipv4:203.0.113.9"),
        ("Kari", "account", "username:kari"),
        ("PC 7", "host", "alias:pc-7"),
        (HOSTILE.replace("\x07", ""), "wallet", "other:none"),
    ):
        line.must("entity", "add", name, *of, "--sort", sort, "--id", known)
    link = ("--grade", "B2", "--cite", "AL/1")
    line.must("entity", "link", 1, 3, *of, *link, "--relation", "rents", "--confirmed")
    line.must("entity", "link", 2, 6, *of, *link, "--relation", "paid to")
    return line


def ties(line: Line, *options: object) -> set[tuple[object, ...]]:
    told = line.must("chart", "show", "--case", line.case, "--json", *options).row
    return {
        (one["source"], one["relation"], one["target"], one["standing"], one["grade"])
        for one in told["links"]
    }


def test_what_people_entered_and_what_the_data_says_stand_apart(case: Line) -> None:
    assert ties(case) == {
        (1, "rents", 3, "confirmed", "B2"),
        (2, "paid to", 6, "suspected", "B2"),
        (1, "wrote to", 2, "derived", "X4"),
        (2, "wrote to", 1, "derived", "X4"),
        (1, "named with", 3, "derived", "X4"),  # and not by the one that has them as parts
        (4, "acted on", 5, "derived", "X4"),
        (3, "named with", 4, "derived", "X4"),
        (3, "named with", 5, "derived", "X4"),
    }
    told = case.must("chart", "show", "--case", case.case, "--json").row["links"]
    (said,) = [one for one in told if (one["source"], one["target"]) == (1, 3)][1:]
    assert said["cites"] == ["AL/3:#row=1"]
    assert all(one["cites"] and one["records"] for one in told), "a source on every link"
    assert {one[3] for one in ties(case, "--entered")} == {"confirmed", "suspected"}
    assert ties(case, "--around", 6) == {(2, "paid to", 6, "suspected", "B2")}
    done = case("chart", "show", "--case", case.case, "--around", 99)
    assert (done.code, "no entity 99" in done.err) == (3, True)

    # A link that was wrong is taken back, once, and stays in the log.
    case.must("entity", "unlink", 1, "--case", case.case, "--reason", "another server")
    assert "rents" not in {one[1] for one in ties(case)}
    done = case("entity", "unlink", 1, "--case", case.case, "--reason", "R")
    assert (done.code, "already" in done.err) == (3, True)
    assert case.entries("entity.unlink")[0]["reason"] == "another server"
    case.must("rebuild")
    assert "rents" not in {one[1] for one in ties(case)}
    case.intact()

    # What is set apart says nothing here either.
    apart = ("privilege", "set", "--case", case.case, "--reason", "R", "--term", "and 203.0.113.9")
    case.must(*apart)
    assert (1, "named with", 3, "derived", "X4") not in ties(case)
    assert (1, "wrote to", 2, "derived", "X4") in ties(case)


def test_files_carry_all_of_it_and_nothing_that_acts(case: Line, tmp_path: Path) -> None:
    for form in ("csv", "graphml", "json", "svg"):
        case.must("chart", "export", "--case", case.case, "--to", tmp_path / f"chart.{form}")
    with (tmp_path / "chart.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    whole = json.loads((tmp_path / "chart.json").read_bytes())
    assert len(rows) == len(whole["links"]) == len(ties(case))
    (paid,) = [row for row in rows if row["relation"] == "paid to"]
    assert (paid["grade"], paid["standing"], paid["cites"]) == ("B2", "suspected", "AL/1")
    assert paid["to_name"].startswith("'=HYPERLINK"), "text, and no formula"
    tree = ElementTree.parse(tmp_path / "chart.graphml")  # noqa: S314 - we wrote it
    space = "{http://graphml.graphdrawing.org/xmlns}"
    assert len(tree.findall(f".//{space}edge")) == len(rows)
    names = {one.text for one in tree.findall(f".//{space}data[@key='n_name']")}
    assert HOSTILE.replace("\x07", "") in names
    svg = (tmp_path / "chart.svg").read_text()
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert {one.tag for one in ElementTree.fromstring(svg).iter()} <= {  # noqa: S314
        f"{{http://www.w3.org/2000/svg}}{name}"
        for name in ("svg", "defs", "marker", "path", "line", "text", "g", "circle", "rect")
    }
    (entry, *_) = case.entries("chart.export")
    assert entry["result"]["size"] == (tmp_path / "chart.csv").stat().st_size
    again = case("chart", "export", "--case", case.case, "--to", tmp_path / "chart.svg")
    assert (again.code, "exists already" in again.err) == (3, True)


def test_one_chart_has_one_picture_whatever_is_in_it() -> None:
    nodes = tuple(Node(one, "person", "other", HOSTILE * 9) for one in range(1, 41))
    some = tuple(
        Tie(f"link-{one}", one, one % 7 + 1, HOSTILE, "B2", "suspected", ("AL/1",), 1)
        for one in range(1, 30)
    )
    chart = Chart(nodes, some)
    at = places(chart)
    assert at == places(Chart(tuple(nodes), tuple(some)))
    assert at.keys() == {one.number for one in nodes}
    assert all(0 <= x <= WIDE and 0 <= y <= height(chart) for x, y in at.values())
    assert len(set(at.values())) == len(nodes)
    for write, _ in chart_files.FORMS.values():
        for one in (chart, Chart((), ()), Chart(nodes[:1], ())):
            assert write(one)
    ElementTree.fromstring(chart_files.to_graphml(chart))  # noqa: S314
    ElementTree.fromstring(chart_files.to_svg(chart))  # noqa: S314
