"""Issue "workbench": "map where there are coordinates"."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.line import Line

TEXT = """met at 59.9139, 10.7522; then geo:-33.86880,151.20930 and 6.45410,3.39470
no place: 91.5000,10.1234 nor 0.0000,0.0000
"""


def told(line: Line) -> list[dict[str, Any]]:
    return line.must("coordinates", "--case", line.case, "--json").rows


def test_each_place_is_told_with_its_source_and_how_exact_it_is(line: Line, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text(TEXT)
    (tmp_path / "letter.txt").write_text("your counsel waits at 48.8566,2.3522\n")
    picture = Path("tests/cases/picture/phone_in_oslo/input.jpg").read_bytes()
    (tmp_path / "IMG_1.jpg").write_bytes(picture)
    for name in ("note.txt", "letter.txt", "IMG_1.jpg"):
        assert line.collect(tmp_path / name).code == 0
    line.must("examine", "--case", line.case, "--jobs", 1)
    rows = {row["written"]: row for row in told(line)}
    assert len(rows) == 5
    one = rows["59.9139, 10.7522"]
    assert (one["latitude"], one["longitude"], one["metres"]) == (59.9139, 10.7522, 6)
    assert (one["stated"], one["exhibit"], one["offset"]) == (False, "AL/1", 7)
    south = rows["geo:-33.86880,151.20930"]
    assert (south["latitude"], south["longitude"], south["metres"]) == (-33.8688, 151.2093, 1)
    taken = rows["59.913900,10.752200"]
    assert (taken["metres"], taken["stated"], taken["kind"]) == (5, True, "picture.taken")
    assert taken["time"] == "2026-03-01T13:05:06.123000Z"
    *_, entry = line.entries("coordinates")
    assert entry["result"]["lines"] == 5

    apart = ("privilege", "set", "--case", line.case, "--reason", "R", "--term", "your counsel")
    line.must(*apart)
    assert len(told(line)) == 4
