"""What of a case's items is kept from whoever asks, as a query over records is told it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _nothing(_item: str, _path: str, _offset: int | None) -> bool:
    return False


@dataclass(frozen=True)
class Unseen:
    """Which records may not be shown, nor counted, nor be known to be there."""

    items: frozenset[str] = frozenset()
    """Items of which anything is kept back; records of all others are shown."""
    covers: Callable[[str, str, int | None], bool] = _nothing
    """Whether what was found in the bytes of a file (item, path inside, offset) is kept back."""
