"""tlog-policy, rule by rule, and its groups against a plain reading of what they mean."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import InputError
from holdfast.vault.cosignature import CosignerKey
from holdfast.vault.note import Signer
from holdfast.vault.policy import Policy
from tests.vault.keys import fixed_key

LOG = str(Signer("log.example/1", fixed_key(1)).verifier)


@cache
def vkey(number: int, name: str = "w.example") -> str:
    return str(CosignerKey(f"{name}/{number}", fixed_key(10 + number)).cosigner)


EXAMPLE = f"""\
log {LOG}

witness X1 {vkey(1)}
witness X2 {vkey(2)} https://x2.example/
 \twitness\tX3  {vkey(3)}\t
group X-witnesses 2 X1 X2 X3

witness Y1 {vkey(4)}
witness Y2 {vkey(5)}
witness Y3 {vkey(6)}
group Y-witnesses any Y1 Y2 Y3
  # a comment
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_specifications_example() -> None:
    """C2SP tlog-policy: "it is required that there are valid cosignatures from at least two of the
    `X-witnesses`, and from at least one of the `Y-witnesses`".
    """
    policy = Policy.parse(EXAMPLE.encode())
    assert [one.name for one in policy.witnesses] == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert policy.witnesses[1].url == "https://x2.example/"
    assert str(policy.logs[0].key) == LOG
    for enough in ({"X1", "X2", "Y1"}, {"X1", "X3", "Y3", "Y2"}, {"X1", "X2", "X3", "Y1"}):
        assert policy.met(enough)
        assert policy.met({*enough, "stranger"})
    for little in (set(), {"X1", "X2"}, {"X1", "Y1", "Y2", "Y3"}, {"X-and-Y"}, {"X-witnesses"}):
        assert not policy.met(little)


def test_quorum_none_and_a_single_witness() -> None:
    """ "To not require any cosignatures at all, one can use the predefined name `none`"."""
    assert Policy.parse(b"quorum none\n").met(set())
    one = Policy.parse(f"witness A {vkey(1)}\nquorum A\n".encode())
    assert one.met({"A"})
    assert not one.met({"B"})
    open_ended = Policy.parse(f"log {LOG}\n".encode(), need_quorum=False)
    assert open_ended.quorum is None
    assert not open_ended.met({"A"})


A, B = f"witness A {vkey(1)}\n", f"witness B {vkey(2)}\n"
WRONG = {
    "no quorum": f"log {LOG}\n",
    "two quorums": "quorum none\nquorum none\n",
    "a name not defined": "quorum A\n",
    "a name defined later": f"quorum A\n{A}",
    "a group before its member": f"group g any A\n{A}quorum g\n",
    "a group of itself": "group g any g\nquorum g\n",
    "an empty group": f"{A}group g all\nquorum g\n",
    "none as a member": f"{A}group g any A none\nquorum g\n",
    "a witness called none": f"witness none {vkey(1)}\nquorum none\n",
    "a group called none": f"{A}group none any A\nquorum none\n",
    "a member twice": f"{A}group g any A A\nquorum g\n",
    "a member of two groups": f"{A}{B}group g any A\ngroup h any A B\nquorum h\n",
    "k is 0": f"{A}group g 0 A\nquorum g\n",
    "k is more than n": f"{A}group g 2 A\nquorum g\n",
    "k with a zero before it": f"{A}group g 01 A\nquorum g\n",
    "k with a sign": f"{A}group g +1 A\nquorum g\n",
    "k of other digits": f"{A}group g \u0661 A\nquorum g\n",
    "a huge k": f"{A}group g {'9' * 5000} A\nquorum g\n",
    "one name for two": f"{A}witness A {vkey(2)}\nquorum A\n",
    "one name for a witness and a group": f"{A}group A any A\nquorum A\n",
    "one key twice": f"{A}witness B {vkey(1)}\nquorum A\n",
    "one key under two names": f"{A}witness B {vkey(1, 'other.example')}\nquorum A\n",
    "one log twice": f"log {LOG}\nlog {LOG}\nquorum none\n",
    "a log's key for a witness": f"witness A {LOG}\nquorum A\n",
    "a witness's key for a log": f"log {vkey(1)}\nquorum none\n",
    "a damaged key": f"log {LOG[:-4]}\nquorum none\n",
    "a word too many": f"log {LOG} https://x.example/ more\nquorum none\n",
    "a word too few": "witness A\nquorum none\n",
    "two words of quorum": f"{A}{B}quorum A B\n",
    "another line": "trust me\nquorum none\n",
    "capitals": "Quorum none\n",
    "a carriage return": "quorum none\r\n",
    "a NUL": "quorum none\0\n",
    "a DEL": "# \x7f\nquorum none\n",
    "a form feed": "quorum\x0cnone\n",
    "no newline at the end": "quorum none",
    "a space that is none": f"witness\u00a0A {vkey(1)}\nquorum none\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_breaks_a_rule_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"policy"):
        Policy.parse(text.encode())


def test_names_are_octets() -> None:
    """ "the name 0x4B (ASCII "K") is different from the name 0xE2 0x84 0xAA (a Kelvin sign…)"."""
    text = f"witness K {vkey(1)}\nwitness \u212a {vkey(2)}\nquorum \u212a\n".encode()
    assert not Policy.parse(text).met({"K"})
    assert Policy.parse(text).met({"\u212a"})
    latin = b"witness \xff " + vkey(1).encode() + b"\n# \x80\xfe\nquorum \xff\n"
    (witness,) = Policy.parse(latin).witnesses
    assert Policy.parse(latin).met({witness.name})


def test_32_of_each_are_taken() -> None:
    """ "that an implementation supports at least up to 32 logs, 32 witnesses, and 32 groups"."""
    lines = [f"log {Signer(f'l/{n}', fixed_key(n)).verifier}" for n in range(1, 33)]
    lines += [f"witness w{n} {vkey(n)}" for n in range(32)]
    lines += [f"group g{n} any w{n}" for n in range(31)]
    lines += ["group all all " + " ".join(f"g{n}" for n in range(31)), "quorum all", ""]
    policy = Policy.parse("\n".join(lines).encode())
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (32, 32, 32)
    assert policy.met({f"w{n}" for n in range(31)})
    assert not policy.met({f"w{n}" for n in range(30)})


def test_what_is_said_names_the_line() -> None:
    with pytest.raises(InputError, match="line 3 of the policy"):
        Policy.parse(b"# one\n\nnonsense\nquorum none\n")


@st.composite
def policies(draw: st.DrawFn) -> tuple[str, dict[str, tuple[int, list[str]]], list[str], str]:
    """A policy's text, and what it means: groups as (k, members), witnesses, quorum."""
    witnesses = [f"w{n}" for n in range(draw(st.integers(1, 7)))]
    free, groups = list(witnesses), {}
    lines = [f"witness {name} {vkey(n)}" for n, name in enumerate(witnesses)]
    for number in range(draw(st.integers(0, 4))):
        members = draw(st.lists(st.sampled_from(free), unique=True, min_size=1)) if free else []
        if not members:
            break
        needed = draw(st.integers(1, len(members)))
        shown = [*{1: ["any"], len(members): ["all"]}.get(needed, []), str(needed)]
        name = f"g{number}"
        lines.append(f"group {name} {draw(st.sampled_from(shown))} {' '.join(members)}")
        groups[name] = (needed, members)
        free = [one for one in free if one not in members] + [name]
    quorum = draw(st.sampled_from([*witnesses, *groups, "none"]))
    return "\n".join([*lines, f"quorum {quorum}", ""]), groups, witnesses, quorum


@given(policies(), st.data())
def test_a_policy_is_met_when_its_words_say_so(
    made: tuple[str, dict[str, tuple[int, list[str]]], list[str], str], data: st.DataObject
) -> None:
    """ "the group is considered to witness a checkpoint if and only if at least k of its n members
    have witnessed that checkpoint".
    """
    text, groups, witnesses, quorum = made
    policy = Policy.parse(text.encode())
    signed = data.draw(st.sets(st.sampled_from(witnesses)))

    def said(name: str) -> bool:
        if name in groups:
            needed, members = groups[name]
            return len([one for one in members if said(one)]) >= needed
        return name in signed

    assert policy.met(signed) == (quorum == "none" or said(quorum))
    # More signatures never make a quorum less.
    if policy.met(signed):
        assert policy.met(signed | data.draw(st.sets(st.sampled_from(witnesses))))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_policy_or_a_line_that_says_why_not(data: bytes) -> None:
    with suppress(InputError):
        Policy.parse(data)
