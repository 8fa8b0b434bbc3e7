"""tlog-witness to the letter: each MUST of "add-checkpoint" and of the monitoring prefix."""

from __future__ import annotations

import base64
import errno
import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core import durable
from holdfast.core.errors import InputError, IntegrityError
from holdfast.core.listening import Request, Response
from holdfast.vault import cosignature
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import judge, open_checkpoint
from holdfast.vault.note import Signature, Signer
from holdfast.witness.request import AddCheckpoint, Refused
from holdfast.witness.serving import answer
from holdfast.witness.state import Witness, origin_hash
from tests.vault.keys import fixed_key
from tests.witness.tree import ORIGIN, Tree, request

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.cosignature import Key

NAME = "court.example/witness"


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    made = Witness.create(tmp_path / "witness", NAME)
    assert made.add_log(str(Tree().signer.verifier)) == ORIGIN
    return made


def add(witness: Witness, body: bytes) -> Response:
    return answer(witness, Request("POST", "/add-checkpoint", body))


def read(witness: Witness, origin: str = ORIGIN) -> Response:
    return answer(witness, Request("GET", f"/{origin_hash(origin)}/checkpoint"))


def test_it_cosigns_what_continues(witness: Witness) -> None:
    """ "The response body MUST be a sequence of one or more note signature lines … The signatures
    MUST be cosignatures from the witness key(s) on the checkpoint."
    """
    tree = Tree().grow(600)
    for old, size in ((0, 1), (1, 2), (2, 255), (255, 256), (256, 257), (257, 600), (600, 600)):
        got = add(witness, tree.request(old, size))
        assert got.status == 200, got.body
        lines = [Signature.parse(line) for line in got.body.decode().splitlines()]
        judged = judge(tree.checkpoint(size).text(), lines, witness.cosigners)
        assert [one.key for one in judged] == list(witness.cosigners)
        assert all(one.time for one in judged)
        assert witness.latest(ORIGIN) == tree.checkpoint(size)


def test_the_first_checkpoint_may_be_of_any_size_even_empty(witness: Witness) -> None:
    """ "or zero if it never cosigned a checkpoint for that origin" """
    assert add(witness, Tree().request(0, 0)).status == 200
    assert add(witness, Tree().grow(1000).request(0, 1000)).status == 200
    assert add(witness, Tree().request(0, 0)).status == 409


def test_an_old_size_that_is_not_the_latest_is_409_with_the_size(witness: Witness) -> None:
    """ "the witness MUST respond with a "409 Conflict" HTTP status code. The response body MUST
    consist of the tree size of the latest cosigned checkpoint in decimal, followed by a newline
    (U+000A). The response MUST have a `Content-Type` of `text/x.tlog.size`."
    """
    tree = Tree().grow(20)
    assert add(witness, tree.request(5, 20)).body == b"0\n"
    assert add(witness, tree.request(0, 10)).status == 200
    for old, size in ((0, 20), (5, 20), (11, 20), (20, 20), (0, 5), (0, 10), (5, 5)):
        got = add(witness, tree.request(old, size))
        assert (got.status, got.body, got.content_type) == (409, b"10\n", "text/x.tlog.size")
    assert witness.latest(ORIGIN) == tree.checkpoint(10)


def test_an_old_checkpoint_replayed_is_refused(witness: Witness) -> None:
    """Attack: "replays an old checkpoint"."""
    tree = Tree().grow(20)
    first = tree.request(0, 10)
    assert add(witness, first).status == 200
    assert add(witness, tree.request(10, 20)).status == 200
    kept = read(witness).body
    assert add(witness, first).status == 409
    # With the old size that would fit, the checkpoint itself is too small.
    assert add(witness, request(20, [], tree.note(10))).status == 400
    assert read(witness).body == kept


def test_an_old_size_above_the_checkpoints_is_400(witness: Witness) -> None:
    """ "The old size MUST be equal to or lower than the checkpoint size. Otherwise, … 400" """
    tree = Tree().grow(20)
    assert add(witness, tree.request(0, 20)).status == 200
    for size in (0, 1, 19):
        assert add(witness, request(20, [], tree.note(size))).status == 400


def test_an_origin_that_is_not_known_is_404(witness: Witness) -> None:
    """ "If the checkpoint origin is unknown, … 404 Not Found" """
    other = Tree(signer=Signer("other.example/log", fixed_key(1))).grow(3)
    assert add(witness, other.request(0, 3)).status == 404
    assert read(witness, "other.example/log").status == 404
    witness.add_log(str(other.signer.verifier))
    assert add(witness, other.request(0, 3)).status == 200


def test_a_signature_that_is_missing_or_wrong_is_403(witness: Witness) -> None:
    """ "403 Forbidden … if either no signature from a trusted key for the origin is present, or a
    signature line's key name and ID match a trusted key but the signature itself fails to verify"
    """
    tree = Tree().grow(3)
    stranger = Signer(ORIGIN, fixed_key(5)).sign_note(tree.checkpoint(3).text())
    assert add(witness, request(0, [], stranger)).status == 403
    own = tree.note(3).splitlines()[-1]
    broken = Signature.parse(own)
    forged = Signature(ORIGIN, broken.key_id, bytes(64))
    for note in (
        tree.note(3).replace(own, str(forged)),
        f"{tree.note(3)}{forged}\n",
        f"{tree.checkpoint(3).text()}\n{forged}\n{own}\n",
    ):
        assert add(witness, request(0, [], note)).status == 403
    assert witness.latest(ORIGIN) is None


def test_further_signatures_are_ignored_and_not_kept(witness: Witness) -> None:
    """ "it MUST ignore signatures from unknown keys" """
    tree = Tree().grow(3)
    stranger = Signer("someone.example", fixed_key(5)).sign_note(tree.checkpoint(3).text())
    line = stranger.splitlines()[-1]
    assert add(witness, request(0, [], f"{tree.note(3)}{line}\n")).status == 200
    kept = read(witness)
    assert (kept.status, kept.content_type) == (200, "text/plain; charset=utf-8")
    assert line.encode() not in kept.body


def test_what_is_cosigned_can_be_read_back(witness: Witness) -> None:
    """ "The response body MUST be a checkpoint for the log identified by the origin, and it MUST
    include the cosignature(s) from the witness's key(s) that were returned from add-checkpoint and
    the cosignature from the log key(s) that the witness verified."
    """
    assert read(witness).status == 404
    tree = Tree().grow(3)
    lines = add(witness, tree.request(0, 3)).body
    kept = read(witness).body
    assert kept == tree.note(3).encode() + lines
    hashed = hashlib.sha256(ORIGIN.encode()).hexdigest()
    assert answer(witness, Request("GET", f"/{hashed}/checkpoint")).body == kept
    keys: list[Key] = [tree.signer.verifier, *witness.cosigners]
    text, signed = open_checkpoint(kept.decode(), keys)
    assert (text, set(signed)) == (tree.checkpoint(3).text(), set(keys))
    for path in (f"/{hashed.upper()}/checkpoint", f"/{hashed}/vkeys", f"/{hashed}", "/", "/x"):
        assert answer(witness, Request("GET", path)).status == 404
    assert answer(witness, Request("GET", "/add-checkpoint")).status == 405
    assert answer(witness, Request("POST", f"/{hashed}/checkpoint")).status == 405


def test_the_empty_trees_root_and_proof(witness: Witness) -> None:
    """ "A checkpoint of size zero MUST have the root hash of the empty tree … Otherwise, 422"; "If
    the old size is zero, the consistency proof MUST be empty".
    """
    signer = Tree().signer
    wrong = signer.sign_note(Checkpoint(ORIGIN, 0, bytes(32)).text())
    assert add(witness, request(0, [], wrong)).status == 422
    assert add(witness, request(0, [bytes(32)], Tree().note(0))).status == 422
    assert add(witness, request(0, [bytes(32)], Tree().grow(2).note(2))).status == 422
    assert witness.latest(ORIGIN) is None


def test_a_fork_is_422_whatever_the_proof(witness: Witness) -> None:
    """ "if a Merkle Consistency Proof doesn't verify, the witness MUST respond with a "422"." """
    tree = Tree().grow(40)
    assert add(witness, tree.request(0, 20)).status == 200
    for at in (0, 5, 19):
        fork = tree.fork(at)
        for size in (20, 21, 40):
            assert add(witness, fork.request(20, size)).status == 422
            mixed = request(20, tree.proof(20, size), fork.note(size))
            assert add(witness, mixed).status == 422
            assert add(witness, request(20, [], fork.note(size))).status == 422
    assert add(witness, request(20, [bytes(32)], tree.note(20))).status == 422
    assert witness.latest(ORIGIN) == tree.checkpoint(20)
    # What it shares with the truth is not held against it.
    assert add(witness, tree.fork(20).request(20, 40)).status == 200


MALFORMED = {
    "nothing": b"",
    "no old line": b"\n" + Tree().grow(1).note(1).encode(),
    "old in capitals": Tree().grow(1).request(0, 1).replace(b"old", b"OLD"),
    "two spaces": Tree().grow(1).request(0, 1).replace(b"old ", b"old  "),
    "a leading zero": request("00", [], Tree().grow(1).note(1)),
    "a sign": request("+0", [], Tree().grow(1).note(1)),
    "other digits": request("\u0660", [], Tree().grow(1).note(1)),
    "a huge number": request("9" * 5000, [], Tree().grow(1).note(1)),
    "2^63": request(0, [], Tree().signer.sign_note(Checkpoint(ORIGIN, 2**63, bytes(32)).text())),
    "no empty line": Tree().grow(1).request(0, 1).replace(b"\n\nunit7", b"\nunit7"),
    "64 proof lines": request(1, [bytes(32)] * 64, Tree().grow(2).note(2)),
    "a short hash": request(1, [bytes(31)], Tree().grow(2).note(2)),
    "a proof that is no base64": Tree().grow(2).request(1, 2).replace(b"old 1\n", b"old 1\n!!\n"),
    "carriage returns": Tree().grow(1).request(0, 1).replace(b"\n", b"\r\n"),
    "not UTF-8": b"\xff" + Tree().grow(1).request(0, 1),
    "no signature": Tree().grow(1).request(0, 1).rpartition("\u2014".encode())[0],
    "a size with a leading zero": request(0, [], Tree().signer.sign_note(f"{ORIGIN}\n01\nAA==\n")),
    "two lines of text": request(0, [], Tree().signer.sign_note(f"{ORIGIN}\n1\n")),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_request_is_400(witness: Witness, body: bytes) -> None:
    assert add(witness, body).status == 400


@given(st.data())
def test_a_request_with_any_byte_changed_is_refused_or_the_same(data: st.DataObject) -> None:
    tree = Tree().grow(9)
    body = bytearray(tree.request(4, 9))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.integers(0, 255))
    try:
        asked = AddCheckpoint.parse(bytes(body))
        asked.signed_by([tree.signer.verifier])
        asked.check_size()
        asked.check_follows(tree.checkpoint(4))
    except Refused as no:
        assert no.status in {400, 403, 409, 422}
        return
    assert asked.checkpoint == tree.checkpoint(9)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 30)), max_size=12))
@settings(max_examples=40)
def test_whatever_is_asked_in_whatever_order_all_it_signs_is_one_history(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[bool, int, int]]
) -> None:
    """The promise of a witness: all it ever signed are pasts of one and the same log."""
    witness = Witness.create(tmp_path_factory.mktemp("any") / "w", NAME)
    witness.add_log(str(Tree().signer.verifier))
    honest = Tree().grow(30)
    forged = honest.fork(10)
    signed = []
    for lies, old, size in asked:
        tree = forged if lies else honest
        if add(witness, tree.request(old, size)).status == 200:
            signed.append(tree.checkpoint(size))
    sizes = [one.size for one in signed]
    assert sizes == sorted(sizes)
    assert any(all(one == tree.checkpoint(one.size) for one in signed) for tree in (honest, forged))


def test_two_logs_do_not_know_of_each_other(witness: Witness) -> None:
    other = Tree(signer=Signer("other.example/log", fixed_key(6))).grow(5)
    witness.add_log(str(other.signer.verifier))
    assert add(witness, other.request(0, 5)).status == 200
    assert add(witness, Tree().grow(3).request(0, 3)).status == 200
    assert [(one.origin, one.latest.size) for one in witness.logs() if one.latest] == [
        ("other.example/log", 5),
        (ORIGIN, 3),
    ]
    # The key of one log signs for no other.
    text = Tree().grow(9).checkpoint(9).text()
    forged = other.signer.sign_note(text)
    assert add(witness, request(3, Tree().grow(9).proof(3, 9), forged)).status == 403
    assert witness.latest(ORIGIN) == Tree().grow(3).checkpoint(3)


def test_a_further_key_of_the_same_log_is_trusted_too(witness: Witness) -> None:
    renewed = Signer(ORIGIN, fixed_key(7))
    witness.add_log(str(renewed.verifier))
    witness.add_log(str(renewed.verifier))
    assert len(witness.keys(ORIGIN)) == 2
    tree = Tree(signer=renewed).grow(4)
    assert add(witness, tree.request(0, 4)).status == 200


def test_an_altered_state_signs_nothing(witness: Witness) -> None:
    tree = Tree().grow(9)
    assert add(witness, tree.request(0, 5)).status == 200
    kept = witness.root / "logs" / origin_hash(ORIGIN) / "checkpoint"
    other = tree.fork(2).note(5)
    for damage in (b"", b"x", other.encode(), kept.read_bytes().replace(b"\n5\n", b"\n4\n")):
        kept.chmod(0o600)
        kept.write_bytes(damage)
        with pytest.raises(IntegrityError, match="damaged"):
            add(witness, tree.request(5, 9))


def test_a_state_that_goes_back_under_a_running_witness_signs_nothing(witness: Witness) -> None:
    tree = Tree().grow(9)
    kept = witness.root / "logs" / origin_hash(ORIGIN) / "checkpoint"
    assert add(witness, tree.request(0, 5)).status == 200
    old = kept.read_bytes()
    assert add(witness, tree.request(5, 9)).status == 200
    kept.write_bytes(old)
    fork = tree.fork(5)
    with pytest.raises(IntegrityError, match="went back"):
        add(witness, fork.request(5, 9))
    kept.unlink()
    with pytest.raises(IntegrityError, match="went back"):
        add(witness, fork.request(0, 9))


def test_what_can_t_be_kept_is_not_signed(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "The witness MUST persist the new checkpoint before responding." """
    tree = Tree().grow(9)
    assert add(witness, tree.request(0, 5)).status == 200

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "replace", full)
        with pytest.raises(OSError, match="No space"):
            add(witness, tree.request(5, 9))
    assert witness.latest(ORIGIN) == tree.checkpoint(5)
    assert add(witness, tree.request(5, 9)).status == 200


def test_a_log_may_sign_with_ml_dsa_44_alone(witness: Witness) -> None:
    """C2SP tlog-checkpoint: "Logs SHOULD use ML-DSA-44 cosignatures to sign the checkpoint"; its
    timestamp "MAY be zero".
    """
    own = cosignature.new_mldsa("modern.example/log")
    if own is None:
        pytest.skip("this `cryptography` offers no ML-DSA-44")
    witness.add_log(str(own.cosigner))
    tree = Tree(signer=Signer("modern.example/log", fixed_key(8))).grow(3)
    text = tree.checkpoint(3).text()
    for time in (0, 1_700_000_000):
        old = 0 if time == 0 else 3
        signed = f"{text}\n{own.cosign(text, time)}\n"
        assert add(witness, request(old, [], signed)).status == 200
    assert add(witness, request(3, [], tree.note(3))).status == 403


def test_a_witness_is_made_once_and_its_keys_are_its_own(tmp_path: Path) -> None:
    made = Witness.create(tmp_path / "w", NAME)
    assert [str(one) for one in Witness.open(tmp_path / "w").cosigners] == [
        str(one) for one in made.cosigners
    ]
    for path in (tmp_path / "w").rglob("*.*"):
        assert path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "w").stat().st_mode & 0o077 == 0
    with pytest.raises(InputError, match="in use"):
        Witness.create(tmp_path / "w", NAME)
    for name in ("", "a b", "a+b", "a\nb", "x" * 256):
        with pytest.raises(InputError, match="can't be a witness's name"):
            Witness.create(tmp_path / "other", name)
    with pytest.raises(InputError, match="there is no witness"):
        Witness.open(tmp_path / "other")
    cosigner = base64.b64encode(b"\x04" + bytes(32)).decode()
    for vkey in ("", "x", str(made.cosigners[0]), f"a+00000000+{cosigner}"):
        with pytest.raises(InputError):
            made.add_log(vkey)
