"""Windows event logs (EVTX, since Vista): every record, those left in slack among them.

Source: J. Metz, "Windows XML Event Log (EVTX) format"; the decoder of a record's binary XML is
pyevtx-rs. What comes out, in the order of the file:

- `windows.event` for each record. `time` is the event's own TimeCreated (UTC); `written_time` is
  when the service wrote it. `event_data` and `user_data` are JSON as the event has it, names in
  its order; the names that most questions ask for have columns of their own.
- A record in slack, beyond what its chunk counts as used, has `recovered` true: it was
  overwritten or cleared, and its names or values may come from what lies there now.
- A failure for each chunk whose checksums or frame are wrong, its records are read all the same
  (`checked` is false); and one for each record that can't be decoded.
- Last, one `windows.event_log`: the header's state (dirty, checksum) and the sums.

There are no message texts: Windows keeps them in the programs' own files. `message` is provider,
event id and the first of the event's values.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import evtx as decoder

from holdfast.examine.parsers import _evtx_chunks as frame
from holdfast.examine.parsers._evtx_columns import Columns
from holdfast.examine.record import Failure, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.parsers._evtx_chunks import Chunk, Place

_ROWS, _TEXT = 8192, 8 << 20
_CHUNKS = 16
"""Chunks that the decoder is given at once."""
_RUNS = 256
"""Gapless stretches of records in one chunk's slack that are decoded: each costs a chunk's copy."""
_ALONE = 256
"""Records of one chunk that are tried one by one, at most: each costs a chunk's copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsEvent(Record):
    """One record of an event log; `row` is its number in the log."""

    KIND: ClassVar[str] = "windows.event"

    provider: str | None = None
    provider_guid: str | None = None
    event_id: int | None = None
    event_version: int | None = None
    record_id: int | None = None
    """EventRecordID: the record's number in the log that it was first written to."""
    level: int | None = None
    """1 critical, 2 error, 3 warning, 4 information, 5 verbose, 0 as the provider says."""
    task: int | None = None
    opcode: int | None = None
    keywords: str | None = None
    channel: str | None = None
    computer: str | None = None
    user_sid: str | None = None
    """Whose the process was that logged it."""
    process_id: int | None = None
    thread_id: int | None = None
    activity_id: str | None = None
    related_activity_id: str | None = None
    written_time: int | None = None
    recovered: bool | None = None
    """It lies in slack, where nothing vouches for it."""
    checked: bool | None = None
    """Its chunk's checksums are right; always false in slack."""
    event_data: str | None = None
    """EventData as JSON, names in the order of the source."""
    user_data: str | None = None
    subject_user: str | None = None
    subject_domain: str | None = None
    subject_sid: str | None = None
    subject_logon: str | None = None
    target_user: str | None = None
    target_domain: str | None = None
    target_sid: str | None = None
    target_logon: str | None = None
    logon_type: int | None = None
    workstation: str | None = None
    ip_address: str | None = None
    source_ip: str | None = None
    destination_ip: str | None = None
    destination_port: int | None = None
    account: str | None = None
    image: str | None = None
    command_line: str | None = None
    parent_image: str | None = None
    parent_command_line: str | None = None
    process_name: str | None = None
    target_file: str | None = None
    target_object: str | None = None
    object_name: str | None = None
    service_name: str | None = None
    service_file: str | None = None
    task_name: str | None = None
    query_name: str | None = None
    hashes: str | None = None
    script: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsEventLog(Record):
    """One event log as a whole, after its records."""

    KIND: ClassVar[str] = "windows.event_log"

    dirty: bool
    """It was not closed: the newest records may be missing from its header."""
    full: bool
    header_checked: bool
    """The header's checksum is right."""
    next_record: int
    """The number that the header keeps for the next record."""
    chunks: int
    damaged_chunks: int
    allocated: int
    """Records that the chunks count as theirs, the undecodable ones among them."""
    recovered_records: int
    """Whole records in slack."""
    fragments: int
    """Places in slack that begin like a record and are no whole one."""
    undecoded: int
    """Records, in slack or not, of which only number and time could be read."""


VERSION = 2
DECODERS: tuple[str, ...] = ("evtx", "orjson", "pyarrow", "python")
RECORDS: tuple[type[Record], ...] = (WindowsEvent, WindowsEventLog)


def match(file: EvidenceFile) -> bool:
    """Accept a file that starts with the log's magic, or with a chunk's (a torn header)."""
    return file.head.startswith((frame.FILE_MAGIC, frame.CHUNK_MAGIC))


def parse(file: EvidenceFile) -> Iterator[Record | Block]:
    """Yield the log's records, in batches, and failures between them."""
    reading = _Reading()
    with file.open() as stream:
        top = frame.header(file.head if file.head.startswith(frame.FILE_MAGIC) else b"")
        start = top.size if file.head.startswith(frame.FILE_MAGIC) else 0
        if not top.whole:
            yield Failure(
                message="the log's header", reason="the checksum of the log's header is wrong",
                offset=0, length=min(file.size, 128),
            )  # fmt: skip
        stream.seek(start)
        while slots := _slots(stream.read(_CHUNKS * frame.CHUNK), start):
            start += _CHUNKS * frame.CHUNK
            yield from reading.read(slots)
        yield from reading.flush()
    sums = reading.sums
    yield WindowsEventLog(
        message=f"event log of {sums.allocated} records, {sums.recovered} more in slack"
        + (", not closed (dirty)" if top.dirty else ""),
        dirty=top.dirty, full=top.full, header_checked=top.whole, next_record=top.next_record,
        chunks=sums.chunks, damaged_chunks=sums.damaged, allocated=sums.allocated,
        recovered_records=sums.recovered, fragments=sums.fragments,
        undecoded=reading.columns.undecoded,
    )  # fmt: skip


def _slots(data: bytes, start: int) -> list[Chunk | None]:
    return [
        frame.chunk(data[at : at + frame.CHUNK], start + at)
        for at in range(0, len(data), frame.CHUNK)
    ]


@dataclass
class _Sums:
    chunks: int = 0
    damaged: int = 0
    allocated: int = 0
    recovered: int = 0
    fragments: int = 0


@dataclass
class _Reading:
    """One passage through one log."""

    columns: Columns = field(default_factory=lambda: Columns(WindowsEvent))
    sums: _Sums = field(default_factory=_Sums)

    def read(self, slots: list[Chunk | None]) -> Iterator[Record | Block]:
        """Yield what is ready of these chunks' records, by their order in the file."""
        chunks = [one for one in slots if one is not None]
        allocated = _in_parts([(one, one.allocated) for one in chunks if one.allocated])
        slack = _in_parts([(one, run) for one in chunks for run in _legible(one)])
        for chunk in chunks:
            self.sums.chunks += 1
            self.sums.damaged += bool(chunk.faults)
            self.sums.allocated += len(chunk.allocated)
            self.sums.recovered += len(chunk.slack)
            self.sums.fragments += chunk.fragments
            for fault in chunk.faults:
                yield from self.flush()
                yield Failure(message=f"chunk at {chunk.offset}", reason=fault, offset=chunk.offset)
            checked = not chunk.faults
            if chunk.allocated:
                texts = next(allocated)
                self._take(chunk, chunk.allocated, texts, checked=checked)
            legible = _legible(chunk)
            for run in frame.runs(chunk.slack):
                old: list[str | None] = [None] * len(run)
                if run in legible:
                    old = next(slack)
                self._take(chunk, run, old, checked=False, recovered=True)
        if len(self.columns) >= _ROWS or self.columns.text >= _TEXT:
            yield from self.flush()

    def flush(self) -> Iterator[Record | Block]:
        """Yield what was gathered."""
        block = self.columns.take()
        if block is not None:
            yield block

    def _take(
        self, chunk: Chunk, places: list[Place], texts: list[str | None], *,
        checked: bool, recovered: bool = False,
    ) -> None:  # fmt: skip
        add = self.columns.add
        for place, text in zip(places, texts, strict=True):
            add(text, place, chunk, recovered=recovered, checked=checked)


def _legible(chunk: Chunk) -> list[list[Place]]:
    """Return the runs in slack that the decoder can be shown, within reason."""
    return [run for run in frame.runs(chunk.slack) if frame.movable(run[0])][:_RUNS]


Run: TypeAlias = "tuple[Chunk, list[Place]]"


def _in_parts(units: list[Run]) -> Iterator[list[str | None]]:
    for at in range(0, len(units), _CHUNKS):
        yield from _decode(units[at : at + _CHUNKS])


def _decode(units: list[Run], *, tables: bool = True) -> list[list[str | None]]:
    """Return the records of each run as JSON; None for one that can't be decoded.

    The decoder is held to what the frame says: as many records, with these numbers. Where it
    gives another list, it is asked again for one run at a time, then without the chunk's tables,
    then for one record at a time.
    """
    results = _results([_shown(chunk, run, tables=tables) for chunk, run in units])
    texts: list[list[str | None]] = []
    at = 0
    for _, run in units:
        if run[0].offset > frame.FIRST:
            at += 1  # the empty record
        part = results[at : at + len(run)]
        at += len(run)
        if any(one and one[0] != place.number for one, place in zip(part, run, strict=False)):
            break
        texts.append([one[1] if one else None for one in part])
    if len(texts) == len(units) and at == len(results):
        return texts
    if len(units) > 1:
        return [_decode([unit])[0] for unit in units]
    if tables:
        return _decode(units, tables=False)
    chunk, run = units[0]
    if len(run) == 1:
        return [[None]]
    alone = [_decode([(chunk, [place])], tables=False)[0][0] for place in run[:_ALONE]]
    return [alone + [None] * (len(run) - len(alone))]


def _shown(chunk: Chunk, run: list[Place], *, tables: bool) -> bytes:
    if tables and not chunk.faults and run is chunk.allocated:
        return chunk.data
    return frame.only(chunk.data, run, tables=tables)


def _results(chunks: list[bytes]) -> list[tuple[int, str] | None]:
    """Return each record's number and JSON as the decoder gives them; None for an error."""
    found: list[tuple[int, str] | None] = []
    records: Any = decoder.PyEvtxParser(io.BytesIO(frame.log_of(chunks)), 1).records_json()
    while True:
        try:
            found.extend((one["event_record_id"], one["data"]) for one in records)
        except RuntimeError:  # what it raises for a record, or a chunk, that it can't decode
            found.append(None)
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # Rust's: no subclass of Exception
                raise
            found.append(None)
            return found
        else:
            return found
