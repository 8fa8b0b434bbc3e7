"""Messages carry names from evidence: none of them may drive the reader's terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import errors
from holdfast.core.errors import HoldfastError, InputError, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name.txt", "plain name.txt"),
        ("Ünïcødé 文件", "Ünïcødé 文件"),
        ("two\nlines", r"two\nlines"),
        ("\x1b[2Jgone\x07", r"\x1b[2Jgone\x07"),
        ("caf\udce9", r"caf\udce9"),
        ("fdp.\u202eexe", r"fdp.\u202eexe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\x9b2J", r"\x9b2J"),
    ],
)
def test_what_a_terminal_would_act_on_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_any_text_becomes_printable_and_encodable(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


def test_an_error_says_what_and_the_remedy_in_one_line() -> None:
    assert str(InputError("x is missing", "give it")) == "x is missing; give it"
    assert str(InputError("x is missing")) == "x is missing"


def test_each_fault_has_an_exit_code_of_its_own() -> None:
    """A script tells by the code whose fault it was; 1 and 2 are Python's and the usage's."""
    tree = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, HoldfastError)
    ]
    codes = [kind.exit_code for kind in tree]
    assert len(set(codes)) == len(codes) == 7
    assert not {0, 1, 2} & set(codes)
    assert len({kind.fault for kind in tree}) == len(tree)
