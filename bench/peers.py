"""The tools that Holdfast is compared with: are they here, which version, how they are called."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Side
from bench.process import expect

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Tool:
    """A program of others."""

    name: str
    version: tuple[str, ...]
    """The command that prints it."""
    remedy: str
    """How to get the program."""

    @property
    def missing(self) -> str:
        """Why it can't be used; empty when it can."""
        if shutil.which(self.version[0]):
            return ""
        return f"{self.name} is not installed; to have it:  {self.remedy}"

    def told(self) -> str:
        """Return the first line of what it says its version is, or that it is not here."""
        if self.missing:
            return f"{self.name}: not installed"
        done = subprocess.run(self.version, capture_output=True, text=True, check=False)
        lines = (done.stdout or done.stderr).strip().splitlines()
        line = lines[0] if lines else "unknown"
        return line if self.name in line.lower() else f"{self.name} {line}"


def _apt(package: str) -> str:
    return f"sudo apt-get install {package}"


COREUTILS = Tool("cp", ("cp", "--version"), _apt("coreutils"))
OPENSSL = Tool("openssl", ("openssl", "version"), _apt("openssl"))
HASHDEEP = Tool("hashdeep", ("hashdeep", "-V"), _apt("hashdeep"))
BAGIT = Tool("bagit", (sys.executable, "-m", "bagit", "--version"), "./dev setup")
PEERS = Path(__file__).parents[1] / ".peers"
MITMDUMP = str(PEERS / "mitmproxy" / "bin" / "mitmdump")
MITMPROXY = Tool("mitmproxy", (MITMDUMP, "--version"), "./dev peers")
SCOOP = Tool("scoop", ("scoop", "--version"), "npm install -g @harvard-lil/scoop")

TOOLS = (COREUTILS, OPENSSL, HASHDEEP, BAGIT, MITMPROXY, SCOOP)

OPENSSL_DGST = ("openssl", "dgst", "-sha256")


def missing(*tools: Tool) -> str:
    """Return why a side that needs `tools` can't be run; empty when it can."""
    return "; ".join(tool.missing for tool in tools if tool.missing)


def copy_and_digest(source: Path, *, sync: bool) -> Side:
    """`cp`, then `openssl dgst -sha256` of the copy; with `sync` between them if asked."""

    def steps(_folder: Path) -> list[tuple[str, ...]]:
        synced: list[tuple[str, ...]] = [("sync",)] if sync else []
        return [("cp", str(source), "copy"), *synced, (*OPENSSL_DGST, "copy")]

    shown = " + ".join(["cp", *(["sync"] if sync else []), "openssl dgst -sha256"])
    return Side(shown, shown, steps, reads=[source], missing=missing(COREUTILS, OPENSSL))


def copy_and_hashdeep(source: Path, count: int) -> Side:
    """`cp -r`, `sync`, then `hashdeep -r -c sha256` of the copy."""

    def steps(_folder: Path) -> list[tuple[str, ...]]:
        hashed = ("hashdeep", "-r", "-c", "sha256", "copy")
        return [("cp", "-r", str(source), "copy"), ("sync",), hashed]

    def check(folder: Path) -> dict[str, float]:
        lines = (folder / "output").read_text("utf-8").splitlines()
        hashed = sum(not line.startswith(("#", "%")) for line in lines)
        expect(hashed == count, f"hashdeep printed {hashed} of {count} files")
        return {}

    shown = "cp -r + sync + hashdeep -r -c sha256"
    return Side(shown, shown, steps, [source], check=check, missing=missing(COREUTILS, HASHDEEP))


def digest(paths: Sequence[Path]) -> Side:
    """`openssl dgst -sha256` of some files, one after the other: one core."""
    return Side(
        "openssl dgst -sha256",
        "openssl dgst -sha256 FILE FILE",
        lambda _folder: [(*OPENSSL_DGST, *map(str, paths))],
        paths,
        missing=missing(OPENSSL),
    )


def digest_at_once(paths: Sequence[Path]) -> Side:
    """Return the same with a process a file, all at once: as many cores as files."""
    return Side(
        "openssl dgst -sha256, a process a file",
        "openssl dgst -sha256 FILE & openssl dgst -sha256 FILE & wait",
        lambda _folder: [
            ("sh", "-c", 'for f; do openssl dgst -sha256 "$f" & done; wait', "sh", *map(str, paths))
        ],
        paths,
        missing=missing(OPENSSL),
    )


def bag_command(*arguments: str) -> tuple[str, ...]:
    """Return the command `bagit.py` with two processes."""
    return (sys.executable, "-m", "bagit", "--quiet", "--processes", "2", *arguments)
