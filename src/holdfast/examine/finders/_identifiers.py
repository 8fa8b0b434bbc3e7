r"""Identifiers with rules of their own: money, phones, machines, handles, places. The patterns.

Each kind has an exact pattern for `re` and a loose one for hyperscan's first pass, which must
match wherever the exact one does (the tests hold it to that). What is searched is a *phrase*: a
run of printable ASCII, blanks included, so that `4111 1111 1111 1111` is one finding. Quantifiers
are possessive or bounded: no byte is looked at more than a few hundred times.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import hyperscan

from holdfast.examine.finders import _validity
from holdfast.examine.finders._judge import Found

if TYPE_CHECKING:
    from collections.abc import Callable

NEWLINE = 0x0A
TO_PHRASES = bytes(
    0x20 if byte == 0x09 else byte if 0x20 <= byte < 0x7F else NEWLINE for byte in range(256)
)
"""Translation: what can't be in a phrase becomes a newline, a tab a blank."""

_B58 = rb"[1-9A-HJ-NP-Za-km-z]"
_L, _R = rb"(?<![A-Za-z0-9])", rb"(?![A-Za-z0-9])"
_GAP = rb"[^A-Za-z0-9]"
_NAME = rb"[A-Za-z0-9_+-]"
_COUNTRIES = "|".join(sorted(_validity.IBAN)).encode()
_TELEGRAM = (
    rb"(?:t\.me|telegram\.(?:me|dog))/(?:s/|joinchat/)?+" + _NAME + rb"{4,64}+"
    rb"|tg://(?:resolve\?domain=|join\?invite=)" + _NAME + rb"{4,64}+"
    rb"|(?:telegram|tg) ?[:=]? ?@[A-Za-z0-9_]{5,32}+"
)
_DISCORD = (
    rb"discord\.gg/[A-Za-z0-9-]{2,32}+"
    rb"|discord(?:app)?\.com/(?:invite/[A-Za-z0-9-]{2,32}+|users/[0-9]{17,20}+"
    rb"|api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{20,100}+)"
    rb"|discord ?[:=]? ?@?[A-Za-z0-9_.]{2,32}#[0-9]{4}(?![0-9])"
)
_WHATSAPP = (
    rb"wa\.me/\+?[0-9]{7,15}+|chat\.whatsapp\.com/(?:invite/)?[A-Za-z0-9]{20,24}+"
    rb"|api\.whatsapp\.com/send/?\?phone=\+?[0-9]{7,15}+"
    rb"|[0-9]{7,15}@(?:s\.whatsapp\.net|c\.us)(?![A-Za-z0-9.])"
    rb"|[0-9]{10,20}(?:-[0-9]{10})?@g\.us(?![A-Za-z0-9.])"
)
_PART = rb"[!#$%&+.0-9@A-Z^_`a-z{}~-]{1,255}+"
_REGISTRY = (
    rb"(?:HKEY_(?:LOCAL_MACHINE|CURRENT_USER|CLASSES_ROOT|USERS|CURRENT_CONFIG)"
    rb"|HK(?:LM|CU|CR|CC|U)|\\REGISTRY\\(?:MACHINE|USER|A)):?"
    rb"(?:\\{1,2}" + _PART + rb"(?: " + _PART + rb"){0,8}+(?=\\)){0,40}\\{1,2}" + _PART
)


class Kind(NamedTuple):
    """One kind of identifier."""

    type: str
    exact: re.Pattern[bytes]
    loose: bytes
    folded: bool
    judge: Callable[[bytes, re.Match[bytes]], tuple[int, bool] | None]
    """Takes the phrase and the match; gives the length that is meant, and whether it is valid."""


def _kind(type_: str, exact: bytes, loose: bytes, judge: Any, *, folded: bool = False) -> Kind:
    return Kind(type_, re.compile(exact, re.IGNORECASE if folded else 0), loose, folded, judge)


def _checked(valid: Callable[[str], bool]) -> Any:
    """Judge the whole match by a rule that says yes or no."""

    def judge(_phrase: bytes, match: re.Match[bytes]) -> tuple[int, bool] | None:
        return len(match[0]), valid(match[0].decode("ascii"))

    return judge


def _kept(rule: Callable[[str], bool | None]) -> Any:
    """Judge by a rule that may also say that it is nothing at all (None)."""

    def judge(_phrase: bytes, match: re.Match[bytes]) -> tuple[int, bool] | None:
        valid = rule(match[0].decode("ascii"))
        return None if valid is None else (len(match[0]), valid)

    return judge


def _iban(_phrase: bytes, match: re.Match[bytes]) -> tuple[int, bool] | None:
    return _validity.iban(match[0].decode("ascii"))


def _imei(phrase: bytes, match: re.Match[bytes]) -> tuple[int, bool] | None:
    valid = _validity.imei(match[0].decode("ascii"))
    named = b"imei" in phrase[max(0, match.start() - 16) : match.start()].lower()
    return (len(match[0]), valid) if valid or named else None


KINDS: tuple[Kind, ...] = (
    _kind("phone", rb"(?<![A-Za-z0-9+/=])\+[1-9](?:[ ()./-]{0,2}[0-9]){6,14}+(?![0-9])",
          rb"\+[1-9](?:[ ()./-]{0,2}[0-9]){6}", _kept(_validity.phone)),
    _kind("btc", _L + rb"[13]" + _B58 + rb"{25,33}" + _R,
          _GAP + rb"[13]" + _B58 + rb"{25,33}" + _GAP, _kept(_validity.btc_base58)),
    _kind("btc", _L + rb"(?:(?:bc|tb)1[02-9ac-hj-np-z]{11,71}|(?:BC|TB)1[02-9AC-HJ-NP-Z]{11,71})"
          + _R, _GAP + rb"(?:(?:bc|tb)1[02-9ac-hj-np-z]{11}|(?:BC|TB)1[02-9AC-HJ-NP-Z]{11})",
          _checked(_validity.bech32)),
    _kind("eth", _L + rb"0x[0-9a-fA-F]{40}" + _R, _GAP + rb"0x[0-9a-fA-F]{40}" + _GAP,
          _checked(_validity.eth)),
    _kind("xmr", _L + rb"[48]" + _B58 + rb"{94}(?:" + _B58 + rb"{11})?" + _R,
          _GAP + rb"[48]" + _B58 + rb"{94}(?:" + _B58 + rb"{11})?" + _GAP,
          _checked(_validity.xmr)),
    _kind("trx", _L + rb"T" + _B58 + rb"{33}" + _R, _GAP + rb"T" + _B58 + rb"{33}" + _GAP,
          _checked(_validity.trx)),
    _kind("card", rb"(?<![0-9A-Za-z.+_-])[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}+"
          rb"(?![0-9A-Za-z_]|[.-][0-9])",
          rb"[^0-9A-Za-z.+_-][2-6][0-9]{3}(?:[ -]?[0-9]){9,15}[^0-9A-Za-z_]",
          _kept(_validity.card)),
    _kind("iban", _L + rb"(?:" + _COUNTRIES + rb")[0-9]{2}(?: ?[A-Z0-9]){11,30}+",
          _GAP + rb"(?:" + _COUNTRIES + rb")[0-9]{2}(?: ?[A-Z0-9]){11}", _iban),
    _kind("onion_v3", rb"(?<![a-z0-9])[a-z2-7]{55}d\.onion(?![a-z0-9-])",
          rb"[a-z2-7]{55}d\.onion", _checked(_validity.onion), folded=True),
    _kind("telegram", rb"(?<![a-z0-9.-])(?:" + _TELEGRAM + rb")",
          rb"(?:t\.me|telegram\.(?:me|dog))/|tg://|(?:telegram|tg) ?[:=]? ?@",
          _checked(_validity.telegram), folded=True),
    _kind("discord", rb"(?<![a-z0-9-])(?:" + _DISCORD + rb")", rb"discord[^\n]{0,45}[/#][0-9a-z]",
          _checked(_validity.discord), folded=True),
    _kind("whatsapp", rb"(?<![a-z0-9.-])(?:" + _WHATSAPP + rb")",
          rb"wa\.me/|whatsapp\.(?:com|net)|[0-9]@(?:c|g)\.us", _checked(_validity.whatsapp),
          folded=True),
    _kind("mac", rb"(?<![0-9a-z:.-])(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}"
          rb"|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})(?![0-9a-z:-]|\.[0-9a-z])",
          rb"[^0-9a-z:.-](?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}"
          rb"|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})[^0-9a-z:-]",
          _checked(_validity.mac), folded=True),
    _kind("imei", rb"(?<![0-9A-Za-z.+_-])(?:[0-9]{15}|[0-9]{2}-[0-9]{6}-[0-9]{6}-[0-9])"
          rb"(?![0-9A-Za-z_]|[.-][0-9])",
          rb"[^0-9A-Za-z.+_-](?:[0-9]{15}|[0-9]{2}-[0-9]{6}-[0-9]{6}-[0-9])[^0-9A-Za-z_]", _imei),
    _kind("gps", rb"(?<![0-9.,])(?:geo:)?-?[0-9]{1,2}\.[0-9]{4,15}+[,;] ?-?[0-9]{1,3}\.[0-9]{4,15}+"
          rb"(?![0-9.])", rb"[0-9]\.[0-9]{4,15}[,;] ?-?[0-9]{1,3}\.[0-9]{4}",
          _checked(_validity.gps), folded=True),
    _kind("cve", rb"(?<![a-z0-9])cve-[0-9]{4}-[0-9]{4,19}+(?![0-9a-z])",
          rb"cve-[0-9]{4}-[0-9]{4}", _checked(_validity.cve), folded=True),
    _kind("registry_key", rb"(?<![a-z0-9_])(?:" + _REGISTRY + rb")",
          rb"(?:hkey_[a-z_]{5,15}|hk(?:lm|cu|cr|cc|u)|\\registry\\(?:machine|user|a)):?\\",
          _checked(lambda _text: True), folded=True),
)  # fmt: skip
"""Every kind; the place in this tuple is hyperscan's number for it."""


@cache
def database() -> Any:
    """Return the compiled first pass, made once per process."""
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_DOTALL
    made.compile(
        expressions=[kind.loose for kind in KINDS],
        ids=list(range(len(KINDS))),
        flags=[flags | (hyperscan.HS_FLAG_CASELESS if k.folded else 0) for k in KINDS],
    )
    return made


def judge(phrase: bytes, numbers: frozenset[int]) -> tuple[Found, ...]:
    """Return the identifiers of the kinds `numbers` in `phrase`, by their place."""
    out = []
    for number in sorted(numbers):
        kind = KINDS[number]
        for match in kind.exact.finditer(phrase):
            verdict = kind.judge(phrase, match)
            if verdict is not None:
                length, valid = verdict
                value = match[0][:length].decode("ascii")
                out.append(Found(match.start(), length, kind.type, value, valid))
    out.sort(key=lambda found: found.start)
    return tuple(out)
