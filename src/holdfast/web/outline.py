"""The outline of the land, drawn offline: Natural Earth's, 1:110,000,000, in the public domain.

A view is a rectangle of the plate carrée, narrowed towards the poles so that near its middle
distances look alike in both directions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDE, HIGH = 960, 480
"""Units of the picture."""
CLOSEST = 9
"""How often the world can be halved; nearer, the outline is off by more than the picture."""
_FILE = Path(__file__).parent / "static" / "vendor" / "land-110m.json"
_ROOM = 4
"""Units beyond the picture's edge, so that the edge of the land there isn't drawn."""

_HALF = 180
_LINES = 8
_STEPS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
"""Degrees between lines of the grid."""

Point = tuple[float, float]


@dataclass(frozen=True)
class View:
    """What part of the world is shown."""

    latitude: float = 0.0
    longitude: float = 0.0
    zoom: int = 0

    def __post_init__(self) -> None:
        span = self.across / 2, self.down / 2
        middle = (
            min(90 - span[1], max(-90 + span[1], self.latitude)),
            min(180 - span[0], max(-180 + span[0], self.longitude)),
        )
        object.__setattr__(self, "latitude", round(middle[0], 4))
        object.__setattr__(self, "longitude", round(middle[1], 4))

    @property
    def across(self) -> float:
        """Degrees of longitude."""
        return float(360 / 2**self.zoom)

    @property
    def down(self) -> float:
        """Degrees of latitude."""
        near = max(0.3, math.cos(math.radians(self.latitude))) if self.zoom else 1.0
        return float(self.across / 2 * near)

    def at(self, latitude: float, longitude: float) -> Point:
        """Return where a place is in the picture."""
        x = (longitude - self.longitude) / self.across * WIDE + WIDE / 2
        y = (self.latitude - latitude) / self.down * HIGH + HIGH / 2
        return round(x, 1), round(y, 1)

    def shows(self, latitude: float, longitude: float) -> bool:
        """Say whether a place is in the picture."""
        x, y = self.at(latitude, longitude)
        return 0 <= x <= WIDE and 0 <= y <= HIGH


@lru_cache(maxsize=64)
def land(view: View) -> str:
    """Return the land in a view, as the `d` of an SVG path."""
    # What lies across the 180th meridian is drawn on both of its sides.
    shifts = (0, -360, 360)
    return "".join(_drawn(ring, view, shift) for ring in _rings() for shift in shifts)


def grid(view: View) -> list[tuple[float, float, float, float, str]]:
    """Return lines of whole steps of latitude and longitude (x1, y1, x2, y2) and what each is."""
    step = next(one for one in _STEPS if view.across / one <= _LINES)
    lines = []
    for at in _whole(view.longitude, view.across, step):
        x, _ = view.at(0, at)
        lines.append((x, 0.0, x, float(HIGH), f"{at:g}°"))
    for at in _whole(view.latitude, view.down, step):
        _, y = view.at(at, 0)
        lines.append((0.0, y, float(WIDE), y, f"{at:g}°"))
    return lines


def _whole(middle: float, span: float, step: float) -> list[float]:
    first = math.ceil((middle - span / 2) / step)
    last = math.floor((middle + span / 2) / step)
    return [round(one * step, 4) for one in range(first, last + 1)]


def _drawn(ring: list[Point], view: View, shift: int) -> str:
    shape = _clipped([view.at(latitude, longitude + shift) for longitude, latitude in ring])
    points: list[tuple[int, int]] = []
    for x, y in shape:
        if not points or points[-1] != (round(x), round(y)):
            points.append((round(x), round(y)))
    if len(points) < 3:
        return ""
    (x, y), *rest = points
    parts = [f"M{x} {y}l"]
    for u, v in rest:
        parts.append(f"{u - x} {v - y} ")
        x, y = u, v
    return "".join(parts).rstrip() + "z"


def _clipped(shape: list[Point]) -> list[Point]:
    """Return the part of a polygon inside the picture.

    Sutherland and Hodgman, "Reentrant Polygon Clipping" (1974).
    """
    for axis, edge, sign in (
        (0, -_ROOM, 1), (0, WIDE + _ROOM, -1), (1, -_ROOM, 1), (1, HIGH + _ROOM, -1),
    ):  # fmt: skip
        if not shape:
            break
        shape = list(_half(shape, lambda p, a=axis, e=edge, s=sign: (p[a] - e) * s))  # type: ignore[misc]
    return shape


def _half(shape: list[Point], inside: Callable[[Point], float]) -> Iterator[Point]:
    """Yield the part of a polygon where `inside` is not negative."""
    before = shape[-1]
    for point in shape:
        here, there = inside(point), inside(before)
        if (here >= 0) != (there >= 0):
            part = there / (there - here)
            yield tuple(a + (b - a) * part for a, b in zip(before, point, strict=True))  # type: ignore[misc]
        if here >= 0:
            yield point
        before = point


@lru_cache(maxsize=1)
def _rings() -> list[list[Point]]:
    """Read the outline: TopoJSON, whose arcs are differences of whole numbers."""
    told = orjson.loads(_FILE.read_bytes())
    scale, move = told["transform"]["scale"], told["transform"]["translate"]
    arcs: list[list[Point]] = []
    for arc in told["arcs"]:
        x = y = 0
        points: list[Point] = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * scale[0] + move[0], y * scale[1] + move[1]))
        arcs.append(points)
    rings = []
    for geometry in told["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            for ring in polygon:
                # One of a negative number is the arc of its complement, read from its end.
                parts = [arcs[one] if one >= 0 else arcs[~one][::-1] for one in ring]
                rings.append(_unrolled([point for part in parts for point in part]))
    return rings


def _unrolled(ring: list[Point]) -> list[Point]:
    """Return a ring without a jump at the 180th meridian; one around the pole is closed by it."""
    turns = 0
    found: list[Point] = []
    for (longitude, latitude), (before, _) in zip(ring, [ring[0], *ring], strict=False):
        turns += (longitude - before < -_HALF) - (longitude - before > _HALF)
        found.append((longitude + 360 * turns, latitude))
    if turns:
        found += [(found[-1][0], -90.0), (found[0][0], -90.0)]
    return found
