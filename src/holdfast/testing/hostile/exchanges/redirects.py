"""Redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.hostile.situation import situation

if TYPE_CHECKING:
    from holdfast.testing.hostile.situation import Answer, Ask

_PLAIN = (b"Content-Type", b"text/plain")


@situation("redirect-loop", "A redirect to itself", script="return get('/redirect-loop')")
def loop(_ask: Ask, answer: Answer) -> None:
    answer.send(302, [(b"Location", b"/redirect-loop")])


@situation("cookie-redirect", "A cookie set in a redirect", script="return get('/cookie-redirect')")
def cookie(ask: Ask, answer: Answer) -> None:
    if ask.path == "/cookie-redirect":
        fields = [(b"Set-Cookie", b"from=redirect; Path=/cookie-redirect"), _PLAIN]
        answer.send(302, [*fields, (b"Location", b"/cookie-redirect/landed")], b"go on\n")
    else:
        answer.send(200, [_PLAIN], b"cookie: " + (ask.header(b"cookie") or b"none"))


@situation(
    "redirect-chain",
    "301, 302, 303, 307 and 308, the last to another host",
    script="return get('/redirect-chain/301', {method: 'POST', body: 'kept or not'})",
)
def chain(ask: Ask, answer: Answer) -> None:
    step = ask.path.rpartition("/")[2]
    allowed = [(b"Access-Control-Allow-Origin", b"*"), _PLAIN]
    after = {"301": "302", "302": "303", "303": "307", "307": "308"}
    if step in after:
        place = f"/redirect-chain/{after[step]}".encode()
    elif step == "308":
        place = f"https://other.test:{ask.ports['tls']}/redirect-chain/end".encode()
    else:
        answer.send(200, allowed, b"the end\n")
        return
    answer.send(int(step), [*allowed, (b"Location", place)], b"moved\n")


@situation("bad-location", "A redirect to no address", script="return get('/bad-location')")
def bad_location(_ask: Ask, answer: Answer) -> None:
    answer.send(302, [(b"Location", b"https://[not an address]/")], b"where?\n")


@situation("data-redirect", "A redirect to a data URL", script="return get('/data-redirect')")
def data_redirect(_ask: Ask, answer: Answer) -> None:
    answer.send(302, [(b"Location", b"data:text/plain,elsewhere")])
