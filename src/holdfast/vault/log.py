"""The custody log on disk: one winner per position, redone after a crash, never forked.

A commit is one file, `log/commits/<size>`, created exclusively by link(2): whoever creates the
file for the log's present size has appended, everyone else has lost and looks again. That is
the fence and the compare-and-swap at once: a writer that was paused for a minute finds its
position taken. The tiles, the bodies and the checkpoint are functions of the commits; they are
written after, and again after a crash. A tree head is signed only once its commit has won.
`docs/formats/custody.md` has the bytes, docs/decisions/0003 the reasons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.core import clock, durable
from holdfast.core.errors import ConflictError, IntegrityError
from holdfast.vault import bodies, commits, cosignature, note, tiles
from holdfast.vault import entry as entries
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.merkle import EMPTY_ROOT, WIDTH, Frontier, TreeReader
from holdfast.vault.turns import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from holdfast.vault.entry import Entry, Sealed
    from holdfast.vault.eras import Eras, LogKeys

TURN = 5.0
"""Seconds to wait for another writer's turn before trying anyway; the commit decides."""


class Log:
    """The log of one vault, its files under `root` (`log/` and `entries/`)."""

    def __init__(self, root: Path, keys: LogKeys) -> None:
        self.path = root / "log"
        self.bodies = root / "entries"
        self._commits = self.path / "commits"
        self._keys = keys
        self._checked: tuple[Checkpoint, str] | None = None
        """The last checkpoint whose signatures were checked: a commit reads it several times."""
        self._frontier: tuple[Checkpoint, Frontier] | None = None

    @property
    def eras(self) -> Eras:
        """The log's keys, and up to where each signs."""
        return self._keys.eras()

    @property
    def origin(self) -> str:
        """The origin under which it goes on."""
        return self.eras.present.origin

    def create(self) -> None:
        """Make the folders and publish the empty tree's checkpoint."""
        for folder in (self.path / "tile", self._commits, self.bodies):
            folder.mkdir(parents=True, exist_ok=True)
        self._publish(Checkpoint(self.origin, 0, EMPTY_ROOT))

    def head(self) -> Checkpoint:
        """Return the published checkpoint after checking the log's signature.

        Raises:
            IntegrityError: missing, malformed, of another log, or not signed by the log's keys.
        """
        return self.signed_head()[0]

    def signed_head(self) -> tuple[Checkpoint, str]:
        """Return the published checkpoint, and the signed note that it stands in, checked.

        Raises:
            IntegrityError: missing, malformed, of another log, or not signed by the log's keys.
        """
        try:
            # As bytes: reading a text file would mend its line ends first.
            text = (self.path / "checkpoint").read_bytes().decode()
        except (FileNotFoundError, UnicodeDecodeError):
            raise IntegrityError(
                f"the log's checkpoint {self.path / 'checkpoint'} is missing or unreadable",
                "restore it from a backup, a replica or a witness",
            ) from None
        known = self._checked
        if known is not None and known[1] == text:
            return known
        self._checked = self.opened(text), text
        return self._checked

    def opened(self, text: str) -> Checkpoint:
        """Return the checkpoint in a signed note, by the keys of the era that its size is of.

        Raises:
            IntegrityError: malformed, of another log, or not signed by the log's keys.
        """
        # Its size says which key to ask, before anything in it is believed.
        head = Checkpoint.parse(note.split(text)[0])
        era = self.eras.at(head.size)
        note.open_note(text, era.verifier)
        if head.origin != era.origin:
            raise IntegrityError(f"the checkpoint is of {head.origin!r}, not of {era.origin!r}")
        if era.second is not None:
            cosignature.check_second(text, era.second)
        return head

    def past(self, head: Checkpoint, size: int) -> Checkpoint:
        """Return the checkpoint of `size` entries that `head` continues, as it was then."""
        return Checkpoint(self.eras.at(size).origin, size, self.tree(head).root_of(0, size))

    def former(self, until: int) -> Path:
        """Return where the last checkpoint of an era that ended lies, a signed note."""
        return self.path / "former" / f"{until:016d}"

    def end_era(self, until: int, switch: Callable[[Checkpoint], None]) -> None:
        """End the present era at the published checkpoint, which has `until` entries, for good.

        The checkpoint is kept; then `switch(head)` is called, while nobody publishes, to put the
        next era's keys in place.

        Raises:
            ConflictError: another writer has committed, or ended it, meanwhile.
        """
        with self._locked("publishing", wait=60.0, insist=True):
            head, text = self.signed_head()
            if head.size != until or self._commit_path(until).exists():
                raise ConflictError("another writer is at work in this vault", "repeat the command")
            self.former(until).parent.mkdir(exist_ok=True)
            durable.replace(self.former(until), text.encode(), 0o444)
            switch(head)

    def commit(self, head: Checkpoint, sealed: list[Sealed]) -> Checkpoint | None:
        """Append entries right after `head`; None when another writer got that position.

        Raises:
            OSError: the disk refused; nothing was appended.
            ValueError: an entry is too large for a bundle, which could never be written.
            IntegrityError: the log's key is not here.
        """
        largest = max(len(one.leaf) for one in sealed)
        if largest > tiles.MAX_ENTRY:
            raise ValueError(f"an entry of {largest} bytes does not fit a log's bundle")
        frontier = self._frontier_at(head)
        frontier.append([one.hash for one in sealed])
        new = Checkpoint(self.eras.at(frontier.size).origin, frontier.size, frontier.root())
        path = self._commit_path(head.size)
        if not self.can_sign(new.size):
            # What nobody here can publish must not stand in everybody's way.
            raise IntegrityError(
                "the log's key is not here, so nothing can be entered",
                "run this where the vault's keys are; if the key is lost: `holdfast log rotate "
                "--lost`",
            )
        if not durable.create(path, commits.pack(head.size, sealed, new.root)):
            return None
        if not self._won(head.size, sealed[0]):
            path.unlink(missing_ok=True)
            return None
        self._carry_out(head, sealed, new.root)
        self._clean(head.size)
        self._frontier = (new, frontier)
        return new

    def _won(self, start: int, first: Sealed) -> bool:
        """Say whether the commit at `start` is ours, though an old commit's name was free again.

        Applied commits are removed, so a writer that slept through a whole generation could
        create that name a second time; the tiles then hold another leaf at its position.
        """
        head = self.head()
        if head.size <= start:
            return True
        return self.tree(head).leaf(start) == first.hash

    def apply(self) -> bool:
        """Carry out every commit that follows the published checkpoint; say whether there was one.

        Safe to run by several processes at once: what a commit makes is the same whoever makes it.

        Raises:
            IntegrityError: a commit file is damaged, or its root is not what its entries give.
        """
        last: int | None = None
        while True:
            head = self.head()
            sealed = commits.read(self._commit_path(head.size))
            if sealed is None:
                break
            self._carry_out(head, *sealed)
            last = head.size
        if last is not None:
            self._clean(last)
        return last is not None

    def _carry_out(self, head: Checkpoint, sealed: list[Sealed], root: bytes) -> None:
        try:
            self._apply(head, sealed, root)
        except IntegrityError:
            # Another process may have carried out this commit and gone on meanwhile.
            if self.head().size == head.size:
                raise

    def _clean(self, last: int) -> None:
        """Remove carried out commits but the newest: its name fences writers that slept."""
        for old in self._commits.iterdir():
            if old.name.isdigit() and int(old.name) < last:
                old.unlink(missing_ok=True)

    def pending(self) -> int:
        """Return how many committed entries the published checkpoint does not cover yet."""
        sealed = commits.read(self._commit_path(self.head().size))
        return 0 if sealed is None else len(sealed[0])

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """Yield entries `start` to `end` (exclusive; the head's size by default), checked.

        Raises:
            IntegrityError: a bundle or body is missing, truncated or altered.
        """
        for index, leaf, body in self.raw(start, end):
            yield entries.read(index, leaf, body)

    def parsed(self, start: int, end: int) -> Iterator[Entry]:
        """Yield entries like `entries`, without hashing their fields.

        Raises:
            IntegrityError: a bundle or body is missing, truncated or malformed.
        """
        for index, leaf, body in self.raw(start, end):
            yield entries.parse(index, leaf, body)

    def raw(self, start: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield (index, leaf, body) as they lie on disk, unchecked."""
        end = self.head().size if end is None else end
        for number in range(start // WIDTH, -(-end // WIDTH)):
            base = number * WIDTH
            width = min(WIDTH, end - base)
            leaves, texts = self.bundle(number, width)
            for at in range(max(start - base, 0), width):
                yield base + at, leaves[at], texts[at]

    def bundle(self, number: int, width: int) -> tuple[list[bytes], list[bytes]]:
        """Return the first `width` leaves and bodies of the `number`-th bundle.

        Raises:
            IntegrityError: one is missing or has fewer.
        """
        path = tiles.entry_bundle(self.path, number, width)
        data = tiles.read_prefix(path, tiles.entry_bundle(self.path, number, WIDTH))
        leaves = list(tiles.unpack_bundle(data, path))
        bodies = self._bodies(number, width)
        if len(leaves) < width or len(bodies) < width:
            short = path if len(leaves) < width else self.bodies / tiles.numbered(number, width)
            raise IntegrityError(
                f"the log's file {short} is truncated: {min(len(leaves), len(bodies))} of "
                f"{width} entries",
                "restore it from a backup or a replica",
            )
        return leaves[:width], bodies[:width]

    def _bodies(self, number: int, width: int) -> list[bytes]:
        path = self.bodies / tiles.numbered(number, width)
        return tiles.read_prefix(path, self.bodies / tiles.numbered(number)).splitlines()

    def tree(self, head: Checkpoint) -> TreeReader:
        """Return a reader of the tree that `head` commits to."""
        return TreeReader(
            head.size, lambda level, index, width: tiles.read_hashes(self.path, level, index, width)
        )

    def _frontier_at(self, head: Checkpoint) -> Frontier:
        # Taken out of memory: whoever asks appends to it, and may fail to write what that gives.
        known, self._frontier = self._frontier, None
        if known is not None and known[0] == head:
            return known[1]
        frontier = Frontier.load(
            head.size, lambda level, index, width: tiles.read_hashes(self.path, level, index, width)
        )
        if frontier.root() != head.root:
            raise IntegrityError(
                f"the log's tiles do not give the root of its checkpoint at size {head.size}",
                "do not append; run `holdfast verify` to see which tile is wrong",
            )
        return frontier

    def _commit_path(self, start: int) -> Path:
        return self._commits / f"{start:016d}"

    def _apply(self, head: Checkpoint, sealed: list[Sealed], root: bytes) -> None:
        if not self.can_sign(head.size + len(sealed)):
            raise IntegrityError(
                f"{len(sealed)} committed entries wait to be published and the log's key is not "
                "here",
                "run any command where the vault's keys are",
            )
        frontier = self._frontier_at(head)
        changed = frontier.append([one.hash for one in sealed])
        if frontier.root() != root:
            raise IntegrityError(f"the commit at {head.size} does not give the root it states")
        for tile in changed:
            self._write(tiles.hash_tile(self.path, tile.level, tile.index, tile.width), tile.data)
        self._write_bundles(head.size, sealed)
        # Tiles and bodies must be on disk before a checkpoint speaks of them.
        durable.sync_filesystem(self.path)
        self._publish(Checkpoint(head.origin, frontier.size, root))
        for old in tiles.superseded(self.path, self.bodies, head.size, frontier.size):
            old.unlink(missing_ok=True)

    def erase(self, fields: Mapping[int, Collection[str]]) -> None:
        """Take fields, by entry, out of the bodies for good; every other line keeps its bytes.

        May be repeated. What a killed writer left with bodies in it goes too.

        Raises:
            IntegrityError: a bundle of bodies is missing, truncated or malformed.
        """
        with self._locked("bodies", wait=60.0, insist=True):
            size = self.head().size
            bodies.erase(self.bodies, size, fields)
            durable.sync_filesystem(self.path)
        bodies.erase_commits(self._commits, size)

    def _write_bundles(self, size: int, sealed: list[Sealed]) -> None:
        """Write entry bundles and bodies.

        Under a lock, and never again once they are published: what a writer remembers of bodies
        may have been erased from them while it slept.
        """
        with self._locked("bodies", wait=60.0, insist=True):
            # The size alone, unchecked: whoever can write a false one can write bodies, too.
            published = (self.path / "checkpoint").read_bytes().split(b"\n")[1]
            if published == b"%d" % size:
                self._append_bundles(size, sealed)

    def _append_bundles(self, size: int, sealed: list[Sealed]) -> None:
        number, width = divmod(size, WIDTH)
        leaves: list[bytes] = []
        bodies: list[bytes] = []
        if width:
            leaves, bodies = self.bundle(number, width)
        for one in sealed:
            leaves.append(one.leaf)
            bodies.append(one.body)
            if len(leaves) == WIDTH:
                self._write_bundle(number, leaves, bodies)
                number, leaves, bodies = number + 1, [], []
        if leaves:
            self._write_bundle(number, leaves, bodies)

    def _write_bundle(self, number: int, leaves: list[bytes], bodies: list[bytes]) -> None:
        path = tiles.entry_bundle(self.path, number, len(leaves))
        self._write(path, tiles.pack_bundle(leaves))
        body = self.bodies / tiles.numbered(number, len(bodies))
        self._write(body, b"\n".join([*bodies, b""]), mode=0o440)

    def _write(self, path: Path, data: bytes, mode: int = 0o444) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, data, mode, sync=False)

    def can_sign(self, size: int) -> bool:
        """Say whether the keys that sign the checkpoint of that size are here."""
        era = self.eras.at(size)
        signer, second = self._keys.signers(era)
        return signer is not None and (era.second is None or second is not None)

    def _publish(self, head: Checkpoint) -> None:
        """Sign and publish `head` unless the log has already gone past it."""
        path = self.path / "checkpoint"
        with self._locked("publishing", wait=60.0, insist=True):
            # A writer that slept here must not put an old checkpoint over a newer one.
            if head.size and self.head().size >= head.size:
                return
            # Nor sign with a key that ended while it slept.
            durable.replace(path, self.sign(head).encode())

    def sign(self, head: Checkpoint) -> str:
        """Return `head` as a signed note, by the keys of the era that its size is of.

        Raises:
            IntegrityError: they are not here.
        """
        era = self.eras.at(head.size)
        signer, second = self._keys.signers(era)
        if signer is None or (era.second is not None and second is None):
            raise IntegrityError("the log's key is not here, so its checkpoint can't be signed")
        text = Checkpoint(era.origin, head.size, head.root).text()
        signed = signer.sign_note(text)
        if era.second is not None and second is not None:
            signed += f"{second.cosign(text, clock.now() // 1_000_000)}\n"
        return signed

    def turn(self) -> AbstractContextManager[None]:
        """Wait for this writer's turn, so that writers queue instead of losing each other's race.

        A courtesy, not the safety: whoever waits longer than `TURN` goes on without.
        """
        return self._locked("turn", wait=TURN, insist=False)

    def _locked(self, name: str, *, wait: float, insist: bool) -> AbstractContextManager[None]:
        return locked(self.path / name, wait=wait, insist=insist)
