"""Stamps as files under `log/stamps/`: docs/formats/proof.md, "Stamps"."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from holdfast.core import canonical, durable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json

TEXT = "checkpoint.text"


@dataclass(frozen=True)
class Stamped:
    """What lies there of one authority's stamp on one checkpoint; None where a file is missing."""

    size: int
    authority: str
    text: bytes | None
    query: bytes | None
    response: bytes
    record: bytes | None


@dataclass(frozen=True)
class Answer:
    """What an authority was asked about one checkpoint, and what it answered."""

    size: int
    authority: str
    text: bytes
    query: bytes
    response: bytes


@dataclass(frozen=True)
class Waiting:
    """An authority that owes a stamp. One slot an authority: the next stamp covers what waited."""

    authority: str
    size: int
    """The first checkpoint that waited."""
    since: str
    last: str
    """When it was last asked."""
    tries: int
    why: str


class StampFiles:
    """The folder of a log's stamps."""

    def __init__(self, log: Path) -> None:
        self.root = log / "stamps"

    def folder(self, size: int) -> Path:
        """Return where the stamps on the checkpoint of `size` entries lie."""
        return self.root / f"{size:016d}"

    def sizes(self) -> list[int]:
        """Return the sizes of the checkpoints that have a folder, smallest first."""
        return sorted(int(one) for one in self._inside() if _is_size(one))

    def _inside(self) -> list[str]:
        with suppress(FileNotFoundError):
            return [one.name for one in self.root.iterdir()]
        return []

    def names(self, size: int, suffix: str = ".tsr") -> list[str]:
        """Return the authorities that have a file of that kind for one size."""
        with suppress(FileNotFoundError, NotADirectoryError):
            found = (one.name for one in self.folder(size).iterdir())
            return sorted(one.removesuffix(suffix) for one in found if _is_kind(one, suffix))
        return []

    def every(self) -> Iterator[Stamped]:
        """Yield all stamps, by size and name."""
        for size in self.sizes():
            for name in self.names(size):
                stamped = self.read(size, name)
                if stamped is not None:
                    yield stamped

    def read(self, size: int, name: str) -> Stamped | None:
        """Return one stamp; None where there is none."""
        folder = self.folder(size)
        response = _read(folder / f"{name}.tsr")
        if response is None:
            return None
        return Stamped(
            size,
            name,
            _read(folder / TEXT),
            _read(folder / f"{name}.tsq"),
            response,
            _read(folder / f"{name}.ers"),
        )

    def kept(self, size: int) -> Iterator[Path]:
        """Yield the files of all stamps on checkpoints of at most `size` entries, and refusals.

        A copy of a log of `size` entries needs these; one on a larger checkpoint would say that
        the copy was cut.
        """
        for each in self.sizes():
            if each <= size:
                yield from sorted(one for one in self.folder(each).iterdir() if one.name[0] != ".")

    def newest(self, name: str, below: int) -> int:
        """Return the largest size, at most `below`, that the authority stamped; -1 for none."""
        for size in reversed(self.sizes()):
            if size <= below and (self.folder(size) / f"{name}.tsr").exists():
                return size
        return -1

    def keep(self, got: Answer) -> None:
        """Keep a stamp; one that is there already stays."""
        with self._turn(got.size) as folder:
            durable.create(folder / TEXT, got.text)
            if not (folder / f"{got.authority}.tsr").exists():
                # The request first: what a crash leaves is a request that nothing answers.
                durable.replace(folder / f"{got.authority}.tsq", got.query)
                durable.create(folder / f"{got.authority}.tsr", got.response)

    def keep_refused(self, got: Answer, why: str) -> None:
        """Keep an answer that is no good stamp, as it came: the first for each checkpoint."""
        with self._turn(got.size) as folder:
            durable.create(folder / TEXT, got.text)
            if durable.create(folder / f"{got.authority}.refused", got.response):
                durable.replace(folder / f"{got.authority}.refused.tsq", got.query)
                facts = canonical.dumps({"why": why})
                durable.replace(folder / f"{got.authority}.refused.json", facts + b"\n")

    def refused(self, size: int, name: str) -> str:
        """Return why an answer was refused."""
        with suppress(ValueError, KeyError, TypeError):
            return str(
                orjson.loads(_read(self.folder(size) / f"{name}.refused.json") or b"")["why"]
            )
        return "its reason was not kept"

    def keep_crls(self, size: int, name: str, crls: bytes) -> None:
        """Keep the lists of revoked certificates that were fetched last."""
        with self._turn(size) as folder:
            durable.replace(folder / f"{name}.crls", crls)

    def crls(self, name: str) -> list[bytes]:
        """Return all that was kept of an authority's lists, each text once."""
        found = (_read(self.folder(size) / f"{name}.crls") for size in self.sizes())
        return sorted({one for one in found if one is not None})

    def keep_record(self, size: int, name: str, record: bytes) -> None:
        """Keep an evidence record, which holds all that the one before it held."""
        with self._turn(size) as folder:
            durable.replace(folder / f"{name}.ers", record)

    def waiting(self) -> list[Waiting]:
        """Return the authorities that owe a stamp; a damaged note is one that owes."""
        found = sorted(one for one in self._inside() if _is_kind(one, ".waiting"))
        return [self._waiting(name.removesuffix(".waiting")) for name in found]

    def _waiting(self, name: str) -> Waiting:
        try:
            facts = orjson.loads(_read(self.root / f"{name}.waiting") or b"")
            return Waiting(
                name, facts["size"], facts["since"], facts["last"], facts["tries"], facts["why"]
            )
        except (ValueError, KeyError, TypeError):
            return Waiting(name, 0, "", "", 0, "the note of what it owes is damaged")

    def wait(self, name: str, size: int, now: str, why: str) -> None:
        """Note that an authority owes a stamp on the checkpoint of `size` entries."""
        self.root.mkdir(exist_ok=True)
        known = self._waiting(name)
        since, first, tries = (
            (known.since, known.size, known.tries) if known.since else (now, size, 0)
        )
        facts: Json = {"last": now, "since": since, "size": first, "tries": tries + 1, "why": why}
        durable.replace(self.root / f"{name}.waiting", canonical.dumps(facts) + b"\n")

    def served(self, name: str) -> None:
        """Note that an authority owes nothing more."""
        (self.root / f"{name}.waiting").unlink(missing_ok=True)

    @contextmanager
    def _turn(self, size: int) -> Iterator[Path]:
        """Give a size's folder to one writer, so that no answer lies beside another's request."""
        folder = self.folder(size)
        folder.mkdir(parents=True, exist_ok=True)
        durable.sync_directory(self.root)
        with durable.open_directory(folder) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield folder


def _read(path: Path) -> bytes | None:
    with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return path.read_bytes()
    return None


def _is_size(name: str) -> bool:
    return len(name) == 16 and name.isascii() and name.isdigit()


def _is_kind(name: str, suffix: str) -> bool:
    # Not `.name.waiting.123.abc`, which a write that was cut short leaves.
    return name.endswith(suffix) and not name.startswith(".")
