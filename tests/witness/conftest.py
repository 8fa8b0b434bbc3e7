"""Every test here has an account of its own and may have a vault, a log and witnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.line import home, line, made_plain
from tests.witness.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["home", "line", "made_plain"]


@pytest.fixture
def start(waiting: Path) -> Iterator[Callable[..., Program]]:
    """Start programs that listen, and end them with the test.

    Those of another account from their first instruction on, the others as forks.
    """
    started: list[Program] = []

    def run(*arguments: object, user: str = "") -> Program:
        started.append(Program(*arguments, user=user, programs=None if user else waiting))
        return started[-1]

    yield run
    for program in started:
        program.stop()
