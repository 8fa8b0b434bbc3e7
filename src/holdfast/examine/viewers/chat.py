"""A mailbox as a conversation: who wrote what, one bubble a message, without what was quoted."""

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
RANK = 2

PAGE = 50
"""Messages of one page."""
_TEXT = 4000


def match(file: EvidenceFile) -> bool:
    """Accept mailboxes of many messages."""
    return _mbox.is_mbox(file.head)


def render(file: EvidenceFile, wish: Wish) -> View:
    """Show fifty messages in the file's order.

    Raises:
        UnreadableError: the file has no such message.
    """
    first = wish.page * PAGE
    found = list(islice(_mbox.messages(file), first, first + PAGE + 1))
    if not found:
        raise UnreadableError(f"it has no message {first + 1}")
    bubbles: list[Json] = []
    voices: dict[str, int] = {}
    for raw in found[:PAGE]:
        read = _message.read(raw)
        who = read.value("from") or "?"
        text = "\n".join(
            one for one in read.text.splitlines() if not one.lstrip().startswith(">")
        ).strip()
        bubbles.append(
            {
                "date": read.value("date"),
                "from": who,
                "number": raw.number,
                "subject": read.value("subject"),
                "text": text[:_TEXT],
                "to": read.value("to"),
                "voice": voices.setdefault(_message.address(who), len(voices)),
            }
        )
    notes = ["Lines that quote another message are left out; the mail viewer has them."]
    content: dict[str, Json] = {"bubbles": bubbles}
    return View(kind="chat", content=content, notes=notes, more=len(found) > PAGE)
