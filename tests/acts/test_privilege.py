"""Issue "workbench": "legal privilege (quarantine, filter team, release as an act)"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.line import Line

LETTER = """From: {sender}
To: Jan Roe <jan@roe.example>
Subject: {subject}
Date: Tue, 3 Mar 2026 10:00:00 +0000
Message-ID: <{number}@mail.example>
Content-Type: text/plain

{text}
"""
MAILS = (
    ("Dr. Müller <kanzlei@law.example>", "Our line", "Say nothing about harbour. https://a.test/"),
    ("shop@shop.example", "Your order", "The harbour lamp is sent. https://b.test/"),
    ("Dr. Müller <kanzlei@law.example>", "Season's greetings", "Harbour greetings from us all."),
)


def mailbox() -> str:
    letters = (
        f"From x@mail.example Tue Mar  3 10:0{number}:00 2026\n"
        + LETTER.format(sender=sender, subject=subject, text=text, number=number)
        for number, (sender, subject, text) in enumerate(MAILS)
    )
    return "\n".join(letters)


@pytest.fixture
def case(line: Line, tmp_path: Path) -> Line:
    (tmp_path / "all.mbox").write_text(mailbox())
    (tmp_path / "other.txt").write_text("the harbour at night, https://c.test/\n")
    line.collect(tmp_path / "all.mbox", tmp_path / "other.txt")
    line.must("examine", "--case", line.case, "--jobs", 1)
    for name, role in (("finn", "filter"), ("sue", "supervisor")):
        line.must("operator", "add", name)
        line.must("case", "role", name, "--case", line.case, "--add", role)
    return line


def shown(line: Line) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every act that shows text of records."""
    of = ("--case", line.case, "--json")
    return {
        "search": line.must("search", *of, "harbour").rows,
        "timeline": line.must("timeline", *of).rows,
        "indicators": line.must("indicators", *of).rows,
    }


def texts(line: Line) -> Iterator[str]:
    for rows in shown(line).values():
        yield from (json.dumps(row, ensure_ascii=False) for row in rows)


def test_what_a_term_chooses_is_shown_to_the_filter_team_alone(case: Line, tmp_path: Path) -> None:
    before = shown(case)
    assert any("kanzlei" in text for text in texts(case))
    apart = ("privilege", "set", "--case", case.case, "--reason", "his counsel", "--json")
    number = case.must(*apart, "--term", "KANZLEI@law.example").row["quarantine"]

    for text in texts(case):
        assert not any(word in text for word in ("kanzlei", "Müller", "greetings", "a.test"))
    after = shown(case)
    assert any("lamp" in text for text in texts(case)), "the other mail stays"
    assert {name for name in before if len(after[name]) < len(before[name])} == set(before)
    counted = case.must("timeline", "--case", case.case, "--counts", "day", "--json").rows
    assert sum(row["events"] for row in counted) == 0, "of an item with some of it, nothing"

    # A limit does not tell how much was left out.
    limited = case.must("search", "--case", case.case, "--json", "--limit", 1, "harbour").rows
    assert len(limited) == 1

    # Nothing of it leaves, and nothing of the item's bytes is shown.
    bundle = ("bundle", "--case", case.case, "--to")
    refused = case(*bundle, tmp_path / "out")
    assert (refused.code, "may be privileged" in refused.err) == (4, True)
    case.must(*bundle, tmp_path / "rest", "--withhold", "AL/1")
    for view in (
        ("item", "get", "AL/1", "--case", case.case, "--to", tmp_path / "copy"),
        ("view", "AL/1", "--case", case.case),
    ):
        done = case(*view)
        assert (done.code, "may be privileged" in done.err) == (4, True), done

    # The supervisor and the lead don't read it; the filter team reads it and nothing else.
    review = ("privilege", "review", number, "--case", case.case, "--json")
    for name in ("alice", "sue"):
        assert case("--operator", name, *review).code == 4
    rows = case.must("--operator", "finn", *review).rows
    assert {"Müller" in json.dumps(row, ensure_ascii=False) for row in rows} >= {True}
    assert not any("lamp" in json.dumps(row) for row in rows)
    assert case("--operator", "finn", "search", "--case", case.case, "harbour").code == 4

    # One letter is released, the rest is kept out.
    released = next(row for row in rows if "greetings" in str(row.get("message")))
    rule = ("--operator", "finn", "privilege", "rule", number)
    of = ("--case", case.case, "--reason", "R")
    assert case("privilege", "rule", number, "release", *of).code == 4, "alice is not on the team"
    case.must(*rule, "release", *of, "--file", "AL/1", released["file"])
    now = list(texts(case))
    assert any("greetings" in text for text in now)
    assert not any("Our line" in text or "a.test" in text for text in now)
    case.must(*rule, "keep-out", *of)
    assert not any("Our line" in text for text in texts(case))
    (listed,) = case.must("privilege", "list", "--case", case.case, "--json").rows
    assert (listed["outcome"], listed["decided_files"], listed["exhibits"]) == (
        "keep-out",
        1,
        ["AL/1"],
    )
    case.must("rebuild")
    assert not any("Our line" in text for text in texts(case))
    case.intact()

    # And when all is released, all is as it was.
    case.must(*rule, "release", *of)
    assert shown(case) == before


def test_what_comes_later_is_held_against_the_terms_too(case: Line, tmp_path: Path) -> None:
    apart = ("privilege", "set", "--case", case.case, "--reason", "R", "--term", "Muller")
    case.must(*apart)
    (tmp_path / "late.eml").write_text(
        LETTER.format(sender=MAILS[0][0], subject="Late", text="harbour again", number=9)
    )
    case.collect(tmp_path / "late.eml")
    case.must("examine", "--case", case.case, "--jobs", 1)
    assert not any("again" in text or "Late" in text for text in texts(case))


def test_an_item_that_was_set_apart_is_so_in_every_case(case: Line, tmp_path: Path) -> None:
    other = case.open_case()
    case.collect(tmp_path / "other.txt", case=other)
    case.must("examine", "--case", other, "--jobs", 1)
    case.must("privilege", "set", "AL/2", "--case", case.case, "--reason", "R")
    assert case.must("indicators", "--case", other, "--json").rows == []
    assert case("bundle", "--case", other, "--to", tmp_path / "out").code == 4


def test_the_two_teams_stay_apart(case: Line) -> None:
    role = ("case", "role", "--case", case.case)
    both = case(*role, "finn", "--add", "examiner")
    assert (both.code, "filter team" in both.err) == (4, True)
    assert case(*role, "sue", "--add", "filter").code == 4
    case.must(*role, "finn", "--remove", "filter")
    was = case(*role, "finn", "--add", "examiner")
    assert (was.code, "was on the filter team" in was.err) == (4, True)
    short = ("privilege", "set", "--case", case.case, "--reason", "R")
    assert case(*short, "--term", "x").code == 3
    assert case(*short).code == 3
