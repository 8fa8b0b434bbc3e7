"""Landlock through its three system calls (linux/landlock.h, landlock(7)): a process gives up
the file system, TCP, and signals to others, except what it names.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_QUERY, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_ALL_V1 = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_MAKE_DIR, _MAKE_REG = 1 << 7, 1 << 8
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _READ_FILE | _READ_DIR
_OWN = _READ | _WRITE_FILE | _MAKE_DIR | _MAKE_REG | _REMOVE_DIR | _REMOVE_FILE | _REFER | _TRUNCATE
"""In its own scratch: ordinary files and folders; no links, sockets, pipes or devices."""
_TCP = 3  # bind, connect
_SCOPES = 3  # abstract UNIX sockets, signals
_ABI_REFER, _ABI_TRUNCATE, _ABI_TCP, _ABI_IOCTL, _ABI_SCOPE = 2, 3, 4, 5, 6


def _call(number: int, *arguments: object) -> int:
    result: int = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    return result


def version() -> int:
    """Return the ABI the kernel offers; 0 where Landlock is absent or switched off."""
    return max(0, _call(_CREATE, None, ctypes.c_size_t(0), _VERSION_QUERY))


def restrict(read: Iterable[Path], own: Iterable[Path]) -> int:
    """Leave this process reading below `read` and changing files below `own`, and no more.

    A path that does not exist is passed over. Returns the ABI in force, 0 where there is none.

    Raises:
        OSError: the kernel offers Landlock and refused it.
    """
    abi = version()
    if not abi:
        return 0
    handled = _ALL_V1
    for since, right in (
        (_ABI_REFER, _REFER),
        (_ABI_TRUNCATE, _TRUNCATE),
        (_ABI_IOCTL, _IOCTL_DEV),
    ):
        handled |= right if abi >= since else 0
    rules = struct.pack(
        "=QQQ", handled, _TCP if abi >= _ABI_TCP else 0, _SCOPES if abi >= _ABI_SCOPE else 0
    )
    size = 24 if abi >= _ABI_SCOPE else 16 if abi >= _ABI_TCP else 8
    ruleset = _call(_CREATE, rules, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "the kernel refused a Landlock ruleset")
    try:
        for paths, rights in ((read, _READ), (own, _OWN)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        if _call(_RESTRICT, ruleset, 0) != 0:
            raise OSError(ctypes.get_errno(), "the kernel refused to enforce Landlock")
    finally:
        os.close(ruleset)
    return abi


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not path.is_dir():
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        if _call(_ADD, ruleset, _PATH_BENEATH, rule, 0) != 0:
            raise OSError(ctypes.get_errno(), "the kernel refused a Landlock rule")
    finally:
        os.close(descriptor)
