"""Decoded event records (JSON text) as columns, many at a time.

A Python object for each record and column would take several times as long as decoding the
record did; DuckDB's JSON functions read a column of texts at once. docs/decisions/0050.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import orjson
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.parsers._evtx_chunks import Place

_MESSAGE = 500
_LARGEST = 2**63
_MANY = 1024
"""Rows from which planning a query anew pays."""

_EVENT = json.dumps(
    {
        "Event": {
            "System": {
                "Provider": {
                    "#attributes": {
                        "Name": "VARCHAR", "EventSourceName": "VARCHAR", "Guid": "VARCHAR",
                    },
                },
                "EventID": "JSON",
                "Version": "BIGINT",
                "Level": "BIGINT",
                "Task": "BIGINT",
                "Opcode": "BIGINT",
                "Keywords": "VARCHAR",
                "TimeCreated": {"#attributes": {"SystemTime": "VARCHAR"}},
                "EventRecordID": "BIGINT",
                "Correlation": {
                    "#attributes": {"ActivityID": "VARCHAR", "RelatedActivityID": "VARCHAR"},
                },
                "Execution": {"#attributes": {"ProcessID": "BIGINT", "ThreadID": "BIGINT"}},
                "Channel": "VARCHAR",
                "Computer": "VARCHAR",
                "Security": {"#attributes": {"UserID": "VARCHAR"}},
            },
            "EventData": "JSON",
            "UserData": "JSON",
        }
    }
)  # fmt: skip

FIELDS: dict[str, tuple[str, ...]] = {
    "subject_user": ("SubjectUserName",),
    "subject_domain": ("SubjectDomainName",),
    "subject_sid": ("SubjectUserSid",),
    "subject_logon": ("SubjectLogonId",),
    "target_user": ("TargetUserName",),
    "target_domain": ("TargetDomainName",),
    "target_sid": ("TargetUserSid", "TargetSid"),
    "target_logon": ("TargetLogonId",),
    "logon_type": ("LogonType",),
    "workstation": ("WorkstationName",),
    "ip_address": ("IpAddress",),
    "source_ip": ("SourceIp", "SourceAddress"),
    "destination_ip": ("DestinationIp", "DestAddress"),
    "destination_port": ("DestinationPort", "DestPort"),
    "account": ("User",),
    "image": ("Image", "NewProcessName"),
    "command_line": ("CommandLine",),
    "parent_image": ("ParentImage", "ParentProcessName"),
    "parent_command_line": ("ParentCommandLine",),
    "process_name": ("ProcessName",),
    "target_file": ("TargetFilename",),
    "target_object": ("TargetObject",),
    "object_name": ("ObjectName",),
    "service_name": ("ServiceName",),
    "service_file": ("ImagePath", "ServiceFileName"),
    "task_name": ("TaskName",),
    "query_name": ("QueryName",),
    "hashes": ("Hashes",),
    "script": ("ScriptBlockText",),
}
"""Column to the names in EventData that it is taken from: the first that is there."""
_NUMBERS = {"logon_type", "destination_port"}

_DATA = json.dumps(
    {
        name: "BIGINT" if column in _NUMBERS else "VARCHAR"
        for column, names in FIELDS.items()
        for name in names
    }
)
_PICKED = ",\n  ".join(
    f"coalesce({', '.join(f'data.{name}' for name in names)}) AS {column}"
    for column, names in FIELDS.items()
)

# The message's pairs: the JSON text without its quotes and braces. A value that itself holds
# `","` reads oddly there; `event_data` is exact.
_QUERY = f"""
WITH decoded AS (
  SELECT raw.*, from_json(raw.json, '{_EVENT}').Event AS event FROM raw
), parts AS (
  SELECT decoded.* EXCLUDE (json, event), event."System" AS sys,
    CASE WHEN event.EventData::VARCHAR <> 'null' THEN event.EventData::VARCHAR END AS event_data,
    CASE WHEN event.UserData::VARCHAR <> 'null' THEN event.UserData::VARCHAR END AS user_data
  FROM decoded
), picked AS (
  SELECT parts.*, from_json(event_data, '{_DATA}') AS data,
    try_cast(sys.TimeCreated."#attributes".SystemTime AS TIMESTAMP) AS logged,
    coalesce(try_cast(sys.EventID->>'$' AS BIGINT), try_cast(sys.EventID->>'$."#text"' AS BIGINT))
      AS event_id,
    translate(coalesce(sys.Provider."#attributes".Name,
                       sys.Provider."#attributes".EventSourceName, ''),
              chr(10) || chr(13), '  ') AS named,
    left(coalesce(event_data, user_data, ''), {_MESSAGE}) AS shown
  FROM parts
)
SELECT
  coalesce(epoch_us(logged), written) AS time,
  CASE WHEN logged IS NULL THEN 'written' ELSE 'logged' END AS time_meaning,
  CASE WHEN sys IS NULL THEN 'record ' || coalesce(row::VARCHAR, '?')
    || ' in slack, its content can not be decoded'
  ELSE named || ' ' || coalesce(event_id::VARCHAR, '?') || CASE WHEN shown = '' THEN '' ELSE ': ' ||
    replace(replace(replace(trim(shown, '{{}}"'), '","', ', '), '":"', '='), '\\\\', '\\') END
  END AS message,
  "offset", length, row,
  sys.Provider."#attributes".Name AS provider,
  sys.Provider."#attributes".Guid AS provider_guid,
  event_id,
  sys.Version AS event_version,
  sys.EventRecordID AS record_id,
  sys.Level AS level,
  sys.Task AS task,
  sys.Opcode AS opcode,
  sys.Keywords AS keywords,
  sys.Channel AS channel,
  sys.Computer AS computer,
  sys.Security."#attributes".UserID AS user_sid,
  sys.Execution."#attributes".ProcessID AS process_id,
  sys.Execution."#attributes".ThreadID AS thread_id,
  sys.Correlation."#attributes".ActivityID AS activity_id,
  sys.Correlation."#attributes".RelatedActivityID AS related_activity_id,
  written AS written_time,
  recovered,
  checked,
  event_data,
  user_data,
  {_PICKED}
FROM picked
"""


NOTHING = '{"Event":null}'
"""Stands for what could not be decoded, where number and time are worth keeping."""
_CONTROL = re.compile(r"[\x00-\x1f]")


class Columns:
    """Gathers decoded records and gives them out as record batches of one schema."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._json: list[str] = []
        self._places: list[tuple[int, int, int | None, int, bool, bool]] = []
        self._connection = _connection()
        self.text = 0
        """Characters gathered."""
        self.undecoded = 0
        """Records whose decoded text was no JSON."""

    def __len__(self) -> int:
        return len(self._json)

    def add(self, text: str, place: Place, start: int, *, recovered: bool, checked: bool) -> None:
        """Take the decoded record that lies at `place` of the chunk at `start`."""
        if recovered and not _is_json(text):
            text = _CONTROL.sub(_escape, text)
            if not _is_json(text):
                text = NOTHING
                self.undecoded += 1
        number = place.number if place.number < _LARGEST else None
        self._json.append(text)
        self._places.append(
            (start + place.offset, place.size, number, place.written, recovered, checked)
        )
        self.text += len(text)

    def take(self) -> Iterator[pa.RecordBatch | tuple[int, int, int | None]]:
        """Yield what was gathered, in order: batches, and the places of records without sense."""
        texts, places = self._json, self._places
        self._json, self._places, self.text = [], [], 0
        if texts:
            yield from self._convert(texts, places)

    def _convert(
        self, texts: list[str], places: list[tuple[int, int, int | None, int, bool, bool]]
    ) -> Iterator[pa.RecordBatch | tuple[int, int, int | None]]:
        try:
            yield self._batch(texts, places)
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.DataError):
            if any(_CONTROL.search(text) for text in texts):
                # The decoder leaves control characters in strings as they are.
                yield from self._convert([_CONTROL.sub(_escape, text) for text in texts], places)
            elif len(texts) == 1:
                self.undecoded += 1
                yield places[0][:3]
            else:
                half = len(texts) // 2
                yield from self._convert(texts[:half], places[:half])
                yield from self._convert(texts[half:], places[half:])

    def _batch(
        self, texts: list[str], places: list[tuple[int, int, int | None, int, bool, bool]]
    ) -> pa.RecordBatch:
        offsets, lengths, rows, written, recovered, checked = zip(*places, strict=True)
        raw = pa.table(
            {
                "json": pa.array(texts, pa.string()),
                "offset": pa.array(offsets, pa.int64()),
                "length": pa.array(lengths, pa.int64()),
                "row": pa.array(rows, pa.int64()),
                "written": pa.array(written, pa.int64()),
                "recovered": pa.array(recovered, pa.bool_()),
                "checked": pa.array(checked, pa.bool_()),
            }
        )
        table = self._select(raw)
        columns = [
            table.column(name).combine_chunks().cast(type_)
            for name, type_ in zip(self._schema.names, self._schema.types, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _select(self, rows: pa.Table) -> pa.Table:
        connection = self._connection
        connection.register("raw", rows)
        try:
            if rows.num_rows >= _MANY:
                return connection.sql(_QUERY).to_arrow_table()
            connection.execute("TRUNCATE few")
            connection.execute("INSERT INTO few SELECT * FROM raw")
            return connection.sql("EXECUTE of_few").to_arrow_table()
        finally:
            connection.unregister("raw")


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """Return this process's connection: opening one takes longer than most logs do."""
    connection = duckdb.connect(":memory:")
    for setting in (
        "threads = 1",
        "memory_limit = '512MiB'",
        "temp_directory = ''",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "enable_external_access = false",
        "TimeZone = 'UTC'",
    ):
        connection.execute(f"SET {setting}")
    connection.execute(
        'CREATE TABLE few (json VARCHAR, "offset" BIGINT, length BIGINT, row BIGINT, '
        "written BIGINT, recovered BOOLEAN, checked BOOLEAN)"
    )
    connection.execute("PRAGMA disable_optimizer")  # planning would cost more than a few rows do
    connection.execute("PREPARE of_few AS " + _QUERY.replace("FROM raw", "FROM few AS raw"))
    connection.execute("PRAGMA enable_optimizer")
    return connection


def _is_json(text: str) -> bool:
    """Say whether it is: in slack, names that were overwritten often make it none."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
