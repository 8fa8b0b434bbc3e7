"""Views as WARC resource records, so that readers of web archives find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.webarchive import cdxj, pieces
from holdfast.webarchive.warc import Bytes, Writer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from holdfast.collect.web.views import View

VIEWS = "archive/views.warc.gz"


def write(folder: Path, views: Iterable[View]) -> tuple[list[bytes], list[pieces.Piece]]:
    """Write the `views` that lie in `folder`; return lines for the index, and the records' places.

    Raises:
        OSError: the disk refused.
    """
    lines, places = [], []
    with (folder / VIEWS).open("wb") as stream:
        writer = Writer(stream)
        for view in views:
            url = f"urn:view:{view.name}:{view.url}"
            data = (folder / "views" / view.name).read_bytes()
            fields = [("WARC-Target-URI", url), ("Content-Type", view.mime)]
            record = writer.write("resource", view.taken, fields, Bytes(data))
            places.append(pieces.Piece(VIEWS, record.offset, record.length, record.record))
            values = {
                "digest": f"sha256:{record.sha256}",
                "filename": "views.warc.gz",
                "length": record.length,
                "mime": view.mime,
                "offset": record.offset,
                "status": "200",
                "url": url,
            }
            lines.append(cdxj.line(url, view.taken, values).encode())
    return lines, places
