"""A redacted copy: no secret in any form is in it, and whatever else it has is the original's."""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.collect import archive_check, redaction
from holdfast.collect.redaction import Redacted, Verdict, Wanted
from holdfast.collect.web import wacz
from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.core.errors import InputError, IntegrityError
from holdfast.testing import small_capture
from holdfast.testing.small_capture import CONTROL, SECRETS
from holdfast.webarchive import pieces
from holdfast.webarchive.redaction.finding import Finder, head_of
from holdfast.webarchive.redaction.record import Record
from holdfast.webarchive.redaction.values import Span, Values, apply, forms, merge
from holdfast.webarchive.redaction.views import tunnel_is_clear
from tests.webarchive.leaks import leaks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = ec.generate_private_key(ec.SECP384R1())
OTHER = ec.generate_private_key(ec.SECP384R1())


@dataclass(frozen=True)
class Made:
    """An original and its copy."""

    original: Path
    copy: Path
    redacted: Redacted

    @property
    def item(self) -> str:
        return sha256_hex(self.original.read_bytes())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    small_capture.write(folder / "original.wacz", KEY)
    return _redacted(folder, folder / "original.wacz", Wanted())


def _redacted(folder: Path, original: Path, wanted: Wanted) -> Made:
    work = folder / "work"
    work.mkdir()
    item = sha256_hex(original.read_bytes())
    with original.open("rb") as stream:
        told = redaction.redact(
            stream, item, wanted, key=KEY, target=folder / "copy.wacz", work=work
        )
    return Made(original, folder / "copy.wacz", told)


def _check(copy: Path, work: Path) -> Verdict:
    with copy.open("rb") as stream:
        return redaction.check(stream, work)


def _compare(copy: Path, original: Path, work: Path, wanted: Wanted | None = None) -> Verdict:
    with copy.open("rb") as one, original.open("rb") as two:
        return redaction.compare(one, two, wanted or Wanted(), work)


def _repacked(
    copy: Path,
    folder: Path,
    change: Callable[[dict[str, bytes]], None],
    key: ec.EllipticCurvePrivateKey = KEY,
) -> Path:
    """Change a copy's parts, and make its manifest and signature anew, as a forger would."""
    with zipfile.ZipFile(copy) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    told = json.loads(parts.pop("datapackage.json"))
    del parts["datapackage-digest.json"]
    change(parts)
    for name, data in parts.items():
        place = folder / "parts" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    described = wacz.Described(told["title"], told["mainPageUrl"], clock.from_text(told["created"]))
    wacz.pack(folder / "parts", folder / "forged.wacz", described, key)
    return folder / "forged.wacz"


def test_no_secret_is_anywhere_in_the_copy_in_any_form(made: Made) -> None:
    # The scan itself must find what is there: each secret is in the original.
    assert {name for name, _ in leaks(made.original.read_bytes(), SECRETS)} == set(SECRETS)

    assert leaks(made.copy.read_bytes(), SECRETS) == set()


def test_what_is_no_secret_stays(made: Made) -> None:
    with zipfile.ZipFile(made.copy) as packed:
        warc = gzip.decompress(packed.read("archive/data.warc.gz"))
        assert CONTROL in packed.read("views/text.txt")
    # The page that is not coded, the JSON beside the token, the page without any secret.
    assert warc.count(CONTROL) == 3
    assert b"HttpOnly" in warc
    assert b"user=ann&password=x" in warc


def test_a_packed_page_is_packed_again_without_its_secret(made: Made) -> None:
    with zipfile.ZipFile(made.copy) as packed:
        warc = gzip.decompress(packed.read("archive/data.warc.gz"))
    body = warc[warc.index(b"\x1f\x8b\x08", 10) :]
    page = zlib.decompressobj(31).decompress(body)
    assert page.startswith(b"<title>Echo</title>" + CONTROL + b" your cookie: xxxx")


def test_the_copy_is_a_valid_signed_archive(made: Made, tmp_path: Path) -> None:
    with made.copy.open("rb") as stream:
        report = archive_check.check(
            stream.fileno(), archive_check.Settings(require_signature=True)
        )
    findings = report["findings"]
    assert isinstance(findings, list)
    # That the key is of nobody known is a note.
    assert (report["verdict"], len(findings)) == ("valid", 1)
    assert _check(made.copy, tmp_path).problems == ()


def test_blocks_keep_their_length_and_their_records_say_what_is_gone(made: Made) -> None:
    blocks: dict[str, list[Record]] = {}
    for path in (made.original, made.copy):
        with zipfile.ZipFile(path) as packed:
            data = packed.read("archive/data.warc.gz")
        at = 0
        while at < len(data):
            member, at = _member(data, at)
            record = Record.read(member)
            blocks.setdefault(record.id, []).append(record)
    assert len(blocks) == 11
    for before, after in blocks.values():
        assert len(before.block) == len(after.block)
        changed = (before.header, before.block) != (after.header, after.block)
        assert bool(after.field("Holdfast-Redacted")) == changed
        assert after.field("WARC-Block-Digest") == b"sha256:" + sha256_hex(after.block).encode()


def _member(data: bytes, at: int) -> tuple[bytes, int]:
    inflater = zlib.decompressobj(31)
    inflater.decompress(data[at:])
    end = len(data) - len(inflater.unused_data)
    return data[at:end], end


def test_with_the_original_the_copy_is_derived_again(made: Made, tmp_path: Path) -> None:
    found = _compare(made.copy, made.original, tmp_path)

    assert (found.problems, found.facts["compared"]) == ((), True)
    assert found.facts["original"]["item"] == made.item


def test_each_taken_range_is_committed_to(made: Made) -> None:
    with zipfile.ZipFile(made.original) as packed:
        seed = bytes.fromhex(json.loads(packed.read(pieces.SALT))["salt"])
    with zipfile.ZipFile(made.copy) as packed:
        told = json.loads(packed.read("redaction/redactions.json"))
        assert pieces.SALT not in packed.namelist()
    (number, one), *_ = [
        (n, one) for n, one in enumerate(told["taken"])
        if one["kind"] == "authorization" and one["length"] == len(SECRETS["bearer"])
    ]  # fmt: skip
    salt = pieces.salt_of(seed, f"taken:{number}")
    assert one["commitment"] == pieces.commit(salt, [SECRETS["bearer"]])
    # Without the salt, a guess can't be confirmed: neither by it nor by a digest that was left.
    assert one["commitment"] != sha256_hex(SECRETS["bearer"])
    with zipfile.ZipFile(made.original) as packed:
        lines = packed.read("capture/exchanges.jsonl").splitlines()
    digests = {"redacted": json.loads(lines[3])["request"]["sha256"].encode()}
    assert leaks(made.original.read_bytes(), digests) != set()
    assert leaks(made.copy.read_bytes(), digests) == set()


def _flip(name: str, at: int) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        data = bytearray(parts[name])
        data[at] ^= 1
        parts[name] = bytes(data)

    return change


def _other_record(parts: dict[str, bytes]) -> None:
    """Put words into a record that is said to be as it was."""
    data, at, out = parts["archive/data.warc.gz"], 0, b""
    while at < len(data):
        member, at = _member(data, at)
        plain = gzip.decompress(member)
        if b"GET /about" in plain:
            member = gzip.compress(plain.replace(b"/about", b"/abort"))
        out += member
    parts["archive/data.warc.gz"] = out


def _untaken(parts: dict[str, bytes]) -> None:
    """Say of one more range that it was taken, and change another part of that line."""
    lines = parts["capture/guard.jsonl"].replace(b'"connection": 1', b'"connection": 7')
    parts["capture/guard.jsonl"] = lines


def _relisted(parts: dict[str, bytes]) -> None:
    """Change a line that was unchanged, and list it as changed."""
    new = parts["capture/exchanges.jsonl"].replace(b'"exchange": 5', b'"exchange": 9')
    told = json.loads(parts["redaction/redactions.json"])
    line = new.splitlines(keepends=True)[4]
    place = new.index(line)
    told["changed"].append({
        "length": len(line), "new_length": len(line), "new_offset": place, "offset": place,
        "part": "capture/exchanges.jsonl", "sha256": sha256_hex(line),
    })  # fmt: skip
    parts["capture/exchanges.jsonl"] = new
    parts["redaction/redactions.json"] = json.dumps(told).encode()


def _added(parts: dict[str, bytes]) -> None:
    parts["views/planted.html"] = b"<p>confession"


def _dropped(parts: dict[str, bytes]) -> None:
    del parts["views/dom.html"]


def _commitments(parts: dict[str, bytes]) -> None:
    lines = parts[pieces.RECORDS].splitlines(keepends=True)
    parts[pieces.RECORDS] = b"".join(lines[:-1])


def _unsealed(parts: dict[str, bytes]) -> None:
    parts["secrets/netlog.json.gz.age"] = b"something"


FORGERIES: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
    "a byte of an unchanged line": (_flip("capture/exchanges.jsonl", -9), "not the original's"),
    "an unchanged record": (_other_record, "is not the original's"),
    "a changed line, beside what was taken": (_untaken, "is not what the list says"),
    "an unchanged line, listed as changed": (_relisted, "changed, and nothing taken"),
    "a file more": (_added, "neither the original's nor of the redaction"),
    "a file less": (_dropped, "missing, and not said to be withheld"),
    "the commitments": (_commitments, "signature over its records does not hold"),
    "a withheld part": (_unsealed, "said to be withheld, and is there"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_copy_that_was_tampered_with_is_refused(made: Made, tmp_path: Path, forgery: str) -> None:
    change, words = FORGERIES[forgery]
    forged = _repacked(made.copy, tmp_path, change)
    (tmp_path / "work").mkdir()

    found = _check(forged, tmp_path / "work")

    assert any(words in one for one in found.problems), found.problems


def test_a_copy_repacked_without_a_change_is_sound(made: Made, tmp_path: Path) -> None:
    forged = _repacked(made.copy, tmp_path, lambda _parts: None)
    (tmp_path / "work").mkdir()
    assert _check(forged, tmp_path / "work").problems == ()


def test_a_copy_signed_by_another_key_is_refused(made: Made, tmp_path: Path) -> None:
    forged = _repacked(made.copy, tmp_path, lambda _parts: None, OTHER)
    (tmp_path / "work").mkdir()
    problems = _check(forged, tmp_path / "work").problems
    assert problems == ("the copy is not signed by the key that signed the original",)


def test_a_copy_that_claims_another_original_is_refused(made: Made, tmp_path: Path) -> None:
    small_capture.write(tmp_path / "other.wacz", KEY, note="another")
    other = sha256_hex((tmp_path / "other.wacz").read_bytes())

    def claim(parts: dict[str, bytes]) -> None:
        told = json.loads(parts["redaction/redactions.json"])
        told["original"]["item"] = other
        with zipfile.ZipFile(tmp_path / "other.wacz") as packed:
            told["original"]["records"] = sha256_hex(packed.read(pieces.RECORDS))
        parts["redaction/redactions.json"] = json.dumps(told).encode()

    forged = _repacked(made.copy, tmp_path, claim)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "three").mkdir()
    assert "its commitments are not those of the original that it names" in (
        _check(forged, tmp_path / "one").problems
    )
    # And the honest copy of one original, held to another.
    problems = _compare(made.copy, tmp_path / "other.wacz", tmp_path / "two").problems
    assert any("it names the original" in one for one in problems)
    problems = _compare(forged, tmp_path / "other.wacz", tmp_path / "three").problems
    assert any("is not what the original gives" in one for one in problems)


def test_the_commitments_of_another_key_with_all_else_right_show_that_key(
    made: Made, tmp_path: Path
) -> None:
    """A forgery from end to end holds in itself: it is known by its key alone."""
    small_capture.write(tmp_path / "original.wacz", OTHER)
    (tmp_path / "a").mkdir()
    with (tmp_path / "original.wacz").open("rb") as stream, pytest.raises(IntegrityError):
        redaction.redact(
            stream, sha256_hex((tmp_path / "original.wacz").read_bytes()), Wanted(), key=KEY,
            target=tmp_path / "copy.wacz", work=tmp_path / "a",
        )  # fmt: skip
    assert not (tmp_path / "copy.wacz").exists()
    (tmp_path / "b").mkdir()
    assert _check(made.copy, tmp_path / "b").facts["signer"] == wacz.key_digest(KEY)


@pytest.mark.parametrize("part", ["views/text.txt", "archive/data.warc.gz", pieces.SALT])
def test_an_original_that_was_altered_is_not_redacted(tmp_path: Path, part: str) -> None:
    small_capture.write(tmp_path / "original.wacz", KEY)
    forged = _repacked(tmp_path / "original.wacz", tmp_path, _flip(part, -3))
    (tmp_path / "work").mkdir()
    with forged.open("rb") as stream, pytest.raises(InputError):
        redaction.redact(
            stream, sha256_hex(forged.read_bytes()), Wanted(), key=KEY,
            target=tmp_path / "copy.wacz", work=tmp_path / "work",
        )  # fmt: skip


def test_also_takes_what_it_matches_everywhere(tmp_path: Path) -> None:
    small_capture.write(tmp_path / "original.wacz", KEY)
    wanted = Wanted(also=(r"This sen\w+",), fields=("Host",))
    copied = _redacted(tmp_path, tmp_path / "original.wacz", wanted)

    hidden = {"sentence": b"This sentence"}
    assert leaks(copied.original.read_bytes(), hidden) != set()
    assert leaks(copied.copy.read_bytes(), hidden) == set()
    with zipfile.ZipFile(copied.copy) as packed:
        assert b"Host: shop" not in gzip.decompress(packed.read("archive/data.warc.gz"))
        assert b"This sen" not in packed.read("redaction/redactions.json")
    for name, again in (("same", wanted), ("other", Wanted())):
        (tmp_path / name).mkdir()
        problems = _compare(copied.copy, copied.original, tmp_path / name, again).problems
        assert bool(problems) == (name == "other")


@pytest.mark.parametrize(
    ("kind", "text", "taken"),
    [
        ("head", b"GET / HTTP/1.1\r\nCookie: a=1; b=22\r\n\r\n", [b"1", b"22"]),
        ("head", b"HTTP/1.1 200 OK\nset-COOKIE : id=9 9; Path=/\n\n", [b"9 9"]),
        ("head", b"GET / HTTP/1.1\r\nCookie: a=1;\r\n folded=2\r\n\r\n", [b"1", b"2"]),
        ("head", b"G / H\r\nProxy-Authorization: Basic eA==\r\n\r\n", [b"eA=="]),
        ("head", b"GET /?sid=7&q=8 HTTP/1.1\r\n\r\n", [b"7"]),
        ("text", b"https://u:pw@h.example/?userToken=ab%20c#id_token=d", [b"pw", b"ab%20c", b"d"]),
        ("text", b"?next=%2Flogin%3Fsession_id%3Dabc%26x%3D1", [b"abc"]),
        ("text", b"/a;jsessionid=1F?q=1", [b"1F"]),
        ("text", b"?monkey=1&passenger=2&design=3&sidebar=4", []),
        ("form", b"user=a&user_password=b+c&pin=1", [b"b+c", b"1"]),
        ("form", b'{"PassWord": "a\\"b", "x": 1}', [b'a\\"b']),
        ("form", b'--B\r\nContent-X: form-data; name="pwd"\r\n\r\ns e\r\n--B--', [b"s e"]),
    ],
)  # fmt: skip
def test_secrets_are_found_where_they_stand(kind: str, text: bytes, taken: list[bytes]) -> None:
    finder = Finder()
    spans = finder.head(text, head_of(text)) if kind == "head" else getattr(finder, kind)(text)
    found = [text[span.offset : span.end] for span in merge(spans)]
    assert [one for one in found if one] == taken


def test_a_page_says_which_fields_are_passwords() -> None:
    finder = Finder()
    finder.declare(b"<input name=nick><INPUT class=a type = 'password' name='c4'>")
    assert {span[:2] for span in finder.form(b"nick=a&c4=bcd")} == {(10, 3)}


def test_forms_of_a_value() -> None:
    value = b"a/b+c=d&e"
    made = forms(value)
    assert {b"a%2Fb%2Bc%3Dd%26e", b"a%2fb%2bc%3dd%26e", b"a/b+c=d&amp;e", b"a\\/b+c=d&e"} <= made
    for before in (b"", b"1", b"22", b"333"):
        coded = base64.b64encode(before + value + b" and more")
        assert any(one in coded for one in made), before


def test_spans_that_overlap_become_one() -> None:
    spans = merge([Span(5, 3, "b"), Span(0, 6, "a"), Span(9, 0, "c"), Span(9, 1, "d")])
    assert [one[:2] for one in spans] == [(0, 8), (9, 1)]
    assert apply(b"0123456789", spans) == b"xxxxxxxx8x"


def test_a_masked_frame_with_a_secret_is_seen() -> None:
    values = Values()
    values.add(b"secret-value", "cookie")

    def frame(payload: bytes) -> bytes:
        mask = b"abcd"
        coded = bytes(c ^ mask[i % 4] for i, c in enumerate(payload))
        return bytes([0x81, 0x80 | len(payload)]) + mask + coded

    assert tunnel_is_clear(frame(b"hello") + frame(b"world"), values)
    assert not tunnel_is_clear(frame(b"hello") + frame(b"my secret-value"), values)
    assert not tunnel_is_clear(frame(b"my secret-") + frame(b"value"), values)
    assert not tunnel_is_clear(frame(b"hello")[:-1], values)


WORDS = (
    "response",
    "Content-Type",
    "chunked",
    "WARC-Target-URI",
    "filename",
    "data.warc.gz",
    "sha256",
)


@pytest.mark.parametrize("word", WORDS)
def test_a_cookie_that_is_a_word_of_the_formats_breaks_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setitem(SECRETS, "cookie", word.encode())
    small_capture.write(tmp_path / "original.wacz", KEY)
    copied = _redacted(tmp_path, tmp_path / "original.wacz", Wanted())

    (tmp_path / "check").mkdir()
    (tmp_path / "compare").mkdir()
    assert _check(copied.copy, tmp_path / "check").problems == ()
    assert _compare(copied.copy, copied.original, tmp_path / "compare").problems == ()
    with zipfile.ZipFile(copied.copy) as packed:
        warc = gzip.decompress(packed.read("archive/data.warc.gz"))
        assert b"Cookie: lang=xx; sid=" + b"x" * len(word) + b"\r\n" in warc
        assert word.encode() not in packed.read("views/text.txt")
