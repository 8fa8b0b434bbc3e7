"""Verify a vault: every promise that its files can be held to, each failure named.

    checkpoint -> signature    tiles -> root          bodies -> commitments, tags, signatures
    objects -> their names     log -> projection      log -> what was seen of it before

Nothing is changed. What a crash left unfinished is told apart from what is wrong.
"""

from __future__ import annotations

import tempfile
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from holdfast.core.errors import HoldfastError, IntegrityError
from holdfast.vault import (
    _checks,
    database,
    entry,
    erasure,
    projection,
    roles,
    rows,
    tables,
    tiles,
    witnessing,
)
from holdfast.vault import (
    _pools as pools,
)
from holdfast.vault._checks import BundleReport, BundleTask
from holdfast.vault.era_check import EraCheck
from holdfast.vault.hashed import hash_objects
from holdfast.vault.holdings import Holdings
from holdfast.vault.mass import MassCheck
from holdfast.vault.memory import check_seen
from holdfast.vault.merkle import HASH, WIDTH, Frontier, Tile
from holdfast.vault.people_check import PeopleCheck
from holdfast.vault.report import Report
from holdfast.vault.settings import ACT as SET
from holdfast.vault.since import Since
from holdfast.vault.stamp_check import StampCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor, Future

    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.entry import Entry
    from holdfast.vault.hashing import Hashing
    from holdfast.vault.vault import Vault

BUNDLES = 8
"""Entry bundles in one task."""
FEW = 2000
"""Entries that are checked in less time than it takes to start processes for it."""


def verify(
    vault: Vault,
    jobs: int,
    tell: Callable[[int, int | None, str], None],
    hashing: Hashing | None = None,
) -> Report:
    """Check everything of `vault` with `jobs` processes; `tell` hears of the progress.

    `hashing` is given where the objects are being hashed already. Never raises for what is wrong
    with the vault: that is in the report.

    Raises:
        RemoteError: the store with the objects does not answer.
        ResourceError: a process that hashes was killed.
    """
    report = Report()
    with hash_objects(vault, jobs, hashing) as stored:
        try:
            report.head = vault.log.head()
        except HoldfastError as error:
            report.problems.append(str(error))
        if report.head is not None:
            many = jobs > 1 and report.head.size > FEW
            with (
                pools.processes(jobs) if many else pools.Here() as pool,
                tempfile.TemporaryDirectory(prefix="holdfast-verify-") as scratch,
            ):
                _Log(vault, report.head, report, Path(scratch)).check(pool, tell)
        report.problems += stored.problems(lambda done: tell(done, stored.count, "objects"))
    _unfinished(vault, report)
    return report


def _unfinished(vault: Vault, report: Report) -> None:
    try:
        pending = vault.log.pending() if report.head is not None else 0
    except IntegrityError as error:
        report.problems.append(str(error))
        pending = 0
    if pending:
        report.incomplete.append(
            f"{pending} committed entries are not published yet; any command that works in the "
            "vault does it"
        )
    report.incomplete += [
        f"the collection {run} was cut short with {len(names)} files staged; repeat it"
        for run, names in vault.store.abandoned()
    ]


class _Log:
    """One verification of the log, and of what is folded from it."""

    def __init__(self, vault: Vault, head: Checkpoint, report: Report, scratch: Path) -> None:
        self._vault = vault
        self._head = head
        self._report = report
        self._scratch = scratch
        self._people = PeopleCheck(report)
        self._chains: dict[str, int] = {}
        self._waiting = 0
        self._stamps = StampCheck(vault.log, head)
        self._eras = EraCheck(vault.log, head)
        self._mass = MassCheck()
        self._last: tuple[str | None, int] = (None, 0)
        """Whose the last unsigned entries are, by key ID, and how many in a row."""
        self._folding = 0
        self._doubts: list[str] = []
        """What the tiles say against the past; dropped where it is the tiles that are wrong."""
        self._tiles_good = True
        self._erasures: dict[int, dict[str, int]] = {}
        self._erased_up_to = erasure.done(vault.root / "vault")
        self._destroyed: dict[str, int] = {}
        # What lies staged is looked at first: a run that ends meanwhile is in its place by then.
        self._since = Since(vault.log, head.size)
        self._holdings = Holdings(vault, self._since, report, self._destroyed)

    def check(self, pool: Executor, tell: Callable[[int, int | None, str], None]) -> None:
        self._settings_and_memory()
        fresh = self._fold(tell)
        self._erased(fresh)
        tasks = deque((task, pool.submit(_checks.bundles, task)) for task in self._tasks())
        if fresh is not None:
            self._place()
            self._holdings.compare(fresh, self._kept)
            self._witnesses(fresh)
            self._report.problems += [*self._eras.problems(fresh), *self._mass.problems]
            self._doubts.extend(self._eras.doubts())
            rows.compare(
                self._vault,
                self._head,
                fresh,
                scratch=self._scratch,
                report=self._report,
                doubts=self._doubts,
            )
            fresh.dispose()
        self._tree(tasks)
        if self._tiles_good:
            self._report.problems.extend(self._doubts)
            if fresh is not None:
                self._stamps.finish(self._report)

    def _problem(self, text: str) -> None:
        self._report.problems.append(text)

    def _settings_and_memory(self) -> None:
        try:
            self._vault.memory.check(self._vault.log, self._head)
        except HoldfastError as error:
            self._doubts.append(str(error))
        with suppress(HoldfastError):
            # A database that can't be read is named where its rows are compared.
            seen = self._vault.seen() if database.exists(self._vault.engine) else None
            try:
                check_seen(self._vault.log, self._head, seen)
            except HoldfastError as error:
                if str(error) not in self._doubts:
                    self._doubts.append(str(error))

    def _fold(self, tell: Callable[[int, int | None, str], None]) -> Engine | None:
        """Fold the log into a fresh database; None where the log can't be read to its end."""
        fresh = rows.new_database(self._scratch / "fresh.db")
        size = self._head.size
        try:
            for start in range(0, size, projection.GROUP):
                end = min(start + projection.GROUP, size)
                with fresh.begin() as connection:
                    projection.fold(connection, self._entries(start, end))
                tell(start, size, "log")
        except HoldfastError as error:
            self._problem(str(error))
            return None
        except (
            LookupError,
            TypeError,
            AttributeError,
            ValueError,
            ArithmeticError,
            SQLAlchemyError,
        ):
            self._problem(
                f"the log can't be folded beyond entry {self._folding}: its body, or one in the "
                f"{projection.GROUP} before, lacks what its act must have"
            )
            return None
        self._report.unsigned += self._waiting
        return fresh

    def _entries(self, start: int, end: int) -> Iterator[Entry]:
        for index, leaf, body in self._vault.log.raw(start, end):
            self._folding = index
            one = entry.parse(index, leaf, body)
            self._count(one)
            yield one

    def _count(self, one: Entry) -> None:
        self._stamps.hear(one)
        self._eras.hear(one)
        self._mass.hear(one)
        self._people.hear(one)
        chain = one.case or ""
        expected = self._chains.get(chain, 0) + 1
        if one.sequence != expected:
            name = f"case {chain}" if chain else "the vault"
            self._problem(
                f"entry {one.index} is number {one.sequence} of {name}, {expected} was due"
            )
        self._chains[chain] = one.sequence
        signature = one.fields.get("signature")
        key = one.fields["actor"]["key"]
        same = self._last[1] if self._last[0] == key else 0
        if signature is None:
            self._waiting += 1
            self._last = key, same + 1
        else:
            covered = min(int(signature["covers"]), self._waiting)
            # One signature covers the unsigned entries of its own act, which stand right before.
            if int(signature["covers"]) > same:
                self._problem(
                    f"entry {one.index}: its signature covers an entry of another actor or act"
                )
            self._last = None, 0
            self._report.signed += covered + 1
            self._report.unsigned += self._waiting - covered
            self._waiting = 0
        if one.index == 0:
            self._settings(one)
        elif one.act == SET and one.fields["setting"]["name"] == "store":
            self._report.store = one.fields["setting"]["value"]

    def _settings(self, first: Entry) -> None:
        settings = first.fields.get("settings", {})
        config = self._vault.config
        self._report.require = tuple(settings.get("require", ()))
        now = {
            **self._eras.settings(),
            "require": list(config.require),
            "sealed": config.sealed,
        }
        for name in sorted(now):
            if settings.get(name) != now[name]:
                self._problem(
                    f"holdfast.toml says {name} = {now[name]!r}, "
                    f"entry 0 says {settings.get(name)!r}"
                )
        self._report.store = settings.get("store") or {}

    def _tasks(self) -> list[BundleTask]:
        keys = {}
        for chain in self._chains:
            try:
                keys[chain] = self._vault.keyring.chain(chain or None)
            except HoldfastError:
                continue
        step = BUNDLES * WIDTH
        return [
            BundleTask(
                self._vault.root / "vault",
                self._vault.eras,
                self._people.keys,
                self._people.ended,
                keys,
                {at: names for at, names in self._erasures.items() if start <= at < start + step},
                start,
                min(start + step, self._head.size),
            )
            for start in range(0, self._head.size, step)
        ]

    def _tree(self, tasks: deque[tuple[BundleTask, Future[BundleReport]]]) -> None:
        """Rebuild the tree from the entries; compare every tile and the root."""
        frontier = Frontier()
        partial: dict[int, Tile] = {}
        whole = True
        while tasks:
            # Taken off the list, so that the leaf hashes of a long log are never held together.
            task, future = tasks.popleft()
            report = future.result()
            self._report.problems.extend(report.problems)
            for index, name in report.gone:
                if not self._since.erased(index, name):
                    self._problem(
                        f"entry {index}: its field {name!r} is gone from its body and no entry "
                        "erases it"
                    )
            for index, name, by in report.kept:
                self._kept(f"the field {name!r} of entry {index}", by)
            # Behind a gap every position is wrong; that the gap is there has been said.
            whole = whole and len(report.leaves) == task.end - task.start
            for tile in frontier.append(report.leaves) if whole else ():
                if tile.width == WIDTH:
                    self._compare(tile)
                    partial.pop(tile.level, None)
                else:
                    partial[tile.level] = tile
        if not whole:
            return
        for tile in partial.values():
            self._compare(tile)
        if frontier.root() != self._head.root:
            self._problem(
                f"the entries do not give the root that the checkpoint of {self._head.origin} "
                "signs: at least one entry was altered, moved, added or taken out"
            )

    def _erased(self, fresh: Engine | None) -> None:
        """Gather what orders erased, and say it."""
        if fresh is None:
            return
        fields, objects, orders = tables.erasures, tables.destroyed, tables.orders
        with fresh.connect() as connection:
            for row in connection.execute(select(fields)):
                self._erasures.setdefault(row.entry, {})[row.field] = row.erased
            for row in connection.execute(select(objects)):
                self._destroyed[row.object] = row.erased
            self._report.problems.extend(roles.improper(connection))
            for row in connection.execute(select(orders).order_by(orders.c.entry)):
                self._report.erased.append(
                    f"erased by order {row.order!r}, entry {row.entry}: {row.items} items of case "
                    f"{row.case}"
                )

    def _kept(self, what: str, erased: int) -> None:
        """Tell of something that an order erased and that is still there."""
        if erased >= self._erased_up_to:
            self._report.incomplete.append(
                f"{what} is erased by entry {erased} and still there; any command that works in "
                "the vault finishes it"
            )
        else:
            self._problem(f"{what} was erased by order, entry {erased}, and is there again")

    def _compare(self, tile: Tile) -> None:
        """Compare a tile with the file that the log has of it."""
        log = self._vault.log.path
        path = tiles.hash_tile(log, tile.level, tile.index, tile.width)
        try:
            stored = tiles.read_hashes(log, tile.level, tile.index, tile.width)
        except IntegrityError as error:
            self._tiles_good = False
            self._problem(error.what)
            return
        if _checks.grown(path, len(tile.data)):
            self._problem(f"the log's tile {path} holds more than its {tile.width} hashes")
        if stored == tile.data:
            return
        self._tiles_good = False
        cut = range(0, len(stored), HASH)
        at = next(n for n in cut if stored[n : n + HASH] != tile.data[n : n + HASH]) // HASH
        which = f"entry {tile.index * WIDTH + at}" if tile.level == 0 else f"hash {at}"
        self._problem(f"the log's tile {path} does not fit the entries, first at {which}")

    def _place(self) -> None:
        due, named = str(self._report.store.get("address", "")), self._vault.config.store
        if due != named:
            self._problem(
                f"holdfast.toml says store = {named!r}, the log says {due!r}; any command that "
                "works in the vault follows the log"
            )

    def _witnesses(self, fresh: Engine) -> None:
        """Judge what witnesses cosigned, by the policies that the log itself holds."""
        try:
            found = witnessing.check(self._vault, self._head, fresh)
        except HoldfastError as error:
            self._problem(str(error))
            return
        if found is not None:
            self._report.witnessed = found
            self._report.problems.extend(found.problems)
            self._doubts.extend(found.doubts)
