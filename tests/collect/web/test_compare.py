"""What two captures are said to differ in, without a browser; hostile ones as well."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.collect.web import compare
from holdfast.collect.web.difference_page import render
from tests.collect.web.captures import Made, png

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.collect.web.compare import Difference
    from tests.line import Line


def compared(folder: Path, first: Made, second: Made) -> Difference:
    paths = first.write(folder / "one.wacz"), second.write(folder / "two.wacz")
    with paths[0].open("rb") as one, paths[1].open("rb") as two:
        return compare.compare(one.fileno(), two.fileno())


CHANGES: list[tuple[dict[str, Any], set[str], set[str]]] = [
    ({}, set(), set()),
    ({"title": "Store"}, {"title"}, {"title"}),
    ({"status": 404}, {"exchanges", "status"}, {"status"}),
    ({"text": "Genuine watches\nSold out\n"}, {"text"}, {"text"}),
    ({"text": "Genuine  watches\n\nBuy now"}, set(), set()),
    ({"error": "net::ERR_FAILED"}, {"error"}, set()),
    ({"peer": "192.0.2.2"}, {"exchanges", "server"}, set()),
    ({"certificate": "bb" * 32}, {"certificate", "exchanges"}, set()),
    ({"body": b"other"}, {"exchanges"}, set()),
    ({"scripts": ("https://shop.example/a.js?2",)}, {"exchanges"}, set()),
    (
        {"scripts": ("https://evil.example/a.js",)},
        {"exchanges", "script_hosts"},
        {"script_hosts"},
    ),
    (
        {"hops": ("https://bank.example/",), "final_url": "https://bank.example/"},
        {"exchanges", "redirects"},
        {"redirects"},
    ),
    ({"picture": png(spot=(10, 10, 20, 20))}, {"picture"}, set()),
    ({"picture": png((253, 253, 253))}, set(), set()),
    ({"picture": None}, {"picture"}, set()),
    ({"folder": ""}, set(), set()),
]


@pytest.mark.parametrize(("change", "what", "cloaking"), CHANGES, ids=range(len(CHANGES)))
def test_each_difference_is_named_and_no_other(
    tmp_path: Path, change: dict[str, Any], what: set[str], cloaking: set[str]
) -> None:
    found = compared(tmp_path, Made(), replace(Made(), **change))
    assert found.gaps == ()
    assert set(map(str, found.what)) == what
    assert found.verdict == ("differs" if what - {"exchanges", "server"} else "same")
    report: Any = found.report
    assert set(report["cloaking"]["what"]) == cloaking
    assert report["cloaking"]["verdict"] == ("differs" if cloaking else "same")
    # The same two captures give the same report again.
    assert compared(tmp_path, Made(), replace(Made(), **change)).digest == found.digest


def test_what_changed_is_told_by_word_by_exchange_and_by_place(tmp_path: Path) -> None:
    second = replace(
        Made(),
        text="Genuine watches\nBuy later\n",
        scripts=("https://shop.example/b.js",),
        picture=png(spot=(10, 10, 20, 20)),
        body=b"other",
    )
    report: Any = compared(tmp_path, Made(), second).report
    (change,) = report["text"]["changes"]
    assert change["words"] == [["=", "Buy "], ["-", "now"], ["+", "later"]]
    (gone,), (added,) = report["exchanges"]["gone"], report["exchanges"]["added"]
    assert (gone["url"][-4:], added["url"][-4:]) == ("a.js", "b.js")
    (changed,) = report["exchanges"]["changed"]
    digests = [hashlib.sha256(one).hexdigest() for one in (b"page", b"other")]
    assert changed["fields"] == {"payload": digests}
    (picture,) = report["pictures"]
    assert picture["box"] == [10, 10, 20, 20]
    assert picture["thousandths"] == 20  # 100 of 5000 pixels
    assert picture["shown"] == ["first-1", "second-1", "difference-1"]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_runs_nothing_loads_nothing_and_escapes_all(tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>'
    second = replace(
        Made(), title=evil, text=evil, error=evil, final_url=evil, scripts=(f"https://x/{evil}",)
    )
    found = compared(tmp_path, Made(), second)
    page = render(found, ("AL/1", evil), {"case": evil}).decode()
    seen = Tags()
    seen.feed(page)
    assert "script" not in {tag for tag, _ in seen.tags}
    sources = [facts["src"] or "" for tag, facts in seen.tags if tag == "img"]
    assert len(sources) == 3
    for source in sources:
        kind, _, data = source.partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")
    assert not any(name.startswith("on") for _, facts in seen.tags for name in facts)
    (policy,) = [facts["content"] or "" for tag, facts in seen.tags if "http-equiv" in facts]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    (style,) = re.findall("<style>(.*)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"GIF89a", png()[:60]], ids=["none", "zip", "gif", "cut"]
)
def test_a_picture_that_can_not_be_read_costs_that_picture_alone(
    tmp_path: Path, data: bytes
) -> None:
    found = compared(tmp_path, Made(), replace(Made(), picture=data))
    report: Any = found.report
    assert found.verdict == "differs"
    assert report["pictures"][0]["sizes"] == [[100, 50], None]
    assert set(found.pictures) == {"first-1"}


def test_what_is_no_capture_is_uncompared_and_never_the_same(tmp_path: Path) -> None:
    (tmp_path / "two").write_bytes(b"no zip")
    one = Made().write(tmp_path / "one")
    odd = replace(Made(), title="\ud800").write(tmp_path / "odd")
    for other in (tmp_path / "two", odd):
        with one.open("rb") as first, other.open("rb") as second:
            found = compare.compare(first.fileno(), second.fileno())
        assert found.verdict == "uncompared"
        assert found.report["reason"]
        assert b"could not be compared" in render(found, ("AL/1", "AL/2"), {})


def test_a_comparison_is_an_entry_for_each_item_and_a_file(line: Line, tmp_path: Path) -> None:
    one = Made().write(tmp_path / "one.wacz")
    two = replace(Made(), title="<b>Store</b>").write(tmp_path / "two.wacz")
    items = [row["item"] for row in line.collect(one, two).rows]
    file = tmp_path / "changes.html"
    row = line.must(
        "collect", "diff", "--case", line.case, "AL/1", "AL/2", "--to", file, "--json"
    ).row
    assert row["what"] == ["title"]
    assert b"&lt;b&gt;Store" in file.read_bytes()
    assert row["report_sha256"].encode() in file.read_bytes()
    entries = line.entries("collect.diff")
    assert [one["item"] for one in entries] == items
    for entry in entries:
        assert entry["result"]["report"] == row["report_sha256"]
        assert entry["result"]["what"] == ["title"]
        assert "Store" not in str(entry)
    stated = line.must("statement", "--case", line.case, "AL/2", "--json").row["statement"]
    assert [one["kind"] for one in stated["steps"] if one["act"] == "collect.diff"] == ["read"]
    again = line("collect", "diff", "--case", line.case, "AL/1", "AL/1")
    assert (again.code, "are one item" in again.err) == (3, True)
    line.intact()
