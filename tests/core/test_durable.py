"""One file, one promise: whole or absent, and only one winner for a name."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from holdfast.core import durable
from holdfast.core.errors import ResourceError

RACER = """
import sys
from pathlib import Path
from holdfast.core import durable
folder, name = Path(sys.argv[1]), sys.argv[2].encode()
print("ready", flush=True)
sys.stdin.readline()
for n in range(50):
    if durable.create(folder / f"{n:04d}", name * 4000):
        print(n)
"""


def test_of_eight_racing_processes_exactly_one_creates_each_name(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), chr(ord("a") + n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(8)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    won: dict[int, str] = {}
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for n, racer in enumerate(racers):
        told, _ = racer.communicate(timeout=60)
        assert racer.returncode == 0
        for number in map(int, told.split()):
            assert number not in won, "two processes created the same name"
            won[number] = chr(ord("a") + n)
    assert sorted(won) == list(range(50))
    for number, winner in won.items():
        assert (tmp_path / f"{number:04d}").read_bytes() == winner.encode() * 4000
    assert len(list(tmp_path.iterdir())) == 50, "a temporary file was left"


def test_create_never_touches_what_has_the_name(tmp_path: Path) -> None:
    path = tmp_path / "name"
    assert durable.create(path, b"first")
    assert not durable.create(path, b"second")
    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o444
    (tmp_path / "link").symlink_to("nowhere")
    assert not durable.create(tmp_path / "link", b"through a link")
    assert not (tmp_path / "nowhere").exists()


def test_a_reader_sees_the_old_bytes_or_the_new_never_a_mixture(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.replace(path, b"0" * 100_000)
    stop = threading.Event()
    mixtures: list[bytes] = []

    def read() -> None:
        while not stop.is_set():
            data = path.read_bytes()
            if len(data) != 100_000 or len(set(data)) != 1:
                mixtures.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(200):
        durable.replace(path, str(n % 10).encode() * 100_000, sync=False)
    stop.set()
    reader.join()
    assert mixtures == []
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["write", "fsync", "link", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    durable.replace(path, b"old")

    def full(*_args: object, **_kw: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if call == "replace":
        monkeypatch.setattr(Path, "replace", full)
    else:
        monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        if call == "link":
            durable.create(tmp_path / "other", b"new")
        else:
            durable.replace(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_create_is_synced_before_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's bytes must be on disk before anyone can see the name, the name before we tell."""
    calls: list[str] = []
    fsync, link = os.fsync, os.link

    def watched_fsync(descriptor: int) -> None:
        calls.append("fsync directory" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "fsync")  # noqa: PTH112 - a descriptor has no Path
        fsync(descriptor)

    def watched_link(source: Path, target: Path) -> None:
        calls.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "link", watched_link)
    assert durable.create(tmp_path / "file", b"bytes")
    assert calls == ["fsync", "link", "fsync directory"]


def test_write_all_writes_on_where_the_kernel_stopped_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """write(2): "The number of bytes written may be less than count"."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    durable.replace(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_sync_that_the_kernel_refuses_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable.sync_filesystem(tmp_path)

    class Failing:
        @staticmethod
        def syncfs(_descriptor: int) -> int:
            import ctypes  # noqa: PLC0415 - only to set what libc would set

            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(durable, "_libc", Failing)
    with pytest.raises(OSError, match="Input/output error"):
        durable.sync_filesystem(tmp_path)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EFBIG, "a file may not grow that large here"),
        (errno.EACCES, "permission is denied"),
        (errno.EIO, "the disk reports an input/output error"),
    ],
)
def test_disk_errors_say_what_happened_to_what_and_what_to_do(code: int, said: str) -> None:
    def told() -> pytest.RaisesExc[ResourceError]:
        return pytest.raises(ResourceError, match=f"could not write to /v(/x)?: {said}; nothing th")

    with told() as named, durable.disk_errors(Path("/v")):
        raise OSError(code, os.strerror(code), "/v/x")
    assert "/v/x:" in str(named.value)
    with told() as unnamed, durable.disk_errors(Path("/v")):
        raise OSError(code, os.strerror(code))
    assert "/v:" in str(unnamed.value)


def test_other_errors_are_not_passed_off_as_the_disks() -> None:
    with pytest.raises(FileNotFoundError), durable.disk_errors(Path("/v")):
        raise FileNotFoundError(errno.ENOENT, "gone", "/v/x")
