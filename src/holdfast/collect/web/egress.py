"""From which public address a capture was made, as somebody claims: only where a unit wants that.

A server sees that address, and so may ask for it in its own log; whoever reads the item sees where
the unit works from. So it stands in a part of its own, with a salt: a copy without the part still
shows by the part's digest that there was one, and nobody can guess the address from the digest.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.collect.web.download import Downloader
from holdfast.collect.web.refusals import ELSEWHERE
from holdfast.collect.web.tunnel import Tunnel
from holdfast.core import addresses, clock
from holdfast.core.errors import InputError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from holdfast.collect.web.guard import Guard
    from holdfast.core.canonical import Json

SETTING = "web.egress"
UNIT = "the unit"
"""Who claims an address that was not asked for."""
_LIMIT = 4096


@dataclass(frozen=True)
class Egress:
    """Who says what the address is: the unit itself, or a service that is asked."""

    address: str | None = None
    ask: str | None = None

    @classmethod
    def of(cls, value: Any) -> Egress | None:
        """Read the setting as the log keeps it; None where there is none."""
        return cls(**value) if value else None

    def facts(self) -> dict[str, Json]:
        """Return it as the log keeps it."""
        return {"address": self.address} if self.ask is None else {"ask": self.ask}

    @property
    def claimed_by(self) -> str:
        """Who says so."""
        return self.ask or UNIT


def checked_address(text: str) -> str:
    """Return an address in its normal form.

    Raises:
        InputError: it is none.
    """
    found = addresses.parse(text.strip())
    if found is None:
        raise InputError(f"{text[:100]!r} is no IP address", "write it out: 203.0.113.7")
    return str(found)


def learn(
    egress: Egress, guard: Callable[[], Guard], folder: Path, roots: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return what the part holds: address, time, salt; or `error` where the service did not say.

    The service is asked through a guard of its own, and so through the capture's proxy.
    """
    told: dict[str, Any] = {
        "claimed_by": egress.claimed_by,
        "salt": os.urandom(16).hex(),
        "time": clock.to_text(clock.now()),
    }
    if egress.ask is None:
        return {**told, "address": egress.address}
    context = ssl.create_default_context()
    for pem in roots:
        context.load_verify_locations(cadata=pem)
    answer = folder / "egress"
    try:
        with Tunnel(guard) as tunnel, answer.open("w+b") as into:
            # Nothing is followed: who was named is who must answer.
            loader = Downloader(tunnel, folder, lambda _url: ELSEWHERE, _LIMIT, context)
            done = loader.get(egress.ask, into)
            into.seek(0)
            said = into.read(_LIMIT).decode("ascii", "replace")
        told["peer"] = done.exchanges[-1].peer
        if not done.complete:
            raise RemoteError(str(done.why))
        return {**told, "address": checked_address(said)}
    except (InputError, RemoteError, OSError) as error:
        return {**told, "error": getattr(error, "what", str(error))}
    finally:
        answer.unlink(missing_ok=True)
