"""Cut a stream into words and find the ones that may hold an indicator.

A `Scanner` is fed windows of any size and gives the same result for every way of cutting the
input: it keeps the word that a window breaks off for the next one. A word of more than `LIMIT`
bytes (base64, minified code) is cut into pieces, at punctuation that only URLs have, or else at
the limit; what touches a cut that isn't at punctuation is part of something longer and is
dropped, save a URL, which is reported up to there.
"""

from __future__ import annotations

from holdfast.examine.finders import _patterns
from holdfast.examine.finders._judge import Found, judge, judged

LIMIT = 1 << 16
"""Bytes of one piece of a word at most."""
_SHORT = 256
_SOFT = bytes(0x0A if byte in b",;&=!*$?#~" else 0x20 for byte in range(256))
_GAP = b"\n"


class Scanner:
    """Finds indicators in one view of a file: its bytes, or every second of them (UTF-16)."""

    def __init__(self) -> None:
        self.at = 0
        """Where the unfinished word starts; everything before it has been reported."""
        self._held = b""
        self._left_cut = False

    def feed(self, view: bytes, *, last: bool = False) -> list[tuple[int, Found]]:
        """Take the next bytes of the view; return (start of word, finding) for what is complete."""
        mask = view.translate(_patterns.TO_WORDS)
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
        done = 0
        for inside in _hits(data):
            if inside < done:
                continue
            start = data.rfind(_GAP, 0, inside + 1) + 1
            stop = data.find(_GAP, inside)
            done = len(data) if stop < 0 else stop
            cut = self._left_cut and start == 0
            if done - start <= _SHORT and not cut:
                out += [(self.at + start, found) for found in judged(data[start:done])]
            else:
                _pieces(data[start:done], self.at + start, cut, out)

    def _shorten(self, out: list[tuple[int, Found]]) -> None:
        while len(self._held) > LIMIT:
            size, soft = _piece(self._held)
            if _hits(self._held[:size]):
                _judge_piece(self._held[:size], self.at, self._left_cut, not soft, out)
            self._held, self.at, self._left_cut = self._held[size:], self.at + size, not soft


def _hits(data: bytes) -> list[int]:
    """Return, for each hit of the first pass, a place inside its word, in rising order."""
    ends: list[int] = []

    def hit(_id: int, _start: int, end: int, _flags: int, _context: object) -> None:
        ends.append(end)

    _patterns.database().scan(_GAP + data + _GAP, match_event_handler=hit)
    # One for the newline put before; one as an end lies after its last byte; and one more, since
    # that byte may be the gap after the word.
    return sorted(end - 3 for end in ends)


def _pieces(word: bytes, at: int, cut: bool, out: list[tuple[int, Found]]) -> None:
    while word:
        size, soft = _piece(word)
        more = size < len(word)
        _judge_piece(word[:size], at, cut, more and not soft, out)
        word, at, cut = word[size:], at + size, not soft


def _piece(word: bytes) -> tuple[int, bool]:
    """Return how much of `word` is its first piece, and whether it ends at punctuation."""
    if len(word) <= LIMIT:
        return len(word), True
    soft = word[:LIMIT].translate(_SOFT).rfind(_GAP) + 1
    return (soft, True) if soft else (LIMIT, False)


def _judge_piece(
    piece: bytes, at: int, left_cut: bool, right_cut: bool, out: list[tuple[int, Found]]
) -> None:
    for found in judge(piece):
        torn = (left_cut and found.start == 0) or (
            right_cut and found.start + found.length == len(piece)
        )
        if not torn or found.type == "url":
            out.append((at, found))
