"""The hostile site's capture, redacted: every cookie that its sockets saw is gone from the copy."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.collect.web import wacz
from holdfast.core import clock
from holdfast.core.digest import sha256_hex
from holdfast.webarchive.judge import judge
from holdfast.webarchive.redaction.derive import INDEX, REDACTIONS, Wanted, derive
from holdfast.webarchive.redaction.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testing.hostile.conftest import Chain


_SENT = re.compile(rb"\r\n[Cc]ookie: ([^\r\n]*)\r\n")
_SET = re.compile(rb"\r\nSet-Cookie: ([^;\r\n]*)")


def test_no_cookie_that_the_site_saw_is_in_the_copy(chain: Chain, tmp_path: Path) -> None:
    cookies = set()
    for one in chain.wire.connections:
        for data, pattern in ((one.received, _SENT), (one.sent, _SET)):
            for found in pattern.finditer(data):
                pairs = found[1].split(b";") if pattern is _SENT else [found[1]]
                cookies |= {pair.partition(b"=")[2].strip() for pair in pairs}
    secrets = {one for one in cookies if len(one) >= 6}
    assert secrets

    with chain.wacz.open("rb") as stream:
        item = sha256_hex(chain.wacz.read_bytes())
        made = derive(Source(stream), item, tmp_path / "out", Wanted())

    assert made.taken["cookie"] >= len(secrets)
    for path in (one for one in (tmp_path / "out").rglob("*") if one.is_file()):
        content = path.read_bytes()
        if path.name.endswith(".warc.gz"):
            content = gzip.decompress(content)
        assert not [secret for secret in secrets if secret in content], path
    names = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")
    }
    assert {INDEX, REDACTIONS} <= names
    assert not [name for name in names if name.endswith((".frames", ".age"))]
    # As an archive it is as good as the original is.
    lines = (tmp_path / "out" / INDEX).read_bytes().splitlines()
    (tmp_path / "out" / INDEX).unlink()
    wacz.write_index(tmp_path / "out", lines)
    described = wacz.Described("T", chain.start, clock.now())
    key = ec.generate_private_key(ec.SECP384R1())
    wacz.pack(tmp_path / "out", tmp_path / "copy.wacz", described, key)
    with chain.wacz.open("rb") as original, (tmp_path / "copy.wacz").open("rb") as copy:
        assert judge(copy).verdict == judge(original).verdict == "valid"
