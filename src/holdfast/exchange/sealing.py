"""A bundle as one file that only its named recipients can open: a tar, encrypted with age.

Its recipient needs no program of ours: `age -d -i KEY bundle.tar.age | tar x`.
"""

from __future__ import annotations

import os
import tarfile
import threading
from typing import TYPE_CHECKING, BinaryIO

import pyrage

from holdfast.core import durable
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def recipients(texts: Sequence[str]) -> list[pyrage.x25519.Recipient]:
    """Return the recipients that `texts` name (`age1…`).

    Raises:
        InputError: one is no recipient of age.
    """
    found = []
    for text in texts:
        try:
            found.append(pyrage.x25519.Recipient.from_str(text.strip()))
        except (ValueError, pyrage.RecipientError):
            raise InputError(
                f"{text[:80]!r} is no recipient of age",
                "copy the whole line that begins with age1, as `age-keygen` printed it",
            ) from None
    return found


def seal(folder: Path, target: Path, to: list[pyrage.x25519.Recipient]) -> None:
    """Write `folder` as an encrypted tar to `target`, which must not exist: whole or not at all.

    Raises:
        InputError: something took the name meanwhile.
        OSError: the disk refused; nothing is left of it.
    """
    name = target.name.removesuffix(".age").removesuffix(".tar") or "bundle"
    partial = folder.with_suffix(".age")
    try:
        with partial.open("xb") as out:
            encrypt(folder, name, out, to)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(partial, target)
        except FileExistsError as error:
            raise InputError(f"{target} came into use meanwhile", "give another") from error
    finally:
        partial.unlink(missing_ok=True)
    durable.sync_directory(target.parent)


class _Kept:
    """A stream that remembers why it failed, since `encrypt_io` tells that as text only."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        try:
            return self._stream.write(data)
        except OSError as error:
            self.failure = error
            raise

    def flush(self) -> None:
        """Do nothing: whoever opened the stream flushes and syncs it."""


def encrypt(folder: Path, name: str, out: BinaryIO, to: list[pyrage.x25519.Recipient]) -> None:
    """Write `folder` as an encrypted tar, in which it is called `name`.

    One thread writes the tar into a pipe, whose other end is read to be encrypted.

    Raises:
        OSError: what was to be read or written could not be.
    """
    read_end, write_end = os.pipe()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            with (
                os.fdopen(write_end, "wb") as pipe,
                tarfile.open(mode="w|", fileobj=pipe, format=tarfile.PAX_FORMAT) as tar,
            ):
                tar.add(folder, name, filter=_plain)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            failures.append(error)

    writer = threading.Thread(target=write, name="tar", daemon=True)
    kept = _Kept(out)
    with os.fdopen(read_end, "rb") as plain:
        writer.start()
        try:
            pyrage.encrypt_io(plain, kept, to)
        except pyrage.EncryptError:
            if kept.failure is None:
                raise
            raise kept.failure from None
        finally:
            plain.close()  # a writer that still writes is told so by a broken pipe
            writer.join()
    if failures:
        raise failures[0]


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Name nobody's account in it, and let whoever unpacks it remove it again."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o700 if member.isdir() else 0o400
    return member
