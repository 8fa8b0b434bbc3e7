"""How the interpreter looks after its memory in programs that make many plain values."""

from __future__ import annotations

import gc

_YOUNG = 100_000
"""New objects before the collector looks for circles among them: 700 is Python's own."""


def patient_collector() -> None:
    """Look for circular garbage rarely.

    What is made by the thousand here (records, entries, rows) has no circles and goes by itself;
    looking through it again and again took a quarter of a large collection's time.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
