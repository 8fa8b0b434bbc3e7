"""The report's page: findings are chosen, looked at, and made into files, without a script."""

from __future__ import annotations

import io
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from docx import Document
from selectolax.lexbor import LexborHTMLParser

from holdfast.cli.main import run
from holdfast.exchange.report import validating

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.serving import Served

CASE = "2026-0002"
"""A case of the test's own, in which nothing is found yet."""


def _do(served: Served, *arguments: str, operator: str = "ewa") -> None:
    given = ["--vault", str(served.vault), "--operator", operator, *arguments]
    assert run(given) == 0


def _review(served: Served, number: str) -> None:
    done = ("finding", "review", number, "--case", CASE, "--outcome", "passed")
    _do(served, *done, operator="lena")


def test_a_report_is_chosen_looked_at_and_made(
    fresh_workbench: Served,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv(validating.SETTING, "none")
    here = f"/cases/{CASE}/report"
    _do(
        fresh_workbench, "case", "open", "--title", "T", "--basis", "B", "--authority", "A",
        "--until", "2999-12-31", operator="lena",
    )  # fmt: skip
    for name, role in (("ewa", "examiner"), ("dan", "defence")):
        _do(fresh_workbench, "case", "role", name, "--case", CASE, "--add", role, operator="lena")
    (tmp_path / "one.txt").write_text("one")
    _do(fresh_workbench, "collect", "files", "--case", CASE, str(tmp_path / "one.txt"))
    with fresh_workbench.client("ewa") as client:
        assert "nothing to report" in client.get(here).text
    capsys.readouterr()
    run(["--vault", str(fresh_workbench.vault), "--operator", "ewa", "items", "--case", CASE])
    label = capsys.readouterr().out.split()[0]
    for title, more in (("It <b>asks</b> for a PIN", ()), ("He was abroad", ("--for-suspect",))):
        _do(
            fresh_workbench, "finding", "add", title, "--case", CASE, "--statement", "As it says.",
            "--grade", "A1", "--cite", label, *more,
        )  # fmt: skip
    _review(fresh_workbench, "1")
    with fresh_workbench.client("ewa") as client:
        told = client.get(here).text
        assert "It &lt;b&gt;asks&lt;/b&gt; for a PIN" in told
        assert "Finding 2 speaks for the suspect and waits for review" in told
        assert client.get(f"{here}/preview?finding=1").status_code == 403
        _review(fresh_workbench, "2")
        shown = client.get(f"{here}/preview?finding=1&audience=defence&language=ar")
        tree = LexborHTMLParser(shown.text)
        assert "1, 2" in shown.text
        pictures = [str(one.attributes["src"]) for one in tree.css(".sheets img")]
        assert len(pictures) >= 2
        for one in (pictures[0], re.sub("token=[^&]*", "token=gone", pictures[0])):
            page = client.get(one)
            assert page.headers["content-type"] == "image/png"
            assert page.content.startswith(b"\x89PNG")
        form = {
            str(one.attributes["name"]): str(one.attributes["value"])
            for one in tree.css("main form input")
        }
        made = client.post(f"{here}/make", data={**form, "kind": "pdf"})
        assert made.headers["content-type"] == "application/pdf"
        assert "attachment" in made.headers["content-disposition"]
        assert made.content.startswith(b"%PDF-1.7")
        again = {"finding": "1", "kind": "docx", **_token(client.get(here).text)}
        text = client.post(f"{here}/make", data=again)
        lines = [one.text for one in Document(io.BytesIO(text.content)).paragraphs]
        assert any("He was abroad" in one for one in lines)
        wrong = {"finding": "x", **_token(client.get(here).text)}
        assert client.post(f"{here}/make", data=wrong).status_code == 400
    with fresh_workbench.client("dan") as client:
        assert client.get(here).status_code == 403
    capsys.readouterr()
    _do(fresh_workbench, "custody", "--case", CASE, "--json", operator="lena")
    assert sha256(made.content).hexdigest() in capsys.readouterr().out


def _token(html: str) -> dict[str, str]:
    (one, *_) = LexborHTMLParser(html).css("main form input[type=hidden]")
    return {str(one.attributes["name"]): str(one.attributes["value"])}
