"""What every test may ask for: the large corpus, a PostgreSQL, and one way to run Hypothesis."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests import compiled, long_runs, postgres, s3_server, scheduling, warm
from tests.docs import console

if TYPE_CHECKING:
    from collections.abc import Iterator

# A shell that runs us in the background lets us ignore Ctrl-C, and our children would too.
signal.signal(signal.SIGINT, signal.default_int_handler)

compiled.once()

# A run in CI finds the same thing twice; a developer's run looks for something new each time.
hypothesis.settings.register_profile("everyone", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "everyone")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the long suites."""
    parser.addoption("--keep-as", metavar="NAME", help="keep how this run went, as `soak`…")


def pytest_configure(config: pytest.Config) -> None:
    """Count a long suite's tests: in the process that hears of all of them."""
    name = config.getoption("--keep-as")
    if name is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(long_runs.Keeper(name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes long begin first."""
    scheduling.sort(items)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> scheduling.ByUnit:
    """Give the processes of `-n` whole units; see tests/scheduling.py."""
    config.option.loadscopereorder = False
    return scheduling.ByUnit(config, log)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of foreign files that is too large for the repository."""
    default = Path(__file__).parents[2] / "shared" / "corpus"
    folder = Path(os.environ.get("HOLDFAST_CORPUS", default))
    if not folder.is_dir():
        pytest.skip("no corpus here; set HOLDFAST_CORPUS to its folder")
    return folder


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for PATH with a `holdfast` whose start is over; see tests/warm.py."""
    folder = tmp_path_factory.mktemp("warm")
    with warm.running(folder, console.environment(folder)) as programs:
        yield programs


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """One PostgreSQL server for this worker's whole run."""
    try:
        postgres.server_commands()
    except postgres.NotInstalledError as absent:
        pytest.skip(str(absent))
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: postgres.Server) -> str:
    """SQLAlchemy's address of the server's first database; tests that change it want their own."""
    return postgres_server.url()


@pytest.fixture
def postgres_database(postgres_server: postgres.Server) -> Iterator[str]:
    """SQLAlchemy's address of an empty database of the test's own."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def _s3_running() -> Iterator[s3_server.Server]:
    try:
        s3_server.check_installed()
    except s3_server.NotInstalledError as absent:
        pytest.skip(str(absent))
    with s3_server.running() as server:
        yield server


@pytest.fixture
def s3(_s3_running: s3_server.Server, monkeypatch: pytest.MonkeyPatch) -> s3_server.Server:
    """A real S3 server, one for this worker's whole run, with its credentials at hand."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.SECRET)
    return _s3_running
