"""Findings that speak for the suspect: a bundle that lacks the words of one is refused.

Each entry on a finding says whether it does, in a field that is never withheld or erased; so a
check needs nobody's word for it that all of them are here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.exchange.check.claims import Claims
    from holdfast.exchange.check.proof import Proof

_ACTS = {b'"finding.add"', b'"finding.revise"'}
_WORDS = ("title", "statement")
_WORK = rb'\{"kind":"finding","number":([1-9][0-9]{0,8}),"state":"[a-z]+"\}'


def check_exculpatory(proof: Proof, claims: Claims) -> None:
    """Check that what speaks for the suspect is here, in words.

    Raises:
        StopError: something is withheld.
    """
    bad = proof.finding.bad
    every: set[bytes] = set()
    speaking: set[bytes] = set()
    for index in claims.of_case:
        if claims.acts.get(index) not in _ACTS:
            continue
        said = proof.value(index, "for_suspect", rb"(true|false)")
        work = proof.value(index, "work", _WORK)
        if said is None or work is None:
            bad(f"entry {index}: withholds whether this finding speaks for the suspect")
            continue
        every.add(work[1])
        if said[0] != b"true":
            continue
        speaking.add(work[1])
        for name in _WORDS:
            if not proof.has(f"entries/{index}/field.{name}"):
                number = work[1].decode()
                bad(f"entry {index}: finding {number} speaks for the suspect, and its {name} is "
                    "withheld")  # fmt: skip
    proof.finding.stage()
    if every:
        told = f"{len(speaking)} of {len(every)} are marked as speaking for the suspect"
        proof.finding.say("Findings", f"{told}; all of those are in this bundle, in words")
