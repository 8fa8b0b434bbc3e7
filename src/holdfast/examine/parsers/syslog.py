"""System logs by lines: RFC 3164, RFC 5424, and the files of rsyslog, sysklogd and Chrome OS.

Sources: RFC 3164, section 4; RFC 5424, section 6; rsyslog's templates RSYSLOG_FileFormat,
RSYSLOG_TraditionalFileFormat, RSYSLOG_SyslogProtocol23Format. What sshd, sudo, su, the shadow tools
and logind say becomes a logon, privilege or account event (`_auth.py`) instead of a message.

RFC 3164 gives neither year nor zone: `_syslog.py` says where the year is taken from; local time is
read as UTC. Each such time is marked `year assumed`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from holdfast.examine.block import Rows, block
from holdfast.examine.parsers._auth import (
    PROGRAMS,
    AuthAccount,
    AuthLogon,
    AuthPrivilege,
    typed,
)
from holdfast.examine.parsers._lines import Failures, lines
from holdfast.examine.parsers._sniff import is_syslog
from holdfast.examine.parsers._syslog import (
    FACILITIES,
    SEVERITIES,
    Years,
    first_year,
    iso_minute,
    minute,
    month_number,
)
from holdfast.examine.record import EXACT, YEAR_ASSUMED, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile


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
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (SyslogMessage, AuthLogon, AuthPrivilege, AuthAccount)

_OLD = re.compile(
    r"(?:<(\d{1,3})>)?(([A-Z][a-z][a-z]) ([ 0123]\d) (\d\d:\d\d):(\d\d)(?:\.(\d{1,6})\d*+)?)"
    r"(?:: (.*)| (.*))",
    re.ASCII | re.DOTALL,
)
_ISO = r"(\d{4}-\d\d-\d\dT\d\d:\d\d):(\d\d)(?:\.(\d{1,6})\d*+)?(Z|[+-]\d\d:\d\d)"
_FILE = re.compile(rf"(?:<(\d{{1,3}})>)?({_ISO}) (.*)", re.ASCII | re.DOTALL)
_NEW = re.compile(
    rf"<(\d{{1,3}})>\d{{1,2}} (?:-|({_ISO})) (\S++) (\S++) (\S++) (\S++) (.*)", re.ASCII | re.DOTALL
)
_REST = re.compile(
    r"(?:(\S++) )?+([^\s:\[\]]{1,256}+)(?:\[(\d{1,10})\])?(?::| |$) ?(.*)", re.ASCII | re.DOTALL
)
_CHROME_OS = {"EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"}
_ELEMENT = re.compile(r'\[([^\s=\]"]++)((?: [^\s=\]"]++="(?:[^"\\\]]|\\.)*+")*+)\]', re.DOTALL)
_PARAMETER = re.compile(r' ([^\s=\]"]++)="((?:[^"\\\]]|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\\]])')

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
        gathered = {kind: Rows(kind, *_COMMON, *own) for kind, own in _OWN.items()}
        messages = gathered[SyslogMessage]
        bad, place = Failures(), 0
        for at, line in enumerate(found.text):
            read = None if found.long else _line(line, years)
            if read is None:
                if not line.strip():
                    continue
                bad.add(found, at, place, "line does not begin as a syslog line")
                place += 1
                continue
            time, quality, original, host, program, pid, text, rest = read
            source = (found.offsets[at], found.lengths[at], found.row + at)
            event = typed(program, text) if program in PROGRAMS else None
            shown = text if program is None else f"{program}: {text}"
            known = ("logged", quality) if time is not None else (None, None)
            head = (shown, time, *known, original, host)
            if event is None:
                messages.order.append(place)
                messages.rows.append((*head, None, *source, program, pid, *rest))
            else:
                kind, fields = event
                rows = gathered[kind]
                rows.order.append(place)
                rows.rows.append(
                    (*head, fields.get("user"), *source, program, pid,
                     *(fields.get(name) for name in _OWN[kind]))
                )  # fmt: skip
            place += 1
        whole = block(*(rows.part() for rows in gathered.values()), bad.part())
        if whole is not None:
            yield whole


_Read = tuple[
    int | None, str, str | None, str | None, str | None, int | None, str, tuple[str | None, ...]
]
"""Time, quality, original, host, program, pid, text, and the message's own columns."""


def _line(line: str, years: Years) -> _Read | None:
    if (old := _OLD.fullmatch(line)) is not None:
        return _old(old, years)
    if (new := _NEW.fullmatch(line)) is not None:
        return _new(new)
    if (dated := _FILE.fullmatch(line)) is None:
        return None
    priority, original, stamp, second, fraction, zone, rest = dated.groups()
    at = iso_minute(stamp, zone)
    if at is None:
        return None
    host, program, pid, text = _rest(rest)
    facility, severity = _priority(priority)
    if host is not None and host in _CHROME_OS:
        severity, host = host.lower(), None
    time = at + int(second) * 1_000_000 + _micros(fraction)
    return time, EXACT, original, host, program, pid, text, (facility, severity, None, None)


def _old(found: re.Match[str], years: Years) -> _Read | None:
    priority, original, name, day, clock, second, fraction, bare, rest = found.groups()
    try:
        month, number = month_number(name), int(day)
    except (KeyError, ValueError):
        return None
    year = years.of(month, number)
    at = None if year is None else minute(year, month, number, clock)
    if at is None and year is not None:
        # 29 February in a year that has none: the assumption is wrong, the line is not.
        if (month, number) != (2, 29) or minute(2000, month, number, clock) is None:
            return None
    elif year is None and minute(2000, month, number, clock) is None:
        return None
    time = None if at is None else at + int(second) * 1_000_000 + _micros(fraction)
    if rest is None or rest.startswith("--- last message"):
        host, program, pid, text = None, None, None, rest or bare
    else:
        host, program, pid, text = _rest(rest)
    own = (*_priority(priority), None, None)
    return time, YEAR_ASSUMED, original, host, program, pid, text, own


def _new(found: re.Match[str]) -> _Read | None:
    (priority, original, stamp, second, fraction, zone, host, program, process, msgid, rest) = (
        found.groups()
    )
    time = None
    if original is not None:
        at = iso_minute(stamp, zone)
        if at is None:
            return None
        time = at + int(second) * 1_000_000 + _micros(fraction)
    structured, text = _structured(rest)
    pid = int(process) if process.isdigit() and len(process) <= 10 else None
    own = (*_priority(priority), _nil(msgid), structured)
    return time, EXACT, original, _nil(host), _nil(program), pid, text, own


def _rest(rest: str) -> tuple[str | None, str | None, int | None, str]:
    """Return host, program, process number and text of what follows the time."""
    found = _REST.fullmatch(rest)
    if found is None:
        host, _, text = rest.partition(" ")
        return host or None, None, None, text
    host, program, pid, text = found.groups()
    return host, program, None if pid is None else int(pid), text


def _structured(rest: str) -> tuple[str | None, str]:
    """Return RFC 5424's STRUCTURED-DATA as JSON, and the message after it."""
    elements: dict[str, dict[str, str]] = {}
    at = 0
    while found := _ELEMENT.match(rest, at):
        pairs = _PARAMETER.findall(found[2])
        elements[found[1]] = {name: _ESCAPED.sub(r"\1", value) for name, value in pairs}
        at = found.end()
    if not elements:
        rest = rest.removeprefix("-")
    text = rest[at:].removeprefix(" ").removeprefix("\ufeff").lstrip(" ")
    shown = json.dumps(elements, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return shown if elements else None, text


def _priority(text: str | None) -> tuple[str | None, str | None]:
    """Return facility and severity of `<PRI>` (RFC 5424, 6.2.1)."""
    if text is None or int(text) >= 8 * len(FACILITIES):
        return None, None
    return FACILITIES[int(text) // 8], SEVERITIES[int(text) % 8]


def _micros(fraction: str | None) -> int:
    return int(fraction.ljust(6, "0")) if fraction else 0


def _nil(text: str) -> str | None:
    return None if text == "-" else text
