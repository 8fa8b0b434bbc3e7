"""One request, as a page sees it: who asks, in which case, with an open session; and answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse

from holdfast.acts import cases as case_acts
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import roles, team
from holdfast.web import languages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import ExitStack

    from starlette.datastructures import QueryParams, UploadFile
    from starlette.requests import Request
    from starlette.responses import Response

    from holdfast.acts.act import Session
    from holdfast.cases.case import Case
    from holdfast.serving.desk import Desk
    from holdfast.serving.oidc.provider import Providers
    from holdfast.serving.people import People, Person
    from holdfast.web.page import Route
    from holdfast.web.settings import Settings

SAID = "said"
"""The cookie that carries one line to the page that follows."""


LONGEST = 2000
"""Characters of an address that is gone on to."""


class NotHereError(DeniedError):
    """What was asked for does not exist, or is none of the asker's business: both look the same."""


class Host(Protocol):
    """The workbench, as a visit needs it."""

    @property
    def desk(self) -> Desk:
        """The open vaults."""

    @property
    def people(self) -> People:
        """Who is signed in."""

    @property
    def settings(self) -> Settings:
        """How it is served."""

    @property
    def providers(self) -> Providers:
        """Who tells who somebody is, beside ourselves."""

    def write(self, visit: Visit, template: str, values: dict[str, Any]) -> str:
        """Return a page's HTML."""

    def say(self, response: Response, said: str) -> None:
        """Have one line said on the page that follows."""

    def sign_in(self, response: Response, secret: str) -> None:
        """Give the browser a session's secret."""

    def allows(self, roles: frozenset[str], acts: Iterable[str]) -> bool:
        """Say whether roles in a case allow every one of `acts`."""


@dataclass
class Visit:
    """One request of one person."""

    workbench: Host
    request: Request
    route: Route
    person: Person
    form_data: FormData | None = None
    work: Session | None = field(default=None, repr=False)
    """The person's open session; None at the door."""
    ends: ExitStack | None = field(default=None, repr=False)
    """Closes the session; taken over by an answer that streams."""

    @property
    def session(self) -> Session:
        """The person's open session.

        Raises:
            DeniedError: nobody is signed in.
        """
        if self.work is None:
            raise DeniedError("nobody is signed in", "sign in")
        return self.work

    @property
    def case(self) -> str:
        """The number of the case that the address names."""
        return str(self.request.path_params["case"])

    @property
    def path(self) -> Mapping[str, Any]:
        """The address's own parts, by name."""
        return self.request.path_params

    @property
    def query(self) -> QueryParams:
        """What stands behind the address's question mark."""
        return self.request.query_params

    @cached_property
    def facts(self) -> Case:
        """The case that the address names.

        Raises:
            NotHereError: none, or none of this person's.
        """
        try:
            return case_acts.show_case(self.session, case_acts.OneCase(self.case))
        except DeniedError:
            raise NotHereError("there is no such case, or you have no part in it") from None

    @cached_property
    def roles(self) -> frozenset[str]:
        """The person's roles in this case."""
        return self.session.look_up(lambda c: team.held(c, self.case, self.person.name))

    @cached_property
    def standing(self) -> frozenset[str]:
        """The person's roles in the unit."""
        return frozenset(self.session.look_up(lambda c: roles.held(c, self.person.name)))

    @property
    def zone(self) -> str:
        """The case's time zone."""
        return self.facts.zone if self.route.in_case else "UTC"

    def field(self, name: str, default: str = "") -> str:
        """Return what a form's field says, without the blanks around it."""
        value = self.form_data.get(name) if self.form_data is not None else None
        return value.strip() if isinstance(value, str) else default

    def fields(self, name: str) -> tuple[str, ...]:
        """Return what each field of one name says; empty ones are left out."""
        values = self.form_data.getlist(name) if self.form_data is not None else []
        return tuple(one.strip() for one in values if isinstance(one, str) and one.strip())

    def files(self, name: str) -> tuple[UploadFile, ...]:
        """Return the files that a form's field holds."""
        values = self.form_data.getlist(name) if self.form_data is not None else []
        return tuple(one for one in values if not isinstance(one, str) and one.filename)

    def keep(self, name: str, value: str) -> None:
        """Give a field to this form, so that a page which sends it once more has it."""
        if self.form_data is not None:
            self.form_data = FormData([*self.form_data.multi_items(), (name, value)])

    def number(self, name: str, default: int, largest: int = 10_000) -> int:
        """Return a number that stands behind the question mark.

        Raises:
            InputError: it is none, or too large.
        """
        text = self.query.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit()) or int(text[:10]) > largest:
            raise InputError(f"{name} is a number up to {largest}", "correct the address")
        return int(text)

    def render(self, template: str, code: int = 200, /, **values: Any) -> Response:
        """Return a page."""
        return HTMLResponse(self.workbench.write(self, template, values), code)

    def json(self, value: Any) -> Response:
        """Return data for a script of ours."""
        return JSONResponse(value)

    def go(self, path: str, said: str = "", **query: str) -> Response:
        """Send the browser on, by GET, with a line to be said there."""
        address = f"{path}?{urlencode(query)}" if query else path
        response = RedirectResponse(address, 303)
        if said:
            self.workbench.say(response, said)
        return response

    def back(self, said: str = "") -> Response:
        """Send the browser back to the page that the form stood in."""
        parts = urlsplit(self.field("back") or self.request.headers.get("referer", ""))
        # Of an address only what lies on this site: a form can't send anybody elsewhere.
        path = onward(parts.path)
        path += f"?{parts.query}" if parts.query else ""
        return self.go(f"{path}#{parts.fragment}" if parts.fragment else path, said)

    def stream(
        self, chunks: Iterable[bytes], media_type: str, headers: Mapping[str, str]
    ) -> Response:
        """Return bytes as they come; the session stays open until the last."""
        held, self.ends = self.ends, None

        def body() -> Iterator[bytes]:
            try:
                yield from chunks
            finally:
                if held is not None:
                    held.close()

        return StreamingResponse(body(), 200, dict(headers), media_type)

    def offered(self, acts: Iterable[str]) -> bool:
        """Say whether this person's roles in this case allow every one of `acts`."""
        return self.workbench.allows(self.roles, acts)

    @property
    def language(self) -> languages.Language:
        """The language that this page is in."""
        return languages.present()


def onward(address: str) -> str:
    """Return where somebody wanted to go, if that lies on this site; else the first page.

    Browsers leave out tabs and line ends, and take a backslash for a slash: `/\\evil.example` and
    `/<tab>/evil.example` are both another site's. What is no plain path is not gone to.
    """
    plain = address.isascii() and address.isprintable() and "\\" not in address
    inside = address.startswith("/") and not address.startswith("//")
    return address if plain and inside and len(address) <= LONGEST else "/"
