"""The catalogues of translations: taken from the sources anew, and what each of them lacks.

`python -m holdfast.testing.messages` (`./dev messages`) writes them: what is new stands there with
an empty translation, what is gone is gone. Nothing is guessed: a text that changed is a new text.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import holdfast
from holdfast.core.catalogue import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = Path(holdfast.__file__).parent
_METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
_OPTIONS = {"**.html": {"silent": "false", "trimmed": "true"}}
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "counted": (1, 2)}


_IDLE = tuple(
    f'"{name}'.encode()
    for name in ("Project-", "Report-", "POT-", "PO-", "Last-", "Language-Team", "Generated-")
)
"""How the lines of a header begin that say nothing of the translations."""


@dataclass(frozen=True)
class Domain:
    """A set of catalogues, and where its texts stand."""

    name: str
    folder: Path
    """Where its sources are, and below it `locale/`."""

    def path(self, code: str) -> Path:
        """Return a language's catalogue."""
        return self.folder / "locale" / code / "LC_MESSAGES" / f"{self.name}.po"

    def texts(self) -> list[tuple[str, ...]]:
        """Return every text of the sources, sorted; one with a plural has two forms."""
        found = set()
        for _, _, text, _, _ in extract_from_dir(
            self.folder, _METHODS, _OPTIONS, keywords=_KEYWORDS, strip_comment_tags=True
        ):
            found.add(tuple(text) if isinstance(text, (list, tuple)) else (text,))
        return sorted(found)

    def read(self, code: str) -> Catalog:
        """Return a language's catalogue as it is."""
        path = self.path(code)
        if not path.exists():
            return Catalog(locale=code)
        with path.open("rb") as stream:
            return read_po(stream, locale=code)

    def renewed(self, code: str) -> Catalog:
        """Return a language's catalogue with the sources' texts, and the translations there are."""
        old = self.read(code)
        new = Catalog(locale=code, header_comment=f"# {self.name}: {code}", fuzzy=False)
        for text in self.texts():
            had = old.get(text[0])
            kept = had.string if had and (len(text) > 1) == had.pluralizable else ""
            new.add(text if len(text) > 1 else text[0], kept)
        return new

    def lacking(self, code: str) -> list[str]:
        """Return the texts that a language has no translation of."""
        return [
            str(one.id if isinstance(one.id, str) else one.id[0])
            for one in self.renewed(code)
            if one.id and not _whole(one.string)
        ]


def _whole(string: str | list[str] | tuple[str, ...] | None) -> bool:
    forms = [string] if isinstance(string, str) else string
    return bool(forms) and all(one.strip() for one in forms or ())


DOMAINS = (
    Domain("holdfast", _PACKAGE / "web"),
    Domain("report", _PACKAGE / "exchange" / "report"),
)
TRANSLATED = tuple(one for one in LANGUAGES if one != "en")


def written(catalog: Catalog) -> bytes:
    """Return a catalogue's bytes, the same again for the same texts."""
    held = io.BytesIO()
    write_po(held, catalog, width=0, no_location=True, sort_output=True)
    # Each date, and each person, in a header would be a change in every commit.
    return b"\n".join(one for one in held.getvalue().split(b"\n") if not one.startswith(_IDLE))


def catalogues() -> Iterator[tuple[Path, bytes]]:
    """Yield every catalogue's place, and its bytes as they should be."""
    for domain in DOMAINS:
        for code in TRANSLATED:
            yield domain.path(code), written(domain.renewed(code))


def main() -> int:
    """Write them; say what is missing."""
    for path, data in catalogues():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    missing = 0
    for domain in DOMAINS:
        for code in TRANSLATED:
            lacking = domain.lacking(code)
            missing += len(lacking)
            print(
                f"{domain.name}: {code}: {len(lacking)} of {len(domain.texts())} lack a translation"
            )
            for text in lacking[:5]:
                print(f"    {text[:90]!r}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
