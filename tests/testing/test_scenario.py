"""The scenario's truth, checked by readers that know nothing of its generator."""

from __future__ import annotations

import email
import email.policy
import gzip
import hashlib
import json
import mailbox
import os
import re
import sqlite3
import zlib
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from holdfast.core.errors import InputError
from holdfast.testing.scenario import GroundTruth, Scale, when, write
from holdfast.testing.scenario.__main__ import main
from holdfast.testing.scenario.attachments import gzip as pack
from holdfast.testing.scenario.attachments import pdf, png
from holdfast.testing.scenario.story import tell

if TYPE_CHECKING:
    from email.message import EmailMessage

    from holdfast.testing.scenario.truth import LineFact

COMBINED = re.compile(
    rb"(\S+) \S+ (\S+) \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]"
    rb' "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"'
)
SYSLOG = re.compile(
    rb"(?:<\d+>)?\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ [\w-]+(?:\[\d+\])?: .+"
    rb"|<\d+>1 \d{4}-\d\d-\d\dT\S+ \S+ \S+ \S+ \S+ - .+"
)

TABLES = (
    "SELECT * FROM urls ORDER BY id",
    "SELECT * FROM visits ORDER BY id",
    "SELECT * FROM visit_source ORDER BY id",
    "SELECT * FROM keyword_search_terms ORDER BY url_id",
    "SELECT * FROM downloads ORDER BY id",
    "SELECT * FROM downloads_url_chains ORDER BY id, chain_index",
    "SELECT * FROM segments ORDER BY id",
    "SELECT * FROM segment_usage ORDER BY id",
    "SELECT * FROM visited_links ORDER BY id",
    "SELECT * FROM content_annotations ORDER BY visit_id",
    "SELECT * FROM context_annotations ORDER BY visit_id",
)
ROWS_OF_SEED_7 = "3873220aa729421d"
BYTES_OF_SEED_7 = {
    "seized-host/var/log/apache2/access.log": "5c879a53c7f1513c",
    "seized-host/var/log/apache2/access.log.1": "a5c6613912fad4ab",
    "seized-host/var/log/apache2/access.log.2.gz": "da887acd09d6423f",
    "seized-host/var/log/auth.log": "da8e2480029193fa",
    "seized-host/var/log/auth.log.1": "8cbf87663e462440",
    "victim-pc/Documents/Nordlys login.html": "65097b10284ab7ed",
    "victim-pc/Documents/Påskeplaner.txt": "881f870d72faaefe",
    "victim-pc/Documents/brev til \udcc5se.txt": "bc8cac88c2a75d08",
    "victim-pc/Documents/empty.txt": "e3b0c44298fc1c14",
    "victim-pc/Documents/notes.txt": "532e0e33816c5df9",
    "victim-pc/Documents/payment-instruction.txt": "c9ac846f2c58e6ec",
    "victim-pc/Documents/shopping\nlist.txt": "a58ea0a7facaa921",
    "victim-pc/Downloads/Nordlys-kvittering-NS-75258.pdf": "fc1df96ee463b7e1",
    "victim-pc/Downloads/kontoutskrift-2026-03.csv": "cb6b73e61e628285",
    "victim-pc/Mail/Inbox.mbox": "ffa337fd79696d1c",
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, GroundTruth]:
    folder = tmp_path_factory.mktemp("scenario") / "evidence"
    return folder, write(folder, seed=7, size="small")


def content(folder: Path, name: str) -> bytes:
    data = (folder / os.fsdecode(name.encode("utf-8", "surrogateescape"))).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def text_of(folder: Path, fact: LineFact) -> bytes:
    return content(folder, fact.file)[fact.offset : fact.offset + fact.length]


# The same seed


def test_the_same_seed_writes_the_same_bytes_and_times(
    case: tuple[Path, GroundTruth], tmp_path: Path
) -> None:
    folder, truth = case
    again = write(tmp_path / "again", seed=7, size="small")
    assert again.to_json() == truth.to_json()
    assert snapshot(tmp_path / "again") == snapshot(folder)
    history = truth.of_kind("chromium history")[0].path
    assert dump(tmp_path / "again" / history) == dump(folder / history)


def test_another_seed_tells_another_case(case: tuple[Path, GroundTruth], tmp_path: Path) -> None:
    _, truth = case
    other = write(tmp_path / "other", seed=8, size="small")
    assert other.mail("phishing").message_id != truth.mail("phishing").message_id
    assert other.payment.amount_minor != truth.payment.amount_minor
    assert not set(other.indicators) & set(truth.indicators) - {
        fact for fact in truth.indicators if fact.role == "victim"
    }


def test_the_bytes_are_those_of_every_other_machine(case: tuple[Path, GroundTruth]) -> None:
    """Changing these digests changes every golden result that was made from seed 7."""
    folder, truth = case
    found = {file.path: file.sha256[:16] for file in truth.files if file.sha256}
    assert found.items() >= {
        (path, digest) for path, digest in BYTES_OF_SEED_7.items() if path not in truth.left_out
    }
    rows = hashlib.sha256()
    with closing(sqlite3.connect(folder / truth.of_kind("chromium history")[0].path)) as history:
        for query in TABLES:
            rows.update(repr(history.execute(query).fetchall()).encode())
    assert rows.hexdigest()[:16] == ROWS_OF_SEED_7


def test_noise_does_not_move_the_plot(case: tuple[Path, GroundTruth], tmp_path: Path) -> None:
    _, truth = case
    bare = write(tmp_path / "bare", seed=7, size=Scale(0, 0, 0, 0))
    assert [step.time for step in bare.plot] == [step.time for step in truth.plot]
    assert bare.indicators == truth.indicators
    assert bare.of_kind("mbox")[0].counts["messages"] == len(bare.mails)


@pytest.mark.parametrize("seed", range(30))
def test_the_plot_is_in_order_and_the_addresses_apart(seed: int) -> None:
    story = tell(seed)
    times = list(vars(story.times).values())
    assert times == sorted(times)
    addresses = [
        story.victim.ip, story.fraud.operator_ip, story.fraud.operator_ip6, story.fraud.relay_ip,
        story.host.ip, story.host.admin_ip, story.bank.mail_ip, *story.fraud.password_ips,
        *(other.ip for other in story.others),
    ]  # fmt: skip
    assert len(set(addresses)) == len(addresses)


# Mail


def messages(folder: Path, truth: GroundTruth) -> list[EmailMessage]:
    with closing(mailbox.mbox(folder / truth.of_kind("mbox")[0].path, create=False)) as box:
        raw = [box.get_bytes(key) for key in box.keys()]  # noqa: SIM118 - a mailbox yields messages
    return [
        email.message_from_bytes(
            re.sub(rb"^>(>*From )", rb"\1", each, flags=re.MULTILINE), policy=email.policy.default
        )
        for each in raw
    ]


def test_the_standard_library_counts_the_messages(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    counts = truth.of_kind("mbox")[0].counts
    found = messages(folder, truth)
    assert len(found) == counts["messages"]
    attached = [
        part
        for message in found
        for part in message.walk()
        if part.get_content_disposition() == "attachment"
    ]
    assert len(attached) == counts["attachments"]


def test_the_phishing_mail_stands_where_the_truth_says(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    fact = truth.mail("phishing")
    data = content(folder, fact.file)
    raw = data[fact.offset : fact.offset + fact.length]
    assert raw.startswith(b"From ")
    assert raw.endswith(b"\n\n")
    assert data[: fact.offset].count(b"\n\nFrom ") + 2 == fact.number or fact.number == 1
    message = messages(folder, truth)[fact.number - 1]
    assert message["Message-ID"] == f"<{fact.message_id}>"
    assert message["Subject"] == fact.subject
    assert fact.sent_time is not None
    assert message["Date"].datetime.timestamp() * 1_000_000 == fact.sent_time
    assert "dmarc=fail" in message["Authentication-Results"]
    assert len(message.get_all("Received", [])) == 3
    (attached,) = message.iter_attachments()
    digest = hashlib.sha256(attached.get_content()).hexdigest()
    assert digest in {found.value for found in truth.indicators if found.type == "sha256"}
    body = message.get_body(("plain",))
    assert body is not None
    # The line that mboxrd had to quote.
    assert "\nFrom the department of account safety" in body.get_content()


def test_the_forwarded_mail_holds_the_phishing_mail(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    outer = messages(folder, truth)[truth.mail("forwarded").number - 1]
    (attached,) = outer.iter_attachments()
    inner = attached.get_content()
    assert inner["Message-ID"] == f"<{truth.mail('phishing').message_id}>"


def test_every_message_but_one_parses_without_a_defect(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    broken = truth.mail("malformed").number
    charsets = set()
    kinds = set()
    for number, message in enumerate(messages(folder, truth), 1):
        if number == broken:
            assert message.defects
            continue
        assert message["Message-ID"]
        assert message["Date"].datetime
        for part in message.walk():
            assert not part.defects, number
            assert not any(value.defects for value in part.values()), number
            kinds.add(part.get_content_type())
            if part.get_content_maintype() == "text":
                assert part.get_content()
                charsets.add(part.get_content_charset())
    assert charsets >= {"utf-8", "iso-8859-1", "windows-1251", "iso-2022-jp", "us-ascii"}
    assert kinds >= {
        "multipart/mixed", "multipart/alternative", "message/rfc822", "text/html",
        "application/pdf", "image/png", "text/plain",
    }  # fmt: skip


def test_the_attachments_are_what_they_say() -> None:
    sheet = pdf("a (b) \\ c")
    assert sheet.startswith(b"%PDF-1.4")
    assert b"(a \\(b\\) \\\\ c) Tj" in sheet
    start = int(sheet.split(b"startxref\n")[1].split(b"\n")[0])
    assert sheet[start:].startswith(b"xref\n")
    for number, offset in enumerate(re.findall(rb"(\d{10}) 00000 n ", sheet), 1):
        assert sheet[int(offset) :].startswith(b"%d 0 obj" % number)
    picture = png(10, 20, 30)
    at = picture.index(b"IDAT")
    size = int.from_bytes(picture[at - 4 : at], "big")
    pixels = zlib.decompress(picture[at + 4 : at + 4 + size])
    assert len(pixels) == 12 * (1 + 12 * 3)
    every = bytes(range(256)) * 3
    assert gzip.decompress(pack(every, 1_773_819_566_000_000)) == every
    assert gzip.decompress(pack(b"", 0)) == b""


def test_the_packed_log_is_not_to_be_read_without_unpacking(
    case: tuple[Path, GroundTruth],
) -> None:
    folder, truth = case
    (packed,) = (file.path for file in truth.files if file.path.endswith(".gz"))
    assert b"GET /" not in (folder / packed).read_bytes()
    assert b"GET /" in content(folder, packed)


# Browser


def test_sqlite_finds_the_database_sound(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    fact = truth.of_kind("chromium history")[0]
    with closing(sqlite3.connect(folder / fact.path)) as history:
        assert history.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert history.execute("SELECT value FROM meta WHERE key = 'version'").fetchone() == ("70",)
        counted = history.execute(
            "SELECT (SELECT count(*) FROM urls), (SELECT count(*) FROM visits),"
            " (SELECT count(*) FROM downloads), (SELECT count(*) FROM keyword_search_terms)"
        ).fetchone()
        assert counted == tuple(
            fact.counts[name] for name in ("urls", "visits", "downloads", "search_terms")
        )
        torn = history.execute(
            "SELECT count(*) FROM visits v LEFT JOIN visits f ON f.id = v.from_visit"
            " LEFT JOIN urls u ON u.id = v.url"
            " WHERE u.id IS NULL OR v.from_visit != 0"
            " AND (f.id IS NULL OR f.id >= v.id OR f.visit_time > v.visit_time)"
        ).fetchone()
        assert torn == (0,)
        wrong = history.execute(
            "SELECT count(*) FROM urls u WHERE visit_count !="
            " (SELECT count(*) FROM visits v WHERE v.url = u.id) OR last_visit_time !="
            " (SELECT max(visit_time) FROM visits v WHERE v.url = u.id)"
        ).fetchone()
        assert wrong == (0,)


def test_the_visits_lead_from_the_mail_to_the_fake_bank(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    with closing(sqlite3.connect(folder / truth.visit("link").file)) as history:
        rows = {
            rowid: (url, title, time - 11_644_473_600_000_000, before, transition)
            for rowid, url, title, time, before, transition in history.execute(
                "SELECT v.id, u.url, u.title, v.visit_time, v.from_visit, v.transition"
                " FROM visits v JOIN urls u ON u.id = v.url"
            )
        }
    for fact in truth.visits:
        expected = (fact.url, fact.title, fact.time, fact.from_rowid, fact.transition)
        assert rows[fact.rowid] == expected
    roles = ("done", "code posted", "code", "login posted", "fake bank", "link", "mail")
    chain = [truth.visit(role) for role in roles]
    for later, earlier in pairwise(chain):
        assert later.from_rowid == earlier.rowid
    redirected = truth.visit("fake bank")
    assert redirected.transition & 0xFFFFFFFF == 0xA0000000
    assert redirected.time == truth.visit("link").time


def test_the_receipt_is_in_the_history_and_on_the_disk(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    for fact in truth.downloads:
        with closing(sqlite3.connect(folder / fact.file)) as history:
            row = history.execute(
                "SELECT target_path, total_bytes, hex(hash), start_time - 11644473600000000,"
                " (SELECT url FROM downloads_url_chains c WHERE c.id = d.id"
                "  ORDER BY chain_index DESC LIMIT 1) FROM downloads d WHERE id = ?",
                (fact.rowid,),
            ).fetchone()
        assert row == (fact.saved_as, fact.size, fact.sha256.upper(), fact.time, fact.url)
        data = (folder / "victim-pc/Downloads" / fact.saved_as.rpartition("\\")[2]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == fact.sha256


# Logs


def test_a_stranger_counts_the_lines(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    for kind, form in (("access log", COMBINED), ("auth log", SYSLOG)):
        for file in truth.of_kind(kind):
            lines = content(folder, file.path).split(b"\n")
            assert lines.pop() == b""
            bad = [n for n, line in enumerate(lines, 1) if not form.fullmatch(line)]
            assert len(lines) == file.counts["lines"]
            assert len(bad) == file.counts["malformed"]
            told = [f.line for f in truth.lines_of("malformed") if f.file == file.path]
            assert bad == sorted(told)
    assert sum(file.counts["rfc5424"] for file in truth.of_kind("auth log")) == 1


def test_the_lines_stand_where_the_truth_says(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    for fact in truth.lines:
        data = content(folder, fact.file)
        assert data[: fact.offset].count(b"\n") + 1 == fact.line
        assert data[fact.offset + fact.length :][:1] == b"\n"
        match = COMBINED.fullmatch(text_of(folder, fact))
        if match:
            said = datetime.strptime(match[3].decode(), "%d/%b/%Y:%H:%M:%S %z")
            assert said.utcoffset() == timedelta(hours=1)
            assert said.timestamp() * 1_000_000 == fact.time
    (login,) = truth.lines_of("victim login")
    assert b'"POST /secure/login.php HTTP/1.1" 302' in text_of(folder, login)
    (entered, *_) = truth.lines_of("break-in")
    assert b"Accepted password for" in text_of(folder, entered)
    (unpacked, *_) = truth.lines_of("kit")
    assert b"COMMAND=/usr/bin/unzip" in text_of(folder, unpacked)
    for upload in truth.lines_of("kit upload"):
        assert b'"POST /secure/panel/upload.php' in text_of(folder, upload)
    assert len(truth.lines_of("guess")) == 38
    assert 2 <= len(truth.lines_of("other victim login")) <= 3


def test_the_victims_address_is_in_no_other_line(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    (ip,) = (f.value for f in truth.indicators if (f.type, f.role) == ("ipv4", "victim"))
    seen = sum(
        line.startswith(ip.encode() + b" ")
        for file in truth.of_kind("access log")
        for line in content(folder, file.path).split(b"\n")
    )
    assert seen == sum(fact.role.startswith("victim") for fact in truth.lines)


def test_the_sources_agree_on_the_moment(case: tuple[Path, GroundTruth]) -> None:
    _, truth = case
    for visit, role in (
        ("link", "victim link"), ("fake bank", "victim page"),
        ("login posted", "victim login"), ("code posted", "victim code"),
    ):  # fmt: skip
        (line,) = truth.lines_of(role)
        assert line.time is not None
        assert -1_000_000 < line.time - truth.visit(visit).time < 1_000_000
    assert truth.payment.time == truth.visit("payment").time // 60_000_000 * 60_000_000
    sent = truth.mail("phishing").sent_time
    assert sent is not None
    assert sent < truth.visit("mail").time < truth.visit("link").time < truth.payment.time


# Documents


def test_the_payment_stands_in_the_statement(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    fact = truth.payment
    data = content(folder, fact.file)
    line = data[fact.offset : fact.offset + fact.length].decode("latin-1")
    assert data.split(b"\r\n")[fact.line - 1].decode("latin-1") == line
    fields = line.split(";")
    assert fields[3] == fact.account
    assert fields[4] == f"{fact.amount_minor // 100},00"
    assert fields[7:] == [fact.payee, fact.reference]
    instruction = content(folder, "victim-pc/Documents/payment-instruction.txt").decode()
    assert fact.account in instruction


def test_the_documents_are_awkward(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    names = {file.path for file in truth.of_kind("document")} | set(truth.left_out)
    assert "victim-pc/Documents/brev til \udcc5se.txt" in names
    assert "victim-pc/Documents/shopping\nlist.txt" in names
    notes = content(folder, "victim-pc/Documents/notes.txt").decode("utf-16")
    assert "Han ringte" in notes
    assert content(folder, "victim-pc/Documents/empty.txt") == b""
    page = content(folder, "victim-pc/Documents/Nordlys login.html").decode()
    saved = re.search(r"saved from url=\((\d{4})\)(\S+)", page)
    assert saved
    assert int(saved[1]) == len(saved[2])
    assert saved[2] == truth.visit("fake bank").url


def test_the_truth_lists_the_folder_and_no_more(case: tuple[Path, GroundTruth]) -> None:
    folder, truth = case
    assert {file.path for file in truth.files} == {
        os.fsencode(path.relative_to(folder)).decode("utf-8", "surrogateescape")
        for path in folder.rglob("*")
        if path.is_file()
    }
    for file in truth.files:
        path = folder / os.fsdecode(file.path.encode("utf-8", "surrogateescape"))
        assert path.stat().st_size == file.size
        assert path.stat().st_mtime_ns == file.modified_time * 1000
        if file.sha256:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
        else:
            assert file.kind == "chromium history"


def test_every_name_is_reserved_for_fiction(case: tuple[Path, GroundTruth]) -> None:
    """RFC 2606 names and RFC 5737 / RFC 3849 addresses only."""
    folder, truth = case
    hosts, addresses = set(), set()
    for file in truth.files:
        data = content(folder, file.path)
        if file.kind == "chromium history":  # a page's end may cut a name in two
            data = "\n".join(dump(folder / file.path)).encode()
        if file.kind == "mbox":
            data = data.replace(b"=\n", b"") + b"\n".join(
                bytes(part.get_payload(decode=True))
                for message in messages(folder, truth)
                for part in message.walk()
                if part.get_content_maintype() == "text"
            )
        hosts |= set(re.findall(rb"https?://([a-z0-9.-]+)", data))
        hosts |= set(re.findall(rb"[\w.+-]+@([a-z0-9-]+\.[a-z0-9.-]*[a-z])", data))
        addresses |= set(re.findall(rb"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", data))
    assert hosts
    assert not [host for host in hosts if not host.endswith((b".example", b".test"))]
    own = (b"192.0.2.", b"198.51.100.", b"203.0.113.", b"10.0.")
    # Version numbers in browsers' names have four parts too.
    assert not [a for a in addresses if not a.startswith(own) and not a.endswith(b".0.0")]


# Edges


def test_the_truth_survives_json(case: tuple[Path, GroundTruth]) -> None:
    _, truth = case
    read = json.loads(truth.to_json())
    assert read["payment"]["account"] == truth.payment.account
    assert [file["path"] for file in read["files"]] == [file.path for file in truth.files]


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        write(tmp_path, size="small")
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_the_command_tells_the_plot(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "e"), "--size", "small", "--truth", str(tmp_path / "truth.json")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "Ingrid pays" in result.output
    assert json.loads((tmp_path / "truth.json").read_text("ascii"))["seed"] == 7
    assert CliRunner().invoke(main, arguments).exit_code == 3
    inside = CliRunner().invoke(main, [str(tmp_path / "f"), "--truth", str(tmp_path / "f/t")])
    assert inside.exit_code == 2
    assert not (tmp_path / "f").exists()


def test_the_page_for_trainers_tells_this_truth(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/explanation/scenario.md").read_text("utf-8")
    truth = write(tmp_path / "evidence", seed=7)
    for step in truth.plot:
        moment = when.local(step.time)
        assert f"| {moment.day} March, {moment:%H:%M:%S} | {step.what} | `{step.seen_in}` |" in page
    for found in truth.indicators:
        assert f"| {found.role} | {found.type} | `{found.value}` |" in page
    for file in truth.files:
        counts = ", ".join(f"{value:,} {name}" for name, value in file.counts.items())
        assert not counts or f"| `{file.path}` | {counts} |" in page
