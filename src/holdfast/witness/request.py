"""What a witness is asked and answers, without any I/O: C2SP tlog-witness, "add-checkpoint".

https://c2sp.org/tlog-witness v1.0.0, commit 5ba5ee8.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError
from holdfast.vault import note
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import judge
from holdfast.vault.merkle import EMPTY_ROOT, check_consistency

if TYPE_CHECKING:
    from holdfast.vault.cosignature import Key
    from holdfast.vault.note import Signature

MAX_PROOF = 63
""""The client MUST NOT send more than 63 consistency proof lines." """
MAX_SIZE = 2**63 - 1
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """The answer is no: an HTTP status, and what the body says."""

    def __init__(
        self, status: int, body: str, content_type: str = "text/plain; charset=utf-8"
    ) -> None:
        super().__init__(body)
        self.status = status
        self.body = body if body.endswith("\n") else f"{body}\n"
        self.content_type = content_type


@dataclass(frozen=True)
class AddCheckpoint:
    """A request to cosign, parsed and not believed."""

    old: int
    proof: list[bytes]
    text: str
    signatures: list[Signature]
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Read a request's body.

        Raises:
            Refused: 400, it has another form.
        """
        try:
            head, blank, signed = body.decode().partition("\n\n")
            first, *lines = head.split("\n")
            found = _OLD.fullmatch(first)
            if found is None or not blank or len(lines) > MAX_PROOF:
                raise ValueError
            proof = [base64.b64decode(line, validate=True) for line in lines]
            if any(len(one) != 32 for one in proof):
                raise ValueError
            text, signatures = note.split(signed)
            checkpoint = Checkpoint.parse(text)
        except (ValueError, IntegrityError):
            raise Refused(400, "not an add-checkpoint request") from None
        old = int(found[1])
        if max(checkpoint.size, old) > MAX_SIZE:
            raise Refused(400, "no tree is that large")
        return cls(old, proof, text, signatures, checkpoint)

    def signed_by(self, keys: list[Key]) -> list[Signature]:
        """Return the signatures of the log's `keys`; those of others are ignored.

        Raises:
            Refused: 403, there is none, or one of them does not verify.
        """
        judged = [one for one in judge(self.text, self.signatures, keys) if one.key is not None]
        if not judged or any(one.time is None for one in judged):
            raise Refused(403, "not signed by a key that this witness trusts for the origin")
        return [one.signature for one in judged]

    def check_size(self) -> None:
        """Hold the request to itself.

        Raises:
            Refused: 400, the tree is smaller than the old size it names.
        """
        if self.old > self.checkpoint.size:
            raise Refused(400, "the old size is larger than the checkpoint's")

    def check_follows(self, latest: Checkpoint | None) -> None:
        """Hold the request to the last checkpoint that was cosigned for this origin.

        Raises:
            Refused: 409 with the size of that one; 422, the tree does not continue it.
        """
        known = 0 if latest is None else latest.size
        if self.old != known:
            raise Refused(409, f"{known}\n", "text/x.tlog.size")
        if self.checkpoint.size == 0 and self.checkpoint.root != EMPTY_ROOT:
            raise Refused(422, "the root is not the empty tree's")
        if self.old == 0:
            if self.proof:
                raise Refused(422, "from the empty tree no proof leads")
            return
        assert latest is not None  # noqa: S101 - its size is not zero
        try:
            check_consistency(
                self.old, self.checkpoint.size, latest.root, self.checkpoint.root, self.proof
            )
        except ValueError as error:
            raise Refused(422, str(error)) from None
