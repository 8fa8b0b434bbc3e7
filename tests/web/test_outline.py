"""The land as it is drawn: whole at the 180th meridian and the pole, and no wider than the view."""

from __future__ import annotations

import re

import pytest

from holdfast.web.outline import HIGH, WIDE, View, grid, land


def corners(path: str) -> list[tuple[int, int]]:
    found = []
    for part in path.split("M")[1:]:
        numbers = [int(one) for one in re.findall(r"-?\d+", part)]
        x, y = numbers[:2]
        found.append((x, y))
        for dx, dy in zip(numbers[2::2], numbers[3::2], strict=True):
            x, y = x + dx, y + dy
            found.append((x, y))
    return found


def on_land(path: str, x: float, y: float) -> bool:
    """Say whether a point is in the shape, by the even-odd rule."""
    inside = False
    for part in path.split("M")[1:]:
        shape = corners(f"M{part}")
        for (a, b), (c, d) in zip(shape, [*shape[1:], shape[0]], strict=True):
            if (b > y) != (d > y) and x < (c - a) * (y - b) / (d - b) + a:
                inside = not inside
    return inside


@pytest.mark.parametrize("zoom", [0, 3, 6])
@pytest.mark.parametrize(
    ("north", "east", "dry"),
    [
        (49.0, 16.6, True), (0.0, -30.0, False), (66.5, 179.9, True), (66.5, -179.0, True),
        (-85.0, 0.0, True), (-85.0, 100.0, True), (-55.0, 100.0, False), (50.0, 178.0, False),
        (-25.0, 135.0, True), (60.0, -150.0, True), (44.0, 35.0, False),
    ],
)  # fmt: skip
def test_land_is_where_land_is(north: float, east: float, zoom: int, *, dry: bool) -> None:
    view = View(north, east, zoom)
    assert view.shows(north, east)
    path = land(view)
    assert on_land(path, *view.at(north, east)) is dry
    assert all(-10 <= x <= WIDE + 10 and -10 <= y <= HIGH + 10 for x, y in corners(path))


def test_a_view_stays_on_the_earth_and_has_a_grid() -> None:
    for zoom in range(10):
        for north in (-90.0, 0.0, 90.0):
            view = View(north, 180.0, zoom)
            assert view.longitude - view.across / 2 >= -180
            assert view.longitude + view.across / 2 <= 180.001
            assert grid(view)
    assert len(land(View())) < 60_000
