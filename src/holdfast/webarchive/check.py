"""The verdict on a WARC by the rules of ISO 28500, and on an ARC as far as it has rules.

One pass, in constant memory but for the identifiers of the records. Every digest is calculated
anew over the bytes that are there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.webarchive import arc, digests, fields
from holdfast.webarchive.message import Dechunker, HeadReader
from holdfast.webarchive.reader import WarcReader
from holdfast.webarchive.report import Report

if TYPE_CHECKING:
    from typing import BinaryIO

    from holdfast.webarchive.reader import WarcRecord

KNOWN = 1_000_000
"""Records whose identifiers are compared; beyond them it is noted that the rest are not."""
SHORT = 10_000
"""Short responses that wait for what was asked; beyond them, a HEAD is no excuse."""
_HTTP = ("http:", "https:")


def check_warc(raw: BinaryIO) -> Report:
    """Judge one WARC or ARC, gzipped or not; `raw` is read once, forward."""
    head = raw.read(512)
    raw.seek(0)
    if arc.is_arc(head):
        return arc.check(raw)
    check = _Check(raw)
    check.run()
    return check.report


@dataclass
class _Series:
    """The segments of one logical record, as far as they were met."""

    number: int = 0
    length: int = 0
    gap: bool = False
    ended: bool = False


class _Check:
    def __init__(self, raw: BinaryIO) -> None:
        self.report = Report("warc")
        self._reader = WarcReader(raw)
        self._known: dict[bytes, bytes] = {}
        self._dates: dict[bytes, str] = {}
        self._series: dict[str, _Series] = {}
        self._short: list[tuple[str, int, str, frozenset[bytes]]] = []
        """Responses with less body than they say, and what they name: rightly, after a HEAD."""
        self._heads: set[bytes] = set()
        """Requests with HEAD, and what they name."""
        self._versions: set[str] = set()
        self._types: dict[str, int] = {}
        self._checked = {"block": 0, "payload": 0}

    def run(self) -> None:
        records = 0
        last: tuple[WarcRecord, str] | None = None
        for record in self._reader:
            if last is not None:
                self._troubles(*last)
            name = record.get("warc-record-id") or ""
            last = (record, name)
            records += 1
            self._record(record, name)
        if last is not None:
            self._troubles(*last)
        report = self.report
        for one in self._reader.troubles:
            report.find(one.rule, one.detail, one.offset)
        if not records:
            report.find("file.empty", "no record was found", 0)
            report.kind = "unknown"
        if len(self._versions) > 1:
            report.find("version.mixed", ", ".join(sorted(self._versions)))
        for detail, offset, name, named in self._short:
            if self._heads.isdisjoint(named):
                report.find("response.short", detail, offset, name)
        for origin, series in self._series.items():
            if not series.ended:
                report.find("segment.open", f"{series.number} is the last number", None, origin)
        report.facts = {
            "compressed": self._reader.zipped,
            "digests": dict(self._checked),
            "gzip_members": self._reader.members,
            "records": records,
            "types": [
                {"records": number, "type": kind} for kind, number in sorted(self._types.items())
            ],
            "versions": [*sorted(self._versions)],
        }

    def _troubles(self, record: WarcRecord, name: str) -> None:
        """Take over what the reader found, which is known once the next record was asked for."""
        for one in record.troubles:
            self.report.find(one.rule, one.detail, one.offset, name)
        if self._reader.zipped and not record.whole:
            self.report.find("gzip.record", f"at byte {record.start} unpacked", record.offset, name)

    def _record(self, record: WarcRecord, name: str) -> None:
        def find(rule: str, detail: str) -> None:
            self.report.find(rule, detail, record.offset, name)

        if record.version.startswith("WARC/"):
            self._versions.add(record.version[:16])
        kind = record.get("warc-type") or ""
        self._types[kind[:32]] = self._types.get(kind[:32], 0) + 1
        if not record.cut:  # of a header that is not whole, nobody can say what is missing
            for rule, detail in fields.judge(record):
                find(rule, detail)
        block = _Block(record)
        block.take()
        for rule, detail in (*block.judge(self._checked), *_kinds(record, block)):
            if rule == "response.short" and len(self._short) < SHORT:
                self._short.append((detail, record.offset, name, _named(record)))
            else:
                find(rule, detail)
        self._asked(record, block)
        for rule, detail in (*self._identity(record, name, block), *self._segments(record, block)):
            find(rule, detail)

    def _asked(self, record: WarcRecord, block: _Block) -> None:
        """Remember a HEAD, whose response has no body, whatever it says (RFC 9110, 9.3.2)."""
        head = block.heads.head if block.heads and record.get("warc-type") == "request" else None
        asked = head.request() if head else None
        if asked is not None and asked[0] == "HEAD" and len(self._heads) < KNOWN:
            self._heads |= _named(record)

    def _identity(self, record: WarcRecord, name: str, block: _Block) -> list[tuple[str, str]]:
        """Compare with the records before: same name, same capture event."""
        found: list[tuple[str, str]] = []
        if not name:
            return found
        key = _key(name)
        kind, target = record.get("warc-type") or "", record.get("warc-target-uri") or ""
        content = _key(f"{kind} {target} {block.size} {block.digest()}")
        before = self._known.get(key)
        if before is not None:
            found.append(("id.repeated" if before == content else "id.reused", name))
        elif len(self._known) < KNOWN:
            self._known[key] = content
            self._dates[key] = record.get("warc-date") or ""
        elif len(self._known) == KNOWN:
            found.append(("limit", f"identifiers were compared among the first {KNOWN} records"))
            self._known[b""] = b""
        date = record.get("warc-date") or ""
        for field, value in record.fields:
            other = self._dates.get(_key(value)) if field == "warc-concurrent-to" else None
            if other and date and other != date:
                found.append(("concurrent.date", f"{date}, where {value} has {other}"))
        return found

    def _segments(self, record: WarcRecord, block: _Block) -> list[tuple[str, str]]:
        said = record.get("warc-segment-number")
        if said is None or not (said.isascii() and said.isdigit()) or len(said) > 18:
            return []
        number, kind = int(said), record.get("warc-type")
        if kind != "continuation":
            self._series[record.get("warc-record-id") or ""] = _Series(number, block.size)
            return [] if number == 1 else [("segment.first", f"{number} in a {kind} record")]
        origin = record.get("warc-segment-origin-id") or ""
        series = self._series.setdefault(origin, _Series(gap=True))
        found = []
        if number < 2:
            found.append(("segment.number", f"{number} in a continuation record"))
        elif series.number and number != series.number + 1:
            found.append(("segment.number", f"{number} follows {series.number}"))
            series.gap = True
        series.number = number
        series.length += block.size
        total = record.get("warc-segment-total-length")
        if total is not None:
            series.ended = True
            if (
                not series.gap
                and total.isascii()
                and total.isdigit()
                and int(total) != series.length
            ):
                found.append(("segment.total", f"{total}, where the blocks have {series.length}"))
        return found


class _Block:
    """A record's block on its way through the digests that are to be compared."""

    def __init__(self, record: WarcRecord) -> None:
        self._record = record
        self.size = 0
        self._own = hashlib.sha256()
        self._block = _labelled(record, "warc-block-digest")
        self._payload = _labelled(record, "warc-payload-digest")
        self._block_hash = self._block.hasher() if self._block else None
        kind = record.get("warc-type") or ""
        self.http = (
            kind in {"response", "request", "revisit"}
            and (record.get("content-type") or "application/http")
            .lower()
            .startswith("application/http")
            and (record.get("warc-target-uri") or "").lstrip("<").lower().startswith(_HTTP)
        )
        segmented = record.get("warc-segment-number") is not None or kind == "continuation"
        self._absent = segmented or kind == "revisit"
        hasher = self._payload.hasher if self._payload and not self._absent else None
        self._raw_hash = hasher() if hasher else None
        self._plain_hash = hasher() if hasher and self.http else None
        self.heads = HeadReader() if self.http else None
        self._dechunker: Dechunker | None = None
        self.body = 0

    def take(self) -> None:
        """Read the block to its end."""
        while piece := self._record.read():
            self.size += len(piece)
            self._own.update(piece)
            if self._block_hash is not None:
                self._block_hash.update(piece)
            self._message(piece)
        if self.heads is not None:
            self.heads.finish()

    def digest(self) -> str:
        """Return the SHA-256 of the block."""
        return self._own.hexdigest()

    def _message(self, piece: bytes) -> None:
        if self.heads is None:
            if self._raw_hash is not None:
                self._raw_hash.update(piece)
            return
        begun = self.heads.head is not None
        body = self.heads.feed(piece)
        head = self.heads.head
        if head is None:
            return
        if not begun and head.chunked:
            self._dechunker = Dechunker()
        self.body += len(body)
        if self._raw_hash is not None and self._plain_hash is not None:
            self._raw_hash.update(body)
            self._plain_hash.update(self._dechunker.feed(body) if self._dechunker else body)

    def judge(self, checked: dict[str, int]) -> list[tuple[str, str]]:
        """Compare the digests."""
        found: list[tuple[str, str]] = []
        record = self._record
        if self._block is not None and self._block_hash is not None:
            checked["block"] += 1
            if self._block_hash.digest() != self._block.value:
                found.append(
                    ("digest.block", _differs(record, "warc-block-digest", self._block_hash))
                )
        if self._payload is not None and self._absent:
            found.append(("digest.unchecked", record.get("warc-type") or ""))
        elif self._payload is not None and self._raw_hash is not None:
            checked["payload"] += 1
            right = self._plain_hash or self._raw_hash
            if right.digest() == self._payload.value:
                pass
            elif self._dechunker is not None and self._raw_hash.digest() == self._payload.value:
                found.append(("digest.chunked", ""))
            else:
                found.append(("digest.payload", _differs(record, "warc-payload-digest", right)))
        return found


def _labelled(record: WarcRecord, name: str) -> digests.Labelled | None:
    value = record.get(name)
    return digests.read(value) if value else None


def _differs(record: WarcRecord, name: str, found: hashlib._Hash) -> str:
    return f"{record.get(name)}, where {found.name}:{found.hexdigest()} was calculated"


def _kinds(record: WarcRecord, block: _Block) -> list[tuple[str, str]]:
    """Compare fields with each other and with the block: clause 6."""
    found: list[tuple[str, str]] = []
    kind = record.get("warc-type")
    media = (record.get("content-type") or "").replace(" ", "").lower()
    target = (record.get("warc-target-uri") or "").lstrip("<").lower()
    if kind == "warcinfo" and media and not media.startswith("application/warc-fields"):
        found.append(("warcinfo.type", media))
    if kind == "resource" and target.startswith("dns:") and not media.startswith("text/dns"):
        found.append(("dns.type", media))
    if kind in {"response", "request"} and target.startswith(_HTTP):
        if media and media != f"application/http;msgtype={kind}":
            found.append((f"{kind}.type", media))
        if record.get("warc-ip-address") is None:
            found.append((f"{kind}.ip", ""))
    head = block.heads.head if block.heads else None
    said = head.get("content-length") if head else None
    status = head.status() if head else None
    if status is not None and status[1] == 304:
        return found  # it tells the length of what it spares (RFC 9110 section 8.6)
    if said is None or not (said.isascii() and said.isdigit()) or len(said) > 18:
        return found
    short = block.body < int(said) and record.get("warc-truncated") is None
    if short and kind == "revisit" and not block.body:
        found.append(("revisit.truncated", f"{said} bytes of payload are left out"))
    elif short and kind == "response" and not record.cut:
        found.append(("response.short", f"{block.body} of {said} bytes"))
    return found


def _named(record: WarcRecord) -> frozenset[bytes]:
    """Return a record and those of the same capture event that it names."""
    names = {"warc-record-id", "warc-concurrent-to"}
    return frozenset(_key(value) for field, value in record.fields if field in names)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).digest()
