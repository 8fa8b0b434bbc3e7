"""Acts on the log's witnesses: choose them, see how far they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError
from holdfast.vault import settings, witnessing
from holdfast.vault.policy import Policy

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.witnessing import Witnessed


@dataclass(frozen=True)
class SetWitnesses:
    """The policy that is to hold from now on: a tlog-policy, UTF-8."""

    policy: bytes
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"policy": sha256_hex(self.policy)}


@act("log.witnesses", Needs.NOTHING)
def set_witnesses(session: Session, request: SetWitnesses) -> Policy:
    """Enter who is to witness the log, and which of them are enough.

    Raises:
        InputError: it is no policy, not UTF-8, or not about this log.
    """
    policy = Policy.parse(request.policy)
    try:
        text = request.policy.decode()
    except UnicodeDecodeError:
        raise InputError("the policy is not UTF-8", "save it as UTF-8") from None
    own = set(session.vault.eras.present.keys)
    if not any(line.key in own for line in policy.logs):
        raise InputError(
            "the policy does not name this log",
            f"add the line:  log {session.vault.verifier}",
        )
    session.custody.enter(settings.change(witnessing.NAME, text))
    return policy


def witnesses(session: Session) -> str:
    """Return the policy in force, empty where none was set."""
    session.vault.current()
    return str(session.look_up(lambda c: settings.read(c, witnessing.NAME)) or "")


def status(session: Session) -> tuple[Checkpoint, Witnessed | None]:
    """Return the log's head, and how far it is witnessed; None where witnesses were never set.

    Raises:
        HoldfastError: the log or its settings can't be read.
    """
    head = session.vault.current()
    return head, witnessing.check(session.vault, head, session.vault.engine)
