"""The open vaults of a serving process: each is at work for one request at a time."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from holdfast.acts import publishing
from holdfast.acts.act import Session, silent
from holdfast.core.errors import HoldfastError
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from holdfast.acts.act import Progress
    from holdfast.serving.people import Person

PAUSE = 2.0
"""Seconds that entries are gathered for, before witnesses and authorities are told of them."""


class Desk:
    """Gives sessions on one vault to the threads of a server.

    An open vault is not made for two threads at once. As many are opened as there are requests
    under way together, and they stay open.
    """

    def __init__(self, root: Path, warn: Callable[[str], None]) -> None:
        self.root = root
        self._warn = warn
        self._free: SimpleQueue[Vault] = SimpleQueue()
        self._entered = threading.Event()
        self._closing = threading.Event()
        self._teller = threading.Thread(target=self._tell, name="publisher", daemon=True)

    def start(self, operator: str) -> None:
        """Finish what a crash left, then begin to publish what is entered.

        Raises:
            HoldfastError: there is no vault, or it is not as it was left.
        """
        vault = self._take()
        for run in Session(vault, operator).recover():
            self._warn(f"the collection {run} was cut short; repeat it to complete it")
        self._free.put(vault)
        self._operator = operator
        self._teller.start()

    def close(self) -> None:
        """Publish no more, and close the databases."""
        self._closing.set()
        self._entered.set()
        if self._teller.is_alive():
            self._teller.join(PAUSE + publishing.QUICKLY)
        while True:
            try:
                self._free.get_nowait().engine.dispose()
            except Empty:
                return

    @contextmanager
    def session(self, person: Person, progress: Progress = silent) -> Iterator[Session]:
        """Give one thread a session of `person`."""
        with self.vault() as vault:
            session = Session(
                vault,
                person.name,
                progress=progress,
                signer=person.signer,
                served=person.served,
                limits=person.limits,
            )
            try:
                yield session
            finally:
                if "custody" in vars(session):
                    for warning in session.custody.warnings:
                        self._warn(warning)
                    if session.custody.appended:
                        self._entered.set()

    @contextmanager
    def vault(self) -> Iterator[Vault]:
        """Give one thread an open vault."""
        vault = self._take()
        try:
            yield vault
        finally:
            self._free.put(vault)

    def _take(self) -> Vault:
        try:
            return self._free.get_nowait()
        except Empty:
            return Vault.open(self.root)

    def _tell(self) -> None:
        """Tell witnesses and time authorities of new entries, until closed."""
        while self._entered.wait() and not self._closing.wait(PAUSE):
            self._entered.clear()
            vault = self._take()
            try:
                said = publishing.publish(Session(vault, self._operator), publishing.QUICKLY)
                for told in said.results:
                    for line in (*told.alarms, *told.failed):
                        self._warn(f"{line}; `holdfast log publish` tries again")
            except HoldfastError as error:
                self._warn(f"the log was not published: {error}; `holdfast log publish` tries")
            finally:
                self._free.put(vault)
