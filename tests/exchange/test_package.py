"""A bundle is whole or absent, holds what it was asked to, and nothing that it was not."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import re
from typing import TYPE_CHECKING, BinaryIO

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.acts.collecting import CollectFiles, collect_files
from holdfast.acts.originals import open_original
from holdfast.core import durable
from holdfast.core.errors import InputError, IntegrityError, ResourceError
from holdfast.exchange import listing
from holdfast.exchange.bag import Bag
from holdfast.exchange.disclosure import BASE, Selection
from holdfast.exchange.package import verify_script, write_bundle
from holdfast.exchange.proofs import write_nodes
from holdfast.vault.entry import Draft
from holdfast.vault.merkle import Frontier, TreeReader, leaf_hash
from tests.exchange.making import (
    Made,
    Work,
    contents,
    copied_case,
    dataset,
    enter,
    files,
    hand_over,
    verify,
)

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.cases.exhibits import Exhibit


def test_bagit_py_accepts_it(made: Made) -> None:
    """RFC 8493: a valid bag is complete, and every checksum in every manifest is right."""
    logging.getLogger("bagit").setLevel(logging.ERROR)
    assert bagit.Bag(str(made.folder)).validate()
    assert (made.folder / "bagit.txt").read_text().startswith("BagIt-Version: 1.0\n")


def test_it_holds_every_original_under_its_digest(made: Made) -> None:
    exhibits = made.work.exhibits
    assert made.written.exhibits == len(exhibits) == 8
    for one in exhibits:
        data = (made.folder / "data/originals" / one.item).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (one.item, one.size)
    assert len(list((made.folder / "data/originals").iterdir())) == 8


def test_it_ships_the_genuine_script_for_anyone_to_read(made: Made) -> None:
    assert (made.folder / "verify.sh").read_bytes() == verify_script()
    assert made.folder.stat().st_mode & 0o777 == 0o700


def test_the_lists_name_what_the_log_names(made: Made) -> None:
    lines = (made.folder / "data/items.jsonl").read_bytes().splitlines()
    rows = list(csv.DictReader(io.StringIO((made.folder / "data/items.csv").read_text())))
    for one, line, row in zip(made.work.exhibits, lines, rows, strict=True):
        facts = json.loads(line)
        assert (facts["exhibit"], facts["item"], facts["size"]) == (one.label, one.item, one.size)
        assert (row["exhibit"], row["sha256"], row["size"]) == (one.label, one.item, str(one.size))
        assert facts["path"]["text"] == one.path
        assert json.loads(row["record"]) == facts["record"]


def test_records_are_copied_and_readable(made: Made) -> None:
    item = made.work.exhibits[0].item
    folder = made.folder / "data/records" / item / "parser-web_access"
    source = dataset(made.work, item).path.read_bytes()
    assert (folder / "event.parquet").read_bytes() == source
    row = json.loads((folder / "event.jsonl").read_text())
    assert (row["time"], row["message"]) == ("2023-11-14T22:13:20Z", "=HYPERLINK()")


def test_readme_says_what_the_proofs_do_not_show(made: Made) -> None:
    text = (made.folder / "README.txt").read_text()
    for said in (
        "WHAT IT DOES NOT SHOW",
        "the court",
        made.work.case.id,
        "by another way",
        "clock",
    ):
        assert said in text
    assert max(map(len, text.splitlines())) <= 100


def test_names_that_are_not_utf_8_have_newlines_or_are_long(tmp_path: Path) -> None:
    names = (b"caf\xe9", b"new\nline", b"\x1b[31m", b"x" * 250, b"'\"\\", b"..data")
    made = hand_over(copied_case(tmp_path, names), tmp_path / "handover")
    assert all(re.fullmatch(r"[A-Za-z0-9._/-]+", path) for path in files(made.folder))
    assert verify(made.folder, "--anchors", made.anchors).returncode == 0
    assert bagit.Bag(str(made.folder)).validate()
    lines = (made.folder / "data/items.jsonl").read_text().splitlines()
    found = {_path_bytes(json.loads(line)["path"]).rpartition(b"/")[2] for line in lines}
    assert found == set(names)


def _path_bytes(path: dict[str, str]) -> bytes:
    return bytes.fromhex(path["bytes"]) if "bytes" in path else path["text"].encode()


def test_a_sealed_vault_hands_over_plaintext(tmp_path: Path) -> None:
    work = copied_case(tmp_path, sealed=True)
    made = hand_over(work, tmp_path / "handover")
    data = {p.read_bytes() for p in (made.folder / "data/originals").iterdir()}
    assert b"the content of a.txt\n" in data
    assert verify(made.folder, "--anchors", made.anchors).returncode == 0
    assert bagit.Bag(str(made.folder)).validate()


def test_the_same_bytes_twice_are_one_original_and_two_exhibits(tmp_path: Path) -> None:
    work = copied_case(tmp_path, (b"one",))
    _twin(work, "again")
    made = hand_over(work, tmp_path / "handover")
    assert made.written.exhibits == 2
    assert len(list((made.folder / "data/originals").iterdir())) == 1
    assert verify(made.folder).returncode == 0


def _twin(work: Work, folder: str) -> None:
    """Collect the bytes of `one` from another place too."""
    extra = work.base / folder
    extra.mkdir()
    (extra / "two").write_bytes(b"the content of one\n")
    list(collect_files(work.session, CollectFiles(case=work.case.id, paths=(str(extra),))))


def test_a_selection_withholds_every_trace_of_the_rest(tmp_path: Path) -> None:
    work = copied_case(tmp_path, (b"shown.txt", b"secret-name.txt"))
    chosen = [one for one in work.exhibits if one.path.endswith("shown.txt")]
    rest = [one for one in work.exhibits if one not in chosen]
    made = hand_over(
        work, tmp_path / "handover", chosen, disclose=Selection.of(chosen), complete=False
    )
    everything = b"".join((made.folder / path).read_bytes() for path in files(made.folder))
    for one in rest:
        assert one.item.encode() not in everything
    assert b"secret-name" not in everything
    assert b"shown.txt" in everything
    shown = {p.name for p in (made.folder / f"data/proof/entries/{rest[0].entry}").glob("field.*")}
    assert shown <= {f"field.{name}" for name in BASE}
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    assert "selection" in (made.folder / "README.txt").read_text()


def test_a_selection_withholds_the_other_place_where_the_same_bytes_were(tmp_path: Path) -> None:
    work = copied_case(tmp_path, (b"one",))
    _twin(work, "private-place")
    chosen = work.exhibits[:1]
    made = hand_over(
        work, tmp_path / "handover", chosen, disclose=Selection.of(chosen), complete=False
    )
    everything = b"".join((made.folder / path).read_bytes() for path in files(made.folder))
    assert b"private-place" not in everything
    assert verify(made.folder).returncode == 0


def test_another_case_leaves_no_trace(made: Made) -> None:
    everything = b"".join((made.folder / path).read_bytes() for path in files(made.folder))
    assert b"Another case" not in everything
    assert b"not yours" not in everything


def test_a_hand_over_is_in_the_log_before_it_is_there(tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    target = tmp_path / "handover"
    given = contents(work)

    def first(commit):  # type: ignore[no-untyped-def]
        assert not target.exists()
        return enter(work, commit)

    written = write_bundle(target, given, work.session.vault, first)
    entry = next(work.session.vault.log.entries(written.entry))
    digest = hashlib.sha256((target / "data/proof/contents.sha256").read_bytes()).hexdigest()
    assert entry.fields["handover"]["contents"] == digest


def test_entries_that_came_while_it_was_written_are_in_it(tmp_path: Path) -> None:
    work = copied_case(tmp_path)

    def late(commit):  # type: ignore[no-untyped-def]
        work.session.custody.enter(Draft("search", work.case.id, {"words": "late"}))
        return enter(work, commit)

    target = tmp_path / "handover"
    write_bundle(target, contents(work), work.session.vault, late)
    work.session.custody.enter(Draft("search", work.case.id, {"words": "later"}))
    done = verify(target)
    assert (done.returncode, done.stderr) == (0, "")
    assert "numbered 1 to 13" in done.stdout


def test_a_position_lost_to_another_writer_is_taken_again(tmp_path: Path) -> None:
    work = copied_case(tmp_path)

    def twice(commit):  # type: ignore[no-untyped-def]
        work.session.look_up(commit)
        work.session.custody.enter(Draft("search", work.case.id, {"words": "in between"}))
        return enter(work, commit)

    target = tmp_path / "handover"
    write_bundle(target, contents(work), work.session.vault, twice)
    assert verify(target).returncode == 0


# --- what it refuses -----------------------------------------------------------------------------


def _nothing_left(target: Path) -> None:
    assert not target.exists()
    assert not list(target.parent.glob(f".{target.name}*"))


def test_a_target_in_use(tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    target = tmp_path / "handover"
    target.mkdir()
    (target / "x").touch()
    for place in (target, target / "x", tmp_path / "no" / "parent", tmp_path / "vault" / "out"):
        before = work.session.vault.log.head()
        with pytest.raises(InputError):
            hand_over(work, place)
        assert work.session.vault.log.head() == before
    assert [p.name for p in target.iterdir()] == ["x"]


def test_an_empty_target_is_taken(tmp_path: Path) -> None:
    (tmp_path / "handover").mkdir()
    made = hand_over(copied_case(tmp_path), tmp_path / "handover")
    assert verify(made.folder).returncode == 0


def test_nothing_chosen(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no exhibit"):
        hand_over(copied_case(tmp_path), tmp_path / "handover", [])
    _nothing_left(tmp_path / "handover")


def test_an_altered_original_stops_it(tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    one = work.exhibits[2]
    path = work.session.vault.root / "vault" / "objects" / one.object[:2] / one.object
    path.unlink()
    path.write_bytes(b"X" * one.size)
    before = work.session.vault.log.head()
    with pytest.raises(IntegrityError, match=re.escape(one.label)):
        hand_over(work, tmp_path / "handover")
    _nothing_left(tmp_path / "handover")
    assert work.session.vault.log.head() == before


def test_an_altered_database_stops_it(tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    with work.session.vault.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE exhibits SET size = size + 1 WHERE number = 3")
    with pytest.raises(IntegrityError, match="is not what entry"):
        hand_over(work, tmp_path / "handover")
    _nothing_left(tmp_path / "handover")


def test_an_interruption_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    reads = 0

    def stops(one: Exhibit) -> BinaryIO:
        nonlocal reads
        reads += 1
        if reads == 4:
            raise KeyboardInterrupt
        return open_original(work.session.vault, one)

    with pytest.raises(KeyboardInterrupt):
        hand_over(work, tmp_path / "handover", open_original=stops)
    _nothing_left(tmp_path / "handover")


def test_until_it_is_on_disk_it_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut would leave: a hidden folder, and nothing called as asked."""
    work = copied_case(tmp_path)
    target = tmp_path / "handover"
    synced: list[Path] = []

    def sync(path: Path) -> None:
        assert not target.exists()
        synced.append(path)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync_filesystem", sync)
        hand_over(work, target)
    assert synced[-1].name.startswith(".handover.")
    assert target.is_dir()


def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = copied_case(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(ResourceError, match="disk is full"):
        patch.setattr("holdfast.exchange.bag.durable.write_all", full)
        hand_over(work, tmp_path / "handover")
    _nothing_left(tmp_path / "handover")


# --- parts ---------------------------------------------------------------------------------------


def test_holes_stay_holes(tmp_path: Path) -> None:
    with Bag(tmp_path / "bag") as bag:
        with bag.writer("data/sparse") as writer:
            writer.write(b"x")
            for _ in range(64):
                writer.write(bytes(1 << 20))
        facts = (bag.folder / "data/sparse").stat()
        assert facts.st_size == (64 << 20) + 1
        assert facts.st_blocks * 512 < 1 << 20
        assert writer.digest == hashlib.sha256(b"x" + bytes(64 << 20)).hexdigest()


@pytest.mark.parametrize("name", ["../x", "/x", "data/../x", "data/.x", "data/-x", "data/a b", ""])
def test_no_hostile_name_becomes_a_file_name(tmp_path: Path, name: str) -> None:
    with Bag(tmp_path / "bag") as bag, pytest.raises(InputError):
        bag.put(name, b"")


FORMULAS = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "x;=1",
    "x,=1",
    'x"=1',
    "\uff1d1",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula_in_any_spreadsheet(text: str) -> None:
    """Whatever it takes for the end of a cell, what follows begins with no formula's sign."""
    written = listing.cell(text)
    (row,) = csv.reader([written])
    assert len(row) == 1
    for part in re.split("[;,\t|\"' ]", row[0]):
        assert not re.match("[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]", part) or "'" + part in row[0]
    assert not re.match("[=+\\-@\t\r\uff1d]", row[0])


@given(st.text())
def test_a_cell_is_one_line_and_reads_back_printable(text: str) -> None:
    written = listing.cell(text)
    assert written.isprintable()
    assert len(next(csv.reader([written]))) == 1


@given(st.integers(1, 700), st.data())
def test_nodes_lead_from_the_root_to_the_places_and_nowhere_else(
    size: int, data: st.DataObject
) -> None:
    """RFC 6962 section 2.1: MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))."""
    places = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=20)))
    leaves = [leaf_hash(b"%d" % at) for at in range(size)]
    frontier = Frontier()
    stored: dict[tuple[int, int], bytes] = {}
    for at in range(0, size, 100):
        for tile in frontier.append(leaves[at : at + 100]):
            stored[tile.level, tile.index] = tile.data
    tree = TreeReader(size, lambda level, index, width: stored[level, index][: width * 32])
    nodes: dict[bytes, bytes] = {}

    def put(name: str, node: bytes) -> None:
        assert name == f"nodes/{hashlib.sha256(node).hexdigest()}"
        nodes[hashlib.sha256(node).digest()] = node

    write_nodes(places, tree, put)
    found: dict[int, bytes] = {}
    used = set()
    waiting = [(frontier.root(), 0, size)]
    while waiting:
        digest, start, end = waiting.pop()
        if end - start == 1:
            found[start] = digest
        elif digest in nodes:
            used.add(digest)
            middle = start + (1 << ((end - start - 1).bit_length() - 1))
            waiting.append((nodes[digest][1:33], start, middle))
            waiting.append((nodes[digest][33:65], middle, end))
    assert used == set(nodes)
    assert {at: leaves[at] for at in places}.items() <= found.items()
