"""Every parser passes the contract; what cases can't show has a test of its own."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from holdfast.core import clock
from holdfast.examine import _mbox
from holdfast.examine.block import each
from holdfast.examine.interfaces import name_of, parsers
from holdfast.examine.openers import mail as mail_opener
from holdfast.examine.parsers import (
    _lines,
    archive,
    certificate,
    chromium_cookies,
    chromium_history,
    chromium_logins,
    evtx,
    firefox_cookies,
    firefox_downloads,
    firefox_history,
    firefox_logins,
    html_page,
    iis,
    iris_case,
    journal_export,
    mail,
    odf,
    ooxml,
    pcap,
    pdf,
    picture,
    plain_text,
    rtf,
    safari_cookies,
    safari_history,
    safari_plist,
    sqlite_tables,
    syslog,
    timesketch,
    tracking_workbook,
    web_access,
    web_archive,
    web_error,
)
from holdfast.examine.parsers._browser import BrowserVisit
from holdfast.examine.record import Failure, UnreadableError
from holdfast.testing.parser_contract import ParserTests, cases, evidence, parse_all, to_line

if TYPE_CHECKING:
    from holdfast.examine.interfaces import Parser

CASES = Path(__file__).parents[1] / "cases"

MESSAGE = b"From: a@example.com\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nSubject: %d\n\nbody\n\n"
SEPARATOR = b"From a@example.com Thu Jan  1 00:00:00 2026\n"


class TestMail(ParserTests):
    parser: ClassVar[Parser] = mail
    root = CASES


class TestWebAccess(ParserTests):
    parser: ClassVar[Parser] = web_access
    root = CASES


class TestPlainText(ParserTests):
    parser: ClassVar[Parser] = plain_text
    root = CASES


class TestWebArchive(ParserTests):
    parser: ClassVar[Parser] = web_archive
    root = CASES


class TestCertificate(ParserTests):
    parser: ClassVar[Parser] = certificate
    root = CASES


class TestArchive(ParserTests):
    parser: ClassVar[Parser] = archive
    root = CASES


class TestOoxml(ParserTests):
    parser: ClassVar[Parser] = ooxml
    root = CASES


class TestOdf(ParserTests):
    parser: ClassVar[Parser] = odf
    root = CASES


class TestPcap(ParserTests):
    parser: ClassVar[Parser] = pcap
    root = CASES


class TestPdf(ParserTests):
    parser: ClassVar[Parser] = pdf
    root = CASES
    raises = (UnreadableError,)


class TestPicture(ParserTests):
    parser: ClassVar[Parser] = picture
    root = CASES
    raises = (UnreadableError,)


class TestHtmlPage(ParserTests):
    parser: ClassVar[Parser] = html_page
    root = CASES


class TestRtf(ParserTests):
    parser: ClassVar[Parser] = rtf
    root = CASES


class TestChromiumHistory(ParserTests):
    parser: ClassVar[Parser] = chromium_history
    root = CASES
    raises = (sqlite3.DatabaseError,)


class TestEvtx(ParserTests):
    parser: ClassVar[Parser] = evtx
    root = CASES


class TestChromiumCookies(ParserTests):
    parser: ClassVar[Parser] = chromium_cookies
    root = CASES
    raises = (sqlite3.DatabaseError,)


class TestFirefoxCookies(ParserTests):
    parser: ClassVar[Parser] = firefox_cookies
    root = CASES
    raises = (sqlite3.DatabaseError,)


class TestSafariCookies(ParserTests):
    parser: ClassVar[Parser] = safari_cookies
    root = CASES


class TestChromiumLogins(ParserTests):
    parser: ClassVar[Parser] = chromium_logins
    root = CASES
    raises = (sqlite3.DatabaseError,)


class TestFirefoxDownloads(ParserTests):
    parser: ClassVar[Parser] = firefox_downloads
    root = CASES
    raises = (sqlite3.DatabaseError,)


class TestFirefoxHistory(ParserTests):
    parser: ClassVar[Parser] = firefox_history
    root = CASES
    raises = (sqlite3.DatabaseError,)


class TestFirefoxLogins(ParserTests):
    parser: ClassVar[Parser] = firefox_logins
    root = CASES
    raises = (ValueError, RecursionError)


class TestIis(ParserTests):
    parser: ClassVar[Parser] = iis
    root = CASES


class TestTimesketch(ParserTests):
    parser: ClassVar[Parser] = timesketch
    root = CASES


class TestTrackingWorkbook(ParserTests):
    parser: ClassVar[Parser] = tracking_workbook
    root = CASES


class TestIrisCase(ParserTests):
    parser: ClassVar[Parser] = iris_case
    root = CASES


class TestJournalExport(ParserTests):
    parser: ClassVar[Parser] = journal_export
    root = CASES


class TestSafariHistory(ParserTests):
    parser: ClassVar[Parser] = safari_history
    root = CASES
    raises = (sqlite3.DatabaseError,)


class TestSafariPlist(ParserTests):
    parser: ClassVar[Parser] = safari_plist
    root = CASES
    raises = (ValueError,)


class TestSqliteTables(ParserTests):
    parser: ClassVar[Parser] = sqlite_tables
    root = CASES
    raises = (sqlite3.DatabaseError,)


class TestSyslog(ParserTests):
    parser: ClassVar[Parser] = syslog
    root = CASES


class TestWebError(ParserTests):
    parser: ClassVar[Parser] = web_error
    root = CASES


def test_every_parser_has_cases() -> None:
    named = {case.parser for case in cases(CASES)}
    own = {name_of(p) for p in parsers() if p.__name__.startswith("holdfast.examine.parsers.")}
    assert own <= named


# --- mail ---


@pytest.mark.parametrize("window", [97, 128, 1000])
def test_separators_are_found_wherever_a_window_ends(
    monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    content = b"".join(SEPARATOR + MESSAGE % number for number in range(200))
    whole = parse_all(mail, content)
    monkeypatch.setattr(_mbox, "_WINDOW", window)
    assert parse_all(mail, content) == whole
    assert len(whole) == 200
    assert [record.row for record in whole] == list(range(1, 201))
    assert sum(record.length or 0 for record in whole) == len(content)


def test_a_message_over_the_limit_gives_its_headers_and_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_mbox, "LIMIT", 5000)
    monkeypatch.setattr(_mbox, "PARTIAL", 500)
    large = SEPARATOR + MESSAGE % 1 + b"x" * 6000 + b"\n\n"
    first, failure, second = parse_all(mail, large + SEPARATOR + MESSAGE % 2)
    assert isinstance(first, mail.MailMessage) and isinstance(second, mail.MailMessage)
    assert (first.subject, first.body_text) == ("1", None)
    assert isinstance(failure, Failure) and "5000" in failure.reason
    assert (second.subject, second.offset) == ("2", len(large))


def test_the_opener_gives_each_encoded_part_decoded() -> None:
    with evidence((CASES / "mail/mbox_two_messages/input.mbox").read_bytes()) as file:
        members = {one.path: one.content.read() for one in mail_opener.unfold(file)}
    assert members == {
        "1/1/part.txt": "Guten Tag,\nFrom here on it is quoted.\nGrüße".encode(),
        "1/2/büro.png": b"\x89PNG\r\n\x1a\nnot really a picture",
    }


def test_a_name_from_mail_can_leave_no_folder() -> None:
    with evidence((CASES / "mail/malformed/input.eml").read_bytes()) as file:
        paths = [one.path for one in mail_opener.unfold(file)]
    assert paths == ["1/2/.._.._etc_passwd.zip"]


def test_a_nested_message_is_a_member_that_is_mail() -> None:
    with evidence((CASES / "mail/nested_message/input.eml").read_bytes()) as file:
        (member,) = mail_opener.unfold(file)
        inner = member.content.read()
    (record,) = parse_all(mail, inner)
    assert isinstance(record, mail.MailMessage) and record.subject == "inner"


def test_hostile_nesting_ends() -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (i, i) for i in range(5000)
    )
    (record,) = parse_all(mail, b"From: a@b.c\nDate: x\n" + deep)
    assert isinstance(record, mail.MailMessage)
    assert "nested too deeply" in record.defects


@pytest.mark.parametrize(
    "charset", ["idna", "punycode", "hex", "zlib", "nonsense", "utf-8*x", "\x00"]
)
def test_a_charset_that_is_no_text_is_wrong(charset: str) -> None:
    text = f"From: a@b.c\nDate: x\nContent-Type: text/plain; charset={charset}\n\nné\n"
    (record,) = parse_all(mail, text.encode())
    assert isinstance(record, mail.MailMessage) and record.body_text == "né"


def test_a_line_that_only_begins_like_a_separator_is_text() -> None:
    said = b"he wrote\nFrom bob@example.com Thu Jan  1 00:00:00 2026 said\nand more\n\n"
    undated = b"From bob\nSubject: this follows a blank line, so it is one\nDate: x\n\nbody\n\n"
    glued = (
        b"From b@example.com Thu Jan  1 00:00:00 2026\nFrom: b@example.com\n\nno blank line before"
    )
    content = SEPARATOR + MESSAGE % 1 + said + undated + b"last line\n" + glued
    records = parse_all(mail, content)
    assert [record.row for record in records] == [1, 2, 3]
    first = records[0]
    assert isinstance(first, mail.MailMessage) and "said" in (first.body_text or "")


def test_a_letter_split_over_two_encoded_words_is_one() -> None:
    words = b"=?utf-8?b?w68=?= =?utf-8?q?_=E2=82?= =?utf-8?q?=AC?="
    (record,) = parse_all(mail, b"From: a@b.c\nDate: x\nSubject: " + words + b"\n\n")
    assert isinstance(record, mail.MailMessage) and record.subject == "ï €"


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [(b"QUJDR", "ABC"), (b"QUI=QUI=", "ABAB"), (b"Q U!J\nD", "ABC"), (b"", None), (b"=", None)],
)
def test_broken_base64_gives_what_it_holds(encoded: bytes, decoded: str | None) -> None:
    head = b"From: a@b.c\nDate: x\nContent-Transfer-Encoding: base64\n\n"
    (record,) = parse_all(mail, head + encoded)
    assert isinstance(record, mail.MailMessage) and record.body_text == decoded


def test_a_charset_that_runs_escapes_is_refused() -> None:
    text = b"From: a@b.c\nDate: x\nContent-Type: text/plain; charset=unicode_escape\n\n\\x41"
    (record,) = parse_all(mail, text)
    assert isinstance(record, mail.MailMessage) and record.body_text == "\\x41"


# --- access logs, text ---


def test_a_line_over_the_limit_is_one_failure_and_the_next_is_read() -> None:
    line = b'192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 1\n'
    content = line + b"x" * 200_000 + b"\n" + line
    first, failure, last = parse_all(web_access, content)
    assert isinstance(failure, Failure)
    assert (failure.row, failure.offset, failure.length) == (2, len(line), 200_001)
    assert (last.row, last.offset) == (3, len(line) + 200_001)
    assert first.time == last.time


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_chunks_are_the_whole_text_however_long_its_lines_are(encoding: str) -> None:
    rng = random.Random(7)
    letters = "abcé€😀 "
    lines = ["".join(rng.choices(letters, k=rng.choice([3, 80, 90_000]))) for _ in range(40)]
    text = "\n".join(lines)
    mark = "" if encoding == "utf-8" else "\ufeff"
    content = (mark + text).encode(encoding)
    records = parse_all(plain_text, content)
    assert all(isinstance(one, plain_text.TextDocument) for one in records)
    documents = [one for one in records if isinstance(one, plain_text.TextDocument)]
    assert "".join(one.text or "" for one in documents) == text
    assert not any(one.damaged for one in documents)
    assert sum(one.length or 0 for one in documents) == len(content)
    assert all((one.length or 0) <= plain_text.CHUNK for one in documents)


# --- SQLite ---


def _history(script: str, folder: Path) -> bytes:
    path = folder / "made"
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    return path.read_bytes()


VISITS = (
    "CREATE TABLE visits(id INTEGER PRIMARY KEY,url INTEGER,visit_time INTEGER,from_visit INTEGER);"
)
URLS = (
    "CREATE TABLE urls(id INTEGER PRIMARY KEY,url TEXT,title TEXT,typed_count INTEGER,"
    "last_visit_time INTEGER);"
)


def test_a_view_in_place_of_a_table_is_not_run(tmp_path: Path) -> None:
    """A view can be an endless query; `sqlite_master` says it is one."""
    endless = (
        "CREATE VIEW downloads AS WITH RECURSIVE r(start_time) AS "
        "(SELECT 1 UNION ALL SELECT start_time+1 FROM r) SELECT start_time FROM r;"
    )
    content = _history(URLS + VISITS + endless + "INSERT INTO visits VALUES(1,1,1,0);", tmp_path)
    (record,) = parse_all(chromium_history, content)
    assert isinstance(record, BrowserVisit)


def test_page_loop_ends(tmp_path: Path) -> None:
    """A b-tree whose pages name each other must not be walked for ever."""
    rows = "".join(f"INSERT INTO visits VALUES({i},1,{i},0);" for i in range(1, 1000))
    content = bytearray(_history("PRAGMA page_size=512;" + URLS + VISITS + rows, tmp_path))
    connection = sqlite3.connect(tmp_path / "made")
    query = "SELECT rootpage FROM sqlite_master WHERE name='visits'"
    (root,) = connection.execute(query).fetchone()
    connection.close()
    at = (root - 1) * 512
    assert content[at] == 5  # an interior page: make each child the first one
    cells = int.from_bytes(content[at + 3 : at + 5], "big")
    places = [
        int.from_bytes(content[at + 12 + 2 * i : at + 14 + 2 * i], "big") for i in range(cells)
    ]
    for place in places:
        content[at + place : at + place + 4] = content[at + places[0] : at + places[0] + 4]
    assert len(places) > 3
    records = parse_all(chromium_history, bytes(content))
    assert isinstance(records[-1], Failure)
    assert len(records) < 1000


def test_a_schema_on_later_pages_is_found(tmp_path: Path) -> None:
    other = "".join(f"CREATE TABLE t{i}({'a' * 50}{i} TEXT);" for i in range(200))
    content = _history("PRAGMA page_size=512;" + other + URLS + VISITS, tmp_path)
    with evidence(content) as file:
        assert chromium_history.match(file)


def test_other_databases_are_not_taken(tmp_path: Path) -> None:
    with evidence(_history("CREATE TABLE urls(a); CREATE TABLE visits(b);", tmp_path)) as file:
        assert not chromium_history.match(file)


# --- logs ---


def test_a_line_is_cited_wherever_a_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, overlong lines and files without a last newline: every byte has one record."""
    lines_ = [b"Mar  1 00:00:%02d h p[1]: %s\r\n" % (n % 60, b"x" * (n % 97)) for n in range(300)]
    lines_[50] = b"y" * 3000 + b"\n"
    lines_[51] = b"z" * 3000 + b"\n"
    lines_[299] = b"Mar  1 00:00:00 h p: " + b"w" * 3000
    content = b"".join(lines_)
    monkeypatch.setattr(_lines, "LINE_LIMIT", 1000)
    monkeypatch.setattr(_lines.lines, "__defaults__", (1000,))
    whole = parse_all(syslog, content)
    for block_ in (7, 100, 1001, 4000):
        monkeypatch.setattr(_lines, "_BLOCK", block_)
        assert parse_all(syslog, content) == whole, block_
    assert [(one.row, one.offset) for one in whole] == [
        (n + 1, sum(map(len, lines_[:n]))) for n in range(300)
    ]
    assert [one.length for one in whole] == list(map(len, lines_))
    assert [one.row for one in whole if isinstance(one, Failure)] == [51, 52, 300]


@pytest.mark.parametrize(
    ("changed", "first", "last"),
    [
        ("2026-03-01T12:00:00Z", "2025-12-31T23:00:00Z", "2026-02-28T10:00:00Z"),
        ("2026-01-15T12:00:00Z", "2024-12-31T23:00:00Z", "2025-02-28T10:00:00Z"),
        ("2026-02-28T09:00:00Z", "2025-12-31T23:00:00Z", "2026-02-28T10:00:00Z"),
    ],
)
def test_a_year_that_is_nowhere_is_that_of_the_collection(
    changed: str, first: str, last: str
) -> None:
    """The last line is not after it (a zone's worth of hours allowed)."""
    content = b"Dec 31 23:00:00 h p: a\nJan  1 00:00:00 h p: b\nFeb 28 10:00:00 h p: c\n"
    with evidence(content) as file:
        dated = replace(file, latest=clock.from_text(changed))
        times = [clock.to_text(one.time or 0) for one in each(syslog.parse(dated))]
        undated = [one.time for one in each(syslog.parse(file))]
    assert (times[0], times[-1]) == (first, last)
    assert undated == [None, None, None]


def test_no_password_comes_out() -> None:
    for parser, name in ((chromium_logins, "chromium_logins"), (firefox_logins, "firefox_logins")):
        (case,) = [case for case in cases(CASES) if case.parser == name]
        content = case.input.read_bytes()
        assert b"v10secret" in content or b"MDoEEPgA" in content
        text = repr(parse_all(parser, content))
        assert "secret" not in text and "MDoE" not in text and "763130" not in text


def test_any_sqlite_is_left_to_the_parser_that_knows_it() -> None:
    """`match` decides, not order: each schema that a parser declares is no one else's."""
    for case in cases(CASES):
        content = case.input.read_bytes()
        if content.startswith(b"SQLite format 3"):
            with evidence(content) as file:
                taken = [name_of(one) for one in parsers() if one.match(file)]
            assert taken == [case.parser]


# --- cookies ---


@pytest.mark.parametrize("parser", [chromium_cookies, firefox_cookies, safari_cookies])
def test_a_cookie_s_value_is_in_no_record(parser: Parser) -> None:
    secrets = ("s3cret", "dark", "v10")
    for case in cases(CASES):
        if case.parser == name_of(parser):
            content = case.input.read_bytes()
            shown = "\n".join(map(to_line, parse_all(parser, content)))
            assert any(one.encode() in content for one in secrets) or case.folder.name == "of_2013"
            assert not any(one in shown for one in secrets)
