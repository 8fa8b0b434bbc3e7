"""Identifiers: what is found, what counts as valid, and that speed changes none of it."""

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
from holdfast.examine.finders import _identifiers, _words, identifiers
from holdfast.testing.parser_contract import cases, evidence

if TYPE_CHECKING:
    from holdfast.examine.record import Indicator

CASES = Path(__file__).parents[1] / "cases"
PHRASES = re.compile(rb"[\t\x20-\x7e]+")
EVERY = frozenset(range(len(_identifiers.KINDS)))

Row = tuple[int, int, str, str, bool]


def found(content: bytes, window: int = identifiers.WINDOW) -> list[Indicator]:
    with evidence(content) as file:
        return cast("list[Indicator]", list(each(identifiers.scan(file, window))))


def rows(content: bytes, window: int = identifiers.WINDOW) -> list[Row]:
    return sorted(
        (one.offset or 0, one.length or 0, one.type, one.value, one.valid)
        for one in found(content, window)
    )


def plain(content: bytes) -> list[Row]:
    """The reference: `re` alone, every pattern over every phrase, no first pass, no windows."""
    views = [(1, 0, content)]
    if content.startswith(b"\xfe\xff"):
        pairs = [content[i : i + 2] for i in range(0, len(content) - 1, 2)]
        views.append((2, 0, bytes(p[1] if p[0] == 0 else 0xFF for p in pairs)))
    else:
        for phase in (0, 1):
            units = content[phase:]
            pairs = [units[i : i + 2] for i in range(0, len(units) - 1, 2)]
            views.append((2, phase, bytes(p[0] if p[1] == 0 else 0xFF for p in pairs)))
    out = []
    for step, phase, view in views:
        for phrase in PHRASES.finditer(view):
            for one in _identifiers.judge(phrase[0].replace(b"\t", b" "), EVERY):
                at = (phrase.start() + one.start) * step + phase
                out.append((at, one.length * step, one.type, one.value, one.valid))
    return sorted(out)


# Test vectors of the standards themselves, or numbers that issuers publish for tests.
GOOD = [
    ("phone", "+49 30 901820"),
    ("phone", "+1 (202) 456-1111"),
    ("btc", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    ("btc", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("btc", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"),  # BIP 173
    ("btc", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),  # BIP 350
    ("eth", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),  # EIP-55
    ("eth", "0xde709f2102306220921060314715629080e2fb77"),  # EIP-55
    ("xmr", "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7"
            "f2wfn3RVGQBEP3A"),
    ("trx", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("card", "4111 1111 1111 1111"),
    ("card", "378282246310005"),
    ("card", "5555-5555-5555-4444"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("iban", "GB29NWBK60161331926819"),
    ("onion_v3", "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"),
    ("telegram", "t.me/durov"),
    ("telegram", "https://t.me/+AbCdEf0123456789"[8:]),
    ("telegram", "Telegram: @someone_there"),
    ("discord", "discord.gg/abcDEF12"),
    ("discord", "discord.com/api/webhooks/123456789012345678/" + "aB3-_" * 12),
    ("whatsapp", "wa.me/4930901820"),
    ("whatsapp", "4930901820@s.whatsapp.net"),
    ("mac", "00:1A:2b:3c:4D:5e"),
    ("mac", "00-1a-2b-3c-4d-5e"),
    ("mac", "001a.2b3c.4d5e"),
    ("imei", "490154203237518"),
    ("imei", "49-015420-323751-8"),
    ("gps", "52.520008, 13.404954"),
    ("gps", "geo:-33.8568,151.2153"),
    ("cve", "CVE-2021-44228"),
    ("registry_key", r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\Run"),
    ("registry_key", r"HKEY_CURRENT_USER\\Software\\Classes"),
]  # fmt: skip

BAD = [
    ("btc", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3"),
    ("btc", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"),  # BIP 173: checksum
    ("eth", "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),  # one capital too many
    ("eth", "0x" + "0" * 40),
    ("xmr", "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7"
            "f2wfn3RVGQBEP3B"),
    ("trx", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u"),
    ("card", "4111 1111 1111 1112"),
    ("iban", "DE88 3704 0044 0532 0130 00"),
    ("onion_v3", "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscrzd.onion"),
    ("telegram", "t.me/1234"),
    ("mac", "ff:ff:ff:ff:ff:ff"),
    ("gps", "99.99999, 13.404954"),
    ("cve", "CVE-1066-0001"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "text"), GOOD)
def test_what_is_valid(type_: str, text: str) -> None:
    for before, after in ((b"", b""), (b"a (", b") b"), (b"see: ", b", and"), (b"\0x\0 ", b"\n")):
        hits = found(before + text.encode() + after)
        assert (type_, text, True) in {(one.type, one.value, one.valid) for one in hits}


@pytest.mark.parametrize(("type_", "text"), BAD)
def test_what_has_the_form_and_is_not_valid(type_: str, text: str) -> None:
    assert (type_, text, False) in {
        (one.type, one.value, one.valid) for one in found(text.encode())
    }


@pytest.mark.parametrize(
    "text",
    [
        "1234567890123", "4111111111111112", "20260131080112123", "0000000000000000",
        "version 4.1.2026.123456", "id=490154203237517", "1.5, 2.25", "@someone", "a+1234567890x",
        "DE89 is a number", "12:34:56:78", "2026-01-31T08:01:12", "SGVsbG8rMTIzNDU2Nzg5MA==",
        "0x" + "a" * 41, "t.me", "discord is down", "HKLM", "3.1415926535, 2",
    ],
)  # fmt: skip
def test_what_only_looks_like_one(text: str) -> None:
    assert rows(text.encode()) == []


def test_each_cites_its_place_and_what_stands_around_it() -> None:
    text = "paid by 4111 1111 1111 1111 to DE89 3704 0044 0532 0130 00 on\tMonday\n"
    for encoding, step in (("ascii", 1), ("utf-16-le", 2)):
        content = b"\n\n" + text.encode(encoding)
        hits = found(content)
        assert [one.type for one in hits] == ["card", "iban"]
        for one in hits:
            assert one.offset is not None and one.length == len(one.value) * step
            assert content[one.offset : one.offset + one.length] == one.value.encode(encoding)
        assert hits[0].context == text[:59].strip()
        assert hits[1].context == text.strip().replace("\t", " ")


PIECES = st.sampled_from(
    [
        *(text.encode() for _, text in (*GOOD, *BAD)),
        *(text.encode("utf-16-le") for _, text in GOOD[::4]),
        b" ", b"\n", b"\0", b"\t", b"-", b".", b",", b"+", b"0", b"4111", b"1111 ", b"T", b"1",
        b"bc1", b"0x", b"/", b"\\", b"@", b"#1234", b"discord", b"HKLM\\", b"\xff", b"\xfe\xff",
        b"imei ", b":", b"a", b"DE",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=20).map(b"".join), st.integers(1, 60).map(lambda n: 2 * n))
def test_any_window_gives_what_re_alone_gives(content: bytes, window: int) -> None:
    assert rows(content, window) == plain(content)


def test_the_first_pass_misses_nothing_that_re_finds() -> None:
    """Each finding on its own line, so that one pattern's hit can't hide another's miss."""
    for _, text in (*GOOD, *BAD):
        for content in (text.encode(), b"/" + text.encode() + b"/", b"=" + text.encode() + b":"):
            assert rows(content) == plain(content), content
    rng = random.Random(3)
    inputs = [case.input.read_bytes() for case in cases(CASES)]
    inputs += [rng.randbytes(50_000), bytes(rng.choices(bytes(range(32, 127)), k=100_000))]
    inputs += [bytes(rng.choices(b"0123456789 +-.:\n\0", k=100_000))]
    for content in inputs:
        assert rows(content) == plain(content)
        assert rows(content, 1024) == plain(content)


def test_long_phrases_are_cut_alike_in_every_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_words, "LIMIT", 64)
    rng = random.Random(5)
    parts = [b"4111 1111 1111 1111", b" ", b'"', b"{", b"CVE-2021-44228", b"a" * 50, b"t.me/durov"]
    for _ in range(40):
        content = b"".join(rng.choices(parts, k=30))
        whole = rows(content)
        for window in (2, 10, 64, 130, 1000):
            assert rows(content, window) == whole


@pytest.mark.parametrize(
    "piece",
    [
        b"1 ", b"+1 ", b"4-", b"1", b"DE00 ", b"A0", b"HKLM\\a ", b"HKLM\\", b"a a\\", b"0x",
        b"ab:", b"t.me/", b"discord ", b"1.0000,", b"[", b"4111 1111 1111 1111 ", b"tg @",
    ],
)  # fmt: skip
def test_hostile_repetition_stays_linear(piece: bytes) -> None:
    content = piece * (400_000 // len(piece))
    found(b"warm up")
    started = time.process_time()
    found(content)
    assert time.process_time() - started < 10  # 0.4 MB; a quadratic pattern takes minutes


def test_mixed_text_gives_every_hit_of_the_patterns_alone(tmp_path: Path) -> None:
    """ "The found set holds every hit that plain `re` gives", on what speed is measured with."""
    inputs.mixed_text(tmp_path / "mixed", 1 << 19, 3)
    content = (tmp_path / "mixed").read_bytes()
    expected = plain(content)
    assert {kind for _, _, kind, _, _ in expected} >= {
        "phone", "btc", "eth", "card", "iban", "telegram", "mac", "gps", "cve", "registry_key",
    }  # fmt: skip
    assert rows(content, 1 << 16) == sorted(expected)
