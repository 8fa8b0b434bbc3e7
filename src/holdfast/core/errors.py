"""One tree of errors, branched by whose fault it is, each branch with an exit code.

A message is one line: what happened, to what, and what to do. Whatever stands in it may come
from evidence, so it is made printable before it reaches a terminal.
"""

from __future__ import annotations

from typing import ClassVar


class HoldfastError(Exception):
    """Anything Holdfast says on purpose."""

    exit_code: ClassVar[int] = 70
    fault: ClassVar[str] = "holdfast"

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what}; {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy


class InputError(HoldfastError):
    """What was given can't be used: a missing file, a bad date, a damaged bundle of input."""

    exit_code = 3
    fault = "input"


class DeniedError(HoldfastError):
    """No authority for this act: none, expired, not yet valid, or out of scope."""

    exit_code = 4
    fault = "authority"


class IntegrityError(HoldfastError):
    """What Holdfast keeps is not what it wrote, or not all of it."""

    exit_code = 5
    fault = "integrity"


class RemoteError(HoldfastError):
    """Another machine or service did not do its part."""

    exit_code = 6
    fault = "remote"


class ResourceError(HoldfastError):
    """This machine ran out of something: disk, memory, permissions."""

    exit_code = 7
    fault = "machine"


class ConflictError(HoldfastError):
    """Someone else got there first, and trying again did not help."""

    exit_code = 8
    fault = "contention"


def printable(text: str) -> str:
    r"""Return `text` with what a terminal would act on shown as an escape (\n, \x1b, \udcff)."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )
