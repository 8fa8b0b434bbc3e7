"""What others have entered since a verification read the log's head: work goes on meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError

if TYPE_CHECKING:
    from holdfast.vault.log import Log


class Since:
    """Entries from `size` on; read again each time something is missed, for it is just being done.

    An erasure is an entry before anything goes, so whoever misses something finds it here.
    """

    def __init__(self, log: Log, size: int) -> None:
        self._log = log
        self._size = size
        self._read = size
        self._fields: set[tuple[int, str]] = set()
        self._objects: set[str] = set()
        self._stored: set[str] = set()

    def erased(self, index: int, name: str) -> bool:
        """Say whether an entry that came since erases that field."""
        return (index, name) in self._fields or (self._look() and (index, name) in self._fields)

    def destroyed(self, digest: str) -> bool:
        """Say whether an entry that came since erases that object."""
        return digest in self._objects or (self._look() and digest in self._objects)

    def stored(self) -> set[str]:
        """Return the objects that entries which came since name."""
        self._look()
        return self._stored

    def _look(self) -> bool:
        try:
            size = self._log.head().size
            for entry in self._log.entries(self._read, size):
                if entry.act in {"erase", "erase.mass"}:
                    facts = entry.fields["erasure"]
                    self._fields |= {(f["entry"], n) for f in facts["fields"] for n in f["names"]}
                    self._objects |= {one["object"] for one in facts["items"]}
                if "stored" in entry.fields:
                    self._stored.add(entry.fields["stored"]["object"])
        except (IntegrityError, LookupError, TypeError):
            # What came since is for the next verification to judge.
            return True
        self._read = max(self._read, size)
        return True
