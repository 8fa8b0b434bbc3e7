"""A judge that lets something pass is worse than none: each way of breaking a capture is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from holdfast.core.errors import InputError
from holdfast.testing.hostile import compare as judge
from holdfast.testing.hostile.compare import compare
from holdfast.testing.hostile.stored import Record, Stored
from holdfast.testing.hostile.verdict import Verdict
from tests.testing.hostile import made
from tests.testing.hostile.made import ANSWER_VIEW, GET, HINT, OK, REQUEST_VIEW, Capture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_true_capture_is_exact_or_explained() -> None:
    found = compare(made.wire(), Capture().stored())

    assert found.good
    assert {
        (row.what, row.situation) for row in found.rows if row.verdict is Verdict.explained
    } == {
        ("response", "cut"),
        ("exchange", "blocked"),
        ("exchange", "cached"),
    }
    exact = {(row.what, row.situation) for row in found.rows if row.verdict is Verdict.exact}
    assert exact == {
        *(("request", "hinted"), ("interim 1", "hinted"), ("response", "hinted")),
        *(("request", "cut"), ("request", "socket"), ("response", "socket")),
        *(("tunnel sent", "socket"), ("tunnel received", "socket")),
        *(("request", "h2"), ("interim 1", "h2"), ("response", "h2")),
        *(("connection", "hinted"), ("connection", "socket"), ("connection", "h2")),
        *(("frames sent", "h2"), ("frames received", "h2"), ("certificate", "expired.test")),
    }


def _set(number: int, **values: Any) -> Callable[[Capture], None]:
    return lambda capture: capture.exchanges[number - 1].update(values)


def _line(number: int, name: str, **values: Any) -> Callable[[Capture], None]:
    return lambda capture: capture.exchanges[number - 1][name].update(values)


def _alter(number: int, name: str, block: bytes, place: int | None = None) -> Any:
    return lambda capture: capture.alter(number, name, block, place=place)


def _connection(number: int, **values: Any) -> Callable[[Capture], None]:
    return lambda capture: capture.connections[number].update(values)


def _drop(number: int) -> Callable[[Capture], None]:
    """Leave an exchange out, and its records with it."""

    def drop(capture: Capture) -> None:
        gone = capture.exchanges.pop(number - 1)
        for line in (gone["request"], gone["response"], *gone["interim"]):
            if line:
                del capture.records[line["record"]]

    return drop


def _invent(**values: Any) -> Callable[[Capture], None]:
    def invent(capture: Capture) -> None:
        made_up = capture.exchange(7, "invented", 1, GET % b"invented", OK)
        capture.exchanges.append(made_up | values)

    return invent


def _orphan(capture: Capture) -> None:
    capture.store("response", b"HTTP/1.1 200 OK\r\n\r\n")


def _frames(sent: bytes, received: bytes) -> Callable[[Capture], None]:
    return lambda capture: capture.frames.update({3: (sent, received)})


def _loseframes(capture: Capture) -> None:
    del capture.frames[3]


def _no_label(capture: Capture) -> None:
    line = capture.exchanges[3]["response"]
    old = capture.records[line["record"]]
    fields = tuple(one for one in old.fields if one[0] != "Holdfast-Synthesised")
    capture.put(line, Record(old.kind, fields, old.block))


def _norecord(capture: Capture) -> None:
    del capture.records[capture.exchanges[0]["response"]["record"]]


def _lie(capture: Capture) -> None:
    """The record is right; what exchanges.jsonl says of it is not."""
    capture.exchanges[0]["response"]["sha256"] = "00" * 32


def _other_loss(capture: Capture) -> None:
    """A line of the ledger is about another exchange."""
    capture.losses[2]["exchange"] = 1


M, W = Verdict.MISSING, Verdict.WRONG
BREAKS: list[tuple[str, Callable[[Capture], object], str, Verdict, str]] = [
    ("request byte", _alter(1, "request", (GET % b"hinted").replace(b"H", b"h", 1)), "request", W,
     "differs at byte 12"),
    ("header case", _alter(1, "response", OK.replace(b"Content", b"content")), "response", W,
     "differs at byte 17"),
    ("last byte", _alter(1, "response", OK[:-1] + b"R"), "response", W,
     f"differs at byte {len(OK) - 1}"),
    ("a byte short", _alter(1, "response", OK[:-1]), "response", W, "nothing says why"),
    ("a byte more", _alter(1, "response", OK + b"!"), "response", W, f"at byte {len(OK)}"),
    ("no response", _set(1, response=None), "response", M, "nothing says why"),
    ("no request", _set(1, request=None), "request", M, "nothing says why"),
    ("no exchange", _drop(1), "response", M, "no such exchange"),
    ("no hint", _set(1, interim=[]), "interim 1", M, "nothing says why"),
    ("other hint", _alter(1, "interim", HINT.replace(b"/a", b"/b"), 0), "interim 1", W, "differs"),
    ("hint within", _alter(1, "response", HINT + OK), "response", W, "differs at byte 9"),
    ("invented hint", lambda c: c.exchanges[1]["interim"].append(c.store("resource", HINT)),
     "interim 1", W, "sent no such"),
    ("cut, unexplained", _set(2, loss=[]), "response", W, "nothing says why"),
    ("cut, of another", _other_loss, "response", W, "nothing says why"),
    ("cut, altered", _alter(2, "response", OK[:10] + b"?"), "response", W, "differs at byte 10"),
    ("cut, called whole", _line(2, "response", whole=True), "response", W, "called whole"),
    ("tunnel lost", _set(3, tunnel={}), "tunnel sent", M, "nothing says why"),
    ("tunnel altered", lambda c: c.put(
        c.exchanges[2]["tunnel"]["received"], Record("resource", (), b"from the sit?")),
     "tunnel received", W, "differs at byte 12"),
    ("digest", _lie, "response", W, "disagree about its bytes"),
    ("record gone", _norecord, "response", W, "not in the WARC"),
    ("h2 field order", _alter(4, "response", ANSWER_VIEW.replace(
        b"x-a: 1\r\nx-b: \xe9\r\n", b"x-b: \xe9\r\nx-a: 1\r\n")), "response", W, "header field 1"),
    ("h2 field lost", _alter(4, "response", ANSWER_VIEW.replace(b"x-a: 2\r\n", b"")),
     "response", W, "2 header fields where 3"),
    ("h2 field added", _alter(4, "response", ANSWER_VIEW.replace(
        b"x-a: 2\r\n", b"x-a: 2\r\nx-c: 3\r\n")), "response", W, "4 header fields where 3"),
    ("h2 crumbs joined", _alter(4, "request", REQUEST_VIEW.replace(
        b"a=1\r\ncookie: b", b"a=1; b")), "request", W, "header field 2"),
    ("h2 status", _alter(4, "response", ANSWER_VIEW.replace(b"200", b"201")), "response", W,
     "begins"),
    ("h2 path", _alter(4, "request", REQUEST_VIEW.replace(b"/h2", b"/h3")), "request", W, "begins"),
    ("h2 authority", _alter(4, "request", REQUEST_VIEW.replace(b"two", b"six")), "request", W,
     "header field 1"),
    ("h2 pseudo order", lambda c: c.exchanges[3]["pseudo"].reverse(), "request", W, "pseudo"),
    ("h2 DATA", _alter(4, "response", ANSWER_VIEW[:-1] + b"a"), "response", W, "differs at byte"),
    ("h2 DATA short", _alter(4, "response", ANSWER_VIEW[:-1]), "response", W, "nothing says why"),
    ("h2 trailers", _line(4, "response", trailers=[]), "response", W, "trailers"),
    ("h2 trailer order", lambda c: c.exchanges[3]["response"]["trailers"].reverse(),
     "response", W, "trailers"),
    ("h2 hint", _set(4, interim=[]), "interim 1", M, "nothing says why"),
    ("h2 no response", _set(4, response=None), "response", M, "nothing says why"),
    ("h2 unlabelled", _no_label, "response", W, "synthesised"),
    ("frames altered", _frames(made.SENT, made.RECEIVED[:-1] + b"?"), "frames received", W,
     "differs at byte 17"),
    ("frames cut", _frames(made.SENT[:-1], made.RECEIVED), "frames sent", W, "nothing says why"),
    ("frames lost", _loseframes, "frames sent", M, "nothing says why"),
    ("invented, called exact", _invent(), "request+response", W, "called exact"),
    ("invented", _invent(exact=False), "request+response", W, "nothing says why"),
    ("blocked, unexplained", _set(5, loss=[]), "exchange", W, "nothing says why"),
    ("twice", lambda c: c.exchanges.append(c.exchange(7, "hinted", 1, GET % b"hinted", OK)),
     "request+response", W, "never saw it"),
    ("orphan", _orphan, "response", W, "no exchange refers"),
    ("peer", _connection(1, peer="127.0.0.9"), "connection", W, "peer 127.0.0.9"),
    ("TLS version", _connection(2, tls={"version": "TLS 1.2"}), "connection", W, "TLS 1.2"),
    ("cipher", _connection(3, tls={"version": "TLS 1.3", "cipher": "NULL"}), "connection", W,
     "NULL"),
    ("no TLS told", _connection(1, tls=None), "connection", W, "TLSv1.3"),
    ("certificate", _connection(1, certificates=[{"sha256": made.BAD}]), "connection", W, made.BAD),
    ("no certificate", _connection(1, certificates=[]), "connection", W, "the site showed"),
    ("no connection", lambda c: c.connections.pop(1), "connection", M, "connection 1"),
    ("bad certificate untold", lambda c: c.connections.pop(4), "certificate", M, "none of its"),
    ("bad certificate ignored", _connection(4, loss=[]), "certificate", M, "not in the ledger"),
]  # fmt: skip


@pytest.mark.parametrize(("deed", "what", "verdict", "detail"), [b[1:] for b in BREAKS],
                         ids=[b[0] for b in BREAKS])  # fmt: skip
def test_each_way_of_breaking_a_capture_is_seen(
    deed: Callable[[Capture], object], what: str, verdict: Verdict, detail: str
) -> None:
    capture = Capture()
    deed(capture)
    found = compare(made.wire(), capture.stored())

    assert not found.good
    assert any(
        row.what == what and row.verdict is verdict and detail in row.detail for row in found.rows
    ), found.table(everything=True)


def test_a_capture_that_broke_off_may_lack_what_came_later() -> None:
    capture = Capture()
    _drop(4)(capture)
    capture.losses[5] = {
        "loss": 5, "exchange": None, "kind": "crash", "what": "the end", "why": "it was killed",
    }  # fmt: skip
    found = compare(made.wire(), capture.stored())

    assert found.good
    assert "crash: the end: it was killed" in found.table()


def test_identical_requests_are_not_confused() -> None:
    """The second answer to the same request differs; the capture has them in another order."""
    wire = made.wire()
    connection = wire.connections[0]
    made._http1(wire, connection, "hinted", OK.replace(b"answer", b"second"))
    capture = Capture()
    second = capture.exchange(7, "hinted", 1, GET % b"hinted", OK.replace(b"answer", b"second"))
    capture.exchanges.insert(0, second)

    assert compare(wire, capture.stored()).good


def test_a_folder_and_a_wacz_read_alike(tmp_path: Path) -> None:
    capture = Capture()
    folder = Stored.read(capture.folder(tmp_path / "folder"))
    wacz = Stored.read(capture.wacz(tmp_path / "a.wacz"))

    assert folder == wacz
    assert folder.frames == capture.frames
    assert {one: record.block for one, record in folder.records.items()} == {
        one: record.block for one, record in capture.records.items()
    }
    assert compare(made.wire(), wacz).good


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("archive/data.warc.gz", b"no gzip"),
        ("capture/exchanges.jsonl", b"{"),
        ("capture/connections.jsonl", b"{}\n"),
        ("http2/3.frames", b">" + bytes(8) + b"\0\0\0\x09abc"),
    ],
)
def test_what_is_no_capture_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    folder = Capture().folder(tmp_path)
    (folder / name).write_bytes(data)
    with pytest.raises(InputError, match="not a whole capture"):
        Stored.read(folder)


def test_the_command_prints_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.wire().write(tmp_path / "wire")
    capture = Capture()
    places = [str(tmp_path / "wire"), str(capture.folder(tmp_path / "capture"))]

    assert judge.main(places) == 0
    assert capsys.readouterr().out.endswith(
        "20 messages: 17 exact, 3 explained, 0 MISSING, 0 WRONG\n"
    )
    capture.alter(1, "response", OK[:-1] + b"?")
    capture.folder(tmp_path / "capture")
    assert judge.main(places) == 1
    out = capsys.readouterr().out
    assert f"WRONG response of GET https://one.test:1/hinted: differs at byte {len(OK) - 1}" in out
    assert judge.main([places[0], str(tmp_path / "none")]) == 3
    assert judge.main([str(tmp_path / "none"), places[1]]) == 3
    assert judge.main([]) == 2
