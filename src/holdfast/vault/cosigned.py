"""`log/cosigned/<size>`: the checkpoints that witnesses cosigned, with their cosignatures."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from holdfast.core import durable
from holdfast.core.errors import IntegrityError
from holdfast.vault import note
from holdfast.vault.cosignature import Cosigner, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from holdfast.vault.note import Signature

LOOK_BACK = 64
"""Files that `newest` reads at most."""


class Cosigned:
    """The cosigned checkpoints of one log, under its `log/`."""

    def __init__(self, log: Path) -> None:
        self.path = log / "cosigned"

    def file(self, size: int) -> Path:
        """Return where the cosigned checkpoint of that size lies."""
        return self.path / f"{size:016d}"

    def sizes(self) -> list[int]:
        """Return the sizes at which there is one, ascending."""
        try:
            names = [one.name for one in self.path.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if len(name) == 16 and name.isdecimal())

    def add(self, size: int, signed: str, cosignatures: Iterable[Signature]) -> None:
        """Add cosignatures to the checkpoint of that size, `signed` by the log.

        One that is there already stays: the earlier time is worth more.

        Raises:
            IntegrityError: the file that is there is no signed note.
        """
        self.path.mkdir(exist_ok=True)
        with self._locked():
            path = self.file(size)
            present = path.read_bytes().decode() if path.exists() else signed
            _, lines = note.split(present)
            have = {(one.name, one.key_id) for one in lines}
            new = [one for one in cosignatures if (one.name, one.key_id) not in have]
            if new:
                text = present + "".join(f"{one}\n" for one in new)
                durable.replace(path, text.encode())

    def newest(self, keys: Iterable[Cosigner]) -> dict[Cosigner, tuple[int, int]]:
        """Return the largest size that each key cosigned, and when (seconds since 1970).

        Only the newest files are read: a witness says itself what it signed last (409). Those
        that can't be read count for nothing here; `verify` names them.
        """
        wanted, found = set(keys), dict[Cosigner, tuple[int, int]]()
        for size in self.sizes()[: -LOOK_BACK - 1 : -1]:
            if not wanted:
                break
            try:
                text, signatures = note.split(self.file(size).read_bytes().decode())
            except (OSError, ValueError, IntegrityError):
                continue
            for one in judge(text, signatures, wanted):
                if isinstance(one.key, Cosigner) and one.time:
                    found.setdefault(one.key, (size, one.time))
            wanted -= found.keys()
        return found

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
