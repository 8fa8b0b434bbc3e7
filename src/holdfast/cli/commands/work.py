"""`note`, `decision`, `task`: what people write down while they work on a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.acts import citing, decisions, notes, pieces, tasks
from holdfast.cli.common import CASE, JSON, Where, emit, say, where

if TYPE_CHECKING:
    from holdfast.vault.casework import Piece

CITE = click.option(
    "--cite",
    "cites",
    multiple=True,
    metavar="RECORD",
    help="A record: AL/1, AL/1:PATH, AL/1:PATH#row=3 or #offset=40. Repeat.",
)


def tell(piece: Piece, line: str, *, as_json: bool) -> None:
    """Print what was entered."""
    if as_json:
        emit(pieces.as_json(piece))
    else:
        say(line)


def list_pieces(place: Where, case: str, kind: str, field: str, *, as_json: bool) -> None:
    """Print the pieces of a kind, a line each: `field` is what they say."""
    with place.session() as session:
        for one in pieces.of_case(session, pieces.Of(case, kind)):
            if as_json:
                emit(pieces.as_json(one))
                continue
            first = str(one.words.get(field, "(erased)")).splitlines()[0]
            cites = ", ".join(citing.shown(each) for each in one.words.get("cites", []))
            more = f"  [{cites}]" if cites else ""
            say(f"{one.number:>4}  {one.begun.time[:16]}  {one.begun.name:<12} {first}{more}")


@click.group()
def note() -> None:
    """Write and read notes on a case."""


@note.command("add")
@where
@CASE
@click.option("--text", required=True, metavar="T", help="What is noted.")
@CITE
@JSON
def add_note(place: Where, *, case: str, text: str, cites: tuple[str, ...], as_json: bool) -> None:
    """Write a note, about the case or a record of it. It can't be changed any more.

    \b
    Example:
      holdfast note add --case 2026-0001 --text "Called the bank" --cite AL/1
    """
    with place.session() as session:
        made = notes.note(session, notes.Note(case, text, cites))
    tell(made, f"Note {made.number}", as_json=as_json)


@note.command("list")
@where
@CASE
@JSON
def list_notes(place: Where, *, case: str, as_json: bool) -> None:
    """List the notes of a case, oldest first.

    \b
    Example:
      holdfast note list --case 2026-0001
    """
    list_pieces(place, case, "note", "text", as_json=as_json)


@click.group()
def decision() -> None:
    """Log decisions and their reasons."""


@decision.command("add")
@where
@CASE
@click.option("--decision", "text", required=True, metavar="T", help="What was decided.")
@click.option("--reasons", required=True, metavar="T", help="Why.")
@click.option("--alternatives", default="", metavar="T", help="What else was weighed.")
@click.option("--by", "decided_by", default="", metavar="NAME", help="Who decided; else you.")
@JSON
def add_decision(
    place: Where,
    *,
    case: str,
    text: str,
    reasons: str,
    alternatives: str,
    decided_by: str,
    as_json: bool,
) -> None:
    """Log a decision. It stays, also where a later one overrules it.

    \b
    Example:
      holdfast decision add --case 2026-0001 --decision "No search of the office" \\
        --reasons "The server is hosted elsewhere" --alternatives "Search both"
    """
    request = decisions.Decision(case, text, reasons, alternatives, decided_by)
    with place.session() as session:
        made = decisions.decide(session, request)
    tell(made, f"Decision {made.number}", as_json=as_json)


@decision.command("list")
@where
@CASE
@JSON
def list_decisions(place: Where, *, case: str, as_json: bool) -> None:
    """List the decisions on a case, oldest first.

    \b
    Example:
      holdfast decision list --case 2026-0001
    """
    list_pieces(place, case, "decision", "decision", as_json=as_json)


@click.group()
def task() -> None:
    """Set tasks, give them to people, settle them."""


@task.command("add")
@where
@click.argument("title")
@CASE
@click.option("--details", default="", metavar="T", help="What it takes.")
@click.option("--to", "assigned", default="", metavar="NAME", help="Who is to do it.")
@click.option("--due", default="", metavar="DATE", help="Its last day.")
@JSON
def add_task(
    place: Where,
    *,
    title: str,
    case: str,
    details: str,
    assigned: str,
    due: str,
    as_json: bool,
) -> None:
    """Set a task.

    \b
    Example:
      holdfast task add "Ask the registrar" --case 2026-0001 --to bob --due 2027-01-31
    """
    with place.session() as session:
        made = tasks.add_task(session, tasks.AddTask(case, title, details, assigned, due))
    tell(made, f"Task {made.number}: {made.words['title']}", as_json=as_json)


@task.command("change")
@where
@click.argument("number", type=click.IntRange(1, 10**9))
@CASE
@click.option("--title", metavar="T", help="What it is called.")
@click.option("--details", metavar="T", help="What it takes.")
@click.option("--to", "assigned", metavar="NAME", help="Who is to do it; '' for nobody.")
@click.option("--due", metavar="DATE", help="Its last day; '' for none.")
@click.option("--state", type=click.Choice(tasks.STATES), help="How it stands.")
@click.option("--outcome", metavar="T", help="What came of it.")
@JSON
def change_task(
    place: Where,
    *,
    number: int,
    case: str,
    title: str | None,
    details: str | None,
    assigned: str | None,
    due: str | None,
    state: str | None,
    outcome: str | None,
    as_json: bool,
) -> None:
    """Change, settle or reopen a task.

    \b
    Example:
      holdfast task change 1 --case 2026-0001 --state done --outcome "Answered by letter"
    """
    request = tasks.ChangeTask(case, number, title, details, assigned, due, state, outcome)
    with place.session() as session:
        made = tasks.change_task(session, request)
    tell(made, f"Task {made.number} is {made.state}", as_json=as_json)


@task.command("list")
@where
@CASE
@click.option("--state", type=click.Choice(tasks.STATES), default=None, help="Those only.")
@JSON
def list_tasks(place: Where, *, case: str, state: str | None, as_json: bool) -> None:
    """List the tasks of a case.

    \b
    Example:
      holdfast task list --case 2026-0001 --state open
    """
    with place.session() as session:
        for one in pieces.of_case(session, pieces.Of(case, "task", state or "")):
            if as_json:
                emit(pieces.as_json(one))
                continue
            said = one.words
            who, due = said.get("assigned") or "nobody", str(said.get("due") or "")[:10] or "-"
            title = said.get("title", "(erased)")
            say(f"{one.number:>4}  {one.state:<8} {who:<12} due {due:<10}  {title}")
