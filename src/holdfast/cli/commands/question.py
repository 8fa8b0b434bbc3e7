"""`question`: investigative questions, what answers them, and what a case has of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import orjson

from holdfast.acts import citing, pieces, questions
from holdfast.cli.commands.work import CITE, tell
from holdfast.cli.common import CASE, JSON, Where, emit, say, where
from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from holdfast.cases.questions import Question

FROM = click.option(
    "--from", "folder", default="", metavar="DIR", help="Sets of your own, or DFIQ's."
)
SET = click.option("--set", "set_", default="", metavar="NAME", help="One set; its name's start.")


@click.group()
def question() -> None:
    """Investigative questions: ask them in a case, see what answers them, answer them."""


@question.command("sets")
@where
@FROM
@SET
@JSON
def sets(_place: Where, *, folder: str, set_: str, as_json: bool) -> None:
    """List the questions that can be asked: ours, the unit's (HOLDFAST_QUESTIONS), a folder's.

    \b
    Example:
      holdfast question sets --set phishing
    """
    last = ""
    for one in _chosen(folder, set_, ()):
        if as_json:
            emit({**vars(one), "answers": list(one.answers)})
            continue
        if one.set != last:
            say(one.set)
        last = one.set
        say(f"  {one.code:<6} {one.name}")


@question.command("ask")
@where
@CASE
@FROM
@SET
@click.option("--code", "codes", multiple=True, metavar="ID", help="Of the set only these. Repeat.")
@click.option("--text", default="", metavar="T", help="A question of your own, instead of a set's.")
@click.option(
    "--answers", multiple=True, metavar="WHAT", help="kind:…, parser:… or indicator:…. Repeat."
)
@JSON
def ask(
    place: Where,
    *,
    case: str,
    folder: str,
    set_: str,
    codes: tuple[str, ...],
    text: str,
    answers: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask the questions of a set in a case, or one of your own.

    \b
    Example:
      holdfast question ask --case 2026-0001 --set phishing
      holdfast question ask --case 2026-0001 --text "Who is Max?" --answers indicator:phone
    """
    if bool(text) == bool(set_ or codes):
        raise click.UsageError("give --set (and --code), or --text")
    with place.session() as session:
        if text:
            asked = [questions.Ask(case, text, "", answers)]
        else:
            asked = [questions.Ask.of(case, one) for one in _chosen(folder, set_, codes)]
        for one in asked:
            made = questions.ask(session, one)
            tell(made, f"Question {made.number}: {made.words['name']}", as_json=as_json)


def _chosen(folder: str, set_: str, codes: tuple[str, ...]) -> list[Question]:
    found = [
        one
        for one in questions.known(folder)
        if one.set.casefold().startswith(set_.casefold()) and (not codes or one.code in codes)
    ]
    if not found:
        raise InputError("there is no such question", "see `holdfast question sets`")
    return found


@question.command("list")
@where
@CASE
@JSON
def list_(place: Where, *, case: str, as_json: bool) -> None:
    """List the questions of a case, and their answers.

    \b
    Example:
      holdfast question list --case 2026-0001
    """
    with place.session() as session:
        for one in pieces.of_case(session, pieces.Of(case, questions.KIND)):
            if as_json:
                emit(pieces.as_json(one))
                continue
            say(f"{one.number:>4}  {one.state:<12} {one.words.get('name', '(erased)')}")
            for said in questions.answers_of(one)[-1:]:
                cites = ", ".join(citing.shown(each) for each in said.get("cites", []))
                say(f"      {said.get('answer', '(erased)')}  [{cites}]")


@question.command("material")
@where
@CASE
@JSON
def material(place: Where, *, case: str, as_json: bool) -> None:
    """Show how much of what answers each question the case has: records are counted, not read.

    \b
    Example:
      holdfast question material --case 2026-0001
    """
    with place.session() as session:
        for line in questions.material(session, questions.Material(case)):
            row = orjson.loads(line)
            if as_json:
                emit(row)
                continue
            say(f"{row['question']:>4}  {row['state']:<12} {row['name']}")
            has = ", ".join(f"{one['answer']} {one['count']}" for one in row["has"] if one["count"])
            say(f"      {has or 'nothing of what would answer it'}")


@question.command("answer")
@where
@click.argument("number", type=click.IntRange(1, 10**9))
@CASE
@click.option("--answer", "text", required=True, metavar="T", help="The answer, or why none.")
@click.option("--unanswerable", is_flag=True, help="It can't be answered with what there is.")
@CITE
@JSON
def answer(
    place: Where,
    *,
    number: int,
    case: str,
    text: str,
    unanswerable: bool,
    cites: tuple[str, ...],
    as_json: bool,
) -> None:
    """Answer a question, citing records; or say why it can't be answered.

    \b
    Example:
      holdfast question answer 1 --case 2026-0001 --answer "To pin.example" --cite AL/1
    """
    request = questions.Answer(case, number, text, cites, unanswerable)
    with place.session() as session:
        made = questions.answer(session, request)
    tell(made, f"Question {made.number} is {made.state}", as_json=as_json)
