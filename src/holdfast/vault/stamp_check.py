"""The stamps' part of a verification: what `stamps` decides on, read from the log's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core import clock
from holdfast.vault import stamps
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.course import Course
from holdfast.vault.stamp_files import StampFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.vault.entry import Entry
    from holdfast.vault.log import Log
    from holdfast.vault.report import Report
    from holdfast.vault.stamp_files import Stamped


class StampCheck:
    """Hears the entries of a log up to `head`, in order, then judges the stamps that lie there."""

    def __init__(self, log: Log, head: Checkpoint) -> None:
        self._files = StampFiles(log.path)
        self._tree = log.tree(head)
        self._eras = log.eras
        self._head = head
        sizes = self._files.sizes()
        # Others may go on, and stamp, while this verification runs.
        later = log.head().size if sizes and sizes[-1] > head.size else head.size
        self._sizes = [size for size in sizes if not head.size < size <= later]
        self._course = Course(self._sizes)

    def hear(self, entry: Entry) -> None:
        """Take up the next entry."""
        self._course.hear(entry)

    def finish(self, report: Report) -> None:
        """Put into `report` what the stamps come to."""
        report.timing = stamps.judge(
            self._found(report),
            self._course,
            self._head,
            self._past,
            waiting=self._files.waiting(),
            crls=self._files.crls,
            now=clock.now(),
        )
        report.problems += report.timing.problems
        report.incomplete += report.timing.incomplete
        report.marked += report.timing.marked

    def _past(self, size: int) -> Checkpoint:
        return Checkpoint(self._eras.at(size).origin, size, self._tree.root_of(0, size))

    def _found(self, report: Report) -> Iterator[Stamped]:
        for size in self._sizes:
            for name in self._files.names(size):
                try:
                    stamped = self._files.read(size, name)
                except OSError as error:
                    report.problems.append(
                        f"a file of the stamp of {name} on {size} entries can't be read: "
                        f"{error.strerror}"
                    )
                    continue
                if stamped is not None:
                    yield stamped
