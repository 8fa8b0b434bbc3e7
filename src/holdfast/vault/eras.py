"""Which key of the log signs which checkpoint: a log has one era after the other.

An era ends at a size: checkpoints up to it are signed by its key, larger ones by the next era's.
What ends it, and why, is an entry of the log (`log.key`); docs/formats/custody.md, "The log's key".
The tree goes on through all eras; the origin changes only where a log is continued as another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from holdfast.vault.cosignature import Cosigner
from holdfast.vault.note import Verifier

if TYPE_CHECKING:
    from holdfast.vault.cosignature import CosignerKey, Key
    from holdfast.vault.note import Signer

ROTATED, STOLEN, LOST, CONTINUED = "rotated", "stolen", "lost", "continued"
WHY = (ROTATED, STOLEN, LOST, CONTINUED)
"""Why an era ended. Only a rotation is announced under the old key."""
ACT = "log.key"
"""The entry that says so; its field `era` is what programs read, `change` what people read."""


@dataclass(frozen=True)
class Era:
    """One key of the log, and up to where it signs."""

    verifier: Verifier
    second: Cosigner | None = None
    """The log's ML-DSA-44 key of that time."""
    until: int | None = None
    """The largest size of which it signed a checkpoint; None: it signs now."""
    why: str = ""
    """Why it ended, one of `WHY`."""

    @classmethod
    def parse(cls, log: str, second: str, until: int | None = None, why: str = "") -> Era:
        """Read an era from its vkeys; `second` may be empty.

        Raises:
            InputError: one is no vkey of its kind.
        """
        other = Cosigner.parse(second) if second else None
        return cls(Verifier.parse(log), other, until, why)

    @property
    def origin(self) -> str:
        """The log's origin in that era."""
        return self.verifier.name

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys that sign each checkpoint."""
        return (self.verifier,) if self.second is None else (self.verifier, self.second)


@dataclass(frozen=True)
class Eras:
    """The eras of one log, oldest first; the last one has no end."""

    all: tuple[Era, ...]

    @property
    def first(self) -> Era:
        """The era in which the vault was made; its key is what the vault is known by."""
        return self.all[0]

    @property
    def present(self) -> Era:
        """The one that signs now."""
        return self.all[-1]

    def at(self, size: int) -> Era:
        """Return the era that signs the checkpoint of `size` entries."""
        return next(era for era in self.all if era.until is None or size <= era.until)

    def of_entry(self, index: int) -> Era:
        """Return the era in which entry `index` was made: that of the first size that has it."""
        return self.at(index + 1)

    def before(self, size: int) -> tuple[Era, ...]:
        """Return the eras that had ended when the checkpoint of `size` was signed."""
        return self.all[: self.all.index(self.at(size))]


Signers = tuple["Signer | None", "CosignerKey | None"]
"""The private halves of an era's keys; None where they are not here, or there is none."""


class LogKeys(Protocol):
    """Where a log gets its keys from: asked each time, since they change while it is open."""

    def eras(self) -> Eras:
        """Return the eras as they are now."""

    def signers(self, era: Era) -> Signers:
        """Return what signs in that era."""


@dataclass(frozen=True)
class OneKey:
    """The keys of a log that has only ever had one."""

    verifier: Verifier
    signer: Signer | None = None

    def eras(self) -> Eras:
        """Return the one era."""
        return Eras((Era(self.verifier),))

    def signers(self, _era: Era) -> Signers:
        """Return the one key."""
        return self.signer, None


@dataclass(frozen=True)
class PublicKeys:
    """A log's public keys alone: for whoever only reads it."""

    known: Eras

    def eras(self) -> Eras:
        """Return the eras given."""
        return self.known

    def signers(self, _era: Era) -> Signers:
        """Return nothing: nothing is signed."""
        return None, None
