"""What a capture stored, as its second witness is held to it: messages in the WARC, by connection.

Read from the files that go into the item, not from the decoder that wrote them.
"""

from __future__ import annotations

import zlib
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from holdfast.collect.web.decode import WARC
from holdfast.webarchive import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 18
_HEAD = 1 << 20


@dataclass
class Told:
    """One exchange that went over a connection."""

    exchange: int
    url: str
    connection: int
    stream: int | None
    messages: dict[str, tuple[str, str]]
    """WARC-Record-ID and SHA-256 by `request`, `response`, `interim 1`, `tunnel sent` and so on."""
    turn: int
    explained: bool
    """The loss ledger says that something of it is missing."""
    done: bool = False


@dataclass
class Capture:
    """What there is to compare with."""

    connections: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By the guard's number: a line of connections.jsonl."""
    waiting: dict[int, deque[Told]] = field(default_factory=lambda: defaultdict(deque))
    """By connection, in order."""
    unsent: int = 0
    """Exchanges that used no connection."""
    cut: bool = False
    """The browser's log has no end."""
    _places: dict[str, int] = field(default_factory=dict)
    _warc: BinaryIO | None = None

    @classmethod
    def read(cls, folder: Path) -> Capture:
        """Read what the decoder left in `folder`.

        Raises:
            OSError, ValueError, KeyError: a part is missing or broken.
        """
        found = cls()
        for line in _lines(folder / "capture/connections.jsonl"):
            if line.get("guard") is not None:
                found.connections[line["guard"]] = line
        for line in _lines(folder / "capture/exchanges.jsonl"):
            if line["connection"] is None:
                found.unsent += 1
                continue
            one = Told(
                line["exchange"], line["url"], line["connection"], line["stream"],
                dict(_messages(line)), line["turn"] or 0, explained=bool(line["loss"]),
            )  # fmt: skip
            found.waiting[one.connection].append(one)
        for queue in found.waiting.values():
            ordered = sorted(queue, key=lambda one: one.turn)
            queue.clear()
            queue.extend(ordered)
        found.cut = any(
            line["kind"] == "crash" and line["exchange"] is None
            for line in _lines(folder / "capture/loss.jsonl")
        )
        for line in _lines(folder / pieces.RECORDS):
            if line["part"] == WARC:
                found._places[line["record"]] = line["offset"]
        found._warc = (folder / WARC).open("rb")
        return found

    def block(self, record: str) -> Iterator[bytes]:
        """Yield the block of a WARC record.

        Raises:
            ValueError: there is no such record, or it is broken.
        """
        if self._warc is None or record not in self._places:
            raise ValueError(f"the WARC has no record {record}")
        self._warc.seek(self._places[record])
        unpacker = zlib.decompressobj(31)
        head, left = b"", -1
        while not unpacker.eof and left != 0:
            packed = unpacker.unconsumed_tail or self._warc.read(_CHUNK)
            if not packed:
                raise ValueError(f"the record {record} is cut off")
            data = unpacker.decompress(packed, _CHUNK)
            if left < 0:
                head += data
                end = head.find(b"\r\n\r\n")
                if end < 0:
                    if len(head) > _HEAD:
                        raise ValueError(f"the record {record} has no end of its head")
                    continue
                data, left = head[end + 4 :], _length(head[:end])
            data = data[:left]
            left -= len(data)
            if data:
                yield data
        if left:
            raise ValueError(f"the record {record} is shorter than it says")


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("a record without its length")


def _messages(line: dict[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    named = [("request", line["request"]), ("response", line["response"])]
    named += [(f"interim {n}", one) for n, one in enumerate(line["interim"] or (), 1)]
    tunnel = line.get("tunnel") or {}
    named += [(f"tunnel {way}", tunnel.get(way)) for way in ("sent", "received")]
    for name, message in named:
        if message is not None:
            yield name, (message["record"], message["sha256"])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line)
