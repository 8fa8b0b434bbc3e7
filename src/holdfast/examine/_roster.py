"""Which modules a worker has: name, role, versions. The engine learns it from the worker, so
that the house itself never imports a decoder.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from typing import TYPE_CHECKING, cast

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError
from holdfast.examine import interfaces
from holdfast.examine.crosscheck import CROSS_CHECK, CrossCheck
from holdfast.examine.mapping import MAPPED, MappedParser, Mapping

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.interfaces import Finder, Opener, Parser, RecordFinder
    from holdfast.examine.limits import Limits

PARSER, FINDER, OPENER = "parser", "finder", "opener"
RECORD_FINDER = "record-finder"
SECOND = "second"
ENUMERATION = "enumeration"
"""The name under which the enumeration's own failures stand."""
_DAY = 86_400_000_000
_ENGINE = 3
"""Raised whenever the engine itself would write other results for the same modules."""


@dataclass(frozen=True)
class Module:
    """A parser, finder or opener as results cite it."""

    role: str
    name: str
    version: int
    decoders: dict[str, str]
    dated: bool = False
    """Its records may depend on when the item was collected."""
    kinds: tuple[str, ...] = ()
    """Of a record finder: the kinds of records it reads."""
    settings: str = ""
    """SHA-256 of what it was told beyond the item; empty where nothing was."""
    of: str = ""
    """Of a second opinion: the parser it is held against, whose description `settings` is of."""

    def to_json(self) -> dict[str, Json]:
        """Return the module as it stands in keys, results and messages."""
        return {
            "role": self.role,
            "name": self.name,
            "version": self.version,
            "decoders": dict(self.decoders),
            **({"dated": True} if self.dated else {}),
            **({"kinds": [*self.kinds]} if self.kinds else {}),
            **({"settings": self.settings} if self.settings else {}),
            **({"of": self.of} if self.of else {}),
        }

    @classmethod
    def from_json(cls, value: Json) -> Module:
        """Read what `to_json` wrote."""
        match value:
            case {
                "role": str(role),
                "name": str(name),
                "version": int(version),
                "decoders": dict(d),
                **more,
            }:
                kinds = more.get("kinds")
                return cls(
                    role, name, version, {key: str(text) for key, text in d.items()},
                    more.get("dated") is True,
                    tuple(map(str, kinds)) if isinstance(kinds, list) else (),
                    str(more.get("settings", "")),
                    str(more.get("of", "")),
                )  # fmt: skip
        raise InputError("a module is described by its role, name, version and decoders")


@dataclass(frozen=True)
class Roster:
    """The modules that take part."""

    parsers: tuple[tuple[Module, Parser], ...]
    finders: tuple[tuple[Module, Finder], ...]
    openers: tuple[tuple[Module, Opener], ...]
    record_finders: tuple[tuple[Module, RecordFinder], ...] = ()
    seconds: tuple[tuple[Module, CrossCheck], ...] = ()

    def all(self) -> tuple[Module, ...]:
        """Return the description of every module."""
        pairs = (
            *self.parsers, *self.finders, *self.openers, *self.record_finders, *self.seconds,
        )  # fmt: skip
        return tuple(module for module, _ in pairs)


def load(plugins: tuple[str, ...] = (), settings: dict[str, Json] | None = None) -> Roster:
    """Import every module of the three folders, those of other distributions, and `plugins`.

    `settings` is what modules are told, by name. Finders that have `use` are told here; told of
    a mapping, the parser `mapped` of the tables that it explains is among the others; told to
    cross-check, every second opinion is there.

    Raises:
        InputError: two modules of one name, a plugin that is none of the three, or a library for
            a cross-check is not there.
    """
    found: dict[str, list[object]] = {
        PARSER: list(interfaces.parsers()),
        FINDER: list(interfaces.finders()),
        OPENER: list(interfaces.openers()),
        RECORD_FINDER: list(interfaces.record_finders()),
        SECOND: [],
    }
    others: list[object] = []
    for plugin in plugins:
        module = import_module(plugin)
        if hasattr(module, "said"):
            others.append(module)
            continue
        for role, verb in ((PARSER, "parse"), (FINDER, "find"), (OPENER, "unfold"),
                           (RECORD_FINDER, "search")):  # fmt: skip
            if hasattr(module, verb):
                found[role].append(module)
                break
        else:
            raise InputError(f"{plugin} neither parses, finds nor unfolds")
    told = settings or {}
    for code in found[FINDER]:
        if (use := getattr(code, "use", None)) is not None:
            use(told.get(interfaces.name_of(cast("Finder", code))))
    if MAPPED in told:
        found[PARSER].append(MappedParser(Mapping.from_json(told[MAPPED])))
    if CROSS_CHECK in told:
        found[SECOND] = _checks(found[PARSER], others)
    described = {
        role: sorted(
            ((_describe(role, cast("Parser", code), told), code) for code in modules),
            key=lambda pair: pair[0].name,
        )
        for role, modules in found.items()
    }
    names = [module.name for pairs in described.values() for module, _ in pairs]
    for role, pairs in described.items():
        twice = {m.name for m, _ in pairs if sum(m.name == n.name for n, _ in pairs) > 1}
        if twice or ENUMERATION in names:
            raise InputError(f"two {role}s are named {min(twice or {ENUMERATION})}")
    return Roster(
        tuple(cast("list[tuple[Module, Parser]]", described[PARSER])),
        tuple(cast("list[tuple[Module, Finder]]", described[FINDER])),
        tuple(cast("list[tuple[Module, Opener]]", described[OPENER])),
        tuple(cast("list[tuple[Module, RecordFinder]]", described[RECORD_FINDER])),
        tuple(cast("list[tuple[Module, CrossCheck]]", described[SECOND])),
    )


def _checks(parsers: list[object], others: list[object]) -> list[object]:
    """Return every second opinion, each with the parser that it is of."""
    try:
        there = interfaces.seconds()
    except ImportError as error:
        raise InputError(
            f"a cross-check needs a library that is not installed: {error.name}",
            "install them all: pip install 'holdfast[cross-check]'",
        ) from error
    known = {interfaces.name_of(cast("Parser", one)): cast("Parser", one) for one in parsers}
    seconds = (*there, *(cast("interfaces.Second", one) for one in others))
    return [CrossCheck(one, known[one.OF]) for one in seconds if one.OF in known]


def enumeration_key(modules: tuple[Module, ...], limits: Limits) -> str:
    """Return the key of the enumeration: the openers, and the limits."""
    openers: list[Json] = [module.to_json() for module in modules if module.role == OPENER]
    return _key(ENUMERATION, 1, {}, {"openers": openers, "limits": limits.to_json()})


def module_key(module: Module, enumeration: str, latest: int | None = None) -> str:
    """Return the key of a module's result over the files of an enumeration.

    `latest` is when the item was collected: its day counts where a year may be read from it.
    """
    settings: dict[str, Json] = {"enumeration": enumeration, "role": module.role}
    if module.settings:
        settings["settings"] = module.settings
    if module.dated and latest is not None:
        settings["latest"] = latest // _DAY
    return _key(module.name, module.version, module.decoders, settings)


def record_finder_key(module: Module, enumeration: str, reads: list[str]) -> str:
    """Return the key of a record finder's result.

    `reads` are the keys of the results whose records it reads.
    """
    given: dict[str, Json] = {
        "enumeration": enumeration, "role": module.role, "reads": [*reads],
        "settings": module.settings,
    }  # fmt: skip
    return _key(module.name, module.version, module.decoders, given)


def _key(name: str, version: int, decoders: dict[str, str], settings: dict[str, Json]) -> str:
    return sha256_hex(
        canonical.dumps(
            {
                "engine": _ENGINE,
                "name": name,
                "version": version,
                "decoders": dict(decoders),
                "settings": settings,
            }
        )
    )


def _describe(
    role: str, code: Parser | Finder | RecordFinder | Opener | CrossCheck, settings: dict[str, Json]
) -> Module:
    name = interfaces.name_of(code)
    takes = hasattr(code, "use") or hasattr(code, "prepare") or isinstance(code, MappedParser)
    digest = sha256_hex(canonical.dumps(settings[name])) if takes and name in settings else ""
    decoders = {decoder: version_of(decoder) for decoder in sorted(code.DECODERS)}
    dated, kinds = getattr(code, "DATED", False) is True, tuple(getattr(code, "KINDS", ()))
    of = ""
    if isinstance(code, CrossCheck):  # another version of the parser is another comparison
        first = _describe(PARSER, code.parser, settings)
        of, digest, dated = first.name, sha256_hex(canonical.dumps(first.to_json())), first.dated
    return Module(role, name, code.VERSION, decoders, dated, kinds, digest, of)


@cache
def version_of(decoder: str) -> str:
    """Return the version of a distribution, of `python` or `sqlite3`, without importing it."""
    if decoder == "python":
        return platform.python_version()
    if decoder == "sqlite3":
        return str(import_module("sqlite3").sqlite_version)
    return metadata.version(decoder)
