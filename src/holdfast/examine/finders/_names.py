"""Which names can be domains: delegated top-level domains, public suffixes, file names.

The list is the Public Suffix List that the `publicsuffixlist` distribution bundles, its ICANN
part; nothing is looked up. Reserved names count as valid where a document that reserves them
says what they mean: RFC 2606 and 6761 (`example`, `test`, `invalid`, `localhost`), 6762
(`local`), 7686 (`onion`), 9476 (`alt`).
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources

from publicsuffixlist import PublicSuffixList

RESERVED = frozenset({"example", "test", "invalid", "localhost", "local", "onion", "alt"})
UNDELEGATED = frozenset({"i2p", "bit", "eth", "crypto", "bazar", "lan", "internal", "corp"})
"""Reported, never valid: other name systems that crime uses, and names of inner networks."""

FILES = frozenset({"mov", "pm", "py", "sh", "zip"})
"""Top-level domains that are file name extensions, and in evidence nearly always that."""
ATTRIBUTES = frozenset({"data", "name", "style"})
"""Those that programs use for parts of things, and few people for a domain."""
MAYBE_FILES = frozenset(
    {"am", "app", "cc", "do", "in", "la", "md", "ml", "pl", "ps", "rs", "so", "st"}
)
"""Those that domains use more: a file only where the place or the name says so."""

_FILE_STEMS = frozenset(
    {
        "readme",
        "changelog",
        "changes",
        "license",
        "contributing",
        "index",
        "main",
        "makefile",
        "manifest",
        "configure",
        "config",
        "install",
        "setup",
        "test",
        "mod",
        "lib",
        "todo",
        "security",
    }
)
_CODE_STEMS = frozenset(
    {"self", "this", "cls", "object", "obj", "event", "data", "item", "node", "user", "file"}
)
_BACKWARDS = frozenset({"com", "org", "net", "io", "edu", "gov"})
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_NAME = 253


@cache
def listed() -> frozenset[str]:
    """Return the top-level domains that are reported: delegated, reserved, known undelegated."""
    return delegated() | RESERVED | UNDELEGATED


@cache
def delegated() -> frozenset[str]:
    """Return the delegated top-level domains, in lower case, IDNs as `xn--`."""
    source = resources.files("publicsuffixlist") / "public_suffix_list.dat"
    found = set()
    for line in source.read_text("utf-8").partition("===END ICANN DOMAINS===")[0].splitlines():
        rule = line.strip()
        if rule and not rule.startswith("//"):
            found.add(rule.rpartition(".")[2].encode("idna").decode("ascii").lower())
    return frozenset(found - {"*"})


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


@lru_cache(maxsize=16384)
def is_domain(name: str) -> bool:
    """Say whether `name` (plain, any case) is a host name under a delegated or reserved domain.

    Rules: RFC 1035, section 2.3.4 (lengths), RFC 952 and 1123 (hyphens), underscores as DNS has
    them; not itself a public suffix such as `co.uk`.
    """
    lowered = name.lower().rstrip(".")
    labels = lowered.split(".")
    if len(lowered) > _MAX_NAME or len(labels) < 2:
        return False
    if not all(_LABEL.fullmatch(label) for label in labels) or "_" in labels[-2]:
        return False
    if labels[-1] in RESERVED:
        return True
    return labels[-1] in delegated() and _suffixes().privatesuffix(lowered) is not None


def reads_as_name(name: str, before: str = "") -> bool:
    """Say whether a name that stands alone is meant as a domain, not as a file or as code.

    Two labels are a file where the last is an extension that is seldom a domain
    (`setup.py`, `backup.zip`), and a file too where the last is a country that shares its code
    with an extension and either a slash goes before or the first label says so (`src/point.rs`,
    `README.md`, `libssl.so`, `Chrome.app`). `System.Net`, `self.id` and `pkg.name` are code: a
    domain's last label is written all small, or all capital with the rest. `com.apple.news` is
    a program's identifier, written from the back.
    """
    labels = name.split(".")
    stem, last = labels[0], labels[-1]
    if last != last.lower() and name != name.upper():
        return False
    if stem.lower() in _CODE_STEMS:
        return False
    if len(labels) != len(("name", "ending")):
        return stem not in _BACKWARDS
    ending = last.lower()
    if ending in MAYBE_FILES:
        own = stem.lower() in _FILE_STEMS or stem.startswith("lib") or stem != stem.lower()
        return not own and before not in {"/", "\\"}
    return ending not in FILES and ending not in ATTRIBUTES
