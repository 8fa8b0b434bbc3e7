"""Compare pictures of a page, pixel by pixel, and make small ones to lay side by side.

Runs in the sandbox only: decoders of pictures are where browsers are broken into.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops, UnidentifiedImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

Image.MAX_IMAGE_PIXELS = 8192 * 8192 + 1
STEP = 8
"""Of 255, in any colour: what differs by less is the same to the eye (smoothing of letters)."""
SHOWN = (640, 4096)
"""Width and height of a picture to look at, at most."""
MOST = 24
"""Pairs of pictures that are compared."""
_BROKEN = (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError)


def compare(
    first: Sequence[tuple[str, bytes]], second: Sequence[tuple[str, bytes]]
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Pair pictures by name; return what differs in each pair, and pictures to look at."""
    one, two = dict(first), dict(second)
    told: list[dict[str, Any]] = []
    shown: dict[str, bytes] = {}
    for number, name in enumerate(sorted({*one, *two})[:MOST], 1):
        images = [_open(each.get(name)) for each in (one, two)]
        facts: dict[str, Any] = {
            "box": None,
            "differs": one.get(name) != two.get(name),
            "name": name,
            "shown": [],
            "sizes": [None if each is None else list(each.size) for each in images],
            "thousandths": None,
        }
        told.append(facts)
        drawn = {
            f"{way}-{number}": each
            for way, each in zip(("first", "second"), images, strict=True)
            if each is not None
        }
        if images[0] is not None and images[1] is not None:
            drawn[f"difference-{number}"] = _difference(images[0], images[1], facts)
        for label, image in drawn.items():
            image.thumbnail(SHOWN)
            data = io.BytesIO()
            image.save(data, "PNG", optimize=True)
            shown[label] = data.getvalue()
            facts["shown"].append(label)
    return told, shown


def _open(data: bytes | None) -> Image.Image | None:
    """Return a picture, or None where there is none that can be read."""
    if data is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
                return image.convert("RGB")
    except (*_BROKEN, Warning):
        return None


def _difference(one: Image.Image, two: Image.Image, facts: dict[str, Any]) -> Image.Image:
    """Mark in red, on the second picture made pale, what differs; enter how much it is."""
    size = max(one.width, two.width), max(one.height, two.height)
    first, second = (_on(size, image) for image in (one, two))
    channels = ImageChops.difference(first, second).split()
    strongest = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    mask = strongest.point([0 if value < STEP else 255 for value in range(256)])
    # What only one of them shows differs, whatever its colour.
    for image in (one, two):
        outside = Image.new("L", size, 255)
        outside.paste(0, (0, 0, image.width, image.height))
        mask = ImageChops.lighter(mask, outside)
    box = mask.getbbox()
    pixels = mask.histogram()[255]
    # At least 1 where anything differs: a small change must not read as none.
    share = -(-1000 * pixels // (size[0] * size[1]))
    facts |= {"box": None if box is None else list(box), "differs": pixels > 0}
    facts["thousandths"] = share
    pale = Image.blend(second, Image.new("RGB", size, (255, 255, 255)), 0.6)
    pale.paste((220, 0, 0), (0, 0, *size), mask)
    return pale


def _on(size: tuple[int, int], image: Image.Image) -> Image.Image:
    if image.size == size:
        return image
    laid = Image.new("RGB", size, (255, 255, 255))
    laid.paste(image, (0, 0))
    return laid
