"""Investigative questions: sets of them in YAML, as DFIQ writes them, ours and anybody's.

A question says which artefacts answer it; what a case has of those is counted elsewhere. Files come
from the unit's own people, so what they say is checked, but it is no evidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from holdfast.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST = 1 << 20
"""Bytes of one file."""
MOST = 2000
"""Files of one folder."""
ANSWER = re.compile(r"(kind|parser|indicator):[a-z0-9][a-z0-9_.-]{0,60}")
ARTEFACTS = {
    "BrowserHistory": ("kind:browser.visit", "kind:browser.download"),
    "WindowsEventLogs": ("kind:windows.event_log",),
    "WindowsXMLEventLogSysmon": ("kind:windows.event_log",),
}
"""What answers DFIQ's artefacts here; others are read by no parser of ours."""


@dataclass(frozen=True)
class Question:
    """One question of a set."""

    code: str
    """Its ID in the set: `Q0101`."""
    set: str
    """The scenario that it belongs to; of one without any, its file's name."""
    name: str
    description: str
    answers: tuple[str, ...]
    """`kind:…`, `parser:…`, `indicator:…`: the artefacts that answer it."""


def shipped() -> list[Question]:
    """Return the questions that come with Holdfast."""
    with resources.as_file(resources.files("holdfast.cases") / "question_sets") as folder:
        return load(folder)


def load(folder: Path) -> list[Question]:
    """Return the questions of a folder and of those in it, by set and code.

    Raises:
        InputError: there is no such folder, it has none, or a file is not in order.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", "name one with questions in YAML")
    files = sorted(one for end in ("*.yaml", "*.yml") for one in folder.rglob(end))
    if len(files) > MOST:
        raise InputError(f"{folder} has more than {MOST} files of YAML", "name a smaller folder")
    found = [(file, one) for file in files for one in _documents(file)]
    above = {
        str(one.get("id")): one for _, one in found if one.get("type") in {"scenario", "facet"}
    }
    questions = [
        _question(file, one, above) for file, one in found if one.get("type") == "question"
    ]
    if not questions:
        raise InputError(f"{folder} has no questions", "name a folder with DFIQ's or your own")
    return sorted(questions, key=lambda one: (one.set, one.code))


def _documents(file: Path) -> Iterator[dict[str, Any]]:
    """Yield a file's documents; aliases, which can blow a small file up, are refused.

    Raises:
        InputError: it can't be read, is too large, or is no such YAML.
    """
    import yaml  # noqa: PLC0415 - other commands need it not

    try:
        if file.stat().st_size > LARGEST:
            raise InputError(f"{file} has more than {LARGEST} bytes", "split it")
        text = file.read_text("utf-8")
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise InputError(f"{file} has an alias (*name)", "write it out")
        documents = list(yaml.safe_load_all(text))
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file} can't be read", "name files of YAML in UTF-8") from error
    except yaml.YAMLError as error:
        raise InputError(f"{file} is no YAML: {_first_line(error)}", "mend it") from error
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise InputError(f"{file} has a document that is no list of names", "see its form")
        yield document


def _question(file: Path, facts: dict[str, Any], above: dict[str, dict[str, Any]]) -> Question:
    code, name = facts.get("id"), facts.get("name")
    if not isinstance(code, str) or not isinstance(name, str) or not name.strip():
        raise InputError(f"{file} has a question without an id or a name", "give it both")
    description = facts.get("description")
    return Question(
        code,
        _scenario(facts, above) or file.stem,
        " ".join(name.split()),
        " ".join(description.split()) if isinstance(description, str) else "",
        tuple(dict.fromkeys(_answers(file, code, facts))),
    )


def _scenario(facts: dict[str, Any], above: dict[str, dict[str, Any]]) -> str:
    """Return the name of the first scenario above a question, through its facets."""
    waiting, met = _parents(facts), set[str]()
    while waiting:
        one = waiting.pop(0)
        if one in met or one not in above:
            continue
        met.add(one)
        parent = above[one]
        if parent.get("type") == "scenario":
            return " ".join(str(parent.get("name", "")).split())
        waiting += _parents(parent)
    return ""


def _parents(facts: dict[str, Any]) -> list[str]:
    found = facts.get("parent_ids")
    return [str(one) for one in found] if isinstance(found, list) else []


def _answers(file: Path, code: str, facts: dict[str, Any]) -> Iterator[str]:
    given = facts.get("answers")
    if given is None:
        for one in _values(facts.get("approaches")):
            yield from ARTEFACTS.get(one, ())
        return
    for one in given if isinstance(given, list) else [given]:
        yield check_answer(str(one), f"{file}, {code}")


def check_answer(answer: str, where: str) -> str:
    """Return what names an artefact.

    Raises:
        InputError: it names none.
    """
    if not ANSWER.fullmatch(answer):
        raise InputError(
            f"{where}: {answer!r} names no artefact",
            "kind:mail.message, parser:evtx, indicator:iban",
        )
    return answer


def _values(approaches: object) -> Iterator[str]:
    """Yield the artefacts that an approach's steps collect."""
    for approach in approaches if isinstance(approaches, list) else []:
        steps = approach.get("steps") if isinstance(approach, dict) else None
        for step in steps if isinstance(steps, list) else []:
            if isinstance(step, dict) and step.get("type") == "ForensicArtifact":
                yield str(step.get("value"))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
