"""Canonical JSON against an implementation of RFC 8785 that is not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.core import canonical

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

LARGEST = 2**53 - 1

NAMES = st.text(st.characters(max_codepoint=127), max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
@example({"\x00": "\x00\x08\t\n\x0b\x0c\r\x1f\x7f", '"': '"\\/', "": "\u2028é\U0001f600"})
@example([LARGEST, -LARGEST, 0, -0, True, None, {}, []])
def test_gives_the_bytes_that_another_implementation_gives(value: Json) -> None:
    """RFC 8785, 3.2: the output is the same for every implementation, byte for byte."""
    assert canonical.dumps(value) == rfc8785.dumps(cast("None", value))


@given(VALUES)
def test_the_quick_way_gives_the_same_bytes(value: Json) -> None:
    assert canonical.encode(value) == canonical.dumps(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), "\ud800", ["a\udfff"], b"bytes", {1}, {1: 2}])
def test_the_quick_way_refuses_what_would_not_be_read_back(value: object) -> None:
    with pytest.raises(ValueError, match="no canonical JSON"):
        canonical.encode(cast("Json", value))


@given(VALUES)
def test_what_is_written_is_read_again(value: Json) -> None:
    assert canonical.loads(canonical.dumps(value)) == value


def test_names_are_sorted_and_no_space_is_written() -> None:
    """RFC 8785, 3.2.1: "Whitespace between JSON tokens MUST NOT be emitted."

    3.2.3: properties are sorted by the UTF-16 code units of their names.
    """
    assert canonical.dumps({"b": [1, 2], "": 0, "a": {"z": 1, "Z": 2}}) == (
        b'{"":0,"a":{"Z":2,"z":1},"b":[1,2]}'
    )


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        [0.5],
        {"a": 2**53},
        -(2**53),
        10**40,
        {"é": 1},
        {1: "a"},
        "\ud800",
        ["a\udfff"],
        b"bytes",
        (1, 2),
        {"set": {1}},
        pytest.param(object(), id="object"),
    ],
    ids=repr,
)
def test_what_is_outside_the_subset_is_refused_not_approximated(value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|name"):
        canonical.dumps(cast("Json", value))


def test_a_subclass_that_could_print_otherwise_is_refused() -> None:
    class Loud(str):
        __slots__ = ()

    with pytest.raises(ValueError, match="holds no Loud"):
        canonical.dumps([Loud("a")])


@pytest.mark.parametrize("depth", [300, 100_000])
def test_nesting_beyond_what_readers_hold_is_refused(depth: int) -> None:
    value: Json = []
    for _ in range(depth):
        value = [value]
    with pytest.raises(ValueError, match="JSON"):
        canonical.dumps(value)
    flat = cast("list[Json]", value)
    while flat:  # taken apart by hand: dropping it whole would recurse
        flat = cast("list[Json]", flat.pop())


@pytest.mark.parametrize(
    "written",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b"[1.0]",
        b"[1e2]",
        b'["\\u0041"]',
        b'["\\/"]',
        b'{"a":1,"a":1}',
        b"[1]\n",
        b" [1]",
        b"[-0]",
        b"[9007199254740992]",
        b"{",
        b"",
        b"\xff",
    ],
)
def test_json_written_in_another_way_is_not_read_as_canonical(written: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|expected|surrogates|EOF|unexpected|trailing|zero"):
        canonical.loads(written)
