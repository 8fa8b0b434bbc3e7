"""`report`: what reviewed findings say, as PDF and DOCX; its pages; the same file made again."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.common import CASE, JSON, Where, emit, new_file, say, small_file, warn, where
from holdfast.core import durable
from holdfast.core.catalogue import LANGUAGES
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError

AUDIENCES = ("court", "defence", "other", "prosecutor")
FINDING = click.option(
    "--finding", "findings", type=click.IntRange(1, 10**9), multiple=True, metavar="N",
    help="A reviewed finding; again for more. All of them, if left out.",
)  # fmt: skip
FOR = click.option(
    "--for", "audience", type=click.Choice(AUDIENCES), default="court", show_default=True,
    help="Who reads it: what of people is withheld follows from that.",
)  # fmt: skip
LANGUAGE = click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True,
    help="The language of what the report says by itself.",
)  # fmt: skip


@click.group()
def report() -> None:
    """Report reviewed findings: PDF and DOCX."""


@report.command("choices")
@where
@CASE
@JSON
def choices(place: Where, *, case: str, as_json: bool) -> None:
    """List the findings of a case, and which of them a report can have.

    \b
    Example:
      holdfast report choices --case 2026-0001
    """
    from holdfast.acts import reporting  # noqa: PLC0415 - keeps --help quick
    from holdfast.acts.cases import OneCase  # noqa: PLC0415

    with place.session() as session:
        found = reporting.choices(session, OneCase(case))
    for one in found:
        if as_json:
            emit(one.as_json())
            continue
        mark = "speaks for the suspect" if one.for_suspect else ""
        state = "reviewed" if one.ready else "waits"
        say(f"{one.number:>4}  {state:<8}  {one.title}  {mark}".rstrip())


@report.command("make")
@where
@CASE
@click.argument("file")
@FINDING
@FOR
@LANGUAGE
@click.option("--docx", default="", metavar="FILE", help="Write a DOCX as well.")
@click.option("--template", default="", metavar="FILE", help="The unit's own DOCX to fill.")
@click.option("--manifest", default="", metavar="FILE", help="Write the manifest as well.")
@JSON
def make(
    place: Where,
    *,
    case: str,
    file: str,
    findings: tuple[int, ...],
    audience: str,
    language: str,
    docx: str,
    template: str,
    manifest: str,
    as_json: bool,
) -> None:
    """Write a report of reviewed findings to FILE.pdf.

    Findings that speak for the suspect are always in it. It is entered in the log with its
    digests, and says whether an independent validator has checked its form. Where the vault's
    keys hold a certificate (report.p12), it is signed.

    \b
    Example:
      holdfast report make --case 2026-0001 report.pdf --for defence --language fr
    """
    from holdfast.acts import reporting  # noqa: PLC0415 - keeps --help quick

    if template and not docx:
        raise InputError("a template is for a DOCX", "say where that goes: --docx FILE.docx")
    targets = [new_file(file, {".pdf"})]
    targets += [new_file(docx, {".docx"})] if docx else []
    targets += [new_file(manifest, {".json"})] if manifest else []
    given = small_file(Path(template)) if template else None
    request = reporting.Report(case, findings, audience, language, bool(docx), given)
    with place.session() as session:
        made = reporting.report(session, request)
    wanted = [made.pdf]
    wanted += [made.docx] if docx and made.docx is not None else []
    wanted += [made.content.manifest()] if manifest else []
    for target, data in zip(targets, wanted, strict=True):
        with durable.disk_errors(target):
            durable.create(target, data, 0o644)
    if as_json:
        emit(made.as_json())
        return
    content = made.content
    say(f"Report of case {case}, for {audience}: {len(content.findings)} findings")
    say(f"checked by {content.validator}" if content.validator else "not validated")
    say(f"signed by {made.signed_by}" if made.signed_by else "not signed")
    for role, count in content.withheld.items():
        say(f"withheld: {count} {role}")
    say(f"Entered as {made.entry}; written to {', '.join(str(one) for one in targets)}")
    if content.unreviewed:
        warn(f"{content.unreviewed} findings of the case are not reviewed, and not in it")


@report.command("preview")
@where
@CASE
@click.argument("folder")
@FINDING
@FOR
@LANGUAGE
def preview(
    place: Where,
    *,
    case: str,
    folder: str,
    findings: tuple[int, ...],
    audience: str,
    language: str,
) -> None:
    """Write a report's pages as pictures into a new FOLDER.

    \b
    Example:
      holdfast report preview --case 2026-0001 pages
    """
    from holdfast.acts import reporting  # noqa: PLC0415

    target = Path(folder)
    with durable.disk_errors(target):
        if target.exists():
            raise InputError(f"{target} is there already", "name a new folder")
    request = reporting.Report(case, findings, audience, language)
    with place.session() as session:
        shown = reporting.preview(session, request)
    with durable.disk_errors(target):
        target.mkdir()
        for number, page in enumerate(shown.pages, 1):
            durable.create(target / f"{number:03}.png", page, 0o644)
    say(f"{len(shown.pages)} pages in {target}")


@report.command("rebuild")
@click.argument("manifest")
@click.argument("file")
@JSON
def rebuild(*, manifest: str, file: str, as_json: bool) -> None:
    """Make a report again of its MANIFEST alone, as FILE.pdf, and print its digest.

    The manifest is in the report (pdfdetach -saveall REPORT.pdf). The digest is the one that the
    log's entry about the report calls `unsigned`. No vault is needed.

    \b
    Example:
      holdfast report rebuild manifest.json again.pdf
    """
    from holdfast.exchange.report import content, document  # noqa: PLC0415

    target = new_file(file, {".pdf"})
    told = content.read(small_file(Path(manifest)))
    made = document.as_pdf(told)
    with durable.disk_errors(target):
        durable.create(target, made, 0o644)
    other = {
        name: version
        for name, version in told.software.items()
        if document.software().get(name) != version
    }
    if as_json:
        emit({"made_otherwise": other, "manifest": told.digest, "unsigned": sha256_hex(made)})
        return
    say(f"{sha256_hex(made)}  {target}")
    if other:
        named = ", ".join(f"{name} {version}" for name, version in sorted(other.items()))
        warn(f"it was made with {named}; with other versions the bytes may differ")
