"""Both engines pass one suite; what only a cluster has to keep is below it."""

from __future__ import annotations

import dataclasses
import functools
import http.server
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from holdfast.core import canonical
from holdfast.core.errors import DeniedError, InputError, RemoteError, ResourceError
from holdfast.examine import cluster as nodes
from holdfast.examine import results
from holdfast.examine.cluster import Cluster
from holdfast.examine.elsewhere import Elsewhere
from holdfast.examine.engines import ray
from holdfast.examine.engines._bench import Bench
from holdfast.examine.engines.local import Local
from holdfast.examine.engines.ray import Ray
from holdfast.examine.run import Examined, Input, Joined, Lost, Summary, Unread, examine
from holdfast.testing.engine_contract import QUICK, TOY, EngineTests, digest, text
from holdfast.vault import database, tables
from holdfast.vault.leases import Leases
from tests import cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.examine.run import Event


class TestLocal(EngineTests):
    def run(self, inputs: list[Input], derived: Path, **more: Any) -> Summary:
        return examine(inputs, derived, engine=Local(2), **more)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    asked: ClassVar[Callable[[str], None] | None] = None
    """Called with the path, before it is answered."""

    def do_GET(self) -> None:
        if _Quiet.asked is not None:
            _Quiet.asked(self.path)
        super().do_GET()

    def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002
        """Say nothing."""


class Scene:
    """A running cluster, and a server that has the evidence."""

    def __init__(self, machines: cluster.Cluster, evidence: Path, url: str, state: Path) -> None:
        self.machines, self._evidence, self._url = machines, evidence, url
        self.database = database.connect(f"sqlite:///{state / 'state.db'}")

    def put(self, digest: str, data: bytes) -> Elsewhere:
        (self._evidence / digest).write_bytes(data)
        return Elsewhere(f"{self._url}/{digest}", digest)

    def engine(self, case: str = "2026-0001", workers: int = 0) -> Ray:
        leases = Leases(self.database, case)
        return Ray(Cluster(self.machines.address, self.machines.token), leases, workers=workers)

    def examine(
        self,
        inputs: list[Input],
        derived: Path,
        case: str = "2026-0001",
        workers: int = 0,
        **more: Any,
    ) -> Summary:
        with self.machines.inside():
            return examine(inputs, derived, engine=self.engine(case, workers), **more)

    def replace(self, machine: cluster.Machine) -> None:
        """Have a machine that was switched off join again."""
        self.machines.machines.remove(machine)
        self.machines.join(int(machine.address.rpartition(".")[2]))

    def start_again(self) -> None:
        """Start the head again, and every machine."""
        old = [*self.machines.machines]
        for machine in old:
            machine.power_off()
        self.machines.machines.clear()
        self.machines.start_head()
        self.machines.join(*(int(one.address.rpartition(".")[2]) for one in old))


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

    def test_two_cases_never_meet_in_one_worker(self) -> None:
        """Each examination has processes of its own, which refuse work of another case."""
        processes: list[set[int]] = []
        with self._place() as place:
            for case in ("2026-0001", "2026-0002"):
                place.events.clear()
                item = place.item(text(f"of {case}"))
                done = self.scene.examine(
                    [item], place.derived, case, plugins=(TOY,), only=("engine_toy",),
                    on_event=place.events.append,
                )  # fmt: skip
                assert done.records == 1
                processes.append({event.process for event in place.told(Joined)})
        assert all(processes)
        assert not processes[0] & processes[1]
        assert not any(Path(f"/proc/{one}").exists() for one in processes[0])

    def test_two_who_examine_one_case_share_the_work(self) -> None:
        """A lease has one owner: nothing is put in force twice, and neither stops the other."""
        with self._place() as place:
            inputs = [place.item(text("!slow 0.2", f"item {n}")) for n in range(24)]

            def one(given: list[Input]) -> Summary:
                return self.scene.examine(
                    given, place.derived, workers=1, limits=QUICK, plugins=(TOY,),
                    only=("engine_toy",), on_event=place.events.append,
                )  # fmt: skip

            with ThreadPoolExecutor(2) as pool:
                both = [*pool.map(one, (inputs, inputs[::-1]))]
            assert sum(done.examined for done in both) == 24
            assert all(done.examined + done.skipped == 24 and not done.unread for done in both)
            assert sorted(e.item for e in place.told(Examined)) == sorted(i.item for i in inputs)
            assert [place.messages(one) for one in inputs] == [[f"item {n}"] for n in range(24)]

    def test_an_item_that_takes_workers_with_it_is_left_and_tried_alone_the_next_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Three workers, no more; everything else is done; the count outlives the examination."""
        with self._place() as place:
            bad, *good = [place.item(text(f"item {n}")) for n in range(12)]

            def pull_the_plug(path: str) -> None:
                if path.strip("/") == bad.item:
                    os.kill(place.told(Joined)[-1].process, signal.SIGKILL)

            monkeypatch.setattr(_Quiet, "asked", pull_the_plug)
            given: dict[str, Any] = {
                "workers": 1, "limits": QUICK, "plugins": (TOY,), "only": ("engine_toy",),
                "on_event": place.events.append,
            }  # fmt: skip
            done = self.scene.examine([bad, *good], place.derived, **given)
            assert (done.examined, done.unread) == (len(good), 1)
            assert len(place.told(Lost)) == 3
            (left,) = place.told(Unread)
            assert left.item == bad.item
            assert "3 workers were lost" in left.reason
            assert [place.messages(one) for one in good] == [[f"item {n}"] for n in range(1, 12)]
            with self.scene.database.connect() as connection:
                rows = connection.execute(tables.leases.select()).all()
            assert [(row.item, row.tries) for row in rows] == [(bad.item, 3)]
            monkeypatch.setattr(_Quiet, "asked", None)
            again = self.scene.examine([bad, *good], place.derived, **given)
            assert (again.examined, again.skipped, again.unread) == (1, len(good), 0)
            with self.scene.database.connect() as connection:
                assert connection.execute(tables.leases.select()).all() == []

    @pytest.mark.soak  # in every run: a vault in S3, tests/acts/test_cluster.py
    def test_a_machine_that_is_switched_off_costs_nothing(self) -> None:
        """One worker killed in the middle: the same records, nothing twice, nothing lost."""
        victim = self.scene.machines.machines[-1]
        with self._place() as place:
            inputs = [place.item(text("!slow 0.2", f"item {n}")) for n in range(40)]

            def hear(event: Event) -> None:
                place.events.append(event)
                both = {one.where for one in place.told(Joined)} >= {"10.77.0.2", victim.address}
                if both and len(place.told(Examined)) >= 5 and victim.process.poll() is None:
                    victim.power_off()

            done = self.scene.examine(
                inputs, place.derived, limits=QUICK, plugins=(TOY,), only=("engine_toy",),
                on_event=hear,
            )  # fmt: skip
            self.scene.replace(victim)
            assert {event.where for event in place.told(Lost)} == {victim.address}
            assert (done.examined, done.unread, done.records, done.failures) == (40, 0, 40, 0)
            assert sorted(e.item for e in place.told(Examined)) == sorted(i.item for i in inputs)
            other = place.folder / "other"
            examine(inputs, other, limits=QUICK, plugins=(TOY,), only=("engine_toy",))
            assert digest(place.derived, inputs) == digest(other, inputs)
            assert list(results.verify(place.derived, [one.item for one in inputs])) == []

    @pytest.mark.soak
    def test_a_head_that_dies_ends_it_and_the_next_goes_on(self) -> None:
        """`examine` again completes, and does nothing twice."""
        machines = self.scene.machines
        assert machines.head is not None
        with self._place() as place:
            inputs = [place.item(text("!slow 0.2", f"item {n}")) for n in range(40)]

            def hear(event: Event) -> None:
                place.events.append(event)
                assert machines.head is not None
                if len(place.told(Examined)) >= 5 and machines.head.process.poll() is None:
                    machines.head.power_off()

            given: dict[str, Any] = {"limits": QUICK, "plugins": (TOY,), "only": ("engine_toy",)}
            with pytest.raises(RemoteError, match="is gone"):
                self.scene.examine(inputs, place.derived, on_event=hear, **given)
            first = len(place.told(Examined))
            assert 5 <= first < 40
            self.scene.start_again()
            done = self.scene.examine(inputs, place.derived, on_event=place.events.append, **given)
            assert (done.examined, done.skipped) == (40 - first, first)
            assert sorted(e.item for e in place.told(Examined)) == sorted(i.item for i in inputs)
            assert [place.messages(one) for one in inputs] == [[f"item {n}"] for n in range(40)]

    def test_machines_with_other_parsers_get_no_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A result's key names versions; what another version makes must not stand under it."""
        monkeypatch.setattr(ray, "_JOINS_WITHIN", 2.0)
        make = ray.RayCrew.__init__

        def as_if_newer(crew: ray.RayCrew, *given: Any) -> None:
            make(crew, *given)
            first, *rest = crew.modules
            crew.modules = (dataclasses.replace(first, version=first.version + 1), *rest)

        monkeypatch.setattr(ray.RayCrew, "__init__", as_if_newer)
        with self._place() as place:
            with pytest.raises(RemoteError, match="takes work"):
                self.scene.examine(
                    [place.item(text("x"))], place.derived, plugins=(TOY,),
                    on_event=place.events.append,
                )  # fmt: skip
            assert {event.where for event in place.told(Lost)} == {"10.77.0.2", "10.77.0.3"}
            assert all("another set of parsers" in event.reason for event in place.told(Lost))


def test_strangers_are_refused_and_nothing_is_told_to_anybody(scene: Scene) -> None:
    """Authentication on, usage statistics off, no dashboard: on every machine."""
    machines = scene.machines
    ask = (
        "import sys; from ray._raylet import GcsClient; from ray.exceptions import *\n"
        "try: GcsClient(address=sys.argv[1]).internal_kv_get(b'x', None, timeout=20)\n"
        "except AuthenticationError: sys.exit(9)"
    )
    given = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    for more, expected in (
        ({"RAY_AUTH_MODE": "disabled"}, 9),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}, 9),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(machines.token)}, 0),
    ):
        asked = subprocess.run(
            machines.within(sys.executable, "-c", ask, machines.address), check=False,
            env={**given, **more}, capture_output=True,
        )  # fmt: skip
        assert asked.returncode == expected, asked.stderr
    assert machines.head is not None
    seen = 0
    for machine in (machines.head, *machines.machines):
        for pid in machine.family():
            place = Path(f"/proc/{pid}")
            # The others write their titles over it; a worker says it when it joins.
            if (place / "comm").read_text().strip() in {"gcs_server", "raylet"}:
                told = (place / "environ").read_bytes().split(b"\0")
                assert b"RAY_USAGE_STATS_ENABLED=0" in told
                assert b"RAY_AUTH_MODE=token" in told
                seen += 1
    assert seen == 4  # a raylet each, and the head
    assert list(machines.folder.glob("*/holdfast-ray-*/r/session_2*"))
    assert not list(machines.folder.glob("*/holdfast-ray-*/r/session_2*/usage_stats.json"))
    assert not {port for _, port in machines.listening()} & {8265, 10001}


def test_an_open_cluster_is_not_joined(scene: Scene, tmp_path: Path) -> None:
    """Who has a cluster without a token has every machine in it, and the evidence they read."""
    machines, address = scene.machines, "10.77.0.5:6390"
    given = {**machines.environment("10.77.0.5"), "RAY_AUTH_MODE": "disabled",
             "RAY_USAGE_STATS_ENABLED": "0"}  # fmt: skip
    log = tmp_path / "log"
    with log.open("wb") as output:
        head = subprocess.Popen(
            machines.within(
                sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start",
                "--head", "--block", "--port=6390", "--node-ip-address=10.77.0.5", "--num-cpus=1",
                "--include-dashboard=false", f"--temp-dir={machines.folder}/5/r",
            ), env=given, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while b"runtime started" not in log.read_bytes() and time.monotonic() < until:
            time.sleep(0.1)
        item = Input("0" * 64, "x", lambda: 0, None, lambda: Elsewhere("http://x/", "0" * 64))
        engine = Ray(Cluster(address, machines.token), Leases(scene.database, "2026-0001"))
        with machines.inside(), pytest.raises(RemoteError, match="takes anybody"):
            examine([item], tmp_path / "derived", engine=engine)
    finally:
        cluster.Machine(address, head, log).power_off()


def test_a_node_starts_where_every_address_is_private(scene: Scene) -> None:
    """Ray listens on all addresses of a machine: so all of them must be private."""
    with scene.machines.inside():
        own = nodes.own_addresses()
    assert own == [
        "10.77.0.1",
        "10.77.0.2",
        "10.77.0.3",
        "10.77.0.4",
        "10.77.0.5",
        "127.0.0.1",
        "::1",
    ]
    nodes.check_private("10.77.0.2", own)
    with pytest.raises(DeniedError, match=r"8\.8\.8\.8 is public"):
        nodes.check_private("10.77.0.2", [*own, "8.8.8.8"])
    with pytest.raises(InputError, match="no address of this machine"):
        nodes.check_private("10.77.0.9", own)


def test_a_token_is_for_its_owner_only(tmp_path: Path) -> None:
    token = tmp_path / "token"
    assert nodes.make_token(token)
    assert not nodes.make_token(token)
    assert len(token.read_text()) == 64
    Cluster("10.77.0.1:6379", token).check()
    token.chmod(0o640)
    with pytest.raises(InputError, match="open to others"):
        Cluster("10.77.0.1:6379", token).check()
    token.unlink()
    with pytest.raises(InputError, match="can't be read"):
        Cluster("10.77.0.1:6379", token).check()
    for address in ("10.77.0.1", ":6379", "a:b", "a:99999", ""):
        with pytest.raises(InputError, match="is no address"):
            Cluster(address, token).check()


def test_a_worker_refuses_another_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    order = canonical.dumps({"limits": QUICK.to_json(), "plugins": [], "settings": {}})
    worker: Any = Bench("2026-0001", order)
    try:
        with pytest.raises(RuntimeError, match="another case"):
            worker.work("2026-0002", b"[]")
        assert worker.work("2026-0001", b"[]") == (
            canonical.dumps({"answers": [], "events": []}),
            [],
        )
    finally:
        worker.leave()
    (own,) = tmp_path.iterdir()
    assert own.stat().st_mode & 0o777 == 0o700
    assert list(own.iterdir()) == []
    own.chmod(0o755)
    with pytest.raises(ResourceError, match="is not this account's own"):
        Bench("2026-0001", order)
