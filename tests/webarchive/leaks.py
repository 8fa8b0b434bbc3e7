"""Look for a secret in a file by means that share nothing with what takes secrets out."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CODED = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_HEX = re.compile(rb"[0-9A-Fa-f]{12,}")


def leaks(wacz: bytes, secrets: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """Return (secret, place) for every place in which one can be read."""
    found = set()
    for place, data in layers(wacz):
        texts = [data.lower(), unquote_to_bytes(data).lower(), *decoded(data)]
        for name, secret in secrets.items():
            wanted = {secret.lower(), quote(secret, safe="").lower().encode()}
            wanted.add(quote_plus(secret).lower().encode())
            if any(one in text for one in wanted for text in texts):
                found.add((name, place))
    return found


def layers(wacz: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the file, its parts, what is packed in those, and every body without its coding."""
    yield "the file", wacz
    with zipfile.ZipFile(io.BytesIO(wacz)) as packed:
        for name in packed.namelist():
            data = packed.read(name)
            yield name, data
            if name.endswith(".gz"):
                plain = gzip.decompress(data)
                yield f"{name}, unpacked", plain
                for at in (found.start() for found in re.finditer(rb"\x1f\x8b\x08", plain)):
                    inner = zlib.decompressobj(31)
                    try:
                        yield f"{name}, a body", inner.decompress(plain[at:])
                    except zlib.error:
                        continue
                yield f"{name}, without chunks", re.sub(rb"\r\n[0-9a-f]+\r\n", b"", plain)


def decoded(data: bytes) -> Iterator[bytes]:
    """Yield what runs of base64, at every alignment, and of hex stand for."""
    for found in _CODED.findall(data):
        run = found.translate(bytes.maketrans(b"-_", b"+/"))
        for shift in range(4):
            cut = run[shift:]
            yield base64.b64decode(cut[: len(cut) // 4 * 4] or b"").lower()
    for run in _HEX.findall(data):
        yield binascii.unhexlify(run[: len(run) // 2 * 2]).lower()
        yield binascii.unhexlify(run[1 : 1 + (len(run) - 1) // 2 * 2]).lower()
