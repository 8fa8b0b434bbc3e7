"""A unit's own patterns: names and regular expressions in a TOML file, judged at the edge."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from holdfast.core.canonical import Json

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MANY = 1000
_LONG = 4096


@dataclass(frozen=True)
class Pattern:
    """What a unit looks for; its finds are indicators of the type `own.<name>`."""

    name: str
    regex: str


def load(path: Path) -> tuple[Pattern, ...]:
    """Read a file of `[[pattern]]` tables, each a `name` and a `regex`.

    Raises:
        InputError: it can't be read, or a pattern is none that can be used.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"the patterns {path} can't be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, no UTF-8, or a path that can't be one
        raise InputError(f"the patterns {path} are not TOML: {error}") from error
    tables = content.get("pattern")
    if not isinstance(tables, list) or not tables or len(tables) > _MANY or len(content) != 1:
        raise InputError(
            f"the patterns {path} must be 1 to {_MANY} tables [[pattern]] and nothing else"
        )
    found = tuple(_pattern(path, table) for table in tables)
    names = [one.name for one in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"two patterns in {path} are named {twice}", "give each its own name")
    return found


def to_json(patterns: Iterable[Pattern]) -> Json:
    """Return the patterns as the finder `own_patterns` is told them."""
    return [[one.name, one.regex] for one in patterns]


def from_json(value: Json) -> tuple[Pattern, ...]:
    """Read what `to_json` wrote; None is no pattern."""
    pairs = cast("list[list[str]]", value or [])
    return tuple(Pattern(name, regex) for name, regex in pairs)


def digest(patterns: Iterable[Pattern]) -> str:
    """Return the SHA-256 that stands for these patterns in the custody log."""
    return sha256_hex(canonical.dumps(to_json(patterns)))


def _pattern(path: Path, table: object) -> Pattern:
    match table:
        case {"name": str(name), "regex": str(regex), **rest} if not rest:
            pass
        case _:
            raise InputError(f"each [[pattern]] in {path} has a name and a regex, and nothing else")
    if not _NAME.fullmatch(name):
        raise InputError(
            f"the pattern name {name!r} in {path} won't do", "use a-z, 0-9 and _, at most 40"
        )
    try:
        compiled = re.compile(regex)
    except re.error as error:
        raise InputError(
            f"the pattern {name} in {path} is no regular expression: {error}"
        ) from error
    if len(regex) > _LONG or compiled.match("") is not None:
        raise InputError(
            f"the pattern {name} in {path} matches nothing at all, or is over {_LONG} characters",
            "make it ask for at least one character",
        )
    return Pattern(name, regex)
