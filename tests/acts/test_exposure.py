"""Issue "workbench": "limits and breaks for those who view abuse material"; the views of a
supervisor ("what waits, what expires, backlog") and of an auditor ("no content").
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from holdfast.cases.exposure import MINUTE, Limits, Sitting, day
from holdfast.core import clock
from holdfast.core.errors import DeniedError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

LIMITS = Limits(views=5, minutes=60, stretch=20, rest=10)
MORNING = clock.from_text("2026-03-03T09:00:00Z")


def sat(begin: int, end: int | None, views: int = 1) -> Sitting:
    """Return a sitting, in minutes from the morning on."""
    begun = MORNING + begin * MINUTE
    ended = None if end is None else MORNING + end * MINUTE
    return Sitting(begin, "2026-0001", begun, ended, views, begun)


@pytest.mark.parametrize(
    ("sittings", "now", "views", "minutes", "rests"),
    [
        ([], 0, 0, 0, False),
        ([sat(0, 10)], 11, 1, 10, False),
        ([sat(0, 10), sat(12, 22)], 23, 2, 20, True),
        ([sat(0, 10), sat(12, 22)], 33, 2, 20, False),
        ([sat(0, 10), sat(21, 31)], 32, 2, 20, False),
        ([sat(0, None)], 60, 1, 2, False),
        ([sat(-1440, -1400, 9)], 0, 0, 0, False),
    ],
    ids=["none", "one", "a break", "after it", "a pause between", "never ended", "yesterday"],
)
def test_a_day_is_summed_and_a_stretch_ends_in_a_break(
    sittings: list[Sitting], now: int, views: int, minutes: int, *, rests: bool
) -> None:
    found = day(sittings, MORNING + now * MINUTE, LIMITS)
    assert (found.views, found.minutes, found.rests_until is not None) == (views, minutes, rests)


@pytest.mark.parametrize(("sitting", "what"), [(sat(0, 5, 5), "views"), (sat(0, 61), "minutes")])
def test_enough_is_enough(sitting: Sitting, what: str) -> None:
    found = day([sitting], MORNING + 200 * MINUTE, LIMITS)
    with pytest.raises(DeniedError, match=f"{what} of this material are enough"):
        found.check(LIMITS)


def test_looks_are_counted_in_the_log_and_seen_as_sums(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.txt").write_text("what nobody should see, of harbour\n")
    item = line.collect(tmp_path / "bad.txt").row["item"]
    (tmp_path / "list.txt").write_text(item)
    line.must("hashset", "add", tmp_path / "list.txt", "--name", "n", "--kind", "abuse",
              "--origin", "o", "--version", "1", "--date", "d")  # fmt: skip
    line.must("operator", "add", "bob")
    line.must("case", "role", "bob", "--case", line.case, "--add", "examiner")
    of = ("--case", line.case)
    view = ("--operator", "bob", "view", "AL/1", *of)
    refused = line(*view)
    assert (refused.code, "is not named to look" in refused.err) == (4, True)
    line.must("exposure", "allow", "bob", *of, "--reason", "grading")
    assert "no sitting goes on" in line(*view).err
    line.must("exposure", "limits", "--views", 2, "--stretch", 20, "--rest", 10)
    line.must("--operator", "bob", "exposure", "begin", *of)
    for _ in range(2):
        line.must(*view)
    enough = line(*view)
    assert (enough.code, "2 views of this material are enough" in enough.err) == (4, True)

    # The count is of the log: it survives whatever becomes of the database.
    line.must("rebuild")
    assert line.must("--operator", "bob", "exposure", "show", *of, "--json").row["views"] == 2
    line.must("--operator", "bob", "exposure", "end", *of)
    line.intact()

    # A supervisor sees sums, and what waits.
    line.must("case", "role", "alice", *of, "--add", "supervisor")
    line.must("exhibit", "seize", *of, "--what", "phone", "--where", "P")
    line.must("exhibit", "hand", "AL/2", *of, "--to", "bob", "--reason", "R")
    line.must("privilege", "set", "AL/1", *of, "--reason", "R")
    seen = line.must("oversight", "--json").row
    (case,) = seen["cases"]
    assert (case["items"], case["unexamined"], case["undecided"]) == (1, 1, 1)
    assert case["handovers"] == ["AL/2: alice to bob"]
    assert [(one["name"], one["views"]) for one in seen["looked"]] == [("bob", 2)]
    assert item not in json.dumps(seen)
    assert line.must("--operator", "bob", "oversight", "--json").row["cases"] == []

    # An auditor sees who did what, and nothing of what it says.
    assert line("--operator", "bob", "audit").code == 4
    line.must("operator", "role", "bob", "--add", "auditor")
    line("search", *of, "harbour")
    audited = line.must("--operator", "bob", "audit", "--json").row
    assert [(r["by"], r["act"], r["times"]) for r in audited["reads"]] == [("bob", "view", 2)]
    assert {one["act"] for one in audited["denials"]} == {"audit", "view"}
    assert not any(word in json.dumps(audited) for word in ("harbour", "bad.txt", item))
    assert line.entries()[-1]["act"] == "audit"
    only = line.must("--operator", "bob", "audit", "--by", "alice", "--json").row
    assert (only["people"], only["reads"]) == (1, [])
    later = clock.now() + 86_400_000_000
    monkeypatch.setattr(clock, "now", lambda: later)
    line.must("--operator", "bob", "exposure", "begin", *of)
