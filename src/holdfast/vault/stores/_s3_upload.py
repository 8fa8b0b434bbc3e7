"""Give an object its place: never over another, in parts where it is large, confirmed at the end.

The end of an upload is believed when the store names the MD5 of the bytes that it has, or their
number where it names something else; where objects are locked, when it names the lock.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core import clock
from holdfast.core.errors import RemoteError
from holdfast.vault.stores._s3_client import S3Address, status

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = 16 << 20
"""Bytes of a part; grown for objects that would have more than `MOST` of them."""
PARTS_FROM = 64 << 20
"""Bytes from which an object goes in parts."""
MOST = 10_000
_PARALLEL_PARTS = 4
_TAKEN = {409, 412}


class TakenError(Exception):
    """The name is taken; what lies there has to be compared."""


@dataclass(frozen=True)
class Upload:
    """One object on its way."""

    client: Any
    address: S3Address
    key: str
    path: str
    """The staged file."""
    digest: str
    condition: bool
    """Whether the store refuses a taken name; else it is looked up before."""
    parts_condition: bool
    """The same at the end of parts."""
    part: int = PART
    parts_from: int = PARTS_FROM

    def run(self) -> None:
        """Upload and confirm.

        Raises:
            TakenError: something lies there.
            RemoteError: the store has not what was sent.
        """
        size = Path(self.path).stat().st_size
        if size < self.parts_from:
            self._whole(size)
        else:
            self._in_parts(size)

    @property
    def _named(self) -> dict[str, str]:
        return {"Bucket": self.address.bucket, "Key": self.key}

    def _lock(self) -> dict[str, Any]:
        if not self.address.lock:
            return {}
        return {
            "ObjectLockMode": "COMPLIANCE",
            "ObjectLockRetainUntilDate": _until(self.address.lock),
        }

    def _whole(self, size: int) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - an extra

        if not self.condition:
            self._free()
        wish = {"IfNoneMatch": "*"} if self.condition else {}
        with open(self.path, "rb") as stream:  # noqa: PTH123
            md5 = hashlib.file_digest(stream, _md5).hexdigest()
            stream.seek(0)
            try:
                answer = self.client.put_object(
                    Body=stream,
                    # Servers that know it refuse other bytes than the ones that were collected.
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(self.digest)).decode(),
                    **self._named,
                    **self._lock(),
                    **wish,
                )
            except ClientError as error:
                if status(error) in _TAKEN:
                    raise TakenError from None
                raise
        if self.address.lock or answer.get("ETag", "").strip('"') != md5:
            self._confirm(size)

    def _free(self) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            self.client.head_object(**self._named)
        except ClientError as error:
            if status(error) == 404:
                return
            raise
        raise TakenError

    def _confirm(self, size: int) -> None:
        """Ask what the store has now.

        Raises:
            RemoteError: not that.
        """
        facts = self.client.head_object(**self._named)
        if facts["ContentLength"] != size:
            raise RemoteError(
                f"the store has {facts['ContentLength']} of the {size} bytes of the object "
                f"{self.digest} that it said it took",
                "it can't be relied on; the bytes stay staged in the vault",
            )
        if not self.address.lock or _locked(facts):
            return
        # Some servers take the wish for a lock with the bytes and lose it where these come in
        # parts; asked for on its own, it is kept.
        self.client.put_object_retention(
            **self._named,
            VersionId=facts.get("VersionId", "null"),
            Retention={"Mode": "COMPLIANCE", "RetainUntilDate": _until(self.address.lock)},
        )
        if not _locked(self.client.head_object(**self._named)):
            raise RemoteError(
                f"the store has not locked the object {self.digest}, though it was asked to",
                "it is stored; mend the store's locks, then run `holdfast verify`",
            )

    def _in_parts(self, size: int) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        self._free()
        part = max(self.part, -(-size // MOST))
        upload, there = self._resumed()
        spans = [(n + 1, at, min(part, size - at)) for n, at in enumerate(range(0, size, part))]

        def send(span: tuple[int, int, int]) -> dict[str, Any]:
            number, at, length = span
            with Slice(self.path, at, length) as piece:
                if number in there:
                    md5 = hashlib.file_digest(piece, _md5).hexdigest()
                    if there[number] == (length, md5):
                        return {"PartNumber": number, "ETag": f'"{md5}"'}
                    piece.seek(0)
                answer = self.client.upload_part(
                    **self._named, UploadId=upload, PartNumber=number, Body=piece
                )
            return {"PartNumber": number, "ETag": answer["ETag"]}

        with ThreadPoolExecutor(_PARALLEL_PARTS, thread_name_prefix="s3-part") as pool:
            parts = list(pool.map(send, spans))
        if not self.parts_condition:
            self._free()
        try:
            self.client.complete_multipart_upload(
                **self._named,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                **({"IfNoneMatch": "*"} if self.parts_condition else {}),
            )
        except ClientError as error:
            if status(error) in _TAKEN:
                raise TakenError from None
            raise
        self._confirm(size)

    def _resumed(self) -> tuple[str, dict[int, tuple[int, str]]]:
        """Return an upload, with the size and MD5 of what it has: that of a try that died, or new.

        A store that does not tell what is under way is sent everything.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415

        try:
            uploads = self.client.list_multipart_uploads(
                Bucket=self.address.bucket, Prefix=self.key
            ).get("Uploads", [])
            for found in reversed(uploads):
                if found["Key"] == self.key:
                    there = {
                        one["PartNumber"]: (one["Size"], one["ETag"].strip('"'))
                        for one in self._parts(found["UploadId"])
                    }
                    return found["UploadId"], there
        except ClientError:
            pass
        made = self.client.create_multipart_upload(**self._named, **self._lock())
        return made["UploadId"], {}

    def _parts(self, upload: str) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("list_parts")
        for page in pages.paginate(**self._named, UploadId=upload):
            yield from page.get("Parts", [])


class Slice(io.RawIOBase):
    """A part of a file, as a file; no more of it is in memory than is read at once."""

    def __init__(self, path: str, start: int, length: int) -> None:
        super().__init__()
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._start = start
        self._length = length
        self._at = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position in the part."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position in the part."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`; 0 at the part's end."""
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self._length - self._at))
        data = os.pread(self._descriptor, wanted, self._start + self._at)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _until(days: int) -> datetime.datetime:
    now = datetime.datetime.fromtimestamp(clock.now() / 1e6, datetime.UTC)
    return now.replace(microsecond=0) + datetime.timedelta(days=days)


def _locked(facts: dict[str, Any]) -> bool:
    return facts.get("ObjectLockMode") == "COMPLIANCE" and "ObjectLockRetainUntilDate" in facts
