"""What several parsers must agree on: which text belongs to which format.

`plain_text` takes what no other text format takes; parsers don't import one another, so the
judgements that two of them need stand here. All of them look at a file's head alone.
"""

from __future__ import annotations

import csv
import json
import re

import charset_normalizer

from holdfast.examine import _tables
from holdfast.examine._mbox import is_mail
from holdfast.examine._warc import is_warc

__all__ = [
    "ACCESS_LINE",
    "ACCESS_TEXT",
    "is_access_log",
    "is_certificate",
    "is_html",
    "is_iris_case",
    "is_known_text",
    "is_log",
    "is_mail",
    "is_pdf",
    "is_rtf",
    "is_syslog",
    "is_warc",
    "text_encoding",
    "timesketch_form",
]  # fmt: skip

# Common Log Format (httpd, mod_log_config), Combined adds two quoted fields, and `%v:%p` or
# `$host` may go before the client; the last group holds whatever a site appends. The escapes
# inside quotes are Apache's; possessive quantifiers keep a hostile line linear.
_QUOTED = r'"([^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"'
_LINE = (
    r"(\S++) (\S++) (\S++(?: [^\s\[]\S*+){0,8}?) "
    r"\[(([0-3]\d/[A-Z][a-z][a-z]/\d{4}:[0-2]\d:[0-5]\d):([0-5]\d|60) ([+-][01]\d[0-5]\d))\] "
    + _QUOTED
    + r" (\d{3}|-) (\d{1,18}|-)(?: "
    + _QUOTED
    + " "
    + _QUOTED
    + r")?(?: ([^\n]*+))?"
)
ACCESS_LINE = re.compile(_LINE.encode())
"""Client, identity, user, time (and in it minute, second, zone), request, status, size, referrer,
agent, rest."""
ACCESS_TEXT = re.compile(_LINE, re.ASCII)
"""The same for a line that is ASCII."""

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_HTML = re.compile(
    rb"(?:\s++|<!--(?:[^-]|-(?!->))*+-->|<\?xml[^>]{0,200}+>)*+"
    rb"<(?:!doctype\s++html|html|head|body|script|meta|title|table|div|iframe|form)\b",
    re.IGNORECASE,
)
_LINES_JUDGED = 50
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CONTROL = bytes(set(range(32)) - {7, 8, 9, 10, 11, 12, 13, 26, 27}) + b"\x7f"
_NOT_CP1252 = b"\x81\x8d\x8f\x90\x9d"
_CONTROL_PER_BYTE = 0.001
_FEW_HIGH = 0.2
_JUDGED = 8192
_CHARSETS = (
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", "cp866",
    "gb18030", "big5", "cp932", "euc_jp", "cp949",
)  # fmt: skip
_ENOUGH_TEXT = 16
_IRIS = re.compile(
    rb'"(asset_name|asset_uuid|ioc_value|ioc_uuid|event_title|event_uuid|task_title|task_uuid|'
    rb'note_title|note_uuid|case_soc_id|case_uuid|case_customer|file_uuid|for_customer)"\s{0,20}:'
)
_IRIS_FIELDS = 2
"""Of these names, how many different ones tell a case of DFIR-IRIS."""


def is_certificate(head: bytes) -> bool:
    """Say whether a file begins with a certificate as PEM."""
    return head.startswith(_CERTIFICATE)


# A line's first words: RFC 5424; RFC 3164, with a machine's name or a repetition after the time;
# and the date of RFC 3339 followed by machine (or severity), program and colon.
_SYSLOG_LINE = re.compile(
    rb"<\d{1,3}>\d{1,2} (?:-|\d{4}-\d\d-\d\dT\S+) \S+ \S+ \S+ \S+ "
    rb"|(?:<\d{1,3}>)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0123]\d "
    rb"[0-2]\d:[0-5]\d:[0-6]\d(?:\.\d+)?(?:: | \S+ \S)"
    rb"|(?:<\d{1,3}>)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) \S+ "
    rb"[^\s:\[\]]+(?:\[\d+\])?: "
)


def _lines(head: bytes) -> list[bytes]:
    """Return the first lines that are not blank, the last only where it is alone."""
    lines = [line.rstrip(b"\r") for line in head.split(b"\n", _LINES_JUDGED)[:_LINES_JUDGED]]
    if len(lines) > 1:
        lines = lines[:-1]
    return [line for line in lines if line]


def is_syslog(head: bytes) -> bool:
    """Say whether most of the first lines begin as syslog lines do."""
    lines = _lines(head)
    matched = sum(_SYSLOG_LINE.match(line) is not None for line in lines)
    return matched > 0 and matched * 2 >= len(lines)


def is_access_log(head: bytes) -> bool:
    """Say whether most of the first lines are web server access lines.

    One or two strange lines at the start (a torn line after rotation, a probe's garbage) don't
    decide.
    """
    lines = _lines(head)
    matched = sum(ACCESS_LINE.fullmatch(line[:16384]) is not None for line in lines)
    return matched > 0 and matched * 2 >= len(lines)


def is_html(head: bytes) -> bool:
    """Say whether `head` starts as an HTML page does, behind blanks, comments and declarations."""
    text = head[:4096]
    if (encoding := _UTF16.get(text[:2])) is not None:
        text = text.decode(encoding, "replace").encode("ascii", "replace")
    return _HTML.match(text.removeprefix(b"\xef\xbb\xbf").lstrip(b"?")) is not None


def is_rtf(head: bytes) -> bool:
    """Say whether `head` starts as RTF does."""
    return head.lstrip(b" \t\r\n")[:4] == b"{\\rt"


def is_pdf(head: bytes) -> bool:
    """Say whether `head` holds a PDF's first line, which may come late."""
    return b"%PDF-" in head[:1024]


_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
APACHE_ERROR = re.compile(
    rf"\[((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ({_MONTH}) ([ 0123]\d) ([0-2]\d:[0-5]\d):([0-6]\d)"
    r"(?:\.(\d{1,6}))? (\d{4}))\] \[(?:([^\s:\]]*):)?([^\s\]]+)\] "
    r"(?:\[pid (\d+)(?::tid (\d+))?\] )?"
    r"(?:\[(?:remote|client) (\[[^\s\]]+\]:\d+|[^\s\]]+)\] )?(.*)",
    re.ASCII | re.DOTALL,
)
"""Time (month, day, minute, second, fraction, year), module, severity, pid, tid, client, text."""
NGINX_ERROR = re.compile(
    r"((\d{4})/([01]\d)/([0-3]\d) ([0-2]\d:[0-5]\d):([0-6]\d)) "
    r"\[(emerg|alert|crit|error|warn|notice|info|debug)\] (\d+)#(\d+): (?:\*(\d+) )?(.*)",
    re.ASCII | re.DOTALL,
)
"""Time (year, month, day, minute, second), severity, pid, tid, connection, text."""


def is_web_error(head: bytes) -> bool:
    """Say whether most of the first lines are of Apache's or nginx's error log."""
    lines = [line[:4096].decode("ascii", "replace") for line in _lines(head)]
    matched = sum(bool(APACHE_ERROR.match(line) or NGINX_ERROR.match(line)) for line in lines)
    return matched > 0 and matched * 2 >= len(lines)


def is_iis(head: bytes) -> bool:
    """Say whether the first lines name the fields of a web server's W3C log."""
    for line in _lines(head):
        if not line.startswith(b"#"):
            return False
        if line.lower().startswith(b"#fields:"):
            fields = set(line.lower().split()[1:])
            return b"time" in fields and bool(fields & {b"cs-method", b"cs-uri-stem", b"sc-status"})
    return False


def is_journal_export(head: bytes) -> bool:
    """Say whether this is the start of `journalctl -o export`'s output."""
    entry = head[:16384].lstrip(b"\n").split(b"\n\n", 1)[0]
    named = re.match(rb"[A-Z_][A-Z0-9_]{0,63}(?:=|\n)", entry) is not None
    return named and re.search(rb"^__REALTIME_TIMESTAMP=\d+$", entry, re.MULTILINE) is not None


def is_firefox_logins(head: bytes) -> bool:
    """Say whether this is the start of Firefox's `logins.json`."""
    start = head[:8192]
    return start.lstrip()[:1] == b"{" and b'"logins"' in start and b'"nextId"' in start


def is_safari_plist(head: bytes) -> bool:
    """Say whether this is a property list of Safari's downloads or history."""
    if not head.startswith((b"bplist00", b"<?xml", b"<plist")):
        return False
    downloads = b"DownloadHistory" in head and b"DownloadEntry" in head
    return downloads or (b"WebHistoryDates" in head and b"WebHistoryFileVersion" in head)


def timesketch_form(head: bytes, size: int) -> str | None:
    """Return as what this is a timeline of Timesketch's, `csv` or `jsonl`; None: it is none."""
    try:
        text = _tables.first_line(head, size)
        if text is None or "timestamp_desc" not in text or "message" not in text:
            return None
        form = "jsonl" if text.startswith("{") else "csv"
        names = json.loads(text) if form == "jsonl" else _tables.cells(text, form)
    except (ValueError, RecursionError, csv.Error):
        return None
    known = {"message", "timestamp_desc"} <= {*names}
    return form if known and ("datetime" in names or "timestamp" in names) else None


def is_iris_case(head: bytes) -> bool:
    """Say whether this is the start of a case that was exported from DFIR-IRIS."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] == b"{" and len({*_IRIS.findall(start)}) >= _IRIS_FIELDS


def is_known_text(head: bytes) -> bool:
    """Say whether a parser other than that of plain text takes this text."""
    others = (
        is_mail, is_log, is_firefox_logins, is_safari_plist, is_certificate, is_warc, is_html,
        is_rtf, is_pdf, is_iris_case,
    )  # fmt: skip
    if timesketch_form(head, len(head)) is not None:
        return True
    return any(judge(head) for judge in others)


def is_log(head: bytes) -> bool:
    """Say whether a parser of logs takes this text."""
    return any(
        judge(head) for judge in (is_access_log, is_syslog, is_web_error, is_iis, is_journal_export)
    )


def text_encoding(head: bytes) -> str | None:
    """Return the encoding of plain text, or None where `head` is not the start of text.

    UTF-16 only by its byte order mark; UTF-8 where it decodes; else Windows-1252, where there
    are next to no control characters, none of its five unassigned bytes, and mostly ASCII.
    """
    if head[:2] in _UTF16:
        encoding = _UTF16[head[:2]]
        body = head[2 : len(head) & ~1].decode(encoding, "replace")
        odd = sum((c < " " and c not in "\t\r\n\f") or c == "�" for c in body[:4096])
        return encoding if body and odd * 50 <= len(body[:4096]) else None
    if not head:
        return None
    if b"\0" in head:
        return _unmarked_utf16(head)
    controls = len(head) - len(head.translate(None, _CONTROL))
    if controls > len(head) * _CONTROL_PER_BYTE:
        return None
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut by the end of the head is no fault of the text.
        if len(head) - error.start >= 4 or "unexpected end" not in error.reason:
            return _windows_1252(head, controls)
    return "utf-8"


def _unmarked_utf16(head: bytes) -> str | None:
    """Tell UTF-16 without its mark by where its zeros lie: Latin text has one in each pair."""
    body = head[: len(head) & ~1]
    if len(body) < _ENOUGH_TEXT:
        return None
    for encoding, zeros, others in (
        ("utf-16-le", body[1::2], body[::2]),
        ("utf-16-be", body[::2], body[1::2]),
    ):
        if zeros.count(0) * 10 < len(zeros) * 6 or others.count(0):
            continue
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(c < " " and c not in "\t\r\n\f" for c in text):
            return encoding
    return None


def _windows_1252(head: bytes, controls: int) -> str | None:
    if controls or len(head) < _ENOUGH_TEXT:
        return None
    low = len(head.translate(None, bytes(range(128, 256))))
    if head.translate(None, _NOT_CP1252) == head and len(head) - low <= len(head) * _FEW_HIGH:
        return "cp1252"
    return _detected(head)


def _detected(head: bytes) -> str | None:
    """Ask charset-normalizer, of text that is mostly not Latin: Cyrillic, Greek, Chinese."""
    for encoding in ("cp932", "euc_jp"):  # kana give Japanese away, which is often taken for others
        try:
            text = head.decode(encoding)
        except UnicodeDecodeError as error:
            if len(head) - error.start > 1:
                continue
            text = head[: error.start].decode(encoding)
        foreign = [letter for letter in text if letter > "\x7f"]
        if sum("\u3040" <= letter <= "\u30ff" for letter in foreign) * 4 >= len(foreign) > 0:
            return encoding
    best = charset_normalizer.from_bytes(
        head[:_JUDGED], steps=5, chunk_size=512, threshold=0.1, cp_isolation=[*_CHARSETS],
        preemptive_behaviour=False,
    ).best()  # fmt: skip
    if best is None or best.encoding not in _CHARSETS:
        return None
    return best.encoding
