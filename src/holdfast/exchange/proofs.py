"""The proof in a bundle: every file is the very input of a SHA-256 that something else commits to.

So `sha256sum` over the manifest computes all of it: a leaf file's digest is its leaf hash, a
node's is its name, a field's is its commitment. docs/formats/bundle.md has the bytes.
"""

from __future__ import annotations

import base64
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.digest import sha256_hex
from holdfast.core.errors import IntegrityError
from holdfast.exchange.bag import PROOF
from holdfast.exchange.completeness import write_leaves, write_tags
from holdfast.exchange.disclosure import BASE, everything
from holdfast.vault import entry as entries
from holdfast.vault import signing
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import MLDSA44_SPKI, check_second, checkpoint_message
from holdfast.vault.delegates import BEGINS
from holdfast.vault.merkle import WIDTH
from holdfast.vault.note import Verifier, open_note, split
from holdfast.vault.passkey import Passkey
from holdfast.vault.webauthn import Assertion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from holdfast.exchange.bag import Bag
    from holdfast.exchange.disclosure import Disclose
    from holdfast.vault.entry import Entry
    from holdfast.vault.log import Log
    from holdfast.vault.merkle import TreeReader
    from holdfast.vault.signing import PersonKey

_SPKI = bytes.fromhex("302a300506032b6570032100")
"""DER before the 32 bytes of an Ed25519 public key: RFC 8410 section 4."""


class Reader:
    """Entries by index, checked; the last bundle read is kept, so going upwards is cheap."""

    def __init__(self, log: Log, head: Checkpoint) -> None:
        self._log = log
        self._head = head
        self._number = -1
        self._lines: tuple[list[bytes], list[bytes]] = ([], [])

    def entry(self, index: int) -> Entry:
        """Return entry `index`.

        Raises:
            IntegrityError: missing, truncated or altered.
        """
        number, at = divmod(index, WIDTH)
        if number != self._number:
            width = min(WIDTH, self._head.size - number * WIDTH)
            self._lines = self._log.bundle(number, width)
            self._number = number
        leaves, bodies = self._lines
        return entries.read(index, leaves[at], bodies[at])


def pem(public: bytes) -> bytes:
    """Return an Ed25519 public key as openssl reads it: RFC 8410, RFC 7468."""
    encoded = base64.b64encode(_SPKI + public)
    return b"-----BEGIN PUBLIC KEY-----\n" + encoded + b"\n-----END PUBLIC KEY-----\n"


def person_pem(key: PersonKey) -> bytes:
    """Return a person's public key as openssl reads it."""
    return wrapped(key.spki) if isinstance(key, Passkey) else pem(key.public)


def wrapped(spki: bytes) -> bytes:
    """Return a public key as openssl reads it, in lines of 64 characters: RFC 7468."""
    encoded = base64.b64encode(spki)
    lines = b"".join(encoded[at : at + 64] + b"\n" for at in range(0, len(encoded), 64))
    return b"-----BEGIN PUBLIC KEY-----\n" + lines + b"-----END PUBLIC KEY-----\n"


@dataclass(frozen=True)
class SignedHead:
    """The log's head as it was published."""

    note: str
    text: str
    head: Checkpoint
    signature: bytes
    """64 bytes, the log's own."""
    verifier: Verifier

    @classmethod
    def of(cls, note: str, verifier: Verifier) -> SignedHead:
        """Take a checkpoint apart, so that all parts are of the same one.

        Raises:
            IntegrityError: it is not signed by the log's key.
        """
        text = open_note(note, verifier)
        prefix = f"— {verifier.name} "
        blobs = (
            base64.b64decode(line.removeprefix(prefix))
            for line in note.removeprefix(text).splitlines()
            if line.startswith(prefix)
        )
        signature = next(blob[4:] for blob in blobs if blob[:4] == verifier.key_id)
        return cls(note, text, Checkpoint.parse(text), signature, verifier)


@dataclass
class KeyEntries:
    """Which entries of the vault say whose a key is, and that it ended."""

    introduced: Mapping[str, int] = field(default_factory=dict)
    """Of people's keys, by key ID."""
    ended: Mapping[str, int] = field(default_factory=dict)
    """Of those that were rotated or revoked, by key ID."""
    of_log: Sequence[int] = ()
    """Of the log's own keys, one after the other."""


def _unplaced(entry: Entry) -> frozenset[str]:
    """Disclose all of an entry of the vault but from where somebody signed in, and as whom."""
    return everything(entry) - {"source", "provider"}


class Proof:
    """Writes the proof of some entries of one log at one head into a bag."""

    def __init__(
        self, bag: Bag, log: Log, signed: SignedHead, disclose: Disclose, known: KeyEntries
    ) -> None:
        self._bag = bag
        self._known = known
        self._signed = signed
        self._disclose = disclose
        self._log = log
        self._tree = log.tree(signed.head)
        self._read = Reader(log, signed.head).entry
        self._keys: set[str] = set()
        self._covered: dict[int, str] = {}
        self._places: set[int] = set()

    def write(
        self,
        of_case: Sequence[int],
        chain: tuple[str, bytes] | None = None,
    ) -> None:
        """Write the entries `of_case`, the vault's own that they rest on, and their inclusion.

        With `chain`, the case's number and tag key, the proof that these are all of them, too.

        Raises:
            IntegrityError: the log does not hold what is to be proven.
        """
        self._checkpoint(self._signed)
        self._second(self._signed)
        claims: dict[int, str | None] = {}
        for index in of_case:
            claims[index] = self._entry(self._read(index), self._disclose)
        claims.update(self._vault(self._former()))
        for index, key in claims.items():
            if key is not None and self._covered.get(index) != key:
                raise IntegrityError(
                    f"entry {index} has no signature of its actor's key {key}",
                    "run `holdfast verify`",
                )
        self._write_keys()
        if chain is not None:
            write_tags(self._put, *chain, len(of_case))
            write_leaves(self._put, self._log, self._tree.size, claims)
        places = sorted(self._places) if chain is None else range(self._tree.size)
        write_nodes(places, self._tree, self._put)

    def _former(self) -> list[int]:
        """Write the log's keys before this one; return the entries that ended them.

        Raises:
            IntegrityError: one ended, and no entry says so yet.
        """
        size = self._signed.head.size
        ended = self._log.eras.before(size)
        for number, era in enumerate(ended):
            assert era.until is not None  # noqa: S101 - it ended
            try:
                note = self._log.former(era.until).read_text("utf-8")
            except (OSError, UnicodeDecodeError):
                raise IntegrityError(
                    f"the last checkpoint of a former key of the log is missing, of {era.until} "
                    "entries",
                    "restore it from a backup",
                ) from None
            self._log.opened(note)
            self._checkpoint(SignedHead.of(note, era.verifier), f"former/{number}/")
            # The leaf that the tree of then ends in: the way to it gives the root of then.
            self._places.add(era.until - 1)
        said = [index for index in self._known.of_log if index < size]
        if len(said) != len(ended):
            raise IntegrityError(
                "the log's key was changed, and no entry says so yet",
                "have the request approved: `holdfast requests`",
            )
        return said

    def _vault(self, ends: list[int]) -> dict[int, str | None]:
        """Write vault.init, what ended the log's keys, and whose the keys are that signed.

        What ended one of those before the head is written, too.
        """
        introduced = self._known.introduced
        claims: dict[int, str | None] = {}
        waiting = [0, *ends]
        while waiting:
            index = waiting.pop()
            if index not in claims:
                entry = self._read(index)
                if len(entry.disclosures) < len(entry.commitments):
                    raise IntegrityError(f"entry {index} of the vault has a field that was erased")
                claims[index] = self._entry(entry, _unplaced)
                if claims[index] is not None and "signature" not in entry.commitments:
                    waiting.append(index + 1)  # the act's last entry signs for all of them
            for key in self._keys:
                if key not in introduced:
                    raise IntegrityError(
                        f"no entry introduces the key {key}", "run `holdfast rebuild`"
                    )
            due = {introduced[key] for key in self._keys}
            size = self._signed.head.size
            due |= {at for key, at in self._known.ended.items() if key in self._keys and at < size}
            waiting += sorted(due - claims.keys())
        return claims

    def _entry(self, entry: Entry, disclose: Disclose) -> str | None:
        """Write one entry; return the key ID that its actor is said to have."""
        index, folder = entry.index, f"entries/{entry.index}/"
        shown = disclose(entry) & frozenset(entry.disclosures)
        lacking = BASE & frozenset(entry.commitments) - shown
        if lacking:
            raise IntegrityError(
                f"entry {index} can't be proven: its field {min(lacking)} was erased or withheld"
            )
        self._put(f"{folder}leaf", b"\x00" + entry.leaf)
        for name in sorted(shown):
            data = entries.FIELD_DOMAIN + entry.disclosures[name].encode()
            self._put(f"{folder}field.{name}", data)
        self._places.add(index)
        if "signature" in entry.commitments:
            self._signature(entry, folder)
        key = entry.fields["actor"]["key"]
        return None if key is None else str(key)

    def _signature(self, entry: Entry, folder: str) -> None:
        claim = entry.fields["signature"]
        start = entry.index - claim["covers"]
        covered = [self._tree.leaf(at) for at in range(start, entry.index)]
        message = entries.act_message(
            self._log.eras.of_entry(entry.index).origin, covered, entry.commitments
        )
        self._put(f"{folder}act.message", message)
        self._put(f"{folder}act.sig", base64.b64decode(claim["sig"]))
        if "client" in claim:
            made = Assertion.of(claim)
            self._put(f"{folder}act.client", made.client)
            self._put(f"{folder}act.signed", made.signed)
        for at in range(start, entry.index + 1):
            self._covered[at] = claim["key"]
            self._places.add(at)
        self._keys.add(claim["key"])

    def _write_keys(self) -> None:
        """Write the public keys that signed, as the log introduced them."""
        for key in sorted(self._keys):
            entry = self._read(self._known.introduced[key])
            told = entry.fields.get("delegate" if entry.act in BEGINS else "operator", {})
            verifier = signing.parse(str(told.get("vkey", "")))
            if entry.act not in {"operator.add", *BEGINS} or verifier.key_id.hex() != key:
                raise IntegrityError(
                    f"entry {entry.index} does not introduce the key {key}",
                    "the database was altered: run `holdfast rebuild`",
                )
            self._put(f"keys/{key}.pem", person_pem(verifier))

    def _checkpoint(self, signed: SignedHead, folder: str = "") -> None:
        verifier = signed.verifier
        self._put(f"{folder}checkpoint", signed.note.encode())
        self._put(f"{folder}checkpoint.text", signed.text.encode())
        self._put(f"{folder}checkpoint.sig", signed.signature)
        self._put(f"{folder}log.vkey", f"{verifier}\n".encode())
        self._put(f"{folder}log.pem", pem(verifier.public))

    def _second(self, signed: SignedHead) -> None:
        """Write what openssl needs to check the log's ML-DSA-44 signature.

        Raises:
            IntegrityError: it was stripped.
        """
        cosigner = self._log.eras.at(signed.head.size).second
        if cosigner is None:
            return
        check_second(signed.note, cosigner)
        named = cosigner.name, cosigner.key_id
        value = next(one.value for one in split(signed.note)[1] if (one.name, one.key_id) == named)
        head, name = signed.head, cosigner.name.encode()
        time = int.from_bytes(value[:8], "big")
        message = checkpoint_message(name, time, head.origin.encode(), head.size, head.root)
        self._put("second.message", message)
        self._put("second.sig", value[8:])
        self._put("second.pem", wrapped(MLDSA44_SPKI + cosigner.public))

    def _put(self, name: str, data: bytes) -> None:
        self._bag.put(PROOF + name, data)


def write_nodes(places: Sequence[int], tree: TreeReader, put: Callable[[str, bytes], None]) -> None:
    """Write each inner node on the way from the root to `places` (ascending): RFC 6962, 2.1.

    A file holds 0x01 and the two child hashes, and is named by its own SHA-256.
    """
    waiting = [(0, tree.size)]
    while waiting:
        start, end = waiting.pop()
        at = bisect_left(places, start)
        if end - start < 2 or at == len(places) or places[at] >= end:
            continue
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        left, right = tree.root_of(start, middle), tree.root_of(middle, end)
        data = b"\x01" + left + right
        put(f"nodes/{sha256_hex(data)}", data)
        waiting += [(middle, end), (start, middle)]
