"""What really happened and where it can be read: the answers a parser or a trainee is held to.

Times are microseconds since 1970-01-01T00:00:00Z, UTC. Paths are relative to the evidence folder,
with `/`; a name that is not UTF-8 keeps its bytes as lone surrogates (Python's `surrogateescape`),
which JSON writes as `\\udcf8`. Numbers (messages, lines, rows) count from 1, offsets from 0.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class MailFact:
    """A message that matters, in an mbox."""

    role: str
    """`phishing`, `forwarded`, `bank warning`, `daughter's answer` or `malformed`."""
    file: str
    number: int
    offset: int
    """First byte of its From line."""
    length: int
    """Bytes up to the next From line, or the end of the file."""
    message_id: str | None
    sent_time: int | None
    from_address: str | None
    subject: str | None


@dataclass(frozen=True)
class VisitFact:
    """A visit that matters, in a Chromium History database."""

    role: str
    """`mail`, `link`, `fake bank`, `login posted`, `code`, `code posted`, `done` or `payment`."""
    file: str
    rowid: int
    """`visits.id`."""
    url: str
    title: str
    time: int
    from_rowid: int
    """`visits.from_visit`, 0 for none."""
    transition: int
    """As stored: a signed 32-bit value, negative where the visit is a server redirect."""


@dataclass(frozen=True)
class DownloadFact:
    """A download that matters, in a Chromium History database."""

    role: str
    file: str
    rowid: int
    url: str
    """The last URL of the chain, the one the bytes came from."""
    saved_as: str
    """The path on the victim's machine."""
    time: int
    size: int
    sha256: str


@dataclass(frozen=True)
class PaymentFact:
    """The payment that the fraud was for, as the bank statement has it."""

    file: str
    line: int
    offset: int
    length: int
    """Bytes of the line without its line end."""
    time: int
    amount_minor: int
    """In hundredths of the currency."""
    currency: str
    payee: str
    account: str
    reference: str


@dataclass(frozen=True)
class LineFact:
    """A log line that matters, or is malformed; of a gzip file, a line of what is inside."""

    role: str
    file: str
    line: int
    offset: int
    length: int
    """Bytes of the line without its line end."""
    time: int | None
    """What the line says: whole seconds, except where the format has more; None if malformed."""


@dataclass(frozen=True)
class IndicatorFact:
    """An observable of the fraud."""

    type: str
    """`domain`, `url`, `ipv4`, `ipv6`, `email`, `sha256`, `account` or `phone`."""
    value: str
    role: str


@dataclass(frozen=True)
class FileFact:
    """A file of the evidence folder, with what a parser should count in it."""

    path: str
    kind: str
    """`mbox`, `chromium history`, `access log`, `auth log` or `document`."""
    size: int
    sha256: str | None
    """None for a database: its content is fixed, its bytes (and size) follow the SQLite version."""
    modified_time: int
    counts: dict[str, int]
    """mbox: messages, malformed (among them), attachments (parts so disposed, those of a
    forwarded message included). History: urls, visits, downloads,
    search_terms. Logs: lines, malformed (among them), and rfc5424 in auth logs."""


@dataclass(frozen=True)
class Moment:
    """One step of the plot."""

    time: int
    what: str
    seen_in: str
    """The evidence that shows it: a path, or a path and `#` with the number in it."""


@dataclass(frozen=True)
class GroundTruth:
    """Everything that is known about a scenario, because we wrote it."""

    seed: int
    scale: dict[str, int]
    victim: str
    window_start_time: int
    window_end_time: int
    files: tuple[FileFact, ...]
    left_out: tuple[str, ...]
    """Files whose names this filesystem refused."""
    mails: tuple[MailFact, ...]
    visits: tuple[VisitFact, ...]
    downloads: tuple[DownloadFact, ...]
    payment: PaymentFact
    lines: tuple[LineFact, ...]
    indicators: tuple[IndicatorFact, ...]
    plot: tuple[Moment, ...]

    def mail(self, role: str) -> MailFact:
        """Return the one mail of `role`."""
        return _only([fact for fact in self.mails if fact.role == role])

    def visit(self, role: str) -> VisitFact:
        """Return the one visit of `role`."""
        return _only([fact for fact in self.visits if fact.role == role])

    def file(self, path: str) -> FileFact:
        """Return the file at `path`."""
        return _only([fact for fact in self.files if fact.path == path])

    def of_kind(self, kind: str) -> tuple[FileFact, ...]:
        """Return the files of `kind`, in the order of their paths."""
        return tuple(fact for fact in self.files if fact.kind == kind)

    def lines_of(self, role: str) -> tuple[LineFact, ...]:
        """Return the log lines of `role` in the order of time, malformed ones in that of files."""
        return tuple(fact for fact in self.lines if fact.role == role)

    def to_json(self) -> str:
        """Return the truth as ASCII JSON. Keep it out of the evidence folder."""
        return json.dumps(asdict(self), indent=1) + "\n"


def _only(found: list[_T]) -> _T:
    (one,) = found
    return one
