"""Read an object as a file: streamed, seekable, going on where the network broke off."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from holdfast.core.digest import CHUNK
from holdfast.core.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable

_TRIES = 3


class S3Reader(io.RawIOBase):
    """An object's bytes, from the answer to the first request on."""

    def __init__(self, where: str, answer: dict[str, Any], ask: Callable[..., Any]) -> None:
        super().__init__()
        self._where = where
        self._ask = ask
        self._body: Any = answer["Body"]
        self._tag: str = answer["ETag"]
        self.size = int(answer["ContentLength"])
        self.locked: object = answer.get("ObjectLockRetainUntilDate")
        """Until when it is locked; None where it is not."""
        self._at = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position; the next read asks for the bytes from there."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset != self._at:
            self._leave()
            self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end.

        Raises:
            RemoteError: the store does not answer, or sends less than the object has.
        """
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self.size - self._at)
        if wanted <= 0:
            return 0
        for _ in range(_TRIES):
            data = self._some(wanted)
            if data:
                view[: len(data)] = data
                self._at += len(data)
                return len(data)
        raise RemoteError(
            f"the store {self._where} sends only {self._at} of {self.size} bytes of an object",
            "repeat the command; if it stays so, the store is broken",
        )

    def _some(self, wanted: int) -> bytes:
        from botocore.exceptions import HTTPClientError, IncompleteReadError  # noqa: PLC0415

        try:
            if self._body is None:
                # The same object still, not one that was put there meanwhile.
                self._body = self._ask(
                    Range=f"bytes={self._at}-{self.size - 1}", IfMatch=self._tag
                )["Body"]
            data = bytes(self._body.read(wanted))
        except (HTTPClientError, IncompleteReadError, OSError):
            data = b""
        if not data:
            self._leave()
        return data

    def _leave(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def close(self) -> None:
        """Let the connection go."""
        self._leave()
        super().close()


def opened(where: str, ask: Callable[..., Any]) -> BinaryIO:
    """Ask for an object and return it as a buffered file; what the client raises passes."""
    return cast("BinaryIO", io.BufferedReader(S3Reader(where, ask(), ask), CHUNK))
