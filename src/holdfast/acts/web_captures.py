"""What a capture of pages is asked with, and what came of each: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.collect.web.proxies import Proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.acts.admission import Collected
    from holdfast.collect.web.order import Captured
    from holdfast.core.canonical import Json


@dataclass(frozen=True, kw_only=True)
class Options:
    """How pages are captured; all of it goes into each item."""

    timeout: float = 60.0
    settle: float = 3.0
    scroll: bool = True
    viewport: tuple[int, int] = (1280, 1024)
    locale: str = "en-US"
    timezone: str = "UTC"
    user_agent: str | None = None
    sandbox: bool = True
    browser: str | None = None
    browser_user: str | None = None
    proxy: str | None = None
    second_proxy: str | None = None
    """Another vantage point, from which each page is captured at the same time."""
    named: tuple[str, ...] = ()
    """`HOST=ADDRESS`: what a name is taken to be, instead of asking for it."""
    trust: tuple[Path, ...] = ()
    limit: int | None = None
    """Bytes that a capture may receive."""
    storage_state: Path | None = None
    """A signed-in browser's state; needs the approved `account`."""
    account: str | None = None
    parallel: int = 1
    delay: float = 0.0
    """Seconds between two captures from one host."""
    second_witness: bool = False
    """Have packets and their keys beside the browser's log, and compare."""
    record: bool = False
    """Record the screen."""
    record_limit: int = 100_000_000
    """Bytes that a recording may have."""
    depth: int = 0
    """How many links away from the first pages a crawl goes, within the scope."""

    def facts(self) -> dict[str, Json]:
        """Return what is not as it is by itself, as the log keeps it."""
        plain = Options()
        told: dict[str, Json] = {}
        for name, value in vars(self).items():
            if value == getattr(plain, name):
                continue
            if name == "storage_state":
                told[name] = str(value)
            elif name in {"proxy", "second_proxy"}:
                told[name] = Proxy.parse(str(value)).text
            elif isinstance(value, tuple):
                told[name] = [one if isinstance(one, int) else str(one) for one in value]
            elif isinstance(value, float):
                told[name] = f"{value:g}"
            else:
                told[name] = value
        return told

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Options:
        """Return the options that `facts` told, as the log keeps them."""
        given: dict[str, Any] = {}
        for name, value in facts.items():
            if isinstance(getattr(cls(), name), float):
                given[name] = float(value)
            elif name == "trust":
                given[name] = tuple(map(Path, value))
            else:
                given[name] = tuple(value) if isinstance(value, list) else value
        return cls(**given)


@dataclass(frozen=True)
class CollectWeb:
    """Which pages go into which case."""

    case: str
    urls: tuple[str, ...]
    options: Options = field(default_factory=Options)

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        urls: list[Json] = [*self.urls]
        return {"options": self.options.facts(), "urls": urls}


@dataclass(frozen=True)
class Vantage:
    """From where one of two captures of a page was made that name each other."""

    pair: str
    """What both have, and no other capture."""
    place: str
    """`first` or `second`."""
    proxy: str | None

    def as_json(self) -> dict[str, Json]:
        """Return it as the item and its entry have it."""
        other = "second" if self.place == "first" else "first"
        return {"other": other, "pair": self.pair, "proxy": self.proxy, "this": self.place}


@dataclass(frozen=True)
class Kept:
    """A capture as it entered the case."""

    collected: Collected
    captured: Captured
    vantage: Vantage | None = None

    def as_json(self) -> dict[str, Json]:
        """Return what `collect web --json` prints."""
        one, made = self.collected, self.captured
        witness = made.second_witness
        losses: dict[str, Json] = dict(made.losses)
        return {
            "assurance": [*made.assurance],
            "background": made.background,
            "error": made.error,
            "exact": made.exact,
            "exchanges": made.exchanges,
            "exhibit": one.exhibit,
            "final_url": made.final_url,
            "item": one.item,
            "losses": losses,
            "out_of_scope": [*made.out_of_scope],
            "second_witness": None if witness is None else witness.as_json(),
            "size": one.size,
            "status": one.status,
            "unapproved": [*made.unapproved],
            "url": made.url,
            "vantage": None if self.vantage is None else self.vantage.as_json(),
        }
