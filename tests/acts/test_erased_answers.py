"""Promise 1, "Erased by order": what a server keeps of answers goes with what was erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.serving.once import claim, keep
from holdfast.vault import erasure, served
from holdfast.vault.vault import Vault

if TYPE_CHECKING:
    import pytest

    from tests.line import Line


def test_an_erasure_takes_the_answers_too(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault.open(line.vault)
    for folder in (served.answers(vault.root), served.results(vault.root)):
        folder.mkdir(parents=True)
        (folder / "a.jsonl").write_text("a name\n")
    assert claim(vault.engine, "alice", "k") is None
    keep(vault.engine, "alice", "k", "a name")
    monkeypatch.setattr(erasure, "pending", lambda _vault: [1])
    erasure.finish(vault)
    assert not list((vault.root / served.FOLDER).rglob("*.jsonl"))
    # That it was done is still known, and no more.
    assert claim(vault.engine, "alice", "k") == ""
    vault.engine.dispose()
