"""Lines of web, authentication and system logs to Parquet on disk, beside plaso's text parser.

plaso is measured where `log2timeline` is on the path; it is not among our dependencies. Its files
are a tenth of ours, since it reads about ten thousand lines a second; both sides are rates.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bars, machine
from bench.measure import Side, alternate, median_of
from bench.process import expect
from bench.results import Outcome, Section, row

if TYPE_CHECKING:
    from bench.measure import Bench

OURS, PLASO = "holdfast", "plaso"
DRIVER = Path(__file__).parent / "drivers" / "examine_ours.py"
DISK = 2 << 30
_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Safari/537.36"
)


def measure(bench: Bench) -> Section:
    """Measure it."""
    cores = min(2, machine.cores())
    lines, few = bench.size(500_000, 2_000), bench.size(50_000, 500)
    large, small = bench.room("large"), bench.room("small")
    for folder, count in ((large, lines), (small, few)):
        for number in range(2):
            web_log(folder / f"access{number}.log", count, number)
            auth_log(folder / f"auth{number}.log", count, number)
    sides = (_ours(large, 4 * lines, cores), _plaso(small, cores))
    samples = alternate(bench, sides)
    rows = [
        row(side, samples[side.name], 4 * count, "lines/s")
        for side, count in zip(sides, (lines, few), strict=True)
        if side.name in samples
    ]
    rate = 4 * lines / median_of(samples[OURS])
    found = {
        "examine-lines-rate": Outcome(rate >= 300_000, f"{rate:,.0f} lines/s"),
        "examine-lines-plaso": Outcome(None, sides[1].missing),
    }
    facts = [f"{rate / cores:,.0f} lines/s for each core used"]
    if PLASO in samples:
        theirs = 4 * few / median_of(samples[PLASO])
        ratio = f"{rate / theirs:,.0f}x plaso's {theirs:,.0f} lines/s"
        found["examine-lines-plaso"] = Outcome(rate >= 30 * theirs, ratio)
    return Section(
        "examine-lines",
        f"{4 * lines:,} lines of access and authentication logs in four files",
        rows,
        [],
        facts,
        [
            "Holdfast: the whole engine with its sandbox, without finders; plaso: a tenth of the "
            "lines. The start of both is included.",
            *([sides[1].missing] if sides[1].missing else []),
        ],
        {name: found[name] for name in bars.BARS if name in found},
    )


def _ours(folder: Path, count: int, cores: int) -> Side:
    files = sorted(map(str, folder.iterdir()))

    def check(place: Path) -> dict[str, float]:
        rows = [json.loads(one.read_text()) for one in place.glob("derived/*/done.json")]
        records = sum(
            module["totals"]["records"]
            for one in rows
            for module in one["modules"].values()
            if "totals" in module
        )
        expect(records == count, f"{records} records of {count} lines")
        return {}

    command = [sys.executable, str(DRIVER), "web_access,syslog", str(cores), *files]
    return Side(
        OURS,
        f"examine --jobs {cores} (web_access, syslog)",
        lambda _place: [command],
        [Path(file) for file in files],
        check=check,
    )


def _plaso(folder: Path, cores: int) -> Side:
    program = shutil.which("log2timeline")
    command = [
        program or "log2timeline", "--workers", str(cores), "--status_view", "none", "-u", "-q",
        "--parsers", "text", "--storage-file", "x.plaso", str(folder),
    ]  # fmt: skip
    return Side(
        PLASO,
        f"log2timeline --workers {cores} --parsers text",
        lambda _place: [command],
        sorted(folder.iterdir()),
        missing="" if program else "not measured: no log2timeline on the path",
    )


def web_log(path: Path, count: int, seed: int) -> None:
    """Write Combined Log Format."""
    dice = random.Random(seed)
    with path.open("w") as sink:
        for n in range(count):
            second = n // 3
            clock = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            day = f"{1 + second // 86400 % 28:02d}/Feb/2026"
            target = f"/shop/item/{dice.randrange(10**6)}?ref={dice.randrange(999)}"
            sink.write(
                f"192.0.2.{n % 250} - - [{day}:{clock} +0000] "
                f'"GET {target} HTTP/1.1" {dice.choice((200, 200, 200, 404, 302))} '
                f'{dice.randrange(90_000)} "https://www.example.com/shop/{dice.randrange(1000)}" '
                f'"{_AGENT.format(dice.randrange(90, 140))}"\n'
            )


def auth_log(path: Path, count: int, seed: int) -> None:
    """Write RFC 3164 as sshd, cron, the kernel and systemd do."""
    dice = random.Random(seed)
    with path.open("w") as sink:
        for n in range(count):
            second = n // 3
            clock = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            client, port = f"198.51.100.{dice.randrange(250)}", dice.randrange(1024, 65_536)
            text = (
                f"sshd[{1000 + n % 9000}]: Failed password for invalid user admin{n % 77} from "
                f"{client} port {port} ssh2",
                f"sshd[{1000 + n % 9000}]: Accepted publickey for alice from {client} port {port} "
                "ssh2: ED25519 SHA256:abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
                f"CRON[{n % 9000}]: pam_unix(cron:session): session opened for user root(uid=0)",
                f"kernel: [{n}.123456] [UFW BLOCK] IN=eth0 OUT= SRC={client} DST=192.0.2.1 "
                f"LEN=40 TTL=240 PROTO=TCP SPT={port} DPT=23",
                f"systemd[1]: Started Session {n} of user alice.",
            )[n % 5]
            sink.write(f"Mar {1 + second // 86400 % 28:2d} {clock} web1 {text}\n")
