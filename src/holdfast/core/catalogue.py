"""Catalogues of translations (gettext): read from the .po files that stand in the package."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

if TYPE_CHECKING:
    from pathlib import Path

LANGUAGES = ("en", "fr", "es", "ar", "fa")
"""What Holdfast speaks; English is the language of the texts themselves."""


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for a text that is translated later
    """Mark a text for the catalogues."""
    return text


@cache
def read(folder: Path, domain: str, code: str) -> NullTranslations:
    """Return the catalogue of `code`; what it has no text for is said in English."""
    path = folder / code / "LC_MESSAGES" / f"{domain}.po"
    if not path.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as stream:
        write_mo(compiled, read_po(stream, locale=code))
    compiled.seek(0)
    return Translations(compiled, domain)
