"""A page: its place in the navigation, its routes, and the acts that each of them performs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.responses import Response

    Handler = Callable[[Any], Response]
    """Given a `Visit`; a visit names its route, so that isn't said here."""


@dataclass(frozen=True)
class Route:
    """One address of a page, and what is done there."""

    method: str
    path: str
    acts: tuple[str, ...]
    """The names of the acts that it performs: who may use it follows from them."""
    handler: Handler
    signed_in: bool = True
    """Whether it is for people who are signed in: all but the door."""
    largest: int = 1_000_000
    """Bytes that what is posted may have."""

    @property
    def in_case(self) -> bool:
        """Whether it stands in one case."""
        return "{case}" in self.path


@dataclass
class Page:
    """The routes of one page; the first GET is where the navigation leads."""

    name: str
    title: str
    """For the navigation, marked by `N_`."""
    order: int = 0
    """Its place in the navigation; 0: it has none."""
    routes: list[Route] = field(default_factory=list)

    @property
    def entrance(self) -> Route | None:
        """Where the navigation leads: its first GET; None where it has none."""
        return next((one for one in self.routes if one.method == "GET"), None)

    def get(
        self, path: str, *, acts: Sequence[str] = (), signed_in: bool = True
    ) -> Callable[[Handler], Handler]:
        """Answer GET at `path`; it changes nothing but what reading enters."""
        return self._route("GET", path, acts, signed_in, 0)

    def post(
        self,
        path: str,
        *,
        acts: Sequence[str] = (),
        signed_in: bool = True,
        largest: int = 1_000_000,
    ) -> Callable[[Handler], Handler]:
        """Answer POST of a form at `path`."""
        return self._route("POST", path, acts, signed_in, largest)

    def _route(
        self, method: str, path: str, acts: Sequence[str], signed_in: bool, largest: int
    ) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self.routes.append(Route(method, path, tuple(acts), handler, signed_in, largest))
            return handler

        return declare
