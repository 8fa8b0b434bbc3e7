"""What one examination may cost: every limit that, when met, is a recorded failure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from holdfast.core.canonical import Json


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on one item; they are part of every result's key, since they can change it."""

    depth: int = 8
    """Containers inside containers: an item's own members are at depth 1."""
    members: int = 1_000_000
    """Files in one item, the item itself not counted."""
    bytes: int = 64 << 30
    """Bytes unfolded from one item, all its members together."""
    seconds: int = 300
    """Wall-clock time for one module on one file; for an opener, from one member to the next."""
    cpu_seconds: int = 300
    """Processor time for the same."""
    memory: int = 2 << 30
    """Address space of a worker, bytes."""
    output: int = 8 << 30
    """Bytes of any single file a worker writes: a spooled member, a copy, a dataset."""
    deaths: int = 64
    """Workers that one module may cost in one item before it is kept from the rest of it."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise InputError(f"the limit {name} is {value}", "give a number of at least 1")

    def to_json(self) -> Json:
        """Return the limits as they stand in keys and results."""
        return dict(asdict(self))

    @classmethod
    def from_json(cls, value: Json) -> Limits:
        """Read what `to_json` wrote."""
        if not isinstance(value, dict):
            raise InputError("limits are an object")
        return cls(**{name: int(str(number)) for name, number in value.items()})
