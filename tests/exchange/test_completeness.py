"""Nothing of a case can be left out of a bundle unseen, though it is the unit itself that tries.

Every log here is signed with the true keys: what is shown false is what the unit says of it. The
scene: entries 5 to 18 or so, of which the case's are numbered 1 to 11 when the hand-over begins.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import DeniedError
from holdfast.exchange import completeness, package
from holdfast.vault import entry, note
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import checkpoint_message
from holdfast.vault.entry import Draft, opening
from tests.exchange.making import (
    Made,
    Work,
    copied_case,
    files,
    hand_over,
    new_case,
    remanifest,
    verify,
    write,
)
from tests.exchange.verdicts import fails

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json
    from holdfast.exchange.bag import Bag

BEFORE = 11
"""Entries of the case before the hand-over's own, which is number 12."""


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return copied_case(tmp_path)


def hide(
    work: Work, number: int, key: bytes | None = None, opens: dict[str, str] | None = None
) -> int:
    """Append, signed by the log, an act that the vault's own lists don't count to the case.

    To those who may not read its body it says nothing; its tag is that of the case's `number`.
    """
    vault = work.session.vault
    key = vault.keyring.chain(work.case.id) if key is None else key
    fields: dict[str, Json] = {
        "act": "search",
        "actor": {"key": None, "name": "alice"},
        "case": None,
        "context": {},
        "time": "2026-01-01T00:00:00Z",
    }
    sealed = entry.seal_encoded(entry.encoded(fields), key, number, opens)
    head = vault.current()
    assert vault.log.commit(head, [sealed]) is not None
    return head.size


# --- what it says of an honest bundle ------------------------------------------------------------


def test_an_honest_bundle_shows_that_nothing_was_left_out(made: Made) -> None:
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    assert "Complete    all 21 entries of the log were looked through" in done.stdout
    assert "An act that was never entered, or not as the case's, is not seen" in done.stdout
    assert "NOT shown" not in done.stdout
    readme = (made.folder / "README.txt").read_text()
    assert "These are ALL entries that the log has about this case" in readme


def test_without_the_proof_it_says_so_everywhere(work: Work, tmp_path: Path) -> None:
    made = hand_over(work, tmp_path / "handover", completeness=False)
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    assert "NOT shown that nothing was left out" in done.stdout
    assert "Complete " not in done.stdout
    assert not made.written.complete
    assert "NOT shown: that nothing was left out" in (made.folder / "README.txt").read_text()
    assert not [path for path in files(made.folder) if "/leaves/" in path or "/tags/" in path]


def test_a_large_log_has_it_only_where_it_is_asked_for(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "LARGEST", 10)
    assert not hand_over(work, tmp_path / "unasked").written.complete
    assert hand_over(work, tmp_path / "asked", completeness=True).written.complete


def test_other_cases_show_nothing_but_digests(made: Made) -> None:
    text = b"".join(path.read_bytes() for path in (made.folder / "data/proof/leaves").iterdir())
    for secret in (b"Another case", b"2026-0001", b"alice", b"collect"):
        assert secret not in text


def test_entries_that_came_after_the_hand_over_are_told_of(work: Work, tmp_path: Path) -> None:
    def later() -> None:
        work.session.custody.enter(Draft("search", work.case.id, {"words": "later"}))

    made = hand_over(work, tmp_path / "handover", published=later)
    done = verify(made.folder)
    assert done.returncode == 0, done.stderr
    assert "1 entries of the case came after this hand-over" in done.stdout


def test_a_case_whose_key_is_not_here_can_be_handed_over_without_the_proof_only(
    work: Work, tmp_path: Path
) -> None:
    (work.session.vault.keyring.root / "cases" / f"{work.case.id}.tag").unlink()
    with pytest.raises(DeniedError, match="tag key"):
        hand_over(work, tmp_path / "handover")


@given(st.binary(min_size=32, max_size=32), st.integers(1, 2**40))
def test_the_two_halves_are_an_hmac(key: bytes, number: int) -> None:
    """RFC 2104 section 2: H(K XOR opad, H(K XOR ipad, text))."""
    inner, outer = completeness.halves(key, number)
    assert hashlib.sha256(inner).digest() == outer[64:]
    assert hashlib.sha256(outer).hexdigest() == entry.tag(key, number)


# --- what a unit may try -------------------------------------------------------------------------


@pytest.mark.attack(
    "Drops the last entry of a case and gives the hand-over its number", "`verify.sh`, `check`"
)
def test_the_last_entry_is_dropped_and_the_hand_over_takes_its_number(
    work: Work, tmp_path: Path
) -> None:
    hidden = hide(work, BEFORE + 1)
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, f"entry {hidden}: is of the case too, as number 12, and was left out")


@pytest.mark.attack("Uses a number of a case twice", "`verify.sh`, `check`")
def test_a_number_is_used_twice(work: Work, tmp_path: Path) -> None:
    hidden = hide(work, 3)
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, f"entry {hidden}: is of the case too, as number 3, and was left out")


def test_an_entry_of_the_case_under_a_skipped_number(work: Work, tmp_path: Path) -> None:
    hidden = hide(work, BEFORE + 5)
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, f"entry {hidden}: is of the case, as number 16, and was left out")


def test_the_last_number_that_is_looked_for(work: Work, tmp_path: Path) -> None:
    hidden = hide(work, BEFORE + 1 + completeness.BEYOND)
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, f"entry {hidden}: is of the case, as number 28, and was left out")


@pytest.mark.attack("Opens a second chain for a case", "`verify.sh`, `check`")
def test_a_second_chain_for_the_case_under_another_key(work: Work, tmp_path: Path) -> None:
    other = os.urandom(32)
    hidden = hide(work, 1, other, opens=opening(work.case.id, other))
    hide(work, 2, other)
    made = hand_over(work, tmp_path / "handover")
    said = fails(made.folder, "the case was opened 2 times in this log")
    assert f"6 {hidden}" in said


def test_the_chain_that_is_shown_is_not_the_one_that_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(entry, "opening", lambda case, _key: opening(case, bytes(32)))
        work = new_case(tmp_path)
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, "entry 6 did not open the case with it")


def test_a_case_that_was_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(entry, "opening", lambda _case, key: opening("another", key))
        work = new_case(tmp_path)
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, "the case was opened 0 times in this log")


def test_a_unit_that_removes_one_entry_and_closes_the_numbers_up(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = package._Before.commit

    def closed_up(before: package._Before, connection: object) -> dict[str, Json]:
        commit(before, connection)  # type: ignore[arg-type]
        del before._lines[3], before.indexes[3]
        places = [line.partition(" ")[2] for line in before._lines]
        before._lines = [f"{at} {place}" for at, place in enumerate(places, 1)]
        return {"handover": before._says()}

    def put(before: package._Before, bag: Bag, handover: entry.Entry) -> None:
        bag.put("data/proof/entries.txt", "".join(before._lines).encode())
        bag.put("data/proof/handover.txt", f"{handover.index}\n".encode())

    monkeypatch.setattr(package._Before, "commit", closed_up)
    monkeypatch.setattr(package._Before, "write", put)
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, "and was left out")


def test_a_leaf_that_can_be_read_in_two_ways(work: Work, tmp_path: Path) -> None:
    """The last of two tags counts for some JSON readers, the first for others."""
    vault = work.session.vault
    key = vault.keyring.chain(work.case.id)
    fields: dict[str, Json] = {"act": "x", "actor": {}, "case": None, "context": {}, "time": ""}
    sealed = entry.seal(fields, key, 3)
    other = b'","tag":"' + entry.tag(key, 10**9).encode() + b'","v":1}'
    twice = entry.Sealed(sealed.leaf.replace(b'","v":1}', other), sealed.body)
    head = vault.current()
    assert vault.log.commit(head, [twice]) is not None
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, f"data/proof/leaves/{head.size}: is malformed")


# --- what whoever carries it may try -------------------------------------------------------------


@pytest.mark.attack("Removes one entry from a disclosure", "`verify.sh`, `check`")
def test_one_entry_removed_from_a_disclosure(bundle: Path) -> None:
    shutil.rmtree(bundle / "data/proof/entries/9")
    remanifest(bundle)
    fails(bundle, "entry 9: number 4 of the case is missing")


def test_one_entry_turned_into_one_of_others(bundle: Path) -> None:
    (bundle / "data/proof/entries/9/leaf").rename(bundle / "data/proof/leaves/9")
    shutil.rmtree(bundle / "data/proof/entries/9")
    remanifest(bundle)
    fails(bundle, "entry 9: number 4 of the case is missing")


def test_the_hand_overs_own_entry_is_missing(bundle: Path) -> None:
    (bundle / "data/proof/entries/20/leaf").rename(bundle / "data/proof/leaves/20")
    shutil.rmtree(bundle / "data/proof/entries/20")
    remanifest(bundle)
    fails(bundle, "names entry 20, which is not in this bundle")


@pytest.mark.attack("Changes a case number", "`verify.sh`, `check`")
def test_a_changed_case_number(bundle: Path) -> None:
    mark = bundle / "data/proof/tags/case"
    assert mark.read_bytes().endswith(b"-0002")
    write(mark, mark.read_bytes()[:-1] + b"1")
    remanifest(bundle)
    fails(bundle, "data/proof/tags/case: is not the case of the hand-over")
    for field in bundle.glob("data/proof/entries/*/field.case"):
        write(field, field.read_bytes().replace(b"-0002", b"-0001"))
    remanifest(bundle)
    fails(bundle, "the field case is not what the log committed to")


@pytest.mark.attack("Renames an exhibit", "`verify.sh`, `check`")
def test_a_renamed_exhibit(bundle: Path) -> None:
    table, field = bundle / "data/items.csv", bundle / "data/proof/entries/9/field.exhibit"
    write(table, table.read_bytes().replace(b"AL/1", b"AL/7"))
    remanifest(bundle)
    fails(bundle, "data/items.csv: is not what the log says was handed over")
    write(field, field.read_bytes().replace(b"AL/", b"BO/"))
    remanifest(bundle)
    fails(bundle, "the field exhibit is not what the log committed to")


def test_the_proof_of_completeness_is_stripped(bundle: Path) -> None:
    for folder in ("leaves", "tags"):
        shutil.rmtree(bundle / "data/proof" / folder)
    remanifest(bundle)
    fails(bundle, "data/proof/tags")


@pytest.mark.parametrize("name", ["leaves/2", "tags/28.inner", "tags/1.outer"])
def test_a_part_of_the_proof_is_removed(bundle: Path, name: str) -> None:
    (bundle / "data/proof" / name).unlink()
    remanifest(bundle)
    fails(bundle, f"data/proof/{name}")


def test_a_leaf_of_the_case_is_replaced_by_another_of_the_log(bundle: Path) -> None:
    leaves = bundle / "data/proof/leaves"
    write(leaves / "2", (leaves / "3").read_bytes())
    remanifest(bundle)
    fails(bundle, "leaves/2: is not the leaf at this place in the log")


def test_tags_of_another_key(bundle: Path) -> None:
    """The key that the opening commits to, and marks made with another: nothing would be found."""
    for number in range(1, 29):
        inner, outer = completeness.halves(bytes(32), number)
        write(bundle / f"data/proof/tags/{number}.inner", inner)
        write(bundle / f"data/proof/tags/{number}.outer", outer)
    remanifest(bundle)
    fails(bundle, "tags/1.inner: is not the number 1 under the case's key")


def test_a_head_that_claims_a_trillion_entries(made: Made, bundle: Path) -> None:
    """Signed by a forger: the check must end, and not by counting to there."""
    proof, log = bundle / "data/proof", made.work.session.vault.log
    level = [log.tree(log.head()).leaf(at) for at in range(21)] + [
        bytes([at]) * 32 for at in range(11)
    ]
    shutil.rmtree(proof / "nodes")

    def node(left: bytes, right: bytes) -> bytes:
        data = b"\x01" + left + right
        digest = hashlib.sha256(data)
        write(proof / "nodes" / digest.hexdigest(), data)
        return digest.digest()

    while len(level) > 1:
        level = [node(*level[at : at + 2]) for at in range(0, len(level), 2)]
    for at in range(35):
        level = [node(level[0], bytes([at]) * 32)]
    false = Checkpoint(log.origin, 2**40, level[0])
    text, (first, second) = note.split(log.sign(false))
    write(proof / "checkpoint", f"{text}\n{first}\n{second}\n".encode())
    write(proof / "checkpoint.text", text.encode())
    write(proof / "checkpoint.sig", first.value)
    name, time = log.origin.encode(), int.from_bytes(second.value[:8], "big")
    message = checkpoint_message(name, time, name, false.size, false.root)
    write(proof / "second.message", message)
    write(proof / "second.sig", second.value[8:])
    remanifest(bundle)
    fails(bundle, "data/proof/leaves/21: is missing")


def test_a_proof_that_the_hand_over_did_not_announce(work: Work, tmp_path: Path) -> None:
    bundle = hand_over(work, tmp_path / "handover", completeness=False).folder
    write(bundle / "data/proof/tags/case", b"holdfast-case/1\n" + work.case.id.encode())
    remanifest(bundle)
    fails(bundle, "without a proof that nothing was left out")
