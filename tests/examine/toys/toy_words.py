"""A finder for tests: every `needle@example.org` in a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.examine.record import Indicator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS = ("python",)
_ADDRESS = re.compile(rb"[a-z]+@example\.org")


def find(file: EvidenceFile) -> Iterator[Indicator]:
    if file.head.startswith(b"NOFIND"):
        raise RuntimeError("finder broke")
    with file.open() as stream:
        for found in _ADDRESS.finditer(stream.read()):
            value = found[0].decode()
            yield Indicator(
                message=value, type="email", value=value, valid=True, offset=found.start(),
                length=len(found[0]),
            )  # fmt: skip
