"""Lists of values (domains, addresses), kept as digests so that one look-up serves them all.

A value is brought to the form in which it is compared and hashed with its kind before it, so a
table of values is a table like any other: docs/formats/hash-sets.md.
"""

from __future__ import annotations

import csv
import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.core.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from holdfast.examine.hashsets.table import Digests

KINDS = ("domain", "email", "ipv4", "ipv6", "url")
"""Kinds of indicators that a list of values may be of."""
_MOST = 1 << 26
_FANGS = (("[.]", "."), ("(.)", "."), ("[:]", ":"), ("(dot)", "."), ("[dot]", "."), ("[@]", "@"))


def normal(kind: str, value: str) -> str:
    """Return the form in which values are compared: refanged, lower-case, a domain without dots
    at its ends and without `www.`.
    """
    text = value.strip().lower()
    for fang, plain in _FANGS:
        text = text.replace(fang, plain)
    if kind == "domain":
        text = text.strip(".").removeprefix("www.")
    if kind == "url" and text.startswith("hxxp"):
        text = f"http{text[4:]}"
    return text


def digests(kind: str, values: Iterable[str]) -> Digests:
    """Return the digest of each value, shape (n, 32)."""
    prefix = f"{kind}\0".encode()
    joined = b"".join(
        hashlib.sha256(prefix + normal(kind, one).encode("utf-8", "surrogatepass")).digest()
        for one in values
    )
    return np.frombuffer(joined, np.uint8).reshape(-1, 32)


def read(path: Path, kind: str) -> Iterator[str]:
    """Yield the values of a list: one a line, a CSV whose last column they are (`1,example.org`,
    as lists of top domains are published), or a MISP warning list (JSON with `list`).

    Raises:
        InputError: it can't be read, or a line holds no value of the kind.
    """
    try:
        if path.stat().st_size > _MOST:
            raise InputError(f"{path} is larger than {_MOST} bytes", "divide the list")
        text = path.read_text("utf-8-sig")
        if text.lstrip()[:1] == "{":
            yield from _warning_list(path, json.loads(text))
            return
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path} can't be read as a list of values: {why}") from error
    for number, row in enumerate(csv.reader(text.splitlines()), 1):
        value = row[-1].strip() if row else ""
        if not value or value.startswith("#"):
            continue
        if not _fits(kind, normal(kind, value)):
            if number == 1:
                continue  # a header
            raise InputError(
                f"{path}, line {number}: {printable(value[:80])!r} is no {kind}",
                "nothing was added; mend the list, or name what it holds: --values KIND",
            )
        yield value


def _warning_list(path: Path, found: Any) -> Iterator[str]:
    values = found.get("list") if isinstance(found, dict) else None
    if not isinstance(values, list):
        raise InputError(f"{path} has no `list`", "give a warning list as MISP publishes them")
    for one in values:
        yield str(one).removeprefix(".")


def _fits(kind: str, value: str) -> bool:
    marks = {"domain": ".", "email": "@", "ipv4": ".", "ipv6": ":", "url": "://"}
    return marks[kind] in value and not any(one.isspace() for one in value)
