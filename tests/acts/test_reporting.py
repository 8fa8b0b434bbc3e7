"""Reports of a real case: what may enter, what is always in, who is told what, the same again."""

from __future__ import annotations

import json
import subprocess
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from holdfast.exchange.report import validating
from tests.exchange.reports import certificate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

MAIL = (
    b"From: billing@bank.example\nTo: anna.berg@example.org\nDate: Mon, 2 Mar 2026 09:00:00 +0000\n"
    b"Subject: Your account\nMessage-ID: <1@bank.example>\n\nDear Anna Berg, pay now.\n"
)


@pytest.fixture
def case(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A case with a mail, examined; alice's findings 1 and 2, and 3 that speaks for the suspect."""
    monkeypatch.setenv(validating.SETTING, str(tmp_path / "no.jar"))  # its own tests judge the form
    source = tmp_path / "seized"
    source.mkdir()
    (source / "one.eml").write_bytes(MAIL)
    line.collect(source)
    line.must("examine", "--case", line.case, "--jobs", "1")
    line.must("operator", "add", "bob")
    line.must("case", "role", "bob", "--case", line.case, "--add", "examiner")
    (sent,) = [
        one for one in line.must("timeline", "--case", line.case, "--json").rows
        if one["kind"] == "mail.message"
    ][:1]  # fmt: skip
    place = next(f"#{by}={sent[by]}" for by in ("row", "offset") if sent.get(by) is not None)
    cite = f"{sent['exhibit']}:{sent.get('inside') or ''}{place}"
    for title, cited, more in (
        ("The bank did not send it", cite, ("--method", "Headers read by hand")),
        ("A second thought", "AL/1", ()),
        ("Anna Berg paid nothing", cite, ("--for-suspect",)),
    ):
        line.must(
            *(
                "finding",
                "add",
                title,
                "--case",
                line.case,
                "--statement",
                f"{title}, says the mail to anna.berg@example.org.",
            ),
            *("--grade", "B2", "--cite", cited, *more),
        )
    line.must("entity", "add", "Anna Berg", "--case", line.case, "--sort", "person",
              "--role", "victim", "--id", "email:anna.berg@example.org")  # fmt: skip
    return line


def review(line: Line, *numbers: int) -> None:
    for number in numbers:
        done = ("finding", "review", str(number), "--case", line.case, "--outcome", "passed")
        assert line("--operator", "bob", *done).code == 0


def test_only_reviewed_findings_enter_and_those_for_the_suspect_always(
    case: Line, tmp_path: Path
) -> None:
    make = ("report", "make", "--case", case.case, tmp_path / "r.pdf", "--json")
    review(case, 1)
    # Finding 3 speaks for the suspect: nobody gets around it by leaving it unreviewed.
    refused = case(*make)
    assert (refused.code, "speaks for the suspect" in refused.err) == (4, True)
    assert case.entries()[-1]["act"] == "denied"
    review(case, 3)
    unreviewed = case(*make, "--finding", "2")
    assert (unreviewed.code, "finding 2 is draft" in unreviewed.err) == (4, True)
    assert not (tmp_path / "r.pdf").exists()
    made = case.must(*make, "--finding", "1").row
    assert made["findings"] == ["1", "3"]
    assert made["pdf"] == sha256((tmp_path / "r.pdf").read_bytes()).hexdigest()
    entry = case.entries()[-1]
    assert entry["entry"] == made["entry"]
    assert entry["act"] == "report"
    assert entry["result"]["manifest"] == made["manifest"]
    case.intact()


def test_a_report_says_where_everything_is_from_and_is_made_again(
    case: Line, tmp_path: Path
) -> None:
    review(case, 1, 3)
    manifest = tmp_path / "manifest.json"
    made = case.must(
        *("report", "make", "--case", case.case, tmp_path / "r.pdf", "--docx", tmp_path / "r.docx"),
        *("--manifest", manifest, "--json"),
    ).row
    told = json.loads(manifest.read_bytes())
    finding = told["findings"][0]
    (cited,) = finding["cited"]
    assert (cited["exhibit"], cited["module"], cited["kind"]) == ("AL/1", "mail", "mail.message")
    assert "Your account" in cited["message"]
    assert cited["time"].startswith("2026-03-02T09:00:00")
    assert (finding["author"], finding["reviewer"]) == ("alice", "bob")
    entries = {one["entry"]: one for one in case.entries()}
    assert entries[finding["made"]]["act"] == "finding.add"
    assert entries[finding["reviewed"]]["act"] == "finding.review"
    (exhibit,) = told["exhibits"]
    assert exhibit["checked"] == "unchanged"
    assert {"collect.item", "examine.end"} <= {one["act"] for one in exhibit["steps"]}
    assert all(entries[one["entry"]]["act"] == one["act"] for one in exhibit["steps"])
    assert {one["module"] for one in told["methods"]} == {"files", "mail"}
    assert all(one["weaknesses"] for one in told["methods"])
    assert entries[told["authority"]["entry"]]["act"] == "case.open"
    assert told["ledger"]["parsed"] >= 1
    assert (told["left_out"], told["unreviewed"]) == (0, 1)
    assert told["validator"] == ""
    again = case.must("report", "rebuild", manifest, tmp_path / "again.pdf", "--json").row
    assert again == {
        "made_otherwise": {},
        "manifest": made["manifest"],
        "unsigned": made["unsigned"],
    }
    assert (tmp_path / "again.pdf").read_bytes() == (tmp_path / "r.pdf").read_bytes()
    pages = case.must("report", "preview", "--case", case.case, tmp_path / "pages")
    assert "pages in" in pages.out
    assert (tmp_path / "pages" / "001.png").read_bytes().startswith(b"\x89PNG")

    defence_is_not_told_who_the_victim_is(case, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        certificate_in_the_keyring_signs(case, tmp_path, patch)


def defence_is_not_told_who_the_victim_is(case: Line, tmp_path: Path) -> None:
    for audience, named in (("defence", False), ("court", True)):
        manifest, file = tmp_path / f"{audience}.json", tmp_path / f"{audience}.pdf"
        row = case.must(
            *("report", "make", "--case", case.case, file, "--manifest", manifest, "--json"),
            *("--for", audience, "--language", "es"),
        ).row
        text = subprocess.run(["pdftotext", str(file), "-"], capture_output=True, check=True).stdout
        for told in (manifest.read_bytes(), text):
            assert (b"Anna Berg" in told) is named
            assert (b"anna.berg" in told) is named
        assert row["withheld"] == ({} if named else {"victim": 1})
        assert "Hallazgos favorables al sospechoso" in text.decode()


def certificate_in_the_keyring_signs(
    case: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate(case.vault / "keys", b"secret")
    secret = tmp_path / "passphrase"
    secret.write_bytes(b"secret\n")
    monkeypatch.setenv("HOLDFAST_REPORT_PASSPHRASE_FILE", str(secret))
    row = case.must("report", "make", "--case", case.case, tmp_path / "signed.pdf", "--json").row
    assert "Unit 7" in row["signed_by"]
    assert row["unsigned"] != row["pdf"]
    command = ["pdfsig", "-nocert", str(tmp_path / "signed.pdf")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Signature is Valid" in told.stdout
