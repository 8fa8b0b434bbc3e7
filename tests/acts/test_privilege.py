"""Issue "workbench": "legal privilege (quarantine, filter team, release as an act)"."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.core.digest import sha256_hex

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


def test_no_number_is_too_large_to_be_refused(case: Line) -> None:
    """For who may and who may not: the refusal of the second is entered, and has to be."""
    for name in ("finn", "sue"):
        for what in (("review",), ("rule", "release", "--reason", "R")):
            given = ("--operator", name, "privilege", what[0], 10**25, *what[1:])
            done = case(*given, "--case", case.case)
            assert (done.code, "a number is larger" in done.err) == (3, True), (name, what, done)


def _two_stories(folder: Path) -> bytes:
    """Make an archive with two odd letters, of which the directory hides one; return that one."""
    odd = "=?x-nonsense?B?4pyT?= about harbour"
    letters = [
        LETTER.format(sender=f"{name}@mail.example", subject=odd, text=text, number=name).encode()
        for name, text in (("seen", "An advert"), ("counsel", "From kanzlei@law.example"))
    ]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("seen.eml", letters[0])
        archive.writestr("counsel.eml", letters[1])
    data = content.getvalue()
    first, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    second = data.index(b"PK\1\2", first + 1)
    tail = bytearray(data[end:])
    tail[8:12], tail[12:16] = b"\1\0\1\0", (second - first).to_bytes(4, "little")
    (folder / "two.zip").write_bytes(data[:second] + bytes(tail))
    return letters[1]


@pytest.mark.parametrize("why", ["privilege", "abuse"])
def test_what_readers_and_versions_say_differently_is_kept_back_too(
    line: Line, tmp_path: Path, why: str
) -> None:
    """Of a file that is set apart nobody is told in what two readers, or two versions, differ."""
    letter = _two_stories(tmp_path)
    (tmp_path / "own.toml").write_text('[[pattern]]\nname = "word"\nregex = "harbour|advert"\n')
    line.collect(tmp_path / "two.zip")
    of = ("--case", line.case)
    line.must("examine", *of, "--jobs", 1, "--cross-check")
    line.must("examine", *of, "--jobs", 1, "--patterns", tmp_path / "own.toml")

    def told() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        changes = line.must("examine", *of, "--compare", "own_patterns", "--json").rows
        return line.must("disagreements", *of, "--json").rows, changes

    disagreements, changes = told()
    assert {one["inside"] for one in disagreements} == {"", "seen.eml", "counsel.eml"}
    assert any("counsel.eml" in one["thing"] for one in disagreements if not one["inside"])
    assert {one["inside"] for one in changes} == {"", "seen.eml", "counsel.eml"}

    if why == "privilege":
        apart = ("--term", "kanzlei@law.example", "--reason", "his counsel")
        line.must("privilege", "set", *of, *apart)
    else:
        (tmp_path / "bad.csv").write_text(f"name,SHA-256\nx,{sha256_hex(letter)}\n")
        about = ("--origin", "Us", "--date", "2026-01-01", "--version", "1", "--kind", "abuse")
        line.must("hashset", "add", tmp_path / "bad.csv", "--name", "bad", *about)
    for rows in told():
        shown = [one for one in rows if "withheld" not in str(one.get("message"))]
        assert {one["inside"] for one in shown if one["kind"] != "comparison"} == {"seen.eml"}
        text = json.dumps([one for one in rows if one["inside"] != "seen.eml"])
        assert not any(word in text for word in ("name=counsel", "nonsense", "harbour", "advert"))
        assert why == "abuse" or "counsel" not in text
