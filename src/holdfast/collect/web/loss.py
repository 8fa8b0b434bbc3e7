"""The loss ledger: what is not there, and why. A line is on disk before anything refers to it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, BinaryIO

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = (
    "blocked", "failed", "truncated", "cancelled", "evicted", "certificate", "undecoded",
    "not-on-the-wire", "behaviour", "crash", "timeout", "untimed", "unsigned", "background",
)  # fmt: skip


class Ledger:
    """Numbers the lines and writes them."""

    def __init__(self, stream: BinaryIO, errors: Mapping[int, str]) -> None:
        self._stream = stream
        self._errors = errors
        self.counts: Counter[str] = Counter()

    def add(
        self, kind: str, what: str, why: str, *, exchange: int | None = None, net_error: int = 0
    ) -> int:
        """Write a line; return its number."""
        if kind not in KINDS:
            raise ValueError(kind)
        self.counts[kind] += 1
        number = self.counts.total()
        line: dict[str, object] = {
            "loss": number, "exchange": exchange, "kind": kind, "what": what, "why": why,
        }  # fmt: skip
        if net_error:
            line["net_error"] = net_error
        self._stream.write(orjson.dumps(line) + b"\n")
        self._stream.flush()
        return number

    def failure(self, what: str, net_error: int, exchange: int) -> int:
        """Write a line for a request that ended with an error of Chromium's."""
        name = self.name(net_error)
        return self.add(kind_of(name), what, name, exchange=exchange, net_error=net_error)

    def name(self, net_error: int) -> str:
        """Return an error's name as Chromium has it."""
        return self._errors.get(net_error, f"net error {net_error}")


def kind_of(name: str) -> str:
    """Return which kind of loss an error is, by Chromium's name for it (net_error_list.h)."""
    if name == "ERR_ABORTED":
        return "cancelled"
    if "TIMED_OUT" in name:
        return "timeout"
    if "BLOCKED" in name or name in {"ERR_ACCESS_DENIED", "ERR_CLEARTEXT_NOT_PERMITTED"}:
        return "blocked"
    return "failed"
