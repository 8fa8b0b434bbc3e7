"""Objects in an S3-compatible store: `<prefix>/objects/ab/<sha256>`, the layout of the folder.

What comes in is staged on the local disk. It stays there until the store has confirmed it, so a
network or a process that is lost loses nothing: whoever comes next sends what is missing.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

from holdfast.core import durable
from holdfast.core.digest import CHUNK, is_sha256_hex
from holdfast.core.errors import IntegrityError
from holdfast.vault.incoming import Incoming, altered, aside_name
from holdfast.vault.stores._s3_client import (
    S3Address,
    answered,
    code,
    connect,
    status,
)
from holdfast.vault.stores._s3_erasing import Erasing
from holdfast.vault.stores._s3_intake import S3Intake
from holdfast.vault.stores._s3_probe import Probe
from holdfast.vault.stores._s3_reader import S3Reader, opened
from holdfast.vault.stores._s3_upload import PART, PARTS_FROM, TakenError, Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from holdfast.vault.store import HashTask, Promises


@dataclass(frozen=True)
class Sizes:
    """From which size on an object goes in parts, and of which size."""

    parts_from: int = PARTS_FROM
    part: int = PART


class S3Store(Incoming):
    """Objects at an address; staging below the folder `local`."""

    def __init__(self, address: S3Address, local: Path, sizes: Sizes | None = None) -> None:
        super().__init__(local / "incoming")
        self.address = address
        self._local = local
        self._sizes = sizes or Sizes()
        self._known: Promises | None = None
        self._knows_parts = False
        self._turn = Lock()

    @property
    def where(self) -> str:
        """The address, for people to read."""
        return str(self.address)

    @cached_property
    def client(self) -> Any:
        """The connection; threads share it.

        Raises:
            InputError: there are no credentials, or the extra is not installed.
        """
        return connect(self.address)

    def create(self) -> None:
        """Make the local folder; the bucket is there or it is not."""
        self._incoming.mkdir(parents=True, exist_ok=True)

    def probe(self) -> Promises:
        """Try out what the store does.

        Raises:
            RemoteError: it does not answer, or it does not keep what a store must.
        """
        self._known = Probe(self.client, self.address).whole()
        self._knows_parts = True
        return self._known

    def promises(self, *, parts: bool) -> Promises:
        """Return what the store was seen to do by this process, trying it at the first use.

        Raises:
            RemoteError: it does not answer, or it does not keep what a store must.
        """
        with self._turn:
            probe = Probe(self.client, self.address)
            if self._known is None:
                self._known = probe.quick()
            if parts and not self._knows_parts:
                self._known = probe.parts(self._known)
                self._knows_parts = True
            return self._known

    def key(self, digest: str) -> str:
        """Return under which key an object lies."""
        return f"{self.address.prefix}objects/{digest[:2]}/{digest}"

    def open(self, digest: str) -> BinaryIO:
        """Open an object for reading, from its start, seekable.

        Raises:
            IntegrityError: it is missing.
            RemoteError: the store does not answer.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - an extra

        ask = partial(self.client.get_object, Bucket=self.address.bucket, Key=self.key(digest))
        with answered(self.where):
            try:
                return opened(self.where, ask)
            except ClientError as error:
                if status(error) == 404 and code(error) != "NoSuchBucket":
                    raise IntegrityError(
                        f"the object {digest} is missing from the vault",
                        "restore it from a backup or a replica",
                    ) from None
                raise

    def link(self, digest: str, seconds: int) -> str:
        """Return an address that gives this one object to whoever has it, for so many seconds.

        Nothing is asked of the store. It holds the right to read, so it is a secret.

        Raises:
            InputError: there are no credentials, or the extra is not installed.
        """
        given: str = self._signer.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.address.bucket, "Key": self.key(digest)},
            ExpiresIn=seconds,
        )
        return given

    @cached_property
    def _signer(self) -> Any:
        return connect(self.address, signature_version="s3v4")

    def size(self, digest: str) -> int | None:
        """Return an object's size in bytes; None where it is missing.

        Raises:
            RemoteError: the store does not answer.
        """
        facts = self._facts(digest)
        return None if facts is None else int(facts["ContentLength"])

    def _facts(self, digest: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - an extra

        with answered(self.where):
            try:
                facts: dict[str, Any] = self.client.head_object(
                    Bucket=self.address.bucket, Key=self.key(digest)
                )
            except ClientError as error:
                if status(error) == 404:
                    return None
                raise
            return facts

    def digests(self, start: str = "") -> Iterator[str]:
        """Yield the names of objects that begin with `start`, in order; what is none is not told.

        Raises:
            RemoteError: the store does not answer.
        """
        for key in self._keys(f"{start[:2]}/{start}" if len(start) >= 2 else start):
            folder, _, name = key.partition("/")
            if is_sha256_hex(name) and folder == name[:2]:
                yield name

    def _keys(self, start: str) -> Iterator[str]:
        base = f"{self.address.prefix}objects/"
        with answered(self.where):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.address.bucket, Prefix=base + start
            )
            for page in pages:
                yield from (one["Key"][len(base) :] for one in page.get("Contents", []))

    def hashing(self) -> list[HashTask] | None:
        """Return the work of hashing every object, in sixteen parts and one for what is none."""
        address = str(self.address)
        parts: list[HashTask] = [partial(hash_part, address, f"{n:x}") for n in range(16)]
        return [*parts, partial(find_strays, address)]

    def hash_objects(self, start: str) -> Iterator[str]:
        """Hash every object whose name begins with `start`; yield a line for each that is wrong.

        Raises:
            RemoteError: the store does not answer.
        """
        for key in self._keys(start):
            folder, _, name = key.partition("/")
            place = f"{self.where.partition('?')[0]} objects/{key}"
            if not is_sha256_hex(name) or folder != name[:2]:
                yield f"{place} lies among the objects and is none"
                continue
            with self.open(name) as stream:
                digest = _sha256(stream)
                raw = getattr(stream, "raw", None)
            if digest != name:
                yield f"the object {place} was altered: its SHA-256 is {digest}"
            if self.address.lock and isinstance(raw, S3Reader) and raw.locked is None:
                yield f"the object {place} is not locked, which its store promises"

    def strays(self) -> Iterator[str]:
        """Yield a line for each key among the objects that no object can have."""
        base = f"{self.address.prefix}objects/"
        with answered(self.where):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.address.bucket, Prefix=base, Delimiter="/"
            )
            for page in pages:
                found = [one["Prefix"][len(base) : -1] for one in page.get("CommonPrefixes", [])]
                found += [one["Key"][len(base) :] for one in page.get("Contents", [])]
                for name in found:
                    if name[:1] not in set("0123456789abcdef"):
                        place = f"{self.where.partition('?')[0]} objects/{name}"
                        yield f"{place} lies among the objects and is none"

    @cached_property
    def _erasing(self) -> Erasing:
        return Erasing(self.client, self.address, self._local / "erasing", self._incoming)

    def destroy(self, digests: Iterable[str], held: Callable[[list[str]], set[str]]) -> None:
        """Destroy objects for good, but those of which `held` says, at the last, that they stay.

        Raises:
            DeniedError: one is locked until a time that has not come; nothing was destroyed.
            RemoteError: the store does not answer, or refuses.
        """
        with answered(self.where):
            self._erasing.run(digests, self.key, held)

    def set_aside(self, digest: str) -> Path | None:
        """Free an object's name, keeping what lies there in the local folder `damaged`.

        Where the store keeps versions, it keeps this one, too.

        Raises:
            RemoteError: the store does not answer.
        """
        aside = aside_name(self._local, digest)
        temporary = aside.with_name(f".{aside.name}")
        try:
            with self.open(digest) as stream, temporary.open("xb") as writer:
                while chunk := stream.read(CHUNK):
                    writer.write(chunk)
                writer.flush()
                os.fsync(writer.fileno())
        except IntegrityError:
            return None  # nothing lies there
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        temporary.chmod(0o444)
        temporary.rename(aside)
        durable.sync_directory(aside.parent)
        with answered(self.where):
            self.client.delete_object(Bucket=self.address.bucket, Key=self.key(digest))
        return aside

    def _run(self, folder: Path, lock: int) -> S3Intake:
        return S3Intake(self, folder, lock)

    def upload(self, digest: str, path: str) -> None:
        """Give a staged file its place, or see that the same bytes are there.

        Raises:
            IntegrityError: other bytes are there.
            RemoteError: the store did not take it.
        """
        with answered(self.where), self._erasing.passing(digest):
            large = os.path.getsize(path) >= self._sizes.parts_from  # noqa: PTH202
            known = self.promises(parts=large)
            upload = Upload(
                self.client,
                self.address,
                self.key(digest),
                path,
                digest,
                condition=known.create,
                parts_condition=known.multipart,
                part=self._sizes.part,
                parts_from=self._sizes.parts_from,
            )
            try:
                upload.run()
            except TakenError:
                self.check(digest)

    def check(self, digest: str) -> None:
        """Hash an object that is there.

        Raises:
            IntegrityError: it is not what its name says.
        """
        with self.open(digest) as stream:
            if _sha256(stream) != digest:
                raise altered(digest)


def hash_part(address: str, start: str) -> list[str]:
    """Hash the objects whose names begin with `start`, in a process of its own."""
    return list(_elsewhere(address).hash_objects(start))


def find_strays(address: str) -> list[str]:
    """Return what lies among the objects and can be none."""
    return list(_elsewhere(address).strays())


@cache
def _elsewhere(address: str) -> S3Store:
    return S3Store(S3Address.parse(address), Path("/nonexistent"))


def _sha256(stream: BinaryIO) -> str:
    hasher = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()
