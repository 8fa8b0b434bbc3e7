"""The parts of a capture that are JSON, as they are written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def line(facts: Mapping[str, Any]) -> bytes:
    """Return facts as one line of a part in JSON Lines."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace") + b"\n"


def write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write a part in JSON Lines."""
    path.write_bytes(b"".join(line(one) for one in lines))


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Write a part that is one object, for people to read too."""
    text = json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_bytes(text.encode("utf-8", "replace") + b"\n")
