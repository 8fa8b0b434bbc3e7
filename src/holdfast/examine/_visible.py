"""Text from evidence as it may be shown: what acts without being seen is made visible."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

_LINES = "\n\t"
_JOINERS = "\u200c\u200d"
"""They shape letters of Persian, Hindi and others, and move nothing."""


def visible(text: str) -> str:
    r"""Return `text` with control and bidi characters as escapes (`\x1b`, `\u202e`).

    Line ends and tabs stay, and so do spaces of other widths. A joiner stays between letters that
    are not Latin.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in _LINES or _harmless(text, at, c) else _escaped(c)
        for at, c in enumerate(text)
    )


def _harmless(text: str, at: int, c: str) -> bool:
    if c in _JOINERS:
        around = text[at - 1 : at] + text[at + 1 : at + 2]
        return len(around) == 2 and all(
            one > "\u02af" and unicodedata.category(one)[0] in "LMS" for one in around
        )
    return unicodedata.category(c) == "Zs"


def _escaped(c: str) -> str:
    return c.encode("unicode_escape", "surrogatepass").decode("ascii")


def made_visible(value: Json) -> Json:
    """Return plain values with all text in them made visible; names of members are our own."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [made_visible(one) for one in value]
    if isinstance(value, dict):
        return {
            # A path leads to a member again, so it stays exactly as it is.
            name: one if name == "path" else made_visible(one)
            for name, one in value.items()
        }
    return value
