"""Unfold the files that a PDF has attached."""

from __future__ import annotations

import ctypes
import io
from typing import TYPE_CHECKING

import pypdfium2
import pypdfium2.raw as pdfium

from holdfast.examine import _archive
from holdfast.examine.interfaces import Member
from holdfast.examine.record import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("pypdfium2",)

_LIMIT = 256 << 20
"""Bytes of one attachment that are read."""
_MANY = 10_000


def match(file: EvidenceFile) -> bool:
    """Accept a PDF that speaks of embedded files, openly or in compressed objects."""
    return b"%PDF-" in file.head[:1024] and not file.head.startswith((b"PK\3\4", b"From "))


def unfold(file: EvidenceFile) -> Iterator[Member]:
    """Yield each attachment.

    Raises:
        UnreadableError: it is encrypted or damaged; an attachment is too large.
    """
    with file.open() as source:
        try:
            document = pypdfium2.PdfDocument(source)
        except pypdfium2.PdfiumError as error:
            locked = "password" in str(error).lower()
            raise UnreadableError("encrypted" if locked else "PDF is damaged") from error
        try:
            places = _archive.Places()
            for number in range(min(_MANY, pdfium.FPDFDoc_GetAttachmentCount(document.raw))):
                one = pdfium.FPDFDoc_GetAttachment(document.raw, number)
                path = places.place(_name(one))
                yield Member(
                    path=path, name=path.rpartition("/")[2], content=io.BytesIO(_bytes(one))
                )
        finally:
            document.close()


def _name(attachment: object) -> str:
    size = pdfium.FPDFAttachment_GetName(attachment, None, 0)
    if not 2 < size < 1 << 16:
        return "attachment"
    buffer = ctypes.create_string_buffer(size)
    pointer = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
    pdfium.FPDFAttachment_GetName(attachment, pointer, size)
    return buffer.raw[: size - 2].decode("utf-16-le", "backslashreplace")


def _bytes(attachment: object) -> bytes:
    size = ctypes.c_ulong(0)
    if not pdfium.FPDFAttachment_GetFile(attachment, None, 0, size):
        return b""
    if size.value > _LIMIT:
        raise UnreadableError(f"attachment of more than {_LIMIT} bytes")
    buffer = ctypes.create_string_buffer(size.value or 1)
    pdfium.FPDFAttachment_GetFile(attachment, buffer, size.value, size)
    return buffer.raw[: size.value]
