"""Indicators: what is found, and that speed changes none of it."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import inputs
from holdfast.examine.block import each
from holdfast.examine.finders import _patterns, _words, indicators
from holdfast.examine.finders._judge import judge
from holdfast.testing.parser_contract import cases, evidence

if TYPE_CHECKING:
    from holdfast.examine.record import Indicator

CASES = Path(__file__).parents[1] / "cases"
WORDS = re.compile(b"[" + re.escape(bytes(_patterns.WORD_BYTES)) + b"]+")


def found(content: bytes, window: int = indicators.WINDOW) -> list[Indicator]:
    with evidence(content) as file:
        return cast("list[Indicator]", list(each(indicators.scan(file, window))))


def shown(content: bytes) -> list[tuple[str, str, bool]]:
    return [(one.type, one.value, one.valid) for one in found(content)]


def plain(content: bytes) -> list[tuple[int, int, str, str, bool]]:
    """The reference: `re` alone, over every word of the whole input, no first pass, no windows."""
    out = []
    views = [(1, 0, content)]
    for phase in (0, 1):
        units = content[phase:]
        pairs = [units[i : i + 2] for i in range(0, len(units) - 1, 2)]
        views.append((2, phase, bytes(p[0] if p[1] == 0 else 0xFF for p in pairs)))
    if content.startswith(b"\xfe\xff"):
        pairs = [content[i : i + 2] for i in range(0, len(content) - 1, 2)]
        views[1:] = [(2, 0, bytes(p[1] if p[0] == 0 else 0xFF for p in pairs))]
    for step, phase, view in views:
        for word in WORDS.finditer(view):
            for one in judge(word[0]):
                at = (word.start() + one.start) * step + phase
                out.append((at, one.length * step, one.type, one.value, one.valid))
    return sorted(out, key=lambda one: one[0])


def rows(content: bytes, window: int = indicators.WINDOW) -> list[tuple[int, int, str, str, bool]]:
    return [
        (one.offset or 0, one.length or 0, one.type, one.value, one.valid)
        for one in found(content, window)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "see http://evil.example/a?b=1.",
            [("url", "http://evil.example/a?b=1", True), ("domain", "evil.example", True)],
        ),
        (
            "(https://x.com/a_(b))",
            [("url", "https://x.com/a_(b)", True), ("domain", "x.com", True)],
        ),
        (
            "hxxps://evil[.]com/x",
            [("url", "hxxps://evil[.]com/x", True), ("domain", "evil[.]com", True)],
        ),
        ("hxxp[://]evil.com", [("url", "hxxp[://]evil.com", True), ("domain", "evil.com", True)]),
        (
            r'"u":"https:\/\/x.org\/a"',
            [("url", r"https:\/\/x.org\/a", True), ("domain", "x.org", True)],
        ),
        (
            "http://a.com,http://b.com",
            [
                ("url", "http://a.com", True),
                ("domain", "a.com", True),
                ("url", "http://b.com", True),
                ("domain", "b.com", True),
            ],
        ),
        (
            "http://10.0.0.1:8080/x",
            [("url", "http://10.0.0.1:8080/x", True), ("ipv4", "10.0.0.1", True)],
        ),
        (
            "http://[2001:db8::1]/",
            [("url", "http://[2001:db8::1]/", True), ("ipv6", "2001:db8::1", True)],
        ),
        ("http://x.com:99999/", [("url", "http://x.com:99999/", False), ("domain", "x.com", True)]),
        ("http://intranet/", [("url", "http://intranet/", False)]),
        ("http://localhost:8000/", [("url", "http://localhost:8000/", True)]),
        (
            "titlehttps://glued.com/x",
            [("url", "https://glued.com/x", True), ("domain", "glued.com", True)],
        ),
        ("mail bob@example.org, now", [("email", "bob@example.org", True)]),
        ("bob[at]example[.]org", [("email", "bob[at]example[.]org", True)]),
        ("bob@localhost.nodomain", [("email", "bob@localhost.nodomain", False)]),
        ("from 192.0.2.1 port 22", [("ipv4", "192.0.2.1", True)]),
        ("1.2.3[.]4", [("ipv4", "1.2.3[.]4", True)]),
        ("256.1.1.1 010.0.0.1", [("ipv4", "256.1.1.1", False), ("ipv4", "010.0.0.1", False)]),
        ("1.2.3.4.5 v1.2.3.4 Chrome/120.0.0.0", []),
        ("inside/10.1.2.0(12)", [("ipv4", "10.1.2.0", True)]),
        (
            "fe80::1%eth0 ::1 ::ffff:192.0.2.1",
            [
                ("ipv6", "fe80::1%eth0", True),
                ("ipv6", "::1", True),
                ("ipv6", "::ffff:192.0.2.1", True),
            ],
        ),
        ("2001:db8:0:0:0:0:0:1", [("ipv6", "2001:db8:0:0:0:0:0:1", True)]),
        ("12:34:56 00:11:22:33:44:55 std::a dead::beef :: x[1::2] [::2]", []),
        ("d41d8cd98f00b204e9800998ecf8427e", [("md5", "d41d8cd98f00b204e9800998ecf8427e", True)]),
        (
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            [("sha1", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", True)],
        ),
        ("0" * 64, [("sha256", "0" * 64, False)]),
        ("a" * 33 + " x" + "b" * 32, []),
        ("lookup evil.com. ok", [("domain", "evil.com", True)]),
        ("WWW.EVIL.COM", [("domain", "WWW.EVIL.COM", True)]),
        ("x.co.uk co.uk", [("domain", "x.co.uk", True), ("domain", "co.uk", False)]),
        ("abcdefghij234567.onion", [("domain", "abcdefghij234567.onion", True)]),
        (
            "xn--80ak6aa92e.com xn--e1afmkfd.xn--p1ai",
            [("domain", "xn--80ak6aa92e.com", True), ("domain", "xn--e1afmkfd.xn--p1ai", True)],
        ),
        ("report.pdf index.html a.nodomain", []),
        (
            "setup.py backup.zip README.md libssl.so src/point.rs Chrome.app",
            [
                ("domain", n, False)
                for n in (
                    "setup.py",
                    "backup.zip",
                    "README.md",
                    "libssl.so",
                    "point.rs",
                    "Chrome.app",
                )
            ],
        ),
        (
            "onet.pl blic.rs evil.ml www.evil.com evil.app",
            [
                ("domain", n, True)
                for n in ("onet.pl", "blic.rs", "evil.ml", "www.evil.com", "evil.app")
            ],
        ),
        (
            "System.Net self.id pkg.name com.apple.news",
            [("domain", n, False) for n in ("System.Net", "self.id", "pkg.name", "com.apple.news")],
        ),
        ("window.open(x) a.b.call(y)", []),
        ("-bad-.com", [("domain", "-bad-.com", False)]),
    ],
)
def test_what_is_found(text: str, expected: list[tuple[str, str, bool]]) -> None:
    assert shown(text.encode()) == expected


def test_offsets_are_exact_in_every_encoding() -> None:
    text = "x http://evil.example/a bob@example.org 192.0.2.7\n"
    for prefix, encoding, step in (
        (b"", "ascii", 1),
        (b"", "utf-16-le", 2),
        (b"\x01", "utf-16-le", 2),
        (b"\xfe\xff", "utf-16-be", 2),
    ):
        content = prefix + text.encode(encoding)
        assert [one.value for one in found(content)] == [
            "http://evil.example/a",
            "evil.example",
            "bob@example.org",
            "192.0.2.7",
        ]
        for one in found(content):
            assert one.offset is not None and one.length == len(one.value) * step
            assert content[one.offset : one.offset + one.length] == one.value.encode(encoding)


# Pieces that fit together into near misses as well as hits.
PIECES = st.sampled_from(
    [
        b"http",
        b"hxxp",
        b"://",
        b"[:]//",
        b":\\/\\/",
        b"a",
        b"example",
        b"com",
        b"co.uk",
        b"py",
        b".",
        b"[.]",
        b"(dot)",
        b"@",
        b"[at]",
        b"192.0.2.1",
        b"1.2",
        b"255",
        b":",
        b"::",
        b"fe80",
        b"1",
        b"/",
        b"(",
        b")",
        b"[",
        b"]",
        b" ",
        b"\n",
        b"\0",
        b'"',
        b",",
        b"-",
        b"_",
        b"d41d8cd98f00b204e9800998ecf8427e",
        b"deadbeef" * 4,
        b"\xff",
        b"e\0v\0i\0l\0.\0c\0o\0m\0",
        b"\xfe\xff",
        b"www",
        b"Foo",
        b"xn--p1ai",
        b"%",
        b"=",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=30).map(b"".join), st.integers(1, 40).map(lambda n: 2 * n))
def test_any_window_gives_what_re_alone_gives(content: bytes, window: int) -> None:
    assert rows(content, window) == plain(content)


def test_a_window_border_at_every_place() -> None:
    text = (
        b"a http://evil.example/x?y=1 bob@example.org 192.0.2.1 fe80::1 evil[.]com "
        b"d41d8cd98f00b204e9800998ecf8427e end.com"
    )
    content = text + "\0z evil.org 198.51.100.1 ".encode("utf-16-le") + text
    expected = plain(content)
    assert len(expected) == 18
    for window in range(2, len(content) + 4, 2):
        assert rows(content, window) == expected, window
    for shift in range(64):  # a fixed window's border moves over every place too
        moved = b" " * shift + content
        assert rows(moved, 64) == plain(moved), shift


def test_random_bytes_and_real_files_give_what_re_alone_gives() -> None:
    rng = random.Random(3)
    inputs = [case.input.read_bytes() for case in cases(CASES)]
    inputs += [rng.randbytes(50_000), bytes(rng.choices(bytes(range(32, 127)), k=100_000))]
    inputs += [bytes(rng.choices(b"abcdef0123456789.:@/[] \n\0", k=100_000))]
    for content in inputs:
        expected = plain(content)
        assert rows(content) == expected
        assert rows(content, 1024) == expected


def test_words_over_the_limit_are_cut_alike_in_every_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_words, "LIMIT", 64)
    monkeypatch.setattr(_words, "_SHORT", 32)
    rng = random.Random(5)
    for _ in range(60):
        parts = rng.choices(
            [
                b"a" * 50,
                b"evil.com",
                b",",
                b"&",
                b"=",
                b"192.0.2.1",
                b"http://x.org/",
                b" ",
                b"ab" * 16,
            ],
            k=40,
        )
        content = b"".join(parts)
        whole = rows(content)
        for window in (2, 10, 64, 130, 1000):
            assert rows(content, window) == whole


def test_what_touches_a_hard_cut_is_not_made_up() -> None:
    blob = b"0123456789abcdef" * 8192  # 128 KiB of hex digits hold no hash
    assert rows(blob) == []
    assert rows(b"a" * (_words.LIMIT - 4) + b"evil.com") == []


@pytest.mark.parametrize(
    "piece",
    [
        b"a",
        b"a.",
        b"a[.]",
        b"http://",
        b"http://a(",
        b"a@",
        b"1.",
        b"0:",
        b"::",
        b"[",
        b"(a",
        b"a" * 32 + b"-",
        b",",
        b"http://a.com,",
        b"%",
        b"\\/",
        b"a\0",
        b".",
        b"x.com/",
    ],
)
def test_hostile_repetition_stays_linear(piece: bytes) -> None:
    content = piece * (400_000 // len(piece))
    found(b"warm up")
    started = time.process_time()
    found(content)
    assert time.process_time() - started < 5  # 0.4 MB; a quadratic pattern takes minutes


def test_the_first_pass_misses_nothing_that_re_finds() -> None:
    """Each line on its own, so that one pattern's hit can't hide another's miss."""
    samples = [
        b"hxxp[://]a",
        b"a.com",
        b"a(dot)com",
        b"a@b[dot]c",
        b"::1",
        b"1::",
        b"1:2:3:4:5:6:1.2.3.4",
        b"fe80::%1",
        b"1.2.3.4",
        b"1[.]2.3.4",
        b"x.xn--p1ai",
        b"a.photography",
        b"f" * 32,
    ]
    for sample in samples:
        for content in (sample, b"/" + sample + b"/", b"=" + sample + b":", b"\0" + sample + b"\0"):
            assert rows(content) == plain(content), content


def test_mixed_text_gives_every_hit_of_the_patterns_alone(tmp_path: Path) -> None:
    """ "The found set holds every hit that plain `re` gives", on what speed is measured with."""
    inputs.mixed_text(tmp_path / "mixed", 1 << 19, 3)
    content = (tmp_path / "mixed").read_bytes()
    expected = plain(content)
    assert {kind for _, _, kind, _, _ in expected} == {"url", "domain", "ipv4", "ipv6", "email"}
    assert sorted(rows(content, 1 << 16)) == sorted(expected)


def test_a_scheme_behind_a_name_begins_a_url() -> None:
    assert shown(b"192.0.2.1http://a.example/ a.bc.https://b.example/ c.com://") == [
        ("url", "http://a.example/", True), ("domain", "a.example", True),
        ("url", "https://b.example/", True), ("domain", "b.example", True),
        ("domain", "c.com", True),
    ]  # fmt: skip
