"""Acts signed in sessions and by tokens: all checkers hold them to what they may sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from holdfast.acts.act import Session
from holdfast.acts.people import NewOperator, add_operator, public
from holdfast.core import clock
from holdfast.core.errors import DeniedError
from holdfast.exchange import proofs
from holdfast.exchange.check.bundle import check
from holdfast.exchange.disclosure import everything
from holdfast.vault.custody import Custody
from holdfast.vault.entry import Draft
from holdfast.vault.note import Signer
from holdfast.vault.verify import verify as verify_vault
from tests.exchange.making import Work, hand_over, new_case, verify
from tests.passkeys import Authenticator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from holdfast.core.canonical import Json

HOUR = 3_600_000_000
PLACE = "198.51.100.23"
"""From where somebody signs in: no bundle says it."""


@dataclass(frozen=True)
class Lent:
    """A key that signs for Omar."""

    work: Work
    signer: Signer

    def enter(self, *drafts: Draft, served: str = "web/omar", name: str = "omar") -> None:
        """Enter as whom it is said to be."""
        Session(self.work.session.vault, name, signer=self.signer, served=served).custody.enter(
            *drafts
        )

    def note(self, **more: str) -> None:
        """Enter an act of two entries in the case."""
        self.enter(*(Draft("note", self.work.case.id, {"text": n}) for n in ("a", "b")), **more)

    def end(self) -> None:
        """End it, as its own last act."""
        ended: dict[str, Json] = {"ended": public("omar", str(self.signer.verifier)), "reason": ""}
        self.enter(Draft("session.end", None, ended))


@pytest.fixture
def work(tmp_path: Path) -> Work:
    made = new_case(tmp_path, (b"a.txt",))
    add_operator(made.session, NewOperator("bench", roles=("workbench",)))
    return made


def begin(
    work: Work,
    by: Session | None = None,
    *,
    act: str = "session.open",
    until: int = HOUR,
    cases: tuple[str, ...] = (),
    more: dict[str, Json] | None = None,
) -> Lent:
    signer = Signer("omar", Ed25519PrivateKey.generate())
    seconds = (clock.now() + until) // 1_000_000
    facts: dict[str, Json] = {
        **public("omar", str(signer.verifier)),
        "cases": [*cases],
        "until": clock.to_text(seconds * 1_000_000),
    }
    who = by or Session(work.session.vault, "bench")
    source: dict[str, Json] = {"address": PLACE, "agent": "Firefox"}
    where: dict[str, Json] = {"source": source} if act == "session.open" else {}
    who.custody.enter(
        Draft(act, None, {"delegate": facts, "how": "password", **where, **(more or {})})
    )
    return Lent(work, signer)


def silent(_done: int, _total: int | None, _what: str) -> None:
    pass


def test_what_a_session_signs_is_intact_and_told_as_less(work: Work) -> None:
    key = Authenticator("omar", rp="bench.example")
    add_operator(work.session, NewOperator("omar", public=str(key.passkey)))
    for lent in (begin(work), begin(work, act="token.add", cases=(work.case.id,))):
        lent.note()
        if lent.signer is not None:
            lent.end()
    made = hand_over(work, work.base / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    found = check(made.folder, made.anchors)
    assert not found.problems
    told = [line for line in done.stdout.splitlines() if "begun by" in line]
    assert told, done.stdout
    assert "session" in told[0]
    assert "token" in told[0]
    assert 'begun by "bench"' in told[0].replace("\\", "")
    assert "6 are signed in a session or by a token" in done.stdout
    assert any("which is less" in str(one) for one in found.said)
    report = verify_vault(work.session.vault, 1, silent)
    assert not report.problems
    whole = b"".join(one.read_bytes() for one in made.folder.rglob("*") if one.is_file())
    assert PLACE.encode() not in whole


@pytest.mark.attack("Strips how somebody signed in from a bundle", "`verify.sh`, `check`")
@pytest.mark.parametrize(("act", "field"), [("session.open", "how"), ("token.add", "source")])
def test_of_a_sign_in_only_its_place_is_left_out(
    work: Work, act: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(work, act=act, more={"source": {"address": PLACE}} if act == "token.add" else {}).note()
    monkeypatch.setattr(proofs, "_unplaced", lambda entry: everything(entry) - {field})
    made = hand_over(work, work.base / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    told = f"fields were stripped from an entry of the vault: {field}"
    assert (done.returncode, told in done.stderr) == (1, True), done.stderr
    assert any(told in one for one in check(made.folder, made.anchors).problems)


def after_its_end(work: Work) -> None:
    lent = begin(work)
    lent.end()
    lent.note()


def over(work: Work) -> None:
    begin(work, until=-HOUR).note()


def approval(work: Work) -> None:
    answer: dict[str, Json] = {"request": 1, "settles": False}
    begin(work).enter(Draft("request.approve", work.case.id, {"answer": answer}))


def covered_approval(work: Work) -> None:
    answer: dict[str, Json] = {"request": 1, "settles": False}
    begin(work).enter(
        Draft("request.approve", work.case.id, {"answer": answer}),
        Draft("note", work.case.id, {"text": "covers it"}),
    )


def review(work: Work) -> None:
    begin(work).enter(Draft("work.review", work.case.id, {"text": "well done"}))


def begets_another(work: Work) -> None:
    lent = begin(work)
    session = Session(work.session.vault, "omar", signer=lent.signer, served="web/omar")
    begin(work, session).note()


def for_another_case(work: Work) -> None:
    begin(work, act="token.add", cases=("1999-0001",)).note(served="api/omar")


def as_somebody_else(work: Work) -> None:
    begin(work).note(name="alice", served="web/alice")


def forged(work: Work) -> None:
    lent = begin(work)

    class Forged(Signer):
        def attest(self, _message: bytes, _shown: object = (), _last: int = 0) -> dict[str, str]:
            return super().attest(b"another act")

    Lent(work, Forged("omar", lent.signer.private)).note()


ATTACKS: dict[Callable[[Work], None], tuple[str, str]] = {
    after_its_end: ("had ended", "ended by entry"),
    over: ("was over at", "was over at"),
    approval: ("asks for the person's own", "asks for the person's own"),
    covered_approval: ("asks for the person's own", "asks for the person's own"),
    review: ("asks for the person's own", "asks for the person's own"),
    begets_another: ("asks for the person's own", "asks for the person's own"),
    for_another_case: ("not for its case", "is not for case"),
    as_somebody_else: ("another than its actor", "is omar's"),
    forged: ("does not verify", ""),
}


@pytest.mark.attack(
    "Signs with a session's or a token's key what it may not: approvals, after its end, elsewhere",
    "the act; `verify`, `verify.sh`, `check`",
)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.__name__)
def test_what_no_session_may_sign_is_refused_by_all(
    work: Work, attack: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    why, at_once = ATTACKS[attack]
    if at_once:
        with pytest.raises(DeniedError, match=at_once):
            attack(work)
    # Whoever has the log's key is held up by no check of ours.
    monkeypatch.setattr(Custody, "_check_key", lambda *_: 0)
    attack(work)
    made = hand_over(work, work.base / "handover")
    monkeypatch.undo()
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 1, done.stdout
    assert why in done.stderr
    assert any(why in one for one in check(made.folder, made.anchors).problems)
    problems = verify_vault(work.session.vault, 1, silent).problems
    own = "is omar's" if attack is as_somebody_else else why
    assert any(own in one for one in problems), problems


@pytest.mark.attack(
    "Lets a session begin for another person, without being the workbench", "`verify`"
)
def test_only_the_person_or_the_workbench_begins_a_session(work: Work) -> None:
    add_operator(work.session, NewOperator("mallory"))
    begin(work, Session(work.session.vault, "mallory")).note()
    problems = verify_vault(work.session.vault, 1, silent).problems
    assert any("without the role workbench" in one for one in problems), problems


@pytest.mark.attack("Acts in the browser with a key that the server can use", "the act; `verify`")
def test_a_key_of_the_keyring_counts_for_nobody_who_is_served(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = work.session.vault
    kept = vault.keyring.operator("alice")
    with pytest.raises(DeniedError, match="sign with a passkey"):
        Session(vault, "alice", signer=kept, served="web/alice").custody.enter(
            Draft("note", None, {"text": "n"})
        )
    monkeypatch.setattr(Custody, "_check_key", lambda *_: 0)
    Session(vault, "alice", signer=kept, served="web/alice").custody.enter(
        Draft("note", None, {"text": "n"})
    )
    monkeypatch.undo()
    assert any("signed by no passkey" in one for one in verify_vault(vault, 1, silent).problems)
