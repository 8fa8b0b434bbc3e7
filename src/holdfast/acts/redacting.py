"""The acts of redacting a capture for exchange, and of holding a redacted copy to its original.

A copy is evidence that leaves the house: its entry names the item, the copy's digest and what was
taken by kind, never a value. An expression that says what to take may be the secret itself, so the
log has only how many there were.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from holdfast.acts import restricting
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.originals import open_file
from holdfast.cases import exhibits
from holdfast.collect import redaction
from holdfast.collect.interfaces import path_field
from holdfast.collect.redaction import Redacted, Verdict, Wanted
from holdfast.core import durable
from holdfast.core.digest import CHUNK
from holdfast.core.errors import InputError
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json

ACT, CHECK = "web.redact", "web.check"


@dataclass(frozen=True)
class RedactWeb:
    """Which capture is copied where, and what is taken besides what always is."""

    case: str
    item: str
    target: str
    wanted: Wanted = field(default_factory=Wanted)
    recipient: str = ""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {
            "also": len(self.wanted.also),
            "fields": list(self.wanted.fields),
            "item": self.item,
            "recipient": self.recipient,
            "target": path_field(os.fsencode(self.target)),
        }


@dataclass(frozen=True)
class CheckRedacted:
    """Which copy is held to which original."""

    case: str
    item: str
    copy: str
    wanted: Wanted = field(default_factory=Wanted)

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"copy": path_field(os.fsencode(self.copy)), "item": self.item}


@act(ACT, Needs.AUTHORITY)
def redact_web(session: Session, request: RedactWeb) -> Redacted:
    """Write a redacted copy of a capture; it is there only once its entry is.

    Raises:
        InputError: the item is no capture that can be redacted, or the target is in use.
        DeniedError: the item is on a list of abuse material.
        IntegrityError: the item is not what was collected, or another vault's.
        ResourceError: the child died, or the disk refused.
    """
    exhibit = _exhibit(session, request.case, request.item)
    restricting.check_preview(session, request.case, [exhibit])
    target = Path(request.target)
    key = session.vault.keyring.capture_signer()
    with _beside(target) as scratch:
        made_at = Path(scratch) / "copy.wacz"
        work = Path(scratch) / "work"
        work.mkdir()
        session.progress(0, None, exhibit.path)
        with durable.disk_errors(session.vault.root), open_file(session.vault, exhibit) as stream:
            made = redaction.redact(
                stream, exhibit.item, request.wanted, key=key, target=made_at, work=work
            )
        taken: dict[str, Json] = dict(made.taken)
        # The authority may have ended meanwhile.
        session.case(request.case, Needs.AUTHORITY)
        session.custody.enter(
            Draft(
                ACT,
                request.case,
                {
                    "changed": made.changed,
                    "copy": made.sha256,
                    "datapackage": made.datapackage,
                    "item": exhibit.item,
                    "request": request.facts(),
                    "size": made.size,
                    "taken": taken,
                    "withheld": len(made.withheld),
                },
            )
        )
        try:
            os.link(made_at, target)
        except FileExistsError:
            raise InputError(f"{target} exists already", "name another file") from None
    durable.sync_directory(target.parent)
    return made


@act(CHECK, Needs.AUTHORITY)
def check_redacted(session: Session, request: CheckRedacted) -> Verdict:
    """Derive a copy again from its original, and say where they differ.

    Raises:
        InputError: the item is no capture that can be redacted, or there is no copy.
        ResourceError: the child died.
    """
    exhibit = _exhibit(session, request.case, request.item)
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-redact-") as scratch,
        open_copy(request.copy) as copy,
        durable.disk_errors(session.vault.root),
        open_file(session.vault, exhibit) as original,
    ):
        found = redaction.compare(copy, original, request.wanted, Path(scratch))
        copy.seek(0)
        hasher = hashlib.sha256()
        while chunk := copy.read(CHUNK):
            hasher.update(chunk)
    session.custody.enter(
        Draft(
            CHECK,
            request.case,
            {
                "copy": hasher.hexdigest(),
                "item": exhibit.item,
                "problems": len(found.problems),
                "request": request.facts(),
            },
        )
    )
    return found


def open_copy(path: str) -> BinaryIO:
    """Open a copy that somebody has handed over.

    Raises:
        InputError: it is no file that can be read.
    """
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    return stream


def _beside(target: Path) -> tempfile.TemporaryDirectory[str]:
    """Return a folder beside `target`, so that the copy need only be linked into its place."""
    if not target.name.endswith(".wacz"):
        raise InputError(f"{target} does not end in .wacz", "name a file that ends in .wacz")
    if target.exists() or target.is_symlink():
        raise InputError(f"{target} exists already", "name another file")
    try:
        return tempfile.TemporaryDirectory(prefix=".holdfast-redact-", dir=target.parent)
    except OSError as error:
        raise InputError(
            f"{target.parent} can't be used: {error.strerror}", "name another"
        ) from None


def _exhibit(session: Session, case: str, item: str) -> Exhibit:
    """Return the one exhibit that is meant.

    Raises:
        InputError: there is none, or more than one capture is meant.
    """
    found = session.look_up(
        lambda connection: list(exhibits.choose(exhibits.of_case(connection, case), [item]))
    )
    if len({one.item for one in found}) != 1:
        raise InputError(f"{item!r} means {len(found)} items", "give one exhibit")
    return found[0]
