"""Issue "workbench": "Import of the 'spreadsheet of doom' ... and of DFIR-IRIS case exports", on
its page, without a script; "hostile evidence ... reaches no script".
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from holdfast.cli.main import run
from tests.serving import CASE
from tests.web.test_casework_pages import send

if TYPE_CHECKING:
    from tests.serving import Served

CASES = Path(__file__).parents[1] / "cases"
HERE = f"/cases/{CASE}/imports"


def test_rows_are_looked_at_then_taken_over(fresh_workbench: Served, tmp_path: Path) -> None:
    served = fresh_workbench
    for name in ("incident", "hostile"):
        source = CASES / f"tracking_workbook/{name}/input.xlsx"
        shutil.copyfile(source, tmp_path / f"{name}.xlsx")
    at = ["--vault", str(served.vault), "--operator", "lena"]
    files = [str(tmp_path / f"{name}.xlsx") for name in ("incident", "hostile")]
    given = ["--case", CASE, "--from", "A. Example, by mail"]
    assert run([*at, "collect", "upload", *given, *files]) == 0
    assert run([*at, "examine", "--case", CASE, "--jobs", "1"]) == 0
    with served.client("lena") as lena, served.client("sam") as sam, served.client("dan") as dan:
        listed = LexborHTMLParser(lena.get(HERE).text)
        links = {
            row.css("td")[0].text(): str(row.css("a")[0].attributes["href"])
            for row in listed.css("main tbody tr")
        }
        assert set(links) == {"incident.xlsx", "hostile.xlsx"}
        page = links["incident.xlsx"]
        before = LexborHTMLParser(lena.get(page).text)
        assert before.body is not None
        assert before.body.text().count("not taken over yet") == 7
        assert "no sheet of this name is known" in before.body.text()
        assert "Take them over" not in sam.get(page).text, "a supervisor takes nothing over"
        assert dan.get(page).status_code == 403
        back = send(lena, page, HERE)
        assert back.startswith(HERE)
        after = lena.get(back).text
        assert "Taken over: 7. Known before: 0. Not taken over: 5." in after
        assert "not taken over yet" not in after
        people = LexborHTMLParser(after).css(f'main a[href^="/cases/{CASE}/people/"]')
        assert len(people) == 3
        shown = lena.get(str(people[0].attributes["href"])).text
        assert "WS-07" in shown
        assert "Taken over from" in shown
        assert "Take them over" not in after, "nothing is left to be taken over"
        hostile = lena.get(links["hostile.xlsx"]).text
        assert "<script>alert" not in hostile
        assert "\u202e" not in hostile
        assert "nothing | known" in hostile
