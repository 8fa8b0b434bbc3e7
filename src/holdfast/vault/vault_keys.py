"""A vault's log keys, as its folder has them at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.vault.config import NAME, Config

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.eras import Era, Eras, Signers
    from holdfast.vault.keys import Keyring


class VaultKeys:
    """A vault's log keys: `holdfast.toml` names them, the keyring has their private halves."""

    def __init__(self, root: Path, config: Config, keyring: Keyring) -> None:
        self._path = root / NAME
        self._keyring = keyring
        self._known = config.eras
        self._mark: tuple[int, ...] = ()
        self._signers: dict[Era, Signers] = {}

    def _now(self) -> tuple[int, ...]:
        try:
            facts = self._path.stat()
        except FileNotFoundError:
            # `init` writes it last.
            return ()
        return (facts.st_ino, facts.st_mtime_ns, facts.st_size)

    def eras(self) -> Eras:
        """Return the eras; another process may have put the next key in place meanwhile."""
        now = self._now()
        if now != self._mark:
            self._mark = now
            self._known = Config.load(self._path.parent).eras
        return self._known

    def signers(self, era: Era) -> Signers:
        """Return what signs in that era, as far as the keyring has it."""
        if era not in self._signers:
            second = None if era.second is None else self._keyring.second_signer(era.second)
            self._signers[era] = self._keyring.log_signer(era.verifier), second
        return self._signers[era]
