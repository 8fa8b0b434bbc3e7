"""Passkeys from the command line: a real browser, a real page, Chromium's virtual authenticator."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from holdfast.cli.passkey.page import Page
from holdfast.core.errors import DeniedError
from holdfast.vault.passkey import Passkey
from holdfast.vault.signing import UnsignedError
from tests.browser import browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser import Browser
    from tests.line import Line


class Running:
    """A command in a process of its own, that has printed its page's address."""

    def __init__(self, line: Line, *arguments: object) -> None:
        self._process = subprocess.Popen(
            line.program(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.url = self._process.stderr.readline().split()[-1]
        assert self.url.startswith("http://localhost:"), self.url

    def end(self) -> tuple[int, str, str]:
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, out, err


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path) as found:
        yield found


def enrol(line: Line, tab: Browser, folder: Path, name: str = "omar") -> Path:
    target = folder / f"{name}.passkey"
    command = Running(line, "operator", "passkey", "--operator", name, "--to", target)
    tab.open(command.url)
    tab.click("go")
    code, out, err = command.end()
    assert code == 0, err
    assert target.read_text() == out
    return target


def as_omar(key: Path) -> list[object]:
    return ["--operator", "omar", "--key", key]


def test_a_person_signs_an_act_with_a_passkey(line: Line, tab: Browser, tmp_path: Path) -> None:
    key = enrol(line, tab, tmp_path)
    passkey = Passkey.parse(key.read_text())
    assert len(tab.credentials()) == 1
    shown = line.must("operator", "vkey", *as_omar(key)).out.strip()
    assert shown == str(passkey)
    line.must("operator", "add", "omar", "--public", shown)
    line.must("case", "role", "omar", "--case", line.case, "--add", "lead")

    command = Running(line, "case", "close", line.case, "--reason", "done <b>", *as_omar(key))
    tab.open(command.url)
    tab.until("document.querySelector('#acts h2')")
    told = tab.text()
    assert "case.close" in told
    assert line.case in told
    assert "done <b>" in told
    tab.click("go")
    code, _, err = command.end()
    assert code == 0, err
    last = line("custody", "--case", line.case, "--json").rows[-1]
    assert last["act"] == "case.close"
    assert last["signed"]
    report = line("verify", "--json").row
    assert report["problems"] == []
    assert report["marked"] == []
    # Nothing but this machine was asked, and nothing was refused by the page's own policy.
    assert {url.split("/")[2].split(":")[0] for url in tab.asked} == {"localhost"}
    assert not [said for said in tab.console if "ERR_CONNECTION_REFUSED" not in said]


def test_what_is_refused_on_the_page_is_not_entered(
    line: Line, tab: Browser, tmp_path: Path
) -> None:
    key = enrol(line, tab, tmp_path)
    line.must("operator", "add", "omar", "--public", key.read_text().strip())
    line.must("case", "role", "omar", "--case", line.case, "--add", "lead")
    before = len(line("custody", "--json").rows)
    command = Running(line, "case", "close", line.case, "--reason", "x", *as_omar(key))
    tab.open(command.url)
    tab.click("no")
    code, _, err = command.end()
    assert (code, len(err.splitlines())) == (4, 1)
    assert "refused on the page" in err
    assert len(line("custody", "--json").rows) == before


def test_an_authenticator_that_does_not_know_its_user_signs_nothing(
    line: Line, tab: Browser, tmp_path: Path
) -> None:
    key = enrol(line, tab, tmp_path)
    line.must("operator", "add", "omar", "--public", key.read_text().strip())
    line.must("case", "role", "omar", "--case", line.case, "--add", "lead")
    tab.verified(verified=False)
    command = Running(line, "case", "close", line.case, "--reason", "x", *as_omar(key))
    tab.open(command.url)
    tab.click("go")
    tab.until("document.getElementById('status').innerText.includes('Try again')")
    tab.verified(verified=True)
    tab.click("go")
    assert command.end()[0] == 0


def test_others_work_while_a_person_signs(line: Line, tab: Browser, tmp_path: Path) -> None:
    key = enrol(line, tab, tmp_path)
    line.must("operator", "add", "omar", "--public", key.read_text().strip())
    line.must("case", "role", "omar", "--case", line.case, "--add", "lead")
    command = Running(line, "case", "close", line.case, "--reason", "x", *as_omar(key))
    tab.open(command.url)
    tab.until("document.querySelector('#acts h2')")
    (tmp_path / "b.txt").write_text("x")
    assert line.collect(tmp_path / "b.txt").code == 0
    tab.click("go")
    code, _, err = command.end()
    assert code == 0, err
    assert line("verify", "--json").row["problems"] == []


# --- the page's server, without a browser


@contextmanager
def asking(patience: float = 60.0) -> Iterator[tuple[int, str, list[BaseException]]]:
    """A page that waits for an answer: its port, its path, and what asking came to."""
    told = threading.Event()
    urls: list[str] = []
    raised: list[BaseException] = []

    def tell(url: str) -> None:
        urls.append(url)
        told.set()

    page = Page(tell, patience)

    def ask() -> None:
        try:
            page.ask({"kind": "get", "title": "secret of the case"})
        except DeniedError as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    told.wait(30)
    _, _, place, path = urls[0].split("/")
    try:
        yield int(place.rpartition(":")[2]), f"/{path}", raised
    finally:
        page.close()
        thread.join()


def get(port: int, path: str, host: str | None = None) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Host": host or f"localhost:{port}"})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), dict(answer.getheaders())
    connection.close()
    return found


def post(port: int, path: str, body: object, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    own = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}", **headers}
    connection.request("POST", path, json.dumps(body), own)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def refuse(port: int, session: str) -> None:
    assert post(port, "/answer", {"session": session, "number": 1, "refused": True})[0] == 200


def test_the_page_opens_once_under_its_own_name_with_a_strict_policy() -> None:
    with asking() as (port, path, raised):
        assert get(port, path, "evil.example")[0] == 421
        assert get(port, path, f"127.0.0.1:{port}")[0] == 421
        assert get(port, "/")[0] == 404
        status, body, headers = get(port, path)
        assert status == 200
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert get(port, path)[0] == 404
        session = body.partition('name="session" content="')[2].partition('"')[0]
        refuse(port, session)
    assert isinstance(raised[0], UnsignedError)


def test_only_the_page_itself_is_answered() -> None:
    with asking() as (port, path, _raised):
        session = get(port, path)[1].partition('name="session" content="')[2].partition('"')[0]
        asked = {"session": session, "number": 0}
        assert post(port, "/next", asked, Origin="https://evil.example")[0] == 403
        assert post(port, "/next", asked, Origin="null")[0] == 403
        assert post(port, "/next", asked, Host="evil.example")[0] == 421
        assert post(port, "/next", {"session": "x", "number": 0})[0] == 403
        odd: list[object] = [[], "x", {"session": session}, {**asked, "number": "x"}]
        assert [post(port, "/next", one)[0] for one in odd] == [400] * 4
        status, body = post(port, "/next", asked)
        assert (status, json.loads(body)["title"]) == (200, "secret of the case")
        assert post(port, "/answer", {"session": session, "number": 7})[0] == 409
        refuse(port, session)
        assert post(port, "/answer", {"session": session, "number": 1})[0] == 409


def test_nobody_waits_for_ever() -> None:
    with asking(patience=0.05) as (_port, _path, raised):
        pass
    assert "nobody used a passkey" in str(raised[0])
