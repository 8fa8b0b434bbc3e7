"""Pack a folder as a WACZ 1.1.1: a ZIP of stored parts, their digests, a signature over those.

The signature is the anonymous one of WACZ Signing and Verification 0.1.0: ECDSA with SHA-256 over
the text `sha256:<hex>` of datapackage.json, as raw r and s, with the public key beside it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from holdfast import __version__
from holdfast.collect.web.sealing import GZIP
from holdfast.core import clock
from holdfast.core.digest import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SOFTWARE = f"Holdfast {__version__}"
VERSION = "1.1.1"
_WACZ = frozenset({"archive", "indexes", "pages"})
"""Folders that WACZ itself has."""
_MEDIA = 3000
"""Lines of the index in one compressed block."""
_WHEN = (1980, 1, 1, 0, 0, 0)
"""In the ZIP's own headers, whose times have no zone; the real ones are in the parts."""


@dataclass(frozen=True)
class Described:
    """What a WACZ says of itself."""

    title: str
    main_url: str
    when: int
    """Microseconds since the epoch."""


def write_pages(folder: Path, pages: Iterable[dict[str, Any]]) -> None:
    """Write `pages/pages.jsonl`."""
    (folder / "pages").mkdir(exist_ok=True)
    head = {"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}
    lines = [json.dumps(one, ensure_ascii=False) for one in (head, *pages)]
    (folder / "pages" / "pages.jsonl").write_text("\n".join([*lines, ""]), "utf-8")


def write_index(folder: Path, lines: list[bytes]) -> None:
    """Write CDXJ `lines` as `indexes/index.cdx.gz` in blocks, and `index.idx` that finds them."""
    indexes = folder / "indexes"
    indexes.mkdir(exist_ok=True)
    lines = sorted(lines)
    offset = 0
    meta = {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}
    blocks = [f"!meta 0 {json.dumps(meta)}"]
    with (indexes / "index.cdx.gz").open("wb") as out:
        for start in range(0, len(lines), _MEDIA):
            packer = zlib.compressobj(9, wbits=GZIP)
            some = lines[start : start + _MEDIA]
            block = packer.compress(b"".join(one.rstrip(b"\n") + b"\n" for one in some))
            block += packer.flush()
            out.write(block)
            key = b" ".join(some[0].split(b" ", 2)[:2]).decode("utf-8", "replace")
            place = {
                "digest": f"sha256:{sha256_hex(block)}",
                "filename": "index.cdx.gz",
                "length": len(block),
                "offset": offset,
            }
            blocks.append(f"{key} {json.dumps(place)}")
            offset += len(block)
    (indexes / "index.idx").write_text("\n".join([*blocks, ""]), "utf-8")


def pack(
    folder: Path, target: Path, told: Described, key: ec.EllipticCurvePrivateKey | None
) -> str:
    """Pack `folder` into the file `target`; return the SHA-256 of its datapackage.json.

    Without a key there is no signature, and readers see that there is none.
    """
    parts = sorted(_files(folder))
    resources = [
        {
            "bytes": path.stat().st_size,
            "hash": f"sha256:{digest_of(path)}",
            "name": path.name,
            "path": path.relative_to(folder).as_posix(),
            # Else `wacz validate` takes our lines of JSON for tables, and guesses their types.
            **({} if path.relative_to(folder).parts[0] in _WACZ else {"type": "file"}),
        }
        for path in parts
    ]
    when = clock.to_text(told.when // 1_000_000 * 1_000_000)
    package = {
        "created": when,
        "mainPageDate": when,
        "mainPageUrl": told.main_url,
        "profile": "data-package",
        "resources": resources,
        "software": SOFTWARE,
        "title": told.title,
        "wacz_version": VERSION,
    }
    data = json.dumps(package, indent=2, ensure_ascii=False, sort_keys=True).encode()
    digest = sha256_hex(data)
    with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED, allowZip64=True) as packed:
        for path in parts:
            with (
                path.open("rb") as source,
                packed.open(
                    _info(path.relative_to(folder).as_posix()),
                    "w",
                    force_zip64=path.stat().st_size > 1 << 30,
                ) as out,
            ):
                while chunk := source.read(1 << 20):
                    out.write(chunk)
        packed.writestr(_info("datapackage.json"), data)
        signed = _digest_file(f"sha256:{digest}", when, key)
        packed.writestr(_info("datapackage-digest.json"), signed)
    return digest


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public half as the signature names it: DER, base64."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def key_digest(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the SHA-256 of the public half in DER, by which checks name it."""
    return sha256_hex(base64.b64decode(public_key(key)))


def _digest_file(text: str, when: str, key: ec.EllipticCurvePrivateKey | None) -> bytes:
    facts: dict[str, Any] = {"hash": text, "path": "datapackage.json"}
    if key is not None:
        r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        size = (key.curve.key_size + 7) // 8
        facts["signedData"] = {
            "created": when,
            "hash": text,
            "publicKey": public_key(key),
            "signature": base64.b64encode(r.to_bytes(size) + s.to_bytes(size)).decode(),
            "software": SOFTWARE,
        }
    return json.dumps(facts, indent=2, sort_keys=True).encode()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _WHEN)
    info.compress_type = zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info
