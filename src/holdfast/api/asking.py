"""Performs an act for a program: reads its request, checks what was lent, shapes the answer."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response, StreamingResponse

from holdfast.acts.lines import line, lines, many
from holdfast.api import shape
from holdfast.api.once import Once
from holdfast.api.problems import NotFoundError, ProtocolError
from holdfast.core.errors import DeniedError, InputError
from holdfast.core.etag import etag, named, unchanged
from holdfast.examine import arrow_stream
from holdfast.vault import team

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from starlette.requests import Request

    from holdfast.acts.act import Session
    from holdfast.api.answers import Answers, Kept
    from holdfast.api.door import Caller
    from holdfast.api.offer import Offer
    from holdfast.core.canonical import Json
    from holdfast.serving.desk import Desk

JSON, LINES, ARROW = "application/json", "application/jsonl", arrow_stream.MEDIA_TYPE
CURSOR, SIZE = "cursor", "page_size"
USUAL, MOST = 100, 1000
"""Answers on a page."""
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Continued:
    """A request to read on in an answer that was entered before."""

    case: str | None
    act: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it, where it is refused."""
        return {"continued": self.act}


@dataclass(frozen=True)
class Asking:
    """Performs acts over one vault."""

    desk: Desk
    answers: Answers

    def read(self, offer: Offer, request: Request, caller: Caller) -> Response:
        """Answer an act that only reads: a page, or everything as JSON lines.

        Raises:
            HoldfastError: as the act does.
        """
        case = _case(request)
        query = request.query_params
        size = _size(query.getlist(SIZE))
        form = _form(request.headers.get("accept", ""), columns=offer.name in arrow_stream.SCHEMAS)
        whole = form == LINES
        with caller.session(self.desk) as session:
            if CURSOR in query:
                kept, at = self._known(offer, case, query[CURSOR], caller, session)
            else:
                asked = offer.read(case, self.given(offer, request))
                with self.allowed(offer, session, caller, asked):
                    result = offer.act(session, asked)
                    if not many(result):
                        body = line(result)
                        return _answered(request, body if whole else body[:-1], whole=whole)
                    who = caller.person.name
                    kept, at = self.answers.keep(who, offer.name, case, lines(result)), 0
        if whole:
            return self._stream(request, kept)
        if form == ARROW:
            return self._columns(request, kept)
        page = self.answers.page(kept, at, size)
        if page.following is None:
            self.answers.drop(kept.id)
        facts = b'{"count":%d,"items":[%b],"next":%b,"sha256":"%b"}' % (
            kept.count,
            b",".join(one.rstrip(b"\n") for one in page.lines),
            orjson.dumps(page.following),
            kept.sha256.encode(),
        )
        return _answered(request, facts, whole=False, tag=_page_tag(kept, at, size))

    def write(self, offer: Offer, request: Request, caller: Caller, body: bytes) -> Response:
        """Perform an act that changes something, once for each `Idempotency-Key`.

        Raises:
            HoldfastError: as the act does.
        """
        case = _case(request)
        asked = offer.read(case, parsed(body))
        with caller.session(self.desk) as session:
            once = Once.of(session.vault.engine, caller.person.name, request, body)
            return once.answer(lambda: self._written(offer, session, caller, asked))

    def _written(self, offer: Offer, session: Session, caller: Caller, asked: Any) -> Response:
        with self.allowed(offer, session, caller, asked):
            result = offer.act(session, asked)
            if not many(result):
                return Response(line(result)[:-1], media_type=JSON)
            items = b",".join(one[:-1] for one in lines(result))
        return Response(b'{"items":[%b]}' % items, media_type=JSON)

    def allowed(self, offer: Offer, session: Session, caller: Caller, asked: Any) -> _Allowed:
        """Return a context in which refusals are told as they may be, what was lent checked."""
        return _Allowed(offer, session, caller, asked)

    def _known(
        self, offer: Offer, case: str | None, cursor: str, caller: Caller, session: Session
    ) -> tuple[Kept, int]:
        """Return the answer that a cursor names, if it may still be read on.

        Raises:
            InputError: the cursor is of another question.
            DeniedError: a right was taken away meanwhile.
        """
        kept, at = self.answers.find(cursor)
        if (kept.who, kept.act, kept.case) != (caller.person.name, offer.name, case):
            raise InputError("this cursor is of another question", "give `next` as it was")
        asked = Continued(case, offer.name)
        with self.allowed(offer, session, caller, asked):
            offer.act.permit(session, asked)
        return kept, at

    def _stream(self, request: Request, kept: Kept) -> Response:
        tag = named(kept.sha256)
        headers = {"etag": tag, "x-count": str(kept.count)}
        stream = self.answers.open(kept)
        self.answers.drop(kept.id)
        if unchanged(request.headers.get("if-none-match"), tag):
            stream.close()
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return StreamingResponse(chunks(stream), 200, headers, LINES)

    def _columns(self, request: Request, kept: Kept) -> Response:
        """Return the whole answer as an Arrow stream; one that breaks off has no last chunk."""
        tag = named(f"{kept.sha256}-arrow")
        headers = {"etag": tag, "x-count": str(kept.count)}
        told = self.answers.open(kept)
        self.answers.drop(kept.id)
        if unchanged(request.headers.get("if-none-match"), tag):
            told.close()
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return StreamingResponse(_arrow(kept, told), 200, headers, ARROW)

    @staticmethod
    def given(offer: Offer, request: Request) -> dict[str, Any]:
        """Return what a query gives of the act's fields.

        Raises:
            InputError: a value is not as its field's schema says.
        """
        known = offer.schema["properties"]
        found: dict[str, Any] = {}
        for name in request.query_params.keys() - {CURSOR, SIZE}:
            if name not in known:
                shape.check_known(name, known)
            found[name] = shape.of_query(known[name], request.query_params.getlist(name), name)
        return found


@dataclass(frozen=True)
class _Allowed:
    """What happens in it is held to what was lent, and told as the asker may know it."""

    offer: Offer
    session: Session
    caller: Caller
    asked: Any

    def __enter__(self) -> None:
        """Check what was lent; a refusal is entered.

        Raises:
            DeniedError: the program was not lent this.
        """
        try:
            self.caller.check(self.asked.case, self.offer.name)
        except DeniedError as refusal:
            self.offer.act.refuse(self.session, self.asked, refusal)
            raise

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Hide whether there is a case from who has no part in it.

        Raises:
            NotFoundError: there is none, or it is none of theirs.
        """
        case = self.asked.case
        if isinstance(error, DeniedError) and case is not None:
            name = self.caller.person.name
            if not self.session.look_up(lambda c: team.held(c, case, name)):
                raise not_here() from None


def not_here() -> NotFoundError:
    """Return what is said of a case that isn't there, or is none of the asker's business."""
    return NotFoundError("there is no such case, or you have no part in it", "name another")


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what a file holds, and close it."""
    with stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _case(request: Request) -> str | None:
    case = request.path_params.get("case")
    if case is not None:
        shape.check_text(case, "case")
    return case


def parsed(body: bytes) -> dict[str, Any]:
    """Return a request's body as a JSON object.

    Raises:
        InputError: it is none.
    """
    try:
        given = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise InputError(f"the body is not JSON: {error}", "send a JSON object") from None
    if not isinstance(given, dict):
        raise InputError("the body is JSON, but no object", "send a JSON object")
    return given


def _size(values: list[str]) -> int:
    text = values[0] if len(values) == 1 else ""
    if not values:
        return USUAL
    if text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= MOST:
        return int(text)
    raise InputError(f"{SIZE} is a number from 1 to {MOST}", "correct it")


def _form(accept: str, *, columns: bool) -> str:
    """Return which of our forms is asked for; the first that is named counts.

    Raises:
        ProtocolError: none of those that this answer has.
    """
    kinds = [one.partition(";")[0].strip().lower() for one in accept.split(",") if one.strip()]
    for one in kinds:
        if one in {LINES, "application/x-ndjson"}:
            return LINES
        if one == ARROW and columns:
            return ARROW
        if one in {JSON, "*/*", "application/*"}:
            return JSON
    if kinds:
        offered = f"{JSON}, {LINES} or {ARROW}" if columns else f"{JSON} or {LINES}"
        raise ProtocolError(
            HTTPStatus.NOT_ACCEPTABLE, "that form is not offered", f"accept {offered}"
        )
    return JSON


def _arrow(kept: Kept, told: BinaryIO) -> Iterator[bytes]:
    with told:
        yield from arrow_stream.stream(kept.act, told, kept.count, kept.sha256)


def _page_tag(kept: Kept, at: int, size: int) -> str:
    """Return the tag of a page: the same answer, place and size are the same page.

    Not of its bytes: the cursor to what follows is another each time.
    """
    return etag(f"{kept.sha256} {at} {size}".encode())


def _answered(request: Request, body: bytes, *, whole: bool, tag: str = "") -> Response:
    tag = tag or etag(body)
    if unchanged(request.headers.get("if-none-match"), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"etag": tag})
    return Response(body, 200, {"etag": tag}, LINES if whole else JSON)
