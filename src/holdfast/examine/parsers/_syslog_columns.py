"""Syslog lines as they nearly all are, read column by column: no object for a line or a value.

`split` takes the lines of which the patterns in `syslog.py` leave no doubt: RFC 3164's time, or
RFC 3339's, then machine, program, perhaps a number in brackets, a colon and a blank. What sshd and
PAM say of logons is split as well; everything else is left to the patterns, one by one.
docs/decisions/0100-lines-are-read-by-columns.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from holdfast.examine._arrow import Array, pa, pc
from holdfast.examine.parsers._auth import PROGRAMS
from holdfast.examine.parsers._lines import pieces, sliced

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD = r"[^\t\n\v\f\r ]+"
_AFTER = rf" {_WORD} [^\t\n\v\f\r :\[\]]+(?:\[\d{{1,10}}\])?: "
_OLD = r"^[A-Z][a-z][a-z] [ 0123]\d \d\d:\d\d:\d\d" + _AFTER
_DATED = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)" + _AFTER
_OLD_STAMP, _MINUTE = 15, 16
_LONGEST = 256
"""Characters of a name."""
_SHOUTED = pa.array(["EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"])
"""What Chrome OS writes in the place of the machine."""
_ONLY_PAM = {"systemd", "cron", "CRON", "login", "gdm-password"}
_MAY_BE_TYPED = pa.array(sorted(PROGRAMS))
_SAY_MORE = pa.array(sorted(PROGRAMS - _ONLY_PAM))
_SSHD = pa.array(["sshd", "sshd-session"])
_SEEN = "[!-~]+"
"""A word of which Python and RE2 think the same: they differ in what is blank beyond ASCII."""
_SSH = (
    rf"^(?P<word>Accepted|Failed) (?P<method>{_SEEN}) for (?:(?:invalid|illegal) user )?"
    rf"(?P<user>{_SEEN}) from (?P<client>{_SEEN}) port (?P<port>\d{{1,5}})(?: ssh2)?"
    rf"(?:: (?:{_SEEN} )?(?P<key>{_SEEN}))?$"
)
_PAM = (
    r"^pam_unix\((?P<service>[^)]+)\): session (?P<what>opened|closed) for user "
    r"(?P<user>[!-')-~]+)(?:[( ]|$)"
)


class Split(NamedTuple):
    """Lines that could be split, of one kind of record."""

    at: Array
    """Their numbers, rising."""
    columns: dict[str, Array]


class Parts(NamedTuple):
    """All lines that could be split."""

    messages: Split | None
    logons: Split | None


def clocks(lines: Array) -> tuple[Array, Array]:
    """Return month, day, hour and minute of lines of which `old` is true, and their seconds."""
    return sliced(lines, 0, 12), sliced(lines, 13, 15).cast(pa.int64())


def old(lines: Array) -> Array:
    """Say of each line whether it begins as RFC 3164 has it, without a priority or fractions."""
    return pc.match_substring_regex(lines, _OLD)


def dated(lines: Array) -> Array:
    """Say of each line whether it begins with RFC 3339's time."""
    return pc.match_substring_regex(lines, _DATED)


def split_old(lines: Array, times: Array, at: Array) -> Parts:
    """Split lines of which `old` is true; `times` are the microseconds of each."""
    host, tail = pieces(sliced(lines, _OLD_STAMP + 1), " ", 2)
    stamps = sliced(lines, 0, _OLD_STAMP)
    return _parts(at, times, stamps, host, tail)


def split_dated(lines: Array, at: Array, minute: Callable[[str, str], int | None]) -> Parts:
    """Split lines of which `dated` is true.

    `minute` gives the microseconds of `2020-05-31T00:00` in a zone, None for what is no time.
    """
    stamps, rest = pieces(lines, " ", 2)
    host, tail = pieces(rest, " ", 2)
    times = _dated_times(stamps, minute)
    sure = pc.and_(times.is_valid(), pc.invert(pc.is_in(host, _SHOUTED)))
    if sure.true_count < len(at):
        at, times, stamps, host, tail = (
            one.filter(sure) for one in (at, times, stamps, host, tail)
        )
    return _parts(at, times, stamps, host, tail)


def _dated_times(stamps: Array, minute: Callable[[str, str], int | None]) -> Array:
    finer = pc.extract_regex(
        sliced(stamps, _MINUTE + 3),
        r"^(?:\.(?P<fraction>\d{1,6}))?(?P<zone>Z|[+-]\d\d:\d\d)$",
    )
    fractions, zones = finer.field(0), finer.field(1)
    minutes = pc.binary_join_element_wise(sliced(stamps, 0, _MINUTE), zones, "")
    named = minutes.dictionary_encode()
    known = [minute(one[:_MINUTE], one[_MINUTE:]) for one in named.dictionary.to_pylist()]
    begun = pa.array(known, pa.int64()).take(named.indices)
    seconds = sliced(stamps, _MINUTE + 1, _MINUTE + 3).cast(pa.int64())
    micros = pc.ascii_rpad(fractions, 6, "0").cast(pa.int64())
    return pc.add(pc.add(begun, pc.multiply(seconds, 1_000_000)), micros)


def _parts(at: Array, times: Array, stamps: Array, host: Array, tail: Array) -> Parts:
    named, text = pieces(tail, ": ", 2)
    program, number = pieces(pc.binary_join_element_wise(named, "[", ""), "[", 2)
    fits = pc.less_equal(pc.binary_length(program), _LONGEST)
    columns = {
        "message": pc.binary_join_element_wise(program, text, ": "),
        "time": times,
        "time_original": stamps,
        "host": host,
        "program": program,
        "pid": _number(pc.ascii_rtrim(number, "][")),
    }
    special = pc.is_in(program, _MAY_BE_TYPED)
    if not special.true_count:
        return Parts(_chosen(at, columns, fits), None)
    by_pam = pc.starts_with(text, "pam_unix(")
    typed = pc.and_(special, pc.or_(by_pam, pc.is_in(program, _SAY_MORE)))
    messages = _chosen(at, columns, pc.and_(fits, pc.invert(typed)))
    typed = pc.and_(fits, typed)
    if not typed.true_count:
        return Parts(messages, None)
    at, text = at.filter(typed), text.filter(typed)
    columns = {name: values.filter(typed) for name, values in columns.items()}
    return Parts(messages, _logons(at, text, columns))


def _logons(at: Array, text: Array, columns: dict[str, Array]) -> Split | None:
    """Split what sshd says of a logon, and PAM of a session that is not sudo's or su's."""
    ssh, pam = pc.extract_regex(text, _SSH), pc.extract_regex(text, _PAM)
    word, method, user, client, port, key = ssh.flatten()
    service, what, whose = pam.flatten()
    by_ssh = pc.and_(ssh.is_valid(), pc.is_in(columns["program"], _SSHD))
    short = pc.less_equal(pc.binary_length(user), _LONGEST)
    by_ssh = pc.fill_null(pc.and_(by_ssh, short), False)
    other = pc.match_substring_regex(service, r"^(?:sudo|su|su-l|sudo-i)(?::|$)")
    bounded = pc.and_(pc.less_equal(pc.binary_length(service), 64),
                      pc.less_equal(pc.binary_length(whose), _LONGEST))  # fmt: skip
    by_pam = pc.and_(pam.is_valid(), pc.and_(bounded, pc.invert(other)))
    by_pam = pc.fill_null(by_pam, False)
    sshd = pc.if_else(pc.equal(word, "Accepted"), "logon", "logon failed")
    nothing = pa.scalar(None, pa.string())
    given = columns | {
        "user": pc.if_else(by_ssh, user, whose),
        "action": pc.if_else(by_ssh, sshd, pc.binary_join_element_wise("session", what, " ")),
        "method": pc.if_else(by_ssh, method, nothing),
        "client": pc.if_else(by_ssh, client, nothing),
        "client_port": _number(pc.if_else(by_ssh, port, "")),
        "session": pa.nulls(len(at), pa.string()),
        "fingerprint": pc.if_else(pc.and_(by_ssh, pc.not_equal(key, "")), key, nothing),
    }
    return _chosen(at, given, pc.or_(by_ssh, by_pam))


def _chosen(at: Array, columns: dict[str, Array], chosen: Array) -> Split | None:
    count = chosen.true_count
    if not count:
        return None
    if count == len(at):
        return Split(at, columns)
    return Split(at.filter(chosen), {name: one.filter(chosen) for name, one in columns.items()})


def _number(digits: Array) -> Array:
    return pc.if_else(pc.equal(digits, ""), pa.scalar(None, pa.string()), digits).cast(pa.int64())
