r"""Web server access logs: Common and Combined Log Format (Apache, nginx), with or without vhost.

Source: Apache httpd `mod_log_config`, "Custom Log Formats"; nginx `log_format combined`. Fields
that a site appends after these are kept unread in `extra`.

Escapes are decoded into what was sent where that can be shown: `\"`, `\\` and `\xNN` of UTF-8
letters. Control characters stay escaped, so a record is one line and can't drive a terminal;
bytes that are not UTF-8 are shown as `\xNN`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from holdfast.examine._arrow import Array, pa, pc
from holdfast.examine.block import Part, block, merged, numbers
from holdfast.examine.parsers._access_columns import split
from holdfast.examine.parsers._lines import Failures, lines
from holdfast.examine.parsers._sniff import ACCESS_LINE, ACCESS_TEXT, is_access_log
from holdfast.examine.parsers._web import WebAccess
from holdfast.examine.record import EXACT, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.parsers._access_columns import Split
    from holdfast.examine.parsers._lines import Lines

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
_ESCAPES = re.compile(rb'\\(?:x[89a-fA-F][0-9a-fA-F]|["\\]|x(?:22|5[cC]))+')
_ESCAPE = re.compile(rb'\\(?:x([0-9a-fA-F]{2})|(["\\]))')
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]*[:.][0-9A-Fa-f:.]+|[A-Za-z0-9.-]+\.[A-Za-z]{2,}")


VERSION = 2
DECODERS: tuple[str, ...] = ("pyarrow", "python")
RECORDS: tuple[type[Record], ...] = (WebAccess,)


def match(file: EvidenceFile) -> bool:
    """Accept a file most of whose first lines are access lines."""
    return is_access_log(file.head)


def parse(file: EvidenceFile) -> Iterator[Block]:
    """Yield one record a line; blank lines are passed over."""
    for found in lines(file):
        if (whole := block(*_parts(found))) is not None:
            yield whole


def _parts(found: Lines) -> tuple[Part | None, Part | None]:
    """Return the requests and the failures of some lines."""
    if found.long:
        return _singly(found, [0])[:2]
    column = found.column()
    every = numbers(0, len(column))
    sure = None if found.plain else _surely_plain(column)
    quick = split(column, every, _minute) if sure is None else split(
        column.filter(sure), every.filter(sure), _minute
    )  # fmt: skip
    if quick is None:
        return _singly(found, list(range(len(column))))[:2]
    if len(quick.at) == len(column):
        return _part(found, quick, range(len(column))), None
    others = pc.invert(pc.is_in(every, quick.at))
    rest, bad, blank = _singly(found, every.filter(others).to_pylist())
    order = quick.at if not blank else pa.array(
        [at - bisect_left(blank, at) for at in quick.at.to_pylist()], pa.int64()
    )  # fmt: skip
    return merged((_part(found, quick, order), rest)), bad


def _part(found: Lines, quick: Split, order: Sequence[int] | Array) -> Part:
    columns = quick.columns | found.places(quick.at)
    return Part(WebAccess, order, columns, {"time_meaning": "requested", "time_quality": EXACT})


def _surely_plain(column: Array) -> Array:
    """Say of each line whether it is ASCII without a backslash."""
    escaped = pc.match_substring(column, "\\")
    return pc.and_(pc.string_is_ascii(column), pc.invert(escaped))


def _singly(found: Lines, chosen: list[int]) -> tuple[Part | None, Part | None, list[int]]:
    """Return the requests, the failures and the blank ones of the lines `chosen`, one by one.

    The places count what comes before in all of the lines.
    """
    fields = _fields(found, chosen)
    bad, order, at_line, blank = Failures(), list[int](), list[int](), list[int]()
    good: list[tuple[str, ...]] = []
    times: list[int] = []
    for at, one in zip(chosen, fields, strict=True):
        time = None if one is None else _minute(one[4], one[6])
        if one is not None and time is not None:
            order.append(at - len(blank))
            at_line.append(at)
            good.append(one)
            times.append(time)
        elif one is not None:
            bad.add(found, at, at - len(blank), "the time is no time")
        elif found.raw[at].strip():
            bad.add(found, at, at - len(blank), "line is not in Common or Combined Log Format")
        else:
            blank.append(at)
    part = _requests(found, order, at_line, good, times) if order else None
    return part, bad.part(), blank


def _fields(found: Lines, chosen: list[int]) -> list[tuple[str, ...] | None]:
    """Return each line's thirteen fields, decoded, an absent one empty; None where it has none."""
    if found.long:
        return [None]
    fields: list[tuple[str, ...] | None] = []
    for at in chosen:
        raw = found.raw[at]
        if b"\\" not in raw and raw.isascii():
            quick = ACCESS_TEXT.fullmatch(found.text[at])
            fields.append(quick and quick.groups(""))
        else:
            line = ACCESS_LINE.fullmatch(raw)
            fields.append(line and tuple(map(_text, line.groups(b""))))
    return fields


def _requests(
    found: Lines, order: Sequence[int], at: Sequence[int], fields: list[Any], times: list[Any]
) -> Part:
    """Return the records of the lines `at`, column by column."""
    (
        clients, identities, users, stamps, _, seconds, _, asked, statuses, sizes, referrers,
        agents, extras,
    ) = zip(*fields, strict=True)  # fmt: skip
    hosts: list[str | None] = [None] * len(order)
    if any(" " in user for user in users):
        # Five words before the time: a vhost goes before the client. Otherwise the user's name
        # has a space.
        clients, identities, users = list(clients), list(identities), list(users)  # type: ignore[assignment]
        for i, user in enumerate(users):
            if " " in user and _ADDRESS.fullmatch(identities[i]):
                hosts[i], clients[i] = clients[i], identities[i]  # type: ignore[index]
                identities[i], _, users[i] = user.partition(" ")  # type: ignore[index]
    methods, targets, protocols = zip(*map(_request, asked), strict=True)
    columns: dict[str, Sequence[object]] = {
        "message": [f"{c} {a} {s}" for c, a, s in zip(clients, asked, statuses, strict=True)],
        "time": [t + 1_000_000 * int(s) for t, s in zip(times, seconds, strict=True)],
        "time_original": stamps,
        "host": hosts,
        "user": _given(users),
        "offset": [found.offsets[i] for i in at],
        "length": [found.lengths[i] for i in at],
        "row": [found.row + i for i in at],
        "client": _given(clients),
        "identity": _given(identities),
        "method": methods,
        "target": targets,
        "protocol": protocols,
        "status": _numbers(statuses),
        "size": _numbers(sizes),
        "referrer": _given(referrers),
        "user_agent": _given(agents),
        "vhost": hosts,
        "extra": [extra or None for extra in extras],
    }
    return Part(WebAccess, order, columns, {"time_meaning": "requested", "time_quality": EXACT})


def _given(values: Sequence[str]) -> list[str | None]:
    return [None if value == "-" or not value else value for value in values]


def _numbers(values: Sequence[str]) -> list[int | None]:
    return [None if value == "-" else int(value) for value in values]


def _request(asked: str) -> tuple[str | None, str | None, str | None]:
    parts = asked.split(" ")
    if len(parts) != 3 or not parts[1] or not parts[2].startswith("HTTP/"):
        parts[0], _, rest = asked.partition(" ")
        parts[1:] = rest.rpartition(" ")[::2]
        if not parts[1] or not parts[2].startswith("HTTP/"):
            parts[:] = _odd_request(asked)
    method, target, protocol = parts
    return method or None, target or None, protocol or None


def _odd_request(asked: str) -> tuple[str, str, str]:
    method, _, target = asked.partition(" ")
    if method.isascii() and method.isalpha() and method.isupper() and target and " " not in target:
        return method, target, ""  # HTTP/0.9 names no version
    return "", "" if asked == "-" else asked, ""


@lru_cache(maxsize=4096)
def _minute(stamp: str, zone: str) -> int | None:
    """Return the microseconds of `10/Oct/2000:13:55` in a zone such as `-0700`."""
    try:
        moment = datetime(
            int(stamp[7:11]), _MONTHS[stamp[3:6]], int(stamp[:2]),
            int(stamp[12:14]), int(stamp[15:17]), tzinfo=UTC,
        )  # fmt: skip
    except (KeyError, ValueError):
        return None
    shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    since = moment - _EPOCH
    return (since + shift if zone[0] == "-" else since - shift) // timedelta(microseconds=1)


def _text(raw: bytes) -> str:
    if b"\\" in raw:
        raw = _ESCAPES.sub(_unescape, raw)
    return raw.decode("utf-8", "backslashreplace")


def _unescape(found: re.Match[bytes]) -> bytes:
    raw = _ESCAPE.sub(lambda one: bytes.fromhex(one[1].decode()) if one[1] else one[2], found[0])
    return raw.decode("utf-8", "backslashreplace").encode()
