"""Serve the log over HTTP as C2SP tlog-tiles says, and nothing else of the vault.

A path is read as what it names (the checkpoint, a tile, an entry bundle), and the file's place is
computed from that: no part of a path reaches the disk. https://c2sp.org/tlog-tiles v0.1.0, commit
5ba5ee8.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError
from holdfast.core.listening import Request, Response
from holdfast.vault import note, tiles
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosigned import Cosigned
from holdfast.vault.merkle import WIDTH

if TYPE_CHECKING:
    from pathlib import Path

_RESOURCE = re.compile(
    r"/tile/(0|[1-9][0-9]?|entries)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
""""This endpoint is immutable, so its caching headers SHOULD be long-lived." """
BRIEFLY = {"Cache-Control": "public, max-age=1"}
""""Its headers SHOULD prevent caching beyond a few seconds." """
_BINARY = "application/octet-stream"


def answer(log: Path, request: Request) -> Response:
    """Answer one request from the log under `log`."""
    if request.method != "GET":
        return Response(405, b"GET it\n", headers={"Allow": "GET, HEAD"})
    if request.path == "/checkpoint":
        return _checkpoint(log)
    found = _RESOURCE.fullmatch(request.path)
    if found is None:
        return _missing()
    number = int(found[2].replace("/", "").replace("x", ""))
    width = int(found[3] or WIDTH)
    canonical = tiles.numbered(number) == found[2] and (found[3] is None or width < WIDTH)
    if not canonical or (found[1] != "entries" and int(found[1]) > 63):
        return _missing()
    if found[1] == "entries":
        return _entries(tiles.entry_bundle(log, number, width), request)
    return _file(tiles.hash_tile(log, int(found[1]), number, width))


def _checkpoint(log: Path) -> Response:
    """Return the checkpoint, with the witnesses' cosignatures once there are some.

    "The checkpoint MAY carry additional signatures of other types, by the log or otherwise."
    """
    try:
        signed = (log / "checkpoint").read_bytes()
    except FileNotFoundError:
        return _missing()
    try:
        text, _ = note.split(signed.decode())
        cosigned = Cosigned(log).file(Checkpoint.parse(text).size).read_bytes()
        if note.split(cosigned.decode())[0] == text:
            signed = cosigned
    except (FileNotFoundError, UnicodeDecodeError, IntegrityError):
        pass
    return Response(200, signed, headers=BRIEFLY)


def _file(path: Path) -> Response:
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return _missing()
    return Response(200, data, _BINARY, FOREVER)


def _entries(path: Path, request: Request) -> Response:
    found = _file(path)
    names = {one.split(";")[0].strip() for one in request.accept_encoding.split(",")}
    if found.status != 200 or "gzip" not in names:
        return Response(found.status, found.body, found.content_type, _vary(found))
    packer = zlib.compressobj(wbits=31)
    data = packer.compress(found.body) + packer.flush()
    return Response(200, data, _BINARY, {**_vary(found), "Content-Encoding": "gzip"})


def _vary(found: Response) -> dict[str, str]:
    return {**found.headers, "Vary": "Accept-Encoding"}


def _missing() -> Response:
    return Response(404, b"a log has checkpoint and tile/\n", headers=BRIEFLY)
