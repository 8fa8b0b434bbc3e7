"""The process that speaks with Ray: `python -m holdfast.examine.engines._ray_driver SOCKET`.

    house <- JSON -> this process <- Ray -> workers (`_bench.py`), as many a machine as it has cores

Ray ends a process that has lost its cluster, without asking; that must not be the house. Nor
does the house take objects apart that come from other machines: it gets JSON, and files whose
bytes were checked here.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any, cast

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from holdfast.core import canonical
from holdfast.core.errors import IntegrityError
from holdfast.examine._wire import Receiver, messages, send
from holdfast.examine.engines._bench import CARRY, PIECE, WORK, Bench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json

    Message = dict[str, Json]

DEPTH = 2
"""Batches a worker holds at once, so that it never waits for the house."""
_TICK = 0.05
_LOOK = 2.0
"""Seconds between two looks at which machines there are."""
_STRIKES = 12
"""Workers that one machine may lose before it gets no more: an item takes up to three along."""
_ANSWERS_WITHIN = 120.0
_PROBE = """
import os, sys
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
try:
    GcsClient(address=sys.argv[1]).internal_kv_get(b"holdfast", None, timeout=10)
except AuthenticationError:
    os._exit(0)
except BaseException:
    os._exit(2)
os._exit(1)
"""
OPEN = "it takes anybody who can reach it: start it with a token (`holdfast cluster start`)"


class UnfitError(Exception):
    """The cluster is not as it must be; the message says how."""


@dataclass
class Hand:
    """One worker from here."""

    handle: Any
    node: str
    where: str
    ready: bool = False
    batches: deque[int] = field(default_factory=deque)


class Driver:
    """One examination's part of the cluster."""

    def __init__(
        self, channel: socket, incoming: Iterator[tuple[Message, list[int]]], first: Message
    ) -> None:
        self._channel, self._incoming = channel, incoming
        self._case = str(first["case"])
        self._modules = first["modules"]
        self._scratch = Path(str(first["scratch"]))
        self._most = cast("int", first["workers"])
        self._told = canonical.dumps(
            {name: first[name] for name in ("limits", "plugins", "settings")}
        )
        self._hands: list[Hand] = []
        self._asked: dict[Any, tuple[Hand, int]] = {}
        """Answers awaited: of a batch, or (-1) of a greeting."""
        self._waiting: deque[tuple[int, list[Message]]] = deque()
        self._strikes: dict[str, int] = {}
        self._looked = 0.0
        self._machines = -1
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def run(self) -> None:
        """Work until the house hangs up."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            self._look()
            block = not self._asked
            while True:
                try:
                    message = self._inbox.get(timeout=_TICK if block else 0)
                except queue.Empty:
                    break
                if message is None:
                    return self._end()
                items = cast("list[Message]", message["items"])
                self._waiting.append((cast("int", message["batch"]), items))
                block = False
            self._assign()
            if self._asked:
                done, _ = ray.wait(list(self._asked), num_returns=1, timeout=_TICK)
                for one in done:
                    self._hear(one)

    def _listen(self) -> None:
        try:
            for message, _ in self._incoming:
                self._inbox.put(message)
        finally:
            self._inbox.put(None)

    def _say(self, message: Message) -> None:
        send(self._channel, message)

    def _look(self) -> None:
        """Start a worker for each core that has none."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        working = 0
        for node in cast("Any", ray).nodes():
            name, where = node["NodeID"], node["NodeManagerAddress"]
            if not node["Alive"] or self._strikes.get(name, 0) >= _STRIKES:
                continue
            working += node["Resources"].get("CPU", 0) >= 1
            here = sum(hand.node == name for hand in self._hands)
            for _ in range(int(node["Resources"].get("CPU", 0)) - here):
                if self._most and len(self._hands) >= self._most:
                    break
                self._hire(name, where)
        if working != self._machines:
            self._machines = working
            self._say({"machines": working})

    def _hire(self, node: str, where: str) -> None:
        remote = cast("Any", ray).remote(
            num_cpus=1, max_restarts=0, concurrency_groups={WORK: 1, CARRY: 2}
        )(Bench)
        handle = remote.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
        ).remote(self._case, self._told)
        hand = Hand(handle, node, where)
        self._hands.append(hand)
        self._asked[handle.hello.remote()] = (hand, -1)

    def _assign(self) -> None:
        for depth in range(1, DEPTH + 1):
            for hand in self._hands:
                if hand.ready and self._waiting and len(hand.batches) < depth:
                    number, items = self._waiting.popleft()
                    hand.batches.append(number)
                    asked = hand.handle.work.remote(self._case, canonical.dumps([*items]))
                    self._asked[asked] = (hand, number)

    def _hear(self, one: Any) -> None:
        if one not in self._asked:  # it went with its worker, a moment ago
            return
        hand, number = self._asked.pop(one)
        try:
            if number < 0:
                self._greet(hand, cast("Message", canonical.loads(ray.get(one))))
            else:
                self._take(hand, number, *ray.get(one))
        except UnfitError as error:
            self._lose(hand, str(error), _STRIKES)
        except (RayError, IntegrityError, OSError) as error:
            self._lose(hand, _words(error))

    def _greet(self, hand: Hand, hello: Message) -> None:
        if not (hello["token"] and hello["silent"]):
            raise UnfitError(
                "that machine was started without a token or with usage statistics: start it "
                "with `holdfast cluster join`"
            )
        if hello["modules"] != self._modules:
            raise UnfitError(_difference(hello["modules"], self._modules))
        hand.ready = True
        joined: Message = {
            "where": hand.where, "process": hello["process"], "protection": hello["protection"],
        }  # fmt: skip
        self._say({"joined": joined, "workers": sum(other.ready for other in self._hands)})

    def _take(self, hand: Hand, number: int, header: bytes, contents: list[bytes]) -> None:
        """Take an answer over: its files first, then word of it to the house."""
        answer = cast("Message", canonical.loads(header))
        said: list[Message] = []
        kept: list[str] = []
        for one in cast("list[Message]", answer["answers"]):
            if "unread" in one:
                said.append({"batch": number, **one})
                continue
            item = str(one["item"])
            folder = self._scratch / f"answer-{number}" / item
            files = cast("list[tuple[str, str, int, str, int]]", one.pop("files"))
            folder.mkdir(parents=True)
            for key, name, size, digest, at in files:
                path = _inside(folder, key, name)
                if at >= 0:
                    _check(contents[at], size, digest)
                    path.write_bytes(contents[at])
                else:
                    self._carry(hand, (item, key, name), path, size, digest)
            result: Json = [[key, name, size, digest] for key, name, size, digest, _ in files]
            said.append({"batch": number, **one, "files": result, "folder": str(folder)})
            kept.append(item)
        hand.batches.remove(number)
        for message in said:
            self._say(message)
        self._say({"finished": number, "events": answer["events"]})
        hand.handle.forget.remote(kept)

    def _carry(
        self, hand: Hand, place: tuple[str, str, str], path: Path, size: int, digest: str
    ) -> None:
        hasher = hashlib.sha256()
        coming = hand.handle.piece.remote(*place, 0)
        with path.open("xb") as stream:
            for offset in range(0, size, PIECE):
                piece = ray.get(coming, timeout=_ANSWERS_WITHIN)
                if offset + PIECE < size:
                    coming = hand.handle.piece.remote(*place, offset + PIECE)
                hasher.update(piece)
                stream.write(piece)
        if hasher.hexdigest() != digest or path.stat().st_size != size:
            raise IntegrityError("a result changed on its way")

    def _lose(self, hand: Hand, reason: str, strikes: int = 1) -> None:
        """Give up a worker; the house hears which batches went with it, the one begun first."""
        self._asked = {one: of for one, of in self._asked.items() if of[0] is not hand}
        self._hands.remove(hand)
        self._strikes[hand.node] = self._strikes.get(hand.node, 0) + strikes
        ray.kill(hand.handle)
        lost: list[Json] = [*hand.batches]
        self._say(
            {
                "lost": lost, "where": hand.where, "reason": reason,
                "workers": sum(other.ready for other in self._hands),
            }
        )  # fmt: skip

    def _end(self) -> None:
        leaving = [hand.handle.leave.remote() for hand in self._hands if hand.ready]
        if leaving:
            ray.wait(leaving, num_returns=len(leaving), timeout=10.0)
        for hand in self._hands:
            ray.kill(hand.handle)


def _inside(folder: Path, key: str, name: str) -> Path:
    """Return where a file goes; the house judges the names once more."""
    if "/" in key or "/" in name or not key.isalnum() or name.startswith("."):
        raise IntegrityError("a worker named a file as it must not")
    (folder / key).mkdir(exist_ok=True)
    return folder / key / name


def _check(data: bytes, size: int, digest: str) -> None:
    if len(data) != size or hashlib.sha256(data).hexdigest() != digest:
        raise IntegrityError("a result changed on its way")


def _difference(theirs: Json, ours: Json) -> str:
    """Say how the software of another machine differs."""
    mine = {canonical.dumps(module) for module in cast("list[Json]", ours)}
    other = [one for one in cast("list[Json]", theirs) if canonical.dumps(one) not in mine]
    names = sorted({str(cast("Message", one)["name"]) for one in other})
    which = f", for one: {names[0]}" if names else ""
    return f"it has another set of parsers, or other versions of their libraries{which}"


def _words(error: BaseException) -> str:
    text = str(getattr(error, "cause", None) or error).strip()
    first = text.splitlines()[-1 if "Traceback" in text else 0] if text else ""
    return f"{type(error).__name__}: {first[:300]}" if isinstance(error, RayError) else first


def _enter(address: str) -> None:
    """Join the cluster, if it keeps strangers out.

    Raises:
        UnfitError: it does not answer, does not know our token, or lets anybody in.
    """
    stranger = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "HOME": "/nonexistent"}
    probe = subprocess.run(
        [sys.executable, "-P", "-c", _PROBE, address], env=stranger, check=False, timeout=60,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    if probe.returncode == 1:
        raise UnfitError(OPEN)
    if probe.returncode != 0:
        raise UnfitError("it does not answer")
    try:
        ray.init(
            address=address, log_to_driver=False, logging_level=logging.ERROR,
            configure_logging=False,
        )  # fmt: skip
    except (RayError, ConnectionError, RuntimeError, ValueError) as error:
        raise UnfitError(
            "it does not let this machine in; is the token the same, and does a node of it run "
            "here?"
        ) from error


def main(channel: socket) -> int:
    """Serve the house until it hangs up; return the exit status."""
    incoming = messages(Receiver(channel))
    first = next(incoming, None)
    if first is None:
        return 0
    try:
        _enter(str(first[0]["address"]))
    except UnfitError as error:
        send(channel, {"trouble": str(error)})
        return 1
    send(channel, {"entered": True})
    Driver(channel, incoming, first[0]).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(socket(fileno=int(sys.argv[1]))))
