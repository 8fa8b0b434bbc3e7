"""Ctrl-C waits until the module that is being imported is there.

An exception in the middle of the import of a compiled library is none that it expects: some leave
themselves half made, one reports a fault of its own, and some crash the interpreter.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_AGAIN = 0.02
"""Seconds until it is tried again."""
_IMPORTING = "<frozen importlib._bootstrap>"


def wait_for_imports() -> None:
    """Have an interrupt that comes during an import be raised after it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)
        signal.signal(signal.SIGALRM, _interrupted)


def _interrupted(_number: int, frame: FrameType | None) -> None:
    if _importing(frame):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        return
    raise KeyboardInterrupt


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False


def stop_waiting() -> None:
    """Forget an interrupt that still waits, and any that comes: the command is over."""
    if signal.getsignal(signal.SIGINT) is _interrupted:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
