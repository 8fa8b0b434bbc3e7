"""A report as PDF (PDF/A-3a and PDF/UA-1 at once), and its pages as pictures, made by Typst.

The same content makes the same bytes, on any machine with the same version of the typesetter: its
time is the content's, and its fonts are those that stand beside this file, never a machine's own.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.exchange import pdf
from holdfast.exchange.report import words
from holdfast.exchange.report.words import Words

if TYPE_CHECKING:
    from typst import Fonts

    from holdfast.exchange.report.content import Content

FLAVOURS = ("3a", "ua1")
"""The standards, by the validator's names."""
MANIFEST = "manifest.json"
_FONTS = Path(__file__).parent / "fonts"
_DOTS = 110
"""Of a preview, an inch."""


@cache
def software() -> dict[str, str]:
    """Return what a document is made with: versions, and the digests of fonts."""
    fonts = {one.name: sha256_hex(one.read_bytes()) for one in sorted(_FONTS.glob("*.ttf"))}
    return {"holdfast": metadata.version("holdfast"), "typst": metadata.version("typst"), **fonts}


def as_pdf(content: Content) -> bytes:
    """Return the report, with its manifest inside as an associated file."""
    import typst  # noqa: PLC0415 - 40 MB of compiler

    manifest = content.manifest().decode()
    made = clock.from_text(content.made) // 1_000_000

    def compiled(data: str) -> bytes:
        made_of: bytes = typst.compile(
            _source(),
            format="pdf",
            pdf_standards=["a-3a", "ua-1"],
            sys_inputs={"report": data, "manifest": manifest},
            timestamp=made,
            font_paths=_fonts(),
        )
        # The end of the line lets a signature's first object begin a line (ISO 19005-3, 6.1.9).
        return made_of + b"\n"

    return pdf.displayed(_values(content), compiled)


def as_pictures(content: Content) -> list[bytes]:
    """Return each page as PNG, marked as a preview."""
    import typst  # noqa: PLC0415

    def compiled(data: str) -> list[bytes]:
        made: Any = typst.compile(
            _source(),
            format="png",
            ppi=_DOTS,
            sys_inputs={"report": data, "preview": "yes"},
            font_paths=_fonts(),
        )
        return [made] if isinstance(made, bytes) else list(made)

    return pdf.displayed(_values(content), compiled)


@cache
def _fonts() -> Fonts:
    import typst  # noqa: PLC0415

    return typst.Fonts(include_system_fonts=False, font_paths=[_FONTS])


def _source() -> bytes:
    return resources.files("holdfast.exchange.report").joinpath("report.typ").read_bytes()


def _values(content: Content) -> dict[str, Any]:
    """Return what the template is given: the content, and the words of its language."""
    language = Words.of(content.language)
    validated = language.say(words.PHRASES["validated"])
    not_validated = language.say(words.PHRASES["not_validated"])
    return {
        **asdict(content),
        "audience": language.say(words.AUDIENCES[content.audience]),
        "digest": content.digest,
        "direction": language.direction,
        "information": language.table(words.INFORMATION),
        "more": {one.label: language.more(one.more) for one in content.exhibits if one.more},
        "outcomes": language.table(words.OUTCOMES),
        "roles": language.table(words.ROLES),
        "sources": language.table(words.SOURCES),
        "validation": validated % content.validator if content.validator else not_validated,
        "words": language.table(words.PHRASES),
    }
