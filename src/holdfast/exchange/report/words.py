"""What a report says by itself, in its reader's language. What others say stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from babel import Locale

from holdfast.core import catalogue
from holdfast.core.catalogue import LANGUAGES, N_
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from babel.support import NullTranslations

_FOLDER = Path(__file__).parent / "locale"

PHRASES = {
    "title": N_("Report of findings"),
    "case": N_("Case"),
    "purpose": N_("Purpose"),
    "authority": N_("Authority"),
    "issued": N_("Issued by"),
    "scope": N_("Scope"),
    "valid": N_("In force"),
    "made": N_("Made"),
    "maker": N_("Made by"),
    "audience": N_("Made for"),
    "log": N_("Custody log"),
    "root": N_("Root of the log"),
    "manifest": N_("SHA-256 of the manifest"),
    "validation": N_("Document's form"),
    "validated": N_("PDF/A-3a and PDF/UA-1, as checked by %s"),
    "not_validated": N_("not validated: no independent program has checked this document's form"),
    "about": N_("About this report"),
    "about_text": N_(
        "Every statement below was made by one person and reviewed by another. Each rests on "
        "records that anybody can look up: in which exhibit, where inside it, read by which "
        "program. Numbers of entries are those of the custody log, whose root is given above. "
        "Times are UTC, as this unit's clock had them."
    ),
    "findings": N_("Findings"),
    "none": N_("There is none."),
    "exonerating": N_("Findings that speak for the suspect"),
    "exonerating_text": N_(
        "All findings of the case that speak for the suspect and were reviewed stand here, "
        "whoever chose the findings of this report."
    ),
    "source": N_("Source"),
    "information": N_("Information"),
    "author": N_("Stated by"),
    "reviewer": N_("Reviewed by"),
    "verified": N_("Examined again by"),
    "entry": N_("entry"),
    "number": N_("Entry"),
    "rests": N_("Rests on"),
    "rests_nothing": N_("No record is cited."),
    "exhibit": N_("Exhibit"),
    "place": N_("Place"),
    "time": N_("Time (UTC)"),
    "record": N_("Record"),
    "method": N_("Method"),
    "methods": N_("Methods and their known weaknesses"),
    "methods_text": N_(
        "Numbers that begin with DFT and DFW are those of SOLVE-IT, a public catalogue of "
        "techniques of digital forensics and of their weaknesses."
    ),
    "version": N_("Version"),
    "technique": N_("Technique"),
    "weakness": N_("How it can mislead"),
    "no_method": N_("Nobody has written down this method's own weaknesses."),
    "exhibits": N_("Exhibits and their custody"),
    "collected_from": N_("Collected from"),
    "size": N_("Size in bytes"),
    "checked": N_("Stored bytes"),
    "unchanged": N_("hashed for this report: unchanged"),
    "act": N_("Act"),
    "actor": N_("Person"),
    "unsigned": N_("actor unsigned"),
    "collected": N_("Collected"),
    "limits": N_("What this report does not say"),
    "ledger": N_("Files that these exhibits hold"),
    "parsed": N_("read"),
    "unsupported": N_("not read: no program for them"),
    "failed": N_("failed to be read"),
    "not_examined": N_("not examined"),
    "left_out": N_("Reviewed findings of the case that were not chosen"),
    "unreviewed": N_("Findings that nobody has reviewed, and that can't stand here"),
    "withheld": N_("Persons whose details are withheld from this reader"),
    "checking": N_("How to check this report"),
    "checking_text": N_(
        "This file holds its manifest (manifest.json): every finding, exhibit, authority, "
        "number of an entry and digest above. The custody log has an entry about this report "
        "with the digests of the manifest and of this file. Who has the manifest can make this "
        "file again, byte for byte, with the program that made it, and the hand-over bundle "
        "proves the entries with stock tools."
    ),
    "software": N_("Made with"),
    "page": N_("Page"),
    "preview": N_("Preview: not a report"),
}  # fmt: skip
"""By the name that templates call them."""

SOURCES = {
    "A": N_("no doubt about it, or always reliable so far"),
    "B": N_("mostly reliable so far"),
    "C": N_("mostly unreliable so far"),
    "X": N_("can't be assessed"),
}
INFORMATION = {
    "1": N_("accurate without reservation"),
    "2": N_("known personally to the source"),
    "3": N_("not known personally to the source, but corroborated"),
    "4": N_("not known personally to the source, and not corroborated"),
}
OUTCOMES = {
    "agrees": N_("agrees"),
    "partly": N_("agrees in part"),
    "disagrees": N_("disagrees"),
}
AUDIENCES = {
    "court": N_("the court"),
    "defence": N_("the defence"),
    "other": N_("another reader"),
    "prosecutor": N_("the prosecutor"),
}
ROLES = {
    "other": N_("other person"),
    "suspect": N_("suspect"),
    "victim": N_("victim"),
    "witness": N_("witness"),
}
_NUMBERED = N_("[%(role)s %(number)s]")


@dataclass(frozen=True)
class Words:
    """A language of reports."""

    code: str

    @classmethod
    def of(cls, code: str) -> Words:
        """Return a language by its code.

        Raises:
            InputError: no report can be had in it.
        """
        if code not in LANGUAGES:
            raise InputError(f"no report can be had in {code!r}", f"take {', '.join(LANGUAGES)}")
        return cls(code)

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return Locale.parse(self.code).text_direction

    @property
    def _catalogue(self) -> NullTranslations:
        return catalogue.read(_FOLDER, "report", self.code)

    def say(self, text: str) -> str:
        """Return one of the report's own texts in this language."""
        return str(self._catalogue.gettext(text)) if text else ""

    def more(self, count: int) -> str:
        """Return that there are `count` more entries."""
        told = self._catalogue.ngettext("%(count)s more entry", "%(count)s more entries", count)
        return str(told) % {"count": count}

    def person(self, role: str, number: int) -> str:
        """Return what stands instead of a withheld person's details."""
        return self.say(_NUMBERED) % {"role": self.say(ROLES[role]), "number": number}

    def table(self, names: dict[str, str]) -> dict[str, str]:
        """Return each of `names` in this language."""
        return {name: self.say(text) for name, text in names.items()}
