"""The act of downloading: a file on the web becomes an item, and the exchanges another."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.gathering import Gathering
from holdfast.acts.profiling import Profiles, refusal
from holdfast.acts.staging import Group, stage_file
from holdfast.cases.web_scope import WebScope
from holdfast.collect.interfaces import Skipped
from holdfast.collect.web import resolving, trust, wacz
from holdfast.collect.web.download import Downloaded, Downloader, write_warc
from holdfast.collect.web.guard import Guard
from holdfast.collect.web.proxies import Proxy
from holdfast.collect.web.refusals import OUT_OF_SCOPE, UNAPPROVED
from holdfast.collect.web.resolving import Resolver
from holdfast.collect.web.tunnel import Tunnel
from holdfast.core import durable
from holdfast.core.errors import InputError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.admission import Collected
    from holdfast.cases.case import Case
    from holdfast.collect.web.refusals import Refusal
    from holdfast.core.canonical import Json
    from holdfast.vault.store import Intake

WARC = "#warc"
"""What the path of the item has behind the URL that holds what was said on the wire."""


@dataclass(frozen=True, kw_only=True)
class CollectUrl:
    """Which files go into which case."""

    case: str
    urls: tuple[str, ...]
    limit: int
    """Bytes that a file may have."""
    proxy: str | None = None
    named: tuple[str, ...] = ()
    trust: tuple[Path, ...] = ()

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "limit": self.limit,
            "named": [*self.named],
            "proxy": None if self.proxy is None else Proxy.parse(self.proxy).text,
            "trust": [str(one) for one in self.trust],
            "urls": [*self.urls],
        }


@act("collect.url", Needs.AUTHORITY, long=True)
def collect_url(session: Session, request: CollectUrl) -> Iterator[Collected | Skipped]:
    """Download files; yield each item once it is entered and in its place.

    Raises:
        DeniedError: an address lies outside the case's scope; nothing is downloaded then.
        InputError: an address or an option is none.
    """
    case = session.case(request.case, Needs.AUTHORITY)
    scope = WebScope.of(case.id, case.authority.scope)
    profiles = Profiles.of(session, case.id)
    for url in request.urls:
        scope.check(url)
        profiles.check(url)
    return _Run(session, case, request, scope).items()


class _Run(Gathering):
    """One run of downloads."""

    def __init__(self, session: Session, case: Case, request: CollectUrl, scope: WebScope) -> None:
        super().__init__(session, case, request.facts(), {url.encode() for url in request.urls})
        self._request = request
        self._scope = scope
        self._profiles = Profiles.of(session, case.id)
        self._context = ssl.create_default_context()
        for path in request.trust:
            for pem in trust.read(path):
                self._context.load_verify_locations(cadata=pem)
        try:
            named = dict(resolving.parse_named(one) for one in request.named)
        except ValueError as error:
            what = f"{str(error)[:100]!r} names no address"
            raise InputError(what, "give HOST=ADDRESS") from None
        self._resolver = Resolver(named=named)
        self._proxy = None if request.proxy is None else Proxy.parse(request.proxy)

    def _refuses(self, url: str) -> Refusal | None:
        return refusal(self._scope, self._profiles, url)

    def groups(self, intake: Intake) -> Iterator[Collected | Skipped]:
        """Download one after the other."""
        for number, url in enumerate(self._request.urls, 1):
            self.session.case(self.case.id, Needs.AUTHORITY)
            with tempfile.TemporaryDirectory(prefix="holdfast-url-") as scratch:
                group = self._group(intake, url, Path(scratch))
            yield from self.finish(intake, group)
            self.session.progress(number, len(self._request.urls), url)

    def _group(self, intake: Intake, url: str, scratch: Path) -> Group:
        lines, file, archive = scratch / "guard.jsonl", scratch / "file", scratch / "warc"
        with lines.open("wb") as out:

            def guard() -> Guard:
                allows = self._scope.names_address
                return Guard(self._resolver, out, allows=allows, proxy=self._proxy)

            with Tunnel(guard) as tunnel, file.open("w+b") as into:
                limit = self._request.limit
                loader = Downloader(tunnel, scratch, self._refuses, limit, self._context)
                try:
                    done = loader.get(url, into)
                except RemoteError as error:
                    return Group(skipped=[Skipped(url.encode(), "unreadable", error.what)])
        with archive.open("wb") as out:
            write_warc(done, out, wacz.SOFTWARE)
        record = _record(done)
        recipient = self.case.recipient
        group = Group()
        with durable.disk_errors(self.session.vault.root):
            if done.size or done.complete:
                told = {**record, "kind": "download"}
                group.staged.append(stage_file(intake.staging, file, url, told, recipient))
            told = {**record, "kind": "warc"}
            group.staged.append(
                stage_file(intake.staging, archive, f"{url}{WARC}", told, recipient)
            )
        group.bytes = sum(one.copied.size for one in group.staged)
        if not done.complete:
            group.skipped.append(Skipped(url.encode(), "partial", done.why or "it is not whole"))
        return group


def _record(done: Downloaded) -> dict[str, Json]:
    return {
        "complete": done.complete,
        "exchanges": [one.as_json() for one in done.exchanges],
        "final_url": done.final_url,
        "out_of_scope": done.refused.get(OUT_OF_SCOPE),
        "unapproved": done.refused.get(UNAPPROVED),
        "url": done.url,
        "why": done.why,
    }
