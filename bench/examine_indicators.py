"""Every finder over mixed text, beside the same patterns by `re` alone on a part of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench import inputs
from bench.measure import Side, alternate
from bench.results import Outcome, Section, row

if TYPE_CHECKING:
    from bench.measure import Bench

MIB = 1 << 20
DISK = 600 * MIB
GOAL = 25.0
"""MB a CPU-second."""

FINDERS = """
import sys
from pathlib import Path
from holdfast.examine.file import evidence_from
from holdfast.examine.interfaces import finders
print(sum(len(block) for one in finders() for block in one.find(evidence_from(Path(sys.argv[1])))))
"""
PLAIN = """
import re, sys
from pathlib import Path
from holdfast.examine.finders import _identifiers, _judge, _patterns
data = Path(sys.argv[1]).read_bytes()
total = 0
for word in re.finditer(b"[" + re.escape(bytes(_patterns.WORD_BYTES)) + b"]+", data):
    total += len(_judge.judge(word[0]))
every = frozenset(range(len(_identifiers.KINDS)))
for phrase in re.finditer(rb"[\\t\\x20-\\x7e]+", data):
    total += len(_identifiers.judge(phrase[0], every))
print(total)
"""


def measure(bench: Bench) -> Section:
    """Measure it."""
    size, part = bench.size(512 * MIB, 8 * MIB), bench.size(16 * MIB, MIB)
    folder = bench.room("indicators")
    inputs.mixed_text(folder / "whole.txt", size, 7)
    inputs.mixed_text(folder / "part.txt", part, 7)

    def side(shown: str, program: str, name: str) -> Side:
        return Side(
            shown, shown, lambda where: [(sys.executable, "-c", program, str(where / name))],
            folder=folder,
        )  # fmt: skip

    ours, plain = side("every finder", FINDERS, "whole.txt"), side("re alone", PLAIN, "part.txt")
    samples = alternate(bench, (ours, plain))
    rows = [
        row(ours, samples[ours.name], size / 1e6, "MB/s", by="cpu"),
        row(plain, samples[plain.name], part / 1e6, "MB/s", by="cpu"),
    ]
    speed = size / 1e6 / rows[0].cpu
    return Section(
        "indicators",
        "every kind of indicator in mixed text",
        rows,
        facts=[f"{speed:.1f} MB per CPU-second; `re` alone {part / 1e6 / rows[1].cpu:.1f}"],
        notes=[
            "Three indicators a KB: an access log, mail, JSON, code, base64, UTF-16. "
            f"{size // MIB} MiB, and {part // MIB} MiB for `re`. bulk_extractor's default "
            "scanners did 4.6 MB per CPU-second on another such text, on a machine of this class."
        ],
        bars={"indicators": Outcome(speed >= GOAL, f"{speed:.1f} MB per CPU-second")},
    )
