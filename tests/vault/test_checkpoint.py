"""Checkpoints: three lines that a log stakes its name on."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import IntegrityError
from holdfast.vault.checkpoint import Checkpoint

ROOT = base64.b64encode(bytes(range(32))).decode()
ORIGINS = st.text(st.characters(categories=["L", "N", "P"]), min_size=1)


@given(ORIGINS, st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read_again(origin: str, size: int, root: bytes) -> None:
    head = Checkpoint(origin, size, root)
    assert Checkpoint.parse(head.text()) == head


def test_has_the_three_lines_of_the_specification() -> None:
    """C2SP tlog-checkpoint, "Note text": origin; "the ASCII decimal representation of the number of
    leaves in the tree, with no leading zeroes"; "the base64 encoding of the root".
    """
    assert Checkpoint("example.com/log42", 15368405, bytes(range(32))).text() == (
        f"example.com/log42\n15368405\n{ROOT}\n"
    )


def test_extension_lines_are_ignored() -> None:
    """C2SP tlog-checkpoint: "Any following lines are **extension lines**, opaque and OPTIONAL." """
    head = Checkpoint.parse(f"o\n0\n{ROOT}\nextension\nmore 1\n")
    assert head == Checkpoint("o", 0, bytes(range(32)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "o\n",
        "o\n1\n",
        f"\n1\n{ROOT}\n",
        f"o\n01\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n1_0\n{ROOT}\n",
        f"o\n 1\n{ROOT}\n",
        f"o\n1.0\n{ROOT}\n",
        f"o\n\n{ROOT}\n",
        f"o\n٣\n{ROOT}\n",
        f"o\n{'9' * 5000}\n{ROOT}\n",
        f"o\n1\n{ROOT[:-4]}\n",
        f"o\n1\n{ROOT[:-1]}\n",
        f"o\n1\n{ROOT} \n",
        f"o\n1\n{ROOT}\n\nafter an empty line\n",
        f"o\n1\n{ROOT}",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    """C2SP tlog-checkpoint: "at least three non-empty lines", "no leading zeroes", "Extension
    lines, if any, MUST be non-empty."
    """
    with pytest.raises(IntegrityError, match="checkpoint is malformed"):
        Checkpoint.parse(text)
