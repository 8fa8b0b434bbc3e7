"""Put files into an S3 store, beside the plain client putting the same files."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bars, inputs
from bench.measure import Side, alternate
from bench.process import SERVERS
from bench.results import Section, compare, row
from holdfast.vault.stores._s3_client import S3Address, connect
from tests import s3_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measure import Bench
    from tests.s3_server import Server

DISK = 8 << 30
DRIVERS = Path(__file__).parent / "drivers"
OURS = "holdfast's store"
KINDS = {"small": (1000, 4_000), "medium": (200, 1 << 20), "large": (1, 512 << 20)}
"""How many files, of which size."""
TINY = {"small": (20, 4_000), "medium": (4, 1 << 20), "large": (1, 8 << 20)}


def measure(bench: Bench) -> Section:
    """Measure it, on a server of the measurement's own."""
    section = Section("store-s3", "files into an S3 store on the same machine")
    try:
        s3_server.check_installed()
    except s3_server.NotInstalledError as absent:
        section.notes.append(str(absent))
        section.bars["store-s3"] = bars.by_ratio(None, 0.8, missing=str(absent))
        return section
    worst = None
    with credentials(), s3_server.running() as server:
        SERVERS.update(server.pids)
        _warm(server)
        for kind, (count, size) in (TINY if bench.small else KINDS).items():
            source = bench.room(kind)
            for seed in range(count):
                inputs.random_file(source / str(seed), size, seed)
            sides = (_ours(bench, server, source, kind), _plain(server, source, kind))
            samples = alternate(bench, sides)
            section.rows += [
                row(side, samples[side.name], count * size / 1e6, "MB/s") for side in sides
            ]
            compared = compare(samples, sides[0].name, sides[1].name)
            if compared is not None:
                section.comparisons.append(compared)
                if worst is None or compared.pairwise < worst.pairwise:
                    worst = compared
    section.notes += [
        "Server: Ceph's RADOS gateway from Debian's packages, on the same cores as the clients. "
        f"Plain client: obstore {metadata.version('obstore')}, 8 puts at once, as ours. Ours also "
        "copies to the local disk, syncs, refuses a taken name and has each object confirmed.",
    ]
    section.bars["store-s3"] = bars.by_ratio(worst, 0.8, missing="not measured")
    return section


def _warm(server: Server) -> None:
    """Have the server make what it makes at its first object, untimed."""
    bucket = server.bucket()
    client = connect(S3Address(bucket, endpoint=server.endpoint))
    client.put_object(Bucket=bucket, Key="first", Body=b"")


@contextmanager
def credentials() -> Iterator[None]:
    """Have the tests' server's credentials in the environment."""
    names = {"AWS_ACCESS_KEY_ID": s3_server.KEY, "AWS_SECRET_ACCESS_KEY": s3_server.SECRET}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _ours(bench: Bench, server: Server, source: Path, kind: str) -> Side:
    root = bench.room(f"vault-{kind}")

    def steps(_folder: Path) -> list[list[str]]:
        # A bucket of its own each time: an object that is there is not sent again.
        return [
            [sys.executable, str(DRIVERS / "s3_ours.py"), server.address(), str(source), str(root)]
        ]

    return Side(f"{OURS}, {kind}", "stage, sync, admit (8 at once)", steps, [source])


def _plain(server: Server, source: Path, kind: str) -> Side:
    def steps(_folder: Path) -> list[list[str]]:
        driver = [sys.executable, str(DRIVERS / "s3_plain.py")]
        return [[*driver, server.bucket(), server.endpoint, str(source)]]

    return Side(f"obstore, {kind}", "obstore.put (8 at once)", steps, [source])
