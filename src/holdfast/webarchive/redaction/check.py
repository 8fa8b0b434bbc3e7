"""Check a redacted copy, against what the original's signature covers, or against the original.

Without the original: each piece of the copy is either proven to be the original's, byte for byte,
by the commitment that was signed at capture time, or is listed as changed or withheld. With it: the
copy is derived again. Runs confined, in the child of `collect.redaction`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, BinaryIO

from holdfast.webarchive import pieces
from holdfast.webarchive.redaction import derive
from holdfast.webarchive.redaction.parts import unpacked
from holdfast.webarchive.redaction.record import DamagedError, Record
from holdfast.webarchive.redaction.source import UNCOVERED, RefusedError, Source, digest_of
from holdfast.webarchive.redaction.values import FILLER
from holdfast.webarchive.report import INVALID
from holdfast.webarchive.signature import Trust
from holdfast.webarchive.wacz_check import DIGEST, MANIFEST, check_wacz

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.webarchive.pieces import Piece

AFTER = f"{derive.STAMPED_AFTER}json"
_OWN = (UNCOVERED - {pieces.SALT}) | {derive.REDACTIONS, derive.OPENED}


@dataclass
class Verdict:
    """What a check found."""

    problems: list[str] = field(default_factory=list)
    original: dict[str, str] = field(default_factory=dict)
    """What the copy says that it was made of: `item`, `datapackage`, `records`, `signed_by`."""
    signer: str = ""
    """SHA-256 of the key that signed the original's records."""
    pieces: int = 0
    proven: int = 0
    """Pieces that are byte for byte as they were signed."""
    changed: int = 0
    withheld: list[str] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    """By kind."""
    compared: bool = False
    """It was held to the original itself."""

    def say(self, problem: str) -> None:
        """Add a problem."""
        self.problems.append(problem)


def check(raw: BinaryIO) -> Verdict:
    """Check a copy by itself."""
    verdict = Verdict()
    report = check_wacz(raw, Trust(), require_signature=True)
    if report.verdict == INVALID:
        errors = [one for one in report.findings if one.rule.severity.value == "error"]
        verdict.problems += [f"as a WACZ: {one.rule.sentence} {one.detail}" for one in errors[:5]]
    try:
        source = Source(raw)
        if not source.has(derive.REDACTIONS):
            raise RefusedError(f"it is no redacted copy: it has no {derive.REDACTIONS}")
        _Check(source, verdict).run(report.facts.get("signature"))
    except RefusedError as error:
        verdict.say(str(error))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, binascii.Error):
        verdict.say("its list of redactions is damaged")
    return verdict


class _Check:
    def __init__(self, source: Source, verdict: Verdict) -> None:
        self._source, self._verdict = source, verdict
        told = source.json(derive.REDACTIONS)
        if told.get("format") != derive.FORMAT:
            raise RefusedError(f"its redactions are of an unknown format {told.get('format')!r}")
        self._told: dict[str, Any] = told
        self._changed = {(one["part"], one["offset"]): one for one in told["changed"]}  # type: ignore[attr-defined]
        self._withheld = {one["part"] for one in told["withheld"]}  # type: ignore[attr-defined]
        self._ranges: list[tuple[str, int, int]] = []
        """Of the copy's parts: what is said to be changed."""

    def run(self, signature: Any) -> None:
        source, verdict, told = self._source, self._verdict, self._told
        verdict.original = {str(k): str(v) for k, v in told["original"].items()}
        signer = source.signer()
        verdict.signer = hashlib.sha256(signer).hexdigest()
        if base64.b64decode(told["original"]["signed_by"]) != signer:
            verdict.say("it names another key than the one that signed its records")
        if told["original"]["records"] != source.digest(pieces.RECORDS):
            verdict.say("its commitments are not those of the original that it names")
        if not isinstance(signature, dict) or signature.get("key_sha256") != verdict.signer:
            verdict.say("the copy is not signed by the key that signed the original")
        self._pieces(source.pieces())
        self._taken()
        if source.has(AFTER) and source.json(AFTER).get("records") != source.digest(pieces.RECORDS):
            verdict.say("what was stamped after the capture names other commitments")
        verdict.withheld = sorted(self._withheld)
        for one in told["taken"]:
            verdict.taken[one["kind"]] = verdict.taken.get(one["kind"], 0) + 1

    def _pieces(self, found: list[Piece]) -> None:
        source, verdict = self._source, self._verdict
        opened = {}
        for line in source.part(derive.OPENED).splitlines():
            facts = json.loads(line)
            opened[facts["piece"]] = bytes.fromhex(facts["salt"])
        known = set(_OWN)
        numbered = enumerate(found)
        for part, ranges in groupby(numbered, lambda one: one[1].part):
            if part.startswith("indexes/"):
                known.add(part)  # made anew, and judged by itself
            elif part in self._withheld:
                if source.has(part):
                    verdict.say(f"{part} is said to be withheld, and is there")
            elif not source.has(part):
                verdict.say(f"{part} is missing, and not said to be withheld")
            else:
                known.add(part)
                self._part(part, list(ranges), opened)
        verdict.pieces = len(found)
        for name in source.names:
            if name not in known and not name.startswith(derive.STAMPED_AFTER):
                verdict.say(f"{name} is neither the original's nor of the redaction")

    def _part(self, part: str, ranges: list[tuple[int, Piece]], opened: dict[int, bytes]) -> None:
        verdict, data, at = self._verdict, self._source.part(part), 0
        for number, one in ranges:
            change = self._changed.pop((part, one.offset), None)
            length = one.length if change is None else int(change["new_length"])
            inside = data[at : at + length]
            if change is not None:
                verdict.changed += 1
                self._ranges.append((part, at, at + length))
                digest = hashlib.sha256(inside).hexdigest()
                if (change["new_offset"], change["sha256"]) != (at, digest):
                    verdict.say(f"{part}: what is at byte {at} is not what the list says")
            elif number not in opened:
                verdict.say(f"{part}: nothing proves what is at byte {at}")
            elif pieces.commit(opened[number], [inside]) != one.commitment:
                verdict.say(f"{part}: what is at byte {at} is not the original's")
            else:
                verdict.proven += 1
            at += length
        if at != len(data):
            verdict.say(f"{part}: there are {len(data)} bytes, where {at} are accounted for")

    def _taken(self) -> None:
        """See that what is said to be taken is gone, and that nothing was changed but for that."""
        verdict = self._verdict
        for part, offset in self._changed:
            if not part.startswith(derive.STAMPED_AFTER):
                verdict.say(f"{part}: nothing of the original is at byte {offset}")
        records = self._records()
        met: set[tuple[str, int]] = set()
        for one in self._told["taken"]:
            offset, length = one["offset"], one["length"]
            if "record" in one:
                if one["record"] not in records:
                    verdict.say(f"{one['record']} is said to lack something, and is not changed")
                    continue
                part, start, record = records[one["record"]]
                data = record.header if one["within"] == "header" else record.block
                met.add((part, start))
            else:
                data = self._source.part(one["part"])
                met |= {
                    (part, start)
                    for part, start, end in self._ranges
                    if part == one["part"] and start < offset + length and offset < end
                }
            left = data[offset : offset + length]
            if len(left) != length or (left.strip(FILLER) and not one.get("repacked")):
                verdict.say(f"{one['part']}: what was taken at byte {offset} is there")
        for part, start, _ in self._ranges:
            if (part, start) not in met:
                verdict.say(f"{part}: what is at byte {start} was changed, and nothing taken")

    def _records(self) -> dict[str, tuple[str, int, Record]]:
        """Return the records that are said to be changed: part, place, record."""
        found: dict[str, tuple[str, int, Record]] = {}
        for part, start, end in self._ranges:
            if part.endswith(".warc.gz"):
                try:
                    record = Record.read(self._source.part(part)[start:end])
                except DamagedError as error:
                    self._verdict.say(f"{part}: what is at byte {start} is {error}")
                else:
                    found[record.id] = (part, start, record)
        return found


def compare(raw: BinaryIO, original: BinaryIO, out: Path, wanted: derive.Wanted) -> Verdict:
    """Check a copy, and hold it to the original: derive it again, into the folder `out`.

    Raises:
        RefusedError: the original is none, or not as it was signed.
        OSError: the disk refused.
    """
    verdict = check(raw)
    item = digest_of(original)
    made = derive.derive(Source(original), item, out, wanted)
    verdict.compared = True
    try:
        copy = Source(raw)
        if copy.described() != made.described:
            verdict.say("it describes itself otherwise than the original does")
    except RefusedError as error:
        verdict.say(str(error))
        return verdict
    said = verdict.original.get("item")
    if said != item:
        verdict.say(f"it names the original {said}, and this one is {item}")
    wanted_names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    index = [name for name in copy.names if name.startswith("indexes/")]
    there = set(copy.names) - set(index) - {MANIFEST, DIGEST}
    for name in sorted(there ^ (wanted_names - {derive.INDEX})):
        verdict.say(f"{name} is {'not' if name in wanted_names else 'only'} in the copy")
    for name in sorted(there & wanted_names):
        if copy.part(name) != (out / name).read_bytes():
            verdict.say(f"{name} is not what the original gives")
    lines: list[bytes] = []
    for name in index:
        if name.endswith(".gz"):
            lines += unpacked(copy.part(name)).splitlines()
    if sorted(lines) != sorted((out / derive.INDEX).read_bytes().splitlines()):
        verdict.say("its index is not what the original gives")
    return verdict
