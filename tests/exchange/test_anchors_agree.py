"""The two readers of policies agree wherever both take a file: docs/decisions/0041."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from holdfast.exchange.check.anchors import Anchors
from holdfast.exchange.check.finding import Finding
from holdfast.vault.note import Signer
from holdfast.vault.policy import Policy
from tests.exchange.outsiders import Witness
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    import pytest

LOG = str(Signer("log.example/1", fixed_key(1)).verifier)
WITNESSES = [Witness(f"w{n}.example", fixed_key(n + 10)) for n in range(5)]


@st.composite
def policies(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A policy of up to five witnesses and three groups, and the names in it."""
    names = [f"w{n}" for n in range(draw(st.integers(1, 5)))]
    lines = [f"log {LOG}"]
    lines += [f"witness {name} {WITNESSES[n].vkey}" for n, name in enumerate(names)]
    free, defined = list(names), list(names)
    for n in range(draw(st.integers(0, 3))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True)) if free else []
        if not members:
            break
        needed = draw(st.sampled_from(["any", "all", *map(str, range(1, len(members) + 1))]))
        lines.append(f"group g{n} {needed} {' '.join(members)}")
        free = [one for one in free if one not in members] + [f"g{n}"]
        defined.append(f"g{n}")
    lines.append(f"quorum {draw(st.sampled_from([*defined, 'none']))}")
    return "\n".join([*lines, ""]), names


@given(policies(), st.data())
def test_who_meets_the_quorum_of_one_meets_that_of_the_other(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[str, list[str]], data: st.DataObject
) -> None:
    text, names = made
    signed = set(data.draw(st.lists(st.sampled_from(names), unique=True)))
    policy = Policy.parse(text.encode())
    path = tmp_path_factory.getbasetemp() / "anchors"
    path.write_text(text)
    finding = Finding()
    anchors = Anchors.load(path, finding)
    assert finding.problems == []
    met = anchors.met({name.encode() for name in signed})
    assert anchors.quorum is not None
    assert policy.met(signed) == (anchors.quorum == b"none" or anchors.quorum in met)
