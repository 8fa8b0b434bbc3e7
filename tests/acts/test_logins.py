"""Accounts of the workbench: passwords, codes, tries, sessions, tokens; and what the log says."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import select

from holdfast.acts import admitting, knowing, logins, trying
from holdfast.acts.act import Session
from holdfast.acts.people import NewOperator, add_operator
from holdfast.acts.trying import Came
from holdfast.core import clock
from holdfast.core.errors import DeniedError, InputError
from holdfast.vault import accounts, database
from holdfast.vault.entry import Draft
from holdfast.vault.verify import verify
from tests.line import Line
from tests.passkeys import Authenticator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "correct horse battery"  # noqa: S105 - of a test
HOME, AWAY = Came("192.0.2.7", "a browser"), Came("198.51.100.9", "another")


@pytest.fixture
def line(tmp_path: Path) -> Line:
    made = Line(tmp_path / "vault", "")
    made.must("init")
    return made


@pytest.fixture
def alice(line: Line) -> Iterator[Session]:
    """The first operator; Anna has an account with a password, and no key."""
    from holdfast.vault.vault import Vault  # noqa: PLC0415

    session = Session(Vault.open(line.vault), "alice")
    admitting.prepare(session)
    logins.set_account(session, logins.SetAccount("anna", new=True, password=PASSWORD))
    yield session
    session.vault.engine.dispose()


@pytest.fixture
def server(alice: Session) -> Session:
    return Session(alice.vault, admitting.SERVER)


def _code(secret: bytes) -> str:
    made = TOTP(secret, 6, SHA1(), 30)  # noqa: S303 - RFC 6238's own
    return made.generate(clock.now() // 1_000_000).decode()


def act_names(session: Session) -> list[str]:
    head = session.vault.current()
    return [one.act for one in session.vault.log.entries(0, head.size)]


def last(session: Session) -> dict[str, object]:
    size = session.vault.current().size
    (entry,) = session.vault.log.entries(size - 1, size)
    return dict(entry.fields)


def intact(session: Session) -> None:
    assert not verify(session.vault, 1, lambda *_: None).problems


def test_a_session_acts_until_it_is_ended(server: Session) -> None:
    secret = admitting.by_password(server, "anna", PASSWORD, "", HOME)
    assert last(server)["how"] == "password"
    assert last(server)["source"] == {"address": "192.0.2.7", "agent": "a browser"}
    held = admitting.held(server.vault.engine, secret)
    assert held is not None
    anna = Session(server.vault, "anna", signer=held.signer, served="web/anna")
    anna.custody.enter(Draft("note", None, {"text": "read it"}))
    assert admitting.held(server.vault.engine, secret + "x") is None
    (one,) = admitting.in_force(anna, "anna")
    admitting.end(anna, one.key_id, "signed out")
    assert admitting.held(server.vault.engine, secret) is None
    with pytest.raises(DeniedError, match="ended by entry"):
        anna.custody.enter(Draft("note", None, {"text": "and again"}))
    intact(server)


@pytest.mark.attack(
    "Takes the database, with the rows of sessions, and acts in them", "the seal of each row"
)
def test_a_stolen_database_opens_no_session(server: Session) -> None:
    secret = admitting.by_password(server, "anna", PASSWORD, "", HOME)
    with server.vault.engine.connect() as connection:
        row = connection.execute(accounts.sessions.select()).one()
    assert secret not in str(row)
    assert admitting.held(server.vault.engine, row.digest) is None
    assert accounts.open_key(row.digest, row.key) is None
    assert accounts.open_key(secret, row.key) is not None


@pytest.mark.attack(
    "Guesses at an account, or at many", "the server: waits where the guesser sits; entries"
)
def test_who_guesses_waits_and_the_person_elsewhere_does_not(server: Session) -> None:
    for _ in range(trying.FREE):
        with pytest.raises(DeniedError, match="don't belong together"):
            admitting.by_password(server, "anna", "wrong", "", AWAY)
    denied = last(server)
    assert (denied["act"], denied["name"], denied["tries"]) == ("session.denied", "anna", 1)
    with pytest.raises(DeniedError, match="wait"):
        admitting.by_password(server, "anna", PASSWORD, "", AWAY)
    admitting.by_password(server, "anna", PASSWORD, "", HOME)
    assert act_names(server).count("session.denied") == trying.FREE


def test_no_flood_of_entries_and_none_is_lost(
    server: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = clock.now() // trying.MINUTE * trying.MINUTE
    monkeypatch.setattr(clock, "now", lambda: at)
    for number in range(60):
        came = Came(f"203.0.113.{number}")
        trying.failed(server, None, f"typed {number}", came, how="password", why="no such")
    assert act_names(server).count("session.denied") == trying.A_MINUTE
    monkeypatch.setattr(clock, "now", lambda: at + trying.MINUTE)
    trying.failed(server, None, "typed 59", Came("203.0.113.59"), how="password", why="no such")
    said = last(server)
    assert (said["name"], said["tries"]) == (None, 2)
    assert "typed" not in str(said), "people type passwords where the name goes"


def test_a_source_of_ipv6_is_its_network() -> None:
    assert Came("2001:db8::1").source == Came("2001:db8::ffff:2").source == "2001:db8::/64"
    assert Came("::ffff:192.0.2.7").source == "192.0.2.7"


def test_what_is_wrong_looks_the_same(server: Session, alice: Session) -> None:
    said = set()
    logins.set_account(alice, logins.SetAccount("anna", locked=True))
    for name, password in (("anna", PASSWORD), ("anna", "wrong"), ("nobody", "wrong")):
        with pytest.raises(DeniedError) as refused:
            admitting.by_password(server, name, password, "", HOME)
        said.add(str(refused.value))
    assert len(said) == 1


def test_a_code_is_asked_and_counts_once(server: Session, alice: Session) -> None:
    """RFC 6238, 5.2: "The verifier MUST NOT accept the second attempt of the OTP"."""
    secret, sealed = knowing.new_totp(alice, "anna")
    logins.set_account(alice, logins.SetAccount("anna", totp=sealed))
    code = _code(secret)
    with pytest.raises(DeniedError):
        admitting.by_password(server, "anna", PASSWORD, "", HOME)
    admitting.by_password(server, "anna", PASSWORD, code, HOME)
    assert last(server)["how"] == "password+totp"
    with pytest.raises(DeniedError):
        admitting.by_password(server, "anna", PASSWORD, code, HOME)


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "94287082"), (1111111109, "07081804"), (20000000000, "65353130")]
)
def test_codes_are_those_of_the_rfc(
    monkeypatch: pytest.MonkeyPatch, seconds: int, code: str
) -> None:
    """RFC 6238, appendix B: "12345678901234567890" with SHA-1; the last six of its eight digits."""
    monkeypatch.setattr(clock, "now", lambda: seconds * 1_000_000)
    assert knowing.code_of(b"12345678901234567890", code[2:], -1) == seconds // 30
    assert knowing.code_of(b"12345678901234567890", code[2:], seconds // 30) is None


def test_codes_are_guessed_at_from_nowhere(server: Session, alice: Session) -> None:
    _, sealed = knowing.new_totp(alice, "anna")
    logins.set_account(alice, logins.SetAccount("anna", totp=sealed))
    for number in range(trying.CODES):
        with pytest.raises(DeniedError):
            admitting.by_password(server, "anna", PASSWORD, "000000", Came(f"203.0.113.{number}"))
    assert trying.codes_refused(server.vault.engine, "anna")


@pytest.mark.parametrize("password", ["short", "x" * 300, "aaaaaaaaaaaaaaa", "anna-anna-anna-1"])
def test_a_poor_password_is_refused(alice: Session, password: str) -> None:
    with pytest.raises(InputError):
        logins.set_account(alice, logins.SetAccount("anna", password=password))


def test_locking_ends_all_sessions(server: Session, alice: Session) -> None:
    secret = admitting.by_password(server, "anna", PASSWORD, "", HOME)
    logins.set_account(alice, logins.SetAccount("anna", locked=True))
    assert admitting.held(server.vault.engine, secret) is None
    assert act_names(server)[-2:] == ["account.set", "session.end"]
    assert not set(map(str, last(server).values())) & {PASSWORD}
    intact(server)


def test_only_who_may_changes_anothers_account(server: Session, alice: Session) -> None:
    add_operator(alice, NewOperator("bob"))
    bob = Session(alice.vault, "bob")
    for request in (
        logins.SetAccount("anna", password=PASSWORD + "!"),
        logins.SetAccount("eve", new=True, password=PASSWORD),
        logins.SetAccount("anna", locked=False),
    ):
        with pytest.raises(DeniedError):
            logins.set_account(bob, request)
    secret = admitting.by_password(server, "anna", PASSWORD, "", HOME)
    held = admitting.held(server.vault.engine, secret)
    assert held is not None
    anna = Session(alice.vault, "anna", signer=held.signer, served="web/anna")
    logins.set_account(anna, logins.SetAccount("anna", password=PASSWORD[::-1]))
    with pytest.raises(DeniedError):
        logins.set_account(anna, logins.SetAccount("anna", locked=False))
    admitting.by_password(server, "anna", PASSWORD[::-1], "", HOME)


@pytest.mark.attack(
    "Offers a passkey of their own as another's, in a session of theirs", "the act; `verify`"
)
def test_a_passkey_counts_when_another_person_has_confirmed_it(
    server: Session, alice: Session
) -> None:
    secret = admitting.by_password(server, "anna", PASSWORD, "", HOME)
    held = admitting.held(server.vault.engine, secret)
    assert held is not None
    anna = Session(alice.vault, "anna", signer=held.signer, served="web/anna")
    key = Authenticator("anna", rp="bench.example")
    offer = logins.Offer("anna", str(key.passkey))
    logins.offer(anna, offer)
    with pytest.raises(DeniedError, match="own"):
        logins.add_key(anna, offer)
    assert logins.passkeys_of(alice, "anna", "bench.example") == []
    assert logins.offers(alice) == [offer]
    logins.add_key(alice, offer)
    assert logins.passkeys_of(alice, "anna", "bench.example") == [key.passkey]
    assert logins.offers(alice) == []
    logins.drop_key(alice, logins.DropKey("anna", key.passkey.key_id.hex(), "lost"))
    assert logins.passkeys_of(alice, "anna", "bench.example") == []
    intact(alice)


def test_a_token_does_what_it_is_for(alice: Session) -> None:
    secret = logins.add_token(alice, logins.NewToken("export", 1, (), ("timeline",)))
    held = admitting.held(alice.vault.engine, secret, "token")
    assert admitting.held(alice.vault.engine, secret) is None, "no browser's cookie"
    assert held is not None
    assert held.limits is not None
    program = Session(
        alice.vault, "alice", signer=held.signer, served="api/alice", limits=held.limits
    )
    with pytest.raises(DeniedError, match=r"not for account\.set"):
        logins.set_account(program, logins.SetAccount("anna", locked=True))
    with pytest.raises(InputError, match="no token can do"):
        logins.add_token(alice, logins.NewToken("x", 1, (), ("request.approve",)))
    intact(alice)


def test_the_commands_say_what_they_did(line: Line) -> None:
    made = line.must("account", "add", "eve", "--json").row
    assert len(made["password"]) > 20
    assert line.must("account", "totp", "eve", "--json").row["uri"].startswith("otpauth://totp/")
    assert base64.b32decode(
        line.must("account", "totp", "eve", "--json").row["secret"].replace(" ", "")
    )
    (row,) = line.must("account", "list", "--json").rows
    assert (row["name"], row["ways"], row["locked"]) == ("eve", ["password", "totp"], False)
    line.must("account", "lock", "eve")
    assert "LOCKED" in line.must("account", "list").out
    token = line.must("token", "add", "export", "--days", "2", "--json").row["token"]
    (one,) = line.must("token", "list", "--json").rows
    assert one["label"] == "export"
    assert token not in str(one)
    line.must("token", "end", one["key_id"])
    assert line.must("token", "list", "--json").rows == []
    secrets = (made["password"], token)
    log = line.must("custody", "--json").out
    assert not any(secret in log for secret in secrets)
    line.must("verify")


def test_of_failures_at_the_same_time_none_is_lost(postgres_database: str) -> None:
    """Workers count together: on PostgreSQL two transactions could both write the same number."""
    first = database.connect(postgres_database)
    database.prepare(first)
    engines = [first, database.connect(postgres_database)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: trying.wrong_code(engines[n % 2], "anna"), range(24)))
    with first.connect() as connection:
        assert connection.scalar(select(accounts.attempts.c.failures)) == 24
    for engine in engines:
        engine.dispose()
