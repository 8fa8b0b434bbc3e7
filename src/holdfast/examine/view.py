"""What a person is shown of a file: text, rows, pictures made anew; never the evidence itself.

docs/formats/views.md has the shape of each kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

BLURRED, CLEAR = "blurred", "clear"
"""Names of the two pictures of one picture; whoever looks sees the blurred one first."""


@dataclass(frozen=True)
class Picture:
    """A picture made anew from what was decoded."""

    png: bytes
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class View:
    """One page of a file."""

    kind: str
    """`text`, `hex`, `picture`, `document`, `mail`, `chat`, `table`, `media`, `capture`."""
    content: dict[str, Json]
    """Plain values, as docs/formats/views.md gives them for the kind; no fractions."""
    notes: list[str] = field(default_factory=list)
    """What is not shown, or shown otherwise than it is, and why: a sentence each."""
    pictures: dict[str, Picture] = field(default_factory=dict)
    pages: int | None = None
    """How many pages the file has; None where counting would mean reading all of it."""
    more: bool = False
    """Whether another page follows."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What of a file is wanted."""

    page: int = 0
    """From 0."""
    part: str = ""
    """What of it, where it has parts: a table's name."""
