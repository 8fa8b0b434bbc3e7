"""Put recorded pictures together as films. Runs confined, in the child of `film`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.collect.web.film import FOLDER
from holdfast.collect.web.recorder import HEAD
from holdfast.core import clock
from holdfast.webarchive.apng import Film, Picture, PngError, read, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

FRAMES = "frames.jsonl"


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
