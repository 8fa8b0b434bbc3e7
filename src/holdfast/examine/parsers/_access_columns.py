"""Access lines as they nearly all are, read column by column: no object for a line or a value.

`split` takes the lines of which the exact pattern (`_sniff.ACCESS_LINE`) leaves no doubt: ASCII
without a backslash, three words before the time, and a request of three words. For those, cutting
at quotes and blanks is what the pattern does; all others are left to it, one by one.
docs/decisions/0100-lines-are-read-by-columns.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from holdfast.examine._arrow import Array, pa, pc
from holdfast.examine.parsers._lines import fields_of, pieces, sliced

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD = r"[^\t\n\v\f\r ]+"
_BEFORE = (
    rf"^{_WORD} {_WORD} {_WORD} \[[0-3]\d/[A-Z][a-z][a-z]/\d{{4}}:[0-2]\d:[0-5]\d:(?:[0-5]\d|60) "
    r"[+-][01]\d[0-5]\d\] $"
)
_NUMBERS = r"^ (?:\d{3}|-) (?:\d{1,18}|-) $"
_REQUEST = r"^[^ ]+ [^ ]+ HTTP/[^ ]*$"
_COMMON = 3
_COMBINED = 7
"""Pieces between quotes."""
_TIMED = 30
"""Characters of ` [10/Oct/2000:13:55:36 -0700] `."""


class Split(NamedTuple):
    """The lines that could be split."""

    at: Array
    """Their numbers, rising."""
    columns: dict[str, Array]


def split(lines: Array, at: Array, minute: Callable[[str, str], int | None]) -> Split | None:
    """Split what lines can be split; None where there is none. `at` are the lines' numbers.

    `minute` gives the microseconds of a minute in a zone, None for one that is no time.
    """
    parts = pc.split_pattern(lines, '"', max_splits=_COMBINED - 1)
    count = pc.list_value_length(parts)
    if (common := pc.equal(count, _COMMON)).true_count:
        # Common Log Format is Combined without referrer and agent.
        longer = pc.binary_join_element_wise(lines, ' "-" "-"', "")
        lines = pc.if_else(common, longer, lines)
        parts = pc.split_pattern(lines, '"', max_splits=_COMBINED - 1)
        count = pc.list_value_length(parts)
    whole = pc.equal(count, _COMBINED)
    if whole.true_count < len(lines):
        at, parts = at.filter(whole), parts.filter(whole)
        if not len(at):
            return None
    between = fields_of(parts, _COMBINED)
    sure = _all(
        pc.match_substring_regex(between[0], _BEFORE),
        pc.match_substring_regex(between[1], _REQUEST),
        pc.match_substring_regex(between[2], _NUMBERS),
        pc.equal(between[4], " "),
        pc.or_(pc.equal(between[6], ""), pc.starts_with(between[6], " ")),
    )
    if sure.true_count < len(at):
        at, between = at.filter(sure), [piece.filter(sure) for piece in between]
    stamps = sliced(between[0], 2 - _TIMED, -2)
    times = _times(stamps, minute)
    if times.null_count:
        known = times.is_valid()
        at, times, stamps = at.filter(known), times.filter(known), stamps.filter(known)
        between = [piece.filter(known) for piece in between]
    return Split(at, _columns(between, stamps, times)) if len(at) else None


def _columns(between: list[Array], stamps: Array, times: Array) -> dict[str, Array]:
    before, asked, numbers, referrers, _, agents, extras = between
    clients, identities, users = pieces(sliced(before, 0, -_TIMED), " ", 3)
    methods, targets, protocols = pieces(asked, " ", 3)
    _, statuses, sizes, _ = pieces(numbers, " ", 4)
    return {
        "message": pc.binary_join_element_wise(clients, asked, statuses, " "),
        "time": times,
        "time_original": stamps,
        "host": pa.nulls(len(times), pa.string()),
        "user": _given(users),
        "client": _given(clients),
        "identity": _given(identities),
        "method": methods,
        "target": targets,
        "protocol": protocols,
        "status": _given(statuses).cast(pa.int64()),
        "size": _given(sizes).cast(pa.int64()),
        "referrer": _given(referrers),
        "user_agent": _given(agents),
        "vhost": pa.nulls(len(times), pa.string()),
        "extra": _given(pc.utf8_slice_codeunits(extras, 1), none=""),
    }


def _times(stamps: Array, minute: Callable[[str, str], int | None]) -> Array:
    """Return the microseconds of `10/Oct/2000:13:55:36 -0700`: what is asked is each minute."""
    zones = sliced(stamps, 21, 26)
    minutes = pc.binary_join_element_wise(sliced(stamps, 0, 17), zones, "")
    named = minutes.dictionary_encode()
    known = [minute(one[:17], one[17:]) for one in named.dictionary.to_pylist()]
    begun = pa.array(known, pa.int64()).take(named.indices)
    seconds = sliced(stamps, 18, 20).cast(pa.int64())
    return pc.add(begun, pc.multiply(seconds, 1_000_000))


def _given(values: Array, none: str = "-") -> Array:
    """Return null for what is absent."""
    absent = pc.equal(values, none)
    if none:
        absent = pc.or_(absent, pc.equal(values, ""))
    if not absent.true_count:
        return values
    if absent.true_count == len(values):
        return pa.nulls(len(values), values.type)
    return pc.if_else(absent, pa.scalar(None, values.type), values)


def _all(*masks: Array) -> Array:
    whole = masks[0]
    for mask in masks[1:]:
        whole = pc.and_(whole, mask)
    return whole
