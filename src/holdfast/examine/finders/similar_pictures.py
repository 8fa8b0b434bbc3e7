"""A fingerprint of every picture that looks alike when it is resized or saved anew: PDQ.

After "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (Facebook,
2019): luminance, two passes of a box filter, 64 x 64 samples, the 16 x 16 lowest frequencies of
their cosine transform, a bit for each that is above the median. Told nothing, it finds nothing:
`examine --similar`.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image

from holdfast.examine.record import Record, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile

    Luma = npt.NDArray[np.float32]
    """Shape (rows, columns), 0 to 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarPicture(Record):
    """The fingerprint of a picture."""

    KIND: ClassVar[str] = "similar.picture"

    fingerprint: str
    """PDQ, 64 hex digits."""
    quality: int
    """0 to 100: how much there is to tell; below 50 a fingerprint says little."""
    width: int
    height: int


VERSION = 1
DECODERS: tuple[str, ...] = ("numpy", "pillow")

PIXELS = 100_000_000
"""Of the largest picture that is decoded."""
_FORMATS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP",
            b"II*\0": "TIFF", b"MM\0*": "TIFF", b"RIFF": "WEBP"}  # fmt: skip
_WHOLE = 4_000_000  # pixels up to which nothing is taken together first
_SAMPLES, _KEPT = 64, 16
_TRANSFORM = (
    np.sqrt(2 / _SAMPLES)
    * np.cos(np.pi / 2 / _SAMPLES * np.outer(np.arange(1, _KEPT + 1), 2 * np.arange(_SAMPLES) + 1))
).astype(np.float32)


class _InUse:
    """Whether this worker takes fingerprints: set once, before the first item."""

    wanted = False


def use(settings: Json) -> None:
    """Take fingerprints from now on, or none."""
    _InUse.wanted = settings is not None


def find(file: EvidenceFile) -> Iterator[SimilarPicture]:
    """Yield the fingerprint of a picture.

    Raises:
        UnreadableError: it is too large, or damaged.
    """
    form = next((name for begin, name in _FORMATS.items() if file.head.startswith(begin)), "")
    if not _InUse.wanted or not form or (form == "WEBP" and file.head[8:12] != b"WEBP"):
        return
    try:
        with warnings.catch_warnings(), file.open() as stream:
            warnings.simplefilter("ignore")  # of odd metadata; size is judged below
            with Image.open(stream, formats=[form]) as picture:
                width, height = picture.size
                if width * height > PIXELS:
                    raise UnreadableError(f"a picture of more than {PIXELS} pixels")
                found = luma(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if form == "BMP":
            return  # two letters are not much to tell a picture by
        raise UnreadableError("a damaged picture") from error
    digest, quality = pdq(found)
    yield SimilarPicture(
        message=f"picture, {width} x {height}", offset=0, length=file.size,
        fingerprint=digest, quality=quality, width=width, height=height,
    )  # fmt: skip


def luma(picture: Image.Image) -> Luma:
    """Return a picture's luminance, a large one's in means of some pixels; clear is white."""
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        ground = Image.new("RGBA", clear.size, "white")
        ground.alpha_composite(clear)
        picture = ground
    colours = picture.convert("RGB")
    factor = math.ceil(math.sqrt(colours.width * colours.height / _WHOLE))
    if factor > 1:
        colours = colours.reduce(factor)
    weights = np.array((0.299, 0.587, 0.114), np.float32)
    found: Luma = np.asarray(colours, np.float32) @ weights
    return found


def pdq(found: Luma) -> tuple[str, int]:
    """Return the PDQ fingerprint and its quality."""
    for _ in range(2):
        for axis in (1, 0):
            window = (found.shape[axis] + 2 * _SAMPLES - 1) // (2 * _SAMPLES)
            found = _boxed(found, window, axis)
    rows, columns = (
        ((np.arange(_SAMPLES) + 0.5) * size / _SAMPLES).astype(int) for size in found.shape
    )
    samples = found[np.ix_(rows, columns)]
    spectrum = _TRANSFORM @ samples @ _TRANSFORM.T
    flat = spectrum.reshape(-1)
    # The lower of the two middle values: exactly half of the bits are set.
    bits = flat > np.partition(flat, flat.size // 2 - 1)[flat.size // 2 - 1]
    return np.packbits(bits[::-1]).tobytes().hex(), _quality(samples)


def _quality(samples: Luma) -> int:
    steps = 0
    for axis in (0, 1):
        difference = np.diff(samples, axis=axis) * 100 / 255
        steps += int(np.abs(np.trunc(difference)).sum())
    return min(100, steps // 90)


def _boxed(found: Luma, window: int, axis: int) -> Luma:
    """Return the mean over `window` samples around each along an axis, fewer at its ends."""
    size, ahead = found.shape[axis], (window + 2) // 2
    at = np.arange(size)
    first = np.maximum(at - (window - ahead), 0)
    after = np.minimum(at + ahead, size)
    sums = np.zeros_like(found, np.float64, shape=_longer(found.shape, axis))
    np.cumsum(found, axis=axis, out=sums[_after_first(axis)], dtype=np.float64)
    total: npt.NDArray[np.float64] = sums.take(after, axis) - sums.take(first, axis)
    many = (after - first).reshape((-1, 1) if axis == 0 else (1, -1))
    means: Luma = (total / many).astype(np.float32)
    return means


def _longer(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    return (shape[0] + 1, shape[1]) if axis == 0 else (shape[0], shape[1] + 1)


def _after_first(axis: int) -> tuple[slice, slice]:
    return (slice(1, None), slice(None)) if axis == 0 else (slice(None), slice(1, None))
