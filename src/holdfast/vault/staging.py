"""Files on their way in: numbered in a run's folder until the log has their entries."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Staging:
    """A run's folder, for one process at a time to put files in."""

    def __init__(self, folder: str, files: int = 0) -> None:
        self.folder = folder
        self.files = files
        """Files staged so far; the next one's number is one more."""

    def stage(self, write: Callable[[int], str]) -> tuple[str, str]:
        """Give `write` a descriptor to fill; return the digest it returns, and the file's path.

        Raises:
            OSError: the disk refused; nothing is staged.
        """
        self.files += 1
        path = f"{self.folder}/{self.files}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        try:
            return write(descriptor), path
        except BaseException:
            os.unlink(path)  # noqa: PTH108 - names are strings here, a Path a file is too slow
            raise
        finally:
            os.close(descriptor)
