"""HTML as a person reads it: its text with line breaks, and where its links lead.

One pass of `find`, so that hostile markup costs no more than its length. Nothing is rendered.
"""

from __future__ import annotations

import html
import re

_BREAKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "td",
        "th",
        "tr",
        "ul",
        "title",
    }
)
_SKIPPED = ("script", "style")
_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]{0,15})")
_HREF = re.compile(r"""\bhref\s{0,8}=\s{0,8}(?:"([^"]*)|'([^']*)|([^\s"'>]+))""", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
_LINES = re.compile(r"\s*\n\s*")


def text_of_html(source: str) -> str:
    """Return the readable text of `source`; a link is followed by its target in `<...>`."""
    lowered = source.lower()
    if len(lowered) != len(source):  # a few letters grow in lower case; offsets must agree
        lowered = source
    out: list[str] = []
    target = ""
    at = 0
    while True:
        tag = source.find("<", at)
        if tag < 0:
            out.append(_run(source[at:]))
            break
        out.append(_run(source[at:tag]))
        if source.startswith("<!--", tag):
            at = _after(source, "-->", tag)
            continue
        found = _NAME.match(source, tag + 1)
        if found is None and source[tag + 1 : tag + 2] not in {"!", "?", "/"}:
            out.append("<")
            at = tag + 1
            continue
        at = _after(source, ">", tag)
        name = found[1].lower() if found else ""
        if name in _BREAKS:
            out.append("\n")
        if name in _SKIPPED and source[tag + 1] != "/":
            at = _after(source, ">", _after(lowered, f"</{name}", at) - 1)
        elif name == "a":
            if target and target not in out[-1]:
                out.append(f" <{target}> ")
            link = _HREF.search(source, tag, at) if source[tag + 1] != "/" else None
            target = html.unescape(next(g for g in link.groups() if g is not None)) if link else ""
    return _LINES.sub("\n", _SPACES.sub(" ", "".join(out))).strip()


def _run(text: str) -> str:
    return html.unescape(text).replace("\n", " ")


def _after(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + len(mark)
