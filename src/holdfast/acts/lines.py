"""What any act gives, as JSON lines: the same for the command line and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator


def lines(result: object) -> Iterator[bytes]:
    r"""Yield one JSON object a line, its keys sorted, each with its `\n`.

    An act that reads much gives such lines itself; others give something with `as_json`, or
    several of it. Another value becomes `{"result": value}`, and nothing is `{}`.
    """
    if many(result):
        for one in result:  # type: ignore[attr-defined]
            yield line(one)
    else:
        yield line(result)


def many(result: object) -> bool:
    """Say whether an act's result is any number of answers, rather than one."""
    return isinstance(result, Iterable) and not isinstance(result, (bytes, dict, str, tuple))


def line(one: object) -> bytes:
    """Return one answer as a line."""
    return one if isinstance(one, bytes) else orjson.dumps(told(one), option=_FORM)


def told(one: object) -> dict[str, Any]:
    """Return one answer as the JSON object that it is told as.

    A dataclass without `as_json` is lists of answers under a name each.
    """
    if isinstance(one, dict):
        return one
    if hasattr(one, "as_json"):
        facts: dict[str, Any] = one.as_json()
        return facts
    if is_dataclass(one):
        return {name: [told(part) for part in some] for name, some in vars(one).items()}
    return {} if one is None else {"result": one}


_FORM = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
