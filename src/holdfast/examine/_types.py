"""A guess at what a file is, from its first bytes: for the ledger's words, never for a decision."""

from __future__ import annotations

_MAGIC = (
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"ElfFile\x00", "application/x-evtx"),
    (0, b"regf", "application/x-registry-hive"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"EVF\x09\x0d\x0a\xff\x00", "application/x-ewf"),
    (0, b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\xc3\xd4", "application/vnd.tcpdump.pcap"),
    (0, b"\x4d\x3c\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\x3c\x4d", "application/vnd.tcpdump.pcap"),
    (0, b"\x0a\x0d\x0d\x0a", "application/x-pcapng"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"!BDN", "application/vnd.ms-outlook-pst"),
    (0, b"From ", "application/mbox"),
    (0, b"{\\rtf", "text/rtf"),
    (0, b"<?xml", "application/xml"),
    (0, b"<!DOCTYPE html", "text/html"),
    (0, b"<html", "text/html"),
    (4, b"ftyp", "video/mp4"),
)
_TEXT = 4096
_CONTROL = frozenset(range(32)) - set(b"\t\n\r\f\x1b")


def guess(head: bytes) -> str:
    """Return a media type for a file that starts with `head`."""
    if not head:
        return "inode/x-empty"
    for offset, magic, name in _MAGIC:
        if head.startswith(magic, offset):
            return name
    start = head[:_TEXT]
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"} or not _CONTROL.intersection(start):
        return "text/plain"
    return "application/octet-stream"
