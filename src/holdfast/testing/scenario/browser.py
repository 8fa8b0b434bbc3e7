"""Ingrid's browser history: from the mail to the link, the fake bank, and the payment."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.testing.scenario import chromium, surfing, when
from holdfast.testing.scenario.chromium import (
    CHAIN_END,
    CHAIN_START,
    FORM_SUBMIT,
    LINK,
    SERVER_REDIRECT,
    TYPED,
    WHOLE,
)
from holdfast.testing.scenario.truth import DownloadFact, VisitFact
from holdfast.testing.scenario.visit import Download, Visit
from holdfast.testing.scenario.when import DAY, MINUTE, SECOND

if TYPE_CHECKING:
    from holdfast.testing.scenario.dice import Dice
    from holdfast.testing.scenario.story import Story

DOWNLOADS = "C:\\Users\\Ingrid\\Downloads\\"
_PHONE = "8f1d2c5e-7a40-4b1c-a9d3-5502e6c7b0aa"
"""The cache GUID of her telephone, whose visits reach this machine by sync."""


@dataclass(frozen=True)
class History:
    """The file and what is true of it."""

    data: bytes
    visits: tuple[VisitFact, ...]
    downloads: tuple[DownloadFact, ...]
    counts: dict[str, int]


@dataclass
class _Tables:
    """Rows as they grow, by table."""

    rows: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)

    def add(self, table: str, *row: object) -> int:
        rows = self.rows.setdefault(table, [])
        rows.append(row)
        return len(rows)


def build(story: Story, noise: int, statement: bytes, path: str) -> History:
    """Return the database with `noise` visits besides those of the plot.

    `statement` is the account statement she downloaded from the real bank.
    """
    dice = story.dice("browser")
    visits = [*_plot(story), *surfing.visits(story, dice, noise)]
    # The sort is stable, so of two visits at one time (a redirect) the first stays first.
    visits.sort(key=lambda visit: visit.time)
    for rowid, visit in enumerate(visits, 1):
        visit.rowid = rowid
    downloads = sorted(
        [*_plot_downloads(story, statement), *surfing.downloads(story, dice, noise // 150)],
        key=lambda download: download.time,
    )
    tables = _Tables()
    _fill_visits(tables, visits, story.dice("browser/annotations"))
    for rowid, download in enumerate(downloads, 1):
        _fill_download(tables, rowid, download, story.dice(f"browser/download {rowid}"))
    tables.add("meta", "mmap_status", "-1")
    tables.add("meta", "version", str(chromium.VERSION))
    tables.add("meta", "last_compatible_version", "16")
    threshold = when.chromium(story.times.start - 60 * DAY)
    tables.add("meta", "early_expiration_threshold", str(threshold))
    counts = {
        "urls": len(tables.rows["urls"]),
        "visits": len(visits),
        "downloads": len(downloads),
        "search_terms": len(tables.rows.get("keyword_search_terms", [])),
    }
    return History(
        chromium.database(tables.rows),
        tuple(
            VisitFact(
                visit.role, path, visit.rowid, visit.url, visit.title, visit.time,
                visit.before.rowid if visit.before else 0, visit.transition,
            )
            for visit in visits if visit.role
        ),
        tuple(
            DownloadFact(
                download.role, path, rowid, download.chain[-1], DOWNLOADS + download.name,
                download.time, len(download.data), hashlib.sha256(download.data).hexdigest(),
            )
            for rowid, download in enumerate(downloads, 1) if download.role
        ),
        counts,
    )  # fmt: skip


def _plot(story: Story) -> list[Visit]:
    times, fake, bank = story.times, story.fake, f"https://{story.bank.domain}"
    submit, onward = FORM_SUBMIT | CHAIN_START, SERVER_REDIRECT | CHAIN_END
    title = f"{story.bank.name} - Logg inn"
    inbox = Visit(
        times.mail_opened - 40 * SECOND,
        surfing.WEBMAIL + "inbox",
        "Innboks - Fjordpost",
        TYPED | WHOLE | chromium.FROM_ADDRESS_BAR,
        stay=40 * SECOND,
    )
    mail = Visit(
        times.mail_opened,
        surfing.WEBMAIL + "inbox/" + story.phishing.message_id[:10],
        story.phishing.subject + " - Fjordpost",
        LINK | WHOLE,
        inbox,
        times.link_clicked - times.mail_opened,
        "mail",
    )
    link = Visit(
        times.link_clicked, story.phishing.link, title, LINK | CHAIN_START, mail, role="link"
    )
    # Chromium gives every visit of a server redirect the time of the request.
    page = Visit(
        times.link_clicked,
        fake.login,
        title,
        LINK | onward,
        link,
        times.login_posted - times.link_clicked,
        "fake bank",
    )
    login = Visit(
        times.login_posted,
        fake.login_post,
        f"{story.bank.name} - Kode",
        submit,
        page,
        role="login posted",
    )
    code = Visit(
        times.login_posted,
        fake.code,
        f"{story.bank.name} - Kode",
        FORM_SUBMIT | onward,
        login,
        times.code_posted - times.login_posted,
        "code",
    )
    check = Visit(
        times.code_posted,
        fake.code_post,
        f"{story.bank.name} - Takk",
        submit,
        code,
        role="code posted",
    )
    done = Visit(
        times.code_posted,
        fake.done,
        f"{story.bank.name} - Takk",
        FORM_SUBMIT | onward,
        check,
        times.panel_read - times.code_posted,
        "done",
    )
    typed = TYPED | WHOLE | chromium.FROM_ADDRESS_BAR
    real = Visit(
        times.payment - 4 * MINUTE,
        f"{bank}/innlogging",
        f"Logg inn | {story.bank.name}",
        typed,
        stay=MINUTE,
    )
    form = Visit(
        times.payment - 150 * SECOND,
        f"{bank}/betaling/ny",
        f"Ny betaling | {story.bank.name}",
        LINK | WHOLE,
        real,
        150 * SECOND,
    )
    paid = Visit(
        times.payment,
        f"{bank}/betaling/kvittering",
        f"Betalingen er godkjent | {story.bank.name}",
        FORM_SUBMIT | WHOLE,
        form,
        30 * SECOND,
        "payment",
    )
    again = Visit(
        times.statement_downloaded - 90 * SECOND,
        f"{bank}/innlogging",
        f"Logg inn | {story.bank.name}",
        typed,
        stay=MINUTE,
    )
    account = Visit(
        times.statement_downloaded - 30 * SECOND,
        f"{bank}/konto/utskrift",
        f"Kontoutskrift | {story.bank.name}",
        LINK | WHOLE,
        again,
        MINUTE,
    )
    return [
        inbox, mail, link, page, login, code, check, done, real, form, paid, again, account
    ]  # fmt: skip


def _plot_downloads(story: Story, statement: bytes) -> list[Download]:
    fake, bank = story.fake, f"https://{story.bank.domain}"
    return [
        Download(
            story.times.receipt_downloaded, (fake.receipt_get, fake.receipt_url), fake.done,
            fake.receipt.name, fake.receipt.mime, fake.receipt.data, "receipt",
        ),
        Download(
            story.times.statement_downloaded, (f"{bank}/konto/utskrift.csv",),
            f"{bank}/konto/utskrift", "kontoutskrift-2026-03.csv", "text/csv", statement,
            "statement",
        ),
    ]  # fmt: skip


def _fill_visits(tables: _Tables, visits: list[Visit], dice: Dice) -> None:
    """Write the rows of visits, and the tables that Chromium keeps beside them."""
    by_url: dict[str, list[Visit]] = {}
    for visit in visits:
        by_url.setdefault(visit.url, []).append(visit)
    url_ids = {url: number for number, url in enumerate(by_url, 1)}
    segments: dict[str, int] = {}
    usage: dict[tuple[int, int], int] = {}
    links: dict[tuple[int, str], int] = {}
    link_counts: dict[int, int] = {}
    last = 0
    for visit in visits:
        core, url_id = visit.transition & 0xFF, url_ids[visit.url]
        typed = core == TYPED
        if typed or core == chromium.BOOKMARK:
            name = "http://" + visit.url.partition("://")[2]
            if name not in segments:
                segments[name] = tables.add("segments", len(segments) + 1, name, url_id)
            visit.segment = segments[name]
        elif visit.before:
            visit.segment = visit.before.segment
        if visit.segment:
            slot = (visit.segment, when.chromium(when.midnight(visit.time)))
            usage[slot] = usage.get(slot, 0) + 1
        link = 0
        if core == LINK and visit.before:
            link = links.setdefault((url_id, visit.before.url), len(links) + 1)
            link_counts[link] = link_counts.get(link, 0) + 1
        ends = bool(visit.transition & CHAIN_END)
        tables.add(
            "visits", visit.rowid, url_id, when.chromium(visit.time),
            visit.before.rowid if visit.before else 0, "", visit.transition, visit.segment,
            visit.stay, int(typed), 0, _PHONE if visit.synced else "",
            visit.rowid + 5000 if visit.synced else 0, 0, 0, int(visit.synced),
            int(ends and core != chromium.SUBFRAME), link, None,
        )  # fmt: skip
        if visit.synced:
            tables.add("visit_source", visit.rowid, chromium.SYNCED)
        _annotate(tables, visit, visit.time - last if last else -SECOND, dice)
        last = visit.time
    for url, found in by_url.items():
        typed_count = sum(visit.transition & 0xFF == TYPED for visit in found)
        hidden = all(visit.transition & 0xFF == chromium.SUBFRAME for visit in found)
        tables.add(
            "urls", url_ids[url], url, found[-1].title, len(found), typed_count,
            when.chromium(found[-1].time), int(hidden),
        )  # fmt: skip
        if found[0].words:
            words = found[0].words
            tables.add("keyword_search_terms", 2, url_ids[url], words, words.lower())
    for number, ((segment, slot_time), count) in enumerate(usage.items(), 1):
        tables.add("segment_usage", number, segment, slot_time, count)
    for (url_id, top), number in links.items():
        tables.add("visited_links", number, url_id, top, top, link_counts[number])


def _annotate(tables: _Tables, visit: Visit, since_last: int, dice: Dice) -> None:
    tables.add(
        "context_annotations", visit.rowid, 0, since_last, 3, visit.stay * 3 // 4, 1,
        3 + visit.rowid // 400, 10 + visit.rowid // 9, -1, -1, -1, 200,
    )  # fmt: skip
    tables.add(
        "content_annotations", visit.rowid, dice.pick((-1, 0.25, 0.5, 0.875, 1)), -1, "", -1, 0,
        "", "", visit.url if visit.words else "", visit.words, "", "nb", 1, 0,
    )  # fmt: skip


def _fill_download(tables: _Tables, rowid: int, download: Download, dice: Dice) -> None:
    whole = download.state == chromium.COMPLETE
    size = len(download.data)
    start, end = when.chromium(download.time), when.chromium(download.time + 900_000)
    target = DOWNLOADS + download.name
    digest = hashlib.sha256(download.data).digest() if whole else b""
    site = "/".join(download.tab_url.split("/")[:3]) + "/"
    reason = {chromium.CANCELLED: 40, chromium.INTERRUPTED: 21}.get(download.state, 0)
    tables.add(
        "downloads", rowid, dice.guid(), target if whole else target + ".crdownload", target,
        start, size if whole else size // 3, size, download.state, 0, reason, digest,
        end if whole else 0, int(bool(download.role)), end + MINUTE if download.role else 0, 0,
        download.tab_url, site, "", download.tab_url, "", "GET", "", "", "",
        f'"{dice.hex(12)}"', when.http(download.time - 5 * DAY), download.mime, download.mime,
    )  # fmt: skip
    for index, url in enumerate(download.chain):
        tables.add("downloads_url_chains", rowid, index, url)
