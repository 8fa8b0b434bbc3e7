"""An act: authority checked, done, logged. Command, API and page all call the same function.

An act is a function `(session, request) -> result` behind the decorator `act`, which names it and
says what authority it needs. The request is a frozen dataclass of plain values. A refusal is an
entry too, written before the refusal is shown. See docs/decisions/0004.
"""

from __future__ import annotations

import enum
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from holdfast.cases import access
from holdfast.cases import case as cases
from holdfast.cases.exhibits import entered
from holdfast.core import clock, durable
from holdfast.core.errors import DeniedError, HoldfastError, InputError
from holdfast.vault import erasure
from holdfast.vault.custody import Custody
from holdfast.vault.database import snapshot
from holdfast.vault.entry import Draft
from holdfast.vault.signing import UnsignedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from holdfast.cases.case import Case
    from holdfast.core.canonical import Json
    from holdfast.vault.signing import ActSigner
    from holdfast.vault.vault import Vault

R = TypeVar("R")
_LARGEST = 2**63 - 1
"""What a database holds; a moment that somebody asks about (microseconds) may be beyond 2**53."""


class Progress(Protocol):
    """How long work tells how far it is; the command line draws it, tests ignore it."""

    def __call__(self, done: int, total: int | None, what: str, /) -> None:
        """Tell that `done` of `total` units (bytes or files) are done; `what` is at work now."""


def silent(_done: int, _total: int | None, _what: str) -> None:
    """Tell nobody."""


class Needs(enum.Enum):
    """What must be true of a case before an act in it."""

    NOTHING = "nothing"
    """No case is touched."""
    CASE = "case"
    """The case exists: for acts that only show what was done, and for the duty to disclose, which
    outlives the power to search."""
    OPEN = "open"
    """The case is open: for changing the case itself."""
    AUTHORITY = "authority"
    """The case is open and its authority in force now: for every touch of evidence."""


@dataclass(frozen=True)
class Limits:
    """What a token is for."""

    cases: tuple[str, ...]
    """None: all."""
    acts: tuple[str, ...]
    """None: all that a token can do."""

    def check(self, name: str, case: str | None) -> None:
        """Raise unless an act is among them.

        Raises:
            DeniedError: not.
        """
        if self.acts and name not in self.acts:
            raise DeniedError(f"this token is not for {name}", "add one that is: `token add`")
        if self.cases and case is not None and case not in self.cases:
            raise DeniedError(f"this token is not for case {case}", "add one: `token add`")


@dataclass
class Session:
    """One operator at work in one vault."""

    vault: Vault
    operator: str
    progress: Progress = field(default=silent)
    signer: ActSigner | None = None
    """The operator's own key; where there is none, the keyring's."""
    served: str = ""
    """The account, where a server acts for them: `web/NAME`, `api/NAME`."""
    limits: Limits | None = None
    """What a token is for; None: whatever its person may do."""
    elsewhere: Elsewhere | None = None
    """What performs acts in a vault on another machine; None: this vault is here."""

    @cached_property
    def custody(self) -> Custody:
        """Where this operator's acts are entered."""
        return Custody(self.vault, self.operator, self.signer, self.served)

    def recover(self) -> list[str]:
        """Finish what a crash left: in the log, in the intake, of erasures.

        Returns the collections that were cut short.
        """
        cut = self.vault.recover(lambda objects: self.look_up(lambda c: entered(c, objects)))
        with durable.disk_errors(self.vault.root):
            erasure.resume(self.vault)
        return cut

    def look_up(self, read: Callable[[Connection], R]) -> R:
        """Run a query on the present state."""
        with snapshot(self.vault.engine) as connection:
            return read(connection)

    def knows(self, case: str | None) -> bool:
        """Say whether this vault has the case."""
        return case is not None and self.look_up(
            lambda connection: any(one.id == case for one in cases.every(connection))
        )

    def case(self, case: str, needs: Needs) -> Case:
        """Return the case after checking what `needs` asks of it.

        Raises:
            DeniedError: no such case, closed, or its authority is not in force.
        """
        self.vault.current()
        found = self.look_up(lambda connection: cases.find(connection, case))
        if needs in {Needs.OPEN, Needs.AUTHORITY}:
            found.check_open()
        if needs is Needs.AUTHORITY:
            found.authority.check_time(found.id, clock.now())
        return found


class Elsewhere(Protocol):
    """Performs acts in a vault on another machine."""

    def perform(self, act: Act[Any, Any], request: Any) -> Any:
        """Perform an act there; return what it would have here."""


class Request(Protocol):
    """What an act is asked to do: plain values, of which some go into the log."""

    @property
    def case(self) -> str | None:
        """The case it is asked in."""

    def facts(self) -> dict[str, Json]:
        """Return the request as the log keeps it."""


Q = TypeVar("Q", bound=Request)


@dataclass(frozen=True)
class Act(Generic[Q, R]):
    """A named act; calling it performs it."""

    name: str
    needs: Needs
    run: Callable[[Session, Q], R]
    reads: bool = False
    """Whether it changes nothing but what reading enters: the API answers it by GET."""
    long: bool = False
    """Whether it may take minutes: the API does it as a job."""

    def __call__(self, session: Session, request: Q) -> R:
        """Perform the act; a refusal is entered before it is raised.

        Raises:
            DeniedError: no authority for it.
        """
        _check_numbers(request)
        if session.elsewhere is not None:
            return cast("R", session.elsewhere.perform(self, request))
        with self._refusals(session, request):
            result = self.run(session, request)
        if isinstance(result, Generator):
            # What is done bit by bit can be refused in the middle too.
            return cast("R", self._step_by_step(session, request, result))
        return result

    def permit(self, session: Session, request: Q) -> None:
        """Check that the act would be allowed, and do nothing; a refusal is entered.

        Raises:
            DeniedError: no authority for it.
        """
        with self._refusals(session, request):
            _check(session, request, self.needs, self.name)

    def refuse(self, session: Session, request: Q, refusal: DeniedError) -> None:
        """Enter a refusal that was decided elsewhere: what asks has not this right lent to it."""
        self._enter_refusal(session, request, refusal)

    def _step_by_step(
        self, session: Session, request: Q, steps: Generator[Any, None, None]
    ) -> Generator[Any, None, None]:
        with self._refusals(session, request):
            yield from steps

    @contextmanager
    def _refusals(self, session: Session, request: Q) -> Iterator[None]:
        try:
            yield
        except UnsignedError:
            raise
        except DeniedError as refusal:
            self._enter_refusal(session, request, refusal)
            raise

    def _enter_refusal(self, session: Session, request: Q, refusal: DeniedError) -> None:
        # Where the log itself can't be written, the refusal still stands, and is what is told.
        with suppress(HoldfastError):
            session.custody.enter(self._refusal(session, request, refusal))

    def _refusal(self, session: Session, request: Q, refusal: DeniedError) -> Draft:
        return Draft(
            "denied",
            request.case if session.knows(request.case) else None,
            {"reason": refusal.what, "refused": self.name, "request": request.facts()},
        )


def act(
    name: str, needs: Needs, *, reads: bool = False, long: bool = False
) -> Callable[[Callable[[Session, Q], R]], Act[Q, R]]:
    """Make an act of a function `(session, request) -> result`.

    The case that the request names is looked up and held to `needs` first, and the operator to
    the roles that allow the act (`cases/access.py`). An act that only `reads`, or that takes
    `long`, says so: from that the API derives how it is asked.
    """

    def decorate(function: Callable[[Session, Q], R]) -> Act[Q, R]:
        @wraps(function)
        def checked(session: Session, request: Q) -> R:
            _check(session, request, needs, name)
            return function(session, request)

        return Act(name, needs, checked, reads, long)

    return decorate


def _check_numbers(request: Request) -> None:
    """Raise where a number is so large that no database holds it.

    Raises:
        InputError: so.
    """
    for value in vars(request).values():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, int) and abs(one) > _LARGEST:
                raise InputError(
                    "a number is larger than a database can hold", f"give one up to {_LARGEST}"
                )


def _check(session: Session, request: Request, needs: Needs, name: str) -> None:
    case = request.case
    if session.limits is not None:
        session.limits.check(name, case)
    if case is not None:
        session.case(case, needs)
        session.look_up(lambda c: access.check(c, case, session.operator, name))
