"""Ask a capture's second witness, in a child process that has given up its rights.

`check` hands the child the packets, the keys and the guard's list as open files; it may read what
is stored and write into a scratch folder. What it says is counts; `compared.jsonl` has the lines.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import HoldfastError, ResourceError
from holdfast.sandbox import child
from holdfast.sandbox.confine import allow_cpu, confine, isolate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.canonical import Json

AGREES, DISAGREES, PARTIAL = "agrees", "disagrees", "partial"
COMPARED = "compared.jsonl"
_BAD = ("differs", "only-in-log", "only-on-wire")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What asking may cost."""

    memory: int = 1 << 30
    seconds: int = 3600
    output: int = 16 << 30


@dataclass(frozen=True, kw_only=True)
class Testimony:
    """What a second witness says of a capture."""

    tap: str
    """`packets` from the kernel, or what the `relay` copied."""
    why: str = ""
    """Why it is not packets."""
    exchanges: Mapping[str, int] = field(default_factory=dict)
    """By verdict."""
    connections: Mapping[str, int] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    """What it could not see, in words."""
    packets: int = 0
    unprotected: tuple[str, ...] = ()

    @property
    def disagreements(self) -> int:
        """How many exchanges and connections are not as the browser's log has them."""
        both = (self.exchanges, self.connections)
        return sum(counts.get(kind, 0) for counts in both for kind in _BAD)

    @property
    def verdict(self) -> str:
        """`agrees`, `disagrees` or `partial`."""
        if self.disagreements:
            return DISAGREES
        return PARTIAL if self.gaps else AGREES

    @property
    def words(self) -> str:
        """The verdict, as people are told it."""
        if self.verdict == DISAGREES:
            return f"disagrees in {self.disagreements}"
        return self.verdict if not self.gaps else f"partial: {'; '.join(self.gaps)}"

    def as_json(self) -> dict[str, Json]:
        """Return it as witness.json and an entry have it."""
        return {
            "connections": dict(self.connections),
            "exchanges": dict(self.exchanges),
            "gaps": [*self.gaps],
            "tap": self.tap,
            "verdict": self.verdict,
            "words": self.words,
        }


def check(
    stored: Path,
    traffic: Path,
    keys: Path | None,
    guard: Path,
    scratch: Path,
    *,
    limits: Limits | None = None,
) -> tuple[dict[str, Any], str]:
    """Compare the packets in `traffic` with what is in `stored`; return counts, or why not.

    `scratch` is made, and has `compared.jsonl` afterwards, as far as the comparison came.

    Raises:
        OSError: a file can't be opened.
    """
    limits = limits or Limits()
    scratch.mkdir(mode=0o700)
    opened: list[int] = []
    try:
        for one in (traffic, guard, *([keys] if keys is not None else [])):
            opened.append(os.open(one, os.O_RDONLY | os.O_CLOEXEC))  # noqa: PERF401 - to be closed
        told = {
            "guard": opened[1],
            "keys": opened[2] if keys is not None else None,
            "memory": limits.memory,
            "output": limits.output,
            "scratch": str(scratch.resolve()),
            "seconds": limits.seconds,
            "stored": str(stored.resolve()),
            "traffic": opened[0],
        }
        answer, why = child.run(
            "holdfast.collect.web.second_witness", told, opened, scratch,
            seconds=limits.seconds, what="the comparison",
        )  # fmt: skip
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return answer, why or str(answer.get("trouble", ""))


def main() -> int:
    """Confine this process, compare, say how it went; return the exit status."""
    isolated = isolate()
    told = json.loads(sys.stdin.buffer.read())
    scratch, stored = Path(told["scratch"]), Path(told["stored"])
    try:
        code = [*(Path(folder) for folder in told["code"]), stored]
        protection = confine(
            scratch, code, memory=told["memory"], output=told["output"], isolated=isolated
        )
        allow_cpu(told["seconds"])
        crosscheck = import_module("holdfast.collect.web.crosscheck")
        answer = crosscheck.run(told, stored, scratch)
    except (HoldfastError, ArithmeticError, ImportError, LookupError, MemoryError, OSError,
            ValueError) as error:  # fmt: skip
        trouble = str(error) if isinstance(error, ResourceError) else type(error).__name__
        if isinstance(error, FileNotFoundError):
            trouble = "nothing was decoded that it could be held to"
        _say({"trouble": trouble})
        return 1
    _say({**answer, "unprotected": list(protection.missing())})
    return 0


def _say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
