"""Take fields out of bodies: the files under `entries/`, and what a killed writer left of them.

The one who calls holds the lock that every writer of bodies takes (`Log.erase`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from holdfast.core import durable
from holdfast.core.errors import IntegrityError
from holdfast.vault import entry, tiles
from holdfast.vault.merkle import WIDTH

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


def erase(folder: Path, size: int, fields: Mapping[int, Collection[str]]) -> None:
    """Take `fields`, by entry, out of the bodies of a log of `size` entries; not synced.

    Raises:
        IntegrityError: a bundle of bodies is missing, truncated or malformed.
    """
    touched: dict[int, dict[int, Collection[str]]] = {}
    for index, names in fields.items():
        touched.setdefault(index // WIDTH, {})[index % WIDTH] = names
    for number, lines in sorted(touched.items()):
        _erase(folder, number, min(WIDTH, size - number * WIDTH), lines)
    for left in folder.rglob(".*"):
        # Whoever writes here holds the lock: a file without its name is a dead writer's.
        if left.is_file():
            left.unlink(missing_ok=True)


def _erase(folder: Path, number: int, width: int, lines: Mapping[int, Collection[str]]) -> None:
    full, place = folder / tiles.numbered(number), folder / tiles.numbered(number, width)
    texts = tiles.read_prefix(place, full).splitlines()[:width]
    try:
        changed = [entry.without(text, lines.get(at, ())) for at, text in enumerate(texts)]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(place, "malformed") from None
    if len(texts) < width:
        raise _damaged(place, f"truncated: {len(texts)} of {width} entries")
    if changed != texts or not place.exists():
        durable.replace(place, b"\n".join([*changed, b""]), 0o440, sync=False)
    for _, old in tiles.partials(full):
        if old != place:
            old.unlink(missing_ok=True)


def _damaged(place: Path, how: str) -> IntegrityError:
    return IntegrityError(f"the log's file {place} is {how}", "restore it from a backup")


def erase_commits(folder: Path, size: int) -> None:
    """Remove commits before the newest, and those that killed writers left: bodies are in them.

    `size` is that of the published log: what would be committed before it can never win.
    """
    known = [one for one in folder.iterdir() if one.name.isdigit()]
    newest = max((int(one.name) for one in known), default=0)
    for old in known:
        if int(old.name) < newest:
            old.unlink(missing_ok=True)
    for left in folder.glob(".*"):
        _, start, pid, *_ = (*left.name.split("."), "", "", "")
        if start.isdigit() and int(start) < size and pid.isdigit() and not _alive(int(pid)):
            left.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        # Another account's.
        return True
    return True
