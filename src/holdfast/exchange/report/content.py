"""What a report says: plain values, which are also its manifest. Decided without I/O.

A document is a function of this, of the typesetter's version and of the fonts alone, so whoever has
the manifest can make the same document again and compare. docs/formats/report.md has its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from holdfast.core.canonical import Json

FORMAT = "holdfast-report-1"
T = TypeVar("T")


@dataclass(frozen=True)
class Cited:
    """A record that a finding rests on."""

    exhibit: str
    item: str
    """SHA-256 of the exhibit's original."""
    path: str
    """Where inside the item: containers are named one after the other."""
    locator: str
    """Byte range or row; empty where the record has none."""
    kind: str
    time: str
    """Of the record, RFC 3339 in UTC; empty where it has none."""
    message: str
    module: str
    """What read it: a parser or a finder."""
    version: str


@dataclass(frozen=True)
class Verified:
    """A second examination, by another person."""

    outcome: str
    """`agrees`, `partly` or `disagrees`."""
    remarks: str
    by: str
    entry: int


@dataclass(frozen=True)
class Statement:
    """A finding that another person has reviewed."""

    number: str
    title: str
    text: str
    source: str
    """How far the source is reliable, by the 4x4 system: A, B, C or X."""
    information: str
    """How far the information is, 1 to 4."""
    author: str
    reviewer: str
    made: int
    """The entry that made it as it stands here."""
    reviewed: int
    """The entry of its review."""
    exonerates: bool
    """It speaks for the suspect."""
    cited: tuple[Cited, ...]
    method: str = ""
    """How it was found, in its author's words."""
    verified: tuple[Verified, ...] = ()


@dataclass(frozen=True)
class Step:
    """What was done with an exhibit, by its entry."""

    entry: int
    time: str
    actor: str
    signed: bool
    act: str
    kind: str


@dataclass(frozen=True)
class Shown:
    """An exhibit that a finding rests on."""

    label: str
    item: str
    size: int
    path: str
    collected: str
    entry: int
    """The entry that it came by."""
    checked: str
    """`unchanged`, or what was found wrong when its bytes were hashed for this report."""
    steps: tuple[Step, ...]
    more: int
    """Reads of it that are entries too and are not listed."""


@dataclass(frozen=True)
class Weakness:
    """How a method can mislead."""

    id: str
    """SOLVE-IT's number for it; empty where it has none."""
    text: str


@dataclass(frozen=True)
class Method:
    """How records were obtained."""

    module: str
    version: str
    does: str
    techniques: tuple[str, ...]
    """SOLVE-IT's numbers."""
    weaknesses: tuple[Weakness, ...]


@dataclass(frozen=True)
class Standing:
    """Under which authority the case is worked."""

    basis: str
    issuer: str
    scope: tuple[str, ...]
    valid_from: str
    valid_until: str
    entry: int


@dataclass(frozen=True)
class Content:
    """A whole report."""

    language: str
    case: str
    title: str
    purpose: str
    authority: Standing
    audience: str
    """The role that it is made for."""
    made: str
    """When, RFC 3339 in UTC, by this unit's clock."""
    maker: str
    log: str
    """The log's origin."""
    entries: int
    """How many entries it had."""
    root: str
    """Its root then: binds all of them."""
    findings: tuple[Statement, ...]
    left_out: int
    """Findings of the case that are reviewed, and were not chosen."""
    unreviewed: int
    """Findings of the case that nobody has reviewed: none of them stands here."""
    exhibits: tuple[Shown, ...]
    methods: tuple[Method, ...]
    ledger: Mapping[str, int]
    """Files of these exhibits: `parsed`, `unsupported`, `failed`, `not_examined`."""
    withheld: Mapping[str, int]
    """Persons whose details are withheld from this audience, by what they are in the case."""
    validator: str
    """What found that the document keeps PDF/A-3a and PDF/UA-1; empty: not validated."""
    software: Mapping[str, str]
    """What it was made with, by name: versions, and digests of fonts."""
    format: str = FORMAT

    def as_json(self) -> dict[str, Json]:
        """Return it as plain values: the manifest."""
        plain: dict[str, Json] = _lists(asdict(self))
        return plain

    def manifest(self) -> bytes:
        """Return the manifest's bytes: canonical JSON (RFC 8785)."""
        return canonical.dumps(self.as_json())

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest."""
        return sha256_hex(self.manifest())


def read(manifest: bytes) -> Content:
    """Return what a manifest says.

    Raises:
        InputError: it is no manifest of a report, or one of another format.
    """
    try:
        value = canonical.loads(manifest)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise TypeError
        found = _read(Content, value)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"this is no manifest of a report ({FORMAT})",
            "take the file that the report holds: pdfdetach -saveall REPORT.pdf",
        ) from None
    return found


def _lists(value: Any) -> Any:
    """Return `value` with lists where it has tuples, as JSON has them."""
    if isinstance(value, dict):
        return {name: _lists(one) for name, one in value.items()}
    return [_lists(one) for one in value] if isinstance(value, (list, tuple)) else value


def _read(wanted: type[T], value: Any) -> T:
    """Return a dataclass of plain values; a member more, less or of another type is a fault."""
    hints = get_type_hints(wanted)
    names = {one.name for one in fields(wanted)}  # type: ignore[arg-type]
    if not isinstance(value, dict) or set(value) != names:
        raise TypeError
    return wanted(**{name: _member(hints[name], value[name]) for name in names})


def _member(hint: Any, value: Any) -> Any:
    if is_dataclass(hint):
        return _read(hint, value)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise TypeError
        return tuple(_member(get_args(hint)[0], one) for one in value)
    if get_origin(hint) is Mapping:
        kind = get_args(hint)[1]
        if not isinstance(value, dict):
            raise TypeError
        return {name: _member(kind, one) for name, one in value.items()}
    if type(value) is not hint:
        raise TypeError
    return value
