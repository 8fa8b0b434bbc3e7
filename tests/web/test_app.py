"""The workbench's frame: the door, errors as pages, headers, forms, languages, size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from holdfast.serving import once
from holdfast.vault.vault import Vault
from tests.serving import CASE, NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.serving import Served


def test_nobody_sees_anything_before_the_door(workbench: Served) -> None:
    with workbench.client() as client:
        answer = client.get(f"/cases/{CASE}?x=1")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/sign-in?next=/cases/{CASE}%3Fx%3D1"
        assert client.get("/sign-in").status_code == 200
        assert client.post("/sign-out").status_code == 401


def test_a_case_shows_to_its_team(workbench: Served) -> None:
    with workbench.client("dan") as client:
        page = client.get(f"/cases/{CASE}").text
    assert "The fake bank" in page
    assert "District Court, order 17/26" in page


def test_a_case_of_others_looks_like_none(workbench: Served) -> None:
    """Issue "workbench": "no object reachable by guessing its id"."""
    with workbench.client(NOBODY) as client:
        others, none = client.get(f"/cases/{CASE}"), client.get("/cases/2026-9999")
        assert (others.status_code, none.status_code) == (404, 404)
        assert "fake bank" not in others.text
        assert others.text == none.text
        assert CASE not in client.get("/").text


@pytest.mark.parametrize("name", ["", "lena"])
def test_every_answer_has_the_policy(workbench: Served, name: str) -> None:
    with workbench.client(name) as client:
        for path in ("/", "/sign-in", "/nothing", "/static/app.css", f"/cases/{CASE}"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.attack("Sends a form in a person's name from another site", "the workbench's guard")
def test_another_sites_form_does_nothing(workbench: Served, headers: dict[str, str]) -> None:
    with workbench.client("lena") as client:
        answer = client.post("/sign-out", data={"form": "x"}, headers=headers)
        assert answer.status_code == 403
        assert client.get("/").status_code == 200


def test_a_form_without_origin_does_nothing(workbench: Served) -> None:
    with workbench.client("lena") as client:
        del client.headers["Origin"]
        assert client.post("/sign-out").status_code == 403


def test_a_form_is_done_once_however_often_it_is_sent(fresh_workbench: Served) -> None:
    path = f"/cases/{CASE}/tasks"
    with fresh_workbench.client("lena") as client:
        for title, form in (("Ask the bank", "one"), ("Ask the bank", "one"), ("Ask again", "two")):
            answer = client.post(path, data={"title": title, "form": form})
            assert (answer.status_code, answer.headers["location"]) == (303, path)
        refused = client.post(path, data={"title": "", "form": "three"})
        assert refused.status_code == 400
        mended = client.post(path, data={"title": "Mended", "form": "three"})
        assert mended.status_code == 303
        page = client.get(path).text
    assert [page.count(f">{title}<") for title in ("Ask the bank", "Ask again", "Mended")] == [
        1
    ] * 3


def test_a_form_that_was_cut_short_is_not_called_done(fresh_workbench: Served) -> None:
    """As a SIGKILL between the claim and the act leaves it."""
    engine = Vault.open(fresh_workbench.vault).engine
    assert once.claim(engine, "lena", "form cut") is None
    engine.dispose()
    with fresh_workbench.client("lena") as client:
        answer = client.post(f"/cases/{CASE}/tasks", data={"title": "Cut", "form": "cut"})
    assert answer.status_code == 409
    assert "look whether it was done" in answer.text


def test_sign_out_ends_the_session(workbench: Served) -> None:
    with workbench.client("lena") as client:
        secret = client.cookies["holdfast"]
        assert client.post("/sign-out").headers["location"] == "/sign-in"
        client.cookies.set("holdfast", secret)
        assert client.get("/").status_code == 303


def test_the_language_is_kept_and_turns_the_page(workbench: Served) -> None:
    with workbench.client("lena") as client:
        client.post("/language", data={"lang": "fa", "back": "//evil.example/x"})
        page = client.get("/").text
        assert '<html lang="fa" dir="rtl">' in page
        answer = client.post("/language", data={"lang": "en", "back": "//evil.example/x"})
        assert answer.headers["location"] == "/x"


def test_a_lost_page_says_so(workbench: Served) -> None:
    with workbench.client("lena") as client:
        answer = client.get("/cases/a/b/c/d")
        assert answer.status_code == 404
        assert "There is no such page." in answer.text
        assert client.put("/").status_code == 405


@pytest.mark.parametrize("script", [True, False])
def test_the_first_page_is_small_and_asks_nobody_else(
    workbench: Served, tab: Callable[..., Page], script: bool
) -> None:
    """Issue "workbench": "First page under 100 KB, no external request"."""
    page = tab(workbench, "lena", "/sign-in", java_script_enabled=script)
    seen: list[tuple[str, int]] = []
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("response", lambda answer: seen.append((answer.url, len(answer.body()))))
    page.goto("/")
    page.wait_for_load_state("networkidle")
    assert page.get_by_role("link", name=CASE).is_visible()
    assert seen
    assert all(url.startswith(workbench.url) for url, _ in seen)
    assert sum(size for _, size in seen) < 100_000
    assert said == []


def test_counts_are_written_as_the_language_writes_them(workbench: Served) -> None:
    """And nothing else is: times, digests and what is in evidence are the same for all."""
    with workbench.client("lena") as client:
        shown = {}
        for code in ("en", "fa", "fr"):
            client.cookies.set("lang", code)
            shown[code] = client.get(f"/cases/{CASE}/items").text
    assert "<caption>16 items" in shown["en"]
    assert re.search(r"<caption>[^<]*۱۶", shown["fa"])
    sizes = {code: re.findall(r'<td class="number">(.*?)</td>', shown[code]) for code in shown}
    largest = max(sizes["en"], key=len)
    assert "," in largest
    assert largest.replace(",", "\u202f") in sizes["fr"]
    assert (
        largest.replace(",", "٬").translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
        in sizes["fa"]
    )
    kept = [re.findall(r"[0-9a-f]{64}|<time.*?</time>", text) for text in shown.values()]
    assert kept[0]
    assert kept[0] == kept[1] == kept[2]
