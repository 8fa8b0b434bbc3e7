"""Documents that are ZIP files of XML parts: the parts by name, each read within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine import _zip
from holdfast.examine.parsers._document import Event, xml
from holdfast.examine.record import Failure, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine._archive import Entry
    from holdfast.examine.file import EvidenceFile

_PARTS = 20_000
_PIECE = 1 << 16
_PART_LIMIT = 256 << 20
"""Bytes of one XML part that are read."""


class Package:
    """A document's parts; what of them can't be read is kept for `failures`."""

    def __init__(self, file: EvidenceFile) -> None:
        self._parts: dict[str, Entry] = {}
        self._failures: list[Failure] = []
        try:
            for entry in _zip.entries(file):
                if len(self._parts) < _PARTS and entry.content is not None:
                    self._parts.setdefault(entry.name, entry)
        except UnreadableError as error:
            self._fail("the package", error)

    def names(self, start: str = "", end: str = "") -> list[str]:
        """Return the parts whose names start and end so, `x2` before `x10`."""
        found = [name for name in self._parts if name.startswith(start) and name.endswith(end)]
        return sorted(found, key=lambda name: (len(name), name))

    def events(self, name: str) -> Iterator[Event]:
        """Yield a part's XML as far as it can be read; nothing where there is no such part."""
        entry = self._parts.get(name)
        if entry is None:
            return
        try:
            yield from xml(self._pieces(entry))
        except UnreadableError as error:
            self._fail(name, error)

    def failures(self) -> list[Failure]:
        """Return a failure for each part that could not be read to its end."""
        return self._failures

    @staticmethod
    def _pieces(entry: Entry) -> Iterator[bytes]:
        left = _PART_LIMIT
        content = entry.content() if entry.content else None
        while content is not None and (piece := content.read(_PIECE)):
            left -= len(piece)
            if left < 0:
                raise UnreadableError(f"part of more than {_PART_LIMIT} bytes")
            yield piece

    def _fail(self, name: str, error: UnreadableError) -> None:
        message = f"{name}: {error}".encode("utf-8", "backslashreplace").decode()
        self._failures.append(Failure(message=" ".join(message.split())[:300], reason=str(error)))


def values(events: Iterator[Event]) -> list[tuple[str, str]]:
    """Return the elements that hold text alone, as (name, text); custom ones by their own name."""
    found: list[tuple[str, str]] = []
    custom, text = "", ""
    for event in events:
        if event.opens:
            custom = event.attributes.get("name", custom) if event.name == "property" else custom
            text = ""
        elif event.name:
            if text.strip():
                found.append((custom or event.name, text.strip()[:2000]))
            if event.name == "property":
                custom = ""
            text = ""
        else:
            text += event.text
    return found
