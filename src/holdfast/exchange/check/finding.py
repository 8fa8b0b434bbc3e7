"""What a check found so far: what it can say, and what is wrong, by file or entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

INTACT = "intact"
UNANCHORED = "intact in itself, origin not established"
ALTERED = "altered or incomplete"


class StopError(Exception):
    """What comes next stands on what has just failed."""


@dataclass
class Finding:
    """Grows while a bundle is checked."""

    said: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    anchored: bool = False

    def say(self, label: str, text: str) -> None:
        """Tell something that was established, or that was not."""
        self.said.append((label, text))

    def bad(self, problem: str) -> None:
        """Tell one failure."""
        self.problems.append(problem)

    def stage(self) -> None:
        """End a stage.

        Raises:
            StopError: something failed.
        """
        if self.problems:
            raise StopError

    @property
    def verdict(self) -> str:
        """What the bundle is."""
        if self.problems:
            return ALTERED
        return INTACT if self.anchored else UNANCHORED

    def as_json(self) -> dict[str, Json]:
        """Return it as `check --json` prints it."""
        said: list[Json] = [{"about": about, "says": text} for about, text in self.said]
        return {"problems": list(self.problems), "said": said, "verdict": self.verdict}


def shown(data: bytes) -> str:
    """Return bytes of a bundle as text, for a message."""
    return data[:300].decode("utf-8", "backslashreplace")
