"""Physical exhibits: which there are, the chain of one, and what its holder may enter next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import cases, chains, destroying, handing, numbering, seizing
from holdfast.core.errors import InputError
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.acts.chains import Shown
    from holdfast.web.visit import Visit

PAGE = Page("exhibits", N_("Physical exhibits"), order=40)
STATES = {
    "held": N_("held"),
    "offered": N_("waits to be accepted"),
    "out": N_("outside"),
    "returned": N_("returned"),
    "destroyed": N_("destroyed"),
}
ACTS = {
    "collect.item": N_("Made from it"),
    "exhibit.accept": N_("Accepted"),
    "exhibit.decline": N_("Hand-over ended"),
    "exhibit.destroyed": N_("Destroyed"),
    "exhibit.hand": N_("Handed over"),
    "exhibit.made": N_("Made from it"),
    "exhibit.move": N_("Moved"),
    "exhibit.number": N_("Numbered anew"),
    "exhibit.return": N_("Given back"),
    "exhibit.seal": N_("Sealed"),
    "exhibit.seize": N_("Seized"),
    "exhibit.unseal": N_("Seal broken"),
}
TEXTS = {
    "person": N_("Person"),
    "place": N_("Place"),
    "reason": N_("Why"),
    "order": N_("By whose order"),
    "method": N_("How"),
    "receipt": N_("Receipt"),
    "note": N_("Note"),
    "how": N_("How"),
    "path": N_("File"),
}
"""What people wrote, by its field."""


@PAGE.get("/cases/{case}/exhibits", acts=["exhibit.list"])
def show(visit: Visit) -> Response:
    """List the things; offer to enter a seizure."""
    found = chains.listed(visit.session, cases.OneCase(visit.case))
    pattern = numbering.pattern(visit.session, visit.case)
    return visit.render("exhibits.html", exhibits=found, pattern=pattern, states=STATES)


@PAGE.post("/cases/{case}/exhibits/pattern", acts=["exhibit.pattern"])
def number(visit: Visit) -> Response:
    """Set how numbers read from now on."""
    asked = numbering.SetPattern(visit.case, visit.field("whole"), visit.field("part"))
    numbering.set_pattern(visit.session, asked)
    return visit.go(f"/cases/{visit.case}/exhibits", gettext("It was entered."))


@PAGE.post("/cases/{case}/exhibits", acts=["exhibit.seize"])
def seize(visit: Visit) -> Response:
    """Enter a seizure."""
    seals = tuple(visit.field("seals").split())
    thing = seizing.seize(
        visit.session,
        seizing.Seize(
            visit.case, visit.field("what"), visit.field("found"), visit.field("person"),
            seals=seals, place=visit.field("place"),
        ),
    )  # fmt: skip
    said = gettext("Entered as %(exhibit)s.") % {"exhibit": thing.label}
    return visit.go(f"/cases/{visit.case}/exhibits/{thing.number}", said)


@PAGE.get("/cases/{case}/exhibits/{number}", acts=["exhibit.list", "exhibit.show"])
def one(visit: Visit) -> Response:
    """Show a thing's chain, and what may be entered by whom."""
    shown = _one(visit)
    chain = chains.chain(visit.session, chains.OneExhibit(visit.case, shown.thing.label))
    return visit.render(
        "exhibit.html", shown=shown, chain=chain, states=STATES, acts=ACTS, texts=TEXTS
    )


@PAGE.post("/cases/{case}/exhibits/{number}/seal", acts=["exhibit.list", "exhibit.seal"])
def seal(visit: Visit) -> Response:
    """Enter that seals were put on."""
    seals = tuple(visit.field("seals").split())
    asked = seizing.Seal(visit.case, _label(visit), seals, visit.field("reason"))
    seizing.seal(visit.session, asked)
    return _done(visit)


@PAGE.post("/cases/{case}/exhibits/{number}/unseal", acts=["exhibit.list", "exhibit.unseal"])
def unseal(visit: Visit) -> Response:
    """Enter that seals were broken."""
    damaged = visit.field("damaged") == "1"
    asked = seizing.Unseal(
        visit.case, _label(visit), visit.fields("seal"), visit.field("reason"), damaged
    )
    seizing.unseal(visit.session, asked)
    return _done(visit)


@PAGE.post("/cases/{case}/exhibits/{number}/move", acts=["exhibit.list", "exhibit.move"])
def move(visit: Visit) -> Response:
    """Enter that it was brought to another place."""
    asked = seizing.Move(visit.case, _label(visit), visit.field("place"), visit.field("reason"))
    seizing.move(visit.session, asked)
    return _done(visit)


@PAGE.post("/cases/{case}/exhibits/{number}/hand", acts=["exhibit.list", "exhibit.hand"])
def hand(visit: Visit) -> Response:
    """Hand it over."""
    asked = handing.Hand(
        visit.case, _label(visit), visit.field("to"), visit.field("reason"), visit.field("receipt")
    )
    handing.hand(visit.session, asked)
    return _done(visit)


@PAGE.post("/cases/{case}/exhibits/{number}/accept", acts=["exhibit.list", "exhibit.accept"])
def accept(visit: Visit) -> Response:
    """Accept it."""
    seals = tuple(visit.field("seals").split())
    asked = handing.Accept(
        visit.case, _label(visit), seals, visit.field("place"), visit.field("note")
    )
    handing.accept(visit.session, asked)
    return _done(visit)


@PAGE.post("/cases/{case}/exhibits/{number}/decline", acts=["exhibit.list", "exhibit.decline"])
def decline(visit: Visit) -> Response:
    """End a hand-over that waits."""
    asked = handing.Decline(visit.case, _label(visit), visit.field("reason"))
    handing.decline(visit.session, asked)
    return _done(visit)


@PAGE.post("/cases/{case}/exhibits/{number}/return", acts=["exhibit.list", "exhibit.return"])
def give_back(visit: Visit) -> Response:
    """Enter that it was given back."""
    asked = seizing.Return(visit.case, _label(visit), visit.field("person"), visit.field("order"))
    seizing.give_back(visit.session, asked)
    return _done(visit)


@PAGE.post("/cases/{case}/exhibits/{number}/destroy", acts=["exhibit.list", "exhibit.destroy"])
def destroy(visit: Visit) -> Response:
    """Ask for its destruction; another person approves, as its witness."""
    asked = destroying.Destroy(
        visit.case, _label(visit), visit.field("order"), visit.field("method")
    )
    made = destroying.destroy(visit.session, asked)
    said = gettext("Asked, as request %(number)d.") % {"number": made.entry}
    return visit.go(f"/cases/{visit.case}/exhibits/{visit.path['number']}", said)


def _one(visit: Visit) -> Shown:
    """Return the exhibit that the address names.

    Raises:
        InputError: the case has none of that number.
    """
    for shown in chains.listed(visit.session, cases.OneCase(visit.case)):
        if str(shown.thing.number) == visit.path["number"]:
            return shown
    raise InputError(
        gettext("There is no such exhibit."), gettext("Choose one of the list of exhibits.")
    )


def _label(visit: Visit) -> str:
    return _one(visit).thing.label


def _done(visit: Visit) -> Response:
    address = f"/cases/{visit.case}/exhibits/{visit.path['number']}"
    return visit.go(address, gettext("It was entered."))
