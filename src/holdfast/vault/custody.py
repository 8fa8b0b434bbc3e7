"""The sequencer: drafts become entries, in one order, each before its effect is visible."""

from __future__ import annotations

import os
import pwd
import socket
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import select

from holdfast import __version__
from holdfast.core import clock, durable
from holdfast.core.errors import ConflictError, DeniedError, InputError
from holdfast.vault import delegates, entry, projection, signing, tables
from holdfast.vault.database import guarded
from holdfast.vault.passkey import Passkey
from holdfast.vault.signing import BrowserSigner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from holdfast.core.canonical import Json
    from holdfast.vault.checkpoint import Checkpoint
    from holdfast.vault.entry import Draft, Entry, Sealed
    from holdfast.vault.signing import ActSigner, Prepared
    from holdfast.vault.vault import Vault

_LARGEST = 2**53 - 1
"""The largest integer that an entry can hold."""
TRIES = 100
"""Times a writer that keeps losing tries again before it says so."""


_Made: TypeAlias = "tuple[Sealed, dict[str, Json]]"
"""An entry, and the fields that were sealed."""


@dataclass(frozen=True)
class _Plan:
    """What drafts are sealed with."""

    drafts: tuple[Draft, ...]
    numbers: tuple[tuple[bytes, int], ...]
    """Of each draft: its chain's key, and its number there."""
    key_id: str | None
    origin: str
    context: Json
    time: str
    last: int
    """The largest counter that the log has of the signing key."""

    def still(self, before: _Plan) -> bool:
        """Say whether what was signed before may be entered now, perhaps under a later number.

        The entries that a signature covers, all but the last, are signed with their numbers.
        """
        return (
            (self.drafts, self.key_id, self.origin, self.last)
            == (before.drafts, before.key_id, before.origin, before.last)
            and self.numbers[:-1] == before.numbers[:-1]
        )  # fmt: skip


@dataclass(frozen=True)
class _Ready:
    """What a person signed, and another writer's entries got in before."""

    plan: _Plan
    made: list[_Made]

    def at(self, plan: _Plan) -> list[_Made]:
        """Return it as the entries that `plan` numbers."""
        sealed, fields = self.made[-1]
        return [*self.made[:-1], (entry.moved(sealed, *plan.numbers[-1]), fields)]


class Custody:
    """Enters acts of one operator into one vault's log."""

    def __init__(
        self, vault: Vault, operator: str, signer: ActSigner | None = None, served: str = ""
    ) -> None:
        """Begin; `served` is the account where a server acts for them: `web/NAME`, `api/NAME`."""
        self._vault = vault
        self.operator = operator
        self._served = bool(served)
        # Keys in the server's keyring are the server's to use: they count for nobody it serves.
        kept = None if served else vault.keyring.operator(operator)
        self._signer: ActSigner | None = signer or kept
        self._context: dict[str, Json] = {
            "host": socket.gethostname(),
            "login": served or account(),
            "tool": f"holdfast {__version__}",
        }
        self.warnings: list[str] = []
        self.appended = False
        """Whether anything was entered: then there is something new to publish."""

    @property
    def key(self) -> str | None:
        """The operator's public key as a vkey; None for an operator without one."""
        return str(self._signer.verifier) if self._signer else None

    @property
    def key_id(self) -> str | None:
        """The key's ID, as entries name it."""
        return self._signer.verifier.key_id.hex() if self._signer else None

    @property
    def _prepared(self) -> Prepared | None:
        """What makes an act the same again, where it is signed between two requests."""
        return self._signer.prepared if isinstance(self._signer, BrowserSigner) else None

    @property
    def asks(self) -> bool:
        """Whether a person is asked for each signature."""
        return self._signer is not None and self._signer.asks

    @property
    def account(self) -> str:
        """The account of the operating system that the entries name; of who is served, theirs."""
        return str(self._context["login"])

    @property
    def signs(self) -> bool:
        """Whether the operator has a key; without one, entries read 'actor unsigned'."""
        return self._signer is not None

    def enter(self, *drafts: Draft) -> list[Entry]:
        """Append `drafts`, in order and together.

        Raises:
            ConflictError: other writers kept getting in first.
            ResourceError: the disk refused; nothing was appended.
        """
        return self.decide(lambda _connection: drafts)

    def decide(self, build: Callable[[Connection], Sequence[Draft]]) -> list[Entry]:
        """Append what `build` drafts from the state the entries will follow.

        `build` is called again whenever another writer got in first, so that what it decides (the
        next exhibit number, whether a case is open) holds at the very position of its entries.
        It may raise to enter nothing.
        """
        vault = self._vault
        ready: _Ready | None = None
        with durable.disk_errors(vault.root):
            for _ in range(TRIES):
                # Nobody waits for a person to sign: they do it before it is this writer's turn.
                asking = self.asks and ready is None
                with nullcontext() if asking else vault.log.turn():
                    head = vault.current()
                    with guarded(vault.engine), vault.engine.connect() as connection:
                        drafts = build(connection)
                        if not drafts:
                            return []
                        plan = self._plan(connection, head, drafts)
                    if ready is None:
                        made = self._seal(plan)
                    elif plan.still(ready.plan):
                        made = ready.at(plan)
                    else:
                        # What was signed is not so any more; the person has to see it anew.
                        ready = None
                        continue
                    if vault.log.commit(head, [one for one, _ in made]) is None:
                        ready = _Ready(plan, made) if asking else ready
                        continue
                    entries = [
                        sealed.entry(head.size + at, fields)
                        for at, (sealed, fields) in enumerate(made)
                    ]
                    self.appended = True
                    self._fold(head, entries)
                    return entries
        raise ConflictError(
            f"other writers got in first {TRIES} times", "repeat the command when they are done"
        )

    def _fold(self, head: Checkpoint, entries: list[Entry]) -> None:
        """Fold what was just entered, from memory; another process may have done so already."""
        projection.fold_own(self._vault.engine, self._vault.log, head, entries)
        self._vault.went_on(entries)

    def _plan(self, connection: Connection, head: Checkpoint, drafts: Sequence[Draft]) -> _Plan:
        """Gather what sealing needs of the state that the entries will follow."""
        last = self._check_key(connection, drafts)
        chains = tables.chains
        counts: dict[str, int] = {}
        keys: dict[str, bytes] = {}
        numbers = []
        for draft in drafts:
            chain = draft.case or ""
            if chain not in keys:
                keys[chain] = self._vault.keyring.chain(draft.case)
                query = select(chains.c.count).where(chains.c.chain == chain)
                counts[chain] = connection.scalar(query) or 0
            counts[chain] += 1
            numbers.append((keys[chain], counts[chain]))
        now = clock.now()
        return _Plan(
            tuple(drafts),
            tuple(numbers),
            self.key_id,
            self._vault.eras.of_entry(head.size).origin,
            self._clock_checked(connection, head, now),
            clock.to_text(now),
            last,
        )

    def _seal(self, plan: _Plan) -> list[_Made]:
        made: list[_Made] = []
        shared: dict[str, Json] = {
            "actor": {"key": plan.key_id, "name": self.operator},
            "context": plan.context,
            "time": plan.time,
        }
        written = entry.encoded(shared)
        prepared = self._prepared
        random = os.urandom if prepared is None else prepared.salts()
        for draft, (key, number) in zip(plan.drafts, plan.numbers, strict=True):
            own: dict[str, Json] = {"act": draft.act, "case": draft.case, **draft.fields}
            values = {**written, **entry.encoded(own)}
            if self._signer is not None and len(made) == len(plan.drafts) - 1:
                sealed = entry.sign(
                    values,
                    key,
                    number,
                    signer=self._signer,
                    origin=plan.origin,
                    covered=[one.hash for one, _ in made],
                    opens=draft.opens,
                    mark=draft.mark,
                    shown=plan.drafts,
                    last=plan.last,
                    random=random,
                )
            else:
                sealed = entry.seal_encoded(
                    values, key, number, draft.opens, draft.mark, random=random
                )
            made.append((sealed, {**shared, **own}))
        return made

    def _check_key(self, connection: Connection, drafts: Sequence[Draft]) -> int:
        """Raise unless the key that signs is one that the log gives to this operator here.

        Return its counter, where it is a passkey that has one.

        Raises:
            DeniedError: it was ended, or is another operator's, or may not sign such an act.
            InputError: no entry introduces it.
        """
        if self.key is None:
            if self._served:
                raise DeniedError(f"nobody signs for {self.operator}", "sign in")
            return 0
        delegate = delegates.find(connection, self.key)
        if delegate is not None:
            if not self._served or delegate.name != self.operator:
                raise DeniedError(f"this {delegate.kind} is {delegate.name}'s", "use your own")
            delegate.check((draft.act, draft.case) for draft in drafts)
            return 0
        if self._served and not isinstance(signing.parse(self.key), Passkey):
            raise DeniedError(
                f"{self.operator} is served by another account, and a key in its reach is not "
                "theirs",
                "sign with a passkey",
            )
        keys = tables.operators
        query = select(keys.c.name, keys.c.ended, keys.c.counter).where(keys.c.vkey == self.key)
        found = connection.execute(query).one_or_none()
        if found is None:
            own = (draft.fields.get("operator") for draft in drafts)
            if any(isinstance(one, dict) and one["vkey"] == self.key for one in own):
                return 0
            raise InputError(
                f"the key of {self.operator} is in no entry of the log, so it proves nothing",
                "enter it: `holdfast operator add NAME`, as somebody whose key is entered",
            )
        if found.ended is not None and self._take_next(connection):
            return 0
        if found.ended is not None:
            raise DeniedError(
                f"this key of {self.operator} was ended by entry {found.ended}",
                "sign with the new one; see `holdfast operator list`",
            )
        if found.name != self.operator:
            raise DeniedError(
                f"this key is {found.name}'s, not {self.operator}'s", "act under your own name"
            )
        return int(found.counter)

    def _take_next(self, connection: Connection) -> bool:
        """Go on with the key that a rotation entered and was stopped before it was in its place."""
        following = self._vault.keyring.waiting_operator(self.operator)
        keys = tables.operators
        if following is None or not connection.scalar(
            select(keys.c.entry).where(
                keys.c.vkey == str(following.verifier), keys.c.ended.is_(None)
            )
        ):
            return False
        self._vault.keyring.take_next(self.operator)
        self._signer = following
        return True

    def _clock_checked(self, connection: Connection, head: Checkpoint, now: int) -> Json:
        """Return the context, saying so where the clock stands before the last entry's time."""
        if self._prepared is not None:
            return self._context  # its time is when it was shown, and others went on meanwhile
        query = select(tables.entries.c.time).where(tables.entries.c.index == head.size - 1)
        last = connection.scalar(query)
        behind = clock.from_text(last) - now if last else 0
        if behind <= 0:
            return self._context
        warning = (
            f"this host's clock is {behind / 1e6:.3f} s behind the last entry's time {last}; the "
            "entry says so; set the clock"
        )
        if warning.partition(" is ")[0] not in "".join(self.warnings):
            self.warnings.append(warning)
        # Of a clock that is centuries behind, as much as the log's numbers can say.
        return {**self._context, "clock_behind_us": min(behind, _LARGEST)}


def account() -> str:
    """Return the account of the operating system that this process runs as, whatever it is told.

    Not `getpass.getuser()`, which believes the variable LOGNAME.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
