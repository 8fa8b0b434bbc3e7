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
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from holdfast.collect.collectors._tree import Folder, Place, open_plain
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
REPLACED = "it, or a folder above it, was replaced by something else while it was collected"
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


@dataclass(frozen=True)
class Waiting:
    """Something that the walk has seen and not come to."""

    parent: Folder
    name: bytes
    path: bytes
    """As it is recorded."""


def start(paths: list[tuple[bytes, bytes]]) -> list[Waiting]:
    """Return the stack of a walk of `paths`.

    A path is a pair, both absolute: as it is recorded, and with the links before its last name
    resolved.
    """
    return [_first(path, real) for path, real in reversed(paths)]


def walk(waiting: list[Waiting]) -> Iterator[Source | Skipped]:
    """Yield what lies at the paths on the stack, folders with all that is in them, in name order.

    A `Source`'s descriptor is closed when the next one is asked for. A walk that is left goes on
    with what is still on its stack: in another process, too.
    """
    # A stack of our own: a hostile tree may be deeper than the interpreter's.
    with Place() as place:
        while waiting:
            here = waiting.pop()
            path, parent = here.path, here.parent
            try:
                mode = os.stat(here.name, dir_fd=place.at(parent), follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    folder, names = place.into(parent, here.name, path)
                    within = path.rstrip(b"/") + b"/"
                    waiting.extend(Waiting(folder, one, within + one) for one in reversed(names))
                    continue
            except OSError as error:
                yield _skipped(path, error, found=parent.identity is not None)
                continue
            if stat.S_ISREG(mode):
                yield from _regular(path, here.name, place.at(parent))
            else:
                yield _special(path, mode, here.name, place.at(parent))


def _first(path: bytes, real: bytes) -> Waiting:
    parent, _, name = real.rpartition(b"/")
    return Waiting(Folder(path.rpartition(b"/")[0], parent or b"/"), name or b".", path)


def _regular(path: bytes, name: bytes, within: int) -> Iterator[Source | Skipped]:
    try:
        descriptor = open_plain(name, 0, within)
    except OSError as error:
        yield _skipped(path, error, found=True)
        return
    try:
        facts = os.fstat(descriptor)
        if stat.S_ISREG(facts.st_mode):
            state = (facts.st_mtime_ns, facts.st_size)
            yield Source(path, descriptor, _record(descriptor, facts), state)
        else:
            yield Skipped(path, "vanished", REPLACED)
    finally:
        os.close(descriptor)


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


def _special(path: bytes, mode: int, name: bytes, within: int) -> Skipped:
    kind = _KINDS.get(stat.S_IFMT(mode), "device")
    if kind != "link":
        return Skipped(path, kind, f"a {kind} holds no bytes to collect")
    try:
        target = os.readlink(name, dir_fd=within).decode("utf-8", "backslashreplace")
    except OSError as error:
        target = f"unreadable: {os.strerror(error.errno or 0)}"
    return Skipped(path, "link", f"a link to {target}; links are not followed")


def _skipped(path: bytes, error: OSError, *, found: bool) -> Skipped:
    """Return why a path is not collected; `found` where it was seen there a moment ago."""
    reason = os.strerror(error.errno or 0)
    if found and error.errno in {errno.ELOOP, errno.ENOTDIR, errno.ESTALE}:
        return Skipped(path, "vanished", REPLACED)
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return Skipped(path, "vanished" if found else "missing", reason)
    return Skipped(path, "unreadable", reason)
