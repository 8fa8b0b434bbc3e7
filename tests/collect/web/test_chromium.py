"""A real Chromium on the hostile site: what the decoder stores is what the site recorded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from holdfast.collect.web.decode import Settings, decode
from holdfast.testing.hostile.site import Site
from tests.collect.web.test_decode import Decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = shutil.which("chromium")
NOBODY = 65534
PAGES = ("trailers", "early-hints", "websocket", "early-close", "h2-trailers", "h2-reset")


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The site's own record, and the NetLogs of a browser that visited some of its pages."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; to have it: apt-get install chromium")
    folder = tmp_path_factory.mktemp("visited")
    (folder / "site").mkdir()
    # Not below pytest's folder, which another account may not enter.
    with tempfile.TemporaryDirectory() as name, Site.made(folder / "site").serving() as site:
        logs = Path(name)
        if os.getuid() == 0:
            os.chown(logs, NOBODY, NOBODY)
        pages = site.pages()
        for page in PAGES:
            visit(site, pages[page], logs / f"{page}.json")
        site.stop()
        site.wire.write(folder / "wire")
        yield folder / "wire", logs


def visit(site: Site, url: str, log: Path) -> None:
    """Load a page in a fresh Chromium, as an unprivileged user, in its sandbox."""
    home = log.with_suffix("")
    command = [
        str(CHROMIUM), "--headless=new", "--no-first-run", f"--user-data-dir={home}",
        "--disable-quic", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom",
        "--virtual-time-budget=3000", f"--host-resolver-rules={site.resolver_rules}",
        f"--ignore-certificate-errors-spki-list={site.spki}",
        f"--log-net-log={log}", "--net-log-capture-mode=Everything", url,
    ]  # fmt: skip
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    subprocess.run(
        command, check=True, capture_output=True, timeout=120,
        env={"HOME": str(log.parent), "PATH": os.environ["PATH"]}, **user,  # type: ignore[call-overload]
    )  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_what_is_stored_is_what_the_site_recorded(
    visited: tuple[Path, Path], tmp_path: Path, page: str
) -> None:
    wire, logs = visited
    summary = decode(logs / f"{page}.json", None, tmp_path / "out", settings=Settings())
    assert (summary.unexplained, summary.lossy, summary.log_complete) == (0, False, True)
    done = Decoded(tmp_path / "out", summary)
    ours = {str(one["local"]).rpartition(":")[2]: one for one in done.lines("connections")}
    compared = 0
    for theirs in _lines(wire / "connections.jsonl"):
        found = ours.get(str(theirs["peer"]).rpartition(":")[2])
        if found is None or theirs["failure"]:
            continue  # of another page's visit
        if theirs["protocol"] == "h2":
            compared += _same_frames(done, found, wire, theirs)
        else:
            compared += _same_messages(done, found, wire, theirs)
    assert compared
    names = [one["url"] for one in done.exchanges if one["exact"]]
    assert any(f"/page/{page}" in name for name in names)


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def _same_frames(
    done: Decoded, ours: dict[str, object], wire: Path, theirs: dict[str, object]
) -> int:
    file = done.out / f"http2/{ours['connection']}.frames"
    # A spare connection that the browser never used has none.
    kept = file.read_bytes() if ours["exchanges"] or file.exists() else b""
    ways = {b">": b"", b"<": b""}
    while kept:
        size = int.from_bytes(kept[9:13], "big")
        ways[kept[:1]] += kept[13 : 13 + size]
        kept = kept[13 + size :]
    number = theirs["connection"]
    assert (wire / f"{number}.received").read_bytes().startswith(ways[b">"])
    assert (wire / f"{number}.sent").read_bytes().startswith(ways[b"<"])
    return 1 if ways[b"<"] else 0


def _same_messages(
    done: Decoded, ours: dict[str, object], wire: Path, theirs: dict[str, object]
) -> int:
    number = theirs["connection"]
    sent = (wire / f"{number}.sent").read_bytes()
    received = (wire / f"{number}.received").read_bytes()
    mine = [one for one in done.exchanges if one["connection"] == ours["connection"]]
    mine.sort(key=lambda one: int(one["turn"]))
    records = done.records()
    said = [one for one in _lines(wire / "exchanges.jsonl") if one["connection"] == number]
    assert len(mine) == len(said)
    for got, truth in zip(mine, said, strict=True):
        request, response = _span(truth["request"], received), _span(truth["response"], sent)
        assert done.message(got, "request") == request
        stored = done.message(got, "response") if got["response"] else b""
        assert stored == response or (got["loss"] and response.startswith(stored))
        interim = [records[part["record"]][1] for part in got["interim"]]
        assert interim == [_span(part, sent) for part in truth["interim"]]  # type: ignore[attr-defined]
        if truth["websocket"] and got["tunnel"]:
            ways = {way: records[got["tunnel"][way]["record"]][1] for way in ("sent", "received")}
            whole = received[len(request) :], sent[len(response) :]
            # `--dump-dom` waits for no message: a busy browser may leave before it reads the first.
            # test_chain.py holds a capture, which waits, to every byte.
            if ways["received"]:
                assert (ways["sent"], ways["received"]) == whole
    return len(mine)


def _span(message: object, data: bytes) -> bytes:
    assert isinstance(message, dict)
    return data[message["start"] : message["end"]]
