"""A request that bears an `Idempotency-Key` is done once, however often it is sent.

draft-ietf-httpapi-idempotency-key-header-07: the same key gets the same answer; with another
request it is refused (422), and while the first is under way too (409).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from holdfast.api.problems import ProtocolError
from holdfast.core.errors import HoldfastError, InputError
from holdfast.serving import once

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine
    from starlette.requests import Request

HEADER = "idempotency-key"
_LONGEST = 255
_KEPT = ("content-type", "location")


@dataclass(frozen=True)
class Once:
    """One request under its key; without a key it is simply done."""

    engine: Engine
    who: str
    key: str
    asked: str
    """SHA-256 over what is asked."""

    @classmethod
    def of(cls, engine: Engine, who: str, request: Request, body: bytes) -> Once:
        """Read a request's key.

        Raises:
            InputError: it is no key.
        """
        given = request.headers.get(HEADER, "")
        if HEADER in request.headers and not (0 < len(given) <= _LONGEST and given.isprintable()):
            raise InputError(f"an Idempotency-Key has 1 to {_LONGEST} signs", "give another")
        # Keyed apart from those of the pages' forms.
        key = hashlib.sha256(b"api\n" + given.encode()).hexdigest() if given else ""
        asked = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + body)
        return cls(engine, who, key, asked.hexdigest())

    def answer(self, do: Callable[[], Response]) -> Response:
        """Do what is asked, unless it was done; then answer as it was answered.

        Raises:
            ProtocolError: the key is another request's, or the first is not done.
            HoldfastError: as `do` does; the key may be used again then.
        """
        if not self.key:
            return do()
        kept = once.claim(self.engine, self.who, self.key)
        if kept is not None:
            return self._again(kept)
        try:
            response = do()
        except HoldfastError:
            once.forget(self.engine, self.who, self.key)
            raise
        headers = {name: value for name in _KEPT if (value := response.headers.get(name))}
        facts = {"asked": self.asked, "body": bytes(response.body).decode(), "headers": headers,
                 "status": response.status_code}  # fmt: skip
        once.keep(self.engine, self.who, self.key, orjson.dumps(facts).decode())
        return response

    def _again(self, kept: str) -> Response:
        if not kept:
            raise ProtocolError(
                HTTPStatus.CONFLICT,
                "the first request with this Idempotency-Key is under way, or was cut short",
                "repeat it later; if it stays so, see in the custody log whether it was done, and "
                "use another key",
            )
        facts = orjson.loads(kept)
        if facts["asked"] != self.asked:
            raise ProtocolError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "this Idempotency-Key was used for another request",
                "use another key",
            )
        return Response(facts["body"], facts["status"], facts["headers"])
