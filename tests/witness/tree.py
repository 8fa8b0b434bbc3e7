"""A log as its witness meets it: a key, a tree, signed checkpoints, and proofs. All of it real."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.merkle import Frontier, TreeReader, leaf_hash
from holdfast.vault.note import Signer
from tests.vault.keys import fixed_key

ORIGIN = "unit7.example/log"


@dataclass
class Tree:
    """Leaves, and what a log can say of them."""

    leaves: list[bytes] = field(default_factory=list)
    signer: Signer = field(default_factory=lambda: Signer(ORIGIN, fixed_key(1)))

    def grow(self, count: int, mark: str = "honest") -> Tree:
        """Append so many leaves; return the tree itself."""
        start = len(self.leaves)
        self.leaves += [leaf_hash(f"{mark} {n}".encode()) for n in range(start, start + count)]
        return self

    def fork(self, at: int) -> Tree:
        """Return another history that shares the first `at` leaves, as long as this one."""
        other = Tree(self.leaves[:at], self.signer)
        return other.grow(len(self.leaves) - at, "forged")

    def _reader(self, size: int) -> TreeReader:
        frontier, tiles = Frontier(), {}
        for tile in frontier.append(self.leaves[:size]):
            tiles[tile.level, tile.index] = tile.data
        return TreeReader(size, lambda level, index, width: tiles[level, index][: 32 * width])

    def checkpoint(self, size: int) -> Checkpoint:
        """Return the head of the first `size` leaves."""
        return Checkpoint(self.signer.name, size, self._reader(size).root_of(0, size))

    def note(self, size: int) -> str:
        """Return that head, signed."""
        return self.signer.sign_note(self.checkpoint(size).text())

    def proof(self, old: int, size: int) -> list[bytes]:
        """Return the proof that leads from `old` to `size`."""
        return self._reader(size).consistency_proof(old)

    def request(self, old: int, size: int) -> bytes:
        """Return the body of an add-checkpoint request."""
        return request(old, self.proof(old, size) if old <= size else [], self.note(size))


def request(old: int | str, proof: list[bytes], note: str) -> bytes:
    """Return the body of an add-checkpoint request, whatever it holds."""
    lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
    return f"old {old}\n{lines}\n{note}".encode()
