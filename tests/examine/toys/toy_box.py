"""An opener for tests: `BOX1` files hold members as `name length`, a newline, and the bytes."""

from __future__ import annotations

import ctypes
import io
from typing import TYPE_CHECKING

from holdfast.examine.interfaces import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS = ()


class Torn(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= 4:
            raise EOFError("torn member")
        return super().read(4)


def match(file: EvidenceFile) -> bool:
    return file.head.startswith(b"BOX1\n")


def unfold(file: EvidenceFile) -> Iterator[Member]:
    with file.open() as stream:
        stream.readline()
        while line := stream.readline().decode("utf-8", "surrogateescape"):
            if line == "!segfault\n":
                ctypes.string_at(0)
            if line == "!raise\n":
                raise ValueError("torn box")
            name, _, length = line.rstrip("\n").rpartition(" ")
            content: io.BytesIO = io.BytesIO(stream.read(int(length)))
            if name.endswith(".torn"):
                content = Torn(content.getvalue())
            yield Member(path=name, name=name.rpartition("/")[2], content=content)
