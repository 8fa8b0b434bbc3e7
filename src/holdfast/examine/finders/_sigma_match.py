"""Evaluates the tree of a Sigma rule against one event: compiled once, into functions.

As the specification has it: text is compared in any case unless `cased` says otherwise, `*` and
`?` are wildcards over the whole value, a list of values holds if one does, `null` is a field that
is absent or empty of value, a keyword may stand anywhere in any value.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Event", "compile_tree", "literals"]

_MANY, _ONE = 1, 2


class Event:
    """The values of one event by name, as text; several where a name has several."""

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self.values = values
        self._low: dict[str, tuple[str, ...]] = {}

    def get(self, name: str) -> tuple[str, ...]:
        """Return the values of a field as they are."""
        return self.values.get(name, ())

    def low(self, name: str) -> tuple[str, ...]:
        """Return the values of a field in lower case."""
        found = self._low.get(name)
        if found is None:
            found = self._low[name] = tuple(one.lower() for one in self.values.get(name, ()))
        return found


Test: TypeAlias = "Callable[[Event], bool]"


def compile_tree(tree: Any, names: Mapping[str, str]) -> Test:  # noqa: PLR0911 - one for each kind
    """Return the function that says whether an event fits; `names` gives fields other names.

    Raises:
        ValueError: not a tree that `examine.sigma` writes.
    """
    match tree:
        case ["and", list(parts)]:
            every = [compile_tree(one, names) for one in parts]
            return lambda event: all(test(event) for test in every)
        case ["or", list(parts)]:
            some = [compile_tree(one, names) for one in parts]
            return lambda event: any(test(event) for test in some)
        case ["not", part]:
            test = compile_tree(part, names)
            return lambda event: not test(event)
        case ["text", None, list(parts), bool(cased)]:
            return _keyword(_text([_MANY, *parts, _MANY], cased=cased), cased=cased)
        case ["regex", None, str(pattern), str(flags)]:
            return _keyword(_regex(pattern, flags), cased=True)
        case ["number", None, str(number)]:
            return _keyword(_text([_MANY, number, _MANY], cased=False), cased=False)
        case [str(kind), str(field), *rest]:
            return _field(kind, names.get(field, field), rest, names)
    raise ValueError("no such test")


def _keyword(holds: Callable[[str], bool], *, cased: bool) -> Test:
    if cased:
        return lambda event: any(holds(one) for value in event.values.values() for one in value)
    return lambda event: any(holds(one) for name in event.values for one in event.low(name))


def _field(kind: str, field: str, rest: list[Any], names: Mapping[str, str]) -> Test:  # noqa: PLR0911 - one for each kind of value
    match kind, rest:
        case "text", [list(parts), bool(cased)]:
            holds = _text(parts, cased=cased)
            if cased:
                return lambda event: any(map(holds, event.get(field)))
            return lambda event: any(map(holds, event.low(field)))
        case "number", [str(number)]:
            return lambda event: any(_equal(value, number) for value in event.get(field))
        case "bool", [bool(value)]:
            word = "true" if value else "false"
            return lambda event: word in event.low(field)
        case "null", []:
            return lambda event: not event.get(field)
        case "exists", [bool(wanted)]:
            return lambda event: bool(event.get(field)) is wanted
        case "regex", [str(pattern), str(flags)]:
            found = _regex(pattern, flags)
            return lambda event: any(map(found, event.get(field)))
        case "network", [str(network)]:
            return _network(field, network)
        case "compare", [str(word), str(number)]:
            return lambda event: any(_compare(value, word, number) for value in event.get(field))
        case "field", [str(other), bool(starts), bool(ends)]:
            return _other(field, names.get(other, other), starts=starts, ends=ends)
    raise ValueError(f"no such test: {kind}")


def _text(parts: list[Any], *, cased: bool) -> Callable[[str], bool]:  # noqa: PLR0911 - one for each form
    """Return the test of a value against text with wildcards."""
    merged: list[Any] = []
    for part in parts:
        if part == _MANY and merged and merged[-1] == _MANY:
            continue
        merged.append(part if cased or not isinstance(part, str) else part.lower())
    match merged:
        case []:
            return lambda value: not value
        case [1]:
            return lambda _: True
        case [str(whole)]:
            return whole.__eq__
        case [1, str(inner), 1]:
            return lambda value: inner in value
        case [str(start), 1]:
            return lambda value: value.startswith(start)
        case [1, str(end)]:
            return lambda value: value.endswith(end)
    pattern = "".join(
        re.escape(one) if isinstance(one, str) else ".*" if one == _MANY else "." for one in merged
    )
    compiled = re.compile(pattern, re.DOTALL)
    return lambda value: compiled.fullmatch(value) is not None


def _regex(pattern: str, flags: str) -> Callable[[str], bool]:
    known = {"i": re.IGNORECASE, "m": re.MULTILINE, "d": re.DOTALL, "s": re.DOTALL}
    compiled = re.compile(pattern, sum((known[flag] for flag in flags), re.RegexFlag(0)))
    return lambda value: compiled.search(value) is not None


def _network(field: str, network: str) -> Test:
    inside = ipaddress.ip_network(network, strict=False)

    def test(event: Event) -> bool:
        addresses = (_address(value) for value in event.get(field))
        return any(one.version == inside.version and one in inside for one in addresses if one)

    return test


@lru_cache(maxsize=4096)
def _address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(value.strip())
    except ValueError:
        return None
    mapped = found.ipv4_mapped if found.version == 6 else None
    return mapped or found


def _value(text: str) -> float | int | None:
    """Return a number, also where Windows writes it as hexadecimal."""
    try:
        return int(text, 16) if text[:2].lower() == "0x" else int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None


def _equal(value: str, number: str) -> bool:
    if value == number:
        return True
    found = _value(value)
    return found is not None and found == _value(number)


def _compare(value: str, word: str, number: str) -> bool:
    found, bound = _value(value), _value(number)
    if found is None or bound is None:
        return False
    match word:
        case "lt":
            return found < bound
        case "lte":
            return found <= bound
        case "gt":
            return found > bound
        case "gte":
            return found >= bound
    return found != bound


def _other(field: str, other: str, *, starts: bool, ends: bool) -> Test:
    def test(event: Event) -> bool:
        return any(
            (starts and ends and two in one)
            or (starts and not ends and one.startswith(two))
            or (ends and not starts and one.endswith(two))
            or one == two
            for one in event.low(field)
            for two in event.low(other)
        )

    return test


def literals(tree: Any) -> set[str] | None:
    """Return texts in lower case of which one must stand in any event that fits; None for none.

    What lets most rules be passed over without a look.
    """
    match tree:
        case ["and", list(parts)]:
            known = [found for one in parts if (found := literals(one))]
            return max(known, key=_rarity) if known else None
        case ["or", list(parts)]:
            whole: set[str] = set()
            for one in parts:
                found = literals(one)
                if not found:
                    return None
                whole |= found
            return whole or None
        case ["text", _, list(parts), bool()]:
            longest = max((one for one in parts if isinstance(one, str)), key=len, default="")
            return {longest.lower()} if len(longest) >= 3 and longest.isascii() else None
    return None


def _rarity(texts: set[str]) -> tuple[int, int]:
    return min(map(len, texts)), -len(texts)
