"""Copy what a walk comes to into the intake, group by group, each file with its record."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.collect.collectors import files
from holdfast.collect.interfaces import Skipped, path_field
from holdfast.core import clock, durable
from holdfast.core.digest import sha256_stream
from holdfast.vault import copying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from holdfast.collect.collectors.files import Waiting
    from holdfast.collect.interfaces import Source
    from holdfast.core.canonical import Json
    from holdfast.vault.copying import Copied
    from holdfast.vault.staging import Staging


@dataclass(frozen=True)
class Staged:
    """A file that lies in the intake, with its record."""

    copied: Copied
    place: str
    """Where in the intake it lies."""
    path: dict[str, Json]
    record: dict[str, Json]

    @property
    def text(self) -> str:
        """The path as people read it."""
        return str(self.path["text"])


@dataclass
class Group:
    """What is synced, entered and admitted together, in the order in which it was found."""

    staged: list[Staged] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    bytes: int = 0

    def __len__(self) -> int:
        """Return how many things it has come to."""
        return len(self.staged) + len(self.skipped)


@dataclass(frozen=True)
class Bounds:
    """When a group is full: at this many files or bytes."""

    files: int
    bytes: int

    def full(self, group: Group) -> bool:
        """Say whether nothing more goes into the group."""
        return group.bytes >= self.bytes or len(group) >= self.files


@dataclass(frozen=True)
class Stager:
    """Copies files into one run's folder of the vault at `root`."""

    root: Path
    recipient: str | None
    """The age recipient that a sealed vault's objects are wrapped to."""
    bounds: Bounds

    def groups(
        self, waiting: list[Waiting], staging: Staging, tell: Callable[[int, str], None]
    ) -> Iterator[Group]:
        """Walk on from `waiting`, yielding what is staged; `tell` hears of each file's size.

        Raises:
            ResourceError: the vault's disk refused.
        """
        group = Group()
        for found in files.walk(waiting):
            one = found if isinstance(found, Skipped) else self._stage(staging, found)
            if isinstance(one, Skipped):
                group.skipped.append(one)
            else:
                group.staged.append(one)
                group.bytes += one.copied.size
                tell(one.copied.size, one.text)
            if self.bounds.full(group):
                yield group
                group = Group()
        if len(group):
            yield group

    def _stage(self, staging: Staging, source: Source) -> Staged | Skipped:
        """Copy one file into the intake; what changed meanwhile is hashed again.

        Raises:
            ResourceError: the vault's disk refused.
        """
        started = clock.now()
        copied: list[Copied] = []

        def write(target: int) -> str:
            copied.append(copying.copy(source.descriptor, target, self.recipient))
            return copied[0].object

        try:
            with durable.disk_errors(self.root):
                _, place = staging.stage(write)
        except copying.SourceError as error:
            reason = os.strerror(error.errno or 0)
            return Skipped(source.path, "unreadable", f"reading stopped: {reason}")
        record = {
            **source.record,
            "ended": clock.to_text(clock.now()),
            "started": clock.to_text(started),
        }
        change = _changed(source, copied[0])
        if change is not None:
            record["changed"] = change
        return Staged(copied[0], place, path_field(source.path), record)


def stage_file(
    staging: Staging, file: Path, named: str, record: dict[str, Json], recipient: str | None
) -> Staged:
    """Stage a file that a collector made, under the name that it was collected by.

    Raises:
        OSError: the disk refused.
    """
    copied: list[Copied] = []
    source = os.open(file, os.O_RDONLY | os.O_CLOEXEC)

    def write(target: int) -> str:
        copied.append(copying.copy(source, target, recipient))
        return copied[0].object

    try:
        _, place = staging.stage(write)
    finally:
        os.close(source)
    return Staged(copied[0], place, path_field(named.encode()), record)


def _changed(source: Source, copied: Copied) -> dict[str, Json] | None:
    """Return both sizes and hashes where the source changed while it was read; None otherwise."""
    facts = os.fstat(source.descriptor)
    if (facts.st_mtime_ns, facts.st_size) == source.state and copied.size == facts.st_size:
        return None
    before = {name: source.record[name] for name in ("modified", "size")}
    after = files.state_of(facts)
    with os.fdopen(os.dup(source.descriptor), "rb") as stream:
        stream.seek(0)
        digest, size = sha256_stream(stream)
    again: dict[str, Json] = {"sha256": digest, "size": size}
    return {
        "after": dict(after),
        "before": before,
        "read_again": again,
        "stored": {"sha256": copied.item, "size": copied.size},
    }
