"""Read back from a capture of ours (docs/formats/web.md) what a comparison needs.

Runs in the sandbox only: a capture's parts are evidence.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

FOLDERS = ("", "capture/")
"""Where the parts lie that go beyond WACZ: at the top, or in the folder of the first captures."""
ABOUT = "capture.json"
EXCHANGES = "exchanges.jsonl"
CONNECTIONS = "connections.jsonl"
VIEWS = "views/"
TEXT = "text.txt"
_PART = 64 << 20
"""Bytes of one part that are read, at most."""
_NOBODY = ".invalid"
"""Hosts of what the browser itself asks for, which goes nowhere."""


class NoCaptureError(Exception):
    """The file is no capture that can be compared, and why."""


@dataclass(frozen=True)
class Exchange:
    """One exchange, as far as it is compared."""

    method: str
    url: str
    kind: str
    """What for: `document`, `script` …"""
    status: int | None
    payload: str | None
    """SHA-256 of the body."""
    server: str | None
    """The IP address that answered."""
    certificate: str | None
    """SHA-256 of the leaf certificate."""
    error: str | None

    @property
    def host(self) -> str:
        """The host that was asked."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Picture:
    """A picture of a part of the page."""

    name: str
    sha256: str
    png: bytes = field(repr=False)


@dataclass(frozen=True)
class Capture:
    """A capture, as far as it is compared."""

    url: str
    final_url: str
    title: str
    error: str | None
    status: int | None
    """Of the main page, after all redirects."""
    redirects: tuple[str, ...]
    """The main page's URLs, the first one to the last."""
    text: str
    exchanges: tuple[Exchange, ...]
    pictures: tuple[Picture, ...]
    started: str
    assurance: tuple[str, ...]
    proxy: str | None


def read(raw: BinaryIO) -> Capture:
    """Read a capture.

    Raises:
        NoCaptureError: it is none.
    """
    try:
        with zipfile.ZipFile(raw) as package:
            return _read(package)
    except (KeyError, TypeError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise NoCaptureError(f"it is no capture made here: {error}"[:300]) from error


def _read(package: zipfile.ZipFile) -> Capture:
    names = set(package.namelist())
    about = json.loads(_part(package, names, ABOUT))
    listed = about["views"]
    exchanges, redirects, status = _exchanges(package, names, about["asked"]["url"])
    page = about["page"]
    return Capture(
        url=str(about["asked"]["url"]),
        final_url=str(page["url"] or ""),
        title=str(page["title"] or ""),
        error=None if page["error"] is None else str(page["error"]),
        status=status,
        redirects=redirects,
        text=_text(package, names),
        exchanges=exchanges,
        pictures=tuple(
            Picture(
                str(one["name"]),
                str(one["sha256"]),
                _part(package, names, f"{VIEWS}{one['name']}"),
            )
            for one in listed
            if one["kind"] == "screenshot"
        ),
        started=str(about["started"]),
        assurance=tuple(str(one) for one in about["assurance"]),
        proxy=None if about["proxy"] is None else str(about["proxy"]),
    )


def _part(package: zipfile.ZipFile, names: set[str], name: str) -> bytes:
    for folder in FOLDERS:
        if f"{folder}{name}" in names:
            with package.open(f"{folder}{name}") as stream:
                data = stream.read(_PART + 1)
            if len(data) > _PART:
                raise NoCaptureError(f"its part {name} has more than {_PART} bytes")
            return data
    raise NoCaptureError(f"it is no capture made here: it has no {name}")


def _text(package: zipfile.ZipFile, names: set[str]) -> str:
    if not any(f"{folder}{VIEWS}{TEXT}" in names for folder in FOLDERS):
        return ""  # the page hung or crashed before its text could be taken
    return _part(package, names, f"{VIEWS}{TEXT}").decode("utf-8", "replace")


def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.splitlines():
        yield json.loads(line)


def _exchanges(
    package: zipfile.ZipFile, names: set[str], asked: str
) -> tuple[tuple[Exchange, ...], tuple[str, ...], int | None]:
    """Return all exchanges, the main page's URLs, and its status."""
    servers: dict[int, tuple[str | None, str | None]] = {}
    for one in _lines(_part(package, names, CONNECTIONS)):
        chain = one.get("certificates") or []
        servers[one["connection"]] = one.get("peer"), chain[0].get("sha256") if chain else None
    found: list[Exchange] = []
    main: dict[int, tuple[str, int | None]] = {}
    for one in _lines(_part(package, names, EXCHANGES)):
        url = urldefrag(str(one["url"])).url
        if (urlsplit(url).hostname or "").endswith(_NOBODY):
            continue
        response = one.get("response") or {}
        server, certificate = servers.get(one.get("connection") or 0, (None, None))
        found.append(
            Exchange(
                *(str(one["method"]), url, str(one.get("type") or "")),
                status=one.get("status"),
                payload=response.get("payload_sha256"),
                server=server,
                certificate=certificate,
                error=None if one.get("net_error") is None else str(one["net_error"]),
            )
        )
        first = not main and url == urldefrag(asked).url
        if first or (one.get("follows") in main and found[-1].kind in {"document", ""}):
            main[one["exchange"]] = url, one.get("status")
    status = next((one for _, one in reversed(main.values()) if one is not None), None)
    return tuple(found), tuple(url for url, _ in main.values()), status
