"""The act of grouping a case's texts and pictures: what is nearly the same is one campaign.

Of each group is told what its members share, and between which times they lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from holdfast.acts import restricting, sharing, veiling
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.asking import answer, digests, source
from holdfast.acts.examining import by_item
from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.examine import campaigns as groups
from holdfast.examine import timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.cases.exhibits import Exhibit
    from holdfast.core.canonical import Json
    from holdfast.examine.campaigns import Grouped

KINDS = ("picture", "text")
_SHOWN = 200
_MAIL = "mail.message"


@dataclass(frozen=True)
class Campaigns:
    """Groups of what, of which items."""

    case: str
    kinds: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"items": list(self.items), "kinds": list(self.kinds)}


@act("campaigns", Needs.AUTHORITY, reads=True)
def campaigns(session: Session, request: Campaigns) -> Iterator[bytes]:
    """Yield a line for each group of two and more, the largest first; every member is cited."""
    held = by_item(session, request.case)
    wanted = sorted(digests(held, request.items) or held)
    hides = restricting.hidden(session, request.case)
    found: list[dict[str, Any]] = []
    for kind in request.kinds or KINDS:
        members, prints = _prints(session, wanted, kind)
        grouped, threshold = _grouped(prints, kind)
        for rows in grouped.groups:
            cited = _whole([_member(held, members[row], hides) for row in rows])
            if len(cited) > 1:
                found.append(_group(kind, cited, threshold))
    # What may be privileged is left out before it is told what the others share.
    found = list(veiling.veil(session, request.case).shown("campaigns", found))
    sharing.shared(session, found)
    found.sort(key=lambda group: (-group["size"], group["kind"], group["campaign"]))
    return answer(session, "campaigns", request, found)


def _prints(session: Session, items: list[str], kind: str) -> tuple[list[dict[str, Any]], bytes]:
    """Return the records that have fingerprints, and these one after the other."""
    members: list[dict[str, Any]] = []
    prints = bytearray()
    rows = timeline.records(session.vault.derived, items, kind=f"similar.{kind}")
    for row in rows:
        if kind == "picture" and int(str(row["quality"])) < groups.QUALITY:
            continue
        prints += bytes.fromhex(str(row.pop("fingerprint")))
        members.append(row)
    return members, bytes(prints)


def _grouped(prints: bytes, kind: str) -> tuple[Grouped, str]:
    if kind == "text":
        texts = np.frombuffer(prints, ">u4").astype(np.uint32).reshape(-1, groups.VALUES)
        return groups.texts(texts), f"{groups.TEXT_THRESHOLD:.0%} of the fingerprint agrees"
    pictures = np.frombuffer(prints, np.uint8).reshape(-1, 32)
    return groups.pictures(pictures), f"at most {groups.PICTURE_THRESHOLD} of 256 bits differ"


def _member(
    held: dict[str, Exhibit], row: dict[str, Any], hides: Callable[[str, str, str], bool]
) -> dict[str, Any]:
    item, inside, kind = row["item"], row["path"], row.get("cited_kind") or row["kind"]
    hidden = hides(item, inside, kind)
    return {
        **source(held, item, inside),
        "hidden": hidden,
        "kind": kind,
        "length": row["length"],
        "message": restricting.WITHHELD if hidden else row["message"][:_SHOWN],
        "offset": row["offset"],
        "parser": row.get("cited_parser") or row["parser"],
        "parser_version": row.get("cited_parser_version") or row["parser_version"],
        "row": row["row"],
        "seq": row["seq"] if row.get("cited_seq") is None else row["cited_seq"],
        "time": None,
    }


def _whole(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the parts of mails that are members themselves: their text is the mail's."""
    mails = {(one["item"], one["inside"]) for one in members if one["kind"] == _MAIL}

    def within(one: dict[str, Any]) -> bool:
        names = one["inside"].split("/")
        outer = {(one["item"], "/".join(names[:depth])) for depth in range(len(names))}
        return one["kind"] != _MAIL and bool(outer & mails)

    return [one for one in members if not within(one)]


def _group(kind: str, members: list[dict[str, Any]], threshold: str) -> dict[str, Any]:
    def reference(one: dict[str, Any]) -> tuple[str, str, str, int]:
        return one["item"], one["inside"], one["parser"], one["seq"]

    members.sort(key=reference)
    named: list[Json] = [[*reference(one)] for one in members]
    return {
        "campaign": sha256_hex(canonical.dumps(named))[:16],
        "kind": kind,
        "members": members,
        "size": len(members),
        "threshold": threshold,
    }
