"""Derive a redacted copy of a capture: a function of the original and of what is asked, no more.

First every secret is found where it stands as one, in all records; then every record and part is
rid of these values in all their forms. Bytes are replaced by as many others, so that places hold.
What can't be so redacted is withheld. Runs confined, in the child of `collect.redaction`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from holdfast.webarchive import pieces
from holdfast.webarchive.redaction import views
from holdfast.webarchive.redaction.finding import Finder
from holdfast.webarchive.redaction.parts import (
    PEER,
    facts_of,
    is_own,
    local_addresses,
    unpacked,
    value_ranges,
)
from holdfast.webarchive.redaction.record import DamagedError, Record
from holdfast.webarchive.redaction.source import (
    UNCOVERED,
    Described,
    RefusedError,
    Source,
    check_original,
)
from holdfast.webarchive.redaction.values import Span, apply, merge, within
from holdfast.webarchive.wacz_check import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.webarchive.pieces import Piece

FORMAT = "holdfast-redaction/1"
REDACTIONS = "redaction/redactions.json"
OPENED = "redaction/opened.jsonl"
INDEX = "indexes/index.cdxj"
"""The index's lines, before they are packed."""
_TEXT = (".jsonl", ".json", ".log", ".txt", ".html", ".js", ".css", ".xml", ".svg")
_OPAQUE = {".mhtml": b"multipart/related", ".pdf": b"application/pdf", ".png": b"image/png"}
STAMPED_AFTER = "stamps/after."
"""What is stamped after: it names the commitments, so they can't cover it."""
_SEALED = ".age"
_FRAMES = ".frames"
_PACKETS = ".pcapng"
_PACKED_BODY = re.compile(rb"(?i)__wb_post_data=([A-Za-z0-9+/=%_-]+)")
_BODY = re.compile(rb'"requestBody":\s*"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Wanted:
    """What is taken besides what always is."""

    also: tuple[str, ...] = ()
    """Regular expressions over bytes, each letter one of Latin-1."""
    fields: tuple[str, ...] = ()
    """Header fields."""

    def told(self) -> bytes:
        """Return it as bytes, to be committed to: an expression may itself be the secret."""
        return json.dumps([sorted(self.also), sorted(map(str.lower, self.fields))]).encode()

    def finder(self) -> Finder:
        """Return what finds secrets.

        Raises:
            RefusedError: an expression is none.
        """
        try:
            also = tuple(re.compile(one.encode("utf-8", "surrogateescape")) for one in self.also)
        except (re.error, RecursionError, OverflowError) as error:
            raise RefusedError(f"an expression given with --also is none: {error}") from error
        names = frozenset(one.lower().encode() for one in self.fields)
        return Finder(also=also, fields=names)


@dataclass
class _Made:
    """What the copy lacks, and where what it has stands."""

    taken: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    withheld: list[dict[str, str]] = field(default_factory=list)
    moved: dict[tuple[str, int], tuple[int, int, str]] = field(default_factory=dict)
    """(file, offset): offset, length and payload digest in the copy."""


@dataclass(frozen=True)
class Derived:
    """A copy, as it lies in a folder."""

    described: Described
    taken: dict[str, int]
    """By kind."""
    withheld: tuple[str, ...]
    changed: int
    opened: int
    signer: str
    """SHA-256 of the original's key."""


def derive(raw: Source, item: str, out: Path, wanted: Wanted) -> Derived:
    """Write a copy of the capture `raw`, whose SHA-256 is `item`, below the folder `out`.

    Raises:
        RefusedError: it is no capture that can be redacted, or not as it was signed.
        OSError: the disk refused.
    """
    return _Derivation(raw, item, out, wanted).run()


class _Derivation:
    def __init__(self, source: Source, item: str, out: Path, wanted: Wanted) -> None:
        self._source, self._item, self._out, self._wanted = source, item, out, wanted
        self._finder = wanted.finder()
        self._made = _Made()
        self._shown = False
        self._digests: set[str] = set()

    def run(self) -> Derived:
        source = self._source
        self._pieces, self._seed, signer = check_original(source)
        parts = [
            (part, list(group))
            for part, group in groupby(enumerate(self._pieces), lambda one: one[1].part)
        ]
        strange = set(source.names) - {part for part, _ in parts} - UNCOVERED
        # What came after the commitments: the stamps over them.
        for name in sorted(strange):
            if not name.startswith(STAMPED_AFTER):
                raise RefusedError(f"{name} is not covered by its signature")
        warcs = [one for one in parts if one[0].endswith(".warc.gz")]
        others = [one for one in parts if not one[0].endswith(".warc.gz")]
        self._learn(warcs, [part for part, _ in others])
        for part, ranges in warcs:
            self._warc(part, [one for _, one in ranges])
        # Of what was changed no digest may stay: it would let a short secret be guessed.
        for old in sorted(self._digests):
            self._finder.values.add_exact(old.encode(), "digest")
        for part, ranges in others:
            self._part(part, [one for _, one in ranges])
        for name in sorted(strange):
            self._part(name, [pieces.Piece(name, 0, len(source.part(name)))])
        for name in (pieces.RECORDS, pieces.SIGNATURE):
            self._write(name, source.part(name))
        self._withhold(pieces.SALT, "it would open the commitments to what was taken")
        opened = self._opened()
        self._tell(signer)
        kinds: dict[str, int] = {}
        for one in self._made.taken:
            kinds[one["kind"]] = kinds.get(one["kind"], 0) + 1
        return Derived(
            described=self._described(),
            taken=dict(sorted(kinds.items())),
            withheld=tuple(one["part"] for one in self._made.withheld),
            changed=len(self._made.changed),
            opened=opened,
            signer=hashlib.sha256(signer).hexdigest(),
        )

    # --- what is secret ---------------------------------------------------------------------

    def _learn(self, warcs: list[tuple[str, list[tuple[int, Piece]]]], others: list[str]) -> None:
        finder, source = self._finder, self._source
        for step in (Record.declare, Record.learn):
            for part, ranges in warcs:
                for _, one in ranges:
                    step(self._record(part, one), finder)
        peers: set[str] = set()
        local: set[str] = set()
        for part in others:
            if not part.endswith(_TEXT):
                continue
            data = source.part(part)
            finder.learn(data, finder.text(data))
            if part.endswith((".json", ".jsonl")):
                peers |= {one[1].decode("latin-1") for one in PEER.finditer(data)}
                for span in local_addresses(data):
                    text = data[span.offset : span.end].decode("latin-1")
                    local.add(text.rpartition(":")[0].strip("[]") or text)
        for text in local - peers:
            if is_own(text):
                finder.values.add(text.encode(), "address")
        self._shown = any(
            record.text_view and finder.values.within(record.block)
            for part, ranges in warcs
            for _, one in ranges
            if (record := self._record(part, one))
        )

    def _record(self, part: str, one: Piece) -> Record:
        data = self._source.part(part)[one.offset : one.offset + one.length]
        try:
            return Record.read(data)
        except DamagedError as error:
            raise RefusedError(f"{part}: what is at byte {one.offset} is {error}") from error

    # --- the copy ---------------------------------------------------------------------------

    def _warc(self, part: str, ranges: list[Piece]) -> None:
        """Write a WARC: records that hold no secret as they are, to the byte."""
        data, made, at = self._source.part(part), bytearray(), 0
        filename = part.rpartition("/")[2]
        for one in ranges:
            member, digest = data[one.offset : one.offset + one.length], ""
            record = self._record(part, one) if one.length else None
            header: list[Span] = []
            block: list[Span] = []
            if record is not None:
                header, block = record.taken(self._finder, shown=self._shown)
            if record is not None and (header or block):
                member, after = record.without(header, block)
                self._digests |= record.digests() - after.digests()
                digest = after.payload_digest()
                for where, spans, whole in (
                    ("header", header, record.header),
                    ("block", block, record.block),
                ):
                    for span in spans:
                        self._take(part, span, whole, record=record.id, within=where)
                self._change(one, at, member)
            self._made.moved[filename, one.offset] = (at, len(member), digest)
            made += member
            at += len(member)
        self._write(part, bytes(made))

    def _part(self, part: str, ranges: list[Piece]) -> None:
        data = self._source.part(part)
        ending = f".{part.rpartition('.')[2]}"
        if part.startswith("indexes/"):
            if ending == ".gz":
                self._index(data)
            return
        if ending == _SEALED:
            self._withhold(part, "it is sealed, for the unit alone")
        elif ending == _FRAMES:
            self._withhold(part, "HPACK packs header fields, so that none can be taken out")
        elif ending == _PACKETS:
            self._withhold(
                part, "nothing can be taken out of packets and leave them what they were"
            )
        elif ending in _TEXT:
            self._text(part, data, ranges)
        elif not views.is_clear(data, _OPAQUE.get(ending, b""), self._finder, shown=self._shown):
            self._withhold(part, "it holds or shows a secret that can't be taken out of it")
        else:
            self._write(part, data)

    def _text(self, part: str, data: bytes, ranges: list[Piece]) -> None:
        finder = self._finder
        spans = finder.text(data) + finder.values.find(data)
        if part.endswith((".json", ".jsonl")):
            spans = within(spans, value_ranges(data)) + local_addresses(data)
        spans = merge(spans)
        made = apply(data, spans)
        for span in spans:
            self._take(part, span, data)
        for one in ranges:
            new = made[one.offset : one.offset + one.length]
            if new != data[one.offset : one.offset + one.length]:
                self._change(one, one.offset, new)
        self._write(part, made)

    def _index(self, data: bytes) -> None:
        """Write the index's lines for the copy: redacted, with places and digests of its own."""
        lines = []
        for line in unpacked(data).splitlines():
            before = facts_of(line)
            place = (str(before.get("filename")), int(before.get("offset", -1)))
            cleaned = self._clean(line)
            head, facts = cleaned.partition(b" {")[0], facts_of(cleaned)
            facts["filename"] = before.get("filename")
            if place not in self._made.moved:
                raise RefusedError("its index leads to no record")
            offset, length, digest = self._made.moved[place]
            # The numbers are of the type that they had: a text in one file, a number in another.
            for name, value in (("offset", offset), ("length", length)):
                facts[name] = type(before[name])(value)
            if digest:
                facts["digest"] = f"sha256:{digest}"
            lines.append(head + b" " + json.dumps(facts).encode())
        self._write(INDEX, b"\n".join([*sorted(lines), b""]))

    def _clean(self, line: bytes) -> bytes:
        finder = self._finder
        spans = finder.text(line) + finder.values.find(line)
        for found in _BODY.finditer(line):
            start = found.start(1)
            spans += [Span(start + s.offset, s.length, s.kind) for s in finder.form(found[1])]
        for found in _PACKED_BODY.finditer(line):
            spans.append(Span(found.start(1), len(found[1]), "form-secret"))
        start = line.find(b" {")
        return apply(line, merge(within(spans, [(0, start), *value_ranges(line, start)])))

    def _take(self, part: str, span: Span, whole: bytes, **where: str) -> None:
        salt = pieces.salt_of(self._seed, f"taken:{len(self._made.taken)}")
        told: dict[str, Any] = {
            "commitment": pieces.commit(salt, [whole[span.offset : span.end]]),
            "kind": span.kind,
            "length": span.length,
            "offset": span.offset,
            "part": part,
            **where,
        }
        if span.instead:
            told["repacked"] = True
        self._made.taken.append(told)

    def _change(self, one: Piece, offset: int, new: bytes) -> None:
        self._made.changed.append({
            "length": one.length, "new_length": len(new), "new_offset": offset,
            "offset": one.offset, "part": one.part, "sha256": hashlib.sha256(new).hexdigest(),
        })  # fmt: skip

    def _withhold(self, part: str, why: str) -> None:
        self._made.withheld.append({"part": part, "why": why})

    def _opened(self) -> int:
        """Write the salts of all pieces that the copy has as they were."""
        closed = {(one["part"], one["offset"]) for one in self._made.changed}
        absent = {one["part"] for one in self._made.withheld}
        lines = []
        for number, one in enumerate(self._pieces):
            if one.part in absent or (one.part, one.offset) in closed:
                continue
            if one.part.startswith("indexes/"):
                continue
            salt = pieces.salt_of(self._seed, f"piece:{number}").hex()
            lines.append(json.dumps({"piece": number, "salt": salt}).encode())
        self._write(OPENED, b"\n".join([*lines, b""]))
        return len(lines)

    def _tell(self, signer: bytes) -> None:
        source = self._source
        salt = pieces.salt_of(self._seed, "wanted")
        told = {
            "changed": self._made.changed,
            "format": FORMAT,
            "original": {
                "datapackage": source.digest(MANIFEST),
                "item": self._item,
                "records": source.digest(pieces.RECORDS),
                "signed_by": base64.b64encode(signer).decode(),
            },
            "rebuilt": sorted(n for n in source.names if n.startswith("indexes/")),
            "taken": self._made.taken,
            "wanted": {
                "also": len(self._wanted.also),
                "commitment": pieces.commit(salt, [self._wanted.told()]),
                "fields": len(self._wanted.fields),
            },
            "withheld": self._made.withheld,
        }
        text = json.dumps(told, indent=1, sort_keys=True).encode()
        self._write(REDACTIONS, text + b"\n")

    def _described(self) -> Described:
        told = self._source.described()
        cleaned = []
        for text in (told.title, told.url):
            data = text.encode("utf-8", "surrogateescape")
            spans = merge(self._finder.text(data) + self._finder.values.find(data))
            cleaned.append(apply(data, spans).decode("utf-8", "replace"))
        return Described(cleaned[0], cleaned[1], told.created)

    def _write(self, name: str, data: bytes) -> None:
        place = self._out / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
