"""Times in and out: RFC 3339, dates, and times that no calendar here holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import clock
from holdfast.core.errors import InputError

DAY = 86_400_000_000
FIRST = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z."""
LAST = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z."""


@given(st.integers(FIRST, LAST))
def test_what_is_written_is_read_again(micros: int) -> None:
    assert clock.from_text(clock.to_text(micros)) == micros


def test_what_is_finer_than_a_microsecond_is_written_behind_it() -> None:
    assert clock.to_text(1_000_001, 5) == "1970-01-01T00:00:01.000001005Z"
    assert clock.to_text(1_000_000, 0) == "1970-01-01T00:00:01.000000000Z"
    assert clock.to_text(LAST + 1, 7) == "@253402300800.000000007"
    assert clock.from_text("1970-01-01T00:00:01.000001005Z") == 1_000_001


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (FIRST, "0001-01-01T00:00:00Z"),
        (LAST, "9999-12-31T23:59:59.999999Z"),
        (500_000, "1970-01-01T00:00:00.500000Z"),
    ],
)
def test_a_time_has_no_decimals_or_six(micros: int, text: str) -> None:
    assert clock.to_text(micros) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (LAST + 1, "@253402300800.000000"),
        (FIRST - 1, "@-62135596801.999999"),
        (2**63, "@9223372036854.775808"),
        (10**30, "@1000000000000000000000000.000000"),
    ],
)
def test_a_time_outside_the_calendar_is_shown_as_no_date(micros: int, text: str) -> None:
    """Evidence holds such times: a FILETIME of all ones, a WebKit time of zero."""
    assert clock.to_text(micros) == text


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        # RFC 3339, 5.8: the examples.
        ("1985-04-12T23:20:50.52Z", 482196050_520_000),
        ("1996-12-19T16:39:57-08:00", 851042397_000_000),
        ("1996-12-20T00:39:57Z", 851042397_000_000),
        ("1937-01-01T12:00:27.87+00:20", -1041337172_130_000),
        ("2026-01-31", 1769817600_000_000),
    ],
)
def test_reads_times_with_their_offset_and_dates_as_utc(text: str, micros: int) -> None:
    assert clock.from_text(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-01-31T09:30:00",
        "2026-02-30",
        "2026-13-01T00:00:00Z",
        "31.01.2026",
        "20260131",
        "2026-W05-6",
        "@0.000000",
        "2026-01-31T25:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-00:01",
        "\uff12\uff10\uff12\uff16-01-31",
    ],
)
def test_a_time_without_offset_or_outside_the_calendar_is_refused(text: str) -> None:
    """What is read can be written again: a fold that fails on an entry stops the vault for good."""
    with pytest.raises(InputError, match="not a time that can be read; give a date"):
        clock.from_text(text)


def test_until_a_date_means_until_its_last_microsecond() -> None:
    assert clock.end_of("2026-01-31") == clock.from_text("2026-01-31") + DAY - 1
    assert clock.end_of("2026-01-31T09:30:00Z") == clock.from_text("2026-01-31T09:30:00Z")
    assert clock.end_of("9999-12-31") == LAST


def test_now_is_microseconds_of_this_century() -> None:
    assert clock.from_text("2026-01-01") < clock.now() < clock.from_text("2100-01-01")
