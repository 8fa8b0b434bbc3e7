"""Collecting files: what is taken, what is recorded of it, what is left as it was."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.collect.collectors import _tree, files
from holdfast.collect.interfaces import Skipped, Source, path_field
from holdfast.core import clock
from holdfast.vault import copying

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.line import Line


def record(line: Line, path: Path) -> dict[str, Any]:
    """Return the collection record of the item from `path`."""
    (entry,) = [e for e in line.entries("collect.item") if e["path"]["text"] == str(path)]
    found: dict[str, Any] = entry["record"]
    return found


def pairs(*paths: Path) -> list[tuple[bytes, bytes]]:
    return [(os.fsencode(path), os.fsencode(path)) for path in paths]


def test_an_object_is_the_original_named_by_its_digest(line: Line, tmp_path: Path) -> None:
    source = tmp_path / "note.txt"
    source.write_bytes(b"pay by Friday\n")
    row = line.collect(source).row
    digest = hashlib.sha256(b"pay by Friday\n").hexdigest()
    assert row == {
        "changed_while_read": False,
        "exhibit": "AL/1",
        "item": digest,
        "path": str(source),
        "size": 14,
        "status": "new",
    }
    stored = line.vault / "vault" / "objects" / digest[:2] / digest
    assert stored.read_bytes() == source.read_bytes()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o444
    line.intact()


def test_a_folder_is_collected_with_all_that_is_in_it_in_the_order_of_names(
    line: Line, tmp_path: Path
) -> None:
    folder = tmp_path / "seized"
    for name in ("b/2", "b/1", "a", "c/d/e"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    rows = line.collect(folder).rows
    assert [row["path"] for row in rows] == [str(folder / n) for n in ("a", "b/1", "b/2", "c/d/e")]
    assert [row["exhibit"] for row in rows] == ["AL/1", "AL/2", "AL/3", "AL/4"]


def test_mode_owner_times_and_links_are_recorded(line: Line, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("x")
    (tmp_path / "second name").hardlink_to(source)
    source.chmod(0o640)
    os.utime(source, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    facts = source.stat()
    line.collect(source)
    found = record(line, source)
    assert found["mode"] == "100640"
    assert (found["uid"], found["gid"]) == (os.getuid(), os.getgid())
    assert found["accessed"] == "2020-09-13T12:26:40.123456Z"
    assert found["modified"] == "2017-07-14T02:40:00.987654Z"
    assert found["metadata_changed"] == clock.to_text(facts.st_ctime_ns // 1000)
    assert found["links"] == 2
    assert found["inode"] == str(facts.st_ino)
    assert found["size"] == 1
    assert clock.from_text(found["started"]) <= clock.from_text(found["ended"])


def test_the_time_of_birth_is_recorded_where_the_file_system_keeps_it(
    line: Line, tmp_path: Path
) -> None:
    before = clock.now()
    source = tmp_path / "file"
    source.write_text("x")
    line.collect(source)
    found = record(line, source)
    if "born" not in found:
        pytest.skip("this file system keeps no time of birth")
    # The kernel's coarse clock may stand a few milliseconds behind.
    assert before - 50_000 <= clock.from_text(found["born"]) <= clock.now()


def test_extended_attributes_are_recorded(line: Line, tmp_path: Path) -> None:
    source = tmp_path / "download.exe"
    source.write_text("x")
    try:
        os.setxattr(source, "user.xdg.origin.url", b"https://bank.example/\xff")
    except OSError:
        pytest.skip("this file system keeps no extended attributes")
    line.collect(source)
    expected = ["user.xdg.origin.url", b"https://bank.example/\xff".hex()]
    assert expected in record(line, source)["xattrs"]


def test_nothing_at_the_source_is_changed_its_access_times_included(
    line: Line, tmp_path: Path
) -> None:
    folder = tmp_path / "seized"
    folder.mkdir()
    (folder / "file").write_text("x")
    for path in (folder / "file", folder):
        # Older than a day: a kernel with `relatime` would move it at any read.
        os.utime(path, (1_000_000_000, 1_000_000_000))
    line.collect(folder)
    assert [int(p.stat().st_atime) for p in (folder / "file", folder)] == [1_000_000_000] * 2
    assert int((folder / "file").stat().st_mtime) == 1_000_000_000


def test_an_empty_file_is_an_item(line: Line, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    row = line.collect(tmp_path / "empty").row
    assert (row["size"], row["item"]) == (0, hashlib.sha256(b"").hexdigest())
    line.intact()


def test_hard_links_are_an_exhibit_each_and_one_object(line: Line, tmp_path: Path) -> None:
    folder = tmp_path / "seized"
    folder.mkdir()
    (folder / "a").write_text("same")
    (folder / "b").hardlink_to(folder / "a")
    rows = line.collect(folder).rows
    assert [row["exhibit"] for row in rows] == ["AL/1", "AL/2"]
    assert len({row["item"] for row in rows}) == 1
    assert line.intact()["objects"] == 1


def test_two_paths_of_the_same_content_are_two_exhibits_of_one_object(
    line: Line, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("same")
    rows = line.collect(tmp_path / "a", tmp_path / "b").rows
    assert [(row["exhibit"], row["status"]) for row in rows] == [("AL/1", "new"), ("AL/2", "new")]
    assert line.intact()["objects"] == 1


def test_the_same_file_named_twice_in_one_call_is_one_exhibit(line: Line, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("x")
    rows = line.collect(source, source, tmp_path / "." / "file").rows
    assert [row["status"] for row in rows] == ["new", "held", "held"]
    assert {row["exhibit"] for row in rows} == {"AL/1"}
    assert len(line.items()) == 1


def test_the_same_file_collected_again_later_is_held_already(line: Line, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("x")
    line.collect(source)
    assert line.collect(source).row["status"] == "held"
    assert len(line.items()) == 1
    assert len(line.entries("collect.end")) == 2


def test_a_file_that_changed_between_two_collections_is_a_second_exhibit(
    line: Line, tmp_path: Path
) -> None:
    source = tmp_path / "log"
    source.write_text("one\n")
    line.collect(source)
    source.write_text("one\ntwo\n")
    assert line.collect(source).row["exhibit"] == "AL/2"
    assert [item["size"] for item in line.items()] == [4, 8]


def change_at_second_read(monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
    """Change the source after its first read, as another program would."""
    reads = 0
    original = copying._read

    def read(source: int, count: int, at: int) -> bytes:
        nonlocal reads
        reads += 1
        if reads == 2:
            change()
        return original(source, count, at)

    monkeypatch.setattr(copying, "_read", read)


@pytest.mark.parametrize("kind", ["line", "sealed"])
def test_a_file_that_grows_while_it_is_read_is_recorded_with_both_sizes_and_hashes(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line: Line = request.getfixturevalue(kind)
    source = tmp_path / "growing.log"
    first, second = b"a" * (1 << 20) + b"b", b"more"
    source.write_bytes(first)

    def grow() -> None:
        with source.open("ab") as stream:
            stream.write(second)

    change_at_second_read(monkeypatch, grow)
    done = line.collect(source)
    assert done.code == 0
    assert "changed while it was read" in done.err
    row = done.row
    assert row["changed_while_read"] is True
    change = record(line, source)["changed"]
    assert change["before"]["size"] == len(first)
    assert change["after"]["size"] == len(first + second)
    assert change["stored"] == {"sha256": row["item"], "size": row["size"]}
    assert change["read_again"] == {
        "sha256": hashlib.sha256(first + second).hexdigest(),
        "size": len(first + second),
    }
    assert line.items()[0]["changed_while_read"] is True
    line.intact()


def test_a_file_overwritten_while_it_is_read_has_two_hashes_of_one_size(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "database"
    source.write_bytes(b"a" * (3 << 20))

    def overwrite() -> None:
        with source.open("r+b") as stream:
            stream.write(b"Z" * 100)

    change_at_second_read(monkeypatch, overwrite)
    row = line.collect(source).row
    change = record(line, source)["changed"]
    again = hashlib.sha256(source.read_bytes()).hexdigest()
    assert change["read_again"]["sha256"] == again
    assert change["stored"]["size"] == change["read_again"]["size"] == 3 << 20
    assert row["item"] == change["stored"]["sha256"]
    line.intact()


def test_a_file_cut_short_while_it_is_read_is_recorded_as_changed(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "rotated.log"
    source.write_bytes(b"a" * (3 << 20))
    change_at_second_read(monkeypatch, lambda: os.truncate(source, 5))
    line.collect(source)
    change = record(line, source)["changed"]
    assert change["before"]["size"] == 3 << 20
    assert change["after"]["size"] == 5
    line.intact()


def sparse(path: Path, size: int) -> str:
    """Make a sparse file of `size` bytes, data at its start, middle and end; return its SHA-256."""
    hasher = hashlib.sha256()
    middle = size // 2 // 4096 * 4096
    with path.open("wb") as stream:
        stream.write(b"start")
        stream.seek(middle)
        stream.write(b"middle")
        stream.truncate(size - 3)
        stream.seek(0, os.SEEK_END)
        stream.write(b"end")
    zeros, at = bytes(1 << 20), 0
    for offset, data in ((0, b"start"), (middle, b"middle"), (size - 3, b"end")):
        while at < offset:
            step = min(len(zeros), offset - at)
            hasher.update(zeros[:step])
            at += step
        hasher.update(data)
        at += len(data)
    return hasher.hexdigest()


def disk(path: Path) -> int:
    """Return the bytes that a folder takes on the disk."""
    return sum(p.lstat().st_blocks * 512 for p in path.rglob("*") if not p.is_dir())


@pytest.mark.parametrize(
    "size", [300 << 20, pytest.param(10 << 30, marks=pytest.mark.soak)], ids=["300MB", "10GB"]
)
def test_a_sparse_file_takes_the_room_of_its_data(line: Line, tmp_path: Path, size: int) -> None:
    source = tmp_path / "image.raw"
    digest = sparse(source, size)
    before = disk(line.vault)
    began = clock.now()
    row = line.collect(source).row
    assert clock.now() - began < 40_000_000
    assert (row["item"], row["size"]) == (digest, size)
    assert disk(line.vault) - before < 3_000_000
    stored = line.vault / "vault" / "objects" / digest[:2] / digest
    assert stored.stat().st_size == size


def test_a_hole_at_the_end_is_kept(line: Line, tmp_path: Path) -> None:
    source = tmp_path / "image"
    source.write_bytes(b"x" * 10)
    os.truncate(source, 2_500_001)
    row = line.collect(source).row
    assert row["item"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert row["size"] == 2_500_001
    line.intact()


def test_a_tree_deeper_than_paths_and_open_files_allow_is_collected(
    line: Line, tmp_path: Path
) -> None:
    top = tmp_path / "deep"
    top.mkdir()
    levels, name = 1500, "level-of-ten"
    here = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=here)
        deeper = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("the last", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)
    (top / "zz beside it").write_text("and the walk comes back")
    rows = line.collect(top).rows
    assert [row["path"] for row in rows] == [
        f"{top}/{'/'.join([name] * levels)}/the last",
        f"{top}/zz beside it",
    ]
    # This deep, neither pytest's clean-up nor shutil.rmtree gets through.
    subprocess.run(["rm", "-rf", top], check=True)


def test_five_thousand_files_in_one_folder_are_an_exhibit_each(line: Line, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(5000):
        (folder / f"{number:05d}").write_text(str(number % 4000))
    rows = line.collect(folder).rows
    assert [row["exhibit"] for row in rows] == [f"AL/{n}" for n in range(1, 5001)]
    assert line.intact()["objects"] == 4000


def test_two_operators_exhibits_are_told_apart_and_numbered_through(
    line: Line, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    line.must("operator", "add", "Jane Doe")
    line.must("case", "role", "Jane Doe", "--case", line.case, "--add", "examiner")
    line.collect(tmp_path / "a")
    line.operator = "Jane Doe"
    assert line.collect(tmp_path / "b").row["exhibit"] == "JD/2"


def test_a_sealed_object_is_shared_between_cases_by_its_key(sealed: Line, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("both cases need it")
    sealed.collect(source)
    other = sealed.open_case()
    row = sealed.collect(source, case=other).row
    assert (row["status"], row["exhibit"]) == ("new", "AL/1")
    assert sealed.intact()["objects"] == 1


def test_what_lies_outside_is_never_reached_through_a_folder_swapped_for_a_link(
    tmp_path: Path,
) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside / "a", inside / "b", outside):
        folder.mkdir(parents=True)
    (inside / "a" / "first").write_text("x")
    (inside / "b" / "second").write_text("x")
    (outside / "second").write_text("not covered by the order")
    seen = []
    for found in files.walk(files.start(pairs(inside))):
        seen.append((found.path, type(found), getattr(found, "kind", "")))
        if found.path.endswith(b"first"):
            (inside / "b").rename(tmp_path / "was-b")
            (inside / "b").symlink_to(outside)
    assert seen == [
        (os.fsencode(inside / "a" / "first"), Source, ""),
        (os.fsencode(inside / "b"), Skipped, "link"),
    ]


def test_a_folder_swapped_while_the_walk_is_below_it_is_not_taken_for_the_first(
    tmp_path: Path,
) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "a").mkdir(parents=True)
    outside.mkdir()
    (inside / "a" / "below").write_text("x")
    for folder in (inside, outside):
        (folder / "beside").write_text(folder.name)
    seen = []
    for found in files.walk(files.start(pairs(inside))):
        seen.append((Path(os.fsdecode(found.path)).name, getattr(found, "kind", "")))
        if found.path.endswith(b"below"):
            inside.rename(tmp_path / "was-inside")
            outside.rename(inside)
    assert seen == [("below", ""), ("beside", "vanished")]


def test_a_parent_swapped_for_a_link_after_the_scope_was_checked_leads_nowhere(
    tmp_path: Path,
) -> None:
    scope, outside = tmp_path / "scope", tmp_path / "outside"
    scope.mkdir()
    outside.mkdir()
    (outside / "file").write_text("not covered by the order")
    scope.rmdir()
    scope.symlink_to(outside)
    (found,) = files.walk(files.start(pairs(scope / "file")))
    assert isinstance(found, Skipped)


@pytest.mark.parametrize("swap", ["link", "fifo", "folder", "gone"])
def test_a_file_replaced_between_listing_and_opening_is_told_and_never_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: str
) -> None:
    target = tmp_path / "seized" / "file"
    target.parent.mkdir()
    target.write_text("x")
    original = _tree.open_plain

    def replaced(name: bytes, flags: int, within: int) -> int:
        if name == b"file":
            target.unlink()
            if swap == "link":
                target.symlink_to("/etc/hostname")
            elif swap == "fifo":
                os.mkfifo(target)
            elif swap == "folder":
                target.mkdir()
        return original(name, flags, within)

    monkeypatch.setitem(vars(files), "open_plain", replaced)
    (found,) = files.walk(files.start(pairs(target.parent)))
    assert isinstance(found, Skipped)
    assert found.kind == "vanished"
    assert found.loses


def test_a_path_that_text_can_not_hold_is_given_in_bytes_too() -> None:
    assert path_field("/ä".encode()) == {"text": "/ä"}
    assert path_field(b"/\xff\n") == {"bytes": "2fff0a", "text": "/\\xff\n"}


@pytest.mark.parametrize("count", [0, 1])
def test_the_record_names_the_run_and_the_operator(line: Line, tmp_path: Path, count: int) -> None:
    (tmp_path / "in").mkdir()
    for number in range(count):
        (tmp_path / "in" / str(number)).touch()
    line.collect(tmp_path / "in")
    acts = [e for e in line.entries() if e["act"].startswith("collect.")]
    assert [e["act"] for e in acts] == ["collect.start", *["collect.item"] * count, "collect.end"]
    assert len({e["run"] for e in acts}) == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}-[0-9a-f]{6}", acts[0]["run"])
    assert {e["actor"]["name"] for e in acts} == {"alice"}
    assert acts[-1]["totals"]["new"] == count
