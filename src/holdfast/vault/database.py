"""Open the database, SQLite in the vault's folder or PostgreSQL by URL, at its newest schema."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Engine,
    String,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.schema import CreateSchema

from holdfast.core.errors import (
    ConflictError,
    InputError,
    IntegrityError,
    RemoteError,
    ResourceError,
)
from holdfast.vault import delegates, tables  # noqa: F401 - a table of the projection

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from sqlalchemy import Connection

    from holdfast.core.errors import HoldfastError

SCHEMA = "0006"
"""The newest migration; `prepare` brings a database there."""

_LOCK = 0x486F6C64
"""Of PostgreSQL: held while the schema is migrated."""

BUSY = 30
"""Seconds to wait for another process's transaction."""

DAMAGED = "remove it and run `holdfast rebuild`: every row can be folded from the log again"


def connect(url: str) -> Engine:
    """Return an engine for `url`.

    Raises:
        InputError: not a URL of SQLite or PostgreSQL, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend not in {"sqlite", "postgresql"}:
            raise ArgumentError
        if backend == "postgresql":
            return create_engine(parsed.set(drivername="postgresql+psycopg"))
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
        raise InputError(
            f"no database can be opened at {url.rsplit('@', maxsplit=1)[-1]!r}",
            "give sqlite:///FILE, or postgresql://HOST/NAME with the extra holdfast[postgres]",
        ) from None
    event.listen(engine, "connect", _sqlite_settings)
    event.listen(engine, "begin", _sqlite_begin)
    return engine.execution_options(schema_translate_map={"projection": None, "state": None})


def _sqlite_settings(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA busy_timeout={BUSY * 1000}")
    connection.execute("PRAGMA foreign_keys=ON")
    # What a row no longer says must not be read from the file either: it may be erased by order.
    connection.execute("PRAGMA secure_delete=ON")


def _sqlite_begin(connection: Connection) -> None:
    # Folding reads, then writes: a deferred transaction could not be upgraded under contention.
    reads = connection.get_execution_options().get("snapshot", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def alone(connection: Connection, what: int) -> None:
    """Keep others that do `what` waiting until this transaction ends; it reads, then writes.

    On SQLite a transaction that may write is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({what})"))


def exists(engine: Engine) -> bool:
    """Say whether the database is there with a projection in it.

    Raises:
        RemoteError: the server does not answer.
        IntegrityError: the file is no database.
    """
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return False
    with guarded(engine):
        schema = None if engine.dialect.name == "sqlite" else "projection"
        return inspect(engine).has_table("head", schema=schema)


def prepare(engine: Engine) -> None:
    """Create or migrate the schema to `SCHEMA`; quick when it is there already.

    A projection of another shape than ours is made anew, empty: it is folded from the log.

    Raises:
        InputError: a newer Holdfast has migrated it further.
    """
    from alembic import command  # noqa: PLC0415 - costs 0.2 s, needed once in a vault's life
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "holdfast.vault:migrations")
    with guarded(engine), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            alone(connection, _LOCK)  # one migrates, others wait and find it done
            for metadata in (tables.projection, tables.state):
                connection.execute(CreateSchema(str(metadata.schema), if_not_exists=True))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise InputError(
                "the database was made by a newer Holdfast", "use that version, or a newer one"
            ) from None
        if _shape(connection) != tables.projection_shape():
            tables.projection.drop_all(connection)
            tables.projection.create_all(connection)
            connection.execute(delete(tables.shape))
            connection.execute(insert(tables.shape).values(id=0, digest=tables.projection_shape()))


def is_ours(engine: Engine) -> bool:
    """Say whether the schema is the newest, and the projection's tables are shaped as ours."""
    with guarded(engine), engine.connect() as connection:
        schema = None if engine.dialect.name == "sqlite" else "state"
        if not inspect(connection).has_table("shape", schema=schema):
            return False
        done = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return done == SCHEMA and _shape(connection) == tables.projection_shape()


def _shape(connection: Connection) -> str | None:
    return connection.scalar(select(tables.shape.c.digest))


def drop_projection(engine: Engine) -> None:
    """Drop and make anew every table that is folded from the log; `state` stays."""
    with guarded(engine), engine.begin() as connection:
        tables.projection.drop_all(connection)
        tables.projection.create_all(connection)


class guarded:  # noqa: N801 - used as a statement: `with guarded(engine):`
    """Turn a driver's errors into ours: a damaged file, a server that is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Translate.

        Raises:
            RemoteError: the server is away or refuses.
            IntegrityError: the database's file is damaged.
            ResourceError: the disk is full, or permission is denied.
            ConflictError: another process holds the database.
        """
        if not isinstance(error, DBAPIError):
            return
        where = self._engine.url.render_as_string(hide_password=True)
        reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no reason"
        if self._engine.dialect.name == "sqlite":
            raise _of_sqlite(f"the database {self._engine.url.database}", reason, error) from error
        if isinstance(error, OperationalError):
            raise RemoteError(
                f"the database {where} does not answer: {reason}", "start it, then repeat"
            ) from error
        raise IntegrityError(f"the database {where} can't be used: {reason}", DAMAGED) from error


_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an input/output error, or a file may not grow there",
}
_MACHINE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


def _of_sqlite(what: str, reason: str, error: DBAPIError) -> HoldfastError:
    """Return whose fault it is: the machine's, another process's, or the file's own damage."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code in _MACHINE:
        return ResourceError(
            f"could not write to {what.removeprefix('the ')}: {_REASONS.get(code, reason)}",
            "nothing that was recorded is lost; make room or mend it and repeat the command",
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ConflictError(
            f"another process has held {what} for {BUSY} s", "repeat when it is done"
        )
    return IntegrityError(f"{what} can't be used: {reason}", DAMAGED)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees one state of the database throughout and holds up no writer."""
    postgres = engine.dialect.name == "postgresql"
    options = {"isolation_level": "REPEATABLE READ"} if postgres else {"snapshot": True}
    with guarded(engine), engine.connect() as connection:
        yield connection.execution_options(**options)


def rows(connection: Connection, table: Any) -> Generator[tuple[Any, ...], None, None]:
    """Yield a table's rows by primary key, streaming; text in the order of its code points.

    Close it where it is left early: on PostgreSQL it holds a cursor.
    """
    keys: list[Any] = list(table.primary_key.columns)
    if connection.dialect.name == "postgresql":
        # A server sorts text by the language it was set up with.
        keys = [key.collate("C") if isinstance(key.type, String) else key for key in keys]
    query = table.select().order_by(*keys)
    with connection.execution_options(yield_per=1000).execute(query) as found:
        for row in found:
            yield tuple(row)


def scour(engine: Engine) -> None:
    """Write the database anew without what its rows no longer say: no page, no WAL keeps it.

    Raises:
        ConflictError: another process reads from the write-ahead log all the time.
    """
    with guarded(engine), engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        if engine.dialect.name == "postgresql":
            connection.rollback()
            raw.autocommit = True
            for table in tables.projection.sorted_tables:
                raw.execute(f'VACUUM FULL "{table.schema}"."{table.name}"')
            raw.autocommit = False
            return
        try:
            raw.execute("VACUUM")
            ((busy, _, _),) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            # Past SQLAlchemy, which would run it in a transaction; so wrapped like its errors.
            raise DBAPIError("VACUUM", None, error) from error
    path = Path(engine.url.database or "")
    path.with_name(f"{path.name}.damaged").unlink(missing_ok=True)
    if busy:
        raise ConflictError(
            f"another process reads the database {path}, so old pages stay in its -wal file",
            "end it and run any command: it finishes the erasure",
        )
