"""The interface for programs as an ASGI application: one route an act, derived."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount, Route

from holdfast.api import downloads, openapi, problems
from holdfast.api.answers import Answers
from holdfast.api.asking import Asking
from holdfast.api.downloads import DownloadRoutes
from holdfast.api.jobs import JobRoutes
from holdfast.api.offer import offers
from holdfast.api.problems import ProtocolError
from holdfast.api.uploads import UploadRoutes
from holdfast.core.errors import HoldfastError
from holdfast.core.etag import etag, unchanged
from holdfast.serving.jobs import Jobs
from holdfast.vault import served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from holdfast.api.door import Caller, Door
    from holdfast.api.offer import Offer
    from holdfast.serving.desk import Desk

PREFIX = "/api/v1"
LARGEST = 4_000_000
"""Bytes of a request's body; files come by upload."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Api:
    """The interface for programs to one vault."""

    desk: Desk
    door: Door

    @cached_property
    def jobs(self) -> JobRoutes:
        """Does long acts for those who ask."""
        return JobRoutes(self.asking, Jobs(self.desk), self.door)

    @cached_property
    def uploads(self) -> UploadRoutes:
        """Takes the files that come."""
        return UploadRoutes(self.asking, self.door, offers()["collect.sent"])

    @cached_property
    def downloads(self) -> DownloadRoutes:
        """Gives originals out."""
        return DownloadRoutes(self.asking)

    @cached_property
    def asking(self) -> Asking:
        """Performs acts for those who ask."""
        return Asking(self.desk, Answers(served.answers(self.desk.root)))

    def mount(self) -> BaseRoute:
        """Return it as a part of a larger application, which closes the desk."""
        inner = Starlette(
            routes=[*self._routes()],
            exception_handlers={
                HoldfastError: _told,
                HTTPException: _unrouted,
                Exception: _broken,
            },
        )
        return Mount(PREFIX, app=inner)

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/openapi.json", _document, methods=["GET"]),
            Route("/problems/{fault}", _problem, methods=["GET"]),
            Route("/me", self._guarded(_me), methods=["GET"]),
            Route("/jobs", self._guarded(self.jobs.mine), methods=["GET"]),
            Route("/jobs/{job}", self._guarded(self.jobs.show), methods=["GET"]),
            Route("/jobs/{job}/result", self._guarded(self.jobs.result), methods=["GET"]),
            Route("/jobs/{job}/events", self.jobs.events, methods=["GET"]),
            Route(downloads.PATH, self._guarded(self.downloads.get), methods=["GET"]),
            Route("/uploads", self.uploads.tell, methods=["OPTIONS"]),
            Route("/cases/{case}/uploads", self._guarded(self.uploads.begin), methods=["POST"]),
            Route("/uploads/{upload}", self._guarded(self.uploads.show), methods=["HEAD"]),
            Route("/uploads/{upload}", self._guarded(self.uploads.remove), methods=["DELETE"]),
            Route("/uploads/{upload}", self.uploads.go_on, methods=["PATCH"]),
            Route("/uploads/{upload}", self.uploads.instead, methods=["POST"]),
            *(
                Route(one.path, self._endpoint(one), methods=[one.method], name=one.name)
                for one in offers().values()
            ),
        ]

    def _endpoint(self, offer: Offer) -> Callable[[Request], Awaitable[Response]]:
        if offer.act.reads:
            return self._guarded(lambda r, caller: self.asking.read(offer, r, caller))
        if offer.act.long:
            return self._guarded(
                lambda r, caller, body: self.jobs.begin(offer, r, caller, body), body=True
            )
        return self._guarded(
            lambda r, caller, body: self.asking.write(offer, r, caller, body), body=True
        )

    def _guarded(
        self, handler: Callable[..., Response], *, body: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that finds out who asks, and works in a thread of its own."""

        async def answer(request: Request) -> Response:
            caller = await run_in_threadpool(self.door.caller, request.method, request.headers)
            given = [await _body(request)] if body else []
            return await run_in_threadpool(handler, request, caller, *given)

        return answer


async def _body(request: Request) -> bytes:
    """Return a request's body.

    Raises:
        ProtocolError: it is not JSON by its name, or too large.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > LARGEST:
            raise ProtocolError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the body has more than {LARGEST} bytes",
                "send files by upload",
            )
    if data and kind != "application/json":
        raise ProtocolError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the body is {kind[:100] or 'of no type'!r}",
            "send Content-Type: application/json",
        )
    return bytes(data)


def _me(_request: Request, caller: Caller) -> Response:
    """Say who asks, and for what the token is."""
    facts: dict[str, Any] = {
        "acts": None if caller.limits is None else sorted(caller.limits.acts) or None,
        "cases": None if caller.limits is None else sorted(caller.limits.cases) or None,
        "how": caller.person.how,
        "name": caller.person.name,
    }
    return Response(orjson.dumps(facts), media_type="application/json")


async def _document(request: Request) -> Response:
    body = openapi.text()
    tag = etag(body)
    if unchanged(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers={"etag": tag})
    return Response(body, media_type="application/json", headers={"etag": tag})


async def _problem(request: Request) -> Response:
    kind = problems.KINDS.get(request.path_params["fault"])
    if kind is None:
        raise HTTPException(404)
    facts = {
        "exit_code": kind.exit_code,
        "fault": kind.fault,
        "meaning": " ".join((kind.__doc__ or "").split()),
    }
    return Response(orjson.dumps(facts), media_type="application/json")


async def _told(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HoldfastError)  # noqa: S101
    return problems.response(error)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    what = "there is nothing here" if error.status_code == 404 else error.detail
    remedy = f"see {PREFIX}/openapi.json"
    told = ProtocolError(HTTPStatus(error.status_code), f"{request.method}: {what}", remedy)
    return problems.response(told, error.headers)


async def _broken(request: Request, error: Exception) -> Response:
    _log.error("a fault in %s %s", request.method, request.url.path, exc_info=error)
    return problems.response(
        HoldfastError("a fault in Holdfast; the evidence is not changed by it", "report it")
    )
