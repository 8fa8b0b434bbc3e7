r"""Indicators in raw bytes: URL, domain, IPv4, IPv6, e-mail, MD5, SHA-1, SHA-256, SHA-512.

What is found, in ASCII text and in UTF-16 (little-endian at even and odd places; big-endian
where the file starts with that byte order mark; offsets and lengths count the file's bytes):

- A URL with a scheme of the list in `_patterns`, up to 64 KiB, plain or as JSON writes it
  (`https:\/\/...`); and besides it its host, as `domain`, `ipv4` or `ipv6` at the host's own
  place, so that hosts can be counted however they were written.
- An e-mail address; its domain isn't reported again.
- A domain that stands by itself, where its last label is a top-level domain that is delegated,
  reserved or of a known other name system. A name followed by `(` is a call, not a domain. File
  names (`setup.py`) and code (`System.Net`) that look like domains come with `valid` false.
- IPv4 of four numbers, not within a longer dotted name or number; IPv6 where it parses and is
  of a form in use (not the slice `1::2`); 32, 40, 64 or 128 hex digits that stand alone.
- All of them "defanged" as well: `hxxp://`, `1.2.3[.]4`, `evil(dot)com`, `x[at]y[.]z`.

`value` is the text as found. `valid` is judged after refanging: domains and hosts by the
delegated or reserved top-level domain and DNS's rules, IPv4 without leading zeros or numbers over
255, hashes not all one character. Big-endian UTF-16 without its mark may lose the first or last
letter; other encodings of text (base64, compressed) are the openers' work.

The first pass is hyperscan's, the exact one `re`'s; the result is that of `re` alone, for any
size of window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.finders import _views
from holdfast.examine.finders._words import ADDRESSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile

VERSION = 4
DECODERS: tuple[str, ...] = ("hyperscan", "publicsuffixlist", "python")

WINDOW = 1 << 20
"""Bytes read at a time; an even number."""


def find(file: EvidenceFile) -> Iterator[Block]:
    """Yield the indicators of `file` in order of their offset."""
    return scan(file, WINDOW)


def scan(file: EvidenceFile, window: int) -> Iterator[Block]:
    """Yield as `find` does, reading `window` bytes (an even number) at a time."""
    return _views.scan(file, window, ADDRESSES)
