"""The door and the waiting room, as people meet them: a real Chromium with an authenticator."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.acts import logins
from holdfast.acts.act import Session
from holdfast.acts.erasing import Erasure, request_erasure
from holdfast.acts.people import ChangeRoles, change_roles
from holdfast.serving.people import COOKIE
from holdfast.vault.vault import Vault
from holdfast.vault.verify import verify
from tests import serving
from tests.browser import AUTHENTICATOR
from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.serving import Served

PASSWORD = "correct horse battery"  # noqa: S105 - of a test


@pytest.fixture(scope="module")
def bench(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A workbench at a host name, where passkeys work; sam and petra have passwords."""
    vault = tmp_path_factory.mktemp("door") / "vault"
    shutil.copytree(bank, vault)
    with serving.served(vault, "localhost") as one:
        for name in ("sam", "petra"):
            with lena(one) as session:
                logins.set_account(session, logins.SetAccount(name, new=True, password=PASSWORD))
        yield one


class lena:  # noqa: N801 - used as a statement
    """The vault as its first operator has it at the command line."""

    def __init__(self, served: Served) -> None:
        self._vault = Vault.open(served.vault)

    def __enter__(self) -> Session:
        return Session(self._vault, "lena")

    def __exit__(self, *_: object) -> None:
        self._vault.engine.dispose()


def entries(served: Served, act: str) -> list[dict[str, Any]]:
    with lena(served) as session:
        head = session.vault.current()
        return [
            dict(one.fields) for one in session.vault.log.entries(0, head.size) if one.act == act
        ]


def page_of(browser: Browser, served: Served) -> Page:
    context = browser.new_context(base_url=served.url, locale="en-GB")
    page = context.new_page()
    client = context.new_cdp_session(page)
    client.send("WebAuthn.enable")
    client.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return page


def by_password(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in with the password").click()


def test_a_password_lets_in_and_a_wrong_one_does_not(bench: Served, browser: Browser) -> None:
    page = page_of(browser, bench)
    by_password(page, "sam", "wrong")
    assert page.get_by_role("alert").is_visible()
    assert not [one for one in page.context.cookies() if one["name"] == COOKIE]
    by_password(page, "sam")
    page.get_by_role("button", name="Sign out").wait_for()
    assert entries(bench, "session.denied")[-1]["name"] == "sam"
    (opened,) = [one for one in entries(bench, "session.open") if one["how"] == "password"]
    assert opened["actor"]["name"] == "workbench"
    page.context.close()


def test_a_passkey_is_made_confirmed_signs_in_and_approves(bench: Served, browser: Browser) -> None:
    """A session is begun by the person's own passkey, and an approval is signed by it too."""
    page = page_of(browser, bench)
    by_password(page, "petra")
    page.goto("/account")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("waits").first.wait_for()
    with lena(bench) as session:
        (offer,) = logins.offers(session)
        assert offer.name == "petra"
        logins.add_key(session, offer)

    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Name").fill("petra")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("button", name="Sign with the passkey").click()
    page.get_by_role("button", name="Sign out").wait_for()
    opened = entries(bench, "session.open")[-1]
    assert (opened["how"], opened["actor"]["name"]) == ("passkey", "petra")
    assert "client" in opened["signature"]

    with lena(bench) as session:
        change_roles(session, ChangeRoles("petra", ("prosecutor",)))
        asked = request_erasure(session, Erasure(CASE, "Order 7", ("LE/1",)))
    page.goto("/waiting")
    page.get_by_role("button", name="Approve with your passkey").click()
    assert "request.approve" in page.inner_text("main")
    page.get_by_role("button", name="Sign with the passkey").click()
    page.get_by_text("Approved, and done.").wait_for()
    approval = entries(bench, "request.approve")[-1]
    assert approval["answer"]["request"] == asked.entry
    assert approval["context"]["login"] == "web/petra"
    assert approval["actor"]["key"] == opened["actor"]["key"]
    page.context.close()
    with lena(bench) as session:
        assert not verify(session.vault, 1, lambda *_: None).problems


def test_without_a_passkey_nothing_is_approved_and_the_refusal_is_entered(bench: Served) -> None:
    with lena(bench) as session:
        change_roles(session, ChangeRoles("sam", ("supervisor",)))
        asked = request_erasure(session, Erasure(CASE, "Order 8", ("LE/2",)))
    with bench.client("sam") as client:
        answer = client.post(f"/waiting/{asked.entry}/approve")
        assert answer.status_code == 403
        assert "your own passkey" in answer.text
        assert client.post("/waiting/999999/approve").status_code == 400
    with bench.client("nora") as client:
        assert client.post(f"/waiting/{asked.entry}/approve").status_code == 403
    refused = entries(bench, "denied")[-1]
    assert (refused["actor"]["name"], refused["refused"]) == ("nora", "request.approve")
    assert not [
        one for one in entries(bench, "request.approve") if one["answer"]["request"] == asked.entry
    ]


def test_a_name_of_nobody_is_asked_for_a_passkey_too(bench: Served) -> None:
    said = []
    with bench.client() as client:
        for _ in range(2):
            page = client.post("/sign-in/passkey", data={"name": "nobody at all"})
            assert page.status_code == 200
            said.append(page.text.split('data-credential="')[1].split('"')[0])
    assert said[0] == said[1]


def test_signing_out_ends_the_session_in_the_log(bench: Served) -> None:
    with bench.client("ewa") as client:
        secret = client.cookies[COOKIE]
        client.post("/sign-out")
        client.cookies.set(COOKIE, secret)
        assert client.get("/").status_code == 303
    assert entries(bench, "session.end")[-1]["ended"]["name"] == "ewa"
