"""The log's head, the tree, and the entries with their fields: docs/formats/bundle.md."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.exchange import bag
from holdfast.exchange.check.anchors import ED25519, Key, strict_base64
from holdfast.exchange.check.finding import shown
from holdfast.exchange.disclosure import BASE
from holdfast.exchange.proofs import pem
from holdfast.vault.note import Verifier

if TYPE_CHECKING:
    from holdfast.exchange.check.finding import Finding
    from holdfast.exchange.check.folder import Folder

P = bag.PROOF
NUMBER, HASH = rb"(0|[1-9][0-9]{0,14})", rb"[0-9a-f]{64}"
TEXT = rb'"(?:[^"\\\x00-\x1f\x7f]|\\["\\])*"'
_LINE = re.compile("— ".encode() + rb"([^\s]+) ([A-Za-z0-9+/]+=*)")
HEAD = re.compile(
    rb"([^\x00-\x1f\x7f]+)\n" + NUMBER + rb"\n([A-Za-z0-9+/]{43}=)\n([^\n]+\n)*", re.DOTALL
)
_FIELDS = re.compile(rb'"([a-z][a-z0-9_]{0,78})":"(' + HASH + rb')"([,}])')
_REST = re.compile(
    rb'(?:,"mark":"erase\.mass")?(?:,"opens":\{"case":"('
    + HASH
    + rb')","key":"('
    + HASH
    + rb')"\})?'
    rb',"tag":"(' + HASH + rb')","v":1\}'
)
_VALUE = re.compile(rb'holdfast-field/1\n\["([A-Za-z0-9_-]*)","([a-z0-9_]+)",(.*)\]', re.DOTALL)
FIXED = (
    "checkpoint", "checkpoint.sig", "checkpoint.text", "contents.sha256", "entries.txt",
    "handover.txt", "log.pem", "log.vkey",
)  # fmt: skip
_KINDS = re.compile(
    r"entries/[0-9]+/(leaf|field\.[a-z][a-z0-9_]*|act\.(client|message|sig|signed))|nodes/[0-9a-f]{64}"
    r"|keys/[0-9a-f]{8}\.pem|leaves/[0-9]+|tags/(case|key|[0-9]+\.(inner|outer))|cosigned"
    r"|witnesses/[0-9]+\.(message|sig)|stamps/[^/]+\.(tsr|ers|crls)|second\.(message|pem|sig)"
    r"|former/[0-9]+/(checkpoint|checkpoint\.sig|checkpoint\.text|log\.pem|log\.vkey)"
)


@dataclass(frozen=True)
class Former:
    """A key of the log that ended before the head was signed."""

    vkey: bytes
    origin: bytes
    until: int
    """The size of the last checkpoint that it signed."""
    root: bytes
    """That checkpoint's root, base64."""
    why: str
    entry: int
    """Which entry ended it."""


class Proof:
    """A bundle's proof while it is read; each check uses what those before it established."""

    def __init__(self, folder: Folder, digest: dict[str, str], finding: Finding) -> None:
        self.folder = folder
        self.digest = digest
        """Of every file of the bundle, as computed."""
        self.finding = finding
        self.text = b""
        self.origin = b""
        self.log_key: Key
        self.signature = b""
        self.size = 0
        self.root = b""
        self.others = 0
        self.places: dict[int, str] = {}
        """The leaf hash at each place that the nodes lead to."""
        self.leaves: list[int] = []
        self.commitments: dict[int, dict[str, str]] = {}
        self.second = b""
        """The verifier key of the log's second signature; empty where it has none."""
        self.former: list[Former] = []
        """The log's keys before this one, oldest first."""
        self._nodes: dict[bytes, bytes] = {}

    def has(self, name: str) -> bool:
        """Say whether the proof has this file."""
        return P + name in self.digest

    def read(self, name: str) -> bytes:
        """Return a file of the proof; empty where there is none."""
        return self.folder.read(P + name) or b""

    def check_head(self) -> None:
        """Check the log's key, and its signature on the head."""
        bad, stage = self.finding.bad, self.finding.stage
        for name in FIXED:
            if not self.has(name):
                bad(f"{P}{name}: missing from the proof")
        stage()
        vkey = self.read("log.vkey")
        key = Key.parse(vkey.removesuffix(b"\n"), ED25519) if vkey.endswith(b"\n") else None
        if key is None:
            bad(f"{P}log.vkey: is no Ed25519 verifier key")
            stage()
            return
        self.log_key, self.origin = key, key.name
        if self.read("log.pem") != pem(key.public):
            bad(f"{P}log.pem: is not the key of log.vkey")
        self.text = self.read("checkpoint.text")
        found = HEAD.fullmatch(self.text)
        root = None if found is None else strict_base64(found[3])
        if found is None or b"\0" in self.text or root is None:
            bad(f"{P}checkpoint.text: is no checkpoint")
            stage()
            return
        self.size, self.root = int(found[2]), root
        if found[1] != self.origin:
            bad(f"{P}checkpoint.text: is of another log than log.vkey")
        signatures = self.signatures("checkpoint")
        own = [blob[4:] for name, blob in signatures if (name, blob[:4]) == (key.name, key.key_id)]
        self.others = len(signatures) - len(own)
        if len(own) != 1:
            bad(f"{P}checkpoint: is not signed by the log's key")
            stage()
        self.signature = own[0]
        if self.read("checkpoint.sig") != self.signature:
            bad(f"{P}checkpoint.sig: is not the signature in the checkpoint")
        if not Verifier("", key.public).verifies(self.text, self.signature):
            bad(f"{P}checkpoint: the log's signature does not verify")
        stage()
        told = f"{shown(self.origin)}: {self.size} entries, its head signed by the log's key"
        self.finding.say("Log", told)

    @property
    def root_text(self) -> bytes:
        """The head's root, base64."""
        return base64.b64encode(self.root)

    def origin_of(self, index: int) -> bytes:
        """Return the origin under which the log was when entry `index` was made."""
        ended = (one.origin for one in self.former if index < one.until)
        return next(ended, self.origin)

    def past_root(self, size: int) -> bytes | None:
        """Return the root, base64, of the first `size` leaves; None where no node leads there.

        On the way to its last leaf stand, to the left, the trees that it is made of: RFC 6962, 2.1.
        """
        name, start, end, lefts = self.root, 0, self.size, list[bytes]()
        while end - start > 1:
            if name not in self._nodes:
                return None
            middle = start + (1 << ((end - start - 1).bit_length() - 1))
            left, right = self._nodes[name][1:33], self._nodes[name][33:]
            if size > middle:
                lefts.append(left)
                name, start = right, middle
            else:
                name, end = left, middle
        for left in reversed(lefts):
            name = hashlib.sha256(b"\x01" + left + name).digest()
        return base64.b64encode(name)

    def signatures(self, name: str, text: bytes | None = None) -> list[tuple[bytes, bytes]]:
        """Return who signed this note, over `text` or the head's, and key ID with signature."""
        data, text = self.read(name), self.text if text is None else text
        rest = data.removeprefix(text + b"\n")
        if text + b"\n" + rest != data or not rest.endswith(b"\n") or b"\0" in data:
            self.finding.bad(f"{P}{name}: is not checkpoint.text with a signature")
            return []
        found = []
        for line in rest[:-1].split(b"\n"):
            signed = _LINE.fullmatch(line)
            blob = None if signed is None else strict_base64(signed[2])
            if signed is None or blob is None:
                self.finding.bad(f"{P}{name}: has no signature, or one that can't be read")
            else:
                found.append((signed[1], blob))
        return found

    def check_places(self) -> None:
        """Go down the tree from the signed root, and hold each leaf to its place: RFC 6962, 2.1."""
        bad, stage = self.finding.bad, self.finding.stage
        nodes: dict[bytes, bytes] = {}
        fields = 0
        for path in self.digest:
            name = path.removeprefix(P)
            if name == path or name in FIXED:
                continue
            if not _KINDS.fullmatch(name):
                bad(f"{path}: is no part of a proof")
            elif name.startswith("nodes/"):
                if self.digest[path] != name[6:]:
                    bad(f"{path}: is not named by its SHA-256")
                data = self.read(name)
                if len(data) != 65 or data[0] != 1:
                    bad(f"{path}: is no inner node (RFC 6962, 2.1)")
                nodes[bytes.fromhex(name[6:])] = data
            elif name.endswith("/leaf") and re.fullmatch(NUMBER, name[8:-5].encode()):
                self.leaves.append(int(name[8:-5]))
            fields += "/field." in name
        if not self.leaves:
            bad(f"{P}entries: holds no entry")
        stage()
        self._nodes = nodes
        self._walk(nodes)
        disclosed = sum(self._leaf(index) for index in self.leaves)
        if disclosed != fields:
            bad(f"{P}entries: {fields - disclosed} files are no field of an entry in this bundle")
        stage()

    def _walk(self, nodes: dict[bytes, bytes]) -> None:
        waiting, used = [(self.root, 0, self.size)] if self.size else [], 0
        while waiting:
            name, start, end = waiting.pop()
            if end - start == 1:
                self.places[start] = name.hex()
            elif name in nodes:
                used += 1
                if used > len(nodes):
                    self.finding.bad(f"{P}nodes: a node is its own relative")
                    return
                middle = start + (1 << ((end - start - 1).bit_length() - 1))
                waiting.append((nodes[name][33:], middle, end))
                waiting.append((nodes[name][1:33], start, middle))
        if used != len(nodes):
            unused = len(nodes) - used
            self.finding.bad(f"{P}nodes: {unused} nodes do not lead to the signed root")

    def _leaf(self, index: int) -> int:
        """Read one entry's leaf; return how many of its fields are here."""
        folder = f"entries/{index}/"
        if self.places.get(index) != self.digest[f"{P}{folder}leaf"]:
            self.finding.bad(
                f"entry {index}: its leaf is not at this place in the log that the checkpoint "
                "commits to"
            )
            return 0
        said = read_leaf(self.read(f"{folder}leaf"))
        if said is None:
            self.finding.bad(f"entry {index}: its leaf is malformed")
            return 0
        self.commitments[index] = said.fields
        disclosed = 0
        for name, commitment in said.fields.items():
            here = self.digest.get(f"{P}{folder}field.{name}")
            disclosed += here is not None
            if here is not None and here != commitment:
                self.finding.bad(
                    f"entry {index}: the field {name} is not what the log committed to"
                )
            if here is None and name in BASE:
                self.finding.bad(f"entry {index}: the field {name} was stripped from this bundle")
        return disclosed

    def fields(self, index: int) -> list[str]:
        """Return the names of the entry's disclosed fields, sorted."""
        names = self.commitments[index]
        return [name for name in names if self.has(f"entries/{index}/field.{name}")]

    def lacks(self, index: int) -> list[str]:
        """Return the names of those it withholds."""
        return sorted(set(self.commitments[index]) - set(self.fields(index)))

    def value(self, index: int, name: str, form: bytes) -> re.Match[bytes] | None:
        """Match the JSON that an entry discloses as a field; None where it withholds it.

        A field that is malformed, or of another form, is a failure.
        """
        path = f"entries/{index}/field.{name}"
        if not self.has(path):
            return None
        whole = _VALUE.fullmatch(self.read(path))
        if whole is None or whole[2] != name.encode():
            self.finding.bad(f"{P}{path}: is malformed")
            return None
        return re.fullmatch(form, whole[3], re.DOTALL)


class Leaf:
    """What a leaf says to all."""

    def __init__(self, fields: dict[str, str], opens: tuple[str, str] | None, tag: str) -> None:
        self.fields = fields
        self.opens = opens
        """Of the entry that opens a case: digests of its number and of its key."""
        self.tag = tag


def read_leaf(data: bytes) -> Leaf | None:
    """Return what a leaf says; None unless it can be read in one way only."""
    at = len(b'\x00{"fields":{')
    if data[:at] != b'\x00{"fields":{':
        return None
    fields: dict[str, str] = {}
    last, end = "", b""
    while end != b"}":
        one = _FIELDS.match(data, at)
        if one is None or one[1].decode() <= last:
            return None
        last, end, at = one[1].decode(), one[3], one.end()
        fields[last] = one[2].decode()
    rest = _REST.fullmatch(data, at)
    if rest is None:
        return None
    opens = None if rest[1] is None else (rest[1].decode(), rest[2].decode())
    return Leaf(fields, opens, rest[3].decode())
