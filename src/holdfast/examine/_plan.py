"""What is left to do: which modules run, under which keys, over which items and records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.errors import InputError, IntegrityError
from holdfast.examine import results
from holdfast.examine._crew import Task
from holdfast.examine._roster import (
    OPENER,
    PARSER,
    RECORD_FINDER,
    Module,
    enumeration_key,
    module_key,
    record_finder_key,
)
from holdfast.examine._walk import label
from holdfast.examine._wire import DESCRIPTORS
from holdfast.examine.crosscheck import CROSS_CHECK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.examine.events import Input
    from holdfast.examine.limits import Limits
    from holdfast.examine.results import Result


class Plan:
    """What one call of `examine` runs.

    Raises:
        InputError: `only` or `settings` names a module that isn't there, or takes no settings.
    """

    def __init__(
        self,
        derived: Path,
        limits: Limits,
        modules: dict[str, Module],
        only: tuple[str, ...],
        settings: dict[str, Json],
    ) -> None:
        self._derived = derived
        everything = tuple(modules.values())
        chosen = [m for m in everything if m.role != OPENER and (not only or m.name in only)]
        told = {CROSS_CHECK, *(m.name for m in everything if m.settings)}
        if unknown := (set(only) - {m.name for m in chosen}) or (settings.keys() - told):
            raise InputError(
                f"there is no parser or finder named {min(unknown)}",
                f"there are {', '.join(sorted(m.name for m in everything if m.role != OPENER))}",
            )
        self.enumeration = enumeration_key(everything, limits)
        self._chosen = [m for m in chosen if m.role != RECORD_FINDER]
        self._readers = [m for m in chosen if m.role == RECORD_FINDER and m.settings]
        self._sources: dict[str, Input] = {}

    def in_force(self, item: str) -> dict[str, Result] | None:
        """Return the results over this very enumeration; None where there is none."""
        try:
            now = results.current(self._derived, item)
        except IntegrityError:  # torn by a power cut: nothing that can't be made again
            return None
        return now.modules if now and now.enumeration.key == self.enumeration else None

    def tasks(self, inputs: Iterable[Input]) -> Iterator[tuple[Input, Task | None]]:
        """Yield each input with what is left to do of it."""
        for source in inputs:
            keys = {label(m): module_key(m, self.enumeration, source.latest) for m in self._chosen}
            if self._readers:
                self._sources.setdefault(source.item, source)
            there = self.in_force(source.item)
            wanted = {
                name: key for name, key in keys.items()
                if there is None or name not in there or there[name].key != key
            }  # fmt: skip
            done = there is not None and not wanted
            yield source, None if done else Task(source, self.enumeration, wanted)

    def readings(self) -> Iterator[Task]:
        """Yield what record finders have to read: items that have records of their kinds."""
        for source in self._sources.values():
            there = self.in_force(source.item)
            if there is None:
                continue
            for finder in self._readers:
                reads = tuple(
                    found for found in results.datasets(self._derived, [source.item])
                    if found.kind in finder.kinds and found.module.startswith(PARSER)
                )[:DESCRIPTORS]  # fmt: skip
                cites = tuple(sorted({found.path.parent.name for found in reads}))
                key = record_finder_key(finder, self.enumeration, [*cites])
                known = there.get(label(finder))
                if reads and (known is None or known.key != key):
                    yield Task(source, self.enumeration, {label(finder): key}, reads=reads,
                               cites=cites)  # fmt: skip


def standing(found: dict[str, Result]) -> dict[str, Result]:
    """Leave out what was found in records, or held against some, that are no longer in force."""
    keys = {result.key for result in found.values()}
    left = {}
    for name, result in found.items():
        reads = result.facts.get("reads", [])
        if all(key in keys for key in (reads if isinstance(reads, list) else [])):
            left[name] = result
    return left
