"""Acts on schedules: pages that are captured again and again, until the case's authority ends.

A schedule is an entry, each capture that it brings is begun by an entry and ended by one that says
whether the page has changed, and it is over when its case is closed or its authority expires: no
clock of a service decides that, but the case itself, at each turn. Two runs at once do not capture
a page twice: who enters the beginning has the turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.acts import comparing
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.capturing import collect_web
from holdfast.acts.profiling import Profiles
from holdfast.acts.web_captures import CollectWeb, Kept, Options
from holdfast.cases import case as cases
from holdfast.cases import exhibits
from holdfast.cases.web_scope import WebScope
from holdfast.collect.web.compare import DIFFERS, UNCOMPARED
from holdfast.collect.web.proxies import Proxy
from holdfast.core import clock
from holdfast.core.errors import ConflictError, DeniedError, InputError
from holdfast.vault import tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from holdfast.acts.comparing import Compared
    from holdfast.core.canonical import Json

SHORTEST = 60
"""Seconds from one capture of a page to the next, at least."""
LONGEST = 366 * 86400
_SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True)
class AddSchedule:
    """Which pages are to be captured again and again, how often, and until when."""

    case: str
    urls: tuple[str, ...]
    every: int
    """Seconds."""
    until: str = ""
    """A time or a date; the end of the case's authority, if left out or later."""
    options: Options = field(default_factory=Options)

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"every_s": self.every, "options": self.options.facts(), "urls": [*self.urls]}


@dataclass(frozen=True)
class Scheduled:
    """A schedule, and how its pages are."""

    entry: int
    case: str
    every: int
    """Seconds."""
    until: int
    """Microseconds since the epoch; never later than the authority's own end."""
    urls: tuple[str, ...]
    """Empty where they were erased by order."""
    options: Options
    begun: dict[int, int]
    """By the page's number: when it was last captured, microseconds since the epoch."""
    items: dict[int, str]
    """By the page's number: its last capture."""
    over: str
    """Why nothing is captured any more; empty while it goes on."""

    def due(self, number: int) -> int:
        """Return when a page's next turn is; 0 for at once."""
        begun = self.begun.get(number)
        return 0 if begun is None else begun + self.every * _SECOND

    def as_json(self) -> dict[str, Json]:
        """Return what `collect schedule list --json` prints."""
        return {
            "case": self.case,
            "every_s": self.every,
            "options": self.options.facts(),
            "over": self.over,
            "pages": [
                {
                    "last": clock.to_text(self.begun[at]) if at in self.begun else None,
                    "last_item": self.items.get(at),
                    "url": url,
                }
                for at, url in enumerate(self.urls)
            ],
            "schedule": self.entry,
            "until": clock.to_text(self.until),
        }


@act("schedule.add", Needs.AUTHORITY)
def add_schedule(session: Session, request: AddSchedule) -> Scheduled:
    """Enter a schedule.

    Raises:
        DeniedError: a page lies outside the case's scope, or is a person's that nobody approved.
        InputError: an address, the interval, the end or an option is none.
    """
    _check(request.options)
    if not SHORTEST <= request.every <= LONGEST:
        raise InputError(
            "pages are captured again after a minute at least, and a year at most",
            "give --every 30m, 6h, 1d …",
        )
    if not request.urls:
        raise InputError("no address is named", "give URL...")
    asked = clock.end_of(request.until) if request.until else None
    profiles = Profiles.of(session, request.case)

    def build(connection: Connection) -> Sequence[Draft]:
        case = cases.find(connection, request.case)
        case.check_open()
        case.authority.check_time(case.id, clock.now())
        scope = WebScope.of(case.id, case.authority.scope)
        for url in request.urls:
            scope.check(url)
            profiles.check(url)
        end = case.authority.valid_until
        until = end if asked is None else min(asked, end)
        if until < clock.now():
            raise InputError("the schedule would be over already", "check --until")
        facts: dict[str, Json] = {
            "every_s": request.every,
            "pages": len(request.urls),
            "until": clock.to_text(until),
        }
        told = {name: value for name, value in request.facts().items() if name != "every_s"}
        return [Draft("schedule.add", case.id, {"schedule": facts, **told})]

    (entered,) = session.custody.decide(build)
    return next(one for one in schedules(session) if one.entry == entered.index)


def _check(options: Options) -> None:
    """Raise where an option can't be kept in the log, or is no schedule's.

    Raises:
        InputError: it is one.
    """
    if options.proxy is not None and Proxy.parse(options.proxy).user:
        raise InputError(
            "a proxy's name and password would stand in the log",
            "schedule through a proxy that asks for none",
        )
    for name in ("account", "storage_state", "second_proxy"):
        if getattr(options, name) is not None:
            raise InputError(f"a schedule has no {name.replace('_', ' ')}", "capture by hand")


@dataclass(frozen=True)
class RemoveSchedule:
    """Which schedule, by its entry's number, and why."""

    schedule: int
    reason: str = ""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"reason": self.reason, "schedule": self.schedule}


@act("schedule.remove", Needs.NOTHING)
def remove_schedule(session: Session, request: RemoveSchedule) -> None:
    """End a schedule: nothing is captured by it any more. What it captured stays.

    Raises:
        InputError: there is none with that number, or it is removed already.
    """

    def build(connection: Connection) -> Sequence[Draft]:
        table = tables.schedules
        query = select(table).where(table.c.entry == request.schedule, table.c.removed.is_(None))
        row = connection.execute(query).one_or_none()
        if row is None:
            raise InputError(
                f"entry {request.schedule} is no schedule, or is removed already",
                "see `holdfast collect schedule list`",
            )
        facts: dict[str, Json] = {"entry": request.schedule}
        return [Draft("schedule.remove", row.case, {"schedule": facts, "reason": request.reason})]

    session.custody.decide(build)


def schedules(session: Session, case: str | None = None) -> list[Scheduled]:
    """Return the schedules that are not removed, of one case or of all, oldest first."""
    session.vault.current()
    return session.look_up(lambda connection: _schedules(session, connection, case))


def _schedules(session: Session, connection: Connection, case: str | None) -> list[Scheduled]:
    table, pages, now = tables.schedules, tables.recaptures, clock.now()
    query = select(table).where(table.c.removed.is_(None)).order_by(table.c.entry)
    if case is not None:
        query = query.where(table.c.case == case)
    found = []
    for row in connection.execute(query).all():
        (entry,) = session.vault.log.entries(row.entry, row.entry + 1)
        done = connection.execute(select(pages).where(pages.c.schedule == row.entry)).all()
        owner = cases.find(connection, row.case)
        over = ""
        try:
            owner.check_open()
            owner.authority.check_time(owner.id, now)
        except DeniedError as ended:
            over = ended.what
        if now > row.until:
            over = over or f"it ended at {clock.to_text(row.until)}"
        found.append(
            Scheduled(
                *(row.entry, row.case, row.every, min(row.until, owner.authority.valid_until)),
                urls=tuple(entry.fields.get("urls", ())),
                options=Options.of(entry.fields.get("options", {})),
                begun={one.number: one.begun for one in done},
                items={one.number: one.item for one in done if one.item is not None},
                over=over,
            )
        )
    return found


@dataclass(frozen=True)
class Recaptured:
    """What came of a page's turn."""

    schedule: int
    case: str
    url: str
    state: str
    """`first`, `same`, `changed`, `uncompared` (with the last capture), or `failed`."""
    item: str | None = None
    exhibit: str | None = None
    compared: Compared | None = None
    why: str = ""
    """Why there is no capture."""

    @property
    def alarming(self) -> bool:
        """Whether the page is not, or not surely, what it was."""
        return self.state in {"changed", "uncompared"}

    def as_json(self) -> dict[str, Json]:
        """Return what `collect schedule run --json` prints."""
        compared = self.compared
        return {
            "case": self.case,
            "exhibit": self.exhibit,
            "item": self.item,
            "previous": None if compared is None else compared.first.item,
            "previous_exhibit": None if compared is None else compared.first.label,
            "schedule": self.schedule,
            "state": self.state,
            "url": self.url,
            "what": [] if compared is None else compared.difference.what,
            "why": self.why,
        }


def run_due(session: Session, case: str | None = None) -> Iterator[Recaptured]:
    """Capture what is due, once; yield what came of each page, once it is entered.

    Each capture is the act `collect.web`, with all that it checks and refuses.
    """
    for one in schedules(session, case):
        if one.over:
            continue
        for number, url in enumerate(one.urls):
            if _begin(session, one, number):
                yield _recapture(session, one, number, url)


def next_due(session: Session, case: str | None = None) -> int | None:
    """Return when the next page's turn is; None where no schedule goes on."""
    found = [
        one.due(number)
        for one in schedules(session, case)
        if not one.over
        for number in range(len(one.urls))
    ]
    return min(found) if found else None


def _begin(session: Session, schedule: Scheduled, number: int) -> bool:
    """Enter that a page's turn has come; False where it has not, or another run has taken it."""

    def build(connection: Connection) -> Sequence[Draft]:
        now = clock.now()
        held = _schedules(session, connection, schedule.case)
        one = next((each for each in held if each.entry == schedule.entry), None)
        if one is None or one.over or now < one.due(number):
            return []
        facts: dict[str, Json] = {"entry": schedule.entry, "number": number}
        return [Draft("schedule.begin", schedule.case, {"schedule": facts})]

    return bool(session.custody.decide(build))


def _recapture(session: Session, schedule: Scheduled, number: int, url: str) -> Recaptured:
    last = schedule.items.get(number)
    request = CollectWeb(schedule.case, (url,), schedule.options)
    kept, why = None, ""
    try:
        for one in collect_web(session, request):
            if isinstance(one, Kept):
                kept = one
            else:
                why = str(getattr(one, "reason", ""))
    except (ConflictError, DeniedError, InputError) as error:
        # This page's own trouble; the others' turn comes all the same.
        why = error.what
    if kept is None:
        done = Recaptured(schedule.entry, schedule.case, url, "failed", why=why)
        _end(session, number, done)
        return done
    state = "first"
    try:
        compared = _compared(session, schedule.case, last, kept.collected.exhibit)
    except DeniedError as ended:
        # The authority ended with the capture: what was captured stands, and is not read again.
        compared, state, why = None, "uncompared", ended.what
    if compared is not None:
        verdict = compared.difference.verdict
        state = {DIFFERS: "changed", UNCOMPARED: "uncompared"}.get(verdict, verdict)
    done = Recaptured(
        *(schedule.entry, schedule.case, url, state),
        item=kept.collected.item,
        exhibit=kept.collected.exhibit,
        compared=compared,
        why=why,
    )
    _end(session, number, done)
    return done


def _compared(session: Session, case: str, last: str | None, label: str) -> Compared | None:
    """Compare the last capture, if the case still holds it, with the new one."""
    session.case(case, Needs.AUTHORITY)
    held = session.look_up(lambda c: list(exhibits.of_case(c, case)))
    before = next((one for one in held if one.item == last), None)
    after = next(one for one in held if one.label == label)
    return None if before is None else comparing.between(session, before, after)


def _end(session: Session, number: int, done: Recaptured) -> None:
    result: dict[str, Json] = {"state": done.state}
    if done.compared is not None:
        result["previous"] = done.compared.first.item
        result["report"] = done.compared.difference.digest
        result["what"] = done.compared.difference.what
    fields: dict[str, Json] = {
        "result": result,
        "schedule": {"entry": done.schedule, "number": number},
    }
    if done.item is not None:
        fields["item"] = done.item
    session.custody.enter(Draft("schedule.done", done.case, fields))
