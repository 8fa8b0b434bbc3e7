"""Decode a browser's log of 64 MiB and of 1 GiB: megabytes of NetLog a second, and peak memory.

The log is as Chromium writes it for large bodies over TLS, which it logs three times: what the
socket read, what TLS made of it, what the page got; a tenth of it are small exchanges.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bench import bars
from bench.measure import Side, alternate, median_of
from bench.process import expect
from bench.results import Outcome, Section, row

if TYPE_CHECKING:
    from bench.measure import Bench

DISK = 4 << 30
DRIVER = Path(__file__).parent / "drivers" / "web_decode.py"
SPEED = 50
"""MB of NetLog a second."""
_PIECE = 16_000
_BODY = 4_000_000
_NAMES = (
    "REQUEST_ALIVE", "URL_REQUEST_START_JOB", "HTTP_STREAM_JOB_BOUND_TO_REQUEST", "SOCKET_IN_USE",
    "SOCKET_ALIVE", "TCP_CONNECT", "SSL_CONNECT", "SOCKET_BYTES_SENT", "SOCKET_BYTES_RECEIVED",
    "SSL_SOCKET_BYTES_SENT", "SSL_SOCKET_BYTES_RECEIVED", "URL_REQUEST_JOB_FILTERED_BYTES_READ",
)  # fmt: skip
_TYPES = {name: number for number, name in enumerate(_NAMES)}
_SOCKET, _JOB, _REQUEST = 10, 17, 1


class Maker:
    """Writes a log of at least so many bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._id = 10
        self._noise = os.urandom(_PIECE * 64)
        self.bodies = 0
        self.exchanges = 0

    def write(self) -> None:
        """Write it."""
        constants = {
            "clientInfo": {},
            "logEventTypes": _TYPES,
            "logSourceType": {"SOCKET": _SOCKET, "HTTP_STREAM_JOB": _JOB, "URL_REQUEST": _REQUEST},
            "netError": {},
            "timeTickOffset": 1795000000000,
        }
        self._file.write(b'{"constants":' + json.dumps(constants).encode() + b',\n"events": [\n')
        self._event("SOCKET_ALIVE", (_SOCKET, 1), 1)
        self._event("SSL_CONNECT", (_SOCKET, 1), 1)
        self._event("SSL_CONNECT", (_SOCKET, 1), 2, next_proto="unknown", cipher_suite=4866)
        while self._file.tell() < self._size:
            self._exchange(2_000 if self.exchanges % 21 else _BODY)
        self._file.write(b'{"phase":2,"source":{"id":1,"type":10},"time":"9","type":4}],\n')
        self._file.write(b'"polledData": {}\n}\n')

    def _exchange(self, size: int) -> None:
        self._id += 2
        request, job = (_REQUEST, self._id), (_JOB, self._id + 1)
        path = f"/{self.exchanges}"
        url = f"https://a.example{path}"
        self._event("REQUEST_ALIVE", request, 1, url=url, traffic_annotation=63171670)
        self._event("URL_REQUEST_START_JOB", request, 1, url=url, method="GET")
        self._event("HTTP_STREAM_JOB_BOUND_TO_REQUEST", job, source_dependency=_at(request))
        self._event("SOCKET_IN_USE", (_SOCKET, 1), 1, source_dependency=_at(job))
        self._bytes("SENT", f"GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n".encode())
        self._bytes("RECEIVED", f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        left = size
        while left:
            start = (self.bodies % 63) * _PIECE
            piece = self._noise[start : start + min(left, _PIECE)]
            self._bytes("RECEIVED", piece)
            self._data("URL_REQUEST_JOB_FILTERED_BYTES_READ", request, piece)
            left -= len(piece)
            self.bodies += len(piece)
        self._event("REQUEST_ALIVE", request, 2)
        self._event("SOCKET_IN_USE", (_SOCKET, 1), 2)
        self.exchanges += 1

    def _bytes(self, way: str, data: bytes) -> None:
        self._data(f"SOCKET_BYTES_{way}", (_SOCKET, 1), data + bytes(21))
        self._data(f"SSL_SOCKET_BYTES_{way}", (_SOCKET, 1), data)

    def _data(self, name: str, source: tuple[int, int], data: bytes) -> None:
        self._event(name, source, 0, byte_count=len(data), bytes=base64.b64encode(data).decode())

    def _event(self, name: str, source: tuple[int, int], phase: int = 0, **params: object) -> None:
        event = {"params": params} if params else {}
        end = {
            "phase": phase, "source": {"id": source[1], "start_time": "1", "type": source[0]},
            "time": "9", "type": _TYPES[name],
        }  # fmt: skip
        self._file.write(json.dumps(event | end, separators=(",", ":")).encode() + b",\n")


def _at(source: tuple[int, int]) -> dict[str, int]:
    return {"id": source[1], "type": source[0]}


def measure(bench: Bench) -> Section:
    """Measure it."""
    small, large = bench.size(64 << 20, 4 << 20), bench.size(1 << 30, 16 << 20)
    logs = bench.room("logs")
    sides = [_side(logs, size) for size in (small, large)]
    samples = alternate(bench, sides)
    taken = [samples[side.name] for side in sides]
    size = (logs / f"{large}.json").stat().st_size
    speed = size / median_of(taken[1], "decoding") / 1e6
    growth = max(one.rss for one in taken[1]) / max(one.rss for one in taken[0])
    figure = f"{speed:.0f} MB/s; peak memory {growth:.2f}x for {large // small}x the log"
    return Section(
        "web-decode",
        f"browser's logs of {small >> 20} MiB and of {large >> 20:,} MiB, decoded in the sandbox",
        [row(side, samples[side.name]) for side in sides],
        facts=[figure],
        notes=["MB/s: of NetLog, from the call until the child has ended, its start included."],
        bars={"web-decode": Outcome(speed >= SPEED and growth <= bars.STEADY, figure)},
    )


def _side(logs: Path, size: int) -> Side:
    log = logs / f"{size}.json"
    with log.open("wb") as file:
        maker = Maker(file, size)
        maker.write()

    def check(folder: Path) -> dict[str, float]:
        told = json.loads((folder / "output").read_text("utf-8"))
        expect(not told["lossy"], "the decoder calls it lossy")
        expect(
            told["stored"] == maker.exchanges,
            f"the decoder stored {told['stored']} of {maker.exchanges} exchanges",
        )
        return {"decoding": float(told["seconds"])}

    return Side(
        f"decode {size >> 20} MiB",
        f"decode a NetLog of {size >> 20:,} MiB",
        lambda folder: [[sys.executable, str(DRIVER), str(log), str(folder / "out")]],
        reads=[log],
        check=check,
    )
