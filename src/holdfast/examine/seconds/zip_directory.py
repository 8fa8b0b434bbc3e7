"""ZIP by Python's `zipfile`, which believes the central directory and nothing else.

Most programs do, so this is what whoever opened the archive saw; our reader goes through what lies
there as well. An entry that only we have is one that they could not see.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.record import Record

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
OF = "archive"
KEY = ("name", "offset")
_ENCRYPTED = 1
_METHODS = {0: "stored", 8: "deflate", 12: "bzip2", 14: "lzma"}


def match(file: EvidenceFile) -> bool:
    """Accept what starts as a ZIP does."""
    return file.head.startswith((b"PK\3\4", b"PK\5\6"))


def said(record: Record) -> dict[str, Json] | None:
    """Return an entry's name and place, sizes and way of packing."""
    if record.KIND != "archive.entry":
        return None
    if (method := getattr(record, "method", None)) is None:  # data beside the entries
        return None
    return {
        "name": getattr(record, "name", None),
        "offset": record.offset,
        "size": getattr(record, "size", None),
        "packed_size": getattr(record, "packed_size", None),
        **({"method": method} if method in _METHODS.values() else {}),
        "encrypted": getattr(record, "encrypted", None),
    }


def read(file: EvidenceFile) -> Iterator[dict[str, Json]]:
    """Yield each entry of the directory.

    Raises:
        zipfile.BadZipFile: there is no directory, or it is damaged.
    """
    with file.open() as stream, zipfile.ZipFile(stream) as archive:
        for entry in archive.infolist():
            method = _METHODS.get(entry.compress_type)
            yield {
                "name": entry.orig_filename,
                "offset": entry.header_offset,
                "size": entry.file_size,
                "packed_size": entry.compress_size,
                **({"method": method} if method else {}),
                "encrypted": bool(entry.flag_bits & _ENCRYPTED),
            }
