"""Renew stamps before their certificates or their digest lose their worth: RFC 4998."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.acts import stamping
from holdfast.acts.act import Needs, Session, act
from holdfast.acts.authorities import authorities
from holdfast.core import clock, durable
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError, IntegrityError, RemoteError
from holdfast.vault import course, stamp_proof, token, tsa
from holdfast.vault.entry import Draft
from holdfast.vault.evidence import ArchiveTimeStamp, Record, grown
from holdfast.vault.stamp_files import StampFiles

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.vault.authorities import Authority
    from holdfast.vault.stamp_files import Stamped


@dataclass(frozen=True)
class Renew:
    """Which stamps to renew: those that lose their worth before a time, or all with a digest."""

    before: int
    """Microseconds since the epoch."""
    digest: str = ""
    """A digest that all records are to end with; empty to keep each its own."""
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"before": clock.to_text(self.before), "digest": self.digest or None}


@dataclass(frozen=True)
class Renewal:
    """What became of one authority's stamps."""

    authority: str
    renewed: int = 0
    expires: int | None = None
    """Until when the renewed stamps are worth something now."""
    failed: tuple[str, ...] = ()
    """What could not be renewed, and why."""

    def as_json(self) -> dict[str, Json]:
        """Return it as `log renew --json` prints it."""
        return {
            "authority": self.authority,
            "expires": None if self.expires is None else clock.to_text(self.expires),
            "failed": list(self.failed),
            "renewed": self.renewed,
        }


@dataclass(frozen=True)
class _Due:
    """A stamp to be renewed: its record so far, and the digest that the renewal has to cover."""

    stamped: Stamped
    record: Record
    leaf: bytes
    digest: str
    expires: int

    def with_stamp(self, new: ArchiveTimeStamp) -> Record:
        """Return the record with the stamp that covers `leaf`."""
        same = self.digest == self.record.digest
        return self.record.renewed(new) if same else self.record.rehashed(new)


@act("log.renew", Needs.NOTHING)
def renew(session: Session, request: Renew) -> list[Renewal]:
    """Renew each authority's stamps that are due, all of them with one new stamp.

    Raises:
        InputError: no authority is set, or a digest that no stamp may be over.
    """
    if request.digest and request.digest not in token.DIGESTS:
        raise InputError(
            f"{request.digest!r} is no digest for stamps", f"choose from {', '.join(token.DIGESTS)}"
        )
    found = authorities(session)
    if not found:
        raise InputError(
            "no time authority is set for this log", "set one: `holdfast log authorities FILE.toml`"
        )
    with durable.disk_errors(session.vault.log.path):
        return [_renewed(session, request, one) for one in found]


def _renewed(session: Session, request: Renew, authority: Authority) -> Renewal:
    files = StampFiles(session.vault.log.path)
    failed: list[str] = []
    groups: dict[str, list[_Due]] = defaultdict(list)
    for size in files.sizes():
        stamped = files.read(size, authority.name)
        try:
            due = None if stamped is None else _due(stamped, authority, request)
        except IntegrityError as error:
            failed.append(f"the stamp on {size} entries: {error.what}")
            continue
        if due is not None:
            groups[due.digest].append(due)
    renewed: list[tuple[int, int]] = []
    for group in groups.values():
        try:
            renewed.append(_renew_group(session, files, authority, group))
        except (RemoteError, IntegrityError) as error:
            failed.append(f"{len(group)} stamps: {error.what}")
    return Renewal(
        authority.name,
        sum(count for count, _ in renewed),
        min((expires for _, expires in renewed), default=None),
        tuple(failed),
    )


def _due(stamped: Stamped, authority: Authority, request: Renew) -> _Due | None:
    """Return what has to be renewed of a stamp; None where it is not due.

    Raises:
        IntegrityError: it is not good, or its certificate has ended, so that renewing it would
            give worth to what may have been forged since.
    """
    first, last = stamp_proof.proven(stamped, authority)
    if stamped.record is None:
        record = Record.of(first.content, first.digest)
    else:
        record = Record.parse(stamped.record)
    digest = request.digest or record.digest
    if last.expires >= request.before and digest == record.digest:
        return None
    if last.expires < clock.now():
        raise IntegrityError(
            f"its certificate ended at {clock.to_text(last.expires)}: too late to renew it"
        )
    if digest == record.digest:
        return _Due(stamped, record, record.renewing(), digest, last.expires)
    leaf = record.rehashing(stamped.text or b"", digest)
    return _Due(stamped, record, leaf, digest, last.expires)


def _renew_group(
    session: Session, files: StampFiles, authority: Authority, group: list[_Due]
) -> tuple[int, int]:
    """Have one stamp made over all of `group`, write their records, enter it.

    Returns:
        How many it renewed, and when it loses its worth itself.

    Raises:
        RemoteError: the authority did not do its part.
        IntegrityError: its answer is no good stamp.
    """
    digest = group[0].digest
    root, trees = grown([one.leaf for one in group], digest)
    query = token.request(root, digest, stamping.nonce(), authority.policy)
    made = token.answered(query, tsa.ask(authority.url, query), root, authority)
    # Another digest is worth a stamp by itself; the same one only if it lasts longer.
    gain = [
        (one, tree)
        for one, tree in zip(group, trees, strict=True)
        if digest != one.record.digest or made.expires > one.expires
    ]
    if not gain:
        raise RemoteError(
            f"{authority.name} still stamps with a certificate that ends at "
            f"{clock.to_text(made.expires)}; renew when it has a new one, or set another authority"
        )
    for one, tree in gain:
        record = one.with_stamp(ArchiveTimeStamp(digest, tree, made.content))
        files.keep_record(one.stamped.size, authority.name, record.encoded())
    facts: dict[str, Json] = {
        "authority": authority.name,
        "count": len(gain),
        "token": sha256_hex(made.content),
    }
    session.custody.enter(Draft(course.RENEW, None, {"renewed": [facts]}))
    return len(gain), made.expires
