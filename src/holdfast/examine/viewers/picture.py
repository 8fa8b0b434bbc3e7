"""Pictures: decoded and made anew as PNG, blurred first; SVG is text here, and never drawn."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from holdfast.examine import _pictures
from holdfast.examine.record import UnreadableError
from holdfast.examine.view import View

if TYPE_CHECKING:
    from PIL import Image

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.view import Wish

VERSION = 1
DECODERS: tuple[str, ...] = ("pillow",)
RANK = 3

PIXELS = 100_000_000
"""Pixels of a picture that is decoded: 400 MB in the child, 10,000 x 10,000."""
_FRAMES = 1000
_TAGS = 64
_VALUE = 200
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "ICO", "AVIF")
_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n"), (0, b"\xff\xd8\xff"), (0, b"GIF8"), (0, b"BM"), (8, b"WEBP"),
    (0, b"II*\0"), (0, b"MM\0*"), (0, b"\0\0\1\0"), (4, b"ftypavif"), (4, b"ftypavis"),
)  # fmt: skip


def match(file: EvidenceFile) -> bool:
    """Accept what starts as one of the formats that are decoded."""
    return any(file.head.startswith(magic, at) for at, magic in _MAGIC)


def render(file: EvidenceFile, wish: Wish) -> View:
    """Show one frame.

    Raises:
        UnreadableError: it is damaged, or has more pixels than are decoded.
    """
    from PIL import Image as Images  # noqa: PLC0415 - a decoder
    from PIL import ImageOps  # noqa: PLC0415

    Images.MAX_IMAGE_PIXELS = None  # judged here, before anything is decoded
    with warnings.catch_warnings(), file.open() as source:
        warnings.simplefilter("ignore")
        try:
            image = Images.open(source, formats=_FORMATS)
            width, height = image.size
            if width * height > PIXELS:
                raise UnreadableError(
                    f"{width} x {height} pixels are more than {PIXELS}: it is not decoded"
                )
            frames = min(_FRAMES, getattr(image, "n_frames", 1))
            if wish.page:
                image.seek(min(wish.page, frames - 1))
            facts = _facts(image, frames)
            turned = image.getexif().get(0x0112, 1) not in {0, 1}
            image.draft("RGB", (_pictures.LARGEST * 2, _pictures.LARGEST * 2))
            shown = ImageOps.exif_transpose(image) if turned else image
            pictures = _pictures.both(shown)
        except UnreadableError:
            raise
        except (OSError, ValueError, SyntaxError, EOFError, OverflowError, KeyError) as error:
            raise UnreadableError("the picture is damaged") from error
    notes = ["It is made anew and smaller for looking at; the original's pixels are in the item."]
    if turned:
        notes.append("It is turned as its camera noted.")
    return View(
        kind="picture", content={"facts": facts, "height": height, "width": width}, notes=notes,
        pictures=pictures, pages=frames, more=wish.page + 1 < frames,
    )  # fmt: skip


def _facts(image: Image.Image, frames: int) -> Json:
    """Return what the file says of itself, name and value each."""
    from PIL import ExifTags  # noqa: PLC0415 - a decoder

    found: list[Json] = [["format", str(image.format)], ["colours", image.mode]]
    if frames > 1:
        found.append(["frames", str(frames)])
    exif = image.getexif()
    for directory, names in (
        (None, ExifTags.TAGS),
        (0x8769, ExifTags.TAGS),
        (0x8825, ExifTags.GPSTAGS),
    ):
        tags = exif if directory is None else exif.get_ifd(directory)
        for tag, value in list(tags.items())[:_TAGS]:
            if tag not in {0x8769, 0x8825, 0xA005}:
                found.append([f"{names.get(tag, tag)}", str(value)[:_VALUE]])
    return found
