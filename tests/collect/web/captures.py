"""Captures of the shape that docs/formats/web.md gives, small and without a browser."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://shop.example/"


def png(color: tuple[int, int, int] = (255, 255, 255), spot: tuple[int, ...] = ()) -> bytes:
    """Return a picture of 100 x 50, with a black spot."""
    image = Image.new("RGB", (100, 50), color)
    if spot:
        image.paste((0, 0, 0), spot)  # type: ignore[arg-type]
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


@dataclass
class Made:
    """What a capture holds."""

    url: str = URL
    final_url: str = URL
    title: str = "Shop"
    text: str = "Genuine watches\nBuy now\n"
    status: int = 200
    error: str | None = None
    peer: str = "192.0.2.1"
    certificate: str = "aa" * 32
    scripts: tuple[str, ...] = ("https://shop.example/a.js",)
    body: bytes = b"page"
    picture: bytes | None = field(default_factory=png)
    folder: str = "capture/"
    hops: tuple[str, ...] = ()

    def write(self, path: Path) -> Path:
        """Write it as a WACZ."""
        views = []
        with zipfile.ZipFile(path, "w") as package:

            def put(name: str, data: bytes) -> None:
                package.writestr(f"{self.folder}{name}", data)

            if self.picture is not None:
                put("views/screenshot.png", self.picture)
                digest = hashlib.sha256(self.picture).hexdigest()
                views.append({"kind": "screenshot", "name": "screenshot.png", "sha256": digest})
            put("views/text.txt", self.text.encode("utf-8", "surrogatepass"))
            about = {
                "asked": {"url": self.url},
                "assurance": [],
                "page": {"error": self.error, "title": self.title, "url": self.final_url},
                "proxy": None,
                "started": "2026-03-04T10:11:12Z",
                "views": views,
            }
            put("capture.json", json.dumps(about).encode())
            put("exchanges.jsonl", b"".join(map(_line, self._exchanges())))
            connection = {
                "certificates": [{"sha256": self.certificate}],
                "connection": 1,
                "peer": self.peer,
            }
            put("connections.jsonl", _line(connection))
        return path

    def _exchanges(self) -> list[dict[str, Any]]:
        def one(number: int, url: str, kind: str, status: int, body: bytes) -> dict[str, Any]:
            return {
                "connection": 1,
                "exchange": number,
                "follows": number - 1 if kind == "document" and number > 1 else None,
                "method": "GET",
                "net_error": None,
                "response": {"payload_sha256": hashlib.sha256(body).hexdigest()},
                "status": status,
                "type": kind,
                "url": url,
            }

        chain = (self.url, *self.hops)
        found = [
            one(at, url, "document", self.status if at == len(chain) else 302, self.body)
            for at, url in enumerate(chain, 1)
        ]
        found += [
            one(len(found) + at, url, "script", 200, b"script")
            for at, url in enumerate(self.scripts, 1)
        ]
        return found


def _line(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"
