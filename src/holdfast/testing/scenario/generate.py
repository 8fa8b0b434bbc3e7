"""Write a scenario into a folder, and say what is true of it."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from holdfast.core.errors import InputError, ResourceError
from holdfast.testing.scenario import (
    auth_log,
    browser,
    documents,
    lines,
    mailbox,
    truth,
    web_log,
)
from holdfast.testing.scenario.attachments import gzip
from holdfast.testing.scenario.plot import indicators, plot
from holdfast.testing.scenario.story import tell
from holdfast.testing.scenario.when import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.testing.scenario.story import Story

VICTIM = "victim-pc"
HOST = "seized-host"
MBOX = f"{VICTIM}/Mail/Inbox.mbox"
HISTORY = f"{VICTIM}/Browser/Default/History"
STATEMENT = f"{VICTIM}/Downloads/kontoutskrift-2026-03.csv"
ACCESS_LOG = f"{HOST}/var/log/apache2/access.log"
AUTH_LOG = f"{HOST}/var/log/auth.log"


@dataclass(frozen=True)
class Scale:
    """How much noise lies around the plot, in messages, visits and log lines."""

    mails: int = 400
    visits: int = 3_000
    access_lines: int = 20_000
    auth_lines: int = 2_000


SCALES = {
    "small": Scale(mails=30, visits=150, access_lines=500, auth_lines=100),
    "medium": Scale(),
}

Size: TypeAlias = Literal["small", "medium"]


@dataclass(frozen=True)
class _File:
    path: bytes
    kind: str
    data: bytes
    modified: int
    counts: dict[str, int]


def write(folder: Path, *, seed: int = 7, size: Size | Scale = "medium") -> truth.GroundTruth:
    """Write the scenario of `seed` into `folder`, which is made or must be empty.

    The same seed and size give the same bytes everywhere; only the database's bytes follow the
    SQLite version, its content does not. Files have the times of the story. The truth is
    returned and not written, since it is no evidence.

    Raises:
        InputError: the folder has something in it, or is not a folder.
        ResourceError: the disk did not take it.
    """
    scale = SCALES[size] if isinstance(size, str) else size
    story = tell(seed)
    files: list[_File] = []

    box = mailbox.build(story, scale.mails, MBOX)
    files.append(_File(MBOX.encode(), "mbox", box.data, story.times.end, box.counts))

    statement = documents.statement(story, STATEMENT)
    history = browser.build(story, scale.visits, statement.data, HISTORY)
    modified = story.times.end - 17 * MINUTE
    files.append(
        _File(HISTORY.encode(), "chromium history", history.data, modified, history.counts)
    )

    files += [
        _File(VICTIM.encode() + b"/" + found.name, "document", found.data, found.modified, {})
        for found in documents.build(story, statement)
    ]

    access, access_facts = _access_log(story, scale.access_lines)
    auth, auth_facts = _auth_log(story, scale.auth_lines)
    files += access + auth

    written, left_out = _put(folder, files)
    facts = sorted(access_facts + auth_facts, key=_order)
    return truth.GroundTruth(
        seed=seed,
        scale=asdict(scale),
        victim=story.victim.person.name,
        window_start_time=story.times.start,
        window_end_time=story.times.end,
        files=written,
        left_out=left_out,
        mails=box.facts,
        visits=history.visits,
        downloads=history.downloads,
        payment=statement.payment,
        lines=tuple(facts),
        indicators=indicators(story),
        plot=plot(story, box.facts, history.visits, statement.payment, facts),
    )


def _access_log(story: Story, noise: int) -> tuple[list[_File], list[truth.LineFact]]:
    """Return access.log, access.log.1 and access.log.2.gz: the newest is the plain name."""
    turn = story.times.mail_sent // DAY * DAY + 5 * HOUR + 25 * MINUTE
    parts = lines.rotated(web_log.build(story, noise), (turn - 4 * DAY, turn))
    files: list[_File] = []
    facts: list[truth.LineFact] = []
    for part, suffix in zip(parts, (".2.gz", ".1", ""), strict=True):
        log = lines.write(part, ACCESS_LOG + suffix)
        packed = suffix.endswith(".gz")
        data = gzip(log.data, log.last) if packed else log.data
        path = (ACCESS_LOG + suffix).encode()
        files.append(_File(path, "access log", data, log.last, log.counts))
        facts += log.facts
    return files, facts


def _auth_log(story: Story, noise: int) -> tuple[list[_File], list[truth.LineFact]]:
    turn = story.times.mail_sent // DAY * DAY + 5 * HOUR + 25 * MINUTE
    parts = lines.rotated(auth_log.build(story, noise), (turn - 4 * DAY,))
    files: list[_File] = []
    facts: list[truth.LineFact] = []
    for part, suffix in zip(parts, (".1", ""), strict=True):
        log = lines.write(part, AUTH_LOG + suffix)
        modern = sum(line.content.startswith(b"<38>1 ") for line in part)
        counts = log.counts | {"rfc5424": modern}
        files.append(_File((AUTH_LOG + suffix).encode(), "auth log", log.data, log.last, counts))
        facts += log.facts
    return files, facts


def _put(folder: Path, files: list[_File]) -> tuple[tuple[truth.FileFact, ...], tuple[str, ...]]:
    facts, left_out = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{folder} is not empty", "name a folder that is new or empty")
        for file in sorted(files, key=lambda file: file.path):
            target = folder / os.fsdecode(file.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            name = file.path.decode("utf-8", "surrogateescape")
            if not _written(target, file):
                left_out.append(name)
                continue
            fixed = file.kind != "chromium history"
            digest = hashlib.sha256(file.data).hexdigest() if fixed else None
            facts.append(
                truth.FileFact(name, file.kind, len(file.data), digest, file.modified, file.counts)
            )
        _date_folders(folder)
    except FileExistsError as error:
        raise InputError(f"{folder} is not a folder") from error
    except OSError as error:
        raise ResourceError(f"{folder} could not be written: {error.strerror}") from error
    return tuple(facts), tuple(left_out)


def _written(target: Path, file: _File) -> bool:
    """Write one file; False where the filesystem refuses its name."""
    try:
        target.write_bytes(file.data)
    except OSError as error:
        if error.errno not in {errno.EILSEQ, errno.EINVAL}:
            raise
        return False
    os.utime(target, ns=(file.modified * 1000, file.modified * 1000))
    return True


def _order(fact: truth.LineFact) -> tuple[bool, int, str, int]:
    return (fact.time is None, fact.time or 0, fact.file, fact.line)


def _date_folders(folder: Path) -> None:
    """Give each folder the time of the newest file in it, deepest first."""
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        newest = max(child.stat().st_mtime_ns for child in path.iterdir())
        os.utime(path, ns=(newest, newest))
