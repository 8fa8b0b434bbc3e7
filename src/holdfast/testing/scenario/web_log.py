"""The access log of the hijacked host, in Apache's combined format: a wool shop's customers,
crawlers and scanners, and among them the fraudster, Ingrid, and the others who clicked.

The host's clock is right, and writes local time with +0100.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.scenario import when
from holdfast.testing.scenario.lines import MALFORMED, Line
from holdfast.testing.scenario.people import AGENTS
from holdfast.testing.scenario.when import DAY, MINUTE, SECOND

if TYPE_CHECKING:
    from holdfast.testing.scenario.dice import Dice
    from holdfast.testing.scenario.story import OtherVisitor, Story

_LATENCY = 80_000
"""Microseconds from a click to the host."""


def build(story: Story, noise: int) -> list[Line]:
    """Return the lines in no order, `noise` of them besides those of the plot."""
    dice = story.dice("access log")
    lines = [*_setting_up(story, dice), *_ingrid(story), *_panel(story, dice), *_malformed(story)]
    for other in story.others:
        lines += _other(story, dice, other)
    times = dice.times(noise, story.times.start, story.times.seized)
    lines += [_noise(story, dice, time) for time in times]
    return lines


def _line(
    time: int,
    ip: str,
    request: str,
    status: int,
    size: int,
    *,
    referrer: str = "-",
    agent: str = "-",
    role: str = "",
    user: str = "-",
) -> Line:
    sent = str(size) if size else "-"
    text = f'{ip} - {user} [{when.clf(time)}] "{request}" {status} {sent} "{referrer}" "{agent}"'
    return Line(time, text.encode("ascii"), role)


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def _setting_up(story: Story, dice: Dice) -> list[Line]:
    """The fraudster gets a certificate, fills the kit, tries it out, and sends the mail from it."""
    times, fraud, fake = story.times, story.fraud, story.fake
    panel = f"https://{fraud.domain}/secure/panel/"

    def operator(time: int, step: tuple[str, int, int, str], role: str) -> Line:
        request, status, size, back = step
        return _line(
            time, fraud.operator_ip, request, status, size,
            referrer=back, agent=fraud.operator_agent, role=role,
        )  # fmt: skip

    up, test = times.kit_uploaded, times.kit_tested
    lines = [
        _line(
            times.kit_unpacked + (74 + n) * SECOND, f"2001:db8:9::{n + 1}",
            f"GET /.well-known/acme-challenge/{dice.hex(32)} HTTP/1.1", 200, 87,
            agent="Mozilla/5.0 (compatible; Certificate check; +https://ca.example)",
            role="certificate",
        )
        for n in range(3)
    ]  # fmt: skip
    get = ("GET /secure/panel/upload.php HTTP/1.1", 200, 1187, panel)
    for n, name in enumerate(("logo.png", "style.css", fake.receipt.name)):
        form = up + n * 20 * SECOND
        post = (f"POST /secure/panel/upload.php?as={name} HTTP/1.1", 302, 0, panel + "upload.php")
        lines += [
            operator(form, get, "kit form"),
            operator(form + dice.between(5, 12) * SECOND, post, "kit upload"),
        ]
    steps = (
        ("GET /secure/ HTTP/1.1", 200, 4210, "-"),
        ("GET /secure/style.css HTTP/1.1", 200, 2231, fake.login),
        ("GET /secure/logo.png HTTP/1.1", 200, 1302, fake.login),
        ("POST /secure/login.php HTTP/1.1", 302, 0, fake.login),
        ("GET /secure/code.php HTTP/1.1", 200, 2954, fake.login),
        ("GET /secure/panel/list.php HTTP/1.1", 200, 644, panel),
    )
    mailing = ("POST /secure/panel/send.php HTTP/1.1", 200, 388, panel + "send.php")
    lines.append(operator(times.mail_sent, mailing, "mailing"))
    lines += [operator(test + n * 4 * SECOND, step, "kit test") for n, step in enumerate(steps)]
    return lines


def _ingrid(story: Story) -> list[Line]:
    """What Ingrid's browser asked for, a moment after each of her clicks."""
    times, fake = story.times, story.fake
    receipt = len(fake.receipt.data)
    steps = (
        (times.link_clicked, "GET " + _path(story.phishing.link), 302, 0, "-", "victim link"),
        (times.link_clicked + 120_000, "GET /secure/", 200, 4210, "-", "victim page"),
        (times.link_clicked + 260_000, "GET /secure/style.css", 200, 2231, fake.login, ""),
        (times.link_clicked + 270_000, "GET /secure/logo.png", 200, 1302, fake.login, ""),
        (times.link_clicked + 900_000, "GET /favicon.ico", 404, 196, fake.login, ""),
        (times.login_posted, "POST /secure/login.php", 302, 0, fake.login, "victim login"),
        (times.login_posted + 110_000, "GET /secure/code.php", 200, 2954, fake.login, ""),
        (times.code_posted, "POST /secure/check.php", 302, 0, fake.code, "victim code"),
        (times.code_posted + 95_000, "GET /secure/done.php", 200, 1822, fake.code, ""),
        (times.receipt_downloaded, "GET " + _path(fake.receipt_get), 302, 0, fake.done, ""),
        (
            times.receipt_downloaded + 90_000, "GET " + _path(fake.receipt_url),
            200, receipt, fake.done, "victim download",
        ),
    )  # fmt: skip
    return [
        _line(
            time + _LATENCY, story.victim.ip, f"{request} HTTP/1.1", status, size,
            referrer=referrer, agent=story.victim.agent, role=role or "victim other",
        )
        for time, request, status, size, referrer, role in steps
    ]  # fmt: skip


def _panel(story: Story, dice: Dice) -> list[Line]:
    """The fraudster reads what was typed: soon after Ingrid, and again and again."""
    panel = f"https://{story.fraud.domain}/secure/panel/"
    read = story.times.panel_read
    moments = [(read, story.fraud.operator_ip, "panel read after victim")]
    moments += [
        (time, dice.pick((story.fraud.operator_ip, story.fraud.operator_ip6)), "panel read")
        for time in dice.times(14, read + 20 * MINUTE, read + 2 * DAY)
    ]
    return [
        _line(
            time, ip, "GET /secure/panel/list.php HTTP/1.1", 200, 775 + 131 * n,
            referrer=panel, agent=story.fraud.operator_agent, role=role,
        )
        for n, (time, ip, role) in enumerate(moments)
    ]  # fmt: skip


def _other(story: Story, dice: Dice, other: OtherVisitor) -> list[Line]:
    steps = [
        (0, f"GET /r/{other.token}", 302, 0, "-", "other visitor"),
        (130_000, "GET /secure/", 200, 4210, "-", "other visitor"),
        (300_000, "GET /secure/style.css", 200, 2231, story.fake.login, "other visitor"),
    ]
    if other.posted:
        late = dice.between(35, 90) * SECOND
        steps += [
            (late, "POST /secure/login.php", 302, 0, story.fake.login, "other victim login"),
            (late + 100_000, "GET /secure/code.php", 200, 2954, story.fake.login, "other visitor"),
        ]
    return [
        _line(
            other.time + delay, other.ip, f"{request} HTTP/1.1", status, size,
            referrer=referrer, agent=other.agent, role=role,
        )
        for delay, request, status, size, referrer, role in steps
    ]  # fmt: skip


def _noise(story: Story, dice: Dice, time: int) -> Line:
    throw = dice.below(100)
    if throw < 52:
        return _customer(story, dice, time)
    if throw < 74:
        name, agent = dice.pick(_CRAWLERS)
        path = dice.pick((*_SHOP, "/robots.txt", "/sitemap.xml"))
        ip = f"198.51.100.{20 + 5 * name + dice.below(5)}"
        status, size = dice.pick(((200, dice.between(900, 40_000)), (304, 0), (404, 196)))
        return _line(time, ip, f"GET {path} HTTP/1.1", status, size, agent=agent)
    if throw < 97:
        ip = f"192.0.2.{dice.between(201, 250)}"
        request, status = dice.pick(_SCANS)
        agent = dice.pick(_SCANNERS)
        return _line(time, ip, request, status, 0 if status == 408 else 196, agent=agent)
    if throw < 99:
        return _line(time, "::1", "OPTIONS * HTTP/1.0", 200, 126, agent="Apache (dummy)")
    # The shop's owner, who has a password for the back room.
    ip, user = story.host.admin_ip, story.host.admin
    return _line(
        time, ip, "GET /lager/ HTTP/1.1", 200, 7710, agent=AGENTS[4], user=user
    )  # fmt: skip


def _customer(story: Story, dice: Dice, time: int) -> Line:
    shop = f"https://{story.host.shop_domain}"
    ip = f"203.0.113.{dice.between(121, 250)}"
    if dice.chance(12):
        ip = f"2001:db8:8:{dice.between(1, 60)}::{dice.between(2, 90)}"
    path = dice.pick(_SHOP)
    referrer = dice.pick(("-", f"{shop}/", f"{shop}/ull/", "https://sok.example/", _REFERRER))
    status, size = dice.pick(
        ((200, dice.between(400, 60_000)),) * 8 + ((304, 0), (206, 32_768), (404, 196))
    )
    method = "GET"
    if path == "/kurv/legg-i":
        method, status, size = "POST", 302, 0
    agent = dice.pick(_AGENTS)
    return _line(
        time, ip, f"{method} {path} HTTP/1.1", status, size, referrer=referrer, agent=agent
    )


def _malformed(story: Story) -> list[Line]:
    """Lines that a full disk, a crash and another program left in the log."""
    start, at = story.times.start, story.times.kit_tested
    good = _line(at, "203.0.113.130", "GET /ull/merino HTTP/1.1", 200, 8121, agent=AGENTS[1])
    broken = (
        (start + 5 * MINUTE, b"AH00094: Command line: '/usr/sbin/apache2'"),
        (start + DAY, good.content[:41]),
        (at - DAY, good.content[:70] + good.content[:70]),
        (at, b"\x00" * 64),
        (story.times.login_posted - 9 * MINUTE, b"203.0.113.131 - - [\xe6\xf8\xe5] GET /"),
        (story.times.seized - MINUTE, good.content.replace(b'"', b"'")),
    )
    return [Line(time, content, MALFORMED) for time, content in broken]


_SHOP = (
    "/", "/ull/", "/ull/merino", "/ull/alpakka", "/pinner/", "/oppskrifter/votter", "/kurv",
    "/kurv/legg-i", "/kasse", "/om-oss", "/bilder/garn-01.webp", "/bilder/garn-02.webp",
    "/stil.css", "/kurv.js", "/favicon.ico", "/s%C3%B8k?q=gr%C3%B8nn+ull", "/nyheter?side=2",
)  # fmt: skip
_REFERRER = "https://strikk.example/oppskrift/1077"
_AGENTS = (*AGENTS, *AGENTS, 'Mozilla/5.0 (SmartTV; \\"Stue\\") Garn/1.0')
"""The last has quotation marks, which Apache writes with a backslash."""
_CRAWLERS = (
    (0, "Mozilla/5.0 (compatible; SokBot/2.1; +https://sok.example/bot)"),
    (1, "Mozilla/5.0 (compatible; ArkivBot/1.4; +https://arkiv.example/om)"),
    (2, "PriceSpider/7.0 (+https://pris.example)"),
    (3, "Mozilla/5.0 (compatible; LinkRank/0.9)"),
)
_SCANS = (
    ("GET /wp-login.php HTTP/1.1", 404),
    ("POST /xmlrpc.php HTTP/1.1", 404),
    ("GET /.env HTTP/1.1", 404),
    ("GET /.git/config HTTP/1.1", 404),
    ("GET /phpmyadmin/index.php HTTP/1.1", 404),
    ("GET /cgi-bin/../../../../bin/sh HTTP/1.1", 400),
    ("GET /?q=%27%20OR%201%3D1--%20 HTTP/1.1", 200),
    ("GET /backup.zip HTTP/1.0", 404),
    ("\\x16\\x03\\x01\\x02", 400),
    ("HEAD / HTTP/1.0", 200),
    ("CONNECT mail.test:25 HTTP/1.1", 405),
    ("-", 408),
)
_SCANNERS = (
    "-", "-", "Mozilla/5.0", "curl/8.5.0", "python-requests/2.32", "scanme/0.3 (+https://scan.test)",
)  # fmt: skip
