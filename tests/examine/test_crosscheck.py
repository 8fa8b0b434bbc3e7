"""Second opinions: two readers of one format, and the list of what they say differently."""

from __future__ import annotations

import io
import zipfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.examine import _roster, results, timeline
from holdfast.examine import crosscheck as checks
from holdfast.examine.crosscheck import CrossCheck, Disagreement, SecondOpinion
from holdfast.examine.interfaces import name_of, parsers, seconds
from holdfast.examine.ledger import ledger
from holdfast.examine.record import Failure
from holdfast.examine.run import examine
from holdfast.testing.event_log import Event, event_log
from holdfast.testing.parser_contract import cases, evidence
from tests.examine.conftest import PLUGINS, QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.record import Record
    from holdfast.examine.run import Input
    from tests.examine.conftest import Bench

CASES = Path(__file__).parents[1] / "cases"
TOLD = {checks.CROSS_CHECK: True}


def run(bench: Bench, *items: Input, told: dict[str, Any] | None = None) -> None:
    examine(
        items, bench.derived, limits=QUICK, only=("toy_lines", "toy_second") if told else
        ("toy_lines",), plugins=(*PLUGINS, "toy_second"), settings=told or {},
    )  # fmt: skip


def listed(bench: Bench, item: Input, kind: str = "disagreement") -> list[dict[str, object]]:
    return list(timeline.records(bench.derived, [item.item], kind=kind))


def test_each_difference_is_a_record_with_both_values_and_its_place(bench: Bench) -> None:
    item = bench.item(b"LINES\n1 same\n2 odd\n3 hidden\n4 torn\n5 ghost\n")
    run(bench, item, told=TOLD)
    found = [
        (r["thing"], r["field_name"], r["ours"], r["theirs"], r["offset"], r["row"])
        for r in listed(bench, item)
    ]
    assert set(found) == {
        ("line=5", "record", "read", "torn", 28, 5),
        ("line=3", "words", "odd", "even", 13, 3),
        ("line=4", "record", "there", None, 19, 4),
        ("line=99", "record", None, "there", None, None),
    }
    assert len(found) == 4
    (one,) = [row for row in listed(bench, item) if row["field_name"] == "words"]
    assert (one["of_parser"], one["of_kind"], one["second"]) == (
        "toy_lines", "toy.line", "toy_second",
    )  # fmt: skip
    assert one["message"] == "line=3: words: toy_lines says odd, toy_second says even"
    (sums,) = listed(bench, item, "second_opinion")
    assert (sums["of_ours"], sums["of_theirs"], sums["compared"], sums["disagreeing"]) == (
        5, 5, 4, 4,
    )  # fmt: skip


def test_it_changes_nothing_of_the_parser_s_own_and_the_ledger_counts_it(bench: Bench) -> None:
    item = bench.item(b"LINES\n1 same\n2 odd\n")
    run(bench, item)
    before = results.current(bench.derived, item.item)
    whole, *_ = ledger(bench.derived, [item.item])
    run(bench, item, told=TOLD)
    after = results.current(bench.derived, item.item)
    assert before is not None and after is not None
    assert after.modules["parser:toy_lines"] == before.modules["parser:toy_lines"]
    now, *lines = ledger(bench.derived, [item.item])
    assert (whole.disagreements, now.disagreements) == (0, 1)
    assert (now.records, now.failures, now.parsed) == (whole.records, whole.failures, 1)
    (second,) = [line for line in lines if line.module == "second:toy_second"]
    assert (second.parsed, second.disagreements) == (1, 1)


def test_a_second_reader_alone_makes_no_file_parsed(bench: Bench) -> None:
    item = bench.item(b"nothing that any of them knows")
    run(bench, item, told=TOLD)
    for line in ledger(bench.derived, [item.item]):
        assert (line.parsed, line.unsupported, line.failed) == (0, 1, 0), line.module


def test_a_second_reader_that_fails_costs_no_record_of_the_parser(bench: Bench) -> None:
    item = bench.item(b"LINES\n1 die\n2 odd\n")
    run(bench, item, told=TOLD)
    whole, *lines = ledger(bench.derived, [item.item])
    assert (whole.records, whole.failed, whole.parsed, whole.reasons) == (2, 0, 1, {})
    (second,) = [line for line in lines if line.module == "second:toy_second"]
    assert (second.failed, second.reasons) == (1, {"ValueError": 1})
    assert [r["theirs"] for r in listed(bench, item)] == ["even"]


def test_a_check_of_results_that_are_no_longer_in_force_goes_with_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disagreement with version 1 says nothing of what version 2 reads."""
    item = bench.item(b"LINES\n1 odd\n")
    run(bench, item, told=TOLD)
    now = results.current(bench.derived, item.item)
    assert now is not None and "second:toy_second" in now.modules
    monkeypatch.setattr(_roster, "_ENGINE", 1000)  # the house's keys: all results are old ones
    run(bench, item)
    now = results.current(bench.derived, item.item)
    assert now is not None and "second:toy_second" not in now.modules
    assert "second:toy_second" in {one.module for one in now.earlier}


def test_what_differs_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_MOST", 3)
    check = CrossCheck(import_module("toy_second"), import_module("toy_lines"))
    with evidence(b"LINES\n" + b"1 odd\n" * 30) as file:
        *found, last = check.parse(file)
    assert isinstance(last, Failure) and last.reason == "too many disagreements"
    assert len(found) == 4


def _checked(parser: str, second: str, content: bytes) -> list[Record]:
    (one,) = [one for one in seconds() if name_of(one) == second]
    (other,) = [p for p in parsers() if name_of(p) == parser]
    check = CrossCheck(one, other)
    with evidence(content) as file:
        return list(check.parse(file)) if check.match(file) else []


def _differences(parser: str, second: str, content: bytes) -> set[tuple[str, str | None]]:
    found = _checked(parser, second, content)
    assert isinstance(found[-1], SecondOpinion) and found[-1].compared
    return {(one.field_name, one.thing) for one in found if isinstance(one, Disagreement)}


def test_event_logs_are_read_alike_by_two_libraries() -> None:
    events = [
        Event(number=n, time="2026-03-01T10:00:00.5Z", data={"A": str(n), "B": f"w {n}"})
        for n in range(1, 40)
    ]
    whole = event_log([events])
    assert _differences("evtx", "evtx_libevtx", whole) == set()
    assert _checked("evtx", "evtx_libevtx", whole)[-1].message == (
        "39 compared by evtx_libevtx, 0 differ"
    )


def test_an_archive_with_two_stories_is_told_of() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shown.txt", "hello " * 50)
        archive.writestr("other.txt", "world " * 50)
    data = content.getvalue()
    assert _differences("archive", "zip_directory", data) == set()
    first, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    second = data.index(b"PK\1\2", first + 1)
    tail = bytearray(data[end:])
    tail[8:12] = b"\1\0\1\0"  # one entry in the directory
    tail[12:16] = (second - first).to_bytes(4, "little")
    hidden = data[:second] + bytes(tail)
    assert {thing.partition(",")[0] for _, thing in _differences(
        "archive", "zip_directory", hidden) if thing} == {"name=other.txt"}  # fmt: skip


def test_a_message_that_two_readers_see_otherwise_is_told_of() -> None:
    plain = b"From: a@mail.example\nSubject: =?utf-8?q?caf=C3=A9?=\nMessage-ID: <1@x>\n\nhello\n"
    assert _differences("mail", "mail_stdlib", plain) == set()
    odd = plain.replace(b"=?utf-8?q?caf=C3=A9?=", b"=?x-nonsense?B?4pyT?= done")
    assert {name for name, _ in _differences("mail", "mail_stdlib", odd)} == {"subject"}


def test_a_pdf_of_two_readers() -> None:
    found = [case.input.read_bytes() for case in cases(CASES) if case.parser == "pdf"]
    compared = [_checked("pdf", "pdf_pypdf", one) for one in found if one.startswith(b"%PDF-1.7")]
    assert any(isinstance(one[-1], SecondOpinion) and one[-1].compared for one in compared if one)


def test_every_second_opinion_is_of_a_parser_that_is_there() -> None:
    names = {name_of(one) for one in parsers()}
    assert {one.OF for one in seconds()} <= names
    assert {name_of(one) for one in seconds()} >= {"evtx_libevtx", "mail_stdlib"}


@pytest.mark.parametrize("name", [name_of(one) for one in seconds()])
def test_whatever_bytes_come_a_check_ends(name: str) -> None:
    (one,) = [one for one in seconds() if name_of(one) == name]
    own = [case.input.read_bytes() for case in cases(CASES) if case.parser == one.OF]
    allowed = {"PdfReadError", "PdfStreamError", "BadZipFile", "OSError", "ValueError"}

    def check(content: bytes) -> Iterator[Record]:
        try:
            yield from _checked(one.OF, name, content)
        except Exception as error:
            named = {kind.__name__ for kind in type(error).__mro__}
            if not named & {*allowed, "PyPdfError", "UnreadableError", "NotImplementedError"}:
                raise

    for content in own[:6]:
        for changed in broken(content):
            list(check(changed))


def broken(content: bytes) -> Iterator[bytes]:
    step = max(1, len(content) // 24)
    for at in range(0, len(content), step):
        yield content[:at]
        yield content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


@pytest.mark.corpus
def test_real_event_logs_are_read_alike_by_two_libraries(corpus: Path) -> None:
    """ "record count equals a second library's for every file, or the difference is explained" """
    from holdfast.testing.second_opinions import compared  # noqa: PLC0415

    rows = list(compared(corpus / "evtx-mitre"))
    assert len(rows) >= 130
    assert [row.file for row in rows if row.ours != row.theirs] == []
    assert [row for row in rows if row.differ] == []
    assert sum(row.compared for row in rows) > 5_000
