"""What lies directly in a file inside an item: as it was enumerated, or as openers find it now."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from holdfast.examine import results, viewing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.viewing import Source

PAGE = 200
"""Members of one page; the child that lists what wasn't examined counts alike."""


@dataclass(frozen=True, kw_only=True)
class Inner:
    """A file in another."""

    path: str
    """In the item."""
    size: int | None = None
    """Bytes; None where nobody has unfolded it yet."""
    type: str = ""
    """A guess from its first bytes."""
    sha256: str = ""
    container: bool | None = None
    """Whether there are files in it; None where nobody has looked yet."""

    def as_json(self) -> dict[str, Json]:
        """Return what `item tree --json` prints."""
        return dict(vars(self))


@dataclass(frozen=True)
class Inside:
    """A page of what lies in a file."""

    members: tuple[Inner, ...]
    more: bool
    stopped: str = ""
    """Why the rest can't be read; empty where that is all."""
    examined: bool = False
    """Whether this is what the examination found."""


def of(source: Source, path: str, page: int) -> Inside:
    """Return a page of what lies directly in the file at `path`; empty for the item itself.

    Raises:
        IntegrityError: derived data is damaged.
        ResourceError: no child can be started here.
    """
    now = results.current(source.derived, source.item)
    if now is None:
        found = viewing.inside(source, path, page)
        return Inside(tuple(Inner(path=one) for one in found.paths), found.more, found.stopped)
    start = page * PAGE
    rows = list(islice(_children(results.seen(source.derived, now), path), start, start + PAGE + 1))
    return Inside(tuple(rows[:PAGE]), len(rows) > PAGE, examined=True)


def _children(rows: Iterator[dict[str, object]], path: str) -> Iterator[Inner]:
    """Yield the files one level below `path`, which are enumerated right behind it."""
    depth = -1
    for row in rows:
        place, level = str(row["path"] or ""), int(str(row["depth"]))
        if depth < 0:
            depth = level if place == path else depth
            continue
        if level <= depth and place != path:
            return
        if level == depth + 1:
            openers = row.get("openers")
            yield Inner(
                path=place, size=int(str(row["size"])), type=str(row["type"]),
                sha256=str(row["sha256"]), container=bool(openers),
            )  # fmt: skip
