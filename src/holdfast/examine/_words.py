"""Text as the search index sees it: one folding for what is indexed and what is asked."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import tantivy

TOKENIZER = "holdfast"
_LATIN_ENDS = "\u2000"
_LONGEST = 255
"""Bytes of a word; a longer one is no word (SHA-512 in hex has 128)."""
_UNSPACED = re.compile(  # Thai, Lao, Myanmar, Khmer, kana, Han: no spaces between words
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff])"
)
_MARKS = re.compile(
    "[\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u06df-\u06e8\u06ea-\u06ed\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""What writers leave out at will, and what can't be seen: vowel points, tatweel, joiners, marks of
direction. A word with one inside is the word without."""

_STROKES = str.maketrans("\u0142\u00f8\u0111\u0127\u0167\u0131", "lodhti") | {
    ord("\u00df"): "ss", ord("\u00e6"): "ae", ord("\u0153"): "oe", ord("\u00fe"): "th",
}  # fmt: skip
"""Letters that Unicode does not take apart, as tantivy's folding has them."""

_ARABIC = str.maketrans(
    {
        **dict.fromkeys("\u0622\u0623\u0625\u0671\u0672\u0673\u0675", "\u0627"),  # forms of alef
        **dict.fromkeys("\u0649\u06cc\u06cd\u06ce\u06d0\u0626\u06d2\u06d3", "\u064a"),  # of yeh
        **dict.fromkeys(
            "\u0629\u06c0\u06c1\u06c2\u06c3\u06be\u06d5", "\u0647"
        ),  # of heh, teh marbuta
        **dict.fromkeys("\u06a9\u06aa\u06ab\u06ac\u06ad", "\u0643"),  # of kaf
        "\u0624": "\u0648",  # waw with hamza
    }
)
"""Letters that Arabic, Persian and Urdu keyboards and habits write differently in one word."""
_DIGITS = {
    code: str(unicodedata.decimal(chr(code)))
    for code in range(128, 0x1FBFA)
    if unicodedata.decimal(chr(code), None) is not None
}
"""Digits of every script to ASCII's: a telephone number is found however it is written."""
_GREEK = {
    code: unicodedata.normalize("NFD", chr(code))[0]
    for code in (*range(0x370, 0x400), *range(0x1F00, 0x2000))
}
"""Greek without its accents, which capitals have not."""
_ALIKE = {**_DIGITS, **_ARABIC, **_GREEK, 0x401: "\u0415", 0x451: "\u0435", 0x3C2: "\u03c3"}
"""With them: Cyrillic yo, which is mostly written as ye, and Greek's final sigma."""


def analyzer() -> tantivy.TextAnalyzer:
    """Return what splits prepared text into words: at everything that is no letter or digit."""
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(_LONGEST))
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.lowercase())
        .build()
    )


def prepare(text: str) -> str:
    """Return `text` ready to be split.

    Compatibility forms are made equal (NFKC), marks that writers leave out at will are dropped
    (Latin accents, Arabic and Hebrew vowel points, what can't be seen), letters that Arabic and
    Persian write differently and the digits of all scripts are made one, and scripts without
    spaces become a word for each character, so that a part of a sentence can be found.
    """
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFKC", text)
    return _UNSPACED.sub(r" \1 ", _MARKS.sub("", composed).translate(_ALIKE))


def unspaced(word: str) -> bool:
    """Say whether `word` is of a script that puts no spaces between words."""
    return _UNSPACED.match(word) is not None


@lru_cache(maxsize=8192)
def fold(character: str) -> str:
    """Return one character as a word that is looked for has it; nothing for a mark."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKC", character)).translate(_ALIKE)
    if plain < _LATIN_ENDS:  # take accents off, but leave Hangul and kana whole
        plain = _MARKS.sub("", unicodedata.normalize("NFKD", plain))
    return plain.lower().translate(_STROKES)
