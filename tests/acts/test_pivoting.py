"""Issue "workbench": "indicators with pivot to every mention and to other cases"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from holdfast.acts.linking import ASK
from tests.acts.test_hashsets import add
from tests.acts.test_privilege import mailbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

LOG = "".join(
    f'198.51.100.{host} - - [03/Mar/2026:10:00:0{host} +0000] "GET /a HTTP/1.1" 200 1 '
    '"http://evil.example/" "curl"\n'
    for host in (1, 2, 3)
)
TEXT = "we saw hxxp://EVIL[.]example today; ask help@fine.com, see setup.py\n" + "x" * 600


@pytest.fixture
def case(line: Line, tmp_path: Path) -> Line:
    (tmp_path / "access.log").write_text(LOG)
    (tmp_path / "note.txt").write_text(TEXT)
    # Far enough from the letters around it that what is shown of it shows nothing of them.
    far = f"{'so ' * 200}jan@roe.example https://b.test/ {'it is ' * 100}"
    (tmp_path / "all.mbox").write_text(mailbox().replace("https://b.test/", far))
    for name in ("access.log", "note.txt", "all.mbox"):
        assert line.collect(tmp_path / name).code == 0
    line.must("examine", "--case", line.case, "--jobs", 1)
    return line


def listed(line: Line, *options: object) -> dict[str, Any]:
    return line.must("indicator", "list", "--case", line.case, "--json", *options).row


def shown(line: Line, kind: str, value: str, *options: object) -> dict[str, Any]:
    return line.must("indicator", "show", kind, value, "--case", line.case, "--json", *options).row


def test_values_are_counted_narrowed_and_turned_page_by_page(case: Line, tmp_path: Path) -> None:
    whole = listed(case)
    assert [(one["value"], one["places"]) for one in whole["values"][:2]] == [
        ("jan@roe.example", 4), ("evil.example", 3),
    ]  # fmt: skip
    assert whole["next"] is None
    assert whole["total"] == len(whole["values"])
    pages = [listed(case, "--limit", 4)]
    while pages[-1]["next"]:
        pages.append(listed(case, "--limit", 4, "--after", pages[-1]["next"]))
    assert [one for page in pages for one in page["values"]] == whole["values"]

    # A facet says what choosing it gives, and leaves its own choice out of its own counts.
    for choice in whole["facets"]["kinds"]:
        narrowed = listed(case, "--kind", choice["choice"])
        assert narrowed["total"] == choice["values"]
        assert narrowed["facets"]["kinds"] == whole["facets"]["kinds"]
    assert {one["value"] for one in listed(case, "--valid", "no")["values"]} == {"setup.py"}
    assert {one["kind"] for one in listed(case, "--text", "EVIL")["values"]} == {"domain", "url"}

    # A list marks and never removes.
    (tmp_path / "fine.csv").write_text("rank,domain\n1,fine.com\n2,evil.example\n")
    assert add(case, tmp_path / "fine.csv", "top", "known-good", "--values", "domain").code == 0
    (tmp_path / "bad.csv").write_text("rank,domain\n1,evil.example\n")
    assert add(case, tmp_path / "bad.csv", "blocked", "known-bad", "--values", "domain").code == 0
    (bad, *_) = listed(case, "--mark", "bad")["values"]
    assert (bad["value"], bad["known_bad"], bad["known_good"]) == (
        "evil.example", ["blocked"], ["top"],
    )  # fmt: skip
    assert listed(case)["total"] == whole["total"]
    done = case("indicator", "list", "--case", case.case, "--after", "WzEsMl0")
    assert (done.code, "no place in this list" in done.err) == (3, True)


def test_one_value_leads_to_every_mention_its_record_and_what_stands_beside_it(case: Line) -> None:
    one = shown(case, "domain", "evil.example")
    assert one["spellings"] == ["evil.example", "EVIL[.]example"], "the more frequent first"
    assert one["places"] == len(one["mentions"]) == 4
    of_log = [row for row in one["mentions"] if row["exhibit"] == "AL/1"]
    assert [row["record"]["time"] for row in of_log] == [
        f"2026-03-03T10:00:0{second}Z" for second in (1, 2, 3)
    ]
    assert {row["record"]["kind"] for row in of_log} == {"web.access"}
    raw = LOG.encode()
    for row in of_log:
        assert raw[row["offset"] : row["offset"] + row["length"]] == b"evil.example"
    beside = {(row["value"], row["records"]) for row in one["together"]}
    assert {("198.51.100.1", 1), ("http://evil.example/", 3), ("help@fine.com", 1)} <= beside
    # What has no record: the bytes around it, and no more.
    (entry,) = case.entries("indicator.show")
    assert (entry["request"]["value"], entry["result"]["lines"]) == ("evil.example", 4)
    pages = [shown(case, "domain", "evil.example", "--limit", 1)]
    while pages[-1]["next"]:
        after = pages[-1]["next"]
        pages.append(shown(case, "domain", "evil.example", "--limit", 1, "--after", after))
    assert [page["mentions"][0] for page in pages] == one["mentions"]
    done = case("indicator", "show", "domain", "not.there.example", "--case", case.case)
    assert (done.code, "shows no domain" in done.err) == (3, True)


def test_another_case_that_holds_it_is_named_to_who_has_rights_there(
    case: Line, tmp_path: Path
) -> None:
    second = case.open_case("--lead", "bob")
    (tmp_path / "there.txt").write_text("we saw evil.example as well\n")
    assert case.collect(tmp_path / "there.txt", case=second).code == 0
    case.must("examine", "--case", second, "--jobs", 1)
    (other,) = shown(case, "domain", "evil.example")["elsewhere"]
    assert other == {"case": second, "lead": "bob", "note": None}
    assert shown(case, "email", "help@fine.com")["elsewhere"] == []
    tag = case.vault / "keys" / "cases" / f"{second}.tag"
    away = tag.rename(tmp_path / "away.tag")
    (other,) = shown(case, "domain", "evil.example")["elsewhere"]
    assert other == {"case": None, "lead": "bob", "note": ASK}
    *_, entry = case.entries("indicator.show")
    assert entry["result"]["elsewhere"] is True
    away.rename(tag)
    (held,) = case.must("items", "--case", second, "--json").rows
    case.must("privilege", "set", held["exhibit"], "--case", second, "--reason", "his counsel")
    assert shown(case, "domain", "evil.example")["elsewhere"] == []


def test_what_is_set_apart_is_neither_listed_nor_counted_nor_found(case: Line) -> None:
    before = {one["value"] for one in listed(case)["values"]}
    assert {"kanzlei@law.example", "a.test"} <= before
    together = shown(case, "email", "jan@roe.example")["together"]
    assert "kanzlei@law.example" in {row["value"] for row in together}
    apart = ("privilege", "set", "--case", case.case, "--reason", "his counsel")
    case.must(*apart, "--term", "kanzlei@law.example")
    after = {one["value"] for one in listed(case)["values"]}
    assert before - after >= {"kanzlei@law.example", "a.test"}
    assert "b.test" in after, "the other letter of the mailbox stays"
    done = case("indicator", "show", "email", "kanzlei@law.example", "--case", case.case)
    assert (done.code, "shows no email" in done.err) == (3, True)
    rest = shown(case, "email", "jan@roe.example")
    assert rest["places"] == len(rest["mentions"]) == 1
    assert "kanzlei" not in str(rest)
