"""Forms: read within limits, and done once however often they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from starlette.exceptions import HTTPException

from holdfast.core.errors import ConflictError, InputError
from holdfast.serving import once as memory
from holdfast.web.languages import gettext

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from holdfast.web.visit import Visit

TOKEN = "form"  # noqa: S105 - a field's name, no secret
"""The field that makes a form one of a kind."""
FIELDS = 1000
_NOT_WRITTEN = {
    TOKEN, "authenticator", "back", "client", "code", "key", "new", "next", "passkey", "password",
    "place", "prepared", "signature", "version",
}  # fmt: skip
"""Fields of a form that nobody writes, and secrets."""


async def read(request: Request, largest: int) -> FormData:
    """Return what a form holds.

    Raises:
        InputError: it is larger than the page expects, or no form.
    """
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()) or int(length[:15]) > largest:
        raise InputError(
            gettext("what was sent is larger than this page takes"), gettext("send less at once")
        )
    try:
        return await request.form(max_files=FIELDS, max_fields=FIELDS, max_part_size=largest)
    except (HTTPException, MultipartParseError):
        raise InputError(
            gettext("what was sent is no form"), gettext("go back and repeat")
        ) from None


def entered(visit: Visit) -> list[tuple[str, str]]:
    """Return what a person wrote into a form, by field, so that a refusal costs nobody their words.

    WCAG 2.2, 3.3.7 Redundant Entry. Secrets are not among it.
    """
    if visit.form_data is None:
        return []
    return [
        (name, value)
        for name, value in visit.form_data.multi_items()
        if isinstance(value, str) and value.strip() and name not in _NOT_WRITTEN
    ]


def once(visit: Visit, handler: Callable[[Visit], Response]) -> Response:
    """Perform what a form asks for, unless the very same form was performed already.

    A browser repeats a form when somebody clicks twice or reloads; the second is answered by
    where the first led to. What was refused may be sent again.

    Raises:
        ConflictError: the first is under way, or its process was killed: nobody knows how far.
    """
    token = visit.field(TOKEN)
    if not token:
        return handler(visit)
    key = f"form {token[:100]}"
    vault = visit.session.vault
    before = memory.claim(vault.engine, visit.person.name, key)
    if before:
        return visit.go(before, gettext("This was done already."))
    if before is not None:
        raise ConflictError(
            gettext("this form was sent before, and is under way or was cut short"),
            gettext("look whether it was done; if it was not, open the page again and repeat it"),
        )
    done = ""
    try:
        response = handler(visit)
        if response.status_code == 303:
            done = response.headers["location"]
    finally:
        if done:
            memory.keep(vault.engine, visit.person.name, key, done)
        else:
            memory.forget(vault.engine, visit.person.name, key)
    return response
