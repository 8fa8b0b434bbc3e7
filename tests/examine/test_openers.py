"""Archives: what is in them comes out whole; what is hostile in them costs one failure."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from holdfast.examine import _streams
from holdfast.examine.openers import bzip2, gz, pdf, sevenzip, tar, xz, zst
from holdfast.examine.openers import zip as zipped
from holdfast.examine.parsers import archive
from holdfast.examine.record import UnreadableError
from holdfast.examine.timeline import records
from holdfast.testing.parser_contract import evidence, parse_all
from tests.examine.conftest import QUICK
from tests.examine.quine import NAME, quine

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.examine.interfaces import Opener
    from holdfast.examine.run import Input
    from tests.examine.conftest import Bench

CASES = Path(__file__).parents[1] / "cases/archive"


def unfolded(opener: Opener, content: bytes, name: str = "x") -> dict[str, bytes | str]:
    """Return each member's bytes, or the reason why it has none; key "" for the archive's own."""
    out: dict[str, bytes | str] = {}
    with evidence(content, name) as file:
        assert opener.match(file)
        try:
            for member in opener.unfold(file):
                try:
                    out[member.path] = member.content.read()
                except UnreadableError as error:
                    out[member.path] = str(error)
        except UnreadableError as error:
            out[""] = str(error)
    return out


def messages(bench: Bench, item: Input) -> list[object]:
    rows = records(bench.derived, [item.item], kind="toy.line")
    return [row["message"] for row in rows]


def zipfile_of(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as made:
        for name, data in members:
            made.writestr(zipfile.ZipInfo(name), data, method)
    return sink.getvalue()


def tarfile_of(form: int, *members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as made:
        for info, data in members:
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return sink.getvalue()


# --- ZIP ---


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_method_gives_the_bytes(method: int) -> None:
    data = b"some text, and some more of it. " * 40_000
    content = zipfile_of(("a/b.txt", data), ("empty", b""), method=method)
    assert unfolded(zipped, content) == {"a/b.txt": data, "empty": b""}


def test_zip64_and_data_descriptors() -> None:
    class Pipe(io.RawIOBase):
        """What can't be sought makes a writer put sizes behind the data."""

        def __init__(self) -> None:
            self.sink = io.BytesIO()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            return self.sink.write(data)  # type: ignore[arg-type]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as made:
        with made.open("large", "w", force_zip64=True) as member:
            member.write(b"x" * 70_000)
        made.writestr("small", b"y")
    assert unfolded(zipped, pipe.sink.getvalue()) == {"large": b"x" * 70_000, "small": b"y"}


def test_the_directory_of_zip64_is_found() -> None:
    content = zipfile_of(("a", b"1"), ("b", b"2"))
    end = content.rindex(b"PK\5\6")
    count, size, start = struct.unpack_from("<HII", content, end + 10)
    wide = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, start)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, end, 1)
    narrow = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    assert unfolded(zipped, content[:end] + wide + locator + narrow) == {"a": b"1", "b": b"2"}


def test_names_lead_nowhere_and_are_different() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zipfile_of(
            ("../../etc/passwd", b"1"), ("/abs", b"2"), ("a//./b", b"3"), ("c:\\d\\e", b"4"),
            ("same", b"5"), ("same", b"6"),
        )  # fmt: skip
    assert unfolded(zipped, content) == {
        "__/__/etc/passwd": b"1", "abs": b"2", "a/_/b": b"3", "c:/d/e": b"4",
        "same": b"5", "same#2": b"6",
    }  # fmt: skip
    names = [
        one.name for one in parse_all(archive, content) if isinstance(one, archive.ArchiveEntry)
    ]
    assert names[:2] == ["../../etc/passwd", "/abs"]


def test_an_encrypted_member_says_so_and_the_rest_is_read() -> None:
    content = bytearray(zipfile_of(("secret", b"x"), ("open", b"y")))
    content[6] |= 1
    central = content.index(b"PK\1\2")
    content[central + 8] |= 1
    assert unfolded(zipped, bytes(content)) == {"secret": "encrypted", "open": b"y"}


def test_a_method_that_is_not_read_says_so() -> None:
    content = zipfile_of(("a", b"x"), ("b", b"y"))
    changed = content.replace(b"\x08\0", b"\x62\0", 1)
    central = changed.index(b"PK\1\2")
    changed = changed[:central] + changed[central:].replace(b"\x08\0", b"\x62\0", 1)
    assert unfolded(zipped, changed) == {"a": "compressed by ppmd, not supported", "b": b"y"}


def test_data_before_and_after_the_archive_are_members() -> None:
    assert unfolded(zipped, b"MZ a program" + zipfile_of(("a", b"1"))) == {
        "prefix data": b"MZ a program", "a": b"1",
    }  # fmt: skip
    whole = zipfile_of(("a", b"1")) + b"and more"
    assert unfolded(zipped, whole) == {"a": b"1", "appended data": b"and more"}


def test_an_entry_that_the_directory_hides_is_found() -> None:
    content = zipfile_of(("shown", b"1"), ("hidden", b"2"), ("last", b"3"))
    start = content.index(b"PK\1\2")
    first = content.index(b"PK\1\2", start + 4)
    second = content.index(b"PK\1\2", first + 4)
    size = int.from_bytes(content[-10:-6], "little") - (second - first)
    end = content[-22:-14] + struct.pack("<HHI", 2, 2, size) + content[-6:]
    forged = content[:first] + content[second:-22] + end
    assert unfolded(zipped, forged) == {"shown": b"1", "hidden": b"2", "last": b"3"}
    with zipfile.ZipFile(io.BytesIO(forged)) as stock:
        assert stock.namelist() == ["shown", "last"]
    notes = [
        one.notes for one in parse_all(archive, forged) if isinstance(one, archive.ArchiveEntry)
    ]
    assert ["not in the central directory" in one for one in notes] == [False, True, False]


def test_an_archive_that_breaks_off_gives_what_is_there() -> None:
    content = zipfile_of(("a", b"1"), ("b", b"2" * 1000))
    assert unfolded(zipped, content[: content.index(b"PK\1\2") + 10]) == {
        "a": b"1", "b": b"2" * 1000, "": "no central directory: cut off or damaged",
    }  # fmt: skip


def test_a_false_checksum_is_told() -> None:
    content = zipfile_of(("a", b"stored text"), method=zipfile.ZIP_STORED)
    assert unfolded(zipped, content.replace(b"stored", b"forged", 1)) == {
        "a": "CRC-32 does not match"
    }


def overlapping(count: int, size: int) -> bytes:
    """Return a bomb after Fifield (2019): the data of every entry are all the entries behind it."""
    kernel = zlib.compress(bytes(size), 9, -15)
    body, entries = b"", []
    for number in range(count):
        plain, packed = (body, body) if number else (bytes(size), kernel)
        name = b"%05d" % number
        facts = (20, 0, 0 if number else 8, 0, 0, zlib.crc32(plain), len(packed), len(plain), 5, 0)
        body = b"PK\3\4" + struct.pack("<HHHHHIIIHH", *facts) + name + packed
        entries.append((facts, name, len(body)))
    central = b"".join(
        b"PK\1\2\x14\0" + struct.pack("<HHHHHIIIHH", *facts)
        + struct.pack("<HHHII", 0, 0, 0, 0, len(body) - back) + name
        for facts, name, back in entries
    )  # fmt: skip
    return (
        body
        + central
        + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(central), len(body), 0)
    )


def test_overlapping_entries_cost_one_failure(bench: Bench) -> None:
    bomb = overlapping(200, 10_000)
    with zipfile.ZipFile(io.BytesIO(bomb)) as stock:
        assert len(stock.namelist()) == 200
    item = bench.item(zipfile_of(("bomb.zip", bomb), ("good.txt", b"LINES\n1 fine\n")))
    summary = bench.examine(item)
    failures = list(records(bench.derived, [item.item], kind="failure"))
    reasons = {str(row["reason"]) for row in failures if "overlapping" in str(row["reason"])}
    assert reasons == {"overlapping entries: 199 left out"}
    assert sum(1 for row in failures if row["path"] == "bomb.zip") == 1
    assert messages(bench, item) == ["fine"]
    assert summary.deaths == 0


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("zip", lambda data: zipfile_of(("zeros", data))),
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
        ("zst", zstandard.compress),
    ],
)
def test_a_bomb_costs_one_failure_and_the_rest_is_examined(
    bench: Bench, name: str, pack: Callable[[bytes], bytes]
) -> None:
    """One file that unfolds beyond what a worker may write stops there, and says so."""
    bomb = pack(bytes(100 << 20))
    item = bench.item(zipfile_of((f"bomb.{name}", bomb), ("good.txt", b"LINES\n1 fine\n")))
    summary = bench.examine(item)
    (failure,) = records(bench.derived, [item.item], kind="failure")
    assert str(failure["path"]).startswith(f"bomb.{name}/")
    assert failure["reason"] == f"output limit of {QUICK.output} bytes"
    assert messages(bench, item) == ["fine"]
    assert summary.deaths == 0


def test_a_container_may_not_unfold_without_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_streams, "ALWAYS", 1 << 20)
    assert unfolded(gz, gzip.compress(bytes(1 << 20)), "a.gz") == {"a": bytes(1 << 20)}
    said = unfolded(gz, gzip.compress(bytes(2 << 20)), "a.gz")["a"]
    assert str(said).startswith("unfolds to more than")
    # Text that is merely compressed well stays below.
    text = b"".join(b"%09d a line of a log\n" % number for number in range(100_000))
    assert unfolded(gz, gzip.compress(text), "a.gz") == {"a": text}


def test_archives_in_archives_end_at_the_depth_limit(bench: Bench) -> None:
    content = b"the innermost"
    for _ in range(12):
        content = zipfile_of(("inner.zip", content), method=zipfile.ZIP_STORED)
    item = bench.item(zipfile_of(("deep.zip", content), ("good.txt", b"LINES\n1 fine\n")))
    bench.examine(item)
    (failure,) = records(bench.derived, [item.item], kind="failure")
    assert failure["reason"] == "depth limit of 8"
    assert str(failure["path"]).count("/") == 7
    assert messages(bench, item) == ["fine"]


# --- tar ---


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_in_each_format(form: int) -> None:
    long = "d" * 90 + "/" + "é" * 25
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    content = tarfile_of(
        form, (tarfile.TarInfo(long), b"long"), (link, b""), (tarfile.TarInfo("../up"), b"x" * 600)
    )
    assert unfolded(tar, content) == {long: b"long", "__/up": b"x" * 600}
    entries = [one for one in parse_all(archive, content) if isinstance(one, archive.ArchiveEntry)]
    assert [(one.name, one.entry_type, one.link) for one in entries] == [
        (long, "file", None), ("link", "symlink", "/etc/passwd"), ("../up", "file", None),
    ]  # fmt: skip


def test_sparse_files_come_out_whole() -> None:
    data = b"A" * 512 + b"B" * 512
    old = bytearray(tarfile_of(tarfile.GNU_FORMAT, (tarfile.TarInfo("sparse"), data)))
    old[156:157] = b"S"
    old[386:434] = b"%011o\0%011o\0%011o\0%011o\0" % (1024, 512, 4096, 512)
    old[483:495] = b"%011o\0" % 6000
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old[:512])
    whole = bytes(1024) + b"A" * 512 + bytes(2560) + b"B" * 512 + bytes(6000 - 4608)
    assert unfolded(tar, bytes(old)) == {"sparse": whole}

    new = tarfile.TarInfo("GNUSparseFile.0/sparse")
    new.pax_headers = {
        "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "sparse",
        "GNU.sparse.realsize": "6000",
    }  # fmt: skip
    table = b"2\n1024\n512\n4096\n512\n".ljust(512, b"\0")
    assert unfolded(tar, tarfile_of(tarfile.PAX_FORMAT, (new, table + data))) == {"sparse": whole}


def test_a_damaged_header_costs_its_member_and_is_told() -> None:
    content = bytearray(tarfile_of(
        tarfile.USTAR_FORMAT, (tarfile.TarInfo("a"), b"1"), (tarfile.TarInfo("b"), b"2"),
        (tarfile.TarInfo("c"), b"3"),
    ))  # fmt: skip
    content[1024] ^= 1
    assert unfolded(tar, bytes(content)) == {
        "a": b"1", "c": b"3", "": "damaged tar headers: 1, what follows each is left out",
    }  # fmt: skip


def test_tar_after_its_end_mark_is_read_on() -> None:
    one = tarfile_of(tarfile.USTAR_FORMAT, (tarfile.TarInfo("a"), b"1"))
    two = tarfile_of(tarfile.USTAR_FORMAT, (tarfile.TarInfo("b"), b"2"))
    assert unfolded(tar, one + two) == {"a": b"1", "b": b"2"}
    assert unfolded(tar, one + b"hidden" + bytes(506)) == {
        "a": b"1", "appended data": b"hidden" + bytes(506),
    }  # fmt: skip


# --- single streams ---


@pytest.mark.parametrize(
    ("opener", "pack"),
    [(gz, gzip.compress), (bzip2, bz2.compress), (xz, lzma.compress), (zst, zstandard.compress)],
    ids=["gz", "bz2", "xz", "zst"],
)
def test_a_compressed_file(opener: Opener, pack: Callable[[bytes], bytes]) -> None:
    text = b"".join(b"%d\n" % (number * number) for number in range(60_000))
    (whole,) = unfolded(opener, pack(text) + pack(b"second")).values()
    assert whole == text + b"second"
    (cut,) = unfolded(opener, pack(text)[:-20]).values()
    assert cut == "compressed data ends before its end"
    (followed,) = unfolded(opener, pack(text) + b"something else, not compressed").values()
    assert followed == "other data follows the compressed data"


def test_a_gzip_header_names_its_member() -> None:
    sink = io.BytesIO()
    with gzip.GzipFile("../r\xe4t.txt", "wb", fileobj=sink, mtime=86400) as made:
        made.write(b"x")
    assert unfolded(gz, sink.getvalue()) == {"r\xe4t.txt": b"x"}
    assert unfolded(gz, gzip.compress(b"x"), "logs.tgz") == {"logs.tar": b"x"}


def test_a_dictionary_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_streams, "WINDOW", 1 << 20)
    (said,) = unfolded(xz, lzma.compress(b"x" * 100, preset=9)).values()
    assert said == "compressed data is damaged"
    (said,) = unfolded(xz, lzma.compress(b"x" * 100, preset=0)).values()
    assert said == b"x" * 100


# --- 7z ---


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.glob("sevenzip*")))
def test_sevenzip(case: str) -> None:
    (path,) = (CASES / case).glob("input*")
    found = unfolded(sevenzip, path.read_bytes())
    if case == "sevenzip_encrypted":
        assert found == {"secret.txt": "encrypted"}
        return
    assert found["dir/hello.txt"] == b"hello " * 100
    assert found["empty.txt"] == b""
    code = found["evil.bin"]
    assert isinstance(code, bytes) and code.endswith(b"\xe8\0\0\0\1" * 500) and len(code) == 2800


def test_a_damaged_sevenzip_is_told() -> None:
    content = bytearray((CASES / "sevenzip_lzma2/input.7z").read_bytes())
    content[-5] ^= 1
    assert unfolded(sevenzip, bytes(content)) == {"": "the archive's header is damaged"}
    content[-5] ^= 1
    content[60] ^= 0xFF
    found = unfolded(sevenzip, bytes(content))
    assert not any(isinstance(data, bytes) and data for data in found.values())


# --- PDF ---


def test_a_pdf_gives_what_is_attached_to_it() -> None:
    content = (CASES.parent / "pdf/invoice/input.pdf").read_bytes()
    assert unfolded(pdf, content) == {"note.txt": b"attached text"}


def test_a_pdf_that_is_encrypted_or_none_says_so() -> None:
    assert unfolded(pdf, b"%PDF-1.7 and nothing more") == {"": "PDF is damaged"}


# --- containers that go on for ever ---


def failures_of(bench: Bench, item: Input) -> list[dict[str, object]]:
    return list(records(bench.derived, [item.item], kind="failure"))


def test_a_zip_that_contains_itself_is_really_that() -> None:
    whole = quine()
    assert unfolded(zipped, whole) == {NAME.decode(): whole}
    with zipfile.ZipFile(io.BytesIO(whole)) as stock:
        assert stock.read(NAME.decode()) == whole


def test_a_zip_that_contains_itself_ends_at_the_depth_limit(bench: Bench) -> None:
    item = bench.item(zipfile_of(("deep.zip", quine()), ("good.txt", b"LINES\n1 fine\n")))
    summary = bench.examine(item, only=("toy_lines",))
    assert messages(bench, item) == ["fine"]
    (failure,) = failures_of(bench, item)
    assert failure["reason"] == f"depth limit of {QUICK.depth}"
    assert str(failure["path"]).count(NAME.decode()) == QUICK.depth - 1
    assert summary.files == 3 + QUICK.depth - 1


def test_gzip_within_gzip_a_thousand_times_ends_at_the_depth_limit(bench: Bench) -> None:
    nested = b"LINES\n1 bottom\n"
    for _ in range(1000):
        nested = gzip.compress(nested, 1, mtime=0)
    item = bench.item(nested)
    bench.examine(item, only=("toy_lines",))
    (failure,) = failures_of(bench, item)
    assert failure["reason"] == f"depth limit of {QUICK.depth}"


def test_archives_that_multiply_end_at_the_limit_of_members(bench: Bench) -> None:
    """42.zip's manner: sixteen archives in each archive, six deep, are 17 million files."""
    inner = b"LINES\n1 bottom\n"
    for _ in range(6):
        inner = zipfile_of(*((f"{number}.zip", inner) for number in range(16)))
    item, good = bench.item(inner), bench.item(b"LINES\n1 fine\n")
    limits = replace(QUICK, members=300)
    bench.examine(item, good, only=("toy_lines",), limits=limits)
    assert messages(bench, good) == ["fine"]
    reasons = {str(failure["reason"]) for failure in failures_of(bench, item)}
    assert reasons == {"member limit of 300"}
