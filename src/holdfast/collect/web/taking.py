"""Take a file that the browser wrote out of its reach, once nothing of it runs any more."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def take(found: Path, owner: int, target: Path) -> str:
    """Move `found`, of the account `owner`, to `target`; return why not, empty if it was.

    A browser that was taken over may have left anything in its place: a link to a file of ours.
    """
    try:
        facts = found.lstat()
    except OSError:
        return "there is none"
    if not stat.S_ISREG(facts.st_mode) or facts.st_uid != owner or facts.st_nlink != 1:
        return "what lies in its place is none"
    found.rename(target)
    return ""
