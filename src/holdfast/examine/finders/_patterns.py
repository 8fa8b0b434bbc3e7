r"""The patterns of indicators, twice: exact for `re`, and loose for hyperscan's first pass.

Everything that is found lies in one *word*: a run of the bytes that an address may have, between
bytes that none has (blanks, quotes, `<>{}|^`, control and non-ASCII bytes). So a word can be
judged by itself, and a file can be read in windows that are cut between words.

Each pattern starts where a run of its own bytes starts and takes the run possessively, so no byte
is looked at more than a few times however the input is made.

A hyperscan expression must match wherever the exact pattern of its kind does (the tests hold it
to that on the whole corpus): it may match more. It sees text in which every byte that is no word
byte was replaced by a newline, with a newline before and after it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import hyperscan

from holdfast.examine.finders import _names

NEWLINE = 0x0A
WORD_BYTES = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&()*+,;=%\\"
)
TO_WORDS = bytes(byte if byte in WORD_BYTES else NEWLINE for byte in range(256))
"""Translation: what can't be in a word becomes a newline."""

_DOT = rb"(?:\.|\[\.\]|\(\.\)|\[dot\]|\(dot\))"
_LABEL = rb"[a-z0-9_-]{1,63}+"
_HOST = rb"(?:" + _LABEL + _DOT + rb"){1,126}[a-z0-9-]{2,63}+(?!" + _DOT + rb"?[a-z0-9_(-])"
_OCTET = rb"[0-9]{1,3}+"

# Schemes that other text seldom ends in may follow anything: in database pages and protocol
# buffers the byte before is the last of another value.
_SCHEME = (
    rb"(?:(?:h(?:tt|xx|\*\*)ps?|"
    rb"(?<![a-z0-9])(?:s?ftps?|fxp|wss?|ssh|smb|ldaps?|ircs?|rtsp|rtmps?|git|svn|vnc|rdp|telnet|"
    rb"tcp|udp|socks[45]h?|mongodb(?:\+srv)?|redis|mysql|postgres(?:ql)?|s3))"
    rb"(?::|\[:\])(?://|\\/\\/)|h(?:tt|xx|\*\*)ps?\[://\])"
)
# Punctuation belongs to a URL only where more of it follows; brackets only in pairs; a comma or
# semicolon not where the next URL starts; a backslash only as JSON's `\/`.
_PLAIN = rb"[a-z0-9_~/#@$&*+=%-]"
_URL = (
    _SCHEME
    + rb"(?:(?:[.:!?]|[,;](?!h(?:tt|xx)ps?:|s?ftps?:))*+(?:"
    + _PLAIN
    + rb"|\\/|\((?:[.,:;!?]|"
    + _PLAIN
    + rb")*+\)|\[(?:[.,:;!?]|"
    + _PLAIN
    + rb")*+\]))++"
)
_EMAIL = (
    rb"(?<![a-z0-9._%+-])[a-z0-9_%+-][a-z0-9._%+-]{0,63}+(?:@|\[@\]|\(@\)|\[at\]|\(at\))" + _HOST
)
# `Chrome/120.0.0.0` is a version: a product's name, a slash, and a number that ends in zeros.
_IPV4 = (
    rb"(?<![0-9a-z_.])(?!(?<=[a-z]/)[0-9]{1,3}\.0\.0\.0)"
    + _OCTET
    + rb"(?:"
    + _DOT
    + _OCTET
    + rb"){3}(?!"
    + _DOT
    + rb"?[0-9a-z_])"
)
_IPV6 = (
    rb"(?<![0-9a-z_:.])(?:[0-9a-f]{0,4}+:){2,8}(?:[0-9]{1,3}+(?:\.[0-9]{1,3}+){3}|[0-9a-f]{0,4}+)"
    rb"(?:%[a-z0-9]{1,15}+)?(?![0-9a-z_:])"
)
_HEX = rb"(?<![0-9a-z])(?:[0-9a-f]{128}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-z])"
# Not what a URL's scheme ends, `192.0.2.1http://x`: the place would be taken, and the URL be lost.
_DOMAIN = (
    rb"(?<![a-z0-9._\])-])"
    + _HOST
    + rb"(?!(?:(?<=http)|(?<=https)|(?<=hxxp)|(?<=hxxps))(?::|\[:\])(?://|\\/\\/))"
)

_EXACT: dict[bytes, bytes] = {
    b"url": _URL, b"email": _EMAIL, b"ipv4": _IPV4, b"ipv6": _IPV6, b"hash": _HEX,
    b"domain": _DOMAIN,
}  # fmt: skip
_MAY_BE: tuple[frozenset[bytes], ...] = (
    frozenset({b"url"}), frozenset({b"email"}), frozenset({b"ipv4"}),
    frozenset({b"ipv4", b"domain", b"url", b"email"}), frozenset({b"ipv6"}), frozenset({b"hash"}),
    frozenset({b"domain"}),
)  # fmt: skip
"""What each expression of the first pass may have seen, in the order of `_loose`."""


@cache
def exact(numbers: frozenset[int]) -> re.Pattern[bytes]:
    """Return the pattern for a word in which the first pass had hits of these numbers.

    Every kind, at one place the first that fits; kinds that the first pass rules out are left
    out, since trying them in vain at every place is what takes the time.
    """
    kinds = frozenset[bytes]().union(*(_MAY_BE[number] for number in numbers))
    wanted = [
        rb"(?P<" + name + rb">" + pattern + rb")"
        for name, pattern in _EXACT.items()
        if name in kinds
    ]
    return re.compile(b"|".join(wanted), re.IGNORECASE)


IPV6 = 4
EVERY = frozenset(range(len(_MAY_BE)))
"""The numbers of all expressions of the first pass."""

_PREFIX = 3
_ODD_DOT = rb"(?:\[\.\]|\(\.\)|\[dot\]|\(dot\))"


def _loose() -> list[bytes]:
    return [
        rb"(?::|\[:\])(?://|\\/\\/)[^\n]|\[://\][^\n]",
        rb"[a-z0-9_%+.-]@[a-z0-9_-]|(?:\[@\]|\(@\)|\[at\]|\(at\))[a-z0-9_-]",
        rb"[0-9](?:\.[0-9]{1,3}){3}[^0-9a-z_]",
        rb"[0-9a-z_-]" + _ODD_DOT + rb"[0-9a-z_-]",
        rb"[^0-9a-z_:.](?:[0-9a-f]{0,4}:){7}|[^0-9a-z_:.](?:[0-9a-f]{0,4}:){6}[0-9]{1,3}\.|"
        rb"[^0-9a-z_:.](?:(?:[0-9a-f]{1,4}:){1,7}:|::[0-9a-f%])",
        rb"[^0-9a-z](?:[0-9a-f]{128}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})[^0-9a-z]",
        rb"[a-z0-9_-]\." + _endings() + rb"[^a-z0-9_(-]",
    ]


def _endings() -> bytes:
    """Return an expression for the top-level domains: whole up to three letters, then by prefix.

    All 1,400 in full take hyperscan five seconds to compile, this a fifth of one.
    """
    tree: dict[str, Any] = {}
    for name in _names.listed():
        node = tree
        for letter in name[:_PREFIX]:
            node = node.setdefault(letter, {})
        node.setdefault("[a-z0-9-]+" if len(name) > _PREFIX else "", {})
    return _alternatives(tree).encode()


def _alternatives(tree: dict[str, Any]) -> str:
    if not tree:
        return ""
    return "(?:" + "|".join(head + _alternatives(rest) for head, rest in sorted(tree.items())) + ")"


@cache
def database() -> Any:
    """Return the compiled first pass, made once per process (some tenths of a second)."""
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    expressions = _loose()
    made.compile(
        expressions=expressions,
        ids=list(range(len(expressions))),
        flags=[hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL] * len(expressions),
    )
    return made
