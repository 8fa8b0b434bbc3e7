"""Files that are whole or absent, on disk before anyone is told of them.

Every durable write of the house goes through this module, so the kill tests can stop the
process at each boundary by counting calls here. After a failed fsync nothing that was written
since the last good one may be believed (Rebello et al., USENIX ATC 2020): the error is raised
and the caller starts over from the files, never from its own memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from holdfast.core.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100


@contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """Give a descriptor of the directory `path`, closed afterwards."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make the names inside `path` durable."""
    with open_directory(path) as descriptor:
        os.fsync(descriptor)


def sync_filesystem(path: Path) -> None:
    """Make everything written so far to the file system of `path` durable: one call a group.

    Raises:
        OSError: the kernel reports a write that failed (syncfs(2), Linux 5.8 and later).
    """
    with open_directory(path) as descriptor:
        if _libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(path))


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte of `data`; `os.write` alone may stop early."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")


def _write_temporary(path: Path, data: bytes, mode: int, *, sync: bool) -> Path:
    temporary = _temporary(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        write_all(descriptor, data)
        if sync:
            os.fsync(descriptor)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    finally:
        os.close(descriptor)
    return temporary


def create(path: Path, data: bytes, mode: int = 0o444) -> bool:
    """Create `path` holding `data`, durably, unless it exists: a compare-and-swap on its name.

    Returns:
        True when this call made the file; False when the name was taken, whatever it holds.

    Raises:
        OSError: the disk refused; `path` is absent or whole.
    """
    temporary = _write_temporary(path, data, mode, sync=True)
    try:
        # link(2), unlike rename(2), never replaces: two writers can't both win.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    sync_directory(path.parent)
    return True


def replace(path: Path, data: bytes, mode: int = 0o444, *, sync: bool = True) -> None:
    """Give `path` the content `data`; a reader sees the old bytes or the new, never a mixture.

    With `sync=False` the caller promises to sync the file system before relying on it.
    """
    temporary = _write_temporary(path, data, mode, sync=sync)
    try:
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if sync:
        sync_directory(path.parent)


def move_new(source: str, target: str) -> bool:
    """Move a file to a name that must be free; False, with nothing moved, where it is taken.

    Both names lie on one file system. Not synced: the file keeps one of its two names through a
    power cut.

    Raises:
        OSError: the disk refused.
    """
    if _libc.renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), 1) == 0:
        return True
    code = ctypes.get_errno()
    if code == errno.EEXIST:
        return False
    if code not in {errno.EINVAL, errno.ENOSYS}:
        raise OSError(code, os.strerror(code), source, None, target)
    # A file system without RENAME_NOREPLACE (some network ones): a second name, then not the first.
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    os.unlink(source)  # noqa: PTH108 - names are strings here, a Path a file is too slow
    return True


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn a full disk, a quota or a read-only file system into one line that says what to do.

    Raises:
        ResourceError: the write did not happen for want of room or permission.
    """
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the disk quota is used up",
            errno.EFBIG: "a file may not grow that large here",
            errno.EROFS: "the file system is read-only",
            errno.EACCES: "permission is denied",
            errno.EPERM: "permission is denied",
            errno.EIO: "the disk reports an input/output error",
        }
        if error.errno not in reasons:
            raise
        raise ResourceError(
            f"could not write to {error.filename or where}: {reasons[error.errno]}",
            "nothing that was recorded is lost; make room or mend it and repeat the command",
        ) from error
