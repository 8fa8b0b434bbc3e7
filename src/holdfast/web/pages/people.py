"""People and devices in the case, and how they hang together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.acts import entities, privilege
from holdfast.cases.findings import INFORMATION, SOURCES
from holdfast.cases.people import CLASSES, IDENTIFIERS, PRIVILEGES, ROLES
from holdfast.web.languages import N_, gettext
from holdfast.web.page import Page
from holdfast.web.said import Said

if TYPE_CHECKING:
    from starlette.responses import Response

    from holdfast.web.visit import Visit

PAGE = Page("people", N_("People and devices"), order=720)
ONE = "/cases/{case}/people/{number:int}"
WORDS = (
    N_("person"), N_("organisation"), N_("account"), N_("address"), N_("host"), N_("wallet"),
    N_("device"), N_("suspect"), N_("victim"), N_("witness"), N_("other"), N_("lawyer"),
    N_("doctor"), N_("clergy"), N_("journalist"), N_("parliament"), N_("family"),
)  # fmt: skip
"""Sorts, roles and privileges, for the catalogues."""


@PAGE.get("/cases/{case}/people", acts=["entities"])
def show(visit: Visit) -> Response:
    """List who and what is in the case, and the links."""
    found = entities.entities(
        visit.session,
        entities.ListEntities(visit.case, None, visit.query.get("role", "")),
    )
    return visit.render(
        "people.html",
        entities=found.entities,
        links=[one.as_json() for one in found.links],
        names={one.number: one.name for one in found.entities},
        role=visit.query.get("role", ""),
        roles=ROLES,
        **_choices(),
    )


@PAGE.get("/cases/{case}/new-entity", acts=["entity.add"])
def ask(visit: Visit) -> Response:
    """Ask for somebody or something; `?identifier=` and `?cite=` say what is known."""
    return visit.render(
        "person_new.html",
        cites="\n".join(visit.query.getlist("cite")),
        identifiers="\n".join(visit.query.getlist("identifier")),
        words=Said(),
        **_choices(),
    )


@PAGE.post("/cases/{case}/new-entity", acts=["entity.add"])
def add(visit: Visit) -> Response:
    """Name somebody or something."""
    entities.add_entity(
        visit.session,
        entities.AddEntity(
            visit.case, visit.field("sort"), visit.field("name"), visit.field("role"),
            _lines(visit, "identifiers"), visit.field("privilege"), visit.field("remarks"),
            _lines(visit, "cites"),
        ),
    )  # fmt: skip
    return visit.go(f"/cases/{visit.case}/people", gettext("It is in the case."))


@PAGE.get(ONE, acts=["entities"])
def one(visit: Visit) -> Response:
    """Show one, with its links."""
    found = entities.entities(
        visit.session, entities.ListEntities(visit.case, visit.path["number"])
    )
    (entity,) = found.entities
    return visit.render(
        "person.html",
        entity=entity,
        cites=entity.as_json()["cites"],
        links=[one.as_json() for one in found.links],
        terms=entities.terms(entity),
        identifiers="\n".join(f"{kind}:{value}" for kind, value in entity.identifiers),
        **_choices(),
    )


@PAGE.post(ONE, acts=["entity.change"])
def change(visit: Visit) -> Response:
    """Say anew who or what it is."""
    entities.change_entity(
        visit.session,
        entities.ChangeEntity(
            visit.case, visit.path["number"], visit.field("name"), visit.field("role"),
            _lines(visit, "identifiers"), visit.field("privilege"), visit.field("remarks"),
            visit.field("sort"),
        ),
    )  # fmt: skip
    return _back(visit, gettext("It was changed."))


@PAGE.post(f"{ONE}/release", acts=["entity.release"])
def release(visit: Visit) -> Response:
    """Let the details leave, or keep them in the house again."""
    withdrawn = visit.field("what") == "withhold"
    entities.release_entity(
        visit.session,
        entities.ReleaseEntity(visit.case, visit.path["number"], visit.field("reason"), withdrawn),
    )
    return _back(visit, gettext("It is entered."))


@PAGE.post(f"{ONE}/set-apart", acts=["entities", "privilege.set"])
def set_apart(visit: Visit) -> Response:
    """Set apart what names a privileged contact, until the filter team decides."""
    found = entities.entities(
        visit.session, entities.ListEntities(visit.case, visit.path["number"])
    )
    (entity,) = found.entities
    reason = gettext("A privileged contact: entity") + f" {entity.number}"
    privilege.set_apart(
        visit.session,
        privilege.SetApart(visit.case, reason, (), entities.terms(entity)),
    )
    return _back(visit, gettext("Whatever names them is set apart until the filter team decides."))


@PAGE.post("/cases/{case}/people/links", acts=["entity.link"])
def link(visit: Visit) -> Response:
    """Link two."""
    entities.link_entities(
        visit.session,
        entities.LinkEntities(
            visit.case, _number(visit, "source"), _number(visit, "target"),
            visit.field("relation"), visit.field("grade"), _lines(visit, "cites"),
            bool(visit.field("confirmed")),
        ),
    )  # fmt: skip
    return visit.go(f"/cases/{visit.case}/people", gettext("The link is entered."))


def _choices() -> dict[str, object]:
    return {
        "sorts": CLASSES, "roles_": ROLES, "privileges": PRIVILEGES, "kinds": IDENTIFIERS,
        "sources": SOURCES, "information": INFORMATION,
    }  # fmt: skip


def _lines(visit: Visit, name: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in visit.field(name).splitlines() if one.strip())


def _number(visit: Visit, name: str) -> int:
    text = visit.field(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _back(visit: Visit, said: str) -> Response:
    return visit.go(f"/cases/{visit.case}/people/{visit.path['number']}", said)
