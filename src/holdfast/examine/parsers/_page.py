"""A web page as it stands in the archive: title, text, links, scripts, forms. Nothing is run.

Read by lexbor (through selectolax), an HTML5 parser: it builds from broken markup the same tree
that a browser builds, so a form hidden by broken markup is found where the browser has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

HTML_LIMIT = 8 << 20
"""Bytes of one page that are read."""
TEXT_LIMIT = 256 << 10
"""Characters of a page's text that are kept."""
MOST = 5000
"""Links, scripts, forms of a page, each; and fields of a form."""
_URL_LIMIT = 8192
_META = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.\-]{1,40})", re.IGNORECASE
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_:.\-]{1,40})", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
_LINES = re.compile(r"\s*\n\s*")
_LATIN = {"iso-8859-1", "latin-1", "latin1", "ascii", "us-ascii"}
_TABLE = frozenset({"table", "tbody", "thead", "tfoot", "tr"})
_DEPTH = 1000
"""Elements above a field among which its form is looked for."""


@dataclass(frozen=True)
class Form:
    """A form: where it sends what."""

    action: str
    method: str
    fields: tuple[tuple[str, str], ...]
    """Name and type of each field."""


@dataclass
class Page:
    """What a page holds; URLs are absolute where the page's own URL is known."""

    title: str = ""
    text: str = ""
    truncated: bool = False
    language: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)
    """Target and words."""
    scripts: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    refresh: str = ""
    """Where the page sends its reader by itself."""
    over: bool = False
    """Whether it has more links, scripts or forms than are read."""


def text_of(raw: bytes, content_type: str) -> str:
    """Decode a page: the server's charset, the page's own, else UTF-8, else Windows-1252."""
    said = _CHARSET.search(content_type)
    named = _META.search(raw[:4096])
    for name in (said[1] if said else "", named[1].decode("ascii") if named else ""):
        if name:
            try:
                # HTML says that Latin-1 means Windows-1252.
                return raw.decode("cp1252" if name.lower() in _LATIN else name, "replace")
            except (LookupError, ValueError):
                continue
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def read(html: str, url: str) -> Page:
    """Read a page that was served at `url` (empty where that is not known)."""
    tree = LexborHTMLParser(html.replace("\0", "\ufffd"))
    page = Page()
    base = url
    first = tree.css_first("base[href]")
    if first is not None:
        base = absolute(url, first.attributes.get("href") or "")
    title = tree.css_first("title")
    page.title = plain(title.text())[:1000] if title is not None else ""
    root = tree.css_first("html")
    page.language = plain((root.attributes.get("lang") or "") if root is not None else "")[:40]
    page.forms, page.over = _forms(tree, base, url)
    _places(tree, page, base)
    body = tree.body
    if body is not None:
        tree.strip_tags(["script", "style", "template", "noscript"])
        text = _LINES.sub("\n", _SPACES.sub(" ", plain(body.text(separator="\n")))).strip()
        page.text, page.truncated = text[:TEXT_LIMIT], len(text) > TEXT_LIMIT
    return page


def _places(tree: LexborHTMLParser, page: Page, base: str) -> None:
    """Gather where the page leads, and what it loads."""
    for node in tree.css("a[href], area[href]"):
        if len(page.links) == MOST:
            page.over = True
            break
        href = (node.attributes.get("href") or "").strip()
        if href and not href.startswith("#"):
            page.links.append((absolute(base, href), plain(node.text(strip=True))[:200]))
    for kind, found in (("script[src]", page.scripts), ("iframe[src], frame[src]", page.frames)):
        for node in tree.css(kind):
            target = absolute(base, (node.attributes.get("src") or "").strip())
            if target and target not in found and len(found) < MOST:
                found.append(target)
    for node in tree.css("meta[http-equiv]"):
        if (node.attributes.get("http-equiv") or "").lower() == "refresh":
            _, _, target = (node.attributes.get("content") or "").partition("=")
            page.refresh = absolute(base, target.strip(" \"'")) if target else ""


def _forms(tree: LexborHTMLParser, base: str, url: str) -> tuple[list[Form], bool]:
    """Return the forms with the fields that a browser sends with each, and whether that is all.

    A field belongs to the form it names (`form=`), else to the one around it. Where tags are
    misnested, as in `<table><form><tr><td><input>`, the form stands empty in the tree and a
    browser still sends the field: with the last form that was opened inside a table.
    """
    heads: list[tuple[str, str]] = []
    fields: list[list[tuple[str, str]]] = []
    by_id: dict[str, int] = {}
    by_node: dict[int, int] = {}
    open_in_table: int | None = None
    over = False
    for node in tree.css("form, input, select, textarea, button"):
        given = node.attributes
        if node.tag == "form":
            if len(heads) == MOST:
                return _joined(heads, fields), True
            by_node[node.mem_id] = len(heads)
            by_id.setdefault(given.get("id") or "", len(heads))
            in_table = node.parent is not None and node.parent.tag in _TABLE
            open_in_table = len(heads) if in_table else None
            heads.append(_head(given, base, url))
            fields.append([])
            continue
        named = given.get("form")
        owner = by_id.get(named) if named else _around(node, by_node)
        if owner is None and not named:
            owner = open_in_table
        if owner is None:
            continue
        if len(fields[owner]) == MOST:
            over = True
            continue
        kind = (given.get("type") or "text").lower() if node.tag == "input" else node.tag
        name = plain(given.get("name") or given.get("id") or "")[:200]
        fields[owner].append((name, plain(kind or "")[:40]))
    return _joined(heads, fields), over


def _joined(heads: list[tuple[str, str]], fields: list[list[tuple[str, str]]]) -> list[Form]:
    return [Form(*head, tuple(own)) for head, own in zip(heads, fields, strict=True)]


def _around(node: LexborNode, by_node: dict[int, int]) -> int | None:
    """Return the form that a field stands in."""
    above, steps = node.parent, 0
    while above is not None and steps < _DEPTH:
        if above.tag == "form":
            return by_node.get(above.mem_id)
        above, steps = above.parent, steps + 1
    return None


def _head(given: dict[str, str | None], base: str, url: str) -> tuple[str, str]:
    """Return where a form sends, and how."""
    action, method = (given.get("action") or "").strip(), (given.get("method") or "").lower()
    how = "POST" if method == "post" else "DIALOG" if method == "dialog" else "GET"
    return absolute(base, action) if action else url, how  # an empty action is the page itself


def absolute(base: str, target: str) -> str:
    """Return `target` as seen from `base`; as it stands where that can't be said."""
    try:
        joined = urljoin(base, plain(target))
    except ValueError:
        joined = plain(target)
    return joined[:_URL_LIMIT]


def host_of(url: str) -> str:
    """Return the host of a URL in lower case; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def plain(text: str) -> str:
    """Return text that UTF-8 can hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
