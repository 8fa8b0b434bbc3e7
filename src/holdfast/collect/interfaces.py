"""What a collector hands over: bytes that can be read once, and the record of where they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class Source:
    """A file that can be collected, opened."""

    path: bytes
    """Absolute, as the file system has it."""
    descriptor: int
    """Open for reading; the collector closes it after its turn."""
    record: Mapping[str, Json]
    """Size, times, owner, mode, extended attributes as they were when it was opened."""
    state: tuple[int, int]
    """Time of the last change in ns and size in bytes: another pair later means it changed."""


@dataclass(frozen=True)
class Skipped:
    """Something at the source that is not collected, and why."""

    path: bytes
    kind: str
    """`link`, `fifo`, `socket`, `device`, `unreadable`, `missing`, `vanished`."""
    reason: str
    named: bool = False
    """Whether the operator asked for this very path, rather than a folder that has it."""

    @property
    def loses(self) -> bool:
        """Whether leaving it out leaves a wish unmet: it has content, or it was asked for."""
        return self.named or self.kind not in {"link", "fifo", "socket", "device"}

    def as_json(self) -> dict[str, Json]:
        """Return it as the interface for programs tells it."""
        return {
            "kind": self.kind,
            "loses": self.loses,
            "path": str(path_field(self.path)["text"]),
            "reason": self.reason,
            "status": "skipped",
        }


def path_field(path: bytes) -> dict[str, Json]:
    r"""Return a path for the log: readable text, and the bytes themselves where text loses them.

    Bytes that are not UTF-8 are shown as `\xNN` and given in hex beside the text.
    """
    try:
        return {"text": path.decode("utf-8")}
    except UnicodeDecodeError:
        return {"bytes": path.hex(), "text": path.decode("utf-8", "backslashreplace")}
