"""The S3 store, on a real server: the contract every store keeps, and what only S3 can do."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.core.digest import sha256_hex
from holdfast.core.errors import DeniedError, IntegrityError, RemoteError
from holdfast.testing.store_contract import StoreTests, content, put, staged, writing
from holdfast.vault.stores._s3_client import S3Address
from holdfast.vault.stores.s3 import S3Store, Sizes

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.store import Store
    from tests.s3_server import Server

pytestmark = pytest.mark.s3
SMALL = Sizes(parts_from=6 << 20, part=5 << 20)
"""A server takes no part below 5 MiB but the last."""


def made(address: str, root: Path) -> S3Store:
    store = S3Store(S3Address.parse(address), root, SMALL)
    store.create()
    return store


def overwrite(store: Store, digest: str, data: bytes) -> None:
    assert isinstance(store, S3Store)
    store.client.put_object(Bucket=store.address.bucket, Key=store.key(digest), Body=data)


class TestS3Store(StoreTests):
    locks = 0

    @pytest.fixture(autouse=True)
    def _server(self, s3: Server) -> None:
        self.server = s3

    def make(self, root: Path) -> S3Store:
        return made(self.server.address(locks=self.locks), root)

    def tamper(self, store: Store, digest: str, data: bytes) -> None:
        overwrite(store, digest, data)


@pytest.mark.soak
class TestLockedS3Store(TestS3Store):
    locks = 1


@pytest.fixture
def store(s3: Server, tmp_path: Path) -> S3Store:
    return made(s3.address(), tmp_path)


@pytest.fixture
def locked(s3: Server, tmp_path: Path) -> S3Store:
    return made(s3.address(locks=1), tmp_path)


def test_the_probe_finds_what_this_server_does(store: S3Store, locked: S3Store) -> None:
    """Ceph 16: a taken name is refused where there are no versions, a lock is kept where there are.

    At the end of parts it refuses nothing: that must not be claimed.
    """
    assert store.probe().as_json() == {
        "create": True,
        "lock": False,
        "multipart": False,
        "ranges": True,
    }
    assert locked.probe().lock


def test_a_bucket_with_versions_and_no_lock_is_refused(s3: Server, tmp_path: Path) -> None:
    """There this server gives a name twice, and nothing keeps the first version."""
    bucket = s3.bucket(locks=True)
    store = made(f"s3://{bucket}/x?endpoint={s3.endpoint}", tmp_path)
    with pytest.raises(RemoteError, match="If-None-Match is not enforced"):
        store.probe()
    intake = store.intake("run")
    digests = staged(intake, b"data")
    with pytest.raises(RemoteError, match="If-None-Match is not enforced"):
        intake.admit(digests)
    intake.leave()
    assert list(store.digests()) == []


def test_a_lock_that_the_bucket_does_not_have_is_refused(s3: Server, tmp_path: Path) -> None:
    store = made(f"s3://{s3.bucket()}/x?endpoint={s3.endpoint}&lock=1", tmp_path)
    with pytest.raises(RemoteError, match="asked to lock"):
        store.probe()


@pytest.mark.parametrize("size", [SMALL.parts_from - 1, SMALL.parts_from, (11 << 20) + 3])
def test_large_objects_go_in_parts(store: S3Store, size: int) -> None:
    data = os.urandom(size)
    (digest,) = put(store, "run", data)
    assert sha256_hex(content(store, digest)) == digest
    tag = store.client.head_object(Bucket=store.address.bucket, Key=store.key(digest))["ETag"]
    assert ("-" in tag) == (size >= SMALL.parts_from)


def test_an_upload_in_parts_goes_on_where_it_was_cut(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server has of an object is not sent again."""
    data = os.urandom(16 << 20)
    sent: list[int] = []
    upload_part = store.client.upload_part

    def cut(**wish: Any) -> Any:
        if wish["PartNumber"] == 3 and len(sent) < 10:
            raise RemoteError("the network is gone", "wait")
        sent.append(wish["PartNumber"])
        return upload_part(**wish)

    monkeypatch.setattr(store.client, "upload_part", cut)
    intake = store.intake("run")
    (digest,) = staged(intake, data)
    with pytest.raises(RemoteError, match="the network is gone"):
        intake.admit([digest])
    assert store.size(digest) is None
    intake.leave()
    first, sent[:] = set(sent), [0] * 10
    assert first >= {1, 2}
    assert store.recover(set) == []
    assert set(sent[10:]) == {1, 2, 3, 4} - first
    assert sha256_hex(content(store, digest)) == digest
    assert list((store._local / "incoming").iterdir()) == []


def test_an_object_is_locked_and_stays(locked: S3Store) -> None:
    """Both ways in: this server forgets the lock of an upload in parts, so it is set after."""
    small, large = put(locked, "run", b"data", os.urandom(7 << 20))
    for digest in (small, large):
        key = {"Bucket": locked.address.bucket, "Key": locked.key(digest)}
        facts = locked.client.head_object(**key)
        assert facts["ObjectLockMode"] == "COMPLIANCE"
        with pytest.raises(Exception, match="AccessDenied"):
            locked.client.delete_object(**key, VersionId=facts["VersionId"])
        with pytest.raises(DeniedError, match="is locked until"):
            locked.destroy([digest], lambda _names: set())
        assert sha256_hex(content(locked, digest)) == digest
    assert [line for task in locked.hashing() or [] for line in task()] == []


def test_an_object_without_the_lock_that_was_promised_is_named(locked: S3Store) -> None:
    digest = sha256_hex(b"data")
    overwrite(locked, digest, b"data")
    (line,) = [line for task in locked.hashing() or [] for line in task()]
    assert "is not locked" in line
    assert digest in line


def test_hashing_names_what_is_wrong_and_nothing_else(store: S3Store) -> None:
    good, bad = put(store, "run", b"good", b"bad")
    overwrite(store, bad, b"worse")
    bucket, base = store.address.bucket, f"{store.address.prefix}objects/"
    for stray in ("zz/x", "loose", "00/x", f"{'0' * 2}/{'f' * 64}"):
        store.client.put_object(Bucket=bucket, Key=base + stray, Body=b"stray")
    lines = [line for task in store.hashing() or [] for line in task()]
    assert len(lines) == 5
    assert [bad in line for line in lines].count(True) == 1
    assert not any(good in line for line in lines)
    assert list(store.digests()) == sorted([good, bad])


def test_reading_seeks_and_goes_on(store: S3Store) -> None:
    data = os.urandom(5 << 20)
    (digest,) = put(store, "run", data)
    with store.open(digest) as stream:
        assert stream.seek(-10, os.SEEK_END) == len(data) - 10
        assert stream.read() == data[-10:]
        assert stream.read(1) == b""
        stream.seek(3 << 20)
        assert stream.read(100) == data[3 << 20 :][:100]
        stream.seek(0)
        assert sha256_hex(stream.read()) == digest


def test_what_was_put_there_while_it_was_read_is_not_mixed_in(store: S3Store) -> None:
    data = os.urandom(5 << 20)
    (digest,) = put(store, "run", data)
    with store.open(digest) as stream:
        stream.read(10)
        overwrite(store, digest, os.urandom(5 << 20))
        stream.seek(4 << 20)
        with pytest.raises(Exception, match=r"PreconditionFailed|412"):
            stream.read(10)


def test_destroying_leaves_no_version(s3: Server, tmp_path: Path) -> None:
    bucket = s3.bucket(locks=True)
    store = made(f"s3://{bucket}/x?endpoint={s3.endpoint}", tmp_path)
    digest = sha256_hex(b"data")
    for data in (b"data", b"again", b"data"):
        overwrite(store, digest, data)
    store.client.delete_object(Bucket=bucket, Key=store.key(digest))
    store.destroy([digest], lambda _names: set())
    left = store.client.list_object_versions(Bucket=bucket)
    assert (left.get("Versions"), left.get("DeleteMarkers")) == (None, None)
    store.destroy([digest], lambda _names: set())
    assert store.size(digest) is None


def test_no_bucket_and_wrong_credentials_are_told_in_a_line(
    s3: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RemoteError, match="no such bucket"):
        made(f"s3://not-there/x?endpoint={s3.endpoint}", tmp_path).probe()
    address = s3.address()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(RemoteError, match=r"SignatureDoesNotMatch|AccessDenied") as refused:
        made(address, tmp_path).probe()
    assert "wrong" not in str(refused.value)


def test_a_server_that_is_away_loses_nothing(s3: Server, tmp_path: Path) -> None:
    address = s3.address()
    away = made(address.replace(s3.endpoint, "http://127.0.0.1:9"), tmp_path)
    intake = away.intake("run")
    digests = staged(intake, b"data")
    with pytest.raises(RemoteError, match="does not answer"):
        intake.admit(digests)
    intake.leave()
    with pytest.raises(RemoteError, match="does not answer"):
        away.recover(set)
    back = made(address, tmp_path)
    assert back.recover(set) == []
    assert content(back, digests[0]) == b"data"


def test_a_staged_file_that_was_torn_is_refused_by_its_name(store: S3Store) -> None:
    (digest,) = put(store, "first", b"original")
    overwrite(store, digest, b"0riginal")
    intake = store.intake("second")
    intake.stage(writing(b"original"))
    intake.leave()
    for _ in range(2):
        assert store.recover(set) == []
        assert store.abandoned() == [("second", [digest])]
    with pytest.raises(IntegrityError):
        store.check(digest)


MEASURED = """
import hashlib, resource, sys
from pathlib import Path
from holdfast.vault import copying
from holdfast.vault.places import store_at
address, root, size = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
store = store_at(address, root)
store.create()
intake = store.intake("run")
with open("/dev/zero", "rb") as _, open(root / "source", "wb") as made:
    made.truncate(size)
with open(root / "source", "rb") as source:
    digest = intake.stage(lambda fd: copying.copy(source.fileno(), fd, None).object)
intake.flush()
intake.admit([digest])
intake.close()
assert [line for task in store.hashing() for line in task()] == []
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.soak
def test_memory_does_not_follow_the_objects_size(s3: Server, tmp_path: Path) -> None:
    peaks = []
    for size in (80 << 20, 640 << 20):
        root = tmp_path / str(size)
        (root / "vault").mkdir(parents=True)
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, s3.address(), str(root), str(size)],
            capture_output=True,
            check=True,
            text=True,
        )
        peaks.append(int(done.stdout))
    assert peaks[1] <= 1.25 * peaks[0], peaks
