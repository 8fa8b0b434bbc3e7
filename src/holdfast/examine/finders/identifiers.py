r"""Identifiers in raw bytes: money, phones, machines, handles, places, weaknesses, registry keys.

What is found, in ASCII text and in UTF-16, each with its offset, what stands around it, and
whether it is valid by its own standard (the rules and their sources are in `_validity`):

- `phone`: in international form, `+` and country; where some country has such numbers.
- `btc` (base58check, bech32, bech32m), `eth` (EIP-55), `xmr`, `trx`.
- `card`: a payment card number of a known issuer whose check digit is right; with a wrong one
  only where it is written in groups. `iban`: by country and length.
- `onion_v3`: besides the domain that the `indicators` finder reports.
- `telegram`, `discord`, `whatsapp`: links, invitations and addresses, and names that stand after
  the word Telegram or Discord. A name alone (`@someone`) could be anyone's, anywhere.
- `mac` (`:`, `-` and Cisco's dots), `imei`, `gps` (decimal degrees of four places and more,
  `geo:`), `cve`, `registry_key` (blanks in every part but the last).

Numbers of 15 digits can be a card and an IMEI: both are reported. The first pass is hyperscan's,
the exact one `re`'s; the result is that of `re` alone, for any size of window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.finders import _views
from holdfast.examine.finders._words import IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.block import Block
    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("hyperscan", "phonenumberslite", "pycryptodome", "python")

WINDOW = 1 << 20
"""Bytes read at a time; an even number."""


def find(file: EvidenceFile) -> Iterator[Block]:
    """Yield the identifiers in `file` in order of their offset."""
    return scan(file, WINDOW)


def scan(file: EvidenceFile, window: int) -> Iterator[Block]:
    """Yield as `find` does, reading `window` bytes (an even number) at a time."""
    return _views.scan(file, window, IDENTIFIERS)
