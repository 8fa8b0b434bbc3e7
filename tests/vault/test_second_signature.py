"""The log's own ML-DSA-44 signature: on each checkpoint, bound by entry 0, missed when stripped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from holdfast.acts import keeping, people, vaults
from holdfast.acts.act import Session
from holdfast.core.errors import HoldfastError, InputError, IntegrityError
from holdfast.vault import cosignature, note
from holdfast.vault.cosignature import MLDSA44, Cosigner, CosignerKey
from holdfast.vault.note import Signature
from holdfast.vault.vault import Vault
from holdfast.vault.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.report import Report

pytestmark = pytest.mark.skipif(
    cosignature.new_mldsa("x") is None, reason="this `cryptography` offers no ML-DSA-44"
)


def checked(vault: Vault) -> Report:
    fresh = Vault.open(vault.root)
    try:
        return verify(fresh, 1, lambda _done, _total, _what: None)
    finally:
        fresh.engine.dispose()


def rewrite(vault: Vault, text: str) -> None:
    path = vault.log.path / "checkpoint"
    path.chmod(0o644)
    path.write_text(text)


def test_every_checkpoint_has_both_and_the_second_says_when(vault: Vault) -> None:
    second = Cosigner.parse(vault.config.second)
    assert (second.name, second.kind) == (vault.log.origin, MLDSA44)
    (first,) = vault.log.entries(0, 1)
    assert first.fields["settings"]["log_mldsa"] == str(second)
    people.add_operator(Session(vault, "Alice"), people.NewOperator("dora"))
    text, signatures = note.split((vault.log.path / "checkpoint").read_text())
    ed25519, mldsa = signatures
    assert (ed25519.name, mldsa.name) == (vault.log.origin, vault.log.origin)
    assert second.signed_at(text, mldsa.value)
    assert checked(vault).problems == []
    assert (vault.keyring.root / "log.mldsa").stat().st_mode & 0o777 == 0o600


@pytest.mark.attack("Strips the log's second signature", "`verify`, every command")
def test_a_stripped_one_is_a_failure(vault: Vault) -> None:
    *rest, _last = (vault.log.path / "checkpoint").read_text().splitlines(keepends=True)
    rewrite(vault, "".join(rest))
    (problem,) = checked(vault).problems
    assert "ML-DSA-44 signature on the checkpoint is missing: it was stripped" in problem
    with pytest.raises(IntegrityError, match="stripped"):
        Vault.open(vault.root).log.head()


def test_a_stripped_one_is_a_failure_even_where_the_settings_were_cleaned(vault: Vault) -> None:
    *rest, _last = (vault.log.path / "checkpoint").read_text().splitlines(keepends=True)
    rewrite(vault, "".join(rest))
    path = vault.root / "holdfast.toml"
    path.write_text(re.sub("(?m)^log_mldsa = .*\n", "", path.read_text()))
    (problem,) = checked(vault).problems
    assert "holdfast.toml says log_mldsa = None, entry 0 says" in problem


@pytest.mark.parametrize("how", ["bit", "other key", "other text", "time"])
def test_a_forged_one_is_a_failure(vault: Vault, how: str) -> None:
    text, (first, second) = note.split((vault.log.path / "checkpoint").read_text())
    value = second.value
    if how == "bit":
        value = value[:-1] + bytes([value[-1] ^ 1])
    elif how == "time":
        value = (int.from_bytes(value[:8], "big") - 1).to_bytes(8, "big") + value[8:]
    elif how == "other key":
        other = cosignature.new_mldsa(vault.log.origin)
        assert isinstance(other, CosignerKey)
        value = other.cosign(text, 1_700_000_000).value
    else:
        own = vault.keyring.second_signer(Cosigner.parse(vault.config.second))
        assert own is not None
        value = own.cosign(vault.log.head().text().replace(vault.log.origin, "o"), 1).value
    rewrite(vault, f"{text}\n{first}\n{Signature(second.name, second.key_id, value)}\n")
    (problem,) = checked(vault).problems
    assert "ML-DSA-44 signature on the checkpoint does not verify" in problem


def test_a_vault_from_before_has_none_and_goes_on_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(cosignature, "new_mldsa", lambda _name: None)
        old = vaults.init(vaults.NewVault(tmp_path / "old", "Alice"))
    assert old.vault.config.second == ""
    assert "log_mldsa" not in (old.vault.root / "holdfast.toml").read_text()
    people.add_operator(old, people.NewOperator("bob"))
    assert len(note.split((old.vault.log.path / "checkpoint").read_text())[1]) == 1
    assert checked(old.vault).intact
    old.vault.engine.dispose()


def test_without_its_key_nothing_is_signed_with_half_a_signature(vault: Vault) -> None:
    before = (vault.log.path / "checkpoint").read_text()
    (vault.keyring.root / "log.mldsa").unlink()
    fresh = Vault.open(vault.root)
    with pytest.raises(HoldfastError, match="the log's key is not here"):
        people.add_operator(Session(fresh, "Alice"), people.NewOperator("dora"))
    fresh.engine.dispose()
    assert (vault.log.path / "checkpoint").read_text() == before


def test_a_damaged_key_file_is_named(vault: Vault) -> None:
    path = vault.keyring.root / "log.mldsa"
    for damage in (b"", b"x", (vault.keyring.root / "log.key").read_bytes()):
        path.write_bytes(damage)
        with pytest.raises(InputError, match=r"log.mldsa holds no ML-DSA-44 private key"):
            vault.keyring.second_signer(Cosigner.parse(vault.config.second))


def test_it_survives_backup_and_restore(vault: Vault, tmp_path: Path) -> None:
    session = Session(vault, "Alice")
    keeping.backup(session, keeping.Backup(str(tmp_path / "b"), str(tmp_path / "k")))
    restored = keeping.restore(
        tmp_path / "back", "Alice", source=tmp_path / "b", keys=tmp_path / "k", accept_loss=""
    )
    back = restored.session.vault
    assert back.config.second == vault.config.second
    assert checked(back).intact
    back.engine.dispose()
