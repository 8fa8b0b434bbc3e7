"""One capture, from the stamp before to the packed WACZ.

    order -> stamp -> browser behind the guard -> decode in the sandbox -> seal the log -> stamp ->
    sign and pack

A browser that crashes, hangs or is killed still gives a WACZ of what there is, and the loss ledger
says what is not. Nothing here knows a case: who may capture what is decided by the act.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from holdfast.collect.web import (
    behaviour,
    chromium,
    claims,
    dates,
    decode,
    filming,
    parts,
    sealing,
    seen_records,
    times,
    trust,
    wacz,
)
from holdfast.collect.web.chromium import Chromium
from holdfast.collect.web.devtools import Devtools, DevtoolsError
from holdfast.collect.web.guard import Guard
from holdfast.collect.web.labels import labels
from holdfast.collect.web.order import Captured, Order
from holdfast.collect.web.recorder import Recorder
from holdfast.collect.web.refusals import OUT_OF_SCOPE, UNAPPROVED
from holdfast.collect.web.resolving import Resolver
from holdfast.collect.web.seen import Seen
from holdfast.collect.web.taking import take
from holdfast.collect.web.visit import Visit
from holdfast.collect.web.witnessing import Witness
from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import HoldfastError, ResourceError
from holdfast.core.reference import clock_reference
from holdfast.webarchive import pieces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from holdfast.collect.web.second_witness import Testimony
    from holdfast.core.canonical import Json

LOG = "secrets/netlog.json.gz.age"
STATE = "secrets/state.json.gz.age"


def capture(order: Order, work: Path) -> Captured:
    """Capture one page; `work` is a new folder that others may pass through but not read.

    Raises:
        InputError, ResourceError: there is no browser or no account for it, or it
            does not start.
    """
    return _Capture(order, work).run()


class _Capture:
    def __init__(self, order: Order, work: Path) -> None:
        self._order = order
        self._work = work
        self._out = work / "out"
        self._browser = Chromium(work / "browser", order.settings)
        self._seen = Seen()
        self._guard = work / "guard.jsonl"
        self._local: list[str] = []
        self._received = 0
        self._view_records: list[pieces.Piece] = []
        self._started = clock.now()
        self._witness: Witness | None = None
        self._recorder: Recorder | None = None
        self._frames = work / "frames"

    def run(self) -> Captured:
        order, work = self._order, self._work
        program = chromium.find(order.settings.browser)
        owner = chromium.account(order.settings.user)
        work.mkdir(mode=0o711)
        stamps, views = work / "stamps", work / "views"
        stamps.mkdir(mode=0o700)
        views.mkdir(mode=0o700)
        address = claims.before(order, work)
        before = times.stamp("before", self._about(), stamps, order.authorities)
        self._started = clock.now()
        self._browser.prepare()
        trust.install(self._browser.home, order.roots, owner)
        asyncio.run(self._browse(views))
        if order.stop.is_set():
            raise ResourceError("the capture was given up", "repeat it")
        self._check_started(program)
        ended = clock.now()
        uid = owner.pw_uid if owner else os.geteuid()
        netlog = self._take_log(uid)
        summary = self._decode(netlog)
        testimony = self._testify(uid)
        capture = self._out / "capture"
        for folder in (stamps, views):
            folder.rename(self._out / folder.name)
        self._guard.rename(capture / "guard.jsonl")
        (capture / "browser.log").write_bytes(self._browser.messages())
        sealed = self._seal(netlog)
        self._seal_state()
        recorded = filming.put(self._recorder, self._frames, self._out, self._seen)
        claimed = claims.write(address, self._out)
        pages = self._pages()
        lines = self._write_views()
        if not before.times:
            why = "; ".join(before.failed) or "the vault has no time authority"
            self._seen.lost("untimed", "when it was captured, by another clock than ours", why)
        if order.key is None:
            self._seen.lost("unsigned", "the signature", "the vault has no key to sign captures")
        assurance = labels(order, self._seen, summary, before, testimony)
        losses = self._write_losses()
        told = self._told(program, summary, ended, sealed) | {
            "assurance": list(assurance),
            "egress": claimed,
            "losses": losses,
            "recording": recorded,
            "second_witness": None if testimony is None else testimony.as_json(),
        }
        parts.write_json(capture / "capture.json", told)
        wacz.write_index(self._out, lines)
        wacz.write_pages(self._out, pages)
        records = self._commit()
        whole: dict[str, Json] = {"records": records, "url": order.plan.url}
        after = times.stamp("after", whole, self._out / "stamps", order.authorities)
        title = self._seen.title or order.plan.url
        described = wacz.Described(title, order.plan.url, self._started)
        file = work / "capture.wacz"
        package = wacz.pack(self._out, file, described, order.key)
        exchanges = summary.exchanges if summary else 0
        return Captured(
            url=order.plan.url,
            file=file,
            final_url=self._seen.url,
            title=title,
            error=self._seen.error,
            exchanges=exchanges,
            exact=summary.stored if summary else 0,
            background=summary.background if summary else 0,
            losses=losses,
            assurance=assurance,
            datapackage=package,
            records=records,
            browser=str(self._seen.version.get("product", program)),
            started=clock.to_text(self._started),
            ended=clock.to_text(ended),
            views=len(self._seen.views),
            links=tuple(self._seen.links),
            out_of_scope=self._seen.refused(OUT_OF_SCOPE),
            unapproved=self._seen.refused(UNAPPROVED),
            times=(*before.times, *after.times),
            second_witness=testimony,
        )

    # --- the browser ------------------------------------------------------------------------

    def _check_started(self, program: str) -> None:
        if self._seen.version or self._browser.netlog.exists():
            return
        said = self._browser.messages().decode("utf-8", "replace").split("\n")
        last = next((one.strip() for one in reversed(said) if one.strip()), "it said nothing")
        raise ResourceError(f"{program} did not start: {last[:200]}", "start it by hand")

    async def _browse(self, views: Path) -> None:
        order = self._order
        with self._guard.open("wb") as lines, self._browser:
            resolver = Resolver(named=order.named)
            guard = Guard(
                resolver, lines, allows=order.allows, proxy=order.proxy, limit=order.limit
            )
            if order.second_witness:
                self._witness = Witness(self._work, through_proxy=order.proxy is not None)
                self._witness.attend(guard)
            async with self._heard(), guard:
                read, write = self._browser.start(guard.port)
                client = await Devtools.open(read, write)
                if order.record is not None:
                    self._recorder = Recorder(client, self._frames, order.record)
                downloads = self._browser.downloads
                visit = Visit(client, order.plan, views, downloads, self._recorder)
                self._seen = visit.seen
                watch = asyncio.create_task(self._watch())
                await visit.run()
                await self._leave(client)
                watch.cancel()
            self._received = guard.received
            self._local = sorted({one.local for one in guard.lines if one.local})
            if guard.full:
                self._seen.lost("truncated", "what came after", "the size limit was reached")
            for one in guard.lines:
                if one.refused is not None and one.host != chromium.BACKGROUND:
                    self._seen.events.append(
                        {"event": "refused", "host": one.host, "port": one.port,
                         "time": one.opened, "why": one.refused}
                    )  # fmt: skip

    @asynccontextmanager
    async def _heard(self) -> AsyncIterator[None]:
        """Have the second witness hear until the browser is gone, however it goes."""
        try:
            yield
        finally:
            if self._witness is not None:
                await asyncio.to_thread(self._witness.stop)

    async def _watch(self) -> None:
        """End the browser where nobody waits for it any more."""
        while not self._order.stop.is_set():
            await asyncio.sleep(0.1)
        await asyncio.to_thread(self._browser.stop, 0)

    async def _leave(self, client: Devtools) -> None:
        """Close the browser, so that its log has an end; kill it if it does not."""
        grace = 0.0
        try:
            await client.send("Browser.close", timeout=10)
            grace = 10.0
        except DevtoolsError:
            if client.gone.done():
                grace = 2.0
        await asyncio.to_thread(self._browser.stop, grace)
        client.close()

    def _take_log(self, owner: int) -> Path | None:
        netlog = self._work / "netlog.json"
        missing = take(self._browser.netlog, owner, netlog)
        if missing:
            kind = "undecoded" if self._browser.netlog.exists() else "crash"
            self._seen.lost(kind, "the browser's log", missing)
            return None
        return netlog

    def _testify(self, owner: int) -> Testimony | None:
        """Hold what was decoded to the second witness, where there is one."""
        if self._witness is None:
            return None
        keys, to = self._browser.keys, self._order.recipients
        return self._witness.testify(self._out, self._guard, keys, owner, to)

    # --- what is in the item ----------------------------------------------------------------

    def _decode(self, netlog: Path | None) -> decode.Summary | None:
        """Decode the log in the sandbox; what fails there is a loss, not the end."""
        out = self._out
        out.mkdir(mode=0o700)
        summary = None
        if netlog is not None:
            info = {"software": wacz.SOFTWARE, "format": "WARC File Format 1.1"}
            settings = decode.Settings(warcinfo=info, unasked_allowed=(chromium.BACKGROUND,))
            try:
                summary = decode.decode(netlog, self._guard, out, settings=settings)
            except HoldfastError as error:
                self._seen.lost("undecoded", "exchanges", error.what)
        for name in ("archive", "capture", "indexes", "pages", "secrets"):
            (out / name).mkdir(parents=True, exist_ok=True)
        return summary

    def _seal(self, netlog: Path | None) -> dict[str, Any] | None:
        if netlog is None:
            return None
        sealed = sealing.seal(netlog, self._out / LOG, list(self._order.recipients))
        netlog.unlink()
        return {
            "part": LOG,
            "recipients": list(self._order.recipients),
            "sha256": sealed.sha256,
            "size": sealed.size,
        }

    def _seal_state(self) -> None:
        """Keep what the browser was signed in with, sealed like its log."""
        state = self._order.state
        if state is None:
            return
        sealing.seal(state.source, self._out / STATE, list(self._order.recipients))
        if state.unused:
            what = f"databases of {state.unused} origins in the state file"
            self._seen.lost("behaviour", what, "only cookies and local storage are loaded")

    def _write_views(self) -> list[bytes]:
        """Write the views as WARC records too; return all lines of the index."""
        written = self._out / "indexes" / "index.cdxj"
        lines = written.read_bytes().splitlines() if written.exists() else []
        written.unlink(missing_ok=True)
        more, self._view_records = seen_records.write(self._out, self._seen.views)
        return lines + more

    def _pages(self) -> list[dict[str, Any]]:
        if self._order.plan.scroll is not None:
            folder = self._out / "behaviours"
            folder.mkdir()
            (folder / "scroll.js").write_text(behaviour.SCROLL, "utf-8")
        parts.write_lines(self._out / "capture" / "behaviours.jsonl", self._seen.behaviours)
        page = {
            "id": sha256_hex(self._order.plan.url.encode())[:22],
            "title": self._seen.title or self._order.plan.url,
            "ts": clock.to_text(self._started),
            "url": self._order.plan.url,
        }
        text = next((one for one in self._seen.views if one.name == "text.txt"), None)
        if text is not None:
            shown = (self._out / "views" / text.name).read_bytes()
            page["text"] = shown[:100_000].decode("utf-8", "replace")
        return [page]

    def _write_losses(self) -> dict[str, int]:
        """Add our lines to the decoder's ledger; return how many there are of each kind."""
        ledger = self._out / "capture" / "loss.jsonl"
        lines = ledger.read_bytes().splitlines() if ledger.exists() else []
        kinds = Counter(str(json.loads(line)["kind"]) for line in lines)
        with ledger.open("ab") as file:
            for number, loss in enumerate(self._seen.losses, len(lines) + 1):
                file.write(parts.line({"loss": number, **loss}))
                kinds[loss["kind"]] += 1
        return dict(sorted(kinds.items()))

    def _about(self) -> dict[str, Json]:
        """Return what is stamped before anything is asked for."""
        return {"capture": dict(self._order.facts), "url": self._order.plan.url}

    def _commit(self) -> str:
        """Commit to all that is in the item so far; return the digest of the commitments."""
        with (self._out / pieces.RECORDS).open("ab") as file:
            file.writelines(one.line() for one in self._view_records)
        return pieces.write(self._out, self._order.key)

    def _told(
        self,
        program: str,
        summary: decode.Summary | None,
        ended: int,
        sealed: dict[str, Any] | None,
    ) -> dict[str, Any]:
        order, seen, browser = self._order, self._seen, self._browser
        owner = chromium.account(order.settings.user)
        return {
            "asked": {
                "plan": {
                    "scroll": None if order.plan.scroll is None else order.plan.scroll.as_json(),
                    "settle_s": order.plan.settle,
                    "timeout_s": order.plan.timeout,
                },
                "url": order.plan.url,
                **order.facts,
            },
            "browser": {
                "account": None if owner is None else owner.pw_name,
                "argv": browser.argv,
                "end": browser.end,
                "environment": browser.environment,
                "program": program,
                **order.settings.as_json(),
                "version": seen.version,
            },
            "account": None if order.state is None else {**order.state.names(), "part": STATE},
            "clock": clock_reference(),
            "dates": dates.read(self._out / "capture" / "exchanges.jsonl"),
            "decoded": None if summary is None else asdict(summary),
            "ended": clock.to_text(ended),
            "events": seen.events,
            "format": "holdfast-capture/1",
            "host": {"kernel": platform.release(), "local": self._local},
            "named": {name: [str(one) for one in found] for name, found in order.named.items()},
            "netlog": sealed,
            "page": {"error": seen.error, "title": seen.title, "url": seen.url},
            "proxy": None if order.proxy is None else order.proxy.text,
            "received": self._received,
            "software": wacz.SOFTWARE,
            "started": clock.to_text(self._started),
            "trusted": [trust.fingerprint(one) for one in order.roots],
            "views": [one.as_json() for one in seen.views],
        }
