"""Pictures for a person to look at: small, made anew, and blurred beyond reading first.

Nothing of the source's own bytes is passed on: only pixels, as PNG.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from holdfast.examine.view import BLURRED, CLEAR, Picture

if TYPE_CHECKING:
    from PIL import Image

LARGEST = 1600
"""Pixels of the longer side of what is shown."""
_COARSE = 20
"""Pixels of the longer side of what the blurred picture is made of: all that it can tell."""
_BLURRED = 480


def both(image: Image.Image) -> dict[str, Picture]:
    """Return the blurred and the clear picture of `image`, which is changed by that."""
    image.thumbnail((LARGEST, LARGEST))
    plain = _flat(image)
    coarse = plain.copy()
    coarse.thumbnail((_COARSE, _COARSE))
    scale = _BLURRED / max(coarse.size)
    size = max(1, round(coarse.width * scale)), max(1, round(coarse.height * scale))
    return {BLURRED: _png(coarse.resize(size)), CLEAR: _png(plain)}


def _flat(image: Image.Image) -> Image.Image:
    """Return `image` in plain colours, on white where it lets something through."""
    from PIL import Image as Images  # noqa: PLC0415 - a decoder

    if image.mode not in {"RGBA", "LA", "PA"} and "transparency" not in image.info:
        return image.convert("RGB")
    shown = image.convert("RGBA")
    ground = Images.new("RGBA", shown.size, (255, 255, 255, 255))
    ground.alpha_composite(shown)
    return ground.convert("RGB")


def _png(image: Image.Image) -> Picture:
    data = io.BytesIO()
    fresh = image.copy()
    fresh.info = {}  # no profile, text or time of the source goes along
    fresh.save(data, "PNG")
    return Picture(data.getvalue(), fresh.width, fresh.height)
