"""Unfold a web capture into files that another origin can serve as they are: no script, no request.

What was answered to a GET with 200 is kept, the first of each URL. HTML and CSS are rewritten so
that what they name leads to the files beside them, and nowhere else where it was not captured:
scripts, frames of others, forms' targets, hints to connect go. That is for looks; what stops a
request is the policy under which the files are served (`web/apart`). Runs in the sandbox.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin

from selectolax.lexbor import LexborHTMLParser

from holdfast.examine import _wacz, _warc
from holdfast.examine._spool import Spool
from holdfast.examine.file import EvidenceFile
from holdfast.webarchive.decoding import DecodingError

if TYPE_CHECKING:
    from pathlib import Path

    from selectolax.lexbor import LexborNode

    from holdfast.core.canonical import Json
    from holdfast.webarchive.message import Head

MOST = 20_000
"""Answers that are kept."""
LARGEST = 64 << 20
"""Bytes of one answer; a larger one is left out."""
ALL = 1 << 30
"""Bytes of all of them."""
PASSED = (
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp",
    "image/svg+xml", "image/x-icon", "image/vnd.microsoft.icon", "font/woff", "font/woff2",
    "font/ttf", "font/otf", "application/font-woff", "application/vnd.ms-fontobject",
    "audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "video/mp4", "video/webm", "text/plain",
)  # fmt: skip
"""Types that are passed on as they are, beside HTML and CSS, which are rewritten."""
_URL = re.compile(r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^)"'\s]*))\s*\)""", re.IGNORECASE)
_IMPORT = re.compile(r"""@import\s+(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_GONE = "script, base, meta[http-equiv], object, embed, applet, portal, template, noscript"
_LINKS = ("src", "href", "poster", "background", "data", "xlink:href")
_DROPPED = ("srcset", "imagesrcset", "ping", "action", "formaction", "integrity", "nonce",
            "srcdoc", "manifest", "target", "sizes")  # fmt: skip


@dataclass
class Site:
    """What was captured, by URL."""

    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    """URL to (name of the file, type)."""
    left_out: int = 0
    size: int = 0

    def leads(self, base: str, target: str) -> str | None:
        """Return the file that `target`, as it stands in `base`, was captured as."""
        try:
            url, _ = urldefrag(urljoin(base, target.strip()))
        except ValueError:
            return None
        found = self.files.get(url)
        return found[0] if found else None


def unfold(file: EvidenceFile, out: Path) -> dict[str, Json]:
    """Write the files into `out`; return their index: URL, file, type, size, SHA-256."""
    out.mkdir()
    site = Site()
    for number, content in enumerate(_wacz.archives(file)):
        spool = Spool(out.parent / f"warc-{number}")
        while chunk := content.read(1 << 20):
            spool.write(chunk)
        warc = EvidenceFile(spool.descriptor, spool.size, "warc", "", file.scratch)
        for stored in _warc.records(warc):
            if stored.type == "response" and stored.http and len(site.files) < MOST:
                head, pieces = stored.message()
                _keep(site, out, urldefrag(stored.url)[0], head, _warc.body(head, pieces))
        spool.close()
    for url, (name, kind) in site.files.items():
        if kind in {"text/html", "text/css"}:
            place = out / name
            text = place.read_bytes().decode("utf-8", "replace")
            made = html(text, url, site) if kind == "text/html" else css(text, url, site)
            place.write_text(made, "utf-8", "replace")
    index: list[Json] = []
    for url, (name, kind) in site.files.items():
        data = (out / name).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        index.append({"name": name, "sha256": digest, "size": len(data), "type": kind, "url": url})
    return {"files": index, "left_out": site.left_out, "pages": _pages(file, site)}


def _pages(file: EvidenceFile, site: Site) -> list[Json]:
    found: list[Json] = []
    for line in _wacz.part(file, "pages/pages.jsonl", 4 << 20).splitlines()[:1000]:
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict) and isinstance(one.get("url"), str):
            name = site.leads(one["url"], one["url"])
            if name:
                found.append({"name": name, "title": str(one.get("title", ""))[:300],
                              "url": one["url"][:2000]})  # fmt: skip
    return found


def _keep(site: Site, out: Path, url: str, head: Head, pieces: object) -> None:
    kind = head.get("content-type") or ""
    media, _, given = kind.partition(";")
    media = media.strip().lower()
    if media == "application/xhtml+xml":
        media = "text/html"
    status = head.status()
    if status is None or status[1] != 200 or url in site.files:
        return
    if media not in (*PASSED, "text/html", "text/css"):
        site.left_out += 1
        return
    body = bytearray()
    try:
        for piece in pieces:  # type: ignore[attr-defined]
            body += piece
            if len(body) > LARGEST:
                break
    except DecodingError:
        pass  # as far as it goes, as a browser shows it
    if len(body) > LARGEST or site.size + len(body) > ALL:
        site.left_out += 1
        return
    if media in {"text/html", "text/css"}:
        body = bytearray(_text(bytes(body), given, media).encode("utf-8", "replace"))
    name = f"{len(site.files):06d}"
    (out / name).write_bytes(body)
    site.files[url] = (name, media)
    site.size += len(body)


def _text(body: bytes, given: str, media: str) -> str:
    from holdfast.examine.parsers import _page  # noqa: PLC0415 - reads charsets as browsers do

    return _page.text_of(body, f"{media};{given}")


def html(text: str, base: str, site: Site) -> str:
    """Return a page without anything that acts, its links leading to what was captured."""
    tree = LexborHTMLParser(text)
    for node in tree.css("base[href]")[:1]:
        base = urljoin(base, node.attributes.get("href") or "")
    for node in tree.css(_GONE):
        node.decompose()
    for node in tree.css("link"):
        rel = (node.attributes.get("rel") or "").lower().split()
        if "stylesheet" not in rel and "icon" not in rel:
            node.decompose()  # hints to connect or to load ahead are requests
    for node in tree.css("*"):
        _clean(node, base, site)
    for node in tree.css("style"):
        inner = css(node.text(), base, site)
        made = LexborHTMLParser(f"<style>{inner}</style>").css_first("style")
        if made is not None:
            node.replace_with(made)
    return tree.html or ""


def _clean(node: LexborNode, base: str, site: Site) -> None:
    for name, value in list(node.attributes.items()):
        if name.startswith("on") or name in _DROPPED:
            del node.attrs[name]
        elif name in _LINKS:
            found = site.leads(base, value or "")
            if found is not None:
                node.attrs[name] = found
            elif not (value or "").startswith(("#", "data:image/")):
                del node.attrs[name]
        elif name == "style":
            node.attrs[name] = css(value or "", base, site)


def css(text: str, base: str, site: Site) -> str:
    """Return a style sheet of which every address leads to what was captured, or nowhere."""

    def lead(match: re.Match[str]) -> str:
        target = next((one for one in match.groups() if one), "")
        if target.startswith("data:"):
            return match[0]
        return f'url("{site.leads(base, target) or "about:blank"}")'

    text = _IMPORT.sub(lambda match: f"@import {lead(match)}", text)
    return _URL.sub(lead, text)
