"""Results on disk: `derived/<item>/<key>/` and `derived/<item>/done.json`. docs/formats/records.md.

`done.json` is the commitment: it names every result in force for its item, each of its files with
size and SHA-256, and appears last, by rename; a folder it does not name is not there. One for an
item, not one for each result, and short lists inside it rather than in files beside it: making a
file costs 0.4 ms on ext4 here, more than reading the tiny ones that most items are.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from holdfast.core import canonical
from holdfast.core.digest import is_sha256_hex, sha256_stream
from holdfast.core.errors import InputError, IntegrityError
from holdfast.examine._roster import ENUMERATION
from holdfast.examine.records import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json

DONE = "done.json"
FORMAT = "holdfast-derived/1"
FILES = "files.parquet"
OUTCOMES = "outcomes.jsonl"
KEPT = 4
"""Earlier results of one module that stay beside the one in force."""
_FILE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,100}\.(parquet|jsonl)")


@dataclass(frozen=True)
class Result:
    """What one module made of one item, or the enumeration."""

    key: str
    facts: dict[str, Json]
    """Version, decoders, totals, and the lists that were short enough to stand here."""
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Name to (size, SHA-256) of each file; empty where there was nothing to keep."""

    def to_json(self) -> Json:
        """Return it as it stands in done.json."""
        if not self.files:
            return {"key": self.key, **self.facts}
        files: list[Json] = [
            {"name": name, "size": size, "sha256": digest}
            for name, (size, digest) in sorted(self.files.items())
        ]
        return {"key": self.key, "files": files, **self.facts}

    def total(self, name: str) -> int:
        """Return one of the totals: `files`, `bytes`, `records`, `failures`; 0 if it has none."""
        totals = self.facts.get("totals")
        number = totals.get(name, 0) if isinstance(totals, dict) else 0
        return number if isinstance(number, int) else 0


@dataclass(frozen=True)
class Earlier:
    """A result that another version, library or setting has taken the place of."""

    module: str
    """Its label; `enumeration` for that."""
    result: Result

    def to_json(self) -> Json:
        """Return it as it stands in done.json."""
        return {"module": self.module, "result": self.result.to_json()}


@dataclass(frozen=True)
class Current:
    """What is in force for an item."""

    item: str
    enumeration: Result
    modules: dict[str, Result]
    """By label, `role:name`."""
    earlier: tuple[Earlier, ...] = ()
    """What was in force before, the newest last: nothing reads it but a comparison."""

    def to_json(self) -> Json:
        """Return it as it stands in done.json."""
        before: list[Json] = [one.to_json() for one in self.earlier]
        return {
            "format": FORMAT,
            "item": self.item,
            "enumeration": self.enumeration.to_json(),
            "modules": {name: result.to_json() for name, result in self.modules.items()},
            **({"earlier": before} if before else {}),
        }

    def every(self) -> dict[str, Result]:
        """Return what is in force by label, the enumeration as `enumeration`."""
        return {ENUMERATION: self.enumeration, **self.modules}


@dataclass(frozen=True)
class Dataset:
    """One Parquet file of records."""

    item: str
    module: str
    """`role:name`; `enumeration` for what could not be opened."""
    kind: str
    path: Path


def current(derived: Path, item: str) -> Current | None:
    """Return what is in force for `item`; None where it was not examined to its end.

    Raises:
        InputError: not an item's digest.
        IntegrityError: done.json is not what was written.
    """
    if not is_sha256_hex(item):
        raise InputError(f"{item!r} is no item's SHA-256")
    try:
        data = (derived / item / DONE).read_bytes()
    except FileNotFoundError:
        return None
    try:
        match canonical.loads(data):
            case {
                "format": "holdfast-derived/1",
                "item": str(name),
                "enumeration": dict(enumeration),
                "modules": dict(modules),
                **more,
            } if name == item:
                found = {label: _result(value) for label, value in modules.items()}
                return Current(item, _result(enumeration), found, _earlier(more.get("earlier")))
        raise ValueError("a field is missing or of another type")
    except ValueError as error:
        raise IntegrityError(
            f"{DONE} of item {item} is damaged: {error}", "remove it and examine the item again"
        ) from error


def datasets(derived: Path, items: Iterable[str]) -> Iterator[Dataset]:
    """Yield every dataset of records in force for `items`, by item, module and kind.

    Raises:
        IntegrityError: a done.json is damaged.
    """
    for item in items:
        now = current(derived, item)
        results = sorted({**now.modules, ENUMERATION: now.enumeration}.items()) if now else []
        for module, result in results:
            for name in sorted(result.files):
                if name.endswith(".parquet") and name != FILES:
                    kind = name.removesuffix(".parquet")
                    yield Dataset(item, module, kind, derived / item / result.key / name)


def seen(derived: Path, now: Current) -> Iterator[dict[str, object]]:
    """Yield a row for each file that the enumeration saw, in its order.

    Columns: file, path, name, size, sha256, type, depth, openers.

    Raises:
        IntegrityError: the list is damaged.
    """
    if FILES in now.enumeration.files:
        yield from read(derived / now.item / now.enumeration.key / FILES)
        return
    rows = now.enumeration.facts.get("rows")
    if not isinstance(rows, list):
        raise IntegrityError(f"the enumeration of item {now.item} has no list of files")
    for row in rows:
        yield dict(row) if isinstance(row, dict) else {}


def outcomes(derived: Path, now: Current, result: Result) -> Iterator[dict[str, object]]:
    """Yield what became of each file that a module took: `file`, and `failed` with the reason.

    Raises:
        IntegrityError: the list is damaged.
    """
    if OUTCOMES not in result.files:
        inline = result.facts.get("outcomes")
        for line in inline if isinstance(inline, list) else []:
            yield dict(line) if isinstance(line, dict) else {}
        return
    try:
        with (derived / now.item / result.key / OUTCOMES).open("rb") as stream:
            for text in stream:
                line = canonical.loads(text.rstrip(b"\n"))
                yield dict(line) if isinstance(line, dict) else {}
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"{OUTCOMES} of {now.item}/{result.key} is damaged: {error}"
        ) from error


def verify(derived: Path, items: Iterable[str]) -> Iterator[str]:
    """Yield a line for each file in force whose bytes are not those that were published."""
    for item in items:
        now = current(derived, item)
        for result in _every(now) if now else ():
            for name, expected in result.files.items():
                path = derived / item / result.key / name
                try:
                    with path.open("rb") as stream:
                        digest, size = sha256_stream(stream)
                except OSError as error:
                    yield f"{path}: {error.strerror}"
                    continue
                if (size, digest) != expected:
                    yield f"{path}: not the bytes that were published"


def taken(folder: Path) -> dict[str, tuple[int, str]]:
    """Return name to (size, SHA-256) of what a worker left in `folder`; nothing if it is absent.

    Raises:
        IntegrityError: it holds something that a worker does not write.
    """
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return {}
    return {entry.name: _ordinary(entry) for entry in entries}


def publish(derived: Path, folder: Path, now: Current) -> None:
    """Put what a worker wrote into `folder` in force, with what `now` keeps from before.

    What it takes the place of stays beside it, the last `KEPT` results of each module.

    For a new item this is one rename. Otherwise result folders first, done.json last: one that
    ends in between leaves folders that nothing names, which the next attempt replaces.

    Raises:
        OSError: no room, or no right to write.
    """
    target = derived / now.item
    before = _known(derived, now.item)
    now = replace(now, earlier=_kept(before, now))
    (folder / DONE).write_bytes(canonical.dumps(now.to_json()))
    if not target.exists():
        try:
            folder.rename(target)
        except OSError:  # another engine was there first: go the longer way
            if not target.exists():
                raise
        else:
            return
    for result in (now.enumeration, *now.modules.values()):
        if (folder / result.key).exists():
            if (target / result.key).exists():
                shutil.rmtree(target / result.key)
            (folder / result.key).rename(target / result.key)
    (folder / DONE).replace(target / DONE)
    named = {result.key for result in _every(now)}
    for result in _every(before) if before else ():
        if result.key not in named:
            shutil.rmtree(target / result.key, ignore_errors=True)


def _known(derived: Path, item: str) -> Current | None:
    try:
        return current(derived, item)
    except IntegrityError:  # torn by a power cut: nothing that can't be made again
        return None


def _every(now: Current) -> tuple[Result, ...]:
    return (*now.every().values(), *(one.result for one in now.earlier))


def _kept(before: Current | None, now: Current) -> tuple[Earlier, ...]:
    """Return what stays beside `now`: what was in force last, then what was so before it."""
    if before is None:
        return ()
    in_force = {(label, result.key) for label, result in now.every().items()}
    known = [(one.module, one.result) for one in before.earlier] + list(before.every().items())
    kept: dict[tuple[str, str], Earlier] = {}
    count: Counter[str] = Counter()
    for label, result in reversed(known):
        if (label, result.key) not in {*in_force, *kept} and count[label] < KEPT:
            kept[label, result.key] = Earlier(label, result)
            count[label] += 1
    return tuple(reversed(kept.values()))


def _ordinary(entry: os.DirEntry[str]) -> tuple[int, str]:
    facts = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1 or not _FILE.fullmatch(entry.name):
        raise IntegrityError("a worker left something that is no dataset")
    with os.fdopen(os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream:
        digest, size = sha256_stream(stream)
    return size, digest


def _earlier(values: object) -> tuple[Earlier, ...]:
    found = []
    for value in values if isinstance(values, list) else []:
        match value:
            case {"module": str(module), "result": result}:
                found.append(Earlier(module, _result(result)))
            case _:
                raise ValueError("an earlier result is not whole")
    return tuple(found)


def _result(value: Json) -> Result:
    if not isinstance(value, dict) or not is_sha256_hex(str(value.get("key"))):
        raise ValueError("a result has no key")
    listed = value.get("files", [])
    files = {}
    for entry in listed if isinstance(listed, list) else [None]:
        match entry:
            case {"name": str(name), "size": int(size), "sha256": str(digest)} if _FILE.fullmatch(
                name
            ):
                files[name] = (size, digest)
            case _:
                raise ValueError("a file's entry is not whole")
    facts = {name: fact for name, fact in value.items() if name not in {"key", "files"}}
    return Result(str(value["key"]), facts, files)
