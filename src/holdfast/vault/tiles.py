"""C2SP tlog-tiles as files: where a tile lies, and reading it back.

The tree under `log/` can be served over static HTTP as it lies on disk.
https://c2sp.org/tlog-tiles v0.1.0, commit 5ba5ee8.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from holdfast.core.errors import IntegrityError
from holdfast.vault.merkle import HASH, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_ENTRY = 0xFFFF
"""Bytes in one log entry: bundles prefix each with a 16-bit length."""


def numbered(index: int, width: int = WIDTH) -> str:
    """Return `<N>[.p/<W>]`: the path of the `index`-th tile, partial below 256 wide."""
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    path = "/".join(reversed(parts))
    return path if width == WIDTH else f"{path}.p/{width}"


def hash_tile(log: Path, level: int, index: int, width: int) -> Path:
    """Return where a Merkle tile lies."""
    return log / "tile" / str(level) / numbered(index, width)


def entry_bundle(log: Path, index: int, width: int) -> Path:
    """Return where an entry bundle lies."""
    return log / "tile" / "entries" / numbered(index, width)


def read_prefix(path: Path, full: Path) -> bytes:
    """Read a partial file, or one with more of the same that replaced it meanwhile.

    Raises:
        IntegrityError: there is none.
    """
    # What is removed under our eyes had its successor in place before; it widens 255 times at most.
    for _ in range(WIDTH):
        with suppress(FileNotFoundError):
            return path.read_bytes()
        wider = [one for width, one in partials(full) if path != full and width > int(path.name)]
        for candidate in (*wider, full):
            with suppress(FileNotFoundError):
                return candidate.read_bytes()
        if not wider:
            break
    raise IntegrityError(
        f"the log's file {path} is missing", "restore it from a backup, a replica or a witness"
    )


def partials(full: Path) -> list[tuple[int, Path]]:
    """Return (width, path) of the partial files of the tile `full` that exist, narrowest first."""
    folder = full.with_name(f"{full.name}.p")
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted((int(one.name), one) for one in folder.iterdir() if one.name.isdecimal())
    return []


def read_hashes(log: Path, level: int, index: int, width: int) -> bytes:
    """Return the first `width` hashes of a tile, 32 bytes each.

    Raises:
        IntegrityError: missing or truncated.
    """
    path = hash_tile(log, level, index, width)
    data = read_prefix(path, hash_tile(log, level, index, WIDTH))
    if len(data) < width * HASH:
        raise IntegrityError(
            f"the log's tile {path} is truncated: {len(data)} of {width * HASH} bytes",
            "restore it from a backup or a replica, then run `holdfast verify`",
        )
    return data[: width * HASH]


def pack_bundle(entries: list[bytes]) -> bytes:
    """Return entries as a bundle: each behind its length, 16 bits big-endian."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_bundle(data: bytes, path: Path) -> Iterator[bytes]:
    """Yield the entries of a bundle.

    Raises:
        IntegrityError: the last entry is cut off.
    """
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or at + 2 > len(data):
            raise IntegrityError(f"the log's entry bundle {path} is truncated at byte {at}")
        yield data[at + 2 : end]
        at = end


def superseded(log: Path, bodies: Path, old: int, new: int) -> Iterator[Path]:
    """Yield the partial files that a log grown from `old` to `new` entries needs no more.

    Those of full tiles go: 255 partial bundles take a hundred times the room of the full one.
    Of the others only bodies go, since one that stayed would outlive an erasure; a partial tile
    belongs to a signed checkpoint (C2SP tlog-tiles, "Partial Tiles").
    """
    number, width = divmod(new, WIDTH)
    growing = bodies / numbered(number)
    yield from (path for at, path in partials(growing) if at < width)
    level, old, new = 0, old // WIDTH, number
    while old < new:
        fulls = [hash_tile(log, level, old, WIDTH)]
        if level == 0:
            fulls += [entry_bundle(log, old, WIDTH), bodies / numbered(old)]
        for full in fulls:
            yield from (path for _, path in partials(full))
        level, old, new = level + 1, old // WIDTH, new // WIDTH
