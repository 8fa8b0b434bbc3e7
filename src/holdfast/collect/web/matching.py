"""One exchange as the wire had it, against the same one as it is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.collect.web.wires import Tunnel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from holdfast.collect.web.exchanges import Exchange
    from holdfast.collect.web.told import Capture, Told
    from holdfast.webarchive.spool import Spool

IDENTICAL, EXPLAINED, DIFFERS, UNWITNESSED = "identical", "explained", "differs", "unwitnessed"
_CHUNK = 1 << 18
_FRAME = 13


@dataclass(frozen=True)
class Difference:
    """A message that is not the same on both sides."""

    message: str
    kind: str
    """`differs`, `shorter` (stored, than on the wire), `longer`, `only-in-log`, `only-on-wire`."""
    offset: int
    """Of the first byte that is not the same."""

    def as_json(self) -> dict[str, Any]:
        """Return it as compared.jsonl has it."""
        return {"kind": self.kind, "message": self.message, "offset": self.offset}


@dataclass(frozen=True)
class Compared:
    """What came of an exchange."""

    verdict: str
    why: str = ""
    messages: list[Difference] = field(default_factory=list)


def compared(capture: Capture, exchange: Exchange, told: Told, *, flaw: str) -> Compared:
    """Compare every message of an exchange; `flaw` says what of the wire could not be read.

    Raises:
        OSError: the disk refused.
    """
    found = list(_differences(capture, exchange, told))
    if not found:
        return Compared(IDENTICAL)
    kinds = {one.kind for one in found}
    if flaw and kinds <= {"longer", "only-in-log"}:
        return Compared(UNWITNESSED, flaw, found)
    if kinds <= {"shorter", "only-on-wire"} and told.explained:
        why = "the browser did not take all that came, which the loss ledger says"
        return Compared(EXPLAINED, why, found)
    return Compared(DIFFERS, "", found)


def _differences(capture: Capture, exchange: Exchange, told: Told) -> Iterator[Difference]:
    seen = dict(_spools(exchange))
    for name in dict.fromkeys([*told.messages, *seen]):
        spool, stored = seen.get(name), told.messages.get(name)
        if stored is None:
            yield Difference(name, "only-on-wire", 0)
        elif spool is None:
            yield Difference(name, "only-in-log", 0)
        else:
            try:
                kind, offset = first_difference(capture.block(stored[0]), spool.chunks())
            except ValueError:
                kind, offset = DIFFERS, 0
            if kind:
                yield Difference(name, kind, offset)


def _spools(exchange: Exchange) -> Iterator[tuple[str, Spool]]:
    parts = [("request", exchange.request), ("response", exchange.response)]
    parts += [(f"interim {n}", one) for n, one in enumerate(exchange.interim, 1)]
    for name, part in parts:
        if part is not None:
            yield name, part.spool
    if isinstance(exchange.websocket, Tunnel):
        for way, spool in exchange.websocket.spools.items():
            yield f"tunnel {way}", spool


def first_difference(stored: Iterable[bytes], wire: Iterable[bytes]) -> tuple[str, int]:
    """Return how two streams differ, and from which byte; an empty word where they do not."""
    ours, theirs = iter(stored), iter(wire)
    left, right, at = b"", b"", 0
    while True:
        left = left or next((one for one in ours if one), b"")
        right = right or next((one for one in theirs if one), b"")
        if not left or not right:
            return ("longer" if left else "shorter" if right else ""), at
        size = min(len(left), len(right))
        if left[:size] != right[:size]:
            same = next(n for n in range(size) if left[n] != right[n])
            return DIFFERS, at + same
        left, right, at = left[size:], right[size:], at + size


def frames(stored: Path, wire: Path, *, cut: bool) -> tuple[str, str] | None:
    """Compare two files of frames, direction by direction; None where they are the same.

    What a browser got it need not have read; what it sent, a log that is not `cut` has.
    """
    for mark, way in ((b">", "sent"), (b"<", "received")):
        if not stored.exists():
            return DIFFERS, "no frames are kept"
        kind, offset = first_difference(_direction(stored, mark), _direction(wire, mark))
        if kind in {DIFFERS, "longer"} or (kind == "shorter" and way == "sent" and not cut):
            return DIFFERS, f"frames {way} differ from byte {offset}"
        if kind == "shorter":
            return "shorter", f"frames {way} are kept up to byte {offset}, and more passed"
    return None


def _direction(path: Path, mark: bytes) -> Iterator[bytes]:
    with path.open("rb") as file:
        while len(head := file.read(_FRAME)) == _FRAME:
            size = int.from_bytes(head[9:], "big")
            if head[:1] != mark:
                file.seek(size, 1)
                continue
            while size and (chunk := file.read(min(size, _CHUNK))):
                size -= len(chunk)
                yield chunk
