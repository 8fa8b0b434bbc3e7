"""What an insider with the disk and the true log key can do, and who catches it.

Issue 3, "Attacks to survive". The witness is a process of its own; what it signs is out of reach.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from holdfast.core import clock
from holdfast.vault.cosignature import CosignerKey
from holdfast.vault.note import Signature, Signer
from tests.vault.keys import fixed_key
from tests.witness import scene
from tests.witness.scene import Unit, overwrite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.line import Line
    from tests.witness.program import Program


@pytest.fixture
def unit(start: Callable[..., Program], line: Line, tmp_path: Path, home: Path) -> Unit:
    return scene.unit(start, line, tmp_path, home)


def test_every_command_that_enters_something_has_it_witnessed(unit: Unit) -> None:
    before = unit.size
    assert [int(one.name) for one in unit.cosigned()] == [before]
    unit.work()
    assert [int(one.name) for one in unit.cosigned()] == [before, before + 1]
    found = unit.line.intact()["assurance"]["witnesses"]
    assert found["witnessed"] is True
    assert found["quorum_met_at"] == before + 1
    assert found["entries_waiting"] == 0
    assert set(found["signed"]) == {"c0-0", "c0-1"}
    status = unit.line.must("log", "status", "--json").row
    assert (status["size"], status["witnesses"]) == (before + 1, found)
    # Nothing new, nothing to do.
    assert unit.line.must("log", "publish").err == ""
    assert len(unit.cosigned()) == 2


@pytest.mark.attack("Re-signs a rebuilt log with the true key", "witness")
def test_a_rebuilt_log_signed_with_the_true_key_is_caught_by_the_witness(unit: Unit) -> None:
    """Attack: "re-signs a rebuilt log with the true key (caught by witnesses)"."""
    before = unit.copy()
    unit.work(2, "honest")
    seen = unit.size
    unit.put_back(before)
    quiet = unit.line.must("operator", "add", "forged")
    assert f"has seen this log with {seen} entries" in quiet.err
    unit.work(4, "forged")
    assert unit.size > seen
    done = unit.line("log", "publish")
    assert done.code == 5
    assert "do not continue those that it saw before: the log was rewritten" in done.err
    # In itself the rebuilt log is whole, and says how much of it nobody has witnessed.
    found = unit.report()["assurance"]["witnesses"]
    assert found["entries_waiting"] == 5
    assert unit.line("log", "publish", "--json").row["alarms"]


@pytest.mark.attack("Drops the last k entries and re-signs", "witness")
def test_the_last_entries_dropped_and_signed_again_are_caught(unit: Unit) -> None:
    """Attack: "drops the last k entries and re-signs (caught by witness or holder of an older
    checkpoint)".
    """
    before = unit.copy()
    unit.work(3)
    kept = unit.cosigned()[-1].read_bytes()
    seen = unit.size
    unit.put_back(before)
    done = unit.line("log", "publish")
    assert done.code == 5
    assert f"seen this log with {seen} entries and it has {seen - 3}: 3 are gone" in done.err
    # A holder of the newer cosigned checkpoint shows it to anybody, without the witness.
    path = unit.cosigned()[-1].with_name(f"{seen:016d}")
    path.write_bytes(kept)
    report = unit.report()
    assert report["intact"] is False
    assert any(f"witnesses saw this log with {seen} entries" in one for one in report["problems"])


@pytest.mark.attack("Rewrites what witnesses have cosigned", "`verify`")
def test_a_rewritten_past_under_a_cosigned_checkpoint_is_named(unit: Unit) -> None:
    before = unit.copy()
    unit.work(2, "honest")
    kept = unit.cosigned()[-1]
    data = kept.read_bytes()
    unit.put_back(before)
    unit.work(2, "forged")
    (unit.line.vault / "vault/log/cosigned" / kept.name).write_bytes(data)
    report = unit.report()
    assert any("are not those that witnesses cosigned" in one for one in report["problems"])
    assert report["assurance"]["witnesses"]["witnessed"] is False


@pytest.mark.parametrize("how", ["forged", "foreign", "stripped", "log stripped", "moved", "torn"])
@pytest.mark.attack("Strips or forges a cosignature", "`verify`")
def test_a_cosignature_that_is_not_what_it_was_is_named(unit: Unit, how: str) -> None:
    """ "Forged, stripped or foreign cosignatures are named as problems." """
    (path,) = unit.cosigned()
    text, _, block = path.read_text().rpartition("\n\n")
    lines = block.splitlines()
    theirs = [n for n, line in enumerate(lines) if "w.example" in line]
    if how == "forged":
        line = Signature.parse(lines[theirs[0]])
        value = line.value[:-1] + bytes([line.value[-1] ^ 1])
        lines[theirs[0]] = str(Signature(line.name, line.key_id, value))
    elif how == "foreign":
        now = clock.now() // 1_000_000
        lines.append(str(CosignerKey("evil.example", fixed_key(9)).cosign(f"{text}\n", now)))
    elif how == "stripped":
        lines = lines[: theirs[0]]
    elif how == "log stripped":
        del lines[0]
    elif how == "torn":
        lines[-1] = lines[-1][:-7]
    target = path.with_name(f"{int(path.name) - 1:016d}") if how == "moved" else path
    block = "".join(f"{line}\n" for line in lines)
    if how == "moved":
        path.rename(target)
    else:
        overwrite(path, f"{text}\n\n{block}".encode())
    report = unit.report()
    said = {
        "forged": "the signature of w.example is forged or damaged",
        "foreign": "which was never a witness of this log",
        "stripped": "the cosignatures were stripped",
        "log stripped": "a signature of the log itself was stripped",
        "moved": "is the checkpoint of another log or size",
        "torn": "can't be read",
    }
    (problem,) = report["problems"]
    assert said[how] in problem
    assert report["intact"] is False
    assert report["assurance"]["witnesses"]["witnessed"] is False
    assert unit.line("log", "status").code == 0


def test_one_witness_stripped_of_two_is_a_quorum_that_is_not_met(unit: Unit) -> None:
    (path,) = unit.cosigned()
    *rest, _ = path.read_text().splitlines(keepends=True)
    overwrite(path, "".join(rest).encode())
    found = unit.report()["assurance"]["witnesses"]
    assert (found["witnessed"], found["quorum_met_at"]) == (False, None)
    assert found["silent"] == ["c0-1"]
    told = unit.line.must("verify", "--jobs", 1).out
    assert "QUORUM NOT MET" in told
    # The next publication asks for what is missing, and has it.
    unit.line.must("log", "publish")
    assert unit.report()["assurance"]["witnesses"]["witnessed"] is True


def test_a_former_witness_is_no_stranger(
    unit: Unit, start: Callable[..., Program], tmp_path: Path
) -> None:
    other = scene.court(start, tmp_path / "other", scene.vkey(unit.line.vault), name="o")
    unit.line.must(
        "log", "witnesses", scene.policy(tmp_path / "p2", scene.vkey(unit.line.vault), other)
    )
    report = unit.line.intact()
    assert set(report["assurance"]["witnesses"]["signed"]) == {"c0-0", "c0-1"}
    assert len(unit.cosigned()) == 2
    assert b"o.example" in unit.cosigned()[-1].read_bytes()
    assert b"o.example" not in unit.cosigned()[0].read_bytes()


def test_who_is_away_is_a_line_and_is_asked_again(unit: Unit) -> None:
    unit.court.program.kill()
    before = unit.size
    done = unit.line.must("operator", "add", "bob")
    (told,) = done.err.splitlines()
    assert "can't be reached" in told
    assert "`holdfast log publish` tries again" in told
    assert unit.line("log", "publish").code == 6
    status = unit.line.must("log", "status").out
    assert "1 newest entries are not witnessed yet" in status
    unit.court.program.again()
    unit.line.must("log", "publish")
    assert [int(one.name) for one in unit.cosigned()] == [before, before + 1]


def test_a_refusal_is_an_entry_and_is_published_too(unit: Unit) -> None:
    assert unit.line("items", "--case", "1999-0001").code == 4
    assert int(unit.cosigned()[-1].name) == unit.size


def test_a_lost_answer_is_asked_for_again(unit: Unit) -> None:
    """The witness has signed and the unit never heard of it: 409, and then the same size."""
    unit.work()
    shutil.rmtree(unit.line.vault / "vault/log/cosigned")
    unit.line.must("log", "publish")
    assert [int(one.name) for one in unit.cosigned()] == [unit.size]
    unit.line.intact()


def test_a_witness_that_is_not_the_one_of_the_policy_is_not_believed(
    unit: Unit, start: Callable[..., Program], tmp_path: Path
) -> None:
    unit.work()
    other = scene.court(start, tmp_path / "other", scene.vkey(unit.line.vault))
    text = unit.policy.read_text().replace(unit.court.program.url, other.program.url)
    (tmp_path / "p2").write_text(text)
    done = unit.line.must("log", "witnesses", tmp_path / "p2")
    assert "no cosignature of its key that verifies" in done.err
    assert int(unit.cosigned()[-1].name) == unit.size - 1


def test_a_witness_that_does_not_know_the_log_says_so(
    line: Line, start: Callable[..., Program], tmp_path: Path
) -> None:
    stranger = scene.court(start, tmp_path / "court")
    done = line.must(
        "log", "witnesses", scene.policy(tmp_path / "p", scene.vkey(line.vault), stranger)
    )
    assert "it does not know this log; have its operator add" in line("log", "publish").err or (
        "it does not know this log" in done.err
    )
    imposter = str(Signer(scene.vkey(line.vault).split("+")[0], fixed_key(3)).verifier)
    scene.done("witness", "add-log", "--state", stranger.folder, imposter)
    assert "does not accept the log's signature" in line("log", "publish").err


def test_a_policy_must_be_one_and_of_this_log(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "policy"
    for text, said in {
        "": "no quorum line",
        "quorum none\n": "does not name this log",
        "witness A\nquorum A\n": "line 1 of the policy",
        f"log {Signer('x', fixed_key(3)).verifier}\nquorum none\n": "does not name this log",
    }.items():
        path.write_text(text)
        done = line("log", "witnesses", path)
        assert (done.code, said in done.err) == (3, True), done.err
    path.write_bytes(f"log {scene.vkey(line.vault)}\n# \xff\nquorum none\n".encode("latin-1"))
    assert "not UTF-8" in line("log", "witnesses", path).err
    assert line("log", "witnesses").out == ""
    path.write_text(f"log {scene.vkey(line.vault)}\nquorum none\n")
    line.must("log", "witnesses", path)
    assert line.must("log", "witnesses").out == path.read_text()
    (entry,) = line.entries("vault.set")
    assert entry["setting"] == {"name": "witnesses", "value": path.read_text()}
    assert line("log", "publish").code == 0
    assert line.intact()["assurance"]["witnesses"]["witnessed"] is False


def test_the_policy_that_demands_witnesses_is_met_only_by_a_fresh_quorum(
    start: Callable[..., Program],
    line: Line,
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """docs/decisions/0011: a quorum over one checkpoint, and what is beyond it is younger than a
    day.
    """
    line.vault = tmp_path / "strict"
    line.must("init", "--require", "witnessed")
    assert line("verify", "--json", "--jobs", 1).row["assurance"]["policy"]["missing"] == [
        "witnessed"
    ]
    unit = scene.unit(start, line, tmp_path, home)
    line.intact()
    unit.court.program.kill()
    line.must("operator", "add", "late")
    report = line.intact()
    assert report["assurance"]["witnesses"]["entries_waiting"] == 1
    now = clock.now()
    for ahead, met in ((23, True), (25, False), (-2, False)):
        monkeypatch.setattr(clock, "now", lambda hours=ahead: now + hours * 3_600_000_000)
        done = line("verify", "--json", "--jobs", 1, "--read-only")
        assert done.row["assurance"]["policy"]["met"] is met
        assert done.code == (0 if met else 5)
    monkeypatch.undo()


def test_a_backup_keeps_the_cosignatures_that_were_added_later(unit: Unit, tmp_path: Path) -> None:
    (path,) = unit.cosigned()
    whole = path.read_bytes()
    overwrite(path, b"".join(whole.splitlines(keepends=True)[:-1]))
    unit.line.must("backup", tmp_path / "b")
    overwrite(path, whole)
    unit.line.must("backup", tmp_path / "b")
    kept = tmp_path / "b/vault/log/cosigned" / path.name
    assert kept.read_bytes() == whole
    # A backup is entered first; the checkpoint that covers that entry is signed after it.
    assert len(list(kept.parent.iterdir())) == 2


def test_what_is_sent_to_a_witness_is_origin_size_root_and_signatures(
    unit: Unit, tmp_path: Path
) -> None:
    """ "sees only origin, size and root" """
    kept = (unit.court.folder / "logs").rglob("checkpoint")
    (text,) = [one.read_text() for one in kept]
    body, _, block = text.rpartition("\n\n")
    assert re.fullmatch(rf"[^\n]+\n{unit.size}\n[A-Za-z0-9+/]{{43}}=", body)
    assert all(line.startswith("\u2014 ") for line in block.splitlines())
