"""Every document tells the truth: its examples run, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.console import WrongDocumentError, blocks, examples, run

ROOT = Path(__file__).parents[2]

DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "changes/*.md", "bench/**/*.md", "tests/*.md")
    for path in ROOT.glob(pattern)
)

WITH_EXAMPLES = [path for path in DOCUMENTS if examples((ROOT / path).read_text("utf-8"))]

FIRST_READ = {Path("README.md"), Path("docs/tutorial/first-case.md")}

AS_TYPED = [
    pytest.param(path, marks=() if path in FIRST_READ else pytest.mark.soak)
    for path in WITH_EXAMPLES
]
"""The rest of them in the long run only: their starts alone cost 80 s."""

WITHOUT_STARTS = [path for path in WITH_EXAMPLES if path not in FIRST_READ]

COMMAND_LANGUAGES_NEVER_RUN = {"bash", "shell", "zsh", "shellsession", "terminal", "session"}

_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$", re.MULTILINE)


@pytest.mark.parametrize("path", AS_TYPED, ids=str)
def test_examples_do_what_they_show(path: Path, tmp_path: Path) -> None:
    """With the program that is installed."""
    folder = tmp_path / "here"
    folder.mkdir()
    assert run((ROOT / path).read_text("utf-8"), folder)


@pytest.mark.parametrize("path", WITHOUT_STARTS, ids=str)
def test_examples_do_what_they_show_without_starts(
    path: Path, tmp_path: Path, waiting: Path
) -> None:
    """What is shown is held to the word as above; no command is imported anew."""
    folder = tmp_path / "here"
    folder.mkdir()
    assert run((ROOT / path).read_text("utf-8"), folder, waiting)


def test_another_outcome_is_noticed_without_starts(tmp_path: Path, waiting: Path) -> None:
    right = "```console\n$ holdfast --version\nholdfast, version ...\n```\n"
    assert run(right, tmp_path, waiting)
    failing = "```console\n$ holdfast verify --vault gone\nholdfast: there is no vault at gone...\n"
    assert run(f"{failing}[exit 3]\n```\n", tmp_path, waiting)
    for wrong in (f"{failing}[exit 4]\n```\n", right.replace("version ...", "vision ...")):
        with pytest.raises(WrongDocumentError):
            run(wrong, tmp_path, waiting)


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_a_command_is_either_run_or_marked_as_not_run(path: Path) -> None:
    """```console is run here; ```sh is for a machine's set-up, which is tested by doing it."""
    for block in blocks((ROOT / path).read_text("utf-8")):
        assert block.language not in COMMAND_LANGUAGES_NEVER_RUN, (
            f"{path}:{block.line}: a command is in a ```console block, which is run, or ```sh"
        )
        if block.language != "console":
            prompts = [line for line in block.lines if line.startswith("$ ")]
            assert not prompts, f"{path}:{block.line}: only a ```console block has a '$ ' prompt"


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    text = _prose((ROOT / path).read_text("utf-8"))
    for target in [*_LINK.findall(text), *_REFERENCE.findall(text)]:
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        found = (ROOT / path).parent / name if name else ROOT / path
        assert found.exists(), f"{path}: the link to {target} leads nowhere"
        assert found.resolve().is_relative_to(ROOT), f"{path}: {target} leaves the project"
        if anchor and found.suffix == ".md":
            assert anchor in _anchors(found), f"{path}: {name or path} has no heading for #{anchor}"


def test_there_are_examples_to_run() -> None:
    assert Path("README.md") in WITH_EXAMPLES
    assert Path("docs/tutorial/first-case.md") in WITH_EXAMPLES


def _prose(text: str) -> str:
    """Return `text` without fenced blocks and code spans, where brackets are only brackets."""
    lines = text.splitlines()
    for block in blocks(text):
        for number in range(block.line - 1, block.line - 1 + len(block.lines)):
            lines[number] = ""
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", "\n".join(lines))


def _anchors(path: Path) -> set[str]:
    """Return the names that forges give to headings: lower case, hyphens, no punctuation."""
    headings = _HEADING.findall(path.read_text("utf-8"))
    plain = (re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings)
    return {re.sub(r"\s", "-", heading) for heading in plain}
