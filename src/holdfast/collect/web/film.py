"""Make a film of recorded pictures, in a child process that has given up its rights."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.collect.web.recorder import HEAD
from holdfast.core import clock
from holdfast.core.errors import ResourceError
from holdfast.sandbox import child
from holdfast.sandbox.confine import allow_cpu, confine, isolate
from holdfast.webarchive.apng import Film, Picture, PngError, read, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

FOLDER, FRAMES = "recording", "frames.jsonl"
_MEMORY = 1 << 30
_SECONDS = 600
_OUTPUT = 16 << 30


def make(frames: Path, folder: Path) -> tuple[dict[str, Any], str]:
    """Make films of the `frames` that a recorder wrote, in the new folder `folder`.

    Returns what they came to (`parts`, `frames`, `unreadable`, `first`, `last`), or why not.

    Raises:
        OSError: the disk refused.
    """
    folder.mkdir(mode=0o700)
    with frames.open("rb") as file:
        told = {"frames": file.fileno(), "scratch": str(folder.resolve())}
        answer, why = child.run(
            "holdfast.collect.web.film", told, [file.fileno()], folder,
            seconds=_SECONDS, what="the film's making",
        )  # fmt: skip
    return answer, why or str(answer.get("trouble", ""))


def films(frames: BinaryIO, folder: Path) -> dict[str, Any]:
    """Write each run of pictures of one kind as a film, and a line for each picture."""
    runs: list[list[int]] = []
    places: list[tuple[int, tuple[int, int], int, int]] = []
    kind, unreadable = b"", 0
    for place in _places(frames):
        try:
            picture = _picture(frames, place)
        except PngError:
            unreadable += 1
            continue
        if picture.kind != kind:
            runs.append([])
            kind = picture.kind
        runs[-1].append(len(places))
        places.append(place)
    parts = []
    with (folder / FRAMES).open("xb") as lines:
        for number, run in enumerate(runs, 1):
            name = f"recording-{number:02d}.png"
            parts.append(name)
            durations = shown([places[one][0] for one in run])
            with (folder / name).open("xb") as out:
                film = Film(out, _picture(frames, places[run[0]]), len(run))
                for index, (one, lasts) in enumerate(zip(run, durations, strict=True)):
                    time, scrolled, _, _ = places[one]
                    data = _picture(frames, places[one]).data
                    film.add(data, lasts)
                    line = {
                        "frame": one + 1, "index": index, "part": f"{FOLDER}/{name}",
                        "scrolled": list(scrolled), "sha256": hashlib.sha256(data).hexdigest(),
                        "time": clock.to_text(time),
                    }  # fmt: skip
                    lines.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
                film.end()
    times = [clock.to_text(one[0]) for one in places]
    return {
        "first": times[0] if times else None, "frames": len(times),
        "last": times[-1] if times else None, "parts": parts, "unreadable": unreadable,
    }  # fmt: skip


def _places(frames: BinaryIO) -> Iterator[tuple[int, tuple[int, int], int, int]]:
    """Yield time, scroll, offset and length of each picture."""
    at = 0
    while True:
        frames.seek(at)
        head = frames.read(HEAD.size)
        if len(head) < HEAD.size:
            return
        time, x, y, size = HEAD.unpack(head)
        at += HEAD.size
        yield time, (x, y), at, size
        at += size


def _picture(frames: BinaryIO, place: tuple[int, tuple[int, int], int, int]) -> Picture:
    frames.seek(place[2])
    return read(frames.read(place[3]))


def main() -> int:
    """Confine this process, make the films, say what they came to; return the exit status."""
    isolated = isolate()
    told = json.loads(sys.stdin.buffer.read())
    folder = Path(told["scratch"])
    try:
        code = [Path(one) for one in told["code"]]
        protection = confine(folder, code, memory=_MEMORY, output=_OUTPUT, isolated=isolated)
        allow_cpu(_SECONDS)
        with os.fdopen(told["frames"], "rb") as frames:
            answer = films(frames, folder)
    except (ResourceError, ArithmeticError, MemoryError, OSError, ValueError) as error:
        _say({"trouble": str(error) if isinstance(error, ResourceError) else type(error).__name__})
        return 1
    _say({**answer, "unprotected": list(protection.missing())})
    return 0


def _say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
