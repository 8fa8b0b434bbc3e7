"""Holdfast's own side: the command as it is installed, each run in a vault of its own."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Side
from bench.process import expect, run

if TYPE_CHECKING:
    from bench.measure import Bench

HOLDFAST = str(Path(sys.executable).with_name("holdfast"))

CASE = "case"
"""The file, beside the vault, that holds its case's number."""


def new_vault(bench: Bench, folder: Path, *, sealed: bool = False) -> str:
    """Make `folder`/vault with one open case; return the case's number."""
    _done(bench, folder, "init", "--origin", "bench.example/log", *(["--sealed"] if sealed else []))
    opened = _done(
        *(bench, folder, "case", "open", "--title", "Speed", "--basis", "none: made-up files"),
        *("--authority", "nobody", "--until", "2099-12-31", "--json"),
    )
    case = str(json.loads(opened)["case"])
    (folder / CASE).write_text(case, "utf-8")
    return case


def filled_vault(bench: Bench, name: str, source: Path, *, sealed: bool = False) -> Path:
    """Return a new folder whose vault holds the files of `source`."""
    folder = bench.room(name)
    case = new_vault(bench, folder, sealed=sealed)
    _done(bench, folder, "collect", "files", "--case", case, str(source))
    return folder


def collect_side(bench: Bench, source: Path, count: int, *, sealed: bool) -> Side:
    """`collect files` of `source`, which has `count` files, into a new vault."""

    def steps(folder: Path) -> list[list[str]]:
        case = (folder / CASE).read_text("utf-8")
        return [[HOLDFAST, "collect", "files", "--case", case, "--json", str(source)]]

    def check(folder: Path) -> dict[str, float]:
        lines = (folder / "output").read_text("utf-8").splitlines()
        collected = sum(json.loads(line)["status"] == "new" for line in lines)
        expect(collected == count, f"{collected} of {count} files were collected")
        return {}

    name = f"holdfast, {'sealed' if sealed else 'plain'}"
    return Side(
        name,
        f"holdfast collect files ({'sealed' if sealed else 'plain'} vault)",
        steps,
        [source],
        lambda folder: new_vault(bench, folder, sealed=sealed),
        check,
    )


def verify_side(name: str, what: str, folder: Path, jobs: int) -> Side:
    """`verify` of the vault in `folder`, of which `what` says how it differs."""

    def check(_folder: Path) -> dict[str, float]:
        report = json.loads((folder / "output").read_text("utf-8"))
        expect(report["intact"] is True, "the vault is not intact")
        return {}

    return Side(
        name,
        f"holdfast verify --jobs {jobs} ({what})",
        lambda _folder: [[HOLDFAST, "verify", "--jobs", str(jobs), "--json"]],
        [folder / "vault"],
        check=check,
        folder=folder,
    )


def version() -> str:
    """Return which version is installed."""
    expect(Path(HOLDFAST).exists(), "the command `holdfast` is not installed here: ./dev setup")
    return f"holdfast {metadata.version('holdfast')}"


def _done(bench: Bench, folder: Path, *arguments: str) -> str:
    """Run a command untimed; return what it printed."""
    output = folder / "output"
    output.unlink(missing_ok=True)
    run([HOLDFAST, *arguments], folder, bench.environment)
    return output.read_text("utf-8")
