"""Lines read by columns are the records that the patterns give, one by one: all of them, as found.

"What cannot be split without a doubt is left to the patterns" (decision 0100).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from holdfast.examine._arrow import Array, pa
from holdfast.examine.block import each
from holdfast.examine.file import evidence_from
from holdfast.examine.parsers import _lines, _syslog_columns, syslog, web_access

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from holdfast.examine.record import Record

    How = tuple[ModuleType, tuple[str, ...], Callable[[pytest.MonkeyPatch], None]]

ACCESS = (
    '192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 200 2326 '
    '"https://a.example/" "Mozilla/5.0 (X11)"',
    '192.0.2.8 - bob [11/Oct/2000:13:55:59 +0000] "POST /x HTTP/1.0" 404 - "-" "-"',
    '192.0.2.8 - - [11/Oct/2000:13:56:60 +0000] "HEAD / HTTP/2" - - "-" ""',
    'host.example - al [31/Feb/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 1 "-" "-"',
    '::1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 000012 "-" "-" extra "words" 1',
    '::1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 12',
    '::1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 12 behind it',
    'a.example:80 ::1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 12 "-" "-"',
    '::1 - two words [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 12 "-" "-"',
    '::1 - - [10/Oct/2000:13:55:36 -0700] "-" 408 - "-" "-"',
    '::1 - - [10/Oct/2000:13:55:36 -0700] "GET /a b HTTP/1.1" 400 7 "-" "-"',
    '::1 - - [10/Oct/2000:13:55:36 -0700] "" 400 7 "-" "-"',
    '::1 - - [10/Oct/2000:13:55:36 -0700] "GET /caf\\xc3\\xa9 HTTP/1.1" 400 7 "-" "q\\"q"',
    '::1 - - [10/Oct/2000:13:55:36 -0700] "GET /caf\u00e9 HTTP/1.1" 200 7 "-" "-"',
    "",
    "  ",
    "nothing of the kind",
)
SYSLOG = (
    "Jan  3 09:39:01 web1 sshd[17]: Failed password for invalid user b from 192.0.2.1 port 2 ssh2",
    "Jan  3 09:39:02 web1 sshd[17]: Failed password for root from 192.0.2.1 port 22 ssh2",
    "Jan  3 09:39:02 web1 sshd[17]: Failed password for invalid user from 192.0.2.1 port 22 ssh2",
    "Jan  3 09:40:02 web1 sshd[17]: Failed none for a from b from 192.0.2.1 port 22 ssh2",
    "Jan  3 09:40:02 web1 sshd[17]: Accepted publickey for al from ::1 port 2 ssh2: RSA SHA256:x",
    "Jan  3 09:40:02 web1 sshd[17]: Postponed publickey for al from ::1 port 22 ssh2",
    "Jan  3 09:40:02 web1 sshd[17]: Disconnected from user al 192.0.2.1 port 22",
    "Jan  3 09:40:02 web1 sshd[17]: pam_unix(sshd:session): session opened for user al by (uid=0)",
    "Jan  3 09:40:02 web1 sudo: pam_unix(sudo:session): session opened for user root by al(uid=1)",
    "Jan  3 09:40:02 web1 sudo:  al : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls -l",
    "Jan  3 09:40:02 web1 CRON[9]: pam_unix(cron:session): session closed for user root",
    "Jan  3 09:40:02 web1 CRON[9]: (root) CMD (true)",
    "Jan 31 23:59:59 web1 kernel: [1.2] a: b [c]: d",
    "Feb  1 00:00:00 web1 app[1234567890]: ",
    "Feb 30 00:00:00 web1 app[1]: no such day",
    "Feb 29 00:00:00 web1 app[1]: perhaps a day",
    "Dec 31 23:59:59 web1 app: last",
    "Jan  1 00:00:00 web1 app: first",
    "Dec 31 23:59:58 web1 app: late",
    "Jan  1 00:00:01 web1 app:no blank",
    "Jan  1 00:00:01 app: no machine",
    "Jan  1 00:00:01 web1 --- last message repeated 3 times ---",
    "Jan  1 00:00:01 --- last message repeated 3 times ---",
    "<34>Jan  1 00:00:01.123 web1 app[3]: with more",
    "Xyz  1 00:00:01 web1 app[3]: no month",
    "Jan  1 25:00:01 web1 app[3]: no hour",
    "2026-01-31T08:00:00.25+02:00 web1 app[3]: dated",
    "2026-01-31T08:00:01Z web1 sshd[3]: Accepted password for al from 192.0.2.3 port 5 ssh2",
    "2026-13-31T08:00:01Z web1 app[3]: no month",
    "2026-01-31T08:00:01Z INFO app[3]: from Chrome OS",
    '<34>1 2026-01-31T08:00:01Z web1 app 3 ID47 [a@1 b="c"] text',
    "Jan  3 09:39:01 web1 app: caf\u00e9 \u00a0 blank",
    "Jan  3 09:39:01 web1 sshd[1]: Failed password for a\u00a0b from 192.0.2.1 port 22",
    "Jan  3 09:39:01 web1 " + "n" * 300 + ": long name",
    "",
    "   ",
    "a stray line",
)
ODD = (b"\xff", b"\r", b"\t", b"\\", b'"', b" ", b":", b"[", b"]", b"\0", b"\xc3\xa9", b"7", b"-")


def content(lines: tuple[str, ...], seed: int, *, odd: int) -> bytes:
    """Return 400 of the lines in any order, of which about `odd` in 100 were changed."""
    dice = random.Random(seed)
    out = []
    for _ in range(400):
        line = dice.choice(lines).encode()
        while dice.randrange(100) < odd:
            at = dice.randrange(len(line) + 1)
            line = line[:at] + dice.choice(ODD) + line[at + dice.randrange(2) :]
        out.append(line + (b"\r" if dice.randrange(100) < odd else b""))
    return b"\n".join(out) + (b"" if seed % 2 else b"\n")


def records(parser: ModuleType, path: Path) -> list[Record]:
    return list(each(parser.parse(evidence_from(path))))


def never(values: Array) -> Array:
    return pa.array([False] * len(values))


def singly_access(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(web_access, "split", lambda *_: None)


def singly_syslog(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_syslog_columns, "old", never)
    patch.setattr(_syslog_columns, "dated", never)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "how", [(web_access, ACCESS, singly_access), (syslog, SYSLOG, singly_syslog)]
)
def test_columns_are_what_the_patterns_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: How, seed: int
) -> None:
    parser, lines, singly = how
    path = tmp_path / "log"
    path.write_bytes(content(lines, seed, odd=(0, 3, 20)[seed % 3]))
    monkeypatch.setattr(_lines, "_BLOCK", (1 << 20, 3000)[seed % 2])
    by_columns = records(parser, path)
    assert len(by_columns) > 200
    singly(monkeypatch)
    assert by_columns == records(parser, path)


@pytest.mark.parametrize(
    ("parser", "line", "name"),
    [
        (web_access, ACCESS[0], "_singly"),
        *((syslog, SYSLOG[number], "read_line") for number in (0, 10, 12, 27)),
    ],
)
def test_common_lines_are_read_by_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parser: ModuleType, line: str, name: str
) -> None:
    def single(*_arguments: object) -> None:
        pytest.fail("the line was read singly")

    monkeypatch.setattr(parser, name, single)
    (tmp_path / "log").write_text(f"{line}\n" * 50)
    assert len(records(parser, tmp_path / "log")) == 50
