"""Which of the unit's YARA rules, given by `examine --yara`, every file matches.

Rules see a file's own bytes; what is inside a container is a file of its own. A file is scanned
whole, up to `MOST` bytes; a larger one is a failure in the ledger, and what is inside it is not.
Without `--yara` nothing is found.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import yara_x

from holdfast.examine.record import Record, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.core.canonical import Json
    from holdfast.examine.file import EvidenceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class YaraMatch(Record):
    """A rule that a file matches; `offset` and `length` are those of its first string found."""

    KIND: ClassVar[str] = "yara.match"

    rule: str
    namespace: str
    """The file of rules, as it lies in the folder that was named."""
    rule_tags: list[str]
    rule_meta: list[str]
    """`name=value` each, in the rule's order."""
    rules_sha256: str
    """Of all rules that were given together."""
    strings: list[str]
    """`$name@offset+length` of each string found, the first `LISTED` by name and offset."""
    strings_found: int
    """How many there are."""


VERSION = 1
DECODERS: tuple[str, ...] = ("yara-x",)

MOST = 1 << 30
"""Bytes of a file that is scanned: all of it is in a worker's address space at once."""
IN_MEMORY = 32 << 20
"""Bytes up to which a file is read; beyond, a copy of it is mapped."""
SECONDS = 120
"""Seconds that all rules together may take over a file, and one more for each MiB of it."""
LISTED = 100


class _InUse:
    """What this worker looks for: set once, before the first item."""

    scanner: Any = None
    sha256 = ""


def use(settings: Json) -> None:
    """Look for the rules in `settings` from now on; they are part of the result's key."""
    _InUse.scanner = None
    if isinstance(settings, dict):
        compiled = io.BytesIO(base64.b64decode(str(settings["compiled"])))
        _InUse.scanner = yara_x.Scanner(yara_x.Rules.deserialize_from(compiled))
        _InUse.sha256 = str(settings["sha256"])


def find(file: EvidenceFile) -> Iterator[YaraMatch]:
    """Yield a record for each rule that matches, by namespace and name.

    Raises:
        UnreadableError: too large, or it took too long.
    """
    if _InUse.scanner is None:
        return
    if file.size > MOST:
        raise UnreadableError(f"larger than the {MOST} bytes that YARA is given")
    _InUse.scanner.set_timeout(SECONDS + file.size // (1 << 20))
    try:
        found = _scanned(file).matching_rules
    except yara_x.TimeoutError:
        raise UnreadableError("the YARA rules took too long over it") from None
    for rule in sorted(found, key=lambda one: (one.namespace, one.identifier)):
        yield _match(rule)


def _scanned(file: EvidenceFile) -> Any:
    if file.size > IN_MEMORY:
        return _InUse.scanner.scan_file(str(file.copy()))
    with file.open() as stream:
        return _InUse.scanner.scan(stream.read())


def _match(rule: Any) -> YaraMatch:
    strings = sorted(
        (pattern.identifier, match.offset, match.length)
        for pattern in rule.patterns
        for match in pattern.matches
    )
    first = min(((offset, length) for _, offset, length in strings), default=(None, None))
    return YaraMatch(
        message=f"{rule.namespace}: {rule.identifier}",
        offset=first[0], length=first[1],
        rule=rule.identifier, namespace=rule.namespace, rule_tags=list(rule.tags),
        rule_meta=[f"{name}={_text(value)}" for name, value in rule.metadata],
        rules_sha256=_InUse.sha256,
        strings=[f"{name}@{offset}+{length}" for name, offset, length in strings[:LISTED]],
        strings_found=len(strings),
    )  # fmt: skip


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
