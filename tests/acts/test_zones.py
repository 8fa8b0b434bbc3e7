"""Issue "workbench": "UTC and case-local time always both shown": a case has a time zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.line import Line


def test_a_case_s_zone_is_an_entry_and_the_last_one_counts(line: Line) -> None:
    assert line.must("case", "show", line.case, "--json").row["zone"] == "UTC"
    for name in ("Africa/Nairobi", "America/Lima", "America/Lima"):
        line.must("case", "zone", name, "--case", line.case)
    assert line.must("case", "show", line.case, "--json").row["zone"] == "America/Lima"
    assert [one["zone"] for one in line.entries("case.zone")] == [
        {"name": "Africa/Nairobi"}, {"name": "America/Lima"},
    ], "the same zone again enters nothing"  # fmt: skip
    line.must("rebuild")
    assert line.must("case", "show", line.case, "--json").row["zone"] == "America/Lima"
    for wrong in ("Europe/Nowhere", "../../etc/passwd", "", "/usr/share/zoneinfo/UTC"):
        done = line("case", "zone", wrong, "--case", line.case)
        assert done.code == 3, wrong
        assert "no time zone" in done.err
    line.intact()
