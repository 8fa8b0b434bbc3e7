"""A file on its way in: bytes that come piece by piece, from another machine, over days if need be.

    <id>/facts.json   who sends what into which case, written once
    <id>/data         the bytes so far
    <id>/offset       how many of them are durable: what the sender is told, and goes on from

A process that is killed loses what came after the last durable offset, and nothing else.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.core import durable
from holdfast.core.errors import ConflictError, InputError

if TYPE_CHECKING:
    from pathlib import Path

STEP = 64 << 20
"""Bytes after which an offset is made durable."""
LIFE = 14 * 86400
"""Seconds after its last byte that an unfinished file is kept."""


@dataclass(frozen=True)
class Arriving:
    """A file that is being sent."""

    id: str
    who: str
    case: str
    path: str
    """Where it lay, as the sender says: absolute, or a name."""
    size: int
    sha256: str = ""
    """What the sender says of its bytes; empty: nothing."""
    sender: dict[str, Any] = field(default_factory=dict)
    """What else the sender says of it: times, owner, mode."""


@dataclass(frozen=True)
class Arrivals:
    """The files that are being sent to one vault."""

    folder: Path

    def begin(self, who: str, case: str, path: str, size: int, **said: Any) -> Arriving:
        """Make room for a file.

        Raises:
            ResourceError: the disk has not that much room.
        """
        with durable.disk_errors(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.sweep()
            one = Arriving(secrets.token_hex(16), who, case, path, size, **said)
            place = self.folder / one.id
            place.mkdir(mode=0o700)
            (place / "data").touch(mode=0o600)
            durable.replace(place / "facts.json", orjson.dumps(vars(one)), 0o600)
            durable.sync_directory(self.folder)
        return one

    def find(self, number: str) -> Arriving | None:
        """Return a file that is being sent; None where there is none."""
        if len(number) != 32 or not all(c in "0123456789abcdef" for c in number):
            return None
        try:
            return Arriving(**orjson.loads((self.folder / number / "facts.json").read_bytes()))
        except FileNotFoundError:
            return None

    def offset(self, one: Arriving) -> int:
        """Return how many of its bytes are durable."""
        try:
            return int((self.folder / one.id / "offset").read_bytes())
        except FileNotFoundError:
            return 0

    def data(self, one: Arriving) -> Path:
        """Return the file with its bytes.

        Raises:
            InputError: not all of them have come.
        """
        have = self.offset(one)
        if have != one.size:
            raise InputError(
                f"of {one.path} {have} of {one.size} bytes have come", "send the rest first"
            )
        return self.folder / one.id / "data"

    def remove(self, one: Arriving) -> None:
        """Forget a file: it is collected, or nobody wants it."""
        shutil.rmtree(self.folder / one.id, ignore_errors=True)

    def writer(self, one: Arriving) -> Writer:
        """Return what takes its next bytes; one at a time.

        Raises:
            ConflictError: another request is sending it.
        """
        return Writer(self.folder / one.id, self.offset(one), one.size)

    def sweep(self) -> None:
        """Remove files that nobody has sent anything of for two weeks."""
        old = time.time() - LIFE
        for place in self.folder.iterdir():
            with suppress(FileNotFoundError):
                if (place / "data").stat().st_mtime < old:
                    shutil.rmtree(place, ignore_errors=True)


class Writer:
    """Takes bytes of one file, from its durable offset on."""

    def __init__(self, place: Path, offset: int, size: int) -> None:
        self._place = place
        self._size = size
        self.offset = self._durable = offset
        self._file = os.open(place / "data", os.O_WRONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise ConflictError("this file is being sent already", "wait, then go on") from None
        # What came after the last durable offset may not be whole.
        os.ftruncate(self._file, offset)
        os.lseek(self._file, offset, os.SEEK_SET)

    def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            InputError: more than the file has.
            ResourceError: the disk refused.
        """
        if self.offset + len(data) > self._size:
            raise InputError(f"the file has {self._size} bytes, and more came", "begin anew")
        with durable.disk_errors(self._place):
            durable.write_all(self._file, data)
        self.offset += len(data)
        if self.offset - self._durable >= STEP:
            self.keep()

    def keep(self) -> None:
        """Make what has come durable.

        Raises:
            ResourceError: the disk refused.
        """
        with durable.disk_errors(self._place):
            os.fdatasync(self._file)
            durable.replace(self._place / "offset", b"%d\n" % self.offset, 0o600)
        self._durable = self.offset

    def close(self) -> None:
        """Take no more."""
        os.close(self._file)
