"""A capture as `compare` reads it: the folder that the decoder makes, or a WACZ (web.md).

This reads with the standard library alone, so that it shares no mistake with the code it judges.
"""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

WARC = "archive/data.warc.gz"


@dataclass(frozen=True)
class Record:
    """A WARC record."""

    kind: str
    fields: tuple[tuple[str, str], ...]
    block: bytes

    def field(self, name: str) -> str | None:
        """Return the first field of that name (lower case)."""
        return next((value for key, value in self.fields if key.lower() == name), None)


@dataclass(frozen=True)
class Stored:
    """What a capture holds."""

    exchanges: list[dict[str, Any]]
    connections: dict[int, dict[str, Any]]
    losses: dict[int, dict[str, Any]]
    records: dict[str, Record]
    """By WARC-Record-ID, without its angle brackets."""
    frames: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    """HTTP/2 by connection: what the browser sent, and what it received."""

    @classmethod
    def read(cls, place: Path) -> Stored:
        """Read a capture.

        Raises:
            InputError: it is no capture.
        """
        parts = _Folder(place) if place.is_dir() else _Zip(place)
        try:
            return cls(
                exchanges=_lines(parts.read("capture/exchanges.jsonl")),
                connections={
                    one["connection"]: one
                    for one in _lines(parts.read("capture/connections.jsonl"))
                },
                losses={one["loss"]: one for one in _lines(parts.read("capture/loss.jsonl"))},
                records=_records(gzip.decompress(parts.read(WARC))),
                frames={
                    int(name.rpartition("/")[2].partition(".")[0]): _frames(parts.read(name))
                    for name in parts.names("http2/")
                },
            )
        except (KeyError, ValueError, OSError) as error:
            raise InputError(f"{place} is not a whole capture: {error}") from error


class _Folder:
    def __init__(self, place: Path) -> None:
        self.place = place

    def read(self, name: str) -> bytes:
        return (self.place / name).read_bytes()

    def names(self, prefix: str) -> list[str]:
        folder = self.place / prefix
        return [prefix + one.name for one in sorted(folder.iterdir())] if folder.exists() else []


class _Zip:
    def __init__(self, place: Path) -> None:
        try:
            self.zip = zipfile.ZipFile(place)
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{place} is no WACZ: {error}") from error

    def read(self, name: str) -> bytes:
        return self.zip.read(name)

    def names(self, prefix: str) -> list[str]:
        return [name for name in self.zip.namelist() if name.startswith(prefix)]


def _lines(data: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in data.splitlines()]


def _records(data: bytes) -> dict[str, Record]:
    found: dict[str, Record] = {}
    place = 0
    while place < len(data):
        end = data.index(b"\r\n\r\n", place)
        version, *lines = data[place:end].decode("utf-8").split("\r\n")
        if version != "WARC/1.1":
            raise ValueError(f"{WARC}: no record at byte {place} of what it unpacks to")
        fields = tuple(
            (name, value.strip()) for name, _, value in (_.partition(":") for _ in lines)
        )
        named = {name.lower(): value for name, value in fields}
        start, size = end + 4, int(named["content-length"])
        identity = named["warc-record-id"].strip("<>")
        if identity in found:
            raise ValueError(f"{WARC}: two records are called {identity}")
        found[identity] = Record(named["warc-type"], fields, data[start : start + size])
        place = start + size + 4
        if data[place - 4 : place] != b"\r\n\r\n":
            raise ValueError(f"{WARC}: record {identity} doesn't end where it says")
    return found


def _frames(data: bytes) -> tuple[bytes, bytes]:
    """Split a file of frames, each with a mark (`>` sent, `<` received), 8 bytes time, 4 length."""
    ways = {b">": bytearray(), b"<": bytearray()}
    place = 0
    while place < len(data):
        size = int.from_bytes(data[place + 9 : place + 13], "big")
        ways[data[place : place + 1]] += data[place + 13 : place + 13 + size]
        place += 13 + size
    if place != len(data):
        raise ValueError("a file of frames ends within one")
    return bytes(ways[b">"]), bytes(ways[b"<"])
