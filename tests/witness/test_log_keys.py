"""The log's own key: rotated, stolen, lost; and a log that goes on under another origin.

Old entries are held to the old key and new ones to the new, by everything that checks.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.vault import custody, private
from holdfast.vault.config import Config
from holdfast.vault.note import Signer
from holdfast.vault.vault import Vault
from tests.exchange.making import verify
from tests.witness.scene import Unit, done, policy, unit, vkey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.line import Done, Line
    from tests.witness.program import Program


@dataclass
class Office:
    """A unit of two people, whose log one court witnesses."""

    unit: Unit
    place: Path
    patch: pytest.MonkeyPatch

    @property
    def line(self) -> Line:
        return self.unit.line

    def by_bob(self, *arguments: object) -> Done:
        """Run a command as bob, from an account of his own; test_accounts.py has real ones."""
        with self.patch.context() as patch:
            patch.setattr(custody, "account", lambda: "account-of-bob")
            return self.line("--operator", "bob", *arguments)

    def ask(self, *arguments: object) -> int:
        return int(self.line.must(*arguments, "--json").row["request"])

    def approve(self, request: int) -> None:
        answer = self.by_bob("request", "approve", request, "--json")
        assert answer.code == 0, answer.err
        assert answer.row["done"]

    def rotate(self, *arguments: object, tell_court: bool = False) -> tuple[str, str]:
        """Change the key with bob; return the old vkey and the new."""
        old = vkey(self.line.vault)
        self.approve(self.ask("log", "rotate", "--reason", "test", *arguments))
        new = vkey(self.line.vault)
        if tell_court:
            done("witness", "add-log", "--state", self.unit.court.folder, new)
        return old, new

    def eras(self) -> list[dict[str, Any]]:
        return self.line.must("log", "keys", "--json").rows

    def bundle(self, name: str) -> Path:
        folder = self.place / name
        self.line.must("bundle", "--case", self.line.case, "--to", folder)
        return folder

    def anchors(self, name: str = "anchors") -> Path:
        path = self.place / name
        path.write_text(self.line.must("anchors").out)
        return path


@pytest.fixture
def office(
    start: Callable[..., Program],
    line: Line,
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    made = Office(unit(start, line, tmp_path, home), tmp_path, monkeypatch)
    # Of its two keys verify.sh can check one.
    policy(made.unit.policy, vkey(line.vault), made.unit.court, needed="any")
    line.must("log", "witnesses", made.unit.policy)
    line.must("operator", "add", "bob", "--role", "supervisor")
    (tmp_path / "letter").write_text("a letter")
    assert line.collect(tmp_path / "letter").code == 0
    return made


def notes(office: Office) -> list[str]:
    """Return who signed the present checkpoint, as key IDs' owners."""
    text = (office.line.vault / "vault/log/checkpoint").read_text()
    return [line.split()[1] for line in text.splitlines() if line.startswith("— ")]


def test_a_rotated_key_announces_the_next_and_signs_up_to_there(office: Office) -> None:
    old, new = office.rotate()
    assert old != new
    assert old.split("+")[0] == new.split("+")[0], "the same origin"
    (entry,) = office.line.entries("log.key")
    vault = Vault.open(office.line.vault)
    until = entry["entry"] + 1
    assert vault.eras.all[0].until == until
    kept = vault.log.former(until).read_text()
    assert vault.log.opened(kept).size == until, "signed by the old key, with the announcement"
    assert str(vault.eras.at(until).verifier) == old
    assert vault.log.head().size == until, "the old one's last"
    office.unit.work()
    assert str(Vault.open(office.line.vault).eras.at(office.unit.size).verifier) == new
    assert [(one["why"], one["until"]) for one in office.eras()] == [
        ("rotated", until), (None, None),
    ]  # fmt: skip
    office.line.intact()
    office.line.must("rebuild")
    office.line.intact()
    third = office.rotate()[1]
    assert third not in {old, new}
    office.unit.work()
    office.line.intact()


def test_the_next_key_may_come_from_elsewhere(office: Office) -> None:
    key = office.place / "next.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    key.chmod(0o644)
    refused = office.line("log", "rotate", "--next-key", key)
    assert refused.code == 4
    assert "open to other accounts" in refused.err
    key.chmod(0o600)
    made = Signer(Vault.open(office.line.vault).log.origin, private.load(key))
    assert office.rotate("--next-key", key)[1] == str(made.verifier)
    office.unit.work()
    office.line.intact()
    assert office.line("log", "rotate", "--next-key", office.place / "nowhere").code == 3


@pytest.mark.attack("Changes the log's key alone", "every command")
def test_one_person_alone_changes_no_key(office: Office) -> None:
    before = vkey(office.line.vault)
    request = office.ask("log", "rotate")
    refused = office.line("request", "approve", request)
    assert refused.code == 4
    assert "another person" in refused.err
    assert vkey(office.line.vault) == before
    assert office.line("log", "rotate").code == 3, "one waits already"
    office.line.intact()


@pytest.mark.attack("Changes the log's key with an altered program", "`verify`")
def test_a_key_that_was_approved_by_one_alone_is_named(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holdfast refuses it; another program, or this one with that line taken out, does not."""
    from holdfast.acts import two_person  # noqa: PLC0415

    request = office.ask("log", "rotate")
    monkeypatch.setattr(two_person, "_check", lambda *_: None)
    office.line.must("request", "approve", request)
    (problem,) = office.unit.report()["problems"]
    assert "without the approval of another person" in problem


def test_a_rotation_that_was_stopped_after_its_entry_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = vkey(office.line.vault)
    request = office.ask("log", "rotate")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Config, "succeed", dies)
        assert office.by_bob("request", "approve", request).code == 130
    assert vkey(office.line.vault) == before
    report = office.line("verify", "--json", "--jobs", 1).row
    assert report["problems"] == []
    office.unit.work()
    assert vkey(office.line.vault) != before
    office.line.intact()


def test_a_writer_that_slept_through_a_rotation_signs_with_the_next_key(office: Office) -> None:
    """Its settings are those of before; the log's are read again when it signs."""
    from holdfast.acts import people  # noqa: PLC0415
    from holdfast.acts.act import Session  # noqa: PLC0415

    sleeper = Session(Vault.open(office.line.vault), "alice")
    sleeper.vault.current()
    office.rotate()
    office.unit.work()
    people.add_operator(sleeper, people.NewOperator("dora"))
    sleeper.vault.engine.dispose()
    office.line.intact()


def test_the_witness_takes_the_new_key_by_its_operators_act_and_holds_it_to_the_past(
    office: Office,
) -> None:
    office.line.must("log", "publish")
    old, new = office.rotate()
    office.line.must("log", "publish"), "the old key's last checkpoint"
    office.unit.work()
    refused = office.line("log", "publish")
    assert refused.code == 6
    assert "does not accept the log's signature" in refused.err
    state = office.unit.court.folder
    done("witness", "add-log", "--state", state, new)
    office.line.must("log", "publish")
    report = office.line.intact()
    assert report["assurance"]["witnesses"]["quorum_met_at"] == office.unit.size
    done("witness", "drop-log", "--state", state, old)
    office.unit.work()
    office.line.must("log", "publish")
    again = office.line("witness", "drop-log", "--state", state, old)
    assert again.code == 3


@pytest.mark.attack("Goes on with a stolen key of the log", "witness")
def test_who_stole_the_old_key_gets_nothing_signed_any_more(office: Office) -> None:
    office.line.must("log", "publish")
    thiefs = office.unit.copy()
    old, new = office.rotate("--stolen")
    state = office.unit.court.folder
    done("witness", "add-log", "--state", state, new)
    done("witness", "drop-log", "--state", state, old)
    office.line.must("log", "publish")
    office.patch.setenv("XDG_STATE_HOME", str(office.place / "thief"))
    forger = type(office.line)(thiefs, office.line.case, office.line.capture)
    forger.must("operator", "add", "mallory")
    refused = forger("log", "publish")
    assert refused.code == 6, refused.err
    assert "does not accept the log's signature" in refused.err


@pytest.mark.parametrize("why", ["stolen", "lost"])
def test_a_key_that_is_trusted_no_more_signs_nothing_from_the_request_on(
    office: Office, why: str
) -> None:
    office.line.must("log", "publish")
    size, old = office.unit.size, vkey(office.line.vault)
    if why == "lost":
        (office.line.vault / "keys" / "log.key").unlink()
        (office.line.vault / "keys" / "log.mldsa").unlink()
        office.line.must("verify", "--jobs", 1)
    request = office.ask("log", "rotate", f"--{why}", "--reason", "safe broken open, 3 May")
    eras = Vault.open(office.line.vault).eras
    assert (eras.first.until, str(eras.first.verifier)) == (size, old)
    assert eras.at(size + 1) == eras.present
    report = office.line("verify", "--json", "--jobs", 1).row
    assert not report["intact"], "nobody has approved it"
    assert "no entry says so" in report["problems"][0]
    refused = office.line("bundle", "--case", office.line.case, "--to", office.place / "early")
    assert refused.code == 5
    office.approve(request)
    office.line.intact()
    (entry,) = Vault.open(office.line.vault).log.entries(office.unit.size - 1)
    assert entry.act == "log.key"
    change = entry.fields["change"]
    assert change["reason"] == "safe broken open, 3 May"
    assert change["good"]["size"] == size, "the last one that the court cosigned"
    assert "— w.example " in change["good"]["note"]


def test_bundles_of_before_and_after_are_held_to_their_own_keys(office: Office) -> None:
    before = office.bundle("before")
    first = office.anchors("first")
    office.rotate(tell_court=True)
    after = office.bundle("after")
    new = office.anchors("new")
    assert verify(before, "--anchors", new).stdout.endswith("\nINTACT\n")
    assert verify(after, "--anchors", new).stdout.endswith("\nINTACT\n")
    told = verify(after, "--anchors", first)
    assert told.returncode == 0, told.stderr
    assert "announced by the key in your anchors" in told.stdout
    office.rotate(tell_court=True)
    third = office.bundle("third")
    assert verify(third, "--anchors", first).returncode == 0, "one announced the other"
    assert verify(third, "--anchors", office.anchors("newest")).returncode == 0
    assert verify(third).returncode == 0


def test_bundles_after_a_theft_need_new_anchors_and_old_ones_a_witness(office: Office) -> None:
    office.line.must("log", "publish")
    office.unit.work()
    before = office.bundle("before")
    unwitnessed = office.place / "unwitnessed"
    shutil.copytree(before, unwitnessed)
    first = office.anchors("first")
    office.rotate("--stolen", tell_court=True)
    after = office.bundle("after")
    refused = verify(after, "--anchors", first)
    assert refused.returncode == 1
    assert "was stolen" in refused.stderr
    new = office.anchors("new")
    assert verify(after, "--anchors", new).returncode == 0
    witnessed = verify(before, "--anchors", new)
    assert witnessed.returncode == 0, witnessed.stderr
    lines = [line for line in new.read_text().splitlines() if line.split()[0] not in
             {"witness", "group", "quorum"}]  # fmt: skip
    bare = office.place / "bare"
    bare.write_text("\n".join([*lines, ""]))
    refused = verify(before, "--anchors", bare)
    assert refused.returncode == 1
    assert "stolen" in refused.stderr


@pytest.mark.attack(
    "Hands out a bundle signed with a stolen key of the log", "`verify.sh`, `check`"
)
def test_what_a_stolen_key_signs_later_is_refused(office: Office) -> None:
    office.line.must("log", "publish")
    thiefs = office.unit.copy()
    office.rotate("--stolen")
    new = office.anchors("new")
    office.patch.setenv("XDG_STATE_HOME", str(office.place / "thief"))
    forger = type(office.line)(thiefs, office.line.case, office.line.capture)
    forger.must("operator", "add", "mallory")
    forger.must("operator", "add", "mallet")
    forged = office.place / "forged"
    forger.must("bundle", "--case", office.line.case, "--to", forged)
    refused = verify(forged, "--anchors", new)
    assert refused.returncode == 1
    assert "ended at" in refused.stderr


def test_a_lost_key_never_loses_evidence(office: Office) -> None:
    before = office.bundle("before")
    anchors = office.anchors()
    for name in ("log.key", "log.mldsa"):
        (office.line.vault / "keys" / name).unlink()
    report = office.line.must("verify", "--json", "--jobs", 1).row
    assert report["intact"]
    assert verify(before, "--anchors", anchors).returncode == 0
    refused = office.line.collect(office.place / "letter")
    assert refused.code != 0
    office.rotate("--lost", tell_court=True)
    office.line.intact()
    assert office.line.collect(office.place / "letter").code == 0
    after = office.bundle("after")
    assert verify(after, "--anchors", office.anchors("new")).returncode == 0
    assert verify(after, "--anchors", anchors).returncode == 1, "the lost key announced nothing"
    assert verify(before, "--anchors", office.anchors("new")).returncode == 0


def test_a_backup_knows_the_keys(office: Office) -> None:
    line, place = office.line, office.place
    line.must("backup", place / "old", "--keys-to", place / "old-keys")
    line.must("backup", place / "b")
    office.rotate()
    office.unit.work()
    line.must("backup", place / "b", "--keys-to", place / "k")
    shutil.rmtree(line.vault)
    line.must("restore", place / "b", "--keys", place / "k")
    line.intact()
    assert len(office.eras()) == 2
    # One from before the rotation has the key of then, which the keys' newest backup has still.
    shutil.rmtree(line.vault)
    shutil.rmtree(office.unit.home / "state")
    line.must("restore", place / "old", "--keys", place / "k")
    line.intact()
    assert len(office.eras()) == 1


@pytest.mark.attack("Names another key in `holdfast.toml`", "`verify`")
def test_settings_that_name_a_key_of_ones_own_are_seen(office: Office) -> None:
    office.rotate()
    office.unit.work()
    path = office.line.vault / "holdfast.toml"
    good = path.read_text()
    path.write_text(good.replace('why = "rotated"', 'why = "lost"'))
    assert "other keys" in office.unit.report()["problems"][0]
    path.write_text(good.partition("\n[[former]]")[0])
    assert not office.unit.report()["intact"]
    path.write_text(good)
    office.line.intact()


def test_the_former_keys_last_checkpoint_is_missed(office: Office) -> None:
    office.rotate()
    office.unit.work()
    (path,) = (office.line.vault / "vault/log/former").iterdir()
    kept = path.read_bytes()
    path.unlink()
    assert "former key" in office.unit.report()["problems"][0]
    path.write_bytes(kept[:-20] + b"A" * 18 + b"=\n")
    assert office.unit.report()["problems"]


def test_an_old_backup_goes_on_as_another_log_that_binds_what_is_lost(
    office: Office, start: Callable[..., Program]
) -> None:
    line, place = office.line, office.place
    line.must("backup", place / "b", "--keys-to", place / "k")
    office.unit.work(3, "lost")
    line.must("log", "publish")
    larger = office.unit.size
    first = office.anchors("first")
    shutil.rmtree(line.vault)
    done_ = line("restore", place / "b", "--keys", place / "k")
    assert done_.code == 5
    assert "seen with" in done_.err
    shutil.rmtree(line.vault)
    new = "unit7.example/second"
    told = line.must(
        *("restore", place / "b", "--keys", place / "k"),
        *("--accept-loss", "the disk burnt", "--new-origin", new),
    )
    assert "are lost" in told.err
    (waits,) = line.must("requests", "--json").rows
    assert waits["kind"] == "log.key"
    office.approve(waits["request"])
    line.intact()
    eras = Vault.open(line.vault).eras
    (entry,) = [e for e in Vault.open(line.vault).log.entries() if e.act == "log.key"]
    change = entry.fields["change"]
    assert change["good"]["size"] == larger, "as the court has it"
    assert change["own"]["size"] == eras.first.until
    assert eras.present.origin == new
    # The court signs it as the other log that it is.
    done("witness", "add-log", "--state", office.unit.court.folder, vkey(line.vault))
    line.must(
        "log", "witnesses", policy(place / "p2", vkey(line.vault), office.unit.court, needed="any")
    )
    line.must("log", "publish")
    assert line.intact()["assurance"]["witnesses"]["quorum_met_at"] == office.unit.size
    # A monitor looks at both.
    served = start("log", "serve", "--vault", line.vault)
    both = place / "both"
    both.write_text(f"log {eras.first.verifier}\n" + (place / "p2").read_text())
    watch = ("monitor", "--policy", both, "--state", place / "seen", "--once")
    looked = line(*watch, served.url, office.unit.court.program.url)
    assert "split view" not in looked.out + looked.err
    bundle = office.bundle("after")
    assert verify(bundle, "--anchors", office.anchors("new")).returncode == 0
    refused = verify(bundle, "--anchors", first)
    assert refused.returncode == 1
    assert "goes on as another" in refused.stderr


def test_a_log_that_its_witnesses_still_sign_is_not_continued(office: Office) -> None:
    office.line.must("log", "publish")
    before = vkey(office.line.vault)
    refused = office.line("log", "continue-as", "unit7.example/second", "--reason", "I would like")
    assert refused.code == 3
    assert "no checkpoint shows" in refused.err
    assert vkey(office.line.vault) == before
    office.line.intact()


def test_a_witness_that_saw_more_is_answered_with_another_log(office: Office) -> None:
    """The account has forgotten: only the court knows that entries are gone."""
    copy = office.unit.copy()
    office.unit.work(2, "gone")
    office.line.must("log", "publish")
    office.unit.put_back(copy)
    assert office.line("log", "publish").code == 5
    request = office.ask("log", "continue-as", "unit7.example/second", "--reason", "disk swapped")
    office.approve(request)
    office.line.intact()
    office.unit.work()
    office.line.intact()


def test_a_monitor_follows_a_rotation(office: Office, start: Callable[..., Program]) -> None:
    served = start("log", "serve", "--vault", office.line.vault)
    line, place = office.line, office.place
    watch = ("monitor", "--policy", office.unit.policy, "--state", place / "seen", "--once")
    line.must("log", "publish")
    line.must(*watch, served.url)
    _, new = office.rotate()
    office.unit.work()
    alarmed = line(*watch, served.url)
    assert alarmed.code == 5
    assert "bad checkpoint" in alarmed.out + alarmed.err
    text = office.unit.policy.read_text()
    office.unit.policy.write_text(f"log {new}\n{text}")
    line.must(*watch, served.url)
