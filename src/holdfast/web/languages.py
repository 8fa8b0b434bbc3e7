"""The workbench's languages: catalogues, directions, and times as two clocks show them."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale, negotiate_locale

from holdfast.core import catalogue, clock
from holdfast.core.catalogue import LANGUAGES, N_
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from babel.support import NullTranslations

__all__ = [
    "LANGUAGES",
    "N_",
    "Language",
    "Moment",
    "choose",
    "gettext",
    "moment",
    "ngettext",
    "present",
]
_FOLDER = Path(__file__).parent / "locale"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
