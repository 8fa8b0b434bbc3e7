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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urlsplit

from holdfast.acts import accounts, comparing
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.authorities import authorities
from holdfast.acts.egress import egress
from holdfast.acts.gathering import Gathering
from holdfast.acts.profiling import Profiles, refusal
from holdfast.acts.staging import Group, stage_file
from holdfast.acts.web_captures import CollectWeb, Kept, Options, Vantage
from holdfast.cases import exhibits
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
    from collections.abc import Callable, Iterator

    from holdfast.acts.admission import Collected
    from holdfast.acts.comparing import Compared
    from holdfast.cases.case import Case
    from holdfast.collect.web.refusals import Refusal
    from holdfast.collect.web.state import State
    from holdfast.core.addresses import Address
    from holdfast.core.canonical import Json
    from holdfast.vault.store import Intake

MOST = 10_000
"""Pages that one run captures at most, however far a crawl leads."""


@dataclass(frozen=True)
class _Task:
    """One capture that is under way."""

    url: str
    depth: int
    vantage: Vantage | None = None


@act("collect.web", Needs.AUTHORITY, long=True)
def collect_web(session: Session, request: CollectWeb) -> Iterator[Kept | Compared | Skipped]:
    """Capture pages; yield each once it is entered and in its place.

    With a second vantage point, what differs between both follows the two.

    Raises:
        DeniedError: a page lies outside the case's scope, or is a person's that nobody has
            approved; nothing is captured then.
        InputError: an address or an option is none.
        ResourceError: there is no browser.
    """
    case = session.case(request.case, Needs.AUTHORITY)
    scope = WebScope.of(case.id, case.authority.scope)
    profiles = Profiles.of(session, case.id)
    for url in request.urls:
        scope.check(url)
        profiles.check(url)
    return _Run(session, case, request, scope).kept()


class _Run(Gathering):
    """One run of captures."""

    def __init__(self, session: Session, case: Case, request: CollectWeb, scope: WebScope) -> None:
        self._profiles = Profiles.of(session, case.id)
        # First what may be refused, before anything is entered.
        self._order = _order(session, case, request.options, self._refuses, scope.names_address)
        program = chromium.find(request.options.browser)
        version = chromium.version(program, request.options.browser_user)
        self._scratch = chromium.scratch(request.options.browser_user)
        facts = {**request.facts(), "browser": version}
        super().__init__(session, case, facts, {url.encode() for url in request.urls})
        self._options = request.options
        self._scope = scope
        self._captured: dict[str, tuple[Captured, _Task]] = {}
        self._pairs: dict[str, dict[str, str]] = {}
        """Of each pair the exhibits that are kept already, by their place."""
        self._waiting: deque[tuple[str, int]] = deque((url, 0) for url in request.urls)
        self._met = {_same(url) for url in request.urls}
        self._next: dict[str, float] = defaultdict(float)
        """When a host may be asked again, by the monotonic clock."""
        self._number = 0

    def _refuses(self, url: str) -> Refusal | None:
        """Return why a main page may not be loaded."""
        return refusal(self._scope, self._profiles, url)

    def kept(self) -> Iterator[Kept | Compared | Skipped]:
        """Run; yield each capture with its item, and what a pair differs in."""
        for one in self.items():
            if isinstance(one, Skipped):
                yield one
                continue
            made, task = self._captured.pop(one.path)
            yield Kept(one, made, task.vantage)
            if task.vantage is not None:
                pair = self._pairs.setdefault(task.vantage.pair, {})
                pair[task.vantage.place] = one.exhibit
                if len(pair) == 2:
                    yield self._compared(pair["first"], pair["second"])

    def _compared(self, first: str, second: str) -> Compared:
        case = self.session.case(self.case.id, Needs.AUTHORITY)
        held = self.session.look_up(lambda c: list(exhibits.of_case(c, case.id)))
        labelled = {one.label: one for one in held}
        return comparing.between(self.session, labelled[first], labelled[second])

    def groups(self, intake: Intake) -> Iterator[Collected | Skipped]:
        """Capture side by side, and finish each capture as it comes."""
        prefix = f"holdfast-web-{os.getpid()}-"
        with tempfile.TemporaryDirectory(prefix=prefix, dir=self._scratch) as scratch:
            root = Path(scratch)
            root.chmod(0o711)
            pool = ThreadPoolExecutor(self._options.parallel * self._each, "capture")
            running: dict[Future[Captured], _Task] = {}
            done = 0
            try:
                while self._waiting or running:
                    self._begin(pool, running, root)
                    ready, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                    for future in ready:
                        task = running.pop(future)
                        group = self._group(intake, task, future)
                        yield from self.finish(intake, group)
                        done += 1
                        total = done + len(running) + len(self._waiting) * self._each
                        self.session.progress(done, total, task.url)
            finally:
                self._order.stop.set()
                pool.shutdown(cancel_futures=True)

    def _begin(
        self,
        pool: ThreadPoolExecutor,
        running: dict[Future[Captured], _Task],
        root: Path,
    ) -> None:
        """Begin as many captures as may run now: one place each, and no host too soon."""
        for _ in range(len(self._waiting)):
            if len(running) + self._each > self._options.parallel * self._each:
                return
            url, depth = self._waiting.popleft()
            host = urlsplit(url).hostname or ""
            if time.monotonic() < self._next[host]:
                self._waiting.append((url, depth))
                continue
            self._next[host] = time.monotonic() + self._options.delay
            # Each page anew: the authority may have ended, or been closed, meanwhile.
            self.session.case(self.case.id, Needs.AUTHORITY)
            for task in self._tasks(url, depth):
                self._number += 1
                order = self._order_of(task)
                running[pool.submit(capture, order, root / str(self._number))] = task

    @property
    def _each(self) -> int:
        """How many captures are made of each page, at the same time."""
        return 1 if self._options.second_proxy is None else 2

    def _tasks(self, url: str, depth: int) -> list[_Task]:
        if self._options.second_proxy is None:
            return [_Task(url, depth)]
        pair = os.urandom(16).hex()
        places = {"first": self._options.proxy, "second": self._options.second_proxy}
        return [
            _Task(url, depth, Vantage(pair, place, None if proxy is None else _plain(proxy)))
            for place, proxy in places.items()
        ]

    def _order_of(self, task: _Task) -> Order:
        order = replace(self._order, plan=replace(self._order.plan, url=task.url))
        approved = self._profiles.facts(task.url)
        if approved is not None:
            order = replace(order, facts={**order.facts, "profile": approved})
        if task.vantage is None:
            return order
        order = replace(order, facts={**order.facts, "vantage": task.vantage.as_json()})
        if task.vantage.place == "second" and self._options.second_proxy is not None:
            order = replace(order, proxy=Proxy.parse(self._options.second_proxy))
        return order

    def _group(self, intake: Intake, task: _Task, future: Future[Captured]) -> Group:
        """Stage what came of one page."""
        url = task.url
        try:
            made = future.result()
        except InputError as error:
            return Group(skipped=[Skipped(url.encode(), "unreadable", error.what)])
        try:
            with durable.disk_errors(self.session.vault.root):
                record, recipient = self._record(made, task), self.case.recipient
                staged = stage_file(intake.staging, made.file, url, record, recipient)
        finally:
            shutil.rmtree(made.file.parent, ignore_errors=True)
        self._captured[url] = made, task
        if task.vantage is None or task.vantage.place == "first":
            self._follow(made, task.depth)
        return Group(staged=[staged], bytes=staged.copied.size)

    def _record(self, made: Captured, task: _Task) -> dict[str, Json]:
        losses: dict[str, Json] = dict(made.losses)
        times: list[Json] = [dict(one) for one in made.times]
        record: dict[str, Json] = {
            "assurance": [*made.assurance],
            "background": made.background,
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
            "records": made.records,
            "started": made.started,
            "title": made.title,
            "unapproved": [*made.unapproved],
            "url": made.url,
        }
        if times:
            record["times"] = times
        if task.vantage is not None:
            record["vantage"] = task.vantage.as_json()
        if made.second_witness is not None:
            record["second_witness"] = made.second_witness.as_json()
        approved = self._profiles.facts(made.url)
        if approved is not None:
            record["profile"] = approved
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
            if self._refuses(plain) is None:
                self._met.add(_same(plain))
                self._waiting.append((plain, depth + 1))


def _plain(proxy: str) -> str:
    return Proxy.parse(proxy).text


def _same(url: str) -> str:
    return urldefrag(url).url


def _order(
    session: Session,
    case: Case,
    options: Options,
    refuses: Callable[[str], Refusal | None],
    allows: Callable[[Address, int], bool],
) -> Order:
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
    if options.second_proxy is not None:
        Proxy.parse(options.second_proxy)
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
            refuses=refuses,
            cookies=() if signed_in is None else signed_in.cookies,
            stored=() if signed_in is None else signed_in.stored,
        ),
        settings=chromium.Settings(
            viewport=options.viewport,
            locale=options.locale,
            timezone=options.timezone,
            user_agent=options.user_agent,
            sandbox=options.sandbox,
            browser=options.browser,
            user=options.browser_user,
            log_keys=options.second_witness,
        ),
        recipients=(recipient,),
        key=keyring.capture_signer(),
        authorities=authorities(session),
        facts=facts,
        allows=allows,
        named=named,
        proxy=None if options.proxy is None else Proxy.parse(options.proxy),
        roots=tuple(pem for path in options.trust for pem in trust.read(path)),
        limit=options.limit,
        state=signed_in,
        egress=egress(session),
        second_witness=options.second_witness,
        record=options.record_limit if options.record else None,
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
    for one in found.stored:
        if not hosts.covers(f"{one.origin}/"):
            raise DeniedError(
                f"the state has local storage of {one.origin}, and the account "
                f"{options.account!r} was approved for {', '.join(allowed.hosts)}",
                "take it out of the file, or ask for this host, too",
            )
    return found
