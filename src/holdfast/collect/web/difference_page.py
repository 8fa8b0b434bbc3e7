"""The report on two captures as one static HTML file: no script, nothing loaded, all text escaped.

Its Content-Security-Policy allows its own style sheet, by its digest, and pictures that are in the
file itself; whatever text of the evidence stands in it, a browser runs and fetches nothing.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from holdfast.collect.web.compare import Difference

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { border-bottom: 1px solid #ccc; padding: .35rem .6rem; text-align: start;
  vertical-align: top; overflow-wrap: anywhere; }
th:first-child { width: 11rem; } tr.differs th, tr.differs td { background: #fff6d6; }
.verdict { font-weight: 600; border-inline-start: .4rem solid #555; padding-inline-start: .8rem; }
del { background: #ffdada; } ins { background: #d5f2d5; text-decoration: none; }
p.change { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; }
figure { margin: 0; } .side { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem; }
img { max-width: 100%; border: 1px solid #ccc; }
@media print { body { max-width: none; } }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; img-src data:; style-src 'sha256-{_DIGEST}'; base-uri 'none'; "
    "form-action 'none'"
)
"""What browsers are told to allow."""
_NAMES = {
    "certificate": "certificate of the page's server",
    "error": "whether it loaded",
    "exchanges": "exchanges",
    "picture": "picture",
    "redirects": "where it led",
    "script_hosts": "hosts that scripts come from",
    "server": "the server's address",
    "status": "status",
    "text": "text",
    "title": "title",
}
_ROWS = (
    ("asked for", "url"), ("captured", "started"), ("through the proxy", "proxy"),
    ("led to", "final_url"), ("status", "status"), ("title", "title"), ("error", "error"),
    ("lacks", "assurance"),
)  # fmt: skip


def render(difference: Difference, labels: tuple[str, str], facts: Mapping[str, str]) -> bytes:
    """Return the file: `labels` name both captures, `facts` say whose report it is."""
    report = cast("dict[str, Any]", difference.report)
    body = "\n".join(_body(report, difference, labels, facts))
    title = escape(f"{labels[0]} and {labels[1]}: {difference.verdict}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    ).encode("utf-8", "backslashreplace")


def _body(
    report: dict[str, Any],
    difference: Difference,
    labels: tuple[str, str],
    facts: Mapping[str, str],
) -> Iterator[str]:
    yield f"<h1>{escape(labels[0])} and {escape(labels[1])}: what differs</h1>"
    yield f'<p class="verdict">{escape(sentence(difference))}</p>'
    yield "<table>"
    for name, value in {**facts, "report (SHA-256)": difference.digest}.items():
        yield f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
    yield "</table>"
    if "page" not in report:
        return
    yield "<h2>The page</h2><table><tr><th></th>" + "".join(
        f"<th>{escape(label)}</th>" for label in labels
    )
    for name, key in _ROWS:
        yield _row(name, *report["page"][key])
    for name, key in (("server", "server"), ("certificate", "certificate")):
        yield _row(name, *report["main"][key])
    yield "</table>"
    yield from _text(report["text"])
    yield from _pictures(report["pictures"], difference.pictures, labels)
    hosts = report["script_hosts"]
    yield "<h2>Hosts that scripts come from</h2>"
    yield from _list("new", hosts["added"], "ins")
    yield from _list("gone", hosts["gone"], "del")
    yield from _exchanges(report["exchanges"])


def sentence(difference: Difference) -> str:
    """Return the verdict in words."""
    if difference.verdict == "uncompared":
        return f"They could not be compared: {difference.report.get('reason')}."
    what = ", ".join(_NAMES[str(name)] for name in difference.what)
    if difference.verdict == "same":
        return f"The same page; besides: {what}." if what else "Nothing differs."
    return f"They differ: {what}."


def _row(name: str, one: Any, two: Any) -> str:
    marked = ' class="differs"' if one != two and name != "captured" else ""
    cells = "".join(f"<td>{escape(_shown(value))}</td>" for value in (one, two))
    return f"<tr{marked}><th>{escape(name)}</th>{cells}</tr>"


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _text(text: dict[str, Any]) -> Iterator[str]:
    yield (
        f"<h2>Text</h2><p>{text['lines_gone']} lines gone, {text['lines_added']} new; "
        f"{text['similarity'] / 10:.1f} % of the words are the same.</p>"
    )
    for change in text["changes"]:
        tags = {"=": "span", "-": "del", "+": "ins"}
        pieces = change["words"] or [
            *(["-", f"{line}\n"] for line in change["gone"]),
            *(["+", f"{line}\n"] for line in change["added"]),
        ]
        shown = "".join(f"<{tags[way]}>{escape(some)}</{tags[way]}>" for way, some in pieces)
        yield f'<p class="change">{shown}</p>'
    left = (
        text["lines_gone"]
        + text["lines_added"]
        - sum(len(one["gone"]) + len(one["added"]) for one in text["changes"])
    )
    if left:
        yield f"<p>… and {left} more lines.</p>"


def _pictures(
    pictures: list[dict[str, Any]], shown: Mapping[str, bytes], labels: tuple[str, str]
) -> Iterator[str]:
    yield "<h2>Pictures</h2>"
    if not pictures:
        yield "<p>There is none.</p>"
    for one in pictures:
        share = one["thousandths"]
        words = "the same" if not one["differs"] else "differs"
        if one["differs"] and share is not None:
            words = f"{share / 10:.1f} % of its area differs (in red on the right)"
        yield f"<h3>{escape(one['name'])}: {words}</h3><div class=side>"
        for label in one["shown"]:
            kind = label.partition("-")[0]
            said = {"first": labels[0], "second": labels[1]}.get(kind, "what differs")
            data = base64.b64encode(shown.get(label, b"")).decode()
            yield (
                f'<figure><img alt="{escape(said)}" src="data:image/png;base64,{data}">'
                f"<figcaption>{escape(said)}</figcaption></figure>"
            )
        yield "</div>"


def _list(name: str, lines: Iterable[str], tag: str) -> Iterator[str]:
    found = list(lines)
    if not found:
        yield f"<p>{name}: none</p>"
        return
    yield f"<p>{name}:</p><ul>"
    yield from (f"<li><{tag}>{escape(line)}</{tag}></li>" for line in found)
    yield "</ul>"


def _exchanges(found: dict[str, Any]) -> Iterator[str]:
    counts, seen = found["counts"], found["seen"]
    yield f"<h2>Exchanges</h2><p>{seen[0]} in the first, {seen[1]} in the second.</p>"
    for name, key, tag in (("new", "added", "ins"), ("gone", "gone", "del")):
        lines = (
            f"{one['method']} {one['url']} ({_shown(one['status'])}, {one['type'] or 'other'})"
            for one in found[key]
        )
        yield from _list(f"{counts[key]} {name}", lines, tag)
    yield f"<p>{counts['changed']} answered otherwise:</p><table>"
    for one in found["changed"]:
        changes = "; ".join(
            f"{name}: {_shown(two[0])} → {_shown(two[1])}" for name, two in one["fields"].items()
        )
        told = escape(f"{one['method']} {one['url']}")
        yield f"<tr><td>{told}</td><td>{escape(changes)}</td></tr>"
    yield "</table>"
