"""Sigma rules from a folder, made ready for the finder `sigma`: https://sigmahq.io/sigma-specification/

pySigma reads and checks them, in the house, since they are the unit's and not evidence. What
workers are given is a plain tree for each rule (JSON), which `finders/sigma.py` evaluates; so
workers need neither YAML nor pySigma, and the tree's digest is part of the result's key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.core import canonical
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError, printable
from holdfast.examine.finders._sigma_sources import selector

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.core.canonical import Json

RULE_BYTES = 1 << 20
"""Bytes of a rule's file, at most."""


@dataclass(frozen=True)
class RuleSet:
    """What a folder of rules came to."""

    rules: list[Json]
    """Rules that event records can be held against."""
    elsewhere: int
    """Rules for log sources that no parser here gives records for."""
    unusable: list[str]
    """File and reason of each rule that could not be read."""

    def digest(self) -> str:
        """Return the SHA-256 of the rules as the finder takes them."""
        return sha256_hex(canonical.dumps(self.rules))


class _UnsupportedError(ValueError):
    """A part of Sigma that is not evaluated here."""


def load(folder: Path) -> RuleSet:
    """Read every `*.yml` below `folder`, in the order of their paths.

    Raises:
        InputError: no folder, or no rule in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder", "name the folder that holds the Sigma rules")
    rules: list[Json] = []
    unusable: list[str] = []
    elsewhere = 0
    if not folder.resolve().name:
        raise InputError("/ is no folder of rules", "name the folder that the rules lie in")
    for path in sorted(one for one in folder.rglob("*.yml") if one.is_file()):
        name = path.relative_to(folder).as_posix()
        data = path.read_bytes()[: RULE_BYTES + 1]
        try:
            rule = compile_rule(data)
        except ValueError as error:
            unusable.append(f"{printable(name)}: {printable(str(error))[:200]}")
        else:
            elsewhere += rule is None
            if rule is not None:
                rules.append(rule)
    if not rules and not elsewhere and not unusable:
        raise InputError(f"there is no rule (*.yml) in {folder}")
    return RuleSet(rules, elsewhere, unusable)


def compile_rule(data: bytes) -> dict[str, Json] | None:
    """Return a rule as the finder takes it; None where its log source gives no records here.

    Raises:
        ValueError: not a rule, or one that uses what is not evaluated here.
    """
    import yaml  # noqa: PLC0415 - half a second that other commands need not spend
    from sigma.exceptions import SigmaError  # noqa: PLC0415
    from sigma.rule import SigmaRule  # noqa: PLC0415

    if len(data) > RULE_BYTES:
        raise ValueError(f"over {RULE_BYTES} bytes")
    try:
        text = data.decode("utf-8")
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C, where it was built
        documents = [one for one in yaml.load_all(text, Loader=loader) if one is not None]
        if len(documents) != 1 or not isinstance(documents[0], dict):
            raise ValueError("not one rule in one document")
        if "correlation" in documents[0]:
            raise ValueError("a correlation, which is not evaluated yet")
        rule = SigmaRule.from_dict(documents[0])
        source = rule.logsource
        chosen = selector(source.product, source.category, source.service)
        if chosen is None:
            return None
        trees: list[Json] = [_tree(one.parsed) for one in rule.detection.parsed_condition]
    except (SigmaError, yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return {
        "id": str(rule.id or ""),
        "title": rule.title or "",
        "level": rule.level.name.lower() if rule.level else "",
        "status": rule.status.name.lower() if rule.status else "",
        "date": str(rule.date or ""),
        "modified": str(rule.modified or ""),
        "tags": [f"{tag.namespace}.{tag.name}" for tag in rule.tags],
        "sha256": sha256_hex(data),
        "source": chosen,
        "tree": trees[0] if len(trees) == 1 else ["or", trees],
    }


def _tree(node: Any) -> list[Json]:
    from sigma import conditions as c  # noqa: PLC0415

    if isinstance(node, c.ConditionNOT):
        return ["not", _tree(node.args[0])]
    if isinstance(node, (c.ConditionAND, c.ConditionOR)):
        word = "and" if isinstance(node, c.ConditionAND) else "or"
        parts: list[Json] = [_tree(one) for one in node.args]
        return [word, parts]
    if isinstance(node, c.ConditionFieldEqualsValueExpression):
        return _leaf(node.field, node.value)
    if isinstance(node, c.ConditionValueExpression):
        return _leaf(None, node.value)
    raise _UnsupportedError(f"{type(node).__name__} is not evaluated here")


def _leaf(field: str | None, value: Any) -> list[Json]:  # noqa: PLR0911 - one for each kind of value
    from sigma import types as t  # noqa: PLC0415

    match value:
        case t.SigmaExpansion():
            expanded: list[Json] = [_leaf(field, one) for one in value.values]
            return ["or", expanded]
        case t.SigmaString():
            parts: list[Json] = []
            for part in value.s:
                if isinstance(part, t.Placeholder):
                    raise _UnsupportedError("a placeholder that nobody has filled in")
                parts.append(part if isinstance(part, str) else _WILD[part.name])
            return ["text", field, parts, isinstance(value, t.SigmaCasedString)]
        case t.SigmaNumber():
            return ["number", field, str(value.number)]
        case t.SigmaBool():
            return ["bool", field, value.boolean]
        case t.SigmaNull():
            return ["null", field]
        case t.SigmaRegularExpression():
            flags = "".join(sorted(flag.name[0].lower() for flag in value.flags))
            return ["regex", field, _checked(str(value.regexp), flags), flags]
        case t.SigmaCIDRExpression():
            return ["network", field, str(value.network)]
        case t.SigmaCompareExpression():
            return ["compare", field, value.op.name.lower(), str(value.number.number)]
        case t.SigmaFieldReference():
            return ["field", field, value.field, value.starts_with, value.ends_with]
        case t.SigmaExists():
            return ["exists", field, bool(value.exists)]
    raise _UnsupportedError(f"{type(value).__name__} is not evaluated here")


_WILD = {"WILDCARD_MULTI": 1, "WILDCARD_SINGLE": 2}


def _checked(pattern: str, flags: str) -> str:
    import re  # noqa: PLC0415

    del flags
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"a regular expression that Python doesn't know: {error}") from error
    return pattern
