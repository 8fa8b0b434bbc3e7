"""Acts of trusted time: set the authorities, have the log's head stamped, renew stamps.

`stamp_head(session)` is what publishing calls. Nothing here waits for an authority longer than one
exchange takes: what is owed is noted, and asked for again the next time.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.acts.act import Needs, Session, act
from holdfast.acts.authorities import authorities
from holdfast.core import clock, durable
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import HoldfastError, InputError, IntegrityError, RemoteError
from holdfast.vault import authorities as setting
from holdfast.vault import course, revocation, settings, stamp_proof, stamps, tables, token, tsa
from holdfast.vault.entry import Draft
from holdfast.vault.stamp_files import Answer, StampFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.authorities import Authority
    from holdfast.vault.stamp_files import Stamped
    from holdfast.vault.token import Token

STATES = ("stamped", "covered", "waiting", "refused")
"""What came of asking: `covered` is an authority that has stamped all there is to stamp."""


@dataclass(frozen=True)
class Outcome:
    """What one authority said of the log's head."""

    authority: str
    size: int
    state: str
    """One of `STATES`."""
    time: int | None = None
    """The stamp's time, microseconds since the epoch."""
    accuracy: int | None = None
    why: str = ""
    crls: str = ""
    """Why no list of revoked certificates could be kept; empty where nothing was missed."""

    def as_json(self) -> dict[str, Json]:
        """Return it as `log stamp --json` prints it."""
        return {
            "accuracy_us": self.accuracy,
            "authority": self.authority,
            "crls": self.crls or None,
            "size": self.size,
            "state": self.state,
            "time": None if self.time is None else clock.to_text(self.time),
            "why": self.why or None,
        }


@dataclass(frozen=True)
class SetAuthorities:
    """The time authorities that the log is to be stamped by from now on."""

    authorities: tuple[Authority, ...]
    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {"authorities": [one.as_json() for one in self.authorities]}


@act("log.authorities", Needs.NOTHING)
def set_authorities(session: Session, request: SetAuthorities) -> None:
    """Enter the authorities; stamps of those that are left out stay and are still checked."""
    value = request.facts()["authorities"]
    setting.parse(value)
    session.custody.enter(settings.change(setting.SETTING, value))


@dataclass(frozen=True)
class StampHead:
    """Have the newest checkpoint stamped."""

    case: None = None

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""
        return {}


@act("log.stamp", Needs.NOTHING)
def stamp(session: Session, _request: StampHead) -> list[Outcome]:
    """Have the newest checkpoint stamped; see `stamp_head`.

    Raises:
        InputError: no authority is set.
    """
    if not authorities(session):
        raise InputError(
            "no time authority is set for this log",
            "name one in a file and set it: `holdfast log authorities FILE.toml`",
        )
    return stamp_head(session)


def stamp_head(session: Session, timeout: float = tsa.TIMEOUT) -> list[Outcome]:
    """Ask each authority to stamp the newest checkpoint; return what came of it, one outcome each.

    They are asked side by side, `timeout` seconds at most.

    Never raises for what an authority does: that is in the outcome and, for the next time, in the
    log's folder. What was stamped is entered in the log. A log that has only entries on itself
    since an authority's last stamp isn't stamped again, so that stamping doesn't feed itself.
    """
    head = session.vault.current()
    found = setting.parse(session.look_up(lambda c: settings.read(c, setting.SETTING)))
    if not found:
        return []
    files = StampFiles(session.vault.log.path)
    owing = [one for one in found if _owed(session, files.newest(one.name, head.size))]
    text = head.text().encode()
    queries = [_query(text, one) for one in owing]
    outcomes = {one.name: Outcome(one.name, head.size, "covered") for one in found}
    with durable.disk_errors(files.root), ThreadPoolExecutor(len(found)) as pool:
        # Side by side: one that is away must not keep the others waiting.
        answers = pool.map(partial(_exchanged, timeout), owing, queries)
        for authority, query, response in zip(owing, queries, answers, strict=True):
            if isinstance(response, bytes):
                got = Answer(head.size, authority.name, text, query, response)
                outcome = _kept(files, authority, got)
            else:
                outcome = Outcome(authority.name, head.size, "waiting", why=response.what)
            outcomes[authority.name] = outcome
        for authority in found:
            # Where a person waits for another command, only with a new stamp.
            if outcomes[authority.name].state == "stamped" or timeout >= tsa.TIMEOUT:
                why = _keep_crls(files, authority, head.size, timeout)
                outcomes[authority.name] = replace(outcomes[authority.name], crls=why)
        for one in outcomes.values():
            if one.why:
                files.wait(one.authority, one.size, clock.to_text(clock.now()), one.why)
            else:
                files.served(one.authority)
        _enter(session, files, found)
    return list(outcomes.values())


def _keep_crls(files: StampFiles, authority: Authority, size: int, timeout: float) -> str:
    """Fetch the authority's lists of revoked certificates, to lie beside its newest stamp.

    Return why one could not be had; what was kept before stays then.
    """
    newest = files.newest(authority.name, size)
    if not authority.crls or newest < 0:
        return ""
    try:
        got = [revocation.to_pem(tsa.fetch(url, timeout)) for url in authority.crls]
    except (RemoteError, IntegrityError, InputError) as error:
        return error.what
    files.keep_crls(newest, authority.name, b"".join(got))
    return ""


def _query(text: bytes, authority: Authority) -> bytes:
    return token.request(token.digest_of(text), "sha256", nonce(), authority.policy)


def nonce() -> int:
    """Return 64 random bits, so that no answer made before can pass for one to this request."""
    return secrets.randbits(64)


def _exchanged(timeout: float, authority: Authority, query: bytes) -> bytes | HoldfastError:
    """Ask, in a thread of its own; nothing but the network is touched here."""
    try:
        return tsa.ask(authority.url, query, timeout)
    except (RemoteError, InputError) as error:
        return error


def _kept(files: StampFiles, authority: Authority, got: Answer) -> Outcome:
    """Keep an answer as a stamp where it is one, else as what it is."""
    try:
        made = token.answered(got.query, got.response, token.digest_of(got.text), authority)
    except IntegrityError as error:
        files.keep_refused(got, error.what)
        return Outcome(authority.name, got.size, "refused", why=error.what)
    files.keep(got)
    return Outcome(authority.name, got.size, "stamped", made.time, made.accuracy)


def _owed(session: Session, size: int) -> bool:
    """Say whether an entry from `size` on is more than the log's upkeep."""
    if size < 0:
        return True
    table = tables.entries
    query = select(table.c.index).where(
        table.c.index >= size, table.c.act.not_like(f"{course.UPKEEP}%")
    )
    return session.look_up(lambda c: c.scalar(query.limit(1))) is not None


def _enter(session: Session, files: StampFiles, found: Sequence[Authority]) -> None:
    """Enter each authority's newest stamp, unless it is: one that a crash kept from it, too."""

    def build(connection: Connection) -> Sequence[Draft]:
        head = session.vault.log.head()
        new: list[Json] = []
        for authority in found:
            size = files.newest(authority.name, head.size)
            stamped = files.read(size, authority.name) if size >= 0 else None
            if stamped is not None and not _entered(session, connection, stamped):
                digest = sha256_hex(stamped.response)
                new.append({"authority": authority.name, "sha256": digest, "size": size})
        return [Draft(course.STAMP, None, {"stamps": new})] if new else []

    session.custody.decide(build)


def _entered(session: Session, connection: Connection, stamped: Stamped) -> bool:
    table = tables.entries
    query = select(table.c.index).where(table.c.act == course.STAMP, table.c.index >= stamped.size)
    return any(
        (each["size"], each["authority"]) == (stamped.size, stamped.authority)
        for (index,) in connection.execute(query)
        for one in session.vault.log.entries(index, index + 1)
        for each in one.fields.get("stamps", ())
    )


def standing(session: Session) -> Iterator[dict[str, Json]]:
    """Yield a row for each size and authority: stamped, refused, or (once each) waiting."""
    session.vault.current()
    found = {one.name: one for one in authorities(session)}
    files = StampFiles(session.vault.log.path)
    for size in files.sizes():
        for name in files.names(size):
            yield _row(files, size, name, found.get(name))
        for name in files.names(size, ".refused"):
            yield {
                "authority": name,
                "size": size,
                "state": "refused",
                "why": files.refused(size, name),
            }
    for one in files.waiting():
        yield {"authority": one.authority, "state": "waiting", **stamps.waiting_json(one)}


def _row(files: StampFiles, size: int, name: str, authority: Authority | None) -> dict[str, Json]:
    row: dict[str, Json] = {"authority": name, "size": size, "state": "stamped"}
    stamped = files.read(size, name)
    try:
        if stamped is None or authority is None:
            raise IntegrityError("its authority is not set any more; `holdfast verify` checks it")
        first, last = stamp_proof.proven(stamped, authority)
    except IntegrityError as error:
        return {**row, "state": "not good", "why": error.what}
    return {**row, **_times(first, last)}


def _times(first: Token, last: Token) -> dict[str, Json]:
    return {
        "accuracy_us": first.accuracy,
        "expires": clock.to_text(last.expires),
        "renewed": None if last is first else clock.to_text(last.time),
        "time": clock.to_text(first.time),
    }
