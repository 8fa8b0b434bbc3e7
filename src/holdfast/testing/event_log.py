"""Writes small Windows event logs, for tests: plain binary XML, every value a text, no templates.

Real logs hold typed values and templates; the tests marked `corpus` read those.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from holdfast.core.clock import from_text

CHUNK, FIRST, HEADER = 65_536, 512, 4096
_SINCE_1601 = 11_644_473_600_000_000
_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_MORE = 0x40
"""Set in a token that has others of its kind, or attributes, behind it."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """What one record says."""

    number: int
    time: str
    """RFC 3339, UTC."""
    provider: str = "Example-Provider"
    event_id: int = 1
    channel: str = "Example"
    computer: str = "host.example"
    user_sid: str = "S-1-5-18"
    data: dict[str, str] = field(default_factory=dict)


def event_log(chunks: list[list[Event]], *, dirty: bool = False) -> bytes:
    """Return an event log whose chunks hold these events."""
    body = b"".join(chunk(events) for events in chunks)
    count = len(chunks)
    numbers = [event.number for events in chunks for event in events]
    head = bytearray(HEADER)
    head[:8] = b"ElfFile\0"
    struct.pack_into("<QQQIHHHH", head, 8, 0, max(count - 1, 0), max(numbers, default=0) + 1,
                     128, 1, 3, HEADER, count)  # fmt: skip
    struct.pack_into("<II", head, 120, int(dirty), zlib.crc32(head[:120]))
    return bytes(head) + body


def chunk(events: list[Event], slack: int = 0) -> bytes:
    """Return one chunk; the last `slack` events lie beyond what its header counts as used."""
    data = bytearray(CHUNK)
    at, ends = FIRST, [FIRST]
    for event in events:
        content = record(event, at)
        if at + len(content) > CHUNK:
            raise ValueError(f"{len(events)} records don't fit into a chunk")
        data[at : at + len(content)] = content
        at += len(content)
        ends.append(at)
    used = len(events) - slack
    first, last = (events[0].number, events[used - 1].number) if used else (1, 0)
    free = ends[used]
    data[:8] = b"ElfChnk\0"
    struct.pack_into("<QQQQIIII", data, 8, first, last, first, last, 128,
                     ends[max(used - 1, 0)], free, zlib.crc32(data[FIRST:free]))  # fmt: skip
    struct.pack_into("<I", data, 124, zlib.crc32(data[128:FIRST], zlib.crc32(data[:120])))
    return bytes(data)


def record(event: Event, at: int) -> bytes:
    """Return an event's record for the place `at` in its chunk."""
    xml = _Xml(at + 24)
    xml.out += b"\x0f\x01\x01\x00"
    xml.open("Event", {"xmlns": _NAMESPACE})
    xml.open("System")
    xml.element("Provider", {"Name": event.provider})
    for name, text in (("EventID", str(event.event_id)), ("Version", "0"), ("Level", "4")):
        xml.element(name, text=text)
    xml.element("TimeCreated", {"SystemTime": event.time})
    xml.element("EventRecordID", text=str(event.number))
    xml.element("Execution", {"ProcessID": "4", "ThreadID": "8"})
    xml.element("Channel", text=event.channel)
    xml.element("Computer", text=event.computer)
    xml.element("Security", {"UserID": event.user_sid})
    xml.close()
    if event.data:
        xml.open("EventData")
        for name, text in event.data.items():
            xml.element("Data", {"Name": name}, text)
        xml.close()
    xml.close()
    xml.out += b"\0"
    size = (24 + len(xml.out) + 4 + 7) & ~7
    filetime = (from_text(event.time) + _SINCE_1601) * 10
    head = struct.pack("<4sIQQ", b"**\0\0", size, event.number, filetime)
    return (head + xml.out).ljust(size - 4, b"\0") + struct.pack("<I", size)


class _Xml:
    """Binary XML that lies at `start` in its chunk."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._open: list[int] = []
        self.out = bytearray()

    def open(self, name: str, attributes: dict[str, str] | None = None) -> None:
        """Begin an element."""
        self._begin(name, attributes or {})
        self.out.append(2)

    def close(self) -> None:
        """End the element that was begun last."""
        self.out.append(4)
        place = self._open.pop()
        struct.pack_into("<I", self.out, place, len(self.out) - place - 4)

    def element(
        self, name: str, attributes: dict[str, str] | None = None, text: str | None = None
    ) -> None:
        """Write a whole element."""
        self._begin(name, attributes or {})
        if text is None:
            self.out.append(3)
            place = self._open.pop()
            struct.pack_into("<I", self.out, place, len(self.out) - place - 4)
        else:
            self.out.append(2)
            self._value(text)
            self.close()

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self.out.append(1 | (_MORE if attributes else 0))
        self._open.append(len(self.out))
        self.out += bytes(4)
        self._name(name)
        if attributes:
            place = len(self.out)
            self.out += bytes(4)
            for left, (key, text) in zip(
                range(len(attributes) - 1, -1, -1), attributes.items(), strict=True
            ):
                self.out.append(6 | (_MORE if left else 0))
                self._name(key)
                self._value(text)
            struct.pack_into("<I", self.out, place, len(self.out) - place - 4)

    def _name(self, name: str) -> None:
        hashed = 0
        for unit in name:
            hashed = (hashed * 65_599 + ord(unit)) & 0xFFFFFFFF
        self.out += struct.pack("<I", self._start + len(self.out) + 4)
        self.out += struct.pack("<IHH", 0, hashed & 0xFFFF, len(name))
        self.out += name.encode("utf-16-le") + b"\0\0"

    def _value(self, text: str) -> None:
        encoded = text.encode("utf-16-le")
        self.out += struct.pack("<BBH", 5, 1, len(encoded) // 2) + encoded
