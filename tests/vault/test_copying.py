"""Copying: the digest is of the bytes that were stored, holes stay holes, faults say whose."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core import durable
from holdfast.core.digest import CHUNK
from holdfast.core.errors import DeniedError, IntegrityError
from holdfast.vault import copying

if TYPE_CHECKING:
    from holdfast.vault.copying import Copied

SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 12 * CHUNK + 77, 40 * CHUNK]
PAGE = 4096


def data_of(size: int) -> bytes:
    block = os.urandom(min(size, 70_001))
    return (block * (size // max(len(block), 1) + 1))[:size]


def run(source: Path, target: Path, recipient: str | None = None) -> Copied:
    with source.open("rb") as reading, target.open("xb+") as writing:
        # Whatever the collector did with the descriptor before, the copy is of the whole file.
        reading.seek(5)
        return copying.copy(reading.fileno(), writing.fileno(), recipient)


def sha256sum(path: Path) -> str:
    told = subprocess.run(["sha256sum", path], capture_output=True, check=True, text=True)
    return told.stdout.split()[0]


@pytest.mark.parametrize("size", SIZES)
def test_a_plain_copy_is_the_original_and_its_digest_what_sha256sum_says(
    size: int, tmp_path: Path
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data_of(size))
    copied = run(source, target)
    assert copied.item == copied.object == sha256sum(source) == sha256sum(target)
    assert copied.size == size == target.stat().st_size
    assert copied.wrapped is None


@pytest.mark.parametrize("size", SIZES)
def test_a_sealed_copy_opens_with_the_key_wrapped_to_the_case(size: int, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    data = data_of(size)
    source.write_bytes(data)
    case = pyrage.x25519.Identity.generate()
    copied = run(source, target, str(case.to_public()))
    assert copied.item == hashlib.sha256(data).hexdigest()
    assert copied.object == sha256sum(target) != copied.item
    assert copied.size == size
    # https://age-encryption.org/v1: the version line, then recipient stanzas; ours is one X25519
    # stanza, beside which a library may put stanzas of random types ("-grease").
    stored = target.read_bytes()
    header = stored.split(b"\n---", 1)[0].split(b"\n")
    assert header[0] == b"age-encryption.org/v1"
    stanzas = [line.split()[1] for line in header if line.startswith(b"->")]
    assert [kind for kind in stanzas if not kind.endswith(b"-grease")] == [b"X25519"]
    # A shorter run of bytes may well occur in a ciphertext by chance.
    assert len(data) < 16 or data[:100] not in stored
    # The tool that opens it is not ours.
    assert copied.wrapped is not None
    secret = pyrage.decrypt(base64.b64decode(copied.wrapped), [case]).decode()
    assert secret == copying.unwrap(copied.wrapped, case)
    opened = pyrage.decrypt(stored, [pyrage.x25519.Identity.from_str(secret)])
    assert opened == data
    out = io.BytesIO()
    copying.unseal(io.BytesIO(stored), out, secret)
    assert out.getvalue() == data


def test_each_item_has_a_key_of_its_own(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"same")
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    one, two = (run(source, tmp_path / name, recipient) for name in ("one", "two"))
    assert one.item == two.item
    assert one.object != two.object
    assert one.wrapped != two.wrapped


def test_another_cases_key_opens_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"secret")
    copied = run(source, tmp_path / "t", str(pyrage.x25519.Identity.generate().to_public()))
    other = pyrage.x25519.Identity.generate()
    with pytest.raises(DeniedError, match="does not open with this case's key"):
        copying.unwrap(copied.wrapped or "", other)
    with (tmp_path / "t").open("rb") as sealed, pytest.raises(IntegrityError, match="not open"):
        copying.unseal(sealed, io.BytesIO(), str(other))


@pytest.mark.parametrize("damage", ["flipped", "cut", "cut at a chunk", "grown", "head", "empty"])
def test_a_sealed_object_that_was_altered_does_not_open(damage: str) -> None:
    """https://age-encryption.org/v1, "Payload": chunks of 64 KiB, each authenticated, the last one
    marked, so that nothing can be changed, cut or added.
    """
    identity = pyrage.x25519.Identity.generate()
    sealed = pyrage.encrypt(bytes(200_000), [identity.to_public()])
    at = len(sealed) // 2
    altered = {
        "flipped": sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :],
        "cut": sealed[:-5],
        "cut at a chunk": sealed[: -(200_000 % 65_536) - 16],
        "grown": sealed + b"x",
        "head": b"y" + sealed[1:],
        "empty": b"",
    }[damage]
    with pytest.raises(IntegrityError, match="a sealed object does not open"):
        copying.unseal(io.BytesIO(altered), io.BytesIO(), str(identity))


def test_a_disk_that_is_full_while_unsealing_is_not_the_objects_fault() -> None:
    identity = pyrage.x25519.Identity.generate()
    sealed = pyrage.encrypt(bytes(200_000), [identity.to_public()])
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No sp"):
        copying.unseal(io.BytesIO(sealed), full, str(identity))


def holes(path: Path) -> list[tuple[int, int]]:
    """Return (start, end) of the data in a file, as the file system has it."""
    found = []
    with path.open("rb") as file:
        at, size = 0, path.stat().st_size
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            found.append((at, end))
            at = end
    return found


ISLANDS = st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 300)), max_size=5)


@given(ISLANDS, st.integers(0, 9_000_000))
@settings(max_examples=30)
def test_a_sparse_copy_has_the_same_bytes_in_no_more_room(
    tmp_path_factory: pytest.TempPathFactory, islands: list[tuple[int, int]], size: int
) -> None:
    folder = tmp_path_factory.mktemp("sparse")
    source, target = folder / "source", folder / "target"
    with source.open("wb") as file:
        file.truncate(size)
        for page, length in islands:
            file.seek(page * PAGE)
            file.write(os.urandom(length * 100))
    copied = run(source, target)
    assert copied.object == sha256sum(source) == sha256sum(target)
    assert copied.size == source.stat().st_size
    if copied.size > CHUNK:
        assert target.stat().st_blocks <= source.stat().st_blocks + PAGE // 512


@pytest.mark.parametrize(
    "islands",
    [[], [0], [64 << 20], [1 << 20, 40 << 20], [(100 << 20) - 6]],
    ids=["nothing but a hole", "start", "middle", "two", "end"],
)
def test_holes_stay_where_they_were(islands: list[int], tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        file.truncate(100 << 20)
        for at in islands:
            file.seek(at)
            file.write(b"island")
    copied = run(source, target)
    assert copied.object == sha256sum(source) == sha256sum(target)
    assert holes(target) == holes(source)


def test_a_sealed_sparse_file_opens_to_the_same_bytes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        file.truncate(9 << 20)
        file.seek(5 << 20)
        file.write(b"island")
    case = pyrage.x25519.Identity.generate()
    copied = run(source, target, str(case.to_public()))
    secret = copying.unwrap(copied.wrapped or "", case)
    opened = pyrage.decrypt(target.read_bytes(), [pyrage.x25519.Identity.from_str(secret)])
    assert hashlib.sha256(opened).hexdigest() == copied.item == sha256sum(source)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_source_that_can_not_be_read_is_told_from_a_disk_that_can_not_be_written(
    sealed: bool,
    after: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = tmp_path / "source"
    source.write_bytes(data_of(8 * CHUNK))
    pread, bound = os.pread, after * CHUNK

    def failing(descriptor: int, count: int, at: int) -> bytes:
        if at >= bound:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(descriptor, min(count, bound - at), at)

    monkeypatch.setattr(os, "pread", failing)
    recipient = str(pyrage.x25519.Identity.generate().to_public()) if sealed else None
    with pytest.raises(copying.SourceError) as told:
        run(source, tmp_path / "target", recipient)
    assert told.value.errno == errno.EIO


@pytest.mark.parametrize("seek", ["SEEK_DATA", "SEEK_HOLE"])
def test_a_sparse_source_that_can_not_be_read_is_not_taken_for_zeros(
    seek: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lseek(2): only ENXIO says that there is no more data; anything else is a fault."""
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(20 << 20)
        file.seek(10 << 20)
        file.write(b"island")
    lseek = os.lseek

    def failing(descriptor: int, at: int, whence: int) -> int:
        if whence == getattr(os, seek):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return lseek(descriptor, at, whence)

    monkeypatch.setattr(os, "lseek", failing)
    with pytest.raises(copying.SourceError):
        run(source, tmp_path / "target")


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("size", [10, 8 * CHUNK])
def test_a_full_disk_is_the_disks_fault(
    sealed: bool,
    size: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = tmp_path / "source"
    source.write_bytes(data_of(size))
    recipient = str(pyrage.x25519.Identity.generate().to_public()) if sealed else None
    with (
        source.open("rb") as reading,
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(OSError, match="No space left") as told,
    ):
        copying.copy(reading.fileno(), full.fileno(), recipient)
    assert not isinstance(told.value, copying.SourceError)
    assert told.value.errno == errno.ENOSPC


@pytest.mark.parametrize("sealed", [False, True])
def test_an_interruption_passes_through(
    sealed: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C in the middle of a file must end the command, not become a fault of the disk."""
    source = tmp_path / "source"
    source.write_bytes(data_of(4 * CHUNK))

    def interrupted(descriptor: int, data: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "write", interrupted)
    recipient = str(pyrage.x25519.Identity.generate().to_public()) if sealed else None
    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / "target", recipient)


def test_a_file_that_grows_while_it_is_copied_ends_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest is of what was stored, whatever the source does meanwhile."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data_of(3 * CHUNK))
    write, grown = durable.write_all, [0]

    def growing(descriptor: int, data: bytes | memoryview) -> None:
        write(descriptor, data)
        if grown[0] < 4:
            grown[0] += 1
            with source.open("ab") as file:
                file.write(b"more" * 1000)

    monkeypatch.setattr(copying, "write_all", growing)
    copied = run(source, target)
    assert copied.object == sha256sum(target)
    assert copied.size == target.stat().st_size >= 3 * CHUNK


@pytest.mark.parametrize("sparse", [False, True])
def test_a_file_that_shrinks_while_it_is_copied_is_hashed_as_stored(
    sparse: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        if sparse:
            file.seek(40 * CHUNK)
            file.write(b"end")
            file.seek(0)
        file.write(data_of(6 * CHUNK))
    write = durable.write_all

    def shrinking(descriptor: int, data: bytes | memoryview) -> None:
        write(descriptor, data)
        os.truncate(source, 2 * CHUNK + 5)

    monkeypatch.setattr(copying, "write_all", shrinking)
    copied = run(source, target)
    assert copied.object == sha256sum(target)
    assert copied.size == target.stat().st_size
