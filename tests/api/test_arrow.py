"""Issue "workbench": "bulk export as Arrow stream"; "cursor pagination ... true to the code"."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from holdfast.api.client import Client
from holdfast.cli.main import run
from holdfast.core import clock
from holdfast.core.errors import DeniedError, IntegrityError, RemoteError
from holdfast.examine import arrow_stream
from tests.api.test_asking import entries
from tests.serving import CASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving import Served

ARROW = {"Accept": arrow_stream.MEDIA_TYPE}


def as_lines(table: pa.Table) -> list[dict[str, Any]]:
    """Return a table's rows as the JSON lines have them, without what is empty."""
    micros = table.set_column(
        table.schema.get_field_index("time"), "time", table["time"].cast(pa.int64())
    ) if "time" in table.column_names else table  # fmt: skip
    found = []
    for row in micros.to_pylist():
        nanos = row.pop("time_nanos", None)
        if row.get("time") is not None:
            row["time"] = clock.to_text(row["time"], nanos)
        found.append({name: value for name, value in row.items() if value is not None})
    return found


def without_empty(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


@pytest.mark.parametrize(
    ("act", "asked"),
    [("timeline", {}), ("indicators", {}), ("search", {"query": "bank", "limit": 20})],
)
def test_the_columns_hold_what_the_lines_say(
    served: Served, monkeypatch: pytest.MonkeyPatch, act: str, asked: dict[str, Any]
) -> None:
    monkeypatch.setattr(arrow_stream, "BATCH_ROWS", 100)  # several batches
    before = len(entries(served, act))
    path = f"/cases/{CASE}/{act}"
    with served.program("ewa") as ewa:
        lines = ewa.get(path, params=asked, headers={"Accept": "application/jsonl"})
        answer = ewa.get(path, params=asked, headers=ARROW)
        assert answer.headers["content-type"] == arrow_stream.MEDIA_TYPE
        again = ewa.get(
            path, params=asked, headers={**ARROW, "If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        assert answer.headers["etag"] != lines.headers["etag"]
    reader = pa.ipc.open_stream(answer.content)
    assert reader.schema.equals(arrow_stream.SCHEMAS[act])
    told = as_lines(reader.read_all())
    assert told == [without_empty(json.loads(one)) for one in lines.text.splitlines()]
    assert len(told) > (100 if act == "timeline" else 0)
    entry = entries(served, act)[before + 1]  # one entry, as for every other form
    metadata = reader.schema.metadata
    assert entry["result"]["sha256"].encode() == metadata[arrow_stream.DIGEST]
    assert entry["result"]["lines"] == int(metadata[arrow_stream.ROWS]) == len(told)


def test_only_who_may_read_gets_columns_and_only_of_what_has_some(served: Served) -> None:
    with served.program("dan") as dan, served.program("ewa") as ewa, served.program("nora") as nora:
        assert dan.get(f"/cases/{CASE}/timeline", headers=ARROW).status_code == 403
        assert nora.get(f"/cases/{CASE}/timeline", headers=ARROW).status_code == 404
        refused = ewa.get(f"/cases/{CASE}/items", headers=ARROW)
        assert refused.status_code == 406
        assert "application/jsonl" in refused.json()["remedy"]


def test_the_client_reads_batches_as_they_come(served: Served) -> None:
    served.program("ewa").close()
    token = next(one for one, caller in served.lent.callers.items() if caller.person.name == "ewa")
    with Client(served.url, token) as client:
        table = client.arrow("timeline", CASE, kinds=["web.access"]).read_all()
        assert len(table) == 400
        assert table.schema.field("time").type == pa.timestamp("us", "UTC")
        assert len(client.arrow("indicators", CASE, text="no such").read_all()) == 0
    served.program("dan").close()
    token = next(one for one, caller in served.lent.callers.items() if caller.person.name == "dan")
    with Client(served.url, token) as client, pytest.raises(DeniedError):
        client.arrow("timeline", CASE)


def test_the_command_prints_the_same_stream(
    served: Served, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    words = ["--vault", str(served.vault), "--operator", "lena"]
    for act in ("timeline", "indicators"):
        capfdbinary.readouterr()
        assert run([*words, act, "--case", CASE, "--export", "arrow"]) == 0
        table = pa.ipc.open_stream(capfdbinary.readouterr().out).read_all()
        with served.program("lena") as lena:
            other = lena.get(f"/cases/{CASE}/{act}", headers=ARROW).content
        assert table.equals(pa.ipc.open_stream(other).read_all())


LINE = {"item": "0" * 64, "kind": "k", "message": "m", "seq": 0}


def lines(count: int) -> Iterator[bytes]:
    for at in range(count):
        yield json.dumps({**LINE, "seq": at}).encode() + b"\n"


def test_no_more_than_a_batch_is_held() -> None:
    read = 0

    def watched() -> Iterator[bytes]:
        nonlocal read
        for one in lines(50_000):
            read += 1
            yield one

    sent = 0
    for part in arrow_stream.stream("timeline", watched(), 50_000, ""):
        assert read - sent <= arrow_stream.BATCH_ROWS
        assert pa.total_allocated_bytes() < 64 << 20
        sent = read
        assert len(part) < 16 << 20
    assert read == 50_000


def test_every_time_that_evidence_has_is_kept() -> None:
    """`clock.to_text`: no decimals, six, nine, and times beyond the years 1 to 9999."""
    given = [(0, None), (1, None), (-(2**62), None), (2**62, 7), (-1, 999), (None, None)]
    texts = [{**LINE, **({} if at is None else {"time": clock.to_text(at, nanos)})}
             for at, nanos in given]  # fmt: skip
    told = (json.dumps(one).encode() + b"\n" for one in texts)
    stream = b"".join(arrow_stream.stream("timeline", told, len(given), ""))
    table = pa.ipc.open_stream(stream).read_all()
    found = [*zip(table["time"].cast(pa.int64()).to_pylist(), table["time_nanos"].to_pylist(),
                  strict=True)]  # fmt: skip
    assert found == given


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ([{**LINE, "new": 1}], 1),  # a column that is not promised
        ([{**LINE, "seq": "one"}], 1),
        ([LINE], 2),  # fewer than were promised
    ],
)
def test_an_answer_that_is_not_as_promised_gets_no_end(
    given: list[dict[str, Any]], rows: int
) -> None:
    parts = []
    with pytest.raises(IntegrityError):
        for part in arrow_stream.stream("timeline", (json.dumps(o).encode() for o in given), rows,
                                        ""):  # fmt: skip
            parts.append(part)  # noqa: PERF402 - what came before the error is looked at
    assert not b"".join(parts).endswith(b"\xff\xff\xff\xff\0\0\0\0")


def test_a_stream_that_was_cut_is_told_from_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrow's own reader takes a stream that ends between two batches for whole; ours does not."""
    monkeypatch.setattr(arrow_stream, "BATCH_ROWS", 10)
    parts = list(arrow_stream.stream("timeline", lines(40), 40, ""))
    whole = b"".join(parts)
    between = len(b"".join(parts[:3]))
    assert len(pa.ipc.open_stream(whole[:between]).read_all()) == 20
    bodies = [whole, whole[:between], whole[: between + 20], whole[:-8], whole[:5], b""]

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies[int(self.headers["Authorization"].split()[1])]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for at in range(len(bodies)):
                with Client(f"http://127.0.0.1:{server.server_port}", str(at)) as client:
                    if at in {0, 3}:  # all rows came; without the end mark that is known by count
                        assert len(client.arrow("timeline", CASE).read_all()) == 40
                    else:
                        with pytest.raises(RemoteError, match="broke off"):
                            client.arrow("timeline", CASE).read_all()
        finally:
            server.shutdown()
            thread.join(30)
