"""Acts of reporting: what reviewed findings say, put together, as PDF and DOCX for one audience.

A report is derived: it is kept nowhere, can be made again of its manifest, and its making is an
entry with its digests.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.acts import findings
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.report_content import Report, gathered
from holdfast.cases import findings as rules
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError
from holdfast.exchange.report import document, signing, validating
from holdfast.vault import casework
from holdfast.vault.entry import Draft

if TYPE_CHECKING:
    from holdfast.acts.cases import OneCase
    from holdfast.core.canonical import Json
    from holdfast.exchange.report.content import (
        Content,
    )

__all__ = ["Choice", "Made", "Preview", "Report", "choices", "preview", "report"]
TEMPLATE = "HOLDFAST_REPORT_TEMPLATE"


@dataclass(frozen=True)
class Choice:
    """A finding, and whether a report can have it."""

    number: int
    title: str
    ready: bool
    """It is reviewed."""
    for_suspect: bool
    """It speaks for the suspect: every report has it, and none is made while it isn't ready."""

    def as_json(self) -> dict[str, Json]:
        """Return what `report choices --json` prints."""
        return {**vars(self)}


@act("report.choices", Needs.CASE)
def choices(session: Session, request: OneCase) -> list[Choice]:
    """Return the findings of a case that stand, and which of them a report can have."""
    every = session.look_up(lambda c: casework.pieces(c, request.case, findings.KIND))
    return [
        Choice(
            one.number,
            str(one.words.get("title", "(erased)")),
            one.state == rules.REVIEWED,
            findings.speaks_for_suspect(one),
        )
        for one in every
        if one.state != rules.WITHDRAWN
    ]


@dataclass(frozen=True)
class Made:
    """A report that is entered in the log."""

    content: Content
    pdf: bytes
    """Signed, where a certificate is configured."""
    plain: str
    """SHA-256 of the PDF without its signature, which its manifest makes again."""
    signed_by: str
    """Whom the certificate names; empty: not signed."""
    docx: bytes | None
    entry: int

    def as_json(self) -> dict[str, Json]:
        """Return what `report --json` prints."""
        return {
            "case": self.content.case,
            "docx": None if self.docx is None else sha256_hex(self.docx),
            "entry": self.entry,
            "findings": [one.number for one in self.content.findings],
            "manifest": self.content.digest,
            "pdf": sha256_hex(self.pdf),
            "signed_by": self.signed_by,
            "unsigned": self.plain,
            "validator": self.content.validator,
            "withheld": dict(self.content.withheld),
        }


@dataclass(frozen=True)
class Preview:
    """A report's pages as pictures."""

    pages: list[bytes]
    """PNG, each marked as a preview."""
    content: Content


@act("report.preview", Needs.CASE)
def preview(session: Session, request: Report) -> Preview:
    """Return a report's pages as pictures; that they were read is entered before they are shown.

    Raises:
        InputError: no such finding, language or audience.
        DeniedError: a finding was not reviewed.
        IntegrityError: the log or derived data is damaged.
    """
    content = gathered(session, request)
    pages = document.as_pictures(content)
    told: dict[str, Json] = {"findings": len(content.findings), "pages": len(pages)}
    session.custody.enter(
        Draft("report.preview", request.case, {"request": request.facts(), "result": told})
    )
    return Preview(pages, content)


@act("report", Needs.CASE)
def report(session: Session, request: Report) -> Made:
    """Make a report; its entry, with its digests, is there before it is.

    Raises:
        InputError: no such finding, language or audience; or the template or certificate is none.
        DeniedError: a finding was not reviewed.
        IntegrityError: the log or derived data is damaged.
        ResourceError: the validator failed.
    """
    from holdfast.exchange.report import docx  # noqa: PLC0415 - few need it

    seal = signing.find(session.vault.keyring.root)
    content, plain = _validated(gathered(session, request))
    reason = f"{request.case}: {content.digest}"
    signed = seal.sign(plain, reason) if seal else plain
    wanted = request.docx or request.template is not None
    template = request.template if request.template is not None else _unit_template()
    text = docx.as_docx(content, template) if wanted else None
    told: dict[str, Json] = {
        "docx": None if text is None else sha256_hex(text),
        "manifest": content.digest,
        "pdf": sha256_hex(signed),
        "unsigned": sha256_hex(plain),
        "validator": content.validator,
    }
    (entry,) = session.custody.enter(
        Draft("report", request.case, {"request": request.facts(), "result": told})
    )
    return Made(content, signed, sha256_hex(plain), seal.name if seal else "", text, entry.index)


def _unit_template() -> bytes | None:
    """Return the template that the unit has named for all its reports; None where it has none.

    Raises:
        InputError: it can't be read.
    """
    named = os.environ.get(TEMPLATE)
    if not named:
        return None
    try:
        return Path(named).read_bytes()
    except OSError as error:
        raise InputError(
            f"{TEMPLATE} names {named}, which can't be read: {error.strerror}", "name a DOCX"
        ) from None


def _validated(content: Content) -> tuple[Content, bytes]:
    """Return the report that says who has checked its form, where somebody has and it is good."""
    validator = validating.find()
    if validator is not None:
        checked = replace(content, validator=validator.name)
        made = document.as_pdf(checked)
        # What is judged is what is handed out, its own claim included.
        if validator.judge(made).passed:
            return checked, made
    return content, document.as_pdf(content)
