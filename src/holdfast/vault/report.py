"""What a verification found, and how much it is worth: the assurance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.stamps import Timing
    from holdfast.vault.witnessing import Witnessed


@dataclass
class Report:
    """What a verification found."""

    head: Checkpoint | None = None
    problems: list[str] = field(default_factory=list)
    """What is wrong: any of them makes the vault not intact."""
    incomplete: list[str] = field(default_factory=list)
    """What a crash cut short; nothing that was promised is lost."""
    erased: list[str] = field(default_factory=list)
    """What orders took out, a line for each: no fault, and said."""
    marked: list[str] = field(default_factory=list)
    """What somebody should look into, and is no proof that anything is wrong."""
    objects: int = 0
    unsigned: int = 0
    """Acts that no signature covers: 'actor unsigned'."""
    signed: int = 0
    store: dict[str, Json] = field(default_factory=dict)
    """Where the log says that objects lie, and what that store was seen to do; empty: here."""
    witnessed: Witnessed | None = None
    """Who cosigned the log, up to where; None where witnesses were never set."""
    require: tuple[str, ...] = ()
    """What the policy in entry 0 demands."""
    timing: Timing | None = None
    """What the time authorities' stamps come to; None where they could not be judged."""

    @property
    def missing(self) -> list[str]:
        """What the policy demands and is not there."""
        have = {
            "signed": self.unsigned == 0,
            "timed": self.timing is not None and self.timing.timed,
            "witnessed": self._is_witnessed,
        }
        return [demand for demand in self.require if not have.get(demand)]

    @property
    def _is_witnessed(self) -> bool:
        return self.witnessed is not None and self.witnessed.met

    @property
    def intact(self) -> bool:
        """Whether everything is as it was written and the policy is met."""
        return not self.problems and not self.missing

    @property
    def place(self) -> str:
        """Where objects lie, and what keeps them there: as people read it."""
        address = str(self.store.get("address", ""))
        if not address:
            return "in the vault's folder; not locked against this account"
        promises = self.store.get("promises")
        seen = promises if isinstance(promises, dict) else {}
        lock = "each object locked (COMPLIANCE)" if seen.get("lock") else "not locked"
        create = "" if seen.get("create") else "; a taken name is given again, as a newer version"
        return f"{address}; {lock}{create}"

    def as_json(self) -> dict[str, Json]:
        """Return what `verify --json` prints."""
        head: Json = None
        if self.head is not None:
            root = self.head.root.hex()
            head = {"origin": self.head.origin, "root": root, "size": self.head.size}
        assurance: dict[str, Json] = {
            "actors": "signed" if not self.unsigned else f"{self.unsigned} acts unsigned",
            "log_signature": "valid" if self.head is not None else "invalid",
            "origin": "the log's key is this vault's own; give it out of band: `holdfast anchors`",
            "policy": {"met": not self.missing, "missing": list(self.missing)},
            "store": self.place,
            "witnesses": "unwitnessed" if self.witnessed is None else self.witnessed.as_json(),
            "stamps": [one.as_json() for one in self.timing.standings] if self.timing else [],
            "time": "stamped" if self.timing is not None and self.timing.stamped else "untimed",
        }
        return {
            "assurance": assurance,
            "entries_signed": self.signed,
            "entries_unsigned": self.unsigned,
            "erased": list(self.erased),
            "incomplete": list(self.incomplete),
            "intact": self.intact,
            "log": head,
            "marked": list(self.marked),
            "objects": self.objects,
            "problems": list(self.problems),
        }
