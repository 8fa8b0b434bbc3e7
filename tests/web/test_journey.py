"""Issue "workbench": "open a case -> capture -> examine -> find -> tag -> review -> report ->
disclose", by three people in three browsers, once with scripts and once without any.

What each step shows is waited for; a wait that ends in vain says what was seen instead.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyrage
import pytest
from playwright.sync_api import TimeoutError as NotSeenError

from holdfast.acts import logins
from holdfast.acts.act import Session
from holdfast.cli.main import run
from holdfast.exchange.report import validating
from holdfast.vault.vault import Vault
from tests.browser import AUTHENTICATOR
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from tests.serving import Served

CASE = "2026-0002"
"""The bank's is the first."""
HERE = f"/cases/{CASE}"
PASSWORD = "correct horse battery"  # noqa: S105 - of a test
LONGEST = 60_000
"""Milliseconds that anything may take until it is seen."""
WORD = "zanzibarwallet"
MAIL = f"""From: Paymaster <pay@fake-bank.example>
To: vera@victim.example
Date: Tue, 3 Nov 2026 09:30:00 +0000
Subject: Your new {WORD}
Message-ID: <1@fake-bank.example>

Send the rest to the {WORD} by noon.
"""


@pytest.fixture
def shop() -> Iterator[Site]:
    """A page on the loopback, to be captured."""
    pages = {"/": page("<title>The shop</title><p>Pay into the wallet"), "/f": page("a file")}
    with serving(Site(pages)) as one:
        yield one


@dataclass
class Person:
    """Somebody at their own browser."""

    name: str
    page: Page

    def sees(self, what: Locator) -> Locator:
        """Wait until something shows.

        Raises:
            AssertionError: it never does; with what shows instead.
        """
        try:
            what.first.wait_for()
        except NotSeenError:
            main = self.page.locator("body").inner_text()
            raise AssertionError(f"{what} is not on {self.page.url}:\n{main}") from None
        return what.first

    def reads(self, text: str | re.Pattern[str]) -> Locator:
        """Wait until the page says something."""
        return self.sees(self.page.locator("main").get_by_text(text))

    def goes(self, *names: str) -> None:
        """Follow links, by what they say."""
        for name in names:
            self.sees(self.page.get_by_role("link", name=name, exact=True)).click()

    def fills(self, within: Locator | Page | None = None, **said: str) -> None:
        """Fill in fields, by their labels (`_` for a blank)."""
        for label, text in said.items():
            words = re.compile(f"^{label.replace('_', ' ')}( optional)?$")
            field = self.sees((within or self.page.locator("main")).get_by_label(words))
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(label=text)
            else:
                field.fill(text)

    def presses(self, name: str, within: Locator | None = None) -> None:
        """Press a button."""
        self.sees((within or self.page).get_by_role("button", name=name, exact=True)).click()

    def signs_in(self) -> None:
        """Come in by the password."""
        self.page.goto("/sign-in")
        self.fills(Name=self.name, Password=PASSWORD)
        self.presses("Sign in with the password")
        self.sees(self.page.get_by_role("button", name="Sign out"))


@pytest.fixture
def office(fresh_workbench: Served, browser: Browser) -> Iterator[Callable[..., Person]]:
    """Open a browser of somebody who has a password; `script=False`: it runs none."""
    contexts = []
    with _vault(fresh_workbench) as session:
        for name in ("lena", "ewa", "sam"):
            logins.set_account(session, logins.SetAccount(name, new=True, password=PASSWORD))

    def come(name: str, *, script: bool = True) -> Person:
        context = browser.new_context(
            base_url=fresh_workbench.url, locale="en-GB", java_script_enabled=script
        )
        context.set_default_timeout(LONGEST)
        contexts.append(context)
        one = Person(name, context.new_page())
        one.signs_in()
        return one

    yield come
    for context in contexts:
        context.close()


class _vault:  # noqa: N801 - used as a statement
    """The vault at the command line of its first operator."""

    def __init__(self, served: Served) -> None:
        self._vault = Vault.open(served.vault)

    def __enter__(self) -> Session:
        return Session(self._vault, "lena")

    def __exit__(self, *_: object) -> None:
        self._vault.engine.dispose()


def opens(lena: Person, order: Path) -> None:
    """Open a case with its order attached, and name who works on it."""
    lena.goes("Open a case")
    lena.fills(Title="The second bank", Legal_basis="CPA s. 94", Issued_by="District Court")
    lena.fills(Last_day="2999-12-31", Scope="127.0.0.1", What_the_document_is="Order 17/26")
    lena.page.get_by_label(re.compile("^The order itself")).set_input_files(order)
    lena.presses("Open the case")
    lena.reads("The case is open.")
    lena.reads("Order 17/26")
    for name, role in (("ewa", "examiner"), ("sam", "supervisor")):
        lena.goes("Team")
        lena.fills(Name=name, Role=role)
        lena.presses("Change the team")
        lena.reads("The team was changed.")


def collects(lena: Person, url: str, mail: Path, *, download: bool = False) -> None:
    """Capture a page (or only its file), and take in what was handed over."""
    lena.goes("Collect")
    lena.fills(Addresses=url)
    if download:
        lena.page.get_by_label("Download the file itself; open no page").check()
    lena.presses("Capture")
    lena.reads("Collected and sealed." if download else "What the log says")
    lena.goes("Collect")
    lena.page.get_by_label("Files", exact=True).set_input_files(mail)
    lena.fills(Where_they_come_from="by the victim, 3 May")
    lena.presses("Take them in")
    lena.reads("What the log says")
    lena.reads("letter.eml")


def examines_and_finds(lena: Person, items: int) -> None:
    """Examine what there is; find the mail by a word of it."""
    lena.goes("Items", "Examine them")
    lena.reads(f"{items} items wait")
    lena.presses("Examine the case")
    lena.reads(re.compile(f"{items} items examined"))
    lena.goes("Search")
    lena.fills(Words=WORD)
    lena.presses("Search")
    lena.sees(lena.page.locator("mark", has_text=WORD))


def works_in_the_timeline(lena: Person) -> None:
    """Tag, name and find from one event, and stay at it."""
    lena.goes("In the timeline")
    lena.sees(lena.page.locator(".events a.open")).click()
    event = lena.page.locator("#event")
    lena.sees(event)
    place = lena.page.url.split("#")[0]
    lena.fills(event, Tag="first demand")
    lena.presses("Put on", event)
    lena.sees(event.get_by_text("#first demand"))
    event.get_by_text("Name somebody or something this is about").click()
    lena.fills(event, Name="The paymaster", Role_in_the_case="suspect")
    lena.fills(event, Identifier="email:pay@fake-bank.example")
    lena.presses("Name it", event)
    lena.reads("Named in the case.")
    lena.sees(event)
    event.get_by_text("Write a finding that stands on this").click()
    lena.fills(event, Title="The wallet is named in a mail")
    lena.fills(event, What_was_found="A mail of 3 November asks for payment.")
    lena.presses("Write the finding", event)
    lena.reads("Finding 1 is a draft until another person has reviewed it.")
    lena.sees(event)
    assert lena.page.url.split("#")[0] == place, "the timeline was left"
    lena.goes("People and devices")
    lena.reads("The paymaster")


def reports(sam: Person) -> bytes:
    """Choose the finding, and take the PDF away."""
    sam.page.goto(HERE)
    sam.goes("Report")
    sam.page.get_by_label(re.compile("The wallet is named in a mail")).check()
    sam.fills(Who_reads_it="The defence")
    with sam.page.expect_download() as waits:
        sam.presses("Make the PDF")
    assert waits.value.suggested_filename.startswith(f"report-{CASE}-")
    return waits.value.path().read_bytes()


def discloses(sam: Person, folder: Path) -> None:
    """Hand the case over to the defence, sealed; have it checked as the defence would."""
    key = pyrage.x25519.Identity.generate()
    sam.goes("Disclosure")
    sam.fills(Who_gets_it="The defence", Their_name="Ms Roe", Their_keys=str(key.to_public()))
    with sam.page.expect_download() as waits:
        sam.presses("Hand it over, sealed")
    sealed = waits.value.path().read_bytes()
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(sealed, [key]))) as bundle:
        bundle.extractall(folder, filter="data")
    (script,) = folder.rglob("verify.sh")
    checked = subprocess.run(
        ["/bin/bash", "verify.sh"], cwd=script.parent, capture_output=True, text=True, check=False
    )
    assert "INTACT in itself" in checked.stdout, checked.stdout + checked.stderr
    shown = (script.parent / "data" / "findings.jsonl").read_text("utf-8")
    assert "The wallet is named in a mail" in shown


def _do(served: Served, *arguments: str, operator: str) -> None:
    code = run(["--vault", str(served.vault), "--operator", operator, *arguments])
    assert code == 0, f"{arguments}: exit {code}"


def test_from_the_order_to_the_defence(
    fresh_workbench: Served,
    office: Callable[..., Person],
    shop: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(validating.SETTING, "none")
    (tmp_path / "order.pdf").write_bytes(b"%PDF-1.7 order")
    (tmp_path / "letter.eml").write_text(MAIL)
    lena = office("lena")
    opens(lena, tmp_path / "order.pdf")
    collects(lena, shop.url, tmp_path / "letter.eml")
    examines_and_finds(lena, 3)
    works_in_the_timeline(lena)
    lena.goes("Findings", "The wallet is named in a mail")
    lena.reads("You wrote this: another person has to look at it.")

    ewa = office("ewa")
    _has_a_passkey(fresh_workbench, ewa)
    ewa.goes(CASE, "Findings", "The wallet is named in a mail")
    ewa.presses("Enter it")
    ewa.reads("finding.review")
    ewa.sees(ewa.page.get_by_role("button", name="Sign with the passkey")).click()
    ewa.reads("What you make of it is entered.")

    sam = office("sam")
    assert reports(sam).startswith(b"%PDF-1.7")
    discloses(sam, tmp_path / "defence")


def _has_a_passkey(served: Served, person: Person) -> None:
    """Make a passkey, which a second person lets count."""
    client = person.page.context.new_cdp_session(person.page)
    client.send("WebAuthn.enable")
    client.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    person.goes(person.name)
    person.presses("Make a passkey")
    person.presses("Make it")
    person.reads("waits for another person's word")
    with _vault(served) as session:
        (offer,) = logins.offers(session)
        logins.add_key(session, offer)
    person.page.goto("/")


def test_the_same_without_a_script(
    fresh_workbench: Served,
    office: Callable[..., Person],
    shop: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But for the review: a browser gives no passkey's signature without a script, and says so."""
    monkeypatch.setenv(validating.SETTING, "none")
    (tmp_path / "order.pdf").write_bytes(b"%PDF-1.7 order")
    (tmp_path / "letter.eml").write_text(MAIL)
    lena = office("lena", script=False)
    opens(lena, tmp_path / "order.pdf")
    collects(lena, f"{shop.url}f", tmp_path / "letter.eml", download=True)
    examines_and_finds(lena, 4)
    works_in_the_timeline(lena)
    _do(
        fresh_workbench, "finding", "review", "1", "--case", CASE, "--outcome", "passed",
        operator="ewa",
    )  # fmt: skip
    ewa = office("ewa", script=False)
    ewa.goes(CASE, "Findings", "The wallet is named in a mail")
    ewa.reads("peer review")
    sam = office("sam", script=False)
    assert reports(sam).startswith(b"%PDF-1.7")
    discloses(sam, tmp_path / "defence")
