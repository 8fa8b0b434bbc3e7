"""What a piece of work says, as a template reads it: a word that an order erased is empty."""

from __future__ import annotations

from typing import Any


class Said(dict[str, Any]):
    """Facts by name; templates are strict, and an erased word is no fault of theirs."""

    def __missing__(self, _name: str) -> str:
        """Return nothing."""
        return ""
