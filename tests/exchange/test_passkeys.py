"""Acts signed with passkeys, in bundles: both checkers hold every byte to WebAuthn's rules."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from holdfast.acts.act import Session
from holdfast.acts.people import NewOperator, add_operator
from holdfast.core.errors import DeniedError
from holdfast.exchange.check.bundle import check
from holdfast.vault.entry import Draft
from holdfast.vault.verify import verify as verify_vault
from holdfast.vault.webauthn import PRESENT, VERIFIED, Assertion
from tests.exchange.making import Work, copied_case, files, hand_over, remanifest, verify, write
from tests.passkeys import MAKERS, Authenticator, Forger, client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from holdfast.vault.signing import ActSigner


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return copied_case(tmp_path, (b"a.txt",))


def enter(work: Work, key: Authenticator, signer: ActSigner | None = None, times: int = 1) -> None:
    """Enter notes of Omar's in the case, two entries an act."""
    omar = Session(work.session.vault, "omar", signer=signer or key.signer())
    for _ in range(times):
        omar.custody.enter(*(Draft("note", work.case.id, {"text": n}) for n in ("one", "two")))


def introduce(work: Work, key: Authenticator) -> None:
    add_operator(work.session, NewOperator("omar", public=str(key.passkey)))


def silent(_done: int, _total: int | None, _what: str) -> None:
    pass


@pytest.mark.parametrize("algorithm", sorted(MAKERS))
def test_each_algorithm_signs_acts_that_both_checkers_accept(work: Work, algorithm: str) -> None:
    key = Authenticator("omar", algorithm)
    introduce(work, key)
    enter(work, key, times=2)
    made = hand_over(work, work.base / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    assert "omar" in next(line for line in done.stdout.splitlines() if line.startswith("Actors"))
    assert "MARKED" not in done.stdout
    report = verify_vault(work.session.vault, 1, silent)
    assert not report.problems
    assert not report.marked
    assert sum(path.endswith("act.client") for path in files(made.folder)) == 2


def test_extensions_and_a_member_that_browsers_add_are_accepted(work: Work) -> None:
    """Chromium sometimes adds one, so that nobody compares the whole with a template."""
    key = Authenticator("omar")
    introduce(work, key)
    forger = Forger(
        key.passkey,
        lambda c: key.sign(client(c, other_keys="may come"), flags=0x85, more=b"\xa0"),
    )
    enter(work, key, forger)
    made = hand_over(work, work.base / "handover")
    assert verify(made.folder, "--anchors", made.anchors).returncode == 0


def wrong_challenge(key: Authenticator, _challenge: bytes) -> Assertion:
    return key.sign(client(hashlib.sha256(b"another act").digest()))


def other_origin(key: Authenticator, challenge: bytes) -> Assertion:
    return key.sign(client(challenge, "https://localhost.evil.example"))


def other_party(key: Authenticator, challenge: bytes) -> Assertion:
    return key.sign(client(challenge), rp="evil.example")


def in_a_frame(key: Authenticator, challenge: bytes) -> Assertion:
    return key.sign(client(challenge).replace(b":false", b":true"))


def enrolment(key: Authenticator, challenge: bytes) -> Assertion:
    return key.sign(client(challenge, kind="webauthn.create"))


def unverified(key: Authenticator, challenge: bytes) -> Assertion:
    return key.sign(client(challenge), flags=PRESENT)


def nobody(key: Authenticator, challenge: bytes) -> Assertion:
    return key.sign(client(challenge), flags=VERIFIED)


def another_credential(key: Authenticator, challenge: bytes) -> Assertion:
    return Authenticator("omar").sign(client(challenge))


def altered_client(key: Authenticator, challenge: bytes) -> Assertion:
    """The act that was signed was another; its client data is made to fit."""
    return replace(key.sign(client(b"x" * 32)), client=client(challenge))


def altered_flags(key: Authenticator, challenge: bytes) -> Assertion:
    made = key.sign(client(challenge), flags=PRESENT)
    data = bytearray(made.authenticator)
    data[32] |= VERIFIED
    return replace(made, authenticator=bytes(data))


def more_data(key: Authenticator, challenge: bytes) -> Assertion:
    return key.sign(client(challenge), more=b"\0")


ATTACKS: dict[Callable[[Authenticator, bytes], Assertion], str] = {
    wrong_challenge: "challenge is not this act's",
    other_origin: "of another origin than localhost",
    other_party: "for another relying party than localhost",
    in_a_frame: "not what a browser says",
    enrolment: "not what a browser says",
    unverified: "flag UV",
    nobody: "flag UP",
    another_credential: "does not verify",
    altered_client: "does not verify",
    altered_flags: "does not verify",
    more_data: "authenticator data is malformed",
}


@pytest.mark.attack("Forges a passkey's signature of an act", "`verify`, `verify.sh`, `check`")
@pytest.mark.parametrize("forge", ATTACKS, ids=lambda one: one.__name__)
def test_what_no_honest_signature_is_is_refused_by_all(
    work: Work, forge: Callable[[Authenticator, bytes], Assertion]
) -> None:
    key, why = Authenticator("omar"), ATTACKS[forge]
    introduce(work, key)
    enter(work, key, Forger(key.passkey, lambda challenge: forge(key, challenge)))
    assert_refused(work, why)


def assert_refused(work: Work, why: str) -> None:
    made = hand_over(work, work.base / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 1
    assert why in done.stderr
    assert any(why in one for one in check(made.folder, made.anchors).problems)
    assert any(why in one for one in verify_vault(work.session.vault, 1, silent).problems)


@pytest.mark.attack("Replays a passkey's earlier signature", "`verify`, `verify.sh`, `check`")
def test_an_earlier_assertion_can_not_be_replayed(work: Work) -> None:
    key = Authenticator("omar")
    introduce(work, key)
    kept = []

    def keep(challenge: bytes) -> Assertion:
        kept.append(key.sign(client(challenge)))
        return kept[0]

    enter(work, key, Forger(key.passkey, keep), times=2)
    assert_refused(work, "challenge is not this act's")


@pytest.mark.attack(
    "Signs with a copy of a passkey", "the command; `verify`, `verify.sh`, `check` mark it"
)
def test_a_counter_that_goes_back_is_marked_by_all_and_refused_where_it_signs(work: Work) -> None:
    """Section 6.1.1: it "is a signal that the authenticator may be cloned"."""
    key = Authenticator("omar")
    introduce(work, key)
    enter(work, key, times=3)
    key.counter = 1
    with pytest.raises(DeniedError, match="may be a copy"):
        enter(work, key)
    enter(work, key, Forger(key.passkey, lambda c: key.sign(client(c))))
    made = hand_over(work, work.base / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    assert "is 3 and was 3 already: there may be a copy" in done.stdout
    found = check(made.folder, made.anchors)
    assert [said for said in found.said if "there may be a copy" in str(said)]
    (marked,) = verify_vault(work.session.vault, 1, silent).marked
    assert "omar" in marked


def test_an_authenticator_without_a_counter_is_not_marked(work: Work) -> None:
    key = Authenticator("omar")
    introduce(work, key)
    for _ in range(2):
        key.counter = -1
        enter(work, key)
    assert not verify_vault(work.session.vault, 1, silent).marked


@pytest.mark.parametrize("name", ["client", "signed", "sig", "message"])
def test_a_file_of_a_signature_that_was_altered_in_a_bundle_is_named(work: Work, name: str) -> None:
    key = Authenticator("omar")
    introduce(work, key)
    enter(work, key)
    made = hand_over(work, work.base / "handover")
    path = next(one for one in files(made.folder) if one.endswith("act.client"))
    target = made.folder / path.replace("act.client", f"act.{name}")
    data = bytearray(target.read_bytes())
    data[-2] ^= 1
    write(target, bytes(data))
    remanifest(made.folder)
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 1
    assert f"act.{name}" in done.stderr


def test_a_key_of_one_kind_does_not_pass_for_the_other(work: Work) -> None:
    """An Ed25519 signature in the place of a passkey's, though the passkey is Ed25519 too."""
    key = Authenticator("omar", "EdDSA")
    introduce(work, key)

    class Plain(Forger):
        def attest(self, message: bytes, *_more: object) -> dict[str, str]:
            made = replace(key.sign(b""), signature=key.private.sign(message))  # type: ignore[call-arg]
            return {"sig": made.fields()["sig"]}

    enter(work, key, Plain(key.passkey, lambda _c: key.sign(b"")))
    made = hand_over(work, work.base / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 1
    assert "of another kind than its actor's key" in done.stderr
