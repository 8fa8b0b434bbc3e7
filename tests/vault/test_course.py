"""What the log's entries say of time: any cut gives what looking at all entries gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.vault import entry
from holdfast.vault.course import Course
from holdfast.vault.entry import Entry

KEY = bytes(32)

times = st.integers(0, 59).map(lambda second: f"2026-01-01T00:00:{second:02d}Z")
acts = st.sampled_from(["case.open", "log.stamp.x", "log.renew.x", "items"])


def made(index: int, time: str, act: str) -> Entry:
    sealed = entry.seal({"act": act, "case": None, "time": time}, KEY, index + 1)
    return entry.read(index, sealed.leaf, sealed.body)


@given(
    st.lists(st.tuples(times, acts), min_size=1, max_size=30),
    st.lists(st.integers(0, 30), min_size=1, max_size=6, unique=True),
)
def test_spans_give_what_all_entries_give(
    told: list[tuple[str, str]], given_cuts: list[int]
) -> None:
    cuts = sorted(cut for cut in given_cuts if cut <= len(told)) or [len(told)]
    course = Course(cuts)
    for index, (time, act) in enumerate(told):
        course.hear(made(index, time, act))
    marked = [(time, index) for index, (time, _) in enumerate(told)]
    for cut in cuts:
        assert course.before(cut) == max(marked[:cut], default=None)
        assert course.after(cut) == min(marked[cut:], default=None)
        owed = [one for one in marked[cut:] if not told[one[1]][1].startswith("log.")]
        assert course.owed(cut) == next(iter(owed), None)
    for start, end in zip([0, *cuts], cuts, strict=False):
        if start < end:
            assert course.between(start, end) == min(marked[start:end], default=None)


def test_an_entry_whose_field_was_erased_is_told_and_owed_a_stamp() -> None:
    sealed = entry.seal({"act": "log.stamp", "case": None, "stamps": []}, KEY, 1)
    whole = entry.read(0, sealed.leaf, sealed.body)
    rest = {name: text for name, text in whole.disclosures.items() if name == "act"}
    erased = Entry(0, whole.leaf, whole.commitments, rest, whole.tag, 1)
    course = Course([])
    course.hear(erased)
    assert course.problems == ["entry 0: what it says of time stamps can't be read"]
    nameless = Entry(1, whole.leaf, whole.commitments, {}, whole.tag, 2)
    course.hear(nameless)
    assert course.owed(0) == ("", 1)
