"""The surface that others script against: names, keys, exit codes.

"A surface that others script against, so keep it stable"
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.cli.main import run

if TYPE_CHECKING:
    from tests.line import Line

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
LOG = b"""\
203.0.113.9 - - [03/Mar/2026:09:12:01 +0100] "GET /login HTTP/1.1" 200 512 "-" "curl/8"
203.0.113.9 - - [03/Mar/2026:09:12:09 +0100] "POST /login HTTP/1.1" 302 0 "-" "x"
"""
MAIL = b"""\
From: "Bank" <service@bank.example>
To: victim@mail.example
Date: Tue, 03 Mar 2026 09:00:00 +0100
Subject: confirm your account
Message-ID: <1@bank.example>

Please confirm at https://bank.example/login today.
"""


def source(folder: Path) -> Path:
    folder.mkdir()
    (folder / "access.log").write_bytes(LOG)
    (folder / "mail.eml").write_bytes(MAIL)
    return folder


def test_case_open_prints_one_object_with_case(line: Line) -> None:
    """ "`case open --title T --basis B --authority A --until DATE [--scope S...] --json` prints
    one object with `case`" """
    given = ("--title", "T", "--basis", "B", "--authority", "A", "--until", "2999-01-31")
    row = line.must(
        "case", "open", *given, "--scope", "/media", "--scope", "domain:x", "--json"
    ).row
    assert re.fullmatch(r"\d{4}-\d{4}", row["case"])
    assert row["scope"] == ["path:/media", "domain:x"]
    assert row["valid_until"] == "2999-01-31T23:59:59.999999Z"
    assert line.must("case", "show", row["case"], "--json").row == row
    assert line.must("case", "list", "--json").rows[-1] == row


def test_collect_files_prints_one_object_per_item(line: Line, tmp_path: Path) -> None:
    """ "`collect files --case C PATH... --json` one object per item with `item` (digest),
    `exhibit`, `path`, `size`" """
    rows = line.collect(source(tmp_path / "in")).rows
    assert [Path(row["path"]).name for row in rows] == ["access.log", "mail.eml"]
    for row in rows:
        assert re.fullmatch(r"[0-9a-f]{64}", row["item"])
        assert row["exhibit"].startswith("AL/")
        assert row["size"] == Path(row["path"]).stat().st_size


def test_examined_evidence_is_told_an_object_a_line(line: Line, tmp_path: Path) -> None:
    """ "`timeline|indicators|ledger|items --case C --json` one JSON object a line, with `item`,
    `path`, `parser`, `kind`, `time` (RFC 3339, UTC) and `message` for events, `kind`, `value`,
    `valid`, `offset` for indicators; `search --case C QUERY --json`" """
    line.collect(source(tmp_path / "in"))
    held = {item["item"] for item in line.items()}
    line.must("examine", "--case", line.case, "--jobs", 1)

    events = line.must("timeline", "--case", line.case, "--json").rows
    assert len(events) >= 3
    for row in events:
        assert {"item", "path", "parser", "kind", "time", "message"} <= set(row)
        assert row["item"] in held
        assert TIME.fullmatch(row["time"])
    assert events == sorted(events, key=lambda row: row["time"])

    found = line.must("indicators", "--case", line.case, "--json").rows
    assert "bank.example" in {row["value"] for row in found}
    for row in found:
        assert {"item", "path", "parser", "kind", "value", "valid", "offset"} <= set(row)
        assert isinstance(row["valid"], bool)
        assert isinstance(row["offset"], int)

    ledger = line.must("ledger", "--case", line.case, "--json").rows
    for row in ledger:
        assert {"item", "path", "parser", "kind"} <= set(row)
        if row["role"] == "item":
            parts = ("parsed", "unsupported", "failed", "not_examined")
            assert row["seen"] == sum(row[part] for part in parts)

    for row in line.items():
        assert {"item", "exhibit", "path", "size", "object", "collected"} <= set(row)

    hits = line.must("search", "--case", line.case, "confirm", "--json").rows
    assert any("confirm" in hit["message"] for hit in hits)


def test_each_question_is_one_entry_with_its_parameters_and_a_digest_of_the_answer(
    line: Line, tmp_path: Path
) -> None:
    line.collect(source(tmp_path / "in"))
    line.must("examine", "--case", line.case, "--jobs", 1)
    before = len(line.entries())
    line.must("search", "--case", line.case, "confirm", "--limit", 7)
    line.must("timeline", "--case", line.case, "--from", "2026-03-01")
    line.must("indicators", "--case", line.case, "--kind", "domain")
    rows = line.entries()[before:]
    assert [row["act"] for row in rows] == ["search", "timeline", "indicators"]
    assert rows[0]["request"] == {"limit": 7, "query": "confirm"}
    assert rows[1]["request"]["from"] == "2026-03-01"
    assert rows[2]["request"]["kinds"] == ["domain"]
    for row in rows:
        assert set(row["result"]) == {"lines", "sha256"}


def test_verify_has_an_assurance_object(line: Line) -> None:
    """ "`verify --json` (exit 0 only when intact, with an `assurance` object saying unwitnessed,
    untimed and so on; non-zero too where the vault's policy demands what is missing)" """
    report = line.intact()
    assert report["intact"] is True
    assert report["assurance"]["witnesses"] == "unwitnessed"
    assert report["assurance"]["time"] == "untimed"
    assert report["assurance"]["actors"] == "signed"
    assert report["assurance"]["log_signature"] == "valid"


@pytest.mark.parametrize("demand", ["timed", "witnessed", "signed"])
def test_verify_fails_where_the_policy_demands_what_is_missing(
    line: Line, tmp_path: Path, demand: str
) -> None:
    line.vault = tmp_path / "strict"
    line.must("init", "--require", demand)
    if demand == "signed":
        line.must("verify", "--jobs", 1)
        line.operator = "without-a-key"
        line.open_case()
    done = line("verify", "--json", "--jobs", 1)
    assert done.code == 5
    assert done.row["assurance"]["policy"] == {"met": False, "missing": [demand]}
    assert line("verify", "--jobs", 1).out.splitlines()[-1] == "NOT INTACT"


def test_custody_is_readable_and_filtered(line: Line, tmp_path: Path) -> None:
    row = line.collect(source(tmp_path / "in") / "mail.eml").row
    for named in (row["exhibit"], row["item"], row["item"][:8]):
        (entry,) = line.must("custody", "--case", line.case, named, "--json").rows
        assert entry["item"] == row["item"]
        assert entry["signed"] in {True, False}
        assert TIME.fullmatch(entry["time"])
    shown = line.must("custody", "--case", line.case).out
    assert "case.open" in shown
    assert "alice" in shown


def test_operator_and_init_and_anchors_tell_the_public_keys(line: Line, tmp_path: Path) -> None:
    vkey = line.must("operator", "add", "bob", "--json").row["vkey"]
    bob = {"ended": None, "operator": "bob", "roles": ["investigator"], "vkey": vkey}
    assert bob in line.must("operator", "list", "--json").rows
    line.vault = tmp_path / "other"
    made = line.must("init", "--sealed", "--json").row
    assert made["sealed"] is True
    assert f"log {made['log']}" in line.must("anchors").out.splitlines()


def test_vault_and_operator_come_from_the_environment_or_from_either_place(
    line: Line, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOLDFAST_VAULT", str(line.vault))
    monkeypatch.setenv("HOLDFAST_OPERATOR", "carol")
    opening = ["--title", "T", "--basis", "B", "--authority", "A", "--until", "2999-01-31"]
    assert run(["case", "open", *opening]) == 0
    assert run(["--operator", "dave", "case", "open", *opening]) == 0
    assert run(["--operator", "dave", "case", "open", "--operator", "erin", *opening]) == 0
    assert run(["case", "list", "--vault", "/nowhere"]) == 3
    capsys.readouterr()
    leads = [row["lead"] for row in line.must("case", "list", "--json").rows]
    assert leads[1:] == ["carol", "dave", "erin"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("items",), 2),
        (("items", "--case"), 2),
        (("no-such-command",), 2),
        (("collect", "files", "--case", "1"), 2),
        (("verify", "--jobs", "0"), 2),
        (("case", "show"), 2),
        (("case", "open", "--title", "T"), 2),
        (("restore",), 2),
        (("items", "--case", "1999-0001"), 4),
    ],
    ids=str,
)
def test_exit_codes_by_whose_fault_it_is(line: Line, arguments: tuple[str, ...], code: int) -> None:
    done = line(*arguments)
    assert done.code == code
    assert done.out == ""
    assert 1 <= len(done.err.splitlines()) <= 4


def test_an_integrity_fault_exits_5_and_names_what_and_how(line: Line, tmp_path: Path) -> None:
    item = line.collect(source(tmp_path / "in")).rows[0]["item"]
    stored = line.vault / "vault" / "objects" / item[:2] / item
    stored.chmod(0o644)
    stored.write_bytes(b"other")
    done = line("verify", "--json", "--jobs", 1)
    assert done.code == 5
    assert done.row["intact"] is False
    assert any(item in problem for problem in done.row["problems"])


def test_no_database_exits_5_and_rebuild_restores_it(line: Line, tmp_path: Path) -> None:
    line.collect(source(tmp_path / "in"))
    before = line.items()
    for path in line.vault.glob("holdfast.db*"):
        path.unlink()
    done = line("items", "--case", line.case)
    assert (done.code, "holdfast rebuild" in done.err) == (5, True)
    line.must("rebuild")
    assert line.items() == before
    line.intact()
