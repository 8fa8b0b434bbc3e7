"""Find the modules in a folder: a new parser, collector or format is a file, not a list entry."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


@cache
def modules(package: str, group: str = "") -> tuple[ModuleType, ...]:
    """Import and return the modules of `package`, then those that outsiders registered.

    Modules whose name starts with an underscore are shared parts, not members. `group` names
    the entry-point group through which an installed distribution adds its own. The order is
    alphabetical and means nothing.
    """
    folder = importlib.import_module(package)
    names = sorted(
        found.name for found in pkgutil.iter_modules(folder.__path__) if found.name[0] != "_"
    )
    own = tuple(importlib.import_module(f"{package}.{name}") for name in names)
    if not group:
        return own
    others = sorted(entry_points(group=group), key=lambda point: point.name)
    return own + tuple(point.load() for point in others)
