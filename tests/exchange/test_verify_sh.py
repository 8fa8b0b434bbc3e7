"""verify.sh finds every alteration, by its name, with four stock tools and nothing of ours."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.acts import admission, vaults
from holdfast.acts.act import Session
from holdfast.acts.people import EndKey, NewOperator, add_operator, revoke
from holdfast.core import durable
from holdfast.exchange import package, proofs
from holdfast.exchange.disclosure import Selection
from holdfast.exchange.package import verify_script
from holdfast.vault import entry
from holdfast.vault.custody import Custody
from holdfast.vault.store import Promises
from tests.exchange.making import (
    Made,
    collect,
    copied_case,
    files,
    hand_over,
    joined,
    new_case,
    remanifest,
    verify,
    write,
)
from tests.exchange.verdicts import fails
from tests.short_form import each_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any, BinaryIO

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core import canonical
    from holdfast.exchange.bag import Bag

SPOIL: dict[str, Callable[[bytes], bytes | None]] = {
    "first byte flipped": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "last byte flipped": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "middle byte nulled": lambda data: data[: len(data) // 2] + b"\0" + data[len(data) // 2 + 1 :],
    "a byte cut off": lambda data: data[:-1],
    "a byte added": lambda data: data + b"\n",
    "a byte put in": lambda data: data[:1] + b"\0" + data[1:],
    "a NUL and more added": lambda data: data + b"\0more",
    "deleted": lambda data: None,
}
KINDS = (
    "README.txt",
    "bag-info.txt",
    "bagit.txt",
    "manifest-sha256.txt",
    "tagmanifest-sha256.txt",
    "verify.sh",
    "data/case.json",
    "data/items.csv",
    "data/items.jsonl",
    "data/ledger.jsonl",
    "data/originals/*",
    "data/records/*/*/event.jsonl",
    "data/records/*/*/event.parquet",
    "data/proof/checkpoint",
    "data/proof/checkpoint.sig",
    "data/proof/checkpoint.text",
    "data/proof/contents.sha256",
    "data/proof/entries.txt",
    "data/proof/handover.txt",
    "data/proof/log.pem",
    "data/proof/log.vkey",
    "data/proof/second.message",
    "data/proof/second.pem",
    "data/proof/second.sig",
    "data/proof/keys/*.pem",
    "data/proof/nodes/*",
    "data/proof/entries/0/leaf",
    "data/proof/entries/0/field.context",
    "data/proof/entries/0/field.settings",
    "data/proof/entries/1/leaf",
    "data/proof/entries/1/field.operator",
    "data/proof/entries/1/act.message",
    "data/proof/entries/1/act.sig",
    "data/proof/entries/6/field.title",
    "data/proof/entries/9/leaf",
    "data/proof/entries/9/field.act",
    "data/proof/entries/9/field.actor",
    "data/proof/entries/9/field.case",
    "data/proof/entries/9/field.item",
    "data/proof/entries/9/field.record",
    "data/proof/entries/20/field.recipient",
    "data/proof/entries/20/field.handover",
    "data/proof/entries/9/field.stored",
    "data/proof/entries/9/field.time",
    "data/proof/entries/16/field.signature",
    "data/proof/leaves/2",
    "data/proof/tags/case",
    "data/proof/tags/key",
    "data/proof/tags/3.inner",
    "data/proof/tags/3.outer",
)


def test_an_untouched_bundle_is_intact_with_four_tools_and_writes_nothing(made: Made) -> None:
    before = files(made.folder)
    done = verify(made.folder, "--anchors", made.anchors, own=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nINTACT\n")
    for said in ("Unwitnessed", "Untimed", "origin established", "numbered 1 to 12"):
        assert said in done.stdout
    assert files(made.folder) == before


def test_a_vault_may_say_in_its_first_entry_where_its_objects_lie(tmp_path: Path) -> None:
    made = hand_over(
        new_case(tmp_path, store=str(tmp_path / 'a "store"'), require=("signed",)),
        tmp_path / "bundle",
    )
    settings = (made.folder / "data/proof/entries/0/field.settings").read_bytes()
    assert b',"store":{"address":"file:///' in settings
    done = verify(made.folder, "--anchors", made.anchors)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nINTACT\n")


@pytest.mark.parametrize(
    "promises",
    [
        {"create": True, "lock": False, "multipart": False},
        {"create": True, "lock": False, "multipart": False, "ranges": 1},
        {"create": True, "lock": False, "more": True, "multipart": False, "ranges": True},
    ],
)
def test_a_store_in_the_first_entry_has_its_strict_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, promises: dict[str, canonical.Json]
) -> None:
    monkeypatch.setattr(Promises, "as_json", lambda _self: promises)
    made = hand_over(new_case(tmp_path, store=str(tmp_path / "store")), tmp_path / "bundle")
    fails(made.folder, "entry 0: the vault's own first entry is missing or withheld")


def test_without_anchors_it_says_that_the_origin_is_not_established(made: Made) -> None:
    done = verify(made.folder)
    assert done.returncode == 0
    assert "INTACT in itself, origin NOT established" in done.stdout
    assert made.written.vkey in done.stdout


def test_the_kinds_are_all_kinds(made: Made) -> None:
    def kind(path: str) -> str:
        path = re.sub(r"[0-9a-f]{64}", "*", path)
        path = re.sub(r"entries/\d+", "entries/N", path)
        path = re.sub(r"records/\*/[^/]+", "records/*/*", path)
        path = re.sub(r"(leaves|tags)/\d+", r"\1/N", path)
        return re.sub(r"keys/[0-9a-f]+", "keys/*", path)

    present = {kind(path) for path in files(made.folder)}
    fields = {one for one in present if "/field." in one}
    assert present - fields <= {kind(one) for one in KINDS}


@pytest.mark.parametrize(
    ("kind", "how"), each_once(KINDS, ["first byte flipped", "a byte cut off", "deleted"])
)
def test_no_file_can_be_spoiled(bundle: Path, kind: str, how: str) -> None:
    path = _one(bundle, kind)
    _spoil(path, how)
    fails(bundle, str(path.relative_to(bundle)))


@pytest.mark.parametrize(
    ("kind", "how"), each_once([kind for kind in KINDS if "manifest" not in kind], [*SPOIL])
)
def test_no_file_can_be_spoiled_by_one_who_writes_the_manifests_anew(
    bundle: Path, kind: str, how: str
) -> None:
    path = _one(bundle, kind)
    _spoil(path, how)
    remanifest(bundle)
    said = fails(bundle, "FAILED")
    name = str(path.relative_to(bundle))
    entry_ = re.match(r"data/proof/entries/(\d+)/", name)
    named = [name, "data/proof/nodes"] if "/nodes/" in name else [name]
    if "/nodes/" in name:
        named += ["its leaf is not at this place", "is not the leaf at this place"]
    if "/second." in name:
        named.append("data/proof/second.message")
    if entry_:
        named += [f"entry {entry_[1]}:", "data/proof/entries: "]
    assert any(one in said for one in named), said


def _one(bundle: Path, kind: str) -> Path:
    found = [p for p in sorted(bundle.glob(kind)) if p.stat().st_size > 1]
    return found[0]


def _spoil(path: Path, how: str) -> None:
    data = SPOIL[how](path.read_bytes())
    if data is None:
        path.unlink()
    else:
        write(path, data)


@pytest.mark.parametrize(
    "name",
    ["data/added", "added.txt", "data/originals/" + "0" * 64, "data/proof/nodes/" + "0" * 64,
     "data/proof/entries/3/field.added", "data/proof/entries/99/leaf",
     "data/proof/keys/00000000.pem", "data/proof/entries/8/act.sig", "data/proof/added",
     "data/records/x.jsonl", ".hidden"],
)  # fmt: skip
def test_no_file_can_be_added(bundle: Path, name: str) -> None:
    write(bundle / name, b"added")
    fails(bundle, name)
    if name not in {".hidden", "added.txt"}:
        remanifest(bundle)
        fails(bundle, "FAILED")


def test_two_originals_cannot_be_swapped(bundle: Path) -> None:
    one, two = sorted((bundle / "data/originals").iterdir())[:2]
    left, right = one.read_bytes(), two.read_bytes()
    write(one, right)
    write(two, left)
    fails(bundle, one.name)
    remanifest(bundle)
    fails(bundle, one.name)


def test_two_entries_cannot_be_swapped(bundle: Path) -> None:
    entries = bundle / "data/proof/entries"
    (entries / "9").rename(entries / "x")
    (entries / "10").rename(entries / "9")
    (entries / "x").rename(entries / "10")
    remanifest(bundle)
    fails(bundle, "entry 9: its leaf is not at this place")


@pytest.mark.attack("Alters an original and every list in the bundle", "`verify.sh`, `check`")
def test_an_altered_original_with_every_list_in_the_bundle_rewritten(bundle: Path) -> None:
    old = sorted((bundle / "data/originals").iterdir())[0]
    new = old.with_name(hashlib.sha256(b"altered").hexdigest())
    old.unlink()
    write(new, b"altered")
    for path in ("data/items.csv", "data/items.jsonl", "data/proof/contents.sha256"):
        text = (bundle / path).read_bytes().replace(old.name.encode(), new.name.encode())
        write(bundle / path, text)
    remanifest(bundle)
    fails(bundle, "data/proof/contents.sha256")


def test_a_rewritten_field_and_leaf(bundle: Path) -> None:
    """A leaf that fits the new field has no place under the signed root."""
    folder = bundle / "data/proof/entries/6"
    old = (folder / "field.title").read_bytes()
    new = old.replace(b"The fake bank", b"Another bank!")
    write(folder / "field.title", new)
    remanifest(bundle)
    fails(bundle, "entry 6: the field title is not what the log committed to")
    leaf = (folder / "leaf").read_bytes()
    was, becomes = (hashlib.sha256(data).hexdigest().encode() for data in (old, new))
    assert was in leaf
    write(folder / "leaf", leaf.replace(was, becomes))
    remanifest(bundle)
    fails(bundle, "entry 6: its leaf is not at this place")


def test_a_rewritten_leaf_with_nodes_that_only_their_names_belie(bundle: Path) -> None:
    """A node named as the tree needs it, but holding what the forger needs."""
    leaf = bundle / "data/proof/entries/6/leaf"
    old = hashlib.sha256(leaf.read_bytes()).digest()
    text = leaf.read_bytes()
    at = text.index(b'"tag":"') + 7
    write(leaf, text[:at] + (b"1" if text[at : at + 1] == b"0" else b"0") + text[at + 1 :])
    new = hashlib.sha256(leaf.read_bytes()).digest()
    (parent,) = [
        node for node in (bundle / "data/proof/nodes").iterdir() if old in node.read_bytes()
    ]
    write(parent, parent.read_bytes().replace(old, new))
    remanifest(bundle)
    fails(bundle, f"{parent.name}: is not named by its SHA-256")


def test_a_node_that_belongs_to_nothing(bundle: Path) -> None:
    data = b"\x01" + bytes(64)
    write(bundle / "data/proof/nodes" / hashlib.sha256(data).hexdigest(), data)
    remanifest(bundle)
    fails(bundle, "1 nodes do not lead to the signed root")


def test_the_vaults_first_entry_cannot_be_left_out(bundle: Path) -> None:
    """It holds the policy; without it a demand of the vault would be silent."""
    entries = bundle / "data/proof/entries"
    (entries / "0/leaf").rename(bundle / "data/proof/leaves/0")
    shutil.rmtree(entries / "0")
    remanifest(bundle)
    fails(bundle, "entry 0: the vault's own first entry is missing")


def test_a_dropped_entry_with_the_numbers_closed_up(bundle: Path) -> None:
    lines = (bundle / "data/proof/entries.txt").read_text().splitlines()
    places = [line.partition(" ")[2] for line in lines]
    dropped = places.pop(3).partition(" ")[0]
    shutil.rmtree(bundle / "data/proof/entries" / dropped)
    text = "".join(f"{at} {place}\n" for at, place in enumerate(places, 1))
    write(bundle / "data/proof/entries.txt", text.encode())
    remanifest(bundle)
    fails(bundle, "an entry was dropped, added or renumbered")


def test_a_unit_that_leaves_a_gap_in_its_own_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed into the log or not, 1 to N must be there."""
    work = copied_case(tmp_path)
    says = package._Before._says

    def gapped(before: package._Before) -> canonical.Json:
        before._lines[:] = [line for line in before._lines if not line.startswith("4 ")]
        return says(before)

    monkeypatch.setattr(package._Before, "_says", gapped)
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, "line 4 does not hold the case's entry number 4")


def test_a_list_for_people_that_was_altered(bundle: Path) -> None:
    write(bundle / "data/case.json", b"{}")
    remanifest(bundle)
    fails(bundle, "data/case.json: is not what the log says was handed over")


def test_no_entries_at_all(bundle: Path) -> None:
    shutil.rmtree(bundle / "data/proof/entries")
    write(bundle / "data/proof/entries.txt", b"")
    remanifest(bundle)
    fails(bundle, "holds no entry")


@pytest.mark.parametrize("folder", ["data/proof", "data/proof/nodes", "data/originals", "data"])
def test_a_missing_folder(bundle: Path, folder: str) -> None:
    shutil.rmtree(bundle / folder)
    fails(bundle, folder)
    remanifest(bundle)
    fails(bundle, "FAILED")


def test_a_checkpoint_of_another_log(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "forger").mkdir()
    other = hand_over(copied_case(tmp_path / "forger", (b"x",)), tmp_path / "forger" / "handover")
    for name in ("checkpoint", "checkpoint.sig", "checkpoint.text"):
        write(bundle / "data/proof" / name, (other.folder / "data/proof" / name).read_bytes())
    remanifest(bundle)
    fails(bundle, "data/proof/checkpoint.text: is of another log")
    for name in ("log.vkey", "log.pem"):
        write(bundle / "data/proof" / name, (other.folder / "data/proof" / name).read_bytes())
    remanifest(bundle)
    fails(bundle, "its leaf is not at this place")


@pytest.mark.attack("Replays an old checkpoint", "`verify.sh`, `check`")
def test_an_older_checkpoint_of_the_same_log(made: Made, bundle: Path, tmp_path: Path) -> None:
    """Signed by the right key, but of a tree without the hand-over."""
    log = made.work.session.vault.log
    signer = made.work.session.vault.keyring.log_signer(made.work.session.vault.verifier)
    assert signer is not None
    head = log.head()
    text = f"{log.origin}\n5\n{base64.b64encode(log.tree(head).root_of(0, 5)).decode()}\n"
    note = signer.sign_note(text)
    signature = base64.b64decode(note.rsplit(" ", 1)[1])[4:]
    write(bundle / "data/proof/checkpoint", note.encode())
    write(bundle / "data/proof/checkpoint.text", text.encode())
    write(bundle / "data/proof/checkpoint.sig", signature)
    remanifest(bundle)
    fails(bundle, "its leaf is not at this place")


@pytest.mark.attack("Strips the log's signature in a bundle", "`verify.sh`, `check`")
def test_a_stripped_signature_of_the_log(bundle: Path) -> None:
    text = (bundle / "data/proof/checkpoint.text").read_bytes()
    for stripped in (text, text + b"\n", text + "\n— x AAAAAAA=\n".encode()):
        write(bundle / "data/proof/checkpoint", stripped)
        remanifest(bundle)
        fails(bundle, "data/proof/checkpoint")


def test_two_signatures_of_the_log_are_one_too_many(bundle: Path) -> None:
    """Which of them was checked must not be a question."""
    note = bundle / "data/proof/checkpoint"
    whole = note.read_bytes()
    write(note, whole + whole.splitlines(keepends=True)[4])
    remanifest(bundle)
    fails(bundle, "is not signed by the log's key")


def test_a_signature_of_the_log_that_does_not_verify(bundle: Path) -> None:
    note, signature = bundle / "data/proof/checkpoint", bundle / "data/proof/checkpoint.sig"
    bad = bytes([signature.read_bytes()[0] ^ 1]) + signature.read_bytes()[1:]
    lines = note.read_text("utf-8").splitlines()
    head, _, line = lines[4].rpartition(" ")
    blob = base64.b64decode(line)[:4] + bad
    lines[4] = f"{head} {base64.b64encode(blob).decode()}"
    write(note, "".join(f"{line}\n" for line in lines).encode())
    write(signature, bad)
    remanifest(bundle)
    fails(bundle, "the log's signature does not verify")


@pytest.mark.attack("Strips an actor's signature in a bundle", "`verify.sh`, `check`")
def test_a_stripped_signature_of_an_actor(bundle: Path) -> None:
    for name in ("field.signature", "act.message", "act.sig"):
        (bundle / "data/proof/entries/16" / name).unlink()
    remanifest(bundle)
    fails(bundle, "entry 16: the field signature was stripped")


def test_a_signature_of_an_actor_that_does_not_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's own maker can enter what it likes, but not sign it as somebody else."""
    monkeypatch.setattr(entry, "act_message", lambda *_: b"another act")
    work = new_case(tmp_path)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, "entry 1: its actor's signature does not verify")


def test_a_signature_over_another_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It verifies, but what it signs is not what the entry tells of."""
    monkeypatch.setattr(entry, "act_message", lambda *_: b"another act")
    made = hand_over(new_case(tmp_path), tmp_path / "handover")
    fails(made.folder, "act.message: is not the act that entry 1 tells of")


def _told(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, **other: object) -> None:
    """Let a vault enter something else than what it does."""
    honest = module.Draft

    def draft(act: str, case: str | None, fields: dict[str, Any]) -> entry.Draft:
        if act == name:
            fields = {n: {**v, **other} if n in {"settings", "stored"} else v
                      for n, v in fields.items()}  # fmt: skip
        made = honest(act, case, fields)
        assert isinstance(made, entry.Draft)
        return made

    monkeypatch.setattr(module, "Draft", draft)


def test_a_vault_that_was_made_with_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _told(patch, vaults, "vault.init", log="other+12345678+AAAA")
        work = new_case(tmp_path)
    fails(hand_over(work, tmp_path / "handover").folder, "the vault was made with another log key")


def test_an_original_of_another_size_than_its_entry_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _told(patch, admission, "collect.item", size=3)
        work = new_case(tmp_path)

    def copied(bag: Bag, path: str, one: Exhibit, open_: Callable[[Exhibit], BinaryIO]) -> int:
        with open_(one) as stream:
            bag.put(path, stream.read())
        return one.size

    monkeypatch.setattr(package, "_copy", copied)
    made = hand_over(work, tmp_path / "handover")
    said = fails(made.folder, "is not of 3 bytes, as its entry says")
    assert said.count("is not of 3 bytes") == 8


def test_an_original_that_an_entry_shows_and_nobody_handed_over(tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    made = hand_over(work, tmp_path / "handover", work.exhibits[:3])
    said = fails(made.folder, "is missing, or is not the original that entry")
    assert work.exhibits[3].item in said


def test_an_original_that_no_entry_names(tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    name = f"originals/{hashlib.sha256(b'slipped in').hexdigest()}"
    made = hand_over(work, tmp_path / "handover", tables={name: [b"slipped in"]})
    fails(made.folder, f"data/{name}: no entry of the log names this original")


def test_an_entry_of_another_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_proof = proofs.Proof.write

    def more(proof: proofs.Proof, of_case: Sequence[int], _: object) -> None:
        write_proof(proof, [*of_case, 2])

    monkeypatch.setattr(proofs.Proof, "write", more)
    made = hand_over(new_case(tmp_path), tmp_path / "handover", completeness=False)
    fails(made.folder, "entry 2: is in the bundle but not in the case's list of entries")


def test_an_entry_whose_actor_has_a_key_but_did_not_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsigned(fields, key, sequence, **_):  # type: ignore[no-untyped-def]
        return entry.seal_encoded(fields, key, sequence)

    work = copied_case(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(entry, "sign", unsigned)
        collect(work.session, work.case, tmp_path / "late", (b"late",))
    write_entry = proofs.Proof._entry
    with monkeypatch.context() as patch:
        patch.setattr(proofs.Proof, "_entry", lambda *given: write_entry(*given) and None)
        made = hand_over(work, tmp_path / "handover")
    fails(made.folder, "its actor has a key, but no signature covers it")


@pytest.mark.attack("Hands out an act signed with a revoked key", "`verify.sh`, `check`")
def test_a_signature_by_a_key_that_had_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = copied_case(tmp_path)
    vault = work.session.vault
    add_operator(work.session, NewOperator("bob"))
    file = vault.keyring.root / "operators" / "bob.key"
    kept = file.read_bytes()
    collect(joined(work, "bob"), work.case, tmp_path / "early", (b"early",))
    revoke(work.session, EndKey("bob", "stolen on 3 May"))
    (end,) = [one.index for one in vault.log.entries() if one.act == "operator.revoke"]
    done = verify(hand_over(work, tmp_path / "before").folder)
    assert done.returncode == 0, done.stderr
    assert f"ended with entry {end}" in done.stdout
    # Whoever stole it, with another program.
    durable.create(file, kept, 0o600)
    monkeypatch.setattr(Custody, "_check_key", lambda *_: None)
    collect(joined(work, "bob"), work.case, tmp_path / "late", (b"late",))
    fails(hand_over(work, tmp_path / "after").folder, "after it had ended")


def test_an_act_under_another_ones_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Holdfast refuses it; somebody with another program, or with this line taken out, does not.
    monkeypatch.setattr(Custody, "_check_key", lambda *_: None)
    work = new_case(tmp_path)
    add_operator(work.session, NewOperator("bob"))
    impostor = joined(work, "bob")
    impostor.custody.operator = "alice"
    collect(impostor, work.case, tmp_path / "late", (b"late",))
    made = hand_over(work, tmp_path / "handover")
    fails(made.folder, "is signed by another than its actor")


def test_acts_without_a_key_are_counted_and_named_so(tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    collect(joined(work, "carol"), work.case, tmp_path / "late", (b"late",))
    made = hand_over(work, tmp_path / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    assert "3 entries are by actors without a key: ACTOR UNSIGNED" in done.stdout


def test_a_policy_of_signed_acts_is_held_to(tmp_path: Path) -> None:
    work = copied_case(tmp_path, require=("signed",))
    assert verify(hand_over(work, tmp_path / "one").folder).returncode == 0
    collect(joined(work, "carol"), work.case, tmp_path / "late", (b"late",))
    fails(hand_over(work, tmp_path / "two").folder, "the vault demands signed acts")


@pytest.mark.parametrize(("demand", "lack"), [("witnessed", "unwitnessed"), ("timed", "untimed")])
def test_a_policy_that_the_bundle_cannot_meet_is_a_failure(
    tmp_path: Path, demand: str, lack: str
) -> None:
    work = copied_case(tmp_path, require=(demand,))
    fails(hand_over(work, tmp_path / "handover").folder, lack)


def test_several_operators_and_keys_introduced_by_others(tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    add_operator(work.session, NewOperator('bob "the" \\ builder'))
    bob = Session(work.session.vault, 'bob "the" \\ builder')
    add_operator(bob, NewOperator("Жанна"))
    collect(joined(work, "Жанна"), work.case, tmp_path / "late", (b"late",))
    made = hand_over(work, tmp_path / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    assert "Жанна" in done.stdout


def test_hundreds_of_entries_over_several_tiles(tmp_path: Path) -> None:
    work = copied_case(tmp_path, tuple(b"%04d" % at for at in range(300)))
    made = hand_over(work, tmp_path / "handover")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    assert "300 files" in done.stdout


# --- anchors -------------------------------------------------------------------------------------


@pytest.mark.attack(
    "Forges a bundle with valid BagIt manifests", "`verify.sh`, `check`, by anchors"
)
def test_a_wholly_forged_bundle(made: Made, tmp_path: Path) -> None:
    """Own keys, own verify.sh, the same origin's name, the same evidence."""
    origin = made.work.session.vault.log.origin
    (tmp_path / "forger").mkdir()
    work = copied_case(tmp_path / "forger", origin=origin)
    forged = hand_over(work, tmp_path / "forger" / "handover").folder
    write(forged / "verify.sh", b"echo INTACT\n")
    contents = (forged / "data/proof/contents.sha256").read_text()
    assert hashlib.sha256(verify_script()).hexdigest() in contents
    write(forged / "verify.sh", verify_script())
    fails(forged, "NOT the one in your anchors", "--anchors", made.anchors)
    alone = verify(forged)
    assert alone.returncode == 0
    assert "origin NOT established" in alone.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("witness example+12345678+AAAA", "can't hold the bundle to"),
        ("tsa roots.pem", "can't hold the bundle to"),
        ("log example+12345678+AAAA", "can't hold the bundle to"),
        ("log", "can't hold the bundle to"),
        ("# nothing", "no log's key is named"),
        ("", "no log's key is named"),
    ],
)
def test_anchors_that_are_not_understood_fail(
    made: Made, tmp_path: Path, line: str, said: str
) -> None:
    anchors = tmp_path / "anchors.txt"
    anchors.write_text(line + "\n")
    assert said in _anchored(made, anchors).stderr
    if "#" not in line and line:
        anchors.write_text(f"log {made.written.vkey}\n{line}\n")
        assert _anchored(made, anchors).returncode == 1


def test_anchors_from_a_windows_editor(made: Made, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.txt"
    anchors.write_bytes(f"# ours\r\n\r\nlog {made.written.vkey}".encode())
    assert _anchored(made, anchors).returncode == 0


def _anchored(made: Made, anchors: Path) -> subprocess.CompletedProcess[str]:
    return verify(made.folder, "--anchors", anchors)


@pytest.mark.parametrize(
    "arguments", [("--anchors",), ("--anchors", "/nonexistent"), ("--what", "x"), ("x",)]
)
def test_wrong_use(made: Made, arguments: tuple[str, ...]) -> None:
    done = verify(made.folder, *arguments)
    assert done.returncode == 2
    assert "use: cd BUNDLE && bash verify.sh" in done.stderr


@pytest.mark.parametrize("tool", ["sha256sum", "openssl", "od"])
def test_a_missing_tool_is_said(made: Made, tool: str, tmp_path: Path) -> None:
    folder = shutil.copytree(made.folder, tmp_path / tool / "handover")
    tools = tuple(one for one in ("bash", "sha256sum", "openssl", "od") if one != tool)
    done = verify(folder, tools=tools)
    assert done.returncode == 2
    assert tool in done.stderr


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert verify(tmp_path / "empty").returncode == 2


# --- hostile bundles -----------------------------------------------------------------------------

HOSTILE = (
    b"$(touch PWNED)", b"`touch PWNED`", b"a[$(touch PWNED)]", b"new\nline", b"\x1b[31mred",
    b"-rf", b"*", b"@", b"]", b"caf\xe9", b"a b", b"' \" \\", b"..x", b"FAILED: x",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_neither_run_nor_printed_raw(bundle: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(bundle / "data") + b"/" + name)).write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(bundle) + b"/" + name)).write_bytes(b"x")
    said = fails(bundle, "it was added")
    _nothing_ran(bundle, said)


OUTSIDE = (
    "../outside", "data/../../outside", "/etc/hostname", "data//x", "data/./x",
    "data/$(touch PWNED)", "data/a[$(touch PWNED)]", "data/x y", "data/*", "data/\x1b[31m",
    "data/-x", "data/x/", "data/", "README.txt", "data/" + "x" * 2_000_000,
)  # fmt: skip
MANIFESTS = [
    (manifest, line)
    for line in ("{digest}  {path}", "\\{digest}  {path}", "SHA256 ({path}) = {digest}")
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt")
]


@pytest.mark.parametrize(("path", "way"), each_once(OUTSIDE, MANIFESTS))
@pytest.mark.attack("Puts `../` into a bundle's manifest", "`verify.sh`, `check`")
def test_hostile_lines_in_manifests(bundle: Path, path: str, way: tuple[str, str]) -> None:
    write(bundle.parent / "outside", b"x")
    manifest, line = way
    data = (bundle / manifest).read_bytes()
    added = line.format(digest=hashlib.sha256(b"x").hexdigest(), path=path)
    write(bundle / manifest, data + added.encode() + b"\n")
    if manifest == "manifest-sha256.txt":
        tags = (bundle / "tagmanifest-sha256.txt").read_text()
        digests = (hashlib.sha256(data), hashlib.sha256((bundle / manifest).read_bytes()))
        old, new = (one.hexdigest() for one in digests)
        write(bundle / "tagmanifest-sha256.txt", tags.replace(old, new).encode())
    said = fails(bundle, manifest)
    _nothing_ran(bundle, said)


PROOFS = (
    "handover.txt", "entries.txt", "checkpoint", "checkpoint.text", "log.vkey", "log.pem",
    "contents.sha256", "entries/9/leaf", "entries/9/field.stored", "entries/16/field.signature",
    "entries/16/act.message", "entries/1/field.operator",
)  # fmt: skip
VALUES = [(HOSTILE[at], whole) for whole in (False, True) for at in (0, 2, 3, 4)]


@pytest.mark.parametrize(("path", "way"), each_once(PROOFS, VALUES))
def test_hostile_values_in_proofs(bundle: Path, path: str, way: tuple[bytes, bool]) -> None:
    place = bundle / "data/proof" / path
    value, whole = way
    write(place, value + b"\n" if whole else re.sub(rb"\d+", lambda _: value, place.read_bytes()))
    remanifest(bundle)
    said = fails(bundle, "FAILED")
    _nothing_ran(bundle, said)


def test_hostile_names_in_a_log_that_is_whole(tmp_path: Path) -> None:
    """Nothing that a unit may name is evaluated either."""
    work = copied_case(tmp_path, HOSTILE, origin="$(touch${IFS}PWNED)[`x`]")
    made = hand_over(work, tmp_path / "handover", recipient="$(touch PWNED)\x1b[31m")
    done = verify(made.folder, "--anchors", made.anchors)
    assert done.returncode == 0, done.stderr
    _nothing_ran(made.folder, done.stdout)


def _nothing_ran(bundle: Path, said: str) -> None:
    assert not list(bundle.parent.rglob("PWNED"))
    assert all(c.isprintable() or c == "\n" or "\udc80" <= c <= "\udcff" for c in said)
    assert max(map(len, said.splitlines())) < 400


@pytest.mark.attack("Puts a symlink into a bundle", "`verify.sh`, `check`")
def test_links_are_not_followed(bundle: Path) -> None:
    one = sorted((bundle / "data/originals").iterdir())[0]
    outside = bundle.parent / "outside"
    one.rename(outside)
    one.symlink_to(outside)
    fails(bundle, f"{one.name}: a symbolic link")


def test_a_linked_folder(bundle: Path) -> None:
    outside = bundle.parent / "outside"
    (bundle / "data/originals").rename(outside)
    (bundle / "data/originals").symlink_to(outside)
    fails(bundle, "data/originals: a symbolic link")


def test_a_pipe_does_not_stop_it(bundle: Path) -> None:
    one = sorted((bundle / "data/originals").iterdir())[0]
    one.unlink()
    os.mkfifo(one)
    fails(bundle, f"{one.name}: neither a file nor a folder")


def test_a_node_that_contains_itself_does_not_keep_it_busy(made: Made, tmp_path: Path) -> None:
    """A tree of 2^40 leaves from 40 nodes, each twice its child, signed by a forger."""
    bundle = shutil.copytree(made.folder, tmp_path / "handover")
    shutil.rmtree(bundle / "data/proof/nodes")
    node = bytes(32)
    for _ in range(40):
        data = b"\x01" + node + node
        node = hashlib.sha256(data).digest()
        write(bundle / "data/proof/nodes" / node.hex(), data)
    log = made.work.session.vault.log
    signer = made.work.session.vault.keyring.log_signer(made.work.session.vault.verifier)
    assert signer is not None
    text = f"{log.origin}\n{2**40}\n{base64.b64encode(node).decode()}\n"
    note = signer.sign_note(text)
    write(bundle / "data/proof/checkpoint", note.encode())
    write(bundle / "data/proof/checkpoint.text", text.encode())
    signature = base64.b64decode(note.rsplit(" ", 1)[1])[4:]
    write(bundle / "data/proof/checkpoint.sig", signature)
    remanifest(bundle)
    fails(bundle, "data/proof/nodes")


def test_the_withheld_stay_countable(made: Made, tmp_path: Path) -> None:
    work = copied_case(tmp_path)
    chosen = work.exhibits[:2]
    given = Selection.of(chosen)
    part = hand_over(work, tmp_path / "part", chosen, disclose=given, complete=False)
    done = verify(part.folder, "--anchors", part.anchors)
    assert done.returncode == 0, done.stderr
    assert "numbered 1 to 12 without a gap" in done.stdout
    assert "6 exhibits of the case are withheld" in done.stdout


def test_it_passes_shellcheck(tmp_path: Path) -> None:
    tool = shutil.which("shellcheck")
    if tool is None:
        pytest.skip("shellcheck is not installed: apt-get install shellcheck")
    script = tmp_path / "verify.sh"
    script.write_bytes(verify_script())
    done = subprocess.run([tool, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
