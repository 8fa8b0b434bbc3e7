"""Issue "workbench": "investigative questions (DFIQ ... plus our own ...; loadable at any time; a
question lists which artefacts answer it and shows what we have)".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.cases import questions
from holdfast.core.errors import InputError
from holdfast.testing import reference

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

OWN = {
    "Phishing", "Business e-mail compromise", "Investment fraud", "Cryptocurrency", "Sextortion",
    "Ransomware",
}  # fmt: skip


def test_our_own_sets_ask_for_what_there_is() -> None:
    found = questions.shipped()
    assert {one.set for one in found} == OWN
    assert len({one.code for one in found}) == len(found)
    coverage = reference.coverage()
    for one in found:
        assert one.answers, one.code
        assert one.name.endswith("?"), one.code
        for each in one.answers:
            sort, _, name = each.partition(":")
            # Each is a record kind, a parser or a finder that the reference page lists.
            assert sort == "indicator" or f"`{name}`" in coverage or f"| {name} |" in coverage, each


def test_dfiq_is_read_as_it_is(corpus: Path) -> None:
    found = questions.load(corpus / "dfiq")
    assert len(found) > 60
    downloads = next(one for one in found if one.code == "Q1001")
    assert downloads.name == "What files were downloaded using a web browser?"
    assert "kind:browser.visit" in {each for one in found for each in one.answers}
    assert "Host Persistence Audit" in {one.set for one in found} | {downloads.set}


def test_a_question_shows_what_the_case_has_of_its_answers(line: Line, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_text(
        "From: a@b.example\nTo: c@d.example\nSubject: PIN\n"
        "Date: Tue, 24 Nov 2026 10:00:00 +0000\n\n"
        "Visit https://pin.example/ or pay DE89370400440532013000\n"
    )
    line.collect(tmp_path / "mail.eml")
    line.must("examine", "--case", line.case, "--jobs", 1)
    of_case = ("--case", line.case)
    asked = line.must(
        "question", "ask", *of_case, "--set", "phish", "--code", "Q0101", "--json"
    ).row
    again = line.must(
        "question", "ask", *of_case, "--set", "phish", "--code", "Q0101", "--json"
    ).row
    assert asked == again, "a set that is loaded again asks nothing twice"
    line.must("question", "ask", *of_case, "--text", "Paid how?", "--answers", "indicator:iban")
    one, two = line.must("question", "material", *of_case, "--json").rows
    assert {each["answer"]: each["count"] for each in one["has"]} == {
        "kind:mail.message": 1, "kind:mail.hop": 0,
        "indicator:url": len(line.must("indicators", *of_case, "--kind", "url").out.splitlines()),
    }  # fmt: skip
    assert two["has"] == [{"answer": "indicator:iban", "count": 1}]
    (entry,) = line.entries("question.material")
    assert entry["result"]["lines"] == 2
    line.must("question", "answer", 1, *of_case, "--answer", "One mail", "--cite", "AL/1:#row=1")
    rows = line.must("question", "list", *of_case, "--json").rows
    assert [row["state"] for row in rows] == ["answered", "open"]
    line.must("question", "answer", 2, *of_case, "--answer", "No records", "--unanswerable")
    line.must("rebuild")
    assert line.must("question", "list", *of_case, "--json").rows[1]["state"] == "unanswerable"
    line.intact()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id: Q1\ntype: question\n", "without an id or a name"),
        ("id: Q1\ntype: question\nname: N\nanswers: [nonsense]\n", "names no artefact"),
        ("id: Q1\ntype: question\nname: N\nanswers: ['kind:<script>']\n", "names no artefact"),
        ("a: &a [x]\nb: [*a, *a]\n", "alias"),
        ("!!python/object/apply:os.system ['true']\n", "no YAML"),
        ("- a list\n", "no list of names"),
        ("{" * 5000, "can't be read|no YAML"),
        ("a: [\n", "no YAML"),
        ("id: S1\ntype: scenario\nname: N\n", "has no questions"),
    ],
)
def test_a_file_that_is_not_in_order_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "set.yaml").write_text(text)
    with pytest.raises(InputError, match=says):
        questions.load(tmp_path)


def test_parents_that_are_their_own_parents_end(tmp_path: Path) -> None:
    (tmp_path / "set.yaml").write_text(
        "id: F1\ntype: facet\nname: F\nparent_ids: [F1, F2]\n---\n"
        "id: F2\ntype: facet\nname: F\nparent_ids: [F1]\n---\n"
        "id: Q1\ntype: question\nname: N\nparent_ids: [F2]\n"
    )
    (one,) = questions.load(tmp_path)
    assert (one.set, one.answers) == ("set", ())
