"""A unit's vault with a policy, and the courts that witness its log, each a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.vault.config import Config
from holdfast.vault.vault import Vault
from tests.line import apart
from tests.witness.program import Program, command

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.line import Line


@dataclass
class Court:
    """A witness: its folder, its process, its public keys."""

    folder: Path
    program: Program
    vkeys: list[str]

    def lines(self, name: str) -> list[str]:
        """Return its witness lines of a policy."""
        url = f"{self.program.url}/"
        return [f"witness {name}{n} {vkey} {url}" for n, vkey in enumerate(self.vkeys)]


def done(*arguments: object, user: str = "") -> str:
    """Run a command, as another account in a process of its own; return its output."""
    if not user:
        here = apart([*map(str, arguments)])
        assert here.code == 0, here.err
        return here.out
    run = subprocess.run(command(*arguments, user=user), capture_output=True, text=True, check=True)
    return run.stdout


def court(
    start: Callable[..., Program], folder: Path, *log_vkeys: str, user: str = "", name: str = "w"
) -> Court:
    """Make a witness in `folder`, tell it of logs, and start it."""
    made: dict[str, Any] = json.loads(
        done("witness", "init", "--state", folder, "--name", f"{name}.example", "--json", user=user)
    )
    for vkey in log_vkeys:
        done("witness", "add-log", "--state", folder, vkey, user=user)
    program = start("witness", "serve", "--state", folder, user=user)
    return Court(folder, program, list(made["vkeys"]))


def vkey(vault: Path) -> str:
    """Return the log's vkey."""
    return Config.load(vault).vkey


def policy(path: Path, log: str, *courts: Court, needed: str = "all") -> Path:
    """Write a policy that asks for so many of these courts' keys; return its path."""
    lines = [f"log {log}"]
    for n, one in enumerate(courts):
        lines += one.lines(f"c{n}-")
    names = [line.split()[1] for line in lines[1:]]
    lines += [f"group enough {needed} {' '.join(names)}", "quorum enough", ""]
    path.write_text("\n".join(lines))
    return path


@dataclass
class Unit:
    """A vault whose log one court witnesses."""

    line: Line
    court: Court
    policy: Path
    home: Path
    copies: list[Path] = field(default_factory=list)
    worked: int = 0

    def work(self, count: int = 1, mark: str = "x") -> None:
        """Enter something so many times."""
        for _ in range(count):
            self.worked += 1
            self.line.must("operator", "add", f"{mark}-{self.worked}")

    def copy(self) -> Path:
        """Return a copy of the vault as it stands, keys and all."""
        self.copies.append(self.line.vault.with_name(f"copy{len(self.copies)}"))
        return Path(shutil.copytree(self.line.vault, self.copies[-1]))

    def put_back(self, copy: Path) -> None:
        """Put a copy in the vault's place and make this account forget what it has seen.

        What an insider does who has the disk, the keys and the account.
        """
        shutil.rmtree(self.line.vault)
        shutil.copytree(copy, self.line.vault)
        shutil.rmtree(self.home / "state", ignore_errors=True)

    @property
    def size(self) -> int:
        """Entries in the log."""
        return Vault.open(self.line.vault).log.head().size

    def cosigned(self) -> list[Path]:
        """Return the cosigned checkpoints, the smallest first."""
        found = (self.line.vault / "vault/log/cosigned").iterdir()
        return sorted(one for one in found if one.name.isdecimal())

    def report(self) -> dict[str, Any]:
        """Verify; return the report, whatever it says."""
        return self.line("verify", "--json", "--jobs", 1).row


def unit(start: Callable[..., Program], line: Line, tmp_path: Path, home: Path) -> Unit:
    """Make a court for the line's vault, and set the policy."""
    made = court(start, tmp_path / "court", vkey(line.vault))
    found = Unit(line, made, policy(tmp_path / "policy", vkey(line.vault), made), home)
    line.must("log", "witnesses", found.policy)
    return found


def overwrite(path: Path, data: bytes) -> None:
    """Replace a read-only file's content, as one who has the disk."""
    path.chmod(0o644)
    path.write_bytes(data)
