"""The inside of one message: headers, parts, transfer encodings, character sets.

It works on byte ranges of the message (RFC 5322, RFC 2045 to 2047, RFC 2231), so that every
part has an offset and nothing is copied until it is decoded. Mail in evidence breaks these
specifications daily: each breach is noted as a defect, and the reading goes on. Every loop is
linear in the message; parts and depth are bounded.
"""

from __future__ import annotations

import binascii
import codecs
import mimetypes
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 32
MAX_PARTS = 10_000
MAX_VALUE = 1 << 16
"""Bytes of one header's value that are decoded."""

_HEADER = re.compile(rb"([!-9;-~]{1,256}+)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"\?=[ \t]++(?==\?)")
_PARAMETER = re.compile(r';\s*+([^\s=;]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"?|([^;"]*+))')
_QUOTED_PAIR = re.compile(r"\\(.)")
_NOT_BASE64 = bytes(set(range(256)) - set(binascii.b2a_base64(bytes(range(256)) * 9)[:-1]) - {61})
_CHARSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+()-]{0,39}")
_REFUSED = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_WIDER = {  # what mail means when it names the narrower set (WHATWG Encoding, "labels")
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
}


ENCODED = frozenset({"base64", "quoted-printable", "x-uuencode", "uuencode", "uue", "x-uue"})
"""Transfer encodings that hide a part's text from whoever reads the mail as it lies there."""
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]")
_NAME_LIMIT = 120
_EXTENSIONS = mimetypes.MimeTypes()  # the built-in table alone: the host's would change results


@dataclass(frozen=True, slots=True)
class Header:
    """One header field: its name in lower case, its value as it lies there, and where."""

    name: str
    value: bytes
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a message: not multipart; a nested message is a leaf too."""

    path: str
    """`2.1`: the numbering of IMAP (RFC 9051, section 6.4.5)."""
    type: str
    charset: str | None
    disposition: str
    filename: str | None
    encoding: str
    start: int
    end: int

    @property
    def is_body(self) -> bool:
        """Whether a reader sees it as text of the message rather than as an attachment."""
        shown = self.type in {"text/plain", "text/html"}
        return shown and self.disposition != "attachment" and self.filename is None

    @property
    def is_member(self) -> bool:
        """Whether the opener of mail hands it out as a file of its own."""
        return not self.is_body or self.encoding in ENCODED

    @property
    def member_name(self) -> str:
        """The name it has as such a file; its path there is `message/part/name`."""
        name = _UNSAFE.sub("_", self.filename or "")[-_NAME_LIMIT:].strip()
        if name.strip("."):
            return name
        if self.type == "message/rfc822":
            return "message.eml"
        return "part" + (_EXTENSIONS.guess_extension(self.type) or "")


def read_headers(data: bytes, at: int, end: int) -> tuple[list[Header], int, bool]:
    """Return the headers from `at`, where the body starts, and whether a blank line parts them."""
    headers: list[Header] = []
    while at < end:
        if data.startswith(b"\n", at):
            return headers, at + 1, True
        if data.startswith(b"\r\n", at):
            return headers, at + 2, True
        found = _HEADER.match(data, at, end)
        if found is None:
            return headers, at, False
        name = found[1].decode("ascii").lower()
        headers.append(Header(name, found[2], at, found.end() - at))
        at = found.end()
    return headers, at, True


def first(headers: list[Header], name: str) -> bytes | None:
    """Return the value of the first header `name`."""
    for header in headers:
        if header.name == name:
            return header.value
    return None


def text_of(value: bytes) -> str:
    """Decode a header's value: unfolded, encoded words read (RFC 2047), any charset."""
    text = decode(_FOLD.sub(b"", value[:MAX_VALUE]), None)[0].strip()
    return _words(text) if "=?" in text else text


def _words(text: str) -> str:
    text = _BETWEEN_WORDS.sub("?=", text)
    out: list[str] = []
    held, held_charset, at = b"", "", 0
    for found in _WORD.finditer(text):
        charset = found[1].partition("*")[0]  # RFC 2231 lets a language follow
        raw = found[3].encode("utf-8", "replace")
        raw = _base64(raw) if found[2] in "bB" else binascii.a2b_qp(raw, header=True)
        # A character may be split over two adjacent words of one charset.
        if found.start() != at or charset != held_charset:
            out.append(decode(held, held_charset)[0] + text[at : found.start()])
            held = b""
        held, held_charset, at = held + raw, charset, found.end()
    return "".join((*out, decode(held, held_charset)[0], text[at:]))


def decode(data: bytes, charset: str | None) -> tuple[str, str | None]:
    r"""Return `data` as text, and a note when the label was missing or wrong.

    The label first, then UTF-8, then Windows-1252 with what it lacks shown as `\x81`.
    """
    name = None
    if charset and _CHARSET.fullmatch(charset):
        try:
            name = codecs.lookup(charset).name
        except LookupError:
            name = None
        if name is not None and name.replace("-", "_") in _REFUSED:
            name = None
    if name is not None:
        try:
            return data.decode(_WIDER.get(name, name)), None
        except (UnicodeError, LookupError):  # LookupError: a codec that makes no text
            pass
    note = f"charset {charset} is wrong" if charset else None
    try:
        return data.decode("utf-8"), note if not data.isascii() else None
    except UnicodeDecodeError:
        return data.decode("cp1252", "backslashreplace"), note or "charset not given"


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Split `type/subtype; name=value` into its first word and its parameters (RFC 2231)."""
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for found in _PARAMETER.finditer(value):
        text = found[3].strip() if found[2] is None else _QUOTED_PAIR.sub(r"\1", found[2])
        name, star, index = found[1].lower().partition("*")
        if not star:
            plain.setdefault(name, _words(text) if "=?" in text else text)
            continue
        encoded, number = found[1].endswith("*"), index.rstrip("*")
        order = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0
        pieces.setdefault(name, []).append((order, encoded, text))
    for name, segments in pieces.items():
        plain[name] = _joined(sorted(segments, key=lambda segment: segment[0]))
    return value.partition(";")[0].strip().lower(), plain


def _joined(segments: list[tuple[int, bool, str]]) -> str:
    charset, raw = "", b""
    for position, (_, encoded, text) in enumerate(segments):
        rest = text
        if encoded:
            if position == 0 and text.count("'") >= 2:
                charset, _, rest = text.split("'", 2)
            raw += unquote_to_bytes(rest)
        else:
            raw += rest.encode("utf-8", "replace")
    return decode(raw, charset or None)[0]


def parts(
    data: bytes, start: int, end: int, headers: list[Header], defects: list[str]
) -> list[Part]:
    """Return the leaves of the body `data[start:end]`; what is wrong goes to `defects`."""
    found: list[Part] = []
    for part in _Tree(data, defects).walk(start, end, headers, ""):
        found.append(part)
        if len(found) >= MAX_PARTS:
            defects.append(f"more than {MAX_PARTS} parts")
            break
    return found


@dataclass(frozen=True, slots=True)
class _Tree:
    data: bytes
    defects: list[str]

    def walk(self, start: int, end: int, headers: list[Header], path: str) -> Iterator[Part]:
        kind, given = parameters(text_of(first(headers, "content-type") or b"text/plain"))
        if kind.startswith("multipart/"):
            boundary = given.get("boundary", "").encode("utf-8", "replace").rstrip()
            if boundary and path.count(".") < MAX_DEPTH:
                yield from self._children(start, end, boundary, path)
                return
            self.defects.append("nested too deeply" if boundary else "multipart without a boundary")
            if not boundary:
                kind = "text/plain"  # what no rule covers is shown as text (RFC 2045, 5.2)
        shown, wanted = parameters(text_of(first(headers, "content-disposition") or b""))
        name = wanted.get("filename") or given.get("name") or None
        encoding = text_of(first(headers, "content-transfer-encoding") or b"").lower()
        yield Part(path or "1", kind, given.get("charset"), shown, name, encoding, start, end)

    def _children(self, start: int, end: int, boundary: bytes, path: str) -> Iterator[Part]:
        number, opened = 0, -1
        prefix = f"{path}." if path else ""
        for line_start, line_end, last in _delimiters(self.data, start, end, b"--" + boundary):
            if opened >= 0:
                number += 1
                before = _before_newline(self.data, opened, line_start)
                yield from self._child(opened, before, f"{prefix}{number}")
            opened = line_end
            if last:
                return
        if opened < 0:
            self.defects.append("multipart without its boundary")
            yield Part(f"{prefix}1", "text/plain", None, "", None, "", start, end)
            return
        self.defects.append("multipart is not closed")
        if opened < end:
            yield from self._child(opened, end, f"{prefix}{number + 1}")

    def _child(self, start: int, end: int, path: str) -> Iterator[Part]:
        headers, body, clean = read_headers(self.data, start, end)
        if not clean:
            self.defects.append(f"part {path}: headers end without a blank line")
        yield from self.walk(min(body, end), end, headers, path)


def _delimiters(data: bytes, start: int, end: int, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    at = data.find(mark, start, end)
    while at >= 0:
        after = at + len(mark)
        if at == start or data[at - 1] == 0x0A:
            newline = data.find(b"\n", after, min(end, after + 200))
            stop = newline if newline >= 0 else min(end, after + 200)
            rest = data[after:stop].strip()
            if rest in {b"", b"--"}:
                yield at, stop + 1 if newline >= 0 else stop, rest == b"--"
        at = data.find(mark, after, end)


def _before_newline(data: bytes, start: int, at: int) -> int:
    # The line end before a delimiter belongs to the delimiter (RFC 2046, section 5.1.1).
    if at - 1 >= start and data[at - 1] == 0x0A:
        at -= 1
        if at - 1 >= start and data[at - 1] == 0x0D:
            at -= 1
    return at


def content(data: bytes, part: Part) -> tuple[bytes, str | None]:
    """Return the part's bytes with the transfer encoding undone, and a note when it is broken."""
    raw = data[part.start : part.end]
    if part.encoding == "base64":
        kept = raw.translate(None, b"\r\n\t =")
        bad = len(kept.translate(None, _NOT_BASE64)) != len(kept) or len(kept) % 4 == 1
        return _base64(raw), f"part {part.path}: base64 is broken" if bad else None
    if part.encoding == "quoted-printable":
        return binascii.a2b_qp(raw), None
    if part.encoding in {"x-uuencode", "uuencode", "uue", "x-uue"}:
        return _uudecoded(raw), None
    if part.encoding not in {"", "7bit", "8bit", "binary"}:
        return raw, f"part {part.path}: transfer encoding not known"
    return raw, None


def _base64(raw: bytes) -> bytes:
    kept = raw.translate(None, _NOT_BASE64)
    # Padding in the middle marks joined encodings: what follows it is another encoding.
    pieces = re.split(rb"=+", kept)
    out = bytearray()
    for piece in pieces:
        usable = piece[: len(piece) - 1] if len(piece) % 4 == 1 else piece
        out += binascii.a2b_base64(usable + b"=" * (-len(usable) % 4))
    return bytes(out)


def _uudecoded(raw: bytes) -> bytes:
    out = bytearray()
    for line in raw.partition(b"begin ")[2].split(b"\n")[1:]:
        stripped = line.rstrip(b"\r")
        if stripped == b"end":
            break
        try:
            out += binascii.a2b_uu(stripped)
        except binascii.Error:
            # Some writers pad wrongly: the count in the first byte says what is meant.
            wanted = (((stripped[0] - 32) & 63) * 4 + 5) // 3 if stripped else 0
            try:
                out += binascii.a2b_uu(stripped[:wanted])
            except binascii.Error:
                continue
    return bytes(out)
