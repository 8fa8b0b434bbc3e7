"""Private keys in files: who may read them, and what opens them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import private
from holdfast.vault.keys import Keyring, own_signer

if TYPE_CHECKING:
    from collections.abc import Iterator

PHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    private.passphrase.cache_clear()
    yield
    private.passphrase.cache_clear()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key as openssl makes it, without a passphrase."""
    return made(tmp_path / "bob.key")


def made(path: Path, *options: str) -> Path:
    """Make a key with stock tools: what the how-to says."""
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", *options, "-out", str(path)], check=True
    )
    path.chmod(0o600)
    return path


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A key with a passphrase."""
    return made(tmp_path / "locked.key", "-aes256", "-pass", f"pass:{PHRASE}")


def test_a_key_that_openssl_made_signs(key: Path) -> None:
    signer = own_signer(str(key), "bob")
    assert signer.verifier.verifies(b"x", signer.private.sign(b"x"))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o602])
def test_a_key_that_others_can_read_or_write_is_refused(key: Path, mode: int) -> None:
    key.chmod(mode)
    with pytest.raises(DeniedError, match=f"is open to other accounts .mode {mode:04o}"):
        own_signer(str(key), "bob")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_of_another_account_is_refused(key: Path) -> None:
    os.chown(key, 12345, -1)
    with pytest.raises(DeniedError, match=r"belongs to another account .uid 12345"):
        own_signer(str(key), "bob")


def test_the_vaults_own_keys_may_be_read_by_the_group_and_nobody_else(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys")
    verifier = keyring.create("unit7.example/log").verifier
    for name in ("log.key", "vault.tag"):
        (keyring.root / name).chmod(0o640)
    assert keyring.log_signer(verifier) is not None
    assert len(keyring.chain(None)) == 32
    for mode in (0o644, 0o660):
        for name in ("log.key", "vault.tag"):
            (keyring.root / name).chmod(mode)
        with pytest.raises(DeniedError, match="open to other accounts"):
            keyring.log_signer(verifier)
        with pytest.raises(DeniedError, match="open to other accounts"):
            keyring.chain(None)


def test_a_passphrase_comes_from_the_file_that_a_variable_names(
    locked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text(f"{PHRASE}\n")
    monkeypatch.setenv(private.OPERATOR, str(phrase))
    assert own_signer(str(locked), "bob").private.sign(b"x")


def test_a_passphrase_comes_through_a_descriptor(
    locked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.write(writer, PHRASE.encode())
    os.close(writer)
    monkeypatch.setenv(private.OPERATOR, f"/dev/fd/{reader}")
    assert own_signer(str(locked), "bob").private.sign(b"x")
    assert own_signer(str(locked), "bob").private.sign(b"x"), "a pipe is read once, and kept"
    os.close(reader)


def test_a_wrong_passphrase_or_none_is_told(
    locked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, Path(os.devnull).open() as nobody:
        patch.setattr("sys.stdin", nobody)
        with pytest.raises(DeniedError, match="there is no terminal to ask on"):
            own_signer(str(locked), "bob")
    phrase = tmp_path / "phrase"
    phrase.write_text("another phrase")
    monkeypatch.setenv(private.OPERATOR, str(phrase))
    with pytest.raises(DeniedError, match="the passphrase does not open") as told:
        own_signer(str(locked), "bob")
    assert "another phrase" not in str(told.value)
    private.passphrase.cache_clear()
    monkeypatch.setenv(private.OPERATOR, str(tmp_path / "none"))
    with pytest.raises(InputError, match="can't be read"):
        own_signer(str(locked), "bob")


def test_the_logs_key_may_have_a_passphrase_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = Keyring(tmp_path / "keys")
    before = keyring.create("unit7.example/log").verifier
    path, passout = keyring.root / "log.key", ("-passout", f"pass:{PHRASE}")
    subprocess.run(
        [*f"openssl pkcs8 -topk8 -v2 aes256 -in {path} -out {path}.new".split(), *passout],
        check=True,
    )
    (tmp_path / "phrase").write_text(PHRASE)
    Path(str(path) + ".new").chmod(0o600)
    Path(str(path) + ".new").replace(path)
    monkeypatch.setenv(private.LOG, str(tmp_path / "phrase"))
    signer = keyring.log_signer(before)
    assert signer is not None
    assert signer.verifier == before


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PRIVATE KEY-----\n"])
def test_what_is_no_key_is_told(key: Path, content: str) -> None:
    key.write_text(content)
    with pytest.raises(InputError, match="holds no Ed25519 private key"):
        own_signer(str(key), "bob")
    key.unlink()
    with pytest.raises(InputError, match="can't be read"):
        own_signer(str(key), "bob")
