r"""The unit's own patterns, given by `examine --patterns`: indicators of the type `own.<name>`.

They are searched in runs of text (any bytes but control characters, so UTF-8 too) of up to
64 KiB, and in UTF-16's ASCII. An expression is Python's: over bytes, where it is ASCII, and over
the text as UTF-8 where it is not, which is slower. Hyperscan finds first where it may match.
`valid` is true: nobody but the unit knows a rule. Without `--patterns` nothing is found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import hyperscan

from holdfast.core.errors import InputError
from holdfast.examine import patterns as given
from holdfast.examine.finders import _views
from holdfast.examine.finders._judge import Found
from holdfast.examine.finders._words import Lexicon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile
    from holdfast.examine.patterns import Pattern

VERSION = 1
DECODERS: tuple[str, ...] = ("hyperscan", "python")

WINDOW = 1 << 20
"""Bytes read at a time; an even number."""

_CONTROL = frozenset((*range(0x09), *range(0x0A, 0x20), 0x7F))
_TEXT = bytes(0x0A if byte in _CONTROL else byte for byte in range(256))
_FOREIGN = rb"[\x80-\xff]"

_SOFT = bytes(0x0A if byte in b" \t" else 0x20 for byte in range(256))


class _InUse:
    """What this worker looks for: set once, before the first item."""

    lexicon: Lexicon | None = None


def use(settings: Json) -> None:
    """Look for the patterns in `settings` from now on; they are part of the result's key.

    Raises:
        InputError: hyperscan can't take one of them.
    """
    patterns = given.from_json(settings)
    if not patterns:
        _InUse.lexicon = None
        return
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_MULTILINE
    try:
        made.compile(
            expressions=[
                one.regex.encode("ascii") if one.regex.isascii() else _FOREIGN for one in patterns
            ],
            ids=list(range(len(patterns))),
            flags=[flags] * len(patterns),
        )
    except Exception as error:  # hyperscan's own class differs between its versions
        raise InputError(f"the patterns can't be compiled: {error}") from error

    def judge(phrase: bytes, numbers: frozenset[int]) -> tuple[Found, ...]:
        out = [hit for number in sorted(numbers) for hit in _hits(patterns[number], phrase)]
        return tuple(sorted(out, key=lambda found: found.start))

    def first() -> Any:
        return made

    _InUse.lexicon = Lexicon(_TEXT, _SOFT, first, judge, back=2)


def _hits(pattern: Pattern, phrase: bytes) -> Iterator[Found]:
    kind = f"own.{pattern.name}"
    if pattern.regex.isascii():
        for hit in re.finditer(pattern.regex.encode("ascii"), phrase):
            if hit[0]:
                value = hit[0].decode("utf-8", "backslashreplace")
                yield Found(hit.start(), len(hit[0]), kind, value, True)
        return
    text = phrase.decode("utf-8", "surrogateescape")
    for found in re.finditer(pattern.regex, text):
        raw = found[0].encode("utf-8", "surrogateescape")
        start = len(text[: found.start()].encode("utf-8", "surrogateescape"))
        if raw:
            yield Found(start, len(raw), kind, raw.decode("utf-8", "backslashreplace"), True)


def find(file: EvidenceFile) -> Iterator[Block]:
    """Yield what the unit's patterns match, in order of offset."""
    if _InUse.lexicon is not None:
        yield from _views.scan(file, WINDOW, _InUse.lexicon)
