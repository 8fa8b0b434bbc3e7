"""A BagIt 1.0 folder (RFC 8493) that is whole or absent.

It is gathered in a hidden folder beside its place, listed while it is written, synced once and
renamed: a bundle that was cut short never has its name. Of memory it takes one chunk of a file.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Self

from holdfast.core import durable
from holdfast.core.digest import sha256_stream
from holdfast.core.errors import InputError
from holdfast.exchange import sealing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

PROOF = "data/proof/"
MANIFEST, TAGS = "manifest-sha256.txt", "tagmanifest-sha256.txt"
CONTENTS = f"{PROOF}contents.sha256"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
"""RFC 8493 section 2.1.1."""
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_ZEROS = bytes(1 << 20)
_HOLE = 4096


class Writer:
    """One file of a bag being written: hashed as it goes, its long zeros left as holes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._hasher = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append `data`."""
        self._hasher.update(data)
        if len(data) >= _HOLE and data == _ZEROS[: len(data)]:
            os.lseek(self._descriptor, len(data), os.SEEK_CUR)
        else:
            durable.write_all(self._descriptor, data)
        self.size += len(data)
        return len(data)

    def end(self) -> None:
        """Give the file its length, where it ends in a hole."""
        os.ftruncate(self._descriptor, self.size)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far, in hex."""
        return self._hasher.hexdigest()


class Bag:
    """A bag on its way to `target`; leaving the block without `publish` removes it."""

    def __init__(self, target: Path, sealed_to: Sequence[str] = ()) -> None:
        """Open a hidden folder beside `target`; with `sealed_to`, `target` is to be one file.

        Raises:
            InputError: `target` is in use, or its parent is not there; a recipient is none.
        """
        self.target = target.resolve()
        self._recipients = sealing.recipients(sealed_to)
        if self._recipients and self.target.exists():
            raise InputError(f"{target} is there already", "give a file that does not exist yet")
        if self.target.exists() and (not self.target.is_dir() or any(self.target.iterdir())):
            raise InputError(
                f"{target} is not empty", "give a folder that does not exist yet, or an empty one"
            )
        if not self.target.parent.is_dir():
            raise InputError(f"{self.target.parent} is no folder", "make it first")
        name = f".{self.target.name}.{os.getpid()}.{os.urandom(4).hex()}.partial"
        self.folder = self.target.with_name(name)
        self.files = 0
        self._streams: list[BinaryIO] = []
        self._contents = hashlib.sha256()

    def __enter__(self) -> Self:
        # Evidence in the clear: it is its owner's to hand on.
        self.folder.mkdir(mode=0o700)
        try:
            (self.folder / PROOF).mkdir(parents=True)
            self._manifest = self._opened(MANIFEST)
            self._listing = self._opened(CONTENTS)
            self._tags: list[tuple[str, str]] = []
            self.put("bagit.txt", DECLARATION)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        for stream in self._streams:
            with suppress(OSError):  # what could not be flushed is thrown away anyway
                stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _opened(self, path: str) -> BinaryIO:
        self._streams.append((self.folder / path).open("wb"))
        return self._streams[-1]

    @contextmanager
    def writer(self, path: str) -> Iterator[Writer]:
        """Give a new file of the bag to write; it is listed when the block ends well.

        Raises:
            InputError: `path` is no name that a bundle may hold.
            FileExistsError: the bag has it already.
        """
        if not is_path(path):
            raise InputError(f"{path!r} can't name a file of a bundle")
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(place, flags, 0o444)
        try:
            writer = Writer(descriptor)
            yield writer
            writer.end()
        finally:
            os.close(descriptor)
        self._list(path, writer.digest)

    def put(self, path: str, data: bytes) -> str:
        """Write a small file whole; return its SHA-256."""
        with self.writer(path) as writer:
            writer.write(data)
        return writer.digest

    def has(self, path: str) -> bool:
        """Say whether the bag holds `path` already."""
        return (self.folder / path).exists()

    def describe(self, facts: dict[str, str]) -> None:
        """Write bag-info.txt (RFC 8493 section 2.2.2), one line a fact.

        Payload-Oxum is left out: it would depend on the proof, which depends on this file.
        """
        facts = {"Bagging-Date": datetime.now(UTC).date().isoformat(), **facts}
        lines = "".join(f"{name}: {value}\n" for name, value in facts.items())
        self.put("bag-info.txt", lines.encode())

    def seal_contents(self) -> str:
        """End the list of everything but the proof; return its digest, which the log will bind."""
        self._listing.close()
        with (self.folder / CONTENTS).open("rb") as stream:
            digest, _ = sha256_stream(stream)
        self._list(CONTENTS, digest)
        return digest

    def publish(self) -> None:
        """Write the tag manifest, sync, and give the bag its name.

        Raises:
            InputError: something took the name meanwhile.
        """
        self._manifest.close()
        with (self.folder / MANIFEST).open("rb") as stream:
            self._tags.append((MANIFEST, sha256_stream(stream)[0]))
        lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(self._tags))
        (self.folder / TAGS).write_bytes(lines.encode())
        durable.sync_filesystem(self.folder)
        if self._recipients:
            sealing.seal(self.folder, self.target, self._recipients)
            return
        try:
            self.folder.rename(self.target)
        except OSError as error:
            if not self.target.exists():
                raise
            raise InputError(f"{self.target} came into use meanwhile", "give another") from error
        durable.sync_directory(self.target.parent)

    def _list(self, path: str, digest: str) -> None:
        line = f"{digest}  {path}\n".encode()
        if path.startswith("data/"):
            self._manifest.write(line)
        else:
            self._tags.append((path, digest))
        if not path.startswith(PROOF):
            self._listing.write(line)
        self.files += 1


def is_path(path: str) -> bool:
    """Say whether `path` can name a file of a bundle."""
    return len(path) <= 900 and _PATH.fullmatch(path) is not None


def fact(text: str) -> str:
    """Return `text` on one line, for bag-info.txt."""
    return " ".join(text.split())
