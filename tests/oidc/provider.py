"""A provider of OpenID Connect that others wrote, run for tests: oidc-provider, which is certified.

Before it stands a relay of ours, as a proxy before any provider, that can alter what it answers.
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from selectolax.lexbor import LexborHTMLParser

from holdfast.serving.oidc.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".peers" / "oidc"
NODE = shutil.which("node")
SECRET = "of this test, 32 characters long"  # noqa: S105 - of a test
OTHER = "another-client"
"""A further client of each provider's."""
_PASSED = {"content-type", "authorization", "cookie", "accept"}


@dataclass
class Relay:
    """Where a provider is reached, and what is done to its answers on the way."""

    port: int = 0
    """Of the provider behind."""
    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    alter: Callable[[str, dict[str, Any]], Any] = lambda _path, answer: answer
    """Given the path and the answer in JSON; gives what is sent on."""
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""

    def settings(self, id_: str, **more: Any) -> Settings:
        """Return the provider as a server's settings name it."""
        given = {"ask": "the duty supervisor", "loopback": True, "secret": SECRET, **more}
        return Settings(id_, f"Directory {id_}", self.url, "holdfast", **given)

    def resigned(self, token: str, header: dict[str, Any], **claims: Any) -> str:
        """Return a token of the provider's with claims changed, signed with its key again."""
        told = jwt.decode(token, self.key).claims
        kept = {name: value for name, value in {**told, **claims}.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "first", **header}, kept, self.key)


@contextmanager
def running(back: list[list[str]], after: str) -> Iterator[list[Relay]]:
    """Run a provider for each list of redirect URIs; they end with the `with`.

    `after` is where people may be sent on when they have signed out.
    """
    if NODE is None or not (INSTALLED / "node_modules").exists():
        pytest.skip("no provider of OpenID Connect here; ./dev peers gets it, with node and npm")
    relays = [Relay() for _ in back]
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(one)) for one in relays]
    for relay, server in zip(relays, servers, strict=True):
        relay.url = f"http://127.0.0.1:{server.server_port}"
    issuers = [
        {
            "issuer": relay.url,
            "jwks": {"keys": [relay.key.as_dict(private=True, use="sig", alg="RS256")]},
            "clients": [
                {
                    "client_id": name,
                    "client_secret": SECRET,
                    "redirect_uris": uris,
                    "post_logout_redirect_uris": [after],
                }
                for name in ("holdfast", OTHER)
            ],
        }
        for relay, uris in zip(relays, back, strict=True)
    ]
    node = subprocess.Popen(
        [NODE, HERE / "provider.mjs", INSTALLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with node:
        assert node.stdin is not None
        assert node.stdout is not None
        node.stdin.write(json.dumps({"issuers": issuers}) + "\n")
        node.stdin.flush()
        for relay, port in zip(relays, json.loads(node.stdout.readline())["ports"], strict=True):
            relay.port = port
        threads = [threading.Thread(target=one.serve_forever, args=(0.05,)) for one in servers]
        for thread in threads:
            thread.start()
        try:
            yield relays
        finally:
            for server in servers:
                server.shutdown()
                server.server_close()
            for thread in threads:
                thread.join()
            node.stdin.close()  # it ends by that


def _handler(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass(None)

        def do_POST(self) -> None:
            self._pass(self.rfile.read(int(self.headers.get("content-length", "0"))))

        def _pass(self, body: bytes | None) -> None:
            relay.asked.append(urlsplit(self.path).path)
            ask = {name: value for name, value in self.headers.items() if name.lower() in _PASSED}
            behind = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=20)
            behind.request(self.command, self.path, body, {"Host": self.headers["host"], **ask})
            answer = behind.getresponse()
            data, kind = answer.read(), answer.headers.get_content_type()
            behind.close()
            if kind in {"application/json", "application/jwk-set+json"}:
                altered = relay.alter(urlsplit(self.path).path, json.loads(data))
                data = altered if isinstance(altered, bytes) else json.dumps(altered).encode()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def sign_in(browser: httpx.Client, address: str, subject: str, back: str) -> str:
    """Sign in at a provider as `subject`, as its pages ask; return where it sends the browser.

    Raises:
        AssertionError: it sends the browser nowhere that begins with `back`.
    """
    answer = browser.get(address)
    for _ in range(8):
        while answer.is_redirect:
            address = urljoin(str(answer.url), answer.headers["location"])
            if address.startswith(back):
                return address
            answer = browser.get(address)
        form = LexborHTMLParser(answer.text).css_first("form")
        assert form is not None, f"{answer.status_code} {answer.text[:500]}"
        fields = {
            str(node.attributes.get("name")): str(node.attributes.get("value") or "")
            for node in form.css("input[name]")
        }
        at = urljoin(str(answer.url), str(form.attributes["action"]))
        answer = browser.post(at, data={**fields, "login": subject, "password": "any"})
    raise AssertionError(f"the provider asks again and again: {answer.text[:500]}")
