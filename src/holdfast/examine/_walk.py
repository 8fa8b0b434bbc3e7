"""Goes through one item in a worker: every file in it, and every module over each.

Order is fixed (a file, its modules by name, then its members), so that the same bytes give the
same rows. Whatever foreign code does, the walk goes on; what it could not do is in the output.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.examine import _types
from holdfast.examine._output import Attempt, Output, broken
from holdfast.examine._roster import ENUMERATION, Module, Roster
from holdfast.examine._spool import Spool
from holdfast.examine.file import EvidenceFile
from holdfast.examine.record import Record
from holdfast.examine.records import DatasetWriter, storable
from holdfast.sandbox.confine import allow_cpu

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from holdfast.core.canonical import Json
    from holdfast.examine._position import Page
    from holdfast.examine.interfaces import Finder, Member, Opener, Parser
    from holdfast.examine.limits import Limits

CHUNK = 1 << 20
EVERY = -1
"""In place of a file's number: every file of the item."""
RATE = 1 << 20
"""Bytes a second that any module is allowed to be as slow as, beyond its fixed time."""
_TICK = 64 << 20
_INLINE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Record):
    """A file that the enumeration saw; `message` is its path."""

    KIND = "file"

    file: int
    """Its number in the item, from 0."""
    depth: int
    name: str
    size: int
    sha256: str
    type: str
    openers: list[str]


@dataclass(frozen=True)
class Job:
    """One item to go through."""

    item: str
    name: str
    descriptor: int
    enumeration: str
    """Key of the enumeration, which names its folder."""
    wanted: dict[str, str]
    """Label (`role:name`) to key of each module to run; openers always run."""
    skip: dict[tuple[int, str], tuple[int, str]]
    """What killed a worker before: (file, label) to (members to take before it, reason)."""
    give_up: str = ""
    """Why the item is not to be touched again; empty otherwise."""
    latest: int | None = None
    """When it was collected."""


def label(module: Module) -> str:
    """Return the module's name with its role, since an opener and a parser may share a name."""
    return f"{module.role}:{module.name}"


class RefusedError(Exception):
    """The bytes are not the item's."""


class Walk:
    """One passage through one item."""

    def __init__(
        self, job: Job, roster: Roster, limits: Limits, *, page: Page, scratch: Path, out: Path
    ) -> None:
        self._job, self._roster, self._limits, self._page = job, roster, limits, page
        self._scratch, self._out = scratch, out
        self._count = 0
        self._bytes = 0
        self._unfolded = 0
        self._spooled = 0
        self._full = ""
        folder = out / job.enumeration
        self._folder = folder
        self._files = DatasetWriter(
            folder / "files.parquet", Seen, item=job.item, parser=ENUMERATION, version=1
        )
        self._first: list[Json] = []
        self._seen = Output(folder, job.item, ENUMERATION, 1)
        self._parsers: list[tuple[Module, Parser]] = [
            (m, c) for m, c in (*roster.parsers, *roster.seconds) if label(m) in job.wanted
        ]
        self._finders = [(m, c) for m, c in roster.finders if label(m) in job.wanted]
        self._outputs = {
            label(m): Output(out / job.wanted[label(m)], job.item, m.name, m.version)
            for m, _ in (*self._parsers, *self._finders)
        }

    def run(self) -> Json:
        """Go through the item; return what was written, by module.

        Raises:
            RefusedError: the bytes don't have the item's digest.
            BrokenError: what was written isn't whole.
            ScarceError: this machine ran out of something.
        """
        self._out.mkdir()
        try:
            self._item()
            self._page.at(self._count, "close")
            modules: dict[str, Json] = {
                name: output.close() for name, output in self._outputs.items()
            }
            enumeration = self._seen.close() or {}
            if self._count > _INLINE:
                self._folder.mkdir(exist_ok=True)
                self._files.close()
            else:
                enumeration["rows"] = self._first
        except (OSError, MemoryError) as error:
            raise broken(error) from error
        enumeration["totals"] = {
            "files": self._count, "bytes": self._bytes, "failures": self._seen.failures,
        }  # fmt: skip
        return {"enumeration": enumeration, "modules": modules}

    def _item(self) -> None:
        job = self._job
        size = os.fstat(job.descriptor).st_size
        skipped = job.skip.get((0, ENUMERATION))
        if job.give_up or skipped:
            self._row(size, job.item, "application/octet-stream", [], path="", name=job.name)
            self._unseen("", 0, job.give_up or skipped[1])  # type: ignore[index]
            return
        self._page.at(0, ENUMERATION, size=size)
        hasher = hashlib.sha256()
        for chunk in _chunks(job.descriptor, size):
            hasher.update(chunk)
            self._page.tick()
        if hasher.hexdigest() != job.item:
            raise RefusedError
        file = EvidenceFile(job.descriptor, size, job.name, "", self._room(0), job.latest)
        self._visit(file, job.item, 0)

    def _room(self, depth: int) -> Path:
        room = self._scratch / f"depth-{depth}"
        room.mkdir(exist_ok=True)
        return room

    def _row(
        self, size: int, digest: str, type_: str, openers: list[str], *, path: str, name: str,
        depth: int = 0,
    ) -> int:  # fmt: skip
        ordinal = self._count
        self._count += 1
        self._bytes += size
        row = Seen(
            message=path or name, file=ordinal, depth=depth, name=name, size=size, sha256=digest,
            type=type_, openers=openers,
        )  # fmt: skip
        if len(self._first) < _INLINE:
            self._first.append(
                {"file": ordinal, "path": path, "name": name, "size": size, "type": type_,
                 "sha256": digest, "depth": depth, "openers": [*openers]}
            )  # fmt: skip
        if self._files.add(path, ordinal, row):
            self._folder.mkdir(exist_ok=True)
            self._files.flush()
        return ordinal

    def _unseen(self, path: str, ordinal: int, reason: str, words: str = "") -> None:
        """Record that the enumeration could not do its part of a file."""
        self._seen.begin(path)
        self._seen.fail(reason, words or reason)
        self._seen.outcome({"file": ordinal, "failed": reason})

    def _visit(
        self, file: EvidenceFile, digest: str, depth: int, torn: Attempt | None = None
    ) -> None:
        ordinal = self._count
        opening, trouble = self._matching_openers(file, ordinal)
        self._row(
            file.size, digest, _types.guess(file.head), [m.name for m, _ in opening],
            path=file.path, name=file.name, depth=depth,
        )  # fmt: skip
        for attempt in (*trouble, *((torn,) if torn else ())):
            self._unseen(file.path, ordinal, attempt.reason, attempt.words)
        for module, parser in self._parsers:
            self._parse(file, ordinal, module, parser)
        for module, finder in self._finders:
            self._find(file, ordinal, module, finder)
        self._clear(depth)
        for module, opener in opening:
            self._open(file, ordinal, depth, module, opener)
        if opening:
            self._clear(depth)

    def _clear(self, depth: int) -> None:
        room = self._scratch / f"depth-{depth}"
        for left in room.iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)

    def _step(self, file: EvidenceFile, ordinal: int, module: Module, members: int = 0) -> str:
        """Say what comes next; return why it must not, if it killed a worker before."""
        name = label(module)
        until, reason = self._skipped(ordinal, name)
        if reason and members >= until:
            return reason
        self._page.at(ordinal, name, members=members, size=file.size)
        allow_cpu(self._limits.cpu_seconds + file.size // RATE)
        return ""

    def _skipped(self, ordinal: int, name: str) -> tuple[int, str]:
        skip = self._job.skip
        return skip.get((ordinal, name)) or skip.get((EVERY, name)) or (0, "") if skip else (0, "")

    def _parse(self, file: EvidenceFile, ordinal: int, module: Module, parser: Parser) -> None:
        output = self._outputs[label(module)]
        attempt, matched = Attempt(), False
        output.begin(file.path)
        if reason := self._step(file, ordinal, module):
            attempt.failed(reason)
        else:
            with attempt:
                matched = parser.match(file)
                if matched:
                    output.take(parser.parse(file))
        if attempt.reason:
            output.fail(attempt.reason, attempt.words)
        if matched or attempt.reason:
            output.end(ordinal, attempt.reason)

    def _find(self, file: EvidenceFile, ordinal: int, module: Module, finder: Finder) -> None:
        output = self._outputs[label(module)]
        attempt = Attempt()
        output.begin(file.path)
        if reason := self._step(file, ordinal, module):
            attempt.failed(reason)
        else:
            with attempt:
                output.take(finder.find(file))
        if attempt.reason:
            output.fail(attempt.reason, attempt.words)
            output.end(ordinal, attempt.reason)

    def _matching_openers(
        self, file: EvidenceFile, ordinal: int
    ) -> tuple[list[tuple[Module, Opener]], list[Attempt]]:
        opening, trouble = [], []
        for module, opener in self._roster.openers:
            attempt, matched = Attempt(), False
            _, reason = self._skipped(ordinal, f"match {label(module)}")
            if reason:
                attempt.failed(reason)
            else:
                self._page.at(ordinal, f"match {label(module)}", size=file.size)
                with attempt:
                    matched = opener.match(file)
            if attempt.reason:
                trouble.append(attempt)
            elif matched:
                opening.append((module, opener))
        return opening, trouble

    def _open(
        self, file: EvidenceFile, ordinal: int, depth: int, module: Module, opener: Opener
    ) -> None:
        """Unfold `file` to its end or to what stops it, which is recorded."""
        attempt = Attempt()
        if depth >= self._limits.depth:
            attempt.failed(f"depth limit of {self._limits.depth}")
        elif self._full:
            attempt.failed(self._full)
        else:
            attempt = self._unfold(file, ordinal, depth, module, opener)
        if attempt.reason:
            self._unseen(file.path, ordinal, attempt.reason, f"{module.name}: {attempt.words}")
        else:
            self._seen.outcome({"file": ordinal, "opened": module.name})

    def _unfold(
        self, file: EvidenceFile, ordinal: int, depth: int, module: Module, opener: Opener
    ) -> Attempt:
        attempt = Attempt()
        names: dict[int, int] = {}
        members: Iterator[Member] | None = None
        taken = 0
        while not attempt.reason:
            if reason := self._step(file, ordinal, module, taken):
                attempt.failed(reason)
                break
            member = None
            with attempt:
                members = iter(opener.unfold(file)) if members is None else members
                member = next(members, None)
            if attempt.reason or member is None:
                break
            taken += 1
            if self._unfolded >= self._limits.members:
                self._full = f"member limit of {self._limits.members}"
            else:
                self._unfolded += 1
                self._member(file, depth + 1, member, names)
            if self._full:
                attempt.failed(self._full)
        return attempt

    def _member(
        self, parent: EvidenceFile, depth: int, member: Member, names: dict[int, int]
    ) -> None:
        """Bring one member to disk and go through it."""
        torn = Attempt()
        path, name, content = "", "", None
        with torn:
            path, name, content = storable(member.path), storable(member.name), member.content
        path = unique(path, names)
        path = f"{parent.path}/{path}" if parent.path else path
        spool = Spool(self._scratch / f"spool-{depth}")
        try:
            self._fetch(content, spool, torn)
            if self._full:
                ordinal = self._row(spool.size, spool.digest(), "application/octet-stream", [],
                                    path=path, name=name, depth=depth)  # fmt: skip
                self._unseen(path, ordinal, self._full)
                return
            room, latest = self._room(depth), self._job.latest
            file = EvidenceFile(spool.descriptor, spool.size, name, path, room, latest)
            self._visit(file, spool.digest(), depth, torn if torn.reason else None)
        finally:
            spool.close()

    def _fetch(self, content: BinaryIO | None, spool: Spool, torn: Attempt) -> None:
        """Bring a member's bytes over, as far as they can be had."""
        while content is not None:
            chunk = b""
            with torn:
                chunk = bytes(content.read(CHUNK))
            if torn.reason or not chunk:
                return
            if self._spooled + len(chunk) > self._limits.bytes:
                self._full = f"limit of {self._limits.bytes} unfolded bytes"
                return
            self._spooled += len(chunk)
            try:
                spool.write(chunk)
            except OSError as error:
                if error.errno != errno.EFBIG:
                    raise
                torn.failed(f"output limit of {self._limits.output} bytes")
                return
            if self._spooled // _TICK != (self._spooled - len(chunk)) // _TICK:
                self._page.tick()


def unique(path: str, names: dict[int, int]) -> str:
    """Return `path`, numbered if this container had it before: a hostile one repeats names."""
    plain = candidate = path or "unnamed"
    first = hash(plain)  # hashes, since a million names would not fit
    while hash(candidate) in names:
        names[first] = number = names.get(first, 1) + 1
        candidate = f"{plain}#{number}"
    names.setdefault(hash(candidate), 1)
    return candidate


def _chunks(descriptor: int, size: int) -> Iterator[bytes]:
    at = 0
    while at < size and (chunk := os.pread(descriptor, CHUNK, at)):
        yield chunk
        at += len(chunk)
