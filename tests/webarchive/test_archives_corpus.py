"""Archives that others made: the right verdict on every one whose name says what it is.

Issue 4: "right verdict on every valid and invalid file (the usual checkers accept 42 of 65 invalid
ones: say for each which sentence of ISO 28500 it breaks)".
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from holdfast.collect.archive_check import read_roots
from holdfast.testing import archive_verdicts
from holdfast.testing import web_archives as make
from holdfast.webarchive.judge import judge
from holdfast.webarchive.rules import Severity
from holdfast.webarchive.signature import Trust, load_roots

pytestmark = pytest.mark.corpus

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "web-archives.md"


def need_roots() -> Trust:
    trust = Trust(load_roots(read_roots(None)))
    if not any("ISRG Root X1" in root.subject.rfc4514_string() for root in trust.web):
        pytest.skip("this machine has no list of web authorities (ca-certificates)")
    return trust


def test_every_file_gets_the_verdict_that_its_name_says(corpus: Path) -> None:
    need_roots()
    valid = invalid = 0
    for name, report in archive_verdicts.verdicts(corpus):
        file = name.partition("/")[2]
        broken = [one for one in report.counts if report.rules[one].severity is not Severity.NOTE]
        if file.startswith("valid"):
            valid += 1
            # One of WACZ's leaves a recommendation aside; no sentence with a `shall` is broken.
            assert report.verdict != "invalid", name
            assert report.verdict == "valid" or file.endswith(".wacz"), name
        elif file.startswith("invalid"):
            invalid += 1
            assert report.verdict != "valid", name
            assert all(report.rules[one].sentence for one in broken)
            assert broken, name
            # Only what is merely recommended, and by its own name, does not make it invalid.
            assert report.verdict == "invalid" or "recommended" in file, name
    assert valid >= 10
    assert invalid >= 34


def test_the_page_is_what_the_files_give(corpus: Path) -> None:
    need_roots()
    assert PAGE.read_text("utf-8") == archive_verdicts.page(corpus), (
        "python -m holdfast.testing.archive_verdicts CORPUS docs/reference/web-archives.md"
    )


def test_a_foreign_signature_that_is_stripped_or_changed_does_not_hold(
    corpus: Path, tmp_path: Path
) -> None:
    trust = need_roots()
    signed = (corpus / "wacz" / "valid_signed_example_1.wacz").read_bytes()

    def verdict(parts: dict[str, bytes]) -> tuple[str, set[str]]:
        (tmp_path / "a.wacz").write_bytes(make.packed(parts))
        with (tmp_path / "a.wacz").open("rb") as raw:
            report = judge(raw, trust, require_signature=True)
        return report.verdict, set(report.counts)

    whole = make.unpacked(signed)
    assert verdict(whole)[0] == "valid"
    stripped = {name: data for name, data in whole.items() if name != "datapackage-digest.json"}
    assert verdict(stripped) == ("invalid", {"digest.missing", "signature.required"})
    for field, value, rule in (
        ("domain", "bank.example", "signature.domain"),
        ("signature", reordered(whole), "signature.value"),
        ("created", "2022-01-18T19:20:12Z", "signature.created"),
        ("hash", make.labelled(b""), "signature.hash"),
    ):
        digest = json.loads(whole["datapackage-digest.json"])
        digest["signedData"][field] = value
        found = verdict({**whole, "datapackage-digest.json": json.dumps(digest).encode()})
        assert found[0] == "invalid", field
        assert rule in found[1], field


def reordered(parts: dict[str, bytes]) -> str:
    """The signature with its bytes in another order: still base64, still the right length."""
    raw = base64.b64decode(json.loads(parts["datapackage-digest.json"])["signedData"]["signature"])
    return base64.b64encode(raw[::-1]).decode()
