"""One archive of whichever kind, judged: what the child process that reads it calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.webarchive.check import check_warc
from holdfast.webarchive.signature import Trust
from holdfast.webarchive.wacz_check import check_wacz

if TYPE_CHECKING:
    from typing import BinaryIO

    from holdfast.webarchive.report import Report

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def judge(raw: BinaryIO, trust: Trust | None = None, *, require_signature: bool = False) -> Report:
    """Judge the archive in `raw`, by its content: WACZ, WARC, ARC, or none of them."""
    head = raw.read(4096)
    raw.seek(0)
    if head.startswith(_ZIP):
        return check_wacz(raw, trust or Trust(), require_signature=require_signature)
    report = check_warc(raw)
    if report.kind == "unknown":
        report.find("file.unknown", f"it begins with {head[:16]!r}", 0)
    return report
