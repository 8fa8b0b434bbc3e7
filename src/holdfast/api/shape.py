"""The shape of requests and answers, as JSON Schema (2020-12), derived from their dataclasses."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import sys
import textwrap
import types
import typing
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Schema = dict[str, Any]
_LARGEST = 2**53 - 1
"""Of integers: those that every JSON reader keeps (RFC 7493, section 2.2), and our log."""
_PLAIN: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
}
WITHHELD = frozenset(
    *(
        {"browser", "browser_user", "cluster", "jobs", "named", "parallel", "proxy", "sandbox"}
        | {"second_proxy", "storage_state", "told", "trust"},
    )
)
"""Fields that say how the server's machine works, or where it connects to: never given."""


class NotPlainError(Exception):
    """A type that is not made of plain values."""


@cache
def names(module: str) -> dict[str, Any]:
    """Return what the names in a module mean, those that only its type checker imports too."""
    found = sys.modules[module]
    known = dict(vars(found))
    for branch in ast.parse(inspect.getsource(found)).body:
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING":
            for one in branch.body:
                if isinstance(one, ast.ImportFrom) and one.module:
                    origin = importlib.import_module(one.module)
                    known |= {n.asname or n.name: getattr(origin, n.name) for n in one.names}
    return known


def hints(of: Any) -> dict[str, Any]:
    """Return the annotations of a function or class, resolved."""
    return typing.get_type_hints(of, globalns=names(of.__module__))


def of_type(kind: Any) -> Schema:
    """Return the schema of a type of plain values.

    Raises:
        NotPlainError: it is none.
    """
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": [*inner]}
    if origin in {tuple, list} and inner and (len(inner) == 1 or inner[1] is ...):
        return {"type": "array", "items": of_type(inner[0])}
    if origin is tuple:
        given = [of_type(one) for one in inner]
        return {"type": "array", "prefixItems": given, "minItems": len(inner),
                "maxItems": len(inner), "items": False}  # fmt: skip
    if origin in {types.UnionType, typing.Union}:
        return {"anyOf": [of_type(one) for one in inner]}
    if dataclasses.is_dataclass(kind):
        return of_request(kind)
    raise NotPlainError(str(kind))


def of_request(kind: Any) -> Schema:
    """Return the schema of a request, without what is withheld and what its address says: its case.

    A field that has a default and is not made of plain values is left out, too.

    Raises:
        NotPlainError: a field that must be given is not plain.
    """
    known, said = hints(kind), _doc_of_fields(kind)
    properties: dict[str, Schema] = {}
    required = []
    for one in dataclasses.fields(kind):
        if one.name in WITHHELD or one.name == "case":
            continue
        must = one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
        try:
            schema = of_type(known[one.name])
        except NotPlainError:
            if must:
                raise
            continue
        if one.name in said:
            schema["description"] = said[one.name]
        if must:
            required.append(one.name)
        elif _jsonable(one.default):
            schema["default"] = [*one.default] if isinstance(one.default, tuple) else one.default
        properties[one.name] = schema
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _jsonable(value: object) -> bool:
    return isinstance(value, (str, int, float, bool, types.NoneType)) or value == ()


def of_answer(kind: Any) -> Schema:
    """Return the schema of what a class's `as_json` gives, as far as its code says it.

    Every key that it always has is there, and the type of each that is a plain field.
    """
    function = ast.parse(textwrap.dedent(inspect.getsource(kind.as_json))).body[0]
    returned = [n.value for n in ast.walk(function) if isinstance(n, ast.Return)]
    schema: Schema = {"type": "object", "description": first_line(kind)}
    if len(returned) != 1 or not isinstance(returned[0], ast.Dict):
        return schema
    known, properties = hints(kind), {}
    for key, value in zip(returned[0].keys, returned[0].values, strict=True):
        if isinstance(key, ast.Constant):
            properties[str(key.value)] = _of_value(value, known)
    return {**schema, "properties": properties, "required": sorted(properties)}


def _of_value(value: ast.expr, known: Mapping[str, Any]) -> Schema:
    """Return the schema of `self.field`; of any other expression, one that says nothing."""
    if (
        isinstance(value, ast.Attribute)
        and isinstance(value.value, ast.Name)
        and value.value.id == "self"
        and value.attr in known
    ):
        try:
            return of_type(known[value.attr])
        except NotPlainError:
            return {}
    return {}


def first_line(of: Any) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(of) or "").partition("\n")[0]


def _doc_of_fields(kind: Any) -> dict[str, str]:
    """Return the strings that stand below the fields of a dataclass."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101
    told: dict[str, str] = {}
    last = ""
    for one in body.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            last = one.target.id
        elif isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and last:
            told[last], last = " ".join(str(one.value.value).split()), ""
        else:
            last = ""
    return told


def read(kind: Any, given: Mapping[str, Any], allowed: Schema, where: str = "") -> Any:
    """Make a request of what was given, held to its schema.

    Raises:
        InputError: a field is missing, unknown, or of another type.
    """
    for name in given:
        check_known(name, allowed["properties"], where)
    for name in allowed["required"]:
        if name not in given:
            raise InputError(f"the field {where}{name!r} is missing", "give it")
    known = hints(kind)
    return kind(**{n: value(known[n], v, f"{where}{n}") for n, v in given.items()})


def check_known(name: str, known: Iterable[str], where: str = "") -> None:
    """Refuse a field that there is not.

    Raises:
        InputError: so.
    """
    if name not in known:
        fields = ", ".join(sorted(known)) or "none"
        raise InputError(f"there is no field {where + name[:100]!r}", f"the fields are: {fields}")


def value(kind: Any, given: Any, where: str) -> Any:
    """Return JSON as a value of a type.

    Raises:
        InputError: it is of another.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return _plain(kind, given, where)
    if origin is Literal and given in inner:
        return given
    if origin in {tuple, list} and isinstance(given, list):
        kinds = [inner[0]] * len(given) if len(inner) == 1 or inner[1] is ... else [*inner]
        if len(kinds) == len(given):
            pairs = zip(kinds, given, strict=True)
            return tuple(value(k, one, f"{where}[{at}]") for at, (k, one) in enumerate(pairs))
    if origin in {types.UnionType, typing.Union}:
        for one in inner:
            try:
                return value(one, given, where)
            except InputError:
                continue
    if dataclasses.is_dataclass(kind) and isinstance(given, dict):
        return read(kind, given, of_request(kind), f"{where}.")
    raise InputError(f"the field {where!r} is not what it must be", "see /api/v1/openapi.json")


def _plain(kind: Any, given: Any, where: str) -> Any:
    fits = isinstance(given, kind) and not (kind is int and isinstance(given, bool))
    if kind is float and isinstance(given, int) and not isinstance(given, bool):
        given, fits = float(given), True
    if not fits or (kind is int and abs(given) > _LARGEST):
        raise InputError(f"the field {where!r} is not a {kind.__name__}", "correct it")
    if kind is str:
        check_text(given, where)
    return given


def check_text(given: str, where: str) -> None:
    """Refuse what no log can hold.

    Raises:
        InputError: a NUL, or half of a surrogate pair.
    """
    if "\0" in given or (not given.isascii() and any("\ud800" <= c <= "\udfff" for c in given)):
        raise InputError(f"the field {where!r} holds what is no text", "leave out NUL")


def of_query(schema: Schema, values: list[str], where: str) -> Any:
    """Return a query's values of one name as the JSON that its schema asks for.

    Raises:
        InputError: they are not.
    """
    kinds = {one.get("type") for one in schema.get("anyOf", [schema])}
    if "array" in kinds:
        return [of_query(schema["items"], [one], where) for one in values]
    if len(values) != 1:
        raise InputError(f"the field {where!r} is given {len(values)} times", "give it once")
    text = values[0]
    if "boolean" in kinds:
        if text not in {"true", "false"}:
            raise InputError(f"the field {where!r} is true or false", "give one of them")
        return text == "true"
    if "integer" in kinds:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            raise InputError(f"the field {where!r} is no number", "give one")
        return int(text)
    return text
