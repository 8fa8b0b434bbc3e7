"""A report as DOCX, in the unit's own template: a document whose paragraphs name what goes there.

A paragraph that holds nothing but `{{findings}}` is replaced by the findings; `{{case}}` and the
like may stand in a text, headers and footers included. What speaks for the suspect, and what the
report doesn't say, can't be left out: a template without them is refused.
"""

from __future__ import annotations

import copy
import io
import re
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.shared import Pt

from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.exchange.pdf import legible
from holdfast.exchange.report import words
from holdfast.exchange.report.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docx.document import Document as Docx
    from docx.text.paragraph import Paragraph

    from holdfast.exchange.report.content import Content, Statement, Verified

PARTS = ("facts", "about", "findings", "exonerating", "exhibits", "methods", "limits", "checking")
"""Placeholders that a paragraph of its own holds."""
NEEDED = frozenset({"findings", "exonerating", "exhibits", "methods", "limits"})
INLINE = ("audience", "case", "digest", "made", "maker", "title")
"""Placeholders within a text."""
_NAMED = re.compile(r"\{\{\s*([a-z]+)\s*\}\}")
_FIXED = (1980, 1, 1, 0, 0, 0)
"""The time of each file in the package: nobody's, so that the bytes are the same again."""
_SMALL = Pt(8)


def as_docx(content: Content, template: bytes | None = None) -> bytes:
    """Return the report as DOCX, in `template` or in a plain one.

    Raises:
        InputError: the template can't be read, lacks a part that may not be left out, or names one
            that there isn't.
    """
    document = _open(template)
    if template is None:
        document.add_paragraph("{{title}}", style="Title")
        for name in PARTS:
            document.add_paragraph(f"{{{{{name}}}}}")
    _check(document)
    _fill(document, content)
    facts = document.core_properties
    facts.title, facts.author = legible(content.title), legible(content.maker)
    facts.language = content.language
    made = datetime.fromtimestamp(clock.from_text(content.made) // 1_000_000, UTC)
    facts.created = facts.modified = made
    return _package(document)


def _open(template: bytes | None) -> Docx:
    if template is None:
        return Document()
    try:
        return Document(io.BytesIO(template))
    except (KeyError, PackageNotFoundError, ValueError, zipfile.BadZipFile):
        raise InputError("the template is no DOCX", "save it as .docx, and name that") from None


def _paragraphs(document: Docx) -> Iterator[Paragraph]:
    """Yield every paragraph: of the body, of its tables, of headers and footers."""
    yield from document.paragraphs
    for table in document.tables:
        for row in table.rows:
            for cell in row.cells:
                yield from cell.paragraphs
    for section in document.sections:
        for part in (section.header, section.footer):
            yield from part.paragraphs


def _check(document: Docx) -> None:
    alone = {
        found[1] for one in document.paragraphs if (found := _NAMED.fullmatch(one.text.strip()))
    }
    missing = sorted(NEEDED - alone)
    if missing:
        raise InputError(
            f"the template has no paragraph {{{{{missing[0]}}}}}, which no report may lack",
            "give it one: docs/how-to/write-a-report.md",
        )
    for one in _paragraphs(document):
        for name in _NAMED.findall(one.text):
            if name not in PARTS and name not in INLINE:
                raise InputError(
                    f"the template names {{{{{name}}}}}, which there isn't",
                    f"take {', '.join((*PARTS, *INLINE))}",
                )


def _fill(document: Docx, content: Content) -> None:
    language = Words.of(content.language)
    values = {
        "audience": language.say(words.AUDIENCES[content.audience]),
        "case": content.case,
        "digest": content.digest,
        "made": content.made,
        "maker": content.maker,
        "title": content.title,
    }
    for paragraph in list(_paragraphs(document)):
        text = paragraph.text
        found = _NAMED.fullmatch(text.strip())
        if found and found[1] in PARTS:
            _Part(document, paragraph, content, language).write(found[1])
        elif _NAMED.search(text):
            _say(paragraph, _NAMED.sub(lambda match: legible(values[match[1]]), text))
            if language.direction == "rtl":
                _turn(paragraph)


def _say(paragraph: Paragraph, text: str) -> None:
    """Give a paragraph another text, in the style that its first run has."""
    first, *others = paragraph.runs
    first.text = text
    for run in others:
        run.text = ""


def _turn(paragraph: Paragraph) -> None:
    """Have a paragraph run from right to left."""
    facts = paragraph._p.get_or_add_pPr()  # noqa: SLF001 - python-docx has no name for it
    later = ("w:adjustRightInd", "w:snapToGrid", "w:spacing", "w:ind", "w:jc", "w:rPr")
    facts.insert_element_before(_element("w:bidi"), *later)
    for run in paragraph.runs:
        run.font.rtl = True


def _element(name: str) -> Any:
    from docx.oxml import OxmlElement  # noqa: PLC0415

    return OxmlElement(name)


class _Part:
    """Writes one part of a report before a paragraph, which goes."""

    def __init__(self, document: Docx, place: Paragraph, content: Content, language: Words) -> None:
        self._document, self._place, self._content = document, place, content
        self._language = language
        self._rtl = language.direction == "rtl"
        self._words = language.table(words.PHRASES)

    def write(self, name: str) -> None:
        """Write the part called `name`."""
        parts: dict[str, Callable[[], None]] = {
            "about": self._about,
            "checking": self._checking,
            "exhibits": self._exhibits,
            "exonerating": lambda: self._findings("exonerating", exonerates=True),
            "facts": self._facts,
            "findings": lambda: self._findings("findings", exonerates=False),
            "limits": self._limits,
            "methods": self._methods,
        }
        parts[name]()
        self._place._p.getparent().remove(self._place._p)  # noqa: SLF001

    def _text(self, text: str, style: str = "") -> Paragraph:
        made = self._place.insert_paragraph_before(legible(text), self._style(style))
        if self._rtl:
            _turn(made)
        return made

    def _style(self, name: str) -> str | None:
        """Return the template's style of that name; None where it has none."""
        return name if name in {one.name for one in self._document.styles} else None

    def _heading(self, text: str, level: int) -> None:
        made = self._text(text, f"Heading {level}")
        if made.style is None or made.style.name != f"Heading {level}":
            made.runs[0].bold = True

    def _table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        columns = len(head or rows[0])
        table = self._document.add_table(0, columns, self._style("Table Grid"))
        for number, row in enumerate([head, *rows] if head else rows):
            for cell, text in zip(table.add_row().cells, row, strict=True):
                paragraph = cell.paragraphs[0]
                run = paragraph.add_run(legible(text))
                run.font.size = _SMALL
                run.bold = bool(head) and number == 0
                if self._rtl:
                    _turn(paragraph)
        facts = table._tbl.tblPr  # noqa: SLF001
        if self._rtl:
            facts.append(_element("w:bidiVisual"))
        if head:
            # Said again on each page, and to who hears the table: it is a head (`w:tblHeader`).
            table.rows[0]._tr.get_or_add_trPr().append(_element("w:tblHeader"))  # noqa: SLF001
        self._place._p.addprevious(table._tbl)  # noqa: SLF001
        self._text("")

    def _facts(self) -> None:
        it, w = self._content, self._words
        standing = it.authority
        self._table(
            (),
            [
                (w["case"], it.case),
                (w["purpose"], it.purpose),
                (w["authority"], f"{standing.basis} ({w['entry']} {standing.entry})"),
                (w["issued"], standing.issuer),
                (w["scope"], "\n".join(standing.scope)),
                (w["valid"], f"{standing.valid_from} … {standing.valid_until}"),
                (w["audience"], self._language.say(words.AUDIENCES[it.audience])),
                (w["maker"], it.maker),
                (w["made"], it.made),
                (w["log"], f"{it.log}, {it.entries}"),
                (w["root"], it.root),
                (w["manifest"], it.digest),
                (w["validation"], w["not_validated"]),
            ],
        )

    def _about(self) -> None:
        self._heading(self._words["about"], 1)
        self._text(self._words["about_text"])

    def _findings(self, title: str, *, exonerates: bool) -> None:
        w = self._words
        self._heading(w[title], 1)
        if exonerates:
            self._text(w["exonerating_text"])
        some = [one for one in self._content.findings if one.exonerates == exonerates]
        for one in some:
            self._finding(one)
        if not some:
            self._text(w["none"])

    def _finding(self, one: Statement) -> None:
        w, say = self._words, self._language.say
        self._heading(f"{one.number}. {one.title}", 2)
        self._text(one.text)
        source = say(words.SOURCES.get(one.source, ""))
        information = say(words.INFORMATION.get(one.information, ""))
        self._table(
            (),
            [
                (w["source"], f"{one.source}: {source}"),
                (w["information"], f"{one.information}: {information}"),
                (w["author"], f"{one.author} ({w['entry']} {one.made})"),
                (w["reviewer"], f"{one.reviewer} ({w['entry']} {one.reviewed})"),
                *(
                    (w["verified"], f"{each.by} ({w['entry']} {each.entry}): {self._verdict(each)}")
                    for each in one.verified
                ),
                *([(w["method"], one.method)] if one.method else []),
            ],
        )
        if not one.cited:
            self._text(w["rests_nothing"])
            return
        self._table(
            (w["exhibit"], w["record"], w["place"], w["time"], w["method"]),
            [
                (
                    cited.exhibit,
                    cited.message,
                    " ".join(part for part in (cited.path, cited.locator) if part),
                    cited.time,
                    f"{cited.module} {cited.version}",
                )
                for cited in one.cited
            ],
        )

    def _verdict(self, one: Verified) -> str:
        outcome = self._language.say(words.OUTCOMES.get(one.outcome, one.outcome))
        return f"{outcome}. {one.remarks}" if one.remarks else outcome

    def _exhibits(self) -> None:
        w = self._words
        self._heading(w["exhibits"], 1)
        if not self._content.exhibits:
            self._text(w["none"])
        for one in self._content.exhibits:
            self._heading(f"{w['exhibit']} {one.label}", 2)
            checked = w["unchanged"] if one.checked == "unchanged" else one.checked
            self._table(
                (),
                [
                    ("SHA-256", one.item),
                    (w["size"], str(one.size)),
                    (w["collected_from"], one.path),
                    (w["collected"], f"{one.collected} ({w['entry']} {one.entry})"),
                    (w["checked"], checked),
                ],
            )
            self._table(
                (w["number"], w["time"], w["actor"], w["act"]),
                [
                    (
                        str(step.entry),
                        step.time,
                        step.actor if step.signed else f"{step.actor} ({w['unsigned']})",
                        step.act,
                    )
                    for step in one.steps
                ],
            )
            if one.more:
                self._text(self._language.more(one.more))

    def _methods(self) -> None:
        w = self._words
        self._heading(w["methods"], 1)
        self._text(w["methods_text"])
        for one in self._content.methods:
            self._heading(f"{one.module} {one.version}", 2)
            techniques = f" ({', '.join(one.techniques)})" if one.techniques else ""
            self._text((one.does or w["no_method"]) + techniques)
            for weakness in one.weaknesses:
                self._text(f"{weakness.text} {weakness.id}".strip(), "List Bullet")

    def _limits(self) -> None:
        w, it = self._words, self._content
        self._heading(w["limits"], 1)
        withheld = "; ".join(
            f"{self._language.say(words.ROLES[role])}: {count}"
            for role, count in it.withheld.items()
        )
        self._table(
            (),
            [
                *((f"{w['ledger']}: {w[name]}", str(count)) for name, count in it.ledger.items()),
                (w["left_out"], str(it.left_out)),
                (w["unreviewed"], str(it.unreviewed)),
                (w["withheld"], withheld or "0"),
            ],
        )

    def _checking(self) -> None:
        self._heading(self._words["checking"], 1)
        self._text(self._words["checking_text"])


def _package(document: Docx) -> bytes:
    """Return the document's bytes, the same again for the same content."""
    saved, made = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with (
        zipfile.ZipFile(saved) as held,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as fixed,
    ):
        for one in held.infolist():
            name = copy.copy(one)
            name.date_time = _FIXED
            name.compress_type = zipfile.ZIP_DEFLATED
            fixed.writestr(name, held.read(one))
    return made.getvalue()
