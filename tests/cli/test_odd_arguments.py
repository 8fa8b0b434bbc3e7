"""Whatever is typed, the answer is one line and a code that says whose fault it is."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.cli.test_help import ALL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Done, Line

ODD = (
    "",
    " ",
    "\0",
    "a\0b",
    "\udcff",
    "caf\udce9",
    "-1",
    "0",
    "99999999999999999999999999",
    "1e309",
    "nan",
    "9999-99-99",
    "0000-00-00",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00+99:00",
    "0001-01-01T00:00:00+14:00",
    "/",
    "/proc/self/mem",
    "../../..",
    "~no-such-account/x",
    "a" * 300,
    "a/" * 3000,
    "\x1b[2J\x1b]0;owned\x07",
    "line\nbreak",
    "é日本🏦",
    "\u202egpj.exe",
    "'; DROP TABLE cases;--",
    "%s%n{0}",
    "--",
    "-",
    "*",
    "(((",
    '"',
    '"""" AND OR NOT ^9 [a TO b]',
    "path:",
    "alice/../../log",
    "a+b",
    ".",
)
VALID: dict[str, tuple[str, ...]] = {
    "case document": ("file", "--case", "CASE"),
    "case expiring": (),
    "case handover accept": ("1", "--case", "CASE"),
    "case handover decline": ("1", "--case", "CASE", "--remarks", "R"),
    "case handover give": ("bob", "--case", "CASE"),
    "case handover list": ("--case", "CASE"),
    "case handover recall": ("1", "--case", "CASE"),
    "decision add": ("--case", "CASE", "--decision", "D", "--reasons", "R"),
    "decision list": ("--case", "CASE"),
    "entity add": ("N", "--case", "CASE", "--sort", "person"),
    "entity change": ("1", "--case", "CASE", "--role", "suspect"),
    "entity link": ("1", "2", "--case", "CASE", "--relation", "R", "--grade", "B2"),
    "entity links": ("--case", "CASE"),
    "entity list": ("--case", "CASE"),
    "entity unlink": ("1", "--case", "CASE", "--reason", "R"),
    "entity release": ("1", "--case", "CASE", "--reason", "R"),
    "finding add": (
        *("T", "--case", "CASE", "--statement", "S", "--grade", "A1", "--cite", "AL/1"),
    ),
    "finding list": ("--case", "CASE"),
    "finding review": ("1", "--case", "CASE", "--outcome", "passed"),
    "finding revise": ("1", "--case", "CASE", "--statement", "S"),
    "finding show": ("1", "--case", "CASE"),
    "finding verify": ("1", "--case", "CASE", "--outcome", "agrees", "--remarks", "R"),
    "finding withdraw": ("1", "--case", "CASE", "--reason", "R"),
    "note add": ("--case", "CASE", "--text", "T"),
    "note list": ("--case", "CASE"),
    "question answer": ("1", "--case", "CASE", "--answer", "A"),
    "question ask": ("--case", "CASE", "--text", "T"),
    "question list": ("--case", "CASE"),
    "question material": ("--case", "CASE"),
    "import list": ("--case", "CASE"),
    "import show": ("--case", "CASE", "AL/1"),
    "import take": ("--case", "CASE", "AL/1"),
    "question sets": (),
    "task add": ("T", "--case", "CASE"),
    "task change": ("1", "--case", "CASE", "--state", "done"),
    "task list": ("--case", "CASE"),
    "anchors": (),
    "backup": ("new-backup",),
    "bundle": ("--case", "CASE", "--to", "new-bundle"),
    "campaigns": ("--case", "CASE"),
    "chart export": ("--case", "CASE", "--to", "chart.csv"),
    "chart show": ("--case", "CASE"),
    "coordinates": ("--case", "CASE"),
    "case close": ("CASE",),
    "case due": (),
    "case list": (),
    "case open": ("--title", "T", "--basis", "B", "--authority", "A", "--until", "2999-01-01"),
    "case role": ("alice", "--case", "CASE", "--add", "examiner"),
    "case show": ("CASE",),
    "case team": ("CASE",),
    "case zone": ("Africa/Nairobi", "--case", "CASE"),
    "check": ("file",),
    "clock list": ("--case", "CASE"),
    "clock remove": ("--case", "CASE", "--host", "pc", "--reason", "R"),
    "clock set": ("--case", "CASE", "--host", "pc", "--ahead", "1", "--basis", "B"),
    "collect archive": ("--case", "CASE", "file"),
    "collect account": ("--case", "CASE", "--account", "A", "--host", "a.example", "--order", "O"),
    "collect diff": ("--case", "CASE", "AL/1", "AL/2"),
    "collect egress": (),
    "collect profile": ("--case", "CASE", "--reason", "R", "https://facebook.com/x"),
    "collect profile-pages": (),
    "collect schedule add": ("--case", "CASE", "--every", "1h", "https://shop.example/"),
    "collect schedule list": (),
    "collect schedule remove": ("3",),
    "collect schedule run": (),
    "cluster join": ("10.0.0.1:6379", "--bind", "nowhere", "--token", "file"),
    "cluster start": ("--bind", "nowhere", "--token", "file"),
    "collect files": ("--case", "CASE", "file"),
    "collect upload": ("--case", "CASE", "--from", "the bank", "file"),
    "collect sent": ("--case", "CASE"),
    "collect url": ("--case", "CASE", "https://shop.example/file"),
    "collect web": ("--case", "CASE", "https://shop.example/"),
    "custody": (),
    "disagreements": ("--case", "CASE"),
    "erase approve": ("3",),
    "erase limits": ("--entries", "9", "--bytes", "9"),
    "erase list": (),
    "erase request": ("--case", "CASE", "--order", "O", "--entry", "2"),
    "examine": ("--case", "CASE", "--jobs", "1"),
    "exhibit accept": ("AL/1", "--case", "CASE"),
    "exhibit decline": ("AL/1", "--case", "CASE", "--reason", "R"),
    "exhibit destroy": ("AL/1", "--case", "CASE", "--order", "O", "--method", "M"),
    "exhibit hand": ("AL/1", "--case", "CASE", "--to", "N", "--reason", "R"),
    "exhibit list": ("--case", "CASE"),
    "exhibit made": ("AL/2", "--case", "CASE", "--from", "AL/1"),
    "exhibit move": ("AL/1", "--case", "CASE", "--to", "P"),
    "exhibit label": ("AL/1", "--case", "CASE", "--to", "new-label.svg"),
    "exhibit number": ("AL/1", "--case", "CASE"),
    "exhibit pattern": ("--case", "CASE", "--whole", "X-{number}"),
    "exhibit return": ("AL/1", "--case", "CASE", "--person", "N", "--order", "O"),
    "exhibit seal": ("AL/1", "--case", "CASE", "--seal", "S"),
    "exhibit seize": ("--case", "CASE", "--what", "W", "--where", "P"),
    "exhibit show": ("AL/1", "--case", "CASE"),
    "exhibit unseal": ("AL/1", "--case", "CASE", "--seal", "S", "--reason", "R"),
    "audit": (),
    "exposure allow": ("alice", "--case", "CASE", "--reason", "R"),
    "exposure begin": ("--case", "CASE"),
    "exposure disallow": ("alice", "--case", "CASE", "--reason", "R"),
    "exposure end": ("--case", "CASE"),
    "exposure limits": (),
    "exposure show": ("--case", "CASE"),
    "oversight": (),
    "hashset add": (
        *("file", "--name", "N", "--kind", "abuse", "--origin", "O", "--version", "1"),
        *("--date", "D"),
    ),
    "hashset list": (),
    "hashset remove": ("N", "--reason", "R"),
    "hold lift": ("3", "--order", "O"),
    "hold list": (),
    "hold set": ("--case", "CASE", "--order", "O"),
    "indicator list": ("--case", "CASE"),
    "indicator show": ("domain", "a.example", "--case", "CASE"),
    "indicators": ("--case", "CASE"),
    "init": (),
    "item check": ("--case", "CASE", "AL/1"),
    "item get": ("--case", "CASE", "AL/1", "--to", "new-copy"),
    "item list": ("--case", "CASE"),
    "item play": ("--case", "CASE", "AL/1"),
    "item replay": ("--case", "CASE", "AL/1"),
    "item show": ("--case", "CASE", "AL/1"),
    "item tree": ("--case", "CASE", "AL/1"),
    "items": ("--case", "CASE"),
    "ledger": ("--case", "CASE"),
    "links": ("--case", "CASE"),
    "log continue-as": ("other.example/log", "--reason", "R"),
    "log keys": (),
    "log publish": (),
    "log rotate": (),
    "log serve": ("--listen", "nowhere"),
    "log status": (),
    "log entry": ("1", "--case", "CASE"),
    "log witnesses": (),
    "marks": ("--case", "CASE"),
    "matches": ("--case", "CASE"),
    "hits": ("--case", "CASE"),
    "monitor": ("--policy", "file", "--state", "seen", "--once"),
    "log authorities": (),
    "log renew": (),
    "log stamp": (),
    "log stamps": (),
    "operator add": ("bob",),
    "operator list": (),
    "operator passkey": ("--to", "file"),  # no such name; a right one would wait for a person
    "operator revoke": ("bob", "--reason", "R"),
    "operator role": ("bob", "--add", "auditor"),
    "operator rotate": ("bob",),
    "operator vkey": ("--key", "bob.key"),
    "privilege list": ("--case", "CASE"),
    "privilege review": ("3", "--case", "CASE"),
    "privilege rule": ("3", "release", "--case", "CASE", "--reason", "R"),
    "privilege set": ("--case", "CASE", "--term", "word", "--reason", "R"),
    "rebuild": (),
    "request approve": ("3",),
    "request refuse": ("3",),
    "request withdraw": ("3",),
    "requests": (),
    "restore": ("new-backup",),
    "report choices": ("--case", "CASE"),
    "report make": ("--case", "CASE", "new-report.pdf"),
    "report preview": ("--case", "CASE", "new-pages"),
    "report rebuild": ("file", "new-report.pdf"),
    "restricted list": ("--case", "CASE"),
    "restricted release": (
        *("AL/1", "--case", "CASE", "--for", "N", "--order", "O", "--sealed-to", "age1"),
    ),
    "restricted withdraw": ("3", "--case", "CASE", "--reason", "R"),
    "search": ("--case", "CASE", "word"),
    "searches": ("--case", "CASE"),
    "statement": ("--case", "CASE", "AL/1"),
    "timeline": ("--case", "CASE"),
    "window": ("--case", "CASE", "kind:mail.*"),
    "views": ("--case", "CASE"),
    "remark comment": ("--case", "CASE", "WzBd", "T"),
    "remark list": ("--case", "CASE", "WzBd"),
    "remark tag": ("--case", "CASE", "WzBd", "t"),
    "remark untag": ("--case", "CASE", "1"),
    "vault copy": ("--to", "copy"),
    "vault move": ("--to", "moved"),
    "vault replica": ("--to", "replica"),
    "vault show": (),
    "verify": ("--jobs", "1"),
    "verify-script": (),
    "view": ("--case", "CASE", "AL/1"),
    "web check-redacted": ("file",),
    "web redact": ("AL/1", "--case", "CASE", "--to", "new.wacz"),
    "witness add-log": ("--state", "witness", "vkey"),
    "witness drop-log": ("--state", "witness", "vkey"),
    "witness init": ("--state", "new-witness", "--name", "court.example"),
    "account add": ("bob",),
    "account bind": ("bob", "--issuer", "https://a.example", "--subject", "s"),
    "account list": (),
    "account lock": ("bob",),
    "account password": ("bob",),
    "account totp": ("bob",),
    "account passkey": ("bob", "vkey"),
    "account sessions": ("bob",),
    "account sign-out": ("bob",),
    "account unbind": ("--issuer", "https://a.example", "--subject", "s", "--reason", "r"),
    "token add": ("a label",),
    "token list": (),
    "token end": ("01234567",),
    "serve": ("--listen", "nowhere"),
    "witness serve": ("--state", "witness", "--listen", "nowhere"),
    "witness show": ("--state", "witness"),
}


ENDS = {"--continuous": ("--once",)}
"""What makes a command end that otherwise goes on until it is stopped."""


class Attempt(NamedTuple):
    """A command with one thing in it that is odd."""

    command: str
    arguments: tuple[str, ...]


def attempts() -> list[Attempt]:
    """Return every command with every odd value at every place of it."""
    found = []
    for words, command in ALL.items():
        name = " ".join(words)
        valid = VALID[name]
        options = [p.opts[0] for p in command.params if p.param_type_name == "option"]
        for odd in ODD:
            # In place of each argument, as each option's value, and as one argument too many.
            for at in range(len(valid)):
                changed = (*valid[:at], odd, *valid[at + 1 :])
                found.append(Attempt(name, changed))
            found += [
                Attempt(name, (*valid, option, *ENDS.get(option, ()), odd)) for option in options
            ]
            found.append(Attempt(name, (*valid, odd)))
    return found


def try_out(line: Line, attempt: Attempt) -> None:
    arguments = [line.case if word == "CASE" else word for word in attempt.arguments]
    done = line(*attempt.command.split(), *arguments)
    assert not _wrong(done), (attempt, done)


def _wrong(done: Done) -> bool:
    lines = done.err.splitlines()
    return (
        done.code not in {0, 2, 3, 4, 5, 7}
        or (done.code != 0 and not lines)
        or len(lines) > 4
        or "Traceback" in done.err
        or any(not (c.isprintable() or c == "\n") for c in done.err)
    )


def test_every_command_is_tried() -> None:
    assert {" ".join(words) for words in ALL} == set(VALID)


@pytest.mark.parametrize("part", range(4))
def test_odd_arguments_give_a_line_and_a_code(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "work" / "file").write_text("x")
    sample = random.Random(part).sample(attempts(), 60)
    for attempt in sample:
        try_out(line, attempt)
    line.must("verify", "--jobs", 1)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(VALID))
def test_every_odd_argument_gives_a_line_and_a_code(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "work" / "file").write_text("x")
    for attempt in attempts():
        if attempt.command == name:
            try_out(line, attempt)
    line.must("verify", "--jobs", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("case", "open", "--title", "caf\udce9", "--basis", "B", "--authority", "A"),
        ("case", "show", "\udcff"),
        ("collect", "files", "--case", "\udcff", "file"),
        ("custody", "\udcff"),
        ("operator", "add", "\udcff"),
        ("--operator", "\udcff", "case", "list"),
        ("--vault", "\udcff", "case", "list"),
        ("search", "--case", "CASE", "\udcff"),
    ],
    ids=repr,
)
def test_what_is_not_utf_8_is_refused_or_taken_and_never_a_fault(
    line: Line, arguments: tuple[str, ...]
) -> None:
    words = [line.case if word == "CASE" else word for word in arguments]
    until = ["--until", "2999-01-01"] if "--title" in words else []
    done = line(*words, *until)
    assert not _wrong(done), done
