"""Where one mail ends and the next begins: mbox files and single messages, without holding them.

An mbox separator is a line that starts with `From ` (RFC 4155, appendix A). Writers disagree on
the rest, so a separator is accepted where the line carries a date like asctime's or a known
header follows it, and where a blank line goes before it or both of these hold. Bodies that quote
`From ` by `>` (mboxo: once, mboxrd: any number) are unquoted by one `>`; from an mboxo file whose
author wrote `>From ` this takes one too many, which the format itself can't tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

LIMIT = 64 << 20
"""Bytes of one message that are read; of a longer one only `PARTIAL`."""
PARTIAL = 1 << 20
"""Bytes read of a message that is over the limit: its headers, not its body."""

_WINDOW = 4 << 20
_AHEAD = 4096  # a separator line and the header line after it lie within this

_KNOWN = (
    rb"(?:Received|Return-Path|Delivered-To|From|To|Cc|Bcc|Subject|Date|Message-ID|MIME-Version"
    rb"|Content-Type|Content-Transfer-Encoding|Content-Disposition|Content-Class|Reply-To|Sender"
    rb"|In-Reply-To|References|Authentication-Results|DKIM-Signature|ARC-[A-Za-z-]{4,32}"
    rb"|Received-SPF|List-[A-Za-z-]{2,32}|Status|Envelope-to|Delivery-date|Errors-To|User-Agent"
    rb"|Organization|Importance|Priority|Precedence|Auto-Submitted|Disposition-Notification-To"
    rb"|Thread-Index|Thread-Topic|Resent-[A-Za-z-]{2,16}|X-[A-Za-z0-9-]{2,64})"
)
_DATE = (
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2})"
    rb"[ \d:]*\d\d?:\d\d"
)
_SEPARATOR = re.compile(
    rb"From (?:[^\n]{0,998}?(?P<date>" + _DATE + rb")[^\n]{0,998}|[^\n]{0,998})\r?\n"
    rb"(?P<header>>?(?i:" + _KNOWN + rb"):)?"
)
_HEADER = re.compile(rb"(?i:(" + _KNOWN + rb")):(?=[ \t\r\n])[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)")
_ANY_HEADER = re.compile(rb"[!-9;-~]{1,76}:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)")
_TELLING = (b"from", b"date", b"message-id", b"received", b"return-path", b"mime-version")
_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message as it lies in the file."""

    number: int
    """From 1."""
    offset: int
    length: int
    """Bytes from `offset` to the next separator, an mbox separator line included."""
    data: bytes
    """The message; its first `PARTIAL` bytes where it is over the limit."""
    in_mbox: bool

    @property
    def whole(self) -> bool:
        """Whether `data` is all of the message."""
        return len(self.data) == self.length


def is_mbox(head: bytes) -> bool:
    """Say whether `head` starts with an mbox separator and a message's headers."""
    found = _SEPARATOR.match(head)
    if found is None:
        return False
    start = found.end() if found["header"] is None else found.start("header")
    return is_message(head[start:].removeprefix(b">"), enough=1)


def is_message(head: bytes, enough: int = _ENOUGH) -> bool:
    """Say whether `head` starts with an RFC 5322 header section.

    The first line must be a header of mail, and `enough` of those that tell mail from other
    `Name: value` text (From, Date, Message-ID, Received, Return-Path, MIME-Version) must follow
    before the section ends; one more where the first line is a header that isn't known.
    """
    if _HEADER.match(head) is None:
        enough += 1
    at, telling = 0, set()
    while found := _ANY_HEADER.match(head, at):
        name = found[0].partition(b":")[0].lower()
        if name in _TELLING and _HEADER.match(head, at):
            telling.add(name)
            if len(telling) >= enough:
                return True
        at = found.end()
    return False


def is_mail(head: bytes) -> bool:
    """Say whether `head` starts an mbox file or a single message."""
    return is_mbox(head) or is_message(head)


def messages(file: EvidenceFile) -> Iterator[RawMessage]:
    """Yield each message of `file` in order, one in memory at a time."""
    in_mbox = is_mbox(file.head)
    starts = _separators(file) if in_mbox else iter((0,))
    with file.open() as stream:
        start, number = next(starts, 0), 0
        while start < file.size:
            end = next(starts, file.size)
            number += 1
            length = end - start
            stream.seek(start)
            data = stream.read(length if length <= LIMIT else PARTIAL)
            yield RawMessage(number, start, length, data, in_mbox)
            start = end


def split_envelope(message: RawMessage) -> tuple[str | None, int]:
    """Return what the separator line says (sender and date), and where the headers start."""
    if not message.in_mbox or not message.data.startswith(b"From "):
        return None, 0
    line, newline, _ = message.data.partition(b"\n")
    text = line[len(b"From ") : 1000].decode("utf-8", "backslashreplace").strip()
    return text, len(line) + len(newline)


def unquoted(body: bytes) -> bytes:
    """Take one `>` from every body line that an mbox writer quoted."""
    if b">From " not in body:
        return body
    return re.sub(rb"(?m)^>(?=>*From )", b"", body)


def _separators(file: EvidenceFile) -> Iterator[int]:
    """Yield the offset of every separator line, from 0."""
    yield 0
    with file.open() as stream:
        base = 0
        while base < file.size:
            # Two bytes before the window show the blank line, some after it the next line.
            before = min(base, 3)
            stream.seek(base - before)
            window = stream.read(before + _WINDOW + _AHEAD)
            at = window.find(b"\nFrom ")
            while 0 <= at < before + _WINDOW - 1:
                if at + 1 >= before and _separates(window, at + 1):
                    yield base - before + at + 1
                at = window.find(b"\nFrom ", at + 1)
            base += _WINDOW


def _separates(window: bytes, at: int) -> bool:
    found = _SEPARATOR.match(window, at)
    if found is None:
        return False
    dated, headed = found["date"] is not None, found["header"] is not None
    if dated and headed:
        return True
    blank = window[at - 2 : at] == b"\n\n" or window[max(0, at - 3) : at] == b"\n\r\n"
    return blank and (dated or headed)
