"""A capture of the hostile site with a second witness, and what a test may do to its log."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import json
import struct
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyrage
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.collect.web import chromium, decode, second_witness, trust
from holdfast.collect.web.capture import capture
from holdfast.collect.web.order import Captured, Order
from holdfast.collect.web.seen import Plan
from holdfast.testing.hostile.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from holdfast.collect.web.proxies import Proxy
    from holdfast.testing.hostile.wire import Wire


@dataclass
class Witnessed:
    """A capture, out of its WACZ, with what was sealed in it."""

    made: Captured
    wire: Wire
    identity: pyrage.x25519.Identity
    folder: Path

    def __post_init__(self) -> None:
        self.zip = zipfile.ZipFile(self.made.file)
        self.lines = [json.loads(one) for one in self.part("wire/compared.jsonl").splitlines()]
        self.exchanges = [one for one in self.lines if "url" in one]

    def part(self, name: str) -> bytes:
        return self.zip.read(name)

    def unsealed(self, name: str) -> bytes:
        return gzip.decompress(pyrage.decrypt(self.part(name), [self.identity]))

    def keys(self) -> bytes:
        """The key log in the sealed packets: the second block (draft-ietf-opsawg-pcapng 4.7)."""
        data = self.unsealed("secrets/traffic.pcapng.gz.age")
        at = struct.unpack_from("<I", data, 4)[0]
        kind, _, what, size = struct.unpack_from("<IIII", data, at)
        assert (kind, what) == (10, 0x544C534B)
        return data[at + 16 : at + 16 + size]

    def asked_again(
        self, name: str, change: Callable[[bytes], bytes], traffic: bytes | None = None
    ) -> tuple[second_witness.Testimony, list[dict[str, Any]]]:
        """Decode the browser's log as `change` leaves it, and hold it to the packets."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "netlog.json").write_bytes(change(self.unsealed("secrets/netlog.json.gz.age")))
        for target, data in (
            ("guard", self.part("capture/guard.jsonl")),
            ("keys", self.keys()),
            ("traffic", traffic or self.part("wire/traffic.pcapng")),
        ):
            (folder / target).write_bytes(data)
        settings = decode.Settings(unasked_allowed=(chromium.BACKGROUND,))
        decode.decode(folder / "netlog.json", folder / "guard", folder / "out", settings=settings)
        answer, trouble = second_witness.check(
            folder / "out", folder / "traffic", folder / "keys", folder / "guard", folder / "said"
        )
        assert trouble == ""
        lines = (folder / "said" / second_witness.COMPARED).read_bytes().splitlines()
        testimony = second_witness.Testimony(
            tap="packets", exchanges=answer["exchanges"], connections=answer["connections"]
        )
        return testimony, [json.loads(one) for one in lines]


def witnessed(folder: Path, *, path: str = "/", proxy: Proxy | None = None) -> Witnessed:
    """Capture a page of the hostile site with a second witness."""
    identity = pyrage.x25519.Identity.generate()
    site = Site.made(folder / "site")
    with site.serving():
        order = Order(
            plan=Plan(site.url(path), timeout=60, settle=5),
            settings=chromium.Settings(log_keys=True),
            recipients=(str(identity.to_public()),),
            key=ec.generate_private_key(ec.SECP384R1()),
            allows=lambda address, _port: address.is_loopback,
            named={name: (ipaddress.ip_address(at),) for name, at in site.hosts.items()},
            roots=trust.read(site.root_file),
            second_witness=True,
            proxy=proxy,
        )
        made = capture(order, folder / "capture")
    return Witnessed(made, site.wire, identity, folder)


def changed_bytes(log: bytes, change: Callable[[bytes], bytes | None]) -> tuple[bytes, int]:
    """Let `change` alter the bytes of each event that carries some; None takes the event away."""
    lines, count = [], 0
    for line in log.split(b"\n"):
        start = line.find(b'"bytes":"')
        if start < 0:
            lines.append(line)
            continue
        start += len(b'"bytes":"')
        end = line.index(b'"', start)
        before = base64.b64decode(line[start:end])
        after = change(before)
        count += after != before
        if after is not None:
            lines.append(line[:start] + base64.b64encode(after) + line[end:])
    return b"\n".join(lines), count
