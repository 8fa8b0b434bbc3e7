"""Tiles as files: their paths, and reading the first part of one that grew meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import IntegrityError
from holdfast.vault import tiles


@pytest.mark.parametrize(
    ("index", "width", "path"),
    [
        (1234067, 256, "x001/x234/067"),
        (0, 256, "000"),
        (999, 256, "999"),
        (1000, 256, "x001/000"),
        (0, 1, "000.p/1"),
        (1234067, 8, "x001/x234/067.p/8"),
        (273, 112, "273.p/112"),
        (10**9, 255, "x001/x000/x000/000.p/255"),
    ],
)
def test_an_index_is_a_path_of_three_digit_elements(index: int, width: int, path: str) -> None:
    """C2SP tlog-tiles: "encoded into zero-padded 3-digit path elements. All but the last path
    element MUST begin with an `x`. For example, index 1234067 will be encoded as `x001/x234/067`."
    "The `.p/<W>` suffix is only present for partial tiles".
    """
    assert tiles.numbered(index, width) == path
    log = Path("/l")
    assert tiles.hash_tile(log, 1, index, width) == Path("/l/tile/1", path)
    assert tiles.entry_bundle(log, index, width) == Path("/l/tile/entries", path)


@given(st.sets(st.tuples(st.integers(0, 10**10), st.integers(1, 256)), max_size=50))
def test_no_two_tiles_share_a_path_or_lie_inside_one_another(keys: set[tuple[int, int]]) -> None:
    paths = {tiles.numbered(*key) for key in keys}
    assert len(paths) == len(keys)
    folders = {str(parent) for path in paths for parent in Path(path).parents}
    assert not paths & folders


def write(log: Path, width: int, data: bytes) -> None:
    path = tiles.hash_tile(log, 0, 0, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


HASHES = bytes(range(256)) * 32


def test_reads_the_partial_tile_itself(tmp_path: Path) -> None:
    write(tmp_path, 5, HASHES[: 5 * 32])
    write(tmp_path, 7, b"x" * 7 * 32)
    assert tiles.read_hashes(tmp_path, 0, 0, 5) == HASHES[: 5 * 32]


@pytest.mark.parametrize("wider", [[256], [6], [9, 100], [10]])
def test_falls_back_to_a_wider_one_that_replaced_it(wider: list[int], tmp_path: Path) -> None:
    """C2SP tlog-tiles: clients "MAY fetch the full tile in parallel as a fallback in case the
    partial tile is not available anymore."
    """
    (tmp_path / "tile" / "0" / "000.p").mkdir(parents=True)
    for width in wider:
        write(tmp_path, width, HASHES[: width * 32])
    write(tmp_path, 4, b"narrower tiles are of no use"[:4])
    assert tiles.read_hashes(tmp_path, 0, 0, 5) == HASHES[: 5 * 32]


def test_a_tile_that_is_replaced_again_and_again_while_it_is_sought_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer removes each partial file once its successor is published; a reader may lag."""
    widths = iter([6, 7, 8, 256])
    write(tmp_path, 5, HASHES[: 5 * 32])
    present = [5]
    read_bytes = Path.read_bytes

    def racing(path: Path) -> bytes:
        if path.name == str(present[0]):
            grown = next(widths)
            write(tmp_path, grown, HASHES[: grown * 32])
            tiles.hash_tile(tmp_path, 0, 0, present[0]).unlink()
            present[0] = grown
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", racing)
    assert tiles.read_hashes(tmp_path, 0, 0, 5) == HASHES[: 5 * 32]


@pytest.mark.parametrize("width", [5, 256])
def test_a_tile_that_is_gone_is_named(width: int, tmp_path: Path) -> None:
    path = tiles.hash_tile(tmp_path, 0, 0, width)
    with pytest.raises(IntegrityError, match=f"file {path} is missing; restore it"):
        tiles.read_hashes(tmp_path, 0, 0, width)
    write(tmp_path, 3, HASHES[:96])
    with pytest.raises(IntegrityError, match=f"file {path} is missing; restore it"):
        tiles.read_hashes(tmp_path, 0, 0, width)


def test_a_truncated_tile_is_named_with_what_is_left_of_it(tmp_path: Path) -> None:
    """C2SP tlog-tiles: "Full tiles MUST be exactly 256 hashes wide, or 8,192 bytes." """
    write(tmp_path, 256, HASHES[:-1])
    with pytest.raises(IntegrityError, match=r"tile .*/tile/0/000 is truncated: 8191 of 8192 byte"):
        tiles.read_hashes(tmp_path, 0, 0, 256)


ENTRIES = st.lists(st.binary(max_size=300), max_size=10)


@given(ENTRIES)
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert list(tiles.unpack_bundle(tiles.pack_bundle(entries), Path("b"))) == entries


def test_a_bundle_is_length_prefixed_entries() -> None:
    """C2SP tlog-tiles: "Entry bundles are sequences of big-endian uint16 length-prefixed log
    entries."
    """
    packed = tiles.pack_bundle([b"", b"ab", b"x" * 0x0102])
    assert packed == b"\x00\x00" + b"\x00\x02ab" + b"\x01\x02" + b"x" * 0x0102
    assert len(tiles.pack_bundle([bytes(tiles.MAX_ENTRY)])) == 2 + 0xFFFF


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5), st.data())
def test_a_cut_bundle_is_noticed(entries: list[bytes], data: st.DataObject) -> None:
    packed = tiles.pack_bundle(entries)
    cut = data.draw(st.integers(1, len(packed) - 1))
    ends = {len(tiles.pack_bundle(entries[:n])) for n in range(len(entries))}
    if cut in ends:
        assert len(list(tiles.unpack_bundle(packed[:cut], Path("b")))) < len(entries)
        return
    with pytest.raises(IntegrityError, match="bundle b is truncated at byte"):
        list(tiles.unpack_bundle(packed[:cut], Path("b")))
