"""Which time authorities are set; apart from `stamping`, whose formats take long to load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.vault import authorities as setting
from holdfast.vault import settings

if TYPE_CHECKING:
    from holdfast.acts.act import Session
    from holdfast.vault.authorities import Authority


def authorities(session: Session) -> tuple[Authority, ...]:
    """Return the time authorities that are set."""
    session.vault.current()
    return setting.parse(session.look_up(lambda c: settings.read(c, setting.SETTING)))
