"""Searches by hand: saved and asked again, every one an entry; what changed; second readers."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from holdfast.core.errors import HoldfastError
from holdfast.testing.event_log import Event, event_log
from tests.line import copied, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

MAIL = b"""\
From: bank@bank.example
To: victim@mail.example
Date: Tue, 03 Mar 2026 09:00:00 +0100
Subject: =?x-nonsense?B?4pyT?= confirm your acount
Message-ID: <1@bank.example>

Please confirm your account today.
"""


def _examined(line: Line, folder: Path) -> None:
    (folder / "mail.eml").write_bytes(MAIL)
    line.collect(folder / "mail.eml")
    line.must("examine", "--case", line.case, "--jobs", "1", "--cross-check")


@pytest.fixture(scope="module")
def made_scene(
    made_plain: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    return prepared(made_plain, tmp_path_factory, _examined)


@pytest.fixture
def scene(made_scene: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    return copied(made_scene, tmp_path, capsys)


def test_a_saved_search_is_asked_again_and_each_search_is_an_entry(scene: Line) -> None:
    """ "saved searches, and each search (also one that found nothing) is an entry" """
    case = ("--case", scene.case)
    query = "subject:account~ since:2026-03-01"
    first = scene.must("search", *case, "--save", "accounts", query, "--json").rows
    assert [row["kind"] for row in first] == ["mail.message"]
    assert scene.must("search", *case, "--saved", "accounts", "--json").rows == first
    assert scene.must("search", *case, "--save", "accounts", "unicorn", "--json").rows == []
    assert scene.must("search", *case, "--saved", "accounts", "--json").rows == []
    (saved,) = scene.must("searches", *case, "--json").rows
    assert (saved["name"], saved["query"], saved["by"]) == ("accounts", "unicorn", "alice")
    assert "unicorn" in scene.must("searches", *case).out
    kept = [entry["request"]["query"] for entry in scene.entries("search.save")]
    assert kept == [query, "unicorn"]
    asked = [(entry["request"]["query"], entry["result"]["lines"]) for entry in
             scene.entries("search")]  # fmt: skip
    assert asked == [(query, 1), (query, 1), ("unicorn", 0), ("unicorn", 0)]
    done = scene("search", *case, "--saved", "nothing")
    assert (done.code, "has no saved search 'nothing'" in done.err) == (3, True)
    assert scene("search", *case).code == scene("search", *case, "x", "--saved", "y").code == 2
    assert scene("search", *case, "--save", "bad\nname", "x").code == 3
    other = scene.open_case()
    assert scene.must("searches", "--case", other, "--json").rows == []


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_what_was_found_is_bold_and_nothing_else_acts(
    scene: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = _Terminal(io.BytesIO(), "utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", screen)
    from holdfast.cli.main import run  # noqa: PLC0415

    assert run(scene.given("search", "--case", scene.case, "account", "kind:mail.message")) == 0
    told = screen.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert "\x1b[1maccount\x1b[22m" in told
    assert told.count("\x1b") == 2 * told.count("\x1b[1m")


def test_second_readers_are_listed_and_counted(scene: Line, tmp_path: Path) -> None:
    case = ("--case", scene.case)
    (row,) = scene.must("disagreements", *case, "--json").rows
    assert (row["parser"], row["second"], row["field"]) == ("mail", "mail_stdlib", "subject")
    assert (row["exhibit"], row["row"], row["record"]) == ("AL/1", 1, "mail.message")
    assert row["ours"] != row["theirs"]
    assert scene.must("disagreements", *case, "--parser", "evtx", "--json").rows == []
    ledger = {
        (row["role"], row["parser"]): row["disagreements"]
        for row in scene.must("ledger", *case, "--json").rows
    }
    assert (ledger["item", ""], ledger["second", "mail_stdlib"]) == (1, 1)
    assert "1 disagreements of second readers" in scene.must("ledger", *case).out
    (entry,) = scene.entries("examine.start")
    assert entry["cross_check"] is True
    log = event_log([[Event(number=1, time="2026-03-01T10:00:00Z")]])
    (tmp_path / "x.evtx").write_bytes(log)
    scene.collect(tmp_path / "x.evtx")
    scene.must("examine", *case, "--jobs", "1")
    told = {(row["role"], row["parser"]) for row in scene.must("ledger", *case, "--json").rows}
    assert ("second", "mail_stdlib") in told  # what was checked stays checked


def test_what_another_setting_made_otherwise_is_compared(scene: Line, tmp_path: Path) -> None:
    case = ("--case", scene.case)
    done = scene("examine", *case, "--compare", "previous")
    assert (done.code, "has an earlier result" in done.err) == (3, True)
    (tmp_path / "own.toml").write_text('[[pattern]]\nname = "word"\nregex = "account"\n')
    scene.must("examine", *case, "--jobs", "1", "--patterns", tmp_path / "own.toml")
    *changes, sums = scene.must("examine", *case, "--compare", "own_patterns", "--json").rows
    assert [(one["kind"], one["change"], one["record"]) for one in changes] == [
        ("change", "added", "indicator")
    ]
    assert (sums["kind"], sums["module"], sums["same"]) == (
        "comparison", "finder:own_patterns", False,
    )  # fmt: skip
    assert sums["ledger"]["records"] == {"new": 1, "old": 0}
    told = scene.must("examine", *case, "--compare", "previous").out
    assert "finder:own_patterns" in told and "added" in told
    entry = scene.entries("examine.compare")[-1]
    assert entry["request"] == {"old": "previous"} and entry["result"]["lines"] >= 2


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.examine import _roster, interfaces  # noqa: PLC0415

    def absent() -> tuple[object, ...]:
        raise ImportError("gone", name="pyevtx")

    monkeypatch.setattr(interfaces, "seconds", absent)
    with pytest.raises(HoldfastError, match=r"not installed: pyevtx.*holdfast\[cross-check\]"):
        _roster.load((), {"cross_check": True})
