"""A real browser, a site that plants secrets, and the copy that leaves the house."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from holdfast.collect.web import chromium
from tests.collect.web.servers import Site, page, serving
from tests.webarchive import checkers
from tests.webarchive.leaks import leaks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Line

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)), reason="no Chromium here: apt-get install chromium"
)

SECRETS = {
    "cookie": b"5ess10n-c00kie-of-ann",
    "script's cookie": b"scr1pt-made-value",
    "token": b"t0ken-in-the-address",
    "bearer": b"b3arer-of-the-script",
    "password": b"p4ss+word/typed",
    "answer": b"refr3sh-token-in-json",
}
FRONT = """<!doctype html><title>Shop</title><h1>Genuine watches</h1>
<form method=post action=/login><input type=password name=pw></form>
<p id=told></p><a href="/reset?reset_token={token}">reset</a>
<script>
document.cookie = "mine={made}; path=/";
(async () => {{
  const form = new URLSearchParams({{user: "ann", pw: "{password}"}});
  await fetch("/login", {{method: "POST", body: form}});
  await fetch("/data?access_token={token}", {{headers: {{Authorization: "Bearer {bearer}"}}}});
  document.getElementById("told").textContent = await (await fetch("/packed")).text();
}})();
</script>"""


def _front() -> str:
    return FRONT.format(
        token=SECRETS["token"].decode(),
        made=SECRETS["script's cookie"].decode(),
        bearer=SECRETS["bearer"].decode(),
        password=SECRETS["password"].decode(),
    )


def _packed() -> bytes:
    text = b"Hello, your session is " + SECRETS["cookie"] + b". Have a look at our watches. " * 20
    return gzip.compress(text, 1)


PAGES = {
    "/": (
        200,
        {
            "Content-Type": "text/html",
            "Set-Cookie": f"sid={SECRETS['cookie'].decode()}; HttpOnly",
        },
        _front().encode(),
    ),
    "/login": (
        200,
        {"Content-Type": "application/json"},
        json.dumps({"refresh_token": SECRETS["answer"].decode()}).encode(),
    ),
    "/data": page("data"),
    "/packed": (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, _packed()),
}


def test_no_secret_of_a_captured_site_is_in_the_copy(line: Line, tmp_path: Path) -> None:
    pages = dict(PAGES)
    pages[f"/data?access_token={SECRETS['token'].decode()}"] = page("data")
    line.case = line.open_case("--scope", "127.0.0.1")
    with serving(Site(pages, answer_posts=True)) as site:
        row = line.must("collect", "web", "--case", line.case, "--json", site.url).row
    item = row["item"]
    original = (line.vault / "vault" / "objects" / item[:2] / item).read_bytes()
    assert {name for name, _ in leaks(original, SECRETS)} == set(SECRETS)

    copy = tmp_path / "copy.wacz"
    line.must("web", "redact", item, "--case", line.case, "--to", copy)

    assert leaks(copy.read_bytes(), SECRETS) == set()
    # The page shows the cookie, so that its pictures stay here as well.
    with zipfile.ZipFile(copy) as packed:
        names = packed.namelist()
        text = packed.read(next(name for name in names if name.endswith("views/text.txt")))
        warc = packed.read("archive/data.warc.gz")
    assert b"Genuine watches" in text
    assert not [name for name in names if name.endswith((".png", ".pdf", ".age", ".frames"))]
    # Others' readers take it, and ours.
    verdict = line.must("collect", "archive", "--check-only", copy).out
    assert "wacz, valid" in verdict
    assert "signature: good" in verdict
    (tmp_path / "data.warc.gz").write_bytes(warc)
    checkers.check(tmp_path / "data.warc.gz")
    # A receiver's check, and ours against the original.
    told = line.must("web", "check-redacted", copy, "--json").row
    assert told["sound"]
    assert told["proven"] > 10
    line.must("web", "check-redacted", copy, "--case", line.case, "--original", item)
    # The entry of the capture names what the copy is held to.
    (entry,) = line.entries("collect.item")
    assert entry["record"]["records"] == told["original"]["records"]
