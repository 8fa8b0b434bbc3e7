"""Sites for which Firefox and its kin kept a password: `logins.json`.

Source: Firefox's `toolkit/components/passwordmgr/storage-json.sys.mjs`. Times are milliseconds
since 1970. Names and passwords are encrypted in the file; they are never taken over.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from holdfast.examine.parsers._browser import BrowserLogin, line, milliseconds, whole
from holdfast.examine.parsers._sniff import is_firefox_logins
from holdfast.examine.record import Failure, Record, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.examine.file import EvidenceFile

VERSION = 1
DECODERS: tuple[str, ...] = ("python",)
RECORDS: tuple[type[Record], ...] = (BrowserLogin,)
LIMIT = 64 << 20
"""Bytes of the largest file that is read; a thousand logins are half a MiB."""


def match(file: EvidenceFile) -> bool:
    """Accept a JSON object that begins as Firefox writes its logins."""
    return is_firefox_logins(file.head)


def parse(file: EvidenceFile) -> Iterator[Record]:
    """Yield one record a login, then one a site for which none is to be kept.

    Raises:
        ValueError: it is no JSON, or too large.
        RecursionError: it is nested too deeply.
    """
    if file.size > LIMIT:
        raise ValueError(f"over {LIMIT} bytes")
    with file.open() as stream:
        document = json.loads(stream.read().decode("utf-8", "backslashreplace"))
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    for row, login in enumerate(_list(document, "logins"), 1):
        if not isinstance(login, dict):
            yield Failure(message=f"login {row}", reason="login is no JSON object", row=row)
            continue
        url, when = _text(login.get("hostname")), milliseconds(login.get("timeCreated"))
        yield BrowserLogin(
            message=line(f"login kept for {url or '(no site)'}"),
            **timed(when, "login kept"),
            row=row,
            url=url,
            form_url=_text(login.get("formSubmitURL")),
            realm=_text(login.get("httpRealm")),
            last_used_time=milliseconds(login.get("timeLastUsed")),
            password_changed_time=milliseconds(login.get("timePasswordChanged")),
            times_used=whole(login.get("timesUsed")),
            never_save=False,
            guid=_text(login.get("guid")),
        )
    for site in _list(document, "disabledHosts"):
        url = _text(site)
        yield BrowserLogin(
            message=line(f"no login to be kept for {url or '(no site)'}"), url=url, never_save=True
        )


def _list(document: dict[str, object], name: str) -> list[object]:
    found = document.get(name)
    return found if isinstance(found, list) else []


def _text(value: object) -> str | None:
    """Return text without lone surrogates, which JSON can spell and records can't hold."""
    if not isinstance(value, str) or not value:
        return None
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
