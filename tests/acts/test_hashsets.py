"""Lists of known files: how they are read, what is marked, and what abuse material is kept from."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile
from typing import TYPE_CHECKING

import pyrage
import pytest

from holdfast.testing import small_capture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Done, Line

PICTURE, OTHER = b"a picture that nobody should see", b"an ordinary page"
ABOUT = ("--origin", "the tests", "--version", "1", "--date", "2026-11-24")


def digests(*contents: bytes, algorithm: str = "sha256") -> list[str]:
    return [hashlib.new(algorithm, one).hexdigest() for one in contents]


def add(line: Line, path: Path, name: str, kind: str, *options: object) -> Done:
    return line("hashset", "add", path, "--name", name, "--kind", kind, *ABOUT, *options, "--json")


@pytest.fixture
def case(line: Line, tmp_path: Path) -> Line:
    """AL/1 is a zip with the picture inside, AL/2 an ordinary file, AL/3 a note on hashes."""
    with zipfile.ZipFile(tmp_path / "box.zip", "w") as box:
        box.writestr("inner/picture.jpg", PICTURE)
        box.writestr("inner/other.txt", OTHER)
    (tmp_path / "plain.txt").write_bytes(OTHER)
    note = f"see evil.example and www.good.example\nhash {digests(OTHER)[0]}\n"
    (tmp_path / "note.txt").write_text(note)
    for name in ("box.zip", "plain.txt", "note.txt"):
        assert line.collect(tmp_path / name).code == 0
    return line


def examined(line: Line) -> dict[str, int]:
    marks = line.must("examine", "--case", line.case, "--jobs", 1, "--json").row["marks"]
    assert isinstance(marks, dict)
    return marks


def nsrl(path: Path, rows: list[tuple[str, str, str]], table: str = "METADATA") -> Path:
    with sqlite3.connect(path) as made:
        made.execute(f"CREATE TABLE {table} (sha256 VARCHAR, sha1 VARCHAR, md5 VARCHAR, file_name)")
        values = [(*row, "f") for row in rows]
        made.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", values)  # noqa: S608 - ours
    made.close()
    return path


@pytest.mark.parametrize("table", ["METADATA", "FILE"])
def test_what_nsrl_knows_is_marked_and_nothing_is_taken_away(
    case: Line, tmp_path: Path, table: str
) -> None:
    """ "Known-good lists are marks, never deletions." """
    row = tuple(digests(OTHER, algorithm=one)[0].upper() for one in ("sha256", "sha1", "md5"))
    source = nsrl(tmp_path / "rds.db", [row, row], table)  # type: ignore[list-item]
    before = case.must("ledger", "--case", case.case, "--json").rows
    del before
    added = add(case, source, "NSRL", "known-good", "--licence", "public domain")
    assert added.code == 0, added.err
    assert added.row["counts"] == {"sha256": 1}
    (entry,) = case.entries("hashset.add")
    assert entry["case"] is None
    assert examined(case) == {"known-good": 2}
    rows = case.must("marks", "--case", case.case, "--json").rows
    places = [(row["exhibit"], row["inside"], row["list"], row["kind"]) for row in rows]
    assert places == sorted(
        places, key=lambda place: [r["item"] for r in rows][places.index(place)]
    )
    assert {place[:2] for place in places} == {("AL/1", "inner/other.txt"), ("AL/2", "")}
    files = [r for r in case.must("ledger", "--case", case.case, "--json").rows if not r["parser"]]
    assert sum(row["seen"] for row in files) == 5
    assert len(case.entries("marks")) == 1
    case.intact()


def test_a_set_that_knows_only_md5_and_sha1_makes_them_be_computed(
    case: Line, tmp_path: Path
) -> None:
    assert examined(case) == {}
    for algorithm in ("md5", "sha1"):
        source = tmp_path / f"{algorithm}.txt"
        source.write_text("# bad\n" + "\n".join(digests(PICTURE, algorithm=algorithm)) + "\n")
        assert add(case, source, algorithm, "known-bad").code == 0
    assert examined(case) == {"known-bad": 2}
    rows = case.must("marks", "--case", case.case, "--json").rows
    assert [(r["inside"], r["algorithm"]) for r in rows] == [
        ("inner/picture.jpg", "md5"), ("inner/picture.jpg", "sha1"),
    ]  # fmt: skip
    removed = case.must("hashset", "remove", "md5", "--reason", "tested", "--json").row
    assert removed["name"] == "md5"
    assert examined(case) == {"known-bad": 1}


def vics(path: Path, *media: dict[str, object]) -> Path:
    path.write_text(json.dumps({"@odata.context": "…/2.0.xml/Default/$metadata#Media",
                                "value": list(media)}))  # fmt: skip
    return path


def restrict(line: Line, folder: Path) -> str:
    """Add a list of abuse material that has the picture; return an age recipient."""
    (md5,) = digests(PICTURE, algorithm="md5")
    source = vics(
        folder / "vics.json",
        {"MediaID": 1, "Category": 1, "MD5": md5.upper(), "MediaSize": len(PICTURE)},
        {"MediaID": 2, "Category": 0, "MD5": digests(OTHER, algorithm="md5")[0]},
    )
    added = add(line, source, "VIC", "abuse", "--category", 1)
    assert added.code == 0, added.err
    assert added.row["counts"] == {"md5": 1}
    return str(pyrage.x25519.Identity.generate().to_public())


def bundle(line: Line, target: Path, *options: object) -> Done:
    return line("bundle", "--case", line.case, "--to", target, *options, "--json")


def test_abuse_material_leaves_only_for_who_is_named_and_sealed(case: Line, tmp_path: Path) -> None:
    """ "Hits on child-abuse sets suppress every preview and copy, and leave only for authorised
    recipients."
    """
    key = restrict(case, tmp_path)
    assert examined(case) == {"abuse": 1}
    assert len(case.entries("item.restrict")) == 1
    out = tmp_path / "out"
    unnamed: tuple[tuple[str, ...], ...] = ((), ("--for", "Court"), ("--sealed-to", key))
    for options in unnamed:
        done = bundle(case, out, *options)
        assert (done.code, done.out) == (4, "")
        assert "AL/1" in done.err
        assert not out.exists()
    assert len(case.entries("denied")) == 3
    assert {one["refused"] for one in case.entries("denied")} == {"bundle"}
    # What is not restricted leaves as ever.
    assert bundle(case, tmp_path / "rest", "--withhold", "AL/1").code == 0

    given = ("--for", "Court", "--order", "order 5")
    missing = case("restricted", "release", "AL/1", "--case", case.case, *given)
    assert missing.code == 3, "a release names the keys it is sealed to"
    plain = case("restricted", "release", "AL/2", "--case", case.case, *given, "--sealed-to", key)
    assert plain.code == 3, "an item that is not restricted needs none"
    number = case.must(
        "restricted", "release", "AL/1", "--case", case.case, *given, "--sealed-to", key, "--json"
    ).row["entry"]
    other = str(pyrage.x25519.Identity.generate().to_public())
    wrong: tuple[tuple[str, ...], ...] = (
        ("--for", "Court"),
        ("--for", "Court", "--sealed-to", other),
        ("--for", "Court", "--sealed-to", key, "--sealed-to", other),
        ("--for", "Somebody", "--sealed-to", key),
    )
    for options in wrong:
        assert bundle(case, out, *options).code == 4, options
    assert bundle(case, out, "--for", "Court", "--sealed-to", key).code == 0
    assert out.is_file()

    case.must("restricted", "withdraw", number, "--case", case.case, "--reason", "quashed")
    assert bundle(case, tmp_path / "again", "--for", "Court", "--sealed-to", key).code == 4
    listed = case.must("restricted", "list", "--case", case.case, "--json").row
    assert (listed["exhibit"], listed["releases"]) == ("AL/1", [])
    case.intact()


def test_a_release_needs_a_role_that_approves(case: Line, tmp_path: Path) -> None:
    key = restrict(case, tmp_path)
    examined(case)
    case.must("operator", "add", "bob", "--role", "investigator")
    case.operator = "bob"
    done = case("restricted", "release", "AL/1", "--case", case.case, "--for", "Court", "--order",
                "O", "--sealed-to", key)  # fmt: skip
    assert done.code == 4
    assert case.entries("denied")[-1]["refused"] == "item.release"
    assert case.entries("item.release") == []


def test_the_restriction_outlives_derived_data_and_the_list(case: Line, tmp_path: Path) -> None:
    """Nothing that can be made again, or removed, may open what was closed."""
    import shutil  # noqa: PLC0415

    restrict(case, tmp_path)
    examined(case)
    for folder in ("derived", "index"):
        shutil.rmtree(case.vault / folder)
        (case.vault / folder).mkdir()
    case.must("hashset", "remove", "VIC", "--reason", "tested")
    assert bundle(case, tmp_path / "out").code == 4
    case.must("rebuild")
    assert bundle(case, tmp_path / "out").code == 4
    # Another case that holds the same item is bound by it as well.
    second = case.open_case()
    assert case.collect(tmp_path / "box.zip", case=second).code == 0
    case.case = second
    assert bundle(case, tmp_path / "out").code == 4


def test_a_list_that_was_added_after_the_examination_counts_at_once(
    case: Line, tmp_path: Path
) -> None:
    examined(case)
    (tmp_path / "new.txt").write_text("\n".join(digests(PICTURE)))
    assert add(case, tmp_path / "new.txt", "new", "abuse").code == 0
    assert bundle(case, tmp_path / "out").code == 4
    assert len(case.entries("item.restrict")) == 1


def test_text_of_abuse_material_is_not_shown(case: Line, tmp_path: Path) -> None:
    story = b"<html><body>A long story about grimbleword, http://grimble.example/</body></html>"
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as box:
        box.writestr("story.html", story)
        box.writestr("else.html", story.replace(b"grimble", b"wimble"))
    assert case.collect(tmp_path / "two.zip").code == 0
    examined(case)
    shown = case.must("search", "--case", case.case, "grimbleword", "--json").out
    assert "story" in shown
    (tmp_path / "texts.csv").write_text(f"name,SHA-256\nx,{digests(story)[0]}\n")
    assert add(case, tmp_path / "texts.csv", "texts", "abuse").code == 0
    hits = case.must("search", "--case", case.case, "grimbleword", "--json").rows
    assert hits
    assert all("withheld" in hit["message"] for hit in hits), hits
    assert "long story" not in case.must("search", "--case", case.case, "grimbleword").out
    values = case.must("indicators", "--case", case.case, "--json", "--item", "AL/4").rows
    by_file = {(row["inside"], row["value"]) for row in values}
    assert ("else.html", "http://wimble.example/") in by_file
    # A box that isn't compressed shows in its own bytes what is in it.
    assert {value for inside, value in by_file if inside in {"", "story.html"}} == {
        "(withheld: on a list of abuse material)"
    }
    for row in values:
        assert ("long story" in (row["context"] or "")) <= (row["inside"] == "else.html")


def test_a_capture_with_abuse_material_is_neither_redacted_nor_compared(
    case: Line, tmp_path: Path
) -> None:
    small_capture.in_vault(str(case.vault), str(tmp_path / "capture.wacz"))
    case.collect(tmp_path / "capture.wacz")
    item = case.items()[-1]
    (tmp_path / "x.txt").write_text(item["item"])
    assert add(case, tmp_path / "x.txt", "x", "abuse").code == 0
    target = tmp_path / "copy.wacz"
    done = case("web", "redact", item["exhibit"], "--case", case.case, "--to", target)
    assert (done.code, target.exists()) == (4, False)
    diff = case("collect", "diff", "--case", case.case, item["exhibit"], "AL/2")
    assert diff.code == 4
    assert [one["refused"] for one in case.entries("denied")] == ["web.redact", "collect.diff"]


def test_indicators_on_lists_are_marked_and_can_be_left_out(case: Line, tmp_path: Path) -> None:
    (tmp_path / "top.csv").write_text("rank,domain\n1,good.example\n2,fine.example\n")
    (tmp_path / "bad.json").write_text(json.dumps({"name": "w", "list": ["evil.example"]}))
    (tmp_path / "known.txt").write_text(digests(OTHER)[0])
    for name, kind, options in (
        ("top.csv", "known-good", ("--values", "domain")),
        ("bad.json", "known-bad", ("--values", "domain")),
        ("known.txt", "known-good", ()),
    ):
        done = add(case, tmp_path / name, name, kind, *options)
        assert done.code == 0, done.err
    examined(case)
    rows = case.must("indicators", "--case", case.case, "--json", "--item", "AL/3").rows
    found = {row["value"]: (row["known_good"], row["known_bad"]) for row in rows}
    assert found == {
        "evil.example": ([], ["bad.json"]),
        "www.good.example": (["top.csv"], []),
        digests(OTHER)[0]: (["known.txt"], []),
    }
    left = case.must("indicators", "--case", case.case, "--json", "--item", "AL/3", "--unknown")
    assert [row["value"] for row in left.rows] == ["evil.example"]
    assert "(known good: top.csv)" in case.must("indicators", "--case", case.case).out


def test_misp_events_feeds_and_their_csv(case: Line, tmp_path: Path) -> None:
    (sha256,), (md5,) = digests(PICTURE), digests(PICTURE, algorithm="md5")
    attributes = [
        {"type": "sha256", "value": sha256, "category": "Payload delivery"},
        {"type": "domain", "value": "evil.example"},
    ]
    inner = [{"type": "filename|md5", "value": f"a|b.jpg|{md5}"}]
    event = {"Event": {"info": "x", "Attribute": attributes, "Object": [{"Attribute": inner}]}}
    feed = tmp_path / "feed"
    feed.mkdir()
    (feed / "manifest.json").write_text(json.dumps({"uuid": {"info": "x"}}))
    (feed / "5f0e.json").write_text(json.dumps(event))
    (feed / "hashes.csv").write_text(f"{md5},5f0e\n")
    made = add(case, feed, "feed", "known-bad")
    assert made.row["counts"] == {"md5": 1, "sha256": 1}
    (tmp_path / "export.csv").write_text(
        f'uuid,event_id,category,type,value\n1,2,x,sha256,{sha256}\n1,2,x,domain,"a,b"\n'
    )
    assert add(case, tmp_path / "export.csv", "csv", "known-bad").row["counts"] == {"sha256": 1}
    wrong = add(case, feed / "hashes.csv", "trap", "known-bad", "--format", "csv")
    assert wrong.code == 3
    assert "digests of attributes, not of files" in wrong.err


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", "x\n", "no column of its header"),
        ("b.txt", f"{'a' * 64}\nzz\n", "line 2"),
        ("c.txt", f"{'a' * 64}\n{'g' * 64}\n", "is no sha256"),
        ("d.csv", "sha256,name\nabc,x\n", "line 2"),
        ("e.json", '{"value": [{"MediaID": 1, "Category": 1}]}', "medium 1"),
        ("f.json", '{"value": [', "can't be read as"),
        ("g.db", "SQLite format 3\0", "can't be read as nsrl"),
        ("h.txt", "", "nothing to look for"),
    ],
)
def test_a_list_that_is_not_what_it_seems_is_refused_with_its_place(
    line: Line, tmp_path: Path, name: str, content: str, told: str
) -> None:
    (tmp_path / name).write_text(content)
    done = add(line, tmp_path / name, "n", "known-bad")
    assert (done.code, done.out) == (3, "")
    assert told in done.err
    assert line.entries("hashset.add") == []
    assert not [one for one in (line.vault / "sets").glob("*") if not one.name.startswith(".")]


def test_a_set_that_was_altered_stops_what_relies_on_it(case: Line, tmp_path: Path) -> None:
    restrict(case, tmp_path)
    (table,) = (case.vault / "sets").glob("*/md5.table")
    table.chmod(0o600)
    whole = table.read_bytes()
    for altered in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b"x" * len(whole)):
        table.write_bytes(altered)
        done = case("examine", "--case", case.case, "--jobs", 1)
        assert done.code == 5
        assert bundle(case, tmp_path / "out").code == 5
    table.parent.joinpath("set.json").unlink()
    assert bundle(case, tmp_path / "out").code == 5
    (row,) = case.must("hashset", "list", "--json").rows
    assert row["here"] is False


def test_two_sets_have_two_names(line: Line, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a" * 64)
    assert add(line, tmp_path / "a.txt", "one", "known-bad").code == 0
    done = add(line, tmp_path / "a.txt", "one", "known-bad")
    assert done.code == 3
    assert "there is a set named 'one'" in done.err


@pytest.mark.parametrize(
    ("table", "edit"),
    [
        ("restrictions", "DELETE FROM restrictions"),
        ("releases", "UPDATE releases SET recipient = 'Mallory'"),
        ("hash_sets", "UPDATE hash_sets SET kind = 'known-good'"),
    ],
)
@pytest.mark.attack("An insider edits a row on abuse material", "`verify`")
def test_an_edited_restriction_is_named_and_rebuild_restores_it(
    case: Line, tmp_path: Path, table: str, edit: str
) -> None:
    key = restrict(case, tmp_path)
    examined(case)
    case.must("restricted", "release", "AL/1", "--case", case.case, "--for", "Court", "--order",
              "O", "--sealed-to", key)  # fmt: skip
    with sqlite3.connect(case.vault / "holdfast.db") as database:
        database.execute(edit)
    database.close()
    done = case("verify", "--jobs", 1)
    assert done.code == 5
    assert f"table {table} is not what the log gives" in done.out + done.err
    case.must("rebuild")
    case.intact()
    assert bundle(case, tmp_path / "out").code == 4
