"""The custody log: appended once and in order, whoever races, sleeps or dies in the middle."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.core import canonical, durable
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import ConflictError, IntegrityError
from holdfast.vault import entry, tiles
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.eras import OneKey
from holdfast.vault.log import Log
from holdfast.vault.merkle import EMPTY_ROOT, WIDTH, Frontier, leaf_hash, root_from_inclusion
from holdfast.vault.note import Signer
from tests.vault.keys import fixed_key
from tests.vault.log_writer import POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.vault.entry import Sealed

SIGNER = Signer("log.example/1", fixed_key(1))
KEY = bytes(32)


def reopened(log: Log) -> Log:
    """Return another object on the same folder, as another process has it."""
    return Log(log.path.parent, OneKey(SIGNER.verifier, SIGNER))


def lines(count: int, writer: str = "test") -> list[Sealed]:
    return [entry.seal({"writer": writer, "n": n}, KEY, n + 1) for n in range(count)]


def append(log: Log, sealed: list[Sealed]) -> Checkpoint:
    log.apply()
    head = log.commit(log.head(), sealed)
    assert head is not None
    return head


def check_whole(log: Log) -> list[tuple[str, int]]:
    """Check everything that lies on disk from the entries up; return what each entry says."""
    fresh = Log(log.path.parent, OneKey(SIGNER.verifier))
    head = fresh.head()
    frontier, said = Frontier(), []
    for one in fresh.entries():
        said.append((one.fields["writer"], one.fields["n"]))
        for tile in frontier.append([one.hash]):
            if tile.width == WIDTH:
                assert tiles.hash_tile(log.path, tile.level, tile.index, WIDTH).read_bytes() == (
                    tile.data
                )
    assert (frontier.size, frontier.root()) == (head.size, head.root)
    reader = fresh.tree(head)
    assert reader.root_of(0, head.size) == head.root
    assert fresh.pending() == 0
    return said


class Writer:
    """One `log_writer.py`."""

    def __init__(
        self,
        log: Log,
        name: str,
        commits: int,
        each: int = 1,
        point: str = "",
        *,
        number: str = "SIGSTOP",
    ) -> None:
        program = Path(__file__).with_name("log_writer.py")
        arguments = [log.path.parent, name, commits, each, point, number]
        self.process = subprocess.Popen(
            [sys.executable, program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )

    def wait_for(self, line: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{line}\n"

    def end(self) -> list[int]:
        """Let it run to its end; return how often it lost before each commit."""
        told, _ = self.process.communicate(timeout=100)
        assert self.process.returncode == 0
        return [int(line.rpartition(" ")[2]) for line in told.splitlines()]

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def test_a_new_log_is_empty_and_signed(log: Log) -> None:
    assert log.head() == Checkpoint("log.example/1", 0, EMPTY_ROOT)
    assert list(log.entries()) == []
    assert log.pending() == 0
    assert not log.apply()


def test_what_is_appended_is_read_back_in_order(log: Log) -> None:
    first, second = lines(3), lines(2, "again")
    one = append(log, first)
    two = append(log, second)
    assert (one.size, two.size) == (3, 5)
    assert log.head() == two
    assert [(e.leaf, e.sequence) for e in log.entries()] == [
        (s.leaf, n) for s, n in zip(first + second, [1, 2, 3, 1, 2], strict=True)
    ]
    assert [e.index for e in log.entries(2, 4)] == [2, 3]
    check_whole(log)


@pytest.mark.parametrize("sizes", [[1] * 5, [255, 1, 1], [256], [256, 256], [100, 200, 300], [700]])
def test_any_grouping_gives_a_tree_that_adds_up(sizes: list[int], log: Log) -> None:
    wanted = []
    for at, size in enumerate(sizes):
        append(reopened(log) if at % 2 else log, lines(size, str(at)))
        wanted += [(str(at), n) for n in range(size)]
    assert check_whole(log) == wanted
    total = sum(sizes)
    for start, end in ((0, total), (total - 1, total), (total // 3, 2 * total // 3), (5, 5)):
        read = [(one.fields["writer"], one.fields["n"]) for one in log.entries(start, end)]
        assert read == wanted[start:end]
    head = log.head()
    for index in {0, total // 2, total - 1}:
        leaf, proof = log.tree(head).leaf(index), log.tree(head).inclusion_proof(index)
        assert root_from_inclusion(leaf, index, head.size, proof) == head.root


def test_a_partial_file_goes_once_its_full_one_is_there(log: Log) -> None:
    """C2SP tlog-tiles: logs "MAY delete any partial tile once the corresponding full tile is …
    available". We must: 255 partial bundles of one growing tile take a hundred times its room, and
    a body that stayed behind would outlive an erasure.
    """
    for n in range(WIDTH + 3):
        append(log, lines(1, str(n)))
    full = [log.path / "tile" / "0" / "000", log.path / "tile" / "entries" / "000"]
    for path in [*full, log.bodies / "000"]:
        assert path.is_file()
        folder = path.with_name("000.p")
        assert not folder.exists() or list(folder.iterdir()) == []
    partial = log.bodies / "001.p"
    assert [one.name for one in partial.iterdir()] == ["3"]
    check_whole(log)


def test_checkpoints_that_were_signed_keep_their_partial_tiles(log: Log) -> None:
    """C2SP tlog-tiles: "Logs MUST serve partial tiles corresponding to tree sizes for which a
    checkpoint was produced" until the full one is there.
    """
    for size in (3, 7, 20):
        append(log, lines(size - log.head().size))
    for kind in ("0", "entries"):
        names = {one.name for one in (log.path / "tile" / kind / "000.p").iterdir()}
        assert names == {"3", "7", "20"}


def test_of_two_that_follow_the_same_head_one_wins(log: Log) -> None:
    mine, yours = log, reopened(log)
    head = mine.head()
    assert yours.commit(head, lines(2, "yours")) is not None
    assert mine.commit(head, lines(2, "mine")) is None
    append(mine, lines(2, "mine"))
    assert check_whole(log) == [("yours", 0), ("yours", 1), ("mine", 0), ("mine", 1)]


@pytest.mark.parametrize("point", ["", "queued"])
def test_four_processes_append_each_entry_exactly_once(point: str, log: Log) -> None:
    writers = [Writer(log, str(n), 50, 1 + n, point) for n in range(4)]
    lost = [sum(writer.end()) for writer in writers]
    said = check_whole(log)
    wanted = {(str(w), n) for w in range(4) for n in range(50 * (1 + w))}
    assert Counter(said) == Counter(dict.fromkeys(wanted, 1))
    for writer in range(4):
        assert [n for name, n in said if name == str(writer)] == list(range(50 * (1 + writer)))
    assert point != "queued" or sum(lost) == 0, "a turn that is kept makes nobody lose"


def test_readers_are_never_told_of_damage_while_others_append(log: Log) -> None:
    """A reader holds a head that is a second old; what it reads was replaced meanwhile."""
    append(log, lines(5))
    stop, problems = threading.Event(), []

    def read() -> None:
        mine = reopened(log)
        while not stop.is_set():
            try:
                head = mine.head()
                assert len(list(mine.entries(0, head.size))) == head.size
                assert mine.tree(head).root_of(0, head.size) == head.root
            except Exception as error:  # noqa: BLE001 - whatever a reader would be shown
                problems.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    with Writer(log, "w", 150, 2) as writer:
        writer.end()
    stop.set()
    reader.join()
    assert problems == []


@pytest.mark.parametrize("point", sorted(set(POINTS) - {"in the checkpoint"}))
def test_a_writer_that_sleeps_while_others_go_on_forks_nothing(point: str, log: Log) -> None:
    """The design: "a paused writer … can't fork it unseen": wherever it slept, nothing is lost or
    doubled.
    """
    append(log, lines(3, "before"))
    with Writer(log, "sleeper", 2, 2, point) as sleeper:
        sleeper.wait_for(f"at {point}")
        with Writer(log, "others", 20, 30) as others:
            others.end()
        seen = log.head()
        sleeper.resume()
        lost = sleeper.end()
    # Before its commit it has no position, so it must lose; after it, it has won already.
    assert (lost[0] > 0) == (point == "before the commit")
    assert log.head().size == seen.size + (4 if lost[0] else 2)
    wanted = [("before", n) for n in range(3)] + [("sleeper", n) for n in range(4)]
    wanted += [("others", n) for n in range(600)]
    assert Counter(check_whole(log)) == Counter(wanted)
    # What was published while it slept is still a beginning of the log.
    assert log.tree(log.head()).root_of(0, seen.size) == seen.root


def test_a_writer_that_sleeps_while_it_publishes_is_waited_for(log: Log) -> None:
    with Writer(log, "sleeper", 1, 1, "in the checkpoint") as sleeper:
        sleeper.wait_for("at in the checkpoint")
        with Writer(log, "other", 1) as other:
            with pytest.raises(subprocess.TimeoutExpired):
                other.process.wait(timeout=1.5)
            sleeper.resume()
            sleeper.end()
            other.end()
    assert check_whole(log) == [("sleeper", 0), ("other", 0)]


def test_one_that_holds_up_publishing_for_good_is_named(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was committed meanwhile is published by whoever comes next."""
    with Writer(log, "sleeper", 1, 1, "in the checkpoint") as sleeper:
        sleeper.wait_for("at in the checkpoint")
        ticks = iter(range(0, 10_000, 7))
        monkeypatch.setattr("holdfast.vault.turns.time.monotonic", lambda: next(ticks))
        with pytest.raises(
            ConflictError, match=r"has held .*/log/publishing for 60 s; end or cont"
        ):
            log.apply()
        monkeypatch.undo()
    assert log.apply()
    assert check_whole(log) == [("sleeper", 0)]


@pytest.mark.parametrize("point", sorted(POINTS))
def test_what_a_killed_writer_committed_the_next_one_carries_out(point: str, log: Log) -> None:
    append(log, lines(254, "before"))
    with Writer(log, "killed", 1, 5, point, number="SIGKILL") as killed:
        killed.wait_for(f"at {point}")
        killed.process.wait(timeout=20)
    committed = point != "before the commit"
    assert log.pending() == (5 if committed and point != "after the checkpoint" else 0)
    append(reopened(log), lines(1, "next"))
    wanted = [("before", n) for n in range(254)]
    wanted += [("killed", n) for n in range(5)] if committed else []
    assert check_whole(log) == [*wanted, ("next", 0)]


def test_a_name_freed_by_cleaning_up_is_no_position(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Applied commits are removed: one that slept through a whole generation can create its
    commit's name again, and must find that it has lost all the same.
    """
    append(log, lines(1, "before"))
    head = log.head()
    create = durable.create

    def late(path: Path, data: bytes, mode: int = 0o444) -> bool:
        monkeypatch.undo()
        for n in range(4):
            append(reopened(log), lines(1, f"other {n}"))
        assert not path.exists(), "the name is free again"
        return create(path, data, mode)

    monkeypatch.setattr(durable, "create", late)
    assert log.commit(head, lines(1, "late")) is None
    assert not (log.path / "commits" / f"{head.size:016d}").exists()
    append(log, lines(1, "late"))
    wanted = [("before", 0), *((f"other {n}", 0) for n in range(4)), ("late", 0)]
    assert check_whole(log) == wanted


def test_a_commit_left_by_one_that_lost_is_ignored_and_removed(log: Log) -> None:
    """It died between creating the name and finding that it had lost."""
    for n in range(4):
        append(log, lines(1, str(n)))
    stale = log.path / "commits" / f"{1:016d}"
    stale.write_bytes(b"anything")
    append(log, lines(1, "4"))
    assert not stale.exists()
    assert check_whole(log) == [(str(n), 0) for n in range(5)]


def test_the_newest_commit_keeps_its_name(log: Log) -> None:
    for n in range(3):
        append(log, lines(1, str(n)))
    assert [one.name for one in (log.path / "commits").iterdir()] == [f"{2:016d}"]


def commit_only(log: Log, sealed: list[Sealed]) -> Path:
    """Leave a commit that nobody has carried out, as a writer killed in time does."""
    with pytest.MonkeyPatch.context() as patch:

        def dies(*_args: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(Log, "_apply", dies)
        head = log.head()
        with pytest.raises(KeyboardInterrupt):
            reopened(log).commit(head, sealed)
    return log.path / "commits" / f"{head.size:016d}"


def damage(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "how",
    [
        "empty",
        "cut",
        "one bit",
        "a line gone",
        "a trailer of its own",
        "no JSON",
        "other shape",
        "numbers",
    ],
)
def test_a_damaged_commit_is_named_and_nothing_is_published(how: str, log: Log) -> None:
    append(log, lines(2, "before"))
    before = log.head()
    path = commit_only(log, lines(3))
    data = path.read_bytes()
    body = data[:-65]
    header, *rest = body.splitlines(keepends=True)

    def trailed(content: bytes) -> bytes:
        return content + hashlib.sha256(content).hexdigest().encode() + b"\n"

    altered = {
        "empty": b"",
        "cut": data[:-100],
        "one bit": data[:200] + bytes([data[200] ^ 1]) + data[201:],
        "a line gone": header + b"".join(rest[1:]) + data[-65:],
        "a trailer of its own": trailed(header + b"".join(rest[1:])),
        "no JSON": trailed(b"{\n"),
        "other shape": trailed(b"[1,2]\n"),
        "numbers": trailed(canonical.dumps({"count": 1, "root": "00" * 32}) + b"\n[1,2]\n"),
    }[how]
    damage(path, altered)
    for act in (log.apply, reopened(log).pending):
        with pytest.raises(IntegrityError, match=f"the log's commit {path} is damaged; keep a"):
            act()
    assert log.head() == before
    damage(path, data)
    assert log.apply()
    assert len(check_whole(log)) == 5


def test_a_commit_whose_entries_do_not_give_its_root_is_not_signed(log: Log) -> None:
    """The design: "A log MUST not sign any checkpoint which is inconsistent": not for a file that
    says so.
    """
    path = commit_only(log, lines(3))
    header, *rest = path.read_bytes()[:-65].splitlines(keepends=True)
    facts = canonical.loads(header.strip())
    assert isinstance(facts, dict)
    facts["root"] = "00" * 32
    content = canonical.dumps(facts) + b"\n" + b"".join(rest)
    damage(path, content + sha256_hex(content).encode() + b"\n")
    with pytest.raises(IntegrityError, match="commit at 0 does not give the root it states"):
        log.apply()
    assert log.head().size == 0


def test_after_a_fault_of_the_disk_the_same_object_goes_on(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long-lived process must not remember what it could not write."""
    append(log, lines(2, "before"))
    commit_only(log, lines(3, "waiting"))

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "sync_filesystem", full)
    with pytest.raises(OSError, match="No space"):
        log.apply()
    monkeypatch.undo()
    assert log.apply()
    append(log, lines(1, "after"))
    assert len(check_whole(log)) == 6


def test_a_commit_that_can_not_be_written_appends_nothing(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, lines(2, "before"))
    head = log.head()

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "create", full)
    with pytest.raises(OSError, match="No space"):
        log.commit(head, lines(3))
    monkeypatch.undo()
    assert log.head() == head
    append(log, lines(1, "after"))
    assert len(check_whole(log)) == 3


def test_an_entry_too_large_for_a_bundle_is_refused_before_it_is_committed(log: Log) -> None:
    """C2SP tlog-tiles: entries are "uint16 length-prefixed"; a larger one could never be carried
    out, and the log would stand still behind it.
    """
    fields = {f"field_{n}": n for n in range(900)}
    too_large = entry.seal(dict(fields), KEY, 1)
    assert len(too_large.leaf) > tiles.MAX_ENTRY
    with pytest.raises(ValueError, match=r"an entry of \d+ bytes does not fit"):
        log.commit(log.head(), [too_large])
    append(log, lines(1))
    assert len(check_whole(log)) == 1


@pytest.mark.parametrize("how", ["forged", "edited", "other log", "missing", "empty", "not text"])
def test_a_checkpoint_that_the_logs_key_did_not_sign_is_refused(how: str, log: Log) -> None:
    append(log, lines(2))
    path = log.path / "checkpoint"
    text = log.head().text()
    forger = Signer("log.example/1", fixed_key(2))
    data = {
        "forged": forger.sign_note(text).encode(),
        "edited": path.read_bytes().replace(b"\n2\n", b"\n3\n"),
        "other log": SIGNER.sign_note(Checkpoint("other", 2, bytes(32)).text()).encode(),
        "empty": b"",
        "not text": b"\xff\xfe",
        "missing": b"",
    }[how]
    if how == "missing":
        path.unlink()
    else:
        damage(path, data)
    said = {
        "forged": "the note is not signed by log.example/1",
        "edited": "the signature of log.example/1 on the note does not verify",
        "other log": "the checkpoint is of 'other', not of 'log.example/1'",
        "missing": f"the log's checkpoint {path} is missing",
        "empty": "the note has no signature block",
        "not text": f"the log's checkpoint {path} is missing or unreadable",
    }[how]
    with pytest.raises(IntegrityError, match=said):
        log.head()
    with pytest.raises(IntegrityError, match=said):
        log.apply()


def test_a_checkpoint_with_other_line_ends_is_another_file(log: Log) -> None:
    """What verifies must be the bytes that lie there, not what a reader of text makes of them."""
    append(log, lines(2))
    path = log.path / "checkpoint"
    damage(path, path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(IntegrityError, match="the note"):
        log.head()


def test_without_the_logs_key_everything_can_be_read_and_nothing_published(log: Log) -> None:
    append(log, lines(2))
    reader = Log(log.path.parent, OneKey(SIGNER.verifier))
    assert len(list(reader.entries())) == 2
    commit_only(log, lines(3))
    assert reader.pending() == 3
    with pytest.raises(
        IntegrityError, match=r"3 committed entries wait .* the log's key is not he"
    ):
        reader.apply()
    assert log.apply()
    check_whole(log)


def test_tiles_that_do_not_give_the_checkpoints_root_are_not_appended_to(log: Log) -> None:
    append(log, lines(3))
    path = tiles.hash_tile(log.path, 0, 0, 3)
    data = path.read_bytes()
    damage(path, leaf_hash(b"forged") + data[32:])
    with pytest.raises(IntegrityError, match="tiles do not give the root of its checkpoint at si"):
        reopened(log).commit(log.head(), lines(1))
    damage(path, data)
    append(log, lines(1))


@pytest.mark.parametrize("kind", ["leaves", "bodies"])
def test_a_bundle_with_too_few_entries_is_named(kind: str, log: Log) -> None:
    append(log, lines(5))
    path = {
        "leaves": tiles.entry_bundle(log.path, 0, 5),
        "bodies": log.bodies / "000.p" / "5",
    }[kind]
    if kind == "leaves":
        damage(path, tiles.pack_bundle(list(tiles.unpack_bundle(path.read_bytes(), path))[:4]))
    else:
        damage(path, b"".join(path.read_bytes().splitlines(keepends=True)[:4]))
    with pytest.raises(IntegrityError, match=f"the log's file {path} is truncated: 4 of 5 entries"):
        list(log.entries())


def groups(total: int, size: int) -> Iterator[list[Sealed]]:
    one = entry.seal({"n": 1}, KEY, 1)
    for _ in range(0, total, size):
        yield [one] * size


def peak_of(log: Log, total: int) -> int:
    """Return the peak of traced memory while `total` entries are appended."""
    tracemalloc.start()
    for group in groups(total, 2000):
        append(log, group)
        tracemalloc.reset_peak() if log.head().size < total // 2 else None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_stays_flat_while_a_log_grows(tmp_path: Path) -> None:
    """The design: "memory flat for 1,000,000": the second half of a long run takes no more than a
    short one.
    """
    short, long = (
        Log(tmp_path / name, OneKey(SIGNER.verifier, SIGNER)) for name in ("short", "long")
    )
    short.create()
    long.create()
    assert peak_of(long, 60_000) < 1.1 * peak_of(short, 10_000) + 500_000


@pytest.mark.soak
def test_memory_stays_flat_for_a_million_entries(tmp_path: Path) -> None:
    short, long = (
        Log(tmp_path / name, OneKey(SIGNER.verifier, SIGNER)) for name in ("short", "long")
    )
    short.create()
    long.create()
    assert peak_of(long, 1_000_000) < 1.1 * peak_of(short, 10_000) + 500_000
    head = long.head()
    proof = long.tree(head).inclusion_proof(123_456)
    leaf = long.tree(head).leaf(123_456)
    assert root_from_inclusion(leaf, 123_456, head.size, proof) == head.root
