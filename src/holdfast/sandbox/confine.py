"""What a worker takes from itself before it touches evidence.

`isolate()`, then `confine()`, both before any thread exists: a user namespace can't be entered
otherwise, and Landlock, seccomp and capabilities hold for the thread that asks and those it
starts. Neither trusts the kernel to offer everything: what is in force comes back as a
`Protection`, so that an examination can say at its start what stands between the evidence and
the house, and what does not.
"""

from __future__ import annotations

import ctypes
import os
import resource
import site
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.errors import ResourceError
from holdfast.sandbox import _landlock, _seccomp

if TYPE_CHECKING:
    from collections.abc import Iterable


_NEWUSER, _NEWNET, _NEWIPC = 0x10000000, 0x40000000, 0x08000000
_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVS = 1, 4, 38  # linux/prctl.h
_CAPBSET_DROP, _CAP_AMBIENT, _AMBIENT_CLEAR = 24, 47, 4
_CAP_VERSION, _LAST_CAP = 0x20080522, 63
_SIGKILL = 9
_THREADS = 64
_DESCRIPTORS = 1024

_SYSTEM = (
    "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime",
    "/etc/mime.types", "/usr/share/zoneinfo", "/usr/share/locale", "/dev/null", "/dev/zero",
    "/dev/urandom",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Protection:
    """What is in force in a worker."""

    network_namespace: bool
    """A network of its own with nothing in it, and no other process's IPC."""
    landlock: int
    """Landlock ABI: 0 none, 1 files, 4 also TCP, 6 also signals and abstract sockets."""
    seccomp: bool
    """System calls for sockets, programs, other processes and the machine are refused."""
    capabilities_dropped: bool
    """Nothing of root's is left, even where the program was started as root."""
    memory: int
    """Address space, bytes."""

    def missing(self) -> tuple[str, ...]:
        """Return in plain words what this kernel does not offer; empty when all is in force."""
        gaps = (
            (not self.landlock, "files are not confined (no Landlock)"),
            (
                not self.network_namespace and not self.seccomp,
                "the network is reachable (no network namespace, no seccomp)",
            ),
            (not self.seccomp, "system calls are not filtered (no seccomp)"),
            (not self.network_namespace, "no network namespace of its own"),
            (not self.capabilities_dropped, "capabilities could not be dropped"),
        )
        return tuple(words for absent, words in gaps if absent)

    def weaker(self, other: Protection) -> Protection:
        """Return what is in force in both."""
        return Protection(
            network_namespace=self.network_namespace and other.network_namespace,
            landlock=min(self.landlock, other.landlock),
            seccomp=self.seccomp and other.seccomp,
            capabilities_dropped=self.capabilities_dropped and other.capabilities_dropped,
            memory=max(self.memory, other.memory),
        )


def isolate() -> bool:
    """Enter an empty network; call before anything else, while there is one thread.

    Returns whether it worked: some kernels and containers refuse it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_NEWUSER | _NEWNET | _NEWIPC) == 0:
        try:
            Path("/proc/self/setgroups").write_text("deny", "ascii")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
        except OSError:  # unmapped is stricter still
            return True
        return True
    return bool(libc.unshare(_NEWNET | _NEWIPC) == 0)


def confine(
    scratch: Path, code: Iterable[Path], *, memory: int, output: int, isolated: bool
) -> Protection:
    """Give up everything but reading the Python installation and `code`, and changing `scratch`.

    `memory` bounds the address space, `output` each file that is written, both in bytes.

    Raises:
        ResourceError: not even no_new_privs and resource limits could be had.
    """
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise ResourceError("a worker has threads before it is confined, which would stay free")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PDEATHSIG, _SIGKILL, 0, 0, 0)
    libc.prctl(_DUMPABLE, 0, 0, 0, 0)
    dropped = _drop_capabilities(libc)
    try:
        _limit(memory, output, isolated=isolated)
        if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs was refused")
        landlock = _landlock.restrict((*_installation(), *code), (scratch,))
    except (OSError, ValueError) as error:
        raise ResourceError(f"a worker could not confine itself: {error}") from error
    return Protection(
        network_namespace=isolated,
        landlock=landlock,
        seccomp=_seccomp.install(),
        capabilities_dropped=dropped,
        memory=memory,
    )


def allow_cpu(seconds: int) -> None:
    """Let this process compute for `seconds` more; past them the kernel kills it (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def _limit(memory: int, output: int, *, isolated: bool) -> None:
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(kind, (value, value))
    if isolated:  # counted per user namespace: in the common one it would count the whole login
        resource.setrlimit(resource.RLIMIT_NPROC, (_THREADS, _THREADS))


def _drop_capabilities(libc: ctypes.CDLL) -> bool:
    for capability in range(_LAST_CAP + 1):
        libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(_CAP_AMBIENT, _AMBIENT_CLEAR, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAP_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    return bool(libc.capset(header, nothing) == 0)


def _installation() -> tuple[Path, ...]:
    places = {*sysconfig.get_paths().values(), *site.getsitepackages(), *_SYSTEM}
    return tuple(Path(place) for place in sorted({*places, sys.prefix, sys.base_prefix}))
