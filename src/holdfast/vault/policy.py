"""C2SP tlog-policy: which logs are trusted, and which witnesses must have cosigned a checkpoint.

A policy decides and fetches nothing: `met` is told who cosigned, and says whether that is enough.
https://c2sp.org/tlog-policy, commit 5ba5ee8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.errors import InputError
from holdfast.vault.cosignature import Cosigner, Key, parse_vkey

if TYPE_CHECKING:
    from collections.abc import Collection

LIMIT = 1024
"""Logs, witnesses or groups in one policy; the specification asks for at least 32 of each."""
MAX_BYTES = 1 << 22
_REFUSED = re.compile(rb"[^\x09\x0a\x20-\x7e\x80-\xff]")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class LogLine:
    """A log that is trusted."""

    key: Key
    url: str = ""


@dataclass(frozen=True)
class WitnessLine:
    """A witness, under the name that groups and the quorum call it by."""

    name: str
    key: Cosigner
    url: str = ""
    """Its submission prefix; empty where the policy has none."""


@dataclass(frozen=True)
class Group:
    """So many of these must have witnessed."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """What a policy file says."""

    logs: tuple[LogLine, ...] = ()
    witnesses: tuple[WitnessLine, ...] = ()
    groups: dict[str, Group] = field(default_factory=dict)
    """In the order of the file: a group names only what stands before it."""
    quorum: str | None = "none"
    """A witness, a group, or `none`; Python's None only where no quorum line was asked for."""

    @classmethod
    def parse(cls, data: bytes, *, need_quorum: bool = True) -> Policy:
        """Read a policy file. Without `need_quorum` the quorum's line may be missing.

        Raises:
            InputError: it breaks a rule of the specification; the message names the line.
        """
        if found := _REFUSED.search(data):
            at = data.count(b"\n", 0, found.start()) + 1
            raise _wrong(at, f"it holds the octet 0x{found[0][0]:02x}, which none may")
        if len(data) > MAX_BYTES:
            raise InputError(f"a policy of {len(data)} bytes is too long", "shorten it")
        if data and not data.endswith(b"\n"):
            # What was cut off in the middle of a name must not pass for another name.
            raise _wrong(data.count(b"\n") + 1, "its last line does not end in a newline")
        reader = _Reader()
        # Names are opaque octets; surrogates keep those apart that are no UTF-8.
        for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
            words = [word for word in re.split(r"[ \t]+", line) if word]
            if words and not words[0].startswith("#"):
                reader.read(number, words)
        if need_quorum and reader.quorum is None:
            raise InputError("the policy has no quorum line", "add one: `quorum NAME` or `none`")
        return cls(
            tuple(reader.logs), tuple(reader.witnesses.values()), reader.groups, reader.quorum
        )

    def met(self, who_signed: Collection[str]) -> bool:
        """Say whether the witnesses of these names, together, are the quorum."""
        if self.quorum is None:
            return False
        if self.quorum == "none":
            return True
        said = {one.name: one.name in who_signed for one in self.witnesses}
        for name, group in self.groups.items():
            said[name] = sum(said[member] for member in group.members) >= group.needed
        return said[self.quorum]


class _Reader:
    """The lines read so far."""

    def __init__(self) -> None:
        self.logs: list[LogLine] = []
        self.witnesses: dict[str, WitnessLine] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None

    def read(self, number: int, words: list[str]) -> None:
        kinds = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        if words[0] not in kinds:
            raise _wrong(number, f"{words[0][:40]!r} begins no line of a policy")
        kinds[words[0]](number, words[1:])

    def _log(self, number: int, words: list[str]) -> None:
        if len(words) not in {1, 2}:
            raise _wrong(number, "it is not `log VKEY [URL]`")
        key = _key(number, words[0])
        if isinstance(key, Cosigner) and key.algorithm == "Ed25519":
            raise _wrong(number, "its key is a witness's (type 04), not a log's")
        if any(one.key.public == key.public for one in self.logs):
            raise _wrong(number, "its key stands in another log line already")
        self.logs.append(LogLine(key, *words[1:]))
        _limit(number, self.logs)

    def _witness(self, number: int, words: list[str]) -> None:
        if len(words) not in {2, 3}:
            raise _wrong(number, "it is not `witness NAME VKEY [URL]`")
        name = self._new(number, words[0])
        key = _key(number, words[1])
        if not isinstance(key, Cosigner):
            raise _wrong(number, "its key is a log's (type 01), not a witness's (04 or 06)")
        if any(one.key.public == key.public for one in self.witnesses.values()):
            raise _wrong(number, "its key stands in another witness line already")
        self.witnesses[name] = WitnessLine(name, key, *words[2:])
        _limit(number, self.witnesses)

    def _group(self, number: int, words: list[str]) -> None:
        if len(words) < 3:
            raise _wrong(number, "it is not `group NAME all|any|K MEMBER...`")
        name = self._new(number, words[0])
        members = tuple(words[2:])
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise _wrong(number, f"{member[:80]!r} is not defined on a line before it")
        if len(set(members)) != len(members):
            raise _wrong(number, "it lists a member twice")
        taken = {member for group in self.groups.values() for member in group.members}
        if again := sorted(taken & set(members)):
            raise _wrong(number, f"{again[0][:80]!r} is a member of another group already")
        needed = {"all": str(len(members)), "any": "1"}.get(words[1], words[1])
        if not _NUMBER.fullmatch(needed) or int(needed) > len(members):
            raise _wrong(number, f"{words[1][:40]!r} is not `all`, `any` or 1 to {len(members)}")
        self.groups[name] = Group(int(needed), members)
        _limit(number, self.groups)

    def _quorum(self, number: int, words: list[str]) -> None:
        if len(words) != 1:
            raise _wrong(number, "it is not `quorum NAME`")
        if self.quorum is not None:
            raise _wrong(number, "it is the second quorum line")
        if words[0] not in {*self.witnesses, *self.groups, "none"}:
            raise _wrong(number, f"{words[0][:80]!r} is not defined on a line before it")
        self.quorum = words[0]

    def _new(self, number: int, name: str) -> str:
        if name in {*self.witnesses, *self.groups, "none"}:
            raise _wrong(number, f"the name {name[:80]!r} is taken")
        return name


def _key(number: int, vkey: str) -> Key:
    try:
        return parse_vkey(vkey)
    except InputError as error:
        raise _wrong(number, error.what) from None


def _limit(number: int, lines: Collection[object]) -> None:
    if len(lines) > LIMIT:
        raise _wrong(number, f"it is one of more than {LIMIT} of its kind")


def _wrong(line: int, why: str) -> InputError:
    return InputError(f"line {line} of the policy: {why}", "see https://c2sp.org/tlog-policy")
