"""An original as bytes: what `item get` gives, for programs. Its entry comes before the first byte.

It is always an attachment of no type, so that no browser shows it in our origin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from holdfast.acts import taking_out
from holdfast.api import shape
from holdfast.api.offer import Offer
from holdfast.api.problems import ProtocolError
from holdfast.core.etag import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from holdfast.api.asking import Asking
    from holdfast.api.door import Caller
    from holdfast.api.shape import Schema

PATH = "/cases/{case}/items/{item}/content"
OFFER = Offer(taking_out.get_item, taking_out.GetItem, True, {}, False, {})
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True)
class DownloadRoutes:
    """Gives originals to those who may have them."""

    asking: Asking

    def get(self, request: Request, caller: Caller) -> Response:
        """Give an original, or a range of it (RFC 9110, section 14).

        Raises:
            HoldfastError: as `item.get` does.
            ProtocolError: the range begins behind its end.
        """
        case, item = (str(request.path_params[name]) for name in ("case", "item"))
        for name, text in (("case", case), ("item", item)):
            shape.check_text(text, name)
        asked = taking_out.GetItem(case, item)
        with (
            caller.session(self.asking.desk) as session,
            self.asking.allowed(OFFER, session, caller, asked),
        ):
            taken = taking_out.get_item(session, asked)
        size, tag = taken.exhibit.size, named(taken.exhibit.item)
        wanted = _RANGE.fullmatch(request.headers.get("range", ""))
        if request.headers.get("if-range", tag) != tag:
            wanted = None
        start = int(wanted[1]) if wanted else 0
        end = min(int(wanted[2]) + 1 if wanted and wanted[2] else size, size)
        if wanted and (start >= size or start >= end):
            next(taken.pieces, None)  # one that never began would leave the original open
            taken.pieces.close()
            raise ProtocolError(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                f"the item has {size} bytes, and the range is not in it",
                "ask for bytes that it has",
            )
        headers = {
            "accept-ranges": "bytes",
            "content-disposition": f'attachment; filename="{taking_out.safe_name(taken.exhibit)}"',
            "content-length": str(end - start),
            "content-security-policy": "sandbox; default-src 'none'",
            "etag": tag,
            "x-content-type-options": "nosniff",
        }
        if wanted:
            headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        code = HTTPStatus.PARTIAL_CONTENT if wanted else HTTPStatus.OK
        body = _between(taken, start, end)
        return StreamingResponse(body, code, headers, "application/octet-stream")


def _between(taken: taking_out.Taken, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes from `start` to `end`; all are read, since all of them are checked."""
    at = 0
    held = b""
    for piece in taken.pieces:
        part = piece[max(0, start - at) : max(0, end - at)]
        at += len(piece)
        if part:
            if held:
                yield held
            held = part
    # The last bytes leave only when the whole was what it must be.
    yield held


def document() -> dict[str, Any]:
    """Return what OpenAPI says of it, without what is common to all."""
    text: Schema = {"type": "string"}
    given = [
        {"name": "item", "in": "path", "required": True, "schema": text,
         "description": "Exhibit or digest."},
        {"name": "Range", "in": "header", "schema": text,
         "description": "`bytes=FIRST-LAST` or `bytes=FIRST-`."},
        {"name": "If-Range", "in": "header", "schema": text,
         "description": "The ETag of what was begun: else the whole is sent."},
    ]  # fmt: skip
    headers = {
        "ETag": {"schema": text, "description": "The item's SHA-256."},
        "Content-Disposition": {"schema": text, "description": "Always an attachment."},
    }
    content: Schema = {"application/octet-stream": {}}
    return {
        "operationId": taking_out.get_item.name,
        "summary": shape.first_line(taking_out.get_item.run),
        "parameters": given,
        "responses": {
            "200": {"description": "Its bytes.", "content": content, "headers": headers},
            "206": {"description": "A range of them.", "content": content, "headers": headers},
        },
    }
