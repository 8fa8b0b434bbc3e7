"""Bad input: "each gives a clear one-line error naming the thing and the remedy, and nothing is
lost"."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.line import Done, Line

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can set this up")


def says(done: Done, code: int, *words: object) -> None:
    """Check the exit code, and that the last line of standard error holds all `words`."""
    assert done.code == code, done.err
    last = done.err.splitlines()[-1]
    assert last.startswith("holdfast: ")
    for word in words:
        assert str(word) in last
    assert "Traceback" not in done.err
    assert "a fault in Holdfast" not in done.err


def test_a_missing_file_is_named_and_the_rest_is_collected(line: Line, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("x")
    done = line.collect(tmp_path / "gone", tmp_path / "here")
    says(done, 3, tmp_path / "gone", "No such file", "repeat")
    assert [item["path"] for item in line.items()] == [str(tmp_path / "here")]
    (entry,) = line.entries("collect.skip")
    assert (entry["kind"], entry["path"]["text"]) == ("missing", str(tmp_path / "gone"))
    line.intact()


@pytest.mark.parametrize("below", ["file/below", "loop/below", "no/such/folder/file"])
def test_a_path_below_what_is_no_folder_is_missing(line: Line, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    done = line.collect(tmp_path / below)
    says(done, 3, tmp_path / below)
    assert line.entries("collect.skip")[0]["kind"] in {"missing", "unreadable"}


def test_nothing_to_collect_is_not_an_error(line: Line, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = line.collect(tmp_path / "empty")
    assert (done.code, done.out) == (0, "")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that other accounts reach; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory(prefix="holdfast-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@needs_root
def test_an_unreadable_file_is_named_and_the_rest_is_collected(line: Line, public: Path) -> None:
    for name in ("closed", "open"):
        (public / name).write_text(name)
    (public / "closed").chmod(0o600)
    (public / "closed folder").mkdir(mode=0o700)
    line.vault = Path(shutil.copytree(line.vault, public / "vault"))
    for path in [line.vault, *line.vault.rglob("*")]:
        os.chown(path, 65534, 65534)
    line.must("items", "--case", line.case)  # root imports what nobody may not read
    # Root may read anything, so nobody (uid 65534) collects.
    os.setegid(65534)
    os.seteuid(65534)
    try:
        done = line.collect(*(public / name for name in ("closed", "closed folder", "open")))
    finally:
        os.seteuid(0)
        os.setegid(0)
    says(done, 3, "2 of what was named", public / "closed", "Permission denied")
    assert [(Path(row["path"]).name, row["status"]) for row in done.rows] == [("open", "new")]
    for name in ("closed", "closed folder"):
        assert f"not collected: {public / name}: Permission denied" in done.err


def test_a_path_outside_the_scope_is_refused_before_anything_is_collected(
    line: Line, tmp_path: Path
) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "file").write_text("x")
    case = line.open_case("--scope", inside)
    for path in (outside / "file", outside, "/usr", inside / ".." / "outside" / "file"):
        done = line.collect(inside, path, case=case)
        says(done, 4, "outside the scope", case, inside)
        assert len(done.err.splitlines()) == 1
    assert line.must("items", "--case", case, "--json").out == ""
    denied = line.entries("denied")
    assert len(denied) == 4
    assert {(e["refused"], e["case"]) for e in denied} == {("collect.files", case)}
    assert line.collect(inside, case=case).code == 0


def test_a_link_that_leads_out_of_the_scope_is_recorded_and_not_followed(
    line: Line, tmp_path: Path
) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("not covered by the order")
    (inside / "to file").symlink_to(outside / "secret")
    (inside / "to folder").symlink_to(outside)
    case = line.open_case("--scope", inside)
    assert line.collect(inside, case=case).rows == []
    skipped = line.entries("collect.skip")
    assert [one["kind"] for one in skipped] == ["link"] * 2
    assert str(outside / "secret") in skipped[0]["reason"]
    # Through the link, the path really leads outside, whatever it looks like.
    says(line.collect(inside / "to folder" / "secret", case=case), 4, "outside the scope")
    assert line.must("items", "--case", case, "--json").out == ""


def test_a_scope_given_through_a_link_means_where_it_leads(line: Line, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "file").write_text("x")
    (tmp_path / "alias").symlink_to(real)
    case = line.open_case("--scope", tmp_path / "alias")
    assert line.collect(tmp_path / "alias" / "file", case=case).code == 0
    assert line.collect(real / "file", case=case).code == 0


def test_a_link_that_was_asked_for_is_not_passed_over_in_silence(
    line: Line, tmp_path: Path
) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    says(line.collect(tmp_path / "dangling"), 3, tmp_path / "dangling", "links are not followed")


def test_a_pipe_a_socket_a_device_and_links_are_recorded_and_never_waited_for(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "seized"
    folder.mkdir()
    os.mkfifo(folder / "fifo")
    monkeypatch.chdir(folder)  # a socket's path may have 107 bytes only
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "file").write_text("x")
    expected = {"dangling": "link", "fifo": "fifo", "loop": "link", "socket": "socket"}
    if os.geteuid() == 0:
        os.mknod(folder / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        expected["null"] = "device"
    done = line.collect(folder)
    assert done.code == 0, done.err
    assert [Path(row["path"]).name for row in done.rows] == ["file"]
    assert done.err.startswith(f"holdfast: {len(expected)} links, pipes, sockets or devices")
    skipped = line.entries("collect.skip")
    assert {Path(one["path"]["text"]).name: one["kind"] for one in skipped} == expected
    assert [Path(item["path"]).name for item in line.items()] == ["file"]


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_what_has_no_bytes_and_was_asked_for_is_named(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "it"
    monkeypatch.chdir(tmp_path)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("it")
    else:
        path = Path("/dev/null")
    says(line.collect(path), 3, path, "holds no bytes")


NAMES = [
    b"latin1-\xe4\xf6\xfc",
    b"not utf-8 \xff\xfe",
    b"new\nline",
    b"tab\there",
    b"escape \x1b[2J\x1b]0;owned\x07",
    b"right-to-left \xe2\x80\xae gpj.exe",
    b"--json",
    b"-rf *",
    b"quote'\"`$(id)\\",
    b" ",
    "Überweisung 日本 🏦".encode(),
    b"x" * 255,
]


def test_any_name_is_collected_and_its_bytes_are_in_the_record(line: Line, tmp_path: Path) -> None:
    folder = tmp_path / "seized"
    folder.mkdir()
    paths = [os.fsencode(folder) + b"/" + name for name in NAMES]
    for path in paths:
        Path(os.fsdecode(path)).write_text("x")
    named = line.collect(*(os.fsdecode(path) for path in paths))
    assert named.code == 0, named.err
    assert [row["status"] for row in line.collect(folder).rows] == ["held"] * len(NAMES)
    held = [
        bytes.fromhex(path["bytes"]) if "bytes" in path else path["text"].encode()
        for path in (entry["path"] for entry in line.entries("collect.item"))
    ]
    assert held == paths
    for command in (("items", "--case", line.case), ("custody",), ("verify", "--jobs", 1)):
        shown = line.must(*command)
        assert all(c.isprintable() or c == "\n" for c in shown.out + shown.err)
    line.intact()


def test_a_missing_file_with_an_escape_sequence_in_its_name_does_not_reach_the_terminal(
    line: Line, tmp_path: Path
) -> None:
    done = line(
        "collect", "files", "--case", line.case, f"{tmp_path}/\x1b[2Jgone\nholdfast: intact"
    )
    says(done, 3, "\\x1b[2Jgone\\nholdfast: intact")
    assert "\x1b" not in done.err


@pytest.mark.parametrize("inside", [".", "vault", "vault/objects", ".."])
def test_the_vault_itself_is_not_collected(line: Line, inside: str) -> None:
    says(line.collect(line.vault / inside), 3, "the vault itself")
    assert line.entries("collect.start") == []


def test_the_vault_reached_through_a_link_is_not_collected(line: Line, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "way").symlink_to(line.vault)
    says(line.collect(tmp_path / "other" / "way" / "vault"), 3, "the vault itself")


def test_an_object_altered_in_the_vault_is_named_when_the_same_bytes_come_again(
    line: Line, tmp_path: Path
) -> None:
    source = tmp_path / "file"
    source.write_bytes(b"true")
    item = line.collect(source).row["item"]
    stored = line.vault / "vault" / "objects" / item[:2] / item
    stored.chmod(0o644)
    stored.write_bytes(b"lies")
    (tmp_path / "copy").write_bytes(b"true")
    says(line.collect(tmp_path / "copy"), 5, item, "altered", "restore")
    assert stored.read_bytes() == b"lies"
    assert len(line.items()) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--until", "31.12.2026"), "is not a time that can be read"),
        (("--until", ""), "is not a time that can be read"),
        (("--until", "2020-01-01"), "before it begins"),
        (("--from", "2031-01-01", "--until", "2030-01-01"), "before it begins"),
        (("--until", "2030-01-01", "--title", " "), "a case needs a title"),
        (("--until", "2030-01-01", "--scope", " "), "a scope may not be empty"),
    ],
)
def test_a_case_that_can_not_be_is_refused_with_the_remedy(
    line: Line, options: tuple[str, ...], words: str
) -> None:
    given = ("--title", "T", "--basis", "B", "--authority", "A", *options)
    before = line.entries()
    says(line("case", "open", *given), 3, words)
    assert line.entries() == before


def test_no_vault_there_names_the_command_that_makes_one(line: Line, tmp_path: Path) -> None:
    line.vault = tmp_path / "nowhere"
    says(
        line("items", "--case", "1"), 3, "there is no vault", tmp_path / "nowhere", "holdfast init"
    )


def test_a_vault_is_not_made_over_something_else(line: Line, tmp_path: Path) -> None:
    says(line("init"), 3, "is not empty")
    (tmp_path / "file").touch()
    line.vault = tmp_path / "file"
    says(line("init"), 3, "is not empty")
    line.vault = tmp_path / "file" / "below"
    says(line("init"), 3, tmp_path / "file")


@pytest.mark.parametrize("scope", ["~no-such-account/seized", "path:loop", "path:~nobody-here"])
def test_a_scope_that_leads_nowhere_covers_nothing(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("x")
    case = line.open_case("--scope", scope)
    says(line.collect(tmp_path / "file", case=case), 4, "outside the scope")


@pytest.mark.parametrize("scope", ["path:", " path: ", ""])
def test_a_scope_without_a_name_is_not_taken_for_the_current_folder(line: Line, scope: str) -> None:
    given = ("--title", "T", "--basis", "B", "--authority", "A", "--until", "2999-01-01")
    says(line("case", "open", *given, "--scope", scope), 3, "a scope may not be empty")
