"""What a camera wrote into a picture: when, by which device, and where it was taken.

Source: CIPA DC-008 "Exchangeable image file format for digital still cameras: Exif Version 3.0";
its tags 36867 (DateTimeOriginal), 36881 (OffsetTimeOriginal), 37521 (SubSecTimeOriginal) and the
GPS tags 1 to 7, 29 and 31. Read are JPEG, PNG and WebP. No pixel is decoded.

Whoever can write a file can write this; a position is what the file says, not where a camera was.
"""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from PIL import Image

from holdfast.examine.record import EXACT, ZONE_ASSUMED, Record, UnreadableError, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

PIXELS = 100_000_000
"""Pixels of a picture that is opened; Pillow may have to read on to find a PNG's tags."""
_LONGEST = 200
_PHOTO, _GPS = 0x8769, 0x8825
_VP8X_EXIF = 0x08
_WHEN = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_ZONE = re.compile(r"([+-])(\d\d):(\d\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTaken(Record):
    """A picture, as its camera tells of it."""

    KIND: ClassVar[str] = "picture.taken"

    make: str | None = None
    model: str | None = None
    serial: str | None = None
    """Of the camera's body."""
    software: str | None = None
    position: str | None = None
    """Latitude and longitude in degrees: `59.913900,10.752200`."""
    position_metres: int | None = None
    """By how much the camera says that may be off."""
    altitude: int | None = None
    """Metres above the sea."""
    gps_time: int | None = None
    """By the satellites' clock: microseconds since the epoch, UTC."""


VERSION = 1
DECODERS: tuple[str, ...] = ("pillow",)
RECORDS: tuple[type[Record], ...] = (PictureTaken,)


def match(file: EvidenceFile) -> bool:
    """Accept a picture that has such tags."""
    head = file.head
    if head.startswith(b"\xff\xd8\xff"):
        return b"Exif\0\0" in head
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"eXIf" in head
    extended = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) > 20
    return extended and bool(head[20] & _VP8X_EXIF)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield one record, where the camera said anything.

    Raises:
        UnreadableError: the picture or its tags are damaged.
    """
    Image.MAX_IMAGE_PIXELS = None  # judged here
    with warnings.catch_warnings(), file.open() as source:
        warnings.simplefilter("ignore")
        try:
            with Image.open(source, formats=("JPEG", "PNG", "WEBP")) as image:
                if image.width * image.height > PIXELS:
                    raise UnreadableError(f"more than {PIXELS} pixels")
                tags = image.getexif()
                found = {name: dict(tags.get_ifd(name)) for name in (_PHOTO, _GPS)}
                whole = dict(tags)
        except UnreadableError:
            raise
        except Exception as error:  # Pillow raises whatever a damaged file leads it to
            raise UnreadableError("the picture or its tags are damaged") from error
    record = _record(whole, found[_PHOTO], found[_GPS])
    if record is not None:
        yield record


def _record(
    tags: dict[int, Any], photo: dict[int, Any], gps: dict[int, Any]
) -> PictureTaken | None:
    make, model = _text(tags.get(0x010F)), _text(tags.get(0x0110))
    position, when = _position(gps), _taken(photo)
    if not (make or model or position or when):
        return None
    device = " ".join(one for one in (make, model) if one) or "an unnamed camera"
    stamp = timed(None, "taken", original=_text(photo.get(0x9003)))
    if when is not None:
        stamp = timed(when[0], "taken", when[1], _text(photo.get(0x9003)))
    return PictureTaken(
        message=f"picture by {device}" + (f" at {position}" if position else ""),
        **stamp,
        make=make,
        model=model,
        serial=_text(photo.get(0xA431)),
        software=_text(tags.get(0x0131)),
        position=position,
        position_metres=_whole(gps.get(31), 10_000_000),
        altitude=_altitude(gps),
        gps_time=_gps_time(gps),
    )


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if not isinstance(value, str):
        return None
    plain = " ".join(value.split("\0", 1)[0].split())
    return plain[:_LONGEST] or None


def _taken(photo: dict[int, Any]) -> tuple[int, str] | None:
    """Return when, and how certain that is: without a zone it is read as UTC."""
    read = _WHEN.fullmatch(_text(photo.get(0x9003)) or "")
    if read is None:
        return None
    zone = _ZONE.fullmatch(_text(photo.get(0x9011)) or "")
    away = timedelta()
    if zone is not None:
        away = timedelta(hours=int(zone[2]), minutes=int(zone[3])) * (-1 if zone[1] == "-" else 1)
    try:
        year, month, day, hour, minute, second = map(int, read.groups())
        there = timezone(away) if zone else UTC
        moment = datetime(year, month, day, hour, minute, second, tzinfo=there)
    except ValueError:
        return None
    part = _text(photo.get(0x9291)) or ""
    micros = int(part[:6].ljust(6, "0")) if part.isascii() and part.isdigit() else 0
    whole = (moment - _EPOCH) // timedelta(microseconds=1)
    return whole + micros, EXACT if zone else ZONE_ASSUMED


def _position(gps: dict[int, Any]) -> str | None:
    north, east = _degrees(gps.get(2), 90), _degrees(gps.get(4), 180)
    if north is None or east is None or (not north and not east):
        return None
    south = (_text(gps.get(1)) or "").upper().startswith("S")
    west = (_text(gps.get(3)) or "").upper().startswith("W")
    return f"{-north if south else north:.6f},{-east if west else east:.6f}"


def _degrees(value: object, most: int) -> float | None:
    """Return degrees, minutes and seconds as degrees."""
    parts = [_number(one) for one in value] if isinstance(value, tuple) else []
    known = [one for one in parts if one is not None]
    if len(known) != 3 or len(parts) != 3 or any(one < 0 for one in known):
        return None
    degrees = known[0] + known[1] / 60 + known[2] / 3600
    return degrees if degrees <= most else None


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: object, most: int) -> int | None:
    number = _number(value)
    return None if number is None or not 0 <= number <= most else math.ceil(number)


def _altitude(gps: dict[int, Any]) -> int | None:
    metres = _whole(gps.get(6), 10_000_000)
    below = gps.get(5) in {1, b"\x01"}
    return metres if metres is None or not below else -metres


def _gps_time(gps: dict[int, Any]) -> int | None:
    date = re.fullmatch(r"(\d{4}):(\d\d):(\d\d)", _text(gps.get(29)) or "")
    value = gps.get(7)
    clock = [_number(one) for one in value] if isinstance(value, tuple) else []
    known = [one for one in clock if one is not None]
    if date is None or len(known) != 3 or not all(0 <= one < 61 for one in known):
        return None
    try:
        day = datetime(int(date[1]), int(date[2]), int(date[3]), tzinfo=UTC)
    except ValueError:
        return None
    hours, minutes, seconds = known
    moment = day + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return (moment - _EPOCH) // timedelta(microseconds=1)
