"""Which requests and responses of a web archive belong together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.examine import _warc

if TYPE_CHECKING:
    from holdfast.examine.file import EvidenceFile

EXCHANGES = 500_000
"""Requests that are matched with their responses; more are told as exchanges of their own."""


@dataclass(frozen=True)
class Request:
    """What a request adds to the exchange that it begins."""

    method: str = ""
    referrer: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True)
class Pairs:
    """Which requests and responses belong together, by the names of their records."""

    requests: dict[str, Request] = field(default_factory=dict)
    responses: set[str] = field(default_factory=set)

    def request_of(self, stored: _warc.Stored) -> Request:
        """Return the request that belongs to a record; an empty one where there is none."""
        names = (stored.id, *stored.concurrent)
        return next((self.requests[name] for name in names if name in self.requests), Request())

    def answered(self, stored: _warc.Stored) -> bool:
        """Say whether a request's response is in the archive too."""
        return not self.responses.isdisjoint((stored.id, *stored.concurrent))


def pair(file: EvidenceFile) -> Pairs:
    """Read the archive once for what belongs together: either record may name the other."""
    found = Pairs()
    for stored in _warc.records(file):
        names = [name for name in (stored.id, *stored.concurrent) if name]
        if not stored.http:
            continue
        if stored.type != "request":
            if len(found.responses) < EXCHANGES:
                found.responses.update(names)
        elif len(found.requests) < EXCHANGES:
            head, _ = stored.message()
            asked = head.request() or ("", "", "")
            one = Request(asked[0], head.get("referer"), head.get("user-agent"))
            found.requests.update(dict.fromkeys(names, one))
    return found
