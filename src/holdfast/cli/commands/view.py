"""`view`: look at evidence in the terminal; what is shown was made in the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.common import CASE, JSON, Where, emit, new_file, say, warn, where
from holdfast.core import durable
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.acts.viewing import Viewed

    Told = Callable[[dict[str, Any]], Iterator[str]]


@click.command()
@where
@CASE
@click.argument("item")
@click.argument("path", default="", metavar="[PATH]")
@click.option("--as", "viewer", default="", metavar="VIEWER", help="hex, text, table and so on.")
@click.option(
    "--page",
    type=click.IntRange(1, 1 << 40),
    default=1,
    metavar="N",
    help="From 1; 1, if left out.",
)
@click.option("--part", default="", metavar="NAME", help="What of it: a table of a database.")
@click.option("--to", "target", default="", metavar="FILE.png", help="Write its picture, blurred.")
@click.option("--clear", is_flag=True, help="With --to: the picture as it is.")
@JSON
def view(
    place: Where,
    *,
    case: str,
    item: str,
    path: str,
    viewer: str,
    page: int,
    part: str,
    target: str,
    clear: bool,
    as_json: bool,
) -> None:
    """Show a file of the case, or PATH inside it, a page at a time.

    ITEM is an exhibit (AL/1) or its digest. The file is decoded in a sandboxed process, and shown
    as text, bytes, rows or pictures made anew; nothing of it runs. Each page is an entry.

    \b
    Example:
      holdfast view --case 2026-0001 AL/1
      holdfast view --case 2026-0001 AL/2 1/2/invoice.pdf --to page.png
    """
    from holdfast.acts import viewing  # noqa: PLC0415 - keeps --help quick

    if clear and not target:
        raise click.UsageError("--clear says which picture --to writes")
    file = new_file(target, {".png"}) if target else None
    wanted = "" if file is None else "clear" if clear else "blurred"
    with place.session() as session:
        seen = viewing.view(
            session,
            viewing.View(
                case=case, item=item, inside=path, viewer=viewer, page=page - 1, part=part,
                picture=wanted,
            ),
        )  # fmt: skip
    if file is not None and seen.picture is not None:
        with durable.disk_errors(file):
            durable.create(file, seen.picture, 0o644)
    if as_json:
        emit(seen.as_json())
    else:
        _print(seen)
    if seen.shown.failed:
        raise InputError(f"it can't be shown: {seen.shown.failed}", _others(seen))
    if file is not None and not as_json:
        say(f"Its {wanted} picture is written to {file}")


def _others(seen: Viewed) -> str:
    names = [one for one in seen.shown.file.viewers if one != seen.shown.viewer]
    return f"try --as {names[0]}" if names else ""


def _print(seen: Viewed) -> None:
    shown = seen.shown
    if shown.failed:
        return
    for note in shown.notes:
        warn(note)
    for text in _TOLD[shown.kind](shown.content):
        for one in text.split("\n"):
            say(one.replace("\t", "    "))
    if shown.more:
        warn("there is more: --page with the next number")


def _text(content: dict[str, Any]) -> Iterator[str]:
    for one in content["lines"]:
        at = "" if one["at"] is None else f"{one['at']:x}"
        yield f"{at:>8}  {one['text']}"


def _hex(content: dict[str, Any]) -> Iterator[str]:
    for at, row, letters in content["rows"]:
        yield f"{at}  {row:<47}  {letters}"


def _picture(content: dict[str, Any]) -> Iterator[str]:
    yield f"a picture of {content['width']} x {content['height']} pixels; --to FILE.png writes it"
    for name, value in content["facts"]:
        yield f"{name}: {value}"


def _document(content: dict[str, Any]) -> Iterator[str]:
    yield content["text"]


def _mail(content: dict[str, Any]) -> Iterator[str]:
    for name, value in content["headers"]:
        yield f"{name}: {value}"
    yield ""
    yield content["text"]
    for one in content["attachments"]:
        yield f"attached: {one['name']} ({one['type']}, {one['size']} bytes): {one['path']}"


def _chat(content: dict[str, Any]) -> Iterator[str]:
    for one in content["bubbles"]:
        yield f"{one['number']:>4}  {one['from']}, {one['date']}: {one['subject']}"
        for text in one["text"].splitlines():
            yield f"      {text}"


def _table(content: dict[str, Any]) -> Iterator[str]:
    if content["parts"]:
        yield f"table {content['part']} of: {', '.join(content['parts'])}"
    for row in (content["columns"], *content["rows"]):
        yield " | ".join(row)


def _media(content: dict[str, Any]) -> Iterator[str]:
    length = "" if content["seconds"] is None else f", {content['seconds']} seconds"
    yield f"{content['type']}, {content['size']} bytes{length}"


def _capture(content: dict[str, Any]) -> Iterator[str]:
    for one in content["captured"]:
        yield f"{one['time']}  {one['title']}  {one['url']}"


_TOLD: dict[str, Told] = {
    "capture": _capture,
    "chat": _chat,
    "document": _document,
    "hex": _hex,
    "mail": _mail,
    "media": _media,
    "picture": _picture,
    "table": _table,
    "text": _text,
}
