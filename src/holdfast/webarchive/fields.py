"""What the named fields of a WARC record must be: form, place and presence, by clause 5."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from holdfast.webarchive import digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.webarchive.reader import WarcRecord

    Finding = tuple[str, str]
    """A rule's name and a detail."""

TYPES = (
    "warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion",
    "continuation",
)  # fmt: skip
IDENTICAL = "identical-payload-digest"
_OTHERS = {kind: frozenset(TYPES) - {kind} for kind in TYPES}
_FORBIDDEN: dict[str, frozenset[str]] = {
    "warc-concurrent-to": frozenset({"warcinfo", "conversion", "continuation"}),
    "warc-ip-address": frozenset({"warcinfo", "conversion", "continuation"}),
    "warc-refers-to": frozenset({"warcinfo", "response", "resource", "request", "continuation"}),
    "warc-target-uri": frozenset({"warcinfo"}),
    "warc-warcinfo-id": frozenset({"warcinfo"}),
    "warc-filename": _OTHERS["warcinfo"],
    "warc-segment-origin-id": _OTHERS["continuation"],
    "warc-segment-total-length": _OTHERS["continuation"],
    "warc-payload-digest": frozenset({"warcinfo", "metadata"}),
    "warc-identified-payload-type": frozenset({"warcinfo", "metadata"}),
}
_FORBIDDEN_1_1 = {
    "warc-refers-to-target-uri": _OTHERS["revisit"],
    "warc-refers-to-date": _OTHERS["revisit"],
}
_DEFINED = {
    "warc-type", "warc-record-id", "warc-date", "content-length", "content-type",
    "warc-block-digest", "warc-profile", "warc-segment-number", "warc-truncated",
    "warc-concurrent-to", *_FORBIDDEN,
}  # fmt: skip
"""What 1.0 defines; 1.1 has two more."""
_TARGETED = frozenset(TYPES) - {"warcinfo", "metadata"}

_WORD = r"[!#$%&'*+\-.0-9A-Z^_`a-z|~]+"
_MEDIA = re.compile(
    rf"{_WORD}/{_WORD}(?:[ \t]*;[ \t]*(?:{_WORD}[ \t]*=[ \t]*(?:{_WORD}|\"[^\"]*\"))?)*"
)
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:(?:[!#$&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]|%[0-9A-Fa-f]{2})+"
)
_DATE_1_0 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_DATE_1_1 = re.compile(
    r"\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z)?)?)?", re.ASCII
)


def judge(record: WarcRecord) -> Iterator[Finding]:
    """Yield what clause 5 finds wrong with the record's fields."""
    yield from _presence(record)
    yield from _places(record)
    newer = record.version == "WARC/1.1"
    for name, value in record.fields:
        if not value and (name in _DEFINED or (newer and name in _FORBIDDEN_1_1)):
            yield "field.empty", name
        elif value and name in _FORMS:
            yield from _FORMS[name](name, value, newer)
        elif value and newer and name in _FORBIDDEN_1_1:
            yield from (_date if name.endswith("date") else _target)(name, value, newer)


def _presence(record: WarcRecord) -> Iterator[Finding]:
    """Mandatory fields, and repeated ones."""
    kind = record.get("warc-type") or ""
    for name, rule in (
        ("warc-record-id", "id.missing"), ("content-length", "length.missing"),
        ("warc-date", "date.missing"), ("warc-type", "type.missing"),
    ):  # fmt: skip
        if record.get(name) is None:
            yield rule, kind
    if kind in _TARGETED and record.get("warc-target-uri") is None:
        yield "target.missing", kind
    if kind == "revisit":
        profile = record.get("warc-profile")
        if profile is None:
            yield "profile.missing", kind
        elif profile.endswith("/" + IDENTICAL) and record.get("warc-payload-digest") is None:
            yield "revisit.digest", profile
    if kind == "continuation":
        if record.get("warc-segment-number") is None:
            yield "segment.number-missing", ""
        if record.get("warc-segment-origin-id") is None:
            yield "segment.origin-missing", ""
    if record.length and kind != "continuation" and record.get("content-type") is None:
        yield "content-type.missing", f"{kind} of {record.length} bytes"
    names = Counter(name for name, _ in record.fields)
    newer = _FORBIDDEN_1_1 if record.version == "WARC/1.1" else {}
    for name, times in names.items():
        if times > 1 and name != "warc-concurrent-to" and (name in _DEFINED or name in newer):
            yield "field.repeated", f"{name} stands {times} times"


def _places(record: WarcRecord) -> Iterator[Finding]:
    """Fields in records of a type that does not have them."""
    kind = record.get("warc-type") or ""
    if kind and kind not in TYPES:
        yield "type.unknown", kind
        return
    table = {**_FORBIDDEN, **(_FORBIDDEN_1_1 if record.version == "WARC/1.1" else {})}
    for name in dict.fromkeys(name for name, _ in record.fields):
        if kind in table.get(name, ()):
            yield "field.forbidden", f"{name} in a {kind} record"
    if kind and kind != "revisit" and record.get("warc-profile") is not None:
        yield "profile.forbidden", f"in a {kind} record"


def is_uri(text: str) -> bool:
    """Say whether `text` is a URI with its scheme, as far as RFC 3986's characters tell."""
    return _URI.fullmatch(text) is not None


def _bracketed(text: str) -> bool:
    return text[:1] == "<" and text[-1:] == ">" and is_uri(text[1:-1])


def _record_id(_name: str, value: str, _newer: bool) -> Iterator[Finding]:
    if not _bracketed(value):
        yield "id.form", repr(value)


def _reference(name: str, value: str, _newer: bool) -> Iterator[Finding]:
    if not _bracketed(value):
        yield "reference.form", f"{name}: {value!r}"


def _target(name: str, value: str, newer: bool) -> Iterator[Finding]:
    # 1.0's grammar has a URI in angle brackets everywhere, its examples only around record ids.
    if not (is_uri(value) or (not newer and _bracketed(value))):
        yield "target.form", f"{name}: {value!r}"


def _profile(_name: str, value: str, newer: bool) -> Iterator[Finding]:
    if not (is_uri(value) or (not newer and _bracketed(value))):
        yield "profile.form", repr(value)


def _date(name: str, value: str, newer: bool) -> Iterator[Finding]:
    if not (_DATE_1_1 if newer else _DATE_1_0).fullmatch(value) or not _exists(value):
        yield "date.form", f"{name}: {value!r}"


def _exists(value: str) -> bool:
    """Say whether the calendar has such a moment; a leap second is one."""
    whole = value.partition(".")[0].removesuffix("Z")
    shape = "%Y-%m-%dT%H:%M:%S"
    filled = whole + "0001-01-01T00:00:00"[len(whole) :]
    try:
        datetime.strptime(filled.replace(":60", ":59"), shape)  # noqa: DTZ007
    except ValueError:
        return False
    return True


def _length(_name: str, value: str, _newer: bool) -> Iterator[Finding]:
    if not (value.isascii() and value.isdigit()):
        yield "length.form", repr(value)


def _number(_name: str, value: str, _newer: bool) -> Iterator[Finding]:
    if not (value.isascii() and value.isdigit() and value.strip("0")):
        yield "segment.form", repr(value)


def _total(_name: str, value: str, _newer: bool) -> Iterator[Finding]:
    if not (value.isascii() and value.isdigit()):
        yield "segment.total-form", repr(value)


def _media(name: str, value: str, _newer: bool) -> Iterator[Finding]:
    if not _MEDIA.fullmatch(value):
        rule = "content-type.form" if name == "content-type" else "payload-type.form"
        yield rule, repr(value)


def _digest(name: str, value: str, _newer: bool) -> Iterator[Finding]:
    found = digests.read(value)
    if found is None:
        yield "digest.form", f"{name}: {value!r}"
    elif not found.algorithm:
        yield "digest.unknown", f"{name}: {value!r}"
    elif found.padded:
        yield "digest.padding", f"{name}: {value!r}"


def _address(_name: str, value: str, _newer: bool) -> Iterator[Finding]:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        yield "ip.form", repr(value)


def _truncated(_name: str, value: str, _newer: bool) -> Iterator[Finding]:
    if not re.fullmatch(_WORD, value):
        yield "truncated.form", repr(value)


_FORMS: dict[str, Callable[[str, str, bool], Iterator[Finding]]] = {
    "content-length": _length,
    "content-type": _media,
    "warc-block-digest": _digest,
    "warc-concurrent-to": _reference,
    "warc-date": _date,
    "warc-identified-payload-type": _media,
    "warc-ip-address": _address,
    "warc-payload-digest": _digest,
    "warc-profile": _profile,
    "warc-record-id": _record_id,
    "warc-refers-to": _reference,
    "warc-segment-number": _number,
    "warc-segment-origin-id": _reference,
    "warc-segment-total-length": _total,
    "warc-target-uri": _target,
    "warc-truncated": _truncated,
    "warc-warcinfo-id": _reference,
}
