"""Destroy objects in an S3-compatible store, with every older version.

A store has no rename, so an object can't leave its place before it is asked whether it stays. A
mark on the local disk stands for that. Whoever gives an object its place, or finds it there, takes
its mark away, and the entry was written before. So an object whose mark is still there when the
gate is shut has no entry that `held` was not asked about.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core import clock, durable
from holdfast.core.digest import is_sha256_hex
from holdfast.core.errors import DeniedError
from holdfast.vault.stores._s3_client import S3Address, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Erasing:
    """Erasures under way in one store."""

    client: Any
    address: S3Address
    marks: Path
    """The folder of the marks; one erasure at a time holds it."""
    gate: Path
    """A folder that is there: held by many to send, by one alone to destroy."""

    @contextmanager
    def passing(self, digest: str) -> Iterator[None]:
        """Hold the gate while an object gets its place; then it is no longer to be destroyed."""
        with _holding(self.gate, fcntl.LOCK_SH):
            yield
            (self.marks / digest).unlink(missing_ok=True)

    def run(
        self,
        digests: Iterable[str],
        key: Callable[[str], str],
        held: Callable[[list[str]], set[str]],
    ) -> None:
        """Destroy objects, and what an erasure before was killed in.

        Raises:
            DeniedError: one is locked; nothing was destroyed.
        """
        for folder in (self.marks, self.gate):
            folder.mkdir(parents=True, exist_ok=True)
        with _holding(self.marks, fcntl.LOCK_EX):
            left = {name for name in os.listdir(self.marks) if is_sha256_hex(name)}  # noqa: PTH208
            names = sorted(left.union(digests))
            # Looked at first: removing the versions that are free would leave half of an order.
            for name in names:
                for version in self._versions(key(name)):
                    self._check_free(name, key(name), version)
            for name in names:
                (self.marks / name).touch(0o600)
            stay = held(names)
            with _holding(self.gate, fcntl.LOCK_EX):
                for name in names:
                    mark = self.marks / name
                    if name not in stay and mark.exists():
                        self._destroy(name, key(name))
                    mark.unlink(missing_ok=True)

    def _destroy(self, digest: str, key: str) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - an extra

        for version in self._versions(key):
            try:
                self.client.delete_object(Bucket=self.address.bucket, Key=key, VersionId=version)
            except ClientError as error:
                if status(error) != 403:
                    raise
                raise DeniedError(
                    f"the store does not let the object {digest} be destroyed",
                    "it is locked, or this account may not; ask who keeps the store",
                ) from error
        self._abort(key)

    def _versions(self, key: str) -> list[str]:
        pages = self.client.get_paginator("list_object_versions")
        return [
            str(one["VersionId"])
            for page in pages.paginate(Bucket=self.address.bucket, Prefix=key)
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            if one["Key"] == key
        ]

    def _check_free(self, digest: str, key: str, version: str) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - an extra

        try:
            facts = self.client.head_object(Bucket=self.address.bucket, Key=key, VersionId=version)
        except ClientError:
            return  # a delete marker has no facts
        until = facts.get("ObjectLockRetainUntilDate")
        if until is not None and until.timestamp() * 1e6 > clock.now():
            text = clock.to_text(int(until.timestamp() * 1e6))
            raise DeniedError(
                f"the object {digest} is locked until {text} in {self.address}: nobody can "
                "destroy it before",
                "in a sealed vault destroy the item's key; else wait, and tell who ordered it",
            )
        if facts.get("ObjectLockLegalHoldStatus") == "ON":
            raise DeniedError(
                f"the object {digest} is under a legal hold in {self.address}",
                "have the hold lifted there first",
            )

    def _abort(self, key: str) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - an extra

        try:
            uploads = self.client.list_multipart_uploads(Bucket=self.address.bucket, Prefix=key)
        except ClientError:
            return  # a store that does not tell what is under way
        for one in uploads.get("Uploads", []):
            if one["Key"] == key:
                self.client.abort_multipart_upload(
                    Bucket=self.address.bucket, Key=key, UploadId=one["UploadId"]
                )


@contextmanager
def _holding(folder: Path, how: int) -> Iterator[None]:
    with durable.open_directory(folder) as lock:
        fcntl.flock(lock, how)
        yield
