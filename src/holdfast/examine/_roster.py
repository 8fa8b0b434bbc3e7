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
from holdfast.examine.mapping import MappedParser, Mapping

if TYPE_CHECKING:
    from holdfast.core.canonical import Json
    from holdfast.examine.interfaces import Finder, Opener, Parser
    from holdfast.examine.limits import Limits

PARSER, FINDER, OPENER = "parser", "finder", "opener"
ENUMERATION = "enumeration"
"""The name under which the enumeration's own failures stand."""
_DAY = 86_400_000_000
_ENGINE = 2
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
    settings: str = ""
    """Digest of what it was told beyond the item: a mapping."""

    def to_json(self) -> dict[str, Json]:
        """Return the module as it stands in keys, results and messages."""
        return {
            "role": self.role,
            "name": self.name,
            "version": self.version,
            "decoders": dict(self.decoders),
            **({"dated": True} if self.dated else {}),
            **({"settings": self.settings} if self.settings else {}),
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
                decoders = {key: str(text) for key, text in d.items()}
                dated, settings = more.get("dated") is True, str(more.get("settings", ""))
                return cls(role, name, version, decoders, dated, settings)
        raise InputError("a module is described by its role, name, version and decoders")


@dataclass(frozen=True)
class Roster:
    """The modules that take part."""

    parsers: tuple[tuple[Module, Parser], ...]
    finders: tuple[tuple[Module, Finder], ...]
    openers: tuple[tuple[Module, Opener], ...]

    def all(self) -> tuple[Module, ...]:
        """Return the description of every module."""
        return tuple(module for module, _ in (*self.parsers, *self.finders, *self.openers))


def load(plugins: tuple[str, ...] = (), mapping: Json = None) -> Roster:
    """Import every module of the three folders, those of other distributions, and `plugins`.

    With a `mapping`, a parser of tables that it explains is among them.

    Raises:
        InputError: two modules of one name, or a plugin that is none of the three.
    """
    found: dict[str, list[object]] = {
        PARSER: list(interfaces.parsers()),
        FINDER: list(interfaces.finders()),
        OPENER: list(interfaces.openers()),
    }
    for plugin in plugins:
        module = import_module(plugin)
        for role, verb in ((PARSER, "parse"), (FINDER, "find"), (OPENER, "unfold")):
            if hasattr(module, verb):
                found[role].append(module)
                break
        else:
            raise InputError(f"{plugin} neither parses, finds nor unfolds")
    if mapping is not None:
        found[PARSER].append(MappedParser(Mapping.from_json(mapping)))
    described = {
        role: sorted(
            ((_describe(role, cast("Parser", code), mapping), code) for code in modules),
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
    )


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
        settings["mapping"] = module.settings
    if module.dated and latest is not None:
        settings["latest"] = latest // _DAY
    return _key(module.name, module.version, module.decoders, settings)


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


def _describe(role: str, code: Parser | Finder | Opener, mapping: Json) -> Module:
    decoders = {name: _version_of(name) for name in sorted(code.DECODERS)}
    told = sha256_hex(canonical.dumps(mapping)) if isinstance(code, MappedParser) else ""
    dated = getattr(code, "DATED", False) is True
    return Module(role, interfaces.name_of(code), code.VERSION, decoders, dated, told)


@cache
def _version_of(decoder: str) -> str:
    if decoder == "python":
        return platform.python_version()
    if decoder == "sqlite3":
        return str(import_module("sqlite3").sqlite_version)
    return metadata.version(decoder)
