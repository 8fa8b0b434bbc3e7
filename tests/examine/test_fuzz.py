"""Promise: "every parser and finder under the generic fuzz test: no crash of the engine in 10^5
mutated inputs".

The engine itself examines them, in its sandbox, with every parser, opener and finder there is,
those that are told something among them. The inputs are made from the parsers' cases, by a
generator whose seed is in the test's name: a failing one is made again by running that test.

The short form has 500 inputs; `./dev soak tests/examine/test_fuzz.py` has 100,000.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import tarfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.examine import told
from holdfast.examine.events import Died, Event, Input, Unread
from holdfast.examine.ledger import ledger
from holdfast.examine.limits import Limits
from holdfast.examine.run import examine
from holdfast.testing.parser_contract import cases
from tests.examine import captures
from tests.examine.quine import quine

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = Path(__file__).parents[1] / "cases"
BATCH = 500
"""Inputs in one item: a tar of so many."""
LIMITS = Limits(seconds=120, cpu_seconds=60, depth=4, members=20_000)
SIZE = 1 << 17
"""Bytes of a seed at most: larger ones would have most of the time."""
RULE = """\
title: anything
id: 00000000-0000-4000-8000-000000000003
logsource: {product: windows}
detection:
  selection: {EventID|gt: 0}
  named: {Image|contains: a}
  condition: selection or named
"""
PATTERNS = "[[pattern]]\nname = 'badge'\nregex = '(?i)badge[- ]\\d{4}\\b'\n"
MAPPING = "format = 'csv'\n[columns]\ntime = 'time'\nmessage = 'what'\n"
TABLE = b'time,what\n2026-01-31T08:01:12Z,badge 0451\n2026-01-31T08:03:40,"two\nlines"\n'
EXTREMES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\n", b'"', b"\\", b"PK\3\4", b"\xff\xfe")

SQLITE = {"DatabaseError", "OperationalError", "DataError", "InternalError", "NotSupportedError"}
"""`sqlite3.DatabaseError` and its kinds."""
DECLARED = {
    "parser:chromium_cookies": SQLITE,
    "parser:chromium_history": SQLITE,
    "parser:chromium_logins": SQLITE,
    "parser:firefox_cookies": SQLITE,
    "parser:firefox_downloads": SQLITE,
    "parser:firefox_history": SQLITE,
    "parser:firefox_logins": {"ValueError", "JSONDecodeError", "RecursionError"},
    "parser:mapped": {"Error"},
    "parser:safari_history": SQLITE,
    "parser:safari_plist": {"ValueError", "InvalidFileException"},
    "parser:sqlite_tables": SQLITE,
    "": {"DecodingError"},
}
"""Exceptions by which a parser, or (under the empty name) an opener, may end a damaged file."""
_CLASS = re.compile(r"[A-Z][A-Za-z]*")


def seeds() -> list[bytes]:
    """Return what inputs are made from: each parser's cases, and containers of them."""
    found = [case.input.read_bytes()[:SIZE] for case in cases(CASES)]
    web = captures.Connection()
    frames = [*web.opened(), *web.said(0, b"GET /x.zip HTTP/1.1\r\nHost: a.example\r\n\r\n")]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    frames += web.said(1, head + b"3\r\nabc\r\n0\r\n\r\n")
    return [*found, TABLE, quine(), captures.pcap(frames), captures.pcap(frames, order=">")]


def mutated(chance: random.Random, known: list[bytes]) -> bytes:
    """Return a seed with one to eight changes."""
    data = bytearray(chance.choice(known))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        span = chance.choice((1, 2, 4, 8, 64, 1024))
        match chance.randrange(8):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                data[at : at + span] = chance.choice(EXTREMES) * span
            case 2:
                del data[at : at + span]
            case 3:
                data[at:at] = data[at : at + span] * chance.choice((1, 2, 20))
            case 4:
                other = chance.choice(known)
                start = chance.randrange(len(other) + 1)
                data[at : at + span] = other[start : start + span]
            case 5:
                number = chance.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data)))
                data[at : at + 4] = number.to_bytes(4, chance.choice(("little", "big")))
            case 6:
                del data[at:]
            case _:
                before = data[at] if at < len(data) else 0
                data[at : at + 1] = bytes([before ^ 1 << chance.randrange(8)])
    return bytes(data[: 4 * SIZE])


def items(folder: Path, seed: int, count: int) -> Iterator[Input]:
    """Yield items of `BATCH` inputs each."""
    chance, known = random.Random(seed), seeds()
    for start in range(0, count, BATCH):
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as tar:
            for number in range(start, min(start + BATCH, count)):
                data = mutated(chance, known)
                member = tarfile.TarInfo(f"{number}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        whole = sink.getvalue()
        digest = hashlib.sha256(whole).hexdigest()
        path = folder / digest
        path.write_bytes(whole)
        yield Input(digest, f"{seed}-{start}", partial(os.open, path, os.O_RDONLY))


def fuzz(folder: Path, seed: int, count: int) -> None:
    """Examine `count` mutated inputs, and hold the engine to what it promises."""
    rules, evidence, derived = folder / "rules", folder / "evidence", folder / "derived"
    for one in (rules, evidence):
        one.mkdir()
    (rules / "any.yml").write_text(RULE)
    (folder / "own.toml").write_text(PATTERNS)
    (folder / "table.toml").write_text(MAPPING)
    given = told.read(sigma=rules, patterns=folder / "own.toml", mapping=folder / "table.toml")
    assert not given.notes
    events: list[Event] = []
    inputs = list(items(evidence, seed, count))
    summary = examine(
        inputs, derived, limits=LIMITS, on_event=events.append, settings=given.settings
    )
    assert [one for one in events if isinstance(one, (Died, Unread))] == []
    assert (summary.deaths, summary.unread) == (0, 0)
    assert summary.files > count
    took = set()
    for line in ledger(derived, [one.item for one in inputs]):
        line.check()
        undeclared = {
            reason: files
            for reason, files in line.reasons.items()
            if _CLASS.fullmatch(reason) and reason not in _declared(line.module)
        }
        assert not undeclared, (line.module or "all", undeclared, line.item)
        took |= {line.module} if line.parsed else set()
    assert {"finder:indicators", "finder:identifiers", "finder:own_patterns"} <= took
    assert {"parser:pcap", "parser:evtx", "parser:mail"} <= took


def _declared(module: str) -> set[str]:
    if module:
        return DECLARED.get(module, set())
    return set().union(*DECLARED.values())  # the item as a whole: what any of them may say


def test_the_engine_stands_mutated_inputs(tmp_path: Path) -> None:
    fuzz(tmp_path, seed=0, count=500)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 21))
def test_the_engine_stands_a_hundred_thousand(tmp_path: Path, seed: int) -> None:
    fuzz(tmp_path, seed, count=5_000)
