"""A seccomp filter that takes from a process what no decoder needs.

A deny list over two architectures: everything a decoder does to read, compute and write files
stays, everything that starts a program, reaches another process, opens a socket or changes the
machine returns EPERM. Numbers are Linux's own (asm/unistd_64.h, asm-generic/unistd.h); see
seccomp(2) and linux/bpf_common.h for the instructions.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_DENIED: dict[str, tuple[int | None, int | None]] = {  # name: (x86_64, aarch64)
    # sockets
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "socketpair": (53, 199),
    # other programs and other processes
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "setpriority": (141, 140), "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180), "setuid": (105, 146), "setgid": (106, 144), "setresuid": (117, 147),
    "setresgid": (119, 149), "setgroups": (116, 159),
    # owners, modes, times and attributes, which Landlock does not guard
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "removexattrat": (466, 466), "utime": (132, None), "utimes": (235, None),
    "utimensat": (280, 88), "futimesat": (261, None),
    # mounts and namespaces
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "setns": (308, 268), "unshare": (272, 97),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "swapon": (167, 224), "swapoff": (168, 225),
    # the kernel's larger surfaces, and the machine itself
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "fanotify_init": (300, 262), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "reboot": (169, 142), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "clock_adjtime": (305, 266), "adjtimex": (159, 171), "sethostname": (170, 161),
    "setdomainname": (171, 162), "acct": (163, 89), "syslog": (103, 116), "vhangup": (153, 58),
    "personality": (135, 92), "iopl": (172, None), "ioperm": (173, None),
    "modify_ldt": (154, None), "lookup_dcookie": (212, 18),
}  # fmt: skip
_SELF_ONLY = {"kill": (62, 129), "tgkill": (234, 131), "prlimit64": (302, 261)}
"""Allowed on this process only, which abort(3) and setrlimit(2) need."""
_CLONE, _CLONE3 = (56, 220), (435, 435)
_CLONE_THREAD = 0x10000

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_LD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _ARG0 = 0, 4, 16
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_X32 = 0x40000000
_PR_SET_SECCOMP, _FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def program(machine: str, pid: int) -> bytes:
    """Return the filter for `machine` (`x86_64`, `aarch64`) and the process `pid`.

    Raises:
        KeyError: another machine.
    """
    column = ("x86_64", "aarch64").index(machine) if machine in _AUDIT else None
    if column is None:
        raise KeyError(machine)
    refuse = _op(_RET, _ERRNO | errno.EPERM)
    code = _op(_LD, _ARCH) + _op(_JEQ, _AUDIT[machine], 1, 0) + _op(_RET, _KILL) + _op(_LD, _NR)
    if machine == "x86_64":
        code += _op(_JGE, _X32, 0, 1) + _op(_RET, _KILL)
    for numbers in _DENIED.values():
        if (number := numbers[column]) is not None:
            code += _op(_JEQ, number, 0, 1) + refuse
    for name, numbers in _SELF_ONLY.items():
        own = 0 if name == "prlimit64" else pid
        code += _op(_JEQ, numbers[column], 0, 4) + _op(_LD, _ARG0) + _op(_JEQ, own, 1, 0)
        code += refuse + _op(_RET, _ALLOW)
    # A thread is allowed, a process is not; glibc falls back from clone3 to clone on ENOSYS.
    code += _op(_JEQ, _CLONE3[column], 0, 1) + _op(_RET, _ERRNO | errno.ENOSYS)
    code += _op(_JEQ, _CLONE[column], 0, 3) + _op(_LD, _ARG0) + _op(_JSET, _CLONE_THREAD, 1, 0)
    return code + refuse + _op(_RET, _ALLOW)


def install() -> bool:
    """Put the filter on this process for good; say whether the kernel took it.

    Needs no_new_privs.
    """
    try:
        code = program(platform.machine(), os.getpid())
    except KeyError:
        return False
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = _Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    done: int = libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(filter_), 0, 0)
    return done == 0
