"""Collect files from folders that this machine can read.

Links are recorded, not followed: what they point to is collected where it is. Pipes, sockets and
devices have no content of their own and are recorded as found. Nothing at the source is changed;
access times stay where the kernel allows it (O_NOATIME).
"""

from __future__ import annotations

import ctypes
import errno
import grp
import os
import pwd
import stat
from functools import cache
from typing import TYPE_CHECKING

from holdfast.collect.interfaces import Skipped, Source
from holdfast.core import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json

_KINDS = {
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
    stat.S_IFLNK: "link",
}
_statx = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
_AT_EMPTY_PATH = 0x1000
_STATX_BTIME = 0x800


class _Statx(ctypes.Structure):
    """The parts of `struct statx` that are read here (linux/stat.h)."""

    _fields_ = (
        ("mask", ctypes.c_uint32),
        ("_other", ctypes.c_uint8 * 76),
        ("birth_seconds", ctypes.c_int64),
        ("birth_nanos", ctypes.c_uint32),
        ("_rest", ctypes.c_uint8 * 164),
    )


def walk(paths: list[bytes]) -> Iterator[Source | Skipped]:
    """Yield what lies at `paths` (absolute), folders with all that is in them, in name order.

    A `Source`'s descriptor is closed when the next one is asked for.
    """
    # A stack of our own: a hostile tree may be deeper than the interpreter's.
    waiting = paths[::-1]
    while waiting:
        path = waiting.pop()
        try:
            mode = os.lstat(path).st_mode
            names = sorted(os.listdir(path)) if stat.S_ISDIR(mode) else []
        except OSError as error:
            yield _skipped(path, error)
            continue
        if stat.S_ISREG(mode):
            yield from _regular(path)
        elif stat.S_ISDIR(mode):
            folder = path.rstrip(b"/")
            waiting.extend(folder + b"/" + name for name in reversed(names))
        else:
            yield _special(path, mode)


def _regular(path: bytes) -> Iterator[Source | Skipped]:
    try:
        descriptor = _open(path)
    except OSError as error:
        yield _skipped(path, error)
        return
    try:
        facts = os.fstat(descriptor)
        if stat.S_ISREG(facts.st_mode):
            state = (facts.st_mtime_ns, facts.st_size)
            yield Source(path, descriptor, _record(descriptor, facts), state)
        else:
            yield Skipped(path, "vanished", "it was replaced by something that is not a file")
    finally:
        os.close(descriptor)


def _open(path: bytes) -> int:
    """Open without following a link and without waiting on a pipe put there meanwhile."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        # O_NOATIME is only for a file's owner and root; reading may still be allowed.
        return os.open(path, flags)


def state_of(facts: os.stat_result) -> dict[str, Json]:
    """Return what tells whether a file changed: its size and the time of its last change."""
    return {"modified": clock.to_text(facts.st_mtime_ns // 1000), "size": facts.st_size}


def _record(descriptor: int, facts: os.stat_result) -> dict[str, Json]:
    record: dict[str, Json] = {
        "accessed": clock.to_text(facts.st_atime_ns // 1000),
        "device": facts.st_dev,
        "gid": facts.st_gid,
        "group": _group(facts.st_gid),
        "inode": str(facts.st_ino),
        "links": facts.st_nlink,
        "metadata_changed": clock.to_text(facts.st_ctime_ns // 1000),
        "mode": f"{facts.st_mode:06o}",
        "owner": _owner(facts.st_uid),
        "uid": facts.st_uid,
        **state_of(facts),
    }
    born = _birth_time(descriptor)
    if born is not None:
        record["born"] = clock.to_text(born)
    attributes = _attributes(descriptor)
    if attributes:
        record["xattrs"] = attributes
    return record


@cache
def _owner(uid: int) -> str | None:
    """Return the account's name on this host, which need not be the evidence's; None if unknown."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


@cache
def _group(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None


def _attributes(descriptor: int) -> list[Json]:
    """Return [name, value in hex] of each extended attribute that can be read."""
    found: list[Json] = []
    try:
        names = os.listxattr(descriptor)
    except OSError:
        return found
    for name in sorted(names):
        try:
            value: Json = os.getxattr(descriptor, name).hex()
        except OSError as error:
            value = {"unreadable": os.strerror(error.errno or 0)}
        found.append([os.fsencode(name).decode("utf-8", "backslashreplace"), value])
    return found


def _birth_time(descriptor: int) -> int | None:
    """Return the file's creation time in µs, where kernel and file system keep one (statx(2))."""
    facts = _Statx()
    if (
        _statx is None
        or _statx(descriptor, b"", _AT_EMPTY_PATH, _STATX_BTIME, ctypes.byref(facts)) != 0
    ):
        return None
    if not facts.mask & _STATX_BTIME:
        return None
    return int(facts.birth_seconds) * 1_000_000 + int(facts.birth_nanos) // 1000


def _special(path: bytes, mode: int) -> Skipped:
    kind = _KINDS.get(stat.S_IFMT(mode), "device")
    if kind != "link":
        return Skipped(path, kind, f"a {kind} holds no bytes to collect")
    try:
        target = os.readlink(path).decode("utf-8", "backslashreplace")
    except OSError as error:
        target = f"unreadable: {os.strerror(error.errno or 0)}"
    return Skipped(path, "link", f"a link to {target}; links are not followed")


def _skipped(path: bytes, error: OSError) -> Skipped:
    reason = os.strerror(error.errno or 0)
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return Skipped(path, "missing", reason)
    return Skipped(path, "unreadable", reason)
