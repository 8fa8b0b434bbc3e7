"""Text as the search index sees it: one folding for what is indexed and what is asked."""

from __future__ import annotations

import re
import unicodedata

import tantivy

TOKENIZER = "holdfast"
_LONGEST = 255
"""Bytes of a word; a longer one is no word (SHA-512 in hex has 128)."""
_UNSPACED = re.compile(  # Thai, Lao, Myanmar, Khmer, kana, Han: no spaces between words
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff])"
)
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")

_STROKES = str.maketrans("\u0142\u00f8\u0111\u0127\u0167\u0131", "lodhti")
"""Letters whose stroke or missing dot Unicode does not take apart."""


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
    (Latin accents, Arabic and Hebrew vowel points), and scripts without spaces become a word for
    each character, so that a part of a sentence can be found.
    """
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFKC", text)
    return _UNSPACED.sub(r" \1 ", _MARKS.sub("", composed))


def unspaced(word: str) -> bool:
    """Say whether `word` is of a script that puts no spaces between words."""
    return _UNSPACED.match(word) is not None


def fold(text: str) -> str:
    """Return `text` in lower case without accents, character for character: offsets stay."""
    if text.isascii():
        return text.lower()
    plain = "".join(unicodedata.normalize("NFKD", character)[0].lower()[0] for character in text)
    return plain.translate(_STROKES)
