"""System logs by lines: RFC 3164, RFC 5424, and the files of rsyslog, sysklogd and Chrome OS.

Sources: RFC 3164, section 4; RFC 5424, section 6; rsyslog's templates RSYSLOG_FileFormat,
RSYSLOG_TraditionalFileFormat, RSYSLOG_SyslogProtocol23Format. What sshd, sudo, su, the shadow tools
and logind say becomes a logon, privilege or account event (`_auth.py`) instead of a message.

RFC 3164 gives neither year nor zone: `_syslog.py` says where the year is taken from; local time is
read as UTC. Each such time is marked `year assumed`.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine._arrow import Array, pa, pc
from holdfast.examine.block import Part, Rows, block, merged, numbers
from holdfast.examine.parsers import _syslog_columns as quick
from holdfast.examine.parsers._auth import (
    PROGRAMS,
    AuthAccount,
    AuthLogon,
    AuthPrivilege,
    typed,
)
from holdfast.examine.parsers._lines import Failures, lines
from holdfast.examine.parsers._sniff import is_syslog
from holdfast.examine.parsers._syslog import Years, first_year, iso_minute, minute, month_number
from holdfast.examine.parsers._syslog_lines import Known, Read, read_line
from holdfast.examine.record import EXACT, YEAR_ASSUMED, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.parsers._lines import Lines
    from holdfast.examine.parsers._syslog_columns import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogMessage(Record):
    """One message of a program or the kernel."""

    KIND: ClassVar[str] = "syslog.message"

    program: str | None = None
    pid: int | None = None
    facility: str | None = None
    severity: str | None = None
    msgid: str | None = None
    """RFC 5424: the type of message."""
    structured: str | None = None
    """RFC 5424: the structured data, as JSON of id to name to value."""


VERSION = 1
DATED = True
"""The year may come from the time of collection, which is then part of the result's key."""
DECODERS: tuple[str, ...] = ("pyarrow", "python")
RECORDS: tuple[type[Record], ...] = (SyslogMessage, AuthLogon, AuthPrivilege, AuthAccount)

_COMMON = (
    "message", "time", "time_meaning", "time_quality", "time_original", "host", "user", "offset",
    "length", "row", "program", "pid",
)  # fmt: skip
_OWN: dict[type[Record], tuple[str, ...]] = {
    SyslogMessage: ("facility", "severity", "msgid", "structured"),
    AuthLogon: ("action", "method", "client", "client_port", "session", "fingerprint"),
    AuthPrivilege: (
        "action", "target_user", "command", "terminal", "directory", "problem",
    ),
    AuthAccount: ("action", "account", "group", "uid", "gid", "home", "shell"),
}  # fmt: skip


def match(file: EvidenceFile) -> bool:
    """Accept a file most of whose first lines begin as syslog lines do."""
    return is_syslog(file.head)


def parse(file: EvidenceFile) -> Iterator[Block]:
    """Yield one record a line; a line without a time is a failure, a blank one nothing."""
    years = Years(first_year(file))
    for found in lines(file):
        if found.long:
            bad = Failures()
            bad.add(found, 0, 0, "line does not begin as a syslog line")
            whole = block(bad.part())
        else:
            whole = _Passage(found, years).block()
        if whole is not None:
            yield whole


class _Passage:
    """Some lines on their way into records: what can be is read by columns, the rest singly."""

    def __init__(self, found: Lines, years: Years) -> None:
        self._found, self._years = found, years
        self._read: dict[int, Read | None] = {}
        """Lines that were read singly, by their number."""
        self._quick: dict[type[Record], list[Split]] = {SyslogMessage: [], AuthLogon: []}

    def block(self) -> Block | None:
        """Return the lines' records."""
        column = self._found.column()
        every = numbers(0, len(column))
        sound = None if self._found.sound else pc.string_is_ascii(column)
        is_old = _only(quick.old(column), sound)
        is_dated = _only(quick.dated(column), sound) if is_old.true_count < len(column) else None
        either = is_old if is_dated is None else pc.or_(is_old, is_dated)
        others = every.filter(pc.invert(either)).to_pylist()
        if is_old.true_count:
            self._old(column.filter(is_old), every.filter(is_old), others)
        else:
            self._singly(others)
        if is_dated is not None and is_dated.true_count:
            at = every.filter(is_dated)
            self._take(quick.split_dated(column.filter(is_dated), at, iso_minute), EXACT, at)
        return self._gathered()

    def _singly(self, chosen: list[int]) -> None:
        for at in chosen:
            self._read[at] = read_line(self._found.text[at], self._years)

    def _old(self, column: Array, at: Array, others: list[int]) -> None:
        """Read lines with RFC 3164's time, and the others where they stand: years go by order."""
        clocks, seconds = quick.clocks(column)
        runs = pc.run_end_encode(clocks)
        ends = runs.run_ends.to_pylist()
        starts = {0, *ends[:-1]}
        names = dict(zip([0, *ends[:-1]], runs.values.to_pylist(), strict=True))
        places = at.to_pylist() if others else []
        between = [bisect_left(places, one) for one in others]
        starts.update(place for place in between if place < len(at))
        begun: list[int | None] = []
        years: list[int | None] = []
        sure: list[bool] = []
        stops = sorted(starts)
        done, name = 0, ""
        for start in stops:
            while done < len(others) and between[done] <= start:
                self._singly(others[done : done + 1])
                done += 1
            name = names.get(start, name)
            year, time, good = _run(name, self._years)
            begun.append(time)
            years.append(year)
            sure.append(good)
        self._singly(others[done:])
        ends = [*stops[1:], len(at)]
        times = pc.add(_spread(begun, ends, pa.int64()), pc.multiply(seconds, 1_000_000))
        if all(sure):
            self._take(quick.split_old(column, times, at), YEAR_ASSUMED, at, years, ends)
        else:
            good = _spread(sure, ends, pa.bool_())
            chosen = (one.filter(good) for one in (column, times, at))
            self._take(quick.split_old(*chosen), YEAR_ASSUMED, at, years, ends)

    def _take(
        self, parts: quick.Parts, quality: str, at: Array, years: Sequence[int | None] = (),
        ends: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """Take what was split of the lines `at`, and read singly what was not.

        `years` are those of the runs of lines that end at `ends`.
        """
        taken = 0
        for kind, part in ((SyslogMessage, parts.messages), (AuthLogon, parts.logons)):
            if part is not None:
                known = part.columns["time"].is_valid()
                none = pa.scalar(None, pa.string())
                part.columns["time_meaning"] = pc.if_else(known, "logged", none)
                part.columns["time_quality"] = pc.if_else(known, quality, none)
                self._quick[kind].append(part)
                taken += len(part.at)
        if taken == len(at):
            return
        split = pa.chunked_array([p.at for p in parts if p is not None], pa.int64())
        left = pc.invert(pc.is_in(at, split.combine_chunks()))
        year = _spread(years, ends, pa.int64()).filter(left).to_pylist() if ends else None
        for number, one in enumerate(at.filter(left).to_pylist()):
            known = self._years if year is None else Known(year[number])
            self._read[one] = read_line(self._found.text[one], known)

    def _gathered(self) -> Block | None:
        found = self._found
        gathered = {kind: Rows(kind, *_COMMON, *own) for kind, own in _OWN.items()}
        bad, blank = Failures(), list[int]()
        for at in sorted(self._read):
            read = self._read[at]
            place = at - len(blank)
            if read is None:
                if found.text[at].strip():
                    bad.add(found, at, place, "line does not begin as a syslog line")
                else:
                    blank.append(at)
                continue
            _add(gathered, read, (found.offsets[at], found.lengths[at], found.row + at), place)
        parts: dict[type[Record], Part | None] = {}
        for kind, rows in gathered.items():
            made = [self._part(kind, one, blank) for one in self._quick.get(kind, ())]
            parts[kind] = merged((*made, rows.part()))
        return block(*parts.values(), bad.part())

    def _part(self, kind: type[Record], split: Split, blank: list[int]) -> Part:
        order = split.at
        if blank:
            order = pa.array([at - bisect_left(blank, at) for at in split.at.to_pylist()],
                             pa.int64())  # fmt: skip
        columns = split.columns | self._found.places(split.at)
        absent = {*_COMMON, *_OWN[kind]} - columns.keys()
        columns.update(dict.fromkeys(absent, pa.nulls(len(order), pa.string())))
        return Part(kind, order, columns)


def _run(name: str, years: Years) -> tuple[int | None, int | None, bool]:
    """Return year and time of the lines of one minute (`Jan  3 09:39`), and whether it is one.

    Asking for the year of a day once is as good as asking for each of its lines.
    """
    try:
        month, day = month_number(name[:3]), int(name[4:6])
    except (KeyError, ValueError):
        return None, None, False
    year = years.of(month, day)
    at = minute(2000 if year is None else year, month, day, name[7:])
    return year, None if year is None else at, at is not None


def _spread(values: Sequence[object], ends: Sequence[int], type_: pa.DataType) -> Array:
    """Return each value as often as its run is long."""
    runs = pa.RunEndEncodedArray.from_arrays(pa.array(ends, pa.int32()), pa.array(values, type_))
    return pc.run_end_decode(runs)


def _only(mask: Array, other: Array | None) -> Array:
    return mask if other is None else pc.and_(mask, other)


def _add(
    gathered: dict[type[Record], Rows], read: Read, source: tuple[int, int, int], place: int
) -> None:
    time, quality, original, host, program, pid, text, rest = read
    event = typed(program, text) if program in PROGRAMS else None
    shown = text if program is None else f"{program}: {text}"
    known = ("logged", quality) if time is not None else (None, None)
    head = (shown, time, *known, original, host)
    if event is None:
        rows = gathered[SyslogMessage]
        rows.rows.append((*head, None, *source, program, pid, *rest))
    else:
        kind, fields = event
        rows = gathered[kind]
        rows.rows.append(
            (*head, fields.get("user"), *source, program, pid,
             *(fields.get(name) for name in _OWN[kind]))
        )  # fmt: skip
    rows.order.append(place)
