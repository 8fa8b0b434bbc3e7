"""The same validated indicator in two cases is a link: for whom, and what the others learn."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from holdfast.acts.linking import ASK
from holdfast.acts.restricting import WITHHELD
from holdfast.core import clock
from holdfast.examine import links
from tests.acts.test_erasing import Unit, account, places, unit
from tests.acts.test_hashsets import add
from tests.line import copied, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

__all__ = ["account", "unit"]

IBAN = "DE89370400440532013000"
CARD = "4111 1111 1111 1111"
HERE = f"pay to DE89 3704 0044 0532 0130 00 or call +49 30 901820, see CVE-2021-44228, {CARD}\n"
THERE = f"paid to {IBAN}; CVE-2021-44228; from 192.168.0.7; card 4111-1111-1111-1112\n"


class Two:
    """Two examined cases of one vault: both hold the IBAN, and what makes no link."""

    def __init__(self, line: Line, second: str) -> None:
        self.line = line
        self.first, self.second = line.case, second

    def ask(self, case: str = "") -> list[dict[str, object]]:
        return self.line.must("links", "--case", case or self.first, "--json").rows

    def hide(self) -> None:
        """Take the second case's key out of the keyring."""
        (self.line.vault / "keys" / "cases" / f"{self.second}.tag").unlink()


def examined(line: Line, folder: Path) -> str:
    """Open the second case, and examine a text in each; return its number."""
    second = line.open_case("--lead", "bob")
    for case, text in ((line.case, HERE), (second, THERE)):
        source = folder / f"{case}.txt"
        source.write_text(text)
        assert line.collect(source, case=case).code == 0
        line.must("examine", "--case", case, "--jobs", "1")
    return second


@pytest.fixture(scope="module")
def made_two(
    made_plain: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str, str]:
    second: list[str] = []
    made = prepared(
        made_plain, tmp_path_factory, lambda line, folder: second.append(examined(line, folder))
    )
    return *made, second[0]


@pytest.fixture
def two(made_two: tuple[Path, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Two:
    root, first, second = made_two
    return Two(copied((root, first), tmp_path, capsys), second)


def test_with_rights_in_both_the_other_case_is_named(two: Two) -> None:
    (row,) = two.ask()
    assert (row["kind"], row["value"], row["case"]) == ("iban", IBAN.lower(), two.second)
    assert (row["lead"], row["note"], row["places"], row["exhibit"]) == ("bob", None, 1, "AL/1")
    (back,) = two.ask(two.second)
    assert back["case"] == two.first
    assert two.line.must("links", "--case", two.first, "--kind", "email", "--json").rows == []


def test_without_the_other_case_s_key_only_its_lead_is_named(two: Two) -> None:
    """ "else as 'another case holds this: ask its lead'" """
    two.hide()
    done = two.line.must("links", "--case", two.first)
    assert two.second not in done.out and "(bob)" in done.out and ASK in done.out
    (row,) = two.ask()
    assert (row["case"], row["note"], row["lead"]) == (None, ASK, "bob")


def test_without_a_role_in_the_other_case_only_its_lead_is_named(two: Two) -> None:
    """ "a link, shown only to people with rights in both" """
    two.line.must("operator", "add", "carol")
    two.line.must("case", "role", "carol", "--case", two.first, "--add", "examiner")
    two.line.operator = "carol"
    (row,) = two.ask()
    assert (row["case"], row["note"], row["lead"]) == (None, ASK, "bob")
    done = two.line("links", "--case", two.second)
    assert (done.code, done.out) == (4, "")
    two.line.operator = "alice"
    two.line.must("case", "role", "carol", "--case", two.second, "--add", "examiner")
    two.line.operator = "carol"
    (row,) = two.ask()
    assert row["case"] == two.second


def test_what_is_on_a_known_good_list_is_marked_and_can_be_left_out(
    two: Two, tmp_path: Path
) -> None:
    (tmp_path / "ours.csv").write_text("rank,domain\n1,fine.com\n")
    assert (
        add(two.line, tmp_path / "ours.csv", "ours", "known-good", *("--values", "domain")).code
        == 0
    )
    for case, text in ((two.first, "see www.fine.com\n"), (two.second, "at www.fine.com again\n")):
        (tmp_path / f"{case}-more.txt").write_text(text)
        assert two.line.collect(tmp_path / f"{case}-more.txt", case=case).code == 0
        two.line.must("examine", "--case", case, "--jobs", "1")
    marked = {row["kind"]: row["known_good"] for row in two.ask()}
    assert marked == {"iban": [], "domain": ["ours"]}
    left = two.line.must("links", "--case", two.first, "--unknown", "--json").rows
    assert [row["kind"] for row in left] == ["iban"]


def test_what_stands_in_abuse_material_is_withheld_here_too(two: Two, tmp_path: Path) -> None:
    (tmp_path / "abuse.txt").write_text(f"{hashlib.sha256(HERE.encode()).hexdigest()}\n")
    assert add(two.line, tmp_path / "abuse.txt", "abuse", "abuse").code == 0
    (row,) = two.ask()
    assert (row["kind"], row["value"], row["case"]) == ("iban", WITHHELD, two.second)


def test_what_is_set_apart_in_the_other_case_makes_no_link(two: Two, tmp_path: Path) -> None:
    """Else the case team here would learn what a lawyer's letter there says."""
    held = two.line.must("items", "--case", two.second, "--json").rows[0]["exhibit"]
    apart = ("privilege", "set", "--case", two.second, "--reason", "his counsel")
    two.line.must(*apart, held)
    assert two.ask() == []
    tag = two.line.vault / "keys" / "cases" / f"{two.second}.tag"
    away = tag.rename(tmp_path / "away.tag")
    assert two.ask() == [], "neither is it said that some case holds it"
    away.rename(tag)
    # Where it stands there once more, in the open, it is a link again.
    (tmp_path / "open.txt").write_text(f"again {IBAN}\n")
    assert two.line.collect(tmp_path / "open.txt", case=two.second).code == 0
    two.line.must("examine", "--case", two.second, "--jobs", "1")
    assert len(two.ask()) == 1


def test_what_is_set_apart_here_is_not_counted(two: Two, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text(f"your counsel wrote of {IBAN}, and again {IBAN}\n")
    assert two.line.collect(tmp_path / "letter.txt", case=two.first).code == 0
    two.line.must("examine", "--case", two.first, "--jobs", "1")
    assert [row["places"] for row in two.ask()] == [3]
    apart = ("privilege", "set", "--case", two.first, "--reason", "his counsel")
    two.line.must(*apart, "--term", "your counsel wrote")
    assert [row["places"] for row in two.ask()] == [1]


def test_a_case_that_holds_it_in_abuse_material_alone_is_not_named(
    two: Two, tmp_path: Path
) -> None:
    (tmp_path / "abuse.txt").write_text(f"{hashlib.sha256(THERE.encode()).hexdigest()}\n")
    assert add(two.line, tmp_path / "abuse.txt", "abuse", "abuse").code == 0
    two.line.must("examine", "--case", two.second, "--jobs", "1")
    (row,) = two.ask()
    assert (row["case"], row["note"], row["lead"]) == (None, ASK, "bob")


def test_a_closed_case_is_not_named(two: Two) -> None:
    two.line.must("case", "close", two.second)
    (row,) = two.ask()
    assert (row["case"], row["note"]) == (None, ASK)


def test_a_case_whose_authority_ended_is_not_named_and_can_not_ask(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = two.line.open_case("--lead", "eve", until="2998-01-01")
    source = two.line.vault.parent / "third.txt"
    source.write_text(f"{IBAN}\n")
    assert two.line.collect(source, case=short).code == 0
    two.line.must("examine", "--case", short, "--jobs", "1")
    assert {row["case"] for row in two.ask()} == {two.second, short}
    later = clock.from_text("2998-06-01")
    monkeypatch.setattr(clock, "now", lambda: later)
    assert {(row["case"], row["lead"]) for row in two.ask()} == {
        (two.second, "bob"), (None, "eve"),
    }  # fmt: skip
    done = two.line("links", "--case", short, "--json")
    assert (done.code, done.out) == (4, "")


def test_each_look_is_an_entry_of_the_asking_case(two: Two) -> None:
    two.ask()
    (entry,) = two.line.entries("links")
    assert (entry["case"], entry["result"]["lines"]) == (two.first, 1)
    assert entry["result"]["elsewhere"] is False
    two.hide()
    two.ask()
    *_, entry = two.line.entries("links")
    assert entry["result"]["elsewhere"] is True
    assert two.second not in str(entry) and IBAN not in str(entry)


def test_at_rest_there_are_keyed_digests_and_nothing_else(two: Two) -> None:
    folder = two.line.vault / "index" / two.first / "links"
    assert {path.name for path in folder.iterdir()} == {"built.json", "indicators.parquet"}
    table = pq.read_table(folder / "indicators.parquet")
    rows: list[Any] = table.column("link").to_pylist()
    assert table.column_names == ["link"] and rows == sorted(rows)
    assert len(rows) == 3  # the IBAN, the card, the phone
    assert {len(row) for row in rows} == {16}
    told = {"iban": IBAN.lower(), "card": "4111111111111111", "phone": "+4930901820"}
    assert {links._digest(bytes(32), type_, value) for type_, value in told.items()}.isdisjoint(
        rows
    )
    secret = bytes.fromhex((two.line.vault / "keys" / "vault.tag").read_text())
    key = links.key_of(secret)
    assert {links._digest(key, type_, value) for type_, value in told.items()} == set(rows)


def test_what_was_erased_links_no_more(unit: Unit, tmp_path: Path) -> None:
    two = Two(unit.line, examined(unit.line, tmp_path))
    unit.collect("more.txt", "only here: +49 30 901821\n")
    assert len(two.ask(two.second)) == 1
    unit.erase("AL/1", case=two.first)
    assert two.ask(two.second) == []
    assert two.ask(two.first) == []
    assert (unit.line.vault / "index" / two.first / "links").is_dir()
    assert places(unit.line.vault, IBAN) != []  # the other case's own


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("url", "HXXP://Evil[.]Example/A", "http://evil.example/A"),
        ("url", "https://shop.example", "https://shop.example/"),
        ("email", "Bob[at]Mail[.]example", "bob@mail.example"),
        ("domain", "Evil(dot)Example", "evil.example"),
        ("iban", "DE89 3704 0044", "de8937040044"),
        ("phone", "+49 (30) 90-1820", "+4930901820"),
        ("mac", "00-1A-2B-3C-4D-5E", "001a2b3c4d5e"),
        ("btc", "BC1QAR0", "bc1qar0"),
        ("btc", "1BvBMSE", "1BvBMSE"),
        ("ipv4", "8.8[.]8.8", "8.8.8.8"),
        ("ipv4", "10.0.0.1", None),
        ("ipv6", "2001:4860:0:0::8888", "2001:4860::8888"),
        ("cve", "CVE-2021-44228", None),
        ("sha256", "AB" * 32, "ab" * 32),
        ("own.badge", "Badge 1", "Badge 1"),
    ],
)
def test_one_value_has_one_form(type_: str, value: str, expected: str | None) -> None:
    assert links.normal(type_, value) == expected
