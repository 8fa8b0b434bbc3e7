"""Canonical JSON: the one way a value becomes bytes that are hashed or signed.

RFC 8785 (JCS) restricted to what Holdfast writes: objects with ASCII names, arrays, strings,
booleans, null, and integers that every JSON reader holds exactly (|n| < 2**53). Inside that
subset orjson with sorted keys gives JCS byte for byte, which a property test checks against an
independent implementation; outside it, encoding is refused rather than approximated.
"""

from __future__ import annotations

from typing import TypeAlias, cast

import orjson

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

_EXACT = 2**53
_STRICT = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


def dumps(value: Json) -> bytes:
    """Return the canonical UTF-8 bytes of `value`.

    Raises:
        ValueError: a float, a large integer, a non-ASCII name, a lone surrogate, another type, or
            nesting too deep for readers.
    """
    try:
        _check(value)
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise ValueError(f"no canonical JSON for this value: {error}") from None


def encode(value: Json) -> bytes:
    """Return the canonical bytes of a value whose type the type checker vouches for.

    `dumps` without the walk over every member, for the thousands of fields that our own code
    makes; a value that came from outside goes through `dumps`.

    Raises:
        ValueError: a large integer, a lone surrogate or a type that JSON has not.
    """
    try:
        return orjson.dumps(value, option=_STRICT)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"no canonical JSON for this value: {error}") from None


def parse(data: bytes | str) -> Json:
    """Parse any JSON.

    Raises:
        ValueError: not JSON.
    """
    return cast("Json", orjson.loads(data))


def loads(data: bytes) -> Json:
    """Parse `data`, which must be canonical: its own canonical form, byte for byte.

    Raises:
        ValueError: not JSON, or JSON written in another way.
    """
    value = parse(data)
    if dumps(value) != data:
        raise ValueError("JSON is not in canonical form (RFC 8785)")
    return value


def _check(value: object) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is dict:
        for name, member in value.items():  # type: ignore[attr-defined]
            if type(name) is not str or not name.isascii():
                raise ValueError(f"a name in canonical JSON must be ASCII text, not {name!r}")
            if type(member) is not str:
                _check(member)
    elif kind is list:
        for member in value:  # type: ignore[attr-defined]
            _check(member)
    elif kind is int:
        if not -_EXACT < value < _EXACT:  # type: ignore[operator]
            raise ValueError(f"{value} is too large to be exact in JSON")
    else:
        raise ValueError(f"canonical JSON holds no {kind.__name__}")
