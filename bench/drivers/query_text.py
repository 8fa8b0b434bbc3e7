"""Make a text index of generated records, or ask one: make FOLDER COUNT | ask FOLDER QUERIES.

The index is made by `search.build` from a dataset that the engine's own writer wrote. Prints JSON.
"""

from __future__ import annotations

import hashlib
import json
import random
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.examine import results, search
from holdfast.examine.parsers.plain_text import RECORDS
from holdfast.examine.records import DatasetWriter, columns
from holdfast.examine.results import Current, Result

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

WORDS = 20_000
ITEM = hashlib.sha256(b"generated").hexdigest()
_KEY, _ENUMERATION = "1" * 64, "2" * 64


def words(source: random.Random, count: int) -> list[str]:
    """Return words as text has them: few of them make up most of it."""
    return [f"w{min(int(source.paretovariate(0.7)), WORDS)}" for _ in range(count)]


def make(folder: Path, count: int) -> None:
    source = random.Random(11)
    work = folder / "work" / _KEY
    work.mkdir(parents=True)
    kind = RECORDS[-1]
    field = next(name for name, _, _ in columns(kind) if name in {"text", "body_text"})
    writer = DatasetWriter(
        work / f"{kind.KIND}.parquet", kind, item=ITEM, parser="plain_text", version=1
    )
    for number in range(count):
        text = " ".join(words(source, 40))
        given = {"message": f"record {number}", field: text, "row": number}
        if writer.add("", number, kind(**given)):  # type: ignore[arg-type]
            writer.flush()
    writer.close()
    derived = folder / "derived"
    derived.mkdir()
    facts: dict[str, Json] = {"rows": [], "totals": {"files": 1}}
    module = Result(_KEY, {"totals": {"records": count}}, results.taken(work))
    now = Current(ITEM, Result(_ENUMERATION, facts), {"parser:plain_text": module})
    results.publish(derived, work.parent, now)
    search.build(derived, [ITEM], folder / "index")


def ask(folder: Path, queries: int) -> dict[str, float]:
    source = random.Random(3)
    index = folder / "index"
    list(search.query(index, "w1", 1))  # what is loaded once
    taken: dict[str, list[float]] = {"phrase": [], "words": [], "near": []}
    found = 0
    for _ in range(queries):
        first, second, third = words(source, 3)
        for name, text in (
            ("phrase", f'"{first} {second}"'),
            ("words", f"{first} {second} {third}"),
            ("near", f"{first}~1 {second}"),
        ):
            begun = time.perf_counter()
            hits = len(list(search.query(index, text, 100)))
            taken[name].append(time.perf_counter() - begun)
            found += hits if name == "phrase" else 0
    figures = {f"{name}_ms": statistics.median(some) * 1000 for name, some in taken.items()}
    worst = max(taken["phrase"]) * 1000
    return {**figures, "worst_phrase_ms": worst, "found": float(found)}


if __name__ == "__main__":
    what, place, number = sys.argv[1:]
    if what == "make":
        make(Path(place), int(number))
    else:
        print(json.dumps(ask(Path(place), int(number))))
