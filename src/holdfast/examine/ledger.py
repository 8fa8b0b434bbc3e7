"""The completeness ledger: what was seen, what became of it, and that the sum is right.

    seen = parsed + unsupported + failed (+ not examined)

Read from derived data alone. One line for each item as a whole, and one for each parser and
finder that ran over it. The enumerator counts files by itself, so a parser can't make one
disappear.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError
from holdfast.examine import results
from holdfast.examine._roster import FINDER, RECORD_FINDER, SECOND
from holdfast.examine.crosscheck import Disagreement
from holdfast.examine.records import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from holdfast.examine.results import Current, Result

EXAMINED, NOT_EXAMINED = "examined", "not examined"
_PARSED, _FAILED, _OPENED, _UNOPENED = 1, 2, 4, 8
_DISTINCT = 200


@dataclass(frozen=True, kw_only=True)
class LedgerLine:
    """What became of the files of one item, overall or under one module."""

    item: str
    module: str
    """`role:name`; empty for the item as a whole."""
    state: str
    """`examined` or `not examined`."""
    seen: int
    """Files, the item itself included; 1 for an item that was not examined."""
    parsed: int = 0
    """A parser finished it; for the item as a whole also: no parser took it, and an opener
    unfolded it to its end. Under a finder: searched to its end."""
    unsupported: int = 0
    """No parser took it."""
    failed: int = 0
    """A parser took it and none finished, or the enumeration could not do its part."""
    not_examined: int = 0
    records: int = 0
    """Records, failures not counted."""
    failures: int = 0
    """Failure records, those inside parsed files among them."""
    inner_failures: int = 0
    """Failure records inside files that were parsed all the same."""
    bytes: int = 0
    """Bytes of all files seen."""
    unsupported_types: dict[str, int] = field(default_factory=dict)
    """Guessed media type to files."""
    disagreements: int = 0
    """Where a second reader says other than the parser; `records` of the item as a whole and its
    other sums are without what second readers say."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Reason to failed files (for the item as a whole: to everything that failed in it, also
    where another parser made up for it)."""

    def check(self) -> None:
        """Hold the line to its sum.

        Raises:
            IntegrityError: a file went missing between being seen and being counted.
        """
        counted = self.parsed + self.unsupported + self.failed + self.not_examined
        if self.seen != counted or sum(self.unsupported_types.values()) != self.unsupported:
            raise IntegrityError(
                f"the ledger of item {self.item} {self.module} does not add up: {self.seen} seen, "
                f"{counted} accounted for",
                "drop this item's derived data and examine it again",
            )


def ledger(derived: Path, items: Iterable[str]) -> Iterator[LedgerLine]:
    """Yield the lines of `items`: each item as a whole, then by module.

    Memory grows by one byte for each file of the item at hand.

    Raises:
        IntegrityError: derived data is damaged, or does not add up.
    """
    for item in items:
        now = results.current(derived, item)
        if now is None:
            yield LedgerLine(item=item, module="", state=NOT_EXAMINED, seen=1, not_examined=1)
            continue
        for line in _lines(derived, now):
            line.check()
            yield line


def _lines(derived: Path, now: Current) -> Iterator[LedgerLine]:
    files = now.enumeration.total("files")
    overall = bytearray(files)
    reasons: Counter[str] = Counter()
    _mark(derived, now, now.enumeration, overall, reasons=reasons, marks=(_OPENED, _UNOPENED))
    modules = []
    inner = 0
    for name, result in sorted(now.modules.items()):
        own, why = bytearray(files), Counter[str]()
        inside = _mark(derived, now, result, own, reasons=why, marks=(_PARSED, _FAILED))
        finder = name.startswith((FINDER, RECORD_FINDER))
        second = name.startswith(SECOND)
        if not finder and not second:
            overall = bytearray(map(int.__or__, overall, own))
            inner += inside
        if not second:
            reasons.update(why)
        modules.append((name, result, own, why, inside, finder))
    whole = [r for name, r in now.every().items() if not name.startswith(SECOND)]
    differ = {name: _disagreements(derived, now, r) for name, r in now.modules.items()}
    yield _line(
        derived, now, "", overall, reasons, records=sum(r.total("records") for r in whole),
        failures=sum(r.total("failures") for r in whole), inner=inner, finder=False,
        disagreements=sum(differ.values()),
    )  # fmt: skip
    for name, result, own, why, inside, finder in modules:
        yield _line(
            derived, now, name, own, why, records=result.total("records"),
            failures=result.total("failures"), inner=inside, finder=finder,
            disagreements=differ[name],
        )  # fmt: skip


def _disagreements(derived: Path, now: Current, result: Result) -> int:
    name = f"{Disagreement.KIND}.parquet"
    return count(derived / now.item / result.key / name) if name in result.files else 0


def _mark(
    derived: Path, now: Current, result: Result, flags: bytearray, *, reasons: Counter[str],
    marks: tuple[int, int],
) -> int:  # fmt: skip
    """Set a mark for each file that has an outcome; return the failures inside finished files."""
    finished, failed = marks
    inside = 0
    for line in results.outcomes(derived, now, result):
        file, reason, failures = line.get("file"), line.get("failed"), line.get("failures", 0)
        if not isinstance(file, int) or not 0 <= file < len(flags):
            raise IntegrityError(f"item {now.item} has an outcome for a file that was never seen")
        if reason is None:
            flags[file] |= finished
            inside += failures if isinstance(failures, int) else 0
        else:
            flags[file] |= failed
            known = reason if isinstance(reason, str) else "unknown"
            reasons[known if known in reasons or len(reasons) < _DISTINCT else "other"] += 1
    return inside


def _line(
    derived: Path, now: Current, module: str, flags: bytearray, reasons: Counter[str], *,
    records: int, failures: int, inner: int, finder: bool, disagreements: int,
) -> LedgerLine:  # fmt: skip
    types: Counter[str] = Counter()
    seen = parsed = failed = size = 0
    for row in results.seen(derived, now):
        seen += 1
        size += row["size"] if isinstance(row.get("size"), int) else 0  # type: ignore[operator]
        file = row.get("file")
        mark = flags[file] if isinstance(file, int) and 0 <= file < len(flags) else None
        if mark is None:
            continue  # the sum will say so
        if mark & _PARSED or (finder and not mark) or (mark == _OPENED):
            parsed += 1
        elif mark:
            failed += 1
        else:
            name = str(row.get("type"))
            types[name if name in types or len(types) < _DISTINCT else "other"] += 1
    if seen != len(flags):
        raise IntegrityError(f"item {now.item} lists {seen} files and counted {len(flags)}")
    return LedgerLine(
        item=now.item, module=module, state=EXAMINED, seen=seen, parsed=parsed,
        unsupported=types.total(), failed=failed, records=records, failures=failures,
        inner_failures=inner, bytes=size, disagreements=disagreements,
        unsupported_types=dict(sorted(types.items())),
        reasons=dict(sorted(reasons.items())),
    )  # fmt: skip
