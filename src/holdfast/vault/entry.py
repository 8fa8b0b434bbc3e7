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
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import orjson

from holdfast.core import canonical
from holdfast.core.errors import IntegrityError
from holdfast.vault.merkle import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from holdfast.core.canonical import Json
    from holdfast.vault.signing import ActSigner

FIELD_DOMAIN = b"holdfast-field/1\n"
ACT_DOMAIN = "holdfast-act/1\n"
TAG_DOMAIN = b"holdfast-tag/1\n"
CASE_DOMAIN = b"holdfast-case/1\n"
KEY_DOMAIN = b"holdfast-case-key/1\n"
MASS = "erase.mass"
"""The one mark that a leaf can bear: the name of the act."""
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
    opens: Mapping[str, str] | None = None
    """What `opening` returns, for the entry that opens a case."""
    mark: str = ""
    """What the leaf says in public: `MASS` for a mass deletion, so that monitors see it."""


@dataclass(frozen=True)
class Parts:
    """What a leaf and its body say."""

    commitments: dict[str, str]
    disclosures: dict[str, str]
    tag: str
    sequence: int
    opens: Mapping[str, str] | None = None
    mark: str = ""


@dataclass(frozen=True)
class Sealed:
    """An entry ready for the log."""

    leaf: bytes
    body: bytes
    """Canonical JSON: {"disclosures": {name: text}, "sequence": n}."""
    parts: Parts | None = field(default=None, compare=False)
    """What the two say, where they were just made of it."""

    @cached_property
    def hash(self) -> bytes:
        """The leaf hash, 32 bytes."""
        return leaf_hash(self.leaf)

    def entry(self, index: int, fields: Mapping[str, Json]) -> Entry:
        """Return the entry at `index` with the fields that were sealed, without parsing them."""
        parts = self.parts or _parts(self.leaf, self.body)
        made = Entry(index, self.leaf, **vars(parts))
        # The signature came with the sealing.
        added = parts.disclosures.keys() - fields.keys()
        more = {name: orjson.loads(parts.disclosures[name])[2] for name in added}
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
    opens: Mapping[str, str] | None = None
    """Of the entry that opens a case: what `opening` returns."""
    mark: str = ""
    """What its leaf says in public; empty for nearly all."""
    signed_by: str | None = field(default="", compare=False)
    """`own` key, `session`, `token`, or None for nobody's; empty where that was not looked up."""

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

    def as_json(self) -> dict[str, Json]:
        """Return what `custody --json` prints: its place in the log, and its fields."""
        return {
            "entry": self.index,
            "erased": [*sorted(set(self.commitments) - set(self.disclosures))],
            "hash": self.hash.hex(),
            "sequence": self.sequence,
            "signed": "signature" in self.commitments,
            **({} if self.signed_by == "" else {"signed_by": self.signed_by}),
            **self.fields,
        }


def commitment(disclosure: str) -> str:
    """Return the digest that a leaf holds for one disclosed field, in hex."""
    return hashlib.sha256(FIELD_DOMAIN + disclosure.encode()).hexdigest()


def tag(key: bytes, sequence: int) -> str:
    """Return the completeness tag of the `sequence`-th entry of a chain, in hex.

    HMAC-SHA-256 under the chain's key: to others the tags of a case look random; whoever is
    given the key can find every entry of the case in the log and count them from 1.
    """
    message = TAG_DOMAIN + str(sequence).encode()
    return hmac.digest(key, message, "sha256").hex()


def opening(case: str, chain_key: bytes) -> dict[str, str]:
    """Return what the leaf of the entry that opens a case says in public.

    Digests of the case's number and of its tag key. So whoever is given both can tell from all
    leaves of a log that the case was opened once, and with that key: a second chain of entries
    under another key can't pass for the case.
    """
    return {
        "case": hashlib.sha256(CASE_DOMAIN + case.encode()).hexdigest(),
        "key": hashlib.sha256(KEY_DOMAIN + chain_key).hexdigest(),
    }


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
    return seal_encoded(encoded(fields), chain_key, sequence)


def encoded(fields: Mapping[str, Json]) -> dict[str, str]:
    """Return each field's value as canonical JSON; what many entries share is encoded once.

    Raises:
        ValueError: a field's value has no canonical form, or its name is none.
    """
    return {_word(name): canonical.encode(value).decode() for name, value in fields.items()}


@cache
def _word(name: str) -> str:
    """Return a field's name, which needs no escape in JSON.

    Raises:
        ValueError: it would.
    """
    if not (name.isascii() and name.isidentifier()):
        raise ValueError(f"{name!r} can't name a field: it is no word in ASCII")
    return name


def seal_encoded(
    values: Mapping[str, str],
    chain_key: bytes,
    sequence: int,
    opens: Mapping[str, str] | None = None,
    mark: str = "",
    *,
    random: Callable[[int], bytes] = os.urandom,
) -> Sealed:
    """Seal like `seal`, given what `encoded` returns, and what the leaf says in public."""
    salts = base64.urlsafe_b64encode(random(SALT * 3 * ((len(values) + 2) // 3))).decode()
    disclosures: dict[str, str] = {}
    commitments: dict[str, str] = {}
    for at, (name, value) in enumerate(values.items()):
        # 22 base64 characters carry 132 bits; a slice of the stream is never shared by two fields.
        text = f'["{salts[at * 22 : at * 22 + 22]}","{name}",{value}]'
        disclosures[name] = text
        commitments[name] = commitment(text)
    return _joined(Parts(commitments, disclosures, tag(chain_key, sequence), sequence, opens, mark))


def _joined(parts: Parts) -> Sealed:
    leaf: dict[str, Any] = {"fields": parts.commitments, "tag": parts.tag, "v": 1}
    if parts.opens is not None:
        leaf["opens"] = dict(parts.opens)
    if parts.mark:
        leaf["mark"] = parts.mark
    body: dict[str, Any] = {"disclosures": parts.disclosures, "sequence": parts.sequence}
    return Sealed(canonical.encode(leaf), canonical.encode(body), parts)


def sign(
    values: Mapping[str, str],
    chain_key: bytes,
    sequence: int,
    *,
    signer: ActSigner,
    origin: str,
    covered: list[bytes],
    opens: Mapping[str, str] | None = None,
    mark: str = "",
    shown: Sequence[Draft] = (),
    last: int = 0,
    random: Callable[[int], bytes] = os.urandom,
) -> Sealed:
    """Seal like `seal_encoded`, adding the actor's signature over this entry and the `covered`.

    `shown` is what a person is told of the act, `last` the key's last counter in the log.
    """
    parts = seal_encoded(values, chain_key, sequence, opens, mark, random=random).parts
    assert parts is not None  # noqa: S101 - just made
    message = act_message(origin, covered, parts.commitments)
    value: Json = {
        **signer.attest(message, shown, last),
        "covers": len(covered),
        "key": signer.verifier.key_id.hex(),
    }
    salt = base64.urlsafe_b64encode(os.urandom(SALT)).decode().rstrip("=")
    text = canonical.encode([salt, "signature", value]).decode()
    parts.disclosures["signature"] = text
    parts.commitments["signature"] = commitment(text)
    return _joined(parts)


def moved(sealed: Sealed, chain_key: bytes, sequence: int) -> Sealed:
    """Return an entry as another of its chain: no signature is over an entry's own number."""
    parts = sealed.parts
    assert parts is not None  # noqa: S101 - just made
    return _joined(replace(parts, tag=tag(chain_key, sequence), sequence=sequence))


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
        return Entry(index, leaf, **vars(_parts(leaf, body)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _malformed(index) from None


def without(body: bytes, names: Collection[str]) -> bytes:
    """Return a body without the disclosures of `names`; the very same bytes where it has none.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is malformed.
    """
    said = orjson.loads(body)
    kept = {name: text for name, text in said["disclosures"].items() if name not in names}
    if len(kept) == len(said["disclosures"]):
        return body
    return canonical.encode({**said, "disclosures": kept})


def _parts(leaf: bytes, body: bytes) -> Parts:
    """Read a leaf and a body.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: either is malformed.
    """
    public, private = orjson.loads(leaf), orjson.loads(body)
    opens, mark = public.get("opens"), public.get("mark", "")
    parts = Parts(
        public["fields"], private["disclosures"], public["tag"], private["sequence"], opens, mark
    )
    texts = [mark, parts.tag, *parts.commitments.values(), *parts.disclosures.values()]
    if opens is not None:
        texts += opens.values()
    if public["v"] != 1 or type(parts.sequence) is not int or set(map(type, texts)) != {str}:
        raise ValueError
    return parts


def _malformed(index: int) -> IntegrityError:
    return IntegrityError(
        f"entry {index} of the custody log is malformed",
        "restore that file under entries/ or log/tile/entries/ from a backup",
    )
