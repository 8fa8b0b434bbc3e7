"""The heavy parts of a verification, as pure functions that other processes run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError
from holdfast.vault import entry, signing, tiles
from holdfast.vault.eras import PublicKeys
from holdfast.vault.log import Log
from holdfast.vault.merkle import WIDTH, leaf_hash

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.entry import Entry
    from holdfast.vault.eras import Eras
    from holdfast.vault.signing import PersonKey


@dataclass
class BundleReport:
    """What one run of entry bundles came to."""

    leaves: list[bytes] = field(default_factory=list)
    """Leaf hashes, in order; shorter than asked where a file is missing or cut."""
    problems: list[str] = field(default_factory=list)
    signatures: int = 0
    gone: list[tuple[int, str]] = field(default_factory=list)
    """(entry, field) of what a body lacks, and no entry up to the head erases."""
    kept: list[tuple[int, str, int]] = field(default_factory=list)
    """(entry, field, erasing entry) of what an order erased and a body still holds."""


@dataclass(frozen=True)
class BundleTask:
    """Which entries to check, and what with."""

    root: Path
    eras: Eras
    operators: dict[str, PersonKey]
    """Public keys by key ID, as entered in the log."""
    ended: dict[str, int]
    """Key IDs that were rotated or revoked: the last entry that each could sign."""
    chains: dict[str, bytes]
    """Tag keys by case, the vault's own under the empty name: those that are at hand."""
    erased: dict[int, dict[str, int]]
    """Fields that orders took out of bodies, by entry: each with the entry that erases it."""
    start: int
    """A multiple of 256."""
    end: int


def bundles(task: BundleTask) -> BundleReport:
    """Check commitments, tags and signatures of a run of entries."""
    report = BundleReport()
    log = Log(task.root, PublicKeys(task.eras))
    for number in range(task.start // WIDTH, -(-task.end // WIDTH)):
        base = number * WIDTH
        width = min(WIDTH, task.end - base)
        try:
            leaves, bodies = log.bundle(number, width)
        except IntegrityError as error:
            report.problems.append(error.what)
            return report
        for path, parts, extra in (
            (tiles.entry_bundle(log.path, number, width), leaves, 2),
            (log.bodies / tiles.numbered(number, width), bodies, 1),
        ):
            if grown(path, sum(map(len, parts)) + extra * width):
                report.problems.append(f"the log's file {path} holds more than its {width} entries")
        pairs = zip(leaves, bodies, strict=True)
        for at, (leaf, body) in enumerate(pairs):
            report.leaves.append(leaf_hash(leaf))
            _entry(task, log, report, (base + at, leaf, body))
    return report


def grown(path: Path, size: int) -> bool:
    """Say whether a file holds more than the `size` bytes it should."""
    try:
        return path.stat().st_size != size
    except FileNotFoundError:
        # A partial file that a wider one has replaced meanwhile.
        return False


def _entry(task: BundleTask, log: Log, report: BundleReport, raw: tuple[int, bytes, bytes]) -> None:
    index, leaf, body = raw
    try:
        one = entry.read(index, leaf, body)
        _ = one.fields
    except IntegrityError as error:
        report.problems.append(error.what)
        return
    chain = task.chains.get(one.case or "")
    if chain is not None and entry.tag(chain, one.sequence) != one.tag:
        report.problems.append(
            f"entry {index} has the wrong completeness tag for number {one.sequence} of its case"
        )
    if one.act == "case.open" and chain is not None:
        if one.opens != entry.opening(one.case or "", chain):
            report.problems.append(f"entry {index} does not open its case with the case's tag key")
    elif one.opens is not None and one.act != "case.open":
        report.problems.append(f"entry {index} opens a case and is no `case.open`")
    if one.mark != (entry.MASS if one.act == entry.MASS else ""):
        report.problems.append(f"entry {index} is marked {one.mark!r}, which its act is not")
    erased = task.erased.get(index, {})
    report.kept += [(index, name, by) for name, by in erased.items() if name in one.disclosures]
    for name in sorted(
        one.commitments.keys() - one.disclosures.keys() - erased.keys() - {"signature"}
    ):
        report.gone.append((index, name))
    if "signature" in one.commitments:
        report.signatures += 1
        try:
            problem = _signature(task, log, one, report.leaves[: index - task.start])
        except IntegrityError:
            # A covered entry lies in a damaged bundle, which another task names.
            problem = None
        if problem:
            report.problems.append(f"entry {index}: {problem}")


def _signature(task: BundleTask, log: Log, one: Entry, before: list[bytes]) -> str | None:
    value = one.fields.get("signature")
    if value is None:
        return "the actor's signature was removed from its body"
    try:
        return _fault(task, log, one, before)
    except (LookupError, TypeError, ValueError, AttributeError):
        return "its signature is malformed"


def _fault(task: BundleTask, log: Log, one: Entry, before: list[bytes]) -> str | None:
    value = one.fields["signature"]
    key, covers = str(value["key"]), int(value["covers"])
    actor = one.fields.get("actor", {}).get("key", key)
    verifier = task.operators.get(key)
    if verifier is None:
        return f"signed with key {key}, which no entry of the log gives to an operator"
    if actor != key:
        return "signed with another key than its actor's"
    late = task.ended.get(key, one.index)
    if late < one.index:
        return f"signed with key {key}, which entry {late} had ended"
    if not 0 <= covers <= one.index:
        return "its signature covers entries before the first"
    if covers <= len(before):
        covered = before[len(before) - covers :]
    else:
        covered = _leaves(log, one.index - covers, one.index)
    message = entry.act_message(log.eras.of_entry(one.index).origin, covered, one.commitments)
    return signing.fault(verifier, message, value)


def _leaves(log: Log, start: int, end: int) -> list[bytes]:
    """Hash covered entries that lie in another task's bundles; the tiles are not asked."""
    return [leaf_hash(leaf) for _, leaf, _ in log.raw(start, end)]
