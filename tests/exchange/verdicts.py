"""What a bundle must be told to be, by everything of ours that checks one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.exchange.making import verify

if TYPE_CHECKING:
    from pathlib import Path


def fails(folder: Path, name: str, *arguments: str | Path) -> str:
    """Check that verify.sh refuses the bundle and says `name`; return what it says."""
    done = verify(folder, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert name in done.stderr, done.stderr
    assert "INTACT" not in done.stdout
    return done.stderr
