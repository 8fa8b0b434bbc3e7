"""The workbench as an ASGI application: finds the pages, opens sessions, answers errors."""

from __future__ import annotations

import logging
import secrets
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Mount
from starlette.routing import Route as StarletteRoute
from starlette.staticfiles import StaticFiles

from holdfast.cases import access
from holdfast.core import registry
from holdfast.core.errors import (
    ConflictError,
    DeniedError,
    HoldfastError,
    InputError,
    RemoteError,
    ResourceError,
    printable,
)
from holdfast.serving.oidc.provider import Providers
from holdfast.serving.people import COOKIE, Person
from holdfast.web import forms, languages, signing
from holdfast.web.guard import Guard
from holdfast.web.page import Route
from holdfast.web.visit import SAID, NotHereError, Visit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from holdfast.serving.desk import Desk
    from holdfast.serving.people import People
    from holdfast.web.page import Page
    from holdfast.web.settings import Settings

HERE = Path(__file__).parent
NOBODY = Person("", "nobody")
STATUS: dict[type[HoldfastError], HTTPStatus] = {
    NotHereError: HTTPStatus.NOT_FOUND,
    InputError: HTTPStatus.BAD_REQUEST,
    DeniedError: HTTPStatus.FORBIDDEN,
    ConflictError: HTTPStatus.CONFLICT,
    RemoteError: HTTPStatus.BAD_GATEWAY,
    ResourceError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What each fault is in HTTP; a subclass stands before its parent."""


def pages() -> tuple[Page, ...]:
    """Return every page, in the order of the navigation."""
    found = [module.PAGE for module in registry.modules("holdfast.web.pages")]
    return tuple(sorted(found, key=lambda page: (page.order, page.name)))


@dataclass
class Workbench:
    """The pages over one vault."""

    desk: Desk
    people: People
    settings: Settings
    providers: Providers = field(default_factory=Providers)
    pages: tuple[Page, ...] = field(default_factory=pages)

    def __post_init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader([HERE / "templates", HERE / "pages"]),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._templates.install_gettext_callables(  # type: ignore[attr-defined]
            languages.gettext, languages.ngettext, newstyle=True
        )
        self._templates.globals.update(gettext=_gettext, ngettext=_ngettext)
        self._templates.filters.update(number=languages.number, raw=raw)
        self._templates.globals["languages"] = [
            languages.Language(code) for code in languages.LANGUAGES
        ]

    def application(self, more: Sequence[BaseRoute] = ()) -> Starlette:
        """Return it as an application; `more` routes go first, such as the API's."""
        routes: list[BaseRoute] = [
            *more,
            Mount("/static", StaticFiles(directory=HERE / "static"), name="static"),
            *(self._mounted(route) for page in self.pages for route in page.routes),
        ]
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.settings.url))
        return Starlette(
            routes=routes,
            middleware=[Middleware(Guard, origins=self.settings.origins | {origin})],
            exception_handlers={HTTPException: self._lost, Exception: self._broken},
            lifespan=self._life,
        )

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(self.desk.close)

    def _mounted(self, route: Route) -> StarletteRoute:
        async def answer(request: Request) -> Response:
            secret = request.cookies.get(COOKIE, "")
            person = await run_in_threadpool(self.people.find, secret) or NOBODY
            if route.signed_in and person is NOBODY:
                return self._to_the_door(request)
            visit = Visit(self, request, route, person)
            if route.method == "POST":
                try:
                    visit.form_data = await forms.read(request, route.largest)
                except InputError as error:
                    return await run_in_threadpool(self._answer, visit, _raising(error))
            try:
                return await run_in_threadpool(
                    self._answer, visit, signing.by_own_key(route.handler)
                )
            finally:
                if visit.form_data is not None:
                    await visit.form_data.close()

        return StarletteRoute(route.path, answer, methods=[route.method])

    def _answer(self, visit: Visit, handler: Callable[[Visit], Response]) -> Response:
        """Answer in a thread of its own, with an open session."""
        choose(visit.request).use()
        with ExitStack() as ends:
            try:
                if visit.person is not NOBODY:
                    visit.work = ends.enter_context(self.desk.session(visit.person))
                    if visit.route.in_case:
                        visit.facts  # noqa: B018 - asks whether there is one, for this person
                visit.ends = ends
                if visit.form_data is not None and visit.work is not None:
                    response = forms.once(visit, handler)
                else:
                    response = handler(visit)
            except HoldfastError as error:
                response = self.explain(visit, error)
            if visit.ends is None:
                ends.pop_all()
        if SAID in visit.request.cookies and response.status_code < 300:
            response.delete_cookie(SAID, path="/")
        return response

    def explain(self, visit: Visit, error: HoldfastError) -> Response:
        """Return a page that says what happened and what to do."""
        status = next(
            (one for kind, one in STATUS.items() if isinstance(error, kind)),
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )
        return self.tell(visit, status, printable(error.what), printable(error.remedy))

    def tell(self, visit: Visit, status: HTTPStatus, what: str, remedy: str) -> Response:
        """Return a page with one thing to say."""
        if status == HTTPStatus.NOT_FOUND:
            # Nothing of the case may show, not even its name over the message.
            visit = Visit(self, visit.request, _NOWHERE, visit.person, work=visit.work)
        return visit.render(
            "error.html", status, status=status, what=what, remedy=remedy,
            entered=forms.entered(visit) if status != HTTPStatus.NOT_FOUND else [],
        )  # fmt: skip

    def write(self, visit: Visit, template: str, values: dict[str, Any]) -> str:
        """Return a page's HTML."""
        said = unquote(visit.request.cookies.get(SAID, ""))
        return self._templates.get_template(template).render(
            visit=visit,
            person=visit.person,
            language=languages.present(),
            navigation=self._navigation(visit),
            said=said,
            form_token=lambda: Markup('<input type="hidden" name="{}" value="{}">').format(
                forms.TOKEN, secrets.token_urlsafe(18)
            ),
            both=lambda time: languages.moment(time, visit.zone),
            **values,
        )

    def say(self, response: Response, said: str) -> None:
        """Have one line said on the page that follows."""
        response.set_cookie(
            SAID, quote(said[:500]), 60, path="/", httponly=True, samesite="strict",
            secure=self.settings.secure,
        )  # fmt: skip

    def sign_in(self, response: Response, secret: str) -> None:
        """Give the browser a session's secret."""
        response.set_cookie(
            COOKIE, secret, path="/", httponly=True, samesite="strict", secure=self.settings.secure
        )

    def allows(self, roles: frozenset[str], acts: Iterable[str]) -> bool:
        """Say whether roles in a case allow every one of `acts`."""
        return all(roles & access.ALLOWED.get(act, frozenset()) for act in acts)

    def _navigation(self, visit: Visit) -> list[tuple[Page, str, bool]]:
        """Return (page, address, whether it is this one) of what this person may go to here."""
        if visit.work is None:
            return []
        found = []
        for page in self.pages:
            entrance = page.entrance
            if not page.order or entrance is None or entrance.in_case != visit.route.in_case:
                continue
            if entrance.in_case and not visit.offered(entrance.acts):
                continue
            address = entrance.path
            if entrance.in_case:
                address = address.replace("{case}", quote(visit.case))
            found.append((page, address, visit.route in page.routes))
        return found

    def _to_the_door(self, request: Request) -> Response:
        if request.method != "GET":
            return PlainTextResponse("sign in first; nothing was done\n", 401)
        whole = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(whole)}", 303)

    async def _lost(self, request: Request, error: Exception) -> Response:
        status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 404)
        return await run_in_threadpool(self._at_no_page, request, status)

    async def _broken(self, request: Request, error: Exception) -> Response:
        logging.getLogger("holdfast").error("%s: %r", request.url.path, error, exc_info=error)
        return await run_in_threadpool(self._at_no_page, request, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _at_no_page(self, request: Request, status: HTTPStatus) -> Response:
        choose(request).use()
        what = {
            HTTPStatus.NOT_FOUND: languages.gettext("There is no such page."),
            HTTPStatus.METHOD_NOT_ALLOWED: languages.gettext("This page takes no such request."),
        }.get(status, languages.gettext("A fault in Holdfast. Nothing of your evidence changed."))
        visit = Visit(self, request, _NOWHERE, NOBODY)
        return self.tell(visit, status, what, "")


def choose(request: Request) -> languages.Language:
    """Return the language for a request: `?lang=`, else the person's choice, else the browser's."""
    asked = request.query_params.get("lang") or request.cookies.get("lang")
    accepted = request.headers.get("accept-language", "")
    return languages.choose(asked, (one.split(";")[0].strip() for one in accepted.split(",")))


def raw(value: object) -> Markup:
    """Show what evidence says: apart from the text around it, nothing in it acting on the page."""
    return Markup('<bdi class="raw">{}</bdi>').format(printable(str(value)))


def _gettext(text: str, /, **values: object) -> str:
    """Translate for a template: the catalogue's words are ours, what fills them is escaped."""
    return languages.filled(Markup(languages.gettext(text)), values)  # noqa: S704


def _ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    text = Markup(languages.ngettext(one, many, num))  # noqa: S704
    return languages.filled(text, {"num": num, **values})


def _raising(error: HoldfastError) -> Callable[[Visit], Response]:
    def handler(_visit: Visit) -> Response:
        raise error

    return handler


def _nowhere(_visit: Visit) -> Response:
    raise NotHereError("there is no such page")


_NOWHERE = Route("GET", "/", (), _nowhere)
