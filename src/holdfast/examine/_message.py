"""One mail as a person reads it: its headers in their order, its text, what it carries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.examine import _mbox, _mime
from holdfast.examine.parsers._html import text_of_html

if TYPE_CHECKING:
    from holdfast.examine._mbox import RawMessage

TEXT = 256 << 10
"""Characters of text that are shown."""
_HTML = 2 << 20
_HEADERS = 200
_VALUE = 4000
_ADDRESS = re.compile(r"[^\s<>@,;:\"'()]{1,128}@[^\s<>@,;:\"'()]{1,255}")


@dataclass(frozen=True)
class Attached:
    """What a message carries."""

    name: str
    path: str
    """Where the opener of mail puts it."""
    type: str
    size: int


@dataclass(frozen=True)
class Message:
    """A message that was read."""

    headers: list[tuple[str, str]]
    text: str
    from_html: bool
    attached: list[Attached]
    notes: list[str]

    def value(self, name: str) -> str:
        """Return the first header of that name; empty where there is none."""
        return next((value for key, value in self.headers if key == name), "")


def address(text: str) -> str:
    """Return the mail address in `text` in lower case, or all of it."""
    found = _ADDRESS.search(text)
    return (found[0] if found else text).lower()


def read(raw: RawMessage) -> Message:
    """Read one message; what breaks its standards is in its notes."""
    _, start = _mbox.split_envelope(raw)
    data = raw.data
    headers, body, clean = _mime.read_headers(data, start, len(data))
    notes = [] if clean else ["The headers end without a blank line."]
    if raw.in_mbox:
        data = data[:body] + _mbox.unquoted(data[body:])
    defects: list[str] = []
    parts = _mime.parts(data, body, len(data), headers, defects) if raw.whole else []
    texts: list[str] = []
    pages: list[str] = []
    attached: list[Attached] = []
    for part in parts:
        decoded, note = _mime.content(data, part)
        if note:
            defects.append(note)
        if part.is_body:
            text, note = _mime.decode(decoded, part.charset)
            (pages if part.type == "text/html" else texts).append(text)
            if note:
                defects.append(f"part {part.path}: {note}")
        if part.is_member:
            name = part.member_name
            attached.append(Attached(name, f"{raw.number}/{part.path}/{name}", part.type,
                                     len(decoded)))  # fmt: skip
    from_html = not any(one.strip() for one in texts) and bool(pages)
    if from_html:
        texts = [text_of_html(one[:_HTML]) for one in pages]
        notes.append("The message is HTML; this is its text, and where its links lead.")
    text = "\n\n".join(texts).replace("\r\n", "\n")
    if len(text) > TEXT:
        notes.append(f"The text is cut after {TEXT} characters of {len(text)}.")
    notes += [f"{one[:1].upper()}{one[1:]}." for one in defects[:20]]
    shown = [(one.name, _mime.text_of(one.value)[:_VALUE]) for one in headers[:_HEADERS]]
    if len(headers) > _HEADERS:
        notes.append(f"{len(headers)} headers; the first {_HEADERS} are shown.")
    return Message(shown, text[:TEXT], from_html, attached, notes)
