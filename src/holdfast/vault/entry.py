"""One line of the custody log: a leaf of commitments, and beside it the body they commit to.

The leaf (public, in the log's tiles) holds one salted digest per field; the body (private,
under `entries/`) holds each field's disclosure: its salt, name and value. Erasing a disclosure
from the body removes the value for good and leaves every proof intact. `docs/formats/custody.md`
specifies the bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.core import canonical
from holdfast.core.errors import IntegrityError
from holdfast.vault.merkle import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.canonical import Json
    from holdfast.vault.note import Signer

FIELD_DOMAIN = b"holdfast-field/1\n"
ACT_DOMAIN = "holdfast-act/1\n"
TAG_DOMAIN = b"holdfast-tag/1\n"
SALT = 16
"""Bytes of salt in each field: 128 bits, so that a name can't be guessed from its digest."""


@dataclass(frozen=True)
class Draft:
    """An act about to be entered: what it is, in which case, and its fields.

    The sequencer adds `actor`, `context` and `time`, and the signature.
    """

    act: str
    case: str | None = None
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Sealed:
    """An entry ready for the log."""

    leaf: bytes
    body: bytes
    """Canonical JSON: {"disclosures": {name: text}, "sequence": n}."""

    def entry(self, index: int, fields: Mapping[str, Json]) -> Entry:
        """Return the entry at `index` with the fields that were sealed, without parsing them."""
        made = parse(index, self.leaf, self.body)
        # The signature came with the sealing.
        added = made.disclosures.keys() - fields.keys()
        more = {name: orjson.loads(made.disclosures[name])[2] for name in added}
        made.__dict__["fields"] = {**fields, **more}
        return made


@dataclass(frozen=True)
class Entry:
    """An entry as read back and checked against its leaf.

    `disclosures` lacks the fields that were erased or withheld; their commitments stay in
    `commitments`.
    """

    index: int
    leaf: bytes
    commitments: dict[str, str]
    disclosures: dict[str, str]
    tag: str
    sequence: int

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The disclosed fields' values.

        Raises:
            IntegrityError: a disclosure is not [salt, name, value].
        """
        fields = {}
        for name, text in self.disclosures.items():
            try:
                _salt, said, fields[name] = orjson.loads(text)
            except (ValueError, TypeError):
                said = None
            if said != name:
                raise _malformed(self.index)
        return fields

    @property
    def act(self) -> str:
        """The act's name; empty where it was erased."""
        return str(self.fields.get("act", ""))

    @property
    def case(self) -> str | None:
        """The case the entry belongs to; None for the vault's own."""
        case = self.fields.get("case")
        return None if case is None else str(case)

    @property
    def hash(self) -> bytes:
        """The leaf hash, 32 bytes."""
        return leaf_hash(self.leaf)


def commitment(disclosure: str) -> str:
    """Return the digest that a leaf holds for one disclosed field, in hex."""
    return hashlib.sha256(FIELD_DOMAIN + disclosure.encode()).hexdigest()


def tag(key: bytes, sequence: int) -> str:
    """Return the completeness tag of the `sequence`-th entry of a chain, in hex.

    HMAC-SHA-256 under the chain's key: to others the tags of a case look random; whoever is
    given the key can find every entry of the case in the log and count them from 1.
    """
    message = TAG_DOMAIN + str(sequence).encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def act_message(origin: str, covered: list[bytes], commitments: Mapping[str, str]) -> bytes:
    """Return the canonical act that an actor signs.

    It binds the log, the leaf hashes of the `covered` entries just before (one act may make
    many), and the commitments of the entry that carries the signature, so that the signature
    outlives any erasure.
    """
    fields = canonical.encode({n: c for n, c in commitments.items() if n != "signature"})
    lines = "".join(digest.hex() + "\n" for digest in covered)
    return f"{ACT_DOMAIN}{origin}\n{lines}".encode() + fields


def seal(fields: Mapping[str, Json], chain_key: bytes, sequence: int) -> Sealed:
    """Salt and commit each field; return leaf and body.

    Raises:
        ValueError: a field's value has no canonical form.
    """
    salts = base64.urlsafe_b64encode(os.urandom(SALT * 3 * ((len(fields) + 2) // 3))).decode()
    disclosures: dict[str, Json] = {}
    commitments: dict[str, Json] = {}
    for at, (name, value) in enumerate(fields.items()):
        # 22 base64 characters carry 132 bits; a slice of the stream is never shared by two fields.
        text = canonical.encode([salts[at * 22 : at * 22 + 22], name, value]).decode()
        disclosures[name] = text
        commitments[name] = commitment(text)
    leaf: dict[str, Json] = {"fields": commitments, "tag": tag(chain_key, sequence), "v": 1}
    body: dict[str, Json] = {"disclosures": disclosures, "sequence": sequence}
    return Sealed(canonical.encode(leaf), canonical.encode(body))


def sign(
    fields: Mapping[str, Json],
    chain_key: bytes,
    sequence: int,
    *,
    signer: Signer,
    origin: str,
    covered: list[bytes],
) -> Sealed:
    """Seal like `seal`, adding the actor's signature over this entry and the `covered` ones."""
    plain = seal(fields, chain_key, sequence)
    leaf, body = orjson.loads(plain.leaf), orjson.loads(plain.body)
    message = act_message(origin, covered, leaf["fields"])
    value: Json = {
        "covers": len(covered),
        "key": signer.verifier.key_id.hex(),
        "sig": base64.b64encode(signer.private.sign(message)).decode(),
    }
    salt = base64.urlsafe_b64encode(os.urandom(SALT)).decode().rstrip("=")
    text = canonical.encode([salt, "signature", value]).decode()
    body["disclosures"]["signature"] = text
    leaf["fields"]["signature"] = commitment(text)
    return Sealed(canonical.encode(leaf), canonical.encode(body))


def read(index: int, leaf: bytes, body: bytes) -> Entry:
    """Join a leaf and its body.

    Raises:
        IntegrityError: either is malformed, or a disclosure is not what the leaf commits to.
    """
    entry = parse(index, leaf, body)
    for name, text in entry.disclosures.items():
        if entry.commitments.get(name) != commitment(text):
            raise IntegrityError(
                f"the body of entry {index} was changed: its field {name!r} is not what the log "
                "committed to",
                "restore that file under entries/ from a backup",
            )
    return entry


def parse(index: int, leaf: bytes, body: bytes) -> Entry:
    """Join a leaf and its body without hashing the fields (`read` does).

    Raises:
        IntegrityError: either is malformed.
    """
    try:
        public, private = orjson.loads(leaf), orjson.loads(body)
        entry = Entry(
            index=index,
            leaf=leaf,
            commitments=public["fields"],
            disclosures=private["disclosures"],
            tag=public["tag"],
            sequence=private["sequence"],
        )
        texts = [entry.tag, *entry.commitments.values(), *entry.disclosures.values()]
        if public["v"] != 1 or type(entry.sequence) is not int or set(map(type, texts)) != {str}:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _malformed(index) from None
    return entry


def _malformed(index: int) -> IntegrityError:
    return IntegrityError(
        f"entry {index} of the custody log is malformed",
        "restore that file under entries/ or log/tile/entries/ from a backup",
    )
