"""Unfold mail into what it carries: attachments, nested messages, and text that was encoded.

A member's path is `message/part/name`: `3/2.1/invoice.pdf` is part 2.1 (IMAP's numbering) of
the third message. Text parts that lie in the mail as they are get no member, since every finder
already reads them in the mail itself. A message over the limit has no members; the mail parser,
which shares the limit, records the failure.
"""

from __future__ import annotations

import io
import mimetypes
import re
from typing import TYPE_CHECKING

from holdfast.examine import _mbox, _mime
from holdfast.examine.interfaces import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)

_ENCODED = {"base64", "quoted-printable", "x-uuencode", "uuencode", "uue", "x-uue"}
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]")
_NAME_LIMIT = 120
_EXTENSIONS = mimetypes.MimeTypes()  # the built-in table alone: the host's would change results


def match(file: EvidenceFile) -> bool:
    """Accept what the mail parser accepts."""
    return _mbox.is_mail(file.head)


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield each message's attachments and encoded text parts, in order, decoded."""
    for raw in _mbox.messages(file):
        if not raw.whole:
            continue
        _, start = _mbox.split_envelope(raw)
        headers, body, _ = _mime.read_headers(raw.data, start, len(raw.data))
        if not headers:
            continue
        data = raw.data
        if raw.in_mbox:
            data = data[:body] + _mbox.unquoted(data[body:])
        for part in _mime.parts(data, body, len(data), headers, []):
            if part.is_body and part.encoding not in _ENCODED:
                continue
            name = _name(part)
            decoded, _ = _mime.content(data, part)
            yield Member(
                path=f"{raw.number}/{part.path}/{name}", name=name, content=io.BytesIO(decoded)
            )


def _name(part: _mime.Part) -> str:
    name = _UNSAFE.sub("_", part.filename or "")[-_NAME_LIMIT:].strip()
    if name.strip("."):
        return name
    if part.type == "message/rfc822":
        return "message.eml"
    return "part" + (_EXTENSIONS.guess_extension(part.type) or "")
