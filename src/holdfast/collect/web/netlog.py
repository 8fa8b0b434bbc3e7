"""Read Chromium's NetLog as it was written: an event a line, whole or cut off anywhere.

The format is Chromium's own and changes: names come from the log's own `constants`, whatever is
unknown is passed over, and a line that is no event is counted, never fatal. Lines whose event
nobody wants are not parsed: most of a log repeats the bytes that the sockets carried.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import orjson

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_LINE = 256 << 20
"""Bytes of a line at most. Chromium logs a read at a time: tens of kilobytes."""
_READ = 1 << 20
_TAIL = re.compile(rb'"type":([0-9]+)\}[\],]*\r?\n?\Z')
_FRAME = frozenset({b"", b"]", b"],", b"}", b"]}"})
_BYTES = b'"bytes":"'
_WHOLE = 4096
"""Bytes of a line up to which parsing it whole is quicker than cutting its bytes out."""


class Event(NamedTuple):
    """One event."""

    name: str
    phase: int
    """0 a moment, 1 a beginning, 2 an end."""
    source: int
    kind: str
    """Of the source: `SOCKET`, `URL_REQUEST`, ..."""
    time: int
    """Microseconds since the epoch; Chromium counts milliseconds."""
    params: dict[str, Any]
    raw: memoryview | str
    """What `bytes` held, still in base64: most is never looked at."""

    @property
    def data(self) -> bytes:
        """Return what `bytes` held.

        Raises:
            ValueError: no base64.
        """
        return binascii.a2b_base64(self.raw)

    @property
    def dependency(self) -> int | None:
        """Return the source that this event speaks of."""
        found = self.params.get("source_dependency")
        number = found.get("id") if isinstance(found, dict) else None
        return number if isinstance(number, int) else None

    @property
    def net_error(self) -> int:
        """Return the error it ended with, 0 for none."""
        found = self.params.get("net_error")
        return found if isinstance(found, int) else 0


class Log:
    """A NetLog under way. Read `constants` before `events()`."""

    def __init__(self, stream: BinaryIO, wanted: Collection[str]) -> None:
        """Read the constants.

        Raises:
            InputError: this does not begin as a NetLog does.
        """
        self._stream = stream
        self.bytes = 0
        self.damaged = 0
        """Lines that are neither events nor the log's frame."""
        self.complete = False
        """Its end was seen."""
        self.first: int | None = None
        self.last: int | None = None
        self.constants = self._read_constants()
        self._offset = _number(self.constants.get("timeTickOffset"))
        types = self._names("logEventTypes")
        self._wanted = {number: name for number, name in types.items() if name in wanted}
        self.source_types = self._names("logSourceType")
        self.errors = self._names("netError")

    def _read_constants(self) -> dict[str, Any]:
        line = self._stream.readline(_LINE)
        self.bytes += len(line)
        try:
            value = orjson.loads(line.rstrip().rstrip(b",") + b"}")
            constants = value["constants"]
            if not isinstance(constants["logEventTypes"], dict):
                raise TypeError
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                "this is no NetLog: its first line does not hold Chromium's constants",
                "give the file of --log-net-log, written to its first event at least",
            ) from error
        return dict(constants)

    def _names(self, table: str) -> dict[int, str]:
        found = self.constants.get(table)
        pairs = found.items() if isinstance(found, dict) else ()
        return {number: name for name, number in pairs if isinstance(number, int)}

    def events(self) -> Iterator[Event]:
        """Yield the wanted events, in order."""
        while line := self._stream.readline(_LINE):
            self.bytes += len(line)
            match = _TAIL.search(line, max(0, len(line) - 32))
            if match is not None and line[:1] == b"{":
                name = self._wanted.get(int(match[1]))
                if line.rstrip().endswith(b"]"):
                    self.complete = True
                if name is None:
                    continue
                event = self._event(name, line)
                if event is not None:
                    if self.first is None:
                        self.first = event.time
                    self.last = event.time
                    yield event
                    continue
            self._frame(line)

    def _event(self, name: str, line: bytes) -> Event | None:
        raw: memoryview | str = ""
        try:
            start = line.find(_BYTES, 0, 128) if len(line) > _WHOLE else -1
            if start >= 0:
                start += len(_BYTES)
                end = line.index(b'"', start)
                raw = memoryview(line)[start:end]
                line = line[:start] + line[end:]
            event = orjson.loads(line.rstrip().rstrip(b",]"))
            params = event.get("params")
            params = params if isinstance(params, dict) else {}
            if start < 0 and isinstance(params.get("bytes"), str):
                raw = params["bytes"]
            time = (_number(event.get("time")) + self._offset) * 1000
            source = event["source"]["id"]
            if not isinstance(source, int):
                return None
            kind = self.source_types.get(event["source"].get("type"), "")
            return Event(name, _number(event.get("phase")), source, kind, time, params, raw)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def _frame(self, line: bytes) -> None:
        """Count a line as damage, unless it belongs to the log's frame."""
        bare = line.strip()
        if bare.startswith((b'"events"', b'"polledData"')) or bare in _FRAME:
            self.complete |= bare.startswith((b'"polledData"', b"]"))
            return
        self.damaged += 1


def _number(value: object) -> int:
    """Return a number that Chromium writes as text where it may not fit a double."""
    try:
        return int(value) if isinstance(value, int | str) else 0
    except ValueError:
        return 0
