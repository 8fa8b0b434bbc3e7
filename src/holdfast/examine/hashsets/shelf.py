"""The sets of a vault: `sets/<digest>/set.json` and its tables. docs/formats/hash-sets.md.

A set is named by the SHA-256 of its `set.json`, which names its tables by theirs; so the digest
in the custody log says what was looked up. Building the same list again gives the same set.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from holdfast.core import canonical, durable
from holdfast.core.digest import sha256_hex, sha256_stream
from holdfast.core.errors import InputError, IntegrityError
from holdfast.examine.hashsets import values
from holdfast.examine.hashsets.table import WIDTHS, Builder, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.hashsets.sources import Source

FORMAT = "holdfast-hashset/1"
GOOD, BAD, ABUSE = "known-good", "known-bad", "abuse"
KINDS = (GOOD, BAD, ABUSE)
FACTS = "set.json"
_NAME = re.compile(r"[\w][\w .:+/()-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a person says of a list."""

    name: str
    kind: str
    """One of `KINDS`."""
    origin: str
    """Who publishes it, where it was had from."""
    version: str
    licence: str
    date: str
    """Of the publication, as its publisher writes it."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"{self.kind!r} is no kind of set", f"choose from {', '.join(KINDS)}")
        if not _NAME.fullmatch(self.name):
            raise InputError(
                f"{self.name[:100]!r} can't name a set", "use up to 100 letters, digits and blanks"
            )


@dataclass(frozen=True)
class HashSet:
    """A set as it lies on disk."""

    digest: str
    described: Described
    facts: dict[str, Json]
    """All of set.json."""

    @property
    def counts(self) -> dict[str, int]:
        """Digests by what they are of: `sha256`, `domain`."""
        return {name: cast("int", facts["count"]) for name, facts in self._tables().items()}

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each table."""
        return {name: str(facts["sha256"]) for name, facts in self._tables().items()}

    def _tables(self) -> dict[str, dict[str, Json]]:
        return cast("dict[str, dict[str, Json]]", self.facts["tables"])

    def as_json(self) -> dict[str, Json]:
        """Return the set as the log and `hashset list --json` have it."""
        counts: dict[str, Json] = dict(self.counts)
        return {"set": self.digest, **vars(self.described), "counts": counts}


def build(
    source: Source, described: Described, folder: Path, tell: Callable[[int], None] = lambda _: None
) -> Path:
    """Build the set of a list of file digests in a new folder in `folder`, and return its place.

    Memory doesn't grow with the list. `tell` hears how many digests were read.

    Raises:
        InputError: the list can't be read, or has no digest.
        OSError: no room.
    """

    def fill(builders: dict[str, Builder], scratch: Path) -> dict[str, Json]:
        done = 0
        for algorithm, digests in source.batches():
            if algorithm not in builders:
                builders[algorithm] = Builder(algorithm, scratch)
            builders[algorithm].add(digests)
            done += len(digests) // WIDTHS[algorithm]
            tell(done)
        return {"format": source.form, "read": dict(sorted(source.counts.items()))}

    return _build(source.path, described, folder, fill)


def build_values(path: Path, kind: str, described: Described, folder: Path) -> Path:
    """Build the set of a list of values, domains for example; else as `build`."""
    if described.kind == ABUSE:
        raise InputError("a list of values is known-good or known-bad", "--kind known-good")

    def fill(builders: dict[str, Builder], scratch: Path) -> dict[str, Json]:
        found = [*values.read(path, kind)]
        if found:
            builders[kind] = Builder("sha256", scratch)
            builders[kind].add(values.digests(kind, found).tobytes())
        return {"format": "values", "read": {kind: len(found)}}

    return _build(path, described, folder, fill)


def _build(
    path: Path,
    described: Described,
    folder: Path,
    fill: Callable[[dict[str, Builder], Path], dict[str, Json]],
) -> Path:
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=folder) as name:
        scratch, made = Path(name), Path(name) / "set"
        made.mkdir()
        builders: dict[str, Builder] = {}
        read = fill(builders, scratch)
        if not builders:
            raise InputError(f"{path} holds nothing to look for")
        tables: dict[str, Json] = {}
        for table in sorted(builders):
            count, digest = builders.pop(table).write(made / f"{table}.table")
            tables[table] = {"count": count, "sha256": digest}
        facts: dict[str, Json] = {
            "format": FORMAT, "source": {**read, **_origin(path)}, "tables": tables,
            **vars(described),
        }  # fmt: skip
        data = canonical.dumps(facts)
        (made / FACTS).write_bytes(data)
        target = folder / sha256_hex(data)
        if target.exists():
            shutil.rmtree(target)  # the same set, whole or not
        for one in (*made.iterdir(), made):
            _synced(one)
        made.rename(target)
        durable.sync_directory(folder)
    return target


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _origin(path: Path) -> dict[str, Json]:
    """Return the name, size and SHA-256 of a list; a folder has a name only."""
    if path.is_dir():
        return {"name": path.resolve().name}
    with path.open("rb") as file:
        digest, size = sha256_stream(file)
    return {"name": path.name, "sha256": digest, "size": size}


def load(folder: Path, digest: str) -> HashSet:
    """Return the set of this digest.

    Raises:
        IntegrityError: it isn't there, or isn't what its name says.
    """
    remedy = "add the list again: holdfast hashset add"
    try:
        data = (folder / digest / FACTS).read_bytes()
    except OSError as error:
        raise IntegrityError(f"the set {digest} is missing: {error.strerror}", remedy) from error
    if sha256_hex(data) != digest:
        raise IntegrityError(f"the set {digest} is not what its name says", remedy)
    facts = cast("dict[str, Json]", canonical.loads(data))
    names = Described.__dataclass_fields__
    described = Described(**{name: str(facts[name]) for name in names})
    return HashSet(digest, described, facts)


def check_whole(folder: Path, one: HashSet) -> None:
    """Read every table of a set, to see that each is what was built.

    Raises:
        IntegrityError: one isn't.
    """
    for name, digest in one.digests.items():
        with (folder / one.digest / f"{name}.table").open("rb") as file:
            if sha256_stream(file)[0] != digest:
                raise IntegrityError(
                    f"the table {name} of the set {one.described.name} was altered",
                    "remove it and add the list again: holdfast hashset",
                )


@dataclass(frozen=True)
class Opened:
    """A set whose tables are open for look-ups."""

    set: HashSet
    tables: dict[str, Table]


@contextmanager
def opened(folder: Path, digests: Iterable[str]) -> Iterator[list[Opened]]:
    """Open these sets; they are closed afterwards.

    Raises:
        IntegrityError: one is missing, or isn't what its name says.
    """
    with ExitStack() as stack:
        found = []
        for digest in digests:
            one = load(folder, digest)
            tables = {name: Table(folder / digest / f"{name}.table") for name in one.counts}
            for table in tables.values():
                stack.callback(table.close)
            found.append(Opened(one, tables))
        yield found
