"""Issue "workbench", "Browser tests of whole journeys": open a case, ask, find, review, hand over.

Every form works without a script: these are plain requests, as a browser sends them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from holdfast.vault.vault import Vault
from tests.serving import CASE

if TYPE_CHECKING:
    import httpx

    from tests.serving import Served

ABOUT = {"title": "The second bank", "basis": "s. 8", "authority": "Court", "until": "2999-12-31"}


def send(client: httpx.Client, page: str, action: str, code: int = 303, **said: str) -> str:
    """Fill in the form of `page` that leads to `action`, and send it; return where it leads."""
    tree = LexborHTMLParser(client.get(page).text)
    form = next(one for one in tree.css("form") if one.attributes["action"] == action)
    fields = {
        str(node.attributes["name"]): str(node.attributes.get("value") or node.text(strip=True))
        for node in form.css("input[type=hidden], textarea, input[type=text]")
    }
    unknown = set(said) - {str(node.attributes.get("name")) for node in form.css("[name]")}
    assert not unknown, f"{action} has no {unknown}"
    answer = client.post(action, data={**fields, **said})
    assert answer.status_code == code, (action, answer.text)
    return answer.headers.get("location", "") if code == 303 else answer.text


def test_a_case_from_its_authority_to_its_hand_over(fresh_workbench: Served) -> None:
    served = fresh_workbench
    with served.client("lena") as lena, served.client("ewa", own_key=True) as ewa:
        token = re.search(r'name="form" value="([^"]+)"', lena.get("/open-case").text)
        assert token is not None
        opened = lena.post(
            "/open-case",
            data={"form": token[1], **ABOUT, "called": "Order of 3 May"},
            files={"document": ("../order\x00.pdf", b"%PDF-1.7 order")},
        )
        assert opened.status_code == 303, opened.text
        case = opened.headers["location"]
        shown = lena.get(case).text
        assert "The second bank" in shown
        assert "Order of 3 May" in shown
        assert ewa.get(case).status_code == 404, "nobody else may know of it"
        for role in ("examiner", "trainee"):
            send(lena, f"{case}/team", f"{case}/team", name="ewa", role=role, what="give")
        send(lena, f"{case}/team", f"{case}/team", name="ewa", role="trainee", what="take")
        assert ewa.get(case).status_code == 200
        send(lena, f"{case}/tasks", f"{case}/tasks", title="Ask the bank", assigned="ewa")
        send(ewa, f"{case}/tasks/1", f"{case}/tasks/1", state="done", outcome="It answered")
        send(lena, f"{case}/questions", f"{case}/questions", set="Phishing")
        counted = lena.get(f"{case}/questions?count=1").text
        assert "kind:mail.message" in counted
        answered = f"{case}/questions/1"
        send(lena, answered, answered, answer="None", cites="LE/1")
        first = send(
            lena, f"{case}/new-finding?cite=LE/1", f"{case}/new-finding", title="F", grade="A1",
            statement="S", for_suspect="1",
        )  # fmt: skip
        assert "another person has to look at it" in lena.get(first).text
        send(ewa, first, f"{first}/review", outcome="returned", remarks="when?", way="review")
        send(lena, first, f"{first}/revise", statement="S, on 3 May", grade="A1")
        send(ewa, first, f"{first}/review", outcome="passed", way="review")
        send(ewa, first, f"{first}/review", way="verification", outcome="agrees", remarks="by hand")
        shown = lena.get(first).text
        assert "reviewed" in shown
        assert "second examination, <bdi>ewa</bdi>" in shown
        send(lena, f"{case}/handovers", f"{case}/handovers", to="ewa", remarks="mind the bank")
        send(ewa, f"{case}/handovers", f"{case}/handovers/1", outcome="accepted")
        send(ewa, case, f"{case}/close", reason="judgment")
        assert "judgment" in lena.get("/").text or lena.get(case).status_code == 404
    assert served.problems == []


def test_two_reviewers_of_one_page_do_not_review_what_they_did_not_see(
    fresh_workbench: Served,
) -> None:
    page = f"/cases/{CASE}/findings/2"
    with fresh_workbench.client("lena") as lena, fresh_workbench.client("ewa", own_key=True) as ewa:
        tree = LexborHTMLParser(ewa.get(page).text)
        form = next(one for one in tree.css("form") if one.attributes["action"] == f"{page}/review")
        seen = {
            str(one.attributes["name"]): str(one.attributes["value"])
            for one in form.css("input[type=hidden]")
        }
        send(lena, page, f"{page}/revise", statement="Something else", grade="B2")
        answer = ewa.post(f"{page}/review", data={**seen, "outcome": "passed", "way": "review"})
        assert (answer.status_code, "was revised meanwhile" in answer.text) == (400, True)


def test_the_defence_is_shown_no_victim_and_every_alibi(workbench: Served) -> None:
    with workbench.client("dan") as dan, workbench.client("lena") as lena:
        people = dan.get(f"/cases/{CASE}/people").text
        assert "Sam Suspect" in people
        for page in ("people", "people/2"):
            shown = dan.get(f"/cases/{CASE}/{page}").text
            assert "Vera" not in shown
            assert "victim.example" not in shown
            assert "Vera" in lena.get(f"/cases/{CASE}/{page}").text
        findings = dan.get(f"/cases/{CASE}/findings").text
        assert "The suspect was abroad" in findings
        assert "The page asks for a PIN" not in findings
        assert dan.get(f"/cases/{CASE}/findings/1").status_code == 400
        for page in ("notes", "tasks", "questions", "handovers", "new-finding"):
            assert dan.get(f"/cases/{CASE}/{page}").status_code in {403, 200}


def test_a_privileged_contact_leads_to_a_quarantine(fresh_workbench: Served) -> None:
    page = f"/cases/{CASE}/people/3"
    with fresh_workbench.client("ewa", own_key=True) as ewa:
        assert "may be privileged" in ewa.get(f"/cases/{CASE}/people").text
        send(ewa, page, f"{page}/set-apart")
    line = Vault.open(fresh_workbench.vault)
    try:
        entries = line.log.entries(0, line.log.head().size)
        (made,) = [one.fields for one in entries if one.act == "privilege.set"]
    finally:
        line.engine.dispose()
    assert "law@yer.example" in json.dumps(made)


def test_a_number_that_is_none_is_told(workbench: Served) -> None:
    with workbench.client("lena") as lena:
        for kind in ("tasks", "questions", "findings", "people"):
            for number in ("0", "99", "9" * 30):
                answer = lena.get(f"/cases/{CASE}/{kind}/{number}")
                assert answer.status_code == 400, (kind, number)
