"""Issue "workbench": "physical exhibits (seizure, seals, place, signed hand-over, return) tied to
their images", under numbers that are unique and never reused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acts.test_erasing import Unit, account, unit

__all__ = ["account", "unit"]

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Done, Line

WHAT = ("--what", "a black phone", "--where", "Dock Street 4, kitchen", "--person", "J. Roe")


def exhibit(line: Line, *words: object, by: str = "alice") -> Done:
    return line("--operator", by, "exhibit", words[0], "--case", line.case, *words[1:])


def done(line: Line, *words: object, by: str = "alice") -> Done:
    found = exhibit(line, *words, by=by)
    assert found.code == 0, found.err
    return found


def team(line: Line) -> None:
    line.must("operator", "add", "bob")
    line.must("case", "role", "bob", "--case", line.case, "--add", "examiner")


def test_the_chain_runs_from_the_seizure_to_the_image_and_on(line: Line, tmp_path: Path) -> None:
    team(line)
    done(line, "seize", *WHAT, "--seal", "S-1", "--kept", "store 1")
    (tmp_path / "photo.jpg").write_text("a photograph of it")
    (tmp_path / "phone.E01").write_text("its image")
    collect = ("collect", "files", "--case", line.case, "--json", "--from", "AL/1")
    photo = line.must(*collect, "--kind", "photograph", tmp_path / "photo.jpg").row
    assert photo["exhibit"] == "AL/1/1"
    refused = line(*collect, tmp_path / "phone.E01")
    assert (refused.code, "under seal S-1" in refused.err) == (3, True)

    # A hand-over is signed twice, and until the second one the first person answers for it.
    done(line, "hand", "AL/1", "--to", "bob", "--reason", "imaging")
    listed = done(line, "list", "--json").row
    assert (listed["state"], listed["holder"], listed["offered_to"]) == ("offered", "alice", "bob")
    assert exhibit(line, "move", "AL/1", "--to", "x").code == 4, "it is on its way"
    assert exhibit(line, "accept", "AL/1").code == 4, "it was offered to bob"
    done(line, "accept", "AL/1", "--seal", "S-9", "--kept", "lab", by="bob")
    (accepted,) = line.entries("exhibit.accept")
    assert accepted["exhibit"]["missing"] == ["S-1"]
    assert accepted["exhibit"]["strange"] == ["S-9"]
    assert exhibit(line, "unseal", "AL/1", "--seal", "S-1", "--reason", "r").code == 4, "bob has it"
    done(line, "unseal", "AL/1", "--seal", "S-1", "--reason", "to image it", by="bob")
    image = line.must("--operator", "bob", *collect, tmp_path / "phone.E01").row
    assert image["exhibit"] == "AL/1/2"
    assert exhibit(line, "seal", "AL/1", "--seal", "S-1", by="bob").code == 3, "S-1 was used"
    done(line, "seal", "AL/1", "--seal", "S-2", by="bob")

    chain = done(line, "show", "AL/1/2", "--json").row
    (source,) = chain["made_from"]
    assert (source["what"], source["place"], source["seals"]) == ("a black phone", "lab", ["S-2"])
    acts = [link["act"] for link in chain["links"]]
    assert acts == [
        *("exhibit.seize", "exhibit.hand", "exhibit.accept", "exhibit.unseal", "collect.item"),
        "exhibit.seal",
    ]
    told = line.must("custody", "--case", line.case, "AL/1/2", "--json").rows
    assert [row["act"] for row in told] == acts
    stated = line.must("statement", "--case", line.case, "AL/1/2", "--json").row["statement"]
    steps = [one["act"] for one in stated["steps"] if one["kind"] == "possession"]
    assert steps == [one for one in acts if one != "collect.item"]
    assert "a black phone" in next(
        one["detail"] for one in stated["steps"] if one["act"] == "exhibit.seize"
    )
    of_thing = line.must("statement", "--case", line.case, "AL/1", "--to", tmp_path / "s.pdf")
    assert "a thing" in of_thing.out
    assert of_thing.out.count("collect.item") == 2, "both items that were made from it"

    # A bundle of the image alone shows the chain of the thing, too, and stays checkable.
    line.must("bundle", "--case", line.case, "--item", "AL/1/2", "--to", tmp_path / "bundle")
    shown = (tmp_path / "bundle" / "data" / "items.csv").read_text()
    assert "AL/1/2" in shown
    assert "AL/1/1" not in shown
    entries = "".join(
        one.read_text(errors="replace")
        for one in (tmp_path / "bundle").rglob("*")
        if one.is_file() and "entries" in str(one)
    )
    assert "a black phone" in entries
    before = done(line, "list", "--json").rows
    line.must("rebuild")
    assert done(line, "list", "--json").rows == before
    line.intact()


def test_it_goes_outside_against_a_receipt_and_ends_by_return_or_destruction(unit: Unit) -> None:
    line = unit.line
    for _ in range(2):
        done(line, "seize", *WHAT)
    hand = ("hand", "AL/1", "--reason", "R", "--to")
    assert "is no operator" in exhibit(line, *hand, "Lab of X").err
    done(line, *hand, "Lab of X", "--receipt", "file 7")
    assert exhibit(line, "seal", "AL/1", "--seal", "S").code == 4, "it is out"
    done(line, "accept", "AL/1", "--note", "back from the lab")
    line.must("case", "role", "bob", "--case", line.case, "--add", "supervisor")
    assert exhibit(line, "accept", "AL/1", by="bob").code == 4, "alice holds it"
    line.must("hold", "set", "--case", line.case, "--order", "order 1")
    back = ("return", "AL/1", "--person", "J. Roe", "--order", "order 9")
    destroy = ("destroy", "AL/2", "--order", "order 9", "--method", "shredded", "--json")
    for ends in (back, destroy):
        held = exhibit(line, *ends)
        assert (held.code, "legal hold" in held.err) == (4, True)
    (hold,) = line.must("hold", "list", "--json").rows
    unit.approve(line.must("hold", "lift", hold["entry"], "--order", "o", "--json").row["request"])
    done(line, *back)
    request = done(line, *destroy).row["request"]
    assert exhibit(line, "show", "AL/2").out.count("held with alice") == 1, "nobody approved yet"
    unit.approve(request)
    states = [row["state"] for row in done(line, "list", "--json").rows]
    assert states == ["returned", "destroyed"]
    (entry,) = line.entries("exhibit.destroyed")
    assert (entry["exhibit"]["approved_by"], entry["method"]) == (["bob"], "shredded")
    for label in ("AL/1", "AL/2"):
        assert exhibit(line, "move", label, "--to", "x").code == 3, "it is gone"
    line.must("rebuild")
    line.intact()


def test_numbers_are_unique_and_never_given_again(line: Line, tmp_path: Path) -> None:
    team(line)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    done(line, "pattern", "--whole", "{case}-{letter}-{own}")
    first = line.collect(tmp_path / "a").row["exhibit"]
    assert first == f"{line.case}-A-1"
    by_bob = line.must(
        *("--operator", "bob", "collect", "files", "--case", line.case, "--json"), tmp_path / "b"
    )
    assert by_bob.row["exhibit"] == f"{line.case}-B-1"
    done(line, "number", first, "--as", "P-1", "--reason", "number at court")
    assert exhibit(line, "number", "P-1", "--as", first).code == 3, "it was its number once"
    assert exhibit(line, "seize", *WHAT, "--number", first).code == 3
    assert exhibit(line, "seize", *WHAT, "--number", "P-1").code == 3
    thing = done(line, "seize", *WHAT, "--json").row["exhibit"]
    assert thing == f"{line.case}-A-2"
    items = line.items()
    assert [(one["exhibit"], one["former"]) for one in items] == [
        ("P-1", [first]),
        (f"{line.case}-B-1", []),
    ]
    for name in ("P-1", first):
        stated = line.must("statement", "--case", line.case, name, "--json").row["statement"]
        assert (stated["exhibit"], stated["item"]) == ("P-1", items[0]["item"])
    line.must("bundle", "--case", line.case, "--to", tmp_path / "bundle")
    assert '"P-1",' in (tmp_path / "bundle" / "data" / "items.csv").read_text()
    other = line.open_case()
    line.must("exhibit", "pattern", "--whole", "X-{number:03}")
    assert line.collect(tmp_path / "a", case=other).row["exhibit"] == "X-001"
    line.intact()


def test_a_part_of_a_thing_and_an_item_that_was_collected_before(
    line: Line, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("a")
    done(line, "seize", *WHAT)
    part = done(line, "seize", "--what", "SIM card", "--where", "in AL/1", "--part-of", "AL/1")
    assert part.out.startswith("AL/1/1:")
    item = line.collect(tmp_path / "a").row["exhibit"]
    assert item == "AL/2"
    done(line, "made", item, "--from", "AL/1/1", "--kind", "copy", "--how", "reader")
    assert exhibit(line, "made", item, "--from", "AL/1/1").code == 3, "entered already"
    chain = done(line, "show", item, "--json").row
    assert [one["act"] for one in chain["links"]] == [
        *("exhibit.seize", "collect.item", "exhibit.made"),
    ]
    line.intact()


def test_what_people_wrote_can_be_erased_by_order_and_the_chain_stays(unit: Unit) -> None:
    line = unit.line
    done(line, "seize", *WHAT)
    (entry,) = line.entries("exhibit.seize")
    named = ("--entry", str(entry["entry"]), "--field")
    kept = line("erase", "request", "--case", line.case, "--order", "O", *named, "exhibit")
    assert (kept.code, "can't be erased" in kept.err) == (3, True)
    unit.erase(*named, "person")
    row = done(line, "list", "--json").row
    assert (row["person"], row["what"], row["holder"]) == ("(erased)", "a black phone", "alice")
    assert "(erased)" in done(line, "show", "AL/1").out
    line.must("rebuild")
    assert done(line, "list", "--json").row == row
    line.intact()


@pytest.mark.parametrize("when", ["2000-01-01", "2998-01-01"])
def test_a_seizure_lies_within_its_authority_and_not_ahead(line: Line, when: str) -> None:
    refused = exhibit(line, "seize", *WHAT, "--when", when)
    assert refused.code in {3, 4}
    assert done(line, "list").out == ""
