"""`collect web`: capture what a browser is served."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.common import CASE, JSON, Where, emit, progress, say, size_text, warn, where
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.acts.comparing import Compared
    from holdfast.acts.web_captures import Kept, Options

_VIEWPORT = re.compile(r"([1-9][0-9]{1,3})x([1-9][0-9]{1,3})")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def _viewport(_ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    found = _VIEWPORT.fullmatch(value)
    if found is None:
        raise click.BadParameter("give WIDTHxHEIGHT, such as 1280x1024", param=param)
    return int(found[1]), int(found[2])


def _locale(_ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not _LOCALE.fullmatch(value):
        raise click.BadParameter("give a language, such as en-US", param=param)
    return value


def _timezone(_ctx: click.Context, param: click.Parameter, value: str) -> str:
    from zoneinfo import available_timezones  # noqa: PLC0415 - keeps --help quick

    if value not in available_timezones():
        raise click.BadParameter("give a zone's name, such as Europe/Paris", param=param)
    return value


def _header(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not (value.isprintable() and value.isascii()):
        raise click.BadParameter("a header holds printable ASCII", param=param)
    return value


def _self_test(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    """Run the self-test in a process of its own, and end with its verdict."""
    if not value:
        return
    done = subprocess.run(
        [sys.executable, "-m", "holdfast.testing.web_self_test", *_passed_on(sys.argv)],
        check=False,
    )
    ctx.exit(done.returncode)


def _passed_on(words: list[str]) -> list[str]:
    """Return what of a command line says which browser is meant."""
    found: list[str] = []
    for at, word in enumerate(words):
        if word.partition("=")[0] in {"--browser", "--browser-user"}:
            found += words[at : at + (1 if "=" in word else 2)]
        elif word == "--no-browser-sandbox":
            found.append(word)
    return found


_PAGE = [
    click.option("--timeout", type=click.FloatRange(1, 3600), default=60.0, show_default=True,
                  metavar="SECONDS", help="Until a page must have loaded."),
    click.option("--settle", type=click.FloatRange(0, 600), default=3.0, show_default=True,
                  metavar="SECONDS", help="For what loads after that, at most."),
    click.option("--no-scroll", is_flag=True, help="Leave the page where it opens."),
    click.option("--viewport", default="1280x1024", show_default=True, callback=_viewport,
                  metavar="WxH", help="The window, in CSS pixels."),
    click.option("--locale", default="en-US", show_default=True, callback=_locale,
                  metavar="LANG", help="The language asked for."),
    click.option("--timezone", default="UTC", show_default=True, callback=_timezone,
                  metavar="ZONE", help="The zone that pages see."),
    click.option("--user-agent", callback=_header, metavar="TEXT",
                  help="Named instead of the browser's own; recorded."),
    click.option("--proxy", metavar="URL", help="Another vantage point: socks5h:// or http://."),
    click.option("--resolve", "named", multiple=True, metavar="HOST=ADDRESS",
                  help="Take a name to be at an address; recorded."),
    click.option("--trust", multiple=True, metavar="PEM",
                  help="Trust this authority's certificates, too; recorded."),
]  # fmt: skip
"""How a page is captured: what `collect web` and a schedule have in common."""


def page_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how a page is captured."""
    for option in reversed(_PAGE):
        function = option(function)
    return function


@click.command("web")
@click.option("--self-test", is_flag=True, expose_value=False, is_eager=True, callback=_self_test,
              help="Capture a hostile site and say what is exact on this browser.")  # fmt: skip
@where
@CASE
@click.argument("urls", nargs=-1, metavar="URL...")
@click.option("--list", "listed", metavar="FILE", help="More addresses, one a line; - for stdin.")
@page_options
@click.option("--second-proxy", metavar="URL",
              help="Capture from there as well, at once, and compare.")  # fmt: skip
@click.option("--second-witness", is_flag=True,
              help="Keep the packets and their TLS keys, too, and compare.")  # fmt: skip
@click.option("--record", is_flag=True, help="Record the screen while the page loads.")
@click.option("--record-limit", type=click.IntRange(1, 100_000), default=100, show_default=True,
              metavar="MB", help="A recording may have.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1, 10_000_000), metavar="MB",
              help="Receive no more than this.")  # fmt: skip
@click.option("--parallel", type=click.IntRange(1, 32), default=1, show_default=True,
              metavar="N", help="Captures at once.")  # fmt: skip
@click.option("--delay", type=click.FloatRange(0, 86400), default=0.0, show_default=True,
              metavar="SECONDS", help="Between two captures from one host.")  # fmt: skip
@click.option("--depth", type=click.IntRange(0, 20), default=0, show_default=True,
              metavar="N", help="Follow links within the scope, N deep.")  # fmt: skip
@click.option("--storage-state", metavar="FILE",
              help="Signed in, with what Playwright's storageState wrote.")  # fmt: skip
@click.option("--account", metavar="NAME", help="The approved account they are of.")
@click.option("--browser", metavar="FILE", help="The Chromium to use; else the system's.")
@click.option("--browser-user", metavar="NAME",
              help="As root: who runs it; else HOLDFAST_BROWSER_USER, else nobody.")  # fmt: skip
@click.option("--no-browser-sandbox", is_flag=True,
              help="Run the browser without its own sandbox; recorded.")  # fmt: skip
@JSON
def web(
    place: Where,
    *,
    case: str,
    urls: tuple[str, ...],
    listed: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Capture web pages as a browser is served them, each as one item (a WACZ).

    The case's scope must name each page: `case open --scope example.org`. A fresh Chromium loads
    the page, scrolls it through and leaves it; every exchange is kept byte for byte, with what was
    seen and a ledger of what is missing. A URL of - reads addresses from standard input.

    \b
    Example:
      holdfast collect web --case 2026-0001 https://shop.example.org/
    """
    from holdfast.acts.capturing import collect_web  # noqa: PLC0415
    from holdfast.acts.comparing import Compared  # noqa: PLC0415
    from holdfast.acts.web_captures import CollectWeb  # noqa: PLC0415
    from holdfast.collect.interfaces import Skipped  # noqa: PLC0415

    addresses = tuple(dict.fromkeys(_addresses(urls, listed)))
    if not addresses:
        raise click.UsageError("no address is named; give URL..., or --list FILE")
    request = CollectWeb(case, addresses, options_of(given))
    failed: list[str] = []
    count = 0
    with place.session() as session, progress("Capturing", "pages") as session.progress:
        for one in collect_web(session, request):
            if isinstance(one, Skipped):
                failed.append(f"{one.path.decode()}: {one.reason}")
                warn(f"not captured: {failed[-1]}")
                continue
            if isinstance(one, Compared):
                _tell_pair(one, as_json=as_json)
                continue
            count += 1
            tell(one, as_json=as_json)
    if failed:
        raise InputError(
            f"{len(failed)} of {len(failed) + count} pages could not be captured "
            f"(first: {failed[0]})",
            "see the lines above; mend it and repeat",
        )


def _addresses(urls: tuple[str, ...], listed: str | None) -> list[str]:
    """Return every address that was named, on the line or in a list.

    Raises:
        InputError: a list can't be read.
    """
    found: list[str] = []
    for one in (*urls, *([] if listed is None else [listed])):
        if one == "-":
            found += _lines(sys.stdin.buffer.read(), "standard input")
        elif one is listed:
            try:
                found += _lines(Path(one).read_bytes(), one)
            except OSError as error:
                raise InputError(f"{one} can't be read: {error.strerror}") from None
        else:
            found.append(one)
    return found


def _lines(data: bytes, where_from: str) -> list[str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{where_from} is not UTF-8 text", "give one address a line") from None
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def options_of(given: dict[str, Any]) -> Options:
    """Return a command's options as an act takes them."""
    from holdfast.acts.web_captures import Options  # noqa: PLC0415

    limit, trusted = given.pop("limit", None), given.pop("trust")
    if "record_limit" in given:
        given["record_limit"] *= 1_000_000
    state = given.pop("storage_state", None)
    return Options(
        scroll=not given.pop("no_scroll"),
        sandbox=not given.pop("no_browser_sandbox", False),
        limit=None if limit is None else limit * 1_000_000,
        trust=tuple(Path(one) for one in trusted),
        storage_state=None if state is None else Path(state),
        **given,
    )


def tell(one: Kept, *, as_json: bool) -> None:
    """Say what was captured."""
    made, item = one.captured, one.collected
    if as_json:
        emit(one.as_json())
    else:
        labels = f"  [{', '.join(made.assurance)}]" if made.assurance else ""
        own = f"  (and {made.background} of the browser's own, refused)" if made.background else ""
        say(
            f"{item.exhibit:<8} {item.item[:16]}  {size_text(item.size):>9}  {made.url}  "
            f"{made.exact} of {made.exchanges} exchanges exact{labels}{own}"
        )
        if made.second_witness is not None:
            say(f"{item.exhibit:<8} second witness: {made.second_witness.words}")
    if made.error is not None:
        warn(f"{made.url} did not load: {made.error}; what was served is kept")
    for url in made.out_of_scope:
        warn(f"{made.url} leads to {url}, which is outside the case's scope; not followed")
    for url in made.unapproved:
        warn(
            f"{made.url} leads to {url}, a person's page that nobody has approved; not followed: "
            "see `holdfast collect profile --help`"
        )


def _tell_pair(one: Compared, *, as_json: bool) -> None:
    """Say whether both vantage points were shown the same."""
    if as_json:
        emit(one.as_json())
        return
    pair = f"{one.first.label} and {one.second.label}"
    cloaking: Any = one.difference.cloaking
    if cloaking is None:
        say(f"{pair}: they could not be compared: {one.difference.report['reason']}")
        return
    what = ", ".join(cloaking["what"]).replace("_", " ")
    words = f"differs by vantage point: {what}" if what else "the same from both vantage points"
    say(f"{pair}: {words}; see `collect diff`")


@click.command("url")
@where
@CASE
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--limit", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True,
              metavar="MB", help="A file may have.")  # fmt: skip
@click.option("--proxy", metavar="URL", help="Another vantage point: socks5h:// or http://.")
@click.option("--resolve", "named", multiple=True, metavar="HOST=ADDRESS",
              help="Take a name to be at an address; recorded.")  # fmt: skip
@click.option("--trust", multiple=True, metavar="PEM",
              help="Trust this authority's certificates, too; recorded.")  # fmt: skip
@JSON
def url(
    place: Where,
    *,
    case: str,
    urls: tuple[str, ...],
    limit: int,
    proxy: str | None,
    named: tuple[str, ...],
    trust: tuple[str, ...],
    as_json: bool,
) -> None:
    """Download files, each as one item, with what was said on the wire as another (WARC).

    The case's scope must name each address, and where it redirects to. What breaks off is asked
    for again from there. No script runs; for pages, see `collect web`.

    \b
    Example:
      holdfast collect url --case 2026-0001 https://shop.example.org/prices.apk
    """
    from holdfast.acts.downloading import CollectUrl, collect_url  # noqa: PLC0415
    from holdfast.collect.interfaces import Skipped  # noqa: PLC0415

    request = CollectUrl(
        case=case,
        urls=tuple(dict.fromkeys(urls)),
        limit=limit * 1_000_000,
        proxy=proxy,
        named=named,
        trust=tuple(Path(one) for one in trust),
    )
    failed: list[str] = []
    with place.session() as session, progress("Downloading", "files") as session.progress:
        for one in collect_url(session, request):
            if isinstance(one, Skipped):
                failed.append(f"{one.path.decode()}: {one.reason}")
                warn(f"not downloaded whole: {failed[-1]}")
            elif as_json:
                emit(one.as_json())
            else:
                say(f"{one.exhibit:<8} {one.item[:16]}  {size_text(one.size):>9}  {one.path}")
    if failed:
        raise InputError(
            f"{len(failed)} of {len(request.urls)} files did not come whole (first: {failed[0]})",
            "what came is kept; see the lines above, and repeat",
        )


@click.command("account")
@where
@CASE
@click.option("--account", required=True, metavar="NAME", help="What the account is called.")
@click.option("--host", "hosts", multiple=True, required=True, metavar="HOST",
              help="Where its cookies may go: social.example, domain:social.example.")  # fmt: skip
@click.option("--order", required=True, metavar="TEXT", help="Whose order covers the account.")
@JSON
def account(
    place: Where, *, case: str, account: str, hosts: tuple[str, ...], order: str, as_json: bool
) -> None:
    """Ask that captures of a case may sign in with an account; another person approves.

    \b
    Example:
      holdfast collect account --case 2026-0001 --account jane.doe --host social.example \\
        --order "Court of X, 12 May, no. 3"
    """
    from holdfast.acts.accounts import RequestAccount, request_account  # noqa: PLC0415

    with place.session() as session:
        asked = request_account(session, RequestAccount(case, account, hosts, order))
    if as_json:
        emit(asked.as_json())
    else:
        say(f"Asked by entry {asked.entry}; another person approves it:")
        say(f"  holdfast request approve {asked.entry}")
