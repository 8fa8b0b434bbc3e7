"""Stop one command at every boundary it meets, each time on a fresh copy of the same vault.

Run as a program of its own (`python -m tests.faults.sweep collect:plain:before`), because it
forks and so must have one thread. Prints a JSON object a sweep: boundaries, failures, coverage.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import Executor, Future
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from holdfast.cases import exhibits
from holdfast.cli.main import run
from holdfast.testing import crash
from holdfast.testing.crash import Boundary, Ended, Watch
from holdfast.vault import copying, custody, verify
from holdfast.vault.vault import Vault
from tests import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.testing.crash import Deed

HOLE = 2 << 20
_NAMES = re.compile(r"[0-9a-f]{64}|\S*\d\S*")


class InLine(Executor):
    """Does the work where it is handed in: no processes to start for each verification."""

    def __init__(self, _jobs: int = 1, mp_context: object = None) -> None:
        """Take what `ProcessPoolExecutor` takes."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kw: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kw))
        return future


@dataclass
class Scene:
    """A folder with a vault, the account's memory and a source."""

    root: Path

    @property
    def vault(self) -> Path:
        return self.root / "vault"

    @property
    def source(self) -> Path:
        return self.root / "source"

    def run(self, *arguments: str, watch: Watch | None = None) -> Ended:
        """Run a command in a fork, as `alice`, in this scene's vault."""
        given = ["--vault", str(self.vault), "--operator", "alice", *arguments]
        os.environ["XDG_STATE_HOME"] = str(self.root / "state")
        _act_from_an_account_of_their_own(given)
        return crash.in_fork(lambda: crash.command(given, watch or Watch()))

    def must(self, *arguments: str) -> str:
        """Run a command that must succeed."""
        ended = self.run(*arguments)
        if ended.status != 0:
            raise AssertionError(f"{arguments}: exit {ended.status}: {ended.errors}")
        return ended.output

    def copy(self, target: Path) -> Scene:
        """Copy the scene; what is written once is linked, so that a copy costs little."""
        shutil.copytree(self.root, target, symlinks=True, copy_function=_link_or_copy)
        return Scene(target)


def _act_from_an_account_of_their_own(given: list[str]) -> None:
    """Let the forks run as an account named like the operator; a sweep has one account only."""
    names = [after for word, after in pairwise(given) if word == "--operator"]
    vars(custody)["account"] = lambda: names[-1]


def _link_or_copy(source: str, target: str) -> object:
    if "holdfast.db" in Path(source).name:
        return shutil.copy2(source, target)
    os.link(source, target, follow_symlinks=False)
    return target


def make_source(scene: Scene) -> None:
    """A few of everything: a duplicate, one held already, one with a hole, an empty one, a link."""
    scene.source.mkdir()
    (scene.source / "held").write_bytes(b"held from this very path\n")
    (scene.source / "sub").mkdir()
    (scene.source / "sub" / "one").write_bytes(b"the same bytes\n")
    (scene.source / "sub" / "two").write_bytes(b"the same bytes\n")
    (scene.source / "sub" / "three").write_bytes(b"held from this very path\n")
    (scene.source / "sub" / "empty").touch()
    (scene.source / "link").symlink_to("held")
    with (scene.source / "sub" / "image").open("wb") as stream:
        stream.write(b"head" * 1000)
        stream.seek(HOLE)
        stream.write(b"tail" * 300_000)


def wanted(scene: Scene) -> list[tuple[str, str]]:
    """Return (path, SHA-256) of every file of the source."""
    return sorted(
        (str(path), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in scene.source.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


@dataclass(frozen=True)
class Play:
    """What is stopped: the command, what stands before it, and what must hold after a repeat."""

    arguments: Callable[[Scene], tuple[str, ...]]
    prepare: Callable[[Scene, bool], None]
    check: Callable[[Scene], Iterator[str]]
    repeats: bool = True
    """Whether the same command, repeated, must succeed."""


def _open(scene: Scene, sealed: bool) -> None:
    scene.must("init", *(["--sealed"] if sealed else []))


def _case(scene: Scene, sealed: bool) -> None:
    _open(scene, sealed)
    opened = scene.must(*OPENING, "--json")
    (scene.root / "case").write_text(str(json.loads(opened)["case"]))


OPENING = (
    *("case", "open", "--title", "T", "--basis", "B", "--authority", "A"),
    *("--until", "2999-12-31"),
)


def _begun(scene: Scene, sealed: bool) -> None:
    _case(scene, sealed)
    make_source(scene)
    scene.must("collect", "files", "--case", _first_case(scene), str(scene.source / "held"))


def _collected(scene: Scene, sealed: bool) -> None:
    _begun(scene, sealed)
    scene.must("collect", "files", "--case", _first_case(scene), str(scene.source))


def _first_case(scene: Scene) -> str:
    """Return the scene's first case, whose number has the year in it."""
    return (scene.root / "case").read_text()


def _items(scene: Scene) -> Iterator[str]:
    """Yield what differs from: every file of the source once, every object as its source is."""
    listed = scene.must("items", "--case", _first_case(scene), "--json")
    rows = [json.loads(line) for line in listed.splitlines()]
    have = sorted((row["path"], row["item"]) for row in rows)
    if have != wanted(scene):
        yield f"items are {have}"
    numbers = [row["exhibit"] for row in rows]
    if numbers != [f"AL/{n}" for n in range(1, len(rows) + 1)]:
        yield f"exhibits are {numbers}"
    vault = Vault.open(scene.vault)
    with vault.engine.connect() as connection:
        for one in exhibits.of_case(connection, _first_case(scene)):
            digest = hashlib.sha256(_content(vault, one)).hexdigest()
            if digest != one.item:
                yield f"{one.label} gives {digest} for {one.item}"
    vault.engine.dispose()
    # A folder that has no name yet and nothing in it is no run.
    left = [str(p) for p in (scene.vault / "vault" / "incoming").iterdir() if p.name[0] != "."]
    if left:
        yield f"left in the intake: {left}"


def _content(vault: Vault, one: exhibits.Exhibit) -> bytes:
    with vault.store.open(one.object) as stream:
        if one.wrapped is None:
            return stream.read()
        clear = io.BytesIO()
        secret = copying.unwrap(one.wrapped, vault.keyring.identity(one.case))
        copying.unseal(stream, clear, secret)
        return clear.getvalue()


def _one_case(scene: Scene) -> Iterator[str]:
    # A kill between the entry and its telling leaves the case open; the repeat opens another.
    rows = [json.loads(line) for line in scene.must("case", "list", "--json").splitlines()]
    if len(rows) not in {1, 2} or len({row["case"] for row in rows}) != len(rows):
        yield f"cases are {rows}"
    make_source(scene)
    scene.must("collect", "files", "--case", rows[-1]["case"], str(scene.source / "held"))
    yield from _look(scene)


def _working(scene: Scene) -> Iterator[str]:
    opened = scene.run(*OPENING)
    if opened.status:
        yield f"no case can be opened: {opened.errors}"
    yield from _look(scene)


def _operator(scene: Scene) -> Iterator[str]:
    rows = [json.loads(line) for line in scene.must("operator", "list", "--json").splitlines()]
    if [row["operator"] for row in rows] != ["alice", "bob"]:
        yield f"operators are {rows}"
    done = scene.run("--operator", "bob", *OPENING)
    if done.status:
        yield f"bob can't work: {done.errors}"
    yield from _look(scene)


def _closed(scene: Scene) -> Iterator[str]:
    rows = [json.loads(line) for line in scene.must("case", "list", "--json").splitlines()]
    if rows[0]["closed"] is None:
        yield "the case is open"


def _asked(scene: Scene, sealed: bool) -> None:
    _collected(scene, sealed)
    scene.must("operator", "add", "bob", "--role", "supervisor")
    twin = hashlib.sha256(b"the same bytes\n").hexdigest()
    asked = ("erase", "request", "--case", _first_case(scene), "--order", "Court", "--json", twin)
    (scene.root / "request").write_text(str(json.loads(scene.must(*asked))["request"]))


def _approval(scene: Scene) -> tuple[str, ...]:
    return "--operator", "bob", "erase", "approve", (scene.root / "request").read_text()


def _erased(scene: Scene) -> Iterator[str]:
    if json.loads(scene.must("requests", "--json") or "null") is not None:
        ended = scene.run(*_approval(scene))
        yield from [f"it can't be approved: {ended.errors}"] * bool(ended.status)
    listed = scene.must("items", "--case", _first_case(scene), "--json")
    gone = [row["path"] for row in map(json.loads, listed.splitlines()) if row["erased"]]
    if gone != ["(erased)"] * 2:
        yield f"erased are {gone}"
    for marker in (b"the same bytes", bytes(scene.source / "sub" / "one")):
        yield from (
            f"{marker!r} is still in {path}"
            for path in scene.vault.rglob("*")
            if path.is_file() and marker in path.read_bytes()
        )
    yield from _look(scene)


PLAYS = {
    "erase": Play(_approval, _asked, _erased, repeats=False),
    "case": Play(lambda _: OPENING, _open, _one_case),
    "close": Play(lambda s: ("case", "close", _first_case(s)), _case, _closed, repeats=False),
    "collect": Play(
        lambda s: ("collect", "files", "--case", _first_case(s), str(s.source)), _begun, _items
    ),
    "init": Play(lambda _: ("init",), lambda _scene, _sealed: None, _working, repeats=False),
    "operator": Play(lambda _: ("operator", "add", "bob"), _open, _operator, repeats=False),
    "rebuild": Play(lambda _: ("rebuild",), _collected, _items),
}


@dataclass
class Sweep:
    """What a sweep came to."""

    met: list[Boundary]
    stopped: Counter[Boundary] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    unfinished: Counter[str] = field(default_factory=Counter)
    """What verifications of the stopped vaults said was incomplete; digits are left out."""

    def stop(self, play: Play, scene: Scene, arguments: tuple[str, ...], watch: Watch) -> None:
        """Stop a command once, look at what is left, repeat it, and look again."""
        boundary = self.met[watch.at - 1]
        where = f"{watch.deed} {watch.at} ({boundary.call} {boundary.target} by {boundary.caller})"
        ended = scene.run(*arguments, watch=watch)
        problems = list(_ending(ended, watch.deed))
        if ended.status != 0:
            self.stopped[boundary] += 1
        made = (scene.vault / "holdfast.toml").exists()
        if made:
            problems += _look(scene, "--read-only", found=self)
        again = scene.run(*arguments)
        if play.repeats and again.status != 0:
            problems.append(f"the repeat: exit {again.status}: {again.errors}")
        if not play.repeats and again.status not in {0, 3, 4}:
            problems.append(f"the repeat: exit {again.status}: {again.errors}")
        if not made and again.status == 3:
            # An `init` cut short is begun again in a clean folder, as its error says.
            shutil.rmtree(scene.vault)
            scene.must(*arguments)
        problems += _look(scene)
        try:
            problems += play.check(scene)
        except AssertionError as error:
            problems.append(str(error))
        self.failures += [f"{where}: {problem}" for problem in problems]


def once_each(met: list[Boundary]) -> list[int]:
    """Return a number for every boundary that is not like another: at its commits by turns."""
    places: dict[Boundary, list[int]] = {}
    for at, boundary in enumerate(met, 1):
        places.setdefault(boundary, []).append(at)
    return sorted(numbers[turn % len(numbers)] for turn, numbers in enumerate(places.values()))


def sweep(
    play: Play, folder: Path, deed: Deed, *, sealed: bool, step: int, start: int = 1
) -> Sweep:
    """Stop `play` at every `step`-th boundary, check what is left, repeat, check again.

    Step 0 takes each boundary once, whatever number of times it is met.
    """
    # Every copy stands in turn where the first stood, so that all see the same paths.
    scene = Scene(folder / "scene")
    scene.root.mkdir()
    play.prepare(scene, sealed)
    arguments = play.arguments(scene)
    template = Scene(scene.root.rename(folder / "template"))
    met = _met(template.copy(scene.root), arguments)
    shutil.rmtree(scene.root)
    found = Sweep(met)
    for at in range(start, len(met) + 1, step) if step else once_each(met):
        boundary = met[at - 1]
        # One of the 256 folders of a new store is like the other.
        if (boundary.call, boundary.target) == ("os.mkdir", "object") and at % 50:
            continue
        if deed == "torn" and boundary.call != "os.write":
            continue
        template.copy(scene.root)
        found.stop(play, scene, arguments, Watch(at, deed))
        shutil.rmtree(scene.root)
    return found


def _met(scene: Scene, arguments: tuple[str, ...]) -> list[Boundary]:
    """Return the boundaries that the command meets when nothing stops it."""
    reader, writer = os.pipe()
    watch = Watch()
    given = ["--vault", str(scene.vault), "--operator", "alice", *arguments]
    os.environ["XDG_STATE_HOME"] = str(scene.root / "state")
    _act_from_an_account_of_their_own(given)

    def tell() -> int:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = crash.command(given, watch)
        with os.fdopen(writer, "w") as stream:
            json.dump([[one.call, one.target, one.caller] for one in watch.met], stream)
        return code

    child = crash.fork(tell)
    os.close(writer)
    with os.fdopen(reader) as stream:
        met = [Boundary(*one) for one in json.load(stream)]
    if crash.wait(child) != 0:
        raise AssertionError(f"{arguments} fails undisturbed")
    return met


def _ending(ended: Ended, deed: Deed) -> Iterator[str]:
    """Yield what is wrong with how a stopped command ended."""
    expected = {"before": -9, "after": -9, "torn": -9, "interrupt": 130, "full": 7}[deed]
    if ended.status not in {expected, 0} or (ended.status == 0 and expected == -9):
        yield f"ended with {ended.status}, not {expected}: {ended.errors}"
    if ended.status in {130, 7} and len(ended.errors.strip().splitlines()) != 1:
        yield f"says {ended.errors!r}"
    if ended.status == 7 and "disk is full" not in ended.errors:
        yield f"says {ended.errors!r}"


def _look(scene: Scene, *options: str, found: Sweep | None = None) -> list[str]:
    """Verify; return what is wrong. Only a look that changes nothing may find things incomplete."""
    ended = scene.run("verify", "--json", "--jobs", "1", *options)
    try:
        report = json.loads(ended.output)
    except ValueError:
        return [f"verify {options}: exit {ended.status}: {ended.errors}"]
    problems = [f"verify {options}: {problem}" for problem in report["problems"]]
    if report["intact"] != (ended.status == 0):
        problems.append(f"verify {options}: intact {report['intact']}, exit {ended.status}")
    for one in report["incomplete"]:
        if not options:
            problems.append(f"verify: still incomplete: {one}")
        if found is not None:
            found.unfinished[_NAMES.sub("N", one)[:60]] += 1
    return problems


def _warm(folder: Path) -> None:
    """Do all once in this process, so that its forks find everything imported and compiled.

    They verify without starting processes, which this one must not have either.
    """
    vars(verify)["ProcessPoolExecutor"] = InLine
    compiled.once()
    scene = Scene(folder / "warm")
    scene.root.mkdir()
    (scene.root / "file").touch()
    os.environ["XDG_STATE_HOME"] = str(scene.root / "state")
    case = f"{time.gmtime().tm_year}-0001"
    for arguments in (
        ("init",),
        OPENING,
        ("collect", "files", "--case", case, str(scene.root / "file")),
        ("items", "--case", case),
        ("verify", "--json"),
    ):
        with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            code = run(["--vault", str(scene.vault), "--operator", "alice", *arguments])
        if code != 0:
            raise AssertionError(f"{arguments}: exit {code}")
    # What is here stays as it is, so that the collector in a fork has no page of it to copy.
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class Order:
    """One sweep to do, as `play:kind:deed:start:step`, e.g. `collect:sealed:before:1:4`.

    With the step 0 it is each boundary once."""

    play: str
    kind: str = "plain"
    deed: str = "before"
    start: str = "1"
    step: str = "1"

    def carry_out(self, folder: Path) -> dict[str, Any]:
        """Sweep in the new `folder`; return what is to be told."""
        folder.mkdir()
        found = sweep(
            PLAYS[self.play],
            folder,
            cast("Deed", self.deed),
            sealed=self.kind == "sealed",
            step=int(self.step),
            start=int(self.start),
        )
        shutil.rmtree(folder)
        rows = sorted(found.stopped.items(), key=str)
        return {
            "boundaries": len(found.met),
            "kinds": len(set(found.met)),
            "failures": found.failures,
            "stopped": sum(found.stopped.values()),
            "table": [[one.call, one.target, one.caller, times] for one, times in rows],
            "unfinished": found.unfinished,
        }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("orders", nargs="+", metavar="ORDER", help=Order.__doc__)
    parser.add_argument("--folder", default=None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="holdfast-sweep-") as folder:
        os.environ["HOME"] = folder
        _warm(Path(folder))
        for order in chosen.orders:
            told = Order(*order.split(":")).carry_out(Path(folder) / "sweep")
            sys.stdout.write(json.dumps({"order": order, **told}) + "\n")


if __name__ == "__main__":
    main()
