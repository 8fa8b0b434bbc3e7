"""Acts that show what must be live to be seen, apart: a capture replayed, a film played.

The act enters who looks at what, and gives a ticket: an address at the origin apart, good for an
hour. What that origin serves by it, it serves under policies that let nothing run and nothing out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, BinaryIO

from holdfast.acts import viewing
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.originals import open_original
from holdfast.core import clock, durable
from holdfast.core.errors import DeniedError, InputError
from holdfast.examine import replay
from holdfast.examine import viewing as views

if TYPE_CHECKING:
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.vault.vault import Vault

HOUR = 3_600_000_000
_PURPOSE = b"holdfast tickets to the origin apart/1"


@dataclass(frozen=True, kw_only=True)
class Show:
    """Which capture, or which film."""

    case: str
    item: str
    inside: str = ""
    """Its path in the item; empty for the item itself."""
    clear: bool = False
    """Else it is blurred."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        told: dict[str, Json] = {"clear": self.clear, "path": self.inside}
        return {"item": self.item, **{name: one for name, one in told.items() if one}}


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What somebody may see at the origin apart, and until when."""

    what: str
    """`replay` or `media`."""
    case: str
    item: str
    inside: str
    label: str
    type: str
    clear: bool
    until: int

    def sealed(self, vault: Vault) -> str:
        """Return it as an address has it: nobody else can make one."""
        body = json.dumps(asdict(self), sort_keys=True).encode()
        return f"{_text(body)}.{_text(_mac(vault, body))}"

    @classmethod
    def opened(cls, vault: Vault, text: str) -> Ticket:
        """Read a ticket.

        Raises:
            DeniedError: it is none of ours, or its hour is over.
        """
        body, _, mac = text.partition(".")
        try:
            raw = _bytes(body)
            good = hmac.compare_digest(_mac(vault, raw), _bytes(mac))
            ticket = cls(**json.loads(raw)) if good else None
        except (ValueError, TypeError):
            ticket = None
        if ticket is None or ticket.until < clock.now():
            raise DeniedError("this address is not good any more", "ask for it anew, at the item")
        return ticket


def _mac(vault: Vault, body: bytes) -> bytes:
    secret = hmac.digest(vault.keyring.chain(None), _PURPOSE, hashlib.sha256)
    return hmac.digest(secret, body, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))


@dataclass(frozen=True)
class Shown:
    """What was entered, and the ticket to it."""

    ticket: Ticket
    entry: int


@act("view.replay", Needs.AUTHORITY)
def replayed(session: Session, request: Show) -> Shown:
    """Unfold a capture, for the origin apart to serve.

    Raises:
        InputError: it is no capture, or can't be read.
        DeniedError: it is on a list of abuse material.
    """
    exhibit = viewing.chosen(session, request.case, request.item)
    with durable.disk_errors(session.vault.derived):
        made = replay.unfold(viewing.source(session, exhibit), request.inside)
    result: dict[str, Json] = {"files": len(made.types), "sha256": made.digest}
    return _entered(session, request, exhibit, result, "")


@act("view.play", Needs.AUTHORITY)
def played(session: Session, request: Show) -> Shown:
    """Let sound or film be played at the origin apart.

    Raises:
        InputError: it is no sound or film, or lies inside a container.
        DeniedError: it is on a list of abuse material.
    """
    exhibit = viewing.chosen(session, request.case, request.item)
    if request.inside:
        raise InputError("what lies in a container can't be played here", "take the item out")
    with durable.disk_errors(session.vault.derived):
        source = viewing.source(session, exhibit)
        shown = views.show(source, views.Asked(viewer="media"))
    if shown.failed:
        raise InputError(f"it can't be played: {shown.failed}", "look at it as a file")
    kind = str(shown.content["type"])
    return _entered(session, request, exhibit, {"type": kind}, kind)


def _entered(
    session: Session, request: Show, exhibit: Exhibit, result: dict[str, Json], kind: str
) -> Shown:
    """Enter the look; `kind` is the type of sound or film, empty for a replay."""
    name = "view.play" if kind else "view.replay"
    entry = viewing.enter(session, name, exhibit, request.facts(), result)
    ticket = Ticket(
        what="media" if kind else "replay", case=exhibit.case, item=exhibit.item,
        inside=request.inside, label=exhibit.label, type=kind, clear=request.clear,
        until=clock.now() + HOUR,
    )  # fmt: skip
    return Shown(ticket, entry)


def unfolded(vault: Vault, ticket: Ticket) -> replay.Replay:
    """Return what a ticket to a replay is for.

    Raises:
        DeniedError: it is not there any more.
    """
    place = vault.derived / ticket.item / views.VIEWS / replay.key(ticket.inside)
    found = replay.at(place)
    if found is None:
        raise DeniedError("this replay is not kept any more", "ask for it anew, at the item")
    return found


def original(session: Session, ticket: Ticket) -> BinaryIO:
    """Open what a ticket to sound or film is for; its entry was made with the ticket.

    Raises:
        DeniedError: it is on a list of abuse material since.
    """
    return open_original(session.vault, viewing.chosen(session, ticket.case, ticket.item))
