"""Examine items: have an engine's workers go through each, publish what they make.

    items -> skip what is done -> engine (enumerate, parse, find) -> publish -> done.json

The engine executes, on this machine or on others; here is decided what is left to do, and here
alone results are put in force. docs/explanation/examination.md says why it is so.
"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError
from holdfast.examine import results
from holdfast.examine._plan import Plan, standing
from holdfast.examine._roster import PARSER, Module
from holdfast.examine._walk import label
from holdfast.examine.engine import Order
from holdfast.examine.engines.local import Local
from holdfast.examine.events import (
    Died,
    Event,
    Examined,
    Input,
    Joined,
    Lost,
    Started,
    Summary,
    Unread,
)
from holdfast.examine.limits import Limits
from holdfast.examine.results import Current, Result
from holdfast.examine.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.examine._crew import Task
    from holdfast.examine._roster import Module
    from holdfast.examine.engine import Engine

__all__ = [
    "Died",
    "Event",
    "Examined",
    "Input",
    "Joined",
    "Lost",
    "Started",
    "Summary",
    "Unread",
    "examine",
]


def examine(
    inputs: Iterable[Input],
    derived: Path,
    *,
    jobs: int = 1,
    limits: Limits | None = None,
    on_event: Callable[[Event], None] | None = None,
    only: tuple[str, ...] = (),
    plugins: tuple[str, ...] = (),
    settings: dict[str, Json] | None = None,
    engine: Engine | None = None,
) -> Summary:
    """Examine `inputs`, all of one case, into `derived`; what is there already is not done again.

    `engine` executes; left out, `jobs` processes of this machine. `only` names the parsers and
    finders to run, all of them when empty. `plugins` are further modules (parsers, finders,
    openers) to import.
    `settings` tells modules, by name, what they need beyond the item (rules, patterns, a mapping);
    what a module is told is part of its results' key. A record finder runs where it is told.

    Raises:
        InputError: no such parser or finder; two modules of one name; a bad item.
        IntegrityError: a worker wrote what it must not.
        RemoteError: the machines of the engine are gone.
        ResourceError: workers can't be started, or this machine ran out of room.
    """
    derived.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with scratch(derived) as folder:
        order = Order(folder, limits or Limits(), plugins, settings or {})
        house = _House(derived, on_event or _silent)
        crew = (engine or Local(jobs)).start(order, house)
        try:
            house.tell(Started(crew.protection, crew.modules))
            house.plan(crew.modules, order, only)
            crew.work(house.tasks(iter(inputs)))
            crew.work(house.readings())
            return Summary(
                seconds=time.monotonic() - start, protection=crew.protection, **house.counts
            )
        finally:
            crew.close()


def _silent(event: Event) -> None:
    del event


class _House:
    """One call of `examine`: what is left to do, and what becomes of what was done."""

    def __init__(self, derived: Path, on_event: Callable[[Event], None]) -> None:
        self._derived, self._on_event = derived, on_event
        self._under_way: set[str] = set()
        self._modules: dict[str, Module] = {}
        self._plan: Plan
        self.counts = dict.fromkeys(
            ("examined", "skipped", "unread", "files", "bytes", "records", "failures", "deaths"), 0
        )

    def plan(self, modules: tuple[Module, ...], order: Order, only: tuple[str, ...]) -> None:
        """Decide what runs.

        Raises:
            InputError: `only` or the settings name a module that isn't there.
        """
        self._modules = {label(module): module for module in modules}
        self._plan = Plan(self._derived, order.limits, self._modules, only, order.settings)

    def readings(self) -> Iterator[Task]:
        """Yield what record finders have to read."""
        return self._plan.readings()

    def tasks(self, inputs: Iterator[Input]) -> Iterator[Task]:
        """Yield what is left to do, of each item once at a time."""
        for source, task in self._plan.tasks(inputs):
            if task is None or source.item in self._under_way:
                self.counts["skipped"] += 1
            else:
                self._under_way.add(source.item)
                yield task

    def unread(self, task: Task, reason: str) -> None:
        """Note that an item could not be examined at all."""
        self._under_way.discard(task.source.item)
        self.counts["unread"] += 1
        self.tell(Unread(task.source.item, task.source.name, reason))

    def settled(self, task: Task) -> bool:
        """Say whether another examination has put a task's results in force meanwhile."""
        there = self._plan.in_force(task.source.item) or {}
        done = all(name in there and there[name].key == key for name, key in task.wanted.items())
        if done:
            self._under_way.discard(task.source.item)
            self.counts["skipped"] += 1
        return done

    def tell(self, event: Event) -> None:
        """Pass on what happened."""
        if isinstance(event, Died):
            self.counts["deaths"] += 1
        self._on_event(event)

    def finished(
        self, task: Task, folder: Path, enumeration: dict[str, Json], modules: dict[str, Json]
    ) -> None:
        """Put a task's results in force."""
        if task.reads:
            self._publish_found(task, folder, modules)
        else:
            self._publish(task, folder, enumeration, modules)

    def _publish_found(self, task: Task, folder: Path, modules: dict[str, Json]) -> None:
        """Put what record finders found in an item's records in force."""
        now = results.current(self._derived, task.source.item)
        if now is None:
            raise IntegrityError(f"derived data of item {task.source.item} is gone")
        found = dict(now.modules)
        for name, key in task.wanted.items():
            facts = modules.get(name)
            cites: list[Json] = [*task.cites]
            facts = {
                **self._modules[name].to_json(), "reads": cites,
                **(facts if isinstance(facts, dict) else {}),
            }  # fmt: skip
            found[name] = result = Result(key, facts, results.taken(folder / key))
            self.counts["records"] += result.total("records")
            self.counts["failures"] += result.total("failures")
        results.publish(self._derived, folder, Current(now.item, now.enumeration, found))
        shutil.rmtree(folder, ignore_errors=True)

    def _publish(
        self, task: Task, folder: Path, enumeration: dict[str, Json], modules: dict[str, Json]
    ) -> None:
        """Put what a worker wrote about an item in force."""
        item, name = task.source.item, task.source.name
        files = results.taken(folder / self._plan.enumeration)
        whole = Result(self._plan.enumeration, enumeration, files)
        found = dict(self._plan.in_force(item) or {})
        records, failures = 0, whole.total("failures")
        for module, key in task.wanted.items():
            facts = modules.get(module)
            facts = {
                **self._modules[module].to_json(),
                **(facts if isinstance(facts, dict) else {}),
            }
            if first := self._modules[module].of:
                known = found.get(f"{PARSER}:{first}")
                read = task.wanted.get(f"{PARSER}:{first}") or (known.key if known else "")
                facts["reads"] = [read]
            found[module] = result = Result(key, facts, results.taken(folder / key))
            records += result.total("records")
            failures += result.total("failures")
        found = standing(found)
        results.publish(self._derived, folder, Current(item, whole, found))
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        self._under_way.discard(item)
        event = Examined(item, name, whole.total("files"), whole.total("bytes"), records, failures)
        self.counts["examined"] += 1
        for count in ("files", "bytes", "records", "failures"):
            self.counts[count] += getattr(event, count)
        self.tell(event)
