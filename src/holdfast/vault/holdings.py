"""Compare what a store holds with what the log says was stored."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from holdfast.vault import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Engine

    from holdfast.vault.report import Report
    from holdfast.vault.since import Since
    from holdfast.vault.vault import Vault


class Holdings:
    """One comparison, at one head of the log."""

    def __init__(
        self, vault: Vault, since: Since, report: Report, destroyed: Mapping[str, int]
    ) -> None:
        """Take what lies staged as it is now; `destroyed` says by which entry an object went."""
        self._vault = vault
        self._since = since
        self._report = report
        self._destroyed = destroyed
        self._staged = {name for _, names in vault.store.abandoned() for name in names}

    def compare(self, fresh: Engine, kept: Callable[[str, int], None]) -> None:
        """Compare the store's names with what the log says was stored.

        `kept` hears of an object that is there though an order, by its entry, destroyed it.
        """
        held = tables.exhibits
        query = select(held.c.object, func.min(held.c.entry)).group_by(held.c.object)
        query = query.where(held.c.erased.is_(None)).order_by(held.c.object)
        extra: list[str] = []
        with fresh.connect() as connection:
            rows = iter(connection.execution_options(yield_per=1000).execute(query))
            wanted = ((str(digest), int(entry)) for digest, entry in rows)
            present = iter(self._vault.store.digests())
            want, have = next(wanted, None), next(present, None)
            while want is not None or have is not None:
                if want is not None and want[0] == have:
                    self._report.objects += 1
                    want, have = next(wanted, None), next(present, None)
                elif want is not None and (have is None or want[0] < have):
                    self._lost(*want)
                    want = next(wanted, None)
                else:
                    extra.append(str(have))
                    have = next(present, None)
        added = self._since.stored() if extra else set()
        for digest in extra:
            if digest in self._destroyed:
                kept(f"the object {digest}", self._destroyed[digest])
            elif digest not in added:
                self._report.problems.append(
                    f"the object {digest} lies in the vault and no entry speaks of it"
                )

    @cached_property
    def _on_its_way(self) -> set[str]:
        return self._vault.store.staged()

    def _lost(self, digest: str, entry: int) -> None:
        if digest in self._staged:
            self._report.incomplete.append(
                f"the object {digest} is entered and staged, not yet in its place; any command "
                "that works in the vault puts it there"
            )
            return
        # In this order: a collection that ended just now has put its objects in their places. That
        # its folder is there is not enough: anyone can make a folder.
        at_work = digest in self._on_its_way
        if self._vault.store.size(digest) is not None:
            self._report.objects += 1
        elif at_work:
            self._report.incomplete.append(
                f"the object {digest} of entry {entry} lies in the intake of a collection at work, "
                "not yet in its place; verify again when it has ended"
            )
        elif self._since.destroyed(digest):
            self._report.incomplete.append(
                f"the object {digest} of entry {entry} was erased by order while this was checked"
            )
        else:
            self._report.problems.append(f"the object {digest} is missing from the vault")
