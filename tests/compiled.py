"""SQL statements compiled once a process, not once a database.

A program of ours has one database and compiles each statement once; the tests of one process open
thousands, and spent a quarter of their time on compiling the same statements.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

MOST = 5000
"""Statements."""


def once() -> None:
    """Let every SQLite database of this process take what another has compiled."""
    if getattr(Engine, "_compiles_once", False):
        return
    compiled: LRUCache[Any, Any] = LRUCache(MOST)
    init = Engine.__init__

    @wraps(init)
    def sharing(self: Engine, *arguments: Any, **more: Any) -> None:
        init(self, *arguments, **more)
        if type(self.dialect) is SQLiteDialect_pysqlite:
            self._compiled_cache = compiled

    # A compiled statement is kept by its dialect too, and all of SQLite's are alike here.
    for owner, name, value in (
        (Engine, "__init__", sharing),
        (Engine, "_compiles_once", True),
        (SQLiteDialect_pysqlite, "__hash__", lambda self: hash(type(self))),
        (SQLiteDialect_pysqlite, "__eq__", lambda self, other: type(self) is type(other)),
    ):
        setattr(owner, name, value)
