"""Commitments to the pieces of a capture, so that a copy can lack some and prove the others.

A piece is a range of a part's bytes: a WARC record (its gzip member), a line of a `.jsonl` part, or
a part as a whole. `capture/records.jsonl` has for each the SHA-256 of a salt and its bytes, and is
signed. The salts come from one secret in the item: who has the item can open all of them, and who
has a copy those that came with it. Without its salt a digest of a short secret could be guessed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RECORDS = "capture/records.jsonl"
SIGNATURE = "capture/records-signature.json"
SALT = "capture/salt.json"
FORMAT = "holdfast-pieces/1"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Piece:
    """A range of a part's bytes."""

    part: str
    offset: int
    length: int
    record: str = ""
    """WARC-Record-ID without its angle brackets, where it is a record."""
    commitment: str = ""
    """SHA-256 of salt and bytes, hex; empty until it is made."""

    def line(self) -> bytes:
        """Return it as records.jsonl has it."""
        facts = {name: value for name, value in vars(self).items() if value != ""}
        return json.dumps(facts, sort_keys=True).encode() + b"\n"


def salt_of(seed: bytes, label: str) -> bytes:
    """Return the salt of what `label` names: `piece:<n>` or `taken:<n>`, from 0."""
    return hmac.digest(seed, label.encode(), "sha256")


def commit(salt: bytes, data: Iterable[bytes]) -> str:
    """Return the commitment to bytes."""
    hasher = hashlib.sha256(salt)
    for chunk in data:
        hasher.update(chunk)
    return hasher.hexdigest()


def read(lines: bytes) -> list[Piece]:
    """Read records.jsonl.

    Raises:
        ValueError: a line is none.
    """
    found = []
    for line in lines.splitlines():
        facts = json.loads(line)
        if not isinstance(facts, dict):
            raise ValueError("a line that is no object")
        one = Piece(
            facts["part"], facts["offset"], facts["length"], facts.get("record", ""),
            facts.get("commitment", ""),
        )  # fmt: skip
        strings = (one.part, one.record, one.commitment)
        numbers = (one.offset, one.length)
        if not all(isinstance(value, str) for value in strings) or not all(
            type(value) is int and value >= 0 for value in numbers
        ):
            raise ValueError("a line of other types")
        found.append(one)
    return found


def write(folder: Path, key: ec.EllipticCurvePrivateKey | None) -> str:
    """Commit to every part below `folder`; return the SHA-256 of records.jsonl.

    What is in records.jsonl already are places of WARC records, in order.

    Raises:
        OSError: the disk refused.
    """
    place = folder / RECORDS
    known = read(place.read_bytes()) if place.exists() else []
    own = {RECORDS, SALT, SIGNATURE}
    parts = sorted(
        name
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
        if (name := path.relative_to(folder).as_posix()) not in own
    )
    seed = secrets.token_bytes(32)
    (folder / SALT).write_text(json.dumps({"format": FORMAT, "salt": seed.hex()}) + "\n", "ascii")
    number, hasher = 0, hashlib.sha256()
    with place.open("wb") as out:
        for part in parts:
            with (folder / part).open("rb") as stream:
                size = (folder / part).stat().st_size
                for piece in _split(part, size, stream, known):
                    stream.seek(piece.offset)
                    made = commit(salt_of(seed, f"piece:{number}"), _read(stream, piece.length))
                    line = replace(piece, commitment=made).line()
                    out.write(line)
                    hasher.update(line)
                    number += 1
    if key is not None:
        signed = sign(key, hasher.hexdigest())
        (folder / SIGNATURE).write_text(json.dumps(signed, sort_keys=True) + "\n", "ascii")
    return hasher.hexdigest()


def _split(part: str, size: int, stream: BinaryIO, known: list[Piece]) -> Iterator[Piece]:
    """Yield a part's pieces: they follow each other without a gap, from its start to its end."""
    at = 0
    if part.endswith(".jsonl") and size:
        stream.seek(0)
        for line in stream:
            yield Piece(part, at, len(line))
            at += len(line)
        return
    for one in known:
        # A decoder that died may have told of a record that was cut back.
        if one.part == part and one.offset == at and at + one.length <= size:
            yield one
            at += one.length
    if at < size or not size:
        yield Piece(part, at, size - at)


def _read(stream: BinaryIO, left: int) -> Iterator[bytes]:
    while left and (chunk := stream.read(min(left, _CHUNK))):
        left -= len(chunk)
        yield chunk


def sign(key: ec.EllipticCurvePrivateKey, digest: str) -> dict[str, str]:
    """Return the signature over records.jsonl, made as a WACZ's is: ECDSA, SHA-256, raw r and s."""
    r, s = decode_dss_signature(key.sign(_text(digest), ec.ECDSA(hashes.SHA256())))
    size = (key.curve.key_size + 7) // 8
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "hash": f"sha256:{digest}",
        "publicKey": base64.b64encode(public).decode(),
        "signature": base64.b64encode(r.to_bytes(size) + s.to_bytes(size)).decode(),
    }


def signed_by(signed: Any, digest: str) -> bytes | None:
    """Return the key (DER) that signed records.jsonl; None where the signature does not hold."""
    try:
        der = base64.b64decode(signed["publicKey"], validate=True)
        raw = base64.b64decode(signed["signature"], validate=True)
        key = load_der_public_key(der)
        if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) % 2 or not raw:
            return None
        half = len(raw) // 2
        pair = encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
        key.verify(pair, _text(digest), ec.ECDSA(hashes.SHA256()))
    except (KeyError, TypeError, ValueError, binascii.Error, InvalidSignature):
        return None
    return der


def _text(digest: str) -> bytes:
    # Other words than a WACZ's, so that neither signature can be shown for the other.
    return f"holdfast-pieces/1 sha256:{digest}".encode()
