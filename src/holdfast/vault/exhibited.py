"""Exhibits as things, what may be privileged, who looked at what: three parts of the projection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.vault import exposures, quarantines, seized

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.vault.entry import Entry

TABLES = (*seized.TABLES, *quarantines.TABLES, *exposures.TABLES)


class Exhibited(seized.Seized, quarantines.Quarantines, exposures.Exposures):
    """Folds what is said of exhibits beyond their collection."""


FOLDS: dict[str, Callable[[Any, Entry, dict[str, Any]], None]] = {
    **seized.FOLDS,
    **quarantines.FOLDS,
    **exposures.FOLDS,
}
