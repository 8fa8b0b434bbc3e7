"""Show a file to a person: a child in the sandbox makes the view, the house keeps and judges it.

What it made is kept under `derived/<item>/views/<key>/`, as results of parsers are under theirs:
the key is a digest of every viewer with its version and decoders, of what was asked, and of this
version of Holdfast, so nothing is shown that another version made. docs/formats/views.md.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast import __version__
from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import IntegrityError, ResourceError
from holdfast.examine import interfaces
from holdfast.examine._drawn import Drawn, check, drawn
from holdfast.examine._roster import version_of
from holdfast.examine.scratch import scratch
from holdfast.sandbox import child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.core.canonical import Json

VIEWS, _SAID = "views", "view.json"
KEPT = 256
"""Views of one item that are kept; those that were made first go first."""
_ENGINE = 1
_MOST = 8 << 20
"""Bytes that a view may have beside its pictures."""
_WAIT = 120.0
_CHILDREN = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which file inside an item, shown how, and which page of it."""

    path: str = ""
    """Where inside the item; empty for the item itself."""
    viewer: str = ""
    """The viewer's name; empty for the one that fits best."""
    page: int = 0
    """From 0."""
    part: str = ""
    """What of it, where it has parts: a table's name."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What one view may cost."""

    memory: int = 2 << 30
    """Address space of the child, bytes."""
    output: int = 4 << 30
    """Bytes of a member that is brought over, and of any file that is written."""
    seconds: int = 60
    """Wall-clock and processor time, each."""


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What the file is that was shown."""

    name: str = ""
    size: int = 0
    type: str = ""
    """A guess from its first bytes."""
    sha256: str = ""
    """Of a file inside an item; empty for the item itself, which is named by it."""
    viewers: tuple[str, ...] = ("hex",)
    """The viewers that can show it, the one that fits best first."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A page as it may be shown to a person."""

    viewer: str
    file: FileFacts
    failed: str = ""
    """Why nothing can be shown; the rest is empty then."""
    version: int = 0
    decoders: dict[str, str] = field(default_factory=dict)
    kind: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pages: int | None = None
    more: bool = False
    pictures: dict[str, Drawn] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of all that is shown; of pictures, of their digests."""
        return sha256_hex(canonical.dumps(self.as_json()))

    def as_json(self) -> dict[str, Json]:
        """Return what `view --json` prints of it."""
        facts = {name: value for name, value in asdict(self.file).items() if name != "viewers"}
        return {
            "content": self.content,
            "decoders": dict(self.decoders),
            "failed": self.failed or None,
            "file": {**facts, "viewers": [*self.file.viewers]},
            "kind": self.kind,
            "more": self.more,
            "notes": [*self.notes],
            "pages": self.pages,
            "pictures": {name: one.as_json() for name, one in self.pictures.items()},
            "version": self.version,
            "viewer": self.viewer,
        }


@dataclass(frozen=True)
class Listed:
    """Some of what lies directly in a file."""

    paths: tuple[str, ...]
    more: bool
    stopped: str
    """Why the rest can't be read; empty where that is all."""


@dataclass(frozen=True)
class Source:
    """An item whose file is open, and where what is made of it is kept."""

    derived: Path
    item: str
    name: str
    """The last part of the path it was collected under, a hint."""
    open: Callable[[], int]
    """Opens the original; the descriptor is the caller's to close."""


def show(source: Source, asked: Asked, bounds: Bounds | None = None) -> Shown:
    """Return a page of a file: as it was kept, or made now.

    Raises:
        ResourceError: no child can be started here, or too many are at work.
        IntegrityError: the child wrote what it must not.
    """
    bounds = bounds or Bounds()
    place = source.derived / source.item / VIEWS / _key(asked, bounds)
    if (kept := _kept(place)) is not None:
        return kept
    told: dict[str, Json] = {
        "as": asked.viewer, "page": asked.page, "part": asked.part, "path": asked.path,
    }  # fmt: skip
    with asked_child(source, told, bounds) as (answer, folder):
        said = {name: one for name, one in answer.items() if name != "unprotected"}
        shown = _shown(said, folder, asked)
        if shown.failed:
            return shown  # a machine under load may do better the next time
        _keep(folder, place, said, shown)
    return _kept(place) or shown


def inside(source: Source, path: str, page: int, bounds: Bounds | None = None) -> Listed:
    """Return what lies directly in the file at `path`, two hundred to a page.

    Raises:
        ResourceError: no child can be started here, or too many are at work.
    """
    told: dict[str, Json] = {"list": True, "page": page, "path": path}
    with asked_child(source, told, bounds or Bounds()) as (answer, _):
        paths = answer.get("paths")
        listed = tuple(map(str, paths)) if isinstance(paths, list) else ()
        stopped = str(answer.get("failed") or answer.get("stopped") or "")
        return Listed(listed, answer.get("more") is True, stopped)


@contextmanager
def asked_child(
    source: Source, told: dict[str, Json], bounds: Bounds
) -> Iterator[tuple[dict[str, Any], Path]]:
    """Have a child do what is told; give what it said, and the folder that it wrote into."""
    source.derived.mkdir(parents=True, exist_ok=True)
    if not _CHILDREN.acquire(timeout=_WAIT):
        raise ResourceError("too many viewers are at work", "try again in a minute")
    try:
        with scratch(source.derived) as base:
            folder = base / "view"
            folder.mkdir()
            descriptor = source.open()
            try:
                answer, reason = child.run(
                    "holdfast.examine.show",
                    {
                        "as": "", "bytes": bounds.output, "file": descriptor,
                        "item": source.item, "list": False,
                        "memory": bounds.memory, "name": source.name,
                        "output": bounds.output, "page": 0, "part": "", "path": "",
 "replay": False,
                        "scratch": str(folder), "seconds": bounds.seconds, **told,
                    },
                    [descriptor], folder, seconds=bounds.seconds, what="the viewer", most=_MOST,
                )  # fmt: skip
            finally:
                os.close(descriptor)
            if "trouble" in answer:
                raise ResourceError(f"evidence can't be shown here: {answer['trouble']}")
            yield (answer or {"failed": reason}), folder
    finally:
        _CHILDREN.release()


def _shown(said: dict[str, Any], folder: Path, asked: Asked) -> Shown:
    """Judge what a child said; a confused or evil one gets no further than this.

    Raises:
        IntegrityError: it is not what a viewer says.
    """
    match said:
        case {"failed": str(reason), **rest}:
            facts = rest.get("file")
            file = _facts(facts) if isinstance(facts, dict) else FileFacts()
            return Shown(viewer=str(rest.get("viewer") or asked.viewer), file=file, failed=reason)
        case {
            "decoders": dict(decoders), "file": dict(facts), "version": int(version),
            "view": {
                "content": dict(content), "kind": str(kind), "more": bool(more),
                "notes": list(notes), "pages": (int() | None) as pages,
                "pictures": dict(pictures),
            },
            "viewer": str(viewer),
        }:  # fmt: skip
            shown = Shown(
                viewer=viewer, version=version, kind=kind, content=content, more=more, pages=pages,
                decoders={str(name): str(one) for name, one in decoders.items()},
                file=_facts(facts), notes=tuple(map(str, notes)),
                pictures={name: drawn(folder, name, one) for name, one in pictures.items()},
            )  # fmt: skip
            _canonical(shown)
            return shown
    raise IntegrityError("a viewer said what none says", "report it, with the item's digest")


def _canonical(shown: Shown) -> None:
    try:
        assert shown.digest  # noqa: S101 - made to see that it can be
    except ValueError as error:
        raise IntegrityError(f"a viewer said what can't be kept: {error}") from None


def _facts(facts: dict[str, Any]) -> FileFacts:
    viewers = facts.get("viewers")
    return FileFacts(
        name=str(facts.get("name", "")), size=int(facts.get("size", 0)),
        type=str(facts.get("type", "")), sha256=str(facts.get("sha256", "")),
        viewers=tuple(map(str, viewers)) if isinstance(viewers, list) else ("hex",),
    )  # fmt: skip


def _key(asked: Asked, bounds: Bounds) -> str:
    given: dict[str, Json] = {
        "asked": dict(asdict(asked)),
        "bounds": dict(asdict(bounds)),
        "engine": _ENGINE,
        "holdfast": __version__,
        "viewers": described(),
    }
    return sha256_hex(canonical.dumps(given))


@cache
def described() -> list[Json]:
    """Return every viewer with its version and those of its decoders, for keys."""
    return [
        {
            "decoders": {name: _version(name) for name in one.DECODERS},
            "name": interfaces.name_of(one),
            "version": one.VERSION,
        }
        for one in interfaces.viewers()
    ]


def _version(decoder: str) -> str:
    try:
        return version_of(decoder)
    except metadata.PackageNotFoundError:
        return ""


def _kept(place: Path) -> Shown | None:
    """Return a view that was made before; None where there is none, or it is damaged."""
    try:
        said = canonical.loads((place / _SAID).read_bytes())
        shown = _shown(said, place, Asked()) if isinstance(said, dict) else None
    except (OSError, ValueError, IntegrityError):
        return None
    return shown


def _keep(folder: Path, place: Path, said: dict[str, Any], shown: Shown) -> None:
    """Put a view in its place; whoever was there first stays."""
    with tempfile.TemporaryDirectory(prefix=".tmp-view-", dir=folder.parent) as name:
        fresh = Path(name) / "made"
        fresh.mkdir()
        for picture in shown.pictures.values():
            shutil.copyfile(picture.path, fresh / picture.path.name)
        (fresh / _SAID).write_bytes(canonical.dumps(said))
        place.parent.mkdir(parents=True, exist_ok=True)
        _make_room(place.parent)
        try:
            fresh.rename(place)
        except OSError:
            if not place.exists():
                raise
            if _kept(place) is None:
                shutil.rmtree(place, ignore_errors=True)
                fresh.rename(place)


def _make_room(folder: Path) -> None:
    held = sorted(os.scandir(folder), key=lambda one: one.stat().st_mtime_ns)
    for one in held[: max(0, len(held) - KEPT + 1)]:
        shutil.rmtree(one.path, ignore_errors=True)


def picture(shown: Shown, name: str) -> bytes:
    """Return one of the pictures of a page, as PNG.

    Raises:
        IntegrityError: it is gone, or is not what was made.
    """
    return check(shown.pictures[name])
