"""Try out what an S3-compatible store really does: servers accept headers that they ignore.

A name is put twice, a part is read, a locked version is deleted. What is left behind is one small
object, `holdfast-probe`, and, where locks are tried, one more until its lock runs out.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import RemoteError
from holdfast.vault.store import Promises
from holdfast.vault.stores._s3_client import answered, status

if TYPE_CHECKING:
    from holdfast.vault.stores._s3_client import S3Address

NAME = "holdfast-probe"
_LOCKED_FOR = datetime.timedelta(seconds=60)


class Probe:
    """One store being tried out."""

    def __init__(self, client: Any, address: S3Address) -> None:
        self._client = client
        self._address = address
        self._where = str(address)

    def whole(self) -> Promises:
        """Try everything; locks where the address asks for them.

        Raises:
            RemoteError: it loses or alters bytes, or gives a name twice and does not lock.
        """
        with answered(self._where):
            data = os.urandom(4096)
            self._put(NAME, data)
            if self._get(NAME) != data:
                raise self._refused("it gives back other bytes than it took")
            found = Promises(
                create=self._refuses_a_taken_name(),
                ranges=self._get(NAME, Range="bytes=100-199") == data[100:200],
                lock=bool(self._address.lock) and self._keeps_a_locked_version(),
                multipart=self._refuses_a_taken_name_at_the_end_of_parts(),
            )
            if self._get(NAME) != data and found.create:
                raise self._refused("it gives back other bytes than it took")
        self._judge(found)
        return found

    def quick(self) -> Promises:
        """Try what every process that writes has to know: one request, or a few.

        Raises:
            RemoteError: as in `whole`.
        """
        with answered(self._where):
            found = Promises(
                create=self._refuses_a_taken_name(), ranges=True, lock=bool(self._address.lock)
            )
        self._judge(found)
        return found

    def parts(self, known: Promises) -> Promises:
        """Try the end of an upload in parts as well, which is needed for large objects only."""
        with answered(self._where):
            return replace(known, multipart=self._refuses_a_taken_name_at_the_end_of_parts())

    def _judge(self, found: Promises) -> None:
        if self._address.lock and not found.lock:
            raise self._refused(
                "it was asked to lock objects and does not",
                "make a bucket with Object Lock, or leave `lock=` out of the address",
            )
        if not found.create and not found.lock:
            raise self._refused(
                "it gives a name that is taken once more (If-None-Match is not enforced)",
                "use a bucket without versions, one whose objects are locked (&lock=DAYS), or "
                "another server",
            )
        if not found.ranges:
            raise self._refused("it can't send a part of an object")

    def _refused(self, why: str, remedy: str = "use another server") -> RemoteError:
        return RemoteError(f"the store {self._where} can't be used: {why}", remedy)

    def _named(self, name: str) -> dict[str, str]:
        return {"Bucket": self._address.bucket, "Key": self._address.prefix + name}

    def _put(self, name: str, data: bytes, **wish: Any) -> dict[str, Any]:
        made: dict[str, Any] = self._client.put_object(Body=data, **self._named(name), **wish)
        return made

    def _get(self, name: str, **wish: Any) -> bytes:
        return bytes(self._client.get_object(**self._named(name), **wish)["Body"].read())

    def _refuses_a_taken_name(self) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - an extra

        for _ in range(2):
            # The first may find the name free, where someone has tidied up.
            try:
                made = self._put(NAME, os.urandom(16), IfNoneMatch="*")
            except ClientError as error:
                if status(error) == 412:
                    return True
                raise
            self._undo(NAME, made)
        return False

    def _refuses_a_taken_name_at_the_end_of_parts(self) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        name = f"{NAME}-parts"
        made = self._put(name, b"taken")
        upload = self._client.create_multipart_upload(**self._named(name))["UploadId"]
        part = self._client.upload_part(
            **self._named(name), UploadId=upload, PartNumber=1, Body=b"other"
        )
        parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
        try:
            ended = self._client.complete_multipart_upload(
                **self._named(name),
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                IfNoneMatch="*",
            )
        except ClientError as error:
            self._client.abort_multipart_upload(**self._named(name), UploadId=upload)
            refused = status(error) == 412
            ended = None
        else:
            refused = False
        for one in (ended, made):
            if one is not None:
                self._delete(name, one)
        return refused

    def _keeps_a_locked_version(self) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        name = f"{NAME}-lock-{os.urandom(6).hex()}"
        until = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + _LOCKED_FOR
        try:
            made = self._put(
                name, b"locked", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
            )
        except ClientError:
            return False
        version = made.get("VersionId")
        facts = self._client.head_object(**self._named(name))
        kept = facts.get("ObjectLockMode") == "COMPLIANCE" and version is not None
        if version is not None:
            try:
                self._client.delete_object(**self._named(name), VersionId=version)
            except ClientError as error:
                kept = kept and status(error) == 403
            else:
                kept = False
        else:
            self._client.delete_object(**self._named(name))
        return kept

    def _undo(self, name: str, made: dict[str, Any]) -> None:
        """Take back a version that was not refused; without versions there is nothing to do."""
        if made.get("VersionId") not in {None, "null"}:
            self._delete(name, made)

    def _delete(self, name: str, made: dict[str, Any]) -> None:
        version = made.get("VersionId")
        which = {"VersionId": version} if version else {}
        self._client.delete_object(**self._named(name), **which)
