"""Whatever bytes come, parsers, finders and openers end, in time, in a declared way."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.examine import yara
from holdfast.examine.block import each
from holdfast.examine.interfaces import Member, finders, name_of, openers, parsers
from holdfast.examine.patterns import Pattern, to_json
from holdfast.examine.record import Record, UnreadableError
from holdfast.testing.parser_contract import (
    broken,
    cases,
    check_records,
    evidence,
    fuzz,
)
from holdfast.webarchive.decoding import DecodingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

CASES = Path(__file__).parents[1] / "cases"
INPUTS = [case.input.read_bytes() for case in cases(CASES)]
OWN = "holdfast.examine."

READERS: list[tuple[str, Any]] = [
    *((f"parser {name_of(one)}", one.parse) for one in parsers() if one.__name__.startswith(OWN)),
    *((f"finder {name_of(one)}", one.find) for one in finders() if one.__name__.startswith(OWN)),
    *((f"opener {name_of(one)}", one.unfold) for one in openers() if one.__name__.startswith(OWN)),
]
TOLD: dict[str, Any] = {
    "digests": ["md5", "sha1"],
    "own_patterns": to_json((Pattern("badge", r"(?i)badge \d{1,9}"),)),
    "similar_pictures": True,
}
"""Finders that find nothing unless they are told; rules of YARA come from a file."""
YARA = 'rule x { strings: $a = "From " $b = /[a-z]{3,9}@/ condition: any of them or #b > 2 }'


@pytest.fixture(scope="module", autouse=True)
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    place = tmp_path_factory.mktemp("rules") / "x.yar"
    place.write_text(YARA)
    given = {**TOLD, "yara": yara.load(place).to_json()}
    taught = [(one, name_of(one)) for one in finders() if hasattr(one, "use")]
    assert {name for _, name in taught} == set(given)
    for one, name in taught:
        one.use(given[name])
    yield
    for one, _ in taught:
        one.use(None)


# What a decoder library raises for a damaged file ends that file; the engine counts it as failed.
ALLOWED: dict[str, tuple[type[Exception], ...]] = {
    "parser chromium_cookies": (sqlite3.DatabaseError,),
    "parser chromium_history": (sqlite3.DatabaseError,),
    "parser firefox_cookies": (sqlite3.DatabaseError,),
    "opener web_archive": (DecodingError,),
    "parser chromium_logins": (sqlite3.DatabaseError,),
    "parser firefox_downloads": (sqlite3.DatabaseError,),
    "parser firefox_history": (sqlite3.DatabaseError,),
    "parser firefox_logins": (ValueError, RecursionError),
    "parser safari_history": (sqlite3.DatabaseError,),
    "parser safari_plist": (ValueError,),
    "parser sqlite_tables": (sqlite3.DatabaseError,),
}

# Bytes that are one thing, then another: heads that match, with anything after them.
MIXED = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(st.integers(0, len(INPUTS) - 1), st.integers(0, 4000), st.integers(1, 600)).map(
            lambda cut: INPUTS[cut[0]][cut[1] : cut[1] + cut[2]]
        ),
        st.sampled_from(
            [
                b"From ",
                b"\n\n",
                b"--x\n",
                b"Content-Type: multipart/mixed; boundary=x\n",
                b"=?utf-8?b?",
                b"\r\n\r\n",
                b"SQLite format 3\0",
                b'"\\',
                b"[10/Oct/2025:13:55:36 +0000] ",
                b"<!--",
                b"<a href=",
                b"WARC/1.1\r\n",
                b"Content-Length: 9\r\n",
                b"PK\3\4",
                b"%PDF-1.7\n",
                b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x09\0\0\0\x09\x08\x02\0\0\0",
                b"\xff\xd8\xff\xe0\0\x10JFIF\0",
                b"GIF89a\x09\0\x09\0\x80",
                b"II*\0\x08\0\0\0",
                b"<html><form action=",
                b"{\\rtf1{\\info{\\title ",
                b"\\u55357?\\'e8",
                b"PK\1\2",
                b"PK\5\6" + bytes(18),
                b"\x1f\x8b\x08",
                b"BZh91AY&SY",
                b"\xfd7zXZ\0",
                b"\x28\xb5\x2f\xfd",
                b"7z\xbc\xaf\x27\x1c",
            ]
        ),
    ),
    max_size=8,
).map(b"".join)


def read_all(read: Any, file: EvidenceFile) -> Iterator[object]:
    for one in each(read(file)):
        if isinstance(one, Member):
            with suppress(UnreadableError):
                one.content.read()
        yield one


def hold(name: str, read: Any, content: bytes) -> None:
    """Read and check: kinds, types, ranges, order; for members, paths that are safe and unique."""
    allowed: tuple[type[Exception], ...] = (UnreadableError, *ALLOWED.get(name, ()))
    out = fuzz(lambda file: read_all(read, file), content, allowed)
    records = [one for one in out if isinstance(one, Record)]
    check_records(records, len(content), (Record,))
    paths = [one.path for one in out if isinstance(one, Member)]
    assert len(set(paths)) == len(paths)
    assert not any(part in {"", ".", ".."} for path in paths for part in path.split("/"))


LENGTH = pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.soak)])
"""In every run each reader has each case whole and broken once, and fewer mixtures."""


@LENGTH
@pytest.mark.parametrize(("name", "read"), READERS, ids=[name for name, _ in READERS])
def test_damaged_cases_of_every_format(name: str, read: Any, whole: bool) -> None:
    turn = [one for one, _ in READERS].index(name)
    for number, content in enumerate(INPUTS):
        hold(name, read, content)
        damaged = [*broken(content)]
        # By turns: all readers together meet every case broken in every way.
        for one in damaged if whole else [damaged[(number + turn) % len(damaged)]]:
            hold(name, read, one)


@LENGTH
@pytest.mark.parametrize(("name", "read"), READERS, ids=[name for name, _ in READERS])
def test_mixtures(name: str, read: Any, whole: bool) -> None:
    @settings(max_examples=600 if whole else 40, deadline=None, derandomize=True, database=None)
    @given(MIXED)
    def check(content: bytes) -> None:
        hold(name, read, content)

    check()


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(MIXED)
def test_match_never_raises(content: bytes) -> None:
    with evidence(content) as file:
        taken = [name_of(one) for one in parsers() if one.match(file)]
        assert len(taken) <= 1 or {"mail", "plain_text", "web_access"}.isdisjoint(taken)
        for opener in openers():
            assert opener.match(file) in {True, False}
