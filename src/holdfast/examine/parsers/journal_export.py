"""The systemd journal as `journalctl -o export` writes it.

Source: systemd, "Journal Export Formats". A field is `NAME=value`, or NAME, a length of 8 bytes
and that many bytes; an empty line ends an entry. Logons, privileges and accounts become typed
events as in syslog. A binary journal (`LPKSHHRH`) is another format.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from holdfast.examine.parsers._auth import PROGRAMS, AuthAccount, AuthLogon, AuthPrivilege, typed
from holdfast.examine.parsers._sniff import is_journal_export
from holdfast.examine.parsers._syslog import FACILITIES, SEVERITIES
from holdfast.examine.record import Failure, Record, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from holdfast.examine.file import EvidenceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry(Record):
    """One entry of the journal."""

    KIND: ClassVar[str] = "journal.entry"

    program: str | None = None
    pid: int | None = None
    uid: int | None = None
    unit: str | None = None
    facility: str | None = None
    severity: str | None = None
    executable: str | None = None
    command: str | None = None
    boot: str | None = None
    cursor: str | None = None
    other_fields: str | None = None
    """JSON of all other fields; what is no text is {"blob": hex}, what was cut has its length."""


VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (JournalEntry, AuthLogon, AuthPrivilege, AuthAccount)

FIELD_LIMIT = 1 << 20
"""Bytes of one field that are kept; core dumps in the journal are larger."""
ENTRY_LIMIT = 4 << 20
"""Bytes of one entry's fields that are kept, all together."""
_SHOWN = 65_536
_NAME = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}")
_USED = frozenset((
    "MESSAGE", "SYSLOG_IDENTIFIER", "_COMM", "_PID", "SYSLOG_PID", "_UID", "_SYSTEMD_UNIT",
    "PRIORITY", "_EXE", "_CMDLINE", "_BOOT_ID", "__CURSOR", "_HOSTNAME", "__REALTIME_TIMESTAMP",
    "SYSLOG_FACILITY",
))  # fmt: skip


def match(file: EvidenceFile) -> bool:
    """Accept a file that starts with an entry of the export format."""
    return is_journal_export(file.head)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield one record an entry; a line that is no field costs its entry."""
    with file.open() as stream:
        start = row = 0
        while True:
            fields, problem, end, more = _entry(stream)
            if fields or problem:
                row += 1
                yield _record(fields, problem, start, end, row)
            if not more:
                return
            start = end


def _entry(stream: BinaryIO) -> tuple[dict[str, Any], str, int, bool]:
    """Return an entry's fields, what is wrong with it, its end, and whether more follows."""
    fields: dict[str, Any] = {}
    problem, kept = "", 0
    while True:
        line = stream.readline(FIELD_LIMIT)
        if not line:
            return fields, problem, stream.tell(), False
        if line == b"\n":
            return fields, problem, stream.tell(), True
        whole = line.endswith(b"\n")
        name, equals, value = line.rstrip(b"\n").partition(b"=")
        length: int | None = len(value)
        while not whole and (more := stream.readline(FIELD_LIMIT)):
            length = (length or 0) + len(more)
            whole = more.endswith(b"\n")
        if not _NAME.fullmatch(name):
            problem = problem or "a line is no field"
            continue
        if not equals:
            prefix = stream.read(8)
            size = int.from_bytes(prefix, "little")
            value = stream.read(min(size, FIELD_LIMIT))
            skipped = _skip(stream, size - len(value)) if size > len(value) else 0
            if len(prefix) < 8 or len(value) + skipped < size:
                return fields, "the file ends inside a field", stream.tell(), False
            stream.read(1)
            length = size
        kept += len(value)
        if kept > ENTRY_LIMIT:
            problem = problem or f"over {ENTRY_LIMIT} bytes of fields"
            continue
        shown = _value(value, length or 0)
        key = name.decode("ascii")
        if key in fields:
            before = fields[key]
            fields[key] = [*before, shown] if isinstance(before, list) else [before, shown]
        else:
            fields[key] = shown


def _skip(stream: BinaryIO, size: int) -> int:
    """Pass over bytes that are there; a length can say anything."""
    left = size
    while left and (chunk := stream.read(min(left, FIELD_LIMIT))):
        left -= len(chunk)
    return size - left


def _value(value: bytes, length: int) -> object:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        shown: dict[str, object] = {"blob": value[:_SHOWN].hex()}
        return {**shown, "length": length} if length > _SHOWN else shown
    if length > len(value) or len(text) > _SHOWN:
        return {"text": text[:_SHOWN], "length": length}
    return text


def _record(fields: dict[str, Any], problem: str, start: int, end: int, row: int) -> Record:
    message = _text(fields.get("MESSAGE")) or ""
    shown = " ".join(message.split("\n")).replace("\r", " ")
    if problem:
        return Failure(
            message=shown[:200], reason=problem, offset=start, length=end - start, row=row
        )
    program = _text(fields.get("SYSLOG_IDENTIFIER")) or _text(fields.get("_COMM"))
    stamp = _text(fields.get("__REALTIME_TIMESTAMP"))
    time = _number(stamp)
    pid = _number(_text(fields.get("_PID")) or _text(fields.get("SYSLOG_PID")))
    common: dict[str, Any] = {
        "message": f"{program}: {shown}" if program else shown,
        **timed(time, "logged", original=stamp),
        "host": _text(fields.get("_HOSTNAME")),
        "offset": start,
        "length": end - start,
        "row": row,
        "program": program,
        "pid": pid,
    }
    event = typed(program, shown) if program in PROGRAMS else None
    if event is not None:
        kind, own = event
        return cast("Callable[..., Record]", kind)(**common, **own)
    rest = {name: value for name, value in fields.items() if name not in _USED}
    priority = _number(_text(fields.get("PRIORITY")))
    facility = _number(_text(fields.get("SYSLOG_FACILITY")))
    return JournalEntry(
        **common,
        uid=_number(_text(fields.get("_UID"))),
        unit=_text(fields.get("_SYSTEMD_UNIT")),
        facility=_named(FACILITIES, facility),
        severity=_named(SEVERITIES, priority),
        executable=_text(fields.get("_EXE")),
        command=_text(fields.get("_CMDLINE")),
        boot=_text(fields.get("_BOOT_ID")),
        cursor=_text(fields.get("__CURSOR")),
        other_fields=json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    )


def _text(value: object) -> str | None:
    """Return a field as text: the first of several, what is no text as its bytes in hex."""
    if isinstance(value, list):
        return _text(value[0])
    if isinstance(value, dict):
        return str(value.get("text", value.get("blob")))
    return value if isinstance(value, str) else None


def _named(names: tuple[str, ...], number: int | None) -> str | None:
    return names[number] if number is not None and number < len(names) else None


def _number(text: str | None) -> int | None:
    fits = text is not None and text.isascii() and text.isdigit() and len(text) <= 18
    return int(text) if fits and text else None
