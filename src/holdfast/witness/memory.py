"""What a monitor remembers between two looks: `state.json`, and the notes that alarms are about."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.core import durable
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError, IntegrityError
from holdfast.vault import note
from holdfast.vault.checkpoint import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class LogMemory:
    """What was seen of one log."""

    note: str = ""
    """The largest checkpoint, as its signed note."""
    sizes: dict[str, int] = field(default_factory=dict)
    """The last size at each place that serves the log."""
    signed: dict[str, int] = field(default_factory=dict)
    """The largest size that each witness signed, by vkey."""
    scanned: int = -1
    """Up to where its leaves were looked through; what was there at the first look is no news."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Since when each witness has been behind, in microseconds."""

    @property
    def largest(self) -> Checkpoint | None:
        """The largest checkpoint that was seen and found right."""
        return Checkpoint.parse(note.split(self.note)[0]) if self.note else None

    def keep(self, text: str, checkpoint: Checkpoint) -> None:
        """Remember a checkpoint unless a larger one is known."""
        if self.largest is None or self.largest.size <= checkpoint.size:
            self.note = text

    def behind(self, vkey: str, now: int, signed: int, size: int) -> int:
        """Return for how many microseconds a witness has been behind the log; 0 where it is not."""
        before = self.signed.get(vkey, 0)
        self.signed[vkey] = max(before, signed)
        if self.signed[vkey] >= size or self.signed[vkey] > before:
            self.waiting.pop(vkey, None)
        if self.signed[vkey] >= size:
            return 0
        return now - self.waiting.setdefault(vkey, now)


@dataclass
class Memory:
    """What was seen of all logs, and of all places."""

    logs: dict[str, LogMemory] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    """Since when a place has not answered, in microseconds."""

    def log(self, origin: str) -> LogMemory:
        """Return what was seen of one log."""
        return self.logs.setdefault(origin, LogMemory())

    def away(self, place: str, now: int, *, is_away: bool) -> int:
        """Return for how many microseconds a place has not answered; 0 where it just did."""
        if not is_away:
            self.gone.pop(place, None)
            return 0
        return now - self.gone.setdefault(place, now)

    @classmethod
    def load(cls, folder: Path) -> Memory:
        """Read the memory in `folder`; an empty one where there is none yet.

        Raises:
            InputError: it is damaged.
        """
        path = folder / "state.json"
        try:
            facts: dict[str, Any] = json.loads(path.read_bytes())
            logs = {origin: LogMemory(**one) for origin, one in facts["logs"].items()}
            for one in logs.values():
                _ = one.largest
            return cls(logs, {str(k): int(v) for k, v in facts["gone"].items()})
        except FileNotFoundError:
            return cls()
        except (ValueError, TypeError, KeyError, AttributeError, IntegrityError):
            raise InputError(
                f"{path} is damaged", "keep it, and give --state another folder to begin anew"
            ) from None

    def save(self, folder: Path) -> None:
        """Keep the memory in `folder`."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True)
        durable.replace(folder / "state.json", text.encode(), 0o600)


def keep_evidence(folder: Path, notes: list[str]) -> list[Path]:
    """Keep the signed notes that an alarm is about: they prove it to anybody."""
    place = folder / "evidence"
    place.mkdir(exist_ok=True)
    kept = []
    for text in dict.fromkeys(notes):
        data = text.encode("utf-8", "replace")
        path = place / f"{sha256_hex(data)[:32]}.note"
        durable.create(path, data)
        kept.append(path)
    return kept
