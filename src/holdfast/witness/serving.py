"""The witness's two requests over HTTP: submit a checkpoint, read back the last one cosigned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.core.listening import Request, Response
from holdfast.witness.request import AddCheckpoint, Refused

if TYPE_CHECKING:
    from holdfast.witness.state import Witness

MAX_BODY = 1 << 19
"""Bytes of a request: 63 hashes and a note of a hundred ML-DSA-44 signatures."""
_READ = re.compile(r"/([0-9a-f]{64})/checkpoint")


def answer(witness: Witness, request: Request) -> Response:
    """Answer one request.

    Raises:
        IntegrityError: the state of the log asked for was altered; nothing is signed.
    """
    if request.path == "/add-checkpoint":
        if request.method != "POST":
            return Response(405, b"POST it\n", headers={"Allow": "POST"})
        return _add(witness, request.body)
    if found := _READ.fullmatch(request.path):
        if request.method != "GET":
            return Response(405, b"GET it\n", headers={"Allow": "GET, HEAD"})
        kept = witness.note(found[1])
        if kept is None:
            return Response.line(404, "nothing was cosigned for that origin")
        return Response(200, kept, headers={"Cache-Control": "no-cache"})
    return Response.line(404, "a witness answers add-checkpoint and <origin hash>/checkpoint")


def _add(witness: Witness, body: bytes) -> Response:
    try:
        asked = AddCheckpoint.parse(body)
        keys = witness.keys(asked.checkpoint.origin)
        if not keys:
            raise Refused(404, "this witness does not know that origin")
        return Response(200, witness.cosign(asked, keys).encode())
    except Refused as no:
        return Response(no.status, no.body.encode(), no.content_type)
