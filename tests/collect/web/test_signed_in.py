"""Signed-in capture: "needs a separate, named authority that covers that account"."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyrage
import pytest

from holdfast.collect.web import chromium
from holdfast.testing.hostile.site import Site as HostileSite
from holdfast.testing.hostile.stored import Stored
from holdfast.vault import custody
from tests.collect.web.servers import Site, page, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.line import Done, Line

ORDER = "Court of X, no. 3"
browser = pytest.mark.skipif(
    not any(map(shutil.which, chromium.PLACES)), reason="no Chromium here: apt-get install chromium"
)


@pytest.fixture
def unit(line: Line, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A case on the loopback, and bob, who may approve."""
    monkeypatch.setattr(custody, "account", lambda: f"account-of-{line.operator}")
    line.must("operator", "add", "bob", "--role", "supervisor")
    line.case = line.open_case("--scope", "127.0.0.1")
    return line


def state(folder: Path, domain: str = "127.0.0.1", *origins: dict[str, Any]) -> Path:
    cookie = {"name": "session", "value": "abc", "domain": domain, "path": "/", "expires": -1}
    path = folder / "state.json"
    path.write_text(json.dumps({"cookies": [cookie], "origins": list(origins)}))
    return path


def kept(origin: str, **values: str) -> dict[str, Any]:
    """Return what a state file has of an origin."""
    stored = [{"name": name, "value": value} for name, value in values.items()]
    return {"origin": origin, "localStorage": stored}


def ask(line: Line, *hosts: str) -> int:
    named = [word for host in hosts or ("127.0.0.1",) for word in ("--host", host)]
    given = ("--case", line.case, "--account", "jane", *named, "--order", ORDER)
    return int(line.must("collect", "account", *given, "--json").row["request"])


def approve(line: Line, request: int, who: str) -> Done:
    before, line.operator = line.operator, who
    done = line("request", "approve", request)
    line.operator = before
    return done


def capture(line: Line, *options: Any) -> Done:
    given = ("--case", line.case, "--json", "--no-scroll", "--settle", "0")
    return line("collect", "web", *given, *options)


@browser
def test_an_approved_account_is_used_recorded_and_its_state_sealed(
    unit: Line, tmp_path: Path
) -> None:
    request = ask(unit)
    assert approve(unit, request, "bob").code == 0
    with serving(Site({"/": page("<title>Hello Jane</title>")})) as site:
        done = capture(unit, site.url, "--account", "jane", "--storage-state", state(tmp_path))
    assert done.code == 0, done.err
    item = done.row["item"]
    stored = tmp_path / "capture.wacz"
    shutil.copyfile(unit.vault / "vault" / "objects" / item[:2] / item, stored)
    requests = [one.block for one in Stored.read(stored).records.values() if one.kind == "request"]
    assert any(b"Cookie: session=abc\r\n" in one for one in requests)
    with zipfile.ZipFile(stored) as wacz:
        told = json.loads(wacz.read("capture/capture.json"))["account"]
        assert b"abc" not in wacz.read("secrets/state.json.gz.age")
    (allowed,) = unit.entries("account.allowed")
    assert told["account"] == "jane"
    assert told["approved_by"] == ["bob"]
    assert told["entry"] == allowed["entry"]
    assert told["order"] == ORDER
    assert told["cookies"] == [{"domain": "127.0.0.1", "name": "session"}]
    assert told["local_storage"] == []
    (entry,) = unit.entries("collect.item")
    assert entry["record"]["account"]["approved_by"] == ["bob"]
    unit.intact()


@browser
@pytest.mark.skipif(not shutil.which("certutil"), reason="no certutil: apt-get install")
def test_local_storage_is_there_before_the_first_script_and_for_its_origin_alone(
    unit: Line, tmp_path: Path
) -> None:
    with HostileSite.made(tmp_path / "site").serving() as site:
        unit.case = unit.open_case(
            *(word for host in (*site.hosts, "127.0.0.0/8") for word in ("--scope", host))
        )
        assert approve(unit, ask(unit, "one.test", "two.test"), "bob").code == 0
        one, two = site.url("").rstrip("/"), site.url("", "two.test").rstrip("/")
        database = {"origin": one, "localStorage": [], "indexedDB": [{"name": "d"}]}
        given = state(
            tmp_path, "one.test", kept(one, greeting="grüß", cart="[]"), kept(two), database
        )
        done = capture(
            unit,
            f"{one}/page/local-storage",
            *(f"{host}/page/local-storage" for host in (two, site.url("", "other.test"))),
            *("--account", "jane", "--storage-state", given, "--trust", site.root_file),
            *(word for named in site.named for word in ("--resolve", named)),
        )
        assert done.code == 0, done.err
        urls = [urlsplit(exchange.url) for exchange in site.wire.exchanges]
    asked = {(url.hostname, unquote(url.query)) for url in urls if url.path == "/local-storage"}
    assert asked == {
        ("one.test", '[["cart","[]"],["greeting","grüß"]]'),
        ("two.test", "[]"),
        ("other.test", "[]"),
    }
    # The page that stood there to have it loaded asked the site for nothing.
    assert {url.path for url in urls} == {"/page/local-storage", "/local-storage"}
    (row,) = [row for row in done.rows if row["url"].startswith(f"{one}/")]
    assert row["exact"] == row["exchanges"]
    with zipfile.ZipFile(unit.vault / "vault" / "objects" / row["item"][:2] / row["item"]) as wacz:
        told = json.loads(wacz.read("capture/capture.json"))["account"]["local_storage"]
        assert told == [{"names": ["greeting", "cart"], "origin": one}]
        (line,) = wacz.read("capture/behaviours.jsonl").splitlines()
        assert json.loads(line)["names"] == ["greeting", "cart"]
        sealed = wacz.read("secrets/state.json.gz.age")
    # The one thing that a state file has and a browser can't be given is in the ledger.
    assert row["losses"]["behaviour"] == 1
    key = pyrage.x25519.Identity.from_str((unit.vault / "keys" / "capture.age").read_text())
    assert gzip.decompress(pyrage.decrypt(sealed, [key])) == given.read_bytes()


def denied(line: Line, done: Done, words: str) -> None:
    assert done.code == 4
    assert words in done.err
    assert line.entries("denied")[-1]["reason"] in done.err
    assert line.entries("collect.start") == []


def test_without_an_approval_an_account_is_not_used(unit: Line, tmp_path: Path) -> None:
    given = ("--account", "jane", "--storage-state", state(tmp_path))
    denied(unit, capture(unit, "http://127.0.0.1:9/", *given), "nobody has approved")
    request = ask(unit)
    denied(unit, capture(unit, "http://127.0.0.1:9/", *given), "nobody has approved")
    own = approve(unit, request, "alice")
    assert own.code == 4
    assert "needs another person than 'alice'" in own.err


def test_an_approval_is_for_one_case_one_account_and_its_hosts(unit: Line, tmp_path: Path) -> None:
    assert approve(unit, ask(unit, "social.example"), "bob").code == 0
    for domain in ("other.example", ".social.example", "xsocial.example"):
        given = ("--account", "jane", "--storage-state", state(tmp_path, domain))
        done = capture(unit, "http://127.0.0.1:9/", *given)
        denied(unit, done, f"has cookies for {domain}")
    for origin in ("https://other.example", "http://x.social.example:81"):
        stored = state(tmp_path, "social.example", kept(origin, a="b"))
        given = ("--account", "jane", "--storage-state", stored)
        done = capture(unit, "http://127.0.0.1:9/", *given)
        denied(unit, done, f"has local storage of {origin}")
    given = ("--account", "joan", "--storage-state", state(tmp_path, "social.example"))
    denied(unit, capture(unit, "http://127.0.0.1:9/", *given), "nobody has approved")
    unit.case = unit.open_case("--scope", "127.0.0.1")
    given = ("--account", "jane", "--storage-state", state(tmp_path, "social.example"))
    denied(unit, capture(unit, "http://127.0.0.1:9/", *given), "nobody has approved")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"cookies": [{}]}', '{"cookies": [1]}', '{"cookies": {"a": 1}}'),
        *(
            json.dumps({"cookies": [], "origins": [{"origin": origin, "localStorage": stored}]})
            for origin, stored in (
                ("file:///etc", [{"name": "a", "value": "b"}]),
                ("https://a.example/page", [{"name": "a", "value": "b"}]),
                ("https://u:p@a.example", [{"name": "a", "value": "b"}]),
                ("https://a.example", [{"name": "a", "value": 1}]),
                ("https://a.example", [{"name": "a"}]),
            )
        ),
    ],
)
def test_what_is_no_state_is_told(unit: Line, tmp_path: Path, text: str) -> None:
    assert approve(unit, ask(unit), "bob").code == 0
    (tmp_path / "state").write_text(text)
    given = ("--account", "jane", "--storage-state", tmp_path / "state")
    done = capture(unit, "http://127.0.0.1:9/", *given)
    assert done.code == 3
    assert "is no storage state" in done.err


def test_a_state_without_an_account_is_not_used(unit: Line, tmp_path: Path) -> None:
    done = capture(unit, "http://127.0.0.1:9/", "--storage-state", state(tmp_path))
    assert done.code == 3
    assert "needs both an account and its state" in done.err
