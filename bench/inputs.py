"""The files that are measured with: the same on every machine, made from seeds."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20


def random_file(path: Path, size: int, seed: int) -> None:
    """Write `size` bytes that nothing can compress or deduplicate."""
    source = random.Random(seed)
    with path.open("wb") as stream:
        for at in range(0, size, CHUNK):
            stream.write(source.randbytes(min(CHUNK, size - at)))


def many_files(
    root: Path, count: int, sizes: tuple[int, int], *, folders: int, seed: int
) -> tuple[int, int]:
    """Write `count` files of `sizes` (smallest, largest) over `folders`; return count and bytes."""
    source = random.Random(seed)
    total = 0
    for number in range(count):
        folder = root / f"folder-{number % folders:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        size = source.randint(*sizes)
        (folder / f"file-{number:06d}.bin").write_bytes(source.randbytes(size))
        total += size
    return count, total


def web_log(path: Path, size: int, seed: int) -> None:
    """Write about `size` bytes of a web server's access log: events and indicators to find."""
    source = random.Random(seed)
    written = number = 0
    with path.open("w", encoding="ascii") as stream:
        while written < size:
            clock = f"{1 + number // 86400 % 28:02d}/Mar/2026:{number // 3600 % 24:02d}"
            written += stream.write(
                f"203.0.113.{source.randrange(256)} - - "
                f"[{clock}:{number // 60 % 60:02d}:{number % 60:02d} +0000] "
                f'"GET /page/{source.randrange(10**6)} HTTP/1.1" 200 {source.randrange(10**5)} '
                f'"https://site-{source.randrange(500)}.example/" "Mozilla/5.0 (X11; Linux)"\n'
            )
            number += 1


def mixed_text(path: Path, size: int, seed: int) -> None:
    """Write about `size` bytes of what text evidence is made of, with indicators of every kind.

    Logs, prose, JSON, code, encoded binary data, and a twentieth of it in UTF-16.
    """
    source = random.Random(seed)
    words = [
        "the",
        "invoice",
        "was",
        "sent",
        "to",
        "your",
        "account",
        "and",
        "paid",
        "by",
        "transfer",
        "before",
        "it",
        "left",
        "us",
    ]
    rare = (
        "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "+49 30 901820", "t.me/durov",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "CVE-2021-44228", "52.520008, 13.404954",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "00:1a:2b:3c:4d:5e", "hxxp://evil[.]example",
        "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run", "bob@mail.example",
        "2001:db8::7",
    )  # fmt: skip

    def line() -> str:  # noqa: PLR0911 - one return a kind of line
        kind, number = source.randrange(20), source.randrange(10**9)
        if kind < 2:
            return (
                f"203.0.113.{number % 256} - - [03/Mar/2026:10:{number % 60:02d}:11 +0000] "
                f'"GET /p/{number} HTTP/1.1" 200 {number % 9999} "https://site-{number % 500}'
                '.example/" "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0"'
            )
        if kind < 5:
            return (
                f"Mar  3 10:{number % 60:02d}:11 host-{number % 40} cron[{number % 30000}]: "
                f"(root) CMD (/usr/lib/check --since={number} --quiet)"
            )
        if kind < 11:
            return " ".join(source.choices(words, k=14)).capitalize() + "."
        if kind < 14:
            return (
                f'{{"id":{number},"ts":17{number:011d},"user":"u{number % 700}","ok":true,'
                f'"ratio":0.{number},"path":"/srv/data/{number % 99}.bin"}}'
            )
        if kind < 17:
            return f"    for item_{number % 77} in self.rows(0x{number:x}): total += item  # {kind}"
        if kind < 19:
            return base64.b64encode(source.randbytes(57)).decode("ascii")
        before, after = source.choices(words, k=4), source.choices(words, k=4)
        return " ".join((*before, source.choice(rare), *after))

    with path.open("wb") as stream:
        at = 0
        while at < size:
            encoding = "utf-16-le" if source.randrange(20) == 0 else "ascii"
            at += stream.write("".join(f"{line()}\n" for _ in range(2000)).encode(encoding))
