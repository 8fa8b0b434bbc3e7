"""`holdfast.toml`: what is written is read, whatever the names; what is damaged is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import InputError
from holdfast.vault.config import DEMANDS, NAME, Config
from holdfast.vault.note import Signer
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    from collections.abc import Callable

VKEY = str(Signer("unit7.example/log", fixed_key(1)).verifier)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.booleans(), TEXTS, TEXTS, st.lists(st.sampled_from(DEMANDS), unique=True))
def test_what_is_saved_is_loaded_again(
    tmp_path_factory: pytest.TempPathFactory,
    sealed: bool,
    database: str,
    keys: str,
    require: list[str],
) -> None:
    """JSON's strings are TOML's basic strings: control characters, quotes and all."""
    root = tmp_path_factory.mktemp("vault")
    config = Config(VKEY, sealed, database, keys, tuple(require))
    assert config.save(root)
    assert Config.load(root) == config
    assert not config.save(root), "settings are fixed at `init`"


def test_database_and_keyring_lie_in_the_vault_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(VKEY, False, "", "", ())
    assert config.database_url(tmp_path) == f"sqlite:///{tmp_path}/holdfast.db"
    assert config.keyring(tmp_path) == tmp_path / "keys"
    chosen = Config(VKEY, False, "postgresql://db/unit", "/media/keys", ())
    assert chosen.database_url(tmp_path) == "postgresql://db/unit"
    assert chosen.keyring(tmp_path) == Path("/media/keys")
    monkeypatch.setenv("HOLDFAST_DATABASE", "sqlite:////elsewhere.db")
    monkeypatch.setenv("HOLDFAST_KEYS", "/run/keys")
    assert chosen.database_url(tmp_path) == "sqlite:////elsewhere.db"
    assert chosen.keyring(tmp_path) == Path("/run/keys")


def test_a_relative_vault_finds_its_database_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = Config(VKEY, False, "", "", ()).database_url(Path("unit"))
    assert url == f"sqlite:///{tmp_path}/unit/holdfast.db"


@pytest.mark.parametrize("where", ["nowhere", "empty", "file"])
def test_where_there_is_no_vault_it_says_so_and_how_to_make_one(where: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"there is no vault at .*{where}; make one with `holdfas"):
        Config.load(tmp_path / where)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text + "= 1",
        lambda text: text.replace("sealed = false\n", ""),
        lambda text: text.replace("require = []", "require = 7"),
        lambda text: text.replace("require = []", 'require = "signed"'),
        lambda text: text.replace("require = []", "require = [1]"),
        lambda text: text.replace("sealed = false", 'sealed = "no"'),
        lambda text: text.replace('keys = ""', "keys = 1"),
        lambda text: text + "\udcff",
    ],
)
def test_damaged_settings_are_named(change: Callable[[str], str], tmp_path: Path) -> None:
    Config(VKEY, False, "", "", ()).save(tmp_path)
    path = tmp_path / NAME
    path.write_text(change(path.read_text()), "utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=f"{path} is damaged: .*; restore it from a backup"):
        Config.load(tmp_path)


def test_a_key_that_is_none_and_a_version_to_come_are_refused(tmp_path: Path) -> None:
    Config(VKEY, False, "", "", ()).save(tmp_path)
    path = tmp_path / NAME
    text = path.read_text()
    path.write_text(text.replace("unit7", "unit8"))
    with pytest.raises(InputError, match="is not an Ed25519 verifier key"):
        Config.load(tmp_path)
    path.write_text(text.replace("version = 1", "version = 2"))
    with pytest.raises(InputError, match="is of version 2; update Holdfast"):
        Config.load(tmp_path)
