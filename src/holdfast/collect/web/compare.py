"""Compare two captures in a child process that has given up its rights.

`compare(first, second)` is what an act calls. The child is handed two open files, confines itself
before it reads a byte, and says one report and some pictures, which it has drawn anew.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import ResourceError
from holdfast.sandbox import child
from holdfast.sandbox.confine import allow_cpu, confine, isolate

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

SAME, DIFFERS, UNCOMPARED = "same", "differs", "uncompared"
_PNG = b"\x89PNG\r\n\x1a\n"
_ANSWER = 256 << 20
_GRACE = 5
"""Seconds beyond the processor time that it is given."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a comparison may cost."""

    memory: int = 3 << 30
    """Address space of the child, bytes."""
    seconds: int = 120


@dataclass(frozen=True)
class Difference:
    """What differs, and pictures (PNG) by the names that the report has for them."""

    report: dict[str, Json]
    pictures: dict[str, bytes] = field(default_factory=dict, repr=False)
    gaps: tuple[str, ...] = ()
    """What this kernel did not offer to confine the child with."""

    @property
    def verdict(self) -> str:
        """`same`, `differs` or `uncompared`."""
        return str(self.report["verdict"])

    @property
    def what(self) -> list[Json]:
        """The names of what differs."""
        found = self.report["what"]
        return found if isinstance(found, list) else []

    @property
    def cloaking(self) -> Json:
        """The verdict on cloaking and what it rests on; None where nothing was compared."""
        return self.report.get("cloaking")

    @property
    def digest(self) -> str:
        """SHA-256 of the report's canonical JSON, by which an entry names it."""
        return sha256_hex(canonical.dumps(self.report))


def compare(first: int, second: int, limits: Limits | None = None) -> Difference:
    """Compare the captures that two descriptors read; one that can't be read is `uncompared`.

    Raises:
        ResourceError: no child can be started or confined here.
    """
    limits = limits or Limits()
    told: dict[str, Any] = {
        "files": [first, second], "memory": limits.memory, "seconds": limits.seconds,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="holdfast-diff-") as scratch:
        told["scratch"] = scratch
        answer, reason = child.run(
            "holdfast.collect.web.compare", told, (first, second), Path(scratch),
            seconds=limits.seconds + _GRACE, what="the comparison", most=_ANSWER,
        )  # fmt: skip
    if "trouble" in answer:
        raise ResourceError(f"captures can't be compared here: {answer['trouble']}")
    report: Any = answer.get("report")
    if not _sound(report):
        reason = reason or "the comparison says what no entry can hold"
        why = str(answer.get("reason") or reason)[:300].encode("ascii", "backslashreplace")
        report = {"reason": why.decode(), "verdict": UNCOMPARED, "what": []}
    return Difference(
        report,
        {name: data for name, data in _pictures(answer) if data.startswith(_PNG)},
        tuple(map(str, answer.get("unprotected", ()))),
    )


def _sound(report: Any) -> bool:
    """Say whether an answer can be entered: a crafted capture may hold text that is none."""
    if not isinstance(report, dict) or report.get("verdict") not in {SAME, DIFFERS}:
        return False
    try:
        canonical.dumps(report)
    except ValueError:
        return False
    return True


def _pictures(answer: dict[str, Any]) -> list[tuple[str, bytes]]:
    given = answer.get("pictures")
    if not isinstance(given, dict):
        return []
    try:
        return [(str(name), base64.b64decode(data)) for name, data in given.items()]
    except (TypeError, ValueError):
        return []


def main() -> int:
    """Confine this process, compare what it was handed, say it; return the exit status."""
    isolated = isolate()
    told = json.loads(sys.stdin.buffer.read())
    try:
        code = [Path(folder) for folder in told["code"]]
        protection = confine(
            Path(told["scratch"]), code, memory=told["memory"], output=_ANSWER, isolated=isolated
        )
        allow_cpu(told["seconds"])
        captures = import_module("holdfast.webarchive.capture")
        difference = import_module("holdfast.webarchive.difference")
    except (ResourceError, ImportError, OSError) as error:
        _say({"trouble": str(error)})
        return 1
    read = []
    for which, descriptor in zip(("first", "second"), told["files"], strict=True):
        raw = os.fdopen(os.dup(descriptor), "rb")
        raw.seek(0)
        try:
            read.append(captures.read(raw))
        except captures.NoCaptureError as error:
            _say({"reason": f"the {which} one can't be compared: {error}"})
            return 0
    report, shown = difference.compare(*read)
    _say(
        {
            "pictures": {name: base64.b64encode(data).decode() for name, data in shown.items()},
            "report": report,
            "unprotected": list(protection.missing()),
        }
    )
    return 0


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
