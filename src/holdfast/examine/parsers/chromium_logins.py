"""Sites for which Chromium and its kin kept a password: the `Login Data` database.

Schema: Chromium's `components/password_manager/core/browser/password_store/login_database.cc`. The
column with the password is never read. Times are microseconds since 1601; before 2014 seconds since
1970, told apart by their size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.examine.parsers import _sqlite
from holdfast.examine.parsers._browser import BrowserLogin, seconds, since_1601, text, whole
from holdfast.examine.record import Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator


VERSION = 1
DECODERS: tuple[str, ...] = ("sqlite3",)
RECORDS: tuple[type[Record], ...] = (BrowserLogin,)
SCHEMA: dict[str, tuple[str, ...]] = {
    "logins": ("origin_url", "username_value", "signon_realm", "date_created")
}
_COLUMNS = (
    "origin_url", "action_url", "signon_realm", "username_value", "date_created", "date_last_used",
    "date_password_modified", "times_used", "blacklisted_by_user",
)  # fmt: skip
_OLD = 10**11
"""Below this a time counts seconds."""


def _logins(database: _sqlite.Database) -> Iterator[Record]:
    for row in database.records("logins", _COLUMNS):
        rowid, origin, form, realm, user, created, used, changed, times, never = row.values()
        when = _time(created)
        yield BrowserLogin(
            message=f"login kept for {text(user) or '(no name)'} at {text(origin) or '(no site)'}"
            if never != 1
            else f"no login to be kept for {text(origin) or '(no site)'}",
            **timed(when, "login kept"),
            user=text(user) or None,
            row=whole(rowid),
            url=text(origin),
            form_url=text(form) or None,
            realm=text(realm) or None,
            last_used_time=_time(used),
            password_changed_time=_time(changed),
            times_used=whole(times),
            never_save=None if never is None else bool(never),
        )


def _time(value: object) -> int | None:
    return seconds(value) if isinstance(value, int) and value < _OLD else since_1601(value)


match, parse = _sqlite.parser(SCHEMA, {"logins": _logins})
