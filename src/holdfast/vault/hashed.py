"""Hash a store's objects: files by small programs, others by what their store says."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from holdfast.vault.hashing import Hashing
from holdfast.vault.stores.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.vault.store import HashTask
    from holdfast.vault.vault import Vault


def hash_objects(vault: Vault, jobs: int, early: Hashing | None = None) -> Hashing | Remote:
    """Start hashing the objects, wherever they lie; `early`, if it hashes just these, goes on."""
    tasks = vault.store.hashing()
    if tasks is not None:
        return Remote(tasks, jobs)
    assert isinstance(vault.store, LocalStore)  # noqa: S101 - files are hashed where they lie
    root = str(vault.store.root / "objects")
    return early if early is not None and early.root == root else Hashing(root, jobs)


class Remote:
    """What `Hashing` is for files, for a store that says itself how it is hashed."""

    def __init__(self, tasks: list[HashTask], jobs: int) -> None:
        """Start on `tasks` with `jobs` processes."""
        self.count = len(tasks)
        """Parts to be hashed."""
        # Each starts with the environment as it is now: the store's credentials are in it.
        self._pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
        self._parts = [self._pool.submit(task) for task in tasks]

    def __enter__(self) -> Remote:
        """Give the processes, which end with the block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End them: a store that is away is asked no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def problems(self, tell: Callable[[int], None]) -> list[str]:
        """Wait until all is hashed; return a line for each object that is wrong.

        Raises:
            RemoteError: the store does not answer.
        """
        found = []
        for done, part in enumerate(self._parts, 1):
            found += part.result()
            tell(done)
        return found
