"""Which tests one process runs in a row, and which begin first.

A file is one unit, so that what its tests share is made once. Files that need the same server or
the same capture are one unit together, and begin first, because they wait more than they compute;
a file of long tests that share nothing is a unit a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.workermanage import WorkerController

TOGETHER = {
    "s3": (
        "tests/acts/test_cluster.py", "tests/acts/test_erasing_stores.py",
        "tests/acts/test_s3_vault.py", "tests/faults/test_s3.py", "tests/vault/test_store_s3.py",
    ),
    "the chain's capture": ("tests/testing/hostile/",),
    "postgresql": (
        "tests/test_postgres_fixture.py", "tests/vault/test_leases.py",
        "tests/vault/test_migrations.py", "tests/vault/test_projection.py",
    ),
}  # fmt: skip
"""Name of a unit, and how its files' paths begin."""

APART = ("tests/docs/test_examples.py", "tests/faults/test_kill.py")
"""Files of which each test is a unit."""

FIRST = (
    "s3", "tests/examine/test_engines.py", "the chain's capture",
    "tests/docs/test_examples.py::test_examples_do_what_they_show[docs/tutorial/first-case.md]",
    "tests/faults/", "tests/docs/test_examples.py", "tests/exchange/", "tests/collect/web/",
    "tests/acts/", "postgresql", "tests/witness/", "tests/cli/", "tests/examine/", "tests/testing/",
)  # fmt: skip
"""How the names of the units that take long begin, the longest first."""


def unit(nodeid: str) -> str:
    """Return the name of the unit to which a test belongs."""
    path = nodeid.partition("::")[0]
    for name, starts in TOGETHER.items():
        if path.startswith(starts):
            return name
    return nodeid if path in APART else path


def place(name: str) -> int:
    """Return the place of a unit in the order in which units begin."""
    return next((at for at, start in enumerate(FIRST) if name.startswith(start)), len(FIRST))


def sort(items: list[pytest.Item]) -> None:
    """Put tests into that order; those of a unit stay as they were."""
    units = {item.nodeid: unit(item.nodeid) for item in items}
    turns = {name: at for at, name in enumerate(dict.fromkeys(units.values()))}
    items.sort(key=lambda item: (place(units[item.nodeid]), turns[units[item.nodeid]]))


class ByUnit(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Gives each process a unit after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)

    def _reschedule(self, node: WorkerController) -> None:
        super()._reschedule(node)
        # A process begins a test when it knows what comes after, or that nothing does.
        while not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
            super()._reschedule(node)

    def remove_node(self, node: WorkerController) -> object:
        """Take away a process that has ended; return the test that ended it, which has failed.

        xdist's own would have the next process run it again, and end likewise.
        """
        left = self.assigned_work.pop(node)
        pending = [(name, test) for name, unit in left.items() for test in unit if not unit[test]]
        if not pending:
            return None
        name, ended = pending[0]
        left[name][ended] = True
        # What is left goes first.
        self.workqueue.update({one: left[one] for one, _ in pending if not all(left[one].values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return ended
