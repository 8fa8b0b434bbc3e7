"""Handing over from the browser: a sealed bundle, written beside the vault, to be taken away.

It is `bundle` with one difference: nobody names a folder. The file is encrypted for its recipients
before it is given out, and has no name on this machine while it is.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from holdfast.acts import bundling, privilege, restricting, showing
from holdfast.acts.cases import OneCase
from holdfast.core import durable
from holdfast.core.digest import CHUNK
from holdfast.core.errors import InputError
from holdfast.exchange import sealing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.act import Session
    from holdfast.cases.exhibits import Exhibit
    from holdfast.exchange.package import Written


@dataclass(frozen=True)
class Disclosure:
    """To whom what is handed over."""

    case: str
    recipient: str
    role: str
    """One of `package.ROLES`."""
    sealed_to: tuple[str, ...]
    """Recipients of age."""
    withhold: tuple[str, ...] = ()
    order: str = ""


@dataclass(frozen=True)
class Row:
    """An exhibit, and what keeps it from leaving for anybody."""

    exhibit: Exhibit
    privileged: bool
    """It holds what may be privileged: the filter team decides."""
    restricted: bool
    """It holds abuse material: it leaves for recipients that somebody has named."""
    named: tuple[str, ...]
    """These recipients."""


@dataclass(frozen=True)
class Choices:
    """What a case can hand over."""

    rows: tuple[Row, ...]

    @property
    def kept(self) -> tuple[Row, ...]:
        """Those that something keeps back."""
        return tuple(one for one in self.rows if one.privileged or one.restricted)


def choices(session: Session, case: str) -> Choices:
    """Return the exhibits, and who has to decide before which of them can leave.

    Raises:
        DeniedError: who asks may hand nothing over in this case.
    """
    bundling.bundle.permit(session, bundling.Bundle(case, ""))
    apart = {
        label
        for one in privilege.listed(session, OneCase(case))
        if not one.quarantine.over
        for label in one.exhibits
    }
    asked = restricting.ListRestricted(case)
    bad = {one.exhibit.entry: one for one in restricting.restricted(session, asked)}
    rows = []
    for one in showing.items(session, OneCase(case)):
        if one.erased is None:
            found = bad.get(one.entry)
            named = tuple(sorted({each.recipient for each in found.releases})) if found else ()
            rows.append(Row(one, one.label in apart, found is not None, named))
    return Choices(tuple(rows))


@dataclass(frozen=True)
class Away:
    """A sealed bundle on its way out."""

    name: str
    size: int
    written: Written
    pieces: Iterator[bytes]
    """Its bytes; to be read once, to their end."""


def disclose(session: Session, request: Disclosure) -> Away:
    """Hand over: the entry is there before the first byte leaves.

    Raises:
        InputError: no recipient, no key, or what `bundle` says.
        DeniedError: who asks may not, or something may not leave for this recipient.
        ResourceError: the disk refused; nothing is handed over then.
    """
    if not request.recipient.strip():
        raise InputError("a hand-over names its recipient", "say to whom it goes")
    if not request.sealed_to:
        raise InputError(
            "from the workbench a bundle leaves sealed only",
            "ask the recipient for the line that begins with age1, as `age-keygen` prints it",
        )
    sealing.recipients(request.sealed_to)
    with durable.disk_errors(Path(tempfile.gettempdir())):
        folder = Path(tempfile.mkdtemp(prefix="holdfast-handover-"))
        try:
            target = folder / f"{request.case}.tar.age"
            written = bundling.bundle(
                session,
                bundling.Bundle(
                    request.case,
                    str(target),
                    recipient=request.recipient,
                    withhold=request.withhold,
                    role=request.role,
                    order=request.order,
                    sealed_to=request.sealed_to,
                ),
            )
            size, stream = target.stat().st_size, target.open("rb")
        finally:
            # Without a name it is there only for as long as it is read, whoever hangs up.
            shutil.rmtree(folder, ignore_errors=True)
    return Away(f"{request.case}-{written.entry}.tar.age", size, written, _given(stream))


def _given(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(CHUNK):
            yield piece
