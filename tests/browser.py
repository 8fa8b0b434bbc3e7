"""A real Chromium for a page of ours, with an authenticator of its own (Chromium's virtual one)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.collect.web.chromium import QUIET, find
from holdfast.collect.web.devtools import Devtools
from holdfast.core.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Browser:
    """One tab, driven step by step."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: Devtools) -> None:
        self._loop = loop
        self._client = client
        target = self._send("Target.createTarget", {"url": "about:blank"}, whole=True)
        attached = {"targetId": target["targetId"], "flatten": True}
        self._session = self._send("Target.attachToTarget", attached, whole=True)["sessionId"]
        self.asked: list[str] = []
        """Addresses that the tab asked for."""
        self.console: list[str] = []
        client.listeners.append(self._hear)
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._send(f"{domain}.enable")
        self._send("WebAuthn.enable")
        made = self._send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        self.authenticator = str(made["authenticatorId"])

    def _hear(self, name: str, facts: dict[str, Any], _session: str | None) -> None:
        if name == "Network.requestWillBeSent":
            self.asked.append(facts["request"]["url"])
        if name == "Log.entryAdded":
            self.console.append(f"{facts['entry']['text']} {facts['entry'].get('url', '')}")
        if name == "Runtime.exceptionThrown":
            self.console.append(str(facts))

    def _send(
        self, method: str, params: dict[str, Any] | None = None, *, whole: bool = False
    ) -> dict[str, Any]:
        session = None if whole else self._session
        return self._loop.run_until_complete(self._client.send(method, params, session))

    def verified(self, *, verified: bool) -> None:
        """Have the authenticator know its user from now on, or not."""
        self._send(
            "WebAuthn.setUserVerified",
            {"authenticatorId": self.authenticator, "isUserVerified": verified},
        )

    def credentials(self) -> list[dict[str, Any]]:
        """Return what the authenticator holds."""
        found = self._send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return list(found["credentials"])

    def open(self, url: str) -> None:
        """Go to an address."""
        self._send("Page.navigate", {"url": url})

    def run(self, script: str) -> Any:
        """Run a script as if a person had caused it; return its value."""
        done = self._send(
            "Runtime.evaluate",
            {
                "expression": script,
                "userGesture": True,
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until a script's value is true; return it."""
        return self.run(
            "new Promise((resolve) => { const look = () => { let found = false; "
            f"try {{ found = {script}; }} catch {{}} "
            "found ? resolve(found) : setTimeout(look, 20); }; look(); })"
        )

    def click(self, element: str) -> None:
        """Press a button once it is there."""
        self.until(f"document.getElementById('{element}')?.hidden === false")
        self.run(f"document.getElementById('{element}').click()")

    def text(self) -> str:
        """Return what the page says."""
        return str(self.run("document.body.innerText"))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a profile of its own; skip the test where there is none."""
    try:
        program = find(None)
    except ResourceError as absent:
        pytest.skip(str(absent))
    commands, answers = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as profile:
        argv = [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", *QUIET]
        argv += ["--disable-gpu", f"--user-data-dir={profile}", "about:blank"]
        script = f'exec "$@" 3<&{commands[0]} 4>&{answers[1]}'
        started = subprocess.Popen(
            ["/bin/bash", "-c", script, "bash", *argv],
            pass_fds=(commands[0], answers[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": profile},
        )
        os.close(commands[0])
        os.close(answers[1])
        loop = asyncio.new_event_loop()
        client = loop.run_until_complete(Devtools.open(answers[0], commands[1]))
        try:
            yield Browser(loop, client)
        finally:
            loop.run_until_complete(_close(client))
            loop.close()
            started.kill()
            started.wait()


async def _close(client: Devtools) -> None:
    client.post("Browser.close")
    await asyncio.wait([client.gone], timeout=10)
    client.close()
    await asyncio.sleep(0)
