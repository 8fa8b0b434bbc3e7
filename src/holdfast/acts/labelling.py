"""The label of an exhibit: what is stuck on it, with a QR code that any telephone reads as text.

It says what the exhibit is and which entry began its chain, so that who has the log can look it up;
it proves nothing by itself. The code's text is in docs/formats/exhibits.md.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import segno

from holdfast.acts import chains
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from holdfast.acts.act import Session

_MOST = 300
"""Letters of the code's text; more of them make a code that a telephone can't read from paper."""


@dataclass(frozen=True)
class Label:
    """What a label says."""

    case: str
    title: str
    exhibit: str
    what: str
    """Of a thing, what was seized; of an item, the name of its file."""
    time: str
    """When it was seized or collected: RFC 3339."""
    by: str
    seals: tuple[str, ...]
    item: str
    """SHA-256 of an item; empty for a thing."""
    entry: int
    """The one that began its chain."""
    log: str
    """The log's origin."""

    @property
    def text(self) -> str:
        """What the code says: a line each, of name and value."""
        lines = {
            "exhibit": self.exhibit,
            "case": self.case,
            "entry": str(self.entry),
            "log": self.log,
            "sha256": self.item,
        }
        return "".join(f"{name}: {value}\n" for name, value in lines.items() if value)

    def code(self) -> bytes:
        """Return the code as SVG.

        Raises:
            InputError: it would be too dense to be read from paper.
        """
        if len(self.text) > _MOST:
            raise InputError(
                f"a code of {len(self.text)} letters can't be read from paper",
                "give the exhibit a shorter number: `holdfast exhibit number`",
            )
        out = io.BytesIO()
        segno.make(self.text, error="m", micro=False).save(
            out, kind="svg", border=4, omitsize=True, title=f"{self.exhibit}, {self.case}"
        )
        return out.getvalue()


def label(session: Session, request: chains.OneExhibit) -> Label:
    """Return the label of a physical exhibit or an item.

    Raises:
        InputError: the case has no such exhibit.
    """
    chain = chains.chain(session, request)
    log = session.vault.verifier.name
    if chain.shown is not None:
        one = chain.shown
        return Label(
            *(chain.case, chain.title, chain.exhibit, one.what, one.taken, one.by),
            *(tuple(one.thing.seals), "", one.thing.entry, log),
        )
    item = chain.item
    assert item is not None  # noqa: S101 - a chain is of one or of the other
    by = next((link.actor for link in chain.links if link.entry == item.entry), "")
    name = item.path.rpartition("/")[2]
    return Label(
        *(chain.case, chain.title, chain.exhibit, name, item.collected, by),
        *((), item.item, item.entry, log),
    )
