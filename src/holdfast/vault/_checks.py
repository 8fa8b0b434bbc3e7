"""The heavy parts of a verification, as pure functions that other processes run."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError
from holdfast.vault import entry, tiles
from holdfast.vault.log import Log
from holdfast.vault.merkle import WIDTH, leaf_hash

if TYPE_CHECKING:
    from holdfast.vault.entry import Entry
    from holdfast.vault.note import Verifier


def objects(folder: str) -> list[str]:
    """Hash every object in one of the store's 256 folders; return a line for each that is wrong."""
    problems = []
    for found in sorted(os.scandir(folder), key=lambda one: one.name):
        try:
            # Unbuffered: `file_digest` reads into a buffer of its own.
            with Path(found.path).open("rb", buffering=0) as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            problems.append(
                f"the object {found.path} can't be read: {os.strerror(error.errno or 0)}"
            )
            continue
        if digest != found.name:
            problems.append(f"the object {found.path} was altered: its SHA-256 is {digest}")
    return problems


@dataclass
class BundleReport:
    """What one run of entry bundles came to."""

    leaves: list[bytes] = field(default_factory=list)
    """Leaf hashes, in order; shorter than asked where a file is missing or cut."""
    problems: list[str] = field(default_factory=list)
    signatures: int = 0


@dataclass(frozen=True)
class BundleTask:
    """Which entries to check, and what with."""

    root: Path
    verifier: Verifier
    operators: dict[str, Verifier]
    """Public keys by key ID, as entered in the log."""
    chains: dict[str, bytes]
    """Tag keys by case, the vault's own under the empty name: those that are at hand."""
    start: int
    """A multiple of 256."""
    end: int


def bundles(task: BundleTask) -> BundleReport:
    """Check commitments, tags and signatures of a run of entries."""
    report = BundleReport()
    log = Log(task.root, task.verifier)
    for number in range(task.start // WIDTH, -(-task.end // WIDTH)):
        base = number * WIDTH
        try:
            pairs = zip(*log.bundle(number, min(WIDTH, task.end - base)), strict=True)
        except IntegrityError as error:
            report.problems.append(error.what)
            return report
        for at, (leaf, body) in enumerate(pairs):
            report.leaves.append(leaf_hash(leaf))
            _entry(task, log, report, (base + at, leaf, body))
    return report


def _entry(task: BundleTask, log: Log, report: BundleReport, raw: tuple[int, bytes, bytes]) -> None:
    index, leaf, body = raw
    try:
        one = entry.read(index, leaf, body)
    except IntegrityError as error:
        report.problems.append(error.what)
        return
    chain = task.chains.get(one.case or "")
    if chain is not None and entry.tag(chain, one.sequence) != one.tag:
        report.problems.append(
            f"entry {index} has the wrong completeness tag for number {one.sequence} of its case"
        )
    if "signature" in one.commitments:
        report.signatures += 1
        problem = _signature(task, log, one, report.leaves[: index - task.start])
        if problem:
            report.problems.append(f"entry {index}: {problem}")


def _signature(task: BundleTask, log: Log, one: Entry, before: list[bytes]) -> str | None:
    value = one.fields.get("signature")
    if value is None:
        return "the actor's signature was removed from its body"
    verifier = task.operators.get(value["key"])
    if verifier is None:
        return f"signed with key {value['key']}, which no entry of the log gives to an operator"
    actor = one.fields.get("actor", {})
    if actor.get("key") != value["key"]:
        return "signed with another key than its actor's"
    covers = value["covers"]
    if covers > one.index:
        return "its signature covers entries before the first"
    covered = before[len(before) - covers :] if covers <= len(before) else _tiles(log, one, covers)
    message = entry.act_message(log.origin, covered, one.commitments)
    try:
        signature = base64.b64decode(value["sig"], validate=True)
    except binascii.Error:
        signature = b""
    if not verifier.verifies(message, signature):
        return f"the signature of {verifier.name} does not verify"
    return None


def _tiles(log: Log, one: Entry, covers: int) -> list[bytes]:
    """Read the covered leaf hashes that lie in another task's bundles."""
    found: list[bytes] = []
    for index in range(one.index - covers, one.index):
        number, at = divmod(index, WIDTH)
        if not found or at == 0:
            width = min(WIDTH, one.index - number * WIDTH)
            data = tiles.read_hashes(log.path, 0, number, width)
        found.append(data[at * 32 : at * 32 + 32])
    return found
