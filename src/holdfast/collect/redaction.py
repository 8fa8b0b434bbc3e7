"""Redact captures, and check redacted copies, in a child process that has given up its rights.

The child is handed open files and a folder. It confines itself before it reads a byte, and writes a
copy's parts into that folder; packing and signing them is done here, since the child has no key.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from holdfast.collect.web import wacz
from holdfast.core import clock
from holdfast.core.errors import InputError, IntegrityError, ResourceError
from holdfast.sandbox import child
from holdfast.sandbox.confine import allow_cpu, confine, isolate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric import ec

_MODULE = "holdfast.collect.redaction"
_INDEX = "indexes/index.cdxj"
_MEMORY = 4 << 30
_SECONDS = 600
_RATE = 1 << 20
"""Bytes a second that redacting may be as slow as, beyond its fixed time."""
_OUTPUT = 8 << 30


@dataclass(frozen=True)
class Wanted:
    """What is taken besides what always is."""

    also: tuple[str, ...] = ()
    """Regular expressions."""
    fields: tuple[str, ...] = ()
    """Header fields."""


@dataclass(frozen=True)
class Redacted:
    """A copy that was made."""

    datapackage: str
    """SHA-256 of its datapackage.json."""
    sha256: str
    size: int
    taken: Mapping[str, int]
    withheld: tuple[str, ...]
    changed: int
    opened: int
    """Pieces that are as they were, and proven so."""
    gaps: tuple[str, ...]
    """What this kernel did not offer to confine the child with."""


@dataclass(frozen=True)
class Verdict:
    """What a check found."""

    problems: tuple[str, ...]
    facts: Mapping[str, Any]
    """`original`, `signer`, `pieces`, `proven`, `changed`, `withheld`, `taken`, `compared`."""
    gaps: tuple[str, ...]


def redact(
    original: BinaryIO,
    item: str,
    wanted: Wanted,
    *,
    key: ec.EllipticCurvePrivateKey,
    target: Path,
    work: Path,
) -> Redacted:
    """Write a redacted copy of `original`, whose SHA-256 is `item`, to `target`, signed by `key`.

    `work` is an empty folder for the copy's parts.

    Raises:
        InputError: it is no capture that can be redacted, or an expression is none.
        IntegrityError: it was signed by another key than `key`.
        ResourceError: the child died or ran into a limit.
    """
    out = work.absolute() / "out"
    out.mkdir()
    told = {"also": wanted.also, "fields": wanted.fields, "item": item, "out": str(out)}
    made, gaps = _run("redact", told, [original.fileno()], work)
    if made["signer"] != wacz.key_digest(key):
        raise IntegrityError(
            f"{item} was signed by another vault's key, so a copy of ours would prove nothing",
            "redact it where it was captured",
        )
    lines = (out / _INDEX).read_bytes().splitlines() if (out / _INDEX).exists() else []
    (out / _INDEX).unlink(missing_ok=True)
    wacz.write_index(out, lines)
    described = made["described"]
    try:
        when = clock.from_text(described["created"])
    except ValueError:
        raise InputError(f"{item} does not say when it was made", "collect it anew") from None
    told_of = wacz.Described(described["title"], described["url"], when)
    package = wacz.pack(out, target, told_of, key)
    return Redacted(
        datapackage=package,
        sha256=wacz.digest_of(target),
        size=target.stat().st_size,
        taken=made["taken"],
        withheld=tuple(made["withheld"]),
        changed=made["changed"],
        opened=made["opened"],
        gaps=gaps,
    )


def check(copy: BinaryIO, work: Path) -> Verdict:
    """Check a copy by itself, against what the original's signature covers.

    Raises:
        ResourceError: the child died or ran into a limit.
    """
    found, gaps = _run("check", {}, [copy.fileno()], work)
    return Verdict(tuple(found.pop("problems")), found, gaps)


def compare(copy: BinaryIO, original: BinaryIO, wanted: Wanted, work: Path) -> Verdict:
    """Check a copy, and derive it again from the original.

    Raises:
        InputError: the original is no capture, or not as it was signed.
        ResourceError: the child died or ran into a limit.
    """
    out = work.absolute() / "out"
    out.mkdir()
    told = {"also": wanted.also, "fields": wanted.fields, "out": str(out)}
    found, gaps = _run("compare", told, [copy.fileno(), original.fileno()], work)
    return Verdict(tuple(found.pop("problems")), found, gaps)


def _run(
    what: str, told: Mapping[str, Any], files: list[int], work: Path
) -> tuple[dict[str, Any], tuple[str, ...]]:
    seconds = _SECONDS + sum(os.fstat(one).st_size for one in files) // _RATE
    answer, why = child.run(
        _MODULE,
        {**told, "files": files, "scratch": str(work.absolute()), "seconds": seconds, "what": what},
        files,
        work,
        seconds=seconds,
        what="the redaction",
    )
    if "altered" in answer:
        raise IntegrityError(
            f"the item {told['item']} is not what its name says: it was altered after that",
            "run `holdfast verify`",
        )
    if "refused" in answer:
        raise InputError(str(answer["refused"]), "name a capture made by `holdfast collect web`")
    if "done" not in answer:
        raise ResourceError(f"the capture could not be read: {answer.get('trouble') or why}")
    return answer["done"], tuple(answer["unprotected"])


def main() -> int:
    """Confine this process, do what it was told, say how it went; return the exit status."""
    isolated = isolate()
    told = json.loads(sys.stdin.buffer.read())
    try:
        protection = confine(
            Path(told["scratch"]),
            [Path(folder) for folder in told["code"]],
            memory=_MEMORY,
            output=_OUTPUT,
            isolated=isolated,
        )
        allow_cpu(told["seconds"])
        derive = import_module("holdfast.webarchive.redaction.derive")
        checks = import_module("holdfast.webarchive.redaction.check")
        source = import_module("holdfast.webarchive.redaction.source")
    except (ResourceError, ImportError, OSError) as error:
        return _say({"trouble": str(error)})
    files = [os.fdopen(one, "rb", closefd=False) for one in told["files"]]
    wanted = derive.Wanted(tuple(told.get("also", ())), tuple(told.get("fields", ())))
    try:
        if told["what"] == "redact":
            if (found := source.digest_of(files[0])) != told["item"]:
                return _say({"altered": found})
            made = derive.derive(source.Source(files[0]), told["item"], Path(told["out"]), wanted)
        elif told["what"] == "check":
            made = checks.check(files[0])
        else:
            made = checks.compare(files[0], files[1], Path(told["out"]), wanted)
    except source.RefusedError as error:
        return _say({"refused": str(error)})
    except (MemoryError, OSError) as error:
        return _say({"trouble": f"{type(error).__name__}: {error}".rstrip(": ")})
    return _say({"done": asdict(made), "unprotected": list(protection.missing())}, 0)


def _say(answer: dict[str, Any], status: int = 1) -> int:
    sys.stdout.buffer.write(json.dumps(answer).encode())
    sys.stdout.buffer.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
