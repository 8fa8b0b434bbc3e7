"""Uploads by the tus protocol 1.0.0 (tus.io): a file of any size comes in pieces, and goes on.

Extensions: creation, termination, expiration, checksum. A complete file is collected by the act
`collect.sent`, which is a job.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from holdfast.acts import sending
from holdfast.api import problems
from holdfast.api.problems import NotFoundError, ProtocolError
from holdfast.core.errors import ConflictError, DeniedError, InputError
from holdfast.vault import served
from holdfast.vault.arriving import LIFE, Arrivals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from holdfast.api.asking import Asking
    from holdfast.api.door import Caller, Door
    from holdfast.api.offer import Offer
    from holdfast.vault.arriving import Arriving, Writer

VERSION = "1.0.0"
LARGEST = 1 << 50
ALGORITHMS = ("md5", "sha1", "sha256")
_GROUP = 1 << 20
"""Bytes that are written at once."""
_MISMATCH = 460
"""tus: Checksum Mismatch."""
_MOST_SAID = 65_536


@dataclass(frozen=True)
class UploadRoutes:
    """What programs may do with files that they send."""

    asking: Asking
    door: Door
    offer: Offer
    """The act that collects them."""

    @property
    def _here(self) -> Arrivals:
        return Arrivals(served.uploads(self.asking.desk.root))

    async def tell(self, _request: Request) -> Response:
        """Say what this server can do (OPTIONS)."""
        return Response(
            status_code=204,
            headers={
                "tus-resumable": VERSION,
                "tus-version": VERSION,
                "tus-extension": "creation,termination,expiration,checksum",
                "tus-checksum-algorithm": ",".join(ALGORITHMS),
                "tus-max-size": str(LARGEST),
            },
        )

    def begin(self, request: Request, caller: Caller) -> Response:
        """Make room for a file (creation).

        Raises:
            InputError: no length, or metadata that can't be read.
            DeniedError: it could not be collected.
        """
        _check_version(request)
        size = _number(request, "upload-length", LARGEST)
        said = _metadata(request.headers.get("upload-metadata", ""))
        path = said.pop("path", "") or said.pop("filename", "")
        digest = said.pop("sha256", "").lower()
        try:
            sender: Any = orjson.loads(said.pop("record", "{}"))
        except orjson.JSONDecodeError:
            raise InputError("`record` is not JSON", "leave it out") from None
        if not isinstance(sender, dict):
            raise InputError("`record` is no JSON object", "leave it out")
        case = request.path_params["case"]
        asked = sending.CollectUploads(case, ())
        with (
            caller.session(self.asking.desk) as session,
            self.asking.allowed(self.offer, session, caller, asked),
        ):
            one = sending.begin(session, case, path, size, sha256=digest, sender={**sender, **said})
            if not size:
                _empty(self._here.writer(one))
        headers = {"location": f"/api/v1/uploads/{one.id}", "upload-offset": "0", **_expires()}
        return Response(status_code=201, headers={"tus-resumable": VERSION, **headers})

    def show(self, request: Request, caller: Caller) -> Response:
        """Say how far a file is (HEAD)."""
        _check_version(request)
        one = self._one(request, caller)
        return Response(
            status_code=200,
            headers={
                "tus-resumable": VERSION,
                "upload-offset": str(self._here.offset(one)),
                "upload-length": str(one.size),
                "cache-control": "no-store",
                **_expires(),
            },
        )

    def remove(self, request: Request, caller: Caller) -> Response:
        """Forget a file that is not collected (termination)."""
        _check_version(request)
        self._here.remove(self._one(request, caller))
        return Response(status_code=204, headers={"tus-resumable": VERSION})

    async def go_on(self, request: Request) -> Response:
        """Take the next bytes (PATCH); what came is kept, however the connection ends.

        Raises:
            ProtocolError: another offset, type, version or checksum.
        """
        caller = await run_in_threadpool(self.door.caller, request.method, request.headers)
        _check_version(request)
        one = await run_in_threadpool(self._one, request, caller)
        if request.headers.get("content-type") != "application/offset+octet-stream":
            raise ProtocolError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "bytes come as offset+octet-stream",
                "send Content-Type: application/offset+octet-stream",
            )  # fmt: skip
        given = _number(request, "upload-offset", LARGEST)
        checksum = _checksum(request.headers.get("upload-checksum"))
        try:
            writer = await run_in_threadpool(self._here.writer, one)
        except ConflictError as error:
            raise ProtocolError(HTTPStatus.LOCKED, error.what, error.remedy) from None
        try:
            if writer.offset != given:
                raise ProtocolError(
                    HTTPStatus.CONFLICT, f"{writer.offset} bytes have come, not {given}",
                    "ask by HEAD and go on from there",
                )  # fmt: skip
            await self._take(request, writer, checksum)
        except _MismatchError as error:
            told = problems.response(error)
            told.status_code = _MISMATCH
            return told
        finally:
            writer.close()
        headers = {"upload-offset": str(writer.offset), **_expires()}
        return Response(status_code=204, headers={"tus-resumable": VERSION, **headers})

    @staticmethod
    async def _take(request: Request, writer: Writer, checksum: _Checksum | None) -> None:
        """Write what comes. With a checksum, nothing counts before all of it is right."""
        waiting = bytearray()
        try:
            async for chunk in request.stream():
                waiting += chunk
                if checksum is None:
                    if len(waiting) >= _GROUP:
                        await run_in_threadpool(writer.write, bytes(waiting))
                        waiting.clear()
                elif len(waiting) > _CHECKED:
                    raise InputError(
                        f"a piece with a checksum has at most {_CHECKED} bytes", "send smaller ones"
                    )
        except ClientDisconnect:
            if checksum is not None:
                return
        if checksum is not None and checksum.hash(bytes(waiting)) != checksum.digest:
            raise _MismatchError("the bytes are not those of the checksum", "send them again")
        await run_in_threadpool(writer.write, bytes(waiting))
        await run_in_threadpool(writer.keep)

    async def instead(self, request: Request) -> Response:
        """Do what `X-HTTP-Method-Override` says, for those who can send POST only."""
        method = request.headers.get("x-http-method-override", "").upper()
        if method == "PATCH":
            return await self.go_on(request)
        caller = await run_in_threadpool(self.door.caller, request.method, request.headers)
        if method == "DELETE":
            return await run_in_threadpool(self.remove, request, caller)
        raise ProtocolError(HTTPStatus.METHOD_NOT_ALLOWED, "a file goes on by PATCH", "send that")

    def _one(self, request: Request, caller: Caller) -> Arriving:
        """Return the file that an address names, if it is the caller's.

        Raises:
            NotFoundError: it is not, or there is none.
        """
        one = self._here.find(request.path_params["upload"])
        if one is None or one.who != caller.person.name:
            raise NotFoundError("there is no such upload of yours", "begin it again")
        try:
            caller.check(one.case, self.offer.name)
        except DeniedError:
            raise NotFoundError("there is no such upload of yours", "begin it again") from None
        return one


_CHECKED = 32 << 20


class _MismatchError(ProtocolError):
    """What came is not what its checksum says."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, what, remedy)


@dataclass(frozen=True)
class _Checksum:
    """What a piece must have."""

    name: str
    digest: bytes

    def hash(self, data: bytes) -> bytes:
        """Return the digest of `data`."""
        return hashlib.new(self.name, data, usedforsecurity=False).digest()


def _empty(writer: Writer) -> None:
    try:
        writer.keep()
    finally:
        writer.close()


def _checksum(text: str | None) -> _Checksum | None:
    if text is None:
        return None
    name, _, value = text.partition(" ")
    if name not in ALGORITHMS:
        raise InputError(f"the checksum {name[:40]!r} is not known", f"use {', '.join(ALGORITHMS)}")
    return _Checksum(name, _decoded(value, "upload-checksum"))


def _check_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != VERSION:
        raise ProtocolError(
            HTTPStatus.PRECONDITION_FAILED,
            "the request speaks another version of tus",
            f"send Tus-Resumable: {VERSION}",
        )


def _number(request: Request, name: str, most: int) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20) or int(text) > most:
        raise InputError(f"{name} is no number of bytes", "give it")
    return int(text)


def _metadata(text: str) -> dict[str, str]:
    """Return what a sender says of a file: `name base64, name base64`.

    Raises:
        InputError: it can't be read, or is too long.
    """
    if len(text) > _MOST_SAID:
        raise InputError("there is too much metadata", "say less")
    said: dict[str, str] = {}
    for pair in filter(None, (one.strip() for one in text.split(","))):
        name, _, value = pair.partition(" ")
        try:
            said[name] = _decoded(value, name).decode()
        except UnicodeDecodeError:
            raise InputError(f"the metadata {name[:40]!r} is no text", "send UTF-8") from None
    return said


def _decoded(value: str, name: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise InputError(f"{name[:40]!r} is not base64", "encode it") from None


def _expires() -> Mapping[str, str]:
    at = datetime.now(UTC) + timedelta(seconds=LIFE)
    return {"upload-expires": at.strftime("%a, %d %b %Y %H:%M:%S GMT")}
