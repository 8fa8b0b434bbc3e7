"""What differs between two captures of a page: page, text, exchanges, hosts of scripts, pictures.

Runs in the sandbox only. The report is plain values without fractions, the same for the same two
captures; pictures to look at come beside it.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from holdfast.webarchive import pictures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.webarchive.capture import Capture, Exchange

VERSION = 1
"""Raised whenever the same two captures would be compared otherwise."""
SAME, DIFFERS = "same", "differs"
CLOAKING = ("status", "redirects", "title", "text", "script_hosts")
"""What a site that shows each visitor something else can't keep the same."""
NOISE = frozenset({"exchanges", "server"})
"""What differs between any two visits to most sites, and alone makes no change."""
ALIKE = 900
"""Thousandths of words in common from which two texts count as the same page's, for cloaking."""
MOST = 5000
"""Lines, and exchanges, of each kind that a report lists; its counts are of all."""
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LINE = 2000
_LONG = 20_000
"""Lines beyond which texts are compared as heaps of lines, not in their order."""


def compare(first: Capture, second: Capture) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the report, and pictures (PNG) by the names that it has for them."""
    text = _text(first.text, second.text)
    exchanges = _exchanges(first.exchanges, second.exchanges)
    hosts = [_script_hosts(one) for one in (first, second)]
    seen, shown = pictures.compare(
        [(one.name, one.png) for one in first.pictures],
        [(one.name, one.png) for one in second.pictures],
    )
    page = {
        name: [getattr(first, name), getattr(second, name)]
        for name in ("url", "final_url", "title", "status", "error", "started", "proxy")
    }
    page["redirects"] = [list(first.redirects), list(second.redirects)]
    page["assurance"] = [list(first.assurance), list(second.assurance)]
    servers = [_main(one, "server") for one in (first, second)]
    certificates = [_main(one, "certificate") for one in (first, second)]
    differing = {
        "certificate": certificates[0] != certificates[1],
        "error": first.error != second.error,
        "exchanges": any(exchanges[name] for name in ("added", "gone", "changed")),
        "picture": any(one["differs"] for one in seen),
        "redirects": (first.redirects, first.final_url) != (second.redirects, second.final_url),
        "script_hosts": hosts[0] != hosts[1],
        "server": servers[0] != servers[1],
        "status": first.status != second.status,
        "text": _readable(first.text) != _readable(second.text),
        "title": first.title != second.title,
    }
    what = [name for name, holds in differing.items() if holds]
    cloaking = [
        name
        for name in CLOAKING
        if differing[name] and (name != "text" or text["similarity"] < ALIKE)
    ]
    report = {
        "cloaking": {"verdict": DIFFERS if cloaking else SAME, "what": cloaking},
        "exchanges": exchanges,
        "page": page,
        "pictures": seen,
        "script_hosts": {
            "added": sorted(hosts[1] - hosts[0]),
            "gone": sorted(hosts[0] - hosts[1]),
        },
        "main": {"certificate": certificates, "server": servers},
        "text": text,
        "verdict": DIFFERS if set(what) - NOISE else SAME,
        "version": VERSION,
        "what": what,
    }
    return report, shown


# --- text -----------------------------------------------------------------------------------


def _text(first: str, second: str) -> dict[str, Any]:
    """Compare what a person could read, line by line; changed lines word by word."""
    one, two = (_readable(text) for text in (first, second))
    listed: list[dict[str, Any]] = []
    counts = {"added": 0, "gone": 0}
    if max(len(one), len(two)) > _LONG:
        heaps = set(one), set(two)
        blocks: Iterable[tuple[list[str], list[str]]] = [
            ([line for line in one if line not in heaps[1]],
             [line for line in two if line not in heaps[0]])
        ]  # fmt: skip
    else:
        matcher = difflib.SequenceMatcher(None, one, two, autojunk=len(one) > 2000)
        blocks = (
            (one[a:b], two[c:d]) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"
        )
    for gone, added in blocks:
        counts["gone"] += len(gone)
        counts["added"] += len(added)
        listed.append({"gone": gone, "added": added, "words": _words(gone, added)})
    return {
        "changes": listed[:MOST],
        "in_order": max(len(one), len(two)) <= _LONG,
        "lines": [len(one), len(two)],
        "lines_added": counts["added"],
        "lines_gone": counts["gone"],
        "similarity": _similarity(first, second),
    }


def _readable(text: str) -> list[str]:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line[:_LINE] for line in lines if line]


def _words(gone: list[str], added: list[str]) -> list[list[str]]:
    """Return the pieces of a change: `=`, `-` or `+`, and text; none where nothing is alike."""
    if not gone or not added or len(gone) + len(added) > 100:
        return []
    one, two = (_WORDS.findall("\n".join(lines)) for lines in (gone, added))
    if len(one) + len(two) > 4000:
        return []
    pieces: list[list[str]] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(["=", "".join(one[a:b])])
            continue
        pieces += [[way, "".join(some)] for way, some in (("-", one[a:b]), ("+", two[c:d])) if some]
    return pieces


def _similarity(first: str, second: str) -> int:
    """Return how many thousandths of all words the texts share, whatever their order (Dice)."""
    counts: list[defaultdict[str, int]] = [defaultdict(int), defaultdict(int)]
    for text, count in zip((first, second), counts, strict=True):
        for word in re.findall(r"\w+", text.lower()):
            count[word] += 1
    total = sum(sum(one.values()) for one in counts)
    if not total:
        return 1000
    shared = sum(min(number, counts[1][word]) for word, number in counts[0].items())
    return 2000 * shared // total


# --- exchanges ------------------------------------------------------------------------------


def _exchanges(first: tuple[Exchange, ...], second: tuple[Exchange, ...]) -> dict[str, Any]:
    """Pair exchanges by method, URL and turn; say which came, went, or were answered otherwise."""
    one, two = _numbered(first), _numbered(second)
    changed = []
    for key in one:
        if key not in two:
            continue
        before, after = one[key], two[key]
        fields = {
            name: [getattr(before, name), getattr(after, name)]
            for name in ("status", "payload", "server", "certificate", "error")
            if getattr(before, name) != getattr(after, name)
        }
        if fields:
            changed.append({"fields": fields, "method": after.method, "url": after.url})
    gone = [_told(one[key]) for key in one if key not in two]
    added = [_told(two[key]) for key in two if key not in one]
    return {
        "added": added[:MOST],
        "changed": changed[:MOST],
        "counts": {"added": len(added), "changed": len(changed), "gone": len(gone)},
        "gone": gone[:MOST],
        "seen": [len(first), len(second)],
    }


def _numbered(exchanges: tuple[Exchange, ...]) -> dict[tuple[str, str, int], Exchange]:
    turns: defaultdict[tuple[str, str], int] = defaultdict(int)
    found = {}
    for one in exchanges:
        turns[one.method, one.url] += 1
        found[one.method, one.url, turns[one.method, one.url]] = one
    return found


def _told(one: Exchange) -> dict[str, Any]:
    return {"method": one.method, "status": one.status, "type": one.kind, "url": one.url}


def _script_hosts(capture: Capture) -> set[str]:
    return {one.host for one in capture.exchanges if one.kind == "script" and one.host}


def _main(capture: Capture, name: str) -> str | None:
    """Return what the main page's last exchange says."""
    last = capture.redirects[-1] if capture.redirects else None
    found = (one for one in capture.exchanges if one.url == last)
    value = next((getattr(one, name) for one in found), None)
    return None if value is None else str(value)
