"""Trusted time from the command line, and the attacks that it has to survive, each by its name."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.acts import stamping
from holdfast.acts.act import Session
from holdfast.cli import common
from holdfast.core import clock
from holdfast.testing.authority import Authority, Mood
from holdfast.vault import token, tsa
from holdfast.vault.entry import Draft
from holdfast.vault.stamp_files import Answer, StampFiles
from holdfast.vault.vault import Vault
from tests.timed import Timed, timed

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.config import Config
    from tests.line import Line

__all__ = ["timed"]

HOUR = 3_600_000_000
DAY = 24 * HOUR


def verified(line: Line) -> dict[str, Any]:
    """Return verify's report, whatever it is."""
    return line("verify", "--json", "--jobs", 1).row


def assert_problem(line: Line, *said: str) -> None:
    """Each of `said` is a problem, nothing else is."""
    report = verified(line)
    left = list(report["problems"])
    for pattern in said:
        found = [one for one in left if re.search(pattern, one)]
        assert found, f"nothing says {pattern!r}: {report['problems']}"
        left.remove(found[0])
    assert not left
    assert not report["intact"]
    assert line("verify", "--jobs", 1).code == 5


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def later(monkeypatch: pytest.MonkeyPatch, micros: int) -> None:
    """Let this host's clock stand `micros` ahead of the authorities'."""
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + micros)


# --- what it is for


def test_two_authorities_stamp_and_openssl_accepts_it(timed: Timed) -> None:
    """ "`openssl ts -verify -data checkpoint.text -in NAME.tsr -CAfile ROOTS` accepts them." """
    size = timed.stamp()
    for name in ("a", "b"):
        folder = timed.file(size, "")
        for given in (
            ["-data", folder / "checkpoint.text"],
            ["-queryfile", folder / f"{name}.tsq"],
        ):
            command = ["openssl", "ts", "-verify", *given, "-in", folder / f"{name}.tsr"]
            command += ["-CAfile", timed.folder / name / "root.pem"]
            done = subprocess.run(
                [str(word) for word in command], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    said = timed.file(size, "checkpoint.text").read_text().splitlines()
    assert said[1] == str(size)
    assert len(said) == 3
    timed.line.intact()


def test_verify_says_how_far_each_authority_has_stamped(timed: Timed) -> None:
    size = timed.stamp()
    assurance = timed.line.intact()["assurance"]
    assert assurance["time"] == "stamped"
    assert [one["authority"] for one in assurance["stamps"]] == ["a", "b"]
    for one in assurance["stamps"]:
        assert one["size"] == size
        assert one["unstamped"] == 1, "the entry that says so"
        assert one["accuracy_us"] == 1_000_000
        assert abs(clock.from_text(one["time"]) - clock.now()) < HOUR
        assert one["waiting"] is None
    told = timed.line.must("verify", "--jobs", 1).out
    assert f"a stamped {size} entries at" in told
    assert "within 1 s, 1 not stamped" in told


def test_a_log_without_stamps_is_untimed(line: Line) -> None:
    report = line.intact()
    assert report["assurance"]["time"] == "untimed"
    assert "untimed" in line.must("verify", "--jobs", 1).out
    done = line("log", "stamp")
    assert done.code == 3
    assert "no time authority is set" in done.err


def test_stamping_does_not_feed_itself(timed: Timed) -> None:
    timed.stamp()
    entries = len(timed.line.entries())
    again = timed.line.must("log", "stamp", "--json").rows
    assert [one["state"] for one in again] == ["covered", "covered"]
    assert len(timed.line.entries()) == entries
    assert timed.a.asked == 1
    timed.work()
    assert [one["state"] for one in timed.line.must("log", "stamp", "--json").rows] == [
        "stamped",
        "stamped",
    ]
    timed.line.intact()


def test_what_was_set_is_shown_and_is_an_entry(timed: Timed) -> None:
    rows = timed.line.must("log", "authorities", "--json").rows
    assert [one["name"] for one in rows] == ["a", "b"]
    assert rows[0]["roots"] == [timed.a.root_file.read_text()]
    assert [one["act"] for one in timed.line.entries("vault.set")] == ["vault.set"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no authority"),
        ("x = [", "can't be read"),
        ('[[authority]]\nname = "a"\nurl = "http://x/"\n', "roots are no list"),
        ('[[authority]]\nname = "a"\nurl = "http://x/"\nroots = []\n', "no root"),
        ('[[authority]]\nname = "a"\nurl = "http://x/"\nroots = ["gone"]\n', "gone can't be read"),
        ('[[authority]]\nname = "../a"\nurl = "http://x/"\nroots = ["a/root.pem"]\n', "can't name"),
        ('[[authority]]\nname = "a"\nurl = "file:///x"\nroots = ["a/root.pem"]\n', "no address"),
        (
            '[[authority]]\nname = "a"\nurl = "http://u:p@x/"\nroots = ["a/root.pem"]\n',
            "would stand in the log",
        ),
        (
            '[[authority]]\nname = "a"\nurl = "http://x/"\nroots = ["a/tsa.key"]\n',
            "not one certificate",
        ),
        (2 * '[[authority]]\nname = "a"\nurl = "http://x/"\nroots = ["a/root.pem"]\n', "two time"),
    ],
)
def test_what_can_not_be_an_authority_is_refused(timed: Timed, text: str, why: str) -> None:
    path = timed.folder / "given.toml"
    path.write_text(text)
    done = timed.line("log", "authorities", path)
    assert done.code == 3
    assert why in done.err
    assert len(done.err.splitlines()) == 1


# --- away, and back


def test_tsa_away_and_back_empties_the_queue(timed: Timed) -> None:
    timed.b.mood = Mood.AWAY
    done = timed.line("log", "stamp", "--json")
    assert done.code == 6
    assert {one["authority"]: one["state"] for one in done.rows} == {"a": "stamped", "b": "waiting"}
    first = done.rows[0]["size"]
    timed.work()
    assert timed.line("log", "stamp").code == 6
    (row,) = waiting(timed)
    assert (row["authority"], row["size"], row["tries"]) == ("b", first, 2)
    assert row["since"] < row["last"]
    assert "HTTP 503" in row["why"]
    owed = verified(timed.line)["assurance"]["stamps"][1]
    assert (owed["size"], owed["waiting"]["since"]) == (None, row["since"])
    assert "it owes a stamp since" in timed.line.must("verify", "--jobs", 1).out

    timed.b.mood = Mood.GOOD
    size = timed.stamp()
    assert waiting(timed) == []
    stamped = [one for one in listed(timed) if one["authority"] == "b"]
    assert [(one["size"], one["state"]) for one in stamped] == [(size, "stamped")]
    timed.line.intact()


def listed(timed: Timed) -> list[dict[str, Any]]:
    return timed.line.must("log", "stamps", "--json").rows


def waiting(timed: Timed) -> list[dict[str, Any]]:
    return [one for one in listed(timed) if one["state"] == "waiting"]


def test_a_month_away_costs_one_note(timed: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue doesn't grow with the checkpoints that wait: a later stamp covers them all."""
    timed.set("b")
    timed.b.mood = Mood.AWAY
    for _ in range(5):
        timed.work()
        assert timed.line("log", "stamp").code == 6
    assert [one.name for one in timed.stamps.iterdir()] == ["b.waiting"]
    assert waiting(timed)[0]["tries"] == 5


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        (Mood.GARBAGE, "no time stamp"),
        (Mood.REJECTING, "did not grant"),
        (Mood.OTHER_NONCE, "nonce"),
        (Mood.OTHER_IMPRINT, "imprint"),
        (Mood.NO_CERTIFICATE, "signer certificate"),
    ],
)
def test_a_refused_answer_is_kept_and_never_believed(timed: Timed, mood: Mood, why: str) -> None:
    timed.set("a")
    timed.a.mood = mood
    done = timed.line("log", "stamp", "--json")
    assert done.code == 6
    assert (done.row["state"], why in done.row["why"]) == ("refused", True)
    size = done.row["size"]
    answer = timed.file(size, "a.refused").read_bytes()
    assert answer == {
        Mood.GARBAGE: b"this is no stamp",
        Mood.REJECTING: bytes.fromhex("30053003020102"),
    }.get(mood, answer)
    assert timed.file(size, "a.refused.tsq").exists()
    assert not timed.file(size, "a.tsr").exists()
    refused, owed = listed(timed)
    assert (refused["state"], why in refused["why"]) == ("refused", True)
    assert owed["state"] == "waiting"
    report = timed.line.intact()
    assert report["assurance"]["time"] == "untimed"

    timed.a.mood = Mood.GOOD
    assert timed.stamp() == size
    timed.line.intact()
    assert timed.file(size, "a.refused").read_bytes() == answer


# --- what a crash leaves


def test_a_stamp_whose_entry_a_crash_prevented_is_entered_later(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(stamping, "_enter", lambda *_: None)
        timed.stamp()
    assert timed.line.entries("log.stamp") == []
    report = verified(timed.line)
    assert report["problems"] == []
    assert len(report["incomplete"]) == 2
    assert "is not entered in the log" in report["incomplete"][0]
    timed.line.must("log", "stamp")
    assert len(timed.line.entries("log.stamp")) == 1
    assert timed.a.asked == 1, "the stamp that is there was entered, none was asked for"
    timed.line.intact()


def test_a_request_that_a_crash_left_alone_is_asked_anew(timed: Timed) -> None:
    size = len(timed.line.entries())
    folder = timed.file(size, "")
    folder.mkdir(parents=True)
    (folder / "a.tsq").write_bytes(b"the request of a process that died")
    timed.line.intact()
    assert timed.stamp() == size
    timed.line.intact()


# --- kept


def test_a_backup_has_the_stamps_and_their_renewals(timed: Timed, tmp_path: Path) -> None:
    line = timed.line
    timed.stamp()
    line.must("backup", tmp_path / "backup", "--keys-to", tmp_path / "keys")
    line.must("log", "renew", "--digest", "sha384")
    line.must("backup", tmp_path / "backup")
    line.must("log", "renew", "--digest", "sha512")
    line.must("backup", tmp_path / "backup")
    line.vault = tmp_path / "restored"
    line.must("restore", tmp_path / "backup", "--keys", tmp_path / "keys")
    stamps = line.intact()["assurance"]["stamps"]
    assert [one["unstamped"] for one in stamps] == 2 * [9]


def test_a_backup_of_a_log_that_is_stamped_meanwhile_is_no_cut_log(
    timed: Timed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdfast.vault import backup  # noqa: PLC0415

    claim = backup._claim
    size = timed.stamp()

    def meanwhile(source: Path, target: Path) -> Config:
        claimed = claim(source, target)
        session = Session(Vault.open(timed.line.vault), "bob")
        session.custody.enter(Draft("vault.test", None, {}))
        assert stamping.stamp_head(session)[0].size > size
        session.vault.engine.dispose()
        return claimed

    with monkeypatch.context() as patch:
        patch.setattr(backup, "_claim", meanwhile)
        timed.line.must("backup", tmp_path / "backup", "--keys-to", tmp_path / "keys")
    timed.line.vault = tmp_path / "restored"
    # This account remembers the longer log.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    timed.line.must("restore", tmp_path / "backup", "--keys", tmp_path / "keys")
    timed.line.intact()


# --- attacks


def test_strips_a_stamp(timed: Timed) -> None:
    size = timed.stamp()
    timed.file(size, "b.tsr").unlink()
    assert_problem(timed.line, rf"the stamp of b on the log's first {size} entries is missing")


def test_strips_every_stamp(timed: Timed) -> None:
    timed.stamp()
    shutil.rmtree(timed.stamps)
    assert_problem(timed.line, "of a on .* is missing", "of b on .* is missing")


def test_strips_a_request(timed: Timed) -> None:
    size = timed.stamp()
    timed.file(size, "a.tsq").unlink()
    assert_problem(timed.line, "its request or its text is missing")


def test_a_stamp_that_can_not_be_read_is_named(timed: Timed) -> None:
    size = timed.stamp()
    path = timed.file(size, "a.tsr")
    path.unlink()
    # A link to itself, since nothing is unreadable to the administrator.
    path.symlink_to(path)
    assert_problem(timed.line, "of a on .* can't be read: Too many levels", "of a on .* is missing")


def test_swaps_a_tsa(timed: Timed) -> None:
    """A stamp on the very checkpoint, made by a time authority of the attacker's own."""
    size = timed.stamp()
    own = Authority.made(timed.folder / "attacker", name="a")
    answer = own.reply(timed.file(size, "a.tsq").read_bytes())
    overwrite(timed.file(size, "a.tsr"), answer)
    assert_problem(timed.line, "it is not the answer that entry")


def test_swaps_a_tsa_before_it_is_entered(timed: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(stamping, "_enter", lambda *_: None)
        size = timed.stamp()
    own = Authority.made(timed.folder / "attacker", name="a")
    answer = own.reply(timed.file(size, "a.tsq").read_bytes())
    overwrite(timed.file(size, "a.tsr"), answer)
    report = verified(timed.line)
    assert ["no time authority under the roots of a" in one for one in report["problems"]] == [True]


def test_adds_a_tsa_that_the_log_never_named(timed: Timed) -> None:
    size = timed.stamp()
    for kind in ("tsq", "tsr"):
        shutil.copy(timed.file(size, f"a.{kind}"), timed.file(size, f"evil.{kind}"))
    assert_problem(timed.line, "no setting of the log ever named that authority")


def test_replays_an_old_stamp_for_a_new_checkpoint(timed: Timed) -> None:
    old = timed.stamp()
    timed.work()
    new = timed.stamp()
    for kind in ("tsq", "tsr"):
        overwrite(timed.file(new, f"a.{kind}"), timed.file(old, f"a.{kind}").read_bytes())
    assert_problem(timed.line, f"first {new} entries: it is not the answer that entry")


def test_replays_an_old_stamp_for_a_checkpoint_without_one(timed: Timed) -> None:
    """Here no entry says what the answer was; the stamp alone has to tell."""
    old = timed.stamp()
    timed.work()
    new = len(timed.line.entries())
    shutil.copytree(timed.file(old, ""), timed.file(new, ""))
    text = f"{new}\n{'A' * 43}=\n"
    origin = timed.file(old, "checkpoint.text").read_text().splitlines()[0]
    overwrite(timed.file(new, "checkpoint.text"), f"{origin}\n{text}".encode())
    assert_problem(timed.line, *2 * ["is not a checkpoint of this log's history"])
    head = (timed.line.vault / "vault" / "log" / "checkpoint").read_text()
    right = "".join(f"{one}\n" for one in head.splitlines()[:3])
    overwrite(timed.file(new, "checkpoint.text"), right.encode())
    assert_problem(timed.line, *2 * ["its request is for another digest"])


def test_stamps_a_checkpoint_of_another_history(timed: Timed) -> None:
    """A real stamp over a text that is no checkpoint of this log."""
    size = len(timed.line.entries())
    origin = Vault.open(timed.line.vault).log.origin
    text = f"{origin}\n{size}\n{'A' * 43}=\n".encode()
    query = token.request(token.digest_of(text), "sha256", 7, None)
    files = StampFiles(timed.line.vault / "vault" / "log")
    files.keep(Answer(size, "a", text, query, timed.a.reply(query)))
    assert_problem(timed.line, "is not a checkpoint of this log's history")


def test_cuts_the_log_behind_a_stamp(timed: Timed, tmp_path: Path) -> None:
    timed.stamp()
    copy = shutil.copytree(timed.line.vault, tmp_path / "old")
    timed.work()
    size = timed.stamp()
    shutil.copytree(timed.stamps, copy / "vault" / "log" / "stamps", dirs_exist_ok=True)
    timed.line.vault = copy
    report = verified(timed.line)
    said = "\n".join(report["problems"])
    assert f"the stamp of a on the log's first {size} entries: the log has only" in said


def test_token_altered_by_one_byte(timed: Timed) -> None:
    size = timed.stamp()
    path = timed.file(size, "a.tsr")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    overwrite(path, bytes(data))
    assert_problem(timed.line, "the stamp of a on .* is not the answer that entry")


def test_nonce_mismatch(timed: Timed) -> None:
    """Another request, with another nonce, over the same text."""
    size = timed.stamp()
    text = timed.file(size, "checkpoint.text").read_bytes()
    other = token.request(token.digest_of(text), "sha256", 7, None)
    overwrite(timed.file(size, "a.tsq"), other)
    assert_problem(timed.line, "its nonce is another")


@pytest.mark.attack("Backdates an entry", "`verify`, by a stamp")
def test_backdates_an_entry(timed: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is put back before the act; the stamp on what stands before it tells."""
    timed.stamp()
    with monkeypatch.context() as patch:
        later(patch, -3 * DAY)
        timed.work()
    assert_problem(timed.line, r"entry \d+ says it is of .* it was backdated")
    timed.stamp()
    assert_problem(timed.line, r"entry \d+ says it is of .* it was backdated")


def test_backdates_an_entry_that_no_stamp_stands_before(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No stamp contradicts it, so it is no problem; how long it stood unstamped is told."""
    timed.set("a")
    with monkeypatch.context() as patch:
        later(patch, -3 * DAY)
        timed.work()
    entry = len(timed.line.entries()) - 1
    timed.stamp()
    (one,) = timed.line.intact()["assurance"]["stamps"]
    assert one["lag_entry"] == entry
    assert 3 * DAY - HOUR < one["lag_us"] < 3 * DAY + HOUR
    timed.work()
    timed.stamp()
    assert timed.line.intact()["assurance"]["stamps"][0]["lag_entry"] == entry


def test_a_clock_that_is_ahead_is_shown(timed: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        later(patch, HOUR)
        timed.work()
    timed.stamp()
    assert_problem(timed.line, r"entry \d+ says it is of .* the host's clock was ahead")


def test_a_clock_within_the_allowance_is_none(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for micros in (-120_000_000, 120_000_000):
        with monkeypatch.context() as patch:
            later(patch, micros)
            timed.work()
        timed.stamp()
    timed.line.intact()


# --- the demand `timed`


@pytest.fixture(autouse=True)
def nothing_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests say themselves when a stamp is made; else each command would have one made."""
    monkeypatch.setattr(common, "publish_quietly", lambda session: None)


@pytest.fixture
def demanding(line: Line, tmp_path: Path, timed: Timed) -> Timed:
    """A vault whose policy demands `timed`; its authorities are not set yet."""
    line.vault = tmp_path / "demanding"
    line.must("init", "--require", "timed")
    return timed


def missing(line: Line) -> list[str]:
    report = verified(line)
    assert report["problems"] == []
    found: list[str] = report["assurance"]["policy"]["missing"]
    return found


def test_timed_is_met_by_good_stamps_of_every_authority(demanding: Timed) -> None:
    line = demanding.line
    assert missing(line) == ["timed"]
    demanding.set("a", "b")
    assert missing(line) == ["timed"]
    demanding.b.mood = Mood.AWAY
    assert line("log", "stamp").code == 6
    assert missing(line) == ["timed"]
    demanding.b.mood = Mood.GOOD
    demanding.stamp()
    assert missing(line) == []
    line.intact()


def test_timed_is_not_met_while_anything_is_wrong_with_a_stamp(demanding: Timed) -> None:
    demanding.set("a")
    demanding.stamp()
    demanding.work()
    size = demanding.stamp()
    demanding.file(size, "a.tsr").unlink()
    report = verified(demanding.line)
    assert report["assurance"]["policy"]["missing"] == ["timed"]


def test_timed_is_not_met_when_an_entry_waits_longer_than_a_day(
    demanding: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    demanding.set("a")
    demanding.stamp()
    demanding.work()
    assert missing(demanding.line) == []
    with monkeypatch.context() as patch:
        later(patch, DAY + HOUR)
        assert missing(demanding.line) == ["timed"]
        (one,) = verified(demanding.line)["assurance"]["stamps"]
        assert "has not stamped entry" in one["late"]
    demanding.stamp()
    with monkeypatch.context() as patch:
        later(patch, DAY + HOUR)
        assert missing(demanding.line) == []


# --- renewal


def test_certificate_expired_meanwhile(timed: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Still good for the time of the stamp; that it existed then, a renewal proves."""
    timed.set("a")
    timed.stamp()
    timed.work()
    timed.stamp()
    unrenewed = shutil.copytree(timed.line.vault, timed.folder / "unrenewed")
    timed.a.renew(name="a", days=3000)
    done = timed.line.must("log", "renew", "--before", "2999-12-31", "--json").row
    assert (done["renewed"], done["failed"]) == (2, [])
    timed.line.intact()
    asked = timed.a.asked
    assert timed.line.must("log", "renew", "--json").row["renewed"] == 0
    assert timed.a.asked == asked == 3, "two stamps, one renewal of both"

    with monkeypatch.context() as patch:
        later(patch, 400 * DAY)
        (one,) = timed.line.intact()["assurance"]["stamps"]
        assert one["expired"] == 0
        timed.line.vault = unrenewed
        # This account remembers the longer log.
        patch.setenv("XDG_STATE_HOME", str(timed.folder / "state"))
        report = verified(timed.line)
        assert report["problems"] == []
        (one,) = report["assurance"]["stamps"]
        assert one["expired"] == 2
        assert "have ended" in one["late"]
        late = timed.line("log", "renew", "--json")
        assert late.code == 6
        assert all("too late to renew" in why for why in late.row["failed"])


def test_a_digest_that_loses_its_worth_is_replaced(timed: Timed) -> None:
    timed.stamp()
    timed.work()
    size = timed.stamp()
    rows = timed.line.must("log", "renew", "--digest", "sha512", "--json").rows
    assert [(one["renewed"], one["failed"]) for one in rows] == [(2, []), (2, [])]
    timed.line.intact()
    stamped = [one for one in listed(timed) if one["size"] == size]
    assert all(one["renewed"] for one in stamped)
    rows = timed.line.must("log", "renew", "--digest", "sha512", "--json").rows
    assert [one["renewed"] for one in rows] == [0, 0]


def test_a_renewal_that_gains_nothing_is_refused(timed: Timed) -> None:
    timed.stamp()
    done = timed.line("log", "renew", "--before", "2999-12-31", "--json")
    assert done.code == 6
    assert "still stamps with a certificate that ends" in done.rows[0]["failed"][0]
    assert timed.line.entries("log.renew") == []


@pytest.mark.parametrize("how", ["stripped", "put back", "another's", "altered"])
def test_a_renewal_that_is_tampered_with_is_found(timed: Timed, how: str) -> None:
    timed.set("a")
    one = timed.stamp()
    timed.work()
    two = timed.stamp()
    timed.line.must("log", "renew", "--digest", "sha384")
    before = timed.file(one, "a.ers").read_bytes()
    timed.line.must("log", "renew", "--digest", "sha512")
    path = timed.file(one, "a.ers")
    said = "of the 2 evidence records that entry .* 1 hold that renewal"
    if how == "stripped":
        path.unlink()
        assert_problem(timed.line, said, said)
    elif how == "put back":
        overwrite(path, before)
        assert_problem(timed.line, said)
    elif how == "another's":
        overwrite(path, timed.file(two, "a.ers").read_bytes())
        assert_problem(timed.line, "begins with another stamp", said, said)
    else:
        data = bytearray(path.read_bytes())
        data[-5] ^= 1
        overwrite(path, bytes(data))
        assert_problem(timed.line, "no time authority under the roots", said, said)


# --- for publishing


def test_stamp_head_is_what_publishing_calls(timed: Timed) -> None:
    session = Session(Vault.open(timed.line.vault), "alice")
    timed.b.mood = Mood.AWAY
    one, two = stamping.stamp_head(session)
    assert (one.authority, one.state) == ("a", "stamped")
    assert (two.authority, two.state) == ("b", "waiting")
    assert json.dumps(one.as_json())
    session.vault.engine.dispose()


def test_an_authority_that_never_answers_keeps_no_other_waiting(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = tsa.ask
    # `b` may take its time on a busy machine; `a` never answers.
    monkeypatch.setattr(
        tsa, "ask", lambda url, query, _: ask(url, query, 0.5 if url == timed.a.url else 60.0)
    )
    session = Session(Vault.open(timed.line.vault), "alice")
    timed.a.mood = Mood.SLOW
    one, two = stamping.stamp_head(session)
    assert (one.authority, one.state) == ("a", "waiting")
    assert "no answer in 0.5 s" in one.why
    assert (two.authority, two.state) == ("b", "stamped")
    session.vault.engine.dispose()


def test_without_authorities_publishing_gets_nothing(line: Line) -> None:
    session = Session(Vault.open(line.vault), "alice")
    assert stamping.stamp_head(session) == []
    session.vault.engine.dispose()
