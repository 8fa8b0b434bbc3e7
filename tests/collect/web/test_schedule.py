"""Re-capture on a schedule, with a clock that the test turns.

"re-capture on a schedule with a diff report"; "schedules end with the authority"
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from holdfast.acts import scheduling
from holdfast.acts.act import Session
from holdfast.collect.web import chromium
from holdfast.core import clock
from holdfast.vault.vault import Vault
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from tests.line import Done, Line

browser = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)), reason="no Chromium here: apt-get install chromium"
)
HOUR = 3_600_000_000


class Clock:
    """Stands still until the test turns it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = clock.now()
        monkeypatch.setattr(clock, "now", lambda: self.time)

    def turn(self, hours: float) -> None:
        self.time += int(hours * HOUR)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def add(line: Line, url: str, *options: str) -> Done:
    line.case = line.open_case("--scope", "127.0.0.1", until="2998-12-31")
    given = ("--case", line.case, "--no-scroll", "--settle", "0", "--viewport", "640x480")
    return line.must("collect", "schedule", "add", *given, *options, "--json", url)


@browser
def test_a_page_is_captured_when_it_is_due_and_compared_and_never_after_the_authority(
    line: Line, watch: Clock
) -> None:
    run = ("collect", "schedule", "run", "--json", "--alert-on-change")
    site = Site({"/": page("<title>Shop</title>Open")})
    with serving(site):
        number = add(line, site.url, "--every", "6h").row["schedule"]
        (first,) = line.must(*run).rows
        assert (first["state"], first["previous"]) == ("first", None)
        watch.turn(5.9)
        assert line.must(*run).rows == []
        watch.turn(0.1)
        (same,) = line.must(*run).rows
        assert (same["state"], same["previous"]) == ("same", first["item"])
        site.pages = {"/": page("<title>Shop</title>Seized by the police")}
        watch.turn(6)
        done = line(*run)
        assert done.code == 10
        assert (done.row["state"], done.row["previous"]) == ("changed", same["item"])
        assert set(done.row["what"]) == {"text", "picture", "exchanges"}
        asked = len(site.asked)
        watch.time = clock.end_of("2998-12-31") + 1
        assert line.must(*run).rows == []
        assert len(site.asked) == asked
    (listed,) = line.must("collect", "schedule", "list", "--json").rows
    assert "expired" in listed["over"]
    results = [entry["result"] for entry in line.entries("schedule.done")]
    assert [one["state"] for one in results] == ["first", "same", "changed"]
    diffs = line.entries("collect.diff")
    assert results[2]["report"] == diffs[-1]["result"]["report"]
    (item,) = [e for e in line.entries("collect.item") if e["item"] == done.row["item"]]
    assert item["record"]["title"] == "Shop"
    (start,) = {str(entry["request"]["options"]) for entry in line.entries("collect.start")}
    assert "640" in start
    line.intact()
    line.must("rebuild")
    assert line.must("collect", "schedule", "list", "--json").row == listed
    line.must("collect", "schedule", "remove", number, "--reason", "R")
    assert line.must("collect", "schedule", "list", "--json").rows == []
    again = line("collect", "schedule", "remove", number)
    assert (again.code, "is removed already" in again.err) == (3, True)
    line.intact()


def test_of_two_runs_at_once_one_has_the_turn(line: Line) -> None:
    add(line, "http://127.0.0.1:9/", "--every", "1h")
    sessions = [Session(Vault.open(line.vault), "alice") for _ in range(2)]
    (one,) = scheduling.schedules(sessions[0])
    assert [scheduling._begin(each, one, 0) for each in sessions] == [True, False]
    for each in sessions:
        each.vault.engine.dispose()
    assert len(line.entries("schedule.begin")) == 1


def test_a_closed_case_ends_its_schedules_and_a_turn_that_was_read_before(
    line: Line, watch: Clock
) -> None:
    add(line, "http://127.0.0.1:9/", "--every", "1h")
    session = Session(Vault.open(line.vault), "alice")
    (one,) = scheduling.schedules(session)
    line.must("case", "close", line.case)
    assert not scheduling._begin(session, one, 0)
    session.vault.engine.dispose()
    assert line.must("collect", "schedule", "run", "--keep-going", "--json").rows == []
    assert line.entries("schedule.begin") == []
    (listed,) = line.must("collect", "schedule", "list", "--json").rows
    assert "was closed" in listed["over"]


def test_a_schedule_is_never_longer_than_the_authority(line: Line) -> None:
    row = add(line, "http://127.0.0.1:9/", "--every", "1h", "--until", "2999-06-01").row
    assert row["until"] == "2998-12-31T23:59:59.999999Z"
    row = add(line, "http://127.0.0.1:9/", "--every", "1h", "--until", "2998-06-01").row
    assert row["until"] == "2998-06-01T23:59:59.999999Z"
    entered = [entry["schedule"]["until"] for entry in line.entries("schedule.add")]
    assert entered == ["2998-12-31T23:59:59.999999Z", "2998-06-01T23:59:59.999999Z"]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--every", "1s"), 2, "give a number and its unit"),
        (("--every", "99w"), 3, "a year at most"),
        (("--every", "1h", "--until", "2001-01-01"), 3, "over already"),
        (("--every", "1h", "--proxy", "http://a:b@127.0.0.1:1"), 3, "name and password"),
        (("--every", "1h", "http://elsewhere.example/"), 4, "outside the scope"),
    ],
)
def test_what_is_no_schedule_is_refused(
    line: Line, options: tuple[str, ...], code: int, words: str
) -> None:
    line.case = line.open_case("--scope", "127.0.0.1")
    given = ("--case", line.case, *options, "http://127.0.0.1:9/")
    done = line("collect", "schedule", "add", *given)
    assert (done.code, words in done.err) == (code, True), done.err
    assert line.entries("schedule.add") == []
