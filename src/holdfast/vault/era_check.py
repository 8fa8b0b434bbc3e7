"""The log's own keys, as a verification sees them: each change must be an entry, of two people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.core.errors import HoldfastError
from holdfast.vault import roles
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.eras import ACT, ROTATED, Era
from holdfast.vault.note import open_note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from holdfast.core.canonical import Json
    from holdfast.vault.entry import Entry
    from holdfast.vault.log import Log


class EraCheck:
    """Hears a log's entries, in order, then judges the settings that name its keys."""

    def __init__(self, log: Log, head: Checkpoint) -> None:
        self._log = log
        self._head = head
        self._eras = log.eras
        self._said: list[Entry] = []

    def hear(self, entry: Entry) -> None:
        """Take up the next entry."""
        if entry.act == ACT:
            self._said.append(entry)

    def settings(self) -> dict[str, Json]:
        """Return what entry 0 must say of the log's first keys."""
        first = self._eras.first
        return {
            "log": str(first.verifier),
            "log_mldsa": None if first.second is None else str(first.second),
        }

    def problems(self, folded: Engine) -> Iterator[str]:
        """Yield what is wrong with the eras that the settings name."""
        ended = self._eras.all[:-1]
        said = [entry.fields for entry in self._said]
        if self._settles(said):
            ended = (*ended, self._eras.present)
        for number, era in enumerate(ended):
            following = self._following(number, said)
            if number >= len(said):
                yield (
                    f"holdfast.toml says that the log's key changed at {era.until} entries "
                    f"({era.why}), and no entry says so: have the request approved "
                    "(`holdfast requests`), or find out who changed it"
                )
                continue
            index = self._said[number].index
            until = index + 1 if said[number]["era"]["why"] == ROTATED else era.until
            if said[number]["era"] != _facts(era, following, until):
                yield f"holdfast.toml names other keys of the log than entry {index}"
            elif until is None or until > index + 1:
                yield f"entry {index} ends the log's key at a size that it had not reached"
            if not self._approved(folded, self._said[number]):
                yield (
                    f"entry {index} changes the log's key without the approval of another person "
                    "with the role for it, a key and an account of their own"
                )
            yield from self._good(era, said[number]["change"]["good"], index)
        for entry in self._said[len(ended) :]:
            yield f"entry {entry.index} changes the log's key; holdfast.toml knows nothing of it"

    def doubts(self) -> Iterator[str]:
        """Yield what speaks against the log's past, if its tiles are right."""
        for era in self._eras.before(self._head.size):
            if era.until is None:
                continue
            path = self._log.former(era.until)
            try:
                kept = self._log.opened(path.read_bytes().decode())
                if kept != self._log.past(self._head, era.until):
                    yield (
                        f"the log's first {era.until} entries are not those that its former key "
                        f"signed ({path}): it was rewritten"
                    )
            except (OSError, UnicodeDecodeError):
                yield f"the last checkpoint of a former key of the log is missing: {path}"
            except HoldfastError as error:
                yield f"{path}: {error.what}"

    def _settles(self, said: list[dict[str, Any]]) -> bool:
        """Say whether a rotation is entered, which the settings are still to follow."""
        at = len(self._eras.all) - 1
        return (
            len(said) == at + 1
            and said[at]["era"]["why"] == ROTATED
            and self._said[at].index == self._head.size - 1
        )

    def _following(self, number: int, said: list[dict[str, Any]]) -> Era:
        if number + 1 < len(self._eras.all):
            return self._eras.all[number + 1]
        facts = said[number]["era"]
        return Era.parse(facts["log"], facts["log_mldsa"] or "")

    def _approved(self, folded: Engine, entry: Entry) -> bool:
        with folded.connect() as connection:
            request = entry.fields["change"]["request"]
            return roles.approved(connection, entry.index, request, 1)

    def _good(self, era: Era, good: Any, index: int) -> Iterator[str]:
        """Hold the checkpoint that an entry states as good to the key that ended."""
        if good is None:
            return
        try:
            known = Checkpoint.parse(open_note(good["note"], self._eras.at(good["size"]).verifier))
        except HoldfastError:
            try:
                known = Checkpoint.parse(open_note(good["note"], era.verifier))
            except HoldfastError as error:
                yield f"the checkpoint that entry {index} states: {error.what}"
                return
        if (known.size, known.root.hex()) != (good["size"], good["root"]):
            yield f"the checkpoint that entry {index} states is another than it says"


def _facts(era: Era, following: Era, until: int | None) -> dict[str, Any]:
    return {
        "ended": str(era.verifier),
        "ended_mldsa": None if era.second is None else str(era.second),
        "last": until,
        "log": str(following.verifier),
        "log_mldsa": None if following.second is None else str(following.second),
        "why": era.why or ROTATED,
    }
