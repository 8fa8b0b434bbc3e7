"""Write MIME by hand: the standard library's generator folds differently from version to version.

Lines end in LF, as an mbox on disk has them.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import quote

_WORD = 75
"""RFC 2047, section 2: an encoded word is at most 75 characters long."""


@dataclass(frozen=True)
class Part:
    """A MIME entity: its own headers, and its body as it is transferred."""

    headers: tuple[str, ...]
    body: bytes
    attachments: int = 0
    """Parts in it that are attachments, itself included."""

    def __bytes__(self) -> bytes:
        return "".join(line + "\n" for line in self.headers).encode("ascii") + b"\n" + self.body


def text(content: str, charset: str, encoding: str, subtype: str = "plain") -> Part:
    """Return a text part; `encoding` is 7bit, 8bit, quoted-printable or base64."""
    return Part(
        (
            f"Content-Type: text/{subtype}; charset={charset}",
            f"Content-Transfer-Encoding: {encoding}",
        ),
        _transfer(content.encode(charset), encoding),
    )


def attachment(name: str, mime: str, data: bytes) -> Part:
    """Return a base64 attachment; a name outside ASCII is written as RFC 2231 has it."""
    if name.isascii():
        named = f'filename="{name}"'
        typed = f'{mime}; name="{name}"'
    else:
        named = f"filename*=UTF-8''{quote(name, safe='')}"
        typed = mime
    headers = (
        f"Content-Type: {typed}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: attachment; {named}",
    )
    return Part(headers, _transfer(data, "base64"), 1)


def forwarded(message: bytes, attachments: int) -> Part:
    """Return a whole message as an attachment (message/rfc822, RFC 2046, 5.2.1).

    `attachments` is how many the message itself has; they count too.
    """
    headers = (
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: 8bit",
        "Content-Disposition: attachment",
    )
    return Part(headers, message, 1 + attachments)


def multipart(subtype: str, boundary: str, *parts: Part) -> Part:
    """Return parts joined as multipart/`subtype`."""
    mark = boundary.encode("ascii")
    body = b"".join(b"--" + mark + b"\n" + bytes(part) + b"\n" for part in parts)
    return Part(
        (f'Content-Type: multipart/{subtype}; boundary="{boundary}"',),
        body + b"--" + mark + b"--\n",
        sum(part.attachments for part in parts),
    )


def phrase(content: str, charset: str = "utf-8", how: str = "B") -> str:
    """Return a header's text: as it is if ASCII, else as encoded words (RFC 2047), folded.

    `how` is B (base64) or Q (quoted-printable).
    """
    if content.isascii() and charset != "iso-2022-jp":
        return content
    words, taken = [], ""
    for character in content:
        if taken and len(_word(taken + character, charset, how)) > _WORD:
            words.append(_word(taken, charset, how))
            taken = ""
        taken += character
    words.append(_word(taken, charset, how))
    return "\n ".join(words)


def _word(content: str, charset: str, how: str) -> str:
    raw = content.encode(charset)
    if how == "B":
        coded = base64.b64encode(raw).decode("ascii")
    else:
        coded = "".join(
            chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"={byte:02X}"
            for byte in raw
        ).replace("=20", "_")
    return f"=?{charset}?{how}?{coded}?="


def _transfer(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data)
    if encoding == "quoted-printable":
        return binascii.b2a_qp(data, istext=True)
    return data
