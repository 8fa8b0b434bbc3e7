"""Fetch what a log shows in one place: its own checkpoint and tiles, or what a witness last saw."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError, RemoteError
from holdfast.vault import tiles
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import Cosigner, open_checkpoint
from holdfast.vault.merkle import HASH, WIDTH, TreeReader
from holdfast.vault.remote import Remote

if TYPE_CHECKING:
    from holdfast.vault.cosignature import Key
    from holdfast.vault.policy import Policy

MAX_SIZE = 2**62


@dataclass(frozen=True)
class View:
    """A checkpoint as one place shows it, its signatures checked."""

    place: str
    """The URL."""
    is_log: bool
    """Whether the place serves the log itself, with its tiles; else it is a witness."""
    note: str
    checkpoint: Checkpoint
    cosigned: dict[Cosigner, int]
    """The policy's witnesses that signed it, and when (seconds since 1970)."""


@dataclass(frozen=True)
class Looked:
    """What came of looking at one place."""

    views: tuple[View, ...] = ()
    alarms: tuple[tuple[str, str], ...] = ()
    """What is wrong, each with the note that shows it."""
    unreachable: str = ""


class Trusted:
    """The keys that a policy trusts, by origin."""

    def __init__(self, policy: Policy) -> None:
        self.logs: dict[str, list[Key]] = {}
        for line in policy.logs:
            self.logs.setdefault(line.key.name, []).append(line.key)
        self.witnesses = {line.key: line.name for line in policy.witnesses}

    def view(self, place: str, body: bytes, *, is_log: bool, origin: str = "") -> View:
        """Check a checkpoint that `place` shows, of `origin` where that was asked for.

        Raises:
            IntegrityError: malformed, of another log, or a signature is missing or wrong.
        """
        try:
            note = body.decode()
        except UnicodeDecodeError:
            raise IntegrityError("it is no text") from None
        said = note.split("\n", 1)[0]
        if said not in self.logs or (origin and said != origin):
            raise IntegrityError(f"it is of {said[:200]!r}, which is not the log in question")
        own = self.logs[said]
        text, signed = open_checkpoint(note, (*own, *self.witnesses))
        if not signed.keys() & set(own):
            raise IntegrityError("the log itself has not signed it")
        checkpoint = Checkpoint.parse(text)
        if checkpoint.size > MAX_SIZE:
            raise IntegrityError("no log is that large")
        cosigned = {
            key: time
            for key, time in signed.items()
            if isinstance(key, Cosigner) and key in self.witnesses and time
        }
        return View(place, is_log, note, checkpoint, cosigned)


def look(place: str, trusted: Trusted, timeout: float) -> Looked:
    """Fetch what `place`, a log's URL or a witness's monitoring prefix, shows of every log."""
    views, alarms = [], []
    try:
        with Remote(place, timeout) as remote:
            answer = remote.get("/checkpoint")
            found = [(answer, "")]
            if answer.status == 404:
                found = [(remote.get(_of_witness(origin)), origin) for origin in trusted.logs]
            for got, origin in found:
                if got.status == 404:
                    continue
                if got.status != 200:
                    return Looked(unreachable=f"{place} answers {got.status}")
                try:
                    views.append(trusted.view(place, got.body, is_log=not origin, origin=origin))
                except IntegrityError as error:
                    note = got.body.decode("utf-8", "replace")
                    alarms.append((f"bad checkpoint at {place}: {error.what}", note))
    except RemoteError as error:
        return Looked(unreachable=error.what)
    if not views and not alarms:
        return Looked(unreachable=f"{place} shows no checkpoint of any log of the policy")
    return Looked(tuple(views), tuple(alarms))


def _of_witness(origin: str) -> str:
    """Return where a witness shows what it saw of a log: C2SP tlog-witness."""
    return f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"


class Tiles:
    """The tree of a log at one place, read tile by tile as far as it is needed."""

    def __init__(self, view: View, timeout: float) -> None:
        self._remote = Remote(view.place, timeout)
        self._tree = TreeReader(view.checkpoint.size, self._read)

    def root_of(self, size: int) -> bytes:
        """Return the root over the first `size` leaves.

        Raises:
            RemoteError: a tile can't be had.
        """
        return self._tree.root_of(0, size)

    def leaf(self, index: int) -> bytes:
        """Return a leaf's hash.

        Raises:
            RemoteError: a tile can't be had.
        """
        return self._tree.leaf(index)

    def entries(self, number: int, width: int) -> list[bytes]:
        """Return the first `width` leaves of an entry bundle, unchecked.

        Raises:
            RemoteError: it can't be had, or holds fewer.
        """
        for wide in (width, WIDTH):
            path = f"/tile/entries/{tiles.numbered(number, wide)}"
            answer = self._remote.get(path)
            if answer.status == 200:
                try:
                    leaves = list(tiles.unpack_bundle(answer.body, Path(path)))
                except IntegrityError:
                    leaves = []
                if len(leaves) >= width:
                    return leaves[:width]
        raise RemoteError(f"{self._remote.url} does not give the entries {path[1:]}")

    def close(self) -> None:
        """End the connection."""
        self._remote.__exit__(None, None, None)

    def _read(self, level: int, index: int, width: int) -> bytes:
        # The full tile, where it is there by now: the partial one may be gone then.
        for wide in (width, WIDTH):
            path = f"/tile/{level}/{tiles.numbered(index, wide)}"
            answer = self._remote.get(path)
            if answer.status == 200 and len(answer.body) == wide * HASH:
                return answer.body[: width * HASH]
        raise RemoteError(f"{self._remote.url} does not give the tile {path[1:]}")
