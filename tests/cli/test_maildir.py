"""A Maildir is a folder of messages: each is read, and its name keeps what the reader did with it.

Source: D. J. Bernstein, "Using maildir format": `new`, `cur`, and the flags behind `:2,`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

MESSAGE = (
    b"Return-Path: <a@example.com>\nReceived: from a.example by b.example; %s\n"
    b"From: a@example.com\nTo: b@example.org\nDate: %s\nSubject: %d\n\nbody %d\n"
)
DATE = b"Sat, 31 Jan 2026 08:01:12 +0100"


def test_every_message_of_a_maildir_is_read_with_its_folder_and_flags(
    line: Line, tmp_path: Path
) -> None:
    root = tmp_path / "Maildir"
    names = ("new/1769846472.M1P2.host", "cur/1769846473.M1P2.host:2,RS", ".Sent/cur/3.host:2,S")
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_bytes(MESSAGE % (DATE, DATE, number, number))
    (root / "tmp").mkdir()
    (root / "dovecot-uidlist").write_text("3 V1 N4 G1\n1 :1769846472.M1P2.host\n")
    line.collect(root)
    line.must("examine", "--case", line.case, "--jobs", 1)
    rows = line.must("timeline", "--case", line.case, "--kind", "mail.message", "--json").rows
    found = {row["path"].partition("Maildir/")[2] for row in rows}
    assert found == set(names)
    assert {row["time"] for row in rows} == {"2026-01-31T07:01:12Z"}
    hops = line.must("timeline", "--case", line.case, "--kind", "mail.hop", "--json").rows
    assert len(hops) == 3
