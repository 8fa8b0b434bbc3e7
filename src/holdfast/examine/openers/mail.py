"""Unfold mail into what it carries: attachments, nested messages, and text that was encoded.

A member's path is `message/part/name`: `3/2.1/invoice.pdf` is part 2.1 (IMAP's numbering) of
the third message. Text parts that lie in the mail as they are get no member, since every finder
already reads them in the mail itself. A message over the limit has no members; the mail parser,
which shares the limit, records the failure.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from holdfast.examine import _mbox, _mime
from holdfast.examine.interfaces import Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)


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
            if not part.is_member:
                continue
            name = part.member_name
            decoded, _ = _mime.content(data, part)
            yield Member(
                path=f"{raw.number}/{part.path}/{name}", name=name, content=io.BytesIO(decoded)
            )
