"""Errors as problem details (RFC 9457): whose fault it was, what happened, what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from holdfast.core import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.api.shape import Schema
    from holdfast.core.errors import HoldfastError

MEDIA_TYPE = "application/problem+json"
_STATUS: dict[type[HoldfastError], HTTPStatus] = {
    errors.InputError: HTTPStatus.BAD_REQUEST,
    errors.DeniedError: HTTPStatus.FORBIDDEN,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.IntegrityError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.RemoteError: HTTPStatus.BAD_GATEWAY,
    errors.ResourceError: HTTPStatus.SERVICE_UNAVAILABLE,
}


class UnauthorizedError(errors.DeniedError):
    """Nobody has signed in, or with what is not valid."""


class NotFoundError(errors.DeniedError):
    """There is no such thing, or it is none of the asker's business: both look the same."""


class ProtocolError(errors.InputError):
    """The request is none that this address understands, or not now."""

    def __init__(self, code: HTTPStatus, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.code = code


def status(error: HoldfastError) -> HTTPStatus:
    """Return what an error is in HTTP."""
    if isinstance(error, ProtocolError):
        return error.code
    if isinstance(error, UnauthorizedError):
        return HTTPStatus.UNAUTHORIZED
    if isinstance(error, NotFoundError):
        return HTTPStatus.NOT_FOUND
    kinds = (code for kind, code in _STATUS.items() if isinstance(error, kind))
    return next(kinds, HTTPStatus.INTERNAL_SERVER_ERROR)


def details(error: HoldfastError) -> dict[str, Any]:
    """Return the members of an error's problem."""
    code = status(error)
    return {
        "type": f"/api/v1/problems/{error.fault}",
        "title": code.phrase,
        "status": int(code),
        "detail": error.what,
        "fault": error.fault,
        "exit_code": error.exit_code,
        "remedy": error.remedy,
    }


def response(error: HoldfastError, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as an answer."""
    given = dict(headers or {})
    if isinstance(error, UnauthorizedError):
        given["www-authenticate"] = 'Bearer realm="holdfast"'
    return Response(orjson.dumps(details(error)), status(error), given, MEDIA_TYPE)


def error_of(facts: Mapping[str, Any]) -> HoldfastError:
    """Return the error that a problem tells of, as the one who asked is to raise it."""
    kinds = {kind.exit_code: kind for kind in _STATUS}
    kind = kinds.get(facts.get("exit_code", 0), errors.RemoteError)
    return kind(str(facts.get("detail", "the server refused")), str(facts.get("remedy", "")))


KINDS = {kind.fault: kind for kind in _STATUS}
"""By its fault, what a problem's `type` leads to."""
SCHEMA: Schema = {
    "type": "object",
    "description": "Problem details, RFC 9457.",
    "properties": {
        "type": {"type": "string", "description": "Leads to what this kind of problem is."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, to what."},
        "fault": {"type": "string", "description": "Whose fault it was."},
        "exit_code": {"type": "integer", "description": "The command line's code for that."},
        "remedy": {"type": "string", "description": "What to do."},
    },
    "required": ["type", "title", "status", "detail", "fault", "exit_code", "remedy"],
}
