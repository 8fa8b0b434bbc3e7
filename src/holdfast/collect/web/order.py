"""What a capture is asked to be, and what it came to be."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec

    from holdfast.collect.web import chromium
    from holdfast.collect.web.egress import Egress
    from holdfast.collect.web.proxies import Proxy
    from holdfast.collect.web.second_witness import Testimony
    from holdfast.collect.web.seen import Plan
    from holdfast.collect.web.state import State
    from holdfast.core.addresses import Address
    from holdfast.core.canonical import Json
    from holdfast.vault.authorities import Authority


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be captured, and how."""

    plan: Plan
    settings: chromium.Settings
    recipients: tuple[str, ...]
    """age recipients that the browser's log is sealed to."""
    key: ec.EllipticCurvePrivateKey | None
    """Signs the WACZ."""
    authorities: Sequence[Authority] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)
    """Who asks, in which case, under which authority: goes into capture.json as it is."""
    allows: Callable[[Address, int], bool] = lambda _address, _port: False
    named: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    proxy: Proxy | None = None
    roots: tuple[str, ...] = ()
    """Further certificate authorities to trust, PEM."""
    limit: int | None = None
    """Bytes that may be received."""
    egress: Egress | None = None
    """Who says which public address this is made from; None: it is not recorded."""
    state: State | None = None
    """What the browser is signed in with; its cookies are in the plan."""
    second_witness: bool = False
    """Have another witness beside the browser's log; `settings` say `log_keys`, too."""
    record: int | None = None
    """Record the screen, in so many bytes at most."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set by whoever gives up: the browser is ended, and nothing is packed."""


@dataclass(frozen=True, kw_only=True)
class Captured:
    """A packed capture."""

    url: str
    file: Path
    final_url: str
    title: str
    error: str | None
    """Why the page did not load."""
    exchanges: int
    """Of the page's."""
    exact: int
    background: int
    """Requests of the browser's own, none of which went out."""
    losses: Mapping[str, int]
    assurance: tuple[str, ...]
    """What a reader must know first: `partial`, `lossy`, `untimed`, `unsigned`, `unasked`,
    `unsandboxed`, `undecoded`, `witness-disagrees`, `witness-partial`; empty for a capture that
    lacks nothing."""
    datapackage: str
    """SHA-256 of datapackage.json, which is what is signed."""
    records: str
    """SHA-256 of capture/records.jsonl, to which redacted copies are held."""
    browser: str
    started: str
    ended: str
    views: int
    links: tuple[str, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    """Where it led outside the case's scope; not followed."""
    unapproved: tuple[str, ...] = ()
    """Persons' pages that it led to and nobody has approved; not followed."""
    times: tuple[Mapping[str, Json], ...] = ()
    second_witness: Testimony | None = None
