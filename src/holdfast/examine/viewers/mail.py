"""Mail, a message at a time: headers, text, and what is attached as a list. HTML is never live."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from holdfast.examine import _mbox, _message
from holdfast.examine.record import UnreadableError
from holdfast.examine.view import View

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.view import Wish

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RANK = 3


def match(file: EvidenceFile) -> bool:
    """Accept what the mail parser accepts."""
    return _mbox.is_mail(file.head)


def render(file: EvidenceFile, wish: Wish) -> View:
    """Show one message.

    Raises:
        UnreadableError: the file has no such message.
    """
    messages = islice(_mbox.messages(file), wish.page, None)
    raw = next(messages, None)
    if raw is None:
        raise UnreadableError(f"it has no message {wish.page + 1}")
    read = _message.read(raw)
    notes = [*read.notes]
    if not raw.whole:
        notes.append(f"The message is over {_mbox.LIMIT} bytes: only its headers are read.")
    headers: list[Json] = [[name, value] for name, value in read.headers]
    attached: list[Json] = [
        {"name": one.name, "path": one.path, "size": one.size, "type": one.type}
        for one in read.attached
    ]
    content: dict[str, Json] = {
        "attachments": attached,
        "from_html": read.from_html,
        "headers": headers,
        "number": raw.number,
        "text": read.text,
    }
    return View(kind="mail", content=content, notes=notes, more=next(messages, None) is not None)
