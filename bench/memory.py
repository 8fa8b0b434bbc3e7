"""Every command's peak memory, with 64 MiB of evidence and with 1 GiB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import bars, house, inputs
from bench.measure import Side, alternate
from bench.process import BenchFailedError
from bench.results import Outcome, Row, Section, row

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure import Bench

DISK = 12 << 30

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("collect", "files", "--case", "CASE", "EVIDENCE"),
    ("verify",),
    ("examine", "--case", "CASE"),
    ("ledger", "--case", "CASE"),
    ("timeline", "--case", "CASE", "--json"),
    ("indicators", "--case", "CASE", "--json"),
    ("search", "--case", "CASE", "--json", "Mozilla"),
    ("items", "--case", "CASE", "--json"),
    ("custody", "--json"),
    ("bundle", "--case", "CASE", "--to", "bundle"),
    ("backup", "backup"),
    ("rebuild",),
)
"""In the order of a case's life, each in the vault that those before have filled."""


def measure(bench: Bench) -> Section:
    """Measure it."""
    # 16 times the bytes, and 16 times the log lines too: records must not pile up either.
    small, large = bench.size(64 << 20, 1 << 18), bench.size(1 << 30, 1 << 22)
    places = {size: _place(bench, size) for size in (small, large)}
    section = Section(
        "memory",
        f"evidence of {_mib(small)} and of {_mib(large)}",
        notes=[
            "Each once. The evidence is a file of random bytes and a web server's access log, "
            "1/32 of it, that gives events and indicators in the same proportion.",
        ],
    )
    worst: list[tuple[float, str]] = []
    absent: list[str] = []
    for command in COMMANDS:
        try:
            rows = [_once(bench, size, places[size], command) for size in (small, large)]
        except BenchFailedError as error:
            absent.append(command[0])
            why = str(error).replace(str(bench.work), "WORK")
            section.notes.append(f"`holdfast {command[0]}`: NOT MEASURED: {why}")
            continue
        section.rows += rows
        ratio = rows[1].rss / rows[0].rss
        worst.append((ratio, command[0]))
        section.facts.append(
            f"{command[0]}: {rows[0].rss / 1e6:.0f} MB, then {rows[1].rss / 1e6:.0f} MB: "
            f"{ratio:.2f}x"
        )
    section.bars["memory"] = _outcome(worst, absent)
    return section


def _outcome(ratios: list[tuple[float, str]], absent: list[str]) -> Outcome:
    """Return the bar's outcome: one command over it is enough; one not measured leaves it open."""
    above = [f"{name} {ratio:.2f}x" for ratio, name in ratios if ratio > bars.STEADY]
    if above:
        return Outcome(met=False, figure=", ".join(above))
    if absent:
        return Outcome(None, f"not every command: without {', '.join(absent)}")
    ratio, name = max(ratios)
    return Outcome(met=True, figure=f"{len(ratios)} commands, most: {name} {ratio:.2f}x")


def _place(bench: Bench, size: int) -> Path:
    """Return a folder with a new vault and `size` bytes of evidence."""
    folder = bench.room(f"evidence-{size}")
    evidence = folder / "evidence"
    evidence.mkdir()
    inputs.random_file(evidence / "disk.bin", size - size // 32, seed=6)
    inputs.web_log(evidence / "access.log", size // 32, seed=7)
    house.new_vault(bench, folder)
    return folder


def _once(bench: Bench, size: int, folder: Path, command: tuple[str, ...]) -> Row:
    filled = {"CASE": (folder / house.CASE).read_text("utf-8"), "EVIDENCE": "evidence"}
    side = Side(
        f"{command[0]}, {_mib(size)}",
        f"holdfast {command[0]}, {_mib(size)}",
        lambda _folder: [[house.HOLDFAST, *(filled.get(one, one) for one in command)]],
        folder=folder,
    )
    return row(side, alternate(bench, [side], 1)[side.name])


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.6g} MiB"
