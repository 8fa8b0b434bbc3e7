"""Long acts that a server does on its own, whoever is connected: waiting, running, and how it went.

    waiting -> running -> done (the result is there, whole) | failed (and why)
                   |-> cut short (the process was killed; what was entered by then stays)

How far each is stands in the database's state, so that every process of a server can tell of it. A
job belongs to the process that took it: that holds a lock for as long as it lives.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
import threading
import time
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import delete, insert, select, update

from holdfast.core import clock, durable
from holdfast.core.errors import DeniedError, HoldfastError
from holdfast.vault import served
from holdfast.vault.database import guarded, snapshot
from holdfast.vault.jobs import jobs
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import BinaryIO

    from sqlalchemy import Engine

    from holdfast.acts.act import Session
    from holdfast.serving.desk import Desk
    from holdfast.serving.people import Person

WORKERS = 2
"""Jobs that one process does at once."""
WEEK = 7 * 86_400_000_000
"""How long a job and its result are kept, in microseconds."""
OVER = frozenset({"done", "failed", "cut short"})
_TELL = 0.5
"""Seconds between two tellings of how far a job is."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A job, and how far it is."""

    job: str
    who: str
    act: str
    case: str | None
    state: str
    made: int
    changed: int
    done: int
    total: int | None
    what: str
    count: int | None
    """Lines of its result."""
    sha256: str | None
    """Over these lines."""
    problem: dict[str, Any] | None

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in OVER

    def as_json(self) -> dict[str, Any]:
        """Return it as programs are told of it."""
        times = {"changed": clock.to_text(self.changed), "made": clock.to_text(self.made)}
        return {**vars(self), **times}


class Jobs:
    """The jobs of one process."""

    def __init__(self, desk: Desk, workers: int = WORKERS) -> None:
        self._desk = desk
        self._folder = served.results(desk.root)
        self._owner = secrets.token_hex(16)
        self._lock: int | None = None
        self._guard = threading.Lock()
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._workers = workers
        self._engine_: Engine | None = None

    def submit(
        self, person: Person, act: str, case: str | None, do: Callable[[Session], Iterable[bytes]]
    ) -> Job:
        """Have `do` done by and by, in a session of `person`; its lines become the result."""
        self._begin()
        number, now = secrets.token_hex(16), clock.now()
        row = {
            "job": number,
            "who": person.name,
            "act": act,
            "case": case,
            "state": "waiting",
            "owner": self._owner,
            "made": now,
            "changed": now,
            "done": 0,
            "what": "",
        }
        with guarded(self._engine), self._engine.begin() as connection:
            connection.execute(insert(jobs).values(row))
        self._queue.put(lambda: self._do(number, person, do))
        found = self.find(number)
        assert found is not None  # noqa: S101
        return found

    def find(self, number: str) -> Job | None:
        """Return a job; None where there is none, or no more."""
        with snapshot(self._engine) as connection:
            row = connection.execute(select(jobs).where(jobs.c.job == number)).one_or_none()
        if row is None:
            return None
        if row.state not in OVER and not self._lives(row.owner):
            self._change(number, state="cut short")
            return self.find(number)
        facts = row._asdict()
        del facts["owner"]
        problem = facts.pop("problem")
        return Job(**facts, problem=None if problem is None else orjson.loads(problem))

    def of(self, who: str) -> list[Job]:
        """Return somebody's jobs, the newest first."""
        query = select(jobs.c.job).where(jobs.c.who == who)
        with snapshot(self._engine) as connection:
            numbers = connection.scalars(query.order_by(jobs.c.made.desc()).limit(1000)).all()
        return [job for job in map(self.find, numbers) if job is not None]

    def result(self, job: Job) -> BinaryIO | None:
        """Return the lines of a job that is done, open; None where they are not kept any more."""
        try:
            return self._file(job.job).open("rb") if job.state == "done" else None
        except FileNotFoundError:
            return None

    @property
    def _engine(self) -> Engine:
        if self._engine_ is None:
            self._engine_ = Vault.open(self._desk.root).engine
        return self._engine_

    def _file(self, number: str) -> Path:
        return self._folder / f"{number}.jsonl"

    def _begin(self) -> None:
        """Take this process's lock, start its workers, and forget what is old: once."""
        with self._guard:
            if self._lock is not None:
                return
            with durable.disk_errors(self._folder):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock = os.open(
                    self._folder / f"{self._owner}.lock",
                    os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
                    0o600,
                )
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._forget()
            for number in range(self._workers):
                # A daemon: a server that is stopped waits for no job. What a job enters is whole
                # at every moment, as it is when the process is killed.
                threading.Thread(target=self._work, name=f"job-{number}", daemon=True).start()

    def _lives(self, owner: str) -> bool:
        """Say whether the process that took a job is there still."""
        if owner == self._owner:
            return True
        try:
            lock = os.open(self._folder / f"{owner}.lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def _forget(self) -> None:
        old = clock.now() - WEEK
        with guarded(self._engine), self._engine.begin() as connection:
            connection.execute(delete(jobs).where(jobs.c.changed < old, jobs.c.state.in_(OVER)))
        for path in self._folder.iterdir():
            if path.suffix != ".lock" and path.stat().st_mtime * 1e6 < old:
                path.unlink(missing_ok=True)

    def _work(self) -> None:
        while True:
            self._queue.get()()

    def _do(self, number: str, person: Person, do: Callable[[Session], Iterable[bytes]]) -> None:
        last = 0.0

        def tell(done: int, total: int | None, what: str, /) -> None:
            nonlocal last
            if (now := time.monotonic()) - last > _TELL:
                last = now
                self._change(number, done=done, total=total, what=what[-200:])

        self._change(number, state="running")
        try:
            with self._desk.session(person, tell) as session:
                count, digest = self._write(number, do(session))
            self._change(number, state="done", count=count, sha256=digest, what="")
        except HoldfastError as error:
            self._change(number, state="failed", problem=_problem(error))
        except Exception as error:  # noqa: BLE001 - a thread's edge: told, and in the server's log
            _log.exception("a fault in a job of %s", person.name)
            fault = HoldfastError(f"a fault in Holdfast: {type(error).__name__}", "report it")
            self._change(number, state="failed", problem=_problem(fault))

    def _write(self, number: str, lines: Iterable[bytes]) -> tuple[int, str]:
        """Write a result; it has its name only once it is whole."""
        count, hasher, place = 0, hashlib.sha256(), self._folder / f".{number}"
        with durable.disk_errors(self._folder):
            with place.open("xb") as target:
                for line in lines:
                    hasher.update(line)
                    target.write(line)
                    count += 1
                target.flush()
                os.fsync(target.fileno())
            place.rename(self._file(number))
        return count, hasher.hexdigest()

    def _change(self, number: str, **values: Any) -> None:
        change = update(jobs).where(jobs.c.job == number)
        with guarded(self._engine), self._engine.begin() as connection:
            connection.execute(change.values(changed=clock.now(), **values))


def _problem(error: HoldfastError) -> str:
    facts = {"detail": error.what, "exit_code": error.exit_code, "fault": error.fault,
             "refused": isinstance(error, DeniedError), "remedy": error.remedy}  # fmt: skip
    return orjson.dumps(facts).decode()
