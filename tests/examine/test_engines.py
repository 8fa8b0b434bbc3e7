"""Both engines pass one suite; what only a cluster has to keep is below it."""

from __future__ import annotations

import functools
import http.server
import threading
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.examine.elsewhere import Elsewhere
from holdfast.examine.engines.local import Local
from holdfast.examine.engines.ray import Cluster, Ray
from holdfast.examine.run import Input, Summary, examine
from holdfast.testing.engine_contract import EngineTests
from holdfast.vault import database
from holdfast.vault.leases import Leases
from tests import cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TestLocal(EngineTests):
    def run(self, inputs: list[Input], derived: Path, **more: Any) -> Summary:
        return examine(inputs, derived, engine=Local(2), **more)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002
        """Say nothing."""


class Scene:
    """A running cluster, and a server that has the evidence."""

    def __init__(self, machines: cluster.Cluster, evidence: Path, url: str, state: Path) -> None:
        self.machines, self._evidence, self._url, self._state = machines, evidence, url, state
        self.made = 0

    def put(self, digest: str, data: bytes) -> Elsewhere:
        (self._evidence / digest).write_bytes(data)
        return Elsewhere(f"{self._url}/{digest}", digest)

    def engine(self, case: str = "2026-0001") -> Ray:
        self.made += 1
        leases = Leases(
            database.connect(f"sqlite:///{self._state / 'state.db'}"), case, f"head-{self.made}",
            lambda _owner: False,
        )  # fmt: skip
        return Ray(Cluster(self.machines.address, self.machines.token), leases)

    def examine(
        self, inputs: list[Input], derived: Path, case: str = "2026-0001", **more: Any
    ) -> Summary:
        with self.machines.inside():
            return examine(inputs, derived, engine=self.engine(case), **more)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two machines with a core each."""
    evidence = tmp_path_factory.mktemp("evidence")
    handler = functools.partial(_Quiet, directory=str(evidence))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with (
                cluster.running(2) as machines,
                machines.relayed(f"http://127.0.0.1:{server.server_port}") as url,
            ):
                yield Scene(machines, evidence, url, tmp_path_factory.mktemp("state"))
        except cluster.NotPossibleError as absent:
            pytest.skip(str(absent))
        finally:
            server.shutdown()


class TestRay(EngineTests):
    @pytest.fixture(autouse=True)
    def _with(self, scene: Scene) -> None:
        self.scene = scene

    def run(self, inputs: list[Input], derived: Path, **more: Any) -> Summary:
        return self.scene.examine(inputs, derived, **more)

    def elsewhere(self, digest: str, data: bytes) -> Elsewhere:
        return self.scene.put(digest, data)
