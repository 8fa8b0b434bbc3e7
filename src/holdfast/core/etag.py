"""Entity tags (RFC 9110, section 8.8.3): what an answer is called, and whether one is known."""

from __future__ import annotations

from holdfast.core.digest import sha256_hex


def etag(body: bytes) -> str:
    """Return the tag of an answer: its SHA-256."""
    return named(sha256_hex(body))


def named(digest: str) -> str:
    """Return a digest as a strong tag."""
    return f'"{digest}"'


def unchanged(known: str | None, tag: str) -> bool:
    """Say whether `If-None-Match` names the tag; weak ones count (RFC 9110, section 13.1.2)."""
    if known is None:
        return False
    return known.strip() == "*" or tag in {
        one.strip().removeprefix("W/") for one in known.split(",")
    }
