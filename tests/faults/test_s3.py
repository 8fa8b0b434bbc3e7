"""A lost network, a killed process, a full disk, with objects on S3: nothing lost, no wrong "ok".

"SIGKILL, full disk and lost network at random points, hundreds of times, with nothing lost and no
wrong 'ok'."
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from holdfast.core import durable
from holdfast.core.digest import sha256_hex
from holdfast.testing.s3_simulator import CuttingProxy
from holdfast.vault import copying
from holdfast.vault.stores._s3_client import S3Address
from holdfast.vault.stores.s3 import S3Store
from holdfast.vault.vault import Vault
from tests.line import Line, home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.s3_server import Server

__all__ = ["home"]
pytestmark = pytest.mark.s3


class Scene:
    """A vault on S3 behind a network that can be broken, and evidence with its digests."""

    def __init__(
        self, server: Server, proxy: CuttingProxy, place: Path, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.server, self.proxy, self.place = server, proxy, place
        self.line = Line(place / "vault", "", capture)
        address = f"s3://{server.bucket()}/unit?endpoint={proxy.endpoint}"
        self.line.must("init", "--store", address)
        self.line.case = self.line.open_case()
        self.address = S3Address.parse(address)
        self._made = 0

    def evidence(self, count: int, size: int, large: int = 0) -> tuple[Path, set[str]]:
        self._made += 1
        folder = self.place / f"evidence-{self._made}"
        folder.mkdir()
        sizes = [size] * count + ([large] if large else [])
        digests = set()
        for n, length in enumerate(sizes):
            data = os.urandom(length)
            (folder / str(n)).write_bytes(data)
            digests.add(sha256_hex(data))
        return folder, digests

    def stored(self) -> dict[str, bytes]:
        """Return what really lies there, asked past the network that breaks."""
        past = S3Address(self.address.bucket, self.address.prefix, self.server.endpoint)
        store = S3Store(past, self.place / "past")
        return {digest: store.open(digest).read() for digest in store.digests()}

    def whole(self, digests: set[str]) -> None:
        """See that all is there, unchanged, and nothing is left over."""
        assert self.line.intact()["objects"] == len(digests)
        found = self.stored()
        assert set(found) == digests
        assert all(sha256_hex(data) == digest for digest, data in found.items())
        incoming = self.line.vault / "vault" / "incoming"
        assert list(incoming.iterdir()) == []


@pytest.fixture
def scene(s3: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Scene]:
    parts = urlsplit(s3.endpoint)
    with CuttingProxy(str(parts.hostname), int(parts.port or 0)) as proxy:
        yield Scene(s3, proxy, tmp_path, capsys)


@pytest.mark.parametrize("after", [pytest.param(0, marks=pytest.mark.soak), 150_000])
def test_a_network_lost_in_the_middle_loses_nothing(scene: Scene, after: int) -> None:
    folder, digests = scene.evidence(20, 20_000)
    scene.line.must("case", "list")
    scene.proxy.break_after(after)
    done = scene.line.collect(folder)
    assert done.code == 6, done
    assert done.out == "", "nothing is said to be collected that is not in its place"
    assert "does not answer" in done.err
    assert scene.proxy.cuts > 0
    assert set(scene.stored()) < digests
    assert scene.line("verify", "--read-only").code == 6
    scene.proxy.break_after(None)
    # Entered, and staged on the local disk: the next command sends the rest.
    scene.whole(digests)
    assert {row["status"] for row in scene.line.collect(folder).rows} == {"held"}


@pytest.mark.soak
def test_a_network_lost_in_the_middle_of_a_large_object(scene: Scene) -> None:
    folder, digests = scene.evidence(0, 0, large=70 << 20)
    scene.proxy.break_after(40 << 20)
    done = scene.line.collect(folder)
    assert (done.code, done.out) == (6, "")
    assert scene.stored() == {}
    scene.proxy.break_after(None)
    scene.whole(digests)


@pytest.mark.soak
def test_a_network_that_breaks_once_is_not_even_noticed(scene: Scene) -> None:
    """Requests are tried again: what was half sent is no object."""
    folder, digests = scene.evidence(5, 200_000)
    scene.line.must("case", "list")
    allowed, cut = scene.proxy._allowed, list[int]()

    def once(count: int) -> int:
        if count > 30_000 and not cut:
            cut.append(count)
            return 10_000
        return allowed(count)

    scene.proxy._allowed = once  # type: ignore[method-assign]
    assert scene.line.collect(folder).code == 0
    assert cut
    scene.whole(digests)


def killed(scene: Scene, folder: Path, at: int) -> bool:
    """Collect in a process that is killed before its `at`th request to put an object."""
    code = f"""
import os, signal, sys
from holdfast.cli.main import run
from holdfast.vault.stores import _s3_upload
real, left = _s3_upload.Upload.run, [{at}]
def upload(self):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self)
_s3_upload.Upload.run = upload
sys.exit(run(sys.argv[1:]))
"""
    command = scene.line.program("collect", "files", "--case", scene.line.case, "--", folder)
    done = subprocess.run([command[0], "-c", code, *command[3:]], check=False, capture_output=True)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


@pytest.mark.parametrize("at", [pytest.param(0, marks=pytest.mark.soak), 7])
def test_a_killed_process_loses_nothing(scene: Scene, at: int) -> None:
    folder, digests = scene.evidence(20, 2_000)
    assert killed(scene, folder, at)
    assert set(scene.stored()) < digests
    scene.whole(digests)


@pytest.mark.soak
def test_a_full_disk_stops_before_anything_is_sent(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, digests = scene.evidence(10, 2_000)
    scene.line.must("case", "list")
    real, left = durable.write_all, [5]

    def write_all(descriptor: int, data: bytes | memoryview) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(descriptor, data)

    monkeypatch.setattr(copying, "write_all", write_all)
    done = scene.line.collect(folder)
    assert (done.code, done.out) == (7, "")
    assert scene.stored() == {}
    monkeypatch.setattr(copying, "write_all", real)
    assert scene.line.collect(folder).code == 0
    scene.whole(digests)


@pytest.mark.soak
def test_a_network_lost_in_a_move_switches_nothing(scene: Scene, tmp_path: Path) -> None:
    folder, digests = scene.evidence(10, 50_000)
    assert scene.line.collect(folder).code == 0
    scene.line.must("vault", "move", "--to", tmp_path / "here")
    scene.proxy.break_after(200_000)
    back = ("vault", "move", "--to", str(scene.address))
    assert scene.line(*back).code == 6
    assert scene.line.intact()["objects"] == 10
    assert Vault.open(scene.line.vault).config.store.startswith("file:")
    scene.proxy.break_after(None)
    assert scene.line.must(*back, "--json").row["checked"] == 10
    scene.whole(digests)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_random_faults_lose_nothing(scene: Scene, seed: int) -> None:
    """Fifty faults a seed: the network breaks at a random byte, or the process dies at a random
    object; the next command completes what was entered, and repeating collects the rest.
    """
    dice = random.Random(seed)
    every: set[str] = set()
    for _ in range(50):
        folder, digests = scene.evidence(dice.randint(1, 15), dice.choice([0, 100, 5_000, 90_000]))
        every |= digests
        if dice.random() < 0.5:
            killed(scene, folder, dice.randint(0, 20))
        else:
            scene.proxy.break_after(dice.randint(0, 600_000))
            done = scene.line.collect(folder)
            assert done.code in {0, 6}, done
            told = {row["item"] for row in done.rows}
            scene.proxy.break_after(None)
            assert told <= set(scene.stored()), "an 'ok' for what is not there"
        assert scene.line.collect(folder).code == 0
    scene.whole(every)
