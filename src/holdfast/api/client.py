"""A client for programs in Python, and what the command line's `--server` stands on.

from holdfast.api.client import Client

with Client("https://unit7.example", token) as unit7:
    for event in unit7.read("timeline", "2026-0001", kinds=["browser.visit"]):
        print(event["time"], event["message"])
"""

from __future__ import annotations

import base64
import hashlib
import io
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, cast

import httpx
import orjson

from holdfast.api.offer import path as address_of
from holdfast.api.problems import error_of
from holdfast.core.errors import InputError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from pyarrow import RecordBatch, RecordBatchReader, Schema

LINES, ARROW = "application/jsonl", "application/vnd.apache.arrow.stream"
PIECE = 16 << 20
"""Bytes that are sent in one request: what a cut connection costs, at most."""
TRIES = 8
"""Times that an upload goes on after a cut, without a byte more getting through."""
_BLOCK = 1 << 20


class Client:
    """Asks one server, with one token."""

    def __init__(self, server: str, token: str, *, timeout: float = 600) -> None:
        """Begin; nothing is sent yet.

        Raises:
            InputError: the address is none, or there is no token.
        """
        if not server.startswith(("https://", "http://")):
            raise InputError(f"{server[:200]!r} is no server's address", "give https://HOST")
        if not token or not token.isascii() or not token.isprintable():
            raise InputError("there is no token", "set HOLDFAST_TOKEN: see `holdfast token add`")
        self._server = server.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self._server}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout,
        )

    def __enter__(self) -> Self:
        """Give the client."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        self._http.close()

    def lines(self, act: str, case: str | None = None, **fields: Any) -> Iterator[bytes]:
        """Yield the answer of an act that reads, a JSON line each: as its command prints it.

        Raises:
            HoldfastError: as the act does there.
            RemoteError: the server does not answer.
        """
        query = _queries(fields)
        with (
            self._errors(),
            self._http.stream(
                "GET", _address(act, case), params=query, headers={"Accept": LINES}
            ) as answer,
        ):
            check(answer)
            waiting = b""
            for chunk in answer.iter_bytes():
                *whole, waiting = (waiting + chunk).split(b"\n")
                for line in whole:
                    yield line + b"\n"

    def read(self, act: str, case: str | None = None, **fields: Any) -> Iterator[dict[str, Any]]:
        """Yield the answers of an act that reads, as `lines` does."""
        return map(orjson.loads, self.lines(act, case, **fields))

    def arrow(self, act: str, case: str | None = None, **fields: Any) -> RecordBatchReader:
        """Return the answer of an act that reads (`timeline`, `indicators`, `search`) as columns.

        Batches come as they are read; no more than one is held.

        Raises:
            HoldfastError: as the act does there.
            RemoteError: the server does not answer; while it is read: the answer broke off.
        """
        return _columns(self._arrow_batches(act, case, fields))

    def _arrow_batches(
        self, act: str, case: str | None, fields: dict[str, Any]
    ) -> Iterator[RecordBatch | Schema]:
        """Yield the schema, then the batches; the answer is read on as they are asked for."""
        import pyarrow as pa  # noqa: PLC0415 - a command that shows lines has no need of it

        with (
            self._errors(),
            self._http.stream(
                "GET",
                _address(act, case),
                params=_queries(fields),
                headers={"Accept": ARROW},
            ) as answer,
        ):
            check(answer)
            try:
                reader = pa.ipc.open_stream(io.BufferedReader(_Coming(answer.iter_bytes())))
                yield reader.schema
                promised, seen = int((reader.schema.metadata or {})[b"holdfast.rows"]), 0
                for batch in reader:
                    seen += len(batch)
                    yield batch
            except (pa.ArrowException, KeyError, OSError) as error:
                raise self._cut(str(error).splitlines()[0][:200]) from error
            if seen != promised:
                raise self._cut(f"{seen} of {promised} rows came")

    def _cut(self, reason: str) -> RemoteError:
        return RemoteError(f"the answer of {self._server} broke off: {reason}", "ask again")

    def do(self, act: str, case: str | None = None, *, key: str = "", **fields: Any) -> Any:
        """Perform an act that changes something; return its answer. A long one is waited for.

        With a `key` it is done once, however often it is sent.
        """
        return self._answer(self.begin(act, case, key=key, **fields))

    def begin(self, act: str, case: str | None = None, *, key: str = "", **fields: Any) -> Any:
        """Perform an act; of a long one, return its job."""
        headers = {"Idempotency-Key": key} if key else {}
        with self._errors():
            answer = self._http.post(_address(act, case), json=fields, headers=headers)
            check(answer)
            return answer.json()

    def _answer(self, told: Any) -> Any:
        is_job = isinstance(told, dict) and told.keys() >= {"job", "state", "act"}
        return [*map(orjson.loads, self.wait(told["job"]))] if is_job else told

    def wait(self, job: str, tell: Callable[[dict[str, Any]], None] | None = None) -> list[bytes]:
        """Wait for a job, telling how far it is; return the lines of its result.

        Raises:
            HoldfastError: it failed, as its act did.
            RemoteError: its server was killed meanwhile.
        """
        while True:
            with self._errors():
                answer = self._http.get(f"/jobs/{job}")
                check(answer)
                facts = answer.json()
            if tell is not None:
                tell(facts)
            if facts["state"] == "failed":
                raise error_of(facts["problem"])
            if facts["state"] == "cut short":
                raise RemoteError("the server was stopped while it was at it", "ask again")
            if facts["state"] == "done":
                break
            time.sleep(0.3)
        with self._errors():
            answer = self._http.get(f"/jobs/{job}/result")
            check(answer)
            return answer.content.splitlines(keepends=True)

    def upload(
        self,
        case: str,
        file: Path,
        *,
        named: str = "",
        record: dict[str, Any] | None = None,
        tell: Callable[[int], None] = lambda _sent: None,
    ) -> str:
        """Send a file of any size, going on where a connection was cut; return its number there.

        Raises:
            HoldfastError: it can't be collected there.
            RemoteError: the server does not answer, however often it is tried.
            OSError: the file can't be read.
        """
        digest, size = _digest(file)
        said = {"path": named or str(file.absolute()), "sha256": digest,
                "record": orjson.dumps(record or {}).decode()}  # fmt: skip
        text = ",".join(f"{n} {base64.b64encode(v.encode()).decode()}" for n, v in said.items())
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": text}
        with self._errors():
            answer = self._http.post(f"/cases/{case}/uploads", headers=headers)
            check(answer)
        number = answer.headers["location"].rpartition("/")[2]
        with file.open("rb") as stream:
            offset, failed = 0, 0
            while offset < size:
                stream.seek(offset)
                before = offset
                try:
                    offset = self._piece(number, offset, stream.read(PIECE))
                    tell(offset)
                except httpx.TransportError as error:
                    failed += 1
                    if failed > TRIES:
                        raise _away(self._server, error) from None
                    time.sleep(min(0.1 * 2**failed, 10))
                    offset = self._offset(number, before)
                if offset > before:
                    failed = 0
        return str(number)

    def _piece(self, number: str, offset: int, data: bytes) -> int:
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        answer = self._http.patch(f"/uploads/{number}", content=data, headers=headers)
        if answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.LOCKED}:
            # A request that was cut may still be ending there.
            time.sleep(0.3)
            return self._offset(number, offset)
        check(answer)
        return int(answer.headers["upload-offset"])

    def _offset(self, number: str, known: int) -> int:
        """Ask how far a file is; while nobody answers, as far as was known."""
        try:
            answer = self._http.head(f"/uploads/{number}", headers={"Tus-Resumable": "1.0.0"})
        except httpx.TransportError:
            return known
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise RemoteError("the server has not this upload any more", "begin it again")
        return int(answer.headers.get("upload-offset", known))

    def _errors(self) -> _Errors:
        return _Errors(self._server)


def _columns(parts: Iterator[RecordBatch | Schema]) -> RecordBatchReader:
    import pyarrow as pa  # noqa: PLC0415 - as above

    schema = cast("Schema", next(parts))
    return pa.RecordBatchReader.from_batches(schema, cast("Iterator[RecordBatch]", parts))


class _Coming(io.RawIOBase):
    """An answer's bytes as a file that is read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._held:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._held = chunk
        count = min(len(view), len(self._held))
        view[:count] = self._held[:count]
        self._held = self._held[count:]
        return count


class _Errors:
    """Turns a connection's errors into ours."""

    def __init__(self, server: str) -> None:
        self._server = server

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Translate.

        Raises:
            RemoteError: the server does not answer.
        """
        if isinstance(error, httpx.HTTPError):
            raise _away(self._server, error) from None


def _away(server: str, error: Exception) -> RemoteError:
    return RemoteError(f"the server {server} does not answer: {error}", "see whether it runs")


def _address(act: str, case: str | None) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - one call, and a common name

    return address_of(act, in_case=case is not None).replace("{case}", quote(case or "", safe=""))


def _queries(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _query(value) for name, value in fields.items() if value is not None}


def _query(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return list(value) if isinstance(value, tuple) else value


def check(answer: httpx.Response) -> None:
    """Raise what a problem tells of.

    Raises:
        HoldfastError: so.
        RemoteError: what answers is no Holdfast.
    """
    if answer.is_success:
        return
    answer.read()
    try:
        raise error_of(orjson.loads(answer.content))
    except (orjson.JSONDecodeError, AttributeError):
        raise RemoteError(
            f"the server answered {answer.status_code} and said no more", "check its address"
        ) from None


def _digest(file: Path) -> tuple[str, int]:
    hasher, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
            size += len(block)
    return hasher.hexdigest(), size
