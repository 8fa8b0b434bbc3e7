"""Unfold captures of network traffic into the files that crossed the wire in the clear.

HTTP bodies come as a person has them: without chunks, and with gzip, deflate, brotli or zstd
undone. Certificates come as servers showed them before TLS 1.3. The parser of captures cites the
same paths. A body that is damaged, or of which bytes were not captured, is given as far as it
goes, and the examination records why it ends there.
"""

from __future__ import annotations

import io
import tempfile
from typing import TYPE_CHECKING

from holdfast.examine import _transferred
from holdfast.examine._http import Store
from holdfast.examine._network import Walk
from holdfast.examine._pcap import Capture, is_capture
from holdfast.examine._streams import stream
from holdfast.examine._talk import Exchanged, Handshake
from holdfast.examine.interfaces import Member
from holdfast.examine.record import UnreadableError
from holdfast.webarchive.decoding import dechunked, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine._http import Half
    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python", "brotli", "zstandard")


def match(file: EvidenceFile) -> bool:
    """Accept what the parser of captures accepts."""
    return is_capture(file.head)


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield each body and certificate, in the order in which it was complete.

    Raises:
        OSError: no room for the bodies, which are together no larger than the capture.
    """
    with tempfile.TemporaryFile(dir=file.scratch) as bodies:
        store = Store(bodies)
        for found in Walk(Capture(file), store).found():
            if isinstance(found, Exchanged):
                halves = ((found.exchange.request, True), (found.exchange.response, False))
                for half, sent in halves:
                    path = _transferred.body_path(found, half, sent=sent)
                    if half is not None and path is not None:
                        # Not buffered: of a body that breaks off, a buffer would lose the start.
                        content = stream(_body(half, store))
                        yield Member(path=path, name=_transferred.name(found), content=content)
            elif isinstance(found, Handshake):
                for number, one in enumerate(found.session.chain, 1):
                    path = _transferred.certificate_path(found, number)
                    yield Member(path, path.rpartition("/")[2], io.BytesIO(one))


def _body(half: Half, store: Store) -> Iterator[bytes]:
    message = half.message
    pieces = store.read(half.places)
    if message.chunked:
        pieces = dechunked(pieces)
    codings = b",".join(message.head.values(b"content-encoding")) if message.head else b""
    yield from decoded(pieces, codings.decode("latin-1"))
    if half.missing:
        raise UnreadableError(f"{half.missing} bytes were not captured")
    if message.state in _transferred.OPEN:
        raise UnreadableError("the message breaks off")
