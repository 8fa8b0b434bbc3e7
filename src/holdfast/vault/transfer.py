"""Carry objects from one store to another: hashed on the way, admitted as any others, read back.

Names that the other store has already are not sent again, so what was cut short goes on; every
object is read back at the end, whoever put it there.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from holdfast.core import durable
from holdfast.core.digest import CHUNK
from holdfast.core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from holdfast.vault.store import Intake, Store

_FILES = 500
_BYTES = 256 << 20
"""How much is staged, at the most, before it gets its place; one object may be larger."""


@dataclass
class Carried:
    """What was carried."""

    objects: int = 0
    bytes: int = 0


def absent(source: Store, target: Store) -> Iterator[str]:
    """Yield the names that `source` has and `target` has not."""
    yield from _only_first(source.digests(), target.digests())


def _only_first(left: Iterable[str], right: Iterable[str]) -> Iterator[str]:
    """Yield what of one ascending series is not in another."""
    theirs = iter(right)
    there = next(theirs, None)
    for name in left:
        while there is not None and there < name:
            there = next(theirs, None)
        if there != name:
            yield name


def carry(source: Store, target: Store, tell: Callable[[int, int | None, str], None]) -> Carried:
    """Copy every object of `source` that `target` lacks.

    Raises:
        IntegrityError: an object of `source` is not what its name says; those before it are
            carried.
        RemoteError: a store does not answer.
    """
    # What an earlier try has left there was never confirmed: it is carried again.
    target.recover(lambda _names: set())
    done = Carried()
    intake = target.intake(f"carry-{os.urandom(6).hex()}")
    try:
        names = absent(source, target)
        while group := _stage(source, intake, names, done, tell):
            intake.flush()
            intake.admit(group)
    except BaseException:
        intake.leave()
        raise
    intake.close()
    return done


def _stage(
    source: Store,
    intake: Intake,
    names: Iterator[str],
    done: Carried,
    tell: Callable[[int, int | None, str], None],
) -> list[str]:
    group: list[str] = []
    limit = done.bytes + _BYTES
    for digest in islice(names, _FILES):
        done.bytes += stage(source, intake, digest)
        done.objects += 1
        group.append(digest)
        tell(done.objects, None, digest)
        if done.bytes >= limit:
            break
    return group


def stage(source: Store, intake: Intake, digest: str) -> int:
    """Stage one object of `source`; return its size.

    Raises:
        IntegrityError: it is missing, or not what its name says: nothing is staged then.
    """
    size = 0

    def write(target: int) -> str:
        nonlocal size
        hasher = hashlib.sha256()
        with source.open(digest) as stream:
            while chunk := stream.read(CHUNK):
                hasher.update(chunk)
                durable.write_all(target, chunk)
                size += len(chunk)
        if hasher.hexdigest() != digest:
            raise IntegrityError(
                f"the object {digest} in {source.where} was altered: its SHA-256 is "
                f"{hasher.hexdigest()}",
                "it was not copied; repair it (`holdfast verify --continuous --once`), or restore "
                "it from a backup, then repeat",
            )
        return digest

    intake.stage(write)
    return size


def read_back(
    names: Iterable[str],
    target: Store,
    jobs: int,
    tell: Callable[[int, int | None, str], None],
) -> int:
    """Hash every object of `names` in `target`; return how many.

    Raises:
        IntegrityError: one is missing there, or not what its name says.
        RemoteError: the store does not answer.
    """

    def check(digest: str) -> None:
        with target.open(digest) as stream:
            found = sha256(stream)
        if found != digest:
            raise IntegrityError(
                f"the object {digest} in {target.where} is not what its name says: its SHA-256 "
                f"is {found}",
                "nothing was switched or removed; clear that place, or name another, and repeat",
            )

    count = 0
    with ThreadPoolExecutor(jobs, thread_name_prefix="read-back") as pool:
        every = iter(names)
        while group := list(islice(every, 1000)):
            for _ in pool.map(check, group):
                count += 1
                tell(count, None, "read back")
    return count


def check_no_others(source: Store, target: Store) -> None:
    """See that `target` has no object that `source` has not.

    Raises:
        IntegrityError: it has.
    """
    extra = next(_only_first(target.digests(), source.digests()), None)
    if extra is not None:
        raise IntegrityError(
            f"{target.where} holds an object that is not this vault's: {extra}",
            "name a place of the vault's own, or remove it there",
        )


def sha256(stream: BinaryIO) -> str:
    """Return the SHA-256 of a stream, in hex."""
    hasher = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()
