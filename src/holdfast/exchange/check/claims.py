"""What the hand-over's entry claims: the case's entries, that they are all, and the contents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.exchange.bag import CONTENTS, MANIFEST, PROOF
from holdfast.exchange.check.finding import shown
from holdfast.exchange.check.proof import HASH, NUMBER, TEXT, P, read_leaf
from holdfast.exchange.completeness import BEYOND, halves
from holdfast.vault.entry import CASE_DOMAIN, KEY_DOMAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.exchange.check.proof import Leaf, Proof

_SAYS = (
    rb'\{"as":(' + TEXT + rb'),"completeness":(true|false),"contents":"(' + HASH
    + rb')","entries":"(' + HASH + rb')","for":(' + TEXT + rb'),"order":(' + TEXT + rb")\}"
)  # fmt: skip
_LINE = re.compile(NUMBER + rb" " + NUMBER + rb" ([a-z0-9_,]+)")


@dataclass(frozen=True)
class Claims:
    """What the hand-over states, once it is established that it does."""

    handover: int
    case: bytes
    """JSON."""
    of_case: list[int]
    """The case's entries by number, from 1, the hand-over's own last."""
    of_vault: list[int]
    acts: dict[int, bytes]
    whole: bool
    contents: str
    recipient: str
    order: bytes


def check_entries(proof: Proof) -> Claims:
    """Check the list of the case's entries, and that each entry is of it or of the vault.

    Raises:
        StopError: something is wrong.
    """
    bad, stage = proof.finding.bad, proof.finding.stage
    line = proof.read("handover.txt")
    handover = int(line) if re.fullmatch(NUMBER + rb"\n", line) else -1
    if handover < 0:
        bad(f"{P}handover.txt: names no entry")
    elif handover not in proof.commitments:
        bad(f"{P}handover.txt: names entry {handover}, which is not in this bundle")
    stage()
    if lacking := proof.lacks(handover):
        bad(
            f"entry {handover}: fields were stripped from the hand-over's own entry: "
            f"{' '.join(lacking)}"
        )
    if proof.value(handover, "act", b'"bundle"') is None:
        bad(f"{P}handover.txt: names entry {handover}, which is no hand-over")
    said = proof.value(handover, "handover", _SAYS)
    if said is None:
        bad(f"entry {handover}: does not say what was handed over")
        stage()
        raise AssertionError
    if said[4].decode() != proof.digest[f"{P}entries.txt"]:
        bad(
            f"{P}entries.txt: is not the list that the hand-over was entered with: an entry was "
            "dropped, added or renumbered"
        )
    stage()
    of_case = [*_list(proof, handover), handover]
    case = proof.value(handover, "case", TEXT)
    if case is None:
        bad(f"entry {handover}: the hand-over names no case")
    stage()
    number = b"" if case is None else case[0]
    acts, of_vault = _sort(proof, number, set(of_case))
    stage()
    withheld = sum(bool(proof.lacks(index)) for index in proof.leaves)
    proof.finding.say(
        "Entries",
        f"{len(of_case)} of case {shown(number)}, numbered 1 to {len(of_case)} without a gap, and "
        f"{len(of_vault)} of the vault; each is proven to be in the log"
        + (f"; {withheld} withhold some of their fields" if withheld else ""),
    )
    recipient = shown(said[5]) + (f", as {shown(said[1])}" if said[1] != b'""' else "")
    whole, contents = said[2] == b"true", said[3].decode()
    return Claims(handover, number, of_case, of_vault, acts, whole, contents, recipient, said[6])


def _list(proof: Proof, handover: int) -> list[int]:
    """Return the entries that entries.txt names, up to the first that is wrong."""
    bad, found = proof.finding.bad, []
    data, last = proof.read("entries.txt"), -1
    for sequence, line in enumerate(data.splitlines(), 1):
        one = _LINE.fullmatch(line)
        if one is None or int(one[1]) != sequence:
            bad(f"{P}entries.txt: line {sequence} does not hold the case's entry number {sequence}")
            break
        at = int(one[2])
        if not last < at < handover:
            bad(f"{P}entries.txt: line {sequence} is out of order")
        if at not in proof.commitments:
            bad(f"entry {at}: number {sequence} of the case is missing")
            continue
        if ",".join(proof.fields(at)).encode() != one[3]:
            bad(
                f"entry {at}: fields were stripped or added: the bundle has "
                f"{','.join(proof.fields(at))}, the hand-over stated {shown(one[3])}"
            )
        found.append(at)
        last = at
    return found


def _sort(proof: Proof, case: bytes, of_case: set[int]) -> tuple[dict[int, bytes], list[int]]:
    bad, acts, of_vault = proof.finding.bad, {}, []
    for index in proof.leaves:
        act, its = proof.value(index, "act", TEXT), proof.value(index, "case", rb".*")
        if act is None or its is None:
            bad(f"entry {index}: names no act")
            continue
        acts[index] = act[0]
        if index in of_case:
            if its[0] != case:
                bad(f"entry {index}: is of another case than the hand-over")
            continue
        if its[0] != b"null":
            bad(f"entry {index}: is in the bundle but not in the case's list of entries")
        lacking = proof.lacks(index)
        # From where somebody signed in is nobody's business outside (custody.md).
        unplaced = act[0] == b'"session.open"' and [*lacking] == ["source"]
        if lacking and not unplaced:
            told = " ".join(lacking)
            bad(f"entry {index}: fields were stripped from an entry of the vault: {told}")
        of_vault.append(index)
    return acts, of_vault


def check_complete(proof: Proof, claims: Claims) -> None:
    """Look through every leaf of the log for the case's tags: all that it has must be here.

    Raises:
        StopError: something is wrong, or was left out.
    """
    bad, stage = proof.finding.bad, proof.finding.stage
    more = [path for path in proof.digest if re.match(f"{P}(leaves|tags)/", path)]
    if not claims.whole:
        if more:
            bad(
                f"{P}tags: the hand-over was entered without a proof that nothing was left out, "
                "and here is one"
            )
        stage()
        return
    if proof.read("tags/case") != CASE_DOMAIN + claims.case[1:-1] or b"\\" in claims.case:
        bad(f"{P}tags/case: is not the case of the hand-over")
    first = read_leaf(proof.read(f"entries/{claims.of_case[0]}/leaf"))
    key = proof.read("tags/key").removeprefix(KEY_DOMAIN)
    opens = first.opens if first else None
    if opens is None or opens[1] != proof.digest.get(f"{P}tags/key") or len(key) != 32:
        bad(
            f"{P}tags/key: is not the case's key: entry {claims.of_case[0]} did not open the case "
            "with it"
        )
    stage()
    numbers = _tags(proof, key, len(claims.of_case) + BEYOND)
    listed = sum(path.startswith(f"{P}leaves/") for path in more)
    if len(more) - listed != 2 * len(numbers) + 2:
        bad(f"{P}tags: holds files of no number that is looked for")
    if listed + len(proof.leaves) > proof.size:
        bad(
            f"{P}leaves: the log has {proof.size} entries, and this bundle "
            f"{listed + len(proof.leaves)} leaves"
        )
    stage()
    later = _scan(proof, claims, numbers)
    stage()
    proof.finding.say(
        "Complete",
        f"all {proof.size} entries of the log were looked through: these {len(claims.of_case)} are "
        "all of the case, and it was opened once. An act that was never entered, or not as the "
        "case's, is not seen",
    )
    if later:
        told = f"{later} entries of the case came after this hand-over, and are not in it"
        proof.finding.say("", told)


def _tags(proof: Proof, key: bytes, last: int) -> dict[str, int]:
    """Return which number each tag of the case stands for; the files must be those of the key."""
    numbers = {}
    for number in range(1, last + 1):
        for name, data in zip(("inner", "outer"), halves(key, number), strict=True):
            path = f"tags/{number}.{name}"
            if not proof.has(path):
                proof.finding.bad(
                    f"{P}{path}: is missing: the case's tag of this number can't be computed"
                )
            elif proof.read(path) != data:
                proof.finding.bad(f"{P}{path}: is not the number {number} under the case's key")
        numbers[proof.digest.get(f"{P}tags/{number}.outer", str(number))] = number
    return numbers


def _every_leaf(proof: Proof) -> Iterator[tuple[int, Leaf]]:
    """Yield what each entry of the log says to all; one that can't be read is a failure.

    Raises:
        StopError: one is missing; a forger's log may claim any size.
    """
    for index in range(proof.size):
        name = f"entries/{index}/leaf"
        if not proof.has(name):
            name = f"leaves/{index}"
        leaf = read_leaf(proof.read(name))
        if not proof.has(name):
            why = "is missing, so nobody can say that this entry of the log is not the case's"
        elif proof.digest[P + name] != proof.places.get(index):
            why = "is not the leaf at this place in the log that the checkpoint commits to"
        elif leaf is None:
            why = "is malformed, so nobody can say that it is not the case's"
        else:
            yield index, leaf
            continue
        proof.finding.bad(f"{P}{name}: {why}")
        if not proof.has(name):
            proof.finding.stage()


def _scan(proof: Proof, claims: Claims, numbers: dict[str, int]) -> int:
    """Hold every leaf of the log to the case's tags; return how many came after the hand-over."""
    bad, later, last = proof.finding.bad, 0, len(claims.of_case)
    opened: list[int] = []
    missing = set(range(1, last + 1))
    for index, leaf in _every_leaf(proof):
        if leaf.opens is not None and leaf.opens[0] == proof.digest[f"{P}tags/case"]:
            opened.append(index)
        number = numbers.get(leaf.tag, 0)
        if number > last and index > claims.handover:
            later += 1
        elif number > last:
            bad(
                f"entry {index}: is of the case, as number {number}, and was left out: the "
                f"hand-over counts {last}"
            )
        elif number and claims.of_case[number - 1] != index:
            bad(
                f"entry {index}: is of the case too, as number {number}, and was left out: the "
                f"bundle has entry {claims.of_case[number - 1]} under that number"
            )
        else:
            missing.discard(number)
    for number in sorted(missing):
        at = claims.of_case[number - 1]
        bad(f"entry {at}: does not carry the case's tag number {number}")
    if opened != claims.of_case[:1]:
        bad(
            f"the case was opened {len(opened)} times in this log, not once by its entry number 1: "
            f"{' '.join(map(str, opened))}"
        )
    return later


def check_contents(proof: Proof, claims: Claims) -> None:
    """Check that everything but the proof is what the hand-over was entered with.

    Raises:
        StopError: something is not.
    """
    bad = proof.finding.bad
    if claims.contents != proof.digest[CONTENTS]:
        bad(f"{CONTENTS}: is not the list that the hand-over was entered with")
    proof.finding.stage()
    bound = set()
    for line in (proof.folder.text(CONTENTS) or b"").splitlines():
        path = shown(line[66:])
        digest = proof.digest.get(path)
        if path.startswith(PROOF) or digest is None or line[:66] != digest.encode() + b"  ":
            bad(f"{path}: is not what the log says was handed over")
        bound.add(path)
    for path in proof.digest:
        if not path.startswith(PROOF) and path != MANIFEST and path not in bound:
            bad(f"{path}: is not among what the log says was handed over")
    time = proof.value(claims.handover, "time", rb'"[0-9TZ:.-]+"')
    if time is None:
        bad(f"entry {claims.handover}: has no time")
    proof.finding.stage()
    when = "" if time is None else time[0].decode().strip('"')
    proof.finding.say(
        "Hand-over",
        f"entry {claims.handover} of the log, made at {when}, binds the other {len(bound)} files; "
        f"to {claims.recipient}",
    )
