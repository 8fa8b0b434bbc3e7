"""DuckDB as Holdfast opens it: it reads and writes in named folders, and reaches nothing else."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

import duckdb

from holdfast.core.errors import IntegrityError, ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MEMORY = "128MiB"
"""What a query may hold; beyond it, it goes to disk. Four times as much sorts no faster (2.4
million events, 2 cores), and memory would follow the evidence for longer."""
THREADS = 2
FILES = 1000
"""Datasets that one query reads: every one of them stays open."""
_ROWS = 1000


@contextmanager
def connect(
    scratch: Path, *folders: Path, memory: str = MEMORY
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty database that may use only `scratch` (created) and `folders`.

    Raises:
        IntegrityError: a dataset can't be read as what it should be.
        ResourceError: no room.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(":memory:")
    try:
        places = [str(place.resolve()) for place in (scratch, *folders)]
        for name, value in (
            ("memory_limit", memory),
            ("threads", THREADS),
            ("temp_directory", str(scratch.resolve())),
            ("autoinstall_known_extensions", False),
            ("autoload_known_extensions", False),
            ("allow_community_extensions", False),
            ("allowed_directories", places),
            ("enable_external_access", False),
            ("TimeZone", "UTC"),
            ("lock_configuration", True),
        ):
            connection.execute(f"SET {name} = {_literal(value)}")
        yield connection
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise ResourceError(f"a query ran out of room: {_first_line(error)}") from error
    except duckdb.Error as error:
        raise IntegrityError(
            f"derived data can't be read: {_first_line(error)}", "drop it and examine again"
        ) from error
    finally:
        connection.close()


def batches(paths: Iterable[Path]) -> Iterator[list[str]]:
    """Yield `paths` as lists that one query can hold."""
    rest = (str(path.resolve()) for path in paths)
    while batch := list(islice(rest, FILES)):
        yield batch


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]
) -> Iterator[dict[str, object]]:
    """Yield the result of `query` row by row, as it is made."""
    found = connection.execute(query, values)
    names = [column[0] for column in found.description or ()]
    while chunk := found.fetchmany(_ROWS):
        for row in chunk:
            yield dict(zip(names, row, strict=True))


def all_columns(connection: duckdb.DuckDBPyConnection, files: list[str]) -> str:
    """Return a select list of every column in `files`, times as integers."""
    described = connection.execute(
        "DESCRIBE SELECT * FROM read_parquet($files, union_by_name = true)", {"files": files}
    ).fetchall()
    names = []
    for name, type_, *_ in described:
        quoted = '"' + str(name).replace('"', '""') + '"'
        timed = str(type_).startswith("TIMESTAMP")
        names.append(f"epoch_us({quoted}) AS {quoted}" if timed else quoted)
    return ", ".join(names)


def _literal(value: object) -> str:
    if isinstance(value, (bool, int)):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return "'" + str(value).replace("'", "''") + "'"


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]
