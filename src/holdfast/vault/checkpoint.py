"""C2SP tlog-checkpoint (v1.0.0): what a log commits to, as the text of a signed note.

https://c2sp.org/tlog-checkpoint, commit 5ba5ee8.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from holdfast.core.digest import from_base64
from holdfast.core.errors import IntegrityError


@dataclass(frozen=True)
class Checkpoint:
    """A log's origin, its number of entries and the root over them."""

    origin: str
    size: int
    root: bytes
    """32 bytes."""

    def text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text; extension lines are ignored, as the specification asks.

        Raises:
            IntegrityError: fewer than three lines, an empty one, or a size or root that is none.
        """
        *lines, end = text.split("\n")
        try:
            origin, size, encoded, *_extensions = lines
            root = from_base64(encoded)
            if end or not all(lines) or len(root) != 32 or str(int(size)) != size or int(size) < 0:
                raise ValueError
        except ValueError:
            raise IntegrityError("the log's checkpoint is malformed") from None
        return cls(origin, int(size), root)
