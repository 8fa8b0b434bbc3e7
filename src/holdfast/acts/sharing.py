"""What the members of a campaign have in common: senders, hosts, where forms send, and when.

Taken of the records of each member's own file (of a letter: its own bytes in the mailbox). What
fewer than two members have is not shared, and not told.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from holdfast.core import clock
from holdfast.examine import timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.act import Session
    from holdfast.core.canonical import Json

MOST = 20
"""Values of one sort that a group tells."""
_MAIL = "mail.message"
_FORM = "form: "
_HOSTS = ("domain", "ipv4", "ipv6")

Place = tuple[str, str]
"""Item, and path inside it."""


def shared(session: Session, groups: list[dict[str, Any]]) -> None:
    """Add `shared` and `span` to each group; of its members `length` and `hidden` are taken.

    A member whose text may not be shown counts, and adds nothing to what is told.
    """
    told = [one for group in groups for one in group["members"] if not one["hidden"]]
    by_place: dict[Place, list[dict[str, Any]]] = defaultdict(list)
    for one in told:
        one["said"] = defaultdict(set)
        by_place[one["item"], one["inside"]].append(one)
    items = sorted({item for item, _ in by_place})
    for row in timeline.records(session.vault.derived, items, kind=_MAIL):
        for one in by_place.get(_place(row), ()):
            if (one["kind"], one["parser"], one["seq"]) == (_MAIL, row["parser"], row["seq"]):
                one["time"] = row["time"]
                if row.get("from_"):
                    one["said"]["senders"].add(str(row["from_"]).strip().lower())
    for what, place, at, value in _said(session, items):
        for one in by_place.get(place, ()):
            if at is None or one["offset"] is None or _within(one, at):
                one["said"][what].add(value)
    for group in groups:
        members = group["members"]
        group["shared"] = {
            what: _common([one["said"][what] for one in members if not one["hidden"]])
            for what in ("senders", "hosts", "forms")
        }
        times = [one["time"] for one in members if one["time"] is not None]
        group["span"] = [clock.to_text(min(times)), clock.to_text(max(times))] if times else None
        for one in members:
            for name in ("hidden", "length", "said"):
                one.pop(name, None)
            one["time"] = None if one["time"] is None else clock.to_text(one["time"])


def _within(one: dict[str, Any], at: int) -> bool:
    """Say whether byte `at` of a file is a member's own: of a mailbox, only its letter's are."""
    if one["kind"] != _MAIL:
        return True
    return bool(one["offset"] <= at < one["offset"] + (one["length"] or 0))


def _common(said: list[set[str]]) -> list[Json]:
    """Return [value, members that have it], the most common first."""
    count: dict[str, int] = defaultdict(int)
    for values in said:
        for value in values:
            count[value] += 1
    both = sorted((-many, value) for value, many in count.items() if many > 1)
    return [[value, -many] for many, value in both[:MOST]]


def _said(session: Session, wanted: list[str]) -> Iterator[tuple[str, Place, int | None, str]]:
    """Yield (which sort, where, the byte it stands at, value) of the items' records."""
    derived = session.vault.derived
    for row in timeline.indicators(derived, wanted, types=_HOSTS, valid_only=True):
        yield "hosts", _place(row), _at(row), str(row["value"])
    for row in timeline.records(derived, wanted, kind="document"):
        for feature in _listed(row.get("features")):
            if feature.startswith(_FORM):
                yield "forms", _place(row), None, feature.removeprefix(_FORM)
    for row in timeline.records(derived, wanted, kind="web.form"):
        if row.get("action"):
            yield "forms", _place(row), None, str(row["action"])


def _place(row: dict[str, object]) -> Place:
    return str(row["item"]), str(row["path"] or "")


def _at(row: dict[str, object]) -> int | None:
    at = row.get("offset")
    return at if isinstance(at, int) else None


def _listed(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []
