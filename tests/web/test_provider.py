"""Sign-in by OpenID Connect, at a provider that we didn't write: oidc-provider, run here.

The attacks are made with that provider's own tokens, altered, and signed again with its own key.
"""

from __future__ import annotations

import base64
import hmac
import json
import shutil
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import RSAKey
from sqlalchemy import delete

from holdfast.acts import binding, logins
from holdfast.core.errors import RemoteError
from holdfast.serving.oidc import provider as asking
from holdfast.serving.oidc.provider import Providers
from holdfast.serving.people import COOKIE
from holdfast.vault.accounts import attempts
from holdfast.vault.verify import verify
from holdfast.web.visit import onward
from tests import serving
from tests.oidc.provider import OTHER, Relay, running, sign_in
from tests.web.test_signing_in import entries, lena

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.serving import Served

PLACE = "/sign-in/provider"


@pytest.fixture(scope="module")
def door(
    bank: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, list[Relay]]]:
    """A workbench, and two providers that it lets people in by; sam is bound at both."""
    vault = tmp_path_factory.mktemp("provider") / "vault"
    shutil.copytree(bank, vault)
    with ExitStack() as ends:
        relays: list[Relay] = []

        def providers(url: str) -> Providers:
            uris = [[f"{url}{PLACE}/{one}/back"] for one in ("unit", "court")]
            relays.extend(ends.enter_context(running(uris, f"{url}/sign-in")))
            unit, court = relays
            two = ("urn:unit:two-factors",)
            return Providers.of((unit.settings("unit"), court.settings("court", acr=two)))

        served = ends.enter_context(serving.served(vault, "localhost", providers))
        with lena(served) as session:
            for name in ("sam", "petra"):
                logins.set_account(session, logins.SetAccount(name, new=True))
            for relay in relays:
                binding.bind(session, binding.Bind("sam", relay.url, "s-1"))
        yield served, relays


@pytest.fixture
def unit(door: tuple[Served, list[Relay]]) -> Iterator[Relay]:
    """The first provider, which alters nothing any more when the test is over."""
    served, (relay, _) = door
    yield relay
    relay.alter = lambda _path, answer: answer
    with lena(served) as session, session.vault.engine.begin() as connection:
        connection.execute(delete(attempts))  # or the next test would wait for this one's failures


class Way:
    """One person's way by a provider: here to there and back, with a browser's cookies."""

    def __init__(self, served: Served, id_: str, subject: str = "s-1", after: str = "") -> None:
        self.served, self.id, self.subject = served, id_, subject
        self.here = httpx.Client(base_url=served.url, timeout=60)
        self.there = httpx.Client(timeout=60)
        begun = self.here.get(f"{PLACE}/{id_}", params={"next": after} if after else {})
        assert begun.status_code == 303, begun.text
        self.address = begun.headers["location"]

    def __enter__(self) -> Way:
        return self

    def __exit__(self, *_: object) -> None:
        self.here.close()
        self.there.close()

    def answer(self, **changed: str) -> str:
        """Sign in there; return where the browser is sent. `changed` are fields of the question."""
        address = altered(self.address, **changed)
        return sign_in(self.there, address, self.subject, f"{self.served.url}{PLACE}")

    def back(self, address: str) -> httpx.Response:
        """Come back."""
        return self.here.get(address)

    def is_in(self) -> bool:
        """Say whether the workbench knows who this is."""
        return self.here.get("/").status_code == 200


def altered(address: str, **changed: str) -> str:
    parts = urlsplit(address)
    query = {**dict(parse_qsl(parts.query)), **changed}
    return urlunsplit(parts._replace(query=urlencode({k: v for k, v in query.items() if v})))


def test_who_is_bound_comes_in_and_the_entry_says_how(
    door: tuple[Served, list[Relay]], unit: Relay
) -> None:
    """`court` is asked for two factors, and says that it asked; `unit` says nothing of it."""
    served, (_, court) = door
    with Way(served, "unit", after="/account?x=1") as way:
        answer = way.back(way.answer())
        assert answer.status_code == 200
        assert 'content="0; url=/account?x=1"' in answer.text
        assert "SameSite=strict" in answer.headers["set-cookie"].replace("samesite", "SameSite")
        assert way.is_in()
        assert f"oidc {unit.url}" in way.here.get("/account").text
    (opened,) = [e for e in entries(served, "session.open") if e["how"] == f"oidc {unit.url}"]
    assert opened["delegate"]["name"] == "sam"
    assert opened["actor"]["name"] == "workbench"
    assert opened["provider"] == {"acr": None, "amr": [], "subject": "s-1"}
    court.alter = lambda path, told: (
        {**told, "id_token": court.resigned(told["id_token"], {}, acr="urn:unit:two-factors",
                                            amr=["pwd", "otp"])}
        if path == "/token" else told
    )  # fmt: skip
    with Way(served, "court") as way:
        assert parse_qs(urlsplit(way.address).query)["acr_values"] == ["urn:unit:two-factors"]
        assert way.back(way.answer()).status_code == 200
    said = entries(served, "session.open")[-1]["provider"]
    assert (said["acr"], said["amr"]) == ("urn:unit:two-factors", ["pwd", "otp"])
    court.alter = lambda _path, answer: answer
    with Way(served, "court") as way:
        assert way.back(way.answer()).status_code == 403
        assert not way.is_in()
    assert "acr" in entries(served, "session.denied")[-1]["reason"]
    with lena(served) as session:
        assert not verify(session.vault, 1, lambda *_: None).problems


def test_nobody_is_made_by_a_provider_and_whom_to_ask_is_said(
    door: tuple[Served, list[Relay]], unit: Relay
) -> None:
    """Bound on the page of accounts; unbound, the session is over and the way in shut."""
    served, _ = door
    with Way(served, "unit", "p-7") as way:
        answer = way.back(way.answer())
        assert answer.status_code == 403
        assert "p-7" in answer.text
        assert "the duty supervisor" in answer.text
        assert not way.is_in()
    denied = entries(served, "session.denied")[-1]
    assert denied["name"] is None
    assert "'p-7'" in denied["reason"]
    facts = {"issuer": unit.url, "subject": "p-7"}
    with served.client("ewa") as client:
        assert client.get("/accounts").status_code == 403
        assert client.post("/accounts/bind", data={"name": "ewa", **facts}).status_code == 403
    with served.client("lena") as client, Way(served, "unit", "p-7") as way:
        given = client.post("/accounts/bind", data={"name": "petra", **facts})
        assert given.headers["location"] == "/accounts"
        twice = client.post("/accounts/bind", data={"name": "sam", **facts})
        assert (twice.status_code, "bound to petra" in twice.text) == (400, True)
        assert way.back(way.answer()).status_code == 200
        assert way.is_in()
        assert "p-7" in client.get("/accounts").text
        client.post("/accounts/unbind", data={**facts, "reason": "left"})
        assert not way.is_in()
    with Way(served, "unit", "p-7") as way:
        assert way.back(way.answer()).status_code == 403
    assert [e["bound"]["name"] for e in entries(served, "account.bind")][-1] == "petra"
    with lena(served) as session:
        logins.set_account(session, logins.SetAccount("sam", locked=True))
    with Way(served, "unit") as way:
        assert way.back(way.answer()).status_code == 403
    assert entries(served, "session.denied")[-1]["reason"] == "the account is locked"
    with lena(served) as session:
        logins.set_account(session, logins.SetAccount("sam", locked=False))
        assert not verify(session.vault, 1, lambda *_: None).problems


def _unsigned(relay: Relay, token: str) -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def _keyed_with_the_public(relay: Relay, token: str) -> str:
    """Signed by HS256 with the text of the public key, which anybody has."""
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"first"}').rstrip(b"=")
    signed = b".".join((header, token.split(".")[1].encode()))
    mac = hmac.digest(relay.key.as_pem(private=False), signed, "sha256")
    return b".".join((signed, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()


def _of_a_stranger(relay: Relay, token: str) -> str:
    claims = base64.urlsafe_b64decode(token.split(".")[1] + "==")
    key = RSAKey.generate_key(2048, {"kid": "first"})
    return jws.serialize_compact({"alg": "RS256", "kid": "first"}, claims, key, ["RS256"])


def _claims(**changed: Any) -> Callable[[Relay, str], str]:
    return lambda relay, token: relay.resigned(token, {}, **changed)


NOW = int(time.time())
TOKENS: dict[str, tuple[Callable[[Relay, str], str], str]] = {
    "alg none": (_unsigned, "private key"),
    "HS256 with the public key": (_keyed_with_the_public, "private key"),
    "another's key": (_of_a_stranger, "signature"),
    "a changed letter": (lambda _relay, token: token[:-8] + "AAAAAAAA", "signature"),
    "other audience": (_claims(aud=OTHER), "(aud)"),
    "two audiences": (_claims(aud=["holdfast", OTHER], azp="holdfast"), "(aud)"),
    "other azp": (_claims(azp=OTHER), "(azp)"),
    "other issuer": (_claims(iss="https://elsewhere.example"), "(iss)"),
    "expired": (_claims(exp=NOW - 3600), "(exp)"),
    "no expiry": (_claims(exp=None), "(exp)"),
    "true as expiry": (_claims(exp=True), "(exp)"),
    "made yesterday": (_claims(iat=NOW - 86400, exp=NOW + 86400), "(iat)"),
    "wrong nonce": (_claims(nonce="another"), "(nonce)"),
    "no nonce": (_claims(nonce=None), "(nonce)"),
    "nobody": (_claims(sub=None), "(sub)"),
    "a subject of other letters": (_claims(sub="s-1\u202e"), "(sub)"),
    "no token": (lambda _relay, _token: "x", "private key"),
}


@pytest.mark.attack(
    "Alters a provider's token: nonce, audience, issuer, time, alg none, HS256 with the public key",
    "the server: each claim and the signature are checked; an entry",
)
def test_altered_tokens_let_nobody_in(door: tuple[Served, list[Relay]], unit: Relay) -> None:
    served, _ = door
    said = {}
    for what, (alter, _) in TOKENS.items():
        unit.alter = lambda path, told, alter=alter: (  # type: ignore[misc]
            {**told, "id_token": alter(unit, told["id_token"])} if path == "/token" else told
        )
        with Way(served, "unit") as way:
            answer = way.back(way.answer())
            assert not way.is_in(), what
            assert answer.status_code == 403, f"{what}: {answer.text}"
            said[what] = answer.text
    for what, (_, why) in TOKENS.items():
        assert why in said[what], what
    # The first five of a source are an entry each, then the doublings.
    reasons = " ".join(e["reason"] for e in entries(served, "session.denied"))
    assert all(why in reasons for _, why in [*TOKENS.values()][:5])


@pytest.mark.attack(
    "Brings another's answer of a provider: replayed, of another browser, of another provider",
    "the server: state, once, in a sealed cookie; the issuer in the answer; PKCE",
)
def test_anothers_answer_lets_nobody_in(door: tuple[Served, list[Relay]], unit: Relay) -> None:
    served, (_, court) = door
    with Way(served, "unit") as way:
        kept = dict(way.here.cookies)
        answer = way.answer()
        for name in ("state", "code"):
            assert way.back(altered(answer, **{name: ""})).status_code == 403
            way.here.cookies.update(kept)
        assert not way.is_in()
    with Way(served, "unit") as way:  # replayed
        kept, answer = dict(way.here.cookies), way.answer()
        assert way.back(answer).status_code == 200
        with httpx.Client(base_url=served.url, cookies=kept) as thief:
            again = thief.get(answer)
            assert (again.status_code, COOKIE in thief.cookies) == (403, False)
            assert "used already" in again.text
    with Way(served, "unit") as victim, Way(served, "unit", "p-9") as attacker:  # forced sign-in
        assert victim.back(attacker.answer()).status_code == 403
        assert not victim.is_in()
    with Way(served, "unit") as victim, Way(served, "unit") as attacker:  # an injected code
        stolen = dict(parse_qsl(urlsplit(victim.answer()).query))["code"]
        refused = attacker.back(altered(attacker.answer(), code=stolen))
        assert refused.status_code == 403
        assert "does not take the code" in refused.text
    for stripped in ({}, {"iss": ""}):  # mix-up: asked of one provider, answered by another
        with Way(served, "unit") as way, Way(served, "court") as other:
            state = dict(parse_qsl(urlsplit(way.address).query))["state"]
            mixed = altered(other.answer(state=state), **stripped)
            tokens = [one.asked.count("/token") for one in (unit, court)]
            refused = way.back(mixed.replace("/court/", "/unit/"))
            assert (refused.status_code, "(iss)" in refused.text) == (403, True)
            assert way.back(mixed).status_code == 403
            assert not way.is_in()
            assert tokens == [one.asked.count("/token") for one in (unit, court)]
    with httpx.Client(base_url=served.url) as stranger:
        assert stranger.get(f"{PLACE}/unit/back?code=a&state=b").status_code == 403
        assert stranger.get(f"{PLACE}/nobody").status_code == 404
        assert stranger.get(f"{PLACE}/nobody/back?code=a").status_code == 404
    with Way(served, "unit") as way:
        refused = way.back(altered(way.answer(), code="", error="access_denied"))
        assert "access_denied" in refused.text
    with lena(served) as session:
        assert not verify(session.vault, 1, lambda *_: None).problems


def test_a_wrong_nonce_of_the_providers_own_is_refused(
    door: tuple[Served, list[Relay]], unit: Relay
) -> None:
    """The question is changed on its way: what comes back is the provider's, and not an answer."""
    served, _ = door
    for changed in ({"nonce": "another"}, {"code_challenge": "A" * 43}):
        with Way(served, "unit") as way:
            assert way.back(way.answer(**changed)).status_code == 403
            assert not way.is_in()


def test_keys_change_while_the_server_goes_on(
    door: tuple[Served, list[Relay]], unit: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that names a key nobody knows has the keys fetched, but not for each such token."""
    served, _ = door
    second = RSAKey.generate_key(2048, {"kid": "second"})

    def alter(path: str, told: dict[str, Any]) -> Any:
        if path == "/jwks":
            return {"keys": [second.as_dict(private=False, use="sig"), {"kty": "odd"}, 7]}
        if path == "/token":
            claims = base64.urlsafe_b64decode(told["id_token"].split(".")[1] + "==")
            header = {"alg": "PS256", "kid": "second"}
            told["id_token"] = jws.serialize_compact(header, claims, second, ["PS256"])
        return told

    with Way(served, "unit") as way:
        assert way.back(way.answer()).status_code == 200
    unit.alter = alter
    fetched = unit.asked.count("/jwks")
    with Way(served, "unit") as way:
        assert way.back(way.answer()).status_code == 403
    assert unit.asked.count("/jwks") == fetched  # fetched a moment ago
    monkeypatch.setattr(asking, "AGAIN", 0.0)
    with Way(served, "unit") as way:
        assert way.back(way.answer()).status_code == 200
    assert unit.asked.count("/jwks") == fetched + 1
    unit.alter = lambda _path, answer: answer
    with Way(served, "unit") as way:
        assert way.back(way.answer()).status_code == 200


def test_a_provider_leads_the_server_nowhere_else(
    door: tuple[Served, list[Relay]], unit: Relay
) -> None:
    """What discovery names is asked only at places of the settings; answers have a limit."""
    settings = unit.settings("unit")
    elsewhere = {
        "token_endpoint": "http://169.254.169.254/token",
        "jwks_uri": "http://127.0.0.1:1/keys",
        "authorization_endpoint": "javascript:alert(1)",
        "end_session_endpoint": f"{unit.url}@elsewhere.example/",
        "issuer": unit.url + "/",
        "code_challenge_methods_supported": ["plain"],
    }
    for name, value in elsewhere.items():
        unit.alter = lambda _path, told, name=name, value=value: {**told, name: value}  # type: ignore[misc]
        with pytest.raises(RemoteError):
            asking.Provider(settings)._known()
    for body in (b"[]", b"{", b"[" * 100_000, b" " * (1 << 21)):
        unit.alter = lambda _path, _told, body=body: body  # type: ignore[misc]
        with pytest.raises(RemoteError):
            asking.Provider(settings)._known()


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example",
     "javascript:alert(1)", "/\n/evil.example", "evil.example", "\\\\evil.example", "/a\u2028b"],
)  # fmt: skip
def test_the_way_back_leads_nowhere_else(
    door: tuple[Served, list[Relay]], unit: Relay, address: str
) -> None:
    assert onward(address) == "/"
    served, _ = door
    if address in {"//evil.example", "/\t/evil.example"}:
        with Way(served, "unit", after=address) as way:
            answer = way.back(way.answer())
            assert answer.status_code == 200
            assert "evil" not in answer.text


def test_a_browser_without_scripts_goes_there_and_back(
    door: tuple[Served, list[Relay]], unit: Relay, browser: Browser
) -> None:
    """The provider is another site: our cookie must survive the way from it, and the policy too."""
    served, _ = door
    context = browser.new_context(
        base_url=served.url, locale="en-GB", java_script_enabled=False,
        viewport={"width": 320, "height": 640},
    )  # fmt: skip
    page = context.new_page()
    page.goto("/account")
    page.get_by_role("link", name="Sign in with Directory unit").click()
    page.locator("[name=login]").fill("s-1")
    page.locator("[name=password]").fill("any")
    page.locator("button[type=submit]").first.click()
    page.wait_for_url("**/account")
    page.get_by_text("this one").wait_for()
    assert f"oidc {unit.url}" in page.inner_text("main")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign out of Directory unit, too").click()
    page.wait_for_url(f"{unit.url}/session/end**")
    context.close()
