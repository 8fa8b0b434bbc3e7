"""Documents as PDF/A-2b, made by Typst of a template in this folder and plain values.

What stands in them may come from evidence: it reaches Typst as data, never as markup.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from holdfast.core.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
_SCRIPT = 40
_JOINERS = frozenset({"\u200c", "\u200d"})
_PIECES = re.compile("([\u200c\u200d])")
_NO_GLYPH = re.compile(r'the text `"(?:\\u\{([0-9a-f]+)\}|(.+?))"` could not be displayed')


def made(template: str, values: Mapping[str, Any]) -> bytes:
    """Return the document that `<template>.typ` makes of `values`, its input of the same name."""
    import typst  # noqa: PLC0415 - 40 MB of compiler, needed for nothing else

    source = resources.files("holdfast.exchange").joinpath(f"{template}.typ").read_bytes()

    def compiled(data: str) -> bytes:
        return typst.compile(
            source, format="pdf", pdf_standards="a-2b", sys_inputs={template: data}
        )

    return displayed(values, compiled)


def displayed(values: Mapping[str, Any], compiled: Callable[[str], T]) -> T:
    """Return what `compiled` makes of `values` as JSON, in which every text can be displayed."""
    import typst  # noqa: PLC0415

    shown = _Shown()
    while True:
        try:
            return compiled(orjson.dumps(_each_text(dict(values), shown)).decode())
        except typst.TypstError as error:
            if not shown.learn(str(error)):
                raise


def legible(text: str) -> str:
    """Return `text` with what would hide or turn it around made visible.

    Joiners stay: Persian and others are not written without them, and they move nothing.
    """
    return "".join(one if one in _JOINERS else printable(one) for one in _PIECES.split(text))


class _Shown:
    """How a text is shown: what no font here has a picture of, as its code point.

    PDF/A allows no character that can't be displayed (ISO 19005-2, 6.2.11.8), so the compiler
    refuses it, one at a time.
    """

    def __init__(self) -> None:
        self._absent: set[str] = set()
        self._ascii = False

    def __call__(self, text: str) -> str:
        """Return `text` as it can be displayed."""
        return "".join(
            f"\\u{{{ord(c):x}}}" if c in self._absent or (self._ascii and not c.isascii()) else c
            for c in legible(text)
        )

    def learn(self, refusal: str) -> bool:
        """Take in what the compiler refused; False where it was something else, or came again."""
        found = _NO_GLYPH.search(refusal)
        if found is None or self._ascii:
            return False
        absent = {chr(int(found[1], 16))} if found[1] else set(found[2])
        # A name in another script has dozens: beyond that, none is tried.
        self._ascii = absent <= self._absent or len(self._absent) > _SCRIPT
        self._absent |= absent
        return True


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _each_text(one, change) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(one, change) for one in value]
    return value
