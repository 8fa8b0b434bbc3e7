"""Log lines on their way into files: in the order of time, cut where the log was rotated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.testing.scenario import when
from holdfast.testing.scenario.truth import LineFact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


MALFORMED = "malformed"
"""The role of a line that is not of its file's format."""


@dataclass(frozen=True)
class Line:
    """A line, without its line end."""

    time: int
    """When the host wrote it; orders the file."""
    content: bytes
    role: str = ""
    exact: bool = False
    """Whether the line says its time to the microsecond, not to the second."""


@dataclass(frozen=True)
class LogFile:
    """A log file and what is true of it."""

    data: bytes
    facts: tuple[LineFact, ...]
    counts: dict[str, int]
    last: int
    """Time of the last line."""


def rotated(lines: Iterable[Line], cuts: Sequence[int]) -> list[list[Line]]:
    """Return the lines in order, oldest file first; a line at a cut begins the next file."""
    parts: list[list[Line]] = [[] for _ in range(len(cuts) + 1)]
    for line in sorted(lines, key=lambda line: line.time):
        parts[sum(line.time >= cut for cut in cuts)].append(line)
    return parts


def write(lines: Sequence[Line], path: str) -> LogFile:
    """Return the file of `lines`, and the facts of those that matter."""
    data, facts = bytearray(), []
    for number, line in enumerate(lines, 1):
        if line.role:
            offset, length = len(data), len(line.content)
            facts.append(LineFact(line.role, path, number, offset, length, _said(line)))
        data += line.content + b"\n"
    counts = {"lines": len(lines), "malformed": sum(line.role == MALFORMED for line in lines)}
    return LogFile(bytes(data), tuple(facts), counts, lines[-1].time)


def _said(line: Line) -> int | None:
    if line.role == MALFORMED:
        return None
    return line.time if line.exact else when.whole_second(line.time)
