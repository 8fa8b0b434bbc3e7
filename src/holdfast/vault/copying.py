"""Copy and hash in one read: the digest is of the bytes that were stored, not of a second look.

Plain copies keep holes, so a sparse image of 10 GB takes the room of its data. Sealed copies are
age files (https://age-encryption.org/v1): one fresh X25519 identity per item, itself wrapped to
each case that holds the item, so that `age -d` alone opens a sealed object.
"""

from __future__ import annotations

import base64
import ctypes
import errno
import hashlib
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pyrage

from holdfast.core.digest import CHUNK
from holdfast.core.durable import write_all
from holdfast.core.errors import DeniedError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

_WRITE_BEHIND = 32 << 20
"""Bytes after which the kernel is told to start writing, so that the last sync is short."""
_SYNC_FILE_RANGE_WRITE = 2
_AHEAD = 8
"""Chunks that may wait for the hash while the next are read and written."""

_libc = ctypes.CDLL(None, use_errno=True)


class SourceError(OSError):
    """Reading the source failed, not writing the copy."""


@dataclass(frozen=True)
class Copied:
    """What a copy was of and what it made."""

    item: str
    """SHA-256 of the bytes read."""
    object: str
    """SHA-256 of the bytes written; the same as `item` in a plain vault."""
    size: int
    """Bytes read."""
    wrapped: str | None = None
    """The item's identity, wrapped to the case: a base64 age file; None in a plain vault."""


def copy(source: int, target: int, recipient: str | None) -> Copied:
    """Copy descriptor `source` to `target`: plain, or sealed where there is a `recipient`.

    Raises:
        SourceError: reading failed.
        OSError: writing failed.
    """
    if recipient is None:
        return copy_plain(source, target)
    return copy_sealed(source, target, recipient)


def copy_plain(source: int, target: int) -> Copied:
    """Copy descriptor `source`, from its start, to `target`.

    Raises:
        SourceError: reading failed.
        OSError: writing failed.
    """
    chunk = _read(source, CHUNK, 0)
    if len(chunk) < CHUNK and not _read(source, 1, len(chunk)):
        write_all(target, chunk)
        digest = hashlib.sha256(chunk).hexdigest()
        return Copied(digest, digest, len(chunk))
    hasher = hashlib.sha256()
    size = at = behind = 0
    pending: deque[Future[None]] = deque()
    pool = _hashers()
    for at, chunk in _chunks(source):
        if at > size:
            while pending:
                pending.popleft().result()
            _hash_zeros(hasher, at - size)
            os.lseek(target, at, os.SEEK_SET)
        if chunk:
            pending.append(pool.submit(hasher.update, chunk))
            write_all(target, chunk)
            if len(pending) > _AHEAD:
                pending.popleft().result()
        size = at + len(chunk)
        if size - behind >= _WRITE_BEHIND:
            _libc.sync_file_range(
                target,
                ctypes.c_int64(behind),
                ctypes.c_int64(size - behind),
                _SYNC_FILE_RANGE_WRITE,
            )
            behind = size
    os.ftruncate(target, size)
    while pending:
        pending.popleft().result()
    digest = hasher.hexdigest()
    return Copied(digest, digest, size)


def copy_sealed(source: int, target: int, recipient: str) -> Copied:
    """Copy descriptor `source` to `target` as an age file; wrap its key to a case's `recipient`.

    Raises:
        SourceError: reading failed.
        OSError: writing failed.
    """
    identity = pyrage.x25519.Identity.generate()
    reader, writer = _Reader(source), _Writer(target)
    failure: BaseException | None = None
    try:
        _undisturbed(reader, pyrage.encrypt_io, reader, writer, [identity.to_public()])
    except (pyrage.EncryptError, OSError) as error:
        failure = OSError(f"sealing failed: {error}")
    # The library wraps what the streams raised, and loses what the very last write raised; the
    # streams remember it whole.
    failure = reader.error or writer.error or failure
    if failure is not None:
        raise failure from None
    return Copied(
        reader.hasher.hexdigest(),
        writer.hasher.hexdigest(),
        reader.at,
        wrap(str(identity), recipient),
    )


def wrap(secret: str, recipient: str) -> str:
    """Return `secret` as a base64 age file that the case's identity opens."""
    to = pyrage.x25519.Recipient.from_str(recipient)
    return base64.b64encode(pyrage.encrypt(secret.encode(), [to])).decode()


def unwrap(wrapped: str, identity: Any) -> str:
    """Return the secret in `wrapped`.

    Raises:
        DeniedError: it was wrapped to another case.
    """
    try:
        return bytes(pyrage.decrypt(base64.b64decode(wrapped), [identity])).decode()
    except pyrage.DecryptError:
        raise DeniedError(
            "an item's key does not open with this case's key", "restore the case's key"
        ) from None


def unseal(source: BinaryIO, target: BinaryIO, secret: str) -> None:
    """Decrypt an age file with an item's own identity.

    Raises:
        IntegrityError: it does not open: it is not what was sealed with that identity.
        OSError: reading or writing failed.
    """
    try:
        stream = _Stream(source)
        identity = pyrage.x25519.Identity.from_str(secret)
        _undisturbed(stream, pyrage.decrypt_io, stream, target, [identity])
    except (pyrage.DecryptError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        # The library's own complaints about the ciphertext are an OSError without a number.
        raise IntegrityError(
            f"a sealed object does not open: {error}", "run `holdfast verify`"
        ) from None


def _undisturbed(reader: _Reader | _Stream, work: Callable[..., object], *given: object) -> None:
    """Do the library's work in a thread of its own, where no Ctrl-C is raised in its middle.

    It would come out as the library's own complaint, or not at all. Here it stops the `reader`, and
    is raised when the library has let go of the files.
    """
    done = _sealers().submit(work, *given)
    try:
        done.result()
    except BaseException:
        reader.stopped = True
        wait([done])
        raise


@cache
def _sealers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="age")


@cache
def _hashers() -> ThreadPoolExecutor:
    # One thread: a SHA-256 is sequential; it runs beside reading and writing, not beside itself.
    return ThreadPoolExecutor(1, thread_name_prefix="sha256")


def _without_threads() -> None:
    """Forget the threads, which a fork does not take along: work handed to them would wait."""
    _hashers.cache_clear()
    _sealers.cache_clear()


os.register_at_fork(after_in_child=_without_threads)


@cache
def _zeros() -> bytes:
    return bytes(16 << 20)


def _hash_zeros(hasher: Any, count: int) -> None:
    zeros = _zeros()
    while count:
        step = min(count, len(zeros))
        hasher.update(memoryview(zeros)[:step])
        count -= step


def _chunks(source: int) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, bytes) of the data in `source`; holes are skipped, the end is always told."""
    facts = os.fstat(source)
    sparse = facts.st_blocks * 512 < facts.st_size
    at = 0
    while True:
        if sparse:
            data = _seek(source, at, os.SEEK_DATA)
            if data is None:
                yield max(at, os.lseek(source, 0, os.SEEK_END)), b""
                return
            at = data
            hole = _seek(source, at, os.SEEK_HOLE)
            limit = CHUNK if hole is None else hole - at
        else:
            limit = CHUNK
        chunk = _read(source, min(CHUNK, limit), at)
        if not chunk:
            yield at, b""
            return
        yield at, chunk
        at += len(chunk)


def _seek(source: int, at: int, whence: int) -> int | None:
    """Return where the next data or hole is; None where the file ends before there is one."""
    try:
        return os.lseek(source, at, whence)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise SourceError(error.errno, error.strerror) from error


def _read(source: int, count: int, at: int) -> bytes:
    try:
        return os.pread(source, count, at)
    except OSError as error:
        raise SourceError(error.errno, error.strerror) from error


class _Stream:
    """A stream that can be stopped by another thread."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.stopped = False

    def read(self, count: int = -1) -> bytes:
        if self.stopped:
            raise OSError("stopped")
        return self._source.read(count)


class _Reader:
    """A stream over a descriptor that hashes what is read."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.stopped = False
        self.at = 0
        self.hasher = hashlib.sha256()
        self.error: BaseException | None = None

    def read(self, count: int = -1) -> bytes:
        if self.stopped:
            raise OSError("stopped")
        try:
            data = _read(self._descriptor, count if count >= 0 else CHUNK, self.at)
        except BaseException as error:
            self.error = error
            raise
        self.hasher.update(data)
        self.at += len(data)
        return data


class _Writer:
    """A stream over a descriptor that hashes what is written."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.hasher = hashlib.sha256()
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        self.hasher.update(data)
        try:
            write_all(self._descriptor, data)
        except BaseException as error:
            self.error = error
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing is buffered here."""
