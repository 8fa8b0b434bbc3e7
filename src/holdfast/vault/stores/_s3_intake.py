"""A run whose objects go to an S3-compatible store."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from holdfast.vault.incoming import Run, altered
from holdfast.vault.stores._s3_client import PARALLEL

if TYPE_CHECKING:
    from holdfast.vault.store import Promises


class Target(Protocol):
    """What a run asks of the store it sends to."""

    def promises(self, *, parts: bool) -> Promises:
        """Return what the store was seen to do, trying it at the first use."""

    def size(self, digest: str) -> int | None:
        """Return an object's size in bytes; None where it is missing."""

    def check(self, digest: str) -> None:
        """Hash an object that is there."""

    def upload(self, digest: str, path: str) -> None:
        """Give a staged file its place, or see that the same bytes are there."""


class S3Intake(Run):
    """A run whose objects are sent, several at once, and stay staged until they are confirmed."""

    near = False

    def __init__(self, store: Target, folder: Path, lock: int) -> None:
        super().__init__(folder, lock)
        self._store = store

    def compare(self, digest: str) -> None:
        """Check that the object which has a staged one's name, if there is one, is what it says.

        Raises:
            IntegrityError: it was altered.
            RemoteError: the store does not answer.
        """
        size = self._store.size(digest)
        if size is None:
            return
        if size != Path(self.staged[digest]).stat().st_size:
            raise altered(digest)
        self._store.check(digest)

    def admit(self, digests: list[str]) -> None:
        """Send staged objects and drop the others; what fails stays staged.

        Raises:
            IntegrityError: an existing object differs from what was staged under its name.
            RemoteError: the store did not take one.
        """
        if digests:
            self._store.promises(parts=False)

        def send(digest: str) -> None:
            self._store.upload(digest, self.staged[digest])
            os.unlink(self.staged.pop(digest))  # noqa: PTH108 - names are strings here

        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="s3") as pool:
            sent = [pool.submit(send, digest) for digest in digests]
            try:
                wait(sent, return_when=FIRST_EXCEPTION)
            finally:
                for future in sent:
                    future.cancel()
        for future in sent:
            if not future.cancelled():
                future.result()
        self._drop()
