"""Where secrets stand as such: fields of messages, parameters of URLs, passwords in forms.

Everything here works on bytes as they were sent, broken ones too, and gives places in them.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.webarchive.redaction.values import Span, Values, within

if TYPE_CHECKING:
    from collections.abc import Iterator

PAIRS = frozenset({b"cookie"})
FIRST_PAIR = frozenset({b"set-cookie", b"set-cookie2"})
AFTER_SCHEME = frozenset({b"authorization", b"proxy-authorization"})
WHOLE = frozenset({b"x-api-key", b"x-auth-token", b"x-csrf-token", b"x-xsrf-token"})
SECRET = (
    rb"(?:[\w.-]*(?:token|password|passwort|passwd|pwd|secret|session_?id|sessid|jwt|api_?key"
    rb"|credential|signature)|(?:[\w-]+[_.-])?(?:sid|sess|session|pass|pin|otp))"
)
"""Names of parameters, fields of forms and members of JSON whose values are secret."""
LONGEST = 1 << 18
"""Bytes of a message in which its head must end."""


def _pattern(template: bytes, names: bytes) -> re.Pattern[bytes]:
    return re.compile(template.replace(b"NAME", names), re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Head:
    """A message's head."""

    length: int
    """With its blank line."""
    fields: list[tuple[bytes, int, int]]
    """Name in lower case, and where its value begins and ends, continuation lines included."""

    def value(self, data: bytes, name: bytes) -> bytes:
        """Return the values of a field, joined by commas."""
        return b",".join(data[a:b].strip() for key, a, b in self.fields if key == name)


def head_of(data: bytes) -> Head:
    """Return the head of a message; as far as there is one."""
    fields: list[tuple[bytes, int, int]] = []
    at = 0
    first = True
    while at < len(data) and at < LONGEST:
        stop = data.find(b"\n", at)
        end = len(data) if stop < 0 else stop
        line_end = end - 1 if end > at and data[end - 1 : end] == b"\r" else end
        following = end + 1 if stop >= 0 else len(data)
        if line_end == at:
            return Head(following, fields)
        if data[at : at + 1] in (b" ", b"\t") and fields:
            name, start, _ = fields[-1]
            fields[-1] = (name, start, line_end)
        elif not first:
            colon = data.find(b":", at, line_end)
            if colon >= 0:
                fields.append((data[at:colon].strip().lower(), colon + 1, line_end))
        first = False
        at = following
    return Head(min(at, len(data)), fields)


_FRAMING = frozenset({
    b"content-encoding", b"content-length", b"content-type", b"transfer-encoding", b"upgrade",
    b"connection",
})  # fmt: skip


def foreign(data: bytes, head: Head) -> list[tuple[int, int]]:
    """Return where a head says what somebody chose: its target and the values of its fields.

    Not its fields' names, nor what says how the message is to be read.
    """
    line = data.find(b"\n", 0, head.length)
    first, last = data.find(b" ", 0, line), data.rfind(b" ", 0, line)
    found = [(first + 1, last)] if 0 <= first < last else []
    return found + [(start, end) for name, start, end in head.fields if name not in _FRAMING]


@dataclass
class Finder:
    """Finds secrets by where they stand, and knows the values that were found."""

    values: Values = field(default_factory=Values)
    also: tuple[re.Pattern[bytes], ...] = ()
    fields: frozenset[bytes] = frozenset()
    """Further header fields, lower case, whose values are taken."""
    names: set[bytes] = field(default_factory=set)
    """Fields of forms that a page declared as passwords."""

    def __post_init__(self) -> None:
        self._compile()

    def declare(self, page: bytes) -> None:
        """Learn from a page which fields of its forms hold passwords."""
        before = len(self.names)
        for tag in _INPUT.finditer(page):
            found = _INPUT_NAME.search(tag[0])
            if _PASSWORD.search(tag[0]) and found is not None:
                self.names.add(found[1] or found[2] or found[3])
        if len(self.names) != before:
            self._compile()

    def learn(self, data: bytes, spans: list[Span]) -> None:
        """Remember the values that the spans take, to be looked for everywhere."""
        for span in spans:
            value = data[span.offset : span.end]
            self.values.add(value, span.kind)
            if span.kind == "authorization":
                try:
                    _, _, password = base64.b64decode(value.strip(), validate=True).partition(b":")
                except (ValueError, binascii.Error):
                    continue
                self.values.add(password, span.kind)

    def head(self, data: bytes, head: Head) -> list[Span]:
        """Return what is secret in a message's head."""
        found = []
        for name, start, end in head.fields:
            if name in PAIRS:
                found += [_value(data, a, b, "cookie") for a, b in _split(data, start, end, b";")]
            elif name in FIRST_PAIR:
                semicolon = data.find(b";", start, end)
                stop = end if semicolon < 0 else semicolon
                found.append(_value(data, start, stop, "cookie"))
            elif name in AFTER_SCHEME:
                scheme = _SCHEME.match(data, start, end)
                first = scheme.end() if scheme else start
                found.append(Span(first, end - first, "authorization"))
            elif name in WHOLE or name in self.fields:
                first = start + len(data[start:end]) - len(data[start:end].lstrip())
                found.append(Span(first, end - first, "field"))
        return found + within(self.text(data[: head.length]), foreign(data, head))

    def text(self, data: bytes) -> list[Span]:
        """Return what is secret in any text: parameters and passwords of URLs, what was asked."""
        found = []
        for pattern in (self._plain, self._nested, self._path):
            found += [Span(*_range(one, 1), "url-token") for one in pattern.finditer(data)]
        found += [Span(*_range(one, 1), "url-password") for one in _USER.finditer(data)]
        for pattern in self.also:
            found += [Span(*_range(one, 0), "also") for one in pattern.finditer(data)]
        return found

    def members(self, data: bytes) -> list[Span]:
        """Return what is secret in JSON."""
        return [Span(*_range(one, 1), "json-secret") for one in self._json.finditer(data)]

    def form(self, data: bytes) -> list[Span]:
        """Return what is secret in a request's body: urlencoded, multipart or JSON."""
        found = []
        for pattern in (self._urlencoded, self._multipart):
            found += [Span(*_range(one, 1), "form-secret") for one in pattern.finditer(data)]
        return found + self.members(data) + self.text(data)

    def _compile(self) -> None:
        names = b"|".join([SECRET, *map(re.escape, sorted(self.names))])
        names = b"(?:" + names + b")"
        self._plain = _pattern(rb"(?:[?&#]|&amp;|\\u0026)NAME=([^\s&#;\"'<>\\]+)", names)
        self._nested = _pattern(
            rb"(?:%3F|%26|%23)NAME%3D((?:[^\s&#;\"'<>\\%]|%(?!26|23)[0-9A-F]{2})+)", names
        )
        self._path = _pattern(rb";NAME=([^\s&#;\"'<>\\/?]+)", rb"(?:jsessionid|phpsessid|sid)")
        self._json = _pattern(rb'"NAME"\s*:\s*"((?:[^"\\]|\\.)+)"', names)
        self._urlencoded = _pattern(rb"(?:^|&)NAME=([^&]+)", names)
        self._multipart = _pattern(
            rb'\bname="?NAME"?[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n(.+?)\r?\n--', names
        )


_SCHEME = re.compile(rb"\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]+")
_USER = re.compile(rb"://[^/\s:@\"'<>\\]{1,200}:([^/\s@\"'<>\\]{1,200})@")
_INPUT = re.compile(rb"<input\b[^>]{0,2000}>", re.IGNORECASE)
_PASSWORD = re.compile(rb"\btype\s*=\s*[\"']?password\b", re.IGNORECASE)
_INPUT_NAME = re.compile(rb"\bname\s*=\s*(?:\"([^\"]+)\"|'([^']+)'|([^\s\"'>]+))", re.IGNORECASE)


def _range(found: re.Match[bytes], group: int) -> tuple[int, int]:
    return found.start(group), found.end(group) - found.start(group)


def _split(data: bytes, start: int, end: int, mark: bytes) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = data.find(mark, start, end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _value(data: bytes, start: int, end: int, kind: str) -> Span:
    """Return the value of `name=value`, or all of it where there is no name."""
    equals = data.find(b"=", start, end)
    first = start if equals < 0 else equals + 1
    while first < end and data[first : first + 1] in (b" ", b"\t"):
        first += 1
    return Span(first, end - first, kind)
