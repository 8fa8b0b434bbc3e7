"""The suite that every store passes: what goes in comes out, under its own digest, unchanged.

A store's test is a subclass with two methods; pytest runs the rest::

    class TestLocalStore(StoreTests):
        def make(self, root: Path) -> LocalStore:
            store = LocalStore(root)
            store.create()
            return store

        def tamper(self, store: Store, digest: str, data: bytes) -> None:
            path = store.path(digest)
            path.unlink()
            path.write_bytes(data)
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.digest import sha256_hex
from holdfast.core.durable import write_all
from holdfast.core.errors import DeniedError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.vault.store import Intake, Store

ABSENT = sha256_hex(b"nobody stored this")


def writing(data: bytes) -> Callable[[int], str]:
    """Return a writer of `data`, as `Intake.stage` takes it."""

    def write(descriptor: int) -> str:
        write_all(descriptor, data)
        return sha256_hex(data)

    return write


def put(store: Store, run: str, *contents: bytes) -> list[str]:
    """Store `contents` the whole way; return their digests."""
    intake = store.intake(run)
    digests = [intake.stage(writing(one)) for one in contents]
    intake.flush()
    intake.admit(digests)
    intake.close()
    return digests


def destroyed(store: Store, digests: list[str], held: Callable[[list[str]], set[str]]) -> bool:
    """Destroy objects; False where the store has locked one, which it names, and none is gone."""
    before = list(store.digests())
    try:
        store.destroy(digests, held)
    except DeniedError as refusal:
        assert any(one in str(refusal) for one in digests)
        assert "locked until" in str(refusal)
        assert list(store.digests()) == before
        return False
    return True


def content(store: Store, digest: str) -> bytes:
    """Return an object's bytes."""
    with store.open(digest) as stream:
        return stream.read()


def refuses(act: Callable[[], object]) -> str:
    """Return what the IntegrityError says that `act` must raise."""
    try:
        act()
    except IntegrityError as error:
        return str(error)
    raise AssertionError("no IntegrityError was raised")


class StoreTests:
    """The suite; a subclass makes the store and tampers with it, pytest runs the rest."""

    def make(self, root: Path) -> Store:
        """Return a new, empty store that may use the folder `root`."""
        raise NotImplementedError

    def tamper(self, store: Store, digest: str, data: bytes) -> None:
        """Put `data` in the place of an object, as someone would who has the store's disk."""
        raise NotImplementedError

    @contextmanager
    def _store(self) -> Iterator[Store]:
        with tempfile.TemporaryDirectory(prefix="holdfast-store-") as folder:
            yield self.make(Path(folder))

    def test_an_object_is_found_under_the_digest_of_its_bytes(self) -> None:
        """What comes out is what went in: nothing, one byte, and more than one chunk of it."""
        contents = [b"", b"x", os.urandom((2 << 20) + 1)]
        with self._store() as store:
            for digest, data in zip(put(store, "run", *contents), contents, strict=True):
                assert hashlib.sha256(content(store, digest)).hexdigest() == digest
                assert store.size(digest) == len(data)

    def test_what_is_destroyed_is_gone_and_the_rest_stays(self) -> None:
        """Twice does no harm; what is not there is no fault."""
        with self._store() as store:
            gone, stays = put(store, "run", b"gone", b"stays")
            for _ in range(2):
                if not destroyed(store, [gone, ABSENT], lambda _digests: set()):
                    return
                assert store.size(gone) is None
                refuses(lambda: store.open(gone))
                assert list(store.digests()) == [stays]
                assert content(store, stays) == b"stays"

    def test_what_is_held_at_the_last_is_not_destroyed(self) -> None:
        """A collection may enter these very bytes while they are on their way out."""
        with self._store() as store:
            gone, held = put(store, "run", b"gone", b"held")
            if destroyed(store, [gone, held], lambda digests: {held} & set(digests)):
                assert store.size(gone) is None
            assert content(store, held) == b"held"

    def test_what_is_put_back_while_it_is_destroyed_stays(self) -> None:
        """Whoever found the place free has put there what the log has an entry for."""
        with self._store() as store:
            (digest,) = put(store, "run", b"data")

            def collected_meanwhile(_digests: list[str]) -> set[str]:
                put(store, "another", b"data")
                return {digest}

            destroyed(store, [digest], collected_meanwhile)
            assert content(store, digest) == b"data"

    def test_what_was_put_back_without_a_word_of_it_stays(self) -> None:
        """A collection may enter and put these bytes right after `held` was asked."""
        with self._store() as store:
            (digest,) = put(store, "run", b"data")

            def asked_too_early(_digests: list[str]) -> set[str]:
                put(store, "another", b"data")
                return set()

            destroyed(store, [digest], asked_too_early)
            assert content(store, digest) == b"data"

    def test_a_destruction_that_was_cut_short_is_finished_by_the_next(self) -> None:
        """Killed after the objects were to go: whoever comes next asks for these, too."""
        with self._store() as store:
            gone, held = put(store, "run", b"gone", b"held")

            def dies(_digests: list[str]) -> set[str]:
                raise KeyboardInterrupt

            try:
                if not destroyed(store, [gone, held], dies):
                    return
            except KeyboardInterrupt:
                pass
            store.destroy([], lambda digests: {held} & set(digests))
            assert list(store.digests()) == [held]
            assert content(store, held) == b"held"

    def test_nothing_is_there_before_it_is_admitted(self) -> None:
        """No effect before the entry: what is staged and durable is still nowhere to be found."""
        with self._store() as store:
            intake = store.intake("run")
            digest = intake.stage(writing(b"data"))
            intake.flush()
            assert store.size(digest) is None
            assert list(store.digests()) == []
            refuses(lambda: store.open(digest))
            intake.admit([digest])
            assert content(store, digest) == b"data"
            intake.close()
            assert content(store, digest) == b"data"

    def test_what_is_missing_is_named(self) -> None:
        """A missing object is the vault's fault, and its digest is in the message."""
        with self._store() as store:
            assert store.size(ABSENT) is None
            assert ABSENT in refuses(lambda: store.open(ABSENT))

    def test_all_names_come_in_order(self) -> None:
        """Verification walks store and log side by side, so both must be sorted."""
        with self._store() as store:
            put(store, "one", *(str(n).encode() for n in range(40)))
            put(store, "two", *(str(n).encode() for n in range(20, 60)))
            wanted = sorted(sha256_hex(str(n).encode()) for n in range(60))
            assert list(store.digests()) == wanted

    def test_the_same_bytes_twice_are_one_object(self) -> None:
        """In one group, in the next group, in the next run."""
        with self._store() as store:
            intake = store.intake("run")
            for _ in range(3):
                digests = [intake.stage(writing(data)) for data in (b"same", b"same", b"other")]
                intake.flush()
                intake.compare(digests[0])
                intake.admit(sorted(set(digests)))
            intake.close()
            put(store, "again", b"same")
            assert len(list(store.digests())) == 2
            assert content(store, sha256_hex(b"same")) == b"same"

    def test_what_is_staged_and_not_admitted_is_dropped(self) -> None:
        """A file that the case holds already is staged for nothing."""
        with self._store() as store:
            intake = store.intake("run")
            kept, dropped = (intake.stage(writing(data)) for data in (b"kept", b"dropped"))
            intake.flush()
            intake.admit([kept])
            intake.close()
            assert list(store.digests()) == [kept]
            assert store.size(dropped) is None

    def test_an_object_is_never_overwritten(self) -> None:
        """An existing object is compared, never overwritten: the altered one stays for `verify`."""
        with self._store() as store:
            (digest,) = put(store, "first", b"original")
            self.tamper(store, digest, b"0riginal")
            intake = store.intake("second")
            intake.stage(writing(b"original"))
            intake.flush()
            assert digest in refuses(lambda: intake.compare(digest))
            assert digest in refuses(lambda: intake.admit([digest]))
            assert content(store, digest) == b"0riginal"
            intake.leave()

    def test_an_object_cut_short_or_grown_differs(self) -> None:
        """A prefix is not the whole, in either direction."""
        for altered in (b"", b"origina", b"original!"):
            with self._store() as store:
                (digest,) = put(store, "first", b"original")
                self.tamper(store, digest, altered)
                intake = store.intake("second")
                intake.stage(writing(b"original"))
                assert digest in refuses(lambda i=intake, d=digest: i.compare(d))  # type: ignore[misc]
                intake.leave()

    def test_a_writer_that_fails_stages_nothing(self) -> None:
        """A full disk in the middle of a file: the error passes, the next file is staged."""
        with self._store() as store:
            intake = store.intake("run")

            def fail(descriptor: int) -> str:
                os.write(descriptor, b"half of")
                raise OSError(28, "No space left on device")

            try:
                intake.stage(fail)
            except OSError as error:
                assert error.errno == 28
            else:
                raise AssertionError("the writer's error was swallowed")
            digest = intake.stage(writing(b"next"))
            intake.flush()
            intake.admit([digest])
            intake.close()
            assert list(store.digests()) == [digest]

    def test_two_intakes_at_once_do_not_disturb_each_other(self) -> None:
        """Two operators collect; both have some files in common; each closes when it likes."""
        with self._store() as store:
            one, two = store.intake("one"), store.intake("two")
            mine = [one.stage(writing(data)) for data in (b"common", b"a")]
            yours = [two.stage(writing(data)) for data in (b"common", b"b")]
            for intake, digests in ((one, mine), (two, yours)):
                intake.flush()
                for digest in digests:
                    intake.compare(digest)
            one.admit(mine)
            one.close()
            two.admit(yours)
            two.close()
            assert set(store.digests()) == {*mine, *yours}
            assert [content(store, digest) for digest in mine] == [b"common", b"a"]

    def test_a_reader_keeps_what_it_opened(self) -> None:
        """An open object stays whole while others are admitted."""
        with self._store() as store:
            (digest,) = put(store, "first", b"a" * 5000)
            with store.open(digest) as stream:
                start = stream.read(1000)
                put(store, "second", b"a" * 5000, b"b")
                assert start + stream.read() == b"a" * 5000

    def test_what_is_set_aside_is_kept_and_its_name_is_free(self) -> None:
        """Damaged bytes are evidence of the damage: a repair keeps them."""
        with self._store() as store:
            digest, _ = put(store, "run", b"original", b"other")
            self.tamper(store, digest, b"0riginal")
            aside = store.set_aside(digest)
            assert aside is not None
            assert aside.read_bytes() == b"0riginal"
            assert store.size(digest) is None
            assert store.set_aside(digest) is None
            assert put(store, "again", b"original") == [digest]
            assert content(store, digest) == b"original"

    def test_names_can_be_asked_for_by_their_start(self) -> None:
        """A scrub walks a part at a time."""
        with self._store() as store:
            put(store, "run", *(str(n).encode() for n in range(40)))
            every = list(store.digests())
            for start in ("", every[7][:1], every[7][:2], every[7][:3], every[7]):
                found = list(store.digests(start))
                assert found == [one for one in every if one.startswith(start)]


def staged(intake: Intake, *contents: bytes) -> list[str]:
    """Stage `contents` durably; return their digests."""
    digests = [intake.stage(writing(one)) for one in contents]
    intake.flush()
    return digests
