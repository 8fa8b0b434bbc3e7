"""A syslog line by its pattern: RFC 3164, RFC 5424, and the files of rsyslog and Chrome OS."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from holdfast.examine.parsers._syslog import (
    FACILITIES,
    SEVERITIES,
    iso_minute,
    minute,
    month_number,
)
from holdfast.examine.record import EXACT, YEAR_ASSUMED

if TYPE_CHECKING:
    from holdfast.examine.parsers._syslog import Years

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


class Known:
    """Gives the year of lines of which it is known."""

    def __init__(self, year: int | None) -> None:
        self._year = year

    def of(self, month: int, day: int) -> int | None:
        """Return it."""
        del month, day
        return self._year


Read = tuple[
    int | None, str, str | None, str | None, str | None, int | None, str, tuple[str | None, ...]
]
"""Time, quality, original, host, program, pid, text, and the message's own columns."""


def read_line(line: str, years: Years | Known) -> Read | None:
    """Return what a line says; None where it does not begin as a syslog line."""
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


def _old(found: re.Match[str], years: Years | Known) -> Read | None:
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


def _new(found: re.Match[str]) -> Read | None:
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
