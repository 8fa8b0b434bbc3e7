"""What a reader brought by another way than the bundle: a policy, and roots of time authorities.

A second reader of policies beside `vault/policy.py`, on purpose (docs/decisions/0041).

C2SP tlog-policy (commit 5ba5ee8) with `#tsa` and `#ended` lines; docs/formats/proof.md, "Anchors".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from holdfast.core.digest import from_base64
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.exchange.check.finding import Finding

ED25519, COSIGNATURE, ML_DSA_44 = b"\x01", b"\x04", b"\x06"
_LENGTHS = {ED25519: 33, COSIGNATURE: 33, ML_DSA_44: 1313}
_VKEY = re.compile(rb"([^+\s\x00-\x1f\x7f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=?)")
_NUMBER = re.compile(rb"[1-9][0-9]{0,14}")


@dataclass(frozen=True)
class Key:
    """A verifier key (C2SP signed-note, "Verifier keys")."""

    name: bytes
    key_id: bytes
    """4 bytes."""
    kind: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey: bytes, *kinds: bytes) -> Key | None:
        """Return the key, or None unless it is a right one of these kinds."""
        found = _VKEY.fullmatch(vkey)
        material = None if found is None else strict_base64(found[3])
        if found is None or not material or material[:1] not in kinds:
            return None
        name, kind = found[1], material[:1]
        key_id = hashlib.sha256(name + b"\n" + material).digest()[:4]
        if len(material) != _LENGTHS[kind] or key_id.hex().encode() != found[2]:
            return None
        return cls(name, key_id, kind, material[1:])


def strict_base64(data: bytes) -> bytes | None:
    """Return what `data` encodes; None unless it is base64 in its one proper form."""
    try:
        return from_base64(data.decode("ascii"))
    except ValueError:
        return None


@dataclass(frozen=True)
class Ended:
    """Where a key of the log ended, and why."""

    why: str
    size: int
    root: bytes
    """Base64."""


@dataclass
class Anchors:
    """A file of anchors; empty where the reader brought none."""

    logs: list[bytes] = field(default_factory=list)
    """Verifier keys, as they stand."""
    witnesses: dict[bytes, Key] = field(default_factory=dict)
    groups: dict[bytes, tuple[int, list[bytes]]] = field(default_factory=dict)
    """How many of which members, each defined before."""
    quorum: bytes | None = None
    """None where there is no such line; b"none" where it says so."""
    roots: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Certificates in DER, by authority."""
    ended: dict[bytes, Ended] = field(default_factory=dict)
    """Keys of the log that signed nothing beyond a size, by verifier key."""

    @classmethod
    def load(cls, path: Path, finding: Finding) -> Anchors:
        """Read a file of anchors; a line of no known kind is a failure, as is one in no right form.

        Raises:
            InputError: there is no such file.
        """
        try:
            data = path.read_bytes()
        except (OSError, ValueError):
            raise InputError(f"the file of anchors {path} can't be read", "name another") from None
        anchors = cls()
        placed: set[bytes] = set()
        for line in data.split(b"\n"):
            parts = line.removesuffix(b"\r").replace(b"\t", b" ").split(b" ")
            parts = [part for part in parts if part]
            if parts and not anchors._take(parts, placed):
                told = line[:200].decode("utf-8", "backslashreplace")
                finding.bad(f"anchors: a line that the bundle can't be held to: {told}")
        if not anchors.logs:
            finding.bad("anchors: no log's key is named: log <vkey>")
        return anchors

    def _take(self, parts: list[bytes], placed: set[bytes]) -> bool:  # noqa: PLR0911 - a line each
        """Take one line; say whether it is one."""
        match parts:
            case [b"#tsa", name, encoded]:
                der = strict_base64(encoded)
                self.roots.setdefault(name, []).append(der or b"")
                return der is not None and der[:1] == b"\x30"
            case [b"#ended", why, size, root, vkey]:
                end = Ended(why.decode("ascii", "replace"), 0, root)
                right = end.why in {"rotated", "stolen", "lost", "continued"}
                if not right or not _NUMBER.fullmatch(size) or vkey in self.ended:
                    return False
                self.ended[vkey] = replace(end, size=int(size))
                return len(strict_base64(root) or b"") == 32 and bool(Key.parse(vkey, ED25519))
            case [b"#tsa", _, *_] | [b"#ended", *_]:
                return False
            case [first, *_] if first.startswith(b"#"):
                return True
            case [b"log", vkey] | [b"log", vkey, _]:
                self.logs.append(vkey)
                return Key.parse(vkey, ED25519) is not None
            case [b"witness", name, vkey] | [b"witness", name, vkey, _]:
                key = Key.parse(vkey, COSIGNATURE, ML_DSA_44)
                known = {one.public for one in self.witnesses.values()}
                if key is None or not self._is_new(name) or key.public in known:
                    return False
                self.witnesses[name] = key
                return True
            case [b"group", name, count, *members] if members:
                return self._group(name, count, members, placed)
            case [b"quorum", name]:
                if self.quorum is not None or (name != b"none" and self._is_new(name)):
                    return False
                self.quorum = name
                return True
        return False

    def _is_new(self, name: bytes) -> bool:
        return name not in {b"none", *self.witnesses, *self.groups}

    def _group(self, name: bytes, count: bytes, members: list[bytes], placed: set[bytes]) -> bool:
        numbers = {b"any": 1, b"all": len(members)}
        if count not in numbers and not _NUMBER.fullmatch(count):
            return False
        least = numbers.get(count) or int(count)
        defined = {*self.witnesses, *self.groups}
        fresh = len(set(members)) == len(members) and not placed & set(members)
        if least > len(members) or not fresh or not set(members) <= defined:
            return False
        if not self._is_new(name):
            return False
        placed.update(members)
        self.groups[name] = (least, members)
        return True

    def met(self, signed: set[bytes]) -> set[bytes]:
        """Return the witnesses that signed, and the groups that are met by them."""
        met = set(signed)
        for name, (least, members) in self.groups.items():
            if len(met & set(members)) >= least:
                met.add(name)
        return met
