"""A served workbench for tests: the fake bank's case, people in every role, a real server."""

from __future__ import annotations

import base64
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn
from selectolax.lexbor import LexborHTMLParser

from holdfast.acts import logins, vaults
from holdfast.acts.act import Limits, Session
from holdfast.api.app import Api
from holdfast.api.door import Caller, Door
from holdfast.cli.main import run
from holdfast.core import listening
from holdfast.serving.desk import Desk
from holdfast.serving.oidc.provider import Providers
from holdfast.serving.people import COOKIE, People, Person
from holdfast.testing.scenario import write
from holdfast.vault.memory import Memory
from holdfast.vault.vault import Vault
from holdfast.web.apart import Apart, by_port
from holdfast.web.app import Workbench
from holdfast.web.settings import Settings
from tests.passkeys import Authenticator
from tests.passkeys import client as as_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CASE = "2026-0001"
ROLES = {
    "lena": "lead",
    "ewa": "examiner",
    "sam": "supervisor",
    "petra": "prosecutor",
    "dan": "defence",
    "aude": "auditor",
    "tove": "trainer",
    "theo": "trainee",
}
"""Who is what in the case; `nora` is nobody in it."""
NOBODY = "nora"


@dataclass
class Lent:
    """Tokens that were given to programs."""

    callers: dict[str, Caller] = field(default_factory=dict)

    def caller(self, secret: str) -> Caller | None:
        """Return whose token it is."""
        return self.callers.get(secret)


class Signing(httpx.Client):
    """A client of somebody with a passkey: where a page asks for a signature, it gives it."""

    key: Authenticator | None = None

    def post(self, *given: Any, **options: Any) -> httpx.Response:
        """Send a form, and the signature over what it does."""
        answer = super().post(*given, **options)
        asked = LexborHTMLParser(answer.text).css_first('form[data-passkey="get"]')
        if asked is None or self.key is None:
            return answer
        challenge = str(asked.attributes["data-challenge"])
        made = self.key.sign(as_client(base64.urlsafe_b64decode(challenge + "=")))
        fields = {
            str(node.attributes["name"]): str(node.attributes.get("value") or "")
            for node in asked.css("input")
        }
        parts = {
            "authenticator": made.authenticator,
            "client": made.client,
            "signature": made.signature,
        }
        fields |= {name: base64.urlsafe_b64encode(one).decode() for name, one in parts.items()}
        return super().post(str(asked.attributes["action"]), data=fields)


@dataclass(frozen=True)
class Served:
    """A workbench that answers."""

    url: str
    vault: Path
    people: People
    problems: list[str]
    """What the server warned of."""
    lent: Lent
    """The tokens of programs."""

    def secret(self, name: str) -> str:
        """Sign somebody in; return the cookie's value."""
        return self.people.begin(Person(name, "a test"))

    def client(self, name: str = "", *, own_key: bool = False) -> httpx.Client:
        """Return a client that is signed in as `name`, and sends forms as a browser does.

        With `own_key` it has a passkey, which counts, and signs what it is asked to sign.
        """
        client = Signing(base_url=self.url, headers={"Origin": self.url}, timeout=60)
        if own_key:
            client.key = Authenticator(name)
            vault = Vault.open(self.vault)
            logins.add_key(Session(vault, "lena"), logins.Offer(name, str(client.key.passkey)))
            vault.engine.dispose()
        if name:
            client.cookies.set(COOKIE, self.secret(name))
        return client

    @cached_property
    def fuzzer(self) -> httpx.Client:
        """A program of lena's, one for all."""
        return self.program("lena")

    def program(
        self,
        name: str,
        *,
        cases: tuple[str, ...] = (),
        acts: tuple[str, ...] = (),
    ) -> httpx.Client:
        """Return a program that acts for `name`, with a token for these cases and acts."""
        secret = f"token-{len(self.lent.callers)}"
        self.lent.callers[secret] = Caller(
            Person(name, "a token"),
            limits=Limits(cases, acts) if cases or acts else None,
        )
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60)


def bank(root: Path) -> Path:
    """Make a vault with the fake bank's case, collected and examined; return its folder."""
    write(root / "evidence")
    return office(root / "vault", root / "evidence")


def office(vault: Path, evidence: Path) -> Path:
    """Make a vault with a case, its people, and evidence that was collected and examined."""
    vaults.init(vaults.NewVault(vault, "lena", "workbench.example/log"))

    def do(*arguments: object, operator: str = "lena") -> None:
        given = ["--vault", str(vault), "--operator", operator, *map(str, arguments)]
        code = run(given)
        assert code == 0, f"{arguments}: exit {code}"

    for name in (*ROLES, NOBODY):
        if name != "lena":
            do("operator", "add", name)
    do(
        *("case", "open", "--title", "The fake bank", "--basis", "CPA s. 94"),
        *("--authority", "District Court, order 17/26", "--until", "2999-12-31"),
        *("--scope", evidence),
    )
    for name, role in ROLES.items():
        if name != "lena":
            do("case", "role", name, "--case", CASE, "--add", role)
    do("collect", "files", "--case", CASE, evidence)
    do("examine", "--case", CASE, "--jobs", "1")
    work(do)
    return vault


def work(do: Callable[..., None]) -> None:
    """Write what people write while they work on a case: one of each kind and state."""
    of_case = ("--case", CASE)
    graded = (*of_case, "--grade", "B2", "--cite", "LE/1")
    do("task", "add", "Ask the registrar", *of_case, "--to", "ewa", "--due", "2999-12-31")
    do("question", "ask", *of_case, "--set", "phishing")
    do("entity", "add", "Sam Suspect", *of_case, "--sort", "person", "--role", "suspect")
    victim = ("--sort", "person", "--role", "victim", "--id", "email:vera@victim.example")
    do("entity", "add", "Vera Victim", *of_case, *victim)
    lawyer = ("--sort", "person", "--privilege", "lawyer", "--id", "email:law@yer.example")
    do("entity", "add", "Lena Lawyer", *of_case, *lawyer)
    do("entity", "link", 1, 2, *graded, "--relation", "wrote to")
    do("finding", "add", "The page asks for a PIN", *graded, "--statement", "It is sent abroad")
    for_suspect = ("--statement", "He was abroad", "--for-suspect")
    do("finding", "add", "The suspect was abroad", *graded, *for_suspect)
    do("finding", "review", 1, *of_case, "--outcome", "passed", operator="ewa")
    what = ("--what", "a black phone", "--where", "Dock Street 4, kitchen", "--person", "J. Roe")
    do("exhibit", "seize", *of_case, *what, "--seal", "S-118", "--kept", "store 2")
    do("note", "add", *of_case, "--text", "Called the bank", "--cite", "LE/1")
    do("decision", "add", *of_case, "--decision", "No search", "--reasons", "Hosted abroad")


@contextmanager
def served(
    vault: Path,
    host: str = "127.0.0.1",
    providers: Callable[[str], Providers] = lambda _url: Providers(),
) -> Iterator[Served]:
    """Serve a vault in a thread of this process, as `holdfast serve` does in its own.

    `providers` is given the address and says who else tells who somebody is.
    """
    problems: list[str] = []
    desk = Desk(vault, problems.append)
    desk.start("lena")
    people = People(desk, "lena")
    door = listening.bound(("127.0.0.1", 0))
    url = f"http://{host}:{door.getsockname()[1]}"
    side = listening.bound(("127.0.0.1", 0))
    settings = Settings(url, apart=f"http://127.0.0.1:{side.getsockname()[1]}")
    workbench = Workbench(desk, people, settings, providers(url))
    lent = Lent()
    more = [Api(desk, Door(lent, people, frozenset({url}))).mount()]
    server = uvicorn.Server(
        uvicorn.Config(
            by_port(
                workbench.application(more),
                Apart(desk, settings).application(),
                side.getsockname()[1],
            ),
            log_level="warning",
            access_log=False,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door, side]}, daemon=True)
    thread.start()
    try:
        yield Served(url, vault, people, problems, lent)
    finally:
        server.should_exit = True
        thread.join(30)
        door.close()
        side.close()


@contextmanager
def account(place: Path) -> Iterator[None]:
    """Give this process an account of its own, with none of the developer's settings."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("HOLDFAST_")]:
        del os.environ[name]
    os.environ.update(HOME=str(place), XDG_STATE_HOME=str(place / "state"))
    memory = cached_property(_remembered)
    memory.__set_name__(Vault, "memory")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Vault, "memory", memory)
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _remembered(vault: Vault) -> Memory:
    """Give each copy of a vault a memory of its own: they share a log's key, and go apart."""
    memory = Memory(str(vault.eras.first.verifier))
    memory._path = vault.root.parent / f"{vault.root.name}.seen.json"
    return memory
