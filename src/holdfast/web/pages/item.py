"""One item: what it is, what vouches for it, what is inside, and a page of it in a safe viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from holdfast.acts import cataloguing, checking, holding, playing, taking_out, viewing
from holdfast.core.errors import InputError
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.pages.items import KINDS, STATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.acts.act import Session
    from holdfast.acts.viewing import Viewed
    from holdfast.cases.exhibits import Exhibit
    from holdfast.web.visit import Visit

PAGE = Page("item", "")
ONE = "/cases/{case}/items/{item}"
STEPS = {
    "bytes": N_("Bytes"),
    "entry": N_("Entry"),
    "signature": N_("Signature"),
    "inclusion": N_("Place in the log"),
    "witnesses": N_("Witnesses"),
    "time": N_("Time"),
}
WORTH = {
    "good": (N_("good"), "good"),
    "bad": (N_("bad"), "bad"),
    "absent": (N_("no proof"), "warn"),
    "partly": (N_("good as far as there is proof"), "warn"),
}
VIEWERS = {
    "chat": N_("Conversation"),
    "delimited": N_("Table"),
    "hex": N_("Bytes"),
    "mail": N_("Mail"),
    "media": N_("Sound or film"),
    "pdf": N_("Pages"),
    "picture": N_("Picture"),
    "capture": N_("Web capture"),
    "sqlite": N_("Tables"),
    "text": N_("Text"),
}
CHOICES = ("grey", "sound")
"""What a person chooses for what they look at apart; `web.apart` has them, too."""
SANDBOX = "sandbox; default-src 'none'"
"""For what comes out of evidence and must not run, whatever a browser takes it for."""
_PAGES = 1 << 40


@dataclass(frozen=True)
class Crumb:
    """One container on the way to a file."""

    name: str
    path: str


@PAGE.get(ONE, acts=["item.show"])
def show(visit: Visit) -> Response:
    """Show what the log says of an item."""
    facts = cataloguing.show_item(
        visit.session, cataloguing.OneItem(visit.case, visit.path["item"])
    )
    exhibit = facts.row.exhibit
    holds = [
        one
        for one in holding.of_case(visit.session, visit.case)
        if one.labels is None or exhibit.item in {item for _, item in one.labels}
    ]
    return _page(
        visit, "facts", exhibit, facts=facts, holds=holds, kinds=KINDS, states=STATES, steps=STEPS,
        worth=WORTH,
    )  # fmt: skip


@PAGE.get(f"{ONE}/proof", acts=["item.check"])
def proof(visit: Visit) -> Response:
    """Check an item now, and show each step with what was found."""
    checked = checking.check_item(visit.session, checking.CheckItem(visit.case, visit.path["item"]))
    return _page(visit, "proof", checked.exhibit, checked=checked, steps=STEPS, worth=WORTH)


@PAGE.get(f"{ONE}/inside", acts=["view.inside"])
def inside(visit: Visit) -> Response:
    """List what lies in an item, or in a file inside it."""
    path, page = visit.query.get("path", ""), visit.number("page", 1, _PAGES)
    asked = viewing.ListInside(case=visit.case, item=visit.path["item"], inside=path, page=page - 1)
    listed = viewing.list_inside(visit.session, asked)
    return _page(
        visit, "inside", listed.exhibit, address=address, listed=listed.inside, page=page,
        path=path,
    )  # fmt: skip


@PAGE.get(f"{ONE}/view", acts=["view"])
def view(visit: Visit) -> Response:
    """Show a page of a file; a picture is blurred until its clear version is asked for."""
    asked = _asked(visit)
    seen = viewing.view(visit.session, asked)
    given = {
        "as": asked.viewer, "page": str(asked.page + 1) if asked.page else "",
        "part": asked.part, "path": asked.inside,
    }  # fmt: skip
    # A page of a document is read, so it is clear at once; a picture is looked at, so it isn't.
    clear = visit.query.get("clear") == "1" or seen.shown.kind == "document"

    def link(place: str = "view", **changes: str) -> str:
        return address(place, **{**given, **changes})

    return _page(
        visit, "view", seen.exhibit, asked=asked, clear=clear, link=link, seen=seen,
        shown=seen.shown, viewers=VIEWERS, words=_words(seen),
    )  # fmt: skip


@PAGE.get(f"{ONE}/picture", acts=["view"])
def picture(visit: Visit) -> Response:
    """Give the picture of a page, made anew in the sandbox: blurred, or clear where asked for."""
    seen = viewing.view(visit.session, _asked(visit, visit.query.get("picture", "blurred")))
    headers = {"content-security-policy": SANDBOX, "content-disposition": "inline"}
    if seen.picture is None:
        return Response(seen.shown.failed, 422, headers, "text/plain")
    return Response(seen.picture, 200, headers, "image/png")


@PAGE.get(f"{ONE}/original", acts=["item.get"])
def original(visit: Visit) -> Response:
    """Give a copy of the original, to be saved and never to be opened here."""
    taken = taking_out.get_item(visit.session, taking_out.GetItem(visit.case, visit.path["item"]))
    name = taking_out.safe_name(taken.exhibit)
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-length": str(taken.exhibit.size),
        "content-security-policy": SANDBOX,
    }
    return visit.stream(taken.pieces, "application/octet-stream", headers)


@PAGE.get(f"{ONE}/replay", acts=["view.replay"])
def replay(visit: Visit) -> Response:
    """Go to a capture's replay, at the origin apart."""
    return _apart(visit, playing.replayed)


@PAGE.get(f"{ONE}/play", acts=["view.play"])
def play(visit: Visit) -> Response:
    """Go to where sound or film is played, at the origin apart."""
    return _apart(visit, playing.played)


def _apart(visit: Visit, show: Callable[[Session, playing.Show], playing.Shown]) -> Response:
    origin = visit.workbench.settings.apart
    if not origin:
        raise InputError(
            gettext("this workbench is served without an origin apart"),
            gettext("have it started with one: `holdfast serve --apart HOST:PORT`"),
        )
    asked = playing.Show(
        case=visit.case, item=visit.path["item"], inside=visit.query.get("path", ""),
        clear=visit.query.get("clear") == "1",
    )  # fmt: skip
    ticket = show(visit.session, asked).ticket
    chosen = {name: "1" for name in CHOICES if visit.query.get(name) == "1"}
    return visit.go(f"{origin}/{ticket.sealed(visit.session.vault)}/", **chosen)


def _page(visit: Visit, tab: str, exhibit: Exhibit, **values: Any) -> Response:
    """Return one of the pages of an item, under the head that all of them have."""
    root = f"/cases/{quote(visit.case)}/items/{exhibit.item}"
    return visit.render(f"item_{tab}.html", exhibit=exhibit, root=root, tab=tab, **values)


def address(place: str, **query: str) -> str:
    """Return an address beside this one; what is empty is left out."""
    given = {name: value for name, value in query.items() if value}
    return f"{place}?{urlencode(given, quote_via=quote)}" if given else place


def _asked(visit: Visit, wanted: str = "") -> viewing.View:
    return viewing.View(
        case=visit.case,
        item=visit.path["item"],
        inside=visit.query.get("path", ""),
        viewer=visit.query.get("as", ""),
        page=visit.number("page", 1, _PAGES) - 1,
        part=visit.query.get("part", ""),
        picture=wanted,
    )


def _words(seen: Viewed) -> str:
    """Say in words what a picture is, for whoever doesn't see it."""
    name = seen.shown.file.name or seen.exhibit.label
    return gettext("Picture of %(name)s") % {"name": name}
