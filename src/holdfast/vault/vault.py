"""A vault: its folder, log, store, keyring and database, opened together."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, insert, select, update

from holdfast.core import durable
from holdfast.core.errors import ConflictError, InputError, IntegrityError
from holdfast.vault import database, projection, settings, tables
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.config import NAME, Config
from holdfast.vault.eras import ACT, ROTATED, Era
from holdfast.vault.keys import Keyring
from holdfast.vault.log import Log
from holdfast.vault.memory import Memory, check_seen, stands_at
from holdfast.vault.places import OWN, other_at, store_at
from holdfast.vault.vault_keys import VaultKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.vault.entry import Entry
    from holdfast.vault.eras import Eras
    from holdfast.vault.note import Verifier
    from holdfast.vault.store import Store


@dataclass
class Vault:
    """Everything of one vault that acts work with; no act itself."""

    root: Path
    config: Config
    _is_ours: bool = field(default=False, init=False, repr=False, compare=False)
    """Whether the database's schema was found to be ours."""
    _settled: Checkpoint | None = field(default=None, init=False, repr=False, compare=False)
    """The head at which this process last found everything in order."""

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        origin: str,
        sealed: bool,
        database_url: str,
        keys: str,
        require: tuple[str, ...],
        store: str = "",
    ) -> Vault:
        """Lay out a new vault at `root`, with an empty log.

        The caller enters `vault.init`, then saves `config`: with that the folder is a vault.

        Raises:
            InputError: something is there already.
        """
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            if root.is_dir() and (root / "vault" / "log").is_dir() and not (root / NAME).exists():
                raise InputError(
                    f"{root} holds what an `init` left that was cut short: no vault yet",
                    f"remove it (rm -r {root}) and repeat",
                )
            raise InputError(
                f"{root} is not empty", "give a folder that does not exist yet, or an empty one"
            )
        origin = origin or f"{socket.gethostname().lower()}.holdfast.invalid/{os.urandom(4).hex()}"
        if any(c.isspace() or c == "+" for c in origin):
            raise InputError(
                f"{origin!r} can't be a log's origin", "leave out spaces and plus signs"
            )
        if database_url:
            database.connect(database_url)
        with durable.disk_errors(root):
            for folder in ("vault/log", "vault/entries", "derived", "index"):
                (root / folder).mkdir(parents=True, exist_ok=True)
            keyring = Config("", sealed, database_url, keys, require).keyring(root)
            signer = Keyring(keyring).create(origin)
            second = Keyring(keyring).add_second(origin)
            config = Config(
                str(signer.verifier),
                sealed,
                database_url,
                keys,
                require,
                second="" if second is None else str(second.cosigner),
                store=store,
            )
            vault = cls(root, config)
            (root / "vault" / "incoming").mkdir()
            vault.store.create()
            vault.log.create()
            database.prepare(vault.engine)
            durable.sync_filesystem(root)
        return vault

    @classmethod
    def open(cls, root: Path) -> Vault:
        """Open the vault at `root`; nothing is read but its settings.

        Raises:
            InputError: no vault there.
        """
        return cls(root, Config.load(root))

    @property
    def eras(self) -> Eras:
        """The log's keys, and up to where each signs."""
        return self.keys.eras()

    @property
    def verifier(self) -> Verifier:
        """The log's public key: the one that signs now."""
        return self.eras.present.verifier

    @cached_property
    def keys(self) -> VaultKeys:
        """The log's keys, as the vault's folder has them."""
        return VaultKeys(self.root, self.config, self.keyring)

    @cached_property
    def keyring(self) -> Keyring:
        """The vault's secrets."""
        return Keyring(self.config.keyring(self.root))

    @cached_property
    def log(self) -> Log:
        """The custody log."""
        return Log(self.root / "vault", self.keys)

    @cached_property
    def store(self) -> Store:
        """Where objects lie."""
        return store_at(self.config.store, self.root)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Hold the store while objects are put into it or taken out: it does not move meanwhile.

        Raises:
            ConflictError: it is being moved, or was since this vault was opened.
        """
        with durable.open_directory(self.root / "vault") as gate:
            self._pass(gate, fcntl.LOCK_SH, "it is being moved to another store")
            if Config.load(self.root).store != self.config.store:
                raise ConflictError("the objects were moved to another store", "repeat the command")
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the store while nobody else puts objects into it.

        Raises:
            ConflictError: someone does.
        """
        with durable.open_directory(self.root / "vault") as gate:
            self._pass(gate, fcntl.LOCK_EX, "others are collecting into it, or moving it")
            yield

    def _pass(self, gate: int, how: int, why: str) -> None:
        try:
            fcntl.flock(gate, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"the store is held: {why}", "repeat when that is done") from None

    def replica(self) -> Store | None:
        """Return the store that damage is repaired from, if the log names one."""
        with database.guarded(self.engine), self.engine.connect() as connection:
            value = settings.read(connection, "replica")
        address = value.get("address") if isinstance(value, dict) else None
        return other_at(address, self.root) if isinstance(address, str) else None

    def _settle_store(self) -> None:
        """Finish a move that was cut short: the log says where objects lie, the file follows."""
        with database.guarded(self.engine), self.engine.connect() as connection:
            value = settings.read(connection, "store")
        address = value.get("address") if isinstance(value, dict) else OWN
        if isinstance(address, str) and address != self.config.store:
            self.follow(address)

    def follow(self, address: str) -> None:
        """Take the store at `address` from now on; an entry of the log says so already."""
        self.config = self.config.move(self.root, address)
        vars(self).pop("store", None)

    @cached_property
    def memory(self) -> Memory:
        """What this account has seen of the log."""
        return Memory(str(self.eras.first.verifier))

    @cached_property
    def engine(self) -> Engine:
        """The database."""
        return database.connect(self.config.database_url(self.root))

    @property
    def derived(self) -> Path:
        """Where examinations' results lie."""
        return self.root / "derived"

    def index(self, case: str) -> Path:
        """Return where the case's timeline and text index lie."""
        return self.root / "index" / case

    def current(self) -> Checkpoint:
        """Finish what a crash left, fold what is new, and return the log's head.

        Raises:
            IntegrityError: the log is damaged, was rolled back, or the database is missing.
        """
        self.log.apply()
        head = self.log.head()
        self.memory.check(self.log, head)
        if head == self._settled and stands_at(self.engine, head):
            return head
        if not database.exists(self.engine):
            raise IntegrityError(
                f"the database of {self.root} is missing",
                "run `holdfast rebuild`: it is folded from the log again",
            )
        self._migrate()
        self.check_seen(head)
        projection.catch_up(self.engine, self.log, head)
        self._settle_key()
        self.remember(head)
        self._settled = head
        return head

    def went_on(self, entries: list[Entry]) -> None:
        """Remember the head that this process's own `entries` led to, folded by now."""
        head = self.log.head()
        self.remember(head)
        # The log's key is put in place by whoever comes by next, this process too.
        if all(entry.fields.get("act") != ACT for entry in entries):
            self._settled = head

    def _migrate(self) -> None:
        """Bring the database of an older Holdfast to our schema, once for this process."""
        if not self._is_ours:
            if not database.is_ours(self.engine):
                database.prepare(self.engine)
            self._is_ours = True

    def _settle_key(self) -> None:
        """Go on with the key that an entry announced: the log says it, the file follows.

        Nobody commits beyond that entry before, since whoever wants to comes by here.
        """
        with database.guarded(self.engine), self.engine.connect() as connection:
            table = tables.settings
            query = select(table.c.value, table.c.entry).where(table.c.name == ACT)
            row = connection.execute(query).one_or_none()
        if row is None:
            return
        said = json.loads(row.value)
        if said["why"] != ROTATED or said["ended"] != str(self.verifier):
            return
        following = Era.parse(said["log"], said["log_mldsa"] or "")
        self.succeed(row.entry + 1, ROTATED, following)

    def succeed(self, until: int, why: str, following: Era) -> None:
        """Sign with another key of the log, once it has `until` entries.

        Raises:
            ConflictError: it has another number of them.
        """

        def switch(head: Checkpoint) -> None:
            self.config = Config.load(self.root).succeed(self.root, head.size, why, following)

        self.log.end_era(until, switch)

    def fold(self) -> None:
        """Carry out commits and fold them, without the look at what was seen before."""
        self.log.apply()
        self._migrate()
        projection.catch_up(self.engine, self.log, self.log.head())

    def recover(self, entered: Callable[[list[str]], set[str]]) -> list[str]:
        """Finish what a crash left in the log and the intake.

        `entered` says which staged objects the log has an entry for. Returns the runs that were
        cut short.
        """
        self.current()
        self._settle_store()
        return self.store.recover(entered)

    def remember(self, head: Checkpoint, *, force: bool = False) -> None:
        """Keep `head` as the largest seen, in the database's state and in the account's memory."""
        self.memory.note(head, force=force)
        seen = tables.seen
        with database.guarded(self.engine), self.engine.begin() as connection:
            change = update(seen).where(seen.c.origin == head.origin)
            if not force:
                change = change.where(seen.c.size < head.size)
            connection.execute(change.values(size=head.size, root=head.root))
            known = connection.scalar(select(seen.c.size).where(seen.c.origin == head.origin))
            if known is None:
                values = {"origin": head.origin, "size": head.size, "root": head.root}
                connection.execute(insert(seen).values(values))

    def check_seen(self, head: Checkpoint) -> None:
        """Compare the log with the largest checkpoint this database has seen.

        Raises:
            IntegrityError: the log is shorter than it was, or its past is another.
        """
        check_seen(self.log, head, self.seen())

    def lost(self, head: Checkpoint) -> Checkpoint | None:
        """Return the largest checkpoint seen that `head` does not continue; None if it does."""
        for seen in (self.memory.recall(), self.seen()):
            try:
                check_seen(self.log, head, seen)
            except IntegrityError:
                return seen
        return None

    def seen(self) -> Checkpoint | None:
        """Return the largest checkpoint this database has seen; None where it has seen none."""
        seen = tables.seen
        with database.guarded(self.engine), self.engine.connect() as connection:
            row = connection.execute(
                select(seen.c.origin, seen.c.size, seen.c.root).where(
                    seen.c.origin == self.log.origin
                )
            ).one_or_none()
        return None if row is None else Checkpoint(*row)

    def rebuild(self) -> Checkpoint:
        """Drop the projection and fold it from the log; a damaged SQLite file is made anew.

        Raises:
            IntegrityError: the log itself is damaged, or older than what the database has seen.
        """
        self.log.apply()
        head = self.log.head()
        self.memory.check(self.log, head)
        try:
            database.prepare(self.engine)
            seen = self.seen()
        except IntegrityError:
            self._set_database_aside()
            seen = None
        # A rebuild must not be the way to make the database forget what it has seen.
        check_seen(self.log, head, seen)
        try:
            database.drop_projection(self.engine)
        except IntegrityError:
            self._set_database_aside()
        projection.catch_up(self.engine, self.log, head)
        self.remember(head, force=True)
        return head

    def _set_database_aside(self) -> None:
        """Make a new SQLite file in place of a damaged one.

        Raises:
            IntegrityError: it is no SQLite file; what is wrong with it is being handled.
        """
        path = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or path is None:
            raise  # noqa: PLE0704 - called where an error is handled
        self.engine.dispose()
        Path(path).replace(f"{path}.damaged")
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(path + suffix).unlink()
        database.prepare(self.engine)
