"""Which checkpoint a bundle is proven against: the best that others have said something of.

docs/formats/proof.md has the files: `log/cosigned/<size>` and `log/stamps/<size>/`.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError
from holdfast.exchange.proofs import SignedHead
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.note import split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from holdfast.vault.vault import Vault

_SIZE = re.compile(r"[0-9]{16}")
_STAMP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,100}\.(tsr|ers|crls)")
ED25519_COSIGNATURE = 4 + 8 + 64
"""Bytes of a signature line of type 0x04: key ID, time, signature (C2SP tlog-cosignature)."""


@dataclass(frozen=True)
class Published:
    """A signed checkpoint, and what outsiders said of it."""

    signed: SignedHead
    cosigned: str | None = None
    """The same checkpoint with the witnesses' signatures."""
    stamps: Mapping[str, bytes] = field(default_factory=dict)
    """Files of time-stamping authorities, by name."""

    @classmethod
    def read(cls, vault: Vault, beyond: int) -> Published:
        """Return the newest checkpoint that covers entry `beyond` and was cosigned and stamped.

        Where none was both, the newest that was either; where none was, the log's head.

        Raises:
            IntegrityError: what is there is not of this log, or not signed by its key.
        """
        folders = vault.log.path / "cosigned", vault.log.path / "stamps"
        cosigned, stamped = (_sizes(folder, beyond) for folder in folders)
        head = _opened((vault.log.path / "checkpoint").read_text("utf-8"), vault)
        # What only an authority spoke of has to be signed again, which a lost key can't.
        stamped = {
            size
            for size in stamped
            if size in cosigned or size == head.head.size or vault.log.can_sign(size)
        }
        sizes = cosigned & stamped or cosigned | stamped
        if not sizes:
            return cls(head)
        size = max(sizes)
        note = None
        if size in cosigned:
            note = (folders[0] / f"{size:016d}").read_text("utf-8")
            signed = _ours(note, vault)
        else:
            signed = head if size == head.head.size else _signed_again(vault, size)
        root = vault.log.tree(head.head).root_of(0, size)
        origin = vault.eras.at(size).origin
        if size > head.head.size or signed.head != Checkpoint(origin, size, root):
            raise IntegrityError(
                f"the log's cosigned checkpoint of size {size} is not of this log's past",
                "run `holdfast verify`",
            )
        stamps = {}
        if size in stamped:
            stamps = dict(_stamps(folders[1] / f"{size:016d}", signed))
        return cls(signed, note, stamps)

    def write(self, put: Callable[[str, bytes], object]) -> None:
        """Write what outsiders said; of each Ed25519 cosignature also what openssl is to check."""
        if self.cosigned is not None:
            put("cosigned", self.cosigned.encode())
            lines = self.cosigned.removeprefix(self.signed.text + "\n").splitlines()
            for number, line in enumerate(lines, 1):
                name, _, encoded = line.removeprefix("— ").rpartition(" ")
                blob = base64.b64decode(encoded)
                if name != self.signed.head.origin and len(blob) == ED25519_COSIGNATURE:
                    time = int.from_bytes(blob[4:12], "big")
                    message = f"cosignature/v1\ntime {time}\n{self.signed.text}"
                    put(f"witnesses/{number}.message", message.encode())
                    put(f"witnesses/{number}.sig", blob[12:])
        for name, data in self.stamps.items():
            put(f"stamps/{name}", data)


def _sizes(folder: Path, beyond: int) -> set[int]:
    if not folder.is_dir():
        return set()
    sizes = {int(one.name) for one in folder.iterdir() if _SIZE.fullmatch(one.name)}
    return {size for size in sizes if size > beyond}


def _ours(note: str, vault: Vault) -> SignedHead:
    """Return the log's own part of a cosigned checkpoint: its text with its signature alone."""
    signed = _opened(note, vault)
    keys = {(key.name, key.key_id) for key in vault.eras.at(signed.head.size).keys}
    _, lines = split(note)
    own = "".join(f"{one}\n" for one in lines if (one.name, one.key_id) in keys)
    return SignedHead.of(f"{signed.text}\n{own}", signed.verifier)


def _opened(note: str, vault: Vault) -> SignedHead:
    """Check a signed checkpoint of the log, by the key of its time."""
    size = vault.log.opened(note).size
    return SignedHead.of(note, vault.eras.at(size).verifier)


def _signed_again(vault: Vault, size: int) -> SignedHead:
    """Return the log's checkpoint of `size`, signed anew; Ed25519 gives the same signature again.

    Raises:
        IntegrityError: the log's key is not here.
    """
    return _opened(vault.log.sign(vault.log.past(vault.log.head(), size)), vault)


def _stamps(folder: Path, signed: SignedHead) -> Iterator[tuple[str, bytes]]:
    """Yield the answers and evidence records over this very checkpoint.

    Raises:
        IntegrityError: they are over another text.
    """
    if (folder / "checkpoint.text").read_text("utf-8") != signed.text:
        raise IntegrityError(
            f"{folder / 'checkpoint.text'} is not the log's checkpoint of that size",
            "run `holdfast verify`",
        )
    for path in sorted(folder.iterdir()):
        if _STAMP.fullmatch(path.name):
            yield path.name, path.read_bytes()
