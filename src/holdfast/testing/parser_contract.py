"""The suite that every parser passes, and the fuzz target for whatever reads evidence bytes.

A parser's tests are case folders, `tests/cases/<parser>/<case>/`: `README.md` says in a sentence
why the case exists, `input` (with any extension) is the file, and `expected.jsonl` holds one
JSON object a record, its fields in the record's own order. A case that another parser reads as
well names that parser in a line `also: <parser>` of its README.

`python -m holdfast.testing.parser_contract tests/cases` writes the `expected.jsonl` files anew,
to be read against their inputs before they are kept.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.block import each
from holdfast.examine.file import EvidenceFile
from holdfast.examine.interfaces import name_of, parsers
from holdfast.examine.record import EXACT, TIME_QUALITIES, Failure, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from holdfast.examine.interfaces import Parser

SECONDS = 20
"""Longest that one small input may take; a hang, not slowness, is what this catches."""
_STEPS = 16


@dataclass(frozen=True)
class Case:
    """One case folder."""

    parser: str
    folder: Path

    @property
    def input(self) -> Path:
        """The file to parse."""
        (found,) = self.folder.glob("input*")
        return found

    @property
    def expected(self) -> list[str]:
        """The lines that the parser must yield."""
        return (self.folder / "expected.jsonl").read_text("utf-8").splitlines()

    @property
    def also(self) -> set[str]:
        """Other parsers that read this input too."""
        lines = (self.folder / "README.md").read_text("utf-8").splitlines()
        return {line[5:].strip() for line in lines if line.startswith("also:")}


def cases(root: Path) -> list[Case]:
    """Return every case under `root`, a folder of parsers' folders."""
    return [
        Case(folder.parent.name, folder)
        for folder in sorted(root.glob("*/*"))
        if (folder / "README.md").is_file()
    ]


@contextmanager
def evidence(content: bytes, name: str = "input") -> Iterator[EvidenceFile]:
    """Give `content` as a file that parsers can open and copy; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="holdfast-case-") as folder:
        path = Path(folder, "content")
        path.write_bytes(content)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield EvidenceFile(descriptor, len(content), name=name, scratch=Path(folder))
        finally:
            os.close(descriptor)


def to_line(record: Record) -> str:
    """Return a record as the JSON line of `expected.jsonl`: its kind, then every field set."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    given = {name: value for name, value in values.items() if value not in (None, [])}
    return json.dumps({"kind": record.KIND, **given}, ensure_ascii=False)


def parse_all(parser: Parser, content: bytes, name: str = "input") -> list[Record]:
    """Return every record of `content`."""
    with evidence(content, name) as file, _time_limit():
        return list(each(parser.parse(file)))


@contextmanager
def _time_limit() -> Iterator[None]:
    def late(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"still busy after {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check_records(records: Iterable[Record], size: int, kinds: tuple[type[Record], ...]) -> None:
    """Assert what holds for the records of every parser: kinds, types, ranges, order."""
    before = 0
    for record in records:
        assert isinstance(record, (*kinds, Failure)), f"{record.KIND} is not in RECORDS"
        assert "\n" not in record.message, "a message is one line"
        _check_time(record)
        for field in fields(record):
            _check_field(field.name, str(field.type), getattr(record, field.name))
        if record.offset is not None:
            length = record.length or 0
            assert 0 <= before <= record.offset, "offsets rise"
            assert record.offset + length <= size, "a record lies within its file"
            before = record.offset


def _check_time(record: Record) -> None:
    if record.time is None:
        assert record.time_quality is None and record.time_nanos is None, (
            "no time, and how certain it is"
        )
        return
    assert record.time_meaning, "a time says of what"
    assert record.time_quality in TIME_QUALITIES, f"{record.KIND}: how certain is the time"
    if record.time_quality != EXACT:
        assert record.time_original, f"{record.KIND}: what was assumed has the original beside it"
    assert record.time_nanos is None or 0 <= record.time_nanos < 1000, record.time_nanos


def _check_field(name: str, declared: str, value: object) -> None:
    if value is None:
        assert "None" in declared, f"{name} may not be None"
        return
    if isinstance(value, list):
        assert declared == "list[str]" and all(type(one) is str for one in value), name
        texts = value
    else:
        assert type(value).__name__ == declared.partition(" |")[0], f"{name} holds {value!r}"
        texts = [value] if isinstance(value, str) else []
        assert not isinstance(value, int) or -(2**63) <= value < 2**63, f"{name} is over 64 bits"
    for text in texts:
        text.encode("utf-8")  # Parquet and JSON hold no lone surrogate


def fuzz(
    read: Callable[[EvidenceFile], Iterable[object]],
    content: bytes,
    allowed: tuple[type[Exception], ...] = (),
) -> list[object]:
    """Read `content` to the end within the time limit; return what came.

    Only `allowed` exceptions may end it early; whatever else is raised is a fault.
    """
    out: list[object] = []
    with evidence(content) as file, _time_limit(), suppress(*allowed):
        out.extend(read(file))
    return out


def broken(content: bytes) -> Iterator[bytes]:
    """Yield `content` emptied, cut to one byte, and cut at every sixteenth of its length."""
    yield b""
    yield content[:1]
    yield from (content[: len(content) * step // _STEPS] for step in range(1, _STEPS))


class ParserTests:
    """The suite; a subclass names the parser and its cases, pytest runs the rest.

    Example:
        class TestMail(ParserTests):
            parser = mail
            root = Path("tests/cases")
    """

    parser: ClassVar[Parser]
    root: ClassVar[Path]
    raises: ClassVar[tuple[type[Exception], ...]] = ()
    """What `parse` may raise for a damaged file."""

    def own(self) -> list[Case]:
        """Return this parser's cases."""
        found = [case for case in cases(self.root) if case.parser == name_of(self.parser)]
        assert found, "a parser has a case"
        return found

    def test_cases(self) -> None:
        """Every case gives the records of its `expected.jsonl`, twice."""
        for case in self.own():
            content = case.input.read_bytes()
            lines = [to_line(one) for one in parse_all(self.parser, content, case.input.name)]
            assert lines == case.expected, case.folder
            again = [to_line(one) for one in parse_all(self.parser, content, "other name")]
            assert again == lines, f"{case.folder}: a second reading gave another result"

    def test_match(self) -> None:
        """The parser takes its own cases, and no one else's unless they say so."""
        for case in cases(self.root):
            own = case.parser == name_of(self.parser) or name_of(self.parser) in case.also
            with evidence(case.input.read_bytes()) as file:
                assert self.parser.match(file) is own, case.folder

    def test_records(self) -> None:
        """Records are of the declared kinds and types, and cite bytes that exist, in order."""
        for case in self.own():
            content = case.input.read_bytes()
            records = parse_all(self.parser, content)
            check_records(records, len(content), self.parser.RECORDS)

    def test_damage(self) -> None:
        """A file that is empty or breaks off gives records or a declared error, in time."""
        for case in self.own():
            for content in broken(case.input.read_bytes()):
                self.read(content)

    def test_flipped_bytes(self) -> None:
        """Random changes give records or a declared error, in time (hypothesis, repeatable)."""
        from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - tests alone need it
        from hypothesis import strategies as st  # noqa: PLC0415

        inputs = [case.input.read_bytes() for case in self.own()]
        places = st.lists(
            st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=20
        )

        @settings(
            max_examples=60,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.integers(0, len(inputs) - 1), places)
        def check(which: int, changes: list[tuple[float, int]]) -> None:
            changed = bytearray(inputs[which])
            for place, byte in changes:
                if changed:
                    changed[int(place * len(changed))] = byte
            self.read(bytes(changed))

        check()

    def read(self, content: bytes) -> None:
        """Match and parse `content`, holding the outcome to the contract."""
        with evidence(content) as file:
            assert self.parser.match(file) in {True, False}
        records = fuzz(lambda file: each(self.parser.parse(file)), content, self.raises)
        check_records(
            (one for one in records if isinstance(one, Record)), len(content), self.parser.RECORDS
        )


def regenerate(root: Path) -> list[Path]:
    """Write every case's `expected.jsonl` from what its parser yields now; return the changed."""
    known = {name_of(parser): parser for parser in parsers()}
    changed = []
    for case in cases(root):
        records = parse_all(known[case.parser], case.input.read_bytes(), case.input.name)
        text = "".join(to_line(record) + "\n" for record in records)
        target = case.folder / "expected.jsonl"
        if not target.exists() or target.read_text("utf-8") != text:
            target.write_text(text, "utf-8")
            changed.append(target)
    return changed


if __name__ == "__main__":
    for written in regenerate(Path(sys.argv[1])):
        sys.stdout.write(f"{written}: read it against its input\n")
