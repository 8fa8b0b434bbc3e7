"""The act of capturing: what a browser is served becomes an item, page by page.

The case's scope must name the pages. A capture is packed outside the vault's sight, then staged,
entered and put in its place as every item is; its entry says what a court asks first: which
address, which browser, how sure.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import defaultdict, deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urlsplit

from holdfast.acts import accounts
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.gathering import Gathering
from holdfast.acts.staging import Group, stage_file
from holdfast.acts.stamping import authorities
from holdfast.cases.web_scope import WebScope
from holdfast.collect.interfaces import Skipped
from holdfast.collect.web import chromium, resolving, state, trust, wacz
from holdfast.collect.web.behaviour import Limits
from holdfast.collect.web.capture import capture
from holdfast.collect.web.order import Captured, Order
from holdfast.collect.web.proxies import Proxy
from holdfast.collect.web.seen import Plan
from holdfast.core import clock, durable
from holdfast.core.errors import DeniedError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.admission import Collected
    from holdfast.cases.case import Case
    from holdfast.collect.web.state import State
    from holdfast.core.canonical import Json
    from holdfast.vault.store import Intake

MOST = 10_000
"""Pages that one run captures at most, however far a crawl leads."""


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
            elif name == "proxy":
                told[name] = Proxy.parse(str(value)).text
            elif isinstance(value, tuple):
                told[name] = [one if isinstance(one, int) else str(one) for one in value]
            elif isinstance(value, float):
                told[name] = f"{value:g}"
            else:
                told[name] = value
        return told


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
class Kept:
    """A capture as it entered the case."""

    collected: Collected
    captured: Captured

    def as_json(self) -> dict[str, Json]:
        """Return what `collect web --json` prints."""
        one, made = self.collected, self.captured
        losses: dict[str, Json] = dict(made.losses)
        return {
            "assurance": [*made.assurance],
            "error": made.error,
            "exact": made.exact,
            "exchanges": made.exchanges,
            "exhibit": one.exhibit,
            "final_url": made.final_url,
            "item": one.item,
            "losses": losses,
            "out_of_scope": [*made.out_of_scope],
            "size": one.size,
            "status": one.status,
            "url": made.url,
        }


@act("collect.web", Needs.AUTHORITY)
def collect_web(session: Session, request: CollectWeb) -> Iterator[Kept | Skipped]:
    """Capture pages; yield each once it is entered and in its place.

    Raises:
        DeniedError: a page lies outside the case's scope; nothing is captured then.
        InputError: an address or an option is none.
        ResourceError: there is no browser.
    """
    case = session.case(request.case, Needs.AUTHORITY)
    scope = WebScope.of(case.id, case.authority.scope)
    for url in request.urls:
        scope.check(url)
    return _Run(session, case, request, scope).kept()


class _Run(Gathering):
    """One run of captures."""

    def __init__(self, session: Session, case: Case, request: CollectWeb, scope: WebScope) -> None:
        # First what may be refused, before anything is entered.
        self._order = _order(session, case, request.options, scope)
        program = chromium.find(request.options.browser)
        version = chromium.version(program, request.options.browser_user)
        facts = {**request.facts(), "browser": version}
        super().__init__(session, case, facts, {url.encode() for url in request.urls})
        self._options = request.options
        self._scope = scope
        self._captured: dict[str, Captured] = {}
        self._waiting: deque[tuple[str, int]] = deque((url, 0) for url in request.urls)
        self._met = {_same(url) for url in request.urls}
        self._next: dict[str, float] = defaultdict(float)
        """When a host may be asked again, by the monotonic clock."""
        self._number = 0

    def kept(self) -> Iterator[Kept | Skipped]:
        """Run; yield each capture with its item."""
        for one in self.items():
            yield one if isinstance(one, Skipped) else Kept(one, self._captured.pop(one.path))

    def groups(self, intake: Intake) -> Iterator[Collected | Skipped]:
        """Capture side by side, and finish each capture as it comes."""
        with tempfile.TemporaryDirectory(prefix=f"holdfast-web-{os.getpid()}-") as scratch:
            root = Path(scratch)
            root.chmod(0o711)
            pool = ThreadPoolExecutor(self._options.parallel, "capture")
            running: dict[Future[Captured], tuple[str, int]] = {}
            done = 0
            try:
                while self._waiting or running:
                    self._begin(pool, running, root)
                    ready, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                    for future in ready:
                        url, depth = running.pop(future)
                        group = self._group(intake, url, depth, future)
                        yield from self.finish(intake, group)
                        done += 1
                        total = done + len(running) + len(self._waiting)
                        self.session.progress(done, total, url)
            finally:
                self._order.stop.set()
                pool.shutdown(cancel_futures=True)

    def _begin(
        self,
        pool: ThreadPoolExecutor,
        running: dict[Future[Captured], tuple[str, int]],
        root: Path,
    ) -> None:
        """Begin as many captures as may run now: one place each, and no host too soon."""
        for _ in range(len(self._waiting)):
            if len(running) >= self._options.parallel:
                return
            url, depth = self._waiting.popleft()
            host = urlsplit(url).hostname or ""
            if time.monotonic() < self._next[host]:
                self._waiting.append((url, depth))
                continue
            self._next[host] = time.monotonic() + self._options.delay
            # Each page anew: the authority may have ended, or been closed, meanwhile.
            self.session.case(self.case.id, Needs.AUTHORITY)
            self._number += 1
            order = replace(self._order, plan=replace(self._order.plan, url=url))
            running[pool.submit(capture, order, root / str(self._number))] = (url, depth)

    def _group(self, intake: Intake, url: str, depth: int, future: Future[Captured]) -> Group:
        """Stage what came of one page."""
        try:
            made = future.result()
        except InputError as error:
            return Group(skipped=[Skipped(url.encode(), "unreadable", error.what)])
        try:
            with durable.disk_errors(self.session.vault.root):
                record, recipient = self._record(made), self.case.recipient
                staged = stage_file(intake.staging, made.file, url, record, recipient)
        finally:
            shutil.rmtree(made.file.parent, ignore_errors=True)
        self._captured[url] = made
        self._follow(made, depth)
        return Group(staged=[staged], bytes=staged.copied.size)

    def _record(self, made: Captured) -> dict[str, Json]:
        losses: dict[str, Json] = dict(made.losses)
        times: list[Json] = [dict(one) for one in made.times]
        record: dict[str, Json] = {
            "assurance": [*made.assurance],
            "browser": made.browser,
            "datapackage": made.datapackage,
            "ended": made.ended,
            "error": made.error,
            "exact": made.exact,
            "exchanges": made.exchanges,
            "final_url": made.final_url,
            "kind": "web",
            "losses": losses,
            "out_of_scope": [*made.out_of_scope],
            "started": made.started,
            "title": made.title,
            "url": made.url,
        }
        if times:
            record["times"] = times
        if self._order.state is not None:
            record["account"] = self._order.state.facts
        if self._order.key is not None:
            record["signed_by"] = wacz.public_key(self._order.key)
        return record

    def _follow(self, made: Captured, depth: int) -> None:
        """Put the page's links in line, those that the scope covers."""
        if depth >= self._options.depth:
            return
        for link in made.links:
            plain = urldefrag(link).url
            if len(self._met) >= MOST or _same(plain) in self._met:
                continue
            if self._scope.covers(plain):
                self._met.add(_same(plain))
                self._waiting.append((plain, depth + 1))


def _same(url: str) -> str:
    return urldefrag(url).url


def _order(session: Session, case: Case, options: Options, scope: WebScope) -> Order:
    """Return what all captures of a run have in common.

    Raises:
        InputError: an option is none.
    """
    keyring = session.vault.keyring
    if case.recipient is not None:
        recipient = case.recipient
    else:
        recipient = str(keyring.capture_identity().to_public())
    try:
        named = dict(resolving.parse_named(one) for one in options.named)
    except ValueError as error:
        raise InputError(f"{str(error)[:100]!r} names no address", "give HOST=ADDRESS") from None
    signed_in = _signed_in(session, case, options)
    facts: dict[str, Json] = {
        "authority": {
            "basis": case.authority.basis,
            "issuer": case.authority.issuer,
            "valid_until": clock.to_text(case.authority.valid_until),
        },
        "case": case.id,
        "operator": session.operator,
        "options": options.facts(),
        "purpose": case.purpose,
    }
    return Order(
        plan=Plan(
            "",
            timeout=options.timeout,
            settle=options.settle,
            scroll=Limits() if options.scroll else None,
            covers=scope.covers,
            cookies=() if signed_in is None else signed_in.cookies,
        ),
        settings=chromium.Settings(
            viewport=options.viewport,
            locale=options.locale,
            timezone=options.timezone,
            user_agent=options.user_agent,
            sandbox=options.sandbox,
            browser=options.browser,
            user=options.browser_user,
        ),
        recipients=(recipient,),
        key=keyring.capture_signer(),
        authorities=authorities(session),
        facts=facts,
        allows=scope.names_address,
        named=named,
        proxy=None if options.proxy is None else Proxy.parse(options.proxy),
        roots=tuple(pem for path in options.trust for pem in trust.read(path)),
        limit=options.limit,
        state=signed_in,
    )


def _signed_in(session: Session, case: Case, options: Options) -> State | None:
    """Return what the browsers start signed in with.

    Raises:
        DeniedError: nobody has approved that account, or not for those hosts.
        InputError: one of account and state is missing, or the file is no state.
    """
    if options.storage_state is None and options.account is None:
        return None
    if options.storage_state is None or options.account is None:
        raise InputError(
            "a signed-in capture needs both an account and its state",
            "give --account NAME and --storage-state FILE",
        )
    allowed = accounts.find(session, case.id, options.account)
    found = state.read(options.storage_state, allowed.as_json())
    hosts = WebScope.of(case.id, allowed.hosts)
    for domain in found.domains:
        # A cookie with a leading dot goes to every host below: all of them must be covered.
        host = domain.removeprefix(".")
        tried = [host] if host == domain else [host, f"any.{host}"]
        if not all(
            hosts.covers(f"https://{one}/") or hosts.covers(f"http://{one}/") for one in tried
        ):
            raise DeniedError(
                f"the state has cookies for {domain}, and the account {options.account!r} was "
                f"approved for {', '.join(allowed.hosts)}",
                "take them out of the file, or ask for these hosts, too",
            )
    return found
