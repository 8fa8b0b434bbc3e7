"""When a capture was made: RFC 3161 stamps before and after it, by the vault's time authorities.

`before.json` holds a nonce and what is about to be asked; `after.json` holds the digests of that
and of everything that was captured. Each is stamped by every authority that answers, and lies
beside its requests (`.tsq`) and answers (`.tsr`), which `openssl ts -verify` checks.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core import canonical, clock
from holdfast.core.errors import HoldfastError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.vault.authorities import Authority
    from holdfast.vault.token import Token

WAIT = 10.0
"""Seconds that an authority has to answer."""


@dataclass
class Stamped:
    """What came of asking for stamps over one text."""

    moment: str
    """`before` or `after`."""
    times: list[dict[str, Json]] = field(default_factory=list)
    """`authority`, `time`, `accuracy_us` of each good stamp."""
    failed: list[str] = field(default_factory=list)
    """Why an authority gave none."""

    def as_json(self) -> dict[str, Json]:
        """Return it as `capture.json` has it."""
        times: list[Json] = [*self.times]
        failed: list[Json] = [*self.failed]
        return {"failed": failed, "moment": self.moment, "times": times}


def stamp(
    moment: str, said: dict[str, Json], folder: Path, authorities: Sequence[Authority]
) -> Stamped:
    """Write `said`, with a fresh nonce, as `<moment>.json`, and have it stamped.

    Never raises for what an authority does: that is in the result.
    """
    text = canonical.dumps({"format": "holdfast-capture-time/1", **said,
                            "moment": moment, "nonce": secrets.token_hex(32)})  # fmt: skip
    (folder / f"{moment}.json").write_bytes(text)
    done = Stamped(moment)
    if not authorities:
        return done
    with ThreadPoolExecutor(len(authorities)) as pool:
        for authority, got in zip(
            authorities, pool.map(lambda one: _asked(one, text), authorities), strict=True
        ):
            if isinstance(got, HoldfastError):
                done.failed.append(f"{authority.name}: {got.what}")
                continue
            query, response, made = got
            (folder / f"{moment}.{authority.name}.tsq").write_bytes(query)
            (folder / f"{moment}.{authority.name}.tsr").write_bytes(response)
            done.times.append(
                {
                    "accuracy_us": made.accuracy,
                    "authority": authority.name,
                    "time": clock.to_text(made.time),
                }
            )
    return done


def _asked(authority: Authority, text: bytes) -> tuple[bytes, bytes, Token] | HoldfastError:
    """Ask one authority, and judge what it says."""
    # Their formats take a quarter of a second to load: only where there is an authority.
    from holdfast.vault import token, tsa  # noqa: PLC0415

    digest = token.digest_of(text)
    query = token.request(digest, "sha256", secrets.randbits(64), authority.policy)
    try:
        response = tsa.ask(authority.url, query, WAIT)
        return query, response, token.answered(query, response, digest, authority)
    except HoldfastError as error:
        return error
