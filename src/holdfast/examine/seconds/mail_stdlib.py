"""Single mail messages by Python's `email`, which our reader of MIME is independent of.

Compared are the header fields that people quote (decoded, blanks made one) and the attachments'
bytes. Mailboxes (mbox) are not: where one message ends is a matter of opinion there, and the two
would be held against each other's splitting.
"""

from __future__ import annotations

import hashlib
import re
from email import message_from_binary_file, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
OF = "mail"
KEY = ("message",)
_LARGEST = 64 << 20
_FIRST_LINE = re.compile(rb"[!-9;-~]{1,76}:")
_FIELDS = {
    "subject": "subject", "from": "from_", "message-id": "message_id", "date": "date_raw",
    "in-reply-to": "in_reply_to",
}  # fmt: skip
"""Header to the field of our record that holds it."""


def match(file: EvidenceFile) -> bool:
    """Accept one message: its first line is a header field."""
    return file.size <= _LARGEST and _FIRST_LINE.match(file.head) is not None


def said(record: Record) -> dict[str, Json] | None:
    """Return what one message's record says."""
    if record.KIND != "mail.message":
        return None
    found: dict[str, Json] = {
        name: _plain(getattr(record, field, None)) for name, field in _FIELDS.items()
    }
    digests = sorted(getattr(record, "attachment_sha256", []))
    return {"message": record.row, **found, "attachments": [*digests]}


def read(file: EvidenceFile) -> Iterator[dict[str, Json]]:
    """Yield the file's one message."""
    with file.open() as stream:
        message = message_from_binary_file(stream, policy=policy.compat32)
    found: dict[str, Json] = {name: _header(message, name) for name in _FIELDS}
    # A message inside is bytes to us and a tree to `email`, which can't give them back.
    if not any(part.get_content_maintype() == "message" for part in message.walk()):
        found["attachments"] = [*sorted(_attachments(message))]
    yield {"message": 1, **found}


def _header(message: Message, name: str) -> str | None:
    value = message.get(name)
    if value is None:
        return None
    try:
        return _plain(str(make_header(decode_header(value))))
    except (LookupError, UnicodeError, HeaderParseError):
        return _plain(value)


def _plain(text: object) -> str | None:
    return None if text is None else " ".join(str(text).split())


def _attachments(message: Message) -> Iterator[str]:
    """Yield the digest of each part that is no body: named, or of another type than text."""
    for part in message.walk():
        if part.is_multipart():
            continue
        named = part.get_filename() is not None or part.get_content_disposition() == "attachment"
        if named or part.get_content_type() not in {"text/plain", "text/html"}:
            content = part.get_payload(decode=True)
            yield hashlib.sha256(content if isinstance(content, bytes) else b"").hexdigest()
