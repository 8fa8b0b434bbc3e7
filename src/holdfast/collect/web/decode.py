"""Decode a NetLog in a child process that has given up its rights.

`decode(netlog, guard, out)` is what a capture calls. It starts
`python -m holdfast.collect.web.decode`, hands it the files as open descriptors, and waits. The
child confines itself before it reads a byte, can read nothing else, and writes only below `out`:

    out/archive/data.warc.gz          out/capture/exchanges.jsonl     out/certificates/
    out/indexes/index.cdxj (sorted)   out/capture/connections.jsonl   out/http2/
                                      out/capture/loss.jsonl          out/websocket/

docs/formats/web.md has every byte. A child that dies leaves what it had written, cut back to whole
records, with a line in the loss ledger; `decode` then raises.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from holdfast.core.errors import HoldfastError, InputError, ResourceError
from holdfast.sandbox import child
from holdfast.sandbox.confine import allow_cpu, confine, isolate

if TYPE_CHECKING:
    from collections.abc import Mapping

WARC = "archive/data.warc.gz"
LEDGER = "capture/loss.jsonl"
_FOLDERS = (
    "archive",
    "indexes",
    "capture",
    "certificates",
    "http2",
    "websocket",
    "tmp",
)
_LAST_WORDS = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one decoding may cost, and what it is told about the capture."""

    memory: int = 1 << 30
    """Address space of the child, bytes."""
    seconds: int = 3600
    """Wall-clock time."""
    cpu_seconds: int = 3600
    output: int = 16 << 30
    """Bytes of any single file that is written."""
    warcinfo: Mapping[str, str] = field(default_factory=dict)
    """Fields for the WARC's first record (`software`, `operator`, ...); no line breaks."""
    unasked_allowed: tuple[str, ...] = ()
    """Hosts whose background requests are known and are no fault: none, in a fresh profile."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the decoding came to. `exchanges == stored + explained + unexplained`."""

    exchanges: int
    """Requests that the browser began for the page."""
    background: int
    """Requests of the browser's own to hosts of `unasked_allowed`, which never went out: counted
    nowhere else."""
    stored: int
    """Of these: request and response whole in the WARC, and exact."""
    explained: int
    """Of these: something is missing, and the loss ledger says why."""
    unexplained: int
    """Something is missing and nothing says why: also in the ledger, as `undecoded`."""
    lossy: bool
    """Label the capture so: unexplained exchanges, bytes that belong to none, a log cut short."""
    log_complete: bool
    """The log has its end; false when the browser was killed."""
    log_bytes: int
    damaged_lines: int
    """Lines of the log that are not events."""
    connections: int
    certificates: int
    losses: Mapping[str, int]
    """Lines of the loss ledger, by kind."""
    unasked: tuple[Mapping[str, Any], ...]
    """Requests that no page made: exchange, url, annotation. Empty is what a capture asserts."""
    browser: Mapping[str, Any]
    """NetLog's `clientInfo`: build, version, command line."""
    started: str | None
    """RFC 3339: the first event; `ended` the last."""
    ended: str | None
    unprotected: tuple[str, ...]
    """What this kernel did not offer to confine the decoder with, in words."""


def decode(netlog: Path, guard: Path | None, out: Path, *, settings: Settings) -> Summary:
    """Decode `netlog`, joined with the guard's list of connections, into the folder `out`.

    `out` is made; it must not exist, or be empty.

    Raises:
        InputError: a file can't be opened, `out` is not empty, or this is no NetLog at all.
        ResourceError: the child died or ran into a limit; what it had written stays in `out`.
    """
    opened: list[int] = []
    try:
        opened.append(os.open(netlog, os.O_RDONLY | os.O_CLOEXEC))
        if guard is not None:
            opened.append(os.open(guard, os.O_RDONLY | os.O_CLOEXEC))
        _prepare(out)
    except OSError as error:
        for descriptor in opened:
            os.close(descriptor)
        raise InputError(f"{error.filename}: {error.strerror}") from error
    try:
        return _run(out, opened, settings)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _prepare(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if next(out.iterdir(), None) is not None:
        raise InputError(f"{out} is not empty", "give a folder that does not exist yet")
    for folder in _FOLDERS:
        (out / folder).mkdir(parents=True)


def _run(out: Path, opened: list[int], settings: Settings) -> Summary:
    told = {
        "out": str(out.resolve()),
        "netlog": opened[0],
        "guard": opened[1] if len(opened) > 1 else None,
        "settings": asdict(settings),
    }
    # Only the end matters: the last whole record's place, and the summary.
    heard = child.hear(
        "holdfast.collect.web.decode", told, opened, out,
        seconds=settings.seconds, last=_LAST_WORDS, temporary=out / "tmp",
    )  # fmt: skip
    words = [line for line in heard.said.split(b"\n") if line]
    last = _last_words(words)
    if "summary" in last:
        (out / "tmp").rmdir()
        return Summary(**cast("dict[str, Any]", last["summary"]))
    why = heard.killed or str(last.get("trouble") or heard.words("the decoder"))
    _keep_whole(out, _whole(words), why)
    if last.get("fault") == InputError.fault:
        raise InputError(why)
    raise ResourceError(
        f"decoding the browser's log failed: {why}",
        f"what was decoded until then is in {out}",
    )


def _last_words(words: list[bytes]) -> dict[str, Any]:
    try:
        last = json.loads(words[-1]) if words else {}
    except ValueError:
        return {}
    return last if isinstance(last, dict) else {}


def _whole(words: list[bytes]) -> int:
    """Return how much of the WARC is whole records, as the child last said."""
    for line in reversed(words):
        if line.isdigit():
            return int(line)
    return 0


def _keep_whole(out: Path, warc: int, why: str) -> None:
    """Cut a dead child's files back to whole records, and say in the ledger what happened."""
    if (out / WARC).exists():
        os.truncate(out / WARC, min(warc, (out / WARC).stat().st_size))
    for path in sorted(out.glob("*/*.jsonl")):
        content = path.read_bytes()
        os.truncate(path, content.rfind(b"\n") + 1)
    ledger = out / LEDGER
    lines = ledger.read_bytes().count(b"\n") if ledger.exists() else 0
    line = {
        "loss": lines + 1,
        "exchange": None,
        "kind": "undecoded",
        "what": "all of the log that was not decoded yet",
        "why": why,
    }
    with ledger.open("ab") as file:
        file.write(json.dumps(line).encode() + b"\n")
    for path in (out / "tmp").iterdir():
        path.unlink()
    (out / "tmp").rmdir()


def main() -> int:
    """Confine this process, decode what it was handed, say how it went; return the exit status."""
    isolated = isolate()
    told = json.loads(sys.stdin.buffer.read())
    wanted = Settings(**told["settings"])
    out = Path(told["out"])
    try:
        code = [Path(folder) for folder in told["code"]]
        protection = confine(
            out, code, memory=wanted.memory, output=wanted.output, isolated=isolated
        )
        allow_cpu(wanted.cpu_seconds)
        decoder = import_module("holdfast.collect.web.decoder")
        summary = decoder.run(
            told["netlog"], told["guard"], out, wanted,
            unprotected=protection.missing(), progress=_progress,
        )  # fmt: skip
    except (HoldfastError, ImportError, MemoryError, OSError) as error:
        fault = error.fault if isinstance(error, HoldfastError) else "machine"
        trouble = (
            str(error)
            if isinstance(error, HoldfastError)
            else f"{type(error).__name__}: {error}".rstrip(": ")
        )
        _say(json.dumps({"trouble": trouble, "fault": fault}))
        return 1
    _say(json.dumps({"summary": asdict(summary)}))
    return 0


def _progress(offset: int) -> None:
    """Tell the launcher up to where the WARC is whole records."""
    _say(str(offset))


def _say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
