"""How far this host's clock is from the reference it is held to, as the kernel keeps it.

The kernel knows what the time service (chrony, ntpd, systemd-timesyncd, a hypervisor's clock) last
told it: adjtimex(2). No packet is sent for it, so an air-gapped site answers too: 'not
synchronised'.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_ERROR = 5
"""Return value TIME_ERROR: the clock is not synchronised."""


class _Timex(ctypes.Structure):
    """`struct timex` (adjtimex(2)), whole, since the kernel writes all of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("fraction", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("_rest", ctypes.c_byte * 256),
    )


def clock_reference() -> dict[str, Json]:
    """Return whether the clock is held to a reference, its offset and its largest error, in µs.

    The offset is what the kernel has still to correct; None where there is no reference.
    """
    facts = _Timex()
    answer = getattr(ctypes.CDLL(None), "adjtimex", lambda _facts: -1)(ctypes.byref(facts))
    if answer in {-1, _ERROR} or facts.status & _STA_UNSYNC:
        return {"max_error_us": None, "offset_us": None, "synchronised": False}
    offset = int(facts.offset) // 1000 if facts.status & _STA_NANO else int(facts.offset)
    return {"max_error_us": int(facts.maxerror), "offset_us": offset, "synchronised": True}
