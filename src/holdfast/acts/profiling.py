"""Acts on pages of persons: which they are, and whose capture another person has approved.

A profile is a person's, often one who is suspected of nothing. So before one is captured somebody
with another name, key and account of the system approves that very page, and both are entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from holdfast.acts import two_person
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.two_person import Asked, Kind
from holdfast.cases import case as cases
from holdfast.cases.profile_pages import DEFAULT, SETTING, Patterns, ProfilePage
from holdfast.cases.web_scope import WebScope
from holdfast.collect.web.refusals import OUT_OF_SCOPE, UNAPPROVED
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import roles, settings, tables
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from holdfast.collect.web.refusals import Refusal
    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class RequestProfile:
    """Whose page is to be captured, and why that is proportionate."""

    case: str
    url: str
    reason: str

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"reason": self.reason, "url": self.url}


@act("profile.request", Needs.AUTHORITY)
def request_profile(session: Session, request: RequestProfile) -> Asked:
    """Ask that a person's page may be captured in a case; another person approves.

    Raises:
        DeniedError: the page lies outside the case's scope.
        InputError: no reason, or it is no person's page.
    """
    if not request.reason.strip():
        raise InputError("that needs a reason", "give it: --reason TEXT")
    ProfilePage.parse(request.url)
    case = session.case(request.case, Needs.AUTHORITY)
    WebScope.of(case.id, case.authority.scope).check(request.url)

    def build(_connection: Connection) -> tuple[dict[str, Json], dict[str, Json]]:
        return request.facts(), {}

    number = two_person.ask(session, "profile", request.case, build)
    return session.look_up(lambda connection: two_person.find(session, connection, number))


def _perform(connection: Connection, asked: Asked, names: tuple[str, ...]) -> Sequence[Draft]:
    case = cases.find(connection, str(asked.case))
    case.check_open()
    case.authority.check_time(case.id, clock.now())
    by: list[Json] = [*names]
    facts: dict[str, Json] = {**asked.asked, "approved_by": by, "request": asked.entry}
    return [Draft("profile.allowed", asked.case, {"allowed": facts})]


KIND = Kind("profile", lambda _connection, _asked: 1, _perform)


@dataclass(frozen=True)
class Allowed:
    """A person's page that may be captured."""

    entry: int
    page: ProfilePage
    approved_by: tuple[str, ...]


def refusal(scope: WebScope, profiles: Profiles, url: str) -> Refusal | None:
    """Return why a case may not have a page that something leads to; None if it may."""
    if not scope.covers(url):
        return OUT_OF_SCOPE
    return None if profiles.covers(url) else UNAPPROVED


@dataclass(frozen=True)
class Profiles:
    """What of the web is a person's page, and what of that a case may capture."""

    case: str
    patterns: Patterns
    allowed: tuple[Allowed, ...]

    @classmethod
    def of(cls, session: Session, case: str) -> Profiles:
        """Read the unit's list, and the case's approvals."""
        return cls(case, patterns(session), tuple(_allowed(session, case)))

    def approval(self, url: str) -> Allowed | None:
        """Return by which approval a page may be captured."""
        return next((one for one in self.allowed if one.page.covers(url)), None)

    def covers(self, url: str) -> bool:
        """Say whether a page is no person's, or was approved."""
        return not self.patterns.marks(url) or self.approval(url) is not None

    def check(self, url: str) -> None:
        """Raise unless a page may be captured.

        Raises:
            DeniedError: it is a person's, and nobody has approved it.
        """
        if not self.covers(url):
            raise DeniedError(
                f"{url} is a person's page, and nobody has approved that case {self.case} "
                "captures it",
                "ask for it: `holdfast collect profile --help`",
            )

    def facts(self, url: str) -> dict[str, Json] | None:
        """Return what an item says of its approval; None for what is no person's page."""
        found = self.approval(url) if self.patterns.marks(url) else None
        if found is None:
            return None
        return {"approved_by": [*found.approved_by], "entry": found.entry}


def _allowed(session: Session, case: str) -> list[Allowed]:
    table = tables.entries
    query = select(table.c.index).where(table.c.act == "profile.allowed", table.c.case == case)
    rows: Any = session.look_up(lambda c: c.scalars(query.order_by(table.c.index.desc())).all())
    found = []
    for index in rows:
        (entry,) = session.vault.log.entries(index, index + 1)
        said = entry.fields.get("allowed")
        if said is not None:
            page = ProfilePage.parse(said["url"])
            found.append(Allowed(index, page, tuple(said["approved_by"])))
    return found


def patterns(session: Session) -> Patterns:
    """Return the pages that the unit marks as profiles."""
    value: Any = session.look_up(lambda connection: settings.read(connection, SETTING))
    return Patterns.of(DEFAULT if value is None else value)


@dataclass(frozen=True)
class MarkProfiles:
    """Which patterns the unit's list gets, and which it loses."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"added": [*self.added], "removed": [*self.removed]}


@act("profile.mark", Needs.NOTHING)
def mark_profiles(session: Session, request: MarkProfiles) -> Patterns:
    """Change the unit's list of profile pages; return it.

    Raises:
        DeniedError: a pattern is taken away by somebody who may not approve.
        InputError: one is no pattern, or not on the list.
    """
    added, removed = Patterns.of(request.added).texts, Patterns.of(request.removed).texts
    made: list[Patterns] = []

    def build(connection: Connection) -> Sequence[Draft]:
        mine = set(roles.held(connection, session.operator))
        if removed and not mine & set(roles.APPROVING):
            raise DeniedError(
                f"{session.operator} may not take pages off the list of profiles: that needs "
                f"{' or '.join(roles.APPROVING)}",
                "have it done by somebody who is; see `holdfast operator list`",
            )
        value: Any = settings.read(connection, SETTING)
        now = Patterns.of(DEFAULT if value is None else value)
        for one in removed:
            if one not in now.texts:
                raise InputError(f"{one!r} is not on the list", "see `collect profile-pages`")
        made[:] = [Patterns.of({*now.texts, *added} - set(removed))]
        return [settings.change(SETTING, [*made[0].texts])]

    session.custody.decide(build)
    return made[0]
