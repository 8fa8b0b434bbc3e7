"""A WACZ's indexes and page lists: whether each line is well formed, and leads to its record."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.webarchive.reader import WarcReader
from holdfast.webarchive.stream import MAGIC, Stream
from holdfast.webarchive.zip_check import READ_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.webarchive.report import Report
    from holdfast.webarchive.zip_check import Shell

LINES = 2_000_000
"""Index lines that are followed to their records."""
_LINE = 1 << 20
_RECORD = 1 << 30
_SMALL = 64 << 20
_STAMP = re.compile(r"\d{4,17}", re.ASCII)


class _Row(NamedTuple):
    """What an index line leads to, in one file."""

    offset: int
    length: int
    url: str
    digest: str
    source: str


@dataclass
class Indexes:
    """What the indexes of one WACZ hold."""

    shell: Shell
    report: Report
    urls: set[str] = field(default_factory=set)
    lines: int = 0
    _wanted: dict[str, list[_Row]] = field(default_factory=dict)
    """By file."""

    def check(self) -> None:
        """Read every index, then follow its lines."""
        for name in sorted(self.shell.parts):
            if name.startswith("indexes/") and not name.endswith(".idx"):
                self._index(name)
        for name in sorted(self.shell.parts):
            if name.startswith("indexes/") and name.endswith(".idx"):
                self._blocks(name)
        for filename, lines in sorted(self._wanted.items()):
            self._follow(filename, sorted(lines))

    def _index(self, name: str) -> None:
        before = ""
        for text in self._lines(name):
            if text.startswith("!meta"):
                continue
            entry = self._entry(name, text)
            key = " ".join(text.split(" ", 2)[:2])
            if key < before:
                self.report.find("index.order", f"{key[:120]!r}", None, name)
            before = key
            if entry is None:
                continue
            self.lines += 1
            if self.lines > LINES:
                if self.lines == LINES + 1:
                    self.report.find("limit", f"the first {LINES} index lines are followed")
                continue
            self._want(name, entry)

    def _want(self, name: str, entry: dict[str, Any]) -> None:
        url, filename = entry.get("url"), entry.get("filename")
        offset, length = _number(entry.get("offset")), _number(entry.get("length"))
        if not isinstance(url, str) or not isinstance(filename, str) or offset is None:
            self.report.find("index.form", "no url, filename or offset", None, name)
            return
        self.urls.add(url)
        digest = entry.get("recordDigest")
        row = _Row(offset, length or 0, url, digest if isinstance(digest, str) else "", name)
        self._wanted.setdefault(filename, []).append(row)

    def _lines(self, name: str) -> Iterator[str]:
        try:
            stream = Stream(self.shell.open(name))
            while line := stream.line(_LINE):
                yield line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
        except READ_ERRORS:
            return  # a part that can't be read is told of where its hash is taken
        for _, at, detail in stream.trouble:
            self.report.find("index.form", detail, at, name)

    def _entry(self, name: str, text: str) -> dict[str, Any] | None:
        parts = text.split(" ", 2)
        try:
            found = json.loads(parts[2]) if len(parts) > 2 else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not _STAMP.fullmatch(parts[1]):
            self.report.find("index.form", f"{text[:120]!r}", None, name)
            return None
        return found

    def _blocks(self, name: str) -> None:
        """Follow a secondary index to the blocks of the compressed one."""
        target = "index.cdx.gz"
        for text in self._lines(name):
            if text.startswith("!meta"):
                meta = text.partition("{")[2]
                try:
                    target = str(json.loads("{" + meta).get("filename", target))
                except (ValueError, RecursionError, AttributeError):
                    self.report.find("index.form", f"{text[:120]!r}", None, name)
                continue
            parts = text.split(" ", 2)
            try:
                found = json.loads(text[text.index("{") :])
                offset, length = int(found["offset"]), int(found["length"])
            except (ValueError, KeyError, TypeError, RecursionError):
                self.report.find("index.form", f"{text[:120]!r}", None, name)
                continue
            raw = self._slice(f"indexes/{found.get('filename', target)}", offset, length)
            if raw is None or len(raw) != length or raw[:3] != MAGIC:
                self.report.find("index.idx", f"{parts[0][:80]} at {offset}", None, name)
            elif "digest" in found and found["digest"] != _sha256(raw):
                self.report.find("index.digest", f"the block at {offset}", None, name)

    def _slice(self, part: str, offset: int, length: int) -> bytes | None:
        if part not in self.shell.parts or not 0 <= length <= _SMALL or offset < 0:
            return None
        try:
            with self.shell.open(part) as stream:
                stream.seek(offset)
                return stream.read(length)
        except READ_ERRORS:
            return None

    def _follow(self, filename: str, rows: list[_Row]) -> None:
        """Look at the places in one archive that index lines lead to, in one passage."""
        part = f"archive/{filename}"
        if part not in self.shell.parts:
            for row in rows:
                self.report.find("index.dangling", _place(filename, row), None, row.source)
            return
        try:
            with self.shell.open(part) as stream:
                for row in rows:
                    stream.seek(row.offset)
                    raw = stream.read(min(row.length or _SMALL, _RECORD))
                    self._record(raw, filename, row)
        except READ_ERRORS:
            self.report.find("index.dangling", f"{filename} can't be read", None, part)

    def _record(self, raw: bytes, filename: str, row: _Row) -> None:
        def find(rule: str, more: str = "") -> None:
            self.report.find(rule, _place(filename, row) + more, None, row.source)

        reader = WarcReader(io.BytesIO(raw))
        record = next(iter(reader), None)
        if record is None or record.offset or record.start or reader.troubles:
            find("index.dangling")
            return
        target = (record.get("warc-target-uri") or "").removeprefix("<").removesuffix(">")
        if target != row.url:
            find("index.url", f", and there {target}")
        if row.length and not _fills(raw, row.length, record.length):
            find("index.length", f", length {row.length}")
        if row.digest and row.digest != _sha256(raw):
            find("index.digest")


def _place(filename: str, row: _Row) -> str:
    return f"{filename} at {row.offset}: {row.url}"


def _fills(raw: bytes, length: int, block: int | None) -> bool:
    """Say whether one record, and no more, lies in the bytes that a line names."""
    if len(raw) != length:
        return False
    if raw[:3] == MAGIC:
        inflater = zlib.decompressobj(31)
        try:
            data = raw
            while data and not inflater.eof:
                inflater.decompress(data, 1 << 20)
                data = inflater.unconsumed_tail
        except zlib.error:
            return False
        return inflater.eof and not inflater.unused_data
    head = raw.find(b"\r\n\r\n")
    size = head + 4 + (block or 0)
    return head >= 0 and size <= length <= size + 4


def _number(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _sha256(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def check_pages(shell: Shell, report: Report, urls: set[str]) -> int:
    """Judge the page lists; return how many pages they name."""
    pages = 0
    for name in sorted(shell.parts):
        if not (name.startswith("pages/") and name.endswith(".jsonl")):
            continue
        for number, line in enumerate(_page_lines(shell, name), 1):
            if line.strip():
                pages += _page(line, number, name, report, urls)
    return pages


def _page_lines(shell: Shell, name: str) -> Iterator[bytes]:
    try:
        stream = Stream(shell.open(name))
        while line := stream.line(_LINE * 16):
            yield line
    except READ_ERRORS:
        return  # told of where its hash is taken


def _page(line: bytes, number: int, name: str, report: Report, urls: set[str]) -> int:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        report.find("pages.form", f"line {number}", None, name)
        return 0
    if number == 1 and "url" not in found:
        if not str(found.get("format", "")).startswith("json-pages-"):
            report.find("pages.header", f"line {number}", None, name)
        return 0
    missing = [key for key in ("url", "ts") if not isinstance(found.get(key), str)]
    if missing:
        report.find("pages.fields", f"line {number}: no {' and no '.join(missing)}", None, name)
    elif urls and found["url"] not in urls:
        report.find("pages.unindexed", f"line {number}: {found['url']}", None, name)
    return 1
