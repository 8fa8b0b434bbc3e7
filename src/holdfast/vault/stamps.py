"""Judge stamps: what time they prove for which entries, and what speaks against it.

Nothing here reads a file, a clock or the network: `judge` is given the stamps, what the log's
entries say (`course`), the tree and the time.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import HoldfastError, InputError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from holdfast.core.canonical import Json
    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.course import Course
    from holdfast.vault.revocation import Revoked
    from holdfast.vault.stamp_files import Stamped, Waiting
    from holdfast.vault.token import Token

ALLOWANCE = 300_000_000
"""Microseconds by which a host's clock may differ from an authority's before it is a problem."""
LATE = 86_400_000_000
"""Microseconds after which an entry that no stamp covers breaks the demand `timed`."""


@dataclass(frozen=True)
class Standing:
    """What one of the set authorities proves."""

    authority: str
    size: int | None = None
    """Entries that its newest good stamp covers; None for none."""
    time: int | None = None
    accuracy: int | None = None
    unstamped: int = 0
    """Entries after them."""
    expires: int | None = None
    """When the first of its stamps loses its worth unless it is renewed."""
    expired: int = 0
    """Stamps that were good and whose certificate has ended, without a renewal before."""
    lag: tuple[int, int] | None = None
    """The longest that an entry stood before its first good stamp: microseconds, and the entry. As
    long as that it may have been made later than it says, and no stamp tells."""
    late: str = ""
    """Why the demand `timed` is not met; empty where it is."""
    waiting: Waiting | None = None

    def as_json(self) -> dict[str, Json]:
        """Return it as `verify --json` prints it."""
        return {
            "accuracy_us": self.accuracy,
            "authority": self.authority,
            "expired": self.expired,
            "expires": None if self.expires is None else clock.to_text(self.expires),
            "lag_entry": None if self.lag is None else self.lag[1],
            "lag_us": None if self.lag is None else self.lag[0],
            "late": self.late or None,
            "size": self.size,
            "time": None if self.time is None else clock.to_text(self.time),
            "unstamped": self.unstamped,
            "waiting": None if self.waiting is None else waiting_json(self.waiting),
        }


def waiting_json(one: Waiting) -> dict[str, Json]:
    """Return what an authority owes, as it is printed."""
    return {
        "last": one.last,
        "since": one.since,
        "size": one.size,
        "tries": one.tries,
        "why": one.why,
    }


@dataclass
class Timing:
    """What the stamps of a log come to."""

    standings: list[Standing] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)
    """Stamps that count for nothing, since their authority's key may be in other hands."""

    @property
    def timed(self) -> bool:
        """Whether the demand `timed` is met.

        There is an authority, nothing is wrong with any stamp, and each authority's newest good
        stamp, whose certificate has not ended, leaves no entry uncovered that is older than `LATE`.
        """
        good = not self.problems and bool(self.standings)
        return good and not any(one.late for one in self.standings)

    @property
    def stamped(self) -> bool:
        """Whether any set authority has a good stamp."""
        return any(one.size is not None for one in self.standings)


@dataclass(frozen=True)
class _Good:
    size: int
    first: Token
    last: Token
    held: frozenset[str]
    """SHA-256 of each token in its evidence record; none where there is no record."""


def judge(
    found: Iterable[Stamped],
    course: Course,
    head: Checkpoint,
    past: Callable[[int], Checkpoint],
    *,
    waiting: Iterable[Waiting] = (),
    crls: Callable[[str], Sequence[bytes]] = lambda _name: (),
    now: int,
) -> Timing:
    """Judge every stamp of the log that `head` commits to; `past` gives its checkpoints.

    `crls` gives what was kept of an authority's lists of revoked certificates.
    """
    timing = Timing(problems=list(course.problems))
    good: dict[str, list[_Good]] = {}
    seen: set[tuple[int, str]] = set()
    renewed: Counter[str] = Counter()
    against: dict[int, str] = {}
    doubted: list[tuple[_Good, str, Revoked]] = []
    revoked = _Revocations(course, crls)
    for stamped in found:
        where = stamped.size, stamped.authority
        seen.add(where)
        try:
            one, why = revoked.weigh(_check(stamped, course, head, past), stamped.authority)
        except HoldfastError as error:
            timing.problems.append(f"{_name(*where)}: {error.what}")
            continue
        if stamped.record is not None:
            renewed.update(one.held)
        if why is not None:
            doubted.append((one, stamped.authority, why))
            continue
        good.setdefault(stamped.authority, []).append(one)
        # Every stamp before a backdated entry speaks against it; one of them is enough to hear.
        against.update(_against(one, stamped.authority, course))
        if where not in course.entered:
            timing.incomplete.append(
                f"{_name(*where)} is not entered in the log; `holdfast log stamp` enters it"
            )
    for one, name, why in doubted:
        shown = revoked.shown(one, name, why, good, course)
        if shown:
            good.setdefault(name, []).append(one)
        else:
            timing.marked.append(
                f"{_name(one.size, name)} counts for nothing: its certificate was {why.told}, and "
                "nothing by others shows that it was there before"
            )
    timing.problems += against.values()
    for (size, name), (_, entry) in course.entered.items():
        if (size, name) not in seen:
            timing.problems.append(
                f"{_name(size, name)} is missing: entry {entry} says that it was received"
            )
    for entry, name, new, count in course.renewals:
        if renewed[new] != count:
            timing.problems.append(
                f"of the {count} evidence records that entry {entry} says {name} renewed, "
                f"{renewed[new]} hold that renewal: others are missing or were put back"
            )
    owing = {one.authority: one for one in waiting}
    timing.standings = [
        _standing(name, good.get(name, []), course, head=head, waiting=owing.get(name), now=now)
        for name in course.current
    ]
    return timing


class _Revocations:
    """What kept lists of revoked certificates say against stamps: `revocation` has the rules."""

    def __init__(self, course: Course, crls: Callable[[str], Sequence[bytes]]) -> None:
        self._course = course
        self._kept = crls
        self._read: dict[str, list[Any]] = {}

    def weigh(self, one: _Good, authority: str) -> tuple[_Good, Revoked | None]:
        """Return a stamp without a renewal that is void, and why others must speak for it.

        Raises:
            IntegrityError: it was made when its certificate was revoked already, or a list is
                malformed.
        """
        why = self._find(one.first, authority)
        if why is not None and why.harmless and one.first.time >= why.time:
            raise IntegrityError(f"its certificate was {why.told}, before it stamped this")
        if one.last is not one.first:
            late = self._find(one.last, authority)
            if late is not None and late.voids(one.last.time):
                one = replace(one, last=one.first)
        return one, None if why is None or why.harmless else why

    def shown(
        self, one: _Good, name: str, why: Revoked, good: Mapping[str, list[_Good]], course: Course
    ) -> bool:
        """Say whether others show that a stamp was there before its key was in other hands.

        A renewal by another key, or another authority's stamp on a checkpoint that covers the
        entry which names this one by its digest.
        """
        if one.last is not one.first and one.last.time < why.time:
            return True
        entered = course.entered.get((one.size, name))
        return entered is not None and any(
            other.size > entered[1] and other.first.time < why.time
            for authority, others in good.items()
            if authority != name
            for other in others
        )

    def _find(self, one: Token, authority: str) -> Revoked | None:
        if authority not in self._read:
            kept = self._kept(authority)
            # Loaded where there is such a list.
            from holdfast.vault import revocation  # noqa: PLC0415

            self._read[authority] = revocation.read(kept) if kept else []
        if not self._read[authority]:
            return None
        from cryptography import x509  # noqa: PLC0415 - as above

        from holdfast.vault import revocation  # noqa: PLC0415

        pems = self._course.known[authority].roots
        roots = [x509.load_pem_x509_certificate(each.encode()) for each in pems]
        return revocation.find(one, self._read[authority], roots)


def _name(size: int, authority: str) -> str:
    return f"the stamp of {authority} on the log's first {size} entries"


def _check(
    stamped: Stamped, course: Course, head: Checkpoint, past: Callable[[int], Checkpoint]
) -> _Good:
    """Check a stamp that lies in the folder of a size: the files, the text, the log's word.

    Raises:
        IntegrityError: what is wrong with it.
    """
    authority = course.known.get(stamped.authority)
    if authority is None:
        raise IntegrityError("no setting of the log ever named that authority")
    if stamped.size > head.size:
        raise IntegrityError(f"the log has only {head.size} entries: it was cut")
    if stamped.text != past(stamped.size).text().encode():
        raise IntegrityError("what it stamps is not a checkpoint of this log's history")
    said = course.entered.get((stamped.size, stamped.authority))
    if said is not None and said[0] != sha256_hex(stamped.response):
        raise IntegrityError(f"it is not the answer that entry {said[1]} says was received")
    # Loaded where there is a stamp to read: it takes longer than to verify a small vault.
    from holdfast.vault.stamp_proof import held, proven  # noqa: PLC0415

    return _Good(stamped.size, *proven(stamped, authority), held=held(stamped))


def _against(one: _Good, authority: str, course: Course) -> dict[int, str]:
    """Return what entries' own times say against a stamp, or it against them, by entry."""
    time, margin = one.first.time, one.first.accuracy + ALLOWANCE
    stamped_at = clock.to_text(time)
    told = {}
    before, after = course.before(one.size), course.after(one.size)
    if before is not None and not _at_most(before[0], time + margin):
        told[before[1]] = (
            f"entry {before[1]} says it is of {before[0]}, but {authority} stamped it at "
            f"{stamped_at} already: the host's clock was ahead, or the stamp's time is false"
        )
    if after is not None and _at_most(after[0], time - margin):
        told[after[1]] = (
            f"entry {after[1]} says it is of {after[0]}, but it follows what {authority} "
            f"stamped at {stamped_at}: it was backdated, or the host's clock was behind"
        )
    return told


def _at_most(text: str, time: int) -> bool:
    """Say whether an entry's time is at most `time`; one that can't be read is beyond all."""
    try:
        return clock.from_text(text) <= time
    except InputError:
        return False


def _standing(
    name: str,
    good: list[_Good],
    course: Course,
    *,
    head: Checkpoint,
    waiting: Waiting | None,
    now: int,
) -> Standing:
    worth = [one for one in good if one.last.expires >= now]
    newest = max(worth or good, key=lambda one: one.size, default=None)
    if newest is None:
        return Standing(
            name, unstamped=head.size, late=f"{name} has stamped nothing", waiting=waiting
        )
    late = ""
    owed = course.owed(newest.size)
    if not worth:
        late = f"the certificates of {name}'s stamps have ended, and nothing renewed them before"
    elif owed is not None and (not owed[0] or _at_most(owed[0], now - LATE)):
        late = f"{name} has not stamped entry {owed[1]} of {owed[0]}"
    return Standing(
        name,
        newest.size,
        newest.first.time,
        newest.first.accuracy,
        head.size - newest.size,
        expires=min((one.last.expires for one in worth), default=None),
        expired=len(good) - len(worth),
        lag=_lag(good, course),
        late=late,
        waiting=waiting,
    )


def _lag(good: list[_Good], course: Course) -> tuple[int, int] | None:
    lags = []
    start = 0
    for one in sorted(good, key=lambda each: each.size):
        first = course.between(start, one.size)
        start = one.size
        with suppress(InputError):
            if first is not None:
                lags.append((one.first.time - clock.from_text(first[0]), first[1]))
    return max(lags, default=None)
