"""Examine with 1, 2 and 3 workers of a cluster, beside processes of this machine.

The cluster's machines share this machine's cores, so more workers than cores can't be faster
here. What carries over to other machines is what one worker takes, and what the head's own part
takes an item: that says how many workers one head can keep busy.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench import inputs, machine
from bench.measure import Side, alternate, median_of
from bench.process import SERVERS, expect
from bench.report import table
from bench.results import Section, row
from bench.store_s3 import credentials
from holdfast.vault.stores._s3_client import S3Address
from holdfast.vault.stores.s3 import S3Store
from tests import cluster, s3_server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure import Bench, Sample
    from tests.cluster import Cluster

Item: TypeAlias = "tuple[str, str, str, int]"
"""Digest, name, link and size."""
NAME = "examine-ray"
DISK = 4 << 30
DRIVERS = Path(__file__).parent / "drivers"
HOW_TO = Path(__file__).parents[1] / "docs" / "how-to" / "examine-on-many-machines.md"
BEGIN, END = "<!-- examine-ray -->\n", "<!-- /examine-ray -->\n"
KINDS = {"small": (1_500, 2_000), "large": (6, 16 << 20)}
"""How many access logs, of which size."""
TINY = {"small": (40, 2_000), "large": (3, 256 << 10)}
SHOWN = {"small": "files of 2 kB", "large": "files of 16 MiB"}
WORKERS = (1, 2, 3)
ROUNDS = 3
"""At most: joining the cluster takes ten seconds a run."""
_LINK = 6 * 3600


def measure(bench: Bench) -> Section:
    """Measure it, on a cluster and a store of the measurement's own."""
    section = Section(
        NAME, "access logs in an S3 store, every module, on a cluster on this machine"
    )
    try:
        s3_server.check_installed()
        cluster.check_possible()
    except (s3_server.NotInstalledError, cluster.NotPossibleError) as absent:
        section.notes.append(str(absent))
        return section
    with (
        credentials(), s3_server.running() as server, cluster.running(max(WORKERS)) as machines,
        machines.relayed(server.endpoint) as url,
    ):  # fmt: skip
        SERVERS.update(server.pids, machines.pids)
        for kind, (count, size) in (TINY if bench.small else KINDS).items():
            source = bench.room(kind)
            for number in range(count):
                inputs.web_log(source / f"access-{number:05d}.log", size, number)
            items = _stored(source, server.bucket(), server.endpoint, url)
            sides = [_here(source, kind, jobs, count) for jobs in (1, machine.cores())]
            sides += [_there(bench, machines, items, kind, workers) for workers in WORKERS]
            samples = alternate(bench, sides, min(ROUNDS, bench.rounds))
            _add(section, samples, sides, kind, items)
    section.notes.append(
        f"The three machines are network namespaces of this one, with {machine.cores()} cores "
        "for them, the head and the S3 server (Ceph) together: so rates for 3 workers are those of "
        "the cores. Time is from the first worker that is ready to the last item in force."
    )
    return section


def _add(
    section: Section,
    samples: dict[str, list[Sample]],
    sides: Sequence[Side],
    kind: str,
    items: Sequence[Item],
) -> None:
    count, size = len(items), sum(one[3] for one in items)
    for side in sides:
        amount, unit = (count, "items/s") if kind == "small" else (size / 1e6, "MB/s")
        section.rows.append(row(side, samples[side.name], amount, unit, by="busy"))
    alone = median_of(samples[_name(kind, 1)], "busy")
    head = median_of(samples[_name(kind, 1)], "head")
    each, of_head = count / alone, count / head
    section.facts.append(
        f"{SHOWN[kind]}: one worker {each:,.1f} items/s ({size / alone / 1e6:,.1f} MB/s); the "
        f"head's own processor time is for {of_head:,.0f} items/s ({size / head / 1e6:,.0f} MB/s), "
        f"so one core of the head is full with {of_head / each:,.0f} workers"
    )


def _name(kind: str, workers: int) -> str:
    return f"{SHOWN[kind]}, {workers} worker{'s' if workers > 1 else ''}"


def _stored(source: Path, bucket: str, endpoint: str, there: str) -> list[Item]:
    """Put the files into the store; return each with a link as the cluster's machines reach it."""
    near = S3Store(S3Address(bucket, endpoint=endpoint), source.parent)
    far = S3Store(S3Address(bucket, endpoint=there), source.parent)
    found = []
    for path in sorted(source.iterdir()):
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        near.client.put_object(Bucket=bucket, Key=near.key(digest), Body=data)
        found.append((digest, path.name, far.link(digest, _LINK), len(data)))
    return found


def _here(source: Path, kind: str, jobs: int, count: int) -> Side:
    command = [sys.executable, str(DRIVERS / "examine_here.py"), str(jobs), str(source)]
    return Side(
        f"{SHOWN[kind]}, local, {jobs} process{'es' if jobs > 1 else ''}",
        f"{SHOWN[kind]}, examine --jobs {jobs}", lambda _folder: [command], [source],
        check=partial(_check, count),
    )  # fmt: skip


def _there(bench: Bench, machines: Cluster, items: list[Item], kind: str, workers: int) -> Side:
    settings = bench.work / f"{kind}-{workers}.json"
    told = {
        "address": machines.address, "items": items, "token": str(machines.token),
        "workers": workers,
    }  # fmt: skip
    settings.write_text(json.dumps(told), "utf-8")
    command = machines.within(sys.executable, DRIVERS / "examine_ray.py", settings)
    return Side(
        _name(kind, workers), f"{SHOWN[kind]}, examine --engine ray --jobs {workers}",
        lambda _folder: [command], check=partial(_check, len(items)),
    )  # fmt: skip


def _check(count: int, folder: Path) -> dict[str, float]:
    figures: dict[str, float] = json.loads((folder / "output").read_text("utf-8"))
    expect(figures["examined"] == count, f"{figures['examined']} of {count} items")
    expect(not figures.get("failures"), f"{figures.get('failures')} failures")
    return figures


def how_to(section: Section) -> str:
    """Return what stands in the how-to: the table of this measurement, and what fills up first."""
    lines = [
        (one.side, f"{one.rate}", f"{one.cpu:.1f}", str(len(one.runs))) for one in section.rows
    ]
    when = f"Measured {section.taken.get('date', '')} by `./dev bench"
    return "\n\n".join(
        (
            table(("what", "rate", "cpu s of the command", "runs"), lines),
            "\n".join(f"- {line}" for line in section.facts),
            f"{when} {NAME}`. " + " ".join(section.notes),
        )
    )


def write_how_to(section: Section) -> None:
    """Put the table into the how-to; called with results that are kept, never by hand."""
    if not section.rows:
        return
    before, _, rest = HOW_TO.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    HOW_TO.write_text(f"{before}{BEGIN}{how_to(section)}\n{END}{after}", "utf-8")
