"""Answers that are too long for one page: asked once, entered once, kept for a while, read on.

A cursor names an answer and a place in it. The answer lies in a file that only this account reads;
it is gone after half an hour, and at once when anything is erased by order.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO

import orjson

from holdfast.api.problems import ProtocolError
from holdfast.core import durable
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LIFE = 1800
"""Seconds for which an answer can be read on."""


@dataclass(frozen=True)
class Kept:
    """An answer in its file."""

    id: str
    who: str
    act: str
    case: str | None
    count: int
    sha256: str
    """Over all lines: what the entry in the log has, where the act enters one."""


@dataclass(frozen=True)
class Page:
    """A part of an answer."""

    lines: tuple[bytes, ...]
    following: str | None
    """The cursor of what follows; None: nothing does."""


@dataclass(frozen=True)
class Answers:
    """The answers that can be read on, in one folder."""

    folder: Path

    def keep(self, who: str, act: str, case: str | None, lines: Iterable[bytes]) -> Kept:
        """Write all of an answer down.

        Raises:
            ResourceError: the disk refused.
        """
        with durable.disk_errors(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            number, hasher, count = secrets.token_hex(16), hashlib.sha256(), 0
            try:
                with self._file(number).open("xb") as target:
                    for line in lines:
                        hasher.update(line)
                        target.write(line)
                        count += 1
                kept = Kept(number, who, act, case, count, hasher.hexdigest())
                self._facts(number).write_bytes(orjson.dumps(vars(kept)))
            except BaseException:
                self.drop(number)
                raise
        return kept

    def find(self, cursor: str) -> tuple[Kept, int]:
        """Return the answer that a cursor names, and the place in it.

        Raises:
            InputError: it is no cursor.
            ProtocolError: the answer is not kept any more.
        """
        try:
            number, _, place = urlsafe_b64decode(cursor + "==").decode("ascii").partition(".")
            at = int(place)
            if len(bytes.fromhex(number)) != 16 or len(place) > 18 or at < 0:
                raise ValueError
        except ValueError:
            raise InputError("that is no cursor of this server", "give `next` as it was") from None
        try:
            kept = Kept(**orjson.loads(self._facts(number).read_bytes()))
        except FileNotFoundError:
            raise _gone() from None
        return kept, at

    def page(self, kept: Kept, at: int, size: int) -> Page:
        """Return `size` lines from a place on.

        Raises:
            InputError: no line begins there.
            ProtocolError: the answer is not kept any more.
        """
        with self.open(kept) as stream:
            if at:
                stream.seek(at - 1)
                if stream.read(1) != b"\n":
                    raise InputError("no line begins there", "give `next` as it was")
            found: list[bytes] = []
            while len(found) < size and (line := stream.readline()):
                found.append(line)
            end = stream.tell()
            more = bool(stream.read(1))
        return Page(tuple(found), _cursor(kept.id, end) if more else None)

    def open(self, kept: Kept) -> BinaryIO:
        """Return all of it, open.

        Raises:
            ProtocolError: it is not kept any more.
        """
        try:
            return self._file(kept.id).open("rb")
        except FileNotFoundError:
            raise _gone() from None

    def drop(self, number: str) -> None:
        """Keep it no longer; whoever has it open reads on."""
        for path in (self._facts(number), self._file(number)):
            path.unlink(missing_ok=True)

    def _file(self, number: str) -> Path:
        return self.folder / f"{number}.jsonl"

    def _facts(self, number: str) -> Path:
        return self.folder / f"{number}.json"

    def _sweep(self) -> None:
        """Remove what has had its time, and what a killed server left half written."""
        old = time.time() - LIFE
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < old:
                    path.unlink()


def _gone() -> ProtocolError:
    remedy = "ask again: answers are kept for half an hour"
    return ProtocolError(HTTPStatus.GONE, "this answer is not kept any more", remedy)


def _cursor(number: str, at: int) -> str:
    return urlsafe_b64encode(f"{number}.{at}".encode()).decode().rstrip("=")
