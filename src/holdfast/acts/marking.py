"""Acts that ask which files are on which list, and what matches which YARA or Sigma rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.acts import restricting
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import NOT_EXAMINED, answer, digests, source
from holdfast.acts.examining import by_item
from holdfast.core import clock
from holdfast.core.errors import InputError
from holdfast.examine import marks as found
from holdfast.examine import timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json


@dataclass(frozen=True)
class Marks:
    """Which marks: by kinds of lists, of items."""

    case: str
    kinds: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": list(self.items), "kinds": list(self.kinds)}


@act("marks", Needs.AUTHORITY, reads=True)
def marks(session: Session, request: Marks) -> Iterator[bytes]:
    """Yield a line for each file and each list that it is on.

    Raises:
        InputError: the case was not examined yet.
    """
    held = by_item(session, request.case)
    index = session.vault.index(request.case)
    if not (index / found.FOLDER).is_dir():
        raise InputError(f"case {request.case} has no marks yet", NOT_EXAMINED)
    wanted = digests(held, request.items)
    rows = (
        _mark(held, row)
        for row in found.read(index, request.kinds)
        if row["item"] in (held if wanted is None else wanted)
    )
    return answer(session, "marks", request, rows)


def _mark(held: dict[str, Exhibit], row: dict[str, str]) -> dict[str, Any]:
    return {
        **source(held, row["item"], row["path"]),
        "algorithm": row["algorithm"],
        "digest": row["digest"],
        "kind": row["set_kind"],
        "list": row["set_name"],
        "set": row["set"],
        "sha256": row["sha256"],
    }


@dataclass(frozen=True)
class Matches:
    """Which matches of YARA rules: of rules by name, of items."""

    case: str
    rules: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": list(self.items), "rules": list(self.rules)}


@act("matches", Needs.AUTHORITY, reads=True)
def matches(session: Session, request: Matches) -> Iterator[bytes]:
    """Yield a line for each file and each rule that it matches."""
    held = by_item(session, request.case)
    wanted = digests(held, request.items) or list(held)
    rows = (
        _match(held, row)
        for row in timeline.records(session.vault.derived, wanted, kind="yara.match")
        if not request.rules or row["rule"] in request.rules
    )
    return answer(session, "matches", request, rows)


def _match(held: dict[str, Exhibit], row: dict[str, Any]) -> dict[str, Any]:
    return {
        **source(held, row["item"], row["path"]),
        "length": row["length"],
        "meta": row["rule_meta"],
        "namespace": row["namespace"],
        "offset": row["offset"],
        "rule": row["rule"],
        "rules_sha256": row["rules_sha256"],
        "strings": row["strings"],
        "strings_found": row["strings_found"],
        "tags": row["rule_tags"],
    }


@dataclass(frozen=True)
class Hits:
    """Which hits of Sigma rules: of rules by id, of at least one of some levels, of items."""

    case: str
    rules: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": [*self.items], "levels": [*self.levels], "rules": [*self.rules]}


@act("hits", Needs.AUTHORITY, reads=True)
def hits(session: Session, request: Hits) -> Iterator[bytes]:
    """Yield a line for each record and each Sigma rule that it fits, by item, as they stand there.

    Times are as recorded: the timeline has those that were corrected.
    """
    held = by_item(session, request.case)
    wanted = digests(held, request.items) or list(held)
    hides = restricting.hidden(session, request.case)
    rows = (
        _hit(held, row, hidden=hides(*(str(row[name]) for name in ("item", "path", "cited_kind"))))
        for row in timeline.records(session.vault.derived, wanted, kind="sigma.hit")
        if (not request.rules or row["rule_id"] in request.rules)
        and (not request.levels or row["rule_level"] in request.levels)
    )
    return answer(session, "hits", request, rows)


def _hit(held: dict[str, Exhibit], row: dict[str, Any], *, hidden: bool) -> dict[str, Any]:
    return {
        **source(held, row["item"], row["path"]),
        "kind": row["cited_kind"],
        "length": row["length"],
        "level": row["rule_level"],
        "message": restricting.WITHHELD if hidden else row["message"],
        "offset": row["offset"],
        "parser": row["cited_parser"],
        "parser_version": row["cited_parser_version"],
        "row": row["row"],
        "rule": row["rule_id"],
        "rule_modified": row["rule_modified"] or row["rule_date"],
        "rule_sha256": row["rule_sha256"],
        "seq": row["cited_seq"],
        "status": row["rule_status"],
        "tags": row["rule_tags"],
        "time": None if row["time"] is None else clock.to_text(row["time"]),
        "title": row["rule_title"],
    }
