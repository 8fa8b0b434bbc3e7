"""Issue "workbench": "filters as editable chips, facets with counts that follow, shareable URL"."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from holdfast.core import canonical, clock
from holdfast.core.errors import InputError
from holdfast.examine import counted, filters, rollups, windows
from holdfast.examine.narrowed import Narrowed, Tagged
from holdfast.examine.timeline import Clock

if TYPE_CHECKING:
    from pathlib import Path

FIRST = clock.from_text("2026-01-01")
HOUR = 3_600_000_000
KINDS, HOSTS = ("mail.message", "web.access", "browser.visit"), ("pc-7", "PC-8", None)
QUALITIES = ("exact", "zone assumed")
WORDS = ("transfer of money", "Session opened", "nothing to see")


@dataclass(frozen=True)
class Made:
    """A timeline on disk, and the same events in memory."""

    folder: Path
    events: list[dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """1,500 events: some hours dense, most thin, several of one microsecond."""
    source = random.Random(11)
    folder = tmp_path_factory.mktemp("index")
    place = folder / "timeline"
    place.mkdir()
    events = []
    for seq in range(1500):
        dense = seq % 3 == 0
        at = FIRST + (
            source.randrange(HOUR) if dense else source.randrange(1000) * HOUR + 1_800_000_000
        )
        events.append(
            {
                "item": f"{source.randrange(3)}" * 64, "path": "", "parser": source.choice("ab"),
                "kind": source.choice(KINDS), "seq": seq, "time": at,
                "quality": source.choice(QUALITIES), "host": source.choice(HOSTS),
                "user": source.choice(("anna", None)), "message": source.choice(WORDS),
            }
        )  # fmt: skip
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        "CREATE TABLE t (item VARCHAR, path VARCHAR, parser VARCHAR, kind VARCHAR, seq BIGINT, "
        'time BIGINT, quality VARCHAR, host VARCHAR, "user" VARCHAR, message VARCHAR)'
    )
    connection.executemany(
        "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [[*one.values()] for one in events]
    )
    target = place / "events.parquet"
    connection.execute(
        "COPY (SELECT item, path, parser, 1::BIGINT AS parser_version, kind, seq, "  # noqa: S608
        "make_timestamptz(time) AS time, NULL::BIGINT AS time_nanos, 'x' AS time_meaning, "
        'quality AS time_quality, NULL::VARCHAR AS time_original, host, "user", message, '
        '0::BIGINT AS "offset", 0::BIGINT AS length, seq AS "row" FROM t '
        f"ORDER BY t.time, item, path, parser, kind, seq) TO '{target}' (FORMAT parquet)"
    )
    rollups.build(connection, target, place)
    (place / "built.json").write_bytes(canonical.dumps({"events": len(events)}))
    return Made(folder, events)


CLOCKS = (Clock("", "pc-7", 90 * 60_000_000, 0, 5),)
TAGGED = tuple(Tagged("odd", "", "", "", seq) for seq in range(0, 1500, 7))


def holds(event: dict[str, Any], text: str, *, skip: str = "", clocks: Any = ()) -> bool:
    """Say whether an event passes a filter: told anew, without any of its code's SQL."""
    asked = filters.parse(text)
    when = corrected(event, clocks)
    fixed = bool(clocks) and event["host"] == "pc-7"
    quality = "corrected" if fixed else "recorded" if event["quality"] == "exact" else "inferred"
    said = {
        "kind": event["kind"], "parser": event["parser"], "item": event["item"],
        "host": (event["host"] or "").lower(), "user": event["user"] or "", "quality": quality,
    }  # fmt: skip

    def one(field: str, value: str) -> bool:
        if field == "tag":
            return bool(event["seq"] % 7 == 0) and value in {"odd", "*"}
        if field == "item":
            return str(said["item"]).startswith(value)
        if value.endswith("*"):
            return str(said[field]).startswith(value[:-1])
        return bool(said[field] == value)

    for field in filters.NAMES:
        wanted, not_wanted = asked.values(field), asked.values(field, wanted=False)
        if field != skip and (
            (wanted and not any(one(field, value) for value in wanted))
            or any(one(field, value) for value in not_wanted)
        ):
            return False
    message = event["message"].lower()
    if not all(word.lower() in message for word in asked.values("text")):
        return False
    if any(word.lower() in message for word in asked.values("text", wanted=False)):
        return False
    return (asked.start or when) <= when <= (asked.end or when)


def corrected(event: dict[str, Any], clocks: Any = ()) -> int:
    ahead = CLOCKS[0].ahead if clocks and event["host"] == "pc-7" else 0
    return int(event["time"]) - ahead


def asked(made: Made, text: str, clocks: Any = ()) -> Narrowed:
    filter_ = filters.parse(text)
    items = {
        value: tuple({one["item"] for one in made.events if one["item"].startswith(value)})
        for wanted in (True, False)
        for value in filter_.values("item", wanted=wanted)
    }
    tags = tuple(
        Tagged("odd", one["item"], "", one["parser"], one["seq"])
        for one in made.events if one["seq"] % 7 == 0
    )  # fmt: skip
    return Narrowed(filter_, items, tags, clocks)


FILTERS = (
    "",
    "kind:mail.message kind:browser.*",
    "-kind:web.access parser:a since:2026-01-01T00:20:00Z until:2026-01-20",
    "item:0000000000 -host:pc-8",
    "host:pc-* user:anna on:2026-01-01",
    "quality:inferred",
    "tag:odd -quality:inferred",
    'transfer -parser:b "of money"',
    "-session -tag:*",
    "host:nowhere",
)


@pytest.mark.parametrize("clocks", [(), CLOCKS], ids=["clocks right", "a clock wrong"])
@pytest.mark.parametrize("text", FILTERS)
def test_pages_counts_and_facets_are_those_of_the_events(
    made: Made, text: str, clocks: Any
) -> None:
    """Forward and backward by pages, and counted, against the events one by one."""
    wanted = sorted(
        (one for one in made.events if holds(one, text, clocks=clocks)),
        key=lambda one: (corrected(one, clocks), one["item"], one["parser"], one["kind"],
                         one["seq"]),
    )  # fmt: skip
    numbers = [one["seq"] for one in wanted]
    question = asked(made, text, clocks)

    found: list[int] = []
    back: list[int] = []
    places: list[str] = []
    with windows.opened(made.folder, question) as reader:
        one = reader.page(500)
        while True:
            found += [row["seq"] for row in one.rows]
            places += [row["place"] for row in one.rows]
            assert one.stopped is None
            if one.later is None:
                break
            one = reader.page(500, after=one.later)
        one = reader.page(500, before=places[-1]) if places else windows.Page([], None, None, None)
        while True:
            back = [row["seq"] for row in one.rows] + back
            if one.earlier is None:
                break
            one = reader.page(500, before=one.earlier)
        counts = counted.count(reader)
    assert found == numbers
    assert back == numbers[:-1]
    assert counts.total == len(numbers) == sum(events for _, events in counts.bars)
    for start, events in counts.bars:
        inside = [one for one in wanted if start <= corrected(one, clocks) < start + counts.step]
        assert events == len(inside)
    for field in ("kind", "parser", "item"):
        expected: dict[str, int] = {}
        for event in made.events:
            if holds(event, text, skip=field, clocks=clocks):
                expected[event[field]] = expected.get(event[field], 0) + 1
        assert dict(counts.facets.get(field, [])) == expected, field
    tags = sum(one["seq"] % 7 == 0 for one in made.events if holds(one, text, skip="tag",
                                                                  clocks=clocks))  # fmt: skip
    assert dict(counts.facets.get("tag", [])) == ({"odd": tags} if tags else {})


def test_looking_for_words_ends_after_its_budget_and_goes_on_from_there(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "BUDGET", 200)
    monkeypatch.setattr(counted, "BUDGET", 200)
    monkeypatch.setattr(windows, "_SLAB", 50)
    question = asked(made, "money")
    numbers = {one["seq"] for one in made.events if holds(one, "money")}
    found: list[int] = []
    stops, place = 0, None
    while True:
        with windows.opened(made.folder, question) as reader:
            one = reader.page(200, after=place)
        found += [row["seq"] for row in one.rows]
        stops += one.stopped is not None
        if one.later is None:
            break
        place = one.later
    assert stops > 3
    assert len(found) == len(set(found))
    assert set(found) == numbers
    with windows.opened(made.folder, question) as reader:
        counts = counted.count(reader)
    assert counts.counted_to is not None
    upto = [one for one in made.events
            if one["seq"] in numbers and one["time"] <= counts.counted_to]  # fmt: skip
    assert counts.total == len(upto)


def test_a_filter_has_one_form() -> None:
    text = 'bank  kind:web.access "to the  account" -parser:evtx kind:mail.* host:PC user:"j doe"'
    canonical_ = filters.parse(text)
    assert canonical_.text == (
        'kind:mail.* kind:web.access -parser:evtx host:pc user:"j doe" bank "to the  account"'
    )
    source = random.Random(3)
    letters = 'ab:"\\ -*é\u202e'
    for _ in range(500):
        term = filters.Term("text", "".join(source.choices(letters, k=4)), source.random() < 0.5)
        if term.value.strip():
            assert filters.parse(term.text).terms == (term,), term
    mail = filters.Term("kind", "mail.*")
    assert filters.parse("").plus(mail).text == "kind:mail.*"
    assert canonical_.without(mail).values("kind") == ("web.access",)
    not_mail = filters.Term("kind", "mail.*", wanted=False)
    assert filters.parse("kind:mail.*").plus(not_mail).text == "-kind:mail.*"
    assert filters.parse("on:2026-01-01 x").within("2026-02-01", "").text == "since:2026-02-01 x"


@pytest.mark.parametrize(
    "text",
    ['"open', "kind:", "quality:good", "since:yesterday", "-on:2026-01-01", "host:a*b", "a " * 60,
     "x" * 1001, '""', "since:2026-01-01T00:00:00"],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        filters.parse(text)


@pytest.mark.parametrize("place", ["x", "WzBd", "!", "W10", "WyJhIl0", "WzFlMzAwXQ"])
def test_what_is_no_place_is_refused(made: Made, place: str) -> None:
    question = asked(made, "")
    with windows.opened(made.folder, question) as reader:
        if place == "WzBd":
            assert reader.page(1, after=place).rows  # a moment is a place
            return
        with pytest.raises(InputError):
            reader.page(1, after=place)
