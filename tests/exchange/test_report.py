"""Reports: their form as veraPDF judges it, the same bytes again, signatures, DOCX, withholding."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding
from docx import Document
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from holdfast.core.catalogue import LANGUAGES
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError
from holdfast.exchange.report import content, document, docx, methods, signing, validating, words
from holdfast.exchange.report.withholding import Person, withhold
from tests.exchange.reports import certificate, report

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = b"for a test"


@pytest.fixture(scope="module")
def validator() -> validating.Validator:
    found = validating.find()
    if found is None:
        pytest.skip("no Java, or no veraPDF engine: pip install holdfast[pdf-check]")
    assert found.name.startswith("veraPDF 1.")
    return found


@pytest.fixture(scope="module")
def made() -> bytes:
    return document.as_pdf(report())


def _text(file: Path) -> str:
    command = ["pdftotext", "-layout", str(file), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def test_a_report_keeps_both_standards_as_verapdf_says(validator: validating.Validator) -> None:
    """From right to left here; from left to right, with a signature behind it, below."""
    assert validator.judge(document.as_pdf(report("fa"))) == validating.Verdict(True, ())


def test_the_validator_finds_what_is_broken(validator: validating.Validator, made: bytes) -> None:
    """The same document, claiming another part of ISO 14289: the validator is no rubber stamp."""
    broken = made.replace(b"<pdfuaid:part>1</pdfuaid:part>", b"<pdfuaid:part>9</pdfuaid:part>")
    assert broken != made
    verdict = validator.judge(broken)
    assert not verdict.passed
    assert any(one.startswith("ua1 5 2 ") for one in verdict.broken)


def test_no_validator_no_claim(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(validating.SETTING, str(tmp_path / "nowhere.jar"))
    assert validating.find() is None
    file = tmp_path / "report.pdf"
    file.write_bytes(document.as_pdf(report()))
    assert "not validated" in _text(file)
    file.write_bytes(document.as_pdf(replace(report(), validator="veraPDF 1.31")))
    assert "not validated" not in _text(file)


def test_the_manifest_makes_the_same_file_again_elsewhere(made: bytes, tmp_path: Path) -> None:
    """Another process, zone, language and home; fonts of the machine don't count."""
    file = tmp_path / "report.pdf"
    file.write_bytes(made)
    subprocess.run(["pdfdetach", "-saveall", "-o", tmp_path, file], check=True, capture_output=True)
    manifest = (tmp_path / document.MANIFEST).read_bytes()
    assert content.read(manifest) == report()
    assert sha256_hex(manifest) == report().digest
    assert report().digest in _text(file).replace("\n", "")
    again = (
        "import sys; from holdfast.exchange.report import content, document;"
        "sys.stdout.buffer.write(document.as_pdf(content.read(open(sys.argv[1],'rb').read())))"
    )
    env = {"PATH": os.environ["PATH"], "TZ": "Asia/Tehran", "LANG": "fa_IR", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", again, str(tmp_path / document.MANIFEST)],
        capture_output=True, check=True, env=env,
    )  # fmt: skip
    assert done.stdout == made
    assert document.as_pdf(replace(report(), left_out=2)) != made


def test_a_manifest_that_is_none_is_refused() -> None:
    plain = report().as_json()
    for spoilt in ({**plain, "more": 1}, {**plain, "entries": "77"}, {**plain, "format": "2"}):
        with pytest.raises(InputError, match="no manifest"):
            content.read(json.dumps(spoilt, sort_keys=True, separators=(",", ":")).encode())
    with pytest.raises(InputError, match="no manifest"):
        content.read(b"%PDF-1.7")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_all_that_a_report_says(language: str, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(document.as_pdf(report(language)))
    text = _text(file)
    assert "2026-0001" in text
    assert "gnp.exe" in text  # what would turn a name around is shown, and turns nothing
    assert "\u202e" not in text
    assert "\\u200c" not in text.replace("{", "").replace("}", "")
    if language != "en":
        say = words.Words.of(language).say
        same = {one for one in words.PHRASES.values() if say(one) == one}
        assert same <= {"Page", "Source", "Information", "Technique", "Version"}


def test_arabic_counts_as_arabic_does() -> None:
    """Its six forms: none, one, two, a few (3-10), many (11-99), and others (100)."""
    more = words.Words.of("ar").more
    assert (more(1), more(2)) == ("قيد واحد آخر", "قيدان آخران")
    assert (more(3), more(110)) == ("3 قيود أخرى", "110 قيود أخرى")
    assert (more(11), more(99)) == ("11 قيدًا آخر", "99 قيدًا آخر")
    assert more(100) == "100 قيد آخر"
    assert (words.Words.of("fr").more(1), words.Words.of("fr").more(2)) == (
        "1 autre entrée",
        "2 autres entrées",
    )


def test_a_preview_is_pictures_and_says_so() -> None:
    pages = document.as_pictures(report())
    assert len(pages) >= 2
    assert all(one.startswith(b"\x89PNG") for one in pages)


def test_what_speaks_for_the_suspect_has_its_own_part(made: bytes, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(made)
    text = _text(file)
    part = text.partition("Findings that speak for the suspect")[2]
    assert "F-2" in part
    assert "F-1" not in part.partition("Exhibits and their custody")[0]
    file.write_bytes(document.as_pdf(replace(report(), findings=report().findings[:1])))
    assert "Findings that speak for the suspect" in _text(file)


def test_a_signature_stands_behind_the_same_bytes(
    validator: validating.Validator, made: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    path, ca = certificate(tmp_path, PASSPHRASE)
    secret = tmp_path / "passphrase"
    secret.write_bytes(PASSPHRASE + b"\n")
    monkeypatch.setenv(signing.PASSPHRASE, str(secret))
    assert signing.find(tmp_path / "elsewhere") is None
    seal = signing.find(path.parent)
    assert seal is not None
    assert "Unit 7" in seal.name
    signed = seal.sign(made, "Report of findings 2026-0001")
    assert signed.startswith(made)
    assert validator.judge(signed) == validating.Verdict(True, ())

    trust = ValidationContext(trust_roots=[asn1.Certificate.load(ca.public_bytes(Encoding.DER))])

    def status(data: bytes) -> tuple[bool, bool]:
        (found,) = PdfFileReader(io.BytesIO(data)).embedded_signatures
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            judged = validate_pdf_signature(found, trust)
        return judged.intact and judged.valid, judged.trusted

    assert status(signed) == (True, True)
    file = tmp_path / "signed.pdf"
    spoilt = signed.replace(b"/Title", b"/Titlf", 1)
    assert spoilt != signed
    assert status(spoilt)[0] is False
    if shutil.which("pdfsig") is None:
        pytest.skip("no pdfsig: apt-get install poppler-utils")
    for data, verdict in ((signed, "Signature is Valid"), (spoilt, "Digest Mismatch")):
        file.write_bytes(data)
        told = subprocess.run(
            ["pdfsig", "-nocert", file], capture_output=True, text=True, check=False
        )
        assert verdict in told.stdout
        assert "ETSI.CAdES.detached" in told.stdout


def test_withheld_persons_are_named_nowhere(tmp_path: Path) -> None:
    people = (
        Person("victim", ("Anna Berg", "anna.berg@example.org", "Anna")),
        Person("suspect", ("192.0.2.7",)),
    )
    told = withhold(report(audience="defence"), people, words.Words.of("en").person)
    assert told.withheld == {"victim": 1}
    assert told.findings[0].text == (
        "Sent from 192.0.2.7 to [victim 1]. [victim 1] answered; Annabel Bergmann did not."
    )
    assert "anna.berg" not in told.manifest().decode()
    assert told.findings[0].cited[0].item == "a" * 64
    for name, data in (("a.pdf", document.as_pdf(told)), ("a.docx", docx.as_docx(told))):
        (tmp_path / name).write_bytes(data)
    shown = _text(tmp_path / "a.pdf") + "".join(_docx_texts(tmp_path / "a.docx"))
    assert "Anna Berg" not in shown
    assert "[victim 1]" in shown
    # The court is told; so is the defence, once a lead has released them. Others are told nobody.
    assert withhold(report(), people, words.Words.of("en").person) == report()
    free = (replace(people[0], released=True),)
    defence = report(audience="defence")
    assert withhold(defence, free, words.Words.of("en").person) == defence
    other = withhold(report(audience="other"), people, words.Words.of("ar").person)
    assert other.withheld == {"suspect": 1, "victim": 1}
    assert "192.0.2.7" not in other.manifest().decode()


def _docx_texts(file: Path) -> list[str]:
    held = Document(str(file))
    texts = [one.text for one in held.paragraphs]
    for table in held.tables:
        texts += [cell.text for row in table.rows for cell in row.cells]
    return [*texts, held.sections[0].header.paragraphs[0].text]


def test_a_docx_takes_the_units_own_template(tmp_path: Path) -> None:
    template = Document()
    template.sections[0].header.paragraphs[0].text = "Unit 7 · {{case}}"
    template.add_paragraph("Our report for {{ audience }}", style="Title")
    for name in ("findings", "exonerating", "exhibits", "methods"):
        template.add_paragraph(f"{{{{{name}}}}}")
    lacking = io.BytesIO()
    template.save(lacking)
    with pytest.raises(InputError, match=r"no paragraph \{\{limits"):
        docx.as_docx(report(), lacking.getvalue())
    template.add_paragraph("{{limits}}")
    held = io.BytesIO()
    template.save(held)
    file = tmp_path / "report.docx"
    file.write_bytes(docx.as_docx(report("ar"), held.getvalue()))
    texts = _docx_texts(file)
    assert texts[-1] == "Unit 7 · 2026-0001"
    assert "F-2. The suspect was abroad" in texts
    assert any("<script>" in one and "\u202e" not in one for one in texts)
    assert not any("{{" in one for one in texts)
    xml = Document(str(file)).element.xml
    assert "<w:bidi/>" in xml
    assert "<w:bidiVisual/>" in xml
    assert docx.as_docx(report("ar"), held.getvalue()) == file.read_bytes()
    with pytest.raises(InputError, match="no DOCX"):
        docx.as_docx(report(), b"PK\x03\x04")


def test_methods_name_what_solve_it_names(corpus: Path) -> None:
    folder = corpus / "solve-it"
    known = {one.stem for kind in ("techniques", "weaknesses") for one in (folder / kind).iterdir()}
    named = methods.named()
    assert {one for ids in named.values() for one in ids} <= known


def test_a_method_that_nobody_described_says_so() -> None:
    plain = methods.method("unheard_of", "1", words.Words.of("en"))
    assert plain.does == ""
    assert plain.techniques == ()
    assert {one.id for one in plain.weaknesses} == {"DFW-1257", "DFW-1129", "DFW-1131"}
