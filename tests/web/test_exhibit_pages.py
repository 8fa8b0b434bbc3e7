"""Issue "workbench": pages for physical exhibits, custody, ledger, supervisor and auditor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.serving import Served

AT = f"/cases/{CASE}/exhibits"


def test_a_thing_is_seized_handed_over_and_accepted_without_a_script(
    fresh_workbench: Served, tab: Callable[..., Page]
) -> None:
    lena = tab(fresh_workbench, "lena", AT, java_script_enabled=False)
    lena.fill("#f-what", "router <b>bold</b>")
    lena.fill("#f-found", "hall")
    lena.fill("#f-seals", "S-200 S-201")
    lena.click("text=Enter the seizure >> nth=-1")
    assert "router <b>bold</b>" in lena.inner_text("h1"), "text, never markup"
    here = re.sub(r"\?.*", "", lena.url)
    lena.click("summary:has-text('Hand it over')")
    lena.fill("#f-hand-to", "ewa")
    lena.fill("#f-hand-reason", "to be examined")
    lena.click("form[action$='/hand'] button")
    assert "waits to be accepted" in lena.inner_text("main")
    assert lena.locator("form[action$='/accept']").count() == 0

    ewa = tab(fresh_workbench, "ewa", here, java_script_enabled=False)
    ewa.fill("form[action$='/accept'] [name=seals]", "S-200")
    ewa.click("form[action$='/accept'] button")
    told = ewa.inner_text("main")
    assert "seals missing S-201" in " ".join(told.split())
    ewa.click("summary:has-text('Break a seal')")
    ewa.check("input[name=seal][value='S-200']")
    ewa.fill("#f-unseal-reason", "to image it")
    ewa.click("form[action$='/unseal'] button")
    chain = [
        one.split()[0] for one in ewa.locator("section[aria-labelledby=chain] li").all_inner_texts()
    ]
    assert chain == ["Seized", "Handed", "Accepted", "Seal"]
    with fresh_workbench.client("dan") as dan:
        assert dan.get(AT).status_code == 403
    with fresh_workbench.client("nora") as nora:
        assert nora.get(AT).status_code == 404


def test_custody_ledger_oversight_and_audit_show_what_the_acts_say(workbench: Served) -> None:
    with workbench.client("lena") as lena:
        custody = lena.get(f"/cases/{CASE}/custody?item=LE/1").text
        assert "collect.item" in custody
        assert "exhibit.seize" not in custody
        assert (
            "exhibit.seize" in lena.get(f"/cases/{CASE}/custody?from=10").text
            or 'rel="next"' in custody
        )
        ledger = lena.get(f"/cases/{CASE}/ledger").text
        seen, *rest = map(int, re.findall(r"</dt><dd>(\d+)</dd>", ledger)[:5])
        assert seen == sum(rest)
        assert seen > 0
        assert "You are no auditor" in lena.get("/audit").text
    with workbench.client("sam") as sam:
        assert CASE in sam.get("/oversight").text
    with workbench.client("aude") as aude:
        audited = aude.get("/audit").text
        assert "case.open" in audited
        assert "Dock Street" not in audited
        assert "The fake bank" not in audited


def test_what_is_set_apart_is_decided_by_the_filter_team_alone(
    fresh_workbench: Served, tab: Callable[..., Page]
) -> None:
    at = f"/cases/{CASE}/privilege"
    ewa = tab(fresh_workbench, "ewa", at, java_script_enabled=False)
    ewa.fill("#f-items", "LE/1")
    ewa.fill("#f-reason", "letters to counsel")
    ewa.click("form[action$='/privilege'] button")
    assert "waits for the filter team" in ewa.inner_text("main")
    assert ewa.locator("form[action$='/rule']").count() == 0
    with fresh_workbench.client("lena") as lena:
        lena.post(f"/cases/{CASE}/team", data={"name": "nora", "role": "filter", "what": "give"})
        form = {"quarantine": "1", "outcome": "release", "reason": "R"}
        assert lena.post(f"{at}/rule", data=form).status_code == 403
    nora = tab(fresh_workbench, "nora", at, java_script_enabled=False)
    nora.fill("form[action$='/rule'] [name=reason]", "to counsel")
    nora.click("button[value=keep-out]")
    assert "kept out" in nora.inner_text("main")
