"""The files that are measured with: the same on every machine, made from seeds."""

from __future__ import annotations

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
