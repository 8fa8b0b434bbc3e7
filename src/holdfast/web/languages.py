"""The workbench's languages: catalogues, directions, numbers, and times as two clocks show them."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale, negotiate_locale
from babel.numbers import format_decimal

from holdfast.core import catalogue, clock
from holdfast.core.catalogue import LANGUAGES, N_
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from babel.support import NullTranslations

__all__ = [
    "LANGUAGES",
    "N_",
    "Language",
    "Moment",
    "choose",
    "counted",
    "filled",
    "gettext",
    "moment",
    "ngettext",
    "number",
    "present",
]
_FOLDER = Path(__file__).parent / "locale"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = {"arab": "٠١٢٣٤٥٦٧٨٩", "arabext": "۰۱۲۳۴۵۶۷۸۹"}
"""What CLDR writes numbers with, where it isn't 0 to 9; Babel puts the signs only."""
_COUNT = re.compile(r"%\((\w+)\)d")
_present: ContextVar[Language] = ContextVar("language")


@dataclass(frozen=True)
class Language:
    """A language that the workbench speaks."""

    code: str

    @property
    def locale(self) -> Locale:
        """Babel's facts of it."""
        return Locale.parse(self.code)

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return self.locale.text_direction

    @property
    def name(self) -> str:
        """Its name, in itself."""
        return self.locale.get_display_name() or self.code

    @property
    def translations(self) -> NullTranslations:
        """Its catalogue."""
        return catalogue.read(_FOLDER, "holdfast", self.code)

    def use(self) -> None:
        """Speak it in the rest of this request."""
        _present.set(self)


def choose(asked: str | None, accepted: Iterable[str]) -> Language:
    """Return the language that a person chose, else the first that their browser accepts."""
    if asked in LANGUAGES:
        return Language(asked)
    return Language(negotiate_locale([*accepted], LANGUAGES, sep="-") or "en")


def present() -> Language:
    """Return the language of this request."""
    return _present.get(Language("en"))


def gettext(text: str) -> str:
    """Return `text` in the language of this request."""
    return str(present().translations.gettext(text)) if text else ""


def ngettext(one: str, many: str, count: int) -> str:
    """Return the form for `count`, in the language of this request."""
    return str(present().translations.ngettext(one, many, count))


def number(value: int) -> str:
    """Return a count as this request's language writes it.

    For what is counted only: an entry, an offset or a digest is a name, and is the same for all.
    """
    locale = present().locale
    digits = _DIGITS.get(locale.default_numbering_system, "0123456789")
    text = format_decimal(value, locale=locale, numbering_system="default")
    return text.translate(str.maketrans("0123456789", digits))


def filled(text: str, values: Mapping[str, object]) -> str:
    """Return `text` with its places filled: `%(name)d` by a count, `%(name)s` by what is as it is.

    A text that is markup stays so, and what it is filled with is escaped.
    """
    counts = {name: number(int(str(values[name]))) for name in _COUNT.findall(text)}
    # Markup's own methods keep it markup; a regular expression would not.
    for name in counts:
        text = text.replace(f"%({name})d", f"%({name})s")
    return text % {**values, **counts}


def counted(one: str, many: str, count: int) -> str:
    """Return the form for `count`, with the count in it as this request's language writes it."""
    return filled(ngettext(one, many, count), {"num": count})


@dataclass(frozen=True)
class Moment:
    """A time as a page shows it: by UTC and by the case's own clock, never by the browser's."""

    utc: str
    local: str
    """Empty where the case's zone is UTC."""


def moment(time: str, zone: str = "UTC") -> Moment:
    """Return a time of the log or of a record (`2026-11-24T15:27:27.123456Z`) on both clocks.

    What lies beyond the years that calendars have (`@seconds`) is shown as it is.
    """
    try:
        micros = clock.from_text(time)
    except InputError:
        return Moment(time, "")
    utc = time.replace("T", " ").removesuffix("Z")
    if zone == "UTC":
        return Moment(f"{utc} UTC", "")
    there = (_EPOCH + timedelta(microseconds=micros)).astimezone(ZoneInfo(zone))
    return Moment(f"{utc} UTC", f"{there:%Y-%m-%d %H:%M:%S} {there:%Z}")
