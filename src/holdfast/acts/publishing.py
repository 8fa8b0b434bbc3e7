"""Publish the log's newest checkpoint: have outsiders say what they saw of it.

Not an `Act`: what leaves is the log's origin, size and root, nothing of any case; and an entry
about it would be one more entry to publish. Who can't be reached now is asked at the next time:
what waits is what no outsider has signed yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.errors import HoldfastError, IntegrityError
from holdfast.vault import authorities, settings, witnessing
from holdfast.vault.cosigned import Cosigned

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.acts.act import Session
    from holdfast.core.canonical import Json
    from holdfast.vault.cosignature import Cosigner

QUICKLY = 2.0
"""Seconds for one request where a person waits for another command."""
PATIENTLY = 30.0


@dataclass(frozen=True)
class Told:
    """What one publisher came to, a line for each place it asked."""

    publisher: str
    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """Who could not be reached, or did not do its part: to be tried again."""
    alarms: tuple[str, ...] = ()
    """Who holds that this log is not what it was."""

    def as_json(self) -> dict[str, Json]:
        """Return what `log publish --json` prints."""
        return {
            "alarms": list(self.alarms),
            "done": list(self.done),
            "failed": list(self.failed),
            "publisher": self.publisher,
        }


@dataclass(frozen=True)
class Published:
    """What publishing came to."""

    size: int
    """Entries in the checkpoint."""
    results: tuple[Told, ...]
    """Of each publisher that has somebody to ask."""


def to_witnesses(session: Session, timeout: float) -> Told | None:
    """Submit the newest checkpoint to every witness; None where there is none.

    Raises:
        HoldfastError: the log or its policy can't be read.
    """
    log = session.vault.log
    text = session.look_up(lambda connection: settings.read(connection, witnessing.NAME))
    policy = witnessing.read_policy(text)
    if policy is None or not policy.witnesses:
        return None
    # What speaks to the network is loaded only where there is somebody to speak to.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from holdfast.vault.submission import submit  # noqa: PLC0415

    places: dict[str, list[Cosigner]] = {}
    for line in policy.witnesses:
        if line.url:
            places.setdefault(line.url, []).append(line.key)
    kept = Cosigned(log.path)
    head = log.head()
    newest = kept.newest(one.key for one in policy.witnesses)

    def ask(url: str, keys: list[Cosigner]) -> None:
        # Asked even where it has signed this size: it may have seen more of the log than is here.
        known = max((newest[key][0] for key in keys if key in newest), default=0)
        size, note, cosignatures = submit(log, url, keys, min(known, head.size), timeout)
        kept.add(size, note, cosignatures)

    done, failed, alarms = [], [], []
    with ThreadPoolExecutor(min(16, len(places) or 1)) as pool:
        asked = [(url, pool.submit(ask, url, keys)) for url, keys in places.items()]
        for url, answer in asked:
            try:
                answer.result()
                done.append(f"witnessed at {head.size} entries by {url}")
            except IntegrityError as error:
                alarms.append(str(error))
            except (HoldfastError, OSError) as error:
                failed.append(error.what if isinstance(error, HoldfastError) else str(error))
    failed += [f"the witness {one.name} has no URL" for one in policy.witnesses if not one.url]
    return Told("witnesses", tuple(done), tuple(failed), tuple(alarms))


def to_authorities(session: Session, timeout: float) -> Told | None:
    """Have every time authority stamp the newest checkpoint; None where there is none.

    Raises:
        HoldfastError: the log or its settings can't be read.
    """
    if not session.look_up(lambda connection: settings.read(connection, authorities.SETTING)):
        return None
    if session.custody.asks and timeout <= QUICKLY:
        # Each stamp is an entry, and this person signs each by hand.
        return Told("authorities", failed=("your passkey signs no stamp unasked",))
    from holdfast.acts import stamping  # noqa: PLC0415 - as above

    found = stamping.stamp_head(session, timeout)
    done = [
        f"stamped at {one.size} entries by {one.authority}"
        for one in found
        if one.state == "stamped"
    ]
    failed = [f"the time authority {one.authority}: {one.why}" for one in found if one.why]
    failed += [
        f"the revoked certificates of the time authority {one.authority}: {one.crls}"
        for one in found
        if one.crls
    ]
    return Told("authorities", tuple(done), tuple(failed)) if found else None


PUBLISHERS: tuple[Callable[[Session, float], Told | None], ...] = (to_authorities, to_witnesses)
"""Each asks some outsiders; one that fails does not keep the others from being asked. Stamps come
first: each is an entry, which the witnesses then see."""


def publish(session: Session, timeout: float = PATIENTLY) -> Published:
    """Run every publisher; `timeout` in seconds is for each request.

    Raises:
        IntegrityError: the log itself is damaged.
    """
    head = session.vault.log.head()
    results = []
    for publisher in PUBLISHERS:
        try:
            told = publisher(session, timeout)
        except HoldfastError as error:
            told = Told(publisher.__name__, failed=(str(error),))
        if told is not None:
            results.append(told)
    return Published(head.size, tuple(results))
