"""Cut a stream into words and find the ones that may hold an indicator.

A `Scanner` is fed windows of any size and gives the same result for every way of cutting the
input: it keeps the word that a window breaks off for the next one. A word of more than `LIMIT`
bytes (base64, minified code) is cut into pieces, at punctuation that its lexicon names, or else
at the limit; what touches a cut that isn't at punctuation is part of something longer and is
dropped, save a URL, which is reported up to there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from holdfast.examine.finders import _identifiers, _patterns
from holdfast.examine.finders._judge import Found, judge, judged

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 1 << 16
"""Bytes of one piece of a word at most."""
_SHORT = 256
_GAP = b"\n"


@dataclass(frozen=True)
class Lexicon:
    """What a word is, and what may be found in one."""

    table: bytes
    """Translation that makes every byte between words a newline."""
    soft: bytes
    """Translation that makes a newline of the punctuation at which a long word is cut."""
    first: Callable[[], Any]
    """Gives hyperscan's first pass."""
    judge: Callable[[bytes, frozenset[int]], tuple[Found, ...]]
    """Gives the findings of a word in which the first pass had hits of these numbers."""
    back: int = 3
    """From the end of a hit to a byte of its word: one for the newline put before the data, one as
    an end lies after its last byte, and one where that byte may be the gap after the word."""


_IPV6 = frozenset({_patterns.IPV6})


def _by_word(word: bytes, numbers: frozenset[int]) -> tuple[Found, ...]:
    # The pattern of IPv6 takes places where its judge finds nothing; they stay taken.
    seen = numbers | _IPV6 if word.count(b":") > 1 else numbers
    return judged(word, seen) if len(word) <= _SHORT else judge(word, seen)


def _soft(marks: bytes) -> bytes:
    return bytes(0x0A if byte in marks else 0x20 for byte in range(256))


ADDRESSES = Lexicon(_patterns.TO_WORDS, _soft(b",;&=!*$?#~"), _patterns.database, _by_word)
"""URLs, domains, network and mail addresses, digests: in runs without blanks."""
IDENTIFIERS = Lexicon(
    _identifiers.TO_PHRASES, _soft(b'"<>{}|'), _identifiers.database, _identifiers.judge
)
"""Everything with rules of its own: in runs of printable ASCII, blanks included."""


@cache
def _numbers(seen: int) -> frozenset[int]:
    """Return the numbers whose bits are set: one set for each of the few that occur."""
    return frozenset(number for number in range(seen.bit_length()) if seen >> number & 1)


class Scanner:
    """Finds indicators in one view of a file: its bytes, or every second of them (UTF-16)."""

    def __init__(self, lexicon: Lexicon = ADDRESSES) -> None:
        self.at = 0
        """Where the unfinished word starts; everything before it has been reported."""
        self._lexicon = lexicon
        self._held = b""
        self._left_cut = False

    def feed(self, view: bytes, *, last: bool = False) -> list[tuple[int, Found]]:
        """Take the next bytes of the view; return (start of word, finding) for what is complete."""
        mask = view.translate(self._lexicon.table)
        data = self._held + mask if self._held else mask
        cut = len(data) if last else data.rfind(_GAP) + 1
        out: list[tuple[int, Found]] = []
        if cut:
            self._scan(data[:cut] if cut < len(data) else data, out)
            self.at += cut
            self._left_cut = False
        self._held = data[cut:]
        if len(self._held) > LIMIT:
            self._shorten(out)
        return out

    def skip(self, size: int) -> list[tuple[int, Found]]:
        """Take `size` bytes of the view of which none is in a word."""
        out: list[tuple[int, Found]] = []
        if self._held:
            self._scan(self._held, out)
        self.at += len(self._held) + size
        self._held, self._left_cut = b"", False
        return out

    def _scan(self, data: bytes, out: list[tuple[int, Found]]) -> None:
        start, stop, seen = 0, 0, 0
        back, last = self._lexicon.back, len(data) - 1
        for end, number in self._hits(data):
            inside = end - back if end - back < last else last
            if inside < stop:
                seen |= 1 << number
                continue
            if seen:
                self._word(data, start, stop, seen, out)
            start = data.rfind(_GAP, 0, inside + 1) + 1
            stop = data.find(_GAP, inside)
            if stop < 0:
                stop = len(data)
            seen = 1 << number
        if seen:
            self._word(data, start, stop, seen, out)

    def _word(
        self, data: bytes, start: int, stop: int, seen: int, out: list[tuple[int, Found]]
    ) -> None:
        cut = self._left_cut and start == 0
        if stop - start <= LIMIT and not cut:
            at = self.at + start
            judged = self._lexicon.judge(data[start:stop], _numbers(seen))
            out += [(at, found) for found in judged]
        else:
            self._pieces(data[start:stop], self.at + start, cut, out)

    def _shorten(self, out: list[tuple[int, Found]]) -> None:
        while len(self._held) > LIMIT:
            size, soft = self._piece(self._held)
            piece = self._held[:size]
            self._judge_piece(piece, self.at, left=self._left_cut, right=not soft, out=out)
            self._held, self.at, self._left_cut = self._held[size:], self.at + size, not soft

    def _hits(self, data: bytes) -> list[tuple[int, int]]:
        """Return each hit of the first pass: where it ends, one byte late, and its number."""
        ends: list[tuple[int, int]] = []
        add = ends.append

        def hit(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            add((end, number))

        self._lexicon.first().scan(_GAP + data + _GAP, match_event_handler=hit)
        ends.sort()
        return ends

    def _pieces(self, word: bytes, at: int, cut: bool, out: list[tuple[int, Found]]) -> None:
        while word:
            size, soft = self._piece(word)
            torn = size < len(word) and not soft
            self._judge_piece(word[:size], at, left=cut, right=torn, out=out)
            word, at, cut = word[size:], at + size, not soft

    def _piece(self, word: bytes) -> tuple[int, bool]:
        """Return how much of `word` is its first piece, and whether it ends at punctuation."""
        if len(word) <= LIMIT:
            return len(word), True
        soft = word[:LIMIT].translate(self._lexicon.soft).rfind(_GAP) + 1
        return (soft, True) if soft else (LIMIT, False)

    def _judge_piece(
        self, piece: bytes, at: int, *, left: bool, right: bool, out: list[tuple[int, Found]]
    ) -> None:
        numbers = frozenset(number for _, number in self._hits(piece))
        for found in self._lexicon.judge(piece, numbers) if numbers else ():
            torn = (left and found.start == 0) or (
                right and found.start + found.length == len(piece)
            )
            if not torn or found.type == "url":
                out.append((at, found))
