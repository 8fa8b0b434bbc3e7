"""A web capture as files that another origin serves: made in the sandbox, judged and kept here.

The files lie beside the item's views and go with them. docs/formats/views.md.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core import canonical
from holdfast.core.digest import is_sha256_hex, sha256_hex
from holdfast.core.errors import InputError, IntegrityError
from holdfast.examine import viewing

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.examine.viewing import Source

BOUNDS = viewing.Bounds(seconds=300)
_SAID = "index.json"
_NAME = re.compile(r"[0-9]{6}")
_TYPE = re.compile(r"(text|image|font|audio|video|application)/[a-z0-9.+-]{1,60}")
_ENGINE = 1


@dataclass(frozen=True)
class Page:
    """A page that was captured."""

    name: str
    title: str
    url: str


@dataclass(frozen=True)
class Replay:
    """A capture, unfolded."""

    folder: Path
    types: dict[str, str]
    """Name of each file to its type."""
    pages: tuple[Page, ...]
    left_out: int
    """Answers that are not among them: too large, or of a type that is never passed on."""
    digest: str
    """SHA-256 of the index, which has the digest of every file."""


def key(path: str) -> str:
    """Return the name of the folder for a capture at `path` in its item."""
    described = viewing.described()
    return sha256_hex(canonical.dumps({"path": path, "replay": _ENGINE, "viewers": described}))


def unfold(source: Source, path: str) -> Replay:
    """Return the capture at `path`, unfolded now or before.

    Raises:
        InputError: it is no capture, or can't be read.
        IntegrityError: the child wrote what it must not.
        ResourceError: no child can be started here.
    """
    place = source.derived / source.item / viewing.VIEWS / key(path)
    if (kept := at(place)) is not None:
        return kept
    told: dict[str, Json] = {"path": path, "replay": True}
    with viewing.asked_child(source, told, BOUNDS) as (answer, folder):
        if "failed" in answer:
            raise InputError(f"it can't be replayed: {answer['failed']}", "look at it as a file")
        said = {name: answer.get(name) for name in ("files", "left_out", "pages")}
        made = _judged(said, folder / "replay")
        if any(one.name not in made.types for one in made.folder.iterdir()):
            raise IntegrityError("a viewer left what it did not tell of")
        (made.folder / _SAID).write_bytes(canonical.dumps(said))
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            shutil.rmtree(place)
        made.folder.rename(place)
    found = at(place)
    if found is None:
        raise IntegrityError("a replay is gone as soon as it was made", "try again")
    return found


def at(place: Path) -> Replay | None:
    """Return the replay that lies at `place`; None where none does."""
    try:
        said = canonical.loads((place / _SAID).read_bytes())
        return _judged(said, place) if isinstance(said, dict) else None
    except (OSError, ValueError, IntegrityError):
        return None


def _judged(said: dict[str, Any], folder: Path) -> Replay:
    """Judge what a child told of the files it wrote.

    Raises:
        IntegrityError: it is not what it tells.
    """
    types: dict[str, str] = {}
    for one in said["files"] if isinstance(said.get("files"), list) else ():
        match one:
            case {"name": str(name), "sha256": str(digest), "size": int(), "type": str(kind)} if (
                _NAME.fullmatch(name) and _TYPE.fullmatch(kind) and is_sha256_hex(digest)
            ):
                facts = (folder / name).lstat()
                if facts.st_size != one["size"] or facts.st_nlink != 1 or facts.st_mode >> 12 != 8:
                    raise IntegrityError("a viewer told of a file that it did not write")
                types[name] = kind
            case _:
                raise IntegrityError("a viewer told of a file that can't be one")
    pages = tuple(
        Page(str(one["name"]), str(one["title"]), str(one["url"]))
        for one in said.get("pages") or ()
        if isinstance(one, dict) and one.get("name") in types
    )
    left_out = said.get("left_out")
    digest = sha256_hex(canonical.dumps(said))
    return Replay(folder, types, pages, left_out if isinstance(left_out, int) else 0, digest)
