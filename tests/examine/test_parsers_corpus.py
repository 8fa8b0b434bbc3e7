"""Files that others made: what other readers of the same formats count, we count too."""

from __future__ import annotations

import email
import email.policy
import email.utils
import hashlib
import mailbox
import sqlite3
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.examine.interfaces import name_of, parsers
from holdfast.examine.parsers import chromium_history, evtx, mail, plain_text, web_access
from holdfast.examine.parsers._browser import BrowserVisit
from holdfast.examine.record import Failure
from holdfast.testing import plaso_comparison
from holdfast.testing.parser_contract import evidence, parse_all
from tests.examine.test_indicators import plain, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.corpus


def files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        pytest.skip(f"the corpus has no folder {folder.name}")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def leaves(message: Message) -> Iterator[Message]:
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            assert not isinstance(part, str)
            yield from leaves(part)
    else:
        yield message


def seconds(date: str | None) -> int | None:
    try:
        parsed = email.utils.parsedate_tz(date or "")
        return None if parsed is None else email.utils.mktime_tz(parsed)
    except (ValueError, OverflowError):
        return None


def test_every_mail_reads_as_the_standard_library_reads_it(corpus: Path) -> None:
    """Of 330, all but the last few agree on date, hops and every attachment's digest.

    The eight others have multiparts that are cut or mislabelled: there the library gives up on
    the multipart and hands out its raw text, where we read the parts that are there.
    """
    paths = files(corpus / "mail-parser") + files(corpus / "mail-bounces")
    read, differ = 0, list[str]()
    for path in paths:
        content = path.read_bytes()
        with evidence(content) as file:
            if not mail.match(file):
                assert path.name == "mail_outlook_1"  # an OLE file
                continue
        first, *rest = parse_all(mail, content)
        assert isinstance(first, mail.MailMessage)
        # One file is two bounces one after the other, with a separator between them.
        more = sum(isinstance(one, mail.MailMessage) for one in rest)
        assert more == (path.name == "rhost-cox-01.eml"), path
        read += 1
        if content.startswith(b"From "):
            content = content.partition(b"\n")[2]
        other = email.message_from_bytes(content, policy=email.policy.compat32)
        expected = [
            hashlib.sha256(raw).hexdigest()
            for part in leaves(other)
            if part.get_content_maintype() not in {"text", "message", "multipart"}
            and isinstance(raw := part.get_payload(decode=True), bytes)
        ]
        when = seconds(str(other["date"]) if other["date"] else None)
        same = (
            first.time == (None if when is None else when * 1_000_000)
            and len(first.received) == len(other.get_all("received", []))
            and set(expected) <= set(first.attachment_sha256)
        )
        differ += [] if same else [path.name]
    assert read == 330
    assert differ == []


def test_mbox_counts_are_mailboxs(corpus: Path, tmp_path: Path) -> None:
    """All the corpus's mails in one mbox that the standard library wrote (mboxo quoting)."""
    path = tmp_path / "all.mbox"
    box = mailbox.mbox(path)
    for one in files(corpus / "mail-bounces"):
        content = one.read_bytes()
        if content.startswith(b"From "):
            content = content.partition(b"\n")[2]
        box.add(content)
    box.flush()
    box.close()
    records = parse_all(mail, path.read_bytes())
    assert Counter(one.KIND for one in records)["mail.message"] == 308
    assert (
        sum(one.length or 0 for one in records if one.KIND == "mail.message") == path.stat().st_size
    )


def test_browser_histories_hold_what_sqlite_counts(corpus: Path) -> None:
    counted = []
    for path in files(corpus / "plaso"):
        content = path.read_bytes()
        with evidence(content) as file:
            if not chromium_history.match(file):
                continue
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        expected = [
            connection.execute(query).fetchone()[0]
            for query in (
                "SELECT count(*) FROM visits",
                "SELECT count(*) FROM downloads",
                "SELECT count(*) FROM keyword_search_terms",
            )
        ]
        connection.close()
        kinds = Counter(record.KIND for record in parse_all(chromium_history, content))
        assert [kinds[k.KIND] for k in chromium_history.RECORDS] == expected, path
        assert sum(kinds.values()) == sum(expected)
        counted.append((path.name, *expected))
    assert counted == [
        ("History", 69, 2, 3),
        ("History-57.0.2987.133", 1, 1, 0),
        ("History-58.0.3029.96", 1, 1, 0),
        ("History-59_added-fake-column", 1, 1, 0),
    ]


def test_a_visit_that_is_known(corpus: Path) -> None:
    """`SELECT ... WHERE v.id = 69`, by hand: a download page, reached from Google."""
    path = corpus / "plaso" / "chrome" / "History"
    if not path.is_file():
        pytest.skip("the corpus has no Chrome history")
    records = parse_all(chromium_history, path.read_bytes())
    first = records[0]
    assert isinstance(first, BrowserVisit)
    assert (first.url, first.title) == (
        "http://start.ubuntu.com/10.04/Google/",
        "Ubuntu Start Page",
    )
    assert first.time == 1302177791000000  # 2011-04-07 12:03:11, as plaso's own test says


def test_as_many_events_as_plaso_counts(corpus: Path) -> None:
    """Plaso's own tests name the counts; the page that lists the differences is this one."""
    found = list(plaso_comparison.lines(corpus))
    if not found:
        pytest.skip("the corpus has none of plaso's files")
    assert [(one.path, one.ours, one.theirs) for one in found if one.ours < one.theirs] == []
    assert all("," not in one.parser and one.parser != "none" for one in found)
    page = DOCS / "reference" / "plaso-comparison.md"
    assert plaso_comparison.page(corpus) == page.read_text("utf-8")
    assert "not explained" not in page.read_text("utf-8")


def test_no_file_is_taken_by_two_parsers_and_text_is_whole(corpus: Path) -> None:
    taken: Counter[str] = Counter()
    for path in files(corpus):
        if path.stat().st_size > 4 << 20:
            continue
        content = path.read_bytes()
        with evidence(content) as file:
            names = [name_of(one) for one in parsers() if one.match(file)]
        assert len(names) <= 1, (path, names)
        taken.update(names)
        if names == ["plain_text"]:
            records = parse_all(plain_text, content)
            assert sum(record.length or 0 for record in records) == len(content), path
    # Jira's, Confluence's, Bitbucket's and AWS's own access logs are other formats.
    assert taken[name_of(web_access)] == 0
    assert taken[name_of(chromium_history)] == 4
    assert taken[name_of(mail)] == 330


def test_indicators_of_real_files_are_those_of_re_alone(corpus: Path) -> None:
    total = size = 0
    for path in files(corpus / "plaso") + files(corpus / "mail-parser") + files(corpus / "xarf"):
        content = path.read_bytes()[: 1 << 18]
        expected = plain(content)
        assert rows(content) == expected, path
        total += len(expected)
        size += len(content)
    assert total > 8_000
    assert size > 10 << 20


def test_every_event_log_has_as_many_records_as_libevtx_counts(corpus: Path) -> None:
    """The same numbers in the same order; in slack, at least as many as it recovers."""
    import pyevtx  # noqa: PLC0415 - a second reader, for this test alone

    paths = [
        path
        for folder in ("evtx-mitre", "sigma-regression", "plaso/evtx")
        for path in files(corpus / folder)
        if path.suffix.lower() == ".evtx"
    ]
    assert len(paths) > 200
    fewer = []
    for path in paths:
        other = pyevtx.file()
        other.open(str(path))
        expected: list[int | None] = [
            other.get_record(number).identifier for number in range(other.number_of_records)
        ]
        *records, last = parse_all(evtx, path.read_bytes())
        assert isinstance(last, evtx.WindowsEventLog)
        kept = [
            one.row for one in records if isinstance(one, evtx.WindowsEvent) and not one.recovered
        ]
        undecoded = [one.row for one in records if isinstance(one, Failure) and one.row is not None]
        assert Counter([*kept, *undecoded]) == Counter(expected), path
        assert last.allocated == len(expected)
        if last.recovered_records < other.number_of_recovered_records:
            fewer.append((path.name, last.recovered_records, other.number_of_recovered_records))
        other.close()
    assert fewer == []


def test_an_event_log_of_plasos_reads_in_full(corpus: Path) -> None:
    """Plaso's own test of its parser winevtx expects no warning of this file."""
    path = corpus / "plaso" / "evtx" / "System.evtx"
    if not path.is_file():
        pytest.skip("the corpus has no plaso/evtx")
    records = parse_all(evtx, path.read_bytes())
    assert not any(isinstance(one, Failure) for one in records)
    assert sum(isinstance(one, evtx.WindowsEvent) for one in records) == 5009
