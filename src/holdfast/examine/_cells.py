"""A table's values as cells of text, each short enough to be looked at."""

from __future__ import annotations

LONGEST = 500
"""Characters of a cell."""
_BLOB = 64


def cell(value: object) -> str:
    """Return a value as text; of one that is cut, its length is said."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"{len(value)} bytes: {value[:_BLOB].hex(' ')}" + " …" * (len(value) > _BLOB)
    text = str(value)
    if len(text) > LONGEST:
        return f"{text[:LONGEST]} … ({len(text)} characters)"
    return text
