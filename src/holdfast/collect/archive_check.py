"""Judge a web archive in a child process that has given up its rights.

`check(descriptor)` is what an act calls. The child is handed one open file and the roots that
signatures are held to, confines itself before it reads a byte, and says one report. One that dies
has a report too: that it could not be judged, and why.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError, ResourceError
from holdfast.sandbox import child
from holdfast.sandbox.confine import allow_cpu, confine, isolate

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.core.canonical import Json

UNJUDGED = "unjudged"
"""The verdict on an archive whose check did not come to its end."""
VERSION = 1
"""Raised whenever the same bytes would be judged otherwise."""
_RATE = 2 << 20
"""Bytes a second that a check may be as slow as, beyond its fixed time."""
_REPORT = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a check may cost, and what it holds signatures to."""

    memory: int = 2 << 30
    """Address space of the child, bytes."""
    seconds: int = 300
    """Wall-clock and processor time, each, beyond what the size of the file allows."""
    require_signature: bool = False
    roots: bytes = b""
    """PEM: authorities of the domains that sign WACZ files."""
    stamp_roots: bytes = b""
    """PEM: authorities of their time stamps."""

    def told(self) -> dict[str, Json]:
        """Return what of this changes a verdict, as reports and entries hold it."""
        return {
            "require_signature": self.require_signature,
            "roots_sha256": sha256_hex(self.roots) if self.roots else None,
            "stamp_roots_sha256": sha256_hex(self.stamp_roots) if self.stamp_roots else None,
            "version": VERSION,
        }


def read_roots(path: str | None) -> bytes:
    """Return the PEM file at `path`, or this machine's own list of authorities; empty for none.

    Raises:
        InputError: the file that was named can't be read, or holds no certificate.
    """
    place = path or ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    try:
        found = Path(place).read_bytes()
    except (OSError, ValueError) as error:
        if path is None:
            return b""
        raise InputError(f"{path}: {getattr(error, 'strerror', error)}") from error
    if path is not None and b"-----BEGIN CERTIFICATE-----" not in found:
        raise InputError(f"{path} holds no certificate", "give root certificates as PEM")
    return found


def check(
    descriptor: int, settings: Settings, on_gap: Callable[[str], None] | None = None
) -> dict[str, Json]:
    """Judge the archive that `descriptor` reads; return the report, canonical JSON's plain values.

    Beside what `webarchive.report` says it has `sha256` (of all the bytes), `size`, `settings`
    and, of a check that died, the verdict `unjudged` with a `reason`. `on_gap` hears what this
    kernel did not offer to confine the child with; it is no part of the report.

    Raises:
        ResourceError: no child can be started or confined here.
    """
    size = os.fstat(descriptor).st_size
    told = {
        "file": descriptor, "memory": settings.memory,
        "require": settings.require_signature, "roots": settings.roots.decode("latin-1"),
        "seconds": settings.seconds + size // _RATE,
        "stamps": settings.stamp_roots.decode("latin-1"),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="holdfast-check-") as scratch:
        told["scratch"] = scratch
        answer, reason = child.run(
            "holdfast.collect.archive_check", told, [descriptor], Path(scratch),
            seconds=settings.seconds + size // _RATE, what="the check",
        )  # fmt: skip
    if "trouble" in answer:
        raise ResourceError(f"a web archive can't be checked here: {answer['trouble']}")
    report = answer.get("report")
    if not isinstance(report, dict):
        report = {
            "counts": {}, "facts": {}, "findings": [], "kind": "unknown",
            "reason": reason, "verdict": UNJUDGED,
        }  # fmt: skip
    elif answer.get("unprotected") and on_gap is not None:
        on_gap("; ".join(map(str, answer["unprotected"])))
    return {**report, "settings": settings.told(), "size": size}


def digest(report: dict[str, Json]) -> str:
    """Return the SHA-256 of a report's canonical JSON, by which an entry names it."""
    return sha256_hex(canonical.dumps(report))


def main() -> int:
    """Confine this process, judge what it was handed, say it; return the exit status."""
    isolated = isolate()
    told = json.loads(sys.stdin.buffer.read())
    try:
        code = [Path(folder) for folder in told["code"]]
        protection = confine(
            Path(told["scratch"]), code, memory=told["memory"], output=1 << 20, isolated=isolated
        )
        allow_cpu(told["seconds"])
        judged = import_module("holdfast.webarchive.judge")
        trusts = import_module("holdfast.webarchive.signature")
    except (ResourceError, ImportError, OSError) as error:
        _say({"trouble": str(error)})
        return 1
    trust = trusts.Trust(
        trusts.load_roots(told["roots"].encode("latin-1")),
        trusts.load_roots(told["stamps"].encode("latin-1")),
    )
    raw = os.fdopen(told["file"], "rb", closefd=False)
    raw.seek(0)
    report = judged.judge(raw, trust, require_signature=told["require"]).as_json()
    missing = list(protection.missing())
    _say({"report": {**report, "sha256": _hash(raw)}, "unprotected": missing})
    return 0


def _hash(raw: Any) -> str:
    import hashlib  # noqa: PLC0415 - nothing but the sandbox's own before confinement

    raw.seek(0)
    hasher = hashlib.sha256()
    while chunk := raw.read(1 << 20):
        hasher.update(chunk)
    return hasher.hexdigest()


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
