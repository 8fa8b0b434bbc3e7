"""Long acts as jobs: begun by POST, watched by server-sent events, their result read when done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from holdfast.acts.lines import lines
from holdfast.api.asking import JSON, LINES, Continued, chunks, parsed
from holdfast.api.offer import offers
from holdfast.api.once import Once
from holdfast.api.problems import NotFoundError, ProtocolError
from holdfast.core.errors import DeniedError
from holdfast.core.etag import named, unchanged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

    from holdfast.acts.act import Session
    from holdfast.api.asking import Asking
    from holdfast.api.door import Caller, Door
    from holdfast.api.offer import Offer
    from holdfast.serving.jobs import Job, Jobs

LOOK = 0.5
"""Seconds between two looks at how far a job is."""
QUIET = 15.0
"""Seconds after which a connection with nothing to tell is told that it lives."""


@dataclass(frozen=True)
class JobRoutes:
    """What programs may do with jobs."""

    asking: Asking
    jobs: Jobs
    door: Door

    def begin(self, offer: Offer, request: Request, caller: Caller, body: bytes) -> Response:
        """Begin a long act; what can be refused at once is.

        Raises:
            HoldfastError: as the act's own checks do.
        """
        asked = offer.read(request.path_params.get("case"), parsed(body))

        def do(session: Session) -> Iterator[bytes]:
            caller.hold(session)
            with self.asking.allowed(offer, session, caller, asked):
                yield from lines(offer.act(session, asked))

        def start() -> Response:
            job = self.jobs.submit(caller.person, offer.name, asked.case, do)
            headers = {"location": f"/api/v1/jobs/{job.job}"}
            return Response(orjson.dumps(job.as_json()), HTTPStatus.ACCEPTED, headers, JSON)

        with caller.session(self.asking.desk) as session:
            with self.asking.allowed(offer, session, caller, asked):
                offer.act.permit(session, asked)
            return Once.of(session.vault.engine, caller.person.name, request, body).answer(start)

    def mine(self, _request: Request, caller: Caller) -> Response:
        """Answer with the caller's jobs, the newest first."""
        mine = [one.as_json() for one in self.jobs.of(caller.person.name) if _lent(caller, one)]
        return Response(orjson.dumps({"items": mine}), media_type=JSON)

    def show(self, request: Request, caller: Caller) -> Response:
        """Answer with how far a job is."""
        job = self.job(request, caller)
        return Response(orjson.dumps(job.as_json()), media_type=JSON)

    def result(self, request: Request, caller: Caller) -> Response:
        """Answer with the lines of a job that is done.

        Raises:
            ProtocolError: it is not done, or its result is not kept any more.
            DeniedError: a right was taken away meanwhile.
        """
        job = self.job(request, caller)
        if job.state != "done":
            raise ProtocolError(
                HTTPStatus.CONFLICT,
                f"this job is {job.state}",
                "wait for it" if not job.over else "see its `problem`, mend it and ask again",
            )
        asked = Continued(job.case, job.act)
        offer = offers()[job.act]
        with (
            caller.session(self.asking.desk) as session,
            self.asking.allowed(offer, session, caller, asked),
        ):
            offer.act.permit(session, asked)
        stream = self.jobs.result(job)
        if stream is None or job.sha256 is None:
            raise ProtocolError(HTTPStatus.GONE, "this result is not kept any more", "ask again")
        headers = {"etag": named(job.sha256)}
        if unchanged(request.headers.get("if-none-match"), headers["etag"]):
            stream.close()
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return StreamingResponse(chunks(stream), 200, headers, LINES)

    async def events(self, request: Request) -> Response:
        """Tell how far a job is, as it goes on (server-sent events); the last one says how it went.

        Whoever reconnects is told where it is now: an event is the whole state of the job.
        """
        caller = await run_in_threadpool(self.door.caller, request.method, request.headers)
        await run_in_threadpool(self.job, request, caller)
        return StreamingResponse(
            self._told(request, caller), media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )  # fmt: skip

    async def _told(self, request: Request, caller: Caller) -> AsyncIterator[bytes]:
        known, quiet = request.headers.get("last-event-id", ""), 0.0
        while True:
            job = await run_in_threadpool(self.job, request, caller)
            mark = f"{job.changed}"
            if mark != known or job.over:
                known, quiet = mark, 0.0
                name = "end" if job.over else "progress"
                data = orjson.dumps(job.as_json()).decode()
                yield f"id: {mark}\nevent: {name}\ndata: {data}\n\n".encode()
            if job.over:
                return
            quiet += LOOK
            if quiet >= QUIET:
                quiet = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(LOOK)

    def job(self, request: Request, caller: Caller) -> Job:
        """Return the job that an address names, if it is the caller's.

        Raises:
            NotFoundError: it is not, or there is none.
        """
        job = self.jobs.find(request.path_params["job"])
        if job is None or job.who != caller.person.name or not _lent(caller, job):
            raise NotFoundError("there is no such job of yours", "see /api/v1/jobs")
        return job


def _lent(caller: Caller, job: Job) -> bool:
    try:
        caller.check(job.case, job.act)
    except DeniedError:
        return False
    return True


def schema() -> dict[str, Any]:
    """Return the schema of a job."""
    text, number = {"type": "string"}, {"type": "integer"}
    maybe = {"type": ["integer", "null"]}
    properties = {
        "act": text, "case": {"type": ["string", "null"]}, "changed": text, "count": maybe,
        "done": number, "job": text, "made": text, "problem": {"type": ["object", "null"]},
        "sha256": {"type": ["string", "null"]},
        "state": {"enum": ["waiting", "running", "done", "failed", "cut short"]},
        "total": maybe, "what": text, "who": text,
    }  # fmt: skip
    return {
        "type": "object",
        "description": "A long act, and how far it is.",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }
