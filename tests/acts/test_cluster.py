"""A sealed vault in S3, examined by three machines, one of which dies: as if one had done it."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.core import clock
from holdfast.examine import results, run
from holdfast.examine.records import record_digest
from holdfast.examine.run import Examined, Input, Joined, examine
from holdfast.testing.scenario.generate import write
from holdfast.vault import tables
from holdfast.vault.vault import Vault
from tests import cluster
from tests.acts.test_s3_vault import vault_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.examine.run import Event
    from holdfast.testing.scenario.generate import Size
    from tests.cluster import Cluster
    from tests.line import Line
    from tests.s3_server import Server

pytestmark = pytest.mark.s3


@pytest.fixture(scope="module")
def three() -> Iterator[Cluster]:
    try:
        with cluster.running(3) as machines:
            yield machines
    except cluster.NotPossibleError as absent:
        pytest.skip(str(absent))


@pytest.fixture
def there(three: Cluster, s3: Server) -> Iterator[str]:
    """A store's address, as the machines of the cluster reach it; this thread among them."""
    bucket = s3.bucket()
    with three.relayed(s3.endpoint) as url, three.inside():
        yield f"s3://{bucket}/unit?endpoint={url}"


def evidence(place: Path, size: Size, small: int) -> Path:
    folder = place / "evidence"
    write(folder, size=size)
    notes(folder / "notes", range(small))
    return folder


def notes(folder: Path, numbers: range) -> Path:
    folder.mkdir()
    for number in numbers:
        (folder / f"note-{number}.txt").write_text(f"{number}: see https://shop{number}.example/\n")
    return folder


def as_local(line: Line, folder: Path, derived: Path) -> list[str]:
    """Examine the same items with a process of this machine; return the items."""
    files = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in paths(folder)}
    inputs = []
    for one in line.items():

        def opened(path: Path = files[one["item"]]) -> int:
            return os.open(path, os.O_RDONLY)

        name, latest = one["path"].rpartition("/")[2], clock.from_text(one["collected"])
        inputs.append(Input(one["item"], name, opened, latest))
    examine(inputs, derived)
    return sorted({one.item for one in inputs})


def paths(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def digest(derived: Path, items: list[str]) -> str:
    return record_digest(found.path for found in results.datasets(derived, items))


@pytest.mark.parametrize("size", ["short", pytest.param("long", marks=pytest.mark.soak)])
def test_three_machines_and_one_that_dies_give_the_records_of_one(  # noqa: PLR0917 - fixtures
    three: Cluster,
    there: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    size: str,
) -> None:
    """The same records by their digest, nothing twice, nothing lost; item keys, no vault's key."""
    line = vault_at(there, tmp_path / "vault", capsys, "--sealed")
    long = size == "long"
    folder = evidence(tmp_path, "medium" if long else "small", 600 if long else 60)
    assert line.collect(folder).code == 0
    victim = three.machines[-1]
    told: list[Event] = []
    real = run.examine

    def watched(inputs: Any, derived: Path, *, on_event: Any, **more: Any) -> Any:
        before = len(told)

        def hear(event: Event) -> None:
            told.append(event)
            on_event(event)
            joined = {one.where for one in told[before:] if isinstance(one, Joined)}
            done = sum(isinstance(one, Examined) for one in told)
            if len(joined) == 3 and done >= 10 and victim.process.poll() is None:
                victim.power_off()

        return real(inputs, derived, on_event=hear, **more)

    monkeypatch.setattr(run, "examine", watched)
    # On a busy machine all may be done before the third has joined: then there is more to do.
    for more in (range(0), range(1000, 1300), range(2000, 3200)):
        if more:
            assert line.collect(notes(folder / f"notes-{more.start}", more)).code == 0
        done = line("examine", "--case", line.case, "--engine", "ray", "--address", three.address,
                    "--token", three.token, "--json")  # fmt: skip
        assert done.code == 0, done.err
        if victim.process.poll() is not None:
            break
    assert victim.process.poll() is not None, "all was done before three machines had joined"
    three.machines.remove(victim)
    three.join(4)
    assert f"a worker on {victim.address} was lost" in done.err
    items = as_local(line, folder, tmp_path / "other")
    finished = [one.item for one in told if isinstance(one, Examined)]
    assert sorted(finished) == sorted(items)
    derived = line.vault / "derived"
    assert digest(derived, items) == digest(tmp_path / "other", items)
    assert list(results.verify(derived, items)) == []
    again = line("examine", "--case", line.case, "--engine", "ray", "--address", three.address,
                 "--token", three.token, "--json").row  # fmt: skip
    assert (again["examined"], again["skipped"]) == (0, len(items))
    vault = Vault.open(line.vault)
    with vault.engine.connect() as connection:
        assert connection.execute(tables.leases.select()).all() == []
    vault.engine.dispose()
    line.intact()
    # On the disks of these machines: no key, no link that opens an object, no original.
    left = paths(three.folder)
    assert left
    keys = [path.read_bytes().strip() for path in paths(line.vault / "keys")]
    for path in left:
        content = path.read_bytes()
        assert not any(key in content for key in keys), path
        assert b"AGE-SECRET-KEY" not in content, path
        assert b"X-Amz-Signature" not in content, path
        assert not content or hashlib.sha256(content).hexdigest() not in items, path


def test_originals_in_a_folder_are_not_for_other_machines(line: Line, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0" * 64)
    token.chmod(0o600)
    line.collect(evidence(tmp_path, "small", 0))
    done = line("examine", "--case", line.case, "--engine", "ray", "--address", "10.77.0.1:6379",
                "--token", token)  # fmt: skip
    assert done.code == 3
    assert "holdfast vault move" in done.err
    done = line("examine", "--case", line.case, "--engine", "ray")
    assert done.code == 3
    assert "HOLDFAST_CLUSTER" in done.err
