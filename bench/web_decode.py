"""Decode a browser's log of 64 MiB and of 1 GiB: megabytes of NetLog a second, and peak memory.

Stand-alone: `python -m bench.web_decode [--small]`. The log is as Chromium writes it for large
bodies over TLS, which it logs three times: what the socket read, what TLS made of it, what the page
got; a tenth of it are small exchanges.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

from holdfast.collect.web.decode import Settings, decode

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


def measure(folder: Path, size: int) -> tuple[float, int]:
    """Decode a log of `size` bytes; return bytes a second and the child's peak memory."""
    log = folder / "netlog.json"
    with log.open("wb") as file:
        maker = Maker(file, size)
        maker.write()
    began = time.monotonic()
    summary = decode(log, None, folder / "out", settings=Settings())
    seconds = time.monotonic() - began
    if summary.lossy or summary.stored != maker.exchanges:
        sys.exit(f"the decoder stored {summary.stored} of {maker.exchanges} exchanges")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(
        f"{summary.log_bytes / 1e6:8.0f} MB of NetLog, {maker.bodies / 1e6:6.0f} MB of bodies, "
        f"{maker.exchanges} exchanges: {seconds:6.2f} s, "
        f"{summary.log_bytes / seconds / 1e6:6.1f} MB/s, peak {peak / 1e6:.1f} MB",
        flush=True,
    )
    log.unlink()
    shutil.rmtree(folder / "out")
    return summary.log_bytes / seconds, peak


def main() -> int:
    """Measure at two sizes; the memory must not grow with the log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a smoke run: 4 and 16 MiB")
    small, large = (4 << 20, 16 << 20) if parser.parse_args().small else (64 << 20, 1 << 30)
    with tempfile.TemporaryDirectory() as name:
        _, first = measure(
            Path(name), small
        )  # children's peaks only ever rise: the small one first
        speed, last = measure(Path(name), large)
    print(f"memory {last / first:.2f}x for {large // small}x the log; {speed / 1e6:.1f} MB/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
