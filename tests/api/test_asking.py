"""Issue "workbench": "REST under /api/v1 derived from the same acts, ... cursor pagination,
idempotency keys, ETags, problem+json errors".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.api import offer
from holdfast.cases import access
from holdfast.cli.main import run
from tests.serving import CASE

if TYPE_CHECKING:
    from tests.serving import Served


def command(served: Served, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command in the served vault, as lena; return what it printed."""
    capsys.readouterr()
    assert run(["--vault", str(served.vault), "--operator", "lena", *words]) == 0
    return capsys.readouterr().out


def entries(served: Served, act: str) -> list[dict[str, Any]]:
    """Return the case's entries of one act, as the interface itself tells them."""
    with served.program("lena") as lena:
        lines = lena.get(f"/cases/{CASE}/custody", headers={"Accept": "application/jsonl"})
    return [row for row in map(json.loads, lines.text.splitlines()) if row["act"] == act]


def test_every_act_is_offered_or_it_is_said_why_not() -> None:
    kinds = {name: offer.offer(act) for name, act in offer.every().items()}
    withheld = {name for name, one in kinds.items() if isinstance(one, str)}
    assert withheld & access.ALLOWED.keys() >= {"bundle", "collect.files", "web.redact"}
    for name in withheld & access.ALLOWED.keys():
        whys = ("place on this machine", "no form", "must be given")
        assert any(why in str(kinds[name]) for why in whys), kinds[name]
    for name in kinds.keys() - access.ALLOWED.keys() - offer.WITHOUT_CASE:
        assert name in withheld, f"{name} is in no case and would be open to everybody"
    places = [(one.method, one.path) for one in kinds.values() if not isinstance(one, str)]
    assert len(places) == len(set(places))


def test_pages_give_what_the_whole_gives_and_are_one_entry(served: Served) -> None:
    before = len(entries(served, "timeline"))
    with served.program("ewa") as ewa:
        asked: dict[str, str | int] = {"kinds": "web.access", "page_size": 50}
        pages, cursor = [], None
        while True:
            query = asked if cursor is None else {"cursor": cursor, "page_size": 50}
            page = ewa.get(f"/cases/{CASE}/timeline", params=query).raise_for_status().json()
            pages.append(page["items"])
            cursor = page["next"]
            if cursor is None:
                break
        told = [row for rows in pages for row in rows]
        assert len(told) == page["count"] == 400
        assert {len(rows) for rows in pages[:-1]} == {50}
        (entry,) = entries(served, "timeline")[before:]
        assert entry["result"] == {"lines": len(told), "sha256": page["sha256"]}
        assert entry["actor"]["name"] == "ewa"
        lines = ewa.get(
            f"/cases/{CASE}/timeline",
            params={"kinds": "web.access"},
            headers={"Accept": "application/jsonl"},
        )
        assert [json.loads(line) for line in lines.text.splitlines()] == told
        gone = ewa.get(f"/cases/{CASE}/timeline", params={"cursor": "bm9uZQ"})
        assert gone.status_code == 400


def test_a_cursor_is_of_one_person_and_one_question(served: Served) -> None:
    with served.program("ewa") as ewa, served.program("sam") as sam:
        cursor = ewa.get(f"/cases/{CASE}/items", params={"page_size": 1}).json()["next"]
        query = {"cursor": cursor}
        assert sam.get(f"/cases/{CASE}/items", params=query).status_code == 400
        assert ewa.get(f"/cases/{CASE}/ledger", params=query).status_code == 400
        assert ewa.get(f"/cases/{CASE}/items", params=query).status_code == 200


def test_the_lines_are_those_of_the_command(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    with served.program("lena") as lena:
        for name in ("items", "ledger", "team"):
            words = ("case", "team", CASE) if name == "team" else (name, "--case", CASE)
            lines = lena.get(f"/cases/{CASE}/{name}", headers={"Accept": "application/jsonl"})
            assert lines.text == command(served, capsys, *words, "--json")


def test_what_has_not_changed_is_not_sent_again(served: Served) -> None:
    with served.program("lena") as lena:
        for path in (f"/cases/{CASE}", f"/cases/{CASE}/items?page_size=3", "/openapi.json"):
            first = lena.get(path)
            again = lena.get(path, headers={"If-None-Match": f'"x", {first.headers["etag"]}'})
            assert (again.status_code, again.content) == (304, b"")
            assert lena.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_key_makes_a_request_once(served: Served) -> None:
    asked = {"title": "Once", "basis": "B", "authority": "A", "until": "2999-12-31"}
    with served.program("lena") as lena, served.program("sam") as sam:
        key = {"Idempotency-Key": "open-1"}
        first = lena.post("/cases", json=asked, headers=key)
        assert first.status_code == 200
        again = lena.post("/cases", json=asked, headers=key)
        assert (again.status_code, again.content) == (200, first.content)
        other = lena.post("/cases", json={**asked, "title": "Twice"}, headers=key)
        assert other.status_code == 422
        theirs = sam.post("/cases", json={**asked, "title": "Theirs"}, headers=key).json()
        assert theirs["case"] != first.json()["case"]
        wrong = {**asked, "until": "1999-01-01"}
        for _ in range(2):  # nothing came of it, so the key is free again
            refused = lena.post("/cases", json=wrong, headers={"Idempotency-Key": "open-2"})
            assert refused.status_code == 400
        titles = [one["title"] for one in lena.get("/cases").json()["items"]]
        assert titles.count("Once") == 1


def test_errors_say_whose_fault_and_what_to_do(served: Served) -> None:
    with served.program("dan") as dan, served.program("nora") as nora:
        refused = dan.get(f"/cases/{CASE}/items")
        assert refused.headers["content-type"] == "application/problem+json"
        facts = refused.json()
        assert (refused.status_code, facts["status"], facts["fault"]) == (403, 403, "authority")
        assert "needs one of" in facts["detail"]
        assert facts["exit_code"] == 4
        kind = dan.get(facts["type"].removeprefix("/api/v1")).json()
        assert kind["fault"] == "authority"
        # What isn't there and what is none of one's business look the same.
        theirs, nowhere = nora.get(f"/cases/{CASE}/items"), nora.get("/cases/1999-0001/items")
        assert theirs.status_code == nowhere.status_code == 404
        assert theirs.content == nowhere.content
        assert nora.get("/cases").json()["items"] == []
    assert [e["refused"] for e in entries(served, "denied") if e["actor"]["name"] == "nora"] == [
        "items"
    ]


def test_a_token_is_for_its_cases_and_acts_only(served: Served) -> None:
    with served.program("lena", cases=("2025-0001",)) as other:
        assert other.get(f"/cases/{CASE}").status_code == 403
        assert other.get("/cases").json()["items"] == []
        assert other.post("/cases", json={}).status_code == 400
        opening = {"title": "T", "basis": "B", "authority": "A", "until": "2999-12-31"}
        assert other.post("/cases", json=opening).status_code == 403
    with served.program("lena", acts=("items",)) as items:
        assert items.get(f"/cases/{CASE}/items").status_code == 200
        before = len(entries(served, "denied"))
        refused = items.get(f"/cases/{CASE}/search", params={"query": "bank"})
        assert (refused.status_code, "this token" in refused.json()["detail"]) == (403, True)
        (entry,) = entries(served, "denied")[before:]
        assert entry["refused"] == "search"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer nothing"}, 401),
        ({"Authorization": "Basic bGVuYQ=="}, 401),
    ],
)
def test_nobody_is_told_nothing(served: Served, headers: dict[str, str], status: int) -> None:
    with served.client() as anybody:
        answer = anybody.get(f"/api/v1/cases/{CASE}", headers=headers)
        assert answer.status_code == status
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "bank" not in answer.text


def test_a_browsers_session_counts_only_on_our_own_pages(served: Served) -> None:
    with served.client("lena") as ours:
        assert ours.get("/api/v1/me").json()["name"] == "lena"
        assert ours.post(f"/api/v1/cases/{CASE}/hold/set", json={}).status_code == 400
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            told = ours.post(f"/api/v1/cases/{CASE}/hold/set", json={}, headers=headers)
            assert (told.status_code, "another site" in told.text) == (403, True)
        del ours.headers["Origin"]
        assert ours.post(f"/api/v1/cases/{CASE}/hold/set", json={}).status_code == 403
        cross = {"Sec-Fetch-Site": "cross-site"}
        assert ours.get("/api/v1/me", headers=cross).status_code == 403


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"order": 1}', "application/json", 400),
        (b'{"order": "O", "case": "2026-0002"}', "application/json", 400),
        (b'{"order": "a\\u0000b"}', "application/json", 400),
        (b"order=O", "application/x-www-form-urlencoded", 415),
        (b" " * 5_000_000, "application/json", 413),
    ],
)
def test_a_body_is_what_the_act_asks_for(
    served: Served, body: bytes, kind: str, status: int
) -> None:
    with served.program("lena") as lena:
        address = f"/cases/{CASE}/hold/set"
        told = lena.post(address, content=body, headers={"Content-Type": kind})
        assert told.status_code == status, told.text
        assert told.json()["remedy"]
    assert entries(served, "hold.set") == []
