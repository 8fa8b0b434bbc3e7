"""`holdfast.toml`: what a vault needs to be opened. Settings that matter are in entry 0 as well."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from holdfast.core import durable
from holdfast.core.errors import InputError
from holdfast.vault.cosignature import Cosigner
from holdfast.vault.eras import Era, Eras
from holdfast.vault.note import Verifier

NAME = "holdfast.toml"
T = TypeVar("T")

DEMANDS = ("signed", "witnessed", "timed")
"""What a vault's policy can demand of every verification."""


@dataclass(frozen=True)
class Config:
    """A vault's settings, fixed at `init`."""

    vkey: str
    """The log's verifier key; its name is the log's origin."""
    sealed: bool
    """Objects are age files; otherwise they are the originals."""
    database: str
    """SQLAlchemy URL; empty for `holdfast.db` in the vault's folder."""
    keys: str
    """The keyring's folder; empty for `keys/` in the vault's folder."""
    require: tuple[str, ...]
    """What the policy demands: a subset of `DEMANDS`."""
    second: str = ""
    """The vkey of the log's own ML-DSA-44 signature; empty for a vault without one."""
    store: str = ""
    """Where objects lie (`vault/places.py`); empty: in the vault's folder."""
    former: tuple[Era, ...] = ()
    """The log's keys before `vkey`, oldest first, each with its end."""

    @property
    def eras(self) -> Eras:
        """The log's keys, and up to where each signs."""
        return Eras((*self.former, Era.parse(self.vkey, self.second)))

    def database_url(self, root: Path) -> str:
        """Return the database's URL: HOLDFAST_DATABASE, the setting, or the vault's own SQLite."""
        chosen = os.environ.get("HOLDFAST_DATABASE") or self.database
        return chosen or f"sqlite:///{(root / 'holdfast.db').absolute()}"

    def keyring(self, root: Path) -> Path:
        """Return the keyring's folder: HOLDFAST_KEYS, the setting, or `keys/`."""
        chosen = os.environ.get("HOLDFAST_KEYS") or self.keys
        return Path(chosen) if chosen else root / "keys"

    def save(self, root: Path) -> bool:
        """Write the file; False where there is one already."""
        return durable.create(root / NAME, self.text(), 0o644)

    def move(self, root: Path, store: str) -> Config:
        """Write the file anew with another store, in one step; return the settings."""
        return replace(self.load(root), store=store).put(root)

    def succeed(self, root: Path, until: int, why: str, following: Era) -> Config:
        """Write the file anew with another key of the log, which signs beyond `until` entries."""
        ended = replace(self.eras.present, until=until, why=why)
        second = str(following.second) if following.second else ""
        return replace(
            self.load(root),
            vkey=str(following.verifier),
            second=second,
            former=(*self.former, ended),
        ).put(root)

    def put(self, root: Path) -> Config:
        """Write the file in the place of the one that is there; return the settings."""
        durable.replace(root / NAME, self.text(), 0o644)
        return self

    def text(self) -> bytes:
        """Return the file's bytes."""
        lines = [
            "# A Holdfast vault. Entry 0 of its log binds these settings: a change here is seen.",
            "version = 1",
            f"log = {_toml(self.vkey)}",
            *([f"log_mldsa = {_toml(self.second)}"] if self.second else []),
            f"sealed = {_toml(self.sealed)}",
            f"database = {_toml(self.database)}",
            f"keys = {_toml(self.keys)}",
            f"require = {_toml(list(self.require))}",
        ]
        if self.store:
            lines.append(f"store = {_toml(self.store)}")
        for one in self.former:
            facts = {"log": str(one.verifier), "until": one.until, "why": one.why}
            if one.second is not None:
                facts["log_mldsa"] = str(one.second)
            lines += ["", "[[former]]", *(f"{name} = {_toml(facts[name])}" for name in facts)]
        return "\n".join([*lines, ""]).encode()

    @classmethod
    def load(cls, root: Path) -> Config:
        """Read the settings of the vault at `root`.

        Raises:
            InputError: no vault there, or its settings can't be read.
        """
        path = root / NAME
        try:
            facts = tomllib.loads(path.read_text("utf-8"))
            if facts["version"] != 1:
                raise InputError(f"{path} is of version {facts['version']}", "update Holdfast")
            config = cls(
                vkey=_typed(facts["log"], str),
                sealed=_typed(facts["sealed"], bool),
                database=_typed(facts["database"], str),
                keys=_typed(facts["keys"], str),
                require=tuple(_typed(one, str) for one in _typed(facts["require"], list)),
                second=_typed(facts.get("log_mldsa", ""), str),
                store=_typed(facts.get("store", ""), str),
                former=tuple(
                    Era.parse(
                        _typed(one["log"], str),
                        _typed(one.get("log_mldsa", ""), str),
                        _typed(one["until"], int),
                        _typed(one["why"], str),
                    )
                    for one in facts.get("former", [])
                ),
            )
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(
                f"there is no vault at {root}",
                "make one with `holdfast init --vault DIR`, or name it: --vault or HOLDFAST_VAULT",
            ) from None
        except (PermissionError, IsADirectoryError):
            raise InputError(f"{path} can't be read", "run as the account that owns it") from None
        except (KeyError, TypeError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(
                f"{path} is damaged: {error}", "restore it from a backup of the vault"
            ) from None
        Verifier.parse(config.vkey)
        if config.second:
            Cosigner.parse(config.second)
        return config


def _toml(value: object) -> str:
    """Return a string, boolean or array of strings as TOML: as JSON, but for two characters.

    TOML has no surrogate pairs and takes no bare DEL (toml.io/en/v1.0.0, "String").
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
