"""Which acts programs may ask for, and how: derived from the acts, not listed.

An act is offered where it stands in a case (or is one of a few that need none), its request is
made of plain values and its result can be told as JSON. What reads the server's own disk or
changes the vault as a whole is not: that is for who works on that machine.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, get_args, get_origin

import holdfast.acts
from holdfast.acts.act import Act
from holdfast.api import shape
from holdfast.cases import access

if TYPE_CHECKING:
    from holdfast.api.shape import Schema

WITHOUT_CASE = frozenset({"case.list", "case.open"})
"""Acts in no case that are offered: every other changes or reads the vault as a whole."""
HERE = frozenset(
    {"copy", "file", "files", "folder", "path", "paths", "place", "source", "target", "to"}
)
"""Fields that may name a place on the server's disk: an act that has one isn't offered..."""
LOOKED_AT = frozenset(
    *(
        {"entity.link", "exhibit.accept", "exhibit.hand", "exhibit.made", "exhibit.move"}
        | {"exhibit.seize", "handover.give", "view.inside"},
    )
)
"""... unless somebody has looked at it: here they name a shelf, a person, a path in evidence."""


@dataclass(frozen=True)
class Offer:
    """An act as programs ask for it."""

    act: Act[Any, Any]
    request: Any
    """The dataclass of its request."""
    in_case: bool
    schema: Schema
    """Of what is given beside the case."""
    many: bool
    """Whether its result is any number of answers."""
    answer: Schema
    """Of one answer."""

    @property
    def name(self) -> str:
        """The act's name."""
        return self.act.name

    @property
    def method(self) -> str:
        """How it is asked: GET where it only reads."""
        return "GET" if self.act.reads else "POST"

    @property
    def path(self) -> str:
        """Its address, below /api/v1."""
        return path(self.name, in_case=self.in_case)

    def read(self, case: str | None, given: dict[str, Any]) -> Any:
        """Return the act's request.

        Raises:
            InputError: it is not as its schema says.
        """
        for name in given:
            # Above all no other case than the address names.
            shape.check_known(name, self.schema["properties"])
        if self.in_case:
            schema = {**self.schema, "properties": {**self.schema["properties"], "case": {}}}
            return shape.read(self.request, {"case": case, **given}, schema)
        return shape.read(self.request, given, self.schema)


def path(name: str, *, in_case: bool) -> str:
    """Return the address of an act by its name: `timeline.counts` is `…/timeline/counts`.

    In a case, `case.show` is the case itself and `clock.list` is `…/clock`; in none, `case.list`
    and `case.open` are both `/cases`.
    """
    first, *rest = name.split(".")
    if not in_case:
        return "/".join(["", f"{first}s", *(one for one in rest if one not in {"list", "open"})])
    kept = [one for one in rest if one != "list" and name != "case.show"]
    return "/".join(["/cases/{case}", *([] if first == "case" else [first]), *kept])


@cache
def offers() -> dict[str, Offer]:
    """Return what is offered, by the act's name."""
    found = (offer(act) for act in every().values())
    return {one.name: one for one in found if isinstance(one, Offer)}


@cache
def every() -> dict[str, Act[Any, Any]]:
    """Return all acts there are by name, found by import."""
    acts: dict[str, Act[Any, Any]] = {}
    for found in pkgutil.iter_modules(holdfast.acts.__path__):
        module = importlib.import_module(f"holdfast.acts.{found.name}")
        acts |= {one.name: one for one in vars(module).values() if isinstance(one, Act)}
    return dict(sorted(acts.items()))


def offer(act: Act[Any, Any]) -> Offer | str:
    """Return an act as it is offered, or why it is not."""
    in_case = act.name in access.ALLOWED
    if not in_case and act.name not in WITHOUT_CASE:
        return "it concerns the vault as a whole"
    function = act.run.__wrapped__  # type: ignore[attr-defined]
    known = shape.hints(function)
    result = known.pop("return")
    known.pop("session")
    (request,) = known.values()
    try:
        schema = shape.of_request(request)
    except shape.NotPlainError as error:
        return f"it must be given a {error}"
    here = sorted(HERE & schema["properties"].keys())
    if here and act.name not in LOOKED_AT:
        return f"it names a place on this machine ({', '.join(here)})"
    inner, many = _one(result)
    try:
        answer = _answer(inner)
    except shape.NotPlainError as error:
        return f"its result, a {error}, has no form as JSON"
    return Offer(act, request, in_case, schema, many, answer)


def _one(result: Any) -> tuple[Any, bool]:
    """Return the type of one answer, and whether there may be many."""
    origin = getattr(get_origin(result), "__name__", "")
    if origin in {"Iterator", "list"}:
        return get_args(result)[0], True
    if hasattr(result, "__iter__") and hasattr(result, "__annotations__"):
        return get_args(shape.hints(result.__iter__)["return"])[0], True
    return result, False


def _answer(kind: Any) -> Schema:
    if kind is bytes:
        return {"type": "object", "description": "A line, as the command prints it with --json."}
    if kind is type(None) or kind is dict or get_origin(kind) is dict:
        return {"type": "object"}
    if hasattr(kind, "as_json"):
        return shape.of_answer(kind)
    several = get_args(kind) if get_origin(kind) is not tuple else ()
    if several and all(hasattr(one, "as_json") for one in several):
        return {"anyOf": [shape.of_answer(one) for one in several]}
    if dataclasses.is_dataclass(kind):
        known = shape.hints(kind)
        lists = {name: {"type": "array", "items": _answer(_several(known[name]))} for name in known}
        return {"type": "object", "properties": lists, "required": sorted(lists)}
    schema = shape.of_type(kind)
    return {"type": "object", "properties": {"result": schema}, "required": ["result"]}


def _several(kind: Any) -> Any:
    """Return of what a tuple holds any number.

    Raises:
        NotPlainError: it is no such tuple.
    """
    inner = get_args(kind)
    if get_origin(kind) is tuple and inner[1:] == (...,) and hasattr(inner[0], "as_json"):
        return inner[0]
    raise shape.NotPlainError(str(kind))
