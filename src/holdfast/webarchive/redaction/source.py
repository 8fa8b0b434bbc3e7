"""A capture that is open for reading: its parts and pieces, and whether they are as signed."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from holdfast.webarchive import pieces
from holdfast.webarchive.wacz_check import DIGEST, MANIFEST
from holdfast.webarchive.zip_check import MAX_PARTS, READ_ERRORS, is_safe

if TYPE_CHECKING:
    from holdfast.webarchive.pieces import Piece

_CHUNK = 1 << 20
MOST = 1 << 30
"""Bytes of the largest part that is taken into memory."""


class RefusedError(ValueError):
    """What was given is no capture that can be redacted, or is not as it was signed."""


@dataclass(frozen=True)
class Described:
    """What a capture says of itself, for the copy to repeat."""

    title: str
    url: str
    created: str


class Source:
    """The parts of a WACZ."""

    def __init__(self, raw: BinaryIO) -> None:
        """Open it.

        Raises:
            RefusedError: it is no ZIP, or one that readers could read differently.
        """
        raw.seek(0)
        try:
            self._zip = zipfile.ZipFile(raw)
            names = self._zip.namelist()
        except READ_ERRORS as error:
            raise RefusedError("it is no WACZ: no ZIP that can be read") from error
        if len(names) > MAX_PARTS or len(set(names)) != len(names):
            raise RefusedError("a part is in it twice, or there are too many")
        if not all(is_safe(name) for name in names):
            raise RefusedError("the name of a part leads out of it")
        self.names = sorted(name for name in names if not name.endswith("/"))
        self._opened: tuple[str, bytes] = ("", b"")

    def part(self, name: str) -> bytes:
        """Return a part whole; the last one is kept at hand.

        Raises:
            RefusedError: it is not there, damaged, or too large.
        """
        if self._opened[0] != name:
            try:
                if self._zip.getinfo(name).file_size > MOST:
                    raise RefusedError(f"{name} is larger than {MOST} bytes")
                self._opened = (name, self._zip.read(name))
            except (KeyError, *READ_ERRORS) as error:
                raise RefusedError(f"{name} is missing or damaged") from error
        return self._opened[1]

    def has(self, name: str) -> bool:
        """Say whether there is a part of that name."""
        return name in self.names

    def json(self, name: str) -> dict[str, object]:
        """Return a part that is a JSON object.

        Raises:
            RefusedError: it is none.
        """
        try:
            found = json.loads(self.part(name))
        except (ValueError, RecursionError) as error:
            raise RefusedError(f"{name} is no JSON") from error
        if not isinstance(found, dict):
            raise RefusedError(f"{name} is no JSON object")
        return found

    def digest(self, name: str) -> str:
        """Return a part's SHA-256."""
        return hashlib.sha256(self.part(name)).hexdigest()

    def pieces(self) -> list[Piece]:
        """Return the list of pieces.

        Raises:
            RefusedError: there is none, or it does not cover its parts without a gap.
        """
        if not self.has(pieces.RECORDS):
            raise RefusedError(
                "it has no commitments to its records (capture/records.jsonl): it is no capture of "
                "Holdfast's, or an older one"
            )
        try:
            found = pieces.read(self.part(pieces.RECORDS))
        except (KeyError, ValueError, RecursionError) as error:
            raise RefusedError(f"{pieces.RECORDS} is damaged") from error
        at: dict[str, int] = {}
        for one in found:
            if one.offset != at.get(one.part, 0) or not is_safe(one.part):
                raise RefusedError(f"{pieces.RECORDS} leaves a gap in {one.part}")
            at[one.part] = one.offset + one.length
        return found

    def signer(self) -> bytes:
        """Return the key, DER, that signed the list of pieces.

        Raises:
            RefusedError: the signature is missing or does not hold.
        """
        if not self.has(pieces.SIGNATURE):
            raise RefusedError("the commitments to its records are not signed")
        key = pieces.signed_by(self.json(pieces.SIGNATURE), self.digest(pieces.RECORDS))
        if key is None:
            raise RefusedError("the signature over its records does not hold")
        return key

    def seed(self) -> bytes:
        """Return the secret that all salts come from.

        Raises:
            RefusedError: it is not there: this is a copy, perhaps.
        """
        if not self.has(pieces.SALT):
            raise RefusedError("it has no salts: it is a redacted copy, not the original")
        found = self.json(pieces.SALT).get("salt")
        try:
            seed = bytes.fromhex(str(found))
        except ValueError:
            seed = b""
        if len(seed) != 32:
            raise RefusedError(f"{pieces.SALT} holds no salt")
        return seed

    def described(self) -> Described:
        """Return what datapackage.json says of the whole."""
        told = self.json(MANIFEST)
        return Described(*(str(told.get(k, "")) for k in ("title", "mainPageUrl", "created")))


def check_original(source: Source) -> tuple[list[Piece], bytes, bytes]:
    """Return pieces, salt and signer of an original, each byte of which is as it was signed.

    Raises:
        RefusedError: it is not.
    """
    found, seed, signer = source.pieces(), source.seed(), source.signer()
    sizes: dict[str, int] = {}
    for number, one in enumerate(found):
        data = source.part(one.part)
        inside = data[one.offset : one.offset + one.length]
        sizes[one.part] = one.offset + one.length
        salt = pieces.salt_of(seed, f"piece:{number}")
        if len(inside) != one.length or pieces.commit(salt, [inside]) != one.commitment:
            raise RefusedError(f"{one.part} is not what was signed, at byte {one.offset}")
    for name, size in sizes.items():
        if len(source.part(name)) != size:
            raise RefusedError(f"{name} is longer than what was signed")
    return found, seed, signer


def digest_of(stream: BinaryIO) -> str:
    """Return the SHA-256 of a whole file."""
    stream.seek(0)
    hasher = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()


UNCOVERED = frozenset({MANIFEST, DIGEST, pieces.RECORDS, pieces.SIGNATURE, pieces.SALT})
"""Parts that describe or sign the others."""
