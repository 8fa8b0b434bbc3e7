"""The keyring: secrets that only their owner reads, and that a crash can't leave half made."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pyrage
import pytest

from holdfast.core.errors import DeniedError, InputError, ResourceError
from holdfast.vault.keys import Keyring, check_operator

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.note import Verifier


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys")


@pytest.fixture(autouse=True)
def first(keyring: Keyring) -> Verifier:
    return keyring.create("log.example").verifier


def test_every_secret_is_its_owners_alone(keyring: Keyring) -> None:
    keyring.add_operator("Alice")
    keyring.add_case("2026-0001", sealed=True)
    modes = {
        str(one.relative_to(keyring.root)): stat.S_IMODE(one.stat().st_mode)
        for one in keyring.root.rglob("*")
    }
    assert modes == {
        "cases": 0o700,
        "cases/2026-0001.age": 0o600,
        "cases/2026-0001.tag": 0o600,
        "log.key": 0o600,
        "operators": 0o700,
        "operators/Alice.key": 0o600,
        "vault.tag": 0o600,
    }
    assert stat.S_IMODE(keyring.root.stat().st_mode) == 0o700


def test_keys_are_found_again(keyring: Keyring, first: Verifier) -> None:
    made = keyring.add_operator("Jane Doe")
    again = Keyring(keyring.root)
    signer = again.log_signer(first)
    assert signer is not None
    assert signer.verifier.name == "log.example"
    found = again.operator("Jane Doe")
    assert found is not None
    assert found.verifier == made.verifier
    assert found.verifier.name == "Jane_Doe", "a signed note's key name holds no space"
    assert again.add_operator("Jane Doe").verifier == made.verifier
    assert again.operator("bob") is None


def test_each_case_has_secrets_of_its_own(keyring: Keyring) -> None:
    for case in ("2026-0001", "2026-0002"):
        keyring.add_case(case, sealed=True)
    chains = [keyring.chain(case) for case in (None, "2026-0001", "2026-0002")]
    assert len(set(chains)) == 3
    assert {len(chain) for chain in chains} == {32}
    one, two = (keyring.identity(case) for case in ("2026-0001", "2026-0002"))
    assert str(one) != str(two)
    assert pyrage.decrypt(pyrage.encrypt(b"x", [one.to_public()]), [one]) == b"x"


def test_a_plain_cases_items_need_no_key(keyring: Keyring) -> None:
    keyring.add_case("2026-0001", sealed=False)
    assert not (keyring.root / "cases" / "2026-0001.age").exists()


def test_a_case_whose_opening_was_cut_short_keeps_the_secrets_it_was_given(
    keyring: Keyring,
) -> None:
    """Keys are made before the entry that speaks of them: killed in between, or beaten to the
    position, the next try finds them there.
    """
    keyring.add_case("2026-0001", sealed=False)
    chain = keyring.chain("2026-0001")
    keyring.add_case("2026-0001", sealed=True)
    assert keyring.chain("2026-0001") == chain
    identity = str(keyring.identity("2026-0001"))
    keyring.add_case("2026-0001", sealed=True)
    assert str(keyring.identity("2026-0001")) == identity


def test_a_vaults_keys_are_never_made_twice(keyring: Keyring) -> None:
    before = (keyring.root / "vault.tag").read_bytes()
    with pytest.raises(ResourceError, match=r"vault\.tag exists already"):
        keyring.create("log.example")
    assert (keyring.root / "vault.tag").read_bytes() == before


def test_a_key_that_is_not_at_hand_is_named(keyring: Keyring, first: Verifier) -> None:
    with pytest.raises(
        DeniedError, match=r"the tag key cases/x.tag is not in the keyring .*/keys;"
    ):
        keyring.chain("x")
    with pytest.raises(DeniedError, match="the key of case x is not in the keyring"):
        keyring.identity("x")
    (keyring.root / "log.key").unlink()
    assert keyring.log_signer(first) is None


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"\xff\xfe", b"00ff", b"zz" * 32])
def test_a_key_that_was_damaged_is_named(damage: bytes, keyring: Keyring, first: Verifier) -> None:
    keyring.add_case("2026-0001", sealed=True)
    for name in ("log.key", "vault.tag", "cases/2026-0001.age"):
        (keyring.root / name).chmod(0o600)
        (keyring.root / name).write_bytes(damage)
    with pytest.raises(InputError, match=r"log\.key holds no .* key; restore it from its backup"):
        keyring.log_signer(first)
    with pytest.raises(InputError, match=r"vault\.tag holds no .*; restore it from its backup"):
        keyring.chain(None)
    with pytest.raises(InputError, match=r"0001\.age holds no .*; restore it from its backup"):
        keyring.identity("2026-0001")


@pytest.mark.parametrize(
    "name",
    ["alice", "Jane Doe", "O'Brien", "Zoë", "李雷", "a.b", "x" * 64, "unit-7_b@example.org"],
)
def test_names_people_have_are_taken(name: str, keyring: Keyring) -> None:
    assert check_operator(name) == name
    assert keyring.add_operator(name).verifier.name == name.replace(" ", "_")


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " alice",
        "alice ",
        "a  b",
        ".",
        "..",
        ".hidden",
        "../log",
        "a/b",
        "a+b",
        "a\nb",
        "a\tb",
        "a\x00b",
        "a\x1bb",
        "a\x7fb",
        "a\u00a0b",
        "a\u202eb",
        "a\u2028b",
        "caf\udce9",
        "x" * 65,
    ],
)
def test_names_that_could_lie_on_a_terminal_or_leave_the_folder_are_not(name: str) -> None:
    with pytest.raises(InputError, match="can't be an operator's name; use up to 64 letters"):
        check_operator(name)
