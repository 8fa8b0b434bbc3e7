"""Every way of tampering, and that `verify` names the very thing that was touched."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.acts import cases, collecting, vaults
from holdfast.acts.act import Session
from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError, IntegrityError
from holdfast.testing.store_contract import put, staged
from holdfast.vault import entry, tables, tiles
from holdfast.vault.entry import Draft, Sealed
from holdfast.vault.log import Log
from holdfast.vault.merkle import WIDTH, leaf_hash
from holdfast.vault.note import Signer
from holdfast.vault.report import Report
from holdfast.vault.vault import Vault
from holdfast.vault.verify import verify
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from holdfast.core.canonical import Json

CASE, OTHER_CASE = "2026-0001", "2026-0002"


def quiet(_done: int, _total: int | None, _what: str) -> None:
    pass


def checked(vault: Vault) -> Report:
    """Verify like a new process does."""
    fresh = Vault.open(vault.root)
    try:
        return verify(fresh, 1, quiet)
    finally:
        fresh.engine.dispose()


def assert_names(vault: Vault, *said: str) -> Report:
    """Each of `said` (patterns) is a problem, nothing else is, and the vault is not intact."""
    report = checked(vault)
    left = list(report.problems)
    for pattern in said:
        found = [one for one in left if re.search(pattern, one)]
        assert found, f"nothing says {pattern!r}: {report.problems}"
        left.remove(found[0])
    assert not left, f"these are named too: {left}"
    assert not report.intact
    assert report.as_json()["intact"] is False
    return report


def assert_intact(vault: Vault) -> Report:
    report = checked(vault)
    assert report.problems == []
    assert report.incomplete == []
    assert report.intact
    return report


def overwrite(path: Path, data: bytes) -> None:
    """Replace a read-only file's content in place, as one who has the disk."""
    path.chmod(0o644)
    path.write_bytes(data)


def session(vault: Vault, operator: str = "Alice") -> Session:
    return Session(vault, operator)


def an_object(vault: Vault) -> Path:
    digest = max(vault.store.digests(), key=lambda one: vault.store.size(one) or 0)
    return vault.root / "vault" / "objects" / digest[:2] / digest


@pytest.fixture(scope="module")
def _long_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("long")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        alice = vaults.init(vaults.NewVault(folder / "vault", "Alice", origin="long.example/log"))
        for count in (700, 1, 2000):
            drafts = [Draft("note", None, {"n": n, "text": "x"}) for n in range(count)]
            alice.custody.enter(*drafts)
        alice.vault.engine.dispose()
        yield folder / "vault"


@pytest.fixture
def long(_long_template: Path, tmp_path: Path) -> Iterator[Vault]:
    """A vault of 2,703 entries: eleven bundles, two levels of tiles, two tasks to verify."""
    shutil.copytree(_long_template, tmp_path / "long")
    found = Vault.open(tmp_path / "long")
    yield found
    found.engine.dispose()


# What is as it was written.


def test_a_vault_that_nobody_touched_is_intact(vault: Vault) -> None:
    report = assert_intact(vault)
    assert report.head == vault.log.head()
    assert report.head.size == report.signed + report.unsigned
    assert report.unsigned == 5, "Bob's: open, start, item, end, close"
    assert report.objects == len(list(vault.store.digests())) == 7


def test_a_long_log_is_intact_whatever_the_number_of_processes(long: Vault) -> None:
    assert verify(long, 2, quiet).problems == []
    assert_intact(long)


def test_a_new_vault_is_intact(tmp_path: Path) -> None:
    made = vaults.init(vaults.NewVault(tmp_path / "new", "Alice")).vault
    assert_intact(made)
    made.engine.dispose()


def test_a_sealed_vault_is_intact(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("secret")
    alice = vaults.init(vaults.NewVault(tmp_path / "new", "Alice", sealed=True))
    case = cases.open_case(alice, cases.OpenCase("T", "B", "A", "2999-01-01")).id
    wish = collecting.CollectFiles(case, (str(tmp_path / "evidence"),))
    assert len(list(collecting.collect_files(alice, wish))) == 1
    assert_intact(alice.vault)
    alice.vault.engine.dispose()


def test_progress_is_told(vault: Vault) -> None:
    told: list[str] = []
    verify(vault, 1, lambda _done, _total, what: told.append(what))
    assert {"log", "objects"} <= set(told)


def test_nothing_is_changed(vault: Vault) -> None:
    """ "Nothing is changed. What a crash left unfinished is told apart from what is wrong.\""""

    def everything() -> dict[str, tuple[int, bytes]]:
        return {
            str(one.relative_to(vault.root)): (one.stat().st_mtime_ns, one.read_bytes())
            for one in vault.root.rglob("*")
            if one.is_file() and not one.name.startswith("holdfast.db")
        }

    before = everything()
    assert_intact(vault)
    assert everything() == before


# Objects.


@pytest.mark.attack("An insider edits an object", "`verify`, `sha256sum`")
def test_an_altered_object_is_named(vault: Vault) -> None:
    path = an_object(vault)
    data = path.read_bytes()
    overwrite(path, data[:-1] + b"!")
    digest = sha256_hex(data[:-1] + b"!")
    assert_names(vault, f"the object {path} was altered: its SHA-256 is {digest}")
    overwrite(path, data)
    assert_intact(vault)


def test_a_truncated_object_is_named(vault: Vault) -> None:
    path = an_object(vault)
    overwrite(path, path.read_bytes()[:-1])
    assert_names(vault, f"the object {path} was altered")


def test_a_missing_object_is_named(vault: Vault) -> None:
    path = an_object(vault)
    path.unlink()
    report = assert_names(vault, f"the object {path.name} is missing from the vault")
    assert report.objects == 6


def test_an_object_that_no_entry_speaks_of_is_named(vault: Vault) -> None:
    (digest,) = put(vault.store, "smuggled", b"planted")
    assert_names(vault, f"the object {digest} lies in the vault and no entry speaks of it")


@pytest.mark.parametrize("name", ["00/zzz", "00/README", "ff/.hidden", "7f/~", "ab/" + "0" * 64])
def test_a_file_without_an_objects_name_is_named_and_nothing_else(name: str, vault: Vault) -> None:
    path = vault.root / "vault" / "objects" / name
    path.write_bytes(b"stray")
    assert_names(vault, f"the object {path} was altered")


def test_an_object_in_the_wrong_folder_is_named(vault: Vault) -> None:
    path = an_object(vault)
    wrong = path.parents[1] / ("00" if path.parent.name != "00" else "01") / path.name
    path.rename(wrong)
    assert_names(vault, f"{wrong} lies in the wrong", f"object {path.name} is missing")


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "loop"])
def test_what_is_no_regular_file_is_named_and_never_waited_for(kind: str, vault: Vault) -> None:
    path = an_object(vault)
    copy = vault.root / "copy"
    path.rename(copy)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(copy if kind == "link" else path)
    assert_names(vault, f"the object {path} is not a regular file")


@pytest.mark.parametrize("name", ["stray", "zz", "abc"])
def test_what_lies_beside_the_objects_folders_is_named(name: str, vault: Vault) -> None:
    path = vault.root / "vault" / "objects" / name
    path.mkdir() if name == "zz" else path.write_bytes(b"stray")
    assert_names(vault, f"{path} lies among the objects and is none")


def test_all_objects_gone_is_each_object_named(vault: Vault) -> None:
    digests = list(vault.store.digests())
    shutil.rmtree(vault.root / "vault" / "objects")
    assert_names(vault, *(f"object {digest} is missing" for digest in digests))


# Tiles, bundles, bodies.


def files_of(log: Log, size: int) -> dict[str, Path]:
    number, width = divmod(size, WIDTH)
    return {
        "level 0": tiles.hash_tile(log.path, 0, number, width),
        "entries": tiles.entry_bundle(log.path, number, width),
        "bodies": log.bodies / tiles.numbered(number, width),
    }


def cut(data: bytes) -> bytes:
    return data[:-1]


def flip(data: bytes) -> bytes:
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


@pytest.mark.parametrize("name", ["level 0", "entries", "bodies"])
def test_a_truncated_file_of_the_log_is_named(name: str, vault: Vault) -> None:
    path = files_of(vault.log, vault.log.head().size)[name]
    data = path.read_bytes()
    overwrite(path, data[:-40])
    problems = checked(vault).problems
    assert any(str(path) in one and "truncated" in one for one in problems) or (
        name == "bodies" and any("is malformed" in one for one in problems)
    )
    overwrite(path, data)
    assert_intact(vault)


@pytest.mark.parametrize("name", ["level 0", "entries", "bodies"])
def test_a_missing_file_of_the_log_is_named(name: str, vault: Vault) -> None:
    path = files_of(vault.log, vault.log.head().size)[name]
    path.unlink()
    problems = checked(vault).problems
    assert any(f"the log's file {path} is missing" in one for one in problems)


@pytest.mark.parametrize("name", ["level 0", "entries", "bodies"])
def test_a_file_of_the_log_that_grew_is_named(name: str, vault: Vault) -> None:
    """Who serves the folder serves what was added too; so it is not "as it was written"."""
    path = files_of(vault.log, vault.log.head().size)[name]
    data = path.read_bytes()
    more = {"level 0": data[:32], "entries": data[:300], "bodies": b"{}\n"}[name]
    if name == "entries":
        more = tiles.pack_bundle([b"{}"])
    overwrite(path, data + more)
    assert_names(vault, f"{path} holds more than")


@pytest.mark.attack("An insider edits a tile", "`verify`")
def test_an_altered_hash_names_tile_and_entry(vault: Vault) -> None:
    path = files_of(vault.log, vault.log.head().size)["level 0"]
    data = path.read_bytes()
    overwrite(path, data[: 5 * 32] + bytes(32) + data[6 * 32 :])
    assert_names(vault, f"the log's tile {path} does not fit the entries, first at entry 5$")


@pytest.mark.parametrize(("level", "index", "what"), [(0, 3, "entry 770"), (1, 0, "hash 2")])
def test_an_altered_hash_of_any_level_names_tile_and_place(
    level: int, index: int, what: str, long: Vault
) -> None:
    width = WIDTH if level == 0 else long.log.head().size // WIDTH
    path = tiles.hash_tile(long.log.path, level, index, width)
    data = path.read_bytes()
    overwrite(path, data[: 2 * 32] + bytes(32) + data[3 * 32 :])
    assert_names(long, f"the log's tile {path} does not fit the entries, first at {what}$")


def test_a_truncated_full_tile_is_named(long: Vault) -> None:
    path = tiles.hash_tile(long.log.path, 0, 4, WIDTH)
    overwrite(path, path.read_bytes()[:-1])
    assert_names(long, f"the log's tile {path} is truncated: 8191 of 8192 bytes")


def test_an_altered_leaf_is_named(vault: Vault) -> None:
    """In the public bundle: an act's commitment is exchanged for another."""
    path = files_of(vault.log, vault.log.head().size)["entries"]
    leaves = list(tiles.unpack_bundle(path.read_bytes(), path))
    at = next(one.index for one in vault.log.entries() if "title" in one.fields)
    leaf = json.loads(leaves[at])
    leaf["fields"]["title"] = "0" * 64
    leaves[at] = canonical.dumps(leaf)
    overwrite(path, tiles.pack_bundle(leaves))
    tile = files_of(vault.log, len(leaves))["level 0"]
    assert_names(
        vault,
        rf"the body of entry {at} was changed: its field 'title' is not what the log committed to",
        f"the log's tile {tile} does not fit the entries, first at entry {at}$",
        r"the entries do not give the root that the checkpoint of unit7.example/log signs",
    )


def test_two_leaves_exchanged_are_named(vault: Vault) -> None:
    path = files_of(vault.log, vault.log.head().size)["entries"]
    leaves = list(tiles.unpack_bundle(path.read_bytes(), path))
    leaves[6], leaves[7] = leaves[7], leaves[6]
    overwrite(path, tiles.pack_bundle(leaves))
    problems = checked(vault).problems
    assert any("first at entry 6" in one for one in problems)
    assert any("do not give the root" in one for one in problems)


def test_behind_a_gap_no_tile_is_blamed(long: Vault) -> None:
    """A missing bundle shifts no one's positions: only what is wrong is named."""
    path = tiles.entry_bundle(long.log.path, 2, WIDTH)
    path.unlink()
    problems = checked(long).problems
    assert problems
    assert all(f"the log's file {path} is missing" in one for one in problems)


def test_damage_in_two_bundles_is_named_twice(long: Vault) -> None:
    for number in (1, 2, 9):
        path = long.log.bodies / tiles.numbered(number)
        data = path.read_bytes()
        overwrite(path, data.replace(b'\\"text\\",\\"x\\"', b'\\"text\\",\\"y\\"', 1))
    problems = checked(long).problems
    named = [one for one in problems if "its field 'text' is not what the log" in one]
    assert [int(re.findall(r"entry (\d+)", one)[0]) // WIDTH for one in named] == [1, 2, 9]


# Bodies.


def edit_body(vault: Vault, index: int, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the body of an entry that lies in the newest file."""
    size = vault.log.head().size
    path = files_of(vault.log, size)["bodies"]
    rows = path.read_bytes().splitlines()
    body = json.loads(rows[index % WIDTH])
    change(body)
    rows[index % WIDTH] = canonical.dumps(body)
    overwrite(path, b"\n".join([*rows, b""]))


def entry_of(vault: Vault, act: str) -> int:
    return next(one.index for one in vault.log.entries() if one.act == act)


def a_new_value(name: str, value: Json) -> Callable[[dict[str, Any]], object]:
    def change(body: dict[str, Any]) -> None:
        salt, said, _ = json.loads(body["disclosures"][name])
        body["disclosures"][name] = canonical.dumps([salt, said, value]).decode()

    return change


@pytest.mark.attack("An insider edits an entry", "`verify`")
def test_an_edited_value_names_entry_and_field(vault: Vault) -> None:
    at = entry_of(vault, "case.open")
    edit_body(vault, at, a_new_value("title", "The real bank"))
    report = checked(vault)
    assert any(
        f"the body of entry {at} was changed: its field 'title'" in one for one in report.problems
    )
    assert not report.intact


@pytest.mark.attack("Strips an actor's signature in the vault", "`verify`")
def test_a_signature_taken_out_of_a_body_is_named(vault: Vault) -> None:
    """ "a stripped signature is a failure, not a silence.\""""
    at = entry_of(vault, "case.open")
    edit_body(vault, at, lambda body: body["disclosures"].pop("signature"))
    assert_names(vault, f"entry {at}: the actor's signature was removed from its body")


@pytest.mark.parametrize("name", ["context", "time", "reason"])
def test_a_field_that_no_order_erased_is_named(name: str, vault: Vault) -> None:
    at = entry_of(vault, "case.close")
    edit_body(vault, at, lambda body: body["disclosures"].pop(name))
    problems = checked(vault).problems
    assert any(re.search(f"entry {at}.* {name!r} .*gone from its body", one) for one in problems)


def test_a_changed_sequence_is_named(vault: Vault) -> None:
    at = entry_of(vault, "case.open")
    edit_body(vault, at, lambda body: body.update(sequence=3))
    problems = checked(vault).problems
    assert any(f"entry {at} has the wrong completeness tag for number 3" in o for o in problems)
    assert any(f"entry {at} is number 3 of case {CASE}, 1 was due" in one for one in problems)


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"{}",
        b"[]",
        b"rubbish",
        b'{"disclosures":[],"sequence":1}',
        b'{"disclosures":{},"sequence":"1"}',
        b'{"disclosures":{"act":"[]"},"sequence":1}',
        b'{"disclosures":{"act":"rubbish"},"sequence":1}',
        b'{"disclosures":{},"sequence":1}',
    ],
)
def test_whatever_a_body_is_overwritten_with_its_entry_is_named(row: bytes, vault: Vault) -> None:
    """Verification "never raises for what is wrong with the vault"."""
    at = entry_of(vault, "case.open")
    path = files_of(vault.log, vault.log.head().size)["bodies"]
    rows = path.read_bytes().splitlines()
    rows[at] = row
    overwrite(path, b"\n".join([*rows, b""]))
    report = checked(vault)
    assert not report.intact
    assert any(re.search(rf"entry {at}\b", one) for one in report.problems)


@pytest.mark.parametrize("act", ["vault.init", "operator.add", "case.open", "collect.item"])
def test_values_no_fold_can_take_are_named_not_a_crash(act: str, vault: Vault) -> None:
    at = entry_of(vault, act)
    fields = next(one.fields for one in vault.log.entries(at, at + 1))
    values: list[Json] = [None, [], {}, 2**53 - 1, "x", {"number": 2**80 - 2**80 + 2**52}]
    data = files_of(vault.log, vault.log.head().size)["bodies"].read_bytes()
    for name in sorted(fields):
        for value in values:
            if name == "signature" and value is None:
                continue
            edit_body(vault, at, a_new_value(name, value))
            report = Report()
            _fold_only(vault, report)
            overwrite(files_of(vault.log, vault.log.head().size)["bodies"], data)


def _fold_only(vault: Vault, report: Report) -> None:
    """Run the part of a verification that folds the log; it must not raise."""
    from holdfast.vault.verify import _Log  # noqa: PLC0415 - a part, to test it 200 times

    scratch = vault.root / "scratch"
    scratch.mkdir()
    fresh = _Log(vault, vault.log.head(), report, scratch)._fold(quiet)
    if fresh is not None:
        fresh.dispose()
    shutil.rmtree(scratch)


# A log written anew by one who holds the log's key, but not the operators'.


def forge(vault: Vault, change: Callable[[list[Sealed]], object], *, rebuilt: bool = True) -> None:
    """Write the log again with changed entries, signed by its own key, the database to match."""
    pairs = [Sealed(leaf, body) for _, leaf, body in vault.log.raw()]
    change(pairs)
    for folder in ("log", "entries"):
        shutil.rmtree(vault.root / "vault" / folder)
    log = Vault.open(vault.root).log
    log.create()
    log.commit(log.head(), pairs)
    if rebuilt:
        for path in vault.root.glob("holdfast.db*"):
            path.unlink()
        fresh = Vault.open(vault.root)
        fresh.rebuild()
        fresh.engine.dispose()


def resealed(
    pairs: list[Sealed], at: int, change: Callable[[dict[str, Any]], object], **more: Any
) -> None:
    """Commit anew to the changed fields of an entry, its signature as it was."""
    old = entry.parse(at, pairs[at].leaf, pairs[at].body)
    fields = dict(old.fields)
    change(fields)
    sequence = more.get("sequence", old.sequence)
    opens = more.get("opens", old.opens)
    pairs[at] = entry.seal_encoded(entry.encoded(fields), more["chain"], sequence, opens)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An account that has seen nothing: what is found then, anyone can find."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "forgetful"))


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("opens", [None, "another key", "another case"])
def test_a_case_that_is_not_opened_with_its_own_key_is_named(
    vault: Vault, opens: str | None
) -> None:
    """A second chain of entries, under another key, can't pass for the case."""
    at = entry_of(vault, "case.open")
    chain = vault.keyring.chain(CASE)
    said = {
        None: None,
        "another key": entry.opening(CASE, bytes(32)),
        "another case": entry.opening(OTHER_CASE, chain),
    }[opens]
    forge(vault, lambda pairs: resealed(pairs, at, lambda _: None, chain=chain, opens=said))
    assert_names(
        vault,
        f"entry {at} does not open its case with the case's tag key",
        f"entry {at}: the signature of Alice does not verify",
    )


@pytest.mark.usefixtures("forgetful")
def test_an_entry_that_opens_a_case_and_is_another_act_is_named(vault: Vault) -> None:
    at = entry_of(vault, "collect.end")
    chain = vault.keyring.chain(CASE)
    said = entry.opening(CASE, chain)
    forge(vault, lambda pairs: resealed(pairs, at, lambda _: None, chain=chain, opens=said))
    assert_names(
        vault,
        f"entry {at} opens a case and is no `case.open`",
        f"entry {at}: the signature of Alice does not verify",
    )


@pytest.mark.usefixtures("forgetful")
def test_a_signed_act_written_anew_is_named(vault: Vault) -> None:
    """The log's key does not help to change what an operator signed."""
    at = entry_of(vault, "case.open")
    chain = vault.keyring.chain(CASE)
    change = lambda pairs: resealed(  # noqa: E731 - one line of the forger's
        pairs, at, lambda fields: fields.update(title="The real bank"), chain=chain
    )
    forge(vault, change)
    assert_names(vault, f"entry {at}: the signature of Alice does not verify")


@pytest.mark.usefixtures("forgetful")
def test_a_covered_act_written_anew_is_named(vault: Vault) -> None:
    at = entry_of(vault, "collect.item")
    chain = vault.keyring.chain(CASE)
    forge(
        vault,
        lambda pairs: resealed(pairs, at, lambda f: f["record"].update(mode="100777"), chain=chain),
    )
    report = checked(vault)
    (problem,) = report.problems
    signed_at = int(re.findall(r"entry (\d+): the signature of Alice does not verify", problem)[0])
    assert signed_at > at


@pytest.mark.usefixtures("forgetful")
@pytest.mark.attack("An insider takes an entry out", "`verify`")
def test_an_entry_taken_out_is_named(vault: Vault) -> None:
    """Bob signs nothing, so only the count of the case's entries tells."""
    at = next(one.index for one in vault.log.entries() if one.case == OTHER_CASE) + 1
    forge(vault, lambda pairs: pairs.pop(at))
    problems = checked(vault).problems
    assert any(f"entry {at} is number 3 of case {OTHER_CASE}, 2 was due" in one for one in problems)


@pytest.mark.usefixtures("forgetful")
def test_an_entry_put_in_by_one_without_the_cases_key_is_named(vault: Vault) -> None:
    end = vault.log.head().size
    count = sum(one.case == OTHER_CASE for one in vault.log.entries())
    fields: dict[str, Json] = {
        "act": "note",
        "actor": {"key": None, "name": "bob"},
        "case": OTHER_CASE,
        "context": {},
        "time": "2026-01-01T00:00:00Z",
    }
    forged = entry.seal(fields, bytes(32), count + 1)
    forge(vault, lambda pairs: pairs.append(forged))
    assert_names(vault, f"entry {end} has the wrong completeness tag for number {count + 1}")


def signed_by(
    vault: Vault,
    signer: Signer,
    actor: dict[str, Json],
    covers: int = 0,
    value: dict[str, Json] | None = None,
) -> Callable[[list[Sealed]], None]:
    """Append an entry with a signature of the forger's choice."""

    def change(pairs: list[Sealed]) -> None:
        fields: dict[str, Json] = {
            "act": "note",
            "actor": dict(actor),
            "case": None,
            "context": {},
            "time": "2026-01-01T00:00:00Z",
        }
        count = sum(entry.parse(n, one.leaf, one.body).case is None for n, one in enumerate(pairs))
        made = entry.sign(
            entry.encoded(fields),
            vault.keyring.chain(None),
            count + 1,
            signer=signer,
            origin=vault.log.origin,
            covered=[leaf_hash(one.leaf) for one in pairs[len(pairs) - covers :]],
        )
        if value is not None:
            body, leaf = json.loads(made.body), json.loads(made.leaf)
            salt, name, was = json.loads(body["disclosures"]["signature"])
            text = canonical.dumps([salt, name, {**was, **value}]).decode()
            body["disclosures"]["signature"] = text
            leaf["fields"]["signature"] = entry.commitment(text)
            made = Sealed(canonical.dumps(leaf), canonical.dumps(body))
        pairs.append(made)

    return change


@pytest.mark.usefixtures("forgetful")
def test_signatures_that_prove_nothing_are_named(vault: Vault) -> None:
    alice, carol = (vault.keyring.operator(name) for name in ("Alice", "carol"))
    assert alice is not None
    assert carol is not None
    end = vault.log.head().size
    stranger = Signer("Alice", fixed_key(9))

    def actor(signer: Signer) -> dict[str, Json]:
        return {"key": signer.verifier.key_id.hex(), "name": signer.name}

    rubbish = base64.b64encode(bytes(64)).decode()
    for change, said in (
        (signed_by(vault, stranger, actor(stranger)), "which no entry of the log gives to an oper"),
        (signed_by(vault, carol, actor(alice)), "signed with another key than its actor's"),
        (
            signed_by(vault, alice, actor(alice), value={"sig": rubbish}),
            "signature of Alice does not verify",
        ),
        (
            signed_by(vault, alice, actor(alice), value={"sig": "no base64!"}),
            "is malformed",
        ),
        (_covers(vault, alice, actor(alice), 10_000), "covers entries before the first"),
        (_covers(vault, alice, actor(alice), -1), "covers entries before the first"),
        (_covers(vault, alice, actor(alice), "x"), "is malformed"),
        (signed_by(vault, alice, actor(alice), value={"key": 7}), "is malformed|which no entry"),
        # Bob, who has no key, closed his case just before; Alice can't sign for him.
        (signed_by(vault, alice, actor(alice), covers=2), "covers an entry of another actor"),
    ):
        copy = vault.root.with_name("forged")
        shutil.copytree(vault.root, copy)
        forged = Vault.open(copy)
        forge(forged, change, rebuilt=False)
        problems = [p for p in checked(forged).problems if f"entry {end}" in p]
        shutil.rmtree(copy)
        assert any(re.search(said, one) for one in problems), (said, problems)


def _covers(
    vault: Vault, signer: Signer, actor: dict[str, Json], covers: Json
) -> Callable[[list[Sealed]], None]:
    return signed_by(vault, signer, actor, 0, {"sig": "", "covers": covers})


@pytest.mark.attack(
    "Rewrites the log, signed with its own key, where nobody witnesses",
    "the account that saw the old one",
)
def test_a_log_rewritten_with_its_own_key_is_named_by_who_saw_the_old_one(vault: Vault) -> None:
    """An act of one who signs nothing: only memory can tell."""
    vault.current()
    at = next(one.index for one in vault.log.entries() if one.case == OTHER_CASE)
    chain = vault.keyring.chain(OTHER_CASE)
    size = vault.log.head().size
    forge(
        vault,
        lambda pairs: resealed(pairs, at, lambda f: f.update(title="Harmless"), chain=chain),
        rebuilt=False,
    )
    problems = checked(vault).problems
    assert any(f"the log's first {size} entries are not those seen before" in o for o in problems)


# The checkpoint and the commits.


@pytest.mark.parametrize("how", ["missing", "edited", "forged", "other log", "empty"])
def test_a_checkpoint_that_was_touched_is_named(how: str, vault: Vault) -> None:
    path = vault.log.path / "checkpoint"
    text = path.read_text()
    other = Signer("other.example", fixed_key(3))
    data = {
        "missing": "",
        "edited": text.replace(f"\n{vault.log.head().size}\n", "\n3\n"),
        "forged": Signer(vault.log.origin, fixed_key(3)).sign_note(vault.log.head().text()),
        "other log": other.sign_note(vault.log.head().text().replace(vault.log.origin, "o")),
        "empty": "",
    }[how]
    path.unlink()
    if how != "missing":
        path.write_text(data)
    said = {
        "missing": f"checkpoint {path} is missing",
        "edited": "the signature of unit7.example/log on the note does not verify",
        "forged": "the note is not signed by unit7.example/log",
        "other log": "the note is not signed by unit7.example/log",
        "empty": "the note has no signature block",
    }[how]
    report = assert_names(vault, said)
    assurance = report.as_json()["assurance"]
    assert isinstance(assurance, dict)
    assert assurance["log_signature"] == "invalid"
    path.write_text(text)
    assert_intact(vault)


def commit_only(vault: Vault) -> Path:
    """Leave a commit that nobody has carried out."""

    def dies(*_args: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Log, "_apply", dies)
        with pytest.raises(KeyboardInterrupt):
            session(vault).custody.enter(Draft("note", None, {"text": "half way"}))
    return vault.log.path / "commits" / f"{vault.log.head().size:016d}"


def test_a_commit_that_waits_is_incomplete_not_wrong(vault: Vault) -> None:
    commit_only(vault)
    report = checked(vault)
    assert report.problems == []
    assert report.intact
    assert [one[:36] for one in report.incomplete] == ["1 committed entries are not publishe"]
    Vault.open(vault.root).current()
    assert_intact(vault)


def test_a_damaged_commit_is_named(vault: Vault) -> None:
    path = commit_only(vault)
    overwrite(path, path.read_bytes()[:-80])
    assert_names(vault, f"the log's commit {path} is damaged")


def test_a_collection_that_was_cut_short_is_incomplete_not_wrong(vault: Vault) -> None:
    intake = vault.store.intake("run-9")
    staged(intake, b"one", b"two")
    intake.leave()
    report = checked(vault)
    assert report.intact
    assert report.incomplete == [
        "the collection run-9 was cut short with 2 files staged; repeat it"
    ]


def test_an_object_that_is_entered_and_still_staged_is_incomplete(vault: Vault) -> None:
    path = an_object(vault)
    intake = vault.store.intake("run-9")
    staged(intake, path.read_bytes())
    path.unlink()
    assert checked(vault).intact, "the run is at work and will put it there"
    intake.leave()
    report = checked(vault)
    assert report.intact
    assert any(f"the object {path.name} is entered and staged" in o for o in report.incomplete)
    vault.store.recover(set)
    assert_intact(vault)


# The database.


def execute(vault: Vault, statement: str, *values: object) -> None:
    vault.engine.dispose()
    with closing(sqlite3.connect(vault.root / "holdfast.db", isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys=OFF")
        assert database.execute(statement, values).rowcount > 0


EDITS = {
    "entries": "UPDATE entries SET actor = 'Mallory' WHERE \"index\" = 3",
    "operators": "UPDATE operators SET key_id = 'x' WHERE name = 'carol'",
    "roles": "UPDATE roles SET role = 'supervisor' WHERE name = 'carol'",
    "team": "UPDATE team SET role = 'supervisor' WHERE \"case\" = '2026-0001'",
    "cases": "UPDATE cases SET valid_until = valid_until + 1 WHERE \"case\" = '2026-0001'",
    "exhibits": "UPDATE exhibits SET path = '/elsewhere' WHERE number = 2",
    "chains": "UPDATE chains SET count = count - 1 WHERE chain = ''",
    "settings": "UPDATE settings SET value = '[]' WHERE name = 'witnesses'",
}
LABELS = {
    "entries": "3 .column 'actor'",
    "operators": "carol.* .column 'key_id'",
    "roles": "carol, .*a row too many|carol, .*column 'role'",
    "team": "2026-0001, .*a row too many|2026-0001, .*column 'role'",
    "cases": "2026-0001 .column 'valid_until'",
    "exhibits": "2026-0001, 2 .column 'path'",
    "chains": " .column 'count'",
    "settings": "witnesses .column 'value'",
}
NEW_ROWS = {
    "entries": 'INSERT INTO entries SELECT 9999, time, act, actor, "case", sequence, item, signed '
    'FROM entries WHERE "index" = 3',
    "operators": "INSERT INTO operators SELECT 'zed', name, key_id, entry, ended, 0 "
    "FROM operators LIMIT 1",
    "roles": "INSERT INTO roles VALUES ('carol', 'prosecutor', 1, NULL)",
    "team": "INSERT INTO team VALUES ('2026-0001', 'carol', 'lead', 1, NULL)",
    "requests": "INSERT INTO requests VALUES (3, 'erase', '2026-0001', 'x', '', 'x', '', '', "
    "'waiting', NULL)",
    "approvals": "INSERT INTO approvals VALUES (3, 4, 'x', '', 'x')",
    "orders": "INSERT INTO orders VALUES (5, 'erase', '2026-0001', '', 'x', 3, 1, 1, 1)",
    "erasures": "INSERT INTO erasures VALUES (3, 'path', 5)",
    "destroyed": "INSERT INTO destroyed VALUES (5, 'x', 'x')",
    "recaptures": "INSERT INTO recaptures VALUES (5, 0, 1, NULL, NULL)",
    "bound": "INSERT INTO bound VALUES ('https://a.example', 'x', 'carol', 1)",
    "served": "INSERT INTO served VALUES ('carol', 'password', 0, 1)",
    "delegates": "INSERT INTO delegates VALUES "
    "('x', 'carol', 'abcd1234', 'session', '2099-01-01T00:00:00Z', '', 1, 'carol', NULL)",
    "schedules": "INSERT INTO schedules VALUES (5, '2026-0001', 3600, 1, 1, NULL)",
    "remarks": "INSERT INTO remarks VALUES (5, '2026-0001', 'x', '', 'x', 0, 'x', NULL)",
    "holds": "INSERT INTO holds VALUES (5, '', '2026-0001', '', '', NULL)",
    "cases": "INSERT INTO cases SELECT '2026-0003', title, basis, authority, purpose, lead, scope, "
    "valid_from, valid_until, opened, closed, closed_why, recipient, exhibits, review, zone "
    "FROM cases LIMIT 1",
    "exhibits": 'INSERT INTO exhibits SELECT "case", 99, exhibit, item, object, path, size, '
    "collected, changed, wrapped, entry, erased FROM exhibits LIMIT 1",
    "chains": "INSERT INTO chains VALUES ('2026-0009', 4)",
    "viewers": "INSERT INTO viewers VALUES ('2026-0001', 'x', 5, NULL)",
    "sittings": "INSERT INTO sittings VALUES (5, '2026-0001', 'x', 1, NULL, 0, 1)",
    "quarantines": "INSERT INTO quarantines VALUES (5, 'x', '', '2026-0001')",
    "rulings": "INSERT INTO rulings VALUES (5, '', '', 4, '2026-0001', 'release')",
    "numbering": "INSERT INTO numbering VALUES ('2026-0001', '{number}', '{parent}/{part}', 3)",
    "labels": "INSERT INTO labels VALUES ('2026-0001', 'X/1', 1, 5, NULL, NULL)",
    "seized": "INSERT INTO seized VALUES ('2026-0001', 9, 'X/1', 5, 'held', 'x')",
    "exhibit_steps": "INSERT INTO exhibit_steps VALUES ('2026-0001', 9, 5)",
    "seals": "INSERT INTO seals VALUES ('2026-0001', 'S-1', 9, 5, NULL)",
    "transfers": "INSERT INTO transfers VALUES (5, '2026-0001', 9, 'x', 'y', 'waiting', NULL, '')",
    "made_from": "INSERT INTO made_from VALUES ('2026-0001', 2, 9, 'image', 5)",
    "hash_sets": "INSERT INTO hash_sets VALUES (5, 'x', 'x', 'abuse', '{}', NULL)",
    "releases": "INSERT INTO releases VALUES (5, 'x', '2026-0001', 'x', '[]', NULL)",
    "restrictions": "INSERT INTO restrictions VALUES (5, 'x', 'x', '2026-0001')",
    "settings": "INSERT INTO settings VALUES ('authorities', '[]', 4)",
    "words": "INSERT INTO words VALUES (5, 'text', '2026-0001', 'note', '\"x\"')",
    "work": "INSERT INTO work VALUES (5, '2026-0001', 'note', 1, 'kept', 5)",
    "work_steps": "INSERT INTO work_steps VALUES (5, '2026-0001', 'note', 1, 'note.add', 'x', "
    "NULL, 'x', 'kept')",
}
EMPTY = {
    "approvals", "destroyed", "erasures", "hash_sets", "holds", "orders", "recaptures", "releases",
    "requests", "restrictions", "schedules", "numbering", "labels", "seized", "exhibit_steps",
    "seals", "transfers", "made_from",
    "words", "work", "work_steps",
    "bound", "delegates", "served",
    "quarantines", "rulings",
    "sittings", "viewers",
    "remarks",
}  # fmt: skip
"""Tables that have no rows in this vault; tests/acts edits them."""
TABLES = sorted(one.name for one in tables.projection.sorted_tables if one is not tables.head)


def test_every_table_of_the_projection_is_in_these_tests() -> None:
    assert sorted(NEW_ROWS) == TABLES
    assert sorted(EDITS) == sorted(LABELS)
    assert set(TABLES) - set(EDITS) == EMPTY


def rebuilt(vault: Vault) -> None:
    fresh = Vault.open(vault.root)
    fresh.rebuild()
    fresh.engine.dispose()
    assert_intact(vault)


@pytest.mark.parametrize("table", sorted(EDITS))
@pytest.mark.attack("An insider edits a row of the database", "`verify`")
def test_an_edited_row_is_named_and_rebuild_restores_it(table: str, vault: Vault) -> None:
    execute(vault, EDITS[table])
    assert_names(
        vault, f"table {table} is not what the log gives, first at {LABELS[table]}.*someone edited"
    )
    rebuilt(vault)


@pytest.mark.parametrize("table", TABLES)
def test_an_added_row_is_named_and_rebuild_removes_it(table: str, vault: Vault) -> None:
    execute(vault, NEW_ROWS[table])
    assert_names(vault, f"table {table} is not what the log gives, first at .*someone edited it")
    rebuilt(vault)


@pytest.mark.parametrize("which", ["first", "last", "all"])
@pytest.mark.parametrize("table", sorted(EDITS))
def test_a_deleted_row_is_named_and_rebuild_restores_it(
    table: str, which: str, vault: Vault
) -> None:
    order = {"first": "ASC LIMIT 1", "last": "DESC LIMIT 1", "all": "ASC"}[which]
    execute(
        vault,
        f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} ORDER BY rowid {order})",  # noqa: S608 - our own table's name
    )
    assert_names(vault, f"table {table} is not what the log gives, first at .*someone edited it")
    rebuilt(vault)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE head SET root = zeroblob(32)",
        "UPDATE head SET size = size - 1",
        "UPDATE head SET size = 0",
        "UPDATE head SET size = size + 1",
        "UPDATE head SET size = 999999",
        "DELETE FROM head",
    ],
)
def test_an_edited_position_hides_nothing(statement: str, vault: Vault) -> None:
    """ "Folded up to here" must not be a way to have rows left uncompared."""
    execute(vault, EDITS["cases"])
    execute(vault, statement)
    report = checked(vault)
    assert not report.intact, report
    assert any("the database" in one for one in report.problems)
    rebuilt(vault)


def test_a_database_that_is_behind_is_incomplete_and_what_it_has_is_compared(vault: Vault) -> None:
    from holdfast.vault import projection  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projection, "fold_own", lambda *_args: None)
        session(vault).custody.enter(Draft("note", None, {"text": "entered, not folded"}))
    report = checked(vault)
    assert report.intact
    (line,) = report.incomplete
    size = vault.log.head().size
    assert line.startswith(f"the database is folded to entry {size - 1} of {size}")
    execute(vault, EDITS["exhibits"])
    assert_names(vault, "table exhibits is not what the log gives, first at 2026-0001, 2 ")


@pytest.mark.parametrize("how", ["deleted", "empty", "garbage", "truncated", "a page of zeros"])
def test_a_lost_or_damaged_database_is_named_and_rebuild_restores_it(
    how: str, vault: Vault
) -> None:
    vault.engine.dispose()
    path = vault.root / "holdfast.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    data = path.read_bytes()
    if how == "deleted":
        path.unlink()
    else:
        path.write_bytes(
            {
                "empty": b"",
                "garbage": os.urandom(20_000),
                "truncated": data[: len(data) // 2],
                "a page of zeros": data[:4096] + bytes(len(data) - 4096),
            }[how]
        )
    report = checked(vault)
    assert not report.intact
    assert any("the database" in one for one in report.problems)
    rebuilt(vault)


# Settings, policy, memory.


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sealed = false", "sealed = true", "holdfast.toml says sealed = True, entry 0 says False"),
        (
            "require = []",
            'require = ["signed"]',
            r"holdfast.toml says require = \['signed'\], entry 0 says \[\]",
        ),
    ],
)
def test_edited_settings_are_named(old: str, new: str, said: str, vault: Vault) -> None:
    path = vault.root / "holdfast.toml"
    path.write_text(path.read_text().replace(old, new))
    assert_names(vault, said)


def test_settings_that_name_another_logs_key_are_named(vault: Vault) -> None:
    path = vault.root / "holdfast.toml"
    mine, head = Signer(vault.log.origin, fixed_key(8)), vault.log.head()
    path.write_text(path.read_text().replace(vault.config.vkey, str(mine.verifier)))
    assert_names(vault, "the note is not signed by unit7.example/log")
    # And with a checkpoint to match, entry 0 still names the keys that the log began with.
    overwrite(vault.log.path / "checkpoint", mine.sign_note(head.text()).encode())
    path.write_text(re.sub("(?m)^log_mldsa = .*\n", "", path.read_text()))
    problems = checked(vault).problems
    assert any("holdfast.toml says log = 'unit7.example/log+" in one for one in problems)


def test_unreadable_settings_are_named(vault: Vault) -> None:
    (vault.root / "holdfast.toml").write_text("version = 1\nlog = 1\n")
    with pytest.raises(InputError, match=r"holdfast.toml is damaged"):
        checked(vault)


def policy_vault(root: Path, *require: str) -> Vault:
    made = vaults.init(vaults.NewVault(root, "Alice", require=require)).vault
    made.engine.dispose()
    return made


@pytest.mark.parametrize("demand", ["witnessed", "timed"])
def test_a_policy_that_is_not_met_is_not_intact(demand: str, tmp_path: Path) -> None:
    """ "non-zero too where the vault's policy demands what is missing"."""
    made = policy_vault(tmp_path / "v", demand)
    report = checked(made)
    assert report.problems == []
    assert report.missing == [demand]
    assert not report.intact
    told = report.as_json()["assurance"]
    assert isinstance(told, dict)
    assert told["policy"] == {"met": False, "missing": [demand]}
    # Taking the demand out of the settings does not help: entry 0 has it.
    path = made.root / "holdfast.toml"
    path.write_text(path.read_text().replace(f'"{demand}"', ""))
    report = checked(made)
    assert report.missing == [demand]
    assert any("says require = []" in one for one in report.problems)


def test_a_policy_of_signed_acts_is_met_until_one_is_unsigned(tmp_path: Path) -> None:
    made = policy_vault(tmp_path / "v", "signed")
    assert_intact(made)
    session(made, "bob").custody.enter(Draft("note", None, {}))
    report = checked(made)
    assert (report.problems, report.missing, report.unsigned) == ([], ["signed"], 1)
    assert not report.intact
    # Alice's next signature is hers alone; it does not make Bob's act a signed one.
    session(made).custody.enter(Draft("note", None, {}))
    assert checked(made).unsigned == 1
    made.engine.dispose()


def grow(vault: Vault) -> None:
    session(vault).custody.enter(Draft("note", None, {"text": "later"}))


@pytest.mark.attack("Puts an old copy of the whole vault back", "the account that saw more")
def test_an_old_copy_of_the_whole_vault_is_named_by_the_accounts_memory(vault: Vault) -> None:
    old = vault.root.with_name("old")
    shutil.copytree(vault.root, old)
    size = vault.log.head().size
    grow(vault)
    vault.engine.dispose()
    shutil.rmtree(vault.root)
    old.rename(vault.root)
    assert_names(
        vault, f"ends at entry {size - 1} but was seen with {size + 1} entries: 1 are gone"
    )
    with pytest.raises(IntegrityError, match="1 are gone"):
        Vault.open(vault.root).current()


@pytest.mark.usefixtures("forgetful")
def test_an_old_log_under_a_newer_database_is_named_by_the_databases_state(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = vault.root.with_name("old")
    shutil.copytree(vault.root / "vault", old)
    size = vault.log.head().size
    grow(vault)
    vault.engine.dispose()
    shutil.rmtree(vault.root / "vault")
    old.rename(vault.root / "vault")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another account"))
    report = checked(vault)
    gone = f"ends at entry {size - 1} but was seen with {size + 1} entries: 1 are gone"
    assert any(gone in one for one in report.problems)
    assert not any("someone edited it" in one for one in report.problems)
    # A rebuild would forget what the database has seen; it must not be the way round.
    fresh = Vault.open(vault.root)
    with pytest.raises(IntegrityError, match="1 are gone"):
        fresh.rebuild()
    fresh.engine.dispose()
    assert not checked(vault).intact


# Others at work meanwhile.


def test_what_others_do_meanwhile_is_no_tampering(vault: Vault, tmp_path: Path) -> None:
    """A verification of a large vault takes hours; nobody stops collecting for it."""
    (tmp_path / "more").mkdir()
    for n in range(5):
        (tmp_path / "more" / str(n)).write_text(f"later {n}")
    busy: list[str] = []
    bob = session(Vault.open(vault.root), "bob")

    def work(_done: int, _total: int | None, what: str) -> None:
        if what == "log" and not busy:
            busy.append(what)
            case = cases.open_case(bob, cases.OpenCase("New", "B", "A", "2999-01-01")).id
            wish = collecting.CollectFiles(case, (str(tmp_path / "more"),))
            assert len(list(collecting.collect_files(bob, wish))) == 5

    before = vault.log.head()
    report = verify(Vault.open(vault.root), 1, work)
    assert busy
    assert report.head == before
    assert report.problems == []
    assert report.intact
    bob.vault.engine.dispose()
    assert_intact(vault)


def test_rows_edited_while_others_work_are_still_named(vault: Vault) -> None:
    busy: list[str] = []
    bob = session(Vault.open(vault.root), "bob")

    def work(_done: int, _total: int | None, what: str) -> None:
        if what == "log" and not busy:
            busy.append(what)
            grow(bob.vault)
            bob.vault.engine.dispose()
            execute(vault, EDITS["cases"])

    fresh = Vault.open(vault.root)
    report = verify(fresh, 1, work)
    fresh.engine.dispose()
    assert any("table cases is not what the log gives" in one for one in report.problems)


def test_the_folders_and_files_that_hold_secrets_are_no_part_of_it(vault: Vault) -> None:
    """Whoever checks without the keyring still checks all but the completeness tags."""
    vault.keyring.root.rename(vault.root.with_name("elsewhere"))
    assert_intact(vault)
    at = entry_of(vault, "case.open")
    edit_body(vault, at, a_new_value("title", "The real bank"))
    assert not checked(vault).intact
