"""Tables of digests: whatever is put in is found, and nothing else. docs/formats/hash-sets.md"""

from __future__ import annotations

import hashlib
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.errors import IntegrityError
from holdfast.examine.hashsets import table as tables
from holdfast.examine.hashsets.table import WIDTHS, Builder, Table, bits_for

if TYPE_CHECKING:
    from collections.abc import Iterable


def rows(digests: Iterable[bytes], width: int) -> tables.Digests:
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, width)


def built(folder: Path, algorithm: str, digests: Iterable[bytes], part: int = 1 << 20) -> Path:
    builder = Builder(algorithm, folder, part)
    for one in digests:
        builder.add(one)
    target = folder / "made.table"
    count, digest = builder.write(target)
    assert digest == hashlib.sha256(target.read_bytes()).hexdigest()
    assert count == len(set(digests))
    return target


def alike(width: int) -> st.SearchStrategy[bytes]:
    """Digests that often begin alike, as no honest ones do."""
    begin = st.sampled_from([b"", b"\0" * 8, b"\xff" * 8, b"\x12" * (width - 1), b"\0" * width])
    return st.builds(lambda one, two: (one + two)[:width], begin,
                     st.binary(min_size=width, max_size=width))  # fmt: skip


@pytest.mark.parametrize("algorithm", sorted(WIDTHS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_put_in_is_found_and_nothing_else(algorithm: str, data: st.DataObject) -> None:
    width = WIDTHS[algorithm]
    inside = data.draw(st.lists(alike(width), max_size=40))
    asked = data.draw(st.lists(alike(width), max_size=20)) + inside
    with tempfile.TemporaryDirectory() as name:
        # Parts of two digests: every division is divided again.
        table = Table(built(Path(name), algorithm, inside, part=2 * width))
        found = table.find(rows(asked, width))
        table.close()
    assert found.tolist() == [one in set(inside) for one in asked]


def test_a_stranger_can_read_the_bytes(tmp_path: Path) -> None:
    """Quoted from docs/formats/hash-sets.md: header, index, digests in ascending order."""
    digests = [hashlib.sha256(b"%d" % number).digest() for number in range(1000)]
    data = built(tmp_path, "sha256", digests * 2).read_bytes()
    magic, width, bits, count = struct.unpack("<16sIIQ32x", data[:64])
    assert (magic, width, bits, count) == (b"holdfast-table/1", 32, 7, 1000)
    index = struct.unpack(f"<{2**bits + 1}I", data[64 : 64 + 4 * (2**bits + 1)])
    body = data[64 + 4 * (2**bits + 1) :]
    stored = [body[at : at + width] for at in range(0, len(body), width)]
    assert stored == sorted(digests)
    for first in range(2**bits):
        these = stored[index[first] : index[first + 1]]
        assert all(one[0] >> (8 - bits) == first for one in these)


def test_windows_of_the_map_are_let_go_and_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "WINDOW", 4096)
    digests = [hashlib.sha256(b"%d" % number).digest() for number in range(20_000)]
    table = Table(built(tmp_path, "sha256", digests[::2]))
    found = table.find(rows(digests, 32))
    table.close()
    assert found.tolist() == [number % 2 == 0 for number in range(20_000)]


@pytest.mark.parametrize(
    "damage", ["empty", "header", "short", "long", "magic", "width", "bits", "count"]
)
def test_what_is_no_table_is_said_to_be_none(tmp_path: Path, damage: str) -> None:
    path = built(tmp_path, "md5", [hashlib.md5(b"x", usedforsecurity=False).digest()])
    data = bytearray(path.read_bytes())
    match damage:
        case "empty":
            data = bytearray()
        case "header":
            del data[40:]
        case "short":
            del data[-1:]
        case "long":
            data += b"\0"
        case "magic":
            data[0] ^= 1
        case "width":
            data[16] = 17
        case "bits":
            data[20] = 63
        case "count":
            data[24] = 2
    path.chmod(0o600)
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="no table of digests"):
        Table(path)


def test_an_index_that_leads_outside_is_refused(tmp_path: Path) -> None:
    path = built(tmp_path, "sha256", [hashlib.sha256(b"x").digest()])
    data = bytearray(path.read_bytes())
    data[68:72] = struct.pack("<I", 2**31)
    path.chmod(0o600)
    path.write_bytes(data)
    with pytest.raises(IntegrityError):
        Table(path).find(rows([hashlib.sha256(b"x").digest()], 32))


def test_an_index_entry_covers_about_eight_digests() -> None:
    assert [bits_for(count) for count in (0, 1, 7, 8, 1000, 100_000_000)] == [0, 0, 0, 1, 7, 24]
