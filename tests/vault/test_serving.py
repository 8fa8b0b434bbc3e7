"""The log over HTTP as C2SP tlog-tiles says, and nothing else of the vault."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.listening import Request, Response
from holdfast.vault import note, tiles
from holdfast.vault.checkpoint import Checkpoint
from holdfast.vault.cosignature import CosignerKey
from holdfast.vault.cosigned import Cosigned
from holdfast.vault.entry import seal
from holdfast.vault.merkle import TreeReader, leaf_hash
from holdfast.vault.serving import answer
from tests.vault.keys import fixed_key

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.vault.log import Log


def get(log: Log, path: str, accept: str = "") -> Response:
    return answer(log.path, Request("GET", path, b"", accept))


def fill(log: Log, count: int) -> Log:
    """Append entries in commits of seven, so that partial tiles come and go."""
    done = log.head().size
    while done < count:
        step = min(7, count - done)
        sealed = [seal({"n": n}, bytes(32), n + 1) for n in range(done, done + step)]
        assert log.commit(log.head(), sealed) is not None
        done += step
    return log


@pytest.fixture
def grown(log: Log) -> Log:
    return fill(log, 300)


def test_the_checkpoint(grown: Log) -> None:
    """ "with `Content-Type: text/plain; charset=utf-8`. This endpoint is mutable, so its headers
    SHOULD prevent caching beyond a few seconds."
    """
    got = get(grown, "/checkpoint")
    assert (got.status, got.content_type) == (200, "text/plain; charset=utf-8")
    assert got.body == (grown.path / "checkpoint").read_bytes()
    assert got.headers == {"Cache-Control": "public, max-age=1"}


def test_the_checkpoint_with_its_cosignatures_once_there_are_some(grown: Log) -> None:
    """ "The checkpoint MAY carry additional signatures of other types" """
    head, signed = grown.signed_head()
    line = CosignerKey("w.example", fixed_key(2)).cosign(head.text(), 1_700_000_000)
    Cosigned(grown.path).add(300, signed, [line])
    assert get(grown, "/checkpoint").body == f"{signed}{line}\n".encode()
    # Those of an older checkpoint, or of another text, are not this one's.
    fill(grown, 301)
    assert get(grown, "/checkpoint").body == grown.signed_head()[1].encode()
    Cosigned(grown.path).add(301, signed, [line])
    assert get(grown, "/checkpoint").body == grown.signed_head()[1].encode()


def test_the_whole_tree_can_be_audited_from_what_is_served(grown: Log) -> None:
    """A client that knows only the specification: checkpoint, tiles, bundles."""
    head = Checkpoint.parse(note.split(get(grown, "/checkpoint").body.decode())[0])

    def read(level: int, index: int, width: int) -> bytes:
        got = get(grown, f"/tile/{level}/{tiles.numbered(index, width)}")
        assert (got.status, got.content_type) == (200, "application/octet-stream")
        assert "immutable" in got.headers["Cache-Control"]
        assert len(got.body) == 32 * width
        return got.body

    tree = TreeReader(head.size, read)
    assert tree.root_of(0, head.size) == head.root
    index = 0
    for number, width in ((0, 256), (1, 44)):
        path = f"/tile/entries/{tiles.numbered(number, width)}"
        got = get(grown, path)
        assert (got.status, got.content_type) == (200, "application/octet-stream")
        packed = get(grown, path, "br, gzip;q=1.0")
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["Vary"] == got.headers["Vary"] == "Accept-Encoding"
        assert zlib.decompress(packed.body, wbits=31) == got.body
        for entry in tiles.unpack_bundle(got.body, grown.path):
            assert leaf_hash(entry) == tree.leaf(index)
            index += 1
    assert index == 300


WRONG = (
    "",
    "/",
    "//checkpoint",
    "/checkpoint/",
    "/checkpoint?x",
    "/checkpoint%00",
    "/commits/0000000000000000",
    "/cosigned/0000000000000300",
    "/turn",
    "/publishing",
    "/tile/",
    "/tile/0/",
    "/tile/00/000",
    "/tile/01/000",
    "/tile/64/000",
    "/tile/-1/000",
    "/tile/0/0",
    "/tile/0/x000/000",
    "/tile/0/000/000",
    "/tile/0/x001",
    "/tile/0/002",
    "/tile/0/000.p/0",
    "/tile/0/000.p/256",
    "/tile/0/001.p/044",
    "/tile/0/001.p/45",
    "/tile/0/001.p/44/",
    "/tile/0/001.p",
    "/tile/entries/000.p/256",
    "/tile/entries/../0/000",
    "/tile/0/../0/000",
    "/tile/0/%2e%2e/000",
    "/tile/0/x\u0661\u0661\u0661/000",
    "/tile/0/\u0660\u0660\u0660",
    "/../entries/000",
    "/../../keys/log.key",
    "/../../holdfast.toml",
    "/..%2f..%2fkeys/log.key",
    "/tile/0/x999/x999/x999/x999/x999/x999/999",
    "/tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    "/tile/0/000\n",
)


@pytest.mark.parametrize("path", WRONG, ids=repr)
def test_nothing_else_is_served(grown: Log, path: str) -> None:
    """ "<L> … with no additional leading zeroes", "<N> … zero-padded 3-digit path elements",
    "<W> … between 1 and 255, with no additional leading zeroes"; and no other file of the vault.
    """
    got = get(grown, path)
    assert got.status == 404
    assert b"300" not in got.body


@given(st.text(st.sampled_from("./tileenrsx0123p%"), max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_what_is_served_is_a_tile(log: Log, path: str) -> None:
    if log.head().size == 0:
        fill(log, 10)
        (log.bodies / "secret").write_bytes(b"secret")
    got = get(log, f"/{path}")
    leaves = log.path / "tile/0/000.p"
    bundles = log.path / "tile/entries/000.p"
    tiles_there = {one.read_bytes() for one in (*leaves.iterdir(), *bundles.iterdir())}
    assert got.status == 404 or got.body in tiles_there


def test_only_reading(grown: Log) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert answer(grown.path, Request(method, "/checkpoint", b"x")).status == 405


def test_a_log_without_a_checkpoint_has_none(tmp_path: Path) -> None:
    assert answer(tmp_path, Request("GET", "/checkpoint")).status == 404
