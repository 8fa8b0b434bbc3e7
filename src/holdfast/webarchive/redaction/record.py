"""A WARC record of a capture: what is secret in it, and the same record without that."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.webarchive.redaction import views
from holdfast.webarchive.redaction.bodies import Body
from holdfast.webarchive.redaction.finding import Finder, Head, foreign, head_of
from holdfast.webarchive.redaction.values import Span, apply, merge, within

if TYPE_CHECKING:
    from holdfast.webarchive.redaction.finding import Finder

MOST = 1 << 30
"""Bytes that one record may unfold to."""
NOTE = b"Holdfast-Redacted"
_DIGEST = re.compile(rb"(?im)^WARC-(Block|Payload)-Digest: sha256:([0-9a-f]{64})\r$")
_CHOSEN = frozenset({b"warc-target-uri", b"warc-refers-to-target-uri"})
_GZIP = 31
_TEXT = (b"text/", b"application/json", b"application/javascript", b"application/xml")


class DamagedError(ValueError):
    """Bytes that should be a record of a capture, and are none."""


@dataclass(frozen=True)
class Record:
    """One record, unpacked."""

    header: bytes
    """With its version line and blank line."""
    block: bytes
    _fields: dict[bytes, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, member: bytes) -> Record:
        """Unpack a gzip member.

        Raises:
            DamagedError: it is no record, or holds more than one.
        """
        inflater = zlib.decompressobj(_GZIP)
        try:
            data = inflater.decompress(member, MOST)
        except zlib.error as error:
            raise DamagedError("no gzip") from error
        if not inflater.eof or inflater.unused_data:
            raise DamagedError("not one gzip member")
        header, mark, rest = data.partition(b"\r\n\r\n")
        names = {}
        for line in header.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            names[name.lower()] = value.strip()
        size = names.get(b"content-length", b"")
        if not mark or not size.isdigit() or rest[int(size) :] != b"\r\n\r\n":
            raise DamagedError("no WARC record")
        return cls(header + mark, rest[: int(size)], names)

    def field(self, name: str) -> bytes:
        """Return a field's value, of the last of that name."""
        return self._fields.get(name.lower().encode(), b"")

    @property
    def id(self) -> str:
        """WARC-Record-ID without its angle brackets."""
        return self.field("WARC-Record-ID").decode("latin-1").strip("<>")

    @property
    def _synthesised(self) -> bool:
        return bool(self.field("Holdfast-Synthesised"))

    @property
    def _is_message(self) -> bool:
        return self.field("Content-Type").startswith(b"application/http")

    @property
    def _target(self) -> bytes:
        return self.field("WARC-Target-URI")

    @property
    def text_view(self) -> bool:
        """Say whether this is what a person could read."""
        plain = self.field("Content-Type").startswith(b"text/plain")
        return plain and self._target.startswith(b"urn:view:")

    def _addresses(self) -> list[tuple[int, int]]:
        """Return where the header has what others chose: addresses."""
        fields = head_of(self.header).fields
        return [(start, end) for name, start, end in fields if name in _CHOSEN]

    def _parts(self) -> tuple[Head, Body]:
        head = head_of(self.block)
        return head, Body(self.block, head, synthesised=self._synthesised)

    def declare(self, finder: Finder) -> None:
        """Tell the finder which fields of a page's forms hold passwords."""
        if self._is_message and self.field("WARC-Type") != b"request":
            _, body = self._parts()
            if body.text is not None and b"html" in body.kind:
                finder.declare(body.text)

    def learn(self, finder: Finder) -> None:
        """Tell the finder all values that are secret here by where they stand."""
        finder.learn(self.header, within(finder.text(self.header), self._addresses()))
        if not self._is_message:
            finder.learn(self.block, finder.text(self.block))
            return
        head, body = self._parts()
        finder.learn(self.block, finder.head(self.block, head))
        if body.text is not None:
            finder.learn(body.text, self._structured(finder, body, body.text))

    def _structured(self, finder: Finder, body: Body, text: bytes) -> list[Span]:
        if self.field("WARC-Type") == b"request":
            return finder.form(text)
        return finder.text(text) + (finder.members(text) if b"json" in body.kind else [])

    def taken(self, finder: Finder, *, shown: bool) -> tuple[list[Span], list[Span]]:
        """Return what is taken of the header and of the block.

        `shown`: a secret is to be read in the page, so it is in its pictures too.
        """
        values = finder.values
        found = finder.text(self.header) + values.find(self.header)
        header = merge(within(found, self._addresses()))
        if self._is_message:
            head, body = self._parts()
            spans = finder.head(self.block, head)
            spans += body.spans(lambda t: self._structured(finder, body, t) + values.find(t))
            spans += within(values.find(self.block), foreign(self.block, head) + body.ranges())
        elif self._target.startswith(b"urn:holdfast:exchange:") and b":tunnel:" in self._target:
            whole = not views.tunnel_is_clear(self.block, values)
            spans = [Span(0, len(self.block), "tunnel")] if whole else []
        elif self._target.startswith(b"urn:view:"):
            kind = self.field("Content-Type")
            if kind.startswith(_TEXT):
                spans = finder.text(self.block) + values.find(self.block)
            else:
                whole = not views.is_clear(self.block, kind, finder, shown=shown)
                spans = [Span(0, len(self.block), "view")] if whole else []
        else:
            spans = finder.text(self.block) + values.find(self.block)
        return header, merge(spans)

    def payload_digest(self) -> str:
        """Return the SHA-256 of the body as sent, its chunks' framing undone."""
        if not self._is_message:
            return hashlib.sha256(self.block).hexdigest()
        _, body = self._parts()
        return hashlib.sha256(body.payload).hexdigest()

    def digests(self) -> set[str]:
        """Return digests of what is here, which would let a short secret be guessed."""
        found = {one[2].decode() for one in _DIGEST.finditer(self.header)}
        return found | {self.payload_digest(), hashlib.sha256(self.block).hexdigest()}

    def without(self, header: list[Span], block: list[Span]) -> tuple[bytes, Record]:
        """Return this record without the spans, as a gzip member and read again."""
        made = apply(self.block, block)
        top = apply(self.header, header)
        payload = made[head_of(made).length :] if self._is_message else made
        new = {b"Block": hashlib.sha256(made), b"Payload": hashlib.sha256(payload)}
        top = _DIGEST.sub(
            lambda found: (
                b"WARC-%s-Digest: sha256:%s\r"
                % (found[1], new[found[1].title()].hexdigest().encode())
            ),
            top,
        )
        note = b"%s: %d\r\n" % (NOTE, len(header) + len(block))
        top = top[:-2] + note + b"\r\n"
        member = stored(top + made + b"\r\n\r\n")
        return member, Record.read(member)


def stored(data: bytes) -> bytes:
    """Return a gzip member that packs nothing, so that it is the same wherever it is made."""
    out = bytearray(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
    for at in range(0, len(data), 0xFFFF):
        piece = data[at : at + 0xFFFF]
        last = at + 0xFFFF >= len(data)
        out += struct.pack("<BHH", last, len(piece), len(piece) ^ 0xFFFF) + piece
    return bytes(out + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
