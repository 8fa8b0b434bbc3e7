"""The server that other tests rely on: real, private, fresh for each test, and gone afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests import postgres

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.postgres


def test_answers_through_sqlalchemy(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        version = connection.scalar(sa.text("SHOW server_version_num"))
        assert int(version) >= 130000
        assert connection.scalar(sa.text("SHOW listen_addresses")) == ""
        assert connection.scalar(sa.text("SHOW server_encoding")) == "UTF8"
    engine.dispose()


@pytest.mark.parametrize("_round", [1, 2])
def test_each_test_has_an_empty_database(postgres_database: str, _round: int) -> None:
    engine = sa.create_engine(postgres_database)
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == []
        connection.execute(sa.text("CREATE TABLE seen (n integer)"))
    engine.dispose()


def test_drops_a_database_that_is_still_in_use(postgres_server: postgres.Server) -> None:
    url = postgres_server.create_database()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    connection = engine.connect()
    connection.execute(sa.text("SELECT 1"))
    postgres_server.drop_database(url)
    with pytest.raises(sa.exc.OperationalError):
        connection.execute(sa.text("SELECT 1"))
    connection.invalidate()
    connection.close()


def test_stops_what_it_started_and_leaves_nothing(
    postgres_server: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    with postgres.running() as server:
        assert server.answers()
        address = os.fsencode(server.socket / ".s.PGSQL.5432")
        assert len(address) <= postgres.SOCKET_PATH_LIMIT
        assert server.process.pid != postgres_server.process.pid

    assert server.process.returncode == 0
    assert not server.socket.exists()
    assert postgres_server.answers()


def test_without_a_server_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.is_file", lambda path: False)
    with pytest.raises(postgres.NotInstalledError, match="apt-get install postgresql"):
        postgres.server_commands()
