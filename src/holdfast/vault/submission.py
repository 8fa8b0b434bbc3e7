"""Submit the log's newest checkpoint to a witness: the client's half of C2SP tlog-witness.

https://c2sp.org/tlog-witness v1.0.0, commit 5ba5ee8, "add-checkpoint".
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError, RemoteError
from holdfast.vault.cosignature import Cosigner, judge
from holdfast.vault.note import Signature
from holdfast.vault.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Collection

    from holdfast.vault.log import Log
    from holdfast.vault.remote import Answer

TRIES = 4
"""Submissions in a row, where others of this log submit at the same time."""


def submit(
    log: Log, url: str, keys: Collection[Cosigner], known: int, timeout: float
) -> tuple[int, str, list[Signature]]:
    """Have the newest checkpoint cosigned by the witness at `url`, whose keys are `keys`.

    `known` is the size that it cosigned last, as far as we know. Returns the size, the checkpoint
    as the log signed it, and the cosignatures, which are checked.

    Raises:
        RemoteError: the witness can't be reached, does not know this log, or answers nonsense.
        IntegrityError: the witness says that this log is not the one it saw before.
    """
    with Remote(url, timeout) as remote:
        for _ in range(TRIES):
            head, signed = log.signed_head()
            if known > head.size:
                raise IntegrityError(
                    f"the witness at {url} has seen this log with {known} entries and it has "
                    f"{head.size}: {known - head.size} are gone",
                    "keep this vault as it is; an old backup was put back, or the log was cut",
                )
            proof = log.tree(head).consistency_proof(known)
            lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
            answer = remote.post("/add-checkpoint", f"old {known}\n{lines}\n{signed}".encode())
            if answer.status == 200:
                return head.size, signed, _cosignatures(url, signed, answer, keys)
            known = _size_or_refusal(url, answer, head.size)
    raise RemoteError(f"others kept submitting to {url}", "try again later")


def _size_or_refusal(url: str, answer: Answer, size: int) -> int:
    """Return the size that a 409 names.

    Raises:
        IntegrityError: the witness holds that this log was rewritten.
        RemoteError: it refused for another reason.
    """
    if answer.status == 409:
        text = answer.body.removesuffix(b"\n")
        if text.isdigit() and len(text) < 19 and answer.content_type == "text/x.tlog.size":
            return int(text)
    if answer.status == 422:
        raise IntegrityError(
            f"the witness at {url} refuses: the log's {size} entries do not continue those that it "
            "saw before: the log was rewritten",
            "keep this vault as it is and compare it with a backup, a bundle or the witness",
        )
    reasons = {
        403: ("it does not accept the log's signature", "give it this log's vkey"),
        404: ("it does not know this log", "have its operator add the log's vkey"),
    }
    why, remedy = reasons.get(
        answer.status, (f"it answers {answer.status}", "ask its operator, or try again later")
    )
    raise RemoteError(f"the witness at {url} did not cosign: {why}", remedy)


def _cosignatures(
    url: str, signed: str, answer: Answer, keys: Collection[Cosigner]
) -> list[Signature]:
    """Check what a witness answered; lines of keys that we don't know are ignored.

    Raises:
        RemoteError: none is by a key of the policy, or one does not verify.
    """
    text = signed.rpartition("\n\n")[0] + "\n"
    try:
        signatures = [Signature.parse(line) for line in answer.body.decode().splitlines()]
    except (UnicodeDecodeError, IntegrityError):
        raise RemoteError(f"the witness at {url} answers no signatures") from None
    known = [one for one in judge(text, signatures, keys) if one.key is not None]
    if not known or any(not one.time for one in known):
        raise RemoteError(
            f"the witness at {url} sent no cosignature of its key that verifies",
            "compare its vkey in the policy with the one its operator gives",
        )
    return [one.signature for one in known]
