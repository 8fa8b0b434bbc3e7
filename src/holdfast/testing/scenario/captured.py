"""The fake bank's login page as another unit captured it: a WARC, beside the seized evidence.

One of the nine other visitors is that unit: it had the mail in a trap of its own, followed the
link, and typed nothing. So its requests are lines of the host's log, with these very sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core import clock
from holdfast.testing import web_archives as warc
from holdfast.testing.scenario import when
from holdfast.testing.scenario.story import tell

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.testing.scenario.story import OtherVisitor, Story

LOGIN_SIZE, STYLE_SIZE = 4210, 2231
"""Bytes of the page and of its style sheet, as the host's log has them."""
SCRIPT_HOST = "kit-assets.test"
_SCRIPT_IP = "198.51.100.201"
_SCRIPT = b"document.forms[0].addEventListener('submit', () => { /* tells the panel */ });\n"


@dataclass(frozen=True)
class CaptureFact:
    """What a reader of the capture should find."""

    visitor: str
    """The IP address in the host's log that the capture was made from."""
    time: int
    """Of the first request, microseconds since the epoch; the archive has whole seconds."""
    exchanges: tuple[tuple[str, int, int], ...]
    """URL, status and bytes of the body, in order."""
    form_target: str
    """Where the page's form sends number, password and telephone."""
    script_host: str
    """Where the page loads a script from that is neither the bank's nor the shop's."""


def write_capture(file: Path, *, seed: int = 7) -> CaptureFact:
    """Write the capture of `seed` into a new file; return what is true of it.

    Raises:
        FileExistsError: the file is there already.
    """
    data, fact = build(tell(seed))
    with file.open("xb") as stream:
        stream.write(data)
    return fact


def build(story: Story) -> tuple[bytes, CaptureFact]:
    """Return the WARC's bytes and its facts; the same for the same story everywhere."""
    visitor = unit(story)
    fake, host = story.fake, story.host.ip
    link = f"https://{story.fraud.link_domain}/r/{visitor.token}"
    style, script = f"{fake.login}style.css", f"https://{SCRIPT_HOST}/k.js"
    html = "Content-Type: text/html; charset=utf-8"
    steps = (
        (link, host, 0, warc.ok(b"", f"Location: {fake.login}", status="302 Found")),
        (fake.login, host, 130_000, warc.ok(_login(story, visitor), html)),
        (style, host, 300_000, warc.ok(_style(), "Content-Type: text/css")),
        (script, _SCRIPT_IP, 310_000, warc.ok(_SCRIPT, "Content-Type: text/javascript")),
    )
    records = [warc.warcinfo(date=_date(visitor.time), software="the other unit's archive 1.0")]
    exchanges = []
    for number, (url, address, delay, response) in enumerate(steps, 1):
        head, _, body = response.partition(b"\r\n\r\n")
        name, path = url.split("/", 3)[2:]
        request = (
            f"GET /{path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: {visitor.agent}\r\n\r\n".encode()
        )
        moment = visitor.time + delay
        records += warc.exchange(
            url, request, _dated(response, moment),
            number=2 * number, address=address, body=body, date=_date(moment),
        )  # fmt: skip
        exchanges.append((url, int(head.split(b" ", 2)[1]), len(body)))
    fact = CaptureFact(
        visitor=visitor.ip,
        time=visitor.time,
        exchanges=tuple(exchanges),
        form_target=fake.login_post,
        script_host=SCRIPT_HOST,
    )
    return b"".join(records), fact


def unit(story: Story) -> OtherVisitor:
    """Return which visitor the other unit is: the last one who did not type."""
    return [one for one in story.others if not one.posted][-1]


def _date(micros: int) -> str:
    return clock.to_text(when.whole_second(micros))


def _dated(response: bytes, micros: int) -> bytes:
    first, _, rest = response.partition(b"\r\n")
    return b"\r\n".join((first, f"Date: {when.http(micros)}".encode(), rest))


def _login(story: Story, visitor: OtherVisitor) -> bytes:
    """Return the page that Ingrid saw, but for the token, as long as the log says it was."""
    page = (
        '<!DOCTYPE html>\n<html lang="nb"><head><meta charset="utf-8">'
        f"<title>{story.bank.name} - Logg inn</title>"
        '<link rel="stylesheet" href="style.css">'
        f'<script src="https://{SCRIPT_HOST}/k.js" defer></script></head>\n<body>\n'
        f"<h1>{story.bank.name}</h1>\n<p>Bekreft hvem du er.</p>\n"
        '<form method="post" action="login.php">\n'
        '<label>Fødselsnummer <input name="id"></label>\n'
        '<label>Passord <input name="pw" type="password"></label>\n'
        '<label>Telefon <input name="tel"></label>\n'
        f'<input type="hidden" name="t" value="{visitor.token}">\n'
        "<button>Neste</button></form>\n</body></html>\n"
    ).encode()
    return page + _filling(LOGIN_SIZE - len(page), b"<!-- training material ", b" -->\n")


def _style() -> bytes:
    rules = b"body { font-family: sans-serif; background: #eef3f7 }\nbutton { color: #034 }\n"
    return rules + _filling(STYLE_SIZE - len(rules), b"/* training material ", b" */\n")


def _filling(size: int, start: bytes, end: bytes) -> bytes:
    return start + b"." * (size - len(start) - len(end)) + end
