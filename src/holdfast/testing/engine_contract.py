"""The suite that every engine passes: whoever executes, the records are the same, each once.

An engine's test is a subclass; pytest runs the rest::

    class TestLocal(EngineTests):
        def run(self, inputs: list[Input], derived: Path, **more: Any) -> Summary:
            return examine(inputs, derived, engine=Local(2), **more)
"""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
from base64 import b85encode
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.examine import results
from holdfast.examine.limits import Limits
from holdfast.examine.records import record_digest
from holdfast.examine.run import Died, Examined, Input, Unread, examine
from holdfast.examine.timeline import records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.elsewhere import Elsewhere
    from holdfast.examine.run import Event, Summary

TOY = "holdfast.testing.engine_toy"
QUICK = Limits(seconds=5, cpu_seconds=10, memory=1 << 30)
KIND = "toy.text"


def text(*lines: str) -> bytes:
    """Return a file of the toy's, with these lines."""
    return "\n".join(("TOY", *lines, "")).encode()


def digest(derived: Path, inputs: list[Input]) -> str:
    """Return the digest of every record of these items."""
    items = [source.item for source in inputs]
    return record_digest(found.path for found in results.datasets(derived, items))


@dataclass
class Place:
    """Evidence, derived data, and what was told."""

    folder: Path
    elsewhere: Any
    events: list[Event] = field(default_factory=list)

    @property
    def derived(self) -> Path:
        """Where the engine under test puts its results."""
        return self.folder / "derived"

    def item(self, data: bytes, name: str = "file.txt") -> Input:
        """Return an item of these bytes."""
        found = hashlib.sha256(data).hexdigest()
        path = self.folder / found
        path.write_bytes(data)
        place: Elsewhere | None = self.elsewhere(found, data)
        return Input(
            found, name, lambda: os.open(path, os.O_RDONLY), None,
            None if place is None else lambda: place, len(data),
        )  # fmt: skip

    def messages(self, source: Input) -> list[str]:
        """Return what an item's lines say."""
        return [str(row["message"]) for row in records(self.derived, [source.item], kind=KIND)]

    def told(self, kind: type[Any]) -> list[Any]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


class EngineTests:
    """The suite; a subclass has its engine run, pytest runs the rest."""

    def run(self, inputs: list[Input], derived: Path, **more: Any) -> Summary:
        """Examine with the engine under test: `examine(inputs, derived, engine=…, **more)`."""
        raise NotImplementedError

    def elsewhere(self, digest: str, data: bytes) -> Elsewhere | None:
        """Put an item's bytes where other machines get them, if the engine has any."""
        del digest, data
        return None

    def examine(self, place: Place, *inputs: Input, **more: Any) -> Summary:
        """Examine with the toy alone, hearing what is told."""
        given = {"limits": QUICK, "only": ("engine_toy",), "plugins": (TOY,), **more}
        return self.run([*inputs], place.derived, on_event=place.events.append, **given)

    @contextmanager
    def _place(self) -> Iterator[Place]:
        with tempfile.TemporaryDirectory(prefix="holdfast-engine-") as folder:
            yield Place(Path(folder), self.elsewhere)

    def test_the_records_are_those_of_one_process_and_nothing_is_done_twice(self) -> None:
        """Same input, two engines, two orders: the same bytes; a second time there is no work."""
        with self._place() as place:
            inputs = [place.item(text(*(f"{n} {m}" for m in range(n)))) for n in range(40)]
            done = self.examine(place, *inputs, *inputs[:3])
            assert (done.examined, done.skipped, done.records) == (40, 3, sum(range(40)))
            assert set(Counter(e.item for e in place.told(Examined)).values()) == {1}
            other = place.folder / "other"
            examine(inputs[::-1], other, limits=QUICK, only=("engine_toy",), plugins=(TOY,))
            assert digest(place.derived, inputs) == digest(other, inputs)
            trees = [
                {
                    one.relative_to(root): one.read_bytes()
                    for one in root.rglob("*")
                    if one.is_file()
                }
                for root in (place.derived, other)
            ]
            assert trees[0] == trees[1]
            before = {one: one.stat().st_mtime_ns for one in place.derived.rglob("*")}
            again = self.examine(place, *inputs)
            assert (again.examined, again.skipped) == (0, 40)
            assert {one: one.stat().st_mtime_ns for one in place.derived.rglob("*")} == before

    def test_what_kills_its_child_costs_one_record(self) -> None:
        """A crash, an exit and a standstill: one failure each, by its reason; all else is there."""
        with self._place() as place:
            good = [place.item(text(f"good {n}")) for n in range(6)]
            harm = ("segfault", "exit", "hang")
            bad = [place.item(text("before", f"!{one}", "after")) for one in harm]
            done = self.examine(place, *good[:3], *bad, *good[3:])
            assert (done.examined, done.unread, done.failures, done.deaths) == (9, 0, 3, 3)
            assert [place.messages(one) for one in good] == [[f"good {n}"] for n in range(6)]
            reasons = [
                [row["reason"] for row in records(place.derived, [one.item], kind="failure")]
                for one in bad
            ]
            assert reasons == [
                ["the worker died of SIGSEGV"], ["the worker ended by itself (status 3)"],
                ["time limit of 5 seconds"],
            ]  # fmt: skip
            assert sorted(event.item for event in place.told(Died)) == sorted(
                one.item for one in bad
            )

    def test_bytes_that_are_not_the_item_s_are_refused_and_the_rest_goes_on(self) -> None:
        """What was altered, or is missing, is told; the ledger shows it as not examined."""
        with self._place() as place:
            real, other, third = (place.item(text(one)) for one in ("real", "other", "third"))
            swapped = Input(real.item, "swapped", other.open, None, other.elsewhere)
            done = self.examine(place, swapped, other, third)
            assert (done.examined, done.unread) == (2, 1)
            (event,) = place.told(Unread)
            assert event.item == real.item
            assert results.current(place.derived, real.item) is None

    def test_a_large_result_comes_whole(self) -> None:
        """Larger than what is sent or held at once anywhere."""
        with self._place() as place:
            chance = random.Random(5)
            lines = [f"x{b85encode(chance.randbytes(1600)).decode()}" for _ in range(8_000)]
            source = place.item(text(*lines))
            done = self.examine(place, source, limits=Limits(seconds=120, memory=1 << 30))
            assert (done.examined, done.records) == (1, len(lines))
            (found,) = results.datasets(place.derived, [source.item])
            assert found.path.stat().st_size > 9 << 20
            assert list(results.verify(place.derived, [source.item])) == []
