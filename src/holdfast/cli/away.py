"""A vault that is elsewhere: commands ask a server with `--server`, and print the same."""

from __future__ import annotations

import dataclasses
import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from holdfast.acts.act import Session
from holdfast.api.client import Client
from holdfast.collect.collectors import files
from holdfast.collect.interfaces import Skipped
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.acts.act import Act, Progress
    from holdfast.vault.vault import Vault

_ALSO = {"id": "case", "index": "entry", "label": "exhibit", "name": "operator"}
"""What the fields of our own classes are called as JSON."""


class NotHere:
    """The vault, where there is none on this machine: whatever wants it learns that."""

    def __getattr__(self, _name: str) -> Any:
        """Refuse.

        Raises:
            InputError: always.
        """
        raise InputError(
            "this is done only beside the vault, not through a server", "leave out --server"
        )


@dataclasses.dataclass(frozen=True)
class Told:
    """One answer of a server, that looks as the act's own."""

    facts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return it as it was told."""
        return self.facts

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of an entry."""
        return self.facts

    def __getattr__(self, name: str) -> Any:
        """Return a field.

        Raises:
            InputError: the server does not tell of it.
        """
        facts = self.__dict__["facts"]
        for one in (name, _ALSO.get(name, name)):
            if one in facts:
                return facts[one]
        raise InputError("a server tells of this as JSON only", "add --json")


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """Performs acts by asking a server."""

    client: Client

    def perform(self, act: Act[Any, Any], request: Any) -> Any:
        """Perform an act there; return what it would have here.

        Raises:
            HoldfastError: as the act does.
            InputError: it is none that is done through a server.
        """
        if request.case is None and act.name != "case.list":
            raise InputError("a server tells of one case at a time", "name it: --case CASE")
        plain = act.run.__wrapped__.__annotations__["return"]  # type: ignore[attr-defined]
        if not act.reads or plain == "Clocks":
            raise InputError(f"{act.name} is not done through a server", "leave out --server")
        given = {
            one.name: value
            for one in dataclasses.fields(request)
            if one.name != "case" and (value := getattr(request, one.name)) != one.default
        }
        lines = self.client.lines(act.name, request.case, **given)
        if plain == "Iterator[bytes]":
            return lines
        answers = (Told(orjson.loads(line)) for line in lines)
        return answers if plain.startswith(("Iterator[", "list[")) else next(answers)


def send(
    server: str, case: str, paths: tuple[str, ...], tell: Progress
) -> Iterator[dict[str, Any]]:
    """Send files, and folders with all that is in them, to a server that collects them.

    Yields what became of each, as `collect files --json` tells it; what is left out has the status
    `skipped`.

    Raises:
        HoldfastError: as `collect.sent` does there.
    """
    with Client(server, os.environ.get("HOLDFAST_TOKEN", "")) as client:
        uploads: list[str] = []
        left_out: list[dict[str, str]] = []
        named = [os.fsencode(os.path.abspath(path)) for path in paths]  # noqa: PTH100
        for one in files.walk(files.start([(path, path) for path in named])):
            text = one.path.decode("utf-8", "backslashreplace")
            if isinstance(one, Skipped):
                told = replace(one, named=one.path in named)
                left_out.append({"kind": one.kind, "path": text, "reason": one.reason})
                if told.loses:
                    yield told.as_json()
                continue
            tell(len(uploads), None, text)
            place = Path(f"/proc/self/fd/{one.descriptor}")
            uploads.append(client.upload(case, place, named=text, record=dict(one.record)))
        yield from (
            row for row in client.do("collect.sent", case, uploads=uploads, left_out=left_out)
            if row["status"] != "skipped"
        )  # fmt: skip


@contextmanager
def session(server: str, operator: str) -> Iterator[Session]:
    """Give a session whose acts are performed by a server.

    Raises:
        InputError: no address, or no token.
    """
    with Client(server, os.environ.get("HOLDFAST_TOKEN", "")) as client:
        yield Session(cast("Vault", NotHere()), operator, elsewhere=Elsewhere(client))
